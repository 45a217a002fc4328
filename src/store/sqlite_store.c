// SPDX-License-Identifier: MIT
/* The embedded store: its SQL, tenants, birth and death. Reading is in sqlite_load.c and
 * sqlite_past.c, writing in sqlite_checkpoint.c, profiles in sqlite_profiles.c. */

#include "store/sqlite_store.h"

#include <stdlib.h>

#include "base/clock.h"
#include "store/sqlite_rows.h"

static const char *const sql_text[SQL_COUNT] = {
	[SQL_TENANT] = "SELECT id, position, dedupe_key0, dedupe_key1, dedupe_from_ms,"
		       " dedupe_last_id, lead_count, record_count, dedupe_count"
		       " FROM tenants WHERE slug = ?1",
	[SQL_TENANT_MAKE] = "INSERT INTO tenants (slug, created_ms, position, dedupe_key0,"
			    " dedupe_key1, dedupe_from_ms, dedupe_last_id, lead_count,"
			    " record_count, dedupe_count)"
			    " VALUES (?1, ?2, '', ?3, ?4, 0, 0, 0, 0, 0)",
	[SQL_TENANT_SAVE] = "UPDATE tenants SET position = ?2, dedupe_from_ms = ?3,"
			    " dedupe_last_id = ?4, lead_count = ?5, record_count = ?6,"
			    " dedupe_count = ?7 WHERE id = ?1",
	[SQL_LEAD_UPDATE] = "UPDATE leads SET email = ?3, name = ?4, company = ?5,"
			    " score_milli = ?6, scored_ms = ?7, last_activity_ms = ?8, state = ?9"
			    " WHERE tenant_id = ?1 AND id = ?2",
	[SQL_LEAD_INSERT] = "INSERT INTO leads (tenant_id, id, email, name, company, score_milli,"
			    " scored_ms, last_activity_ms, state)"
			    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[SQL_LEAD_DELETE] = "DELETE FROM leads WHERE tenant_id = ?1 AND id = ?2",
	[SQL_RECORD_UPDATE] = "UPDATE records SET state = ?3 WHERE tenant_id = ?1 AND id = ?2",
	[SQL_RECORD_INSERT] = "INSERT INTO records (tenant_id, id, state) VALUES (?1, ?2, ?3)",
	[SQL_RECORD_DELETE] = "DELETE FROM records WHERE tenant_id = ?1 AND id = ?2",
	[SQL_EVENT_INSERT] = "INSERT INTO events (tenant_id, lead_id, record_id, kind, verdict,"
			     " time_ms, received_ms, source, dedupe_lo, dedupe_hi, message,"
			     " detail, attributes, stage, record_class, flags) VALUES"
			     " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
			     " ?16)",
	[SQL_EVENTS_ERASE] = "DELETE FROM events WHERE tenant_id = ?1 AND lead_id = ?2",
	[SQL_DEDUPE_INSERT] = "INSERT INTO dedupe (tenant_id, id, received_ms, lo, hi)"
			      " VALUES (?1, ?2, ?3, ?4, ?5)",
	[SQL_DEDUPE_FIRST] = "SELECT id FROM dedupe WHERE tenant_id = ?1 ORDER BY id LIMIT 1",
	[SQL_DEDUPE_DELETE] = "DELETE FROM dedupe WHERE tenant_id = ?1 AND id >= ?2 AND id < ?3"
			      " AND received_ms < ?4",
	[SQL_LOAD_LEADS] = "SELECT id, state FROM leads WHERE tenant_id = ?1 AND id > ?2"
			   " ORDER BY id LIMIT ?3",
	[SQL_LOAD_RECORDS] = "SELECT id, state FROM records WHERE tenant_id = ?1 AND id > ?2"
			     " ORDER BY id LIMIT ?3",
	[SQL_LOAD_DEDUPE] = "SELECT id, received_ms, lo, hi FROM dedupe"
			    " WHERE tenant_id = ?1 AND id > ?2 AND received_ms >= ?4"
			    " ORDER BY id LIMIT ?3",
	[SQL_KEYS_OF_LEAD] = "SELECT time_ms, id FROM events WHERE tenant_id = ?1"
			     " AND lead_id = ?2 AND (time_ms, id) < (?3, ?4)"
			     " ORDER BY time_ms DESC, id DESC LIMIT ?5",
	[SQL_KEYS_OF_RECORD] = "SELECT time_ms, id FROM events WHERE tenant_id = ?1"
			       " AND record_id = ?2 AND record_id > 0"
			       " AND (time_ms, id) < (?3, ?4) AND kind <> ?6"
			       " ORDER BY time_ms DESC, id DESC LIMIT ?5",
	[SQL_EVENT] = "SELECT id, lead_id, record_id, kind, verdict, time_ms, received_ms, source,"
		      " dedupe_lo, dedupe_hi, message, detail, attributes, stage, record_class,"
		      " flags FROM events WHERE id = ?1",
	[SQL_HISTORY_INSERT] = "INSERT INTO history (tenant_id, lead_id, time_ms, from_milli,"
			       " score_milli, category, kind, source)"
			       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[SQL_HISTORY_ERASE] = "DELETE FROM history WHERE tenant_id = ?1 AND lead_id = ?2",
	[SQL_HISTORY_KEYS] = "SELECT time_ms, id FROM history WHERE tenant_id = ?1"
			     " AND lead_id = ?2 AND (time_ms, id) < (?3, ?4)"
			     " ORDER BY time_ms DESC, id DESC LIMIT ?5",
	[SQL_HISTORY] = "SELECT id, lead_id, time_ms, from_milli, score_milli, category, kind,"
			" source FROM history WHERE id = ?1",
	[SQL_SCORE_UNTIL] = "SELECT score_milli FROM history WHERE tenant_id = ?1 AND lead_id = ?2"
			    " AND time_ms <= ?3 ORDER BY time_ms DESC, id DESC LIMIT 1",
	[SQL_SCORE_AFTER] = "SELECT from_milli FROM history WHERE tenant_id = ?1 AND lead_id = ?2"
			    " AND time_ms > ?3 ORDER BY time_ms, id LIMIT 1",
	[SQL_PROFILES] = "SELECT version, state, json, who, why, created_ms, published_ms"
			 " FROM profiles WHERE tenant_id = ?1 ORDER BY version",
	[SQL_PROFILES_RETIRE] = "UPDATE profiles SET state = 'retired'"
				" WHERE tenant_id = ?1 AND state = 'published'",
	[SQL_PROFILES_DROP_DRAFT] = "DELETE FROM profiles WHERE tenant_id = ?1 AND state = 'draft'",
	[SQL_PROFILES_FORGET] = "DELETE FROM profiles"
				" WHERE tenant_id = ?1 AND state = 'retired' AND version <= ?2",
	[SQL_PROFILE_PUT] = "INSERT INTO profiles (tenant_id, version, state, json, who, why,"
			    " created_ms, published_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
			    " ON CONFLICT (tenant_id, version) DO UPDATE SET state = ?3,"
			    " json = ?4, who = ?5, why = ?6, created_ms = ?7, published_ms = ?8",
};

struct sqlite_store *
ls_sqlite_store_of(struct ls_store *base)
{
	struct sqlite_store *store = LS_CONTAINER_OF(base, struct sqlite_store, base);
	ls_assert(store->magic == LS_MAGIC_sqlite_store);
	return store;
}

int
ls_sqlite_store_tenant(struct sqlite_store *store, struct ls_slice slug, struct sqlite_tenant *out)
{
	struct ls_stmt *stmt = store->sql[SQL_TENANT];
	bool row = false;
	ls_stmt_text(stmt, 1, slug);
	int err = ls_stmt_step(stmt, &row);
	if (err != LS_OK)
		return err;
	if (!row)
		return LS_ERR_NOT_FOUND;
	struct ls_slice position = ls_stmt_get_slice(stmt, 1);
	out->id = ls_stmt_get_i64(stmt, 0);
	out->position_len = LS_MIN(position.len, sizeof out->position - 1);
	memcpy(out->position, position.data, out->position_len);
	out->dedupe_key.k0 = (uint64_t)ls_stmt_get_i64(stmt, 2);
	out->dedupe_key.k1 = (uint64_t)ls_stmt_get_i64(stmt, 3);
	out->dedupe_from_ms = ls_stmt_get_i64(stmt, 4);
	out->dedupe_last_id = (uint64_t)ls_stmt_get_i64(stmt, 5);
	out->lead_count = (uint64_t)ls_stmt_get_i64(stmt, 6);
	out->record_count = (uint64_t)ls_stmt_get_i64(stmt, 7);
	out->dedupe_count = (uint64_t)ls_stmt_get_i64(stmt, 8);
	ls_stmt_reset(stmt);
	return LS_OK;
}

/* --- info ------------------------------------------------------------------------------------- */

struct info_job {
	struct ls_sqlite_job job;
	struct sqlite_store *store;
	struct sqlite_tenant tenant;
	ls_store_info_fn done;
	void *ctx;
	size_t slug_len;
	char slug[];
};

static int
make_tenant(struct sqlite_store *store, struct ls_slice slug)
{
	struct ls_stmt *stmt = store->sql[SQL_TENANT_MAKE];
	struct ls_hash_key key = ls_hash_key_random();
	ls_stmt_text(stmt, 1, slug);
	ls_stmt_i64(stmt, 2, ls_clock_now_ms());
	ls_stmt_i64(stmt, 3, (int64_t)key.k0);
	ls_stmt_i64(stmt, 4, (int64_t)key.k1);
	return ls_stmt_run(stmt);
}

static int
run_info(struct ls_sqlite_job *job, struct ls_sqlite_conn *conn)
{
	struct info_job *info = LS_CONTAINER_OF(job, struct info_job, job);
	struct ls_slice slug = ls_slice(info->slug, info->slug_len);
	(void)conn;
	int err = ls_sqlite_store_tenant(info->store, slug, &info->tenant);
	if (err != LS_ERR_NOT_FOUND)
		return err;
	err = make_tenant(info->store, slug);
	return err != LS_OK ? err : ls_sqlite_store_tenant(info->store, slug, &info->tenant);
}

static void
info_done(struct ls_sqlite_job *job, int err)
{
	struct info_job *info = LS_CONTAINER_OF(job, struct info_job, job);
	const struct sqlite_tenant *tenant = &info->tenant;
	struct ls_store_info out = {
		.position = ls_slice(tenant->position, tenant->position_len),
		.dedupe_key = tenant->dedupe_key,
		.lead_count = tenant->lead_count,
		.record_count = tenant->record_count,
		.dedupe_count = tenant->dedupe_count,
	};
	info->store->jobs--;
	info->done(info->ctx, err, err == LS_OK ? &out : NULL);
	free(info);
}

static int
store_info(struct ls_store *base, struct ls_slice tenant, ls_store_info_fn done, void *ctx)
{
	struct sqlite_store *store = ls_sqlite_store_of(base);
	if (store->closing)
		return LS_ERR_CLOSED;
	if (tenant.len == 0 || tenant.len > 64)
		return LS_ERR_INVALID;
	struct info_job *info = calloc(1, sizeof *info + tenant.len);
	if (info == NULL)
		return LS_ERR_NOMEM;
	info->job.run = run_info;
	info->job.done = info_done;
	info->store = store;
	info->done = done;
	info->ctx = ctx;
	info->slug_len = tenant.len;
	memcpy(info->slug, tenant.data, tenant.len);
	store->jobs++;
	ls_sqlite_submit(store->db, &info->job);
	return LS_OK;
}

/* --- birth and death -------------------------------------------------------------------------- */

static const struct ls_store_stats *
store_stats(struct ls_store *base)
{
	return &ls_sqlite_store_of(base)->stats;
}

static struct ls_store *
store_free(struct ls_store *base)
{
	struct sqlite_store *store = ls_sqlite_store_of(base);
	store->closing = true;
	while (store->jobs > 0)
		ls_sqlite_drain(store->db);
	store->magic = 0;
	free(store);
	return NULL;
}

static const struct ls_store_ops ops = {
	.name = "sqlite",
	.info = store_info,
	.load = ls_sqlite_store_load,
	.events = ls_sqlite_store_events,
	.history = ls_sqlite_store_history,
	.scores = ls_sqlite_store_scores,
	.checkpoint = ls_sqlite_store_checkpoint,
	.profiles = ls_sqlite_store_profiles,
	.put_profile = ls_sqlite_store_put_profile,
	.stats = store_stats,
	.free = store_free,
};

static int
prepare(struct ls_sqlite_conn *conn, void *arg)
{
	struct sqlite_store *store = arg;
	int err = LS_OK;
	for (size_t i = 0; i < SQL_COUNT && err == LS_OK; i++)
		err = ls_sqlite_prepare(conn, sql_text[i], &store->sql[i]);
	return err;
}

int
ls_sqlite_store_open(struct ls_sqlite *db, struct ls_store **out)
{
	struct sqlite_store *store = calloc(1, sizeof *store);
	if (store == NULL)
		return LS_ERR_NOMEM;
	store->base.ops = &ops;
	store->magic = LS_MAGIC_sqlite_store;
	store->db = db;
	int err = ls_sqlite_call(db, prepare, store);
	if (err != LS_OK) {
		free(store);
		return err;
	}
	*out = &store->base;
	return LS_OK;
}
