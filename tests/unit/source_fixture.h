/* SPDX-License-Identifier: MIT */
/* What the tests of the sources share: decoding a text, and events as lines of text to compare with
 * what is expected. */
#ifndef LS_TESTS_UNIT_SOURCE_FIXTURE_H
#define LS_TESTS_UNIT_SOURCE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "source/source.h"

#define RECEIVED INT64_C(1793620000000)

struct fixture {
	struct ls_arena arena;
	struct ls_decoded decoded;
	struct ls_buf text;
	struct ls_buf file;
	int err;
};

static inline struct ls_source_config
fixture_config(void)
{
	return (struct ls_source_config){ .public_url = LS_S("https://leads.example.com"),
		.hubspot_signatures = 1u << 3,
		.dedupe_key = { 1, 2 } };
}

static inline int
fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	ls_arena_init(&f->arena, 1u << 26);
	ls_buf_init(&f->text, 1u << 24);
	ls_buf_init(&f->file, 1u << 24);
	*state = f;
	return 0;
}

static inline int
fixture_teardown(void **state)
{
	struct fixture *f = *state;
	ls_arena_fini(&f->arena);
	ls_buf_fini(&f->text);
	ls_buf_fini(&f->file);
	free(f);
	return 0;
}

/** A file of tests/data, as long as the fixture or until the next one is read. */
static inline struct ls_slice
fixture_file(struct fixture *f, const char *name)
{
	char path[512], chunk[4096];
	size_t n;
	assert_true(snprintf(path, sizeof path, "%s/%s", TEST_DATA_DIR, name) < (int)sizeof path);
	FILE *file = fopen(path, "rb");
	if (file == NULL)
		fail_msg("cannot open %s", path);
	ls_buf_reset(&f->file);
	while ((n = fread(chunk, 1, sizeof chunk, file)) > 0)
		assert_int_equal(ls_buf_add(&f->file, chunk, n), LS_OK);
	(void)fclose(file);
	return ls_buf_slice(&f->file);
}

static inline void
fixture_decode(struct fixture *f, const char *source, struct ls_slice body)
{
	const struct ls_source_config config = fixture_config();
	const struct ls_source_entry entry = { .body = body, .received_ms = RECEIVED };
	const struct ls_source *s = ls_source_find(ls_slice_str(source));
	assert_non_null(s);
	f->decoded = (struct ls_decoded){ 0 };
	f->err = s->decode(&config, &entry, &f->arena, &f->decoded);
}

static inline const char *
fixture_kind(enum ls_kind kind)
{
	static const struct {
		enum ls_kind kind;
		const char *name;
	} names[] = {
#define X(number, upper, name, class_) { LS_KIND_##upper, name },
		LS_KINDS(X)
#undef X
	};
	for (size_t i = 0; i < LS_ARRAY_LEN(names); i++)
		if (names[i].kind == kind)
			return names[i].name;
	return "?";
}

static inline void
fixture_ref(struct ls_buf *out, const char *label, const struct ls_ref *ref)
{
	static const char *const records[] = { "lead", "company", "deal", "activity", "other" };
	if (ref->system.data == NULL)
		return;
	ls_buf_addf(out, " %s=%.*s:%llu/%.*s/%.*s(%s)", label, LS_FMT(ref->system),
		(unsigned long long)ref->scope, LS_FMT(ref->type), LS_FMT(ref->id),
		records[ref->record]);
}

static inline void
fixture_attribute(struct ls_buf *out, const struct ls_attribute *a)
{
	ls_buf_addf(out, " %.*s=", LS_FMT(a->name));
	switch (a->value.type) {
	case LS_VALUE_NULL:
		ls_buf_addf(out, "null");
		return;
	case LS_VALUE_BOOL:
		ls_buf_addf(out, "%s", a->value.boolean ? "true" : "false");
		return;
	case LS_VALUE_NUMBER:
		ls_buf_addf(out, "%.17g", a->value.number);
		return;
	case LS_VALUE_STRING:
		ls_buf_addf(out, "\"%.*s\"", LS_FMT(a->value.string));
		return;
	}
}

/** One line, without the dedupe key. */
static inline void
fixture_event(struct ls_buf *out, const struct ls_event *e)
{
	static const char *const verdicts[] = { "", " human", " machine" };
	ls_buf_addf(out, "%s%s time=%lld", fixture_kind(e->kind), verdicts[e->verdict],
		(long long)e->time_ms);
	fixture_ref(out, "ref", &e->subject.ref);
	if (e->subject.email.data != NULL)
		ls_buf_addf(out, " email=%.*s", LS_FMT(e->subject.email));
	if (e->subject.visitor.data != NULL)
		ls_buf_addf(out, " visitor=%.*s", LS_FMT(e->subject.visitor));
	fixture_ref(out, "other", &e->other);
	if (e->kind == LS_KIND_ASSOCIATION)
		ls_buf_addf(
			out, "%s%s", e->removed ? " removed" : "", e->primary ? " primary" : "");
	for (size_t i = 0; i < e->merged_count; i++)
		fixture_ref(out, "merged", &e->merged[i]);
	if (e->message.data != NULL)
		ls_buf_addf(out, " message=%.*s", LS_FMT(e->message));
	if (e->kind == LS_KIND_DEAL_STAGE)
		ls_buf_addf(out, " probability=%g", e->stage_probability);
	if (e->attribute_count > 0)
		ls_buf_addf(out, " attributes:");
	for (size_t i = 0; i < e->attribute_count; i++)
		fixture_attribute(out, &e->attributes[i]);
	if (e->detail.data != NULL)
		ls_buf_addf(out, " detail=%.*s", LS_FMT(e->detail));
	ls_buf_addf(out, "\n");
}

/** Everything that was decoded, as text with a NUL behind. */
static inline const char *
fixture_text(struct fixture *f)
{
	ls_buf_reset(&f->text);
	for (size_t i = 0; i < f->decoded.count; i++) {
		assert_int_equal(f->decoded.events[i].received_ms, RECEIVED);
		fixture_event(&f->text, &f->decoded.events[i]);
	}
	for (size_t i = 0; i < f->decoded.fault_count; i++) {
		const struct ls_fault *fault = &f->decoded.faults[i];
		ls_buf_addf(
			&f->text, "fault %.*s: %.*s", LS_FMT(fault->pointer), LS_FMT(fault->what));
		if (fault->offset != SIZE_MAX)
			ls_buf_addf(&f->text, " at %zu", fault->offset);
		ls_buf_addf(&f->text, "\n");
	}
	if (f->decoded.more_faults > 0)
		ls_buf_addf(&f->text, "and %zu more\n", f->decoded.more_faults);
	ls_buf_add_char(&f->text, '\0');
	assert_int_equal(f->text.err, LS_OK);
	return f->text.data;
}

/** Decodes tests/data/<name>.json and compares with <name>.golden; UPDATE_GOLDEN=1 writes that
 * file, to be read through before it is committed. */
static inline void
fixture_golden(struct fixture *f, const char *source, const char *name)
{
	char path[512];
	assert_true(snprintf(path, sizeof path, "%s.json", name) < (int)sizeof path);
	fixture_decode(f, source, fixture_file(f, path));
	char *text = strdup(fixture_text(f));
	assert_non_null(text);
	assert_true(snprintf(path, sizeof path, "%s/%s.golden", TEST_DATA_DIR, name) <
		    (int)sizeof path);
	if (getenv("UPDATE_GOLDEN") != NULL) {
		FILE *file = fopen(path, "wb");
		assert_non_null(file);
		assert_true(fputs(text, file) >= 0);
		assert_int_equal(fclose(file), 0);
	}
	assert_true(snprintf(path, sizeof path, "%s.golden", name) < (int)sizeof path);
	(void)fixture_file(f, path);
	ls_buf_add_char(&f->file, '\0');
	assert_string_equal(text, f->file.data);
	free(text);
}

#endif
