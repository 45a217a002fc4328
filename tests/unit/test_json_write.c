// SPDX-License-Identifier: MIT
/* json_write: exact texts, round trips through the reader, and random documents that json-c must
 * read the same. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <json-c/json.h>

#include "base/json_read.h"
#include "base/json_write.h"

static void
expect_text(struct ls_buf *buf, const char *text)
{
	assert_int_equal(buf->err, LS_OK);
	if (buf->len != strlen(text) || memcmp(buf->data, text, buf->len) != 0)
		fail_msg("%.*s, expected %s", LS_FMT(ls_buf_slice(buf)), text);
	assert_true(ls_json_valid(ls_buf_slice(buf)));
	ls_buf_reset(buf);
}

static void
structure(void **state)
{
	(void)state;
	struct ls_buf buf;
	struct ls_jsonw w;
	ls_buf_init(&buf, 4096);
	ls_jsonw_init(&w, &buf);
	ls_jsonw_object(&w);
	ls_jsonw_object_end(&w);
	expect_text(&buf, "{}");

	ls_jsonw_init(&w, &buf);
	ls_jsonw_object(&w);
	ls_jsonw_kstring(&w, "name", LS_S("J\xc3\xbcrgen"));
	ls_jsonw_ki64(&w, "i", -1);
	ls_jsonw_ku64(&w, "u", UINT64_MAX);
	ls_jsonw_kbool(&w, "t", true);
	ls_jsonw_kbool(&w, "f", false);
	ls_jsonw_kmilli(&w, "score", 85400);
	ls_jsonw_ktime(&w, "at", 1793612200123);
	ls_jsonw_key_slice(&w, LS_S("n\0\""));
	ls_jsonw_null(&w);
	ls_jsonw_karray(&w, "tags");
	ls_jsonw_string(&w, LS_S("a"));
	ls_jsonw_string(&w, ls_slice(NULL, 0));
	ls_jsonw_string(&w, LS_S(""));
	ls_jsonw_array(&w);
	ls_jsonw_array_end(&w);
	ls_jsonw_array(&w);
	ls_jsonw_raw(&w, LS_S("[1]"));
	ls_jsonw_double(&w, 0.5);
	ls_jsonw_array_end(&w);
	ls_jsonw_array_end(&w);
	ls_jsonw_kobject(&w, "");
	ls_jsonw_kobject(&w, "o");
	ls_jsonw_object_end(&w);
	ls_jsonw_ki64(&w, "z", 0);
	ls_jsonw_object_end(&w);
	ls_jsonw_object_end(&w);
	expect_text(&buf,
		"{\"name\":\"J\xc3\xbcrgen\",\"i\":-1,\"u\":18446744073709551615,\"t\":true,"
		"\"f\":false,\"score\":85.4,\"at\":\"2026-11-02T09:36:40.123Z\","
		"\"n\\u0000\\\"\":null,\"tags\":[\"a\",null,\"\",[],[[1],0.5]],"
		"\"\":{\"o\":{},\"z\":0}}");
	ls_buf_fini(&buf);
}

static void
strings(void **state)
{
	(void)state;
	const struct {
		struct ls_slice in;
		const char *out;
	} rows[] = {
		{ LS_S(""), "\"\"" },
		{ LS_S("a \"quoted\" \\ back/slash"), "\"a \\\"quoted\\\" \\\\ back/slash\"" },
		{ LS_S("\b\t\n\v\f\r"), "\"\\b\\t\\n\\u000b\\f\\r\"" },
		{ LS_S("\0\x01\x1f\x7f"), "\"\\u0000\\u0001\\u001f\x7f\"" },
		{ LS_S("\xe2\x80\xa8\xf0\x9f\x98\xb9"), "\"\xe2\x80\xa8\xf0\x9f\x98\xb9\"" },
		/* each byte that is no UTF-8 becomes U+FFFD */
		{ LS_S("J\xfcrgen"), "\"J\xef\xbf\xbdrgen\"" },
		{ LS_S("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ LS_S("caf\xc3"), "\"caf\xef\xbf\xbd\"" },
		{ LS_S("\xc3\xc3\xa9"), "\"\xef\xbf\xbd\xc3\xa9\"" },
		{ LS_S("more than sixteen plain bytes\nand as many behind them"),
			"\"more than sixteen plain bytes\\nand as many behind them\"" },
	};
	struct ls_buf buf;
	ls_buf_init(&buf, 4096);
	for (size_t i = 0; i < LS_ARRAY_LEN(rows); i++) {
		struct ls_jsonw w;
		ls_jsonw_init(&w, &buf);
		ls_jsonw_string(&w, rows[i].in);
		expect_text(&buf, rows[i].out);
	}
	ls_buf_fini(&buf);
}

static void
numbers(void **state)
{
	(void)state;
	struct ls_buf buf;
	struct ls_jsonw w;
	ls_buf_init(&buf, 4096);
	ls_jsonw_init(&w, &buf);
	ls_jsonw_array(&w);
	static const int64_t ints[] = { 0, -1, INT64_MAX, INT64_MIN };
	for (size_t i = 0; i < LS_ARRAY_LEN(ints); i++)
		ls_jsonw_i64(&w, ints[i]);
	static const int64_t millis[] = { 0, 1, 10, 100, 999, 1000, 1001, 1010, 85400, -1, -500,
		-1234, INT64_MAX, INT64_MIN };
	for (size_t i = 0; i < LS_ARRAY_LEN(millis); i++)
		ls_jsonw_milli(&w, millis[i]);
	ls_jsonw_array_end(&w);
	expect_text(&buf, "[0,-1,9223372036854775807,-9223372036854775808,"
			  "0,0.001,0.01,0.1,0.999,1,1.001,1.01,85.4,-0.001,-0.5,-1.234,"
			  "9223372036854775.807,-9223372036854775.808]");
	ls_buf_fini(&buf);
}

static void
doubles(void **state)
{
	(void)state;
	static const struct {
		double value;
		const char *text;
	} rows[] = { { 0, "0" }, { -0.0, "-0" }, { 1, "1" }, { -17, "-17" }, { 0.1, "0.1" },
		{ 85.4, "85.4" }, { 0.1 + 0.2, "0.30000000000000004" },
		{ 1.0 / 3, "0.3333333333333333" }, { 1e15, "1000000000000000" },
		{ 9007199254740991.0, "9007199254740991" },
		{ 9007199254740992.0, "9007199254740992" }, { 1e20, "100000000000000000000" },
		{ 1e21, "1e21" }, { 123456789012345680000.0, "123456789012345680000" },
		{ 1.5e300, "1.5e300" }, { 0.001, "0.001" }, { 0.000001, "0.000001" },
		{ 0.0000012, "0.0000012" }, { 1e-7, "1e-7" }, { -2.5e-9, "-2.5e-9" },
		{ 5e-324, "5e-324" }, { 1.5e-310, "1.5e-310" },
		{ 2.2250738585072014e-308, "2.2250738585072014e-308" },
		{ 1.7976931348623157e308, "1.7976931348623157e308" }, { 123.456, "123.456" },
		{ (double)NAN, "null" }, { (double)INFINITY, "null" },
		{ -(double)INFINITY, "null" } };
	struct ls_buf buf;
	ls_buf_init(&buf, 4096);
	for (size_t i = 0; i < LS_ARRAY_LEN(rows); i++) {
		struct ls_jsonw w;
		ls_jsonw_init(&w, &buf);
		ls_jsonw_double(&w, rows[i].value);
		expect_text(&buf, rows[i].text);
	}
	ls_buf_fini(&buf);
}

/* What libc's reader makes of a text. */
static double
libc_double(const char *text)
{
	char *end = NULL;
	double value = strtod(text, &end);
	assert_true(*end == '\0');
	return value;
}

static uint64_t
next_random(uint64_t *seed)
{
	*seed += 0x9e3779b97f4a7c15u;
	uint64_t x = *seed;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* Bit patterns at random, decimals as people write them, and neighbours of powers of two. */
static double
random_double(uint64_t *seed)
{
	uint64_t bits = next_random(seed);
	double value;
	switch (bits % 4) {
	case 0:
		return (double)(int64_t)(next_random(seed) % 2000000) / 1000 - 1000;
	case 1:
		value = ldexp(1, (int)(next_random(seed) % 2000) - 1000);
		return nextafter(value, bits & 16 ? 0 : 1e308);
	case 2:
		return (double)(next_random(seed) >> (bits >> 58));
	default:
		bits = next_random(seed);
		memcpy(&value, &bits, sizeof value);
		return isfinite(value) ? value : 1;
	}
}

static void
double_round_trips(void **state)
{
	(void)state;
	struct ls_buf buf;
	uint64_t seed = 42;
	ls_buf_init(&buf, 4096);
	for (int i = 0; i < 20000; i++) {
		struct ls_jsonw w;
		struct ls_json j;
		double value = random_double(&seed), back = 0, libc;
		ls_buf_reset(&buf);
		ls_jsonw_init(&w, &buf);
		ls_jsonw_double(&w, value);
		ls_json_init(&j, ls_buf_slice(&buf), NULL);
		assert_true(ls_json_double(&j, &back));
		assert_int_equal(ls_json_finish(&j), LS_OK);
		assert_memory_equal(&back, &value, sizeof back);
		(void)ls_buf_add_char(&buf, '\0');
		assert_int_equal(buf.err, LS_OK);
		libc = libc_double(buf.data);
		assert_memory_equal(&libc, &value, sizeof libc);
	}
	ls_buf_fini(&buf);
}

/* Decimal texts that nobody's writer made must give the double that libc's reader gives. */
static void
double_texts(void **state)
{
	(void)state;
	uint64_t seed = 7;
	for (int i = 0; i < 20000; i++) {
		char text[64];
		struct ls_json j;
		double value = 0, libc;
		uint64_t r = next_random(&seed), m = next_random(&seed) >> (r % 64);
		(void)snprintf(text, sizeof text, "%s%llu.%0*llue%d", r & 64 ? "-" : "",
			(unsigned long long)(m % 100000), (int)(r >> 8 & 15) + 1,
			(unsigned long long)(m / 100000 % 1000000), (int)(r >> 20 & 63) - 32);
		libc = libc_double(text);
		ls_json_init(&j, ls_slice_str(text), NULL);
		assert_true(ls_json_double(&j, &value));
		assert_int_equal(ls_json_finish(&j), LS_OK);
		assert_memory_equal(&value, &libc, sizeof value);
	}
}

/* A string of plain runs, escapes, characters of each length, and NUL. */
static void
random_string(uint64_t *seed, struct ls_buf *out)
{
	static const char *const pieces[] = { "a", "plain text of some length ", "\"", "\\", "\n",
		"\x01", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\xb9", "/", "\x7f",
		"0123456789abcde" };
	uint64_t count = next_random(seed) % 8;
	ls_buf_reset(out);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t k = next_random(seed) % (LS_ARRAY_LEN(pieces) + 1);
		if (k == LS_ARRAY_LEN(pieces))
			(void)ls_buf_add_char(out, '\0');
		else
			(void)ls_buf_add_slice(out, ls_slice_str(pieces[k]));
	}
	assert_int_equal(out->err, LS_OK);
}

static void write_random(struct ls_jsonw *w, uint64_t *seed, struct ls_buf *text, int depth);

static void
write_members(struct ls_jsonw *w, uint64_t *seed, struct ls_buf *text, int depth, bool object)
{
	uint64_t count = next_random(seed) % 6;
	for (uint64_t i = 0; i < count; i++) {
		/* json-c keeps the last of equal keys, and ends keys at a NUL */
		char key[32];
		(void)snprintf(key, sizeof key, "%u \"\xc3\xbc\\\n", (unsigned)i);
		if (object)
			ls_jsonw_key(w, key);
		write_random(w, seed, text, depth + 1);
	}
}

static void
write_random(struct ls_jsonw *w, uint64_t *seed, struct ls_buf *text, int depth)
{
	switch (next_random(seed) % (depth < 6 ? 9 : 7)) {
	case 0:
		ls_jsonw_null(w);
		break;
	case 1:
		ls_jsonw_bool(w, next_random(seed) & 1);
		break;
	case 2:
		ls_jsonw_i64(w, (int64_t)(next_random(seed) >> (next_random(seed) % 64)));
		break;
	case 3:
		ls_jsonw_u64(w, next_random(seed) >> (next_random(seed) % 64));
		break;
	case 4:
		ls_jsonw_double(w, random_double(seed));
		break;
	case 5:
	case 6:
		random_string(seed, text);
		ls_jsonw_string(w, text->len > 0 ? ls_buf_slice(text) : LS_S(""));
		break;
	case 7:
		ls_jsonw_array(w);
		write_members(w, seed, text, depth, false);
		ls_jsonw_array_end(w);
		break;
	default:
		ls_jsonw_object(w);
		write_members(w, seed, text, depth, true);
		ls_jsonw_object_end(w);
		break;
	}
}

/* json-c tells integers from doubles by the text; one of ours is an integer when it fits. */
static void
compare_number(struct ls_json *j, struct json_object *tree)
{
	struct ls_slice raw;
	struct ls_json again;
	double value = 0;
	int64_t i = 0;
	uint64_t u = 0;
	assert_true(ls_json_raw(j, &raw));
	ls_json_init(&again, raw, NULL);
	assert_true(ls_json_double(&again, &value));
	double theirs = json_object_get_double(tree);
	assert_true(value == theirs);
	if (json_object_get_type(tree) != json_type_int)
		return;
	if (ls_slice_to_i64(raw, &i) == LS_OK)
		assert_true(i == json_object_get_int64(tree));
	else if (ls_slice_to_u64(raw, &u) == LS_OK)
		assert_true(u == json_object_get_uint64(tree));
}

static void
compare(struct ls_json *j, struct json_object *tree)
{
	struct ls_slice s;
	bool b = false;
	size_t count = 0;
	switch (ls_json_peek(j)) {
	case LS_JSON_OBJECT:
		assert_int_equal(json_object_get_type(tree), json_type_object);
		assert_true(ls_json_object(j));
		for (; ls_json_key(j, &s); count++) {
			char key[32] = "";
			struct json_object *member = NULL;
			assert_true(s.len < sizeof key);
			memcpy(key, s.data, s.len);
			assert_true(json_object_object_get_ex(tree, key, &member));
			compare(j, member);
		}
		assert_int_equal(count, json_object_object_length(tree));
		break;
	case LS_JSON_ARRAY:
		assert_int_equal(json_object_get_type(tree), json_type_array);
		assert_true(ls_json_array(j));
		for (; ls_json_item(j); count++)
			compare(j, json_object_array_get_idx(tree, count));
		assert_int_equal(count, json_object_array_length(tree));
		break;
	case LS_JSON_STRING:
		assert_int_equal(json_object_get_type(tree), json_type_string);
		assert_true(ls_json_string(j, &s));
		assert_int_equal(s.len, json_object_get_string_len(tree));
		assert_memory_equal(s.data, json_object_get_string(tree), s.len);
		break;
	case LS_JSON_NUMBER:
		compare_number(j, tree);
		break;
	case LS_JSON_BOOL:
		assert_int_equal(json_object_get_type(tree), json_type_boolean);
		assert_true(ls_json_bool(j, &b) && b == (json_object_get_boolean(tree) != 0));
		break;
	case LS_JSON_NULL:
		assert_null(tree);
		assert_true(ls_json_null(j));
		break;
	case LS_JSON_INVALID:
		fail_msg("%s", j->what);
	}
}

static struct json_object *
parse_with_json_c(struct ls_slice text)
{
	struct json_tokener *tokener = json_tokener_new();
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	struct json_object *tree = json_tokener_parse_ex(tokener, text.data, (int)text.len);
	enum json_tokener_error err = json_tokener_get_error(tokener);
	if (err != json_tokener_success)
		fail_msg("json-c: %s: %.*s", json_tokener_error_desc(err), LS_FMT(text));
	json_tokener_free(tokener);
	return tree;
}

static void
random_documents(void **state)
{
	(void)state;
	struct ls_buf buf, text;
	struct ls_arena arena;
	uint64_t seed = 2026;
	ls_buf_init(&buf, 1u << 20);
	ls_buf_init(&text, 4096);
	ls_arena_init(&arena, 1u << 20);
	for (int i = 0; i < 1000; i++) {
		struct ls_jsonw w;
		struct ls_json j;
		ls_buf_reset(&buf);
		ls_arena_reset(&arena);
		ls_jsonw_init(&w, &buf);
		ls_jsonw_array(&w);
		write_members(&w, &seed, &text, 0, false);
		ls_jsonw_array_end(&w);
		assert_int_equal(buf.err, LS_OK);
		struct json_object *tree = parse_with_json_c(ls_buf_slice(&buf));
		ls_json_init(&j, ls_buf_slice(&buf), &arena);
		compare(&j, tree);
		assert_int_equal(ls_json_finish(&j), LS_OK);
		/* and what json-c writes of it, in its way: slashes escaped, spaces put in */
		ls_json_init(&j,
			ls_slice_str(json_object_to_json_string_ext(tree, JSON_C_TO_STRING_PRETTY)),
			&arena);
		compare(&j, tree);
		assert_int_equal(ls_json_finish(&j), LS_OK);
		json_object_put(tree);
	}
	ls_arena_fini(&arena);
	ls_buf_fini(&text);
	ls_buf_fini(&buf);
}

static void
full_buffer(void **state)
{
	(void)state;
	/* whatever the limit, the error is seen at the end and nothing goes beyond it */
	for (size_t max = 0; max < 60; max++) {
		struct ls_buf buf;
		struct ls_jsonw w;
		ls_buf_init(&buf, max);
		ls_jsonw_init(&w, &buf);
		ls_jsonw_object(&w);
		ls_jsonw_kstring(&w, "key", LS_S("a\nb\xc3\xbc\xff"));
		ls_jsonw_kmilli(&w, "m", 1234);
		ls_jsonw_key(&w, "d");
		ls_jsonw_double(&w, 0.1);
		ls_jsonw_object_end(&w);
		assert_true(buf.len <= max);
		assert_int_equal(buf.err, max < 37 ? LS_ERR_LIMIT : LS_OK);
		assert_int_equal(ls_json_valid(ls_buf_slice(&buf)), max >= 37);
		ls_buf_fini(&buf);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(structure),
		cmocka_unit_test(strings),
		cmocka_unit_test(numbers),
		cmocka_unit_test(doubles),
		cmocka_unit_test(double_round_trips),
		cmocka_unit_test(double_texts),
		cmocka_unit_test(random_documents),
		cmocka_unit_test(full_buffer),
	};
	return cmocka_run_group_tests_name("json_write", tests, NULL, NULL);
}
