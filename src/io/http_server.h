/* SPDX-License-Identifier: MIT */
/* An HTTP/1.1 server (RFC 9110, RFC 9112) on the loop: parses, enforces limits and deadlines, hands
 * over requests of slices. Knows no route. */
#ifndef LS_IO_HTTP_SERVER_H
#define LS_IO_HTTP_SERVER_H

#include "base/arena.h"
#include "base/prom.h"
#include "io/loop.h"

/** The server writes at the end of a turn, behind hooks of a lower order: what they answer goes out
 * in the same turn. */
#define LS_HTTP_TURN_ORDER 1000

struct ls_http_server;
struct ls_tls;

struct ls_http_header {
	struct ls_slice name; /* as sent; compare with ls_slice_eq_nocase */
	struct ls_slice value;
};

/**
 * Lives as long as the handler call: who answers later copies what it needs and keeps the id.
 * Slices point into the read buffer.
 */
struct ls_http_request {
	uint64_t id;            /* for ls_http_reply(); never used again for another request */
	struct ls_slice method; /* upper case token */
	struct ls_slice target; /* as on the wire, origin form */
	struct ls_slice path;   /* target up to '?', still percent-encoded, begins with '/', no
				   control characters */
	struct ls_slice query;  /* behind '?', still encoded */
	struct ls_slice host;   /* of the target when it was absolute, else the Host header; data ==
				   NULL in HTTP/1.0 without one */
	const struct ls_http_header *headers;
	size_t header_count;
	struct ls_slice body;   /* transfer coding removed */
	struct ls_arena *arena; /* reset when the handler returns */
	struct ls_slice peer;   /* numeric address, "unix" for unix sockets */
	bool peer_is_loopback;  /* or a unix socket */
	int64_t received_ns;    /* monotonic, when the request was complete */
};

/** data == NULL when absent. `name` in lower case. The first of several. */
struct ls_slice ls_http_header(const struct ls_http_request *req, const char *name);
/** Value of a query parameter, percent and plus decoded into the arena; data == NULL when absent.
 * Malformed escapes stay as they are. */
struct ls_slice ls_http_query(const struct ls_http_request *req, const char *name);
/** Percent-decodes into the arena. data == NULL for bad escapes, NUL, control characters or invalid
 * UTF-8. */
struct ls_slice ls_http_unescape(struct ls_arena *arena, struct ls_slice text);

/** Content-Length, Date and Connection are the server's. Bodies for HEAD, 204 and 304 are left out.
 * Everything is copied. */
struct ls_http_response {
	int status;
	const char *content_type; /* NULL: none */
	struct ls_slice body;
	const struct ls_http_header *headers;
	size_t header_count;
	bool close;      /* close the connection behind this answer */
	bool compressed; /* the body is gzip already: say so, do not compress again; clients that do
			    not take it get it decompressed */
};

struct ls_http_handler {
	/** Called when the header section is complete: how large a body this route takes. 0 when it
	 * takes none. Not called for requests without a body. */
	size_t (*max_body)(void *ctx, struct ls_slice method, struct ls_slice path);
	/** Called once a request, complete. Answer with ls_http_reply() here or later. `OPTIONS *`
	 * never comes here: the server answers it. */
	void (*handle)(void *ctx, struct ls_http_request *req);
	/** An error the server itself finds (400, 408, 413, 431, ...): fills the response body from
	 * the arena, so that errors look alike. May be NULL. */
	void (*refuse)(void *ctx, int status, const char *why, struct ls_arena *arena,
		struct ls_http_response *out);
	void *ctx;
};

/** All have defaults (0 means default): RELIABILITY limits. */
struct ls_http_options {
	size_t max_request_line;     /* 8 KiB */
	size_t max_header_bytes;     /* 16 KiB */
	size_t max_headers;          /* 64 */
	size_t max_connections;      /* 10,000, less when descriptors are fewer */
	size_t max_per_address;      /* 100; loopback and unix sockets are exempt */
	int64_t header_deadline_ms;  /* 10,000, absolute, from the first byte */
	int64_t body_bytes_a_second; /* 1,024 at least, on average, after a grace of 5 s */
	int64_t idle_ms;             /* 60,000 */
	int64_t reply_ms;            /* 30,000: then 503 in the handler's place */
	size_t max_output; /* bytes a connection may have waiting: 4 MiB; a slow stream reader is
			      told to stop or cut */
	size_t gzip_from;  /* smallest body worth compressing: 1,024; SIZE_MAX: never */
};

/** Plain counters: read them, never write them. */
struct ls_http_stats {
	uint64_t accepted, refused_connections, requests,
		responses[6] /* by first digit of the status */, bad_requests, timeouts, bytes_in,
		bytes_out;
	uint64_t open_connections, pending;
	struct ls_hist latency; /* from complete request to the answer handed to the kernel */
};

/** Options (NULL: all defaults) and handler are copied; the loop outlives it. NULL when there is no
 * memory. */
struct ls_http_server *ls_http_server_new(struct ls_loop *loop,
	const struct ls_http_options *options, const struct ls_http_handler *handler) LS_MUST_CHECK;
/** Closes everything at once. NULL is fine. */
struct ls_http_server *ls_http_server_free(struct ls_http_server *server);

/**
 * Listens on "host:port", "[v6]:port" or "unix:/path" (SO_REUSEPORT; a stale unix socket is
 * replaced). `tls` may be NULL; it stays the caller's and must live as long as the server. May be
 * called several times. LS_ERR_INVALID for a bad address, LS_ERR_IO with errno otherwise. Host
 * names are not resolved, except "localhost".
 */
int ls_http_listen(
	struct ls_http_server *server, struct ls_slice address, struct ls_tls *tls) LS_MUST_CHECK;
/** Port of the first TCP listener, for ":0". */
int ls_http_port(const struct ls_http_server *server);

/** Answers a request, at any time. LS_ERR_NOT_FOUND when the client or its patience is gone:
 * nothing to do then. LS_ERR_INVALID for a header with control characters, or a status that is no
 * final one: the client gets a 500. Call it on the loop, not in an end-of-turn hook behind
 * LS_HTTP_TURN_ORDER. */
int ls_http_reply(
	struct ls_http_server *server, uint64_t id, const struct ls_http_response *response);

/** Whether a request still waits for its answer: for work that would be in vain otherwise. */
bool ls_http_is_waiting(const struct ls_http_server *server, uint64_t id);

/** A body of unknown length, chunked (HTTP/1.0: up to the end of the connection). After a write was
 * turned away, `drained` is called once less than a quarter of max_output waits. `closed` is called
 * exactly once, at the end or when the client leaves, never from within a call into the server.
 * HEAD ends the stream at once. Either may be NULL. */
struct ls_http_stream_events {
	void (*drained)(void *ctx, uint64_t id);
	void (*closed)(void *ctx, uint64_t id);
	void *ctx;
};
int ls_http_stream_start(struct ls_http_server *server, uint64_t id,
	const struct ls_http_response *head,
	const struct ls_http_stream_events *events) LS_MUST_CHECK;
/** Written at the end of the turn. LS_ERR_LIMIT: nothing taken, wait for `drained` (anything is
 * taken while nothing waits). LS_ERR_NOT_FOUND: gone. */
int ls_http_stream_write(
	struct ls_http_server *server, uint64_t id, struct ls_slice bytes) LS_MUST_CHECK;
void ls_http_stream_end(struct ls_http_server *server, uint64_t id);

/** Stops listening, answers what is under way with Connection: close, closes idle connections, then
 * calls `done`, at the latest after `deadline_ms`. */
void ls_http_server_drain(
	struct ls_http_server *server, int64_t deadline_ms, ls_timer_fn done, void *ctx);
const struct ls_http_stats *ls_http_server_stats(const struct ls_http_server *server);

#endif
