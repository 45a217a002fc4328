/* SPDX-License-Identifier: MIT */
/* Functions over byte slices: compare, search, split, parse numbers. Nothing here allocates. */
#ifndef LS_BASE_SLICE_H
#define LS_BASE_SLICE_H

#include <string.h>

#include "base/base.h"

/** A slice of a string literal, at compile time. */
#define LS_S(literal) ((struct ls_slice){ .data = "" literal, .len = sizeof(literal) - 1 })

/** The same as an initialiser of static data. */
#define LS_S_INIT(literal)                                                                         \
	{                                                                                          \
		.data = "" literal, .len = sizeof(literal) - 1                                     \
	}

/** printf helper: printf("%.*s", LS_FMT(slice)). */
#define LS_FMT(s) (int)LS_MIN((s).len, (size_t)INT32_MAX), (s).data

static inline struct ls_slice
ls_slice(const char *data, size_t len)
{
	return (struct ls_slice){ .data = data, .len = len };
}

/** NULL gives the empty slice. */
struct ls_slice ls_slice_str(const char *str);

/** Inline, so that comparing with LS_S("...") is a compare of lengths and few words. */
static inline bool
ls_slice_eq(struct ls_slice a, struct ls_slice b)
{
	return a.len == b.len && (b.len == 0 || memcmp(a.data, b.data, b.len) == 0);
}

/** ASCII case only, never the locale's. */
bool ls_slice_eq_nocase(struct ls_slice a, struct ls_slice b);
/** <0, 0, >0 as memcmp, shorter first. */
int ls_slice_cmp(struct ls_slice a, struct ls_slice b);
bool ls_slice_starts(struct ls_slice s, struct ls_slice prefix);
bool ls_slice_ends(struct ls_slice s, struct ls_slice suffix);
/** Position of the byte, or s.len when it is not there. */
size_t ls_slice_find(struct ls_slice s, char byte);
/** Without spaces and tabs at both ends. */
struct ls_slice ls_slice_trim(struct ls_slice s);
/**
 * Cuts the part before `sep` off `*rest` into `*part`. The last part has no separator behind it.
 * Returns false when `*rest` was used up (rest->data == NULL) before.
 */
bool ls_slice_cut(struct ls_slice *rest, char sep, struct ls_slice *part);

/** All bytes digits, value in range; a sign only for the i64 form. LS_ERR_INVALID otherwise, `out`
 * untouched. */
int ls_slice_to_u64(struct ls_slice s, uint64_t *out) LS_MUST_CHECK;
int ls_slice_to_i64(struct ls_slice s, int64_t *out) LS_MUST_CHECK;
/** JSON number grammar, finite, locale-free. At most 64 bytes. */
int ls_slice_to_double(struct ls_slice s, double *out) LS_MUST_CHECK;

/** Well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF). */
bool ls_utf8_valid(struct ls_slice s);

static inline char
ls_ascii_lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static inline bool
ls_ascii_digit(char c)
{
	return c >= '0' && c <= '9';
}

#endif
