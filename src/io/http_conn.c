// SPDX-License-Identifier: MIT
/* One HTTP connection: bytes in, requests out to the handler, bytes out. Whole requests are handled
 * straight from the buffer that all connections share; only what is incomplete is kept. */

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/http_internal.h"

#define READ_STEP    2048u  /* least room offered to a read that continues a request */
#define DIRECT_BYTES 16384u /* bodies from here on are written without copying them first */
#define BUF_MAX      ((size_t)1 << 40) /* the reading and writing rules below bound the buffers */

/* bytes being worked off: the shared buffer or the connection's own */
struct input {
	char *data;
	size_t len;
	size_t at; /* used up so far */
};

static ssize_t
io_result(ssize_t n)
{
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? LS_IO_AGAIN : LS_IO_FAILED;
}

/* recv(2) and send(2) cost a few per cent less than read(2) and write(2) */
static ssize_t
io_read(struct ls_http_conn *conn, char *to, size_t size)
{
	if (conn->tls == NULL)
		return io_result(recv(conn->fd, to, size, 0));
	ssize_t n = ls_tls_read(conn->tls, to, size);
	conn->read_again = n > 0 && ls_tls_pending(conn->tls);
	return n;
}

static ssize_t
io_write(struct ls_http_conn *conn, const char *from, size_t len)
{
	if (conn->tls == NULL)
		return io_result(send(conn->fd, from, len, MSG_NOSIGNAL));
	return ls_tls_write(conn->tls, from, len);
}

static void
count_sent(struct ls_http_conn *conn, size_t n)
{
	conn->server->stats.bytes_out += n;
	conn->progressed = true;
	if (conn->unsent == 0)
		return;
	int64_t took_ns = ls_clock_mono_ns() - conn->unsent_since_ns;
	for (; conn->unsent > 0; conn->unsent--)
		ls_hist_add(&conn->server->stats.latency, took_ns);
}

static void
write_waiting(struct ls_http_conn *conn)
{
	while (ls_http_waiting(conn) > 0) {
		ssize_t n = io_write(conn, conn->out.data + conn->out_at, ls_http_waiting(conn));
		if (n <= 0) {
			conn->blocked = n == LS_IO_AGAIN;
			conn->dead = !conn->blocked;
			return;
		}
		conn->out_at += (size_t)n;
		count_sent(conn, (size_t)n);
		/* a socket that took less than all is full: asking again would be in vain */
		conn->blocked = conn->tls == NULL && ls_http_waiting(conn) > 0;
		if (conn->blocked)
			return;
	}
}

void
ls_http_conn_flush(struct ls_http_conn *conn)
{
	if (conn->dead || conn->blocked)
		return;
	write_waiting(conn);
	if (ls_http_waiting(conn) == 0) {
		ls_http_give_back(conn->server, &conn->out);
		conn->out_at = 0;
	} else if (conn->out_at > conn->out.len / 2) {
		ls_buf_consume(&conn->out, conn->out_at);
		conn->out_at = 0;
	}
	if (conn->wants_drained && !conn->dead)
		ls_http_stream_drained(conn);
}

void
ls_http_conn_add_body(struct ls_http_conn *conn, struct ls_slice body)
{
	if (body.len >= DIRECT_BYTES && conn->tls == NULL && !conn->blocked && !conn->dead &&
		conn->out.err == LS_OK) {
		size_t before = ls_http_waiting(conn);
		union {
			const char *from;
			void *base;
		} cast = { .from = body.data };
		struct iovec parts[] = {
			{ .iov_base = conn->out.data + conn->out_at, .iov_len = before },
			{ .iov_base = cast.base, .iov_len = body.len },
		};
		ssize_t n = io_result(writev(conn->fd, parts, 2));
		conn->dead = n == LS_IO_FAILED;
		size_t sent = n > 0 ? (size_t)n : 0;
		conn->out_at += LS_MIN(sent, before);
		size_t of_body = sent - LS_MIN(sent, before);
		if (sent > 0)
			count_sent(conn, sent);
		conn->blocked = of_body < body.len;
		body = ls_slice(body.data + of_body, body.len - of_body);
	}
	(void)ls_buf_add_slice(&conn->out, body);
}

static void
note_request(struct ls_http_conn *conn, const struct ls_http_head *head)
{
	conn->minor = head->minor;
	conn->keep_alive = head->keep_alive;
	conn->head_only = ls_slice_eq(head->method, LS_S("HEAD"));
	conn->accepts_gzip = head->accepts_gzip;
}

/* "http://host?query" has no path in its bytes: the only target that is put together */
static struct ls_slice
origin_target(struct ls_http_server *server, const struct ls_http_head *head)
{
	struct ls_slice target = head->target;
	if (target.len == 0 || target.data[0] != '?')
		return target;
	char *text = ls_arena_alloc(&server->arena, target.len + 1);
	if (text == NULL)
		return LS_S("/");
	text[0] = '/';
	memcpy(text + 1, target.data, target.len);
	return ls_slice(text, target.len + 1);
}

static void
dispatch(struct ls_http_conn *conn, struct ls_slice body)
{
	struct ls_http_server *server = conn->server;
	const struct ls_http_head *head = &server->head;
	conn->id = ls_http_next_id(server, conn->slot);
	conn->renewed = true;
	conn->received_ns = ls_loop_mono_ns(server->loop);
	server->stats.requests++;
	server->stats.pending++;
	struct ls_http_request req = {
		.id = conn->id,
		.method = head->method,
		.target = origin_target(server, head),
		.path = head->path,
		.query = head->query,
		.host = head->host,
		.headers = head->headers,
		.header_count = head->header_count,
		.body = body,
		.arena = &server->arena,
		.peer = ls_slice(conn->peer, conn->peer_len),
		.peer_is_loopback = conn->loopback,
		.received_ns = conn->received_ns,
	};
	conn->in_handler = true;
	if (LS_UNLIKELY(req.path.data[0] == '*')) {
		/* RFC 9110 section 9.3.7: a kind of ping for the server itself */
		const struct ls_http_response pong = { .status = 204 };
		(void)ls_http_reply(server, req.id, &pong);
	} else {
		server->handler.handle(server->handler.ctx, &req);
	}
	conn->in_handler = false;
	ls_arena_reset(&server->arena);
}

static bool
give_up(struct ls_http_conn *conn, struct input *in, int status, const char *why)
{
	in->at = in->len;
	conn->in_body = false;
	ls_http_refuse(conn, status, why, true);
	return false;
}

/* the head was parsed when its bytes came; they may have moved since */
static bool
parse_again(struct ls_http_conn *conn, struct ls_slice head)
{
	struct ls_http_server *server = conn->server;
	struct ls_http_scan scan = { 0 };
	return ls_http_parse_head(&scan, head, &server->limits, &server->head) == LS_HTTP_DONE;
}

/* Decodes what has come of a chunked body. LS_HTTP_MORE: `in` has shrunk to the head, the decoded
 * bytes and what cannot be decoded yet. */
static enum ls_http_verdict
decode_body(struct ls_http_conn *conn, struct input *in, size_t *end)
{
	size_t from = in->at + conn->head_size + conn->body_have, used, made;
	size_t len = in->len - from;
	char *at = in->data + from;
	enum ls_http_verdict verdict = ls_http_chunks_decode(&conn->chunks, at, len, &used, &made);
	conn->body_have += made;
	*end = from + used;
	if (verdict == LS_HTTP_MORE) {
		memmove(at + made, at + used, len - used);
		in->len -= used - made;
	}
	return verdict;
}

/* true: a request was handled; false: it is incomplete, or refused */
static bool
step_body(struct ls_http_conn *conn, struct input *in, bool parsed)
{
	size_t start = in->at, end = start + conn->head_size + conn->body_have;
	if (conn->body_chunked) {
		enum ls_http_verdict verdict = decode_body(conn, in, &end);
		if (verdict == LS_HTTP_REFUSED)
			return give_up(conn, in, conn->chunks.status, conn->chunks.why);
		if (verdict == LS_HTTP_MORE)
			return false;
	} else if (in->len < end) {
		return false;
	}
	const char *head = in->data + start;
	conn->in_body = false;
	if (!parsed && !parse_again(conn, ls_slice(head, conn->head_size)))
		return give_up(conn, in, 500, "internal error");
	in->at = end;
	dispatch(conn, ls_slice(head + conn->head_size, conn->body_have));
	return true;
}

static bool
begin_body(struct ls_http_conn *conn, struct input *in)
{
	struct ls_http_server *server = conn->server;
	const struct ls_http_head *head = &server->head;
	uint64_t max = server->handler.max_body(server->handler.ctx, head->method, head->path);
	if (!head->chunked && head->content_length > max)
		return give_up(conn, in, 413, "body too large");
	conn->in_body = true;
	conn->body_chunked = head->chunked;
	conn->head_size = head->size;
	conn->body_have = head->chunked ? 0 : (size_t)head->content_length;
	if (head->chunked)
		ls_http_chunks_init(&conn->chunks, max);
	/* RFC 9110 section 10.1.1: pointless once the body has begun to come */
	if (head->expect_continue && in->len - in->at == head->size) {
		ls_http_borrow(server, &conn->out);
		(void)ls_buf_add_lit(&conn->out, "HTTP/1.1 100 Continue\r\n\r\n");
	}
	return step_body(conn, in, true);
}

static bool
step(struct ls_http_conn *conn, struct input *in)
{
	struct ls_http_server *server = conn->server;
	struct ls_http_head *head = &server->head;
	if (conn->in_body)
		return step_body(conn, in, false);
	struct ls_slice bytes = ls_slice(in->data + in->at, in->len - in->at);
	enum ls_http_verdict verdict =
		ls_http_parse_head(&conn->scan, bytes, &server->limits, head);
	if (verdict == LS_HTTP_REFUSED)
		return give_up(conn, in, head->status, head->why);
	if (verdict == LS_HTTP_MORE) {
		/* empty lines only: the connection is still idle */
		if (conn->scan.fields_at == 0 && conn->scan.line == bytes.len) {
			in->at = in->len;
			conn->scan = (struct ls_http_scan){ .blank = conn->scan.blank };
		}
		return false;
	}
	conn->scan = (struct ls_http_scan){ 0 };
	note_request(conn, head);
	if (head->chunked || head->content_length > 0)
		return begin_body(conn, in);
	in->at += head->size;
	dispatch(conn, ls_slice(NULL, 0));
	return true;
}

/* one request at a time, and none while too many answers wait */
static void
process(struct ls_http_conn *conn, struct input *in)
{
	conn->paused = false;
	while (in->at < in->len && conn->id == 0 && !conn->closing && !conn->dead) {
		/* an ended stream hears of it before the next request's may begin */
		if (conn->owes_closed)
			ls_http_stream_gone(conn);
		conn->paused = ls_http_waiting(conn) >= LS_HTTP_OUT_PAUSE;
		if (conn->paused || !step(conn, in))
			break;
	}
	if (conn->closing)
		in->at = in->len;
}

static void
process_shared(struct ls_http_conn *conn, size_t len)
{
	struct input in = { .data = conn->server->read_buffer, .len = len };
	process(conn, &in);
	if (in.at == in.len)
		return;
	ls_http_borrow(conn->server, &conn->in);
	if (ls_buf_add(&conn->in, in.data + in.at, in.len - in.at) != LS_OK)
		conn->dead = true;
}

static void
process_own(struct ls_http_conn *conn)
{
	struct input in = { .data = conn->in.data, .len = conn->in.len, .at = conn->in_at };
	process(conn, &in);
	conn->in_at = in.at;
	conn->in.len = in.len;
	if (in.at == in.len) {
		ls_http_give_back(conn->server, &conn->in);
		conn->in_at = 0;
	}
}

static void
end_of_input(struct ls_http_conn *conn)
{
	/* a client may close its sending half and wait for the answer; a stream's reader has no
	 * reason to */
	conn->eof = true;
	conn->dead = conn->streaming || conn->state == LS_HTTP_LINGER;
}

/* how much to ask for behind what is there */
static size_t
read_room(const struct ls_http_conn *conn)
{
	size_t have = conn->in.len - conn->in_at, need = 0;
	if (conn->in_body && !conn->body_chunked)
		need = conn->head_size + conn->body_have - have;
	/* the buffer grows with what has come, not with what was announced */
	return LS_MAX(LS_MIN(need, LS_MAX(have, (size_t)LS_HTTP_READ_SIZE)), (size_t)READ_STEP);
}

static ssize_t
read_own(struct ls_http_conn *conn)
{
	if (conn->in_at > 0) {
		ls_buf_consume(&conn->in, conn->in_at);
		conn->in_at = 0;
	}
	size_t room = read_room(conn);
	if (ls_buf_reserve(&conn->in, room) != LS_OK)
		return LS_IO_FAILED;
	room = LS_MIN(conn->in.cap - conn->in.len, room);
	ssize_t n = io_read(conn, conn->in.data + conn->in.len, room);
	if (n > 0)
		conn->in.len += (size_t)n;
	return n;
}

static void
read_once(struct ls_http_conn *conn)
{
	bool own = conn->in.len > 0;
	ssize_t n =
		own ? read_own(conn) : io_read(conn, conn->server->read_buffer, LS_HTTP_READ_SIZE);
	if (n == LS_IO_AGAIN)
		return;
	if (n <= 0) {
		conn->dead = n != 0;
		if (n == 0)
			end_of_input(conn);
		return;
	}
	conn->server->stats.bytes_in += (size_t)n;
	if (conn->state == LS_HTTP_LINGER)
		return;
	if (own)
		process_own(conn);
	else
		process_shared(conn, (size_t)n);
}

static bool
may_read(const struct ls_http_conn *conn)
{
	if (conn->eof || conn->dead)
		return false;
	if (conn->state == LS_HTTP_WRITE)
		return conn->streaming;
	return conn->id == 0 || conn->in.len - conn->in_at < LS_HTTP_READ_SIZE;
}

static void
shake_hands(struct ls_http_conn *conn)
{
	int result = ls_tls_handshake(conn->tls);
	if (result == LS_IO_AGAIN)
		return;
	conn->handshaken = result == 1;
	conn->dead = result != 1;
	/* the first request may have come with the end of the handshake */
	if (conn->handshaken)
		read_once(conn);
}

static void
on_watch(void *ctx, unsigned what)
{
	struct ls_http_conn *conn = LS_CAST(http_conn, ctx);
	if (!conn->handshaken) {
		shake_hands(conn);
	} else {
		if (what & LS_WRITE)
			conn->blocked = false;
		if ((what & LS_READ) && may_read(conn))
			read_once(conn);
	}
	ls_http_conn_settle(conn);
}

static enum ls_http_state
state_of(const struct ls_http_conn *conn)
{
	if (!conn->handshaken)
		return LS_HTTP_HANDSHAKE;
	if (conn->id != 0 && !conn->streaming)
		return LS_HTTP_PENDING;
	if (ls_http_waiting(conn) > 0)
		return LS_HTTP_WRITE;
	if (conn->streaming)
		return LS_HTTP_STREAM;
	if (conn->closing)
		return LS_HTTP_LINGER;
	if (conn->in_body)
		return LS_HTTP_BODY;
	return conn->in.len > 0 ? LS_HTTP_HEAD : LS_HTTP_IDLE;
}

static unsigned
interest(const struct ls_http_conn *conn)
{
	if (!conn->handshaken)
		return ls_tls_wants_write(conn->tls) ? LS_WRITE : LS_READ;
	return (may_read(conn) ? LS_READ : 0) | (conn->blocked ? LS_WRITE : 0);
}

/* true: it was closed */
static bool
finish(struct ls_http_conn *conn)
{
	/* RFC 9112 section 9.6: closing with bytes unread makes the kernel reset the connection,
	 * which can take the answer away from the client */
	bool linger = conn->linger && !conn->eof;
	if (conn->tls != NULL && conn->state != LS_HTTP_LINGER)
		ls_tls_shutdown(conn->tls);
	if (linger && conn->state != LS_HTTP_LINGER && shutdown(conn->fd, SHUT_WR) == 0) {
		ls_http_give_back(conn->server, &conn->in);
		conn->in_at = 0;
		return false;
	}
	if (linger && conn->state == LS_HTTP_LINGER)
		return false;
	ls_http_conn_free(conn);
	return true;
}

void
ls_http_conn_settle(struct ls_http_conn *conn)
{
	if (conn->out.err != LS_OK)
		conn->dead = true;
	if (ls_http_waiting(conn) > 0)
		ls_http_conn_flush(conn);
	if (conn->owes_closed)
		ls_http_stream_gone(conn);
	bool busy = conn->id != 0 || conn->streaming;
	if (conn->eof && !conn->paused && !busy)
		conn->closing = true;
	if (conn->dead) {
		ls_http_conn_free(conn);
		return;
	}
	if (conn->closing && !busy && ls_http_waiting(conn) == 0 && finish(conn))
		return;
	enum ls_http_state state = state_of(conn);
	ls_http_set_state(
		conn, state, conn->renewed || (conn->progressed && state == LS_HTTP_WRITE));
	conn->renewed = conn->progressed = false;
	if (ls_watch_set(conn->watch, interest(conn)) != LS_OK) {
		ls_http_conn_free(conn);
		return;
	}
	if ((conn->read_again && may_read(conn)) || (conn->paused && ls_http_waiting(conn) == 0)) {
		ls_http_mark_dirty(conn);
		ls_loop_again(conn->server->loop);
	}
}

void
ls_http_conn_turn(struct ls_http_conn *conn)
{
	if (!conn->dead && conn->read_again && may_read(conn)) {
		conn->read_again = false;
		read_once(conn);
	} else if (!conn->dead && conn->in.len > conn->in_at) {
		process_own(conn);
	}
	ls_http_conn_settle(conn);
}

void
ls_http_conn_poll(struct ls_http_conn *conn)
{
	read_once(conn);
	if (conn->id == 0 && conn->in.len == 0 && !conn->streaming)
		conn->closing = true;
	ls_http_conn_settle(conn);
}

void
ls_http_conn_expire(struct ls_http_conn *conn)
{
	const struct linger reset = { .l_onoff = 1 };
	switch ((enum ls_http_state)conn->state) {
	case LS_HTTP_HEAD:
	case LS_HTTP_BODY:
		conn->server->stats.timeouts++;
		conn->in_body = false;
		ls_http_refuse(conn, 408, "the request took too long to arrive", true);
		break;
	case LS_HTTP_PENDING:
		conn->server->stats.timeouts++;
		ls_http_refuse(conn, 503, "no answer in time", false);
		ls_http_conn_turn(conn);
		return;
	case LS_HTTP_IDLE:
		conn->closing = true;
		break;
	case LS_HTTP_WRITE:
		/* what waits in the kernel's buffer is not wanted either */
		(void)setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
		conn->server->stats.timeouts++;
		conn->dead = true;
		break;
	case LS_HTTP_HANDSHAKE:
	case LS_HTTP_STREAM:
	case LS_HTTP_LINGER:
	case LS_HTTP_STATES:
		conn->dead = true;
		break;
	}
	ls_http_conn_settle(conn);
}

struct ls_http_conn *
ls_http_conn_new(struct ls_http_server *server, int fd, struct ls_tls *tls)
{
	struct ls_http_conn *conn = calloc(1, sizeof *conn);
	if (conn == NULL || ls_http_take_slot(server, conn) != LS_OK) {
		free(conn);
		return NULL;
	}
	conn->magic = LS_MAGIC_http_conn;
	conn->server = server;
	conn->fd = fd;
	conn->address = LS_MAP_NONE;
	ls_http_link_init(&conn->timed);
	ls_http_link_init(&conn->dirty);
	ls_buf_init(&conn->in, BUF_MAX);
	ls_buf_init(&conn->out, BUF_MAX);
	conn->handshaken = tls == NULL;
	conn->minor = 1;
	conn->state = LS_HTTP_STATES;
	conn->watch = ls_watch_new(server->loop, fd, on_watch, conn);
	if (tls != NULL)
		conn->tls = ls_tls_accept(tls, fd);
	if (conn->watch == NULL || (tls != NULL && conn->tls == NULL) ||
		ls_watch_set(conn->watch, LS_READ) != LS_OK) {
		conn->fd = -1; /* the caller keeps it */
		ls_http_conn_free(conn);
		return NULL;
	}
	ls_http_set_state(conn, state_of(conn), true);
	return conn;
}

void
ls_http_conn_free(struct ls_http_conn *conn)
{
	struct ls_http_server *server = conn->server;
	ls_http_link_remove(&conn->timed);
	ls_http_link_remove(&conn->dirty);
	if (conn->id != 0 && !conn->streaming)
		server->stats.pending--;
	ls_http_release_slot(server, conn);
	ls_http_stream_gone(conn);
	ls_watch_free(conn->watch);
	ls_tls_conn_free(conn->tls);
	if (conn->fd >= 0)
		(void)close(conn->fd);
	if (conn->address != LS_MAP_NONE)
		ls_http_address_release(server, conn->address);
	ls_http_give_back(server, &conn->in);
	ls_http_give_back(server, &conn->out);
	conn->magic = 0;
	free(conn);
	ls_http_conn_gone(server);
}
