// SPDX-License-Identifier: MIT
/* Functions over byte slices. Pure: no allocation, no locale, no globals. */

#include "base/slice.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct ls_slice
ls_slice_str(const char *str)
{
	return ls_slice(str, str != NULL ? strlen(str) : 0);
}

bool
ls_slice_eq_nocase(struct ls_slice a, struct ls_slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (ls_ascii_lower(a.data[i]) != ls_ascii_lower(b.data[i]))
			return false;
	}
	return true;
}

int
ls_slice_cmp(struct ls_slice a, struct ls_slice b)
{
	size_t n = LS_MIN(a.len, b.len);
	int order = n > 0 ? memcmp(a.data, b.data, n) : 0;
	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

bool
ls_slice_starts(struct ls_slice s, struct ls_slice prefix)
{
	return s.len >= prefix.len && ls_slice_eq(ls_slice(s.data, prefix.len), prefix);
}

bool
ls_slice_ends(struct ls_slice s, struct ls_slice suffix)
{
	return s.len >= suffix.len &&
	       ls_slice_eq(ls_slice(s.data + (s.len - suffix.len), suffix.len), suffix);
}

size_t
ls_slice_find(struct ls_slice s, char byte)
{
	const char *at = s.len > 0 ? memchr(s.data, byte, s.len) : NULL;
	return at != NULL ? (size_t)(at - s.data) : s.len;
}

struct ls_slice
ls_slice_trim(struct ls_slice s)
{
	while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t')) {
		s.data++;
		s.len--;
	}
	while (s.len > 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
		s.len--;
	return s;
}

bool
ls_slice_cut(struct ls_slice *rest, char sep, struct ls_slice *part)
{
	if (rest->data == NULL)
		return false;
	size_t at = ls_slice_find(*rest, sep);
	*part = ls_slice(rest->data, at);
	if (at == rest->len)
		*rest = ls_slice(NULL, 0);
	else
		*rest = ls_slice(rest->data + at + 1, rest->len - at - 1);
	return true;
}

int
ls_slice_to_u64(struct ls_slice s, uint64_t *out)
{
	uint64_t value = 0;
	if (s.len == 0)
		return LS_ERR_INVALID;
	for (size_t i = 0; i < s.len; i++) {
		if (!ls_ascii_digit(s.data[i]) || __builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, (uint64_t)(s.data[i] - '0'), &value))
			return LS_ERR_INVALID;
	}
	*out = value;
	return LS_OK;
}

int
ls_slice_to_i64(struct ls_slice s, int64_t *out)
{
	bool negative = s.len > 0 && s.data[0] == '-';
	uint64_t value = 0;
	if (negative)
		s = ls_slice(s.data + 1, s.len - 1);
	if (ls_slice_to_u64(s, &value) != LS_OK || value > (uint64_t)INT64_MAX + negative)
		return LS_ERR_INVALID;
	*out = negative ? (int64_t)(0 - value) : (int64_t)value;
	return LS_OK;
}

static size_t
digits(struct ls_slice s, size_t i)
{
	while (i < s.len && ls_ascii_digit(s.data[i]))
		i++;
	return i;
}

/* RFC 8259 section 6 */
static bool
number_grammar(struct ls_slice s)
{
	size_t i = 0, start;
	if (i < s.len && s.data[i] == '-')
		i++;
	start = i;
	i = digits(s, i);
	if (i == start || (s.data[start] == '0' && i > start + 1))
		return false;
	if (i < s.len && s.data[i] == '.') {
		start = ++i;
		i = digits(s, i);
		if (i == start)
			return false;
	}
	if (i < s.len && (s.data[i] == 'e' || s.data[i] == 'E')) {
		i++;
		if (i < s.len && (s.data[i] == '+' || s.data[i] == '-'))
			i++;
		start = i;
		i = digits(s, i);
		if (i == start)
			return false;
	}
	return i == s.len;
}

/** The exponent of a number whose grammar is right; beyond the bound it is 0 or infinite anyway. */
static int
read_exponent(struct ls_slice s)
{
	int value = 0;
	bool negative = s.len > 0 && s.data[0] == '-';
	for (size_t i = 0; i < s.len && value < 100000; i++)
		if (ls_ascii_digit(s.data[i]))
			value = value * 10 + (s.data[i] - '0');
	return negative ? -value : value;
}

int
ls_slice_to_double(struct ls_slice s, double *out)
{
	char text[64 + sizeof "e-2147483648"];
	if (s.len == 0 || s.len > 64 || !number_grammar(s))
		return LS_ERR_INVALID;
	/* without its point, since strtod() wants that of the locale, and the scoring library runs
	 * in programs that set one */
	size_t len = 0, i = 0;
	int exponent = 0;
	bool fraction = false;
	for (; i < s.len && s.data[i] != 'e' && s.data[i] != 'E'; i++) {
		if (s.data[i] == '.') {
			fraction = true;
			continue;
		}
		text[len++] = s.data[i];
		exponent -= fraction;
	}
	if (i < s.len)
		exponent += read_exponent(ls_slice(s.data + i + 1, s.len - i - 1));
	text[len] = '\0';
	if (exponent != 0)
		(void)snprintf(text + len, sizeof text - len, "e%d", exponent);
	char *end = NULL;
	double value = strtod(text, &end);
	if (*end != '\0' || !isfinite(value))
		return LS_ERR_INVALID;
	*out = value;
	return LS_OK;
}

bool
ls_utf8_valid(struct ls_slice s)
{
	const unsigned char *p = (const unsigned char *)s.data, *end = p + s.len;
	while (p < end) {
		/* eight ASCII bytes at a time */
		uint64_t word;
		if (end - p >= 8 && (memcpy(&word, p, 8), (word & 0x8080808080808080u) == 0)) {
			p += 8;
			continue;
		}
		unsigned char c = *p++;
		if (c < 0x80)
			continue;
		int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
		if (c < 0xc2 || c > 0xf4 || end - p < more)
			return false;
		/* the second byte's range excludes overlong forms, surrogates and what lies above
		 * U+10FFFF */
		unsigned char lo = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
		unsigned char hi = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
		if (p[0] < lo || p[0] > hi)
			return false;
		for (int i = 1; i < more; i++) {
			if ((p[i] & 0xc0) != 0x80)
				return false;
		}
		p += more;
	}
	return true;
}
