// SPDX-License-Identifier: MIT
/* Reads a lead's events page by page and applies each page as it comes: the order does not matter,
 * so the newest may come first. */

#include "service/replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/canon.h"
#include "base/json_read.h"

#define ROWS_A_PAGE    1000u
#define ROWS_MAX       200000u
#define REPLAYS_MAX    8u
#define ATTRIBUTES_MAX 256u
#define ROW_ARENA_MAX  (4u << 20)

struct replay {
	struct ls_profile *profile; /* while reading: the one that holds may be replaced */
	struct ls_engine *engine;
	struct ls_arena arena; /* of one row */
	char email_text[LS_EMAIL_MAX + 1];
	struct ls_slice email;
	size_t rows;
	ls_replay_fn done;
};

static void
replay_free(struct ls_past *past)
{
	struct replay *replay = past->ctx;
	past->ctx = NULL;
	if (replay == NULL)
		return;
	ls_engine_free(replay->engine);
	ls_profile_free(replay->profile);
	ls_arena_fini(&replay->arena);
	free(replay);
	past->service->replays--;
}

/* ---- rows to events */

static bool
read_value(struct ls_json *j, struct ls_value *value)
{
	*value = (struct ls_value){ .type = LS_VALUE_NULL };
	switch (ls_json_peek(j)) {
	case LS_JSON_BOOL:
		value->type = LS_VALUE_BOOL;
		return ls_json_bool(j, &value->boolean);
	case LS_JSON_NUMBER:
		value->type = LS_VALUE_NUMBER;
		return ls_json_double(j, &value->number);
	case LS_JSON_STRING:
		value->type = LS_VALUE_STRING;
		return ls_json_string(j, &value->string);
	case LS_JSON_NULL:
		return ls_json_null(j);
	case LS_JSON_INVALID:
	case LS_JSON_OBJECT:
	case LS_JSON_ARRAY:
		break;
	}
	return ls_json_skip(j);
}

static size_t
read_attributes(struct replay *replay, struct ls_slice text, struct ls_attribute *out)
{
	struct ls_json j;
	struct ls_slice name;
	size_t count = 0;
	if (text.len == 0)
		return 0;
	ls_json_init(&j, text, &replay->arena);
	if (ls_json_object(&j)) {
		while (ls_json_key(&j, &name)) {
			struct ls_value value;
			if (read_value(&j, &value) && count < ATTRIBUTES_MAX)
				out[count++] =
					(struct ls_attribute){ .name = name, .value = value };
		}
	}
	return ls_json_finish(&j) == LS_OK ? count : 0;
}

/* Kinds that say who somebody is, which is taken as known today; and deletions, which never change
 * what the score would be. */
static bool
is_replayed(const struct ls_store_event *row)
{
	bool deletes = row->kind == LS_KIND_DELETE || row->kind == LS_KIND_RESTORE;
	if (row->kind == LS_KIND_OTHER || row->kind == LS_KIND_MERGE ||
		row->kind == LS_KIND_UNMERGE || row->kind == LS_KIND_PRIVACY_DELETE)
		return false;
	return !deletes || row->record_id != 0;
}

static void
apply_row(struct ls_past *past, const struct ls_store_event *row)
{
	struct replay *replay = past->ctx;
	struct ls_attribute attributes[ATTRIBUTES_MAX];
	struct ls_applied applied;
	char id[24];
	const struct ls_ref person = { .system = LS_S("lead"), .id = LS_S("1") };
	if (!is_replayed(row))
		return;
	ls_arena_reset(&replay->arena);
	struct ls_event event = {
		.kind = (enum ls_kind)row->kind,
		.verdict = (enum ls_verdict)row->verdict,
		.time_ms = row->time_ms,
		.received_ms = row->received_ms,
		.subject = { .ref = person, .email = replay->email },
		.message = row->message,
		.stage_probability = row->stage_probability,
		.removed = (row->flags & LS_STORE_LINK_REMOVED) != 0,
		.primary = (row->flags & LS_STORE_LINK_PRIMARY) != 0,
		.attributes = attributes,
		.attribute_count = read_attributes(replay, row->attributes, attributes),
	};
	if (row->record_id != 0) {
		int n = snprintf(id, sizeof id, "%" PRIu64, row->record_id);
		event.subject = (struct ls_subject){
			.ref = { .system = LS_S("record"),
				.id = ls_slice(id, (size_t)n),
				.record = (enum ls_record)row->record_class },
		};
		event.other = row->kind == LS_KIND_ASSOCIATION ? person : event.other;
	}
	/* what was refused then is not stored; what is refused now changes nothing either */
	int err LS_UNUSED = ls_engine_apply(replay->engine, &event, past->at_ms, &applied);
}

/* ---- pages */

static void
finish(struct ls_past *past)
{
	struct replay *replay = past->ctx;
	struct ls_engine *engine = replay->engine;
	uint64_t id = ls_engine_find(engine, LS_S("lead:1"));
	if (id == 0) {
		ls_past_fail(past, 404, "Nothing was known of this lead then");
		return;
	}
	if (ls_engine_set_profile(engine, past->service->tenant.profile) != LS_OK) {
		ls_past_fail(past, 503, ls_strerror(LS_ERR_NOMEM));
		return;
	}
	replay->done(past, engine, id);
}

static void read_page(struct ls_past *past);

static void
on_rows(void *ctx, int err, const struct ls_store_event *rows, size_t count)
{
	struct ls_past *past = ctx;
	struct replay *replay = past->ctx;
	if (err != LS_OK) {
		ls_past_fail(past, 503, "The store cannot be read just now");
		return;
	}
	for (size_t i = 0; i < count; i++)
		apply_row(past, &rows[i]);
	replay->rows += count;
	if (count < ROWS_A_PAGE) {
		finish(past);
		return;
	}
	if (replay->rows >= ROWS_MAX) {
		ls_past_fail(past, 400, "The lead has too many events to rebuild his past");
		return;
	}
	past->before_ms = rows[count - 1].time_ms;
	past->before_id = rows[count - 1].id;
	read_page(past);
}

static void
read_page(struct ls_past *past)
{
	struct ls_store_event_query query = ls_past_query(past);
	query.before_ms = past->before_ms;
	query.before_id = past->before_id;
	query.limit = ROWS_A_PAGE;
	if (ls_store_events(past->service->store, &query, on_rows, past) != LS_OK)
		ls_past_fail(past, 503, "The store cannot be read just now");
}

static void
start(struct ls_past *past)
{
	struct replay *replay = past->ctx;
	struct ls_engine *live = past->service->tenant.engine;
	struct ls_lead_view lead;
	size_t len;
	if (ls_engine_get(live, past->lead_id, &past->arena, &lead) == LS_OK &&
		ls_canon_email(lead.email, replay->email_text, &len) == LS_OK)
		replay->email = ls_slice(replay->email_text, len);
	past->before_ms = past->at_ms + 1;
	past->before_id = 0;
	read_page(past);
}

void
ls_replay(struct ls_past *past, ls_replay_fn done)
{
	struct ls_service *service = past->service;
	struct replay *replay = NULL;
	if (service->replays < REPLAYS_MAX)
		replay = calloc(1, sizeof *replay);
	if (replay == NULL) {
		ls_past_fail(past, 503, "Too many such questions at once");
		return;
	}
	service->replays++;
	past->ctx = replay;
	past->drop = replay_free;
	replay->done = done;
	ls_arena_init(&replay->arena, ROW_ARENA_MAX);
	replay->profile = ls_profile_default(ls_memory_heap);
	const struct ls_engine_options options = { .profile = replay->profile };
	if (replay->profile != NULL)
		replay->engine = ls_engine_new(&options);
	if (replay->engine == NULL)
		ls_past_fail(past, 503, ls_strerror(LS_ERR_NOMEM));
	else
		ls_past_begin(past, LS_PAST_EVER_LINKED, start);
}
