// SPDX-License-Identifier: MIT
/* The pull reader for JSON. It is the only thing between strangers' bytes and the decoders, so the
 * grammar is RFC 8259 to the letter and nothing is repaired. An error moves `at` to the end of the
 * text: every function meets the end before it looks at anything, so a good document pays for no
 * check of the error. */

#include "base/json_read.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json_scan.h"

/* A double has at most 767 significant decimal digits; longer texts are nobody's measurement. */
#define NUMBER_MAX 1024u

#define BYTES(c) LS_JSON_BYTES(c)

static bool __attribute__((cold, noinline))
fail(struct ls_json *j, const char *at, int err, const char *what)
{
	if (j->err == LS_OK) {
		j->err = err;
		j->what = what;
		j->error_at = (size_t)(at - j->start);
	}
	j->at = j->end;
	return false;
}

static bool __attribute__((cold, noinline))
fail_type(struct ls_json *j, const char *at, const char *what)
{
	return fail(j, at, LS_ERR_INVALID, at == j->end ? "unexpected end" : what);
}

static const char *__attribute__((noinline)) skip_spaces(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p;
}

static inline const char *
skip_space(const char *p, const char *end)
{
	return LS_LIKELY(p < end && (unsigned char)*p > ' ') ? p : skip_spaces(p, end);
}

static inline int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	char lower = ls_ascii_lower(c);
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Four hex digits that have been checked. */
static uint32_t
hex4(const char *p)
{
	uint32_t value = 0;
	for (int i = 0; i < 4; i++)
		value = value << 4 | (uint32_t)hex_digit(p[i]);
	return value;
}

/* Is there \uXXXX at p? NULL, or the first byte that does not fit. */
static const char *
misfit_unicode(const char *p, const char *end)
{
	static const char prefix[] = { '\\', 'u' };
	for (size_t i = 0; i < 6; i++, p++) {
		if (p == end || (i < 2 ? *p != prefix[i] : hex_digit(*p) < 0))
			return p;
	}
	return NULL;
}

/* Length of the escape at p, surrogate pairs taken together; 0 after failing. */
static size_t
check_escape(struct ls_json *j, const char *p)
{
	if (j->end - p < 2)
		return fail_type(j, j->end, NULL);
	if (p[1] != 'u') {
		/* memchr, as strchr would take a NUL for the terminator it finds */
		if (memchr("\"\\/bfnrt", p[1], 8) != NULL)
			return 2;
		return fail(j, p + 1, LS_ERR_INVALID, "unknown escape");
	}
	const char *misfit = misfit_unicode(p, j->end);
	if (misfit != NULL)
		return fail_type(j, misfit, "four hex digits expected");
	uint32_t unit = hex4(p + 2);
	if (unit < 0xd800 || unit > 0xdfff)
		return 6;
	misfit = misfit_unicode(p + 6, j->end);
	if (unit <= 0xdbff && misfit == j->end)
		return fail_type(j, misfit, NULL);
	if (unit > 0xdbff || misfit != NULL || (hex4(p + 8) & 0xfc00) != 0xdc00)
		return fail(j, p, LS_ERR_INVALID, "lone surrogate");
	return 12;
}

/* The rest of a string in which something else than plain ASCII was met at p. */
static const char *__attribute__((noinline))
check_string_rest(struct ls_json *j, const char *p, bool *escaped)
{
	while (p < j->end && *p != '"') {
		size_t len;
		if (*p == '\\') {
			*escaped = true;
			len = check_escape(j, p);
		} else if ((unsigned char)*p >= 0x80) {
			len = ls_json_utf8_sequence(p, j->end);
			if (len == 0)
				(void)fail(j, p, LS_ERR_INVALID, "not UTF-8");
		} else {
			len = 0;
			(void)fail(j, p, LS_ERR_INVALID, "control character in a string");
		}
		if (len == 0)
			return NULL;
		p += len;
		if (p < j->end && ls_json_is_plain(*p))
			p = ls_json_plain_end(p, j->end);
	}
	if (p == j->end) {
		(void)fail_type(j, p, NULL);
		return NULL;
	}
	return p;
}

static char *
put_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		*to++ = (char)c;
		return to;
	}
	if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*to++ = (char)(0xe0 | c >> 12);
		} else {
			*to++ = (char)(0xf0 | c >> 18);
			*to++ = (char)(0x80 | (c >> 12 & 0x3f));
		}
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	*to++ = (char)(0x80 | (c & 0x3f));
	return to;
}

/* Decodes the checked escape at *p, which it moves behind it. */
static char *
decode_escape(char *to, const char **p)
{
	static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
	const char *at = *p;
	if (at[1] != 'u') {
		const char *name = memchr(names, at[1], sizeof names - 1);
		*to++ = name != NULL ? values[name - names] : at[1];
		*p = at + 2;
		return to;
	}
	uint32_t c = hex4(at + 2);
	*p = at + 6;
	if (c >= 0xd800 && c <= 0xdfff) {
		c = 0x10000 + ((c & 0x3ff) << 10 | (hex4(at + 8) & 0x3ff));
		*p = at + 12;
	}
	return put_utf8(to, c);
}

/* A string with something else than plain ASCII at `stop`, out of the way of those without. */
static bool __attribute__((noinline))
read_string_rest(struct ls_json *j, const char *p, const char *stop, struct ls_slice *out)
{
	bool escaped = false;
	const char *close = check_string_rest(j, stop, &escaped);
	if (close == NULL)
		return false;
	if (!escaped) {
		*out = ls_slice(p, (size_t)(close - p));
		j->at = close + 1;
		return true;
	}
	/* no escape is shorter than what it stands for */
	char *text = j->arena != NULL ? ls_arena_alloc(j->arena, (size_t)(close - p)) : NULL;
	if (text == NULL)
		return fail(j, p - 1, LS_ERR_NOMEM, "no memory for a string with escapes");
	char *to = text;
	while (p < close) {
		const char *escape = memchr(p, '\\', (size_t)(close - p));
		size_t plain = (size_t)((escape != NULL ? escape : close) - p);
		memcpy(to, p, plain);
		to += plain;
		p += plain;
		if (escape != NULL)
			to = decode_escape(to, &p);
	}
	*out = ls_slice(text, (size_t)(to - text));
	j->at = close + 1;
	return true;
}

/* The string whose first byte, behind the quote, is p. */
static inline bool
read_string(struct ls_json *j, const char *p, struct ls_slice *out)
{
	const char *stop = ls_json_plain_end(p, j->end);
	if (LS_UNLIKELY(stop == j->end || *stop != '"'))
		return read_string_rest(j, p, stop, out);
	*out = ls_slice(p, (size_t)(stop - p));
	j->at = stop + 1;
	return true;
}

static inline bool
skip_string(struct ls_json *j, const char *p)
{
	bool escaped;
	const char *close = ls_json_plain_end(p, j->end);
	if (LS_UNLIKELY(close == j->end || *close != '"'))
		close = check_string_rest(j, close, &escaped);
	if (close != NULL)
		j->at = close + 1;
	return close != NULL;
}

/* The number's grammar. Returns the byte behind it; NULL after failing. */
static const char *
check_digits(struct ls_json *j, const char *p)
{
	if (p == j->end || !ls_ascii_digit(*p)) {
		(void)fail_type(j, p, "digit expected");
		return NULL;
	}
	while (p < j->end && ls_ascii_digit(*p))
		p++;
	return p;
}

static const char *
check_number(struct ls_json *j, const char *p)
{
	const char *end = j->end;
	if (p < end && *p == '-')
		p++;
	const char *first = p;
	p = check_digits(j, p);
	if (p != NULL && *first == '0' && p - first > 1) {
		(void)fail(j, first + 1, LS_ERR_INVALID, "leading zero");
		return NULL;
	}
	if (p != NULL && p < end && *p == '.')
		p = check_digits(j, p + 1);
	if (p != NULL && p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		p = check_digits(j, p);
	}
	return p;
}

static bool
check_literal(struct ls_json *j, const char *p, const char *word, size_t len)
{
	size_t left = (size_t)(j->end - p);
	if (LS_LIKELY(left >= len && memcmp(p, word, len) == 0)) {
		j->at = p + len;
		return true;
	}
	while (p < j->end && *p == *word) {
		p++;
		word++;
	}
	return fail_type(j, p, "true, false or null expected");
}

static bool
enter(struct ls_json *j, const char *p, bool object)
{
	if (j->depth == LS_JSON_MAX_DEPTH)
		return fail(j, p, LS_ERR_LIMIT, "nested too deeply");
	uint64_t bit = (uint64_t)1 << ++j->depth;
	j->first |= bit;
	j->objects = object ? j->objects | bit : j->objects & ~bit;
	j->at = p + 1;
	return true;
}

/* The first byte of the next member, or the end; NULL when the container has been left. */
static inline const char *
next_member(struct ls_json *j, bool object)
{
	const char *p = skip_space(j->at, j->end);
	uint64_t bit = (uint64_t)1 << j->depth;
	if (LS_UNLIKELY(p == j->end)) {
		(void)fail_type(j, p, NULL);
		return NULL;
	}
	ls_assert(j->depth > 0 && ((j->objects & bit) != 0) == object);
	if (*p == (object ? '}' : ']')) {
		j->depth--;
		j->at = p + 1;
		return NULL;
	}
	if ((j->first & bit) != 0) {
		j->first &= ~bit;
		return p;
	}
	if (LS_UNLIKELY(*p != ',')) {
		(void)fail(j, p, LS_ERR_INVALID,
			object ? "comma or } expected" : "comma or ] expected");
		return NULL;
	}
	return skip_space(p + 1, j->end);
}

/* The same in an object: the first byte of the key itself. */
static inline const char *
next_key(struct ls_json *j)
{
	const char *p = next_member(j, true);
	if (p == NULL)
		return NULL;
	if (LS_UNLIKELY(p == j->end || *p != '"')) {
		(void)fail_type(j, p, "key expected");
		return NULL;
	}
	return p + 1;
}

static inline bool
skip_colon(struct ls_json *j)
{
	const char *p = skip_space(j->at, j->end);
	if (LS_UNLIKELY(p == j->end || *p != ':'))
		return fail_type(j, p, "colon expected");
	j->at = p + 1;
	return true;
}

void
ls_json_init(struct ls_json *j, struct ls_slice text, struct ls_arena *arena)
{
	const char *start = text.data != NULL ? text.data : "";
	*j = (struct ls_json){
		.start = start,
		.at = start,
		.end = start + text.len,
		.arena = arena,
	};
	if (ls_slice_starts(text, LS_S("\xef\xbb\xbf")))
		(void)fail(j, start, LS_ERR_INVALID, "byte order mark");
}

enum ls_json_type
ls_json_peek(struct ls_json *j)
{
	const char *p = skip_space(j->at, j->end);
	j->at = p;
	switch (p < j->end ? *p : '\0') {
	case '{':
		return LS_JSON_OBJECT;
	case '[':
		return LS_JSON_ARRAY;
	case '"':
		return LS_JSON_STRING;
	case 't':
	case 'f':
		return LS_JSON_BOOL;
	case 'n':
		return LS_JSON_NULL;
	default:
		if (p < j->end && (*p == '-' || ls_ascii_digit(*p)))
			return LS_JSON_NUMBER;
		(void)fail_type(j, p, "value expected");
		return LS_JSON_INVALID;
	}
}

bool
ls_json_object(struct ls_json *j)
{
	const char *p = skip_space(j->at, j->end);
	if (p == j->end || *p != '{')
		return fail_type(j, p, "object expected");
	return enter(j, p, true);
}

bool
ls_json_key(struct ls_json *j, struct ls_slice *key)
{
	const char *p = next_key(j);
	return p != NULL && read_string(j, p, key) && skip_colon(j);
}

bool
ls_json_array(struct ls_json *j)
{
	const char *p = skip_space(j->at, j->end);
	if (p == j->end || *p != '[')
		return fail_type(j, p, "array expected");
	return enter(j, p, false);
}

bool
ls_json_item(struct ls_json *j)
{
	const char *p = next_member(j, false);
	/* behind a comma must be a value: a bracket is refused by the call that reads it */
	if (p != NULL)
		j->at = p;
	return p != NULL;
}

bool
ls_json_string(struct ls_json *j, struct ls_slice *out)
{
	const char *p = skip_space(j->at, j->end);
	if (LS_UNLIKELY(p == j->end || *p != '"'))
		return fail_type(j, p, "string expected");
	return read_string(j, p + 1, out);
}

/* Eight digits at once, first in the lowest byte: pairs, then fours, then all. */
static inline bool
eight_digits(const char *p, uint64_t *value)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	uint64_t v;
	memcpy(&v, p, 8);
	if (((v & BYTES(0xf0)) | ((v + BYTES(6)) & BYTES(0xf0)) >> 4) != BYTES(0x33))
		return false;
	v = (v & BYTES(0x0f)) * (1 + (10 << 8)) >> 8;
	v = (v & 0x00ff00ff00ff00ffu) * (1 + (100 << 16)) >> 16;
	v = (v & 0x0000ffff0000ffffu) * (1 + ((uint64_t)10000 << 32)) >> 32;
	*value = *value * 100000000 + v;
	return true;
#else
	(void)p;
	(void)value;
	return false;
#endif
}

/* Reads the digits from p on, returns the byte behind them. */
static inline const char *
read_digits(const char *p, const char *end, uint64_t *value, bool *fits)
{
	/* 19 digits cannot overflow */
	const char *safe = end - p > 19 ? p + 19 : end;
	uint64_t sum = 0;
	while (safe - p >= 8 && eight_digits(p, &sum))
		p += 8;
	for (; p < safe; p++) {
		unsigned digit = (unsigned)(unsigned char)*p - '0';
		if (digit > 9)
			break;
		sum = sum * 10 + digit;
	}
	*fits = true;
	for (; LS_UNLIKELY(p == safe) && p < end && ls_ascii_digit(*p); safe = ++p)
		*fits = *fits && !__builtin_mul_overflow(sum, 10, &sum) &&
			!__builtin_add_overflow(sum, (uint64_t)(*p - '0'), &sum);
	*value = sum;
	return p;
}

/* An integer as sign and magnitude; *at, its first byte, is where a range error lies. */
static inline __attribute__((always_inline)) bool
read_integer(struct ls_json *j, const char **at, bool *negative, uint64_t *magnitude)
{
	const char *p = skip_space(j->at, j->end), *end = j->end;
	bool fits;
	*at = p;
	*negative = p < end && *p == '-';
	p += *negative;
	const char *first = p;
	p = read_digits(p, end, magnitude, &fits);
	if (LS_UNLIKELY(p == first))
		return fail_type(j, p, "number expected");
	if (LS_UNLIKELY(*first == '0' && p - first > 1))
		return fail(j, first + 1, LS_ERR_INVALID, "leading zero");
	if (LS_UNLIKELY(p < end && (*p == '.' || *p == 'e' || *p == 'E')))
		return fail(j, p, LS_ERR_INVALID, "integer expected");
	if (LS_UNLIKELY(!fits))
		return fail(j, *at, LS_ERR_INVALID, "number out of range");
	j->at = p;
	return true;
}

bool
ls_json_i64(struct ls_json *j, int64_t *out)
{
	const char *at = NULL;
	bool negative = false;
	uint64_t value = 0;
	if (!read_integer(j, &at, &negative, &value))
		return false;
	if (LS_UNLIKELY(value > (uint64_t)INT64_MAX + negative))
		return fail(j, at, LS_ERR_INVALID, "number out of range");
	*out = (int64_t)(negative ? 0 - value : value);
	return true;
}

bool
ls_json_u64(struct ls_json *j, uint64_t *out)
{
	const char *at = NULL;
	bool negative = false;
	uint64_t value = 0;
	if (!read_integer(j, &at, &negative, &value))
		return false;
	if (LS_UNLIKELY(negative && value != 0))
		return fail(j, at, LS_ERR_INVALID, "number out of range");
	*out = value;
	return true;
}

/* A checked number as digits and a power of ten: no point in it, so no locale. */
struct decimal {
	uint64_t value; /* of the digits, when there are few enough */
	int32_t exponent;
	bool negative;
	size_t len;
	char digits[NUMBER_MAX + sizeof "e-2147483648"];
};

static int32_t
read_exponent(const char *p, const char *end)
{
	int32_t value = 0;
	bool negative = p < end && *p == '-';
	if (p < end && !ls_ascii_digit(*p))
		p++;
	/* beyond this every number that is short enough is 0 or infinite */
	for (; p < end && value < 100000; p++)
		value = value * 10 + (*p - '0');
	return negative ? -value : value;
}

static void
read_decimal(const char *p, const char *end, struct decimal *d)
{
	bool fraction = false;
	d->negative = *p == '-';
	p += d->negative;
	d->len = 0;
	d->value = 0;
	d->exponent = 0;
	for (; p < end && *p != 'e' && *p != 'E'; p++) {
		if (*p == '.') {
			fraction = true;
			continue;
		}
		d->digits[d->len++] = *p;
		d->value = d->value * 10 + (uint64_t)(*p - '0');
		d->exponent -= fraction;
	}
	if (p < end)
		d->exponent += read_exponent(p + 1, end);
}

static double
decimal_value(struct decimal *d)
{
	static const double powers[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10,
		1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
	double value;
	/* both numbers are exact, so the one operation rounds correctly (Clinger 1990) */
	if (FLT_EVAL_METHOD == 0 && d->len <= 15 && abs(d->exponent) <= 22) {
		value = (double)d->value;
		value = d->exponent < 0 ? value / powers[-d->exponent]
					: value * powers[d->exponent];
	} else {
		(void)snprintf(d->digits + d->len, sizeof d->digits - d->len, "e%d", d->exponent);
		value = strtod(d->digits, NULL);
	}
	return d->negative ? -value : value;
}

bool
ls_json_double(struct ls_json *j, double *out)
{
	struct decimal d;
	const char *p = skip_space(j->at, j->end);
	const char *behind = check_number(j, p);
	if (behind == NULL)
		return false;
	if (behind - p > (ptrdiff_t)NUMBER_MAX)
		return fail(j, p, LS_ERR_LIMIT, "number too long");
	read_decimal(p, behind, &d);
	double value = decimal_value(&d);
	if (!isfinite(value))
		return fail(j, p, LS_ERR_INVALID, "number out of range");
	*out = value;
	j->at = behind;
	return true;
}

bool
ls_json_bool(struct ls_json *j, bool *out)
{
	const char *p = skip_space(j->at, j->end);
	bool value = p < j->end && *p == 't';
	if (p == j->end || (*p != 't' && *p != 'f'))
		return fail_type(j, p, "true or false expected");
	if (!(value ? check_literal(j, p, "true", 4) : check_literal(j, p, "false", 5)))
		return false;
	*out = value;
	return true;
}

bool
ls_json_null(struct ls_json *j)
{
	const char *p = skip_space(j->at, j->end);
	if (p == j->end || *p != 'n')
		return fail_type(j, p, "null expected");
	return check_literal(j, p, "null", 4);
}

/* Over a scalar, or into a container. */
static inline bool
skip_or_enter(struct ls_json *j)
{
	const char *p = skip_space(j->at, j->end);
	switch (p < j->end ? *p : '\0') {
	case '{':
		return enter(j, p, true);
	case '[':
		return enter(j, p, false);
	case '"':
		return skip_string(j, p + 1);
	case 't':
		return check_literal(j, p, "true", 4);
	case 'f':
		return check_literal(j, p, "false", 5);
	case 'n':
		return check_literal(j, p, "null", 4);
	default:
		if (p == j->end || (*p != '-' && !ls_ascii_digit(*p)))
			return fail_type(j, p, "value expected");
		p = check_number(j, p);
		if (p != NULL)
			j->at = p;
		return p != NULL;
	}
}

/* To the next value of the innermost container; false when that was left, or after failing. */
static inline bool
skip_next(struct ls_json *j)
{
	if ((j->objects & (uint64_t)1 << j->depth) == 0)
		return ls_json_item(j);
	const char *p = next_key(j);
	return p != NULL && skip_string(j, p) && skip_colon(j);
}

bool
ls_json_skip(struct ls_json *j)
{
	const uint32_t base = j->depth;
	do {
		if (!skip_or_enter(j))
			return false;
		while (j->depth > base && !skip_next(j)) {
			if (j->err != LS_OK)
				return false;
		}
	} while (j->depth > base);
	return true;
}

bool
ls_json_raw(struct ls_json *j, struct ls_slice *out)
{
	const char *p = skip_space(j->at, j->end);
	if (!ls_json_skip(j))
		return false;
	*out = ls_slice(p, (size_t)(j->at - p));
	return true;
}

int
ls_json_finish(struct ls_json *j)
{
	const char *p = skip_space(j->at, j->end);
	if (j->err == LS_OK && (j->at == j->start || j->depth > 0))
		(void)fail_type(j, p, "value not read");
	if (j->err == LS_OK && p < j->end)
		(void)fail(j, p, LS_ERR_INVALID, "more than one value");
	return j->err;
}

void
ls_json_fail(struct ls_json *j, const char *what)
{
	(void)fail(j, j->at, LS_ERR_INVALID, what);
}

bool
ls_json_valid(struct ls_slice text)
{
	struct ls_json j;
	ls_json_init(&j, text, NULL);
	return ls_json_skip(&j) && ls_json_finish(&j) == LS_OK;
}
