/* SPDX-License-Identifier: MIT */
/* What must hold of whatever a source decodes: same bytes, same events, and all within the limits
 * of source/event.h. */
#ifndef LS_TESTS_FUZZ_SOURCE_ORACLE_H
#define LS_TESTS_FUZZ_SOURCE_ORACLE_H

#include <stdlib.h>

#include "base/canon.h"
#include "base/json_read.h"
#include "source/source.h"

#define ORACLE_RECEIVED INT64_C(1793620000000)

static inline void
require(bool cond)
{
	if (!cond)
		abort();
}

/** Readable (AddressSanitizer sees to that), well-formed and not too long. */
static inline void
oracle_text(struct ls_slice s, size_t max)
{
	require(s.len <= max);
	require(s.len == 0 || (s.data != NULL && ls_utf8_valid(s)));
}

static inline void
oracle_ref(const struct ls_ref *ref, bool id_needed)
{
	oracle_text(ref->system, 32);
	oracle_text(ref->type, 256);
	oracle_text(ref->id, 64);
	require(ref->system.data == NULL || !id_needed || ref->id.len > 0);
}

static inline void
oracle_attribute(const struct ls_attribute *a)
{
	require(a->name.len >= 1 && a->name.len <= 64);
	for (size_t i = 0; i < a->name.len; i++) {
		char c = a->name.data[i];
		require(ls_ascii_digit(c) || (c >= 'a' && c <= 'z') || c == '_');
	}
	if (a->value.type == LS_VALUE_STRING)
		oracle_text(a->value.string, 1024);
	if (ls_slice_eq(a->name, LS_S("email")))
		require(a->value.type == LS_VALUE_NULL ||
			(a->value.type == LS_VALUE_STRING && a->value.string.len <= LS_EMAIL_MAX));
	if (ls_slice_eq(a->name, LS_S("employees")))
		require(a->value.type == LS_VALUE_NULL ||
			(a->value.type == LS_VALUE_NUMBER && a->value.number >= 0));
}

static inline void
oracle_event(const struct ls_event *e)
{
	const struct ls_subject *s = &e->subject;
	require(e->received_ms == ORACLE_RECEIVED);
	require(e->time_ms >= 0 && e->time_ms <= ORACLE_RECEIVED + 300000);
	require(s->ref.system.len > 0 || s->email.len > 0 || s->visitor.len > 0);
	oracle_ref(&s->ref, e->kind != LS_KIND_OTHER);
	oracle_ref(&e->other, true);
	oracle_text(s->email, LS_EMAIL_MAX);
	oracle_text(s->visitor, 64);
	oracle_text(e->message, 256);
	require(e->detail.len == 0 || (e->detail.len <= 8192 && ls_json_valid(e->detail)));
	require((e->kind == LS_KIND_MERGE) == (e->merged_count > 0));
	require((e->kind == LS_KIND_ASSOCIATION) == (e->other.system.len > 0));
	require(e->kind != LS_KIND_ATTRIBUTES || e->attribute_count > 0);
	require(e->stage_probability <= 1);
	for (size_t i = 0; i < e->merged_count; i++)
		oracle_ref(&e->merged[i], true);
	for (size_t i = 0; i < e->attribute_count; i++)
		oracle_attribute(&e->attributes[i]);
}

static inline void
oracle_same(const struct ls_decoded *a, const struct ls_decoded *b)
{
	require(a->count == b->count && a->fault_count == b->fault_count &&
		a->more_faults == b->more_faults);
	for (size_t i = 0; i < a->count; i++) {
		const struct ls_event *x = &a->events[i], *y = &b->events[i];
		require(x->dedupe.lo == y->dedupe.lo && x->dedupe.hi == y->dedupe.hi);
		require(x->kind == y->kind && x->time_ms == y->time_ms);
		require(ls_slice_eq(x->subject.ref.id, y->subject.ref.id));
		require(x->attribute_count == y->attribute_count);
		require(ls_slice_eq(x->detail, y->detail));
	}
	for (size_t i = 0; i < a->fault_count; i++)
		require(ls_slice_eq(a->faults[i].pointer, b->faults[i].pointer) &&
			ls_slice_eq(a->faults[i].what, b->faults[i].what) &&
			a->faults[i].offset == b->faults[i].offset);
}

static inline void
oracle_run(const char *name, struct ls_slice body)
{
	const struct ls_source *source = ls_source_find(ls_slice_str(name));
	const struct ls_source_config config = { .dedupe_key = { 3, 4 } };
	const struct ls_source_entry entry = { .body = body, .received_ms = ORACLE_RECEIVED };
	struct ls_arena arenas[2];
	struct ls_decoded out[2] = { 0 };
	int err[2];
	for (size_t i = 0; i < 2; i++) {
		ls_arena_init(&arenas[i], 1u << 26);
		err[i] = source->decode(&config, &entry, &arenas[i], &out[i]);
	}
	require(err[0] == err[1] && (err[0] == LS_OK || err[0] == LS_ERR_INVALID));
	require((out[0].fault_count > 0) == (err[0] == LS_ERR_INVALID));
	require(out[0].fault_count <= 100);
	oracle_same(&out[0], &out[1]);
	for (size_t i = 0; i < out[0].count; i++)
		oracle_event(&out[0].events[i]);
	for (size_t i = 0; i < out[0].fault_count; i++) {
		oracle_text(out[0].faults[i].pointer, 256);
		oracle_text(out[0].faults[i].what, 256);
		require(out[0].faults[i].what.len > 0);
		require(out[0].faults[i].offset == SIZE_MAX || out[0].faults[i].offset <= body.len);
	}
	require(ls_json_valid(body) == (err[0] == LS_OK || out[0].faults[0].offset == SIZE_MAX));
	ls_arena_fini(&arenas[0]);
	ls_arena_fini(&arenas[1]);
}

#endif
