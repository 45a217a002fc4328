// SPDX-License-Identifier: MIT
/* The score against the vectors of the specification rule/1: points, sums, categories, cooling,
 * accounts; and decay against values computed elsewhere, bit for bit. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "base/buf.h"
#include "leadscore/score.h"

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
		ls_activity_add(&lead->activity, ls_memory_heap, kind | bits, time_ms, hash, 1),
		LS_OK);
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
	int err = ls_profile_parse(ls_memory_heap, ls_slice_str(json_object_to_json_string(json)),
		&profile, faults, LS_ARRAY_LEN(faults), &count);
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
	struct ls_moment *moment =
		ls_moment_new(ls_memory_heap, profile, get_i64(vector, "now_ms"));
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
	ls_activity_fini(&lead.activity, ls_memory_heap);
}

static void
every_vector(void **state)
{
	json_object *vectors = json_object_object_get(*state, "vectors");
	struct ls_profile *builtin = ls_profile_default(ls_memory_heap);
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
		assert_int_equal(ls_activity_add(&activity, ls_memory_heap, LS_KIND_EMAIL_OPEN,
					 t0 - (int64_t)((double)i / 240000. * (double)day),
					 (uint64_t)(i % 40) + 1, 1),
			LS_OK);
	for (int i = 0; i < 500; i++)
		assert_int_equal(ls_activity_add(&activity, ls_memory_heap, LS_KIND_VISIT,
					 t0 - (int64_t)(i / 12000. * (double)day), 0, 1),
			LS_OK);
	for (int i = 0; i < 40; i++)
		assert_int_equal(
			ls_activity_add(&activity, ls_memory_heap, LS_KIND_EMAIL_CLICK,
				t0 - (int64_t)(i / 1000. * (double)day), (uint64_t)i + 1, 1),
			LS_OK);
	struct ls_subject_data data = { .activity = &activity, .employees = 20000 };
	struct ls_profile *profile = ls_profile_default(ls_memory_heap);
	struct ls_moment *moment = ls_moment_new(ls_memory_heap, profile, t0);
	int32_t score = ls_score_milli(moment, &data);
	assert_int_equal(score, get_i64(expected, "score_milli"));
	assert_true(score < get_i64(expected, "below"));
	(void)ls_moment_free(moment);
	(void)ls_profile_free(profile);
	ls_activity_fini(&activity, ls_memory_heap);
}

/* ---- decay, bit for bit */

static void
add_at(struct ls_activity *activity, unsigned kind, int64_t time_ms, uint64_t message)
{
	assert_int_equal(
		ls_activity_add(activity, ls_memory_heap, kind, time_ms, message, 1), LS_OK);
}

/** The value of recency is one decay factor, so a lead with one note shows it naked. */
static double
decay_of(const char *half_life, int64_t age_ms)
{
	/* the last hour of a day is read as itself, at whatever age */
	const int64_t end_ms = INT64_C(19737) * LS_DAY_MS;
	char json[96];
	struct ls_profile *profile = NULL;
	struct ls_profile_fault fault;
	size_t count = 0;
	(void)snprintf(json, sizeof json, "{\"signals\":{\"recency\":{\"half_life_days\":%s}}}",
		half_life);
	assert_int_equal(
		ls_profile_parse(ls_memory_heap, ls_slice_str(json), &profile, &fault, 1, &count),
		LS_OK);
	struct ls_activity activity = { 0 };
	assert_int_equal(
		ls_activity_add(&activity, ls_memory_heap, LS_KIND_NOTE, end_ms - 1, 0, 1), LS_OK);
	struct ls_subject_data data = { .activity = &activity, .employees = -1 };
	struct ls_moment *moment = ls_moment_new(ls_memory_heap, profile, end_ms + age_ms);
	struct ls_line lines[16];
	assert_in_range(ls_line_count(profile), 1, LS_ARRAY_LEN(lines));
	(void)ls_explain(moment, &data, lines);
	double value = -1;
	for (size_t i = 0; i < ls_line_count(profile); i++)
		if (ls_slice_eq(lines[i].name, LS_S("recency")))
			value = lines[i].value;
	(void)ls_moment_free(moment);
	ls_activity_fini(&activity, ls_memory_heap);
	(void)ls_profile_free(profile);
	return value;
}

static void
decay_is_the_same_double(void **state)
{
	(void)state;
	/* half-life, age, and what Python says 2.0 ** (-(age / 86400000) / half_life) is */
	static const struct {
		const char *half_life;
		int64_t age_ms;
		double decay;
	} rows[] = {
		{ "21", INT64_C(40493267), 0x1.f823fd3072327p-1 },
		{ "21", INT64_C(156440965), 0x1.e24c0a6bda81dp-1 },
		{ "14", INT64_C(116405877), 0x1.def611446dd3cp-1 },
		{ "14", INT64_C(147920620), 0x1.d663a2a2e8153p-1 },
		{ "0.5", INT64_C(4070378921), 0x1.b70eb114497abp-95 },
		{ "7", INT64_C(59346201), 0x1.de5583fb2cdf6p-1 },
		{ "3.3", INT64_C(112511780), 0x1.8579ac5f70cdcp-1 },
		{ "21", INT64_C(30949357023), 0x1.ebf3b6e077486p-18 },
		{ "21", INT64_C(23421248560), 0x1.10c15cc765378p-13 },
		{ "0.5", INT64_C(5343353851), 0x1.3da41a429b88ep-124 },
		{ "365", INT64_C(33197714720), 0x1.eda320f687d5dp-2 },
		{ "14", INT64_C(31693041), 0x1.f6c90b4f1e0f2p-1 },
		{ "21", INT64_C(34073136098), 0x1.2a51c7780f7a7p-19 },
		{ "7", INT64_C(24989637322), 0x1.9a79f0c334a7fp-42 },
		{ "21", INT64_C(159549948), 0x1.e1b97bc0df6e9p-1 },
		{ "14", INT64_C(72461272), 0x1.eb2ceedb1d3c1p-1 },
		{ "3.3", INT64_C(19093881712), 0x1.05c37ce4804e3p-67 },
		{ "21", INT64_C(34104825909), 0x1.26bacbdc0d8c9p-19 },
		{ "90", INT64_C(163992467), 0x1.f891e73ad79f2p-1 },
		{ "0.5", INT64_C(26833301379), 0x1.d0408455e4fd3p-622 },
		{ "365", INT64_C(30779308826), 0x1.044b178483f20p-1 },
		{ "3.3", INT64_C(29288583897), 0x1.36092ac8872cep-103 },
		{ "11.1", INT64_C(96306900), 0x1.dd92e4cba7cd2p-1 },
		{ "90", INT64_C(1002170858), 0x1.d43ebd14d42b3p-1 },
		{ "90", INT64_C(70530508), 0x1.fcca87b554971p-1 },
		{ "11.1", INT64_C(143503168), 0x1.cd8ed414be673p-1 },
		{ "7", INT64_C(27455058339), 0x1.854c51db3d0efp-46 },
		{ "11.1", INT64_C(27793026), 0x1.f5d15dfb75f5dp-1 },
		{ "14", INT64_C(56039440), 0x1.efd1c86937e28p-1 },
		{ "21", INT64_C(161256496), 0x1.e1691c5d04a02p-1 },
		{ "90", INT64_C(144047483), 0x1.f977c19f3e073p-1 },
		{ "11.1", INT64_C(19904637575), 0x1.2f6f94655151dp-21 },
		{ "21", INT64_C(4822570667), 0x1.447f0498f51b3p-3 },
		{ "365", INT64_C(128955078), 0x1.fe8d04d04edb5p-1 },
		{ "90", INT64_C(24694661461), 0x1.c546acffd200fp-4 },
		{ "365", INT64_C(43335846), 0x1.ff83368912e1ep-1 },
		{ "21", INT64_C(3926226243), 0x1.c901f75aa84e7p-3 },
		{ "14", INT64_C(70092576), 0x1.ebd7b94cd5e54p-1 },
		{ "21", INT64_C(59805474), 0x1.f46f51d44845fp-1 },
		{ "11.1", INT64_C(60864918), 0x1.e9f719adc43edp-1 },
		{ "7", INT64_C(75005843), 0x1.d5d36d74bc278p-1 },
		{ "21", INT64_C(120051764), 0x1.e90c6e352f11dp-1 },
		{ "0.5", INT64_C(27422600), 0x1.49bf5762617bdp-1 },
		{ "21", INT64_C(30072967220), 0x1.57cacb2ba32ddp-17 },
		{ "14", INT64_C(177324611), 0x1.ce879c030fc4cp-1 },
		{ "11.1", INT64_C(5723117817), 0x1.05d2d82650f48p-6 },
		{ "365", INT64_C(107746452), 0x1.fec9f5c8316f5p-1 },
		{ "7", INT64_C(11406824091), 0x1.19fdf3ce0a910p-19 },
	};
	for (size_t i = 0; i < LS_ARRAY_LEN(rows); i++) {
		double decay = decay_of(rows[i].half_life, rows[i].age_ms);
		assert_memory_equal(&decay, &rows[i].decay, sizeof decay);
	}
}

/** More half-lives than a moment has tables for; and a moment moves between profiles. */
static void
many_half_lives(void **state)
{
	(void)state;
	const int64_t now = INT64_C(1705314600000);
	struct ls_buf json;
	ls_buf_init(&json, 8192);
	ls_buf_add_lit(&json, "{\"rules\":[");
	for (int i = 1; i <= 24; i++)
		ls_buf_addf(&json,
			"%s{\"id\":\"r%d\",\"when\":{\"kind\":\"task\"},\"points\":1,"
			"\"half_life_days\":%d.5}",
			i > 1 ? "," : "", i, i);
	ls_buf_add_lit(&json, "]}");
	assert_int_equal(json.err, LS_OK);
	struct ls_profile *many = NULL, *plain = ls_profile_default(ls_memory_heap);
	struct ls_profile_fault fault;
	size_t count = 0;
	assert_int_equal(
		ls_profile_parse(ls_memory_heap, ls_buf_slice(&json), &many, &fault, 1, &count),
		LS_OK);
	struct ls_activity activity = { 0 };
	add_at(&activity, LS_KIND_TASK, now - 50 * LS_HOUR_MS, 0);
	struct ls_subject_data data = { .activity = &activity, .employees = -1 };
	struct ls_moment *moment = ls_moment_new(ls_memory_heap, plain, now);
	int32_t before = ls_score_milli(moment, &data);
	struct ls_line lines[40];
	for (int turn = 0; turn < 2; turn++) {
		assert_int_equal(ls_moment_set(moment, many, now), LS_OK);
		assert_int_equal(ls_line_count(many), 7 + 24);
		(void)ls_explain(moment, &data, lines);
		for (int i = 1; i <= 24; i++)
			assert_true(lines[6 + i].value == pow(2.0, -(49.5 / 24) / (i + 0.5)));
		assert_int_equal(ls_moment_set(moment, plain, now), LS_OK);
		assert_int_equal(ls_score_milli(moment, &data), before);
	}
	(void)ls_moment_free(moment);
	(void)ls_profile_free(many);
	(void)ls_profile_free(plain);
	ls_activity_fini(&activity, ls_memory_heap);
	ls_buf_fini(&json);
}

/* ---- words */

static void
check_words(const struct ls_profile *profile, const struct ls_subject_data *data, int64_t now_ms,
	const char *const *expected)
{
	struct ls_moment *moment = ls_moment_new(ls_memory_heap, profile, now_ms);
	struct ls_line lines[16];
	char words[200];
	assert_in_range(ls_line_count(profile), 1, LS_ARRAY_LEN(lines));
	(void)ls_explain(moment, data, lines);
	for (size_t i = 0; i < ls_line_count(profile); i++) {
		size_t len = ls_line_words(moment, &lines[i], words, sizeof words);
		assert_string_equal(words, expected[i]);
		assert_int_equal(len, strlen(expected[i]));
		/* cut off anywhere, it is still terminated and a prefix */
		for (size_t size = 1; size <= len; size++) {
			char small[200];
			size_t n = ls_line_words(moment, &lines[i], small, size);
			assert_int_equal(n, strlen(small));
			assert_memory_equal(small, words, n);
		}
	}
	(void)ls_moment_free(moment);
}

static struct ls_fact
always_de(const void *ctx, struct ls_slice field)
{
	(void)ctx;
	if (ls_slice_eq(field, LS_S("country")))
		return (struct ls_fact){ .type = LS_FACT_STRING, .string = LS_S("DE") };
	return (struct ls_fact){ .type = LS_FACT_NONE };
}

static void
words_for_people(void **state)
{
	(void)state;
	const int64_t now = INT64_C(1705314600000); /* 2024-01-15T10:30:00Z */
	const char json[] = "{\"rules\":["
			    "{\"id\":\"a\",\"when\":{\"kind\":\"form_submit\"},\"points\":6},"
			    "{\"id\":\"b\",\"when\":{\"field\":\"country\",\"in\":[\"DE\",\"AT\"]},"
			    "\"points\":2},"
			    "{\"id\":\"c\",\"when\":{\"field\":\"phone\",\"exists\":true},"
			    "\"points\":1}]}";
	struct ls_profile *profile = NULL;
	struct ls_profile_fault fault;
	size_t count = 0;
	assert_int_equal(
		ls_profile_parse(ls_memory_heap, ls_slice_str(json), &profile, &fault, 1, &count),
		LS_OK);

	struct ls_activity activity = { 0 };
	struct ls_subject_data data = { .activity = &activity, .employees = -1, .fact = always_de };
	const char *const nothing[] = { "no opens in the last 7 days",
		"no message opened or clicked", "no visits to the website",
		"no meetings, calls or other activities", "no deal with a chance",
		"company size unknown", "no activity yet", "0 form submissions",
		"country is \"DE\" or \"AT\"", "phone is not known" };
	check_words(profile, &data, now, nothing);

	for (uint64_t m = 1; m <= 5; m++)
		add_at(&activity, LS_KIND_EMAIL_OPEN, now - (int64_t)m * 30 * LS_HOUR_MS, m);
	add_at(&activity, LS_KIND_EMAIL_OPEN, now - 3 * LS_HOUR_MS, 5);
	add_at(&activity, LS_KIND_EMAIL_CLICK, now - 24 * LS_HOUR_MS, 1);
	add_at(&activity, LS_KIND_EMAIL_CLICK, now - 48 * LS_HOUR_MS, 2);
	for (int i = 0; i < 4; i++)
		add_at(&activity, LS_KIND_VISIT, now - (int64_t)(11 + i) * LS_HOUR_MS, 0);
	add_at(&activity, LS_KIND_MEETING, now - 2 * LS_HOUR_MS, 0);
	add_at(&activity, LS_KIND_CALL, now - 70 * LS_HOUR_MS, 0);
	add_at(&activity, LS_KIND_CALL, now - 80 * LS_HOUR_MS, 0);
	add_at(&activity, LS_KIND_FORM_SUBMIT, now - 99 * LS_HOUR_MS, 0);
	data.stage_probability = 0.9;
	data.employees = 200;
	const char *const busy[] = { "6 opens in the last 7 days, the last 2 hours ago",
		"clicked 2 of 5 messages, most recently yesterday",
		"visited 4 times, most recently yesterday",
		"1 meeting, 2 calls and 1 form submission, most recently today",
		"deal stage probability 90 %", "200 employees", "last active 1 hour ago",
		"1 form submission, 4 days ago", "country is \"DE\" or \"AT\"",
		"phone is not known" };
	check_words(profile, &data, now, busy);
	ls_activity_fini(&activity, ls_memory_heap);
	(void)ls_profile_free(profile);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vector),
		cmocka_unit_test(accounts),
		cmocka_unit_test(machines_alone_are_never_hot),
		cmocka_unit_test(decay_is_the_same_double),
		cmocka_unit_test(many_half_lives),
		cmocka_unit_test(words_for_people),
	};
	return cmocka_run_group_tests_name("score", tests, load_vectors, free_vectors);
}
