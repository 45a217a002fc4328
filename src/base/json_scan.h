/* SPDX-License-Identifier: MIT */
/* The inner loops that the JSON reader and writer share. In a header because they are the hot path
 * of both and must be inlined there; nobody else needs them. */
#ifndef LS_BASE_JSON_SCAN_H
#define LS_BASE_JSON_SCAN_H

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/slice.h"

#define LS_JSON_BYTES(c) (0x0101010101010101u * (uint64_t)(c))

static inline bool
ls_json_is_plain(char c)
{
	return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

/** The first byte that is a quote, a backslash, a control character or not ASCII; or the end. */
static inline const char *
ls_json_plain_end(const char *p, const char *end)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
	const __m128i space = _mm_set1_epi8(' ');
	for (; end - p >= 16; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		/* as signed bytes, what is not ASCII is below the space too */
		__m128i stop = _mm_or_si128(_mm_cmplt_epi8(v, space),
			_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)));
		unsigned mask = (unsigned)_mm_movemask_epi8(stop);
		if (mask != 0)
			return p + __builtin_ctz(mask);
	}
#endif
	for (; end - p >= 8; p += 8) {
		uint64_t v;
		memcpy(&v, p, 8);
		uint64_t quotes = v ^ LS_JSON_BYTES('"'), backslashes = v ^ LS_JSON_BYTES('\\');
		uint64_t stop = ((v - LS_JSON_BYTES(0x20)) & ~v) |
				((quotes - LS_JSON_BYTES(1)) & ~quotes) |
				((backslashes - LS_JSON_BYTES(1)) & ~backslashes) | v;
		if ((stop & LS_JSON_BYTES(0x80)) != 0)
			break;
	}
	while (p < end && ls_json_is_plain(*p))
		p++;
	return p;
}

/** Length of the well-formed UTF-8 sequence (RFC 3629) at `text`, which is not ASCII; 0 when it is
 * none. */
static inline size_t
ls_json_utf8_sequence(const char *text, const char *end)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || (size_t)(end - text) < len)
		return 0;
	/* the second byte's range excludes overlong forms, surrogates and what is above U+10FFFF */
	unsigned char lo = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
	unsigned char hi = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
	if (p[1] < lo || p[1] > hi)
		return 0;
	for (size_t i = 2; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

#endif
