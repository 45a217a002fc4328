/* SPDX-License-Identifier: MIT */
/* One SQLite file behind one storage thread. log/ and store/ write jobs against the small statement
 * API; what they mean is theirs. */
#ifndef LS_IO_SQLITE_H
#define LS_IO_SQLITE_H

#include "base/slice.h"

struct ls_loop;
struct ls_sqlite;      /* the loop's side */
struct ls_sqlite_conn; /* the storage thread's side */
struct ls_stmt;        /* a prepared statement, storage thread only */

struct ls_sqlite_options {
	const char *directory; /* made with mode 0700 when it is missing */
	uint64_t max_bytes;    /* largest database file; 0: as large as the disk allows */
	int64_t busy_ms;       /* patience with a person's SQL shell; 0: 2,000 */
};

/** Plain counters as of the last completion seen by the loop. */
struct ls_sqlite_stats {
	uint64_t groups, grouped_jobs; /* group commits, and the jobs that shared them */
	uint64_t jobs, errors;         /* jobs run alone; jobs of both kinds that failed */
	uint64_t wal_pages, wal_checkpoints;
};

/**
 * Makes and locks the data directory, opens `leadscore.db` in it and starts the thread; waits for
 * both (a few ms): before the loop runs. Says in the log why it fails: LS_ERR_CONFLICT (another
 * process has the directory), LS_ERR_IO (the disk refuses or the file is damaged), LS_ERR_NOMEM.
 */
int ls_sqlite_open(struct ls_loop *loop, const struct ls_sqlite_options *options,
	struct ls_sqlite **out) LS_MUST_CHECK;
/** Runs and completes what was submitted, then closes. Free the logs and stores on it before. NULL
 * is fine. */
struct ls_sqlite *ls_sqlite_close(struct ls_sqlite *db);
const struct ls_sqlite_stats *ls_sqlite_stats(const struct ls_sqlite *db);

/**
 * Work for the storage thread, embedded in the caller's struct. Grouped jobs that wait are run in
 * order inside one transaction and share its fsync; when one of them fails, all of that group do.
 * The others run one at a time, in order, one after each group, outside a transaction: keep them
 * short (50 ms), everything else waits behind them.
 */
struct ls_sqlite_job {
	struct ls_sqlite_job *next;
	/** On the storage thread. */
	int (*run)(struct ls_sqlite_job *job, struct ls_sqlite_conn *conn);
	/** On the loop; may free the job. Completions come in the order in which jobs were run. */
	void (*done)(struct ls_sqlite_job *job, int err);
	size_t bytes; /* what it adds to a group: groups are bounded */
	bool grouped;
	bool handed; /* read it only: from now on the storage thread may touch the job */
	int err;
};

/** Queues the job; it is handed over at the end of this turn, with all others. Loop only. */
void ls_sqlite_submit(struct ls_sqlite *db, struct ls_sqlite_job *job);
/** Waits until everything submitted so far has run, and completes it here. Blocks: only when
 * shutting down and in tests. */
void ls_sqlite_drain(struct ls_sqlite *db);
/** Runs `fn` on the storage thread and waits for it: only at start, and in tests. */
int ls_sqlite_call(struct ls_sqlite *db, int (*fn)(struct ls_sqlite_conn *conn, void *arg),
	void *arg) LS_MUST_CHECK;

/* --- the storage thread's side: inside run() only --------------------------------------------- */

/** Several statements without parameters. The rows are ignored. */
int ls_sqlite_exec(struct ls_sqlite_conn *conn, const char *sql) LS_MUST_CHECK;
/** The first column of the first row. LS_ERR_NOT_FOUND without a row. */
int ls_sqlite_number(struct ls_sqlite_conn *conn, const char *sql, int64_t *out) LS_MUST_CHECK;
/** Lives as long as the connection. */
int ls_sqlite_prepare(
	struct ls_sqlite_conn *conn, const char *sql, struct ls_stmt **out) LS_MUST_CHECK;
int ls_sqlite_begin(struct ls_sqlite_conn *conn) LS_MUST_CHECK;
/** Durable when it returns 0; otherwise rolled back. */
int ls_sqlite_commit(struct ls_sqlite_conn *conn) LS_MUST_CHECK;
void ls_sqlite_rollback(struct ls_sqlite_conn *conn);
/** Rows changed by the last statement. */
uint64_t ls_sqlite_changes(const struct ls_sqlite_conn *conn);

/** Parameters count from 1. Bytes are not copied: they must stay until the statement is reset.
 * Errors stick and come out of the next step. */
void ls_stmt_i64(struct ls_stmt *stmt, int at, int64_t value);
void ls_stmt_double(struct ls_stmt *stmt, int at, double value);
void ls_stmt_text(struct ls_stmt *stmt, int at, struct ls_slice value);
void ls_stmt_blob(struct ls_stmt *stmt, int at, struct ls_slice value);
/** Sets `row`; on false or an error the statement is reset. */
int ls_stmt_step(struct ls_stmt *stmt, bool *row) LS_MUST_CHECK;
/** Steps through and resets. */
int ls_stmt_run(struct ls_stmt *stmt) LS_MUST_CHECK;
/** Needed only when rows are left. */
void ls_stmt_reset(struct ls_stmt *stmt);
/** Columns count from 0. */
int64_t ls_stmt_get_i64(struct ls_stmt *stmt, int column);
double ls_stmt_get_double(struct ls_stmt *stmt, int column);
/** Text or blob, until the next step. */
struct ls_slice ls_stmt_get_slice(struct ls_stmt *stmt, int column);

#endif
