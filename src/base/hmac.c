// SPDX-License-Identifier: MIT
/* SHA-256 and HMAC-SHA256 on libcrypto's block functions. OpenSSL 3 deprecates them in favour of
 * EVP, whose fetches and copies cost more than hashing a webhook does: a request here is two copies
 * of 112 bytes and its blocks. This is the only file of base that includes OpenSSL's headers. */

#define OPENSSL_API_COMPAT 0x10100000L /* SHA256_* without the notice */

#include "base/hmac.h"

#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

struct ls_hmac {
	SHA256_CTX inner, outer;
};

static void
absorb(SHA256_CTX *ctx, const struct ls_slice *parts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (parts[i].len > 0)
			(void)SHA256_Update(ctx, parts[i].data, parts[i].len);
	}
}

static void
start(SHA256_CTX *ctx, const uint8_t key[SHA256_CBLOCK], uint8_t pad)
{
	uint8_t block[SHA256_CBLOCK];
	for (size_t i = 0; i < sizeof block; i++)
		block[i] = key[i] ^ pad;
	(void)SHA256_Init(ctx);
	(void)SHA256_Update(ctx, block, sizeof block);
	OPENSSL_cleanse(block, sizeof block);
}

struct ls_hmac *
ls_hmac_new(struct ls_slice key)
{
	struct ls_hmac *hmac = malloc(sizeof *hmac);
	if (hmac == NULL)
		return NULL;
	uint8_t block[SHA256_CBLOCK] = { 0 };
	if (key.len > sizeof block)
		ls_sha256(&key, 1, block);
	else if (key.len > 0)
		memcpy(block, key.data, key.len);
	start(&hmac->inner, block, 0x36);
	start(&hmac->outer, block, 0x5c);
	OPENSSL_cleanse(block, sizeof block);
	return hmac;
}

struct ls_hmac *
ls_hmac_free(struct ls_hmac *hmac)
{
	if (hmac != NULL)
		OPENSSL_cleanse(hmac, sizeof *hmac);
	free(hmac);
	return NULL;
}

void
ls_hmac_sign(const struct ls_hmac *hmac, const struct ls_slice *parts, size_t count,
	uint8_t out[LS_SHA256_LEN])
{
	uint8_t digest[LS_SHA256_LEN];
	SHA256_CTX ctx = hmac->inner;
	absorb(&ctx, parts, count);
	(void)SHA256_Final(digest, &ctx);
	ctx = hmac->outer;
	(void)SHA256_Update(&ctx, digest, sizeof digest);
	(void)SHA256_Final(out, &ctx);
}

void
ls_sha256(const struct ls_slice *parts, size_t count, uint8_t out[LS_SHA256_LEN])
{
	SHA256_CTX ctx;
	(void)SHA256_Init(&ctx);
	absorb(&ctx, parts, count);
	(void)SHA256_Final(out, &ctx);
}

bool
ls_equal_secret(const void *a, const void *b, size_t len)
{
	return len == 0 || CRYPTO_memcmp(a, b, len) == 0;
}
