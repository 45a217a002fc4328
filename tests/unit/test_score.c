// SPDX-License-Identifier: MIT
/* The score against the vectors of the specification rule/1: points, sums, categories, cooling,
 * accounts; and decay against values computed elsewhere, bit for bit. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "base/slice.h"
#include "leadscore/score.h"
#include "score/moment.h"

static void *
plain_realloc(void *ctx, void *ptr, size_t size)
{
	(void)ctx;
	if (size == 0) {
		free(ptr);
		return NULL;
	}
	return realloc(ptr, size);
}

static const struct ls_memory memory = { .realloc = plain_realloc };

/* ---- a lead from a vector's events */

struct attribute {
	const char *name;
	int64_t set_ms;
	json_object *value;
};

struct lead {
	struct ls_activity activity;
	struct attribute attributes[16];
	size_t attribute_count;
	struct ls_subject_data data;
};

static json_object *
find_value(const struct lead *lead, const char *name)
{
	for (size_t i = 0; i < lead->attribute_count; i++)
		if (strcmp(lead->attributes[i].name, name) == 0)
			return lead->attributes[i].value;
	return NULL;
}

static void
set_attribute(struct lead *lead, const char *name, int64_t set_ms, json_object *value)
{
	size_t i = 0;
	while (i < lead->attribute_count && strcmp(lead->attributes[i].name, name) != 0)
		i++;
	if (i < lead->attribute_count && lead->attributes[i].set_ms > set_ms)
		return;
	assert_true(i < LS_ARRAY_LEN(lead->attributes));
	lead->attributes[i] = (struct attribute){ .name = name, .set_ms = set_ms, .value = value };
	lead->attribute_count = LS_MAX(lead->attribute_count, i + 1);
}

static struct ls_fact
look_up(const void *ctx, struct ls_slice field)
{
	const struct lead *lead = ctx;
	char name[64];
	(void)snprintf(name, sizeof name, "%.*s", LS_FMT(field));
	json_object *value = find_value(lead, name);
	struct ls_fact fact = { .type = LS_FACT_NONE };
	if (json_object_is_type(value, json_type_boolean)) {
		fact.type = LS_FACT_BOOL;
		fact.boolean = json_object_get_boolean(value);
	} else if (json_object_is_type(value, json_type_string)) {
		fact.type = LS_FACT_STRING;
		fact.string = ls_slice_str(json_object_get_string(value));
	} else if (value != NULL) {
		fact.type = LS_FACT_NUMBER;
		fact.number = json_object_get_double(value);
	}
	return fact;
}

/** FNV-1a: any hash that is not 0 will do. */
static uint64_t
hash_name(const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	return hash | 1;
}

static void
apply_event(struct lead *lead, json_object *event)
{
	const char *name = json_object_get_string(json_object_object_get(event, "kind"));
	int64_t time_ms = json_object_get_int64(json_object_object_get(event, "t_ms"));
	json_object *message = json_object_object_get(event, "message");
	if (strcmp(name, "attributes") == 0) {
		json_object_object_foreach(json_object_object_get(event, "set"), key, value)
			set_attribute(lead, key, time_ms, value);
		return;
	}
	enum ls_kind kind;
	assert_int_equal(ls_kind_find(ls_slice_str(name), &kind), LS_OK);
	unsigned bits = json_object_get_boolean(json_object_object_get(event, "machine"))
				? LS_KIND_MACHINE
				: 0;
	uint64_t hash = message != NULL ? hash_name(json_object_get_string(message)) : 0;
	assert_int_equal(
		ls_activity_add(&lead->activity, memory, kind | bits, time_ms, hash, 1), LS_OK);
}

static void
build_lead(struct lead *lead, json_object *events)
{
	*lead = (struct lead){ 0 };
	for (size_t i = 0; i < json_object_array_length(events); i++)
		apply_event(lead, json_object_array_get_idx(events, i));
	json_object *stage = find_value(lead, "stage_probability");
	json_object *employees = find_value(lead, "employees");
	lead->data = (struct ls_subject_data){ .activity = &lead->activity,
		.stage_probability = stage != NULL ? json_object_get_double(stage) : 0,
		.employees = employees != NULL ? json_object_get_double(employees) : -1,
		.fact = look_up,
		.ctx = lead };
}

static struct ls_profile *
parse_profile(json_object *json)
{
	struct ls_profile_fault faults[4];
	size_t count = 0;
	struct ls_profile *profile = NULL;
	int err = ls_profile_parse(memory, ls_slice_str(json_object_to_json_string(json)), &profile,
		faults, LS_ARRAY_LEN(faults), &count);
	if (err != LS_OK)
		print_error("%s: %s\n", faults[0].pointer, faults[0].what);
	assert_int_equal(err, LS_OK);
	return profile;
}

/* ---- the vectors */

static int
load_vectors(void **state)
{
	*state = json_object_from_file(TEST_DATA_DIR "/scoring_vectors.json");
	return *state == NULL;
}

static int
free_vectors(void **state)
{
	return json_object_put(*state) != 1;
}

static int64_t
get_i64(json_object *object, const char *key)
{
	json_object *value = NULL;
	assert_true(json_object_object_get_ex(object, key, &value));
	return json_object_get_int64(value);
}

static void
check_lines(struct ls_moment *moment, const struct lead *lead, json_object *vector,
	const struct ls_profile *profile)
{
	json_object *points = json_object_object_get(vector, "points_milli");
	size_t count = ls_line_count(profile);
	assert_int_equal(count, json_object_object_length(points));
	struct ls_line *lines = calloc(count, sizeof *lines);
	assert_non_null(lines);
	assert_int_equal(ls_explain(moment, &lead->data, lines), get_i64(vector, "score_milli"));
	size_t i = 0;
	json_object_object_foreach(points, name, milli)
	{
		assert_true(ls_slice_eq(lines[i].name, ls_slice_str(name)));
		assert_int_equal(lines[i].points_milli, json_object_get_int(milli));
		i++;
	}
	free(lines);
}

static void
check_vector(json_object *vector, const struct ls_profile *profile)
{
	struct lead lead;
	build_lead(&lead, json_object_object_get(vector, "events"));
	struct ls_moment *moment = ls_moment_new(memory, profile, get_i64(vector, "now_ms"));
	assert_non_null(moment);
	int32_t score = ls_score_milli(moment, &lead.data);
	assert_int_equal(score, get_i64(vector, "score_milli"));
	assert_int_equal(score / 1000, get_i64(vector, "score"));
	assert_string_equal(ls_category_name(ls_categorize(profile, score)),
		json_object_get_string(json_object_object_get(vector, "category")));
	check_lines(moment, &lead, vector, profile);
	int64_t cools_ms = ls_cools_at_ms(moment, &lead.data);
	json_object *expected = json_object_object_get(vector, "cools_at_ms");
	if (expected == NULL)
		assert_true(cools_ms == 0);
	else
		assert_in_range(cools_ms - json_object_get_int64(expected) + 1000, 0, 2000);
	assert_int_equal(ls_score_milli(moment, &lead.data), score); /* as it was */
	(void)ls_moment_free(moment);
	ls_activity_fini(&lead.activity, memory);
}

static void
every_vector(void **state)
{
	json_object *vectors = json_object_object_get(*state, "vectors");
	struct ls_profile *builtin = ls_profile_default(memory);
	struct ls_profile *read = parse_profile(json_object_object_get(*state, "default_profile"));
	assert_true(json_object_array_length(vectors) >= 25);
	for (size_t i = 0; i < json_object_array_length(vectors); i++) {
		json_object *vector = json_object_array_get_idx(vectors, i);
		json_object *json = json_object_object_get(vector, "profile");
		print_message(
			"# %s\n", json_object_get_string(json_object_object_get(vector, "name")));
		if (json == NULL) {
			check_vector(vector, builtin);
			check_vector(vector, read);
			continue;
		}
		struct ls_profile *profile = parse_profile(json);
		check_vector(vector, profile);
		(void)ls_profile_free(profile);
	}
	(void)ls_profile_free(builtin);
	(void)ls_profile_free(read);
}

static void
accounts(void **state)
{
	json_object *rows = json_object_object_get(*state, "account");
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		json_object *row = json_object_array_get_idx(rows, i);
		json_object *scores = json_object_object_get(row, "scores_milli");
		size_t n = json_object_array_length(scores);
		int32_t in[16] = { 0 }, reversed[16] = { 0 };
		for (size_t k = 0; k < n; k++) {
			in[k] = json_object_get_int(json_object_array_get_idx(scores, k));
			reversed[n - 1 - k] = in[k];
		}
		assert_int_equal(ls_account_milli(in, n), get_i64(row, "account_milli"));
		assert_int_equal(ls_account_milli(reversed, n), get_i64(row, "account_milli"));
	}
	/* the highest eight count, wherever they stand */
	int32_t many[10] = { 1000, 1000, 9000, 8000, 7000, 6000, 5000, 4000, 3000, 2000 };
	int32_t best[8] = { 9000, 8000, 7000, 6000, 5000, 4000, 3000, 2000 };
	assert_int_equal(ls_account_milli(many, 10), ls_account_milli(best, 8));
}

/** A bot opens, visits and clicks all it can: never hot. */
static void
machines_alone_are_never_hot(void **state)
{
	const int64_t t0 = INT64_C(1705314600000), day = LS_DAY_MS;
	json_object *expected = json_object_object_get(*state, "automated_signals_alone");
	struct ls_activity activity = { 0 };
	for (int i = 0; i < 10000; i += 5)
		assert_int_equal(ls_activity_add(&activity, memory, LS_KIND_EMAIL_OPEN,
					 t0 - (int64_t)((double)i / 240000. * (double)day),
					 (uint64_t)(i % 40) + 1, 1),
			LS_OK);
	for (int i = 0; i < 500; i++)
		assert_int_equal(ls_activity_add(&activity, memory, LS_KIND_VISIT,
					 t0 - (int64_t)(i / 12000. * (double)day), 0, 1),
			LS_OK);
	for (int i = 0; i < 40; i++)
		assert_int_equal(
			ls_activity_add(&activity, memory, LS_KIND_EMAIL_CLICK,
				t0 - (int64_t)(i / 1000. * (double)day), (uint64_t)i + 1, 1),
			LS_OK);
	struct ls_subject_data data = { .activity = &activity, .employees = 20000 };
	struct ls_profile *profile = ls_profile_default(memory);
	struct ls_moment *moment = ls_moment_new(memory, profile, t0);
	int32_t score = ls_score_milli(moment, &data);
	assert_int_equal(score, get_i64(expected, "score_milli"));
	assert_true(score < get_i64(expected, "below"));
	(void)ls_moment_free(moment);
	(void)ls_profile_free(profile);
	ls_activity_fini(&activity, memory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vector),
		cmocka_unit_test(accounts),
		cmocka_unit_test(machines_alone_are_never_hot),
	};
	return cmocka_run_group_tests_name("score", tests, load_vectors, free_vectors);
}
