/* SPDX-License-Identifier: MIT */
/* The embedded event log: a table of a SQLite file, made durable by group commit. */
#ifndef LS_LOG_SQLITE_LOG_H
#define LS_LOG_SQLITE_LOG_H

#include "log/log.h"

struct ls_sqlite;

/** 0 means the default. */
struct ls_sqlite_log_options {
	size_t max_waiting;       /* entries not yet acknowledged: 100,000 */
	size_t max_waiting_bytes; /* 64 MiB; one larger entry is taken when nothing else waits */
};

/** The tables must be there: ls_migrate_sqlite(). Blocks for a moment: before the loop runs.
 * `options` may be NULL. Free with ls_log_free() before closing `db`. One a database. */
int ls_sqlite_log_open(struct ls_sqlite *db, const struct ls_sqlite_log_options *options,
	struct ls_log **out) LS_MUST_CHECK;

#endif
