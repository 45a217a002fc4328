/* SPDX-License-Identifier: MIT */
/* SHA-256 and HMAC-SHA256 (FIPS 180-4, RFC 2104) over scattered bytes, through libcrypto; and
 * comparison in constant time. */
#ifndef LS_BASE_HMAC_H
#define LS_BASE_HMAC_H

#include "base/slice.h"

#define LS_SHA256_LEN 32

/** The key's inner and outer states, computed once: a message then costs its own blocks and two
 * more. */
struct ls_hmac;

/** NULL when there is no memory. */
struct ls_hmac *ls_hmac_new(struct ls_slice key) LS_MUST_CHECK;
struct ls_hmac *ls_hmac_free(struct ls_hmac *hmac);
/** The parts are taken as if written one behind the other. */
void ls_hmac_sign(const struct ls_hmac *hmac, const struct ls_slice *parts, size_t count,
	uint8_t out[LS_SHA256_LEN]);

/** Of the parts, as if written one behind the other. */
void ls_sha256(const struct ls_slice *parts, size_t count, uint8_t out[LS_SHA256_LEN]);

/** True when equal; time depends on `len` alone. */
bool ls_equal_secret(const void *a, const void *b, size_t len);

#endif
