// SPDX-License-Identifier: MIT
/* service/dedupe: keys are kept for 26 hours whatever arrives, and forgotten afterwards. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "service/dedupe.h"

#define HOUR INT64_C(3600000)
#define T0   (1000 * LS_DEDUPE_GENERATION_MS)

static struct ls_hash128
key(uint64_t n)
{
	return (struct ls_hash128){ .lo = ls_hash_mix(n),
		.hi = ls_hash_mix(n ^ 0x5555555555555555u) };
}

static bool
seen(struct ls_dedupe *d, uint64_t n, int64_t at_ms)
{
	bool was = false;
	assert_int_equal(ls_dedupe_add(d, key(n), at_ms, &was), LS_OK);
	return was;
}

static void
remembers_and_forgets(void **state)
{
	(void)state;
	struct ls_dedupe *d = ls_dedupe_new(1000000);
	for (uint64_t n = 0; n < 20000; n++)
		assert_false(seen(d, n, T0 + (int64_t)n));
	for (uint64_t n = 0; n < 20000; n++)
		assert_true(seen(d, n, T0 + 25 * HOUR));
	assert_int_equal(ls_dedupe_count(d), 20000);
	/* at the worst moment of the generations 26 hours are kept */
	assert_false(seen(d, 777777, T0 + LS_DEDUPE_GENERATION_MS - 1));
	assert_true(seen(d, 777777, T0 + LS_DEDUPE_GENERATION_MS - 1 + 26 * HOUR));
	/* three generations later everything is gone */
	assert_false(seen(d, 1, T0 + 3 * LS_DEDUPE_GENERATION_MS));
	assert_false(seen(d, 999999, T0 + 60 * HOUR));
	assert_true(ls_dedupe_count(d) < 10);
	assert_null(ls_dedupe_free(d));
}

static void
late_keys_join_the_oldest(void **state)
{
	(void)state;
	struct ls_dedupe *d = ls_dedupe_new(1000);
	assert_false(seen(d, 1, T0));
	assert_false(seen(d, 2, T0 - 100 * HOUR));
	assert_true(seen(d, 2, T0));
	assert_true(seen(d, 1, T0 - 100 * HOUR));
	(void)ls_dedupe_free(d);
}

static void
a_key_of_zeros_is_a_key(void **state)
{
	(void)state;
	struct ls_dedupe *d = ls_dedupe_new(1000);
	bool was = true;
	assert_int_equal(ls_dedupe_add(d, (struct ls_hash128){ 0 }, T0, &was), LS_OK);
	assert_false(was);
	assert_int_equal(ls_dedupe_add(d, (struct ls_hash128){ 0 }, T0, &was), LS_OK);
	assert_true(was);
	(void)ls_dedupe_free(d);
}

static void
full_forgets_the_oldest_first(void **state)
{
	(void)state;
	struct ls_dedupe *d = ls_dedupe_new(100);
	for (uint64_t n = 0; n < 60; n++)
		assert_false(seen(d, n, T0));
	for (uint64_t n = 60; n < 110; n++)
		assert_false(seen(d, n, T0 + LS_DEDUPE_GENERATION_MS));
	assert_int_equal(ls_dedupe_evicted(d), 1);
	assert_true(ls_dedupe_count(d) <= 100);
	assert_true(seen(d, 99, T0 + LS_DEDUPE_GENERATION_MS));
	(void)ls_dedupe_free(d);
}

static void
removal_leaves_the_others(void **state)
{
	(void)state;
	struct ls_dedupe *d = ls_dedupe_new(100000);
	for (uint64_t n = 0; n < 5000; n++)
		assert_false(seen(d, n, T0));
	for (uint64_t n = 0; n < 5000; n += 2)
		ls_dedupe_remove(d, key(n));
	ls_dedupe_remove(d, key(123456));
	assert_int_equal(ls_dedupe_count(d), 2500);
	for (uint64_t n = 1; n < 5000; n += 2)
		assert_true(seen(d, n, T0));
	for (uint64_t n = 0; n < 5000; n += 2)
		assert_false(seen(d, n, T0));
	(void)ls_dedupe_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remembers_and_forgets),
		cmocka_unit_test(late_keys_join_the_oldest),
		cmocka_unit_test(a_key_of_zeros_is_a_key),
		cmocka_unit_test(full_forgets_the_oldest_first),
		cmocka_unit_test(removal_leaves_the_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
