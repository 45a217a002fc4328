// SPDX-License-Identifier: MIT
/* The embedded log. Entries are copied once, into chunks; a chunk is one grouped job of the storage
 * thread. At most two chunks are under way: what comes meanwhile fills the next one, so groups grow
 * with the load and memory does not. */

#include "log/sqlite_log.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "io/sqlite.h"

#define LS_MAGIC_sqlite_log 0x736c6f67u
#define NAME_MAX_LEN        64
#define CHUNK_BYTES         ((size_t)128 << 10)
#define CHUNKS_KEPT         8
#define CHUNKS_UNDER_WAY    2
#define READ_MAX_BYTES      ((size_t)4 << 20)
#define READ_MAX_ENTRIES    10000
#define TRIM_STEP           500
#define TRIM_MAX_DELETED    5000
#define TRIM_MAX_VISITED    100000
#define TRIM_MAX_YOUNG      1000
#define TRIM_MAX_NS         ((int64_t)50 * 1000 * 1000)

#define SQL_INSERT                                                                                 \
	"INSERT INTO event_log (id, tenant, source, received_ms, body) VALUES (?1, ?2, ?3, ?4, "   \
	"?5)"
#define SQL_READ                                                                                   \
	"SELECT id, tenant, source, received_ms, body FROM event_log WHERE id > ?1"                \
	" ORDER BY id LIMIT ?2"
#define SQL_TRIM      "DELETE FROM event_log WHERE id > ?1 AND id <= ?2 AND received_ms < ?3"
#define SQL_YOUNG     "SELECT count(*) FROM event_log WHERE id > ?1 AND id <= ?2 AND received_ms <= ?3"
#define SQL_SET_FLOOR "UPDATE event_log_floor SET id = max(id, ?1)"
#define SQL_FLOOR     "SELECT id FROM event_log_floor"
#define SQL_FIRST     "SELECT coalesce(min(id), 0) FROM event_log"
#define SQL_LAST      "SELECT coalesce(max(id), 0) FROM event_log"
#define SQL_FREE_PAGES                                                                             \
	"SELECT freelist_count > 4096 AND freelist_count > page_count / 4"                         \
	" FROM pragma_freelist_count, pragma_page_count"
#define SQL_SHRINK "PRAGMA incremental_vacuum(512)"

struct sqlite_log;

/* in a chunk, followed by tenant, source and body */
struct item {
	ls_log_append_fn done;
	void *ctx;
	uint64_t id;
	int64_t received_ms;
	size_t body_len;
	uint32_t tenant_len, source_len;
};

struct chunk {
	struct ls_sqlite_job job;
	struct chunk *next; /* of the spare ones */
	struct sqlite_log *log;
	size_t used, cap;
	bool submitted;
	_Alignas(16) char data[];
};

struct trim {
	struct ls_sqlite_job job;
	struct sqlite_log *log;
	uint64_t upto_id;
	int64_t older_than_ms;
	ls_log_trim_fn done;
	void *ctx;
	uint64_t deleted, first_id;
	bool more, busy;
};

struct sqlite_log {
	struct ls_log base;
	uint32_t magic;
	struct ls_sqlite *db;
	struct ls_sqlite_log_options options;
	struct ls_log_stats stats;
	uint64_t groups_before;
	struct chunk *open, *spare;
	size_t spare_count, under_way; /* chunks submitted, not completed */
	size_t jobs;                   /* of all kinds */
	struct trim trim;
	bool closing;
	/* the storage thread's */
	uint64_t next_id, trim_cursor;
	struct ls_stmt *insert, *read, *delete, *young, *set_floor, *free_pages, *shrink;
};

static struct sqlite_log *
log_of(struct ls_log *base)
{
	struct sqlite_log *log = LS_CONTAINER_OF(base, struct sqlite_log, base);
	ls_assert(log->magic == LS_MAGIC_sqlite_log);
	return log;
}

/* --- append ----------------------------------------------------------------------------------- */

static size_t
item_size(const struct item *item)
{
	size_t size = sizeof *item + item->tenant_len + item->source_len + item->body_len;
	return (size + 15) & ~(size_t)15;
}

static struct item *
item_at(struct chunk *chunk, size_t at)
{
	return (struct item *)(void *)(chunk->data + at);
}

static int
insert_item(struct sqlite_log *log, struct item *item)
{
	const char *bytes = (const char *)(item + 1);
	item->id = log->next_id++;
	ls_stmt_i64(log->insert, 1, (int64_t)item->id);
	ls_stmt_text(log->insert, 2, ls_slice(bytes, item->tenant_len));
	ls_stmt_text(log->insert, 3, ls_slice(bytes + item->tenant_len, item->source_len));
	ls_stmt_i64(log->insert, 4, item->received_ms);
	ls_stmt_blob(log->insert, 5,
		ls_slice(bytes + item->tenant_len + item->source_len, item->body_len));
	return ls_stmt_run(log->insert);
}

/* A group that fails leaves a gap in the ids, which nobody minds. */
static int
run_chunk(struct ls_sqlite_job *job, struct ls_sqlite_conn *conn)
{
	struct chunk *chunk = LS_CONTAINER_OF(job, struct chunk, job);
	(void)conn;
	int err = LS_OK;
	for (size_t at = 0; at < chunk->used && err == LS_OK;) {
		struct item *item = item_at(chunk, at);
		err = insert_item(chunk->log, item);
		at += item_size(item);
	}
	return err;
}

static void
recycle(struct sqlite_log *log, struct chunk *chunk)
{
	if (chunk->cap != CHUNK_BYTES || log->spare_count >= CHUNKS_KEPT) {
		free(chunk);
		return;
	}
	chunk->used = 0;
	chunk->submitted = false;
	chunk->next = log->spare;
	log->spare = chunk;
	log->spare_count++;
}

static void
submit_chunk(struct sqlite_log *log, struct chunk *chunk)
{
	chunk->submitted = true;
	log->under_way++;
	log->jobs++;
	ls_sqlite_submit(log->db, &chunk->job);
}

static void
count_item(struct sqlite_log *log, const struct item *item, int err)
{
	size_t size = item_size(item);
	log->stats.waiting--;
	log->stats.waiting_bytes -= size;
	if (err != LS_OK) {
		log->stats.append_errors++;
		return;
	}
	log->stats.appended++;
	log->stats.bytes += item->body_len;
	log->stats.last_id = item->id;
	if (log->stats.first_id == 0)
		log->stats.first_id = item->id;
}

static void
chunk_done(struct ls_sqlite_job *job, int err)
{
	struct chunk *chunk = LS_CONTAINER_OF(job, struct chunk, job);
	struct sqlite_log *log = chunk->log;
	log->under_way--;
	log->jobs--;
	if (log->open == chunk)
		log->open = NULL;
	/* what has gathered goes first: the thread works while we acknowledge */
	if (log->open != NULL && !log->open->submitted)
		submit_chunk(log, log->open);
	for (size_t at = 0; at < chunk->used;) {
		struct item *item = item_at(chunk, at);
		at += item_size(item);
		count_item(log, item, err);
		item->done(item->ctx, err, err == LS_OK ? item->id : 0);
	}
	recycle(log, chunk);
}

static struct chunk *
new_chunk(struct sqlite_log *log, size_t size)
{
	struct chunk *chunk = log->spare;
	if (chunk != NULL && size <= CHUNK_BYTES) {
		log->spare = chunk->next;
		log->spare_count--;
		return chunk;
	}
	size_t cap = LS_MAX(size, CHUNK_BYTES);
	chunk = malloc(sizeof *chunk + cap);
	if (chunk == NULL)
		return NULL;
	*chunk = (struct chunk){
		.job = { .run = run_chunk, .done = chunk_done, .grouped = true },
		.log = log,
		.cap = cap,
	};
	return chunk;
}

/* the chunk that takes `size` more bytes */
static struct chunk *
chunk_for(struct sqlite_log *log, size_t size)
{
	struct chunk *open = log->open;
	if (open != NULL && open->job.handed)
		open = NULL;
	if (open != NULL && open->cap - open->used >= size)
		return open;
	struct chunk *fresh = new_chunk(log, size);
	if (fresh == NULL)
		return NULL;
	/* a full one goes whatever is under way: it costs no memory to spare */
	if (open != NULL && !open->submitted)
		submit_chunk(log, open);
	log->open = fresh;
	return fresh;
}

static int
log_append(struct ls_log *base, const struct ls_log_entry *entry, ls_log_append_fn done, void *ctx)
{
	struct sqlite_log *log = log_of(base);
	if (entry->tenant.len == 0 || entry->tenant.len > NAME_MAX_LEN || entry->source.len == 0 ||
		entry->source.len > NAME_MAX_LEN || entry->body.len > INT32_MAX)
		return LS_ERR_INVALID;
	if (log->closing)
		return LS_ERR_CLOSED;
	struct item item = {
		.done = done,
		.ctx = ctx,
		.received_ms = entry->received_ms,
		.body_len = entry->body.len,
		.tenant_len = (uint32_t)entry->tenant.len,
		.source_len = (uint32_t)entry->source.len,
	};
	size_t size = item_size(&item);
	if (log->stats.waiting > 0 &&
		(log->stats.waiting >= log->options.max_waiting ||
			log->stats.waiting_bytes + size > log->options.max_waiting_bytes)) {
		log->stats.refused++;
		return LS_ERR_LIMIT;
	}
	struct chunk *chunk = chunk_for(log, size);
	if (chunk == NULL)
		return LS_ERR_NOMEM;
	char *at = chunk->data + chunk->used;
	memcpy(at, &item, sizeof item);
	at = mempcpy(at + sizeof item, entry->tenant.data, entry->tenant.len);
	at = mempcpy(at, entry->source.data, entry->source.len);
	if (entry->body.len > 0)
		memcpy(at, entry->body.data, entry->body.len);
	chunk->used += size;
	chunk->job.bytes = chunk->used;
	log->stats.waiting++;
	log->stats.waiting_bytes += size;
	if (!chunk->submitted && log->under_way < CHUNKS_UNDER_WAY)
		submit_chunk(log, chunk);
	return LS_OK;
}

/* --- read ------------------------------------------------------------------------------------- */

struct read_job {
	struct ls_sqlite_job job;
	struct sqlite_log *log;
	uint64_t after_id;
	size_t max_entries;
	ls_log_read_fn done;
	void *ctx;
	struct ls_log_entry *entries; /* slices: offsets into `bytes` until the end */
	size_t count;
	char *bytes;
	size_t used, cap;
	bool at_end;
};

static int
keep(struct read_job *read, struct ls_slice in, struct ls_slice *out)
{
	if (read->cap - read->used < in.len) {
		size_t cap = LS_MAX(LS_MAX(read->cap * 2, read->used + in.len), (size_t)64 << 10);
		char *bytes = realloc(read->bytes, cap);
		if (bytes == NULL)
			return LS_ERR_NOMEM;
		read->bytes = bytes;
		read->cap = cap;
	}
	if (in.len > 0)
		memcpy(read->bytes + read->used, in.data, in.len);
	*out = ls_slice(NULL, in.len);
	read->used += in.len;
	return LS_OK;
}

static int
keep_row(struct read_job *read, struct ls_stmt *stmt)
{
	struct ls_log_entry *entry = &read->entries[read->count];
	*entry = (struct ls_log_entry){
		.id = (uint64_t)ls_stmt_get_i64(stmt, 0),
		.received_ms = ls_stmt_get_i64(stmt, 3),
	};
	int err = keep(read, ls_stmt_get_slice(stmt, 1), &entry->tenant);
	if (err == LS_OK)
		err = keep(read, ls_stmt_get_slice(stmt, 2), &entry->source);
	if (err == LS_OK)
		err = keep(read, ls_stmt_get_slice(stmt, 4), &entry->body);
	read->count += err == LS_OK;
	return err;
}

/* the bytes have stopped moving */
static void
point(struct read_job *read)
{
	const char *at = read->bytes;
	for (size_t i = 0; i < read->count; i++) {
		struct ls_log_entry *entry = &read->entries[i];
		entry->tenant.data = at;
		entry->source.data = entry->tenant.data + entry->tenant.len;
		entry->body.data = entry->source.data + entry->source.len;
		at = entry->body.data + entry->body.len;
	}
}

/* One row more than asked for is looked at, to know whether this was the end. */
static int
run_read(struct ls_sqlite_job *job, struct ls_sqlite_conn *conn)
{
	struct read_job *read = LS_CONTAINER_OF(job, struct read_job, job);
	struct ls_stmt *stmt = read->log->read;
	bool row = false;
	(void)conn;
	ls_stmt_i64(stmt, 1, (int64_t)LS_MIN(read->after_id, (uint64_t)INT64_MAX));
	ls_stmt_i64(stmt, 2, (int64_t)read->max_entries + 1);
	int err = ls_stmt_step(stmt, &row);
	while (err == LS_OK && row && read->count < read->max_entries &&
		(read->count == 0 || read->used < READ_MAX_BYTES)) {
		err = keep_row(read, stmt);
		if (err == LS_OK)
			err = ls_stmt_step(stmt, &row);
	}
	ls_stmt_reset(stmt);
	if (err != LS_OK)
		return err;
	read->at_end = !row;
	point(read);
	return LS_OK;
}

static void
read_done(struct ls_sqlite_job *job, int err)
{
	struct read_job *read = LS_CONTAINER_OF(job, struct read_job, job);
	read->log->jobs--;
	if (err == LS_OK)
		read->done(read->ctx, err, read->entries, read->count, read->at_end);
	else
		read->done(read->ctx, err, NULL, 0, false);
	free(read->bytes);
	free(read->entries);
	free(read);
}

static int
log_read(struct ls_log *base, uint64_t after_id, size_t max_entries, ls_log_read_fn done, void *ctx)
{
	struct sqlite_log *log = log_of(base);
	if (max_entries == 0)
		return LS_ERR_INVALID;
	if (log->closing)
		return LS_ERR_CLOSED;
	struct read_job *read = calloc(1, sizeof *read);
	if (read == NULL)
		return LS_ERR_NOMEM;
	*read = (struct read_job){
		.job = { .run = run_read, .done = read_done },
		.log = log,
		.after_id = after_id,
		.max_entries = LS_MIN(max_entries, (size_t)READ_MAX_ENTRIES),
		.done = done,
		.ctx = ctx,
	};
	read->entries = calloc(read->max_entries, sizeof *read->entries);
	if (read->entries == NULL) {
		free(read);
		return LS_ERR_NOMEM;
	}
	log->jobs++;
	ls_sqlite_submit(log->db, &read->job);
	return LS_OK;
}

/* --- trim ------------------------------------------------------------------------------------- */

static int
count_young(struct sqlite_log *log, uint64_t from, uint64_t upto, uint64_t *young)
{
	bool row = false;
	/* what claims to come from the future must not keep older entries behind it for ever */
	ls_stmt_i64(log->young, 1, (int64_t)from);
	ls_stmt_i64(log->young, 2, (int64_t)upto);
	ls_stmt_i64(log->young, 3, ls_clock_now_ms());
	int err = ls_stmt_step(log->young, &row);
	if (err == LS_OK && row)
		*young += (uint64_t)ls_stmt_get_i64(log->young, 0);
	ls_stmt_reset(log->young);
	return err;
}

static int
delete_range(struct sqlite_log *log, struct trim *trim, uint64_t upto, struct ls_sqlite_conn *conn)
{
	ls_stmt_i64(log->delete, 1, (int64_t)log->trim_cursor);
	ls_stmt_i64(log->delete, 2, (int64_t)upto);
	ls_stmt_i64(log->delete, 3, trim->older_than_ms);
	int err = ls_stmt_run(log->delete);
	if (err != LS_OK || ls_sqlite_changes(conn) == 0)
		return err;
	trim->deleted += ls_sqlite_changes(conn);
	ls_stmt_i64(log->set_floor, 1, (int64_t)upto);
	return ls_stmt_run(log->set_floor);
}

/*
 * Goes on where the last call stopped. The end is upto_id, or a stretch of entries that are all
 * too young: those behind it came later still.
 */
static int
trim_steps(struct sqlite_log *log, struct trim *trim, struct ls_sqlite_conn *conn)
{
	const int64_t deadline = ls_clock_mono_ns() + TRIM_MAX_NS;
	const uint64_t last = LS_MIN(trim->upto_id, log->next_id - 1);
	const uint64_t started = log->trim_cursor;
	uint64_t young = 0;
	trim->more = false;
	while (log->trim_cursor < last && young < TRIM_MAX_YOUNG) {
		uint64_t upto = LS_MIN(log->trim_cursor + TRIM_STEP, last);
		uint64_t deleted = trim->deleted;
		int err = delete_range(log, trim, upto, conn);
		if (err == LS_OK && trim->deleted == deleted)
			err = count_young(log, log->trim_cursor, upto, &young);
		if (err != LS_OK)
			return err;
		log->trim_cursor = upto;
		trim->more = trim->deleted >= TRIM_MAX_DELETED ||
			     upto - started >= TRIM_MAX_VISITED || ls_clock_mono_ns() >= deadline;
		if (trim->more)
			return LS_OK;
	}
	return LS_OK;
}

/* gives pages back to the file system, some at a time, when much of the file is empty */
static int
shrink(struct sqlite_log *log)
{
	bool row = false;
	int err = ls_stmt_step(log->free_pages, &row);
	bool much = err == LS_OK && row && ls_stmt_get_i64(log->free_pages, 0) != 0;
	ls_stmt_reset(log->free_pages);
	return much ? ls_stmt_run(log->shrink) : err;
}

/* the transaction; `first` is the first entry there is */
static int
trim_once(struct sqlite_log *log, struct trim *trim, uint64_t first, struct ls_sqlite_conn *conn)
{
	/* ids below the first are gone: no steps through nothing */
	log->trim_cursor = LS_MAX(log->trim_cursor, first - 1);
	int err = ls_sqlite_begin(conn);
	if (err != LS_OK)
		return err;
	err = trim_steps(log, trim, conn);
	if (err == LS_OK)
		return ls_sqlite_commit(conn);
	ls_sqlite_rollback(conn);
	return err;
}

static int
run_trim(struct ls_sqlite_job *job, struct ls_sqlite_conn *conn)
{
	struct trim *trim = LS_CONTAINER_OF(job, struct trim, job);
	struct sqlite_log *log = trim->log;
	int64_t first = 0;
	int err = ls_sqlite_number(conn, SQL_FIRST, &first);
	if (err == LS_OK && first > 0)
		err = trim_once(log, trim, (uint64_t)first, conn);
	if (err == LS_OK)
		err = shrink(log);
	/* the next pass begins at the start, where stragglers may have come of age */
	if (err != LS_OK || !trim->more)
		log->trim_cursor = 0;
	if (err == LS_OK)
		err = ls_sqlite_number(conn, SQL_FIRST, &first);
	if (err == LS_OK)
		trim->first_id = (uint64_t)first;
	return err;
}

static void
trim_done(struct ls_sqlite_job *job, int err)
{
	struct trim *trim = LS_CONTAINER_OF(job, struct trim, job);
	struct sqlite_log *log = trim->log;
	ls_log_trim_fn done = trim->done;
	uint64_t deleted = err == LS_OK ? trim->deleted : 0;
	bool more = err == LS_OK && trim->more;
	log->jobs--;
	log->stats.trimmed += deleted;
	if (err == LS_OK)
		log->stats.first_id = trim->first_id;
	trim->busy = false;
	done(trim->ctx, err, deleted, more);
}

static int
log_trim(struct ls_log *base, uint64_t upto_id, int64_t older_than_ms, ls_log_trim_fn done,
	void *ctx)
{
	struct sqlite_log *log = log_of(base);
	if (log->closing)
		return LS_ERR_CLOSED;
	if (log->trim.busy)
		return LS_ERR_CONFLICT;
	log->trim = (struct trim){
		.job = { .run = run_trim, .done = trim_done },
		.log = log,
		.upto_id = upto_id,
		.older_than_ms = older_than_ms,
		.done = done,
		.ctx = ctx,
		.busy = true,
	};
	log->jobs++;
	ls_sqlite_submit(log->db, &log->trim.job);
	return LS_OK;
}

/* --- birth and death -------------------------------------------------------------------------- */

static const struct ls_log_stats *
log_stats(struct ls_log *base)
{
	struct sqlite_log *log = log_of(base);
	log->stats.commits = ls_sqlite_stats(log->db)->groups - log->groups_before;
	return &log->stats;
}

static struct ls_log *
log_free(struct ls_log *base)
{
	struct sqlite_log *log = log_of(base);
	log->closing = true;
	/* a chunk that waits for its turn is submitted by the completion of an earlier one */
	while (log->jobs > 0)
		ls_sqlite_drain(log->db);
	while (log->spare != NULL) {
		struct chunk *chunk = log->spare;
		log->spare = chunk->next;
		free(chunk);
	}
	log->magic = 0;
	free(log);
	return NULL;
}

static const struct ls_log_ops ops = {
	.name = "sqlite",
	.append = log_append,
	.read = log_read,
	.trim = log_trim,
	.stats = log_stats,
	.free = log_free,
};

static int
prepare(struct ls_sqlite_conn *conn, void *arg)
{
	struct sqlite_log *log = arg;
	int64_t first = 0, last = 0, floor = 0;
	const struct {
		const char *sql;
		struct ls_stmt **out;
	} rows[] = {
		{ SQL_INSERT, &log->insert },
		{ SQL_READ, &log->read },
		{ SQL_TRIM, &log->delete },
		{ SQL_YOUNG, &log->young },
		{ SQL_SET_FLOOR, &log->set_floor },
		{ SQL_FREE_PAGES, &log->free_pages },
		{ SQL_SHRINK, &log->shrink },
	};
	int err = LS_OK;
	for (size_t i = 0; i < LS_ARRAY_LEN(rows) && err == LS_OK; i++)
		err = ls_sqlite_prepare(conn, rows[i].sql, rows[i].out);
	if (err == LS_OK)
		err = ls_sqlite_number(conn, SQL_FIRST, &first);
	if (err == LS_OK)
		err = ls_sqlite_number(conn, SQL_LAST, &last);
	if (err == LS_OK)
		err = ls_sqlite_number(conn, SQL_FLOOR, &floor);
	if (err != LS_OK)
		return err;
	log->stats.first_id = (uint64_t)first;
	log->stats.last_id = (uint64_t)LS_MAX(last, floor);
	log->next_id = log->stats.last_id + 1;
	return LS_OK;
}

int
ls_sqlite_log_open(
	struct ls_sqlite *db, const struct ls_sqlite_log_options *options, struct ls_log **out)
{
	struct sqlite_log *log = calloc(1, sizeof *log);
	if (log == NULL)
		return LS_ERR_NOMEM;
	log->base.ops = &ops;
	log->magic = LS_MAGIC_sqlite_log;
	log->db = db;
	if (options != NULL)
		log->options = *options;
	if (log->options.max_waiting == 0)
		log->options.max_waiting = 100000;
	if (log->options.max_waiting_bytes == 0)
		log->options.max_waiting_bytes = (size_t)64 << 20;
	log->groups_before = ls_sqlite_stats(db)->groups;
	int err = ls_sqlite_call(db, prepare, log);
	if (err != LS_OK) {
		free(log);
		return err;
	}
	*out = &log->base;
	return LS_OK;
}
