/* SPDX-License-Identifier: MIT */
/* What the files of the embedded store share: its SQL, its struct, and finding a tenant's row.
 * Private to sqlite_*.c of this folder. */
#ifndef LS_STORE_SQLITE_ROWS_H
#define LS_STORE_SQLITE_ROWS_H

#include "io/sqlite.h"
#include "store/sqlite_store.h"

#define LS_MAGIC_sqlite_store 0x73716c73u

enum sqlite_store_sql {
	SQL_TENANT,
	SQL_TENANT_MAKE,
	SQL_TENANT_SAVE,
	SQL_LEAD_UPDATE,
	SQL_LEAD_INSERT,
	SQL_LEAD_DELETE,
	SQL_RECORD_UPDATE,
	SQL_RECORD_INSERT,
	SQL_RECORD_DELETE,
	SQL_EVENT_INSERT,
	SQL_EVENTS_ERASE,
	SQL_DEDUPE_INSERT,
	SQL_DEDUPE_FIRST,
	SQL_DEDUPE_DELETE,
	SQL_LOAD_LEADS,
	SQL_LOAD_RECORDS,
	SQL_LOAD_DEDUPE,
	SQL_KEYS_OF_LEAD,
	SQL_KEYS_OF_RECORD,
	SQL_EVENT,
	SQL_HISTORY_INSERT,
	SQL_HISTORY_ERASE,
	SQL_HISTORY_KEYS,
	SQL_HISTORY,
	SQL_SCORE_UNTIL,
	SQL_SCORE_AFTER,
	SQL_PROFILES,
	SQL_PROFILES_RETIRE,
	SQL_PROFILES_DROP_DRAFT,
	SQL_PROFILES_FORGET,
	SQL_PROFILE_PUT,
	SQL_COUNT
};

struct sqlite_store;

/** One checkpoint under way: everything copied into one block. */
struct sqlite_checkpoint {
	struct ls_sqlite_job job;
	struct sqlite_store *store;
	struct ls_store_checkpoint data; /* slices and arrays point into `block` */
	void *block;
	uint64_t rows_written;
	int64_t duration_ns;
	ls_store_done_fn done;
	void *ctx;
};

struct sqlite_store {
	struct ls_store base;
	uint32_t magic;
	struct ls_sqlite *db;
	struct ls_store_stats stats;
	struct sqlite_checkpoint checkpoint; /* block != NULL: under way */
	size_t jobs;
	bool closing;
	/* the storage thread's */
	struct ls_stmt *sql[SQL_COUNT];
};

/** A row of `tenants`, on the storage thread. */
struct sqlite_tenant {
	int64_t id;
	char position[4096 + 1];
	size_t position_len;
	struct ls_hash_key dedupe_key;
	int64_t dedupe_from_ms;
	uint64_t dedupe_last_id, lead_count, record_count, dedupe_count;
};

struct sqlite_store *ls_sqlite_store_of(struct ls_store *base);
/** LS_ERR_NOT_FOUND without one. Storage thread. */
int ls_sqlite_store_tenant(
	struct sqlite_store *store, struct ls_slice slug, struct sqlite_tenant *out) LS_MUST_CHECK;

/* the table of operations is in sqlite_store.c; these fill it */
int ls_sqlite_store_load(struct ls_store *base, struct ls_slice tenant, enum ls_store_table table,
	uint64_t after_id, size_t limit, ls_store_rows_fn done, void *ctx);
int ls_sqlite_store_events(struct ls_store *base, const struct ls_store_event_query *query,
	ls_store_events_fn done, void *ctx);
int ls_sqlite_store_history(struct ls_store *base, const struct ls_store_event_query *query,
	ls_store_history_fn done, void *ctx);
int ls_sqlite_store_scores(struct ls_store *base, const struct ls_store_score_query *query,
	ls_store_scores_fn done, void *ctx);
int ls_sqlite_store_checkpoint(struct ls_store *base, const struct ls_store_checkpoint *checkpoint,
	ls_store_done_fn done, void *ctx);
int ls_sqlite_store_profiles(
	struct ls_store *base, struct ls_slice tenant, ls_store_profiles_fn done, void *ctx);
int ls_sqlite_store_put_profile(struct ls_store *base, struct ls_slice tenant,
	const struct ls_store_profile *profile, ls_store_done_fn done, void *ctx);

#endif
