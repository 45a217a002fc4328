// SPDX-License-Identifier: MIT
/* Gathers a lead's ids, and makes sure that the store has what the engine has. */

#include "service/past.h"

#include <stdlib.h>

#include "source/event.h"

#define LIMIT_DEFAULT 50u
#define LIMIT_MAX     1000u
#define ARENA_MAX     (16u << 20)

struct ls_past *
ls_past_new(struct ls_service *service, struct ls_http_request *req, struct ls_slice param)
{
	struct ls_past *past = calloc(1, sizeof *past);
	if (past == NULL) {
		ls_reply_problem(service, req, 503, ls_strerror(LS_ERR_NOMEM));
		return NULL;
	}
	past->service = service;
	ls_arena_init(&past->arena, ARENA_MAX);
	past->request = (struct ls_http_request){ .id = req->id, .arena = &past->arena };
	past->limit = LIMIT_DEFAULT;
	past->before_ms = INT64_MAX;
	past->before_id = UINT64_MAX;
	past->path_id = ls_arena_copy(&past->arena, param);
	return past;
}

void
ls_past_free(struct ls_past *past)
{
	if (past->drop != NULL)
		past->drop(past);
	free(past->ids);
	ls_arena_fini(&past->arena);
	free(past);
}

void
ls_past_fail(struct ls_past *past, int status, const char *detail)
{
	/* when the house closes there is nobody left to answer */
	if (!past->service->stopping)
		ls_reply_problem(past->service, &past->request, status, detail);
	ls_past_free(past);
}

/* ---- ids */

static void
add_id(struct ls_past *past, uint64_t id)
{
	size_t count = past->lead_count + past->record_count;
	if (count == LS_STORE_IDS_MAX)
		return;
	if (count == past->room) {
		size_t room = past->room > 0 ? past->room * 2 : 16;
		uint64_t *ids = realloc(past->ids, room * sizeof *ids);
		if (ids == NULL)
			return;
		past->ids = ids;
		past->room = room;
	}
	past->ids[count] = id;
}

static void
add_lead(void *ctx, uint64_t id)
{
	struct ls_past *past = ctx;
	add_id(past, id);
	past->lead_count += past->lead_count < past->room;
}

static void
add_record(void *ctx, const struct ls_linked *linked)
{
	struct ls_past *past = ctx;
	add_id(past, linked->record_id);
	past->record_count += past->lead_count + past->record_count < past->room;
}

static void
add_current_record(void *ctx, const struct ls_linked *linked)
{
	if (!linked->removed)
		add_record(ctx, linked);
}

static bool
gather(struct ls_past *past, enum ls_past_records records)
{
	struct ls_engine *engine = past->service->tenant.engine;
	past->lead_count = past->record_count = 0;
	past->lead_id = ls_engine_find(engine, past->path_id);
	if (past->lead_id == 0)
		return false;
	add_lead(past, past->lead_id);
	(void)ls_engine_aliases(engine, past->lead_id, add_lead, past);
	if (records != LS_PAST_NO_RECORDS)
		(void)ls_engine_links(engine, past->lead_id,
			records == LS_PAST_LINKED ? add_current_record : add_record, past);
	return past->lead_count > 0;
}

/* ---- waiting for the store */

static int
by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static bool
has(const uint64_t *ids, size_t count, uint64_t id)
{
	return id != 0 && bsearch(&id, ids, count, sizeof *ids, by_number) != NULL;
}

static bool
concerns(const struct ls_past *past, const struct ls_journal *journal)
{
	const uint64_t *leads = past->ids, *records = past->ids + past->lead_count;
	for (size_t i = 0; i < journal->count; i++) {
		if (has(leads, past->lead_count, journal->events[i].lead_id) ||
			has(records, past->record_count, journal->events[i].record_id))
			return true;
	}
	for (size_t i = 0; i < journal->history_count; i++) {
		if (has(leads, past->lead_count, journal->history[i].lead_id))
			return true;
	}
	return false;
}

static void
on_flushed(struct ls_flush *flush, int err)
{
	struct ls_past *past = LS_CONTAINER_OF(flush, struct ls_past, flush);
	if (err != LS_OK)
		ls_past_fail(past, 503, "The store cannot be written just now");
	else
		past->next(past);
}

void
ls_past_begin(
	struct ls_past *past, enum ls_past_records records, void (*next)(struct ls_past *past))
{
	struct ls_service *service = past->service;
	if (past->path_id.data == NULL || !gather(past, records)) {
		ls_past_fail(past, 404, "There is no such lead");
		return;
	}
	qsort(past->ids, past->lead_count, sizeof *past->ids, by_number);
	qsort(past->ids + past->lead_count, past->record_count, sizeof *past->ids, by_number);
	past->next = next;
	past->flush.done = on_flushed;
	if (concerns(past, &service->tenant.journal))
		ls_checkpoint_flush(service, &past->flush, true);
	else if (concerns(past, ls_checkpoint_journal(service)))
		ls_checkpoint_flush(service, &past->flush, false);
	else
		next(past);
}

/* ---- pages */

struct ls_store_event_query
ls_past_query(const struct ls_past *past)
{
	return (struct ls_store_event_query){
		.tenant = past->service->tenant.slug,
		.lead_ids = past->ids,
		.lead_count = past->lead_count,
		.record_ids = past->ids + past->lead_count,
		.record_count = past->record_count,
		.not_of_records = LS_KIND_ASSOCIATION,
		.before_ms = INT64_MAX,
		.before_id = UINT64_MAX,
		.limit = past->limit,
	};
}

static int
read_cursor(struct ls_past *past, struct ls_slice text)
{
	struct ls_slice time, id;
	uint64_t time_ms = 0, before_id = 0, skip = 0;
	if (!ls_slice_cut(&text, '-', &time) || text.data == NULL ||
		!ls_slice_cut(&text, '-', &id) || text.data == NULL)
		return LS_ERR_INVALID;
	if (ls_slice_to_u64(time, &time_ms) != LS_OK || time_ms > (uint64_t)INT64_MAX ||
		ls_slice_to_u64(id, &before_id) != LS_OK || ls_slice_to_u64(text, &skip) != LS_OK)
		return LS_ERR_INVALID;
	past->before_ms = (int64_t)time_ms;
	past->before_id = before_id;
	past->skip = (size_t)LS_MIN(skip, (uint64_t)(LS_STORE_LOAD_MAX - LIMIT_MAX));
	return LS_OK;
}

const char *
ls_past_read_page(struct ls_past *past, const struct ls_http_request *req)
{
	struct ls_slice limit = ls_http_query(req, "limit"), cursor = ls_http_query(req, "cursor");
	uint64_t number = LIMIT_DEFAULT;
	if (limit.data != NULL &&
		(ls_slice_to_u64(limit, &number) != LS_OK || number < 1 || number > LIMIT_MAX))
		return "limit must be a number, 1 to 1000";
	if (cursor.data != NULL && read_cursor(past, cursor) != LS_OK)
		return "cursor must be the next_cursor of an earlier page";
	past->limit = (size_t)number;
	return NULL;
}

void
ls_past_page(struct ls_service *service, struct ls_http_request *req, struct ls_slice param,
	enum ls_past_records records, void (*next)(struct ls_past *past))
{
	struct ls_lead_view lead;
	if (ls_api_find_lead(service, req, param, &lead) == 0)
		return;
	struct ls_past *past = ls_past_new(service, req, param);
	if (past == NULL)
		return;
	const char *why = ls_past_read_page(past, req);
	if (why != NULL)
		ls_past_fail(past, 400, why);
	else
		ls_past_begin(past, records, next);
}
