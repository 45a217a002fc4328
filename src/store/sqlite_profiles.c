// SPDX-License-Identifier: MIT
/* Versions of the scoring profile in the embedded store: all are read at once, one is written at a
 * time. */

#include <stdlib.h>

#include "base/arena.h"
#include "store/sqlite_rows.h"

/* all versions that are kept: each text is bounded by whoever made it */
#define TEXT_MAX ((size_t)256 << 20)

static const char *const state_names[] = {
	[LS_STORE_DRAFT] = "draft",
	[LS_STORE_PUBLISHED] = "published",
	[LS_STORE_RETIRED] = "retired",
};

struct profiles_job {
	struct ls_sqlite_job job;
	struct sqlite_store *store;
	struct ls_arena text;
	struct ls_slice tenant;
	struct ls_store_profile *profiles; /* read */
	size_t count, room;
	struct ls_store_profile profile; /* to write */
	ls_store_profiles_fn read_done;
	ls_store_done_fn put_done;
	void *ctx;
};

static void
job_free(struct profiles_job *p)
{
	ls_arena_fini(&p->text);
	free(p->profiles);
	free(p);
}

static int
job_new(struct sqlite_store *store, struct ls_slice tenant, void *ctx, struct profiles_job **out)
{
	if (store->closing)
		return LS_ERR_CLOSED;
	if (tenant.len == 0 || tenant.len > 64)
		return LS_ERR_INVALID;
	struct profiles_job *p = calloc(1, sizeof *p);
	if (p == NULL)
		return LS_ERR_NOMEM;
	ls_arena_init(&p->text, TEXT_MAX);
	p->store = store;
	p->ctx = ctx;
	p->tenant = ls_arena_copy(&p->text, tenant);
	if (p->tenant.data == NULL) {
		job_free(p);
		return LS_ERR_NOMEM;
	}
	*out = p;
	return LS_OK;
}

static void
submit(struct profiles_job *p)
{
	p->store->jobs++;
	ls_sqlite_submit(p->store->db, &p->job);
}

/* --- reading ---------------------------------------------------------------------------------- */

static int
read_state(struct ls_slice name, enum ls_store_profile_state *out)
{
	for (size_t i = 0; i < LS_ARRAY_LEN(state_names); i++) {
		if (!ls_slice_eq(name, ls_slice_str(state_names[i])))
			continue;
		*out = (enum ls_store_profile_state)i;
		return LS_OK;
	}
	return LS_ERR_INVALID;
}

static int
take_row(struct profiles_job *p, struct ls_stmt *stmt)
{
	if (p->count == p->room) {
		size_t room = p->room * 2 + 16;
		void *more = realloc(p->profiles, room * sizeof *p->profiles);
		if (more == NULL)
			return LS_ERR_NOMEM;
		p->profiles = more;
		p->room = room;
	}
	struct ls_store_profile row = {
		.version = (uint64_t)ls_stmt_get_i64(stmt, 0),
		.json = ls_arena_copy(&p->text, ls_stmt_get_slice(stmt, 2)),
		.who = ls_arena_copy(&p->text, ls_stmt_get_slice(stmt, 3)),
		.why = ls_arena_copy(&p->text, ls_stmt_get_slice(stmt, 4)),
		.created_ms = ls_stmt_get_i64(stmt, 5),
		.published_ms = ls_stmt_get_i64(stmt, 6),
	};
	if (row.json.data == NULL || row.who.data == NULL || row.why.data == NULL)
		return LS_ERR_NOMEM;
	int err = read_state(ls_stmt_get_slice(stmt, 1), &row.state);
	if (err == LS_OK)
		p->profiles[p->count++] = row;
	return err;
}

static int
run_read(struct ls_sqlite_job *job, struct ls_sqlite_conn *conn)
{
	struct profiles_job *p = LS_CONTAINER_OF(job, struct profiles_job, job);
	struct ls_stmt *stmt = p->store->sql[SQL_PROFILES];
	struct sqlite_tenant tenant;
	bool row = true;
	(void)conn;
	int err = ls_sqlite_store_tenant(p->store, p->tenant, &tenant);
	if (err != LS_OK)
		return err == LS_ERR_NOT_FOUND ? LS_OK : err;
	ls_stmt_i64(stmt, 1, tenant.id);
	while (err == LS_OK && row) {
		err = ls_stmt_step(stmt, &row);
		if (err == LS_OK && row)
			err = take_row(p, stmt);
	}
	ls_stmt_reset(stmt);
	return err;
}

static void
read_done(struct ls_sqlite_job *job, int err)
{
	struct profiles_job *p = LS_CONTAINER_OF(job, struct profiles_job, job);
	p->store->jobs--;
	p->read_done(p->ctx, err, err == LS_OK ? p->profiles : NULL, err == LS_OK ? p->count : 0);
	job_free(p);
}

int
ls_sqlite_store_profiles(
	struct ls_store *base, struct ls_slice tenant, ls_store_profiles_fn done, void *ctx)
{
	struct profiles_job *p;
	int err = job_new(ls_sqlite_store_of(base), tenant, ctx, &p);
	if (err != LS_OK)
		return err;
	p->job.run = run_read;
	p->job.done = read_done;
	p->read_done = done;
	submit(p);
	return LS_OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* what the new one takes the place of */
static int
make_way(struct sqlite_store *store, int64_t tenant_id, const struct ls_store_profile *profile)
{
	struct ls_stmt *stmt = NULL;
	if (profile->state == LS_STORE_PUBLISHED)
		stmt = store->sql[SQL_PROFILES_RETIRE];
	if (profile->state == LS_STORE_DRAFT)
		stmt = store->sql[SQL_PROFILES_DROP_DRAFT];
	if (stmt == NULL)
		return LS_OK;
	ls_stmt_i64(stmt, 1, tenant_id);
	return ls_stmt_run(stmt);
}

static int
write_profile(struct sqlite_store *store, int64_t tenant_id, const struct ls_store_profile *profile)
{
	struct ls_stmt *stmt = store->sql[SQL_PROFILE_PUT];
	ls_stmt_i64(stmt, 1, tenant_id);
	ls_stmt_i64(stmt, 2, (int64_t)profile->version);
	ls_stmt_text(stmt, 3, ls_slice_str(state_names[profile->state]));
	ls_stmt_text(stmt, 4, profile->json);
	ls_stmt_text(stmt, 5, profile->who);
	ls_stmt_text(stmt, 6, profile->why);
	ls_stmt_i64(stmt, 7, profile->created_ms);
	ls_stmt_i64(stmt, 8, profile->published_ms);
	int err = ls_stmt_run(stmt);
	if (err != LS_OK)
		return err;
	stmt = store->sql[SQL_PROFILES_FORGET];
	ls_stmt_i64(stmt, 1, tenant_id);
	ls_stmt_i64(stmt, 2, (int64_t)profile->version - LS_STORE_PROFILES_KEPT);
	return ls_stmt_run(stmt);
}

static int
run_put(struct ls_sqlite_job *job, struct ls_sqlite_conn *conn)
{
	struct profiles_job *p = LS_CONTAINER_OF(job, struct profiles_job, job);
	struct sqlite_tenant tenant;
	int err = ls_sqlite_store_tenant(p->store, p->tenant, &tenant);
	if (err == LS_OK)
		err = ls_sqlite_begin(conn);
	if (err != LS_OK)
		return err;
	err = make_way(p->store, tenant.id, &p->profile);
	if (err == LS_OK)
		err = write_profile(p->store, tenant.id, &p->profile);
	if (err == LS_OK)
		return ls_sqlite_commit(conn);
	ls_sqlite_rollback(conn);
	return err;
}

static void
put_done(struct ls_sqlite_job *job, int err)
{
	struct profiles_job *p = LS_CONTAINER_OF(job, struct profiles_job, job);
	p->store->jobs--;
	p->put_done(p->ctx, err);
	job_free(p);
}

int
ls_sqlite_store_put_profile(struct ls_store *base, struct ls_slice tenant,
	const struct ls_store_profile *profile, ls_store_done_fn done, void *ctx)
{
	struct profiles_job *p;
	if (profile->version == 0 || profile->version > INT64_MAX)
		return LS_ERR_INVALID;
	int err = job_new(ls_sqlite_store_of(base), tenant, ctx, &p);
	if (err != LS_OK)
		return err;
	p->job.run = run_put;
	p->job.done = put_done;
	p->put_done = done;
	p->profile = *profile;
	p->profile.json = ls_arena_copy(&p->text, profile->json);
	p->profile.who = ls_arena_copy(&p->text, profile->who);
	p->profile.why = ls_arena_copy(&p->text, profile->why);
	if (p->profile.json.data == NULL || p->profile.who.data == NULL ||
		p->profile.why.data == NULL) {
		job_free(p);
		return LS_ERR_NOMEM;
	}
	submit(p);
	return LS_OK;
}
