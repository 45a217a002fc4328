// SPDX-License-Identifier: MIT
/* gzip: what goes in comes out, and nothing else does: cut, damaged, continued or too large. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "io/gzip.h"

#define ROOM (4u << 20)

/** `len` bytes: all alike, or as good as random. */
static char *
sample(size_t len, bool random)
{
	char *text = malloc(len + 1);
	uint32_t x = 12345;
	assert_non_null(text);
	for (size_t i = 0; i < len; i++) {
		x = x * 1664525u + 1013904223u;
		text[i] = random ? (char)(x >> 24) : 'a';
	}
	return text;
}

static void
pack(struct ls_slice in, struct ls_buf *out)
{
	struct ls_gzip *gzip = ls_gzip_new();
	assert_non_null(gzip);
	assert_int_equal(ls_gzip_add(gzip, in, out), LS_OK);
	assert_null(ls_gzip_free(gzip));
}

static int
unpack(struct ls_slice in, size_t max, struct ls_slice want)
{
	struct ls_buf out;
	ls_buf_init(&out, max);
	int err = ls_gunzip(in, &out);
	if (err == LS_OK)
		assert_true(ls_slice_eq(ls_buf_slice(&out), want));
	ls_buf_fini(&out);
	return err;
}

static void
round_trips(void **state)
{
	static const size_t sizes[] = { 0, 1, 100, 16383, 16384, 16385, 1u << 20 };
	struct ls_gzip *gzip = ls_gzip_new();
	(void)state;
	assert_non_null(gzip);
	for (size_t i = 0; i < 2 * LS_ARRAY_LEN(sizes); i++) {
		size_t len = sizes[i / 2];
		char *text = sample(len, i % 2 == 1);
		struct ls_buf packed;
		ls_buf_init(&packed, ROOM);
		assert_int_equal(ls_buf_add(&packed, "before", 6), LS_OK);
		assert_int_equal(ls_gzip_add(gzip, ls_slice(text, len), &packed), LS_OK);
		assert_memory_equal(packed.data, "before\x1f\x8b", 8);
		if (i % 2 == 0 && len > 1000)
			assert_true(packed.len < len / 50);
		struct ls_slice member = ls_slice(packed.data + 6, packed.len - 6);
		assert_int_equal(unpack(member, ROOM, ls_slice(text, len)), LS_OK);
		assert_int_equal(unpack(member, len + 1, ls_slice(text, len)), LS_OK);
		ls_buf_fini(&packed);
		free(text);
	}
	(void)ls_gzip_free(gzip);
}

static void
limits(void **state)
{
	(void)state;
	char *text = sample(1u << 20, false), *noise = sample(1u << 16, true);
	struct ls_buf packed, small;
	struct ls_gzip *gzip = ls_gzip_new();
	ls_buf_init(&packed, ROOM);
	ls_buf_init(&small, 1000);
	assert_non_null(gzip);
	/* a few bytes that would become a million */
	pack(ls_slice(text, 1u << 20), &packed);
	assert_int_equal(unpack(ls_buf_slice(&packed), 100000, LS_S("")), LS_ERR_LIMIT);
	assert_int_equal(unpack(ls_buf_slice(&packed), (1u << 20) - 1, LS_S("")), LS_ERR_LIMIT);
	/* the same compressor is good for more after it has failed */
	assert_int_equal(ls_gzip_add(gzip, ls_slice(noise, 1u << 16), &small), LS_ERR_LIMIT);
	ls_buf_reset(&small);
	assert_int_equal(ls_gzip_add(gzip, LS_S("short"), &small), LS_OK);
	assert_int_equal(unpack(ls_buf_slice(&small), 100, LS_S("short")), LS_OK);
	(void)ls_gzip_free(gzip);
	ls_buf_fini(&small);
	ls_buf_fini(&packed);
	free(text);
	free(noise);
}

static void
damage(void **state)
{
	(void)state;
	const struct ls_slice text =
		LS_S("every byte of this is checked, at every place of the member");
	struct ls_buf packed;
	ls_buf_init(&packed, 1000);
	pack(text, &packed);
	for (size_t len = 0; len < packed.len; len++)
		assert_int_equal(unpack(ls_slice(packed.data, len), ROOM, text), LS_ERR_INVALID);
	for (size_t i = 0; i < packed.len * 8; i++) {
		packed.data[i / 8] = (char)(packed.data[i / 8] ^ 1 << i % 8);
		/* the header has bits that do not matter, and so has the last byte of the data:
		 * then it is the same text, which unpack() checks */
		int err = unpack(ls_buf_slice(&packed), ROOM, text);
		assert_true(err == LS_ERR_INVALID || (err == LS_OK && i / 8 < packed.len - 8));
		packed.data[i / 8] = (char)(packed.data[i / 8] ^ 1 << i % 8);
	}
	assert_int_equal(ls_buf_add(&packed, "x", 1), LS_OK);
	assert_int_equal(unpack(ls_buf_slice(&packed), ROOM, text), LS_ERR_INVALID);
	assert_int_equal(unpack(text, ROOM, text), LS_ERR_INVALID);
	ls_buf_fini(&packed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips),
		cmocka_unit_test(limits),
		cmocka_unit_test(damage),
	};
	return cmocka_run_group_tests_name("gzip", tests, NULL, NULL);
}
