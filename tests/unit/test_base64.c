// SPDX-License-Identifier: MIT
/* base64: RFC 4648's vectors, every length's round trip, and all that strictness refuses. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base64.h"

static void
vectors(void **state)
{
	(void)state;
	const struct {
		struct ls_slice bytes;
		const char *base64, *hex;
	} rows[] = {
		{ LS_S(""), "", "" },
		{ LS_S("f"), "Zg==", "66" },
		{ LS_S("fo"), "Zm8=", "666f" },
		{ LS_S("foo"), "Zm9v", "666f6f" },
		{ LS_S("foob"), "Zm9vYg==", "666f6f62" },
		{ LS_S("fooba"), "Zm9vYmE=", "666f6f6261" },
		{ LS_S("foobar"), "Zm9vYmFy", "666f6f626172" },
		{ LS_S("\0\x10\x83\xff\xfb\xbf"), "ABCD//u/", "001083fffbbf" },
	};
	for (size_t i = 0; i < LS_ARRAY_LEN(rows); i++) {
		char text[32], back[16];
		size_t len = rows[i].bytes.len;
		ls_base64_encode(rows[i].bytes.data, len, text);
		assert_string_equal(text, rows[i].base64);
		assert_int_equal(strlen(text), LS_BASE64_LEN(len));
		assert_int_equal(ls_base64_decode(ls_slice_str(text), back, len), LS_OK);
		assert_memory_equal(back, rows[i].bytes.data, len);
		ls_hex_encode(rows[i].bytes.data, len, text);
		assert_string_equal(text, rows[i].hex);
		assert_int_equal(ls_hex_decode(ls_slice_str(text), back, len), LS_OK);
		assert_memory_equal(back, rows[i].bytes.data, len);
	}
}

static void
round_trips(void **state)
{
	(void)state;
	uint8_t bytes[100] = { 0 }, back[100];
	char text[2 * sizeof bytes + 1];
	uint64_t seed = 1;
	for (size_t len = 0; len <= sizeof bytes; len++) {
		for (size_t i = 0; i < len; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			bytes[i] = (uint8_t)(seed >> 56);
		}
		ls_base64_encode(bytes, len, text);
		struct ls_slice s = ls_slice_str(text);
		assert_int_equal(ls_base64_decode(s, back, len), LS_OK);
		assert_memory_equal(back, bytes, len);
		/* any other length is refused */
		assert_int_equal(ls_base64_decode(s, back, len + 1), LS_ERR_INVALID);
		if (len > 0)
			assert_int_equal(ls_base64_decode(s, back, len - 1), LS_ERR_INVALID);
		ls_hex_encode(bytes, len, text);
		assert_int_equal(ls_hex_decode(ls_slice_str(text), back, len), LS_OK);
		assert_memory_equal(back, bytes, len);
		assert_int_equal(ls_hex_decode(ls_slice_str(text), back, len + 1), LS_ERR_INVALID);
	}
}

static void
refused(void **state)
{
	(void)state;
	const struct {
		struct ls_slice text;
		size_t len;
	} base64[] = {
		{ LS_S("Zg"), 1 },         /* no padding */
		{ LS_S("Zg="), 1 },        /* half of it */
		{ LS_S("Zg==="), 1 },      /* too much */
		{ LS_S("Zh=="), 1 },       /* a bit that no byte takes */
		{ LS_S("Zv=="), 1 },       /* four of them */
		{ LS_S("Zm9="), 2 },       /* the same for two bytes */
		{ LS_S("Z==="), 1 },       /* one letter */
		{ LS_S("===="), 1 },       /* none */
		{ LS_S("=Zg="), 1 },       /* padding in front */
		{ LS_S("Zg=A"), 1 },       /* a letter behind padding */
		{ LS_S("Zm=v"), 3 },       /* padding within */
		{ LS_S("Zm9v\n"), 3 },     /* white space */
		{ LS_S(" m9v"), 3 },       /* the same in place of a letter */
		{ LS_S("Zm9-"), 3 },       /* the alphabet of section 5 */
		{ LS_S("Zm9_"), 3 },       /* the same */
		{ LS_S("Zm\0v"), 3 },      /* NUL */
		{ LS_S("Zm\xc3\xa9"), 3 }, /* not ASCII */
		{ LS_S("Zm9@"), 3 },       /* neighbours of the ranges */
		{ LS_S("Zm9["), 3 },
		{ LS_S("Zm9`"), 3 },
		{ LS_S("Zm9{"), 3 },
		{ LS_S("Zm9:"), 3 },
		{ LS_S("Zm9."), 3 },
		{ LS_S(""), 1 },
		{ LS_S(""), SIZE_MAX },
		{ LS_S("Zg=="), SIZE_MAX - 1 },
	};
	char out[4] = "abc";
	for (size_t i = 0; i < LS_ARRAY_LEN(base64); i++)
		assert_int_equal(
			ls_base64_decode(base64[i].text, out, base64[i].len), LS_ERR_INVALID);
	const struct ls_slice hex[] = { LS_S("6"), LS_S("666"), LS_S("6g"), LS_S("g6"), LS_S(" 6"),
		LS_S("0x"), LS_S("6:"), LS_S("6/"), LS_S("6@"), LS_S("6`"),
		LS_S("\0"
		     "6"),
		LS_S("") };
	for (size_t i = 0; i < LS_ARRAY_LEN(hex); i++)
		assert_int_equal(ls_hex_decode(hex[i], out, 1), LS_ERR_INVALID);
	assert_string_equal(out, "abc");
	assert_int_equal(ls_hex_decode(LS_S("aFFa"), out, 2), LS_OK);
	assert_memory_equal(out, "\xaf\xfa", 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(round_trips),
		cmocka_unit_test(refused),
	};
	return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
