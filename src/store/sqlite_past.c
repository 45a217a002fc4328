// SPDX-License-Identifier: MIT
/* Reading what has been: pages of events and of score history, newest first, of several leads and
 * records at once. Keys are merged first, so that only the rows of the page are read whole. */

#include <stdlib.h>

#include "base/buf.h"
#include "store/sqlite_rows.h"

/* a page is at most this large, whatever its rows */
#define PAGE_MAX_BYTES ((size_t)1 << 30)

struct key {
	int64_t time_ms;
	uint64_t id;
};

struct past_job {
	struct ls_sqlite_job job;
	struct sqlite_store *store;
	struct ls_buf bytes;
	struct key *keys; /* the newest so far, unsorted */
	size_t key_count, key_room;
	struct key floor; /* keys below are not of this page */
	size_t count;     /* rows */
	struct ls_store_event_query query;
	uint64_t *ids; /* leads, then records */
	void *ctx;
	struct ls_store_event *events;
	ls_store_events_fn events_done;
	struct ls_store_history *history;
	ls_store_history_fn history_done;
	/* scores at certain times */
	struct ls_store_score *scores;
	ls_store_scores_fn scores_done;
	size_t slug_len;
	char slug[];
};

/* ---- keys */

static int
newer_first(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	if (x->time_ms != y->time_ms)
		return x->time_ms < y->time_ms ? 1 : -1;
	return (x->id < y->id) - (x->id > y->id);
}

/* keeps the newest `limit`, each once: an event may be a lead's and a record's */
static void
cut_keys(struct past_job *job)
{
	size_t kept = 0;
	if (job->key_count == 0)
		return;
	qsort(job->keys, job->key_count, sizeof *job->keys, newer_first);
	for (size_t i = 0; i < job->key_count && kept < job->query.limit; i++) {
		if (kept == 0 || job->keys[i].id != job->keys[kept - 1].id)
			job->keys[kept++] = job->keys[i];
	}
	job->key_count = kept;
	if (kept == job->query.limit)
		job->floor = job->keys[kept - 1];
}

/* the keys of one lead or record, whose id is bound */
static int
collect_keys(struct past_job *job, struct ls_stmt *stmt)
{
	bool row = false;
	ls_stmt_i64(stmt, 3, job->query.before_ms);
	ls_stmt_i64(stmt, 4, (int64_t)LS_MIN(job->query.before_id, (uint64_t)INT64_MAX));
	ls_stmt_i64(stmt, 5, (int64_t)job->query.limit);
	int err = ls_stmt_step(stmt, &row);
	while (err == LS_OK && row) {
		struct key key = { ls_stmt_get_i64(stmt, 0), (uint64_t)ls_stmt_get_i64(stmt, 1) };
		if (newer_first(&key, &job->floor) > 0)
			break;
		job->keys[job->key_count++] = key;
		err = ls_stmt_step(stmt, &row);
	}
	ls_stmt_reset(stmt);
	if (job->key_count + job->query.limit > job->key_room)
		cut_keys(job);
	return err;
}

static int
merge_keys(struct past_job *job, int64_t tenant, enum sqlite_store_sql by_lead)
{
	int err = LS_OK;
	const struct ls_store_event_query *query = &job->query;
	for (size_t i = 0; i < query->lead_count + query->record_count && err == LS_OK; i++) {
		bool record = i >= query->lead_count;
		struct ls_stmt *stmt = job->store->sql[record ? SQL_KEYS_OF_RECORD : by_lead];
		ls_stmt_i64(stmt, 1, tenant);
		ls_stmt_i64(stmt, 2, (int64_t)job->ids[i]);
		if (record)
			ls_stmt_i64(stmt, 6, query->not_of_records);
		err = collect_keys(job, stmt);
	}
	if (err == LS_OK)
		cut_keys(job);
	return err;
}

/* ---- rows */

/* the length now, the place when the buffer has stopped moving */
static struct ls_slice
keep(struct past_job *job, struct ls_slice in)
{
	(void)ls_buf_add_slice(&job->bytes, in);
	return ls_slice(NULL, in.len);
}

static const char *
point(struct ls_slice *slice, const char *at)
{
	slice->data = at;
	return slice->len > 0 ? at + slice->len : at; /* `at` is NULL for a page without bytes */
}

static void
take_event(struct past_job *job, struct ls_stmt *stmt)
{
	struct ls_store_event *event = &job->events[job->count];
	event->id = (uint64_t)ls_stmt_get_i64(stmt, 0);
	event->lead_id = (uint64_t)ls_stmt_get_i64(stmt, 1);
	event->record_id = (uint64_t)ls_stmt_get_i64(stmt, 2);
	event->kind = (unsigned)ls_stmt_get_i64(stmt, 3);
	event->verdict = (unsigned)ls_stmt_get_i64(stmt, 4);
	event->time_ms = ls_stmt_get_i64(stmt, 5);
	event->received_ms = ls_stmt_get_i64(stmt, 6);
	event->source = keep(job, ls_stmt_get_slice(stmt, 7));
	event->dedupe.lo = (uint64_t)ls_stmt_get_i64(stmt, 8);
	event->dedupe.hi = (uint64_t)ls_stmt_get_i64(stmt, 9);
	event->message = keep(job, ls_stmt_get_slice(stmt, 10));
	event->detail = keep(job, ls_stmt_get_slice(stmt, 11));
	event->attributes = keep(job, ls_stmt_get_slice(stmt, 12));
	event->stage_probability = ls_stmt_get_double(stmt, 13);
	event->record_class = (unsigned)ls_stmt_get_i64(stmt, 14);
	event->flags = (unsigned)ls_stmt_get_i64(stmt, 15);
}

static void
take_history(struct past_job *job, struct ls_stmt *stmt)
{
	struct ls_store_history *row = &job->history[job->count];
	row->id = (uint64_t)ls_stmt_get_i64(stmt, 0);
	row->lead_id = (uint64_t)ls_stmt_get_i64(stmt, 1);
	row->time_ms = ls_stmt_get_i64(stmt, 2);
	row->from_milli = (int32_t)ls_stmt_get_i64(stmt, 3);
	row->score_milli = (int32_t)ls_stmt_get_i64(stmt, 4);
	row->category = (unsigned)ls_stmt_get_i64(stmt, 5);
	row->kind = (unsigned)ls_stmt_get_i64(stmt, 6);
	row->source = keep(job, ls_stmt_get_slice(stmt, 7));
}

/* the page's rows by their ids */
static int
take_rows(struct past_job *job, enum sqlite_store_sql by_id,
	void (*take)(struct past_job *job, struct ls_stmt *stmt))
{
	struct ls_stmt *stmt = job->store->sql[by_id];
	int err = LS_OK;
	for (size_t i = 0; i < job->key_count && err == LS_OK; i++) {
		bool row = false;
		ls_stmt_i64(stmt, 1, (int64_t)job->keys[i].id);
		err = ls_stmt_step(stmt, &row);
		if (err != LS_OK || !row)
			continue;
		take(job, stmt);
		job->count++;
		err = job->bytes.err;
		ls_stmt_reset(stmt);
	}
	return err;
}

/* LS_OK with *known false: no such tenant, so no rows */
static int
find_tenant(struct past_job *job, struct sqlite_tenant *tenant, bool *known)
{
	int err = ls_sqlite_store_tenant(job->store, ls_slice(job->slug, job->slug_len), tenant);
	*known = err == LS_OK;
	return err == LS_ERR_NOT_FOUND ? LS_OK : err;
}

static int
run_events(struct ls_sqlite_job *base, struct ls_sqlite_conn *conn)
{
	struct past_job *job = LS_CONTAINER_OF(base, struct past_job, job);
	struct sqlite_tenant tenant;
	bool known;
	(void)conn;
	int err = find_tenant(job, &tenant, &known);
	if (err != LS_OK || !known)
		return err;
	err = merge_keys(job, tenant.id, SQL_KEYS_OF_LEAD);
	if (err == LS_OK)
		err = take_rows(job, SQL_EVENT, take_event);
	const char *at = job->bytes.data;
	for (size_t i = 0; err == LS_OK && i < job->count; i++) {
		at = point(&job->events[i].source, at);
		at = point(&job->events[i].message, at);
		at = point(&job->events[i].detail, at);
		at = point(&job->events[i].attributes, at);
	}
	return err;
}

static int
run_history(struct ls_sqlite_job *base, struct ls_sqlite_conn *conn)
{
	struct past_job *job = LS_CONTAINER_OF(base, struct past_job, job);
	struct sqlite_tenant tenant;
	bool known;
	(void)conn;
	int err = find_tenant(job, &tenant, &known);
	if (err != LS_OK || !known)
		return err;
	err = merge_keys(job, tenant.id, SQL_HISTORY_KEYS);
	if (err == LS_OK)
		err = take_rows(job, SQL_HISTORY, take_history);
	const char *at = job->bytes.data;
	for (size_t i = 0; err == LS_OK && i < job->count; i++)
		at = point(&job->history[i].source, at);
	return err;
}

/* the score that the last row up to then gave, else the one before the first row behind it */
static int
find_score(struct past_job *job, int64_t tenant, struct ls_store_score *score)
{
	static const enum sqlite_store_sql order[] = { SQL_SCORE_UNTIL, SQL_SCORE_AFTER };
	bool row = false;
	int err = LS_OK;
	for (size_t i = 0; i < LS_ARRAY_LEN(order) && err == LS_OK && !row; i++) {
		struct ls_stmt *stmt = job->store->sql[order[i]];
		ls_stmt_i64(stmt, 1, tenant);
		ls_stmt_i64(stmt, 2, (int64_t)job->ids[0]);
		ls_stmt_i64(stmt, 3, score->time_ms);
		err = ls_stmt_step(stmt, &row);
		if (err != LS_OK || !row)
			continue;
		score->known = true;
		score->score_milli = (int32_t)ls_stmt_get_i64(stmt, 0);
		ls_stmt_reset(stmt);
	}
	return err;
}

static int
run_scores(struct ls_sqlite_job *base, struct ls_sqlite_conn *conn)
{
	struct past_job *job = LS_CONTAINER_OF(base, struct past_job, job);
	struct sqlite_tenant tenant;
	bool known;
	(void)conn;
	int err = find_tenant(job, &tenant, &known);
	for (size_t i = 0; err == LS_OK && known && i < job->count; i++)
		err = find_score(job, tenant.id, &job->scores[i]);
	return err;
}

/* ---- jobs */

static void
job_free(struct past_job *job)
{
	ls_buf_fini(&job->bytes);
	free(job->keys);
	free(job->ids);
	free(job->events);
	free(job->history);
	free(job->scores);
	free(job);
}

static void
job_done(struct ls_sqlite_job *base, int err)
{
	struct past_job *job = LS_CONTAINER_OF(base, struct past_job, job);
	size_t count = err == LS_OK ? job->count : 0;
	job->store->jobs--;
	if (job->events_done != NULL)
		job->events_done(job->ctx, err, err == LS_OK ? job->events : NULL, count);
	else if (job->history_done != NULL)
		job->history_done(job->ctx, err, err == LS_OK ? job->history : NULL, count);
	else
		job->scores_done(job->ctx, err, err == LS_OK ? job->scores : NULL, count);
	job_free(job);
}

static int
new_job(struct sqlite_store *store, const struct ls_store_event_query *query, struct past_job **out)
{
	size_t slug_len = query->tenant.len, ids = query->lead_count + query->record_count;
	if (store->closing)
		return LS_ERR_CLOSED;
	if (slug_len == 0 || slug_len > 64 || query->limit == 0 ||
		query->limit > LS_STORE_LOAD_MAX || ids > LS_STORE_IDS_MAX)
		return LS_ERR_INVALID;
	struct past_job *job = calloc(1, sizeof *job + slug_len);
	if (job == NULL)
		return LS_ERR_NOMEM;
	job->job.done = job_done;
	job->store = store;
	job->query = *query;
	job->slug_len = slug_len;
	job->floor = (struct key){ INT64_MIN, 0 };
	memcpy(job->slug, query->tenant.data, slug_len);
	ls_buf_init(&job->bytes, PAGE_MAX_BYTES);
	job->key_room = 4 * query->limit;
	job->keys = calloc(job->key_room, sizeof *job->keys);
	job->ids = calloc(ids + 1, sizeof *job->ids);
	if (job->keys == NULL || job->ids == NULL) {
		job_free(job);
		return LS_ERR_NOMEM;
	}
	if (query->lead_count > 0)
		memcpy(job->ids, query->lead_ids, query->lead_count * sizeof *job->ids);
	if (query->record_count > 0)
		memcpy(job->ids + query->lead_count, query->record_ids,
			query->record_count * sizeof *job->ids);
	*out = job;
	return LS_OK;
}

static int
submit(struct past_job *job, const void *rows,
	int (*run)(struct ls_sqlite_job *job, struct ls_sqlite_conn *conn))
{
	if (rows == NULL) {
		job_free(job);
		return LS_ERR_NOMEM;
	}
	job->job.run = run;
	job->store->jobs++;
	ls_sqlite_submit(job->store->db, &job->job);
	return LS_OK;
}

int
ls_sqlite_store_events(struct ls_store *base, const struct ls_store_event_query *query,
	ls_store_events_fn done, void *ctx)
{
	struct past_job *job;
	int err = new_job(ls_sqlite_store_of(base), query, &job);
	if (err != LS_OK)
		return err;
	job->events_done = done;
	job->ctx = ctx;
	job->events = calloc(query->limit, sizeof *job->events);
	return submit(job, job->events, run_events);
}

int
ls_sqlite_store_history(struct ls_store *base, const struct ls_store_event_query *query,
	ls_store_history_fn done, void *ctx)
{
	struct past_job *job;
	struct ls_store_event_query leads = *query;
	leads.record_count = 0;
	int err = new_job(ls_sqlite_store_of(base), &leads, &job);
	if (err != LS_OK)
		return err;
	job->history_done = done;
	job->ctx = ctx;
	job->history = calloc(query->limit, sizeof *job->history);
	return submit(job, job->history, run_history);
}

int
ls_sqlite_store_scores(struct ls_store *base, const struct ls_store_score_query *query,
	ls_store_scores_fn done, void *ctx)
{
	struct past_job *job;
	struct ls_store_event_query lead = {
		.tenant = query->tenant, .lead_ids = &query->lead_id, .lead_count = 1, .limit = 1
	};
	if (query->count == 0 || query->count > LS_STORE_LOAD_MAX)
		return LS_ERR_INVALID;
	int err = new_job(ls_sqlite_store_of(base), &lead, &job);
	if (err != LS_OK)
		return err;
	job->scores_done = done;
	job->ctx = ctx;
	job->count = query->count;
	job->scores = calloc(query->count, sizeof *job->scores);
	for (size_t i = 0; job->scores != NULL && i < query->count; i++)
		job->scores[i].time_ms = query->times_ms[i];
	return submit(job, job->scores, run_scores);
}
