/* SPDX-License-Identifier: MIT */
/* Base64 (RFC 4648 section 4, with padding) and lower-case hex, strict in both directions. */
#ifndef LS_BASE_BASE64_H
#define LS_BASE_BASE64_H

#include "base/slice.h"

#define LS_BASE64_LEN(n) (((n) + 2) / 3 * 4)

/** Writes LS_BASE64_LEN(len) bytes and a NUL. */
void ls_base64_encode(const void *data, size_t len, char *out);
/** Exactly `len` bytes must come out; padding required, no white space, no stray bits.
 * LS_ERR_INVALID otherwise. */
int ls_base64_decode(struct ls_slice text, void *out, size_t len) LS_MUST_CHECK;
/** Writes 2 * len bytes and a NUL. */
void ls_hex_encode(const void *data, size_t len, char *out);
/** Exactly `len` bytes must come out; either case. */
int ls_hex_decode(struct ls_slice text, void *out, size_t len) LS_MUST_CHECK;

#endif
