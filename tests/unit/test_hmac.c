// SPDX-License-Identifier: MIT
/* hmac: RFC 4231, lengths around the block's, keys around the block's, scattered parts. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/hmac.h"

static void
expect_hex(const uint8_t digest[LS_SHA256_LEN], const char *hex)
{
	char text[2 * LS_SHA256_LEN + 1];
	ls_hex_encode(digest, LS_SHA256_LEN, text);
	assert_string_equal(text, hex);
}

static void
expect_hmac(struct ls_slice key, struct ls_slice message, const char *hex)
{
	uint8_t digest[LS_SHA256_LEN];
	struct ls_hmac *hmac = ls_hmac_new(key);
	assert_non_null(hmac);
	/* twice: signing must not use the states up */
	for (int i = 0; i < 2; i++) {
		memset(digest, 0, sizeof digest);
		ls_hmac_sign(hmac, &message, 1, digest);
		expect_hex(digest, hex);
	}
	assert_null(ls_hmac_free(hmac));
}

static void
rfc4231(void **state)
{
	(void)state;
	char key[131], data[50], counting[25];
	memset(key, 0x0b, 20);
	expect_hmac(ls_slice(key, 20), LS_S("Hi There"),
		"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	expect_hmac(LS_S("Jefe"), LS_S("what do ya want for nothing?"),
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof key);
	memset(data, 0xdd, sizeof data);
	expect_hmac(ls_slice(key, 20), ls_slice(data, sizeof data),
		"773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
	for (size_t i = 0; i < sizeof counting; i++)
		counting[i] = (char)(i + 1);
	memset(data, 0xcd, sizeof data);
	expect_hmac(ls_slice(counting, sizeof counting), ls_slice(data, sizeof data),
		"82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
	expect_hmac(ls_slice(key, 131),
		LS_S("Test Using Larger Than Block-Size Key - Hash Key First"),
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	expect_hmac(ls_slice(key, 131),
		LS_S("This is a test using a larger than block-size key and a larger than "
		     "block-size data. The key needs to be hashed before being used by the HMAC "
		     "algorithm."),
		"9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

/* The rest was computed with Python's hmac and hashlib. */
static void
key_lengths(void **state)
{
	(void)state;
	struct ls_slice message = LS_S("POSThttps://example.com/webhooks/hubspot[{\"eventId\":1}]"
				       "1793612200000");
	char key[200];
	for (size_t i = 0; i < sizeof key; i++)
		key[i] = (char)i;
	expect_hmac(ls_slice(key, 64), message,
		"11e17859fa0770585c8a8eac79f9851f7e550de21b3cdfb1a7f75499cfc8377c");
	expect_hmac(ls_slice(key, 65), message,
		"f4989940aec9d192b754d034d792913f16b228fc25afef4586d0f0e8458d23ef");
	expect_hmac(ls_slice(key, 200), message,
		"173220694e55bac52a32d79afacd6c9cc96b2a03e356ad41d375f8b1d424fc3d");
	expect_hmac(LS_S(""), LS_S(""),
		"b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
	expect_hmac(ls_slice(NULL, 0), ls_slice(NULL, 0),
		"b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void
message_lengths(void **state)
{
	(void)state;
	static const struct {
		size_t len;
		const char *hmac, *sha;
	} rows[] = {
		{ 0, "f9e66e179b6747ae54108f82f8ade8b3c25d76fd30afde6c395822c530196169",
			"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ 1, "1c681f4d7ec28c00668ab583b2a09d0c01fb6f7a0dabc34de14dadb7a359b0b3",
			"084fed08b978af4d7d196a7446a86b58009e636b611db16211b65a9aadff29c5" },
		{ 55, "398eb4ea3a8954aba1786a7475fa89ccbd8db771ca8d479626116f956066c79a",
			"e7313d333c272e639f790978283f9eb392e843d0f29b7016828bb1daa4aac70b" },
		{ 56, "ea6fa60365fddad309512dac913a73b9c2e1ea2fac2d73b1c2d5cfd6c592f4e8",
			"4324d65f3c103567f5589c710bc08f8523f929a9272e3af36fc968e52abc6c27" },
		{ 63, "473241ecd22462a174dc1f6a05baec56868cb7c217001bfc2800924aad613caf",
			"81c80242132f230c3bd41b3e63bbcff16107339549214a99614ff26664625055" },
		{ 64, "92c6e2e69404e00e91ee63817bc28336ce1bae750518f692a968af0591e74ce9",
			"39e3d7b6b5d075d37d053ad89b24b41bef4f3c29760c84447cab3f3be1882241" },
		{ 65, "750677ef3f1d3cbd50c7bddcce161189992d4fea90ae3be7aeb05f00d6878fab",
			"aacca6ff74fdbb296d165a45cecfa04e5127bc008770fbbdd48006f2d2fae95e" },
		{ 119, "236fe32140ebcb1120a39c99b4eaf59c808d6b7a84dcfc6826a7275fd0bfc238",
			"9ce7368e4daf32341631b492e80359dc9f594b48453cd0dd5bf0b19279cc177e" },
		{ 128, "99bf36c78b55d4255a73e85ad52023a124e8b27486bece6edb4d771e96641418",
			"d2742f1f4ac6bb7ca2b239ee18402ba8b3f9f8e652d2a72973c2b9ba11c08cf6" },
		{ 1000, "f204e5fa110c0a06e51f495f9c89fbc74e7a46a49f6db57a8f9ae68f9015be1b",
			"1e9bc38cbf860b9ec31918b065f9b52476c549a782e0e7990bed8ce3868d2371" },
	};
	char message[1000];
	uint8_t digest[LS_SHA256_LEN];
	for (size_t i = 0; i < sizeof message; i++)
		message[i] = (char)(i * 7 + 3);
	for (size_t i = 0; i < LS_ARRAY_LEN(rows); i++) {
		struct ls_slice whole = ls_slice(message, rows[i].len);
		expect_hmac(LS_S("secret"), whole, rows[i].hmac);
		ls_sha256(&whole, 1, digest);
		expect_hex(digest, rows[i].sha);
	}
}

static void
parts(void **state)
{
	(void)state;
	uint8_t whole[LS_SHA256_LEN], scattered[LS_SHA256_LEN];
	struct ls_slice one = LS_S("POST/webhooks/hubspot{}1793612200000");
	const struct ls_slice many[] = { LS_S("POST"), ls_slice(NULL, 0), LS_S("/webhooks/hubspot"),
		LS_S(""), LS_S("{}"), LS_S("1793612200000") };
	struct ls_hmac *hmac = ls_hmac_new(LS_S("a key"));
	assert_non_null(hmac);
	ls_hmac_sign(hmac, &one, 1, whole);
	ls_hmac_sign(hmac, many, LS_ARRAY_LEN(many), scattered);
	assert_memory_equal(whole, scattered, sizeof whole);
	ls_sha256(&one, 1, whole);
	ls_sha256(many, LS_ARRAY_LEN(many), scattered);
	assert_memory_equal(whole, scattered, sizeof whole);
	ls_sha256(NULL, 0, whole);
	expect_hex(whole, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	(void)ls_hmac_free(hmac);
	assert_null(ls_hmac_free(NULL));
}

static void
equal(void **state)
{
	(void)state;
	char a[] = "0123456789", b[] = "0123456789";
	assert_true(ls_equal_secret(a, b, 10) && ls_equal_secret(NULL, NULL, 0));
	for (size_t i = 0; i < 10; i++) {
		b[i] ^= 0x40;
		assert_false(ls_equal_secret(a, b, 10));
		assert_true(ls_equal_secret(a, b, i));
		b[i] ^= 0x40;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc4231),
		cmocka_unit_test(key_lengths),
		cmocka_unit_test(message_lengths),
		cmocka_unit_test(parts),
		cmocka_unit_test(equal),
	};
	return cmocka_run_group_tests_name("hmac", tests, NULL, NULL);
}
