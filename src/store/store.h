/* SPDX-License-Identifier: MIT */
/* The database: state that is loaded at start and checkpointed in one transaction. Knows tables,
 * not scoring. */
#ifndef LS_STORE_STORE_H
#define LS_STORE_STORE_H

#include "base/hash.h"
#include "base/slice.h"

/** What a checkpoint writes of one lead. `state` is the engine's own encoding; the other columns
 * are for people with SQL. */
struct ls_store_lead {
	uint64_t id;
	bool erased; /* the row goes away */
	struct ls_slice email, name, company;
	int32_t score_milli;
	int64_t scored_ms, last_activity_ms;
	struct ls_slice state;
};

/** A CRM record that is no lead (deal, company, call ...), in the engine's own encoding. */
struct ls_store_record {
	uint64_t id;
	bool erased;
	struct ls_slice state;
};

/** One event as applied: the raw material of timelines, exports and unmerging. */
struct ls_store_event {
	uint64_t id;        /* given by the store; 0 when writing */
	uint64_t lead_id;   /* 0: applied to a record, or to nobody */
	uint64_t record_id; /* 0: applied to a lead */
	unsigned kind;
	unsigned verdict;
	int64_t time_ms, received_ms;
	struct ls_slice source;
	struct ls_hash128 dedupe; /* all zero: has none */
	struct ls_slice message, detail;
	struct ls_slice attributes; /* that it carried, as a JSON object; empty: none */
	double stage_probability;   /* of its deal stage; negative: none */
	unsigned record_class;      /* enum ls_record of what it was applied to */
	unsigned flags;             /* LS_STORE_LINK_*, of associations */
};

#define LS_STORE_LINK_REMOVED 1u
#define LS_STORE_LINK_PRIMARY 2u

/** A lead's score changed by a whole point, or its category did. */
struct ls_store_history {
	uint64_t id; /* given by the store; 0 when writing */
	uint64_t lead_id;
	int64_t time_ms;
	int32_t from_milli, score_milli;
	unsigned category;
	unsigned kind;          /* of the event that did it */
	struct ls_slice source; /* of that event; empty: time alone */
};

/** Written as one transaction, or not at all. Everything is copied. */
struct ls_store_checkpoint {
	struct ls_slice tenant;
	const struct ls_store_lead *leads;
	size_t lead_count;
	const struct ls_store_record *records;
	size_t record_count;
	const struct ls_store_event *events;
	size_t event_count;
	const struct ls_store_history *history;
	size_t history_count;
	const uint64_t *erase_events_of; /* leads whose events and history go away too (privacy
					    deletion) */
	size_t erase_count;
	struct ls_slice position;     /* the log position that all of this stands for */
	int64_t dedupe_older_than_ms; /* dedupe keys received before this are forgotten */
};

/** What is known before any row is loaded. */
struct ls_store_info {
	struct ls_slice position;
	struct ls_hash_key dedupe_key; /* made when the store was made, never changed */
	uint64_t lead_count, record_count, dedupe_count;
};

enum ls_store_table { LS_STORE_LEADS, LS_STORE_RECORDS, LS_STORE_DEDUPE };

/** A row of any of the three: for DEDUPE `id` is the row's own number, `dedupe` and `received_ms`
 * are set. */
struct ls_store_row {
	uint64_t id;
	struct ls_slice state;
	struct ls_hash128 dedupe;
	int64_t received_ms;
};

/** One page of the events of some leads and records, or of the history of some leads: those before
 * (before_ms, before_id) in the order of (time_ms, id). INT64_MAX and UINT64_MAX ask for the
 * newest. */
struct ls_store_event_query {
	struct ls_slice tenant;
	const uint64_t *lead_ids, *record_ids; /* at most LS_STORE_IDS_MAX in all; copied */
	size_t lead_count, record_count;
	unsigned not_of_records; /* a kind that only leads' ids find: it names both */
	int64_t before_ms;
	uint64_t before_id;
	size_t limit; /* at most LS_STORE_LOAD_MAX */
};

/** What the history says a lead's score was at some times. */
struct ls_store_score_query {
	struct ls_slice tenant;
	uint64_t lead_id;
	const int64_t *times_ms; /* copied */
	size_t count;
};

struct ls_store_score {
	int64_t time_ms;
	bool known; /* false: the lead has no history */
	int32_t score_milli;
};

enum ls_store_profile_state { LS_STORE_DRAFT, LS_STORE_PUBLISHED, LS_STORE_RETIRED };

/** A version of the scoring profile. */
struct ls_store_profile {
	uint64_t version;
	enum ls_store_profile_state state;
	struct ls_slice json, who, why;
	int64_t created_ms, published_ms; /* published_ms 0: never */
};

/** Retired versions this much older than the newest one written are forgotten. */
#define LS_STORE_PROFILES_KEPT 100

/** Rows a load or an event query may ask for: a page is one short job. */
#define LS_STORE_LOAD_MAX 10000
#define LS_STORE_IDS_MAX  4096

typedef void (*ls_store_done_fn)(void *ctx, int err);
typedef void (*ls_store_info_fn)(void *ctx, int err, const struct ls_store_info *info);
/** Rows in order of id, valid during the call; fewer than asked for: that was the end. */
typedef void (*ls_store_rows_fn)(void *ctx, int err, const struct ls_store_row *rows, size_t count);

/** Newest first, valid during the call; fewer than asked for: that was the end. */
typedef void (*ls_store_events_fn)(
	void *ctx, int err, const struct ls_store_event *events, size_t count);

typedef void (*ls_store_history_fn)(
	void *ctx, int err, const struct ls_store_history *rows, size_t count);

/** In the order asked for, valid during the call. */
typedef void (*ls_store_scores_fn)(
	void *ctx, int err, const struct ls_store_score *scores, size_t count);

/** In order of version, valid during the call. */
typedef void (*ls_store_profiles_fn)(
	void *ctx, int err, const struct ls_store_profile *profiles, size_t count);

struct ls_store_stats {
	uint64_t checkpoints, checkpoint_errors, rows_written;
	int64_t last_checkpoint_ms, last_duration_ns;
};

struct ls_store;

struct ls_store_ops {
	const char *name;
	int (*info)(
		struct ls_store *store, struct ls_slice tenant, ls_store_info_fn done, void *ctx);
	int (*load)(struct ls_store *store, struct ls_slice tenant, enum ls_store_table table,
		uint64_t after_id, size_t limit, ls_store_rows_fn done, void *ctx);
	int (*events)(struct ls_store *store, const struct ls_store_event_query *query,
		ls_store_events_fn done, void *ctx);
	int (*history)(struct ls_store *store, const struct ls_store_event_query *query,
		ls_store_history_fn done, void *ctx);
	int (*scores)(struct ls_store *store, const struct ls_store_score_query *query,
		ls_store_scores_fn done, void *ctx);
	int (*checkpoint)(struct ls_store *store, const struct ls_store_checkpoint *checkpoint,
		ls_store_done_fn done, void *ctx);
	int (*profiles)(struct ls_store *store, struct ls_slice tenant, ls_store_profiles_fn done,
		void *ctx);
	int (*put_profile)(struct ls_store *store, struct ls_slice tenant,
		const struct ls_store_profile *profile, ls_store_done_fn done, void *ctx);
	const struct ls_store_stats *(*stats)(struct ls_store *store);
	struct ls_store *(*free)(struct ls_store *store);
};

struct ls_store {
	const struct ls_store_ops *ops;
};

/** Tenants that do not exist yet are made. */
static inline int LS_MUST_CHECK
ls_store_info(struct ls_store *store, struct ls_slice tenant, ls_store_info_fn done, void *ctx)
{
	return store->ops->info(store, tenant, done, ctx);
}

/** `limit` at most LS_STORE_LOAD_MAX, LS_ERR_INVALID otherwise. Of DEDUPE only the rows that the
 * last checkpoint's dedupe_older_than_ms left. A tenant that ls_store_info() never made has no
 * rows. */
static inline int LS_MUST_CHECK
ls_store_load(struct ls_store *store, struct ls_slice tenant, enum ls_store_table table,
	uint64_t after_id, size_t limit, ls_store_rows_fn done, void *ctx)
{
	return store->ops->load(store, tenant, table, after_id, limit, done, ctx);
}

static inline int LS_MUST_CHECK
ls_store_events(struct ls_store *store, const struct ls_store_event_query *query,
	ls_store_events_fn done, void *ctx)
{
	return store->ops->events(store, query, done, ctx);
}

/** As ls_store_events(), for rows of history; records have none. */
static inline int LS_MUST_CHECK
ls_store_history(struct ls_store *store, const struct ls_store_event_query *query,
	ls_store_history_fn done, void *ctx)
{
	return store->ops->history(store, query, done, ctx);
}

static inline int LS_MUST_CHECK
ls_store_scores(struct ls_store *store, const struct ls_store_score_query *query,
	ls_store_scores_fn done, void *ctx)
{
	return store->ops->scores(store, query, done, ctx);
}

/** One at a time: LS_ERR_CONFLICT while another is under way. Ids are 1 to INT64_MAX,
 * LS_ERR_INVALID otherwise. Every event with a dedupe key leaves that key behind, even when the
 * event is erased. */
static inline int LS_MUST_CHECK
ls_store_checkpoint(struct ls_store *store, const struct ls_store_checkpoint *checkpoint,
	ls_store_done_fn done, void *ctx)
{
	return store->ops->checkpoint(store, checkpoint, done, ctx);
}

/** All versions of the scoring profile; a tenant that was never made has none. */
static inline int LS_MUST_CHECK
ls_store_profiles(
	struct ls_store *store, struct ls_slice tenant, ls_store_profiles_fn done, void *ctx)
{
	return store->ops->profiles(store, tenant, done, ctx);
}

/**
 * Writes a version, in one transaction with what follows from it: a published one retires the one
 * that was, a draft takes the place of the draft that was. Everything is copied. LS_ERR_INVALID for
 * a version that is not 1 to INT64_MAX; done with LS_ERR_NOT_FOUND for a tenant that was never
 * made.
 */
static inline int LS_MUST_CHECK
ls_store_put_profile(struct ls_store *store, struct ls_slice tenant,
	const struct ls_store_profile *profile, ls_store_done_fn done, void *ctx)
{
	return store->ops->put_profile(store, tenant, profile, done, ctx);
}

static inline const struct ls_store_stats *
ls_store_stats(struct ls_store *store)
{
	return store->ops->stats(store);
}

/** Completes everything under way first: with its true result where that can be waited for,
 * otherwise with LS_ERR_CLOSED. Not from inside a completion. NULL is fine. */
static inline struct ls_store *
ls_store_free(struct ls_store *store)
{
	return store != NULL ? store->ops->free(store) : NULL;
}

#endif
