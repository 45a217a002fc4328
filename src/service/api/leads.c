// SPDX-License-Identifier: MIT
/* /api/leads: the ranked list, one lead, and why it scores as it does. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/iso8601.h"
#include "base/json_write.h"
#include "service/replay.h"

#define LIMIT_DEFAULT 50u
#define LIMIT_MAX     1000u
#define BODY_MAX      (16u << 20)

#define COOLING_A_LOOK 8u /* leads between looks at the clock */
#define SLICE_NS       INT64_C(1000000)

static const struct {
	const char *name;
	int64_t days;
} trends[] = { { "7d", 7 }, { "30d", 30 } };

/* reading is possible as soon as the state is loaded; while the log is caught up it may be a little
 * old */
static bool
readable(struct ls_service *service, struct ls_http_request *req)
{
	switch (service->tenant.phase) {
	case LS_PHASE_LIVE:
	case LS_PHASE_CATCH_UP:
		return true;
	case LS_PHASE_LOADING:
		ls_reply_problem(service, req, 503, "State is being loaded");
		return false;
	case LS_PHASE_FAILED:
		ls_reply_problem(service, req, 503, "The store cannot be read; the log says why");
		return false;
	}
	return false;
}

static void
write_id(struct ls_jsonw *w, uint64_t id)
{
	/* as text: JavaScript's numbers end at 2^53 */
	char text[24];
	int n = snprintf(text, sizeof text, "%" PRIu64, id);
	ls_jsonw_kstring(w, "id", ls_slice(text, (size_t)n));
}

static void
write_text(struct ls_jsonw *w, const char *key, struct ls_slice text)
{
	ls_jsonw_kstring(w, key, text.len > 0 ? text : ls_slice(NULL, 0));
}

static void
write_time(struct ls_jsonw *w, const char *key, int64_t time_ms)
{
	if (time_ms > 0) {
		ls_jsonw_ktime(w, key, time_ms);
		return;
	}
	ls_jsonw_key(w, key);
	ls_jsonw_null(w);
}

/* the fields every lead has in lists; the object stays open */
static void
write_lead(struct ls_jsonw *w, const struct ls_lead_view *lead)
{
	ls_jsonw_object(w);
	write_id(w, lead->id);
	write_text(w, "email", lead->email);
	write_text(w, "name", lead->name);
	write_text(w, "company", lead->company);
	ls_jsonw_ki64(w, "score", lead->score_milli / 1000);
	ls_jsonw_kstring(w, "score_category", ls_slice_str(ls_category_name(lead->category)));
	write_time(w, "last_activity", lead->last_activity_ms);
	ls_jsonw_kobject(w, "engagement_summary");
	ls_jsonw_ku64(w, "email_opens", lead->counts.email_opens);
	ls_jsonw_ku64(w, "email_clicks", lead->counts.email_clicks);
	ls_jsonw_ku64(w, "website_visits", lead->counts.website_visits);
	ls_jsonw_ku64(w, "crm_activities", lead->counts.crm_activities);
	ls_jsonw_object_end(w);
}

/* ---- the list */

struct page {
	size_t limit;
	int category;
	struct ls_rank_cursor cursor;
};

/* "85400-42": milli-points and id of the last lead of the page before */
static int
read_cursor(struct ls_slice text, struct ls_rank_cursor *cursor)
{
	struct ls_slice score;
	uint64_t milli = 0, id = 0;
	if (!ls_slice_cut(&text, '-', &score) || text.data == NULL ||
		ls_slice_to_u64(score, &milli) != LS_OK || ls_slice_to_u64(text, &id) != LS_OK ||
		milli > LS_SCORE_MAX_MILLI)
		return LS_ERR_INVALID;
	*cursor = (struct ls_rank_cursor){ .set = true, .score_milli = (int32_t)milli, .id = id };
	return LS_OK;
}

/* NULL when the query is sound, else what is wrong */
static const char *
read_page(const struct ls_http_request *req, struct page *page)
{
	static const char *const categories[] = { "cold", "warm", "hot" };
	struct ls_slice limit = ls_http_query(req, "limit"), cursor = ls_http_query(req, "cursor");
	struct ls_slice category = ls_http_query(req, "category");
	uint64_t number = LIMIT_DEFAULT;
	*page = (struct page){ .category = LS_ANY_CATEGORY };
	if (limit.data != NULL &&
		(ls_slice_to_u64(limit, &number) != LS_OK || number < 1 || number > LIMIT_MAX))
		return "limit must be a number, 1 to 1000";
	if (cursor.data != NULL && read_cursor(cursor, &page->cursor) != LS_OK)
		return "cursor must be the next_cursor of an earlier page";
	for (int i = 0; category.data != NULL && i < (int)LS_ARRAY_LEN(categories); i++) {
		if (ls_slice_eq(category, ls_slice_str(categories[i])))
			page->category = i;
	}
	if (category.data != NULL && page->category == LS_ANY_CATEGORY)
		return "category must be hot, warm or cold";
	page->limit = (size_t)number;
	return NULL;
}

/* Finding out when a lead cools takes as long as scoring him some hundred times: a long page does
 * it over several turns, and is read and written in one. */
struct list {
	struct page page;
	struct ls_arena arena; /* of one lead */
	uint64_t ids[LIMIT_MAX];
	int64_t cools_ms[LIMIT_MAX];
	size_t count, at;
};

static void
drop_list(struct ls_past *past)
{
	struct list *list = past->ctx;
	ls_arena_fini(&list->arena);
	free(list);
}

static void
look_up_cooling(struct ls_service *service, struct list *list, uint64_t id, int64_t *at_ms)
{
	ls_arena_reset(&list->arena);
	*at_ms = ls_engine_cools_at(
		service->tenant.engine, id, ls_service_score_ms(service), &list->arena);
}

/* the page may have moved on by a lead or two meanwhile */
static int64_t
cooling_of(struct ls_service *service, struct list *list, uint64_t id, size_t at)
{
	int64_t at_ms;
	for (size_t i = 0; i < list->count; i++) {
		size_t near = (at + i) % list->count;
		if (list->ids[near] == id)
			return list->cools_ms[near];
	}
	look_up_cooling(service, list, id, &at_ms);
	return at_ms;
}

static void
write_page(struct ls_service *service, struct ls_past *past, struct ls_jsonw *w)
{
	struct list *list = past->ctx;
	struct page *page = &list->page;
	struct ls_engine *engine = service->tenant.engine;
	struct ls_engine_stats stats;
	uint64_t ids[LIMIT_MAX];
	size_t count = ls_engine_rank(engine, page->category, &page->cursor, ids, page->limit);
	ls_jsonw_object(w);
	ls_jsonw_karray(w, "leads");
	for (size_t i = 0; i < count; i++) {
		struct ls_lead_view lead;
		if (ls_engine_get(engine, ids[i], &past->arena, &lead) != LS_OK)
			continue;
		write_lead(w, &lead);
		write_time(w, "cools_at",
			lead.category > LS_COLD ? cooling_of(service, list, ids[i], i) : 0);
		ls_jsonw_object_end(w);
	}
	ls_jsonw_array_end(w);
	ls_engine_stats(engine, &stats);
	ls_jsonw_ku64(w, "total",
		page->category == LS_ANY_CATEGORY ? stats.leads
						  : stats.by_category[page->category]);
	ls_jsonw_key(w, "next_cursor");
	if (count == page->limit) {
		char text[48];
		int n = snprintf(text, sizeof text, "%" PRId32 "-%" PRIu64,
			page->cursor.score_milli, page->cursor.id);
		ls_jsonw_string(w, ls_slice(text, (size_t)n));
	} else {
		ls_jsonw_null(w);
	}
	ls_jsonw_object_end(w);
}

/* true when it has been answered */
static bool
go_on(struct ls_service *service, struct ls_past *past, int64_t until_ns)
{
	struct list *list = past->ctx;
	struct ls_buf body;
	struct ls_jsonw w;
	for (; list->at < list->count; list->at++) {
		if (list->at % COOLING_A_LOOK == COOLING_A_LOOK - 1 &&
			ls_clock_mono_ns() >= until_ns) {
			/* at least this one: there is progress in every turn */
			look_up_cooling(
				service, list, list->ids[list->at], &list->cools_ms[list->at]);
			list->at++;
			return false;
		}
		look_up_cooling(service, list, list->ids[list->at], &list->cools_ms[list->at]);
	}
	ls_buf_init(&body, BODY_MAX);
	ls_jsonw_init(&w, &body);
	write_page(service, past, &w);
	ls_reply_json(service, &past->request, 200, &body);
	ls_past_free(past);
	return true;
}

bool
ls_api_leads_step(struct ls_service *service, int64_t until_ns)
{
	struct ls_past *past = service->lists;
	if (past == NULL)
		return false;
	service->lists = past->queued;
	if (!go_on(service, past, until_ns)) {
		/* the others' turn */
		struct ls_past **last = &service->lists;
		while (*last != NULL)
			last = &(*last)->queued;
		past->queued = NULL;
		*last = past;
	}
	return service->lists != NULL;
}

void
ls_api_leads_fini(struct ls_service *service)
{
	while (service->lists != NULL) {
		struct ls_past *past = service->lists;
		service->lists = past->queued;
		ls_past_free(past);
	}
}

void
ls_api_leads_list(struct ls_service *service, struct ls_http_request *req, struct ls_slice param)
{
	struct page page;
	const char *why = read_page(req, &page);
	if (why != NULL) {
		ls_reply_problem(service, req, 400, why);
		return;
	}
	if (!readable(service, req))
		return;
	struct ls_past *past = ls_past_new(service, req, param);
	if (past == NULL)
		return;
	struct list *list = calloc(1, sizeof *list);
	if (list == NULL) {
		ls_past_fail(past, 503, ls_strerror(LS_ERR_NOMEM));
		return;
	}
	list->page = page;
	ls_arena_init(&list->arena, BODY_MAX);
	past->ctx = list;
	past->drop = drop_list;
	list->count = ls_engine_rank(
		service->tenant.engine, page.category, &page.cursor, list->ids, page.limit);
	if (go_on(service, past, ls_clock_mono_ns() + SLICE_NS))
		return;
	past->queued = service->lists;
	service->lists = past;
	ls_loop_again(service->loop);
}

/* ---- one lead */

static void
write_line(struct ls_jsonw *w, const struct ls_moment *moment, const struct ls_line *line)
{
	char words[256];
	size_t len = ls_line_words(moment, line, words, sizeof words);
	ls_jsonw_object(w);
	ls_jsonw_kstring(w, "name", line->name);
	ls_jsonw_kstring(w, "type", line->is_rule ? LS_S("rule") : LS_S("signal"));
	ls_jsonw_kmilli(w, "points", line->points_milli);
	ls_jsonw_kmilli(w, "max_points", line->max_milli);
	ls_jsonw_ku64(w, "events", line->count);
	write_time(w, "last", line->last_ms);
	ls_jsonw_kstring(w, "text", ls_slice(words, len));
	ls_jsonw_object_end(w);
}

void
ls_api_write_explanation(struct ls_jsonw *w, const struct ls_explanation *why, int64_t now_ms)
{
	int64_t sum = 0;
	ls_jsonw_object(w);
	ls_jsonw_ktime(w, "as_of", now_ms);
	ls_jsonw_ki64(w, "score", why->score_milli / 1000);
	ls_jsonw_kmilli(w, "points", why->score_milli);
	ls_jsonw_kstring(w, "score_category", ls_slice_str(ls_category_name(why->category)));
	write_time(w, "cools_at", why->cools_at_ms);
	ls_jsonw_karray(w, "lines");
	for (size_t i = 0; i < why->count; i++) {
		write_line(w, why->moment, &why->lines[i]);
		sum += why->lines[i].points_milli;
	}
	ls_jsonw_array_end(w);
	/* the lines add up to this; the score is it, kept within 0 to 100 */
	ls_jsonw_kmilli(w, "sum", sum);
	ls_jsonw_object_end(w);
}

/* what is asked about: a lead of this engine at a moment */
struct question {
	struct ls_engine *engine;
	uint64_t id;
	int64_t now_ms;
	struct ls_arena *arena;
};

static int
write_explanation(struct ls_jsonw *w, const struct question *q)
{
	struct ls_explanation why;
	int err = ls_engine_explain(q->engine, q->id, q->now_ms, q->arena, &why);
	if (err == LS_OK)
		ls_api_write_explanation(w, &why, q->now_ms);
	return err;
}

static void
write_attribute(void *ctx, const struct ls_attribute *attribute, int64_t set_ms)
{
	struct ls_jsonw *w = ctx;
	if (attribute->value.type == LS_VALUE_NULL)
		return;
	ls_jsonw_key_slice(w, attribute->name);
	ls_jsonw_object(w);
	ls_jsonw_key(w, "value");
	ls_value_write(w, &attribute->value);
	ls_jsonw_ktime(w, "set", set_ms);
	ls_jsonw_object_end(w);
}

static void
write_identity(void *ctx, struct ls_slice system, uint64_t scope, struct ls_slice id)
{
	struct ls_jsonw *w = ctx;
	ls_jsonw_object(w);
	ls_jsonw_kstring(w, "system", system);
	ls_jsonw_kstring(w, "id", id);
	if (scope != 0)
		ls_jsonw_ku64(w, "account", scope);
	ls_jsonw_object_end(w);
}

uint64_t
ls_api_find_lead(struct ls_service *service, struct ls_http_request *req, struct ls_slice param,
	struct ls_lead_view *lead)
{
	if (!readable(service, req))
		return 0;
	uint64_t id = ls_engine_find(service->tenant.engine, param);
	if (id != 0 && ls_engine_get(service->tenant.engine, id, req->arena, lead) == LS_OK)
		return lead->id;
	ls_reply_problem(service, req, 404,
		"There is no such lead; ids are like 42, hubspot:12345 or email:jane@acme.com");
	return 0;
}

/* "trend": points against what the history says the score was then */
static void
write_trend(struct ls_jsonw *w, const struct ls_lead_view *lead,
	const struct ls_store_score *scores, size_t count)
{
	ls_jsonw_kobject(w, "trend");
	for (size_t i = 0; i < LS_ARRAY_LEN(trends); i++) {
		ls_jsonw_key(w, trends[i].name);
		if (i < count && scores[i].known)
			ls_jsonw_milli(w, (int64_t)lead->score_milli - scores[i].score_milli);
		else
			ls_jsonw_null(w);
	}
	ls_jsonw_object_end(w);
}

static void
on_scores(void *ctx, int err, const struct ls_store_score *scores, size_t count)
{
	struct ls_past *past = ctx;
	struct ls_service *service = past->service;
	struct ls_http_request *req = &past->request;
	struct ls_lead_view lead;
	struct ls_buf body;
	struct ls_jsonw w;
	uint64_t id = 0;
	if (err != LS_ERR_CLOSED)
		id = ls_api_find_lead(service, req, past->path_id, &lead);
	if (id == 0) {
		ls_past_free(past);
		return;
	}
	ls_buf_init(&body, BODY_MAX);
	ls_jsonw_init(&w, &body);
	write_lead(&w, &lead);
	write_trend(&w, &lead, scores, count);
	write_time(&w, "created", lead.created_ms);
	ls_jsonw_kbool(&w, "deleted", lead.deleted);
	ls_jsonw_karray(&w, "external_ids");
	(void)ls_engine_identities(service->tenant.engine, id, write_identity, &w);
	ls_jsonw_array_end(&w);
	ls_jsonw_kobject(&w, "attributes");
	(void)ls_engine_attributes(service->tenant.engine, id, write_attribute, &w);
	ls_jsonw_object_end(&w);
	ls_jsonw_key(&w, "explanation");
	const struct question q = { .engine = service->tenant.engine,
		.id = id,
		.now_ms = ls_service_score_ms(service),
		.arena = req->arena };
	err = write_explanation(&w, &q);
	ls_jsonw_object_end(&w);
	if (err != LS_OK)
		body.err = err;
	ls_reply_json(service, req, 200, &body);
	ls_past_free(past);
}

/* ---- as of an earlier moment */

/* ?as_of: *at_ms, or -1 without one. NULL, or what is wrong */
static const char *
read_as_of(struct ls_service *service, const struct ls_http_request *req, int64_t *at_ms)
{
	struct ls_slice text = ls_http_query(req, "as_of");
	*at_ms = -1;
	if (text.data == NULL)
		return NULL;
	if ((ls_iso8601_parse(text, at_ms) != LS_OK && ls_slice_to_i64(text, at_ms) != LS_OK) ||
		*at_ms < 0)
		return "as_of must be a time like 2026-11-22T10:00:00Z, or milliseconds since 1970";
	if (*at_ms > ls_loop_now_ms(service->loop))
		return "as_of must not be in the future";
	return NULL;
}

static void
reply_then(struct ls_past *past, struct ls_buf *body, int err)
{
	if (err != LS_OK)
		body->err = err;
	ls_reply_json(past->service, &past->request, 200, body);
	ls_past_free(past);
}

static void
explain_then(struct ls_past *past, struct ls_engine *engine, uint64_t id)
{
	const struct question q = { engine, id, past->at_ms, &past->arena };
	struct ls_buf body;
	struct ls_jsonw w;
	ls_buf_init(&body, BODY_MAX);
	ls_jsonw_init(&w, &body);
	reply_then(past, &body, write_explanation(&w, &q));
}

static void
show_then(struct ls_past *past, struct ls_engine *engine, uint64_t id)
{
	struct ls_explanation why;
	struct ls_lead_view lead;
	struct ls_buf body;
	struct ls_jsonw w;
	ls_buf_init(&body, BODY_MAX);
	ls_jsonw_init(&w, &body);
	int err = ls_engine_explain(engine, id, past->at_ms, &past->arena, &why);
	if (err == LS_OK)
		err = ls_engine_get(engine, id, &past->arena, &lead);
	if (err == LS_OK) {
		lead.id = past->lead_id;
		lead.score_milli = why.score_milli;
		lead.category = why.category;
		write_lead(&w, &lead);
		write_time(&w, "created", lead.created_ms);
		ls_jsonw_kobject(&w, "attributes");
		(void)ls_engine_attributes(engine, id, write_attribute, &w);
		ls_jsonw_object_end(&w);
		ls_jsonw_key(&w, "explanation");
		ls_api_write_explanation(&w, &why, past->at_ms);
		ls_jsonw_object_end(&w);
	}
	reply_then(past, &body, err);
}

/* true when the request was about an earlier moment: it is being answered */
static bool
answer_as_of(struct ls_service *service, struct ls_http_request *req, struct ls_slice param,
	ls_replay_fn then)
{
	int64_t at_ms;
	const char *why = read_as_of(service, req, &at_ms);
	if (why != NULL) {
		ls_reply_problem(service, req, 400, why);
		return true;
	}
	if (at_ms < 0)
		return false;
	struct ls_past *past = ls_past_new(service, req, param);
	if (past == NULL)
		return true;
	past->at_ms = at_ms;
	ls_replay(past, then);
	return true;
}

/* ---- the routes of one lead */

void
ls_api_leads_get(struct ls_service *service, struct ls_http_request *req, struct ls_slice param)
{
	struct ls_lead_view lead;
	int64_t times_ms[LS_ARRAY_LEN(trends)], now_ms = ls_service_score_ms(service);
	uint64_t id = ls_api_find_lead(service, req, param, &lead);
	if (id == 0 || answer_as_of(service, req, param, show_then))
		return;
	struct ls_past *past = ls_past_new(service, req, param);
	if (past == NULL)
		return;
	for (size_t i = 0; i < LS_ARRAY_LEN(trends); i++)
		times_ms[i] = now_ms - trends[i].days * LS_DAY_MS;
	const struct ls_store_score_query query = { .tenant = service->tenant.slug,
		.lead_id = id,
		.times_ms = times_ms,
		.count = LS_ARRAY_LEN(trends) };
	/* the lead is shown all the same when the history cannot be read */
	if (ls_store_scores(service->store, &query, on_scores, past) != LS_OK)
		on_scores(past, LS_ERR_IO, NULL, 0);
}

void
ls_api_leads_explanation(
	struct ls_service *service, struct ls_http_request *req, struct ls_slice param)
{
	struct ls_lead_view lead;
	struct ls_buf body;
	struct ls_jsonw w;
	uint64_t id = ls_api_find_lead(service, req, param, &lead);
	if (id == 0 || answer_as_of(service, req, param, explain_then))
		return;
	ls_buf_init(&body, BODY_MAX);
	ls_jsonw_init(&w, &body);
	const struct question q = { .engine = service->tenant.engine,
		.id = id,
		.now_ms = ls_service_score_ms(service),
		.arena = req->arena };
	int err = write_explanation(&w, &q);
	if (err != LS_OK)
		body.err = err;
	ls_reply_json(service, req, 200, &body);
}
