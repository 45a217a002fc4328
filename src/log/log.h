/* SPDX-License-Identifier: MIT */
/* The event log: raw requests, durable before they are acknowledged. What LeadScore knows is a fold
 * over it. */
#ifndef LS_LOG_LOG_H
#define LS_LOG_LOG_H

#include "base/slice.h"

/** One request as it came in. */
struct ls_log_entry {
	uint64_t id;            /* given by the log, rising within a writer; 0 when appending */
	struct ls_slice tenant; /* slug, at most 64 bytes */
	struct ls_slice source; /* row of the source registry */
	int64_t received_ms;
	struct ls_slice body;
};

/** err 0: durable, under `id`. Otherwise it is not, and may be tried again. */
typedef void (*ls_log_append_fn)(void *ctx, int err, uint64_t id);
/**
 * A slice of the log. `entries` are valid during the call. at_end: there was nothing behind them
 * when this was read; every append acknowledged later lies behind them, and no append acknowledged
 * before this call does.
 */
typedef void (*ls_log_read_fn)(
	void *ctx, int err, const struct ls_log_entry *entries, size_t count, bool at_end);
/** more: this call stopped at its bound, not at the end of what may go. */
typedef void (*ls_log_trim_fn)(void *ctx, int err, uint64_t deleted, bool more);

struct ls_log_stats {
	uint64_t appended, append_errors, refused, commits, bytes, trimmed;
	uint64_t waiting, waiting_bytes; /* appended, not yet acknowledged */
	uint64_t last_id, first_id;      /* as far as known */
};

struct ls_log;

/** One row a backend. All functions are called on the loop and complete on it; each completion runs
 * exactly once. */
struct ls_log_ops {
	const char *name;
	int (*append)(struct ls_log *log, const struct ls_log_entry *entry, ls_log_append_fn done,
		void *ctx);
	int (*read)(struct ls_log *log, uint64_t after_id, size_t max_entries, ls_log_read_fn done,
		void *ctx);
	int (*trim)(struct ls_log *log, uint64_t upto_id, int64_t older_than_ms,
		ls_log_trim_fn done, void *ctx);
	const struct ls_log_stats *(*stats)(struct ls_log *log);
	struct ls_log *(*free)(struct ls_log *log);
};

/** First member of every backend's struct. */
struct ls_log {
	const struct ls_log_ops *ops;
};

/** Copies the entry. 0: `done` will run, in order of appending. LS_ERR_LIMIT: too much is waiting,
 * nothing was taken. LS_ERR_INVALID: tenant or source is empty or over 64 bytes. LS_ERR_CLOSED: the
 * log is being freed. */
static inline int LS_MUST_CHECK
ls_log_append(
	struct ls_log *log, const struct ls_log_entry *entry, ls_log_append_fn done, void *ctx)
{
	return log->ops->append(log, entry, done, ctx);
}

/** Reads up to `max_entries` entries with id > after_id, in order of id. */
static inline int LS_MUST_CHECK
ls_log_read(
	struct ls_log *log, uint64_t after_id, size_t max_entries, ls_log_read_fn done, void *ctx)
{
	return log->ops->read(log, after_id, max_entries, done, ctx);
}

/** Deletes a bounded number of entries with id <= upto_id received before `older_than_ms`. Call
 * again while there is more. One at a time: LS_ERR_CONFLICT. */
static inline int LS_MUST_CHECK
ls_log_trim(
	struct ls_log *log, uint64_t upto_id, int64_t older_than_ms, ls_log_trim_fn done, void *ctx)
{
	return log->ops->trim(log, upto_id, older_than_ms, done, ctx);
}

static inline const struct ls_log_stats *
ls_log_stats(struct ls_log *log)
{
	return log->ops->stats(log);
}

/** Completes everything under way first: with its true result where that can be waited for,
 * otherwise with LS_ERR_CLOSED. Not from inside a completion. NULL is fine. */
static inline struct ls_log *
ls_log_free(struct ls_log *log)
{
	return log != NULL ? log->ops->free(log) : NULL;
}

#endif
