// SPDX-License-Identifier: MIT
/* base: slices, buffers, arena, map, hash, times, log lines, histograms. */

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/iso8601.h"
#include "base/logger.h"
#include "base/map.h"
#include "base/prom.h"

static void
slice_numbers(void **state)
{
	(void)state;
	uint64_t u = 7;
	int64_t i = 7;
	double d = 7;
	assert_int_equal(ls_slice_to_u64(LS_S("18446744073709551615"), &u), LS_OK);
	assert_true(u == UINT64_MAX);
	assert_int_equal(ls_slice_to_u64(LS_S("18446744073709551616"), &u), LS_ERR_INVALID);
	assert_int_equal(ls_slice_to_u64(LS_S("+1"), &u), LS_ERR_INVALID);
	assert_int_equal(ls_slice_to_u64(LS_S(""), &u), LS_ERR_INVALID);
	assert_true(u == UINT64_MAX);
	assert_int_equal(ls_slice_to_i64(LS_S("-9223372036854775808"), &i), LS_OK);
	assert_true(i == INT64_MIN);
	assert_int_equal(ls_slice_to_i64(LS_S("9223372036854775808"), &i), LS_ERR_INVALID);
	assert_int_equal(ls_slice_to_i64(LS_S("-"), &i), LS_ERR_INVALID);
	assert_int_equal(ls_slice_to_double(LS_S("-1.5e3"), &d), LS_OK);
	assert_true(d == -1500.0);
	static const struct {
		const char *text;
		double value;
	} good[] = { { "0", 0.0 }, { "-0.0", -0.0 }, { "4.5", 4.5 }, { "0.1", 0.1 },
		{ "1e-5", 1e-5 }, { "12.75E+2", 12.75E+2 }, { "0.000123", 0.000123 },
		{ "1.7976931348623157e308", DBL_MAX }, { "0.1e1", 1.0 }, { "1000.0e-3", 1.0 },
		{ "9007199254740993.0", 9007199254740993.0 }, { "1e-99999999999999999999", 0.0 } };
	for (size_t k = 0; k < LS_ARRAY_LEN(good); k++) {
		assert_int_equal(ls_slice_to_double(ls_slice_str(good[k].text), &d), LS_OK);
		assert_memory_equal(&d, &good[k].value, sizeof d);
	}
	const char *const bad[] = { "", "1.", ".5", "01", "1e", "0x10", "nan", "inf", "1e999",
		"1e99999999999999999999", " 1", "1 ", "+1", "--1" };
	for (size_t k = 0; k < LS_ARRAY_LEN(bad); k++)
		assert_int_equal(ls_slice_to_double(ls_slice_str(bad[k]), &d), LS_ERR_INVALID);
}

static void
slice_text(void **state)
{
	(void)state;
	assert_true(ls_slice_eq_nocase(LS_S("Content-Type"), LS_S("content-type")));
	assert_false(ls_slice_eq(LS_S("a"), LS_S("ab")));
	assert_true(
		ls_slice_cmp(LS_S("a"), LS_S("ab")) < 0 && ls_slice_cmp(LS_S("b"), LS_S("ab")) > 0);
	assert_true(ls_slice_starts(LS_S("hubspot:1"), LS_S("hubspot:")) &&
		    ls_slice_ends(LS_S("a.gif"), LS_S(".gif")));
	assert_true(ls_slice_eq(ls_slice_trim(LS_S(" \t x y \t")), LS_S("x y")));
	struct ls_slice rest = LS_S("a,,b"), part;
	assert_true(ls_slice_cut(&rest, ',', &part) && ls_slice_eq(part, LS_S("a")));
	assert_true(ls_slice_cut(&rest, ',', &part) && part.len == 0);
	assert_true(ls_slice_cut(&rest, ',', &part) && ls_slice_eq(part, LS_S("b")));
	assert_false(ls_slice_cut(&rest, ',', &part));
}

static void
utf8(void **state)
{
	(void)state;
	const char *const good[] = { "", "plain",
		"Z\xc3\xbcrich \xe2\x80\x93 \xe6\x9d\xb1\xe4\xba\xac", "\xf0\x9f\x94\xa5",
		"\xf4\x8f\xbf\xbf", "12345678\xc3\xa9" };
	const char *const bad[] = { "\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xed\xa0\x80",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc3", "\xe2\x80", "\xf0\x9f\x94",
		"1234567\xc3", "\xe2\x28\xa1" };
	for (size_t i = 0; i < LS_ARRAY_LEN(good); i++)
		assert_true(ls_utf8_valid(ls_slice_str(good[i])));
	for (size_t i = 0; i < LS_ARRAY_LEN(bad); i++)
		assert_false(ls_utf8_valid(ls_slice_str(bad[i])));
}

static void
buf_limits(void **state)
{
	(void)state;
	struct ls_buf buf;
	ls_buf_init(&buf, 300);
	assert_int_equal(ls_buf_addf(&buf, "%s-%d", "x", 5), LS_OK);
	assert_int_equal(ls_buf_add_i64(&buf, INT64_MIN), LS_OK);
	assert_int_equal(ls_buf_add_u64(&buf, 0), LS_OK);
	assert_true(ls_slice_eq(ls_buf_slice(&buf), LS_S("x-5-92233720368547758080")));
	char filler[301] = { 0 };
	memset(filler, 'f', sizeof filler - 1);
	assert_int_equal(ls_buf_addf(&buf, "%s", filler), LS_ERR_LIMIT);
	assert_int_equal(ls_buf_add_char(&buf, 'y'), LS_ERR_LIMIT); /* sticks */
	assert_int_equal(buf.len, 24);
	ls_buf_reset(&buf);
	assert_int_equal(ls_buf_add(&buf, filler, 300), LS_OK);
	ls_buf_consume(&buf, 290);
	assert_true(ls_slice_eq(ls_buf_slice(&buf), LS_S("ffffffffff")));
	ls_buf_fini(&buf);
	ls_buf_fini(&buf);
}

static void
arena_limits(void **state)
{
	(void)state;
	struct ls_arena arena;
	ls_arena_init(&arena, 100000);
	for (int round = 0; round < 3; round++) {
		size_t total = 0;
		char *p;
		while ((p = ls_arena_alloc(&arena, 777)) != NULL) {
			assert_true((uintptr_t)p % 16 == 0 && p[0] == 0 && p[776] == 0);
			memset(p, 0xaa, 777);
			total += 777;
		}
		assert_true(total <= 100000 && total > 99000);
		ls_arena_reset(&arena);
	}
	struct ls_slice copy = ls_arena_copy(&arena, LS_S("hello"));
	assert_string_equal(copy.data, "hello");
	ls_arena_fini(&arena);
}

/* the key of value v is v * 7; hashes are weak on purpose, so that probes collide */
static bool
key_eq(const void *ctx, uint32_t value, const void *key)
{
	(void)ctx;
	return value * 7u == *(const uint32_t *)key;
}

static uint64_t
weak(uint32_t key)
{
	return key % 97;
}

static void
map_against_array(void **state)
{
	(void)state;
	struct ls_map map = { 0 };
	static bool present[500];
	memset(present, 0, sizeof present);
	unsigned seed = 42;
	size_t count = 0;
	for (int step = 0; step < 50000; step++) {
		uint32_t v = (uint32_t)rand_r(&seed) % 500, key = v * 7u;
		uint32_t found = ls_map_find(&map, weak(key), key_eq, NULL, &key);
		assert_int_equal(found, present[v] ? v : LS_MAP_NONE);
		if (present[v]) {
			assert_true(ls_map_remove(&map, weak(key), v));
			count--;
		} else {
			assert_int_equal(ls_map_insert(&map, weak(key), v), LS_OK);
			count++;
		}
		present[v] = !present[v];
		assert_int_equal(map.used, count);
	}
	uint32_t absent = 1;
	assert_false(ls_map_remove(&map, weak(absent), 77777));
	ls_map_fini(&map);
	assert_int_equal(ls_map_find(&map, 1, key_eq, NULL, &absent), LS_MAP_NONE);
}

static uint64_t
strong(uint32_t key)
{
	return ls_hash_mix(key);
}

/* through being split and back to empty, against the plain truth */
static void
map_grows_in_parts(void **state)
{
	(void)state;
	enum { COUNT = 300000 };
	struct ls_map map = { 0 };
	bool *present = calloc(COUNT, sizeof *present);
	unsigned seed = 7;
	size_t count = 0, before = 0, jump = 0;
	assert_non_null(present);
	assert_int_equal(ls_map_peek(&map, 5), LS_MAP_NONE);
	ls_map_prefetch(&map, 5);
	for (uint32_t step = 0; step < 3 * COUNT; step++) {
		/* first more and more, in the end fewer and fewer */
		uint32_t v = (uint32_t)rand_r(&seed) % COUNT, key = v * 7u;
		bool add = (uint32_t)rand_r(&seed) % (3 * COUNT) > step;
		uint32_t found = ls_map_find(&map, strong(key), key_eq, NULL, &key);
		assert_int_equal(found, present[v] ? v : LS_MAP_NONE);
		assert_true(!present[v] || ls_map_peek(&map, strong(key)) != LS_MAP_NONE);
		if (present[v] && !add) {
			assert_true(ls_map_remove(&map, strong(key), v));
			assert_false(ls_map_remove(&map, strong(key), v));
			present[v] = false;
			count--;
		} else if (!present[v] && add) {
			assert_int_equal(ls_map_insert(&map, strong(key), v), LS_OK);
			present[v] = true;
			count++;
		}
		size_t bytes = ls_map_bytes(&map);
		if (before > 256000)
			jump = LS_MAX(jump, bytes - before);
		before = bytes;
		assert_int_equal(map.used, count);
	}
	/* no insertion doubled all of it, though all of it was doubled, twice and more */
	assert_true(jump > 0 && jump < before / 100);
	for (uint32_t v = 0; v < COUNT; v++) {
		uint32_t key = v * 7u;
		assert_int_equal(ls_map_find(&map, strong(key), key_eq, NULL, &key),
			present[v] ? v : LS_MAP_NONE);
		assert_true(!present[v] || ls_map_remove(&map, strong(key), v));
	}
	assert_int_equal(map.used, 0);
	ls_map_fini(&map);
	assert_int_equal(ls_map_bytes(&map), 0);
	free(present);
}

static void
hash_differs(void **state)
{
	(void)state;
	struct ls_hash_key a = { 1, 2 }, b = { 1, 3 };
	uint64_t seen[64];
	char text[64];
	memset(text, 'x', sizeof text);
	for (size_t len = 0; len < 64; len++) {
		seen[len] = ls_hash(a, text, len);
		assert_true(seen[len] != ls_hash(b, text, len));
		for (size_t i = 0; i < len; i++)
			assert_true(seen[i] != seen[len]);
		struct ls_hash128 wide = ls_hash128(a, text, len);
		assert_true(wide.lo != wide.hi && wide.lo != seen[len]);
	}
}

static void
times(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2024-01-15T10:30:00Z", 1705314600000 },
		{ "2026-11-22T10:00:00.1239Z", 1795341600123 },
		{ "2026-11-22T11:00:00+01:00", 1795341600000 },
		{ "2026-11-22t04:30:00-0530", 1795341600000 },
		{ "2024-02-29", 1709164800000 },
		{ "2016-12-31T23:59:60Z", 1483228799999 },
		{ "9999-12-31T23:59:59.999Z", 253402300799999 },
	};
	const char *const bad[] = { "", "2026", "2026-13-01", "2026-02-29", "2026-11-22T24:00:00Z",
		"2026-11-22T10:00:00", "2026-11-22T10:00:00.Z", "1969-12-31T23:59:59Z",
		"2026-11-22T10:00:00Zx", "2026-11-22 10:00:00+25:00", "99999-01-01", "2026-11-00" };
	char out[LS_ISO8601_LEN + 1], http[LS_HTTP_DATE_LEN + 1];
	for (size_t i = 0; i < LS_ARRAY_LEN(good); i++) {
		int64_t ms = -1;
		assert_int_equal(ls_iso8601_parse(ls_slice_str(good[i].text), &ms), LS_OK);
		assert_true(ms == good[i].ms);
	}
	for (size_t i = 0; i < LS_ARRAY_LEN(bad); i++) {
		int64_t ms = -1;
		assert_int_equal(ls_iso8601_parse(ls_slice_str(bad[i]), &ms), LS_ERR_INVALID);
		assert_true(ms == -1);
	}
	for (int64_t ms = 0; ms < 253402300799999; ms += 86399999 * INT64_C(37)) {
		int64_t back = -1;
		ls_iso8601_format(ms, out);
		assert_int_equal(ls_iso8601_parse(ls_slice_str(out), &back), LS_OK);
		assert_true(back == ms);
	}
	ls_http_date_format(1795341600000, http);
	assert_string_equal(http, "Sun, 22 Nov 2026 10:00:00 GMT");
}

static void
log_lines(void **state)
{
	(void)state;
	char out[512];
	(void)ls_logger_format(
		out, sizeof out, LS_LOG_TEXT, LS_LEVEL_WARN, "http", "bad\nline code=5", 0);
	assert_string_equal(out, "1970-01-01T00:00:00.000Z warn http: bad\\x0aline code=5\n");
	(void)ls_logger_format(out, sizeof out, LS_LOG_JSON, LS_LEVEL_INFO, "http",
		"now listening at=\"a b\" n=5 \"q\"", 0);
	assert_string_equal(out,
		"{\"time\":\"1970-01-01T00:00:00.000Z\",\"level\":\"info\",\"topic\":\"http\","
		"\"message\":\"now listening \\\"q\\\"\",\"at\":\"a b\",\"n\":\"5\"}\n");
}

static void
histogram(void **state)
{
	(void)state;
	struct ls_hist h = { 0 };
	assert_int_equal(ls_hist_quantile(&h, .5), 0);
	ls_hist_add(&h, 0);
	ls_hist_add(&h, 10000);
	ls_hist_add(&h, 10001);
	ls_hist_add(&h, 20000);
	ls_hist_add(&h, INT64_C(3600000000000));
	assert_int_equal(h.count[0], 2);
	assert_int_equal(h.count[1], 2);
	assert_int_equal(h.count[LS_HIST_BUCKETS], 1);
	assert_int_equal(ls_hist_quantile(&h, .5), 20000);
	struct ls_buf buf;
	ls_buf_init(&buf, 1u << 20);
	ls_prom_family(&buf, "x_seconds", LS_PROM_HISTOGRAM, "Help.");
	ls_prom_hist(&buf, "x_seconds", "a=\"b\"", &h);
	ls_prom_sample(&buf, "y", NULL, 2.5);
	(void)ls_buf_add_char(&buf, '\0');
	assert_non_null(strstr(buf.data, "x_seconds_bucket{a=\"b\",le=\"1e-05\"} 2\n"));
	assert_non_null(strstr(buf.data, "x_seconds_bucket{a=\"b\",le=\"+Inf\"} 5\n"));
	assert_non_null(strstr(buf.data, "x_seconds_count{a=\"b\"} 5\n"));
	assert_non_null(strstr(buf.data, "\ny 2.5\n"));
	ls_buf_fini(&buf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slice_numbers),
		cmocka_unit_test(slice_text),
		cmocka_unit_test(utf8),
		cmocka_unit_test(buf_limits),
		cmocka_unit_test(arena_limits),
		cmocka_unit_test(map_against_array),
		cmocka_unit_test(map_grows_in_parts),
		cmocka_unit_test(hash_differs),
		cmocka_unit_test(times),
		cmocka_unit_test(log_lines),
		cmocka_unit_test(histogram),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
