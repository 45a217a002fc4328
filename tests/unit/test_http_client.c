// SPDX-License-Identifier: MIT
/* http_client: every way an exchange can end, against a server of raw sockets on the same loop. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "io/http_client.h"

#define MAX_CONNS 128u

struct conn {
	struct server *server;
	struct ls_watch *watch;
	struct ls_buf in;
	int fd;
	bool endless;
};

struct server {
	struct ls_loop *loop;
	struct ls_watch *watch;
	int fd, port;
	size_t count, requests;
	struct conn conns[MAX_CONNS];
	struct ls_buf last; /* the last request, head and body */
};

struct result {
	struct fixture *f;
	size_t calls;
	int err, status;
	bool never_sent;
	int64_t retry_after_s;
	char body[256], type[64], extra[64], error[256];
	size_t body_len;
};

struct fixture {
	struct ls_loop *loop;
	struct ls_http_client *client;
	struct server server;
	size_t waiting;
	char url[128];
};

/* ---- the server */

static void
conn_close(struct conn *c, bool reset)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };
	c->watch = ls_watch_free(c->watch);
	if (c->fd >= 0) {
		if (reset)
			assert_int_equal(
				setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
		(void)close(c->fd);
	}
	c->fd = -1;
	ls_buf_fini(&c->in);
}

static void
say(struct conn *c, const char *text)
{
	size_t len = strlen(text);
	assert_int_equal(send(c->fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void
say_chunks(struct conn *c)
{
	char chunk[4096 + 16];
	int head = snprintf(chunk, sizeof chunk, "1000\r\n");
	memset(chunk + head, 'x', 4096);
	memcpy(chunk + head + 4096, "\r\n", 2);
	ssize_t sent = send(c->fd, chunk, (size_t)head + 4098, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent < 0 && errno != EAGAIN)
		conn_close(c, false);
}

static void
say_gzip(struct conn *c)
{
	enum { PLAIN = 1 << 20 };
	unsigned char *plain = calloc(1, PLAIN), packed[8192];
	z_stream z = {
		.next_in = plain, .avail_in = PLAIN, .next_out = packed, .avail_out = sizeof packed
	};
	assert_non_null(plain);
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	char head[128];
	(void)snprintf(head, sizeof head,
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %lu\r\n\r\n",
		z.total_out);
	say(c, head);
	assert_int_equal(send(c->fd, packed, z.total_out, MSG_NOSIGNAL), (ssize_t)z.total_out);
	(void)deflateEnd(&z);
	free(plain);
}

struct script {
	const char *path, *answer;
};

static const struct script scripts[] = {
	{ "/500",
		"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\nContent-Type: text/plain\r\n\r\noops" },
	{ "/continue", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nX-Extra: final\r\n"
		       "Content-Length: 0\r\n\r\n" },
	{ "/retry-seconds",
		"HTTP/1.1 429 Slow down\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n" },
	{ "/retry-date", "HTTP/1.1 503 Later\r\nRetry-After: Fri, 31 Dec 2055 23:59:59 GMT\r\n"
			 "Content-Length: 0\r\n\r\n" },
	{ "/retry-past", "HTTP/1.1 503 Later\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n"
			 "Content-Length: 0\r\n\r\n" },
	{ "/redirect", "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n" },
	{ "/long", "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc" },
	{ "/garbage", "nonsense\r\n\r\n" },
	{ "/slow", "" },
};

static void
answer(struct conn *c, struct ls_slice path, size_t body)
{
	for (size_t i = 0; i < LS_ARRAY_LEN(scripts); i++)
		if (ls_slice_eq(path, ls_slice_str(scripts[i].path))) {
			say(c, scripts[i].answer);
			return;
		}
	if (ls_slice_eq(path, LS_S("/reset"))) {
		say(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
		conn_close(c, true);
	} else if (ls_slice_eq(path, LS_S("/endless"))) {
		say(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
		c->endless = true;
		assert_int_equal(ls_watch_set(c->watch, LS_READ | LS_WRITE), LS_OK);
	} else if (ls_slice_eq(path, LS_S("/bomb"))) {
		say_gzip(c);
	} else {
		char text[256], out[512];
		(void)snprintf(text, sizeof text, "%.*s %zu", LS_FMT(path), body);
		(void)snprintf(out, sizeof out,
			"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
			"Content-Length: %zu\r\n\r\n%s",
			strlen(text), text);
		say(c, out);
	}
}

/* takes one complete request off the buffer; false when there is none yet */
static bool
take_request(struct conn *c)
{
	struct ls_slice in = ls_buf_slice(&c->in);
	const char *end = in.len > 0 ? memmem(in.data, in.len, "\r\n\r\n", 4) : NULL;
	if (end == NULL)
		return false;
	size_t head = (size_t)(end - in.data) + 4;
	uint64_t body = 0;
	struct ls_slice rest = ls_slice(in.data, head), line, method, path;
	assert_true(ls_slice_cut(&rest, '\n', &line));
	assert_true(ls_slice_cut(&line, ' ', &method) && ls_slice_cut(&line, ' ', &path));
	while (ls_slice_cut(&rest, '\n', &line))
		if (line.len > 16 &&
			ls_slice_eq_nocase(ls_slice(line.data, 15), LS_S("content-length:")))
			assert_int_equal(
				ls_slice_to_u64(ls_slice(line.data + 16, line.len - 17), &body),
				LS_OK);
	if (in.len < head + body)
		return false;
	ls_buf_reset(&c->server->last);
	assert_int_equal(ls_buf_add(&c->server->last, in.data, head + body), LS_OK);
	c->server->requests++;
	answer(c, path, body);
	if (c->fd >= 0)
		ls_buf_consume(&c->in, head + body);
	return c->fd >= 0;
}

static void
on_conn(void *ctx, unsigned what)
{
	struct conn *c = ctx;
	if (what & LS_WRITE && c->endless)
		say_chunks(c);
	if (c->fd < 0 || !(what & LS_READ))
		return;
	assert_int_equal(ls_buf_reserve(&c->in, 65536), LS_OK);
	ssize_t got = recv(c->fd, c->in.data + c->in.len, 65536, MSG_DONTWAIT);
	if (got <= 0) {
		if (got == 0 || errno != EAGAIN)
			conn_close(c, false);
		return;
	}
	c->in.len += (size_t)got;
	while (take_request(c))
		continue;
}

static void
on_accept(void *ctx, unsigned what)
{
	struct server *s = ctx;
	(void)what;
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0 && s->count < MAX_CONNS);
	struct conn *c = &s->conns[s->count++];
	*c = (struct conn){ .server = s, .fd = fd };
	ls_buf_init(&c->in, (size_t)8 << 20);
	c->watch = ls_watch_new(s->loop, fd, on_conn, c);
	assert_non_null(c->watch);
	assert_int_equal(ls_watch_set(c->watch, LS_READ), LS_OK);
}

static int
bound_socket(int *port)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof in;
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	*port = ntohs(in.sin_port);
	return fd;
}

static void
server_watch(struct server *s)
{
	assert_int_equal(listen(s->fd, 128), 0);
	s->watch = ls_watch_new(s->loop, s->fd, on_accept, s);
	assert_non_null(s->watch);
	assert_int_equal(ls_watch_set(s->watch, LS_READ), LS_OK);
}

static void
server_stop(struct server *s)
{
	for (size_t i = 0; i < s->count; i++)
		conn_close(&s->conns[i], false);
	s->watch = ls_watch_free(s->watch);
	(void)close(s->fd);
	ls_buf_fini(&s->last);
}

/* ---- the fixture */

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	f->loop = ls_loop_new();
	assert_non_null(f->loop);
	f->server.loop = f->loop;
	ls_buf_init(&f->server.last, (size_t)8 << 20);
	f->server.fd = bound_socket(&f->server.port);
	server_watch(&f->server);
	f->client = ls_http_client_new(f->loop, NULL);
	assert_non_null(f->client);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;
	f->client = ls_http_client_free(f->client);
	server_stop(&f->server);
	f->loop = ls_loop_free(f->loop);
	free(f);
	return 0;
}

static struct ls_http_client_request
request_for(struct fixture *f, const char *method, const char *path)
{
	(void)snprintf(f->url, sizeof f->url, "http://127.0.0.1:%d%s", f->server.port, path);
	return (struct ls_http_client_request){
		.method = method, .url = ls_slice_str(f->url), .allow_http = true
	};
}

static void
on_done(void *ctx, const struct ls_http_client_response *r)
{
	struct result *to = ctx;
	to->calls++;
	to->err = r->err;
	to->status = r->status;
	to->never_sent = r->never_sent;
	to->retry_after_s = r->retry_after_s;
	to->body_len = r->body.len;
	(void)snprintf(to->body, sizeof to->body, "%.*s", LS_FMT(r->body));
	(void)snprintf(to->type, sizeof to->type, "%.*s", LS_FMT(r->content_type));
	struct ls_slice extra = ls_http_client_header(r, "x-extra");
	(void)snprintf(to->extra, sizeof to->extra, "%.*s", LS_FMT(extra));
	(void)snprintf(to->error, sizeof to->error, "%s", r->error);
	if (--to->f->waiting == 0)
		ls_loop_stop(to->f->loop);
}

static void
start(struct fixture *f, const struct ls_http_client_request *request, struct result *result)
{
	*result = (struct result){ .f = f };
	f->waiting++;
	assert_int_equal(ls_http_client_send(f->client, request, on_done, result), LS_OK);
	assert_int_equal(result->calls, 0);
}

static struct result
exchange(struct fixture *f, const struct ls_http_client_request *request)
{
	struct result result;
	start(f, request, &result);
	ls_loop_run(f->loop);
	assert_int_equal(result.calls, 1);
	assert_int_equal(ls_http_client_stats(f->client)->pending, 0);
	return result;
}

static struct result
fetch(struct fixture *f, const char *method, const char *path)
{
	struct ls_http_client_request request = request_for(f, method, path);
	return exchange(f, &request);
}

static bool
server_saw(const struct fixture *f, const char *text)
{
	return memmem(f->server.last.data, f->server.last.len, text, strlen(text)) != NULL;
}

/* ---- answers */

static void
answers_arrive(void **state)
{
	struct fixture *f = *state;
	struct result r = fetch(f, "GET", "/hello");
	assert_int_equal(r.err, LS_OK);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "/hello 0");
	assert_string_equal(r.type, "text/plain; charset=utf-8");
	assert_string_equal(r.error, "");
	assert_int_equal(r.retry_after_s, -1);

	r = fetch(f, "GET", "/500");
	assert_int_equal(r.err, LS_OK);
	assert_int_equal(r.status, 500);
	assert_string_equal(r.body, "oops");

	r = fetch(f, "GET", "/redirect");
	assert_int_equal(r.status, 302);
	assert_int_equal(f->server.requests, 3);
	/* one connection served all three */
	assert_int_equal(f->server.count, 1);
	assert_int_equal(ls_http_client_stats(f->client)->answers[2], 1);
	assert_int_equal(ls_http_client_stats(f->client)->answers[3], 1);
	assert_int_equal(ls_http_client_stats(f->client)->answers[5], 1);
}

static void
request_is_what_was_asked(void **state)
{
	struct fixture *f = *state;
	const struct ls_http_header headers[] = {
		{ LS_S("Content-Type"), LS_S("application/json") },
		{ LS_S("X-Empty"), LS_S("") },
	};
	struct ls_http_client_request request = request_for(f, "POST", "/post?x=1");
	request.headers = headers;
	request.header_count = LS_ARRAY_LEN(headers);
	request.body = LS_S("{\"a\":1}");
	struct result r = exchange(f, &request);
	assert_string_equal(r.body, "/post?x=1 7");
	assert_true(server_saw(f, "POST /post?x=1 HTTP/1.1\r\n"));
	assert_true(server_saw(f, "Content-Type: application/json\r\n"));
	assert_true(server_saw(f, "X-Empty:\r\n"));
	assert_true(server_saw(f, "User-Agent: leadscore\r\n"));
	assert_true(server_saw(f, "\r\n\r\n{\"a\":1}"));

	/* no form type nor Expect: of curl's own, however large the body */
	static char large[3 << 20];
	memset(large, 'b', sizeof large);
	request = request_for(f, "PATCH", "/large");
	request.body = ls_slice(large, sizeof large);
	r = exchange(f, &request);
	assert_string_equal(r.body, "/large 3145728");
	assert_true(server_saw(f, "PATCH /large HTTP/1.1\r\n"));
	assert_false(server_saw(f, "Expect:"));
	assert_false(server_saw(f, "Content-Type:"));

	r = fetch(f, "DELETE", "/gone");
	assert_true(server_saw(f, "DELETE /gone HTTP/1.1\r\n"));
	assert_false(server_saw(f, "Content-Length"));
	/* nothing of an earlier request is left in a pooled handle */
	r = fetch(f, "GET", "/plain");
	assert_true(server_saw(f, "GET /plain HTTP/1.1\r\n"));
	assert_false(server_saw(f, "X-Empty"));
	r = fetch(f, "PUT", "/empty");
	assert_true(server_saw(f, "Content-Length: 0\r\n"));
}

static void
interim_answers_are_passed_over(void **state)
{
	struct fixture *f = *state;
	struct ls_http_client_request request = request_for(f, "POST", "/continue");
	request.body = LS_S("x");
	struct result r = exchange(f, &request);
	assert_int_equal(r.err, LS_OK);
	assert_int_equal(r.status, 201);
	assert_string_equal(r.extra, "final");
}

static void
retry_after_is_read(void **state)
{
	struct fixture *f = *state;
	struct result r = fetch(f, "GET", "/retry-seconds");
	assert_int_equal(r.status, 429);
	assert_int_equal(r.retry_after_s, 7);
	r = fetch(f, "GET", "/retry-date");
	assert_int_equal(r.status, 503);
	assert_true(r.retry_after_s > 86400);
	r = fetch(f, "GET", "/retry-past");
	assert_int_equal(r.retry_after_s, 0);
}

/* ---- failures */

static void
silence_ends_at_the_deadline(void **state)
{
	struct fixture *f = *state;
	struct ls_http_client_request request = request_for(f, "GET", "/slow");
	request.deadline_ms = 50;
	struct result r = exchange(f, &request);
	assert_int_equal(r.err, LS_ERR_TIMEOUT);
	assert_int_equal(r.status, 0);
	assert_false(r.never_sent);
	assert_true(strlen(r.error) > 0);
	assert_int_equal(ls_http_client_stats(f->client)->timeouts, 1);
}

static void
waiting_for_a_connection_counts(void **state)
{
	struct fixture *f = *state;
	struct ls_http_client_options options = { .max_connections = 1 };
	f->client = ls_http_client_free(f->client);
	f->client = ls_http_client_new(f->loop, &options);
	assert_non_null(f->client);
	struct ls_http_client_request request = request_for(f, "GET", "/slow");
	struct result holds, waits;
	start(f, &request, &holds);
	request.deadline_ms = 50;
	start(f, &request, &waits);
	f->waiting--; /* the first has ten seconds: it must not be needed to end the second */
	ls_loop_run(f->loop);
	assert_int_equal(holds.calls, 0);
	assert_int_equal(waits.calls, 1);
	assert_int_equal(waits.err, LS_ERR_TIMEOUT);
	assert_true(waits.never_sent);
	f->waiting++;
	f->client = ls_http_client_free(f->client);
	assert_int_equal(holds.calls, 1);
}

static void
refused_connection(void **state)
{
	struct fixture *f = *state;
	int port, fd = bound_socket(&port); /* bound and not listening: nobody else gets the port */
	struct ls_http_client_request request = request_for(f, "POST", "/");
	char url[64];
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
	request.url = ls_slice_str(url);
	request.body = LS_S("x");
	struct result r = exchange(f, &request);
	(void)close(fd);
	assert_int_equal(r.err, LS_ERR_IO);
	assert_true(r.never_sent);
	assert_true(strlen(r.error) > 0);
}

static void
broken_answers(void **state)
{
	struct fixture *f = *state;
	struct result r = fetch(f, "GET", "/reset");
	assert_int_equal(r.err, LS_ERR_IO);
	assert_int_equal(r.body_len, 0);
	assert_false(r.never_sent);
	r = fetch(f, "GET", "/garbage");
	assert_int_equal(r.err, LS_ERR_IO);
	/* TLS to a port that speaks none */
	struct ls_http_client_request request = request_for(f, "GET", "/");
	char url[64];
	(void)snprintf(url, sizeof url, "https://127.0.0.1:%d/", f->server.port);
	request.url = ls_slice_str(url);
	request.deadline_ms = 200;
	r = exchange(f, &request);
	assert_true(r.err == LS_ERR_IO || r.err == LS_ERR_TIMEOUT);
}

static void
large_answers_are_cut(void **state)
{
	struct fixture *f = *state;
	const char *const paths[] = { "/endless", "/long", "/bomb" };
	for (size_t i = 0; i < LS_ARRAY_LEN(paths); i++) {
		struct ls_http_client_request request = request_for(f, "GET", paths[i]);
		request.max_response = 65536;
		struct result r = exchange(f, &request);
		assert_int_equal(r.err, LS_ERR_LIMIT);
		assert_int_equal(r.body_len, 0);
	}
	assert_int_equal(ls_http_client_stats(f->client)->too_large, 3);
	/* exactly as much as allowed is allowed */
	struct ls_http_client_request request = request_for(f, "GET", "/hello");
	request.max_response = strlen("/hello 0");
	struct result r = exchange(f, &request);
	assert_int_equal(r.err, LS_OK);
	/* and a small limit does not stay behind in the pooled handle */
	r = fetch(f, "GET", "/hello/hello");
	assert_int_equal(r.err, LS_OK);
}

/* ---- guards */

static void
bad_requests_never_start(void **state)
{
	struct fixture *f = *state;
	const char *const urls[] = { "", "http://", "ftp://127.0.0.1/", "file:///etc/passwd",
		"http//x", "http://127.0.0.1/a b", "http://127.0.0.1/\r\nX: y", "http://h/\xc3\xa4",
		"//127.0.0.1/" };
	struct ls_http_client_request request = request_for(f, "GET", "/");
	for (size_t i = 0; i < LS_ARRAY_LEN(urls); i++) {
		request.url = ls_slice_str(urls[i]);
		assert_int_equal(
			ls_http_client_send(f->client, &request, on_done, NULL), LS_ERR_INVALID);
	}
	const struct ls_http_header bad[] = { { LS_S("X-A"), LS_S("1\r\nX-B: 2") },
		{ LS_S("X A"), LS_S("1") }, { LS_S(""), LS_S("1") }, { LS_S("X:"), LS_S("1") } };
	for (size_t i = 0; i < LS_ARRAY_LEN(bad); i++) {
		request = request_for(f, "GET", "/");
		request.headers = &bad[i];
		request.header_count = 1;
		assert_int_equal(
			ls_http_client_send(f->client, &request, on_done, NULL), LS_ERR_INVALID);
	}
	request = request_for(f, "GE T", "/");
	assert_int_equal(ls_http_client_send(f->client, &request, on_done, NULL), LS_ERR_INVALID);
	request = request_for(f, "GET", "/");
	request.allow_http = false;
	assert_int_equal(ls_http_client_send(f->client, &request, on_done, NULL), LS_ERR_INVALID);
	request.allow_http = request.public_only = true;
	assert_int_equal(ls_http_client_send(f->client, &request, on_done, NULL), LS_ERR_INVALID);
	assert_int_equal(ls_http_client_stats(f->client)->requests, 0);
}

static void
private_addresses_are_denied(void **state)
{
	struct fixture *f = *state;
	/* the last three are spellings of 127.0.0.1 that a check of the text would let through */
	const char *const hosts[] = { "127.0.0.1", "10.1.2.3", "169.254.169.254", "[::1]",
		"[fd00::1]", "[::ffff:127.0.0.1]", "localhost", "2130706433", "0x7f.1" };
	for (size_t i = 0; i < LS_ARRAY_LEN(hosts); i++) {
		char url[64];
		(void)snprintf(url, sizeof url, "https://%s:%d/", hosts[i], f->server.port);
		struct ls_http_client_request request = {
			.method = "GET", .url = ls_slice_str(url), .public_only = true
		};
		struct result r = exchange(f, &request);
		assert_int_equal(r.err, LS_ERR_DENIED);
		assert_true(r.never_sent);
	}
	assert_int_equal(f->server.count, 0);
	/* plain http leaves the machine never: 192.0.2.1 is a documentation address */
	struct ls_http_client_request request = {
		.method = "GET", .url = LS_S("http://192.0.2.1/"), .allow_http = true
	};
	struct result r = exchange(f, &request);
	assert_int_equal(r.err, LS_ERR_DENIED);
	assert_int_equal(ls_http_client_stats(f->client)->denied, LS_ARRAY_LEN(hosts) + 1);
}

static bool
is_public(const char *text)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		return ls_http_address_is_public((struct sockaddr *)&in);
	assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	return ls_http_address_is_public((struct sockaddr *)&in6);
}

static void
public_addresses(void **state)
{
	(void)state;
	const char *const no[] = { "0.0.0.0", "10.255.255.255", "100.64.0.1", "100.127.255.255",
		"127.0.0.1", "127.255.255.255", "169.254.169.254", "172.16.0.1", "172.31.255.255",
		"192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1",
		"198.19.255.255", "198.51.100.1", "203.0.113.255", "224.0.0.1", "239.255.255.255",
		"240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1",
		"64:ff9b::a9fe:a9fe", "100::1", "fc00::1", "fdff::1", "fe80::1", "fec0::1",
		"ff02::1", "2001::1", "2001:1ff::1", "2001:db8::1",
		"2002:7f00:1::", "2002:a9fe:a9fe::1", "3fff::1", "::7f00:1" };
	const char *const yes[] = { "1.1.1.1", "9.255.255.255", "11.0.0.1", "100.63.255.255",
		"100.128.0.1", "126.255.255.255", "128.0.0.1", "172.15.255.255", "172.32.0.1",
		"192.0.1.1", "192.167.255.255", "192.169.0.1", "198.17.255.255", "198.20.0.1",
		"223.255.255.255", "2606:4700::1111", "2001:4860::8888", "2001:200::1",
		"::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", "3ffe::1" };
	for (size_t i = 0; i < LS_ARRAY_LEN(no); i++)
		if (is_public(no[i]))
			fail_msg("%s is not public", no[i]);
	for (size_t i = 0; i < LS_ARRAY_LEN(yes); i++)
		if (!is_public(yes[i]))
			fail_msg("%s is public", yes[i]);
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	assert_false(ls_http_address_is_public((struct sockaddr *)&un));
}

static void
environment_proxies_are_ignored(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
	assert_int_equal(setenv("ALL_PROXY", "http://127.0.0.1:1", 1), 0);
	struct result r = fetch(f, "GET", "/hello");
	(void)unsetenv("http_proxy");
	(void)unsetenv("ALL_PROXY");
	assert_int_equal(r.status, 200);
}

static void
unix_sockets(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/test_http_client.XXXXXX";
	assert_non_null(mkdtemp(dir));
	(void)snprintf(un.sun_path, sizeof un.sun_path, "%s/socket", dir);
	struct server *s = calloc(1, sizeof *s);
	assert_non_null(s);
	s->loop = f->loop;
	ls_buf_init(&s->last, 1 << 20);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(s->fd >= 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&un, sizeof un), 0);
	server_watch(s);
	struct ls_http_client_request request = { .method = "GET",
		.url = LS_S("http://anything/there"),
		.unix_socket = un.sun_path,
		.allow_http = true };
	struct result r = exchange(f, &request);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "/there 0");
	server_stop(s);
	free(s);
	(void)unlink(un.sun_path);
	(void)rmdir(dir);
}

/* ---- many, and the end */

#define MANY 500u

static void
many_at_once(void **state)
{
	struct fixture *f = *state;
	static struct result results[MANY];
	for (size_t i = 0; i < MANY; i++) {
		char path[32];
		(void)snprintf(path, sizeof path, "/n/%zu", i);
		struct ls_http_client_request request = request_for(f, "GET", path);
		start(f, &request, &results[i]);
	}
	ls_loop_run(f->loop);
	for (size_t i = 0; i < MANY; i++) {
		char body[32];
		(void)snprintf(body, sizeof body, "/n/%zu 0", i);
		assert_int_equal(results[i].calls, 1);
		assert_int_equal(results[i].status, 200);
		assert_string_equal(results[i].body, body);
	}
	assert_true(f->server.count <= 16);
}

struct chain {
	struct fixture *f;
	size_t left;
};

static void
on_chain(void *ctx, const struct ls_http_client_response *r)
{
	struct chain *chain = ctx;
	assert_int_equal(r->status, 200);
	if (--chain->left == 0) {
		ls_loop_stop(chain->f->loop);
		return;
	}
	struct ls_http_client_request request = request_for(chain->f, "GET", "/next");
	assert_int_equal(ls_http_client_send(chain->f->client, &request, on_chain, chain), LS_OK);
}

static void
sending_from_the_callback(void **state)
{
	struct fixture *f = *state;
	struct chain chain = { .f = f, .left = 20 };
	struct ls_http_client_request request = request_for(f, "GET", "/first");
	assert_int_equal(ls_http_client_send(f->client, &request, on_chain, &chain), LS_OK);
	ls_loop_run(f->loop);
	assert_int_equal(chain.left, 0);
	assert_int_equal(f->server.requests, 20);
}

static void
pending_requests_are_bounded(void **state)
{
	struct fixture *f = *state;
	struct ls_http_client_options options = { .max_pending = 2 };
	f->client = ls_http_client_free(f->client);
	f->client = ls_http_client_new(f->loop, &options);
	assert_non_null(f->client);
	struct ls_http_client_request request = request_for(f, "GET", "/hello");
	struct result a, b;
	start(f, &request, &a);
	start(f, &request, &b);
	assert_int_equal(ls_http_client_send(f->client, &request, on_done, NULL), LS_ERR_LIMIT);
	assert_int_equal(ls_http_client_stats(f->client)->refused, 1);
	ls_loop_run(f->loop);
	assert_int_equal(a.status + b.status, 400);
	struct result c = exchange(f, &request);
	assert_int_equal(c.status, 200);
}

static void
on_closed(void *ctx, const struct ls_http_client_response *r)
{
	struct result *to = ctx;
	struct ls_http_client_request again = request_for(to->f, "GET", "/again");
	to->calls++;
	to->err = r->err;
	assert_int_equal(ls_http_client_send(to->f->client, &again, on_closed, to), LS_ERR_CLOSED);
}

static void
free_completes_everything(void **state)
{
	struct fixture *f = *state;
	static struct result results[100];
	struct ls_http_client_request request = request_for(f, "GET", "/slow");
	for (size_t i = 0; i < LS_ARRAY_LEN(results); i++) {
		results[i] = (struct result){ .f = f };
		assert_int_equal(
			ls_http_client_send(f->client, &request, on_closed, &results[i]), LS_OK);
	}
	/* some of them get under way, the others wait for a connection */
	struct ls_http_client_request brief = request_for(f, "GET", "/slow");
	struct result r;
	brief.deadline_ms = 50;
	start(f, &brief, &r);
	ls_loop_run(f->loop);
	assert_true(f->server.requests > 0);
	f->client = ls_http_client_free(f->client);
	for (size_t i = 0; i < LS_ARRAY_LEN(results); i++) {
		assert_int_equal(results[i].calls, 1);
		assert_int_equal(results[i].err, LS_ERR_CLOSED);
	}
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(answers_arrive),
		T(request_is_what_was_asked),
		T(interim_answers_are_passed_over),
		T(retry_after_is_read),
		T(silence_ends_at_the_deadline),
		T(waiting_for_a_connection_counts),
		T(refused_connection),
		T(broken_answers),
		T(large_answers_are_cut),
		T(bad_requests_never_start),
		T(private_addresses_are_denied),
		cmocka_unit_test(public_addresses),
		T(environment_proxies_are_ignored),
		T(unix_sockets),
		T(many_at_once),
		T(sending_from_the_callback),
		T(pending_requests_are_bounded),
		T(free_completes_everything),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
