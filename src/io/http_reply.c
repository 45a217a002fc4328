// SPDX-License-Identifier: MIT
/* Answers: their head, compression, streams. Everything is formatted into the connection's output
 * buffer; http_conn.c writes it. */

#include <stdlib.h>

#include "base/iso8601.h"
#include "base/logger.h"
#include "io/http_internal.h"

#define GZIP_MOST   ((size_t)512 << 10) /* 2 ms; compressing more would hold up the loop */
#define GUNZIP_MOST ((size_t)64 << 20)
#define HEAD_ROOM   320u /* everything but the handler's own headers and content type */
#define CHUNK_ROOM  24u
#define LENGTH_NONE SIZE_MAX /* no Content-Length */

struct encoded {
	struct ls_slice body;
	bool gzip, vary;
	struct ls_buf scratch; /* owns the body when it was made here */
};

static struct ls_slice
reason(int status)
{
	static const struct {
		int status;
		struct ls_slice text;
	} reasons[] = {
#define REASON(code, words)                                                                        \
	{                                                                                          \
		code,                                                                              \
		{                                                                                  \
			words, sizeof(words) - 1                                                   \
		}                                                                                  \
	}
		REASON(200, "OK"),
		REASON(204, "No Content"),
		REASON(202, "Accepted"),
		REASON(302, "Found"),
		REASON(400, "Bad Request"),
		REASON(401, "Unauthorized"),
		REASON(403, "Forbidden"),
		REASON(404, "Not Found"),
		REASON(503, "Service Unavailable"),
		REASON(201, "Created"),
		REASON(206, "Partial Content"),
		REASON(207, "Multi-Status"),
		REASON(301, "Moved Permanently"),
		REASON(303, "See Other"),
		REASON(304, "Not Modified"),
		REASON(307, "Temporary Redirect"),
		REASON(308, "Permanent Redirect"),
		REASON(405, "Method Not Allowed"),
		REASON(406, "Not Acceptable"),
		REASON(408, "Request Timeout"),
		REASON(409, "Conflict"),
		REASON(410, "Gone"),
		REASON(411, "Length Required"),
		REASON(412, "Precondition Failed"),
		REASON(413, "Content Too Large"),
		REASON(414, "URI Too Long"),
		REASON(415, "Unsupported Media Type"),
		REASON(417, "Expectation Failed"),
		REASON(422, "Unprocessable Content"),
		REASON(428, "Precondition Required"),
		REASON(429, "Too Many Requests"),
		REASON(431, "Request Header Fields Too Large"),
		REASON(500, "Internal Server Error"),
		REASON(501, "Not Implemented"),
		REASON(502, "Bad Gateway"),
		REASON(504, "Gateway Timeout"),
		REASON(505, "HTTP Version Not Supported"),
		REASON(507, "Insufficient Storage"),
#undef REASON
	};
	for (size_t i = 0; i < LS_ARRAY_LEN(reasons); i++) {
		if (reasons[i].status == status)
			return reasons[i].text;
	}
	return LS_S("Unknown");
}

static bool
bodyless(int status)
{
	return status == 204 || status == 304 || status < 200;
}

static inline void
put(struct ls_buf *out, struct ls_slice s)
{
	memcpy(out->data + out->len, s.data, s.len);
	out->len += s.len;
}

static struct ls_slice
date_line(struct ls_http_server *server)
{
	int64_t now_s = ls_loop_now_ms(server->loop) / 1000;
	const size_t name = sizeof "Date: " - 1;
	if (LS_UNLIKELY(now_s != server->date_s)) {
		memcpy(server->date, "Date: ", name);
		ls_http_date_format(now_s * 1000, server->date + name);
		memcpy(server->date + name + LS_HTTP_DATE_LEN, "\r\n", 2);
		server->date_s = now_s;
	}
	return ls_slice(server->date, name + LS_HTTP_DATE_LEN + 2);
}

/* status line and headers; `length` is LENGTH_NONE for none; room was made */
static void
put_head(struct ls_http_conn *conn, const struct ls_http_response *response,
	const struct encoded *encoded, size_t length)
{
	struct ls_buf *out = &conn->out;
	int status = response->status;
	const char digits[] = { (char)('0' + status / 100), (char)('0' + status / 10 % 10),
		(char)('0' + status % 10), ' ' };
	put(out, LS_S("HTTP/1.1 "));
	put(out, ls_slice(digits, sizeof digits));
	put(out, reason(status));
	put(out, LS_S("\r\n"));
	put(out, date_line(conn->server));
	if (response->content_type != NULL) {
		put(out, LS_S("Content-Type: "));
		put(out, ls_slice_str(response->content_type));
		put(out, LS_S("\r\n"));
	}
	if (length != LENGTH_NONE) {
		put(out, LS_S("Content-Length: "));
		(void)ls_buf_add_u64(out, length);
		put(out, LS_S("\r\n"));
	}
	if (encoded->gzip)
		put(out, LS_S("Content-Encoding: gzip\r\n"));
	if (encoded->vary)
		put(out, LS_S("Vary: Accept-Encoding\r\n"));
	for (size_t i = 0; i < response->header_count; i++) {
		put(out, response->headers[i].name);
		put(out, LS_S(": "));
		put(out, response->headers[i].value);
		put(out, LS_S("\r\n"));
	}
}

static void
put_connection(struct ls_http_conn *conn, bool close)
{
	if (close)
		put(&conn->out, LS_S("Connection: close\r\n"));
	else if (conn->minor == 0)
		put(&conn->out, LS_S("Connection: keep-alive\r\n"));
}

static bool
make_room(struct ls_http_conn *conn, const struct ls_http_response *response)
{
	size_t need = HEAD_ROOM;
	if (response->content_type != NULL)
		need += strlen(response->content_type);
	for (size_t i = 0; i < response->header_count; i++)
		need += response->headers[i].name.len + response->headers[i].value.len + 4;
	ls_http_borrow(conn->server, &conn->out);
	return ls_buf_reserve(&conn->out, need) == LS_OK;
}

static bool
text_like(const char *content_type)
{
	struct ls_slice type = ls_slice_str(content_type), part;
	if (!ls_slice_cut(&type, ';', &part))
		return false;
	part = ls_slice_trim(part);
	return ls_slice_starts(part, LS_S("text/")) || ls_slice_ends(part, LS_S("json")) ||
	       ls_slice_ends(part, LS_S("javascript")) || ls_slice_ends(part, LS_S("xml"));
}

static void
compress_body(struct ls_http_server *server, struct encoded *e)
{
	if (server->gzip == NULL)
		server->gzip = ls_gzip_new();
	/* a result that is not smaller is not worth having */
	ls_buf_init(&e->scratch, e->body.len - 1);
	if (server->gzip == NULL || ls_gzip_add(server->gzip, e->body, &e->scratch) != LS_OK)
		return;
	e->gzip = true;
	e->body = ls_buf_slice(&e->scratch);
}

/* LS_ERR_INVALID: the body says it is compressed and is not */
static int
encode(const struct ls_http_conn *conn, const struct ls_http_response *response, struct encoded *e)
{
	e->body = response->body;
	if (bodyless(response->status) || e->body.len == 0)
		return LS_OK;
	if (response->compressed) {
		e->vary = true;
		e->gzip = conn->accepts_gzip;
		if (e->gzip)
			return LS_OK;
		ls_buf_init(&e->scratch, GUNZIP_MOST);
		int err = ls_gunzip(e->body, &e->scratch);
		e->body = ls_buf_slice(&e->scratch);
		return err;
	}
	if (e->body.len < conn->server->options.gzip_from || !text_like(response->content_type))
		return LS_OK;
	e->vary = true;
	if (conn->accepts_gzip && e->body.len <= GZIP_MOST)
		compress_body(conn->server, e);
	return LS_OK;
}

static bool
closes(const struct ls_http_conn *conn, const struct ls_http_response *response)
{
	return response->close || !conn->keep_alive || conn->server->drain != LS_HTTP_SERVING;
}

/* the request has its answer: what is said about it ends here */
static void
answered(struct ls_http_conn *conn, int status, bool close, bool by_us)
{
	struct ls_http_server *server = conn->server;
	size_t class = (size_t)(status / 100);
	if (class < LS_ARRAY_LEN(server->stats.responses))
		server->stats.responses[class]++;
	if (conn->id != 0) {
		server->stats.pending--;
		if (conn->unsent++ == 0)
			conn->unsent_since_ns = conn->received_ns;
	}
	if (close) {
		conn->closing = true;
		conn->linger = by_us;
	}
	conn->id = 0;
	conn->head_only = conn->accepts_gzip = false;
	conn->minor = 1;
}

static int
answer(struct ls_http_conn *conn, const struct ls_http_response *response)
{
	struct encoded e = { 0 };
	int err = encode(conn, response, &e);
	if (err == LS_OK && !make_room(conn, response))
		err = LS_ERR_NOMEM;
	if (err == LS_OK) {
		bool none = bodyless(response->status);
		bool close = closes(conn, response);
		put_head(conn, response, &e, none ? LENGTH_NONE : e.body.len);
		put_connection(conn, close);
		put(&conn->out, LS_S("\r\n"));
		bool with_body = !none && !conn->head_only && e.body.len > 0;
		answered(conn, response->status, close,
			response->close || conn->server->drain != LS_HTTP_SERVING);
		if (with_body)
			ls_http_conn_add_body(conn, e.body);
	}
	ls_buf_fini(&e.scratch);
	return err;
}

void
ls_http_refuse(struct ls_http_conn *conn, int status, const char *why, bool close)
{
	static const struct ls_http_header retry[] = {
		{ { "Retry-After", 11 }, { "1", 1 } },
	};
	struct ls_http_server *server = conn->server;
	struct ls_http_response response = {
		.content_type = "text/plain; charset=utf-8",
		.body = ls_slice_str(why),
	};
	if (status == 503) {
		response.headers = retry;
		response.header_count = LS_ARRAY_LEN(retry);
	}
	if (server->handler.refuse != NULL)
		server->handler.refuse(server->handler.ctx, status, why, &server->arena, &response);
	response.status = status;
	response.close |= close;
	server->stats.bad_requests += status < 500 && status != 408;
	if (answer(conn, &response) != LS_OK)
		conn->dead = true;
	if (!conn->in_handler)
		ls_arena_reset(&server->arena);
}

static bool
headers_valid(const struct ls_http_response *response)
{
	for (size_t i = 0; i < response->header_count; i++) {
		const struct ls_http_header *h = &response->headers[i];
		if (!ls_http_field_valid(h->name, h->value)) {
			ls_error("http", "response header refused name=%.*s", LS_FMT(h->name));
			return false;
		}
	}
	return response->status >= 200 && response->status <= 599;
}

int
ls_http_reply(struct ls_http_server *server, uint64_t id, const struct ls_http_response *response)
{
	struct ls_http_conn *conn = ls_http_find(server, id);
	if (conn == NULL || conn->streaming)
		return LS_ERR_NOT_FOUND;
	int err = headers_valid(response) ? answer(conn, response) : LS_ERR_INVALID;
	if (err != LS_OK)
		ls_http_refuse(conn, 500, "internal error", false);
	if (!conn->in_handler)
		ls_http_mark_dirty(conn);
	return err;
}

bool
ls_http_is_waiting(const struct ls_http_server *server, uint64_t id)
{
	const struct ls_http_conn *conn = ls_http_find(server, id);
	return conn != NULL && !conn->streaming;
}

int
ls_http_stream_start(struct ls_http_server *server, uint64_t id,
	const struct ls_http_response *head, const struct ls_http_stream_events *events)
{
	static const struct encoded plain = { 0 };
	struct ls_http_conn *conn = ls_http_find(server, id);
	if (conn == NULL || conn->streaming)
		return LS_ERR_NOT_FOUND;
	if (!headers_valid(head))
		return LS_ERR_INVALID;
	if (!make_room(conn, head))
		return LS_ERR_NOMEM;
	bool chunked = conn->minor > 0, head_only = conn->head_only;
	bool close = closes(conn, head) || !chunked;
	put_head(conn, head, &plain, LENGTH_NONE);
	if (chunked)
		put(&conn->out, LS_S("Transfer-Encoding: chunked\r\n"));
	put_connection(conn, close);
	put(&conn->out, LS_S("\r\n"));
	answered(conn, head->status, false, false);
	conn->chunked = chunked;
	conn->stream_closes = close;
	conn->events = *events;
	conn->stream_id = id;
	conn->streaming = !head_only;
	conn->owes_closed = head_only;
	if (conn->streaming)
		conn->id = id;
	else
		conn->closing |= close;
	ls_http_mark_dirty(conn);
	return LS_OK;
}

static struct ls_http_conn *
find_stream(const struct ls_http_server *server, uint64_t id)
{
	struct ls_http_conn *conn = ls_http_find(server, id);
	return conn != NULL && conn->streaming ? conn : NULL;
}

int
ls_http_stream_write(struct ls_http_server *server, uint64_t id, struct ls_slice bytes)
{
	struct ls_http_conn *conn = find_stream(server, id);
	if (conn == NULL)
		return LS_ERR_NOT_FOUND;
	size_t waiting = ls_http_waiting(conn);
	if (bytes.len == 0)
		return LS_OK;
	if (waiting > 0 && waiting + bytes.len > server->options.max_output) {
		conn->wants_drained = true;
		return LS_ERR_LIMIT;
	}
	ls_http_borrow(server, &conn->out);
	if (ls_buf_reserve(&conn->out, bytes.len + CHUNK_ROOM) != LS_OK) {
		/* waiting would not help: nothing says when there is memory again */
		conn->dead = true;
		ls_http_mark_dirty(conn);
		return LS_ERR_NOT_FOUND;
	}
	if (conn->chunked)
		(void)ls_buf_addf(&conn->out, "%zx\r\n", bytes.len);
	(void)ls_buf_add_slice(&conn->out, bytes);
	if (conn->chunked)
		(void)ls_buf_add_lit(&conn->out, "\r\n");
	ls_http_mark_dirty(conn);
	return LS_OK;
}

void
ls_http_stream_end(struct ls_http_server *server, uint64_t id)
{
	struct ls_http_conn *conn = find_stream(server, id);
	if (conn == NULL)
		return;
	ls_http_borrow(server, &conn->out);
	if (conn->chunked)
		(void)ls_buf_add_lit(&conn->out, "0\r\n\r\n");
	conn->id = 0;
	conn->streaming = false;
	conn->owes_closed = true;
	conn->closing = conn->stream_closes || server->drain != LS_HTTP_SERVING;
	conn->renewed = true;
	ls_http_mark_dirty(conn);
}

void
ls_http_stream_gone(struct ls_http_conn *conn)
{
	if (!conn->streaming && !conn->owes_closed)
		return;
	conn->streaming = conn->owes_closed = conn->wants_drained = false;
	if (conn->events.closed != NULL)
		conn->events.closed(conn->events.ctx, conn->stream_id);
}

void
ls_http_stream_drained(struct ls_http_conn *conn)
{
	if (!conn->streaming || ls_http_waiting(conn) >= conn->server->options.max_output / 4)
		return;
	conn->wants_drained = false;
	if (conn->events.drained != NULL)
		conn->events.drained(conn->events.ctx, conn->stream_id);
}
