/* SPDX-License-Identifier: MIT */
/* What the files of the HTTP server share: http_server.c (life, deadlines, drain), http_listen.c
 * (accepting), http_conn.c (bytes in and out), http_reply.c (answers and streams). */
#ifndef LS_IO_HTTP_INTERNAL_H
#define LS_IO_HTTP_INTERNAL_H

#include "base/hash.h"
#include "base/map.h"
#include "io/gzip.h"
#include "io/http_parse.h"
#include "io/tls.h"

#define LS_MAGIC_http_conn     0x68636f6eu
#define LS_MAGIC_http_listener 0x686c6973u
#define LS_MAGIC_http_server   0x68737276u

#define LS_HTTP_READ_SIZE  65536u /* of the shared read buffer */
#define LS_HTTP_OUT_PAUSE  65536u /* answers waiting that stop the next pipelined request */
#define LS_HTTP_PEER_LEN   46u    /* INET6_ADDRSTRLEN */
#define LS_HTTP_SPARE_SIZE 4096u  /* buffers of this size are kept */
#define LS_HTTP_SPARES     256u

struct ls_http_link {
	struct ls_http_link *prev, *next;
};

/** A connection is always in exactly one state, and each state is a list that is sorted by
 * `since_ns`; a state's deadline is the same for all in it (but for BODY, whose list is walked). */
enum ls_http_state {
	LS_HTTP_HANDSHAKE,
	LS_HTTP_IDLE,    /* nothing of a request has come */
	LS_HTTP_HEAD,    /* part of a head has */
	LS_HTTP_BODY,    /* part of a body has */
	LS_HTTP_PENDING, /* the handler owes an answer */
	LS_HTTP_STREAM,  /* the answer is a stream, with nothing waiting to be written */
	LS_HTTP_WRITE,   /* the client owes us reading */
	LS_HTTP_LINGER,  /* answered and shut; reads what still comes, so that no reset eats the
			    answer */
	LS_HTTP_STATES
};

enum ls_http_drain { LS_HTTP_SERVING, LS_HTTP_DRAIN_ASKED, LS_HTTP_DRAINING, LS_HTTP_DRAINED };

struct ls_http_conn {
	uint32_t magic;
	int fd;
	struct ls_http_server *server;
	struct ls_watch *watch;
	struct ls_tls_conn *tls;   /* NULL: plain */
	struct ls_http_link timed; /* in the list of its state */
	struct ls_http_link
		dirty;    /* in the server's list of connections to go over at turn's end */
	int64_t since_ns; /* when the state began, or last made progress */
	uint64_t id;      /* of the request that is to be answered; 0: none */
	uint32_t slot;
	uint32_t address; /* index of its address entry, or LS_MAP_NONE */
	uint8_t state;
	uint8_t minor; /* of the current request */
	uint8_t peer_len;
	bool is_dirty : 1;
	bool handshaken : 1;
	bool in_body : 1;       /* the current request's head is complete, its body is not */
	bool renewed : 1;       /* a request was completed since the state was last set */
	bool keep_alive : 1;    /* of the current request */
	bool head_only : 1;     /* of the current request */
	bool accepts_gzip : 1;  /* of the current request */
	bool in_handler : 1;    /* the handler is running */
	bool streaming : 1;     /* between stream_start and its end */
	bool chunked : 1;       /* the stream is chunked; otherwise it ends with the connection */
	bool wants_drained : 1; /* a stream write was turned away */
	bool owes_closed : 1;   /* the stream's `closed` is still to be called */
	bool eof : 1;           /* the client sends no more */
	bool closing : 1;       /* nothing more is read as a request; close when all is written */
	bool linger : 1;        /* close by way of LINGER */
	bool blocked : 1;       /* the socket took no more: waiting for LS_WRITE */
	bool dead : 1;          /* to be freed by whoever runs the connection */
	bool read_again : 1;    /* bytes wait where the descriptor does not announce them */
	bool loopback : 1;
	bool paused : 1;        /* requests wait until answers have been written */
	bool progressed : 1;    /* something was written since the state was last set */
	bool stream_closes : 1; /* the connection ends with the stream */
	/* what has come and was not used up: empty between requests */
	struct ls_buf in;
	size_t in_at;
	struct ls_buf out;
	size_t out_at;
	struct ls_http_scan scan;
	/* while in_body */
	size_t head_size;
	size_t body_have; /* chunked: decoded bytes behind the head; else the length to come */
	struct ls_http_chunks chunks;
	bool body_chunked;
	/* answers formatted and not yet handed to the kernel: how many, and when the first of their
	 * requests was complete */
	uint32_t unsent;
	int64_t unsent_since_ns, received_ns;
	struct ls_http_stream_events events;
	uint64_t stream_id;
	char peer[LS_HTTP_PEER_LEN];
};

struct ls_http_slot {
	struct ls_http_conn *conn;
	uint64_t sequence; /* of requests in this slot, over all its connections */
};

struct ls_http_address {
	unsigned char key[16];
	uint32_t count;
	uint32_t next_free;
};

struct ls_http_listener {
	uint32_t magic;
	struct ls_http_server *server;
	struct ls_http_listener *next;
	struct ls_watch *watch;
	struct ls_tls *tls;
	char *unix_path;
	uint64_t unix_dev, unix_ino; /* the socket file is removed only while it is still ours */
	int fd;
	int port;
};

struct ls_http_server {
	uint32_t magic;
	struct ls_loop *loop;
	struct ls_http_options options;
	struct ls_http_limits limits;
	struct ls_http_handler handler;
	struct ls_http_stats stats;
	struct ls_http_listener *listeners;
	struct ls_http_link states[LS_HTTP_STATES], dirty;
	struct ls_http_slot *slots;
	uint32_t *free_slots;
	uint32_t slot_count, slot_cap, free_count;
	/* connections per address */
	struct ls_hash_key address_key;
	struct ls_map address_map;
	struct ls_http_address *addresses;
	uint32_t address_count, address_cap, address_free;
	/* descriptors */
	int reserve_fd;
	int64_t refused_logged_ns;
	/* one for all connections */
	char *read_buffer;
	struct ls_http_head head;
	struct ls_arena arena;
	struct ls_gzip *gzip;
	char *spares[LS_HTTP_SPARES];
	uint32_t spare_count;
	int64_t date_s;
	char date[48]; /* "Date: ...\r\n" */
	struct ls_timer *tick, *accept_timer, *drain_timer;
	int64_t tick_ms;
	bool ticking;
	enum ls_http_drain drain;
	int64_t drain_wait_ms;
	ls_timer_fn drain_done;
	void *drain_ctx;
};

/* lists */
static inline void
ls_http_link_init(struct ls_http_link *link)
{
	link->prev = link->next = link;
}

static inline void
ls_http_link_remove(struct ls_http_link *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	ls_http_link_init(link);
}

static inline void
ls_http_link_append(struct ls_http_link *list, struct ls_http_link *link)
{
	link->prev = list->prev;
	link->next = list;
	list->prev->next = link;
	list->prev = link;
}

static inline size_t
ls_http_waiting(const struct ls_http_conn *conn)
{
	return conn->out.len - conn->out_at;
}

/* http_server.c */
struct ls_http_conn *ls_http_find(const struct ls_http_server *server, uint64_t id);
uint64_t ls_http_next_id(struct ls_http_server *server, uint32_t slot);
/** Gives the connection a slot. LS_ERR_LIMIT, LS_ERR_NOMEM. */
int ls_http_take_slot(struct ls_http_server *server, struct ls_http_conn *conn) LS_MUST_CHECK;
void ls_http_release_slot(struct ls_http_server *server, struct ls_http_conn *conn);
void ls_http_set_state(struct ls_http_conn *conn, enum ls_http_state state, bool restart);
void ls_http_mark_dirty(struct ls_http_conn *conn);
/** Buffers of connections, taken from and given back to a small stock. */
void ls_http_borrow(struct ls_http_server *server, struct ls_buf *buf);
void ls_http_give_back(struct ls_http_server *server, struct ls_buf *buf);
/** Called when a connection is gone. */
void ls_http_conn_gone(struct ls_http_server *server);

/* http_listen.c */
void ls_http_listeners_close(struct ls_http_server *server);
/** Takes what waits in the backlog, so that closing the listeners resets nobody. */
void ls_http_accept_rest(struct ls_http_server *server);
void ls_http_accept_resume(void *ctx);
void ls_http_address_release(struct ls_http_server *server, uint32_t address);

/* http_conn.c */
/** The descriptor is the connection's from here on, and closed by it. NULL when memory is short: it
 * is the caller's still. */
struct ls_http_conn *ls_http_conn_new(
	struct ls_http_server *server, int fd, struct ls_tls *tls) LS_MUST_CHECK;
void ls_http_conn_free(struct ls_http_conn *conn);
/** Reads once, for a connection that looks idle and is about to be closed. */
void ls_http_conn_poll(struct ls_http_conn *conn);
/** Works off what there is: input, output, state. May free the connection. */
void ls_http_conn_settle(struct ls_http_conn *conn);
/** Writes what waits as far as the socket takes it. */
void ls_http_conn_flush(struct ls_http_conn *conn);
/** Appends a body to the output; a large one goes to the socket from where it is. */
void ls_http_conn_add_body(struct ls_http_conn *conn, struct ls_slice body);
/** What a connection does at the end of a turn: goes on with input that waits, then settles. */
void ls_http_conn_turn(struct ls_http_conn *conn);
/** Its state's deadline has passed. */
void ls_http_conn_expire(struct ls_http_conn *conn);

/* http_reply.c */
/** An error the server found itself; the connection closes behind it when `close` is set. */
void ls_http_refuse(struct ls_http_conn *conn, int status, const char *why, bool close);
/** Ends the stream of a connection that is going away. */
void ls_http_stream_gone(struct ls_http_conn *conn);
void ls_http_stream_drained(struct ls_http_conn *conn);

#endif
