// SPDX-License-Identifier: MIT
/* /api/leads/{id}/timeline: what happened, newest first, and what each event gives now. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json_read.h"
#include "base/json_write.h"
#include "service/past.h"

#define BODY_MAX (64u << 20)

/* Events of one kind in one hour share what they give: who is the how-manyth among them decides
 * about single milli-points. Counted from the newest on, so a page needs those of its first hour
 * that came before; a page therefore starts to read at the end of its first day. */
struct rank {
	unsigned kind;
	uint64_t message;
	uint32_t count;
};

struct ranks {
	uint32_t hour;
	struct rank *items;
	size_t count, room;
};

struct linked {
	struct ls_linked link;
	uint32_t before, all; /* links that count in the same share: with lower ids, in all */
};

struct page {
	struct ls_past *past;
	struct ls_jsonw w;
	const struct ls_store_event *rows;
	size_t count;
	struct ls_explanation why;
	struct ls_shares shares;
	struct ranks ranks;
	struct linked *links; /* in order of record */
	size_t link_count, link_room;
};

/* ---- records */

static void
on_link(void *ctx, const struct ls_linked *link)
{
	struct page *page = ctx;
	if (link->counted == 0)
		return;
	if (page->link_count == page->link_room) {
		size_t room = page->link_room > 0 ? page->link_room * 2 : 16;
		struct linked *links = realloc(page->links, room * sizeof *links);
		if (links == NULL)
			return;
		page->links = links;
		page->link_room = room;
	}
	page->links[page->link_count++] = (struct linked){ .link = *link };
}

static int
by_record(const void *a, const void *b)
{
	const struct linked *x = a, *y = b;
	return (x->link.record_id > y->link.record_id) - (x->link.record_id < y->link.record_id);
}

static struct ls_share_event
event_of_link(const struct ls_linked *link)
{
	return (struct ls_share_event){ .kind = ls_cell_kind(link->counted),
		.time_ms = (int64_t)ls_cell_hour(link->counted) * LS_HOUR_MS };
}

/* the same kind, and the same hour as shares know it */
static bool
together(const struct ls_shares *shares, const struct ls_share_event *a,
	const struct ls_share_event *b)
{
	return a->kind == b->kind &&
	       ls_shares_hour(shares, a->time_ms) == ls_shares_hour(shares, b->time_ms);
}

static int
by_share(const void *a, const void *b)
{
	const struct linked *x = a, *y = b;
	ls_cell p = x->link.counted, q = y->link.counted;
	return p != q ? (p > q) - (p < q) : by_record(a, b);
}

/* those of one kind and hour come one behind the other */
static void
number_links(struct page *page)
{
	struct linked *links = page->links;
	if (page->link_count == 0)
		return;
	qsort(links, page->link_count, sizeof *links, by_share);
	for (size_t start = 0, end; start < page->link_count; start = end) {
		struct ls_share_event first = event_of_link(&links[start].link);
		for (end = start; end < page->link_count; end++) {
			struct ls_share_event other = event_of_link(&links[end].link);
			if (!together(&page->shares, &first, &other))
				break;
		}
		for (size_t i = start; i < end; i++) {
			links[i].before = (uint32_t)(i - start);
			links[i].all = (uint32_t)(end - start);
		}
	}
	qsort(links, page->link_count, sizeof *links, by_record);
}

static const struct linked *
find_link(const struct page *page, uint64_t record_id)
{
	const struct linked key = { .link = { .record_id = record_id } };
	if (page->link_count == 0)
		return NULL;
	return bsearch(&key, page->links, page->link_count, sizeof key, by_record);
}

/* links that have a part in the share of this kind and hour: they come first in it */
static uint32_t
count_links(const struct page *page, const struct ls_share_event *event)
{
	for (size_t i = 0; i < page->link_count; i++) {
		struct ls_share_event other = event_of_link(&page->links[i].link);
		if (together(&page->shares, event, &other))
			return page->links[i].all;
	}
	return 0;
}

/* of a record's events one stands for it: the one that said what it is, of several the first read
 */
static bool
stands_for(const struct page *page, const struct linked *linked, size_t at)
{
	const struct ls_store_event *row = &page->rows[at];
	if (row->kind != linked->link.kind || LS_MAX(row->time_ms, 0) != linked->link.kind_ms)
		return false;
	for (size_t i = at; i > 0 && page->rows[i - 1].time_ms == row->time_ms; i--) {
		if (page->rows[i - 1].record_id == row->record_id &&
			page->rows[i - 1].kind == row->kind)
			return false;
	}
	return true;
}

/* ---- ranks of the lead's own events */

/* how many of them there were in this hour already; counts this one */
static uint32_t
next_rank(struct ranks *ranks, unsigned kind, uint64_t message)
{
	for (size_t i = 0; i < ranks->count; i++) {
		if (ranks->items[i].kind == kind && ranks->items[i].message == message)
			return ranks->items[i].count++;
	}
	if (ranks->count == ranks->room) {
		size_t room = ranks->room > 0 ? ranks->room * 2 : 16;
		struct rank *items = realloc(ranks->items, room * sizeof *items);
		if (items == NULL)
			return UINT32_MAX;
		ranks->items = items;
		ranks->room = room;
	}
	ranks->items[ranks->count++] =
		(struct rank){ .kind = kind, .message = message, .count = 1 };
	return 0;
}

struct part {
	struct ls_share_event event;
	uint32_t rank, message_rank;
	bool counts;
};

/* every row from the first read on has to pass by here */
static struct part
find_part(struct page *page, size_t at)
{
	const struct ls_store_event *row = &page->rows[at];
	struct part part = { .event = { .kind = row->kind, .time_ms = LS_MAX(row->time_ms, 0) } };
	uint32_t hour = ls_shares_hour(&page->shares, part.event.time_ms);
	if (hour != page->ranks.hour) {
		page->ranks.hour = hour;
		page->ranks.count = 0;
	}
	if (!ls_kind_is_activity(row->kind) || row->verdict == LS_VERDICT_MACHINE)
		return part;
	if (row->record_id != 0) {
		const struct linked *linked = find_link(page, row->record_id);
		if (linked == NULL || !stands_for(page, linked, at))
			return part;
		part.event = event_of_link(&linked->link);
		part.rank = linked->before;
		part.counts = true;
		return part;
	}
	part.event.message = ls_message_hash(row->message);
	part.rank = next_rank(&page->ranks, row->kind, 0);
	if (part.event.message != 0)
		part.message_rank = next_rank(&page->ranks, row->kind, part.event.message);
	part.counts = true;
	return part;
}

/* ---- writing */

static void
write_points(struct page *page, const struct ls_store_event *row, const struct part *part)
{
	struct ls_jsonw *w = &page->w;
	int64_t sum = 0;
	uint32_t links = part->counts && row->record_id == 0 ? count_links(page, &part->event) : 0;
	ls_jsonw_kobject(w, "shares");
	for (size_t i = 0; part->counts && i < page->why.count; i++) {
		const struct ls_share *share =
			ls_shares_find(&page->shares, (uint32_t)i, &part->event);
		if (share == NULL)
			continue;
		int32_t milli = ls_share_part(
			share, share->message != 0 ? part->message_rank : part->rank + links);
		sum += milli;
		if (milli == 0)
			continue;
		ls_jsonw_key_slice(w, page->why.lines[i].name);
		ls_jsonw_milli(w, milli);
	}
	ls_jsonw_object_end(w);
	ls_jsonw_kmilli(w, "points", sum);
}

static void
write_id(struct ls_jsonw *w, const char *key, uint64_t id)
{
	char text[24];
	int n = snprintf(text, sizeof text, "%" PRIu64, id);
	ls_jsonw_kstring(w, key, id != 0 ? ls_slice(text, (size_t)n) : ls_slice(NULL, 0));
}

static void
write_json(struct ls_jsonw *w, const char *key, struct ls_slice json)
{
	ls_jsonw_key(w, key);
	if (json.len > 0 && ls_json_valid(json))
		ls_jsonw_raw(w, json);
	else
		ls_jsonw_null(w);
}

static void
write_event(struct page *page, const struct ls_store_event *row, const struct part *part)
{
	struct ls_jsonw *w = &page->w;
	const char *kind = ls_kind_name(row->kind);
	ls_jsonw_object(w);
	ls_jsonw_ktime(w, "time", row->time_ms);
	ls_jsonw_ktime(w, "received", row->received_ms);
	ls_jsonw_kstring(w, "kind", ls_slice_str(kind != NULL ? kind : "other"));
	ls_jsonw_kstring(w, "source", row->source);
	write_id(w, "lead", row->lead_id);
	write_id(w, "record", row->record_id);
	ls_jsonw_kbool(w, "machine", row->verdict == LS_VERDICT_MACHINE);
	ls_jsonw_kstring(w, "message", row->message.len > 0 ? row->message : ls_slice(NULL, 0));
	write_json(w, "detail", row->detail);
	write_json(w, "attributes", row->attributes);
	write_points(page, row, part);
	ls_jsonw_object_end(w);
}

/* (time, id) before the cursor's: newest first, so behind it */
static bool
is_before(const struct ls_past *past, const struct ls_store_event *row)
{
	return row->time_ms < past->before_ms ||
	       (row->time_ms == past->before_ms && row->id < past->before_id);
}

/* the last row read that was written or passed over, and how many of its day there were */
static void
write_cursor(struct page *page, size_t end)
{
	char text[80];
	ls_jsonw_key(&page->w, "next_cursor");
	if (end == 0) {
		ls_jsonw_null(&page->w);
		return;
	}
	const struct ls_store_event *last = &page->rows[end - 1];
	size_t same_day = 0;
	while (same_day < end &&
		page->rows[end - 1 - same_day].time_ms / LS_DAY_MS == last->time_ms / LS_DAY_MS)
		same_day++;
	int n = snprintf(text, sizeof text, "%" PRId64 "-%" PRIu64 "-%zu", last->time_ms, last->id,
		same_day);
	ls_jsonw_string(&page->w, ls_slice(text, (size_t)n));
}

static void
write_page(struct page *page, size_t asked)
{
	struct ls_past *past = page->past;
	size_t written = 0, at = 0;
	ls_jsonw_object(&page->w);
	ls_jsonw_ktime(&page->w, "as_of", past->at_ms);
	ls_jsonw_karray(&page->w, "events");
	for (; at < page->count && written < past->limit; at++) {
		struct part part = find_part(page, at);
		if (!is_before(past, &page->rows[at]))
			continue;
		write_event(page, &page->rows[at], &part);
		written++;
	}
	ls_jsonw_array_end(&page->w);
	write_cursor(page, at < page->count || page->count == asked ? at : 0);
	ls_jsonw_object_end(&page->w);
}

/* ---- the request */

static size_t
rows_to_ask(const struct ls_past *past)
{
	return past->limit + past->skip + 1;
}

static void
on_rows(void *ctx, int err, const struct ls_store_event *rows, size_t count)
{
	struct ls_past *past = ctx;
	struct ls_engine *engine = past->service->tenant.engine;
	struct ls_buf body;
	struct page page = { .past = past, .rows = rows, .count = count };
	if (err != LS_OK) {
		ls_past_fail(past, 503, "The store cannot be read just now");
		return;
	}
	past->at_ms = ls_service_score_ms(past->service);
	err = ls_engine_shares(
		engine, past->lead_id, past->at_ms, &past->arena, &page.why, &page.shares);
	if (err != LS_OK) {
		ls_past_fail(past, err == LS_ERR_NOT_FOUND ? 404 : 503, ls_strerror(err));
		return;
	}
	(void)ls_engine_links(engine, past->lead_id, on_link, &page);
	number_links(&page);
	ls_buf_init(&body, BODY_MAX);
	ls_jsonw_init(&page.w, &body);
	write_page(&page, rows_to_ask(past));
	ls_reply_json(past->service, &past->request, 200, &body);
	free(page.ranks.items);
	free(page.links);
	ls_shares_fini(&page.shares, ls_memory_heap);
	ls_past_free(past);
}

static void
read_rows(struct ls_past *past)
{
	struct ls_store_event_query query = ls_past_query(past);
	query.limit = rows_to_ask(past);
	if (past->before_ms < INT64_MAX - LS_DAY_MS) {
		query.before_ms = (past->before_ms / LS_DAY_MS + 1) * LS_DAY_MS;
		query.before_id = 0;
	}
	if (ls_store_events(past->service->store, &query, on_rows, past) != LS_OK)
		ls_past_fail(past, 503, "The store cannot be read just now");
}

void
ls_api_leads_timeline(
	struct ls_service *service, struct ls_http_request *req, struct ls_slice param)
{
	ls_past_page(service, req, param, LS_PAST_LINKED, read_rows);
}
