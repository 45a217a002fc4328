// SPDX-License-Identifier: MIT
/* The life of an HTTP server: its options, the table of connections by request id, deadlines, and
 * the drain. */

#include "io/http_server.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/logger.h"
#include "io/http_internal.h"

#define SLOT_BITS        24
#define SLOT_MASK        ((UINT64_C(1) << SLOT_BITS) - 1)
#define ARENA_MAX        ((size_t)64 << 20)
#define DESCRIPTORS_KEPT ((rlim_t)64) /* for everything that is no connection */
#define LINGER_MS        1000
#define TICK_MIN_MS      5
#define TICK_MAX_MS      250
#define NS_PER_MS        INT64_C(1000000)

static void
set_defaults(struct ls_http_options *o)
{
	const struct ls_http_options defaults = {
		.max_request_line = 8192,
		.max_header_bytes = 16384,
		.max_headers = 64,
		.max_connections = 10000,
		.max_per_address = 100,
		.header_deadline_ms = 10000,
		.body_bytes_a_second = 1024,
		.idle_ms = 60000,
		.reply_ms = 30000,
		.max_output = (size_t)4 << 20,
		.gzip_from = 1024,
	};
#define DEFAULT(field) o->field = o->field > 0 ? o->field : defaults.field
	DEFAULT(max_request_line);
	DEFAULT(max_header_bytes);
	DEFAULT(max_headers);
	DEFAULT(max_connections);
	DEFAULT(max_per_address);
	DEFAULT(header_deadline_ms);
	DEFAULT(body_bytes_a_second);
	DEFAULT(idle_ms);
	DEFAULT(reply_ms);
	DEFAULT(max_output);
	DEFAULT(gzip_from);
#undef DEFAULT
	/* offsets into a head are 32 bits wide, counts of fields 16 */
	o->max_request_line = LS_MIN(o->max_request_line, (size_t)1 << 20);
	o->max_header_bytes = LS_MIN(o->max_header_bytes, (size_t)1 << 20);
	o->max_headers = LS_MIN(o->max_headers, (size_t)4096);
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur > 2 * DESCRIPTORS_KEPT)
		o->max_connections =
			LS_MIN(o->max_connections, (size_t)files.rlim_cur - DESCRIPTORS_KEPT);
	o->max_connections = LS_MIN(o->max_connections, (size_t)SLOT_MASK);
}

struct ls_http_conn *
ls_http_find(const struct ls_http_server *server, uint64_t id)
{
	uint64_t slot = id & SLOT_MASK;
	if (id == 0 || slot >= server->slot_count)
		return NULL;
	struct ls_http_conn *conn = server->slots[slot].conn;
	return conn != NULL && conn->id == id && !conn->dead ? conn : NULL;
}

uint64_t
ls_http_next_id(struct ls_http_server *server, uint32_t slot)
{
	return ++server->slots[slot].sequence << SLOT_BITS | slot;
}

static int
grow_slots(struct ls_http_server *server)
{
	uint32_t cap = LS_MAX(server->slot_cap * 2, 64u);
	struct ls_http_slot *slots = realloc(server->slots, cap * sizeof *slots);
	if (slots == NULL)
		return LS_ERR_NOMEM;
	server->slots = slots;
	uint32_t *free_slots = realloc(server->free_slots, cap * sizeof *free_slots);
	if (free_slots == NULL)
		return LS_ERR_NOMEM;
	server->free_slots = free_slots;
	server->slot_cap = cap;
	return LS_OK;
}

int
ls_http_take_slot(struct ls_http_server *server, struct ls_http_conn *conn)
{
	if (server->free_count == 0 && server->slot_count == server->slot_cap) {
		int err = grow_slots(server);
		if (err != LS_OK)
			return err;
	}
	if (server->free_count > 0) {
		conn->slot = server->free_slots[--server->free_count];
	} else {
		conn->slot = server->slot_count++;
		server->slots[conn->slot].sequence = 0;
	}
	server->slots[conn->slot].conn = conn;
	server->stats.open_connections++;
	return LS_OK;
}

void
ls_http_release_slot(struct ls_http_server *server, struct ls_http_conn *conn)
{
	server->slots[conn->slot].conn = NULL;
	server->free_slots[server->free_count++] = conn->slot;
	server->stats.open_connections--;
}

void
ls_http_borrow(struct ls_http_server *server, struct ls_buf *buf)
{
	if (buf->data != NULL)
		return;
	buf->data = server->spare_count > 0 ? server->spares[--server->spare_count]
					    : malloc(LS_HTTP_SPARE_SIZE);
	buf->cap = buf->data != NULL ? LS_HTTP_SPARE_SIZE : 0;
}

void
ls_http_give_back(struct ls_http_server *server, struct ls_buf *buf)
{
	if (buf->cap == LS_HTTP_SPARE_SIZE && server->spare_count < LS_HTTP_SPARES) {
		server->spares[server->spare_count++] = buf->data;
		buf->data = NULL;
		buf->cap = 0;
	}
	ls_buf_fini(buf);
}

static int64_t
patience_ms(const struct ls_http_server *server, enum ls_http_state state)
{
	const struct ls_http_options *o = &server->options;
	switch (state) {
	case LS_HTTP_HANDSHAKE:
	case LS_HTTP_HEAD:
		return o->header_deadline_ms;
	case LS_HTTP_IDLE:
	case LS_HTTP_WRITE:
		return o->idle_ms;
	case LS_HTTP_BODY:
		return o->header_deadline_ms / 2; /* the grace */
	case LS_HTTP_PENDING:
		return o->reply_ms;
	case LS_HTTP_LINGER:
		return LS_MIN((int64_t)LINGER_MS, o->header_deadline_ms);
	case LS_HTTP_STREAM:
	case LS_HTTP_STATES:
		break;
	}
	return INT64_MAX / NS_PER_MS / 2;
}

void
ls_http_set_state(struct ls_http_conn *conn, enum ls_http_state state, bool restart)
{
	struct ls_http_server *server = conn->server;
	if (conn->state == state && !restart)
		return;
	conn->state = (uint8_t)state;
	conn->since_ns = ls_loop_mono_ns(server->loop);
	ls_http_link_remove(&conn->timed);
	ls_http_link_append(&server->states[state], &conn->timed);
	if (!server->ticking) {
		server->ticking = true;
		ls_timer_set(server->tick, server->tick_ms);
	}
}

void
ls_http_mark_dirty(struct ls_http_conn *conn)
{
	if (conn->is_dirty)
		return;
	conn->is_dirty = true;
	ls_http_link_append(&conn->server->dirty, &conn->dirty);
}

static struct ls_http_conn *
first_of(struct ls_http_link *list)
{
	return LS_CONTAINER_OF(list->next, struct ls_http_conn, timed);
}

static bool
too_slow(const struct ls_http_conn *conn, int64_t now_ns)
{
	const struct ls_http_server *server = conn->server;
	int64_t elapsed_ms = (now_ns - conn->since_ns) / NS_PER_MS;
	int64_t got = (int64_t)(conn->in.len - conn->in_at - conn->head_size);
	return elapsed_ms > patience_ms(server, LS_HTTP_BODY) &&
	       got / LS_MAX(elapsed_ms / 1000, 1) < server->options.body_bytes_a_second;
}

static void
expire_bodies(struct ls_http_server *server, int64_t now_ns)
{
	struct ls_http_link *list = &server->states[LS_HTTP_BODY], *next;
	for (struct ls_http_link *at = list->next; at != list; at = next) {
		struct ls_http_conn *conn = LS_CONTAINER_OF(at, struct ls_http_conn, timed);
		next = at->next;
		if (too_slow(conn, now_ns))
			ls_http_conn_expire(conn);
	}
}

static void
on_tick(void *ctx)
{
	struct ls_http_server *server = LS_CAST(http_server, ctx);
	int64_t now_ns = ls_loop_mono_ns(server->loop);
	for (enum ls_http_state state = 0; state < LS_HTTP_STATES; state++) {
		struct ls_http_link *list = &server->states[state];
		int64_t born_before =
			now_ns - patience_ms(server, (enum ls_http_state)state) * NS_PER_MS;
		if (state == LS_HTTP_BODY) {
			expire_bodies(server, now_ns);
			continue;
		}
		while (list->next != list && first_of(list)->since_ns < born_before)
			ls_http_conn_expire(first_of(list));
	}
	server->ticking = server->stats.open_connections > 0;
	if (server->ticking)
		ls_timer_set(server->tick, server->tick_ms);
}

static void
on_turn_end(void *ctx)
{
	struct ls_http_server *server = LS_CAST(http_server, ctx);
	struct ls_http_link batch;
	if (server->dirty.next == &server->dirty)
		return;
	uint64_t requests = server->stats.requests;
	batch = server->dirty;
	batch.next->prev = batch.prev->next = &batch;
	ls_http_link_init(&server->dirty);
	while (batch.next != &batch) {
		struct ls_http_conn *conn = LS_CONTAINER_OF(batch.next, struct ls_http_conn, dirty);
		ls_http_link_remove(&conn->dirty);
		conn->is_dirty = false;
		ls_http_conn_turn(conn);
	}
	/* handlers have run behind everyone else's end-of-turn work */
	if (server->stats.requests != requests || server->dirty.next != &server->dirty)
		ls_loop_again(server->loop);
}

static void
end_drain(struct ls_http_server *server)
{
	server->drain = LS_HTTP_DRAINED;
	for (uint32_t i = 0; i < server->slot_count; i++) {
		if (server->slots[i].conn != NULL)
			ls_http_conn_free(server->slots[i].conn);
	}
	server->drain_done(server->drain_ctx);
}

static void
begin_drain(struct ls_http_server *server)
{
	server->drain = LS_HTTP_DRAINING;
	ls_http_accept_rest(server);
	ls_http_listeners_close(server);
	struct ls_http_link *idle = &server->states[LS_HTTP_IDLE], *next;
	for (struct ls_http_link *at = idle->next; at != idle; at = next) {
		next = at->next;
		ls_http_conn_poll(LS_CONTAINER_OF(at, struct ls_http_conn, timed));
	}
	int64_t wait_ms = server->stats.open_connections > 0 ? server->drain_wait_ms : 0;
	ls_timer_set(server->drain_timer, wait_ms);
}

static void
on_drain_timer(void *ctx)
{
	struct ls_http_server *server = LS_CAST(http_server, ctx);
	if (server->drain == LS_HTTP_DRAIN_ASKED)
		begin_drain(server);
	else if (server->drain == LS_HTTP_DRAINING)
		end_drain(server);
}

void
ls_http_conn_gone(struct ls_http_server *server)
{
	if (server->drain == LS_HTTP_DRAINING && server->stats.open_connections == 0)
		ls_timer_set(server->drain_timer, 0);
}

void
ls_http_server_drain(
	struct ls_http_server *server, int64_t deadline_ms, ls_timer_fn done, void *ctx)
{
	if (server->drain != LS_HTTP_SERVING)
		return;
	server->drain = LS_HTTP_DRAIN_ASKED;
	server->drain_wait_ms = deadline_ms;
	server->drain_done = done;
	server->drain_ctx = ctx;
	/* not at once: the caller may be a handler, whose request lies in the shared buffer */
	ls_timer_set(server->drain_timer, 0);
}

static int
make_timers(struct ls_http_server *server)
{
	server->tick = ls_timer_new(server->loop, on_tick, server);
	server->accept_timer = ls_timer_new(server->loop, ls_http_accept_resume, server);
	server->drain_timer = ls_timer_new(server->loop, on_drain_timer, server);
	if (server->tick == NULL || server->accept_timer == NULL || server->drain_timer == NULL)
		return LS_ERR_NOMEM;
	const struct ls_http_options *o = &server->options;
	int64_t shortest = LS_MIN(LS_MIN(o->header_deadline_ms, o->idle_ms), o->reply_ms);
	server->tick_ms = LS_MAX(LS_MIN(shortest / 8, TICK_MAX_MS), TICK_MIN_MS);
	return ls_loop_on_turn_end(server->loop, LS_HTTP_TURN_ORDER, on_turn_end, server);
}

struct ls_http_server *
ls_http_server_new(struct ls_loop *loop, const struct ls_http_options *options,
	const struct ls_http_handler *handler)
{
	struct ls_http_server *server = calloc(1, sizeof *server);
	if (server == NULL)
		return NULL;
	server->magic = LS_MAGIC_http_server;
	server->loop = loop;
	server->handler = *handler;
	server->reserve_fd = -1;
	server->address_free = LS_MAP_NONE;
	server->address_key = ls_hash_key_random();
	if (options != NULL)
		server->options = *options;
	set_defaults(&server->options);
	server->limits = (struct ls_http_limits){
		.line = server->options.max_request_line,
		.head = server->options.max_header_bytes,
		.fields = server->options.max_headers,
	};
	ls_arena_init(&server->arena, ARENA_MAX);
	for (int i = 0; i < LS_HTTP_STATES; i++)
		ls_http_link_init(&server->states[i]);
	ls_http_link_init(&server->dirty);
	server->read_buffer = malloc(LS_HTTP_READ_SIZE);
	server->head.headers = calloc(server->limits.fields, sizeof *server->head.headers);
	/* a write to a socket whose peer has gone is an error to handle, not a signal */
	(void)signal(SIGPIPE, SIG_IGN);
	if (server->read_buffer == NULL || server->head.headers == NULL ||
		make_timers(server) != LS_OK)
		return ls_http_server_free(server);
	return server;
}

struct ls_http_server *
ls_http_server_free(struct ls_http_server *server)
{
	if (server == NULL)
		return NULL;
	ls_loop_off_turn_end(server->loop, on_turn_end, server);
	ls_http_listeners_close(server);
	for (uint32_t i = 0; i < server->slot_count; i++) {
		if (server->slots[i].conn != NULL)
			ls_http_conn_free(server->slots[i].conn);
	}
	server->tick = ls_timer_free(server->tick);
	server->accept_timer = ls_timer_free(server->accept_timer);
	server->drain_timer = ls_timer_free(server->drain_timer);
	while (server->spare_count > 0)
		free(server->spares[--server->spare_count]);
	server->gzip = ls_gzip_free(server->gzip);
	ls_arena_fini(&server->arena);
	ls_map_fini(&server->address_map);
	if (server->reserve_fd >= 0)
		(void)close(server->reserve_fd);
	free(server->addresses);
	free(server->head.headers);
	free(server->read_buffer);
	free(server->free_slots);
	free(server->slots);
	server->magic = 0;
	free(server);
	return NULL;
}

const struct ls_http_stats *
ls_http_server_stats(const struct ls_http_server *server)
{
	return &server->stats;
}
