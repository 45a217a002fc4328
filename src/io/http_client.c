// SPDX-License-Identifier: MIT
/* The only file that sees libcurl. Owns the multi handle, its sockets' watches, its one timer and a
 * pool of easy handles; retries nothing: that is the caller's decision. */

#include "io/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/logger.h"

#define LS_MAGIC_http_client 0x48435431u
#define LS_MAGIC_transfer    0x48435452u

#define DEFAULT_CONNECTIONS      64u
#define DEFAULT_HOST_CONNECTIONS 16u
#define DEFAULT_PENDING          10000u
#define DEFAULT_CONNECT_MS       5000
#define DEFAULT_DEADLINE_MS      10000
#define DEFAULT_RESPONSE         ((size_t)1 << 20)
#define MAX_URL                  8192u
#define MAX_HEADERS              64u
#define MAX_HEADER_LINE          16384u
#define MAX_BODY                 ((size_t)64 << 20)
#define MAX_POOL                 256u   /* idle easy handles kept */
#define KEEP_BYTES               65536u /* buffers of idle handles above this are given back */
/* A peer that trickles: fewer bytes a second than this for so long ends the transfer, also when the
 * deadline is far away. */
#define SLOW_BYTES   16L
#define SLOW_SECONDS 30L

/* one request, with its easy handle; pooled, both */
struct ls_transfer {
	uint32_t magic;
	bool guard_public, guard_loopback, denied, too_large;
	struct ls_http_client *client;
	struct ls_transfer *prev, *next; /* list of those under way; `next` also in the pool */
	CURL *easy;
	/* libcurl 7.88 does not look at its own time limit while a transfer waits for a connection:
	 * this one is ours, and the only one */
	struct ls_timer *deadline;
	struct curl_slist *headers;
	struct ls_buf sent, received;
	ls_http_client_fn done;
	void *ctx;
	char error[CURL_ERROR_SIZE];
};

/* one of curl's sockets */
struct socket_node {
	struct ls_http_client *client;
	struct ls_watch *watch;
	curl_socket_t fd;
};

struct ls_http_client {
	uint32_t magic;
	bool closing, any_http;
	unsigned in_done;
	struct ls_loop *loop;
	CURLM *multi;
	struct ls_timer *timer;
	struct ls_transfer *active, *pool;
	size_t pooled, max_pending;
	int64_t connect_ms;
	char *user_agent, *proxy, *ca_file;
	struct ls_buf scratch; /* URL and header lines, terminated for curl */
	struct ls_http_client_stats stats;
};

/* ---- addresses */

struct v4_block {
	uint32_t net;
	unsigned bits;
};

static bool
v4_is_public(uint32_t ip)
{
	static const struct v4_block blocks[] = {
		{ 0x00000000, 8 },  /* this network */
		{ 0x0a000000, 8 },  /* private */
		{ 0x64400000, 10 }, /* shared, RFC 6598 */
		{ 0x7f000000, 8 },  /* loopback */
		{ 0xa9fe0000, 16 }, /* link-local, cloud metadata among them */
		{ 0xac100000, 12 }, /* private */
		{ 0xc0000000, 24 }, /* protocol assignments */
		{ 0xc0000200, 24 }, /* documentation */
		{ 0xc0586300, 24 }, /* 6to4 relays, deprecated */
		{ 0xc0a80000, 16 }, /* private */
		{ 0xc6120000, 15 }, /* benchmarks */
		{ 0xc6336400, 24 }, /* documentation */
		{ 0xcb007100, 24 }, /* documentation */
		{ 0xe0000000, 4 },  /* multicast */
		{ 0xf0000000, 4 },  /* reserved, broadcast */
	};
	for (size_t i = 0; i < LS_ARRAY_LEN(blocks); i++)
		if (((ip ^ blocks[i].net) >> (32 - blocks[i].bits)) == 0)
			return false;
	return true;
}

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool
v6_is_public(const uint8_t ip[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
	if (memcmp(ip, mapped, sizeof mapped) == 0 || memcmp(ip, nat64, sizeof nat64) == 0)
		return v4_is_public(be32(ip + 12));
	if ((ip[0] & 0xe0) != 0x20)
		return false; /* outside 2000::/3: loopback, ULA, link-local, multicast, ... */
	if (ip[0] == 0x20 && ip[1] == 0x02)
		return v4_is_public(be32(ip + 2)); /* 6to4 */
	if (ip[0] == 0x20 && ip[1] == 0x01) {
		if (ip[2] < 0x02)
			return false; /* 2001::/23: Teredo, benchmarks, ORCHID */
		if (ip[2] == 0x0d && ip[3] == 0xb8)
			return false; /* documentation */
	}
	return !(ip[0] == 0x3f && ip[1] == 0xff && ip[2] < 0x10); /* documentation, RFC 9637 */
}

bool
ls_http_address_is_public(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, address, sizeof in);
		return v4_is_public(ntohl(in.sin_addr.s_addr));
	}
	if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, address, sizeof in6);
		return v6_is_public(in6.sin6_addr.s6_addr);
	}
	return false;
}

static bool
is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_UNIX)
		return true;
	if (address->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, address, sizeof in);
		return ntohl(in.sin_addr.s_addr) >> 24 == 127;
	}
	if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, address, sizeof in6);
		return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
	}
	return false;
}

/* Sees the address after the name was resolved: a name that changes its mind between a check and
 * the connection ("DNS rebinding") gains nothing. */
static curl_socket_t
on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct ls_transfer *t = LS_CAST(transfer, ctx);
	(void)purpose;
	if ((t->guard_public && !ls_http_address_is_public(&address->addr)) ||
		(t->guard_loopback && !is_loopback(&address->addr))) {
		t->denied = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* ---- completion */

static void
transfer_destroy(struct ls_transfer *t)
{
	curl_easy_cleanup(t->easy);
	t->deadline = ls_timer_free(t->deadline);
	curl_slist_free_all(t->headers);
	ls_buf_fini(&t->sent);
	ls_buf_fini(&t->received);
	t->magic = 0;
	free(t);
}

static void
buffer_recycle(struct ls_buf *buf)
{
	if (buf->cap > KEEP_BYTES)
		ls_buf_fini(buf);
	ls_buf_reset(buf);
}

/* back into the pool, holding on to nothing of the request */
static void
transfer_release(struct ls_transfer *t)
{
	struct ls_http_client *client = t->client;
	if (client->pooled >= MAX_POOL || client->closing) {
		transfer_destroy(t);
		return;
	}
	curl_easy_reset(t->easy);
	curl_slist_free_all(t->headers);
	t->headers = NULL;
	buffer_recycle(&t->sent);
	buffer_recycle(&t->received);
	t->prev = NULL;
	t->next = client->pool;
	client->pool = t;
	client->pooled++;
}

static void
unlink_active(struct ls_transfer *t)
{
	struct ls_http_client *client = t->client;
	if (t->prev != NULL)
		t->prev->next = t->next;
	else
		client->active = t->next;
	if (t->next != NULL)
		t->next->prev = t->prev;
	client->stats.pending--;
	ls_timer_cancel(t->deadline);
}

static int
error_of(const struct ls_transfer *t, CURLcode code)
{
	if (code == CURLE_OK)
		return LS_OK;
	if (t->denied)
		return LS_ERR_DENIED;
	if (t->too_large || code == CURLE_FILESIZE_EXCEEDED)
		return LS_ERR_LIMIT;
	if (code == CURLE_OPERATION_TIMEDOUT)
		return LS_ERR_TIMEOUT;
	if (code == CURLE_OUT_OF_MEMORY)
		return LS_ERR_NOMEM;
	return code == CURLE_URL_MALFORMAT ? LS_ERR_INVALID : LS_ERR_IO;
}

static void
count_outcome(struct ls_http_client_stats *stats, const struct ls_http_client_response *r)
{
	if (r->err == LS_OK)
		stats->answers[r->status >= 100 && r->status < 600 ? r->status / 100 : 0]++;
	else
		stats->failed++;
	stats->timeouts += r->err == LS_ERR_TIMEOUT;
	stats->denied += r->err == LS_ERR_DENIED;
	stats->too_large += r->err == LS_ERR_LIMIT;
}

static const char *
error_text(const struct ls_transfer *t, int err, CURLcode code)
{
	if (err == LS_OK)
		return "";
	if (err == LS_ERR_DENIED)
		return t->guard_public ? "the address is not a public one"
				       : "plain http is for loopback addresses only";
	if (err == LS_ERR_LIMIT)
		return "the answer is larger than allowed";
	if (err == LS_ERR_CLOSED)
		return "the client was shut down";
	if (err == LS_ERR_TIMEOUT && code == CURLE_OK)
		return "no complete answer before the deadline";
	return t->error[0] != '\0' ? t->error : curl_easy_strerror(code);
}

/* `err` follows from `code`, or is LS_ERR_CLOSED or LS_ERR_TIMEOUT of our own */
static void
complete(struct ls_transfer *t, int err, CURLcode code)
{
	struct ls_http_client *client = t->client;
	struct ls_http_client_response r = { .err = err, .retry_after_s = -1, .handle = t->easy };
	curl_off_t number = 0;
	char *text = NULL;
	long size = 0, status = 0;

	r.error = error_text(t, err, code);
	(void)curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &size);
	r.never_sent = size == 0 && err != LS_OK;
	if (curl_easy_getinfo(t->easy, CURLINFO_TOTAL_TIME_T, &number) == CURLE_OK)
		r.total_us = number;
	if (curl_easy_getinfo(t->easy, CURLINFO_STARTTRANSFER_TIME_T, &number) == CURLE_OK)
		r.first_byte_us = number;
	if (curl_easy_getinfo(t->easy, CURLINFO_CONNECT_TIME_T, &number) == CURLE_OK)
		r.connect_us = number;
	if (err == LS_OK) {
		(void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
		r.status = (int)status;
		r.body = ls_buf_slice(&t->received);
		if (curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &text) == CURLE_OK)
			r.content_type = ls_slice_str(text);
		/* 0 stands for "no such header" as well: ask the header itself */
		if (ls_http_client_header(&r, "retry-after").data != NULL &&
			curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &number) == CURLE_OK)
			r.retry_after_s = LS_MAX(number, 0);
	}
	count_outcome(&client->stats, &r);
	client->in_done++;
	t->done(t->ctx, &r);
	client->in_done--;
	transfer_release(t);
}

static void
drain(struct ls_http_client *client)
{
	CURLMsg *msg;
	int left;
	while ((msg = curl_multi_info_read(client->multi, &left)) != NULL) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		/* the message dies with the removal */
		CURL *easy = msg->easy_handle;
		CURLcode code = msg->data.result;
		void *private = NULL;
		(void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
		struct ls_transfer *t = LS_CAST(transfer, private);
		(void)curl_multi_remove_handle(client->multi, easy);
		unlink_active(t);
		complete(t, error_of(t, code), code);
	}
}

static void
on_deadline(void *ctx)
{
	struct ls_transfer *t = LS_CAST(transfer, ctx);
	(void)curl_multi_remove_handle(t->client->multi, t->easy);
	unlink_active(t);
	complete(t, LS_ERR_TIMEOUT, CURLE_OK);
}

/* ---- curl's wishes: sockets and one timer */

static void
on_ready(void *ctx, unsigned what)
{
	struct socket_node *node = ctx;
	struct ls_http_client *client = node->client;
	int running;
	int mask =
		(what & LS_READ ? CURL_CSELECT_IN : 0) | (what & LS_WRITE ? CURL_CSELECT_OUT : 0);
	(void)curl_multi_socket_action(client->multi, node->fd, mask, &running);
	drain(client); /* `node` may be gone */
}

static void
on_timeout(void *ctx)
{
	struct ls_http_client *client = LS_CAST(http_client, ctx);
	int running;
	(void)curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	drain(client);
}

static void
node_free(struct socket_node *node)
{
	if (node == NULL)
		return;
	node->watch = ls_watch_free(node->watch);
	free(node);
}

/* Returning an error here would end every transfer of the multi handle, so a watch that cannot be
 * had is left to the one transfer's deadline. */
static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *node_ptr)
{
	struct ls_http_client *client = LS_CAST(http_client, ctx);
	struct socket_node *node = node_ptr;
	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		node_free(node);
		(void)curl_multi_assign(client->multi, fd, NULL);
		return 0;
	}
	if (node == NULL) {
		node = calloc(1, sizeof *node);
		if (node == NULL)
			goto fail;
		*node = (struct socket_node){ .client = client, .fd = fd };
		node->watch = ls_watch_new(client->loop, fd, on_ready, node);
		if (node->watch == NULL)
			goto fail;
		(void)curl_multi_assign(client->multi, fd, node);
	}
	unsigned want = (what & CURL_POLL_IN ? LS_READ : 0) | (what & CURL_POLL_OUT ? LS_WRITE : 0);
	if (ls_watch_set(node->watch, want) != LS_OK)
		ls_warn("http_client", "cannot watch a socket fd=%d", (int)fd);
	return 0;
fail:
	node_free(node);
	ls_warn("http_client", "cannot watch a socket fd=%d", (int)fd);
	return 0;
}

/* never into curl from here: it would be a recursion */
static int
on_timer_wish(CURLM *multi, long delay_ms, void *ctx)
{
	struct ls_http_client *client = LS_CAST(http_client, ctx);
	(void)multi;
	if (delay_ms < 0)
		ls_timer_cancel(client->timer);
	else
		ls_timer_set(client->timer, delay_ms);
	return 0;
}

static size_t
on_body(char *data, size_t size, size_t count, void *ctx)
{
	struct ls_transfer *t = LS_CAST(transfer, ctx);
	size_t len = size * count; /* size is 1 by contract */
	int err = ls_buf_add(&t->received, data, len);
	if (err == LS_OK)
		return len;
	t->too_large = err == LS_ERR_LIMIT;
	return CURL_WRITEFUNC_ERROR;
}

/* ---- sending */

static struct ls_transfer *
transfer_take(struct ls_http_client *client)
{
	struct ls_transfer *t = client->pool;
	if (t != NULL) {
		client->pool = t->next;
		client->pooled--;
		t->next = NULL;
		return t;
	}
	t = calloc(1, sizeof *t);
	if (t == NULL)
		return NULL;
	t->magic = LS_MAGIC_transfer;
	t->client = client;
	ls_buf_init(&t->sent, MAX_BODY);
	ls_buf_init(&t->received, DEFAULT_RESPONSE);
	t->easy = curl_easy_init();
	t->deadline = ls_timer_new(client->loop, on_deadline, t);
	if (t->easy == NULL || t->deadline == NULL) {
		transfer_destroy(t);
		return NULL;
	}
	return t;
}

static bool
is_token(struct ls_slice s)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	for (size_t i = 0; i < s.len; i++) {
		char c = s.data[i], lower = ls_ascii_lower(c);
		if (!ls_ascii_digit(c) && !(lower >= 'a' && lower <= 'z') &&
			(c == '\0' || strchr(others, c) == NULL))
			return false;
	}
	return s.len > 0;
}

/* visible ASCII only: what else a URL needs is percent-encoded, and nothing can break the request
 * line */
static bool
url_is_plain(struct ls_slice url)
{
	for (size_t i = 0; i < url.len; i++)
		if (url.data[i] <= 0x20 || url.data[i] >= 0x7f)
			return false;
	return url.len <= MAX_URL;
}

static bool
starts_nocase(struct ls_slice s, struct ls_slice prefix)
{
	return s.len > prefix.len && ls_slice_eq_nocase(ls_slice(s.data, prefix.len), prefix);
}

static bool
value_is_clean(struct ls_slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.data[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static int
check(const struct ls_http_client *client, const struct ls_http_client_request *request)
{
	bool plain = starts_nocase(request->url, LS_S("http://"));
	if (!plain && !starts_nocase(request->url, LS_S("https://")))
		return LS_ERR_INVALID;
	if (plain && (!request->allow_http || request->public_only))
		return LS_ERR_INVALID;
	if (!url_is_plain(request->url) || !is_token(ls_slice_str(request->method)) ||
		request->header_count > MAX_HEADERS || request->body.len > MAX_BODY)
		return LS_ERR_INVALID;
	for (size_t i = 0; i < request->header_count; i++) {
		const struct ls_http_header *h = &request->headers[i];
		if (!is_token(h->name) || !value_is_clean(h->value) ||
			h->name.len + h->value.len > MAX_HEADER_LINE)
			return LS_ERR_INVALID;
	}
	if (client->closing)
		return LS_ERR_CLOSED;
	return client->stats.pending < client->max_pending ? LS_OK : LS_ERR_LIMIT;
}

/* a line of the scratch buffer to the list; curl wants "Name;" for an empty value */
static int
add_header(struct ls_transfer *t, struct ls_slice name, struct ls_slice value)
{
	struct ls_buf *line = &t->client->scratch;
	ls_buf_reset(line);
	(void)ls_buf_add_slice(line, name);
	(void)ls_buf_add(line, value.len > 0 ? ": " : ";", value.len > 0 ? 2 : 1);
	(void)ls_buf_add_slice(line, value);
	if (ls_buf_add_char(line, '\0') != LS_OK)
		return LS_ERR_NOMEM;
	struct curl_slist *list = curl_slist_append(t->headers, line->data);
	if (list == NULL)
		return LS_ERR_NOMEM;
	t->headers = list;
	return LS_OK;
}

static int
set_headers(struct ls_transfer *t, const struct ls_http_client_request *request)
{
	bool typed = false;
	for (size_t i = 0; i < request->header_count; i++) {
		const struct ls_http_header *h = &request->headers[i];
		int err = add_header(t, h->name, ls_slice_trim(h->value));
		if (err != LS_OK)
			return err;
		typed |= ls_slice_eq_nocase(h->name, LS_S("content-type"));
	}
	/* "Name:" takes out a header of curl's own: waiting a second for "100 Continue" before a
	 * large body, and calling every body a form */
	struct curl_slist *list = curl_slist_append(t->headers, "Expect:");
	if (list == NULL)
		return LS_ERR_NOMEM;
	t->headers = list;
	if (!typed) {
		list = curl_slist_append(t->headers, "Content-Type:");
		if (list == NULL)
			return LS_ERR_NOMEM;
		t->headers = list;
	}
	return curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK ? LS_OK
										     : LS_ERR_NOMEM;
}

static CURLcode
set_method(struct ls_transfer *t, const struct ls_http_client_request *request)
{
	const char *method = request->method;
	CURL *easy = t->easy;
	bool bodied = strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
		      strcmp(method, "PATCH") == 0 || t->sent.len > 0;
	CURLcode code = CURLE_OK;
	if (bodied) {
		code |= curl_easy_setopt(easy, CURLOPT_POST, 1L);
		code |= curl_easy_setopt(
			easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->sent.len);
		code |= curl_easy_setopt(
			easy, CURLOPT_POSTFIELDS, t->sent.len > 0 ? t->sent.data : "");
	}
	if (strcmp(method, "HEAD") == 0 && !bodied)
		code |= curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	else if (strcmp(method, bodied ? "POST" : "GET") != 0)
		code |= curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
	return code;
}

/* What all requests have in common. Errors here are lack of memory or a libcurl built without TLS:
 * they are collected and looked at once. */
static CURLcode
set_common(struct ls_transfer *t, const struct ls_http_client *client)
{
	CURL *easy = t->easy;
	CURLcode code = CURLE_OK;
	code |= curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
	code |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->error);
	code |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	code |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
	code |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	code |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, t);
	code |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	code |= curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
	code |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	code |= curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
	code |= curl_easy_setopt(easy, CURLOPT_USERAGENT, client->user_agent);
	code |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)client->connect_ms);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* a name server that hangs must not hang us when the transfer is given up: let its thread
	 * end alone */
	code |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
	return code;
}

static CURLcode
set_target(struct ls_transfer *t, const struct ls_http_client_request *request)
{
	struct ls_http_client *client = t->client;
	bool plain = starts_nocase(request->url, LS_S("http://"));
	CURL *easy = t->easy;
	CURLcode code = CURLE_OK;
	t->guard_public = request->public_only;
	t->guard_loopback = plain && !client->any_http;

	ls_buf_reset(&client->scratch);
	(void)ls_buf_add_slice(&client->scratch, request->url);
	if (ls_buf_add_char(&client->scratch, '\0') != LS_OK)
		return CURLE_OUT_OF_MEMORY;
	code |= curl_easy_setopt(easy, CURLOPT_URL, client->scratch.data);
	code |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
	/* "" also keeps curl from the environment's proxy variables. A proxy would resolve the name
	 * itself, behind the guards' back: guarded requests go directly. */
	bool direct = client->proxy == NULL || t->guard_public || t->guard_loopback ||
		      request->unix_socket != NULL;
	code |= curl_easy_setopt(easy, CURLOPT_PROXY, direct ? "" : client->proxy);
	if (plain) {
		code |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	} else {
		code |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
		code |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
		code |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
		code |= curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
		if (client->ca_file != NULL)
			code |= curl_easy_setopt(easy, CURLOPT_CAINFO, client->ca_file);
	}
	if (request->unix_socket != NULL)
		code |= curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, request->unix_socket);
	/* an idle connection that an unguarded request has opened never passed the guard */
	if (t->guard_public)
		code |= curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	return code;
}

static int64_t
deadline_of(const struct ls_http_client_request *request)
{
	return request->deadline_ms > 0 ? request->deadline_ms : DEFAULT_DEADLINE_MS;
}

static CURLcode
set_limits(struct ls_transfer *t, const struct ls_http_client_request *request)
{
	CURL *easy = t->easy;
	CURLcode code = CURLE_OK;
	t->received.max = request->max_response > 0 ? request->max_response : DEFAULT_RESPONSE;
	/* for answers that say their length; on_body() counts the others */
	code |= curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)t->received.max);
	if (deadline_of(request) > SLOW_SECONDS * 1000) {
		code |= curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES);
		code |= curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, SLOW_SECONDS);
	}
	return code;
}

static int
prepare(struct ls_transfer *t, const struct ls_http_client_request *request)
{
	t->denied = t->too_large = false;
	t->error[0] = '\0';
	if (ls_buf_add_slice(&t->sent, request->body) != LS_OK)
		return LS_ERR_NOMEM;
	CURLcode code = set_common(t, t->client);
	code |= set_target(t, request);
	code |= set_limits(t, request);
	code |= set_method(t, request);
	if (code != CURLE_OK)
		return LS_ERR_NOMEM;
	return set_headers(t, request);
}

int
ls_http_client_send(struct ls_http_client *client, const struct ls_http_client_request *request,
	ls_http_client_fn done, void *ctx)
{
	int err = check(client, request);
	client->stats.refused += err == LS_ERR_LIMIT;
	if (err != LS_OK)
		return err;
	struct ls_transfer *t = transfer_take(client);
	if (t == NULL)
		return LS_ERR_NOMEM;
	t->done = done;
	t->ctx = ctx;
	err = prepare(t, request);
	if (err == LS_OK && curl_multi_add_handle(client->multi, t->easy) != CURLM_OK)
		err = LS_ERR_NOMEM;
	if (err != LS_OK) {
		transfer_release(t);
		return err;
	}
	t->prev = NULL;
	t->next = client->active;
	if (t->next != NULL)
		t->next->prev = t;
	client->active = t;
	ls_timer_set(t->deadline, deadline_of(request));
	client->stats.pending++;
	client->stats.requests++;
	return LS_OK;
}

struct ls_slice
ls_http_client_header(const struct ls_http_client_response *response, const char *name)
{
	struct curl_header *header = NULL;
	if (curl_easy_header(response->handle, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
		return (struct ls_slice){ 0 };
	return ls_slice_str(header->value);
}

const struct ls_http_client_stats *
ls_http_client_stats(const struct ls_http_client *client)
{
	return &client->stats;
}

/* ---- birth and death */

static bool
copy_string(char **to, const char *from, const char *fallback)
{
	if (from == NULL)
		from = fallback;
	if (from == NULL)
		return true;
	*to = strdup(from);
	return *to != NULL;
}

static bool
multi_setup(struct ls_http_client *client, const struct ls_http_client_options *o)
{
	CURLM *multi = client->multi;
	long all = (long)(o->max_connections > 0 ? o->max_connections : DEFAULT_CONNECTIONS);
	long host = (long)(o->max_host_connections > 0 ? o->max_host_connections
						       : DEFAULT_HOST_CONNECTIONS);
	CURLMcode code = CURLM_OK;
	code |= curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	code |= curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, client);
	code |= curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer_wish);
	code |= curl_multi_setopt(multi, CURLMOPT_TIMERDATA, client);
	code |= curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	code |= curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, all);
	code |= curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, host);
	code |= curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, all);
	return code == CURLM_OK;
}

struct ls_http_client *
ls_http_client_new(struct ls_loop *loop, const struct ls_http_client_options *options)
{
	static const struct ls_http_client_options defaults = { 0 };
	const struct ls_http_client_options *o = options != NULL ? options : &defaults;
	/* counted by libcurl; thread-safe since 7.84 */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return NULL;
	struct ls_http_client *client = calloc(1, sizeof *client);
	if (client == NULL) {
		curl_global_cleanup();
		return NULL;
	}
	*client = (struct ls_http_client){ .magic = LS_MAGIC_http_client,
		.any_http = o->any_http,
		.loop = loop,
		.max_pending = o->max_pending > 0 ? o->max_pending : DEFAULT_PENDING,
		.connect_ms = o->connect_ms > 0 ? o->connect_ms : DEFAULT_CONNECT_MS };
	ls_buf_init(&client->scratch, MAX_HEADER_LINE + 16);
	client->multi = curl_multi_init();
	client->timer = ls_timer_new(loop, on_timeout, client);
	if (client->multi == NULL || client->timer == NULL || !multi_setup(client, o) ||
		!copy_string(&client->user_agent, o->user_agent, "leadscore") ||
		!copy_string(&client->proxy, o->proxy, NULL) ||
		!copy_string(&client->ca_file, o->ca_file, NULL))
		return ls_http_client_free(client);
	return client;
}

struct ls_http_client *
ls_http_client_free(struct ls_http_client *client)
{
	if (client == NULL)
		return NULL;
	ls_assert(client->in_done == 0);
	client->closing = true;
	while (client->active != NULL) {
		struct ls_transfer *t = client->active;
		(void)curl_multi_remove_handle(client->multi, t->easy);
		unlink_active(t);
		complete(t, LS_ERR_CLOSED, CURLE_OK);
	}
	while (client->pool != NULL) {
		struct ls_transfer *t = client->pool;
		client->pool = t->next;
		transfer_destroy(t);
	}
	/* the clean-up may still call on_socket() and on_timer_wish(): the timer goes after it */
	if (client->multi != NULL)
		(void)curl_multi_cleanup(client->multi);
	client->timer = ls_timer_free(client->timer);
	ls_buf_fini(&client->scratch);
	free(client->user_agent);
	free(client->proxy);
	free(client->ca_file);
	client->magic = 0;
	free(client);
	curl_global_cleanup();
	return NULL;
}
