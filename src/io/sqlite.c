// SPDX-License-Identifier: MIT
/* The only file that sees SQLite. Owns the storage thread and the two
 * queues between it and the loop: jobs go over under a lock at the end of a turn, completions come
 * back as one post for all that are ready. Every SQLite call is made on the storage thread. */

#include "io/sqlite.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/logger.h"
#include "io/data_dir.h"
#include "io/loop.h"

/* A group's transaction stays short: this many bytes of entries, plus the last job's. */
#define GROUP_BYTES ((size_t)4 << 20)
/* The write-ahead log is copied into the file when nobody waits and this many pages are in it, and
 * in any case above the second figure: short pauses, a bounded file, a fast start after a crash. */
#define WAL_IDLE_PAGES 512
#define WAL_BUSY_PAGES 2048
#define WAL_WARN_PAGES 65536 /* 256 MiB */
#define HOOK_ORDER     100

struct ls_stmt {
	struct ls_stmt *next;
	struct ls_sqlite_conn *conn;
	sqlite3_stmt *raw;
	int err; /* of a bind, until the next step */
};

struct ls_sqlite_conn {
	sqlite3 *raw;
	struct ls_stmt *stmts;
	struct ls_stmt *begin, *commit, *rollback;
	/* pages in the write-ahead log: not yet copied, at the last commit, at the last attempt */
	uint64_t wal_pages, wal_last, wal_tried;
	struct ls_sqlite_stats stats;
};

struct job_list {
	struct ls_sqlite_job *first, **last;
};

struct ls_sqlite {
	struct ls_loop *loop;
	char *path; /* of the database file */
	uint64_t max_bytes;
	int busy_ms;
	int lock_fd;
	/* the loop's */
	struct job_list outbox;
	struct ls_sqlite_stats seen;
	struct job_list delivering;
	/* the storage thread's */
	struct ls_sqlite_conn conn;
	/* shared, under `lock` */
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t work, idle;
	struct job_list grouped, alone, finished;
	struct ls_sqlite_stats stats;
	struct ls_post post;
	bool posted, busy, stop, opened;
	int open_err;
};

/* --- lists ------------------------------------------------------------------------------------ */

static void
list_init(struct job_list *list)
{
	list->first = NULL;
	list->last = &list->first;
}

static void
list_push(struct job_list *list, struct ls_sqlite_job *job)
{
	job->next = NULL;
	*list->last = job;
	list->last = &job->next;
}

static struct ls_sqlite_job *
list_pop(struct job_list *list)
{
	struct ls_sqlite_job *job = list->first;
	if (job == NULL)
		return NULL;
	list->first = job->next;
	if (list->first == NULL)
		list->last = &list->first;
	job->next = NULL;
	return job;
}

/* moves all of `from` behind `to` */
static void
list_move(struct job_list *to, struct job_list *from)
{
	if (from->first == NULL)
		return;
	*to->last = from->first;
	to->last = from->last;
	list_init(from);
}

/* --- statements ------------------------------------------------------------------------------- */

static int
err_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return LS_OK;
	case SQLITE_NOMEM:
		return LS_ERR_NOMEM;
	case SQLITE_CONSTRAINT:
		return LS_ERR_CONFLICT;
	case SQLITE_TOOBIG:
		return LS_ERR_LIMIT;
	case SQLITE_MISUSE:
	case SQLITE_RANGE:
	case SQLITE_MISMATCH:
		return LS_ERR_INVALID;
	default:
		return LS_ERR_IO;
	}
}

/* says so and translates; `what` is a statement or a step of opening */
static int
failed(struct ls_sqlite_conn *conn, int rc, const char *what)
{
	ls_error("storage", "sqlite failed code=%d reason=\"%s\" system=\"%s\" doing=\"%.80s\"", rc,
		conn->raw != NULL ? sqlite3_errmsg(conn->raw) : sqlite3_errstr(rc),
		conn->raw != NULL && (rc & 0xff) == SQLITE_IOERR
			? strerror(sqlite3_system_errno(conn->raw))
			: "",
		what);
	return err_of(rc);
}

int
ls_sqlite_exec(struct ls_sqlite_conn *conn, const char *sql)
{
	int rc = sqlite3_exec(conn->raw, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? LS_OK : failed(conn, rc, sql);
}

int
ls_sqlite_number(struct ls_sqlite_conn *conn, const char *sql, int64_t *out)
{
	sqlite3_stmt *raw = NULL;
	int rc = sqlite3_prepare_v2(conn->raw, sql, -1, &raw, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(raw);
	int64_t value = rc == SQLITE_ROW ? sqlite3_column_int64(raw, 0) : 0;
	(void)sqlite3_finalize(raw);
	if (rc == SQLITE_DONE)
		return LS_ERR_NOT_FOUND;
	if (rc != SQLITE_ROW)
		return failed(conn, rc, sql);
	*out = value;
	return LS_OK;
}

int
ls_sqlite_prepare(struct ls_sqlite_conn *conn, const char *sql, struct ls_stmt **out)
{
	struct ls_stmt *stmt = calloc(1, sizeof *stmt);
	if (stmt == NULL)
		return LS_ERR_NOMEM;
	int rc =
		sqlite3_prepare_v3(conn->raw, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt->raw, NULL);
	if (rc != SQLITE_OK) {
		free(stmt);
		return failed(conn, rc, sql);
	}
	stmt->conn = conn;
	stmt->next = conn->stmts;
	conn->stmts = stmt;
	*out = stmt;
	return LS_OK;
}

static void
note_bind(struct ls_stmt *stmt, int rc)
{
	if (stmt->err == SQLITE_OK)
		stmt->err = rc;
}

void
ls_stmt_i64(struct ls_stmt *stmt, int at, int64_t value)
{
	note_bind(stmt, sqlite3_bind_int64(stmt->raw, at, value));
}

void
ls_stmt_double(struct ls_stmt *stmt, int at, double value)
{
	note_bind(stmt, sqlite3_bind_double(stmt->raw, at, value));
}

void
ls_stmt_text(struct ls_stmt *stmt, int at, struct ls_slice value)
{
	const char *data = value.data != NULL ? value.data : "";
	note_bind(stmt,
		sqlite3_bind_text64(stmt->raw, at, data, value.len, SQLITE_STATIC, SQLITE_UTF8));
}

void
ls_stmt_blob(struct ls_stmt *stmt, int at, struct ls_slice value)
{
	const char *data = value.data != NULL ? value.data : "";
	note_bind(stmt, sqlite3_bind_blob64(stmt->raw, at, data, value.len, SQLITE_STATIC));
}

int
ls_stmt_step(struct ls_stmt *stmt, bool *row)
{
	int rc = stmt->err != SQLITE_OK ? stmt->err : sqlite3_step(stmt->raw);
	stmt->err = SQLITE_OK;
	if (rc == SQLITE_ROW) {
		*row = true;
		return LS_OK;
	}
	int err = rc == SQLITE_DONE ? LS_OK : failed(stmt->conn, rc, sqlite3_sql(stmt->raw));
	(void)sqlite3_reset(stmt->raw);
	if (err == LS_OK)
		*row = false;
	return err;
}

int
ls_stmt_run(struct ls_stmt *stmt)
{
	bool row = true;
	int err = LS_OK;
	while (err == LS_OK && row)
		err = ls_stmt_step(stmt, &row);
	return err;
}

void
ls_stmt_reset(struct ls_stmt *stmt)
{
	(void)sqlite3_reset(stmt->raw);
}

int64_t
ls_stmt_get_i64(struct ls_stmt *stmt, int column)
{
	return sqlite3_column_int64(stmt->raw, column);
}

double
ls_stmt_get_double(struct ls_stmt *stmt, int column)
{
	return sqlite3_column_double(stmt->raw, column);
}

struct ls_slice
ls_stmt_get_slice(struct ls_stmt *stmt, int column)
{
	const char *data = sqlite3_column_blob(stmt->raw, column);
	int len = sqlite3_column_bytes(stmt->raw, column);
	return ls_slice(data != NULL ? data : "", data != NULL && len > 0 ? (size_t)len : 0);
}

int
ls_sqlite_begin(struct ls_sqlite_conn *conn)
{
	return ls_stmt_run(conn->begin);
}

int
ls_sqlite_commit(struct ls_sqlite_conn *conn)
{
	int err = ls_stmt_run(conn->commit);
	if (err != LS_OK)
		ls_sqlite_rollback(conn);
	return err;
}

void
ls_sqlite_rollback(struct ls_sqlite_conn *conn)
{
	/* full disks and I/O errors make SQLite roll back by itself */
	if (sqlite3_get_autocommit(conn->raw) == 0) {
		int err LS_UNUSED = ls_stmt_run(conn->rollback);
	}
}

uint64_t
ls_sqlite_changes(const struct ls_sqlite_conn *conn)
{
	return (uint64_t)sqlite3_changes64(conn->raw);
}

/* --- the connection --------------------------------------------------------------------------- */

/* also keeps SQLite from checkpointing inside somebody's commit */
static int
on_commit(void *ctx, sqlite3 *raw, const char *schema, int pages)
{
	struct ls_sqlite_conn *conn = ctx;
	(void)raw;
	(void)schema;
	conn->wal_pages = (uint64_t)pages;
	if (conn->wal_pages < conn->wal_last) /* begun anew */
		conn->wal_tried = 0;
	conn->wal_last = conn->wal_pages;
	return SQLITE_OK;
}

/* some file systems cannot: SQLite then says nothing and keeps its old journal */
static int
use_wal(struct ls_sqlite_conn *conn)
{
	struct ls_stmt *stmt = NULL;
	bool row = false, wal = false;
	int err = ls_sqlite_prepare(conn, "PRAGMA journal_mode = WAL", &stmt);
	if (err == LS_OK)
		err = ls_stmt_step(stmt, &row);
	if (err == LS_OK && row) {
		wal = ls_slice_eq(ls_stmt_get_slice(stmt, 0), LS_S("wal"));
		ls_stmt_reset(stmt);
	}
	if (err == LS_OK && !wal) {
		ls_error("storage", "this file system does not allow a write-ahead log");
		err = LS_ERR_IO;
	}
	return err;
}

static int
set_up(struct ls_sqlite *db, struct ls_sqlite_conn *conn)
{
	/* auto_vacuum comes first: it is fixed with the first table. The write-ahead log keeps its
	 * size after a checkpoint, because overwriting is cheaper to sync than growing. */
	static const char pragmas[] = "PRAGMA auto_vacuum = INCREMENTAL;"
				      "PRAGMA synchronous = FULL;"
				      "PRAGMA wal_autocheckpoint = 0;"
				      "PRAGMA journal_size_limit = 67108864;"
				      "PRAGMA cache_size = -16384;"
				      "PRAGMA temp_store = MEMORY;"
				      "PRAGMA foreign_keys = OFF;"
				      "PRAGMA trusted_schema = OFF;"
				      "PRAGMA cell_size_check = ON;"
				      "PRAGMA secure_delete = FAST;";
	int64_t page_size = 0;
	char sql[64];
	(void)sqlite3_busy_timeout(conn->raw, db->busy_ms);
	(void)sqlite3_db_config(conn->raw, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	int rc = sqlite3_exec(conn->raw, pragmas, NULL, NULL, NULL);
	int err = rc == SQLITE_OK ? use_wal(conn) : failed(conn, rc, "opening");
	if (err == LS_OK)
		err = ls_sqlite_number(conn, "PRAGMA page_size", &page_size);
	if (err == LS_OK && db->max_bytes != 0 && page_size > 0) {
		(void)snprintf(sql, sizeof sql, "PRAGMA max_page_count = %llu",
			(unsigned long long)db->max_bytes / (unsigned long long)page_size + 1);
		err = ls_sqlite_exec(conn, sql);
	}
	if (err == LS_OK)
		err = ls_sqlite_prepare(conn, "BEGIN IMMEDIATE", &conn->begin);
	if (err == LS_OK)
		err = ls_sqlite_prepare(conn, "COMMIT", &conn->commit);
	if (err == LS_OK)
		err = ls_sqlite_prepare(conn, "ROLLBACK", &conn->rollback);
	(void)sqlite3_wal_hook(conn->raw, on_commit, conn);
	return err;
}

static void
conn_close(struct ls_sqlite_conn *conn)
{
	while (conn->stmts != NULL) {
		struct ls_stmt *stmt = conn->stmts;
		conn->stmts = stmt->next;
		(void)sqlite3_finalize(stmt->raw);
		free(stmt);
	}
	(void)sqlite3_close(conn->raw);
	conn->raw = NULL;
}

static int
conn_open(struct ls_sqlite *db)
{
	struct ls_sqlite_conn *conn = &db->conn;
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
			  SQLITE_OPEN_EXRESCODE;
	/* memory statistics would take a lock at each allocation; refused when SQLite runs already
	 */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	int rc = sqlite3_open_v2(db->path, &conn->raw, flags, NULL);
	int err = rc == SQLITE_OK ? set_up(db, conn) : failed(conn, rc, "opening");
	if (err != LS_OK) {
		ls_error("storage", "cannot use the database file=%s", db->path);
		conn_close(conn);
	}
	return err;
}

static void
wal_checkpoint(struct ls_sqlite_conn *conn)
{
	int pages = 0, copied = 0;
	int rc = sqlite3_wal_checkpoint_v2(
		conn->raw, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &copied);
	conn->stats.wal_checkpoints++;
	if (rc != SQLITE_OK && rc != SQLITE_BUSY && rc != SQLITE_LOCKED)
		(void)failed(conn, rc, "wal checkpoint");
	if (pages - copied >= WAL_WARN_PAGES)
		ls_warn("storage",
			"a reader from outside keeps the write-ahead log growing pages=%d", pages);
	/* while a reader from outside holds it, it only grows: tried again after as much more */
	conn->wal_tried = pages > 0 ? (uint64_t)pages : 0;
	conn->wal_pages = pages > copied ? (uint64_t)pages : 0;
}

static bool
wal_is_due(const struct ls_sqlite_conn *conn, uint64_t pages)
{
	return conn->wal_pages >= conn->wal_tried + pages;
}

/* --- the thread ------------------------------------------------------------------------------- */

static void deliver(struct ls_post *post);

/* jobs without `done` are those of ls_sqlite_call(), which waits itself */
static void
finish(struct ls_sqlite *db, struct job_list *jobs)
{
	struct ls_sqlite_job *job;
	(void)pthread_mutex_lock(&db->lock);
	while ((job = list_pop(jobs)) != NULL) {
		if (job->err != LS_OK)
			db->conn.stats.errors++;
		if (job->done != NULL)
			list_push(&db->finished, job);
		else
			job->handed = false;
	}
	db->conn.stats.wal_pages = db->conn.wal_pages;
	db->stats = db->conn.stats;
	bool post = !db->posted && db->finished.first != NULL;
	db->posted = db->posted || post;
	(void)pthread_cond_broadcast(&db->idle);
	(void)pthread_mutex_unlock(&db->lock);
	if (post)
		ls_loop_post(db->loop, &db->post);
}

static void
run_group(struct ls_sqlite *db, struct job_list *group)
{
	struct ls_sqlite_conn *conn = &db->conn;
	struct ls_sqlite_job *job;
	int err = ls_sqlite_begin(conn);
	bool begun = err == LS_OK;
	for (job = group->first; job != NULL && err == LS_OK; job = job->next)
		err = job->run(job, conn);
	if (err == LS_OK)
		err = ls_sqlite_commit(conn);
	else if (begun)
		ls_sqlite_rollback(conn);
	conn->stats.groups += err == LS_OK;
	for (job = group->first; job != NULL; job = job->next) {
		job->err = err;
		conn->stats.grouped_jobs++;
	}
	finish(db, group);
}

static void
run_alone(struct ls_sqlite *db, struct job_list *one)
{
	struct ls_sqlite_job *job = one->first;
	job->err = job->run(job, &db->conn);
	/* whatever went wrong in there: the next job starts clean */
	ls_sqlite_rollback(&db->conn);
	db->conn.stats.jobs++;
	finish(db, one);
}

/* Called with the lock held: what the next round runs. A group waits for one other job or for one
 * checkpoint of the write-ahead log, not for both. */
static void
take_round(struct ls_sqlite *db, struct job_list *group, struct job_list *one)
{
	list_init(group);
	list_init(one);
	size_t bytes = 0;
	while (db->grouped.first != NULL && bytes < GROUP_BYTES) {
		bytes += db->grouped.first->bytes;
		list_push(group, list_pop(&db->grouped));
	}
	if (db->alone.first != NULL && !wal_is_due(&db->conn, WAL_BUSY_PAGES))
		list_push(one, list_pop(&db->alone));
}

static void
work(struct ls_sqlite *db)
{
	struct job_list group, one;
	(void)pthread_mutex_lock(&db->lock);
	for (;;) {
		take_round(db, &group, &one);
		const bool nothing =
			group.first == NULL && db->alone.first == NULL && one.first == NULL;
		if (nothing && db->stop)
			break;
		if (nothing && !wal_is_due(&db->conn, WAL_IDLE_PAGES)) {
			db->busy = false;
			(void)pthread_cond_broadcast(&db->idle);
			(void)pthread_cond_wait(&db->work, &db->lock);
			continue;
		}
		db->busy = true;
		(void)pthread_mutex_unlock(&db->lock);
		if (group.first != NULL)
			run_group(db, &group);
		if (one.first != NULL)
			run_alone(db, &one);
		else if (wal_is_due(&db->conn, nothing ? WAL_IDLE_PAGES : WAL_BUSY_PAGES))
			wal_checkpoint(&db->conn);
		(void)pthread_mutex_lock(&db->lock);
	}
	db->busy = false;
	(void)pthread_cond_broadcast(&db->idle);
	(void)pthread_mutex_unlock(&db->lock);
}

static void *
thread_main(void *arg)
{
	struct ls_sqlite *db = arg;
	int err = conn_open(db);
	(void)pthread_mutex_lock(&db->lock);
	db->opened = true;
	db->open_err = err;
	(void)pthread_cond_broadcast(&db->idle);
	(void)pthread_mutex_unlock(&db->lock);
	if (err != LS_OK)
		return NULL;
	work(db);
	conn_close(&db->conn);
	return NULL;
}

/* --- the loop's side -------------------------------------------------------------------------- */

/* A completion may drain or submit: everything is taken off the lists before it is called. */
static void
deliver_all(struct ls_sqlite *db)
{
	struct ls_sqlite_job *job;
	(void)pthread_mutex_lock(&db->lock);
	list_move(&db->delivering, &db->finished);
	db->seen = db->stats;
	(void)pthread_mutex_unlock(&db->lock);
	while ((job = list_pop(&db->delivering)) != NULL) {
		job->handed = false;
		job->done(job, job->err);
	}
}

static void
deliver(struct ls_post *post)
{
	struct ls_sqlite *db = LS_CONTAINER_OF(post, struct ls_sqlite, post);
	(void)pthread_mutex_lock(&db->lock);
	db->posted = false;
	(void)pthread_cond_broadcast(&db->idle);
	(void)pthread_mutex_unlock(&db->lock);
	deliver_all(db);
}

static void
flush(void *ctx)
{
	struct ls_sqlite *db = ctx;
	struct ls_sqlite_job *job;
	if (db->outbox.first == NULL)
		return;
	(void)pthread_mutex_lock(&db->lock);
	while ((job = list_pop(&db->outbox)) != NULL) {
		job->handed = true;
		list_push(job->grouped ? &db->grouped : &db->alone, job);
	}
	bool wake = !db->busy;
	(void)pthread_mutex_unlock(&db->lock);
	if (wake)
		(void)pthread_cond_signal(&db->work);
}

void
ls_sqlite_submit(struct ls_sqlite *db, struct ls_sqlite_job *job)
{
	/* submitted between turns, or behind our hook: the next turn must not wait before it */
	if (db->outbox.first == NULL)
		ls_loop_again(db->loop);
	job->handed = false;
	job->err = LS_OK;
	list_push(&db->outbox, job);
}

void
ls_sqlite_drain(struct ls_sqlite *db)
{
	flush(db);
	(void)pthread_mutex_lock(&db->lock);
	while (db->busy || db->grouped.first != NULL || db->alone.first != NULL)
		(void)pthread_cond_wait(&db->idle, &db->lock);
	(void)pthread_mutex_unlock(&db->lock);
	deliver_all(db);
}

struct call {
	struct ls_sqlite_job job;
	int (*fn)(struct ls_sqlite_conn *conn, void *arg);
	void *arg;
};

static int
run_call(struct ls_sqlite_job *job, struct ls_sqlite_conn *conn)
{
	struct call *call = LS_CONTAINER_OF(job, struct call, job);
	return call->fn(conn, call->arg);
}

int
ls_sqlite_call(struct ls_sqlite *db, int (*fn)(struct ls_sqlite_conn *conn, void *arg), void *arg)
{
	struct call call = { .job = { .run = run_call, .handed = true }, .fn = fn, .arg = arg };
	(void)pthread_mutex_lock(&db->lock);
	list_push(&db->alone, &call.job);
	(void)pthread_cond_signal(&db->work);
	while (call.job.handed)
		(void)pthread_cond_wait(&db->idle, &db->lock);
	(void)pthread_mutex_unlock(&db->lock);
	return call.job.err;
}

const struct ls_sqlite_stats *
ls_sqlite_stats(const struct ls_sqlite *db)
{
	return &db->seen;
}

/* --- opening and closing ---------------------------------------------------------------------- */

/* signals are the loop's: the thread is born with all of them blocked */
static int
start_thread(struct ls_sqlite *db)
{
	sigset_t all, before;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&db->thread, NULL, thread_main, db);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0) {
		ls_error("storage", "cannot start the storage thread reason=\"%s\"", strerror(rc));
		return LS_ERR_NOMEM;
	}
	db->started = true;
	(void)pthread_mutex_lock(&db->lock);
	while (!db->opened)
		(void)pthread_cond_wait(&db->idle, &db->lock);
	int err = db->open_err;
	(void)pthread_mutex_unlock(&db->lock);
	return err;
}

static void
stop_thread(struct ls_sqlite *db)
{
	if (db->open_err == LS_OK) {
		do
			ls_sqlite_drain(db);
		while (db->outbox.first != NULL);
	}
	(void)pthread_mutex_lock(&db->lock);
	db->stop = true;
	(void)pthread_cond_signal(&db->work);
	(void)pthread_mutex_unlock(&db->lock);
	(void)pthread_join(db->thread, NULL);
}

struct ls_sqlite *
ls_sqlite_close(struct ls_sqlite *db)
{
	if (db == NULL)
		return NULL;
	if (db->started)
		stop_thread(db);
	ls_loop_off_turn_end(db->loop, flush, db);
	ls_loop_unpost(db->loop, &db->post);
	/* the lock file stays: unlinking it would let two others lock different files */
	if (db->lock_fd >= 0)
		(void)close(db->lock_fd);
	(void)pthread_cond_destroy(&db->idle);
	(void)pthread_cond_destroy(&db->work);
	(void)pthread_mutex_destroy(&db->lock);
	free(db->path);
	free(db);
	return NULL;
}

int
ls_sqlite_open(
	struct ls_loop *loop, const struct ls_sqlite_options *options, struct ls_sqlite **out)
{
	struct ls_sqlite *db = calloc(1, sizeof *db);
	if (db == NULL)
		return LS_ERR_NOMEM;
	db->loop = loop;
	db->lock_fd = -1;
	db->max_bytes = options->max_bytes;
	db->busy_ms = (int)LS_MIN(options->busy_ms > 0 ? options->busy_ms : 2000, 60000);
	db->post.run = deliver;
	list_init(&db->outbox);
	list_init(&db->delivering);
	list_init(&db->grouped);
	list_init(&db->alone);
	list_init(&db->finished);
	(void)pthread_mutex_init(&db->lock, NULL);
	(void)pthread_cond_init(&db->work, NULL);
	(void)pthread_cond_init(&db->idle, NULL);
	int err = ls_data_dir_open(options->directory, "leadscore.db", &db->path, &db->lock_fd);
	if (err == LS_OK)
		err = start_thread(db);
	if (err == LS_OK)
		err = ls_loop_on_turn_end(loop, HOOK_ORDER, flush, db);
	if (err != LS_OK) {
		(void)ls_sqlite_close(db);
		return err;
	}
	*out = db;
	return LS_OK;
}
