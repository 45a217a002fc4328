// SPDX-License-Identifier: MIT
/* hash: SipHash-1-3 against values of an independent implementation, which in turn gives the
 * published vectors of SipHash-2-4 (64 and 128 bits). */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/hash.h"

/* Key 00 01 .. 0f, message 00 01 .. (length - 1), wrapping. */
static void
reference(void **state)
{
	(void)state;
	const struct ls_hash_key key = { .k0 = 0x0706050403020100u, .k1 = 0x0f0e0d0c0b0a0908u };
	static const struct {
		size_t len;
		uint64_t narrow, lo, hi;
	} rows[] = {
		{ 0, 0xabac0158050fc4dcu, 0xbea58827b2bc7ee7u, 0x013030dd6adb62fdu },
		{ 1, 0xc9f49bf37d57ca93u, 0xa8edd36004376ffcu, 0x63f02f2bcc73055eu },
		{ 2, 0x82cb9b024dc7d44du, 0x9b836905097f7875u, 0x95ea6a8c54c95b85u },
		{ 3, 0x8bf80ab8e7ddf7fbu, 0x9ff7dc1efaccc56bu, 0x43d7eb1277182348u },
		{ 4, 0xcf75576088d38328u, 0x5a282bac714e780cu, 0x252cbf8fe7928e9fu },
		{ 5, 0xdef9d52f49533b67u, 0x0c625b3489db28f3u, 0x3e849526a4295279u },
		{ 6, 0xc50d2b50c59f22a7u, 0x10e743f7293dd0dcu, 0xf8a68539e8b05109u },
		{ 7, 0xd3927d989bb11140u, 0xc3e0aaf223b98410u, 0x77ab4808c82e2fa6u },
		{ 8, 0x369095118d299a8eu, 0xb4dae3d5e1fe12aau, 0x99c7f935ab164f72u },
		{ 9, 0x25a48eb36c063de4u, 0x9439f32c04b8dd81u, 0x427c1394000e72f4u },
		{ 10, 0x79de85ee92ff097fu, 0x898e495d1d54aa4fu, 0xb42fb287c3a40ebau },
		{ 11, 0x70c118c1f94dc352u, 0xdb914455f39a3b72u, 0x4e0c6efc3d63d6b1u },
		{ 12, 0x78a384b157b4d9a2u, 0xa819489e85923fe5u, 0x658cea9f739506dcu },
		{ 13, 0x306f760c1229ffa7u, 0x1d80eac9c758f8b2u, 0x4478656d5903d653u },
		{ 14, 0x605aa111c0f95d34u, 0x7222c9db6862e787u, 0x78e3645f66cab026u },
		{ 15, 0xd320d86d2a519956u, 0x6c52bdb205557ec1u, 0x09017e1eeccd2129u },
		{ 16, 0xcc4fdd1a7d908b66u, 0xeb8e511557d9a8d0u, 0x93179e3df8b013b5u },
		{ 31, 0x2370dd1f8c21d1bcu, 0x8b853c5b1c96ea42u, 0x1090a7df50e5c317u },
		{ 63, 0x9d199062b7bbb3a8u, 0x6f42fe4ee300584cu, 0xad6052a70a6b9f07u },
		{ 64, 0xf17997ec4b4a6065u, 0x36a54a4bf2de5312u, 0xc2666aba59a7c84eu },
		{ 255, 0xf76214e3153c4a15u, 0xa558210ac1a428f5u, 0xe93ebbaed065a4f1u },
		{ 256, 0x75b3e64e167de370u, 0x5a020c3a248b6cf5u, 0x7a709cb9a27a686au },
	};
	uint8_t message[257];
	for (size_t i = 0; i < sizeof message; i++)
		message[i] = (uint8_t)i;
	for (size_t i = 0; i < LS_ARRAY_LEN(rows); i++) {
		struct ls_hash128 wide = ls_hash128(key, message, rows[i].len);
		assert_true(ls_hash(key, message, rows[i].len) == rows[i].narrow);
		assert_true(wide.lo == rows[i].lo && wide.hi == rows[i].hi);
		struct ls_slice s = ls_slice((const char *)message, rows[i].len);
		assert_true(ls_hash_slice(key, s) == rows[i].narrow);
	}
}

static void
alignment(void **state)
{
	(void)state;
	const struct ls_hash_key key = { .k0 = 1, .k1 = 2 };
	char text[64] = { 0 };
	uint64_t expected = ls_hash(key, "hubspot:12345678901", 19);
	for (size_t i = 0; i < 16; i++) {
		memcpy(text + i, "hubspot:12345678901", 19);
		assert_true(ls_hash(key, text + i, 19) == expected);
	}
}

static void
keys_differ(void **state)
{
	(void)state;
	struct ls_hash_key a = ls_hash_key_random(), b = ls_hash_key_random();
	assert_true(a.k0 != b.k0 || a.k1 != b.k1);
	assert_true(ls_hash(a, "x", 1) != ls_hash(b, "x", 1));
	/* a length is part of the message */
	assert_true(ls_hash(a, "\0", 1) != ls_hash(a, "\0\0", 2));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference),
		cmocka_unit_test(alignment),
		cmocka_unit_test(keys_differ),
	};
	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
