// SPDX-License-Identifier: MIT
/* Reading profiles: every fault with its pointer, defaults for what is left out, rules by field. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "leadscore/score.h"

static void *
plain_realloc(void *ctx, void *ptr, size_t size)
{
	int *left = ctx;
	if (size == 0) {
		free(ptr);
		return NULL;
	}
	if (left != NULL && *left == 0)
		return NULL;
	if (left != NULL && *left > 0)
		--*left;
	return realloc(ptr, size);
}

static const struct ls_memory memory = { .realloc = plain_realloc };

#define FAULTS 40

struct result {
	int err;
	struct ls_profile *profile;
	struct ls_profile_fault faults[FAULTS];
	size_t count;
};

static void
parse(struct result *result, const char *json)
{
	*result = (struct result){ 0 };
	result->err = ls_profile_parse(memory, ls_slice_str(json), &result->profile, result->faults,
		FAULTS, &result->count);
	assert_true((result->err == LS_OK) == (result->profile != NULL));
	assert_true((result->err == LS_ERR_INVALID) == (result->count > 0));
}

/** Exactly these pointers, in this order, each with a part of what is wrong. */
static void
check_faults(const char *json, size_t count, const char *const (*expected)[2])
{
	struct result result;
	parse(&result, json);
	for (size_t i = 0; i < result.count; i++)
		if (i >= count || strcmp(result.faults[i].pointer, expected[i][0]) != 0 ||
			strstr(result.faults[i].what, expected[i][1]) == NULL)
			print_error("%s\n  %zu: %s: %s\n", json, i, result.faults[i].pointer,
				result.faults[i].what);
	assert_int_equal(result.err, LS_ERR_INVALID);
	assert_int_equal(result.count, count);
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(result.faults[i].pointer, expected[i][0]);
		assert_non_null(strstr(result.faults[i].what, expected[i][1]));
	}
}

static void
check_fault(const char *json, const char *pointer, const char *what)
{
	const char *const expected[1][2] = { { pointer, what } };
	check_faults(json, 1, expected);
}

static void
defaults(void **state)
{
	(void)state;
	struct result result;
	parse(&result, " {} ");
	assert_int_equal(result.err, LS_OK);
	assert_true(ls_slice_eq(ls_profile_name(result.profile), LS_S("default")));
	assert_int_equal(ls_profile_hot_milli(result.profile), 75000);
	assert_int_equal(ls_profile_warm_milli(result.profile), 50000);
	assert_int_equal(ls_line_count(result.profile), 7);
	(void)ls_profile_free(result.profile);
	parse(&result,
		"{\"name\":\"caf\\u00e9 \\\"x\\\"\",\"thresholds\":{\"hot\":60.5},\"rules\":[]}");
	assert_int_equal(result.err, LS_OK);
	assert_true(ls_slice_eq(ls_profile_name(result.profile), LS_S("caf\xc3\xa9 \"x\"")));
	assert_int_equal(ls_profile_hot_milli(result.profile), 60500);
	assert_int_equal(ls_profile_set_thresholds(result.profile, 30000, 40000), LS_OK);
	assert_int_equal(ls_profile_set_thresholds(result.profile, 50000, 40000), LS_ERR_INVALID);
	assert_int_equal(ls_profile_set_thresholds(result.profile, -1, 40000), LS_ERR_INVALID);
	assert_int_equal(ls_profile_set_thresholds(result.profile, 1, 100001), LS_ERR_INVALID);
	assert_int_equal(ls_profile_hot_milli(result.profile), 40000);
	assert_int_equal(ls_profile_warm_milli(result.profile), 30000);
	(void)ls_profile_free(result.profile);
	assert_null(ls_profile_free(NULL));
}

static void
single_faults(void **state)
{
	(void)state;
	check_fault("[]", "", "an object");
	check_fault("", "", "not valid JSON");
	check_fault("{\"name\":\"x\"", "", "not valid JSON");
	check_fault("{} x", "", "not valid JSON");
	check_fault("{\"nmae\":\"x\"}", "/nmae", "not known");
	check_fault("{\"a/b~c\":{\"deep\":[1]}}", "/a~1b~0c", "not known");
	check_fault("{\"name\":\"x\",\"name\":\"y\"}", "/name", "twice");
	check_fault("{\"name\":\"\"}", "/name", "from 1 to 100");
	check_fault("{\"name\":7}", "/name", "a string");
	check_fault("{\"thresholds\":{\"hot\":101}}", "/thresholds/hot", "from 0 to 100");
	check_fault("{\"thresholds\":{\"hot\":40}}", "/thresholds", "warm must not be above hot");
	check_fault("{\"signals\":{\"opens\":{}}}", "/signals/opens", "not a signal");
	check_fault("{\"signals\":{\"recency\":5}}", "/signals/recency", "an object");
	check_fault("{\"signals\":{\"recency\":{\"weight\":101}}}", "/signals/recency/weight",
		"from -100 to 100");
	check_fault("{\"signals\":{\"recency\":{\"weight\":1e999}}}", "/signals/recency/weight",
		"from -100 to 100");
	check_fault(
		"{\"signals\":{\"recency\":{\"half\":3}}}", "/signals/recency/half", "not known");
	check_fault("{\"signals\":{\"recency\":{\"half_life_days\":0}}}",
		"/signals/recency/half_life_days", "from 0.01 to 36500");
	check_fault("{\"signals\":{\"crm_activities\":{\"points\":{\"cal\":1}}}}",
		"/signals/crm_activities/points/cal", "not a kind");
	check_fault("{\"signals\":{\"crm_activities\":{\"points\":{\"call\":-1}}}}",
		"/signals/crm_activities/points/call", "from 0 to 1000");
	check_fault("{\"rules\":{}}", "/rules", "an array");
	check_fault("{\"rules\":[7]}", "/rules/0", "an object");
}

#define RULE(when) "{\"rules\":[{\"id\":\"a\",\"points\":1,\"when\":" when "}]}"

static void
rule_faults(void **state)
{
	(void)state;
	const char *const missing[][2] = { { "/rules/0/id", "missing" },
		{ "/rules/0/when", "missing" }, { "/rules/0/points", "missing" } };
	check_faults("{\"rules\":[{}]}", 3, missing);
	check_fault(RULE("{}"), "/rules/0/when", "either kind or field");
	check_fault(RULE("{\"kind\":\"visit\",\"field\":\"x\"}"), "/rules/0/when", "either");
	check_fault(RULE("{\"field\":\"x\"}"), "/rules/0/when", "one of equals");
	check_fault(RULE("{\"field\":\"x\",\"below\":1,\"at_least\":0}"), "/rules/0/when",
		"one of equals");
	check_fault(RULE("{\"kind\":\"visit\",\"equals\":1}"), "/rules/0/when", "not compared");
	check_fault(RULE("{\"kind\":\"attributes\"}"), "/rules/0/when/kind", "not a kind");
	check_fault(RULE("{\"kind\":\"email_open.machine\"}"), "/rules/0/when/kind", "not a kind");
	check_fault(RULE("{\"field\":\"x\",\"equals\":[]}"), "/rules/0/when/equals", "a string, a");
	check_fault(RULE("{\"field\":\"x\",\"in\":\"y\"}"), "/rules/0/when/in", "an array");
	check_fault(RULE("{\"field\":\"x\",\"in\":[]}"), "/rules/0/when/in", "at least one");
	check_fault(RULE("{\"field\":\"x\",\"in\":[1,{}]}"), "/rules/0/when/in/1", "a string, a");
	check_fault(RULE("{\"field\":\"x\",\"at_most\":\"7\"}"), "/rules/0/when/at_most", "number");
	check_fault(
		RULE("{\"field\":\"x\",\"contains\":\"\"}"), "/rules/0/when/contains", "from 1");
	check_fault(RULE("{\"field\":\"x\",\"exists\":1}"), "/rules/0/when/exists", "true or");
	check_fault("{\"rules\":[{\"id\":\"a\",\"points\":1,\"when\":{\"kind\":\"call\"}},"
		    "{\"id\":\"a\",\"points\":1,\"when\":{\"kind\":\"call\"}}]}",
		"/rules/1/id", "another rule");
	check_fault("{\"rules\":[{\"id\":\"recency\",\"points\":1,\"when\":{\"kind\":\"call\"}}]}",
		"/rules/0/id", "a signal");
	check_fault("{\"rules\":[{\"id\":\"a\",\"points\":1,\"window_days\":3,"
		    "\"when\":{\"field\":\"x\",\"exists\":true}}]}",
		"/rules/0/window_days", "on a kind");
}

static void
all_faults_at_once(void **state)
{
	(void)state;
	const char json[] =
		"{\"title\":1,\"name\":null,"
		"\"signals\":{\"email_opens\":{\"weight\":\"25\",\"half\":0,\"x\":[{}]},"
		"\"recency\":{\"half_life_days\":-7}},"
		"\"rules\":[{\"id\":\"ok\",\"when\":{\"kind\":\"visit\"},\"points\":1},"
		"{\"id\":\"bad\",\"when\":{\"kind\":\"vist\"},\"points\":200,\"cap\":-1,"
		"\"half_life_days\":0,\"window_days\":401}]}";
	const char *const expected[][2] = {
		{ "/title", "not known" },
		{ "/name", "a string" },
		{ "/signals/email_opens/weight", "a number" },
		{ "/signals/email_opens/half", "from 0.001" },
		{ "/signals/email_opens/x", "not known" },
		{ "/signals/recency/half_life_days", "from 0.01" },
		{ "/rules/1/when/kind", "not a kind" },
		{ "/rules/1/points", "from -100 to 100" },
		{ "/rules/1/cap", "from 0 to 100" },
		{ "/rules/1/half_life_days", "from 0.01" },
		{ "/rules/1/window_days", "from 0.001 to 400" },
	};
	check_faults(json, LS_ARRAY_LEN(expected), expected);
	/* less room: the first ones; none: just the verdict */
	struct ls_profile *profile = NULL;
	struct ls_profile_fault two[2];
	size_t count = 99;
	assert_int_equal(ls_profile_parse(memory, ls_slice_str(json), &profile, two, 2, &count),
		LS_ERR_INVALID);
	assert_int_equal(count, 2);
	assert_string_equal(two[1].pointer, "/name");
	assert_int_equal(ls_profile_parse(memory, ls_slice_str(json), &profile, NULL, 0, &count),
		LS_ERR_INVALID);
	assert_int_equal(count, 0);
	assert_null(profile);
	/* faults of meaning before the text breaks are still told */
	const char *const broken[][2] = { { "/name", "a string" }, { "", "not valid JSON" } };
	check_faults("{\"name\":7,\"rules\":[}", 2, broken);
}

static void
long_pointers_are_cut(void **state)
{
	(void)state;
	char json[600] = "{\"";
	for (int i = 0; i < 120; i++)
		memcpy(json + 2 + 2 * i, "\xc3\xa9", 3);
	memcpy(json + 242, "\":1}", 5);
	struct result result;
	parse(&result, json);
	assert_int_equal(result.count, 1);
	size_t len = strlen(result.faults[0].pointer);
	assert_in_range(len, 150, sizeof result.faults[0].pointer - 1);
	assert_true(ls_utf8_valid(ls_slice(result.faults[0].pointer, len)));
}

static void
limits(void **state)
{
	(void)state;
	struct result result;
	struct ls_buf json;
	ls_buf_init(&json, (size_t)300 * 1024);
	ls_buf_add_lit(&json, "{\"rules\":[");
	for (int i = 0; i < 201; i++)
		ls_buf_addf(&json,
			"%s{\"id\":\"r%d\",\"when\":{\"kind\":\"visit\"},\"points\":1,"
			"\"half_life_days\":%d}",
			i > 0 ? "," : "", i, i + 1);
	ls_buf_add(&json, "]}", 3);
	assert_int_equal(json.err, LS_OK);
	parse(&result, json.data);
	assert_int_equal(result.count, 1);
	assert_string_equal(result.faults[0].pointer, "/rules");
	ls_buf_reset(&json);
	for (int i = 0; i < 256 * 1024; i++)
		ls_buf_add_char(&json, ' ');
	ls_buf_add(&json, "{}", 3);
	assert_int_equal(json.err, LS_OK);
	parse(&result, json.data);
	assert_int_equal(result.count, 1);
	assert_non_null(strstr(result.faults[0].what, "262144 bytes"));
	ls_buf_fini(&json);
}

/** Out of memory at every allocation in turn: an error, no profile, no leak (ASan looks). */
static void
short_memory(void **state)
{
	(void)state;
	const char json[] = "{\"name\":\"\\u0041\",\"rules\":["
			    "{\"id\":\"a\",\"when\":{\"field\":\"x\",\"in\":[1,2,3]},\"points\":1},"
			    "{\"id\":\"b\",\"when\":{\"kind\":\"visit\"},\"points\":1}]}";
	int fail = 0;
	for (;; fail++) {
		int left = fail;
		struct ls_memory tight = { .realloc = plain_realloc, .ctx = &left };
		struct ls_profile *profile = NULL;
		struct ls_profile_fault fault;
		size_t count = 0;
		int err = ls_profile_parse(tight, ls_slice_str(json), &profile, &fault, 1, &count);
		if (err == LS_OK) {
			left = -1;
			(void)ls_profile_free(profile);
			break;
		}
		assert_int_equal(err, LS_ERR_NOMEM);
		assert_null(profile);
	}
	assert_in_range(fail, 6, 20);
	for (int left = 0; left < 3; left++) {
		int now = left;
		assert_null(ls_profile_default(
			(struct ls_memory){ .realloc = plain_realloc, .ctx = &now }));
	}
}

/* ---- rules at work */

static struct ls_fact
look_up(const void *ctx, struct ls_slice field)
{
	(void)ctx;
	if (ls_slice_eq(field, LS_S("number")))
		return (struct ls_fact){ .type = LS_FACT_NUMBER, .number = 5 };
	if (ls_slice_eq(field, LS_S("text")))
		return (struct ls_fact){ .type = LS_FACT_STRING, .string = LS_S("Head of Sales") };
	if (ls_slice_eq(field, LS_S("yes")))
		return (struct ls_fact){ .type = LS_FACT_BOOL, .boolean = true };
	return (struct ls_fact){ .type = LS_FACT_NONE };
}

/** The units of a rule with this condition, for a lead with the facts above. */
static int
units_of(const char *when, bool ask)
{
	char json[300];
	(void)snprintf(
		json, sizeof json, "{\"rules\":[{\"id\":\"a\",\"points\":1,\"when\":%s}]}", when);
	struct result result;
	parse(&result, json);
	assert_int_equal(result.err, LS_OK);
	struct ls_moment *moment = ls_moment_new(memory, result.profile, INT64_C(1705314600000));
	struct ls_activity activity = { 0 };
	struct ls_subject_data data = { .activity = &activity, .employees = -1 };
	if (ask)
		data.fact = look_up;
	struct ls_line lines[8];
	(void)ls_explain(moment, &data, lines);
	(void)ls_moment_free(moment);
	(void)ls_profile_free(result.profile);
	assert_true(lines[7].is_rule);
	assert_int_equal(lines[7].points_milli, lines[7].value * 1000);
	return (int)lines[7].value;
}

static void
conditions(void **state)
{
	(void)state;
	static const struct {
		const char *when;
		int units;
	} rows[] = {
		{ "{\"field\":\"number\",\"equals\":5}", 1 },
		{ "{\"field\":\"number\",\"equals\":5.0}", 1 },
		{ "{\"field\":\"number\",\"equals\":\"5\"}", 0 },
		{ "{\"field\":\"yes\",\"equals\":true}", 1 },
		{ "{\"field\":\"yes\",\"equals\":false}", 0 },
		{ "{\"field\":\"yes\",\"equals\":1}", 0 }, /* as JSON, true is not 1 */
		{ "{\"field\":\"nothing\",\"equals\":null}", 1 },
		{ "{\"field\":\"number\",\"equals\":null}", 0 },
		{ "{\"field\":\"text\",\"equals\":\"Head of Sales\"}", 1 },
		{ "{\"field\":\"text\",\"in\":[\"x\",1,\"Head of Sales\"]}", 1 },
		{ "{\"field\":\"text\",\"in\":[\"x\",1]}", 0 },
		{ "{\"field\":\"number\",\"at_least\":5}", 1 },
		{ "{\"field\":\"number\",\"at_least\":5.1}", 0 },
		{ "{\"field\":\"text\",\"at_least\":0}", 0 },
		{ "{\"field\":\"nothing\",\"at_least\":-1}", 0 },
		{ "{\"field\":\"number\",\"at_most\":5}", 1 },
		{ "{\"field\":\"number\",\"at_most\":4}", 0 },
		{ "{\"field\":\"number\",\"below\":5}", 0 },
		{ "{\"field\":\"number\",\"below\":6}", 1 },
		{ "{\"field\":\"nothing\",\"below\":6}", 0 },
		{ "{\"field\":\"text\",\"contains\":\"of Sales\"}", 1 },
		{ "{\"field\":\"text\",\"contains\":\"sales\"}", 0 },
		{ "{\"field\":\"number\",\"contains\":\"5\"}", 0 },
		{ "{\"field\":\"yes\",\"exists\":true}", 1 },
		{ "{\"field\":\"yes\",\"exists\":false}", 0 },
		{ "{\"field\":\"nothing\",\"exists\":false}", 1 },
	};
	for (size_t i = 0; i < LS_ARRAY_LEN(rows); i++)
		assert_int_equal(units_of(rows[i].when, true), rows[i].units);
	/* nobody to ask: nothing is known */
	assert_int_equal(units_of("{\"field\":\"yes\",\"exists\":true}", false), 0);
}

static void
print(const struct ls_profile *profile, char *out, size_t size)
{
	size_t len = ls_profile_print(profile, out, size - 1);
	assert_true(len < size);
	out[len] = '\0';
	/* the length alone, and what fits */
	char part[10] = "?????????";
	assert_int_equal(ls_profile_print(profile, NULL, 0), len);
	assert_int_equal(ls_profile_print(profile, part, 9), len);
	assert_memory_equal(part, out, 9);
}

static void
printing_says_everything(void **state)
{
	static const char rules[] =
		"\"rules\":[{\"id\":\"a \\\"b\\\" \\\\ "
		"\\u0001\",\"when\":{\"kind\":\"form_submit\"},"
		"\"points\":0.1,\"cap\":12,\"window_days\":90,\"half_life_days\":30},"
		"{\"id\":\"in\",\"when\":{\"field\":\"f\",\"in\":[\"x\",-2.5,true,null]},"
		"\"points\":-100},"
		"{\"id\":\"ex\",\"when\":{\"field\":\"f\",\"exists\":false},\"points\":1}]}";
	static char json[1024], first[4096], second[4096];
	struct result result;
	(void)state;
	(void)snprintf(json, sizeof json,
		"{\"name\":\"n\",\"thresholds\":{\"hot\":62.5},"
		"\"signals\":{\"crm_activities\":{\"points\":{\"call\":2}}},%s",
		rules);
	parse(&result, json);
	assert_int_equal(result.err, LS_OK);
	print(result.profile, first, sizeof first);
	ls_profile_free(result.profile);
	assert_non_null(strstr(first, rules));
	assert_non_null(strstr(first, "\"thresholds\":{\"hot\":62.5,\"warm\":50}"));
	assert_non_null(strstr(first, "\"points\":{\"call\":2}"));
	assert_non_null(strstr(first, "\"email_opens\":{\"weight\":25,"));
	parse(&result, first);
	print(result.profile, second, sizeof second);
	ls_profile_free(result.profile);
	assert_string_equal(first, second);
	/* and the default is what an empty one is */
	parse(&result, "{}");
	print(result.profile, first, sizeof first);
	ls_profile_free(result.profile);
	struct ls_profile *profile = ls_profile_default(memory);
	print(profile, second, sizeof second);
	ls_profile_free(profile);
	assert_non_null(strstr(first, "\"name\":\"default\""));
	assert_string_equal(first, second);
}

static void
thresholds_said_or_not(void **state)
{
	static const struct {
		const char *json;
		bool said;
	} rows[] = {
		{ "{}", false },
		{ "{\"thresholds\":{}}", false },
		{ "{\"thresholds\":{\"hot\":75}}", true },
		{ "{\"thresholds\":{\"warm\":50}}", true },
	};
	struct result result;
	(void)state;
	for (size_t i = 0; i < LS_ARRAY_LEN(rows); i++) {
		parse(&result, rows[i].json);
		assert_int_equal(ls_profile_has_thresholds(result.profile), rows[i].said);
		/* setting them is not saying them */
		assert_int_equal(ls_profile_set_thresholds(result.profile, 1, 2), LS_OK);
		assert_int_equal(ls_profile_has_thresholds(result.profile), rows[i].said);
		ls_profile_free(result.profile);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(single_faults),
		cmocka_unit_test(rule_faults),
		cmocka_unit_test(all_faults_at_once),
		cmocka_unit_test(long_pointers_are_cut),
		cmocka_unit_test(limits),
		cmocka_unit_test(short_memory),
		cmocka_unit_test(conditions),
		cmocka_unit_test(printing_says_everything),
		cmocka_unit_test(thresholds_said_or_not),
	};
	return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
