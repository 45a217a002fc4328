// SPDX-License-Identifier: MIT
/* /api/leads/{id}/history: how the score moved, and what moved it. */

#include <inttypes.h>
#include <stdio.h>

#include "base/json_write.h"
#include "service/past.h"

#define BODY_MAX (16u << 20)

static void
write_row(struct ls_jsonw *w, const struct ls_store_history *row)
{
	const char *kind = row->source.len > 0 ? ls_kind_name(row->kind) : "time";
	char text[24];
	int n = snprintf(text, sizeof text, "%" PRIu64, row->lead_id);
	ls_jsonw_object(w);
	ls_jsonw_ktime(w, "time", row->time_ms);
	ls_jsonw_kstring(w, "lead", ls_slice(text, (size_t)n));
	ls_jsonw_kmilli(w, "from", row->from_milli);
	ls_jsonw_kmilli(w, "points", row->score_milli);
	ls_jsonw_ki64(w, "score", row->score_milli / 1000);
	ls_jsonw_kstring(w, "score_category",
		ls_slice_str(ls_category_name((enum ls_category)LS_MIN(row->category, 2u))));
	ls_jsonw_kobject(w, "cause");
	ls_jsonw_kstring(w, "kind", ls_slice_str(kind != NULL ? kind : "other"));
	ls_jsonw_kstring(w, "source", row->source.len > 0 ? row->source : ls_slice(NULL, 0));
	ls_jsonw_object_end(w);
	ls_jsonw_object_end(w);
}

static void
on_rows(void *ctx, int err, const struct ls_store_history *rows, size_t count)
{
	struct ls_past *past = ctx;
	struct ls_buf body;
	struct ls_jsonw w;
	if (err != LS_OK) {
		ls_past_fail(past, 503, "The store cannot be read just now");
		return;
	}
	ls_buf_init(&body, BODY_MAX);
	ls_jsonw_init(&w, &body);
	ls_jsonw_object(&w);
	ls_jsonw_karray(&w, "history");
	for (size_t i = 0; i < count; i++)
		write_row(&w, &rows[i]);
	ls_jsonw_array_end(&w);
	ls_jsonw_key(&w, "next_cursor");
	if (count == past->limit) {
		char text[64];
		int n = snprintf(text, sizeof text, "%" PRId64 "-%" PRIu64 "-0",
			rows[count - 1].time_ms, rows[count - 1].id);
		ls_jsonw_string(&w, ls_slice(text, (size_t)n));
	} else {
		ls_jsonw_null(&w);
	}
	ls_jsonw_object_end(&w);
	ls_reply_json(past->service, &past->request, 200, &body);
	ls_past_free(past);
}

static void
read_rows(struct ls_past *past)
{
	struct ls_store_event_query query = ls_past_query(past);
	query.before_ms = past->before_ms;
	query.before_id = past->before_id;
	if (ls_store_history(past->service->store, &query, on_rows, past) != LS_OK)
		ls_past_fail(past, 503, "The store cannot be read just now");
}

void
ls_api_leads_history(struct ls_service *service, struct ls_http_request *req, struct ls_slice param)
{
	ls_past_page(service, req, param, LS_PAST_NO_RECORDS, read_rows);
}
