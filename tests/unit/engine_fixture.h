/* SPDX-License-Identifier: MIT */
/* Building events and reading engines back, for the tests of the engine. */
#ifndef LS_TESTS_UNIT_ENGINE_FIXTURE_H
#define LS_TESTS_UNIT_ENGINE_FIXTURE_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"

#define T0  INT64_C(1705314600000) /* 2024-01-15T10:30:00Z */
#define DAY LS_DAY_MS

static inline struct ls_ref
contact(const char *id)
{
	return (struct ls_ref){ .system = LS_S("hubspot"),
		.type = LS_S("contact"),
		.id = ls_slice_str(id),
		.scope = 62515 };
}

static inline struct ls_ref
record(enum ls_record class_, const char *type, const char *id)
{
	return (struct ls_ref){ .system = LS_S("hubspot"),
		.type = ls_slice_str(type),
		.id = ls_slice_str(id),
		.scope = 62515,
		.record = class_ };
}

static inline struct ls_ref
deal(const char *id)
{
	return record(LS_RECORD_DEAL, "0-3", id);
}

static inline struct ls_ref
company(const char *id)
{
	return record(LS_RECORD_COMPANY, "0-2", id);
}

static inline struct ls_ref
call(const char *id)
{
	return record(LS_RECORD_ACTIVITY, "0-48", id);
}

static inline struct ls_event
event_of(enum ls_kind kind, int64_t time_ms, struct ls_ref ref)
{
	return (struct ls_event){
		.kind = kind, .time_ms = time_ms, .received_ms = time_ms, .subject.ref = ref
	};
}

static inline struct ls_event
event_by_email(enum ls_kind kind, int64_t time_ms, const char *email)
{
	return (struct ls_event){ .kind = kind,
		.time_ms = time_ms,
		.received_ms = time_ms,
		.subject.email = ls_slice_str(email) };
}

static inline struct ls_event
event_by_visitor(enum ls_kind kind, int64_t time_ms, const char *visitor)
{
	return (struct ls_event){ .kind = kind,
		.time_ms = time_ms,
		.received_ms = time_ms,
		.subject.visitor = ls_slice_str(visitor) };
}

static inline struct ls_event
association(struct ls_ref a, struct ls_ref b, int64_t time_ms, bool removed)
{
	struct ls_event e = event_of(LS_KIND_ASSOCIATION, time_ms, a);
	e.other = b;
	e.removed = removed;
	return e;
}

static inline struct ls_attribute
text_attr(const char *name, const char *value)
{
	return (struct ls_attribute){ .name = ls_slice_str(name),
		.value = { .type = LS_VALUE_STRING, .string = ls_slice_str(value) } };
}

static inline struct ls_attribute
number_attr(const char *name, double value)
{
	return (struct ls_attribute){ .name = ls_slice_str(name),
		.value = { .type = LS_VALUE_NUMBER, .number = value } };
}

/* ---- a text that is equal for engines that know the same */

struct dump {
	char *text;
	size_t len, room;
};

static inline void
dump_add(struct dump *dump, const char *data, size_t len)
{
	if (dump->len + len + 1 > dump->room) {
		dump->room = (dump->len + len + 1) * 2;
		dump->text = realloc(dump->text, dump->room);
		if (dump->text == NULL)
			abort();
	}
	memcpy(dump->text + dump->len, data, len);
	dump->len += len;
	dump->text[dump->len] = '\0';
}

static inline void LS_PRINTF(2, 3) dumpf(struct dump *dump, const char *fmt, ...)
{
	char text[2048];
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	dump_add(dump, text, LS_MIN((size_t)n, sizeof text - 1));
}

static inline void
dump_attribute(void *ctx, const struct ls_attribute *attr, int64_t set_ms)
{
	const struct ls_value *value = &attr->value;
	dumpf(ctx, " %.*s@%lld=", LS_FMT(attr->name), (long long)set_ms);
	if (value->type == LS_VALUE_STRING)
		dumpf(ctx, "'%.*s'", LS_FMT(value->string));
	if (value->type == LS_VALUE_NUMBER)
		dumpf(ctx, "%.17g", value->number);
	if (value->type == LS_VALUE_BOOL)
		dumpf(ctx, "%s", value->boolean ? "true" : "false");
}

static inline void
dump_identity(void *ctx, struct ls_slice system, uint64_t scope, struct ls_slice id)
{
	dumpf(ctx, " %.*s/%llu/%.*s", LS_FMT(system), (unsigned long long)scope, LS_FMT(id));
}

static inline void
dump_lead(const struct ls_engine *engine, uint64_t id, const struct ls_lead_view *view,
	struct dump *dump)
{
	dumpf(dump, "lead");
	(void)ls_engine_identities(engine, id, dump_identity, dump);
	dumpf(dump, " | score %d last %lld created %lld%s | '%.*s' '%.*s' '%.*s' |",
		view->score_milli, (long long)view->last_activity_ms, (long long)view->created_ms,
		view->deleted ? " deleted" : "", LS_FMT(view->email), LS_FMT(view->name),
		LS_FMT(view->company));
	(void)ls_engine_attributes(engine, id, dump_attribute, dump);
	dumpf(dump, " |");
	for (uint32_t i = 0; i < view->activity->cell_count; i++)
		dumpf(dump, " %llx", (unsigned long long)view->activity->cells[i]);
	for (uint32_t i = 0; i < view->activity->hit_count; i++)
		dumpf(dump, " %llx:%x:%u", (unsigned long long)view->activity->hits[i].message,
			view->activity->hits[i].hour_click, view->activity->hits[i].count);
}

static inline int
dump_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/** The leads with ids below `end`, in an order that does not depend on ids. The caller frees it. */
static inline char *
dump_engine(const struct ls_engine *engine, uint64_t end)
{
	char **lines = calloc(end, sizeof *lines);
	size_t count = 0;
	struct dump all = { 0 };
	if (lines == NULL)
		abort();
	for (uint64_t id = 1; id < end; id++) {
		struct ls_lead_view view;
		struct ls_arena arena;
		struct dump one = { 0 };
		ls_arena_init(&arena, 1u << 24);
		if (ls_engine_get(engine, id, &arena, &view) == LS_OK && view.id == id) {
			dump_lead(engine, id, &view, &one);
			lines[count++] = one.text;
		}
		ls_arena_fini(&arena);
	}
	qsort(lines, count, sizeof *lines, dump_cmp);
	dumpf(&all, "%zu leads\n", count);
	for (size_t i = 0; i < count; i++) {
		dump_add(&all, lines[i], strlen(lines[i]));
		dumpf(&all, "\n");
		free(lines[i]);
	}
	free(lines);
	return all.text;
}

/* ---- cutting and loading */

struct kept_row {
	uint64_t id;
	bool is_record, erased, erase_events;
	char *state;
	size_t len;
};

/** A database of one table. */
struct kept {
	struct kept_row *rows;
	size_t count, room;
};

static inline struct kept_row *
kept_find(struct kept *kept, uint64_t id, bool is_record)
{
	for (size_t i = 0; i < kept->count; i++) {
		if (kept->rows[i].id == id && kept->rows[i].is_record == is_record)
			return &kept->rows[i];
	}
	return NULL;
}

static inline int
kept_put(void *ctx, const struct ls_cut_row *row)
{
	struct kept *kept = ctx;
	struct kept_row *at = kept_find(kept, row->id, row->is_record);
	if (at == NULL) {
		if (kept->count == kept->room) {
			kept->room = kept->room * 2 + 16;
			kept->rows = realloc(kept->rows, kept->room * sizeof *kept->rows);
			if (kept->rows == NULL)
				abort();
		}
		at = &kept->rows[kept->count++];
		*at = (struct kept_row){ .id = row->id, .is_record = row->is_record };
	}
	free(at->state);
	at->state = NULL;
	at->erased = row->erased;
	at->erase_events |= row->erase_events;
	at->len = row->state.len;
	if (row->state.len > 0) {
		at->state = malloc(row->state.len);
		if (at->state == NULL)
			abort();
		memcpy(at->state, row->state.data, row->state.len);
	}
	return LS_OK;
}

static inline void
kept_fini(struct kept *kept)
{
	for (size_t i = 0; i < kept->count; i++)
		free(kept->rows[i].state);
	free(kept->rows);
	*kept = (struct kept){ 0 };
}

/** Everything that is dirty, at once. */
static inline int LS_MUST_CHECK
cut_all(struct ls_engine *engine, struct kept *kept)
{
	size_t left = 0;
	int err = ls_engine_cut_begin(engine);
	if (err == LS_OK)
		err = ls_engine_cut_next(engine, SIZE_MAX, kept_put, kept, &left);
	ls_engine_cut_end(engine, err == LS_OK);
	return err;
}

static inline int LS_MUST_CHECK
load_all(struct ls_engine *engine, const struct kept *kept, bool records_first)
{
	int err = LS_OK;
	for (unsigned pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < kept->count && err == LS_OK; i++) {
			const struct kept_row *row = &kept->rows[i];
			struct ls_slice state = ls_slice(row->state, row->len);
			if (row->erased || row->is_record != ((pass == 0) == records_first))
				continue;
			err = row->is_record ? ls_engine_load_record(engine, row->id, state)
					     : ls_engine_load_lead(engine, row->id, state);
		}
	}
	return err;
}

#endif
