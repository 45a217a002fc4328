// SPDX-License-Identifier: MIT
/* The streaming writer for JSON. Whatever it is given, what it writes is valid: keys and containers
 * in the wrong order are a bug and end the process, bytes that are no UTF-8 are replaced. */

#include "base/json_write.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/iso8601.h"
#include "base/json_scan.h"

#define DEPTH_MAX  63u
#define DIGITS_MAX 17 /* enough for every double */

/* Below 2^53 a whole number is its digits. */
#define WHOLE_BELOW 9007199254740992.0

static void
put_separator(struct ls_jsonw *w)
{
	uint64_t bit = (uint64_t)1 << w->depth;
	if (w->after_key) {
		w->after_key = false;
		return;
	}
	if (w->depth > 0 && (w->started & bit) != 0)
		(void)ls_buf_add_char(w->buf, ',');
	w->started |= bit;
}

/* Writes what stands for the character at p, which is not plain; returns the byte behind it. */
static const char *
put_special(struct ls_buf *buf, const char *p, const char *end)
{
	static const char names[] = "btn\0fr", hex[] = "0123456789abcdef";
	unsigned char c = (unsigned char)*p;
	if (c >= 0x80) {
		size_t len = ls_json_utf8_sequence(p, end);
		if (len > 0)
			(void)ls_buf_add(buf, p, len);
		else
			(void)ls_buf_add_lit(buf, "\xef\xbf\xbd");
		return p + (len > 0 ? len : 1);
	}
	char text[6] = { '\\', (char)c };
	size_t len = 2;
	if (c >= '\b' && c <= '\r' && c != '\v') {
		text[1] = names[c - '\b'];
	} else if (c < 0x20) {
		memcpy(text + 1, "u00", 3);
		text[4] = hex[c >> 4];
		text[5] = hex[c & 15];
		len = 6;
	}
	(void)ls_buf_add(buf, text, len);
	return p + 1;
}

static void
put_string(struct ls_buf *buf, struct ls_slice s)
{
	(void)ls_buf_add_char(buf, '"');
	const char *p = s.data, *end = p + s.len;
	while (p < end && buf->err == LS_OK) {
		const char *stop = ls_json_plain_end(p, end);
		(void)ls_buf_add(buf, p, (size_t)(stop - p));
		p = stop;
		while (p < end && !ls_json_is_plain(*p))
			p = put_special(buf, p, end);
	}
	(void)ls_buf_add_char(buf, '"');
}

void
ls_jsonw_init(struct ls_jsonw *w, struct ls_buf *buf)
{
	*w = (struct ls_jsonw){ .buf = buf };
}

static void
open_container(struct ls_jsonw *w, char bracket)
{
	put_separator(w);
	ls_assert(w->depth < DEPTH_MAX);
	w->started &= ~((uint64_t)1 << ++w->depth);
	(void)ls_buf_add_char(w->buf, bracket);
}

static void
close_container(struct ls_jsonw *w, char bracket)
{
	ls_assert(w->depth > 0 && !w->after_key);
	w->depth--;
	(void)ls_buf_add_char(w->buf, bracket);
}

void
ls_jsonw_object(struct ls_jsonw *w)
{
	open_container(w, '{');
}

void
ls_jsonw_object_end(struct ls_jsonw *w)
{
	close_container(w, '}');
}

void
ls_jsonw_array(struct ls_jsonw *w)
{
	open_container(w, '[');
}

void
ls_jsonw_array_end(struct ls_jsonw *w)
{
	close_container(w, ']');
}

void
ls_jsonw_key(struct ls_jsonw *w, const char *key)
{
	ls_jsonw_key_slice(w, ls_slice_str(key));
}

void
ls_jsonw_key_slice(struct ls_jsonw *w, struct ls_slice key)
{
	ls_assert(w->depth > 0 && !w->after_key);
	put_separator(w);
	put_string(w->buf, key.data != NULL ? key : LS_S(""));
	(void)ls_buf_add_char(w->buf, ':');
	w->after_key = true;
}

void
ls_jsonw_string(struct ls_jsonw *w, struct ls_slice value)
{
	put_separator(w);
	if (value.data == NULL)
		(void)ls_buf_add_lit(w->buf, "null");
	else
		put_string(w->buf, value);
}

void
ls_jsonw_i64(struct ls_jsonw *w, int64_t value)
{
	put_separator(w);
	(void)ls_buf_add_i64(w->buf, value);
}

void
ls_jsonw_u64(struct ls_jsonw *w, uint64_t value)
{
	put_separator(w);
	(void)ls_buf_add_u64(w->buf, value);
}

/* A positive number as 0.d1d2d3... times a power of ten. */
struct decimal {
	char digits[DIGITS_MAX + sizeof "e-400"];
	int len, point;
};

/* The first `len` digits of the value, and whether they give it back. Digits are picked out of the
 * text and read back without a point: a locale that has another one does not matter. */
static bool
try_digits(struct decimal *d, double value, int len)
{
	char text[DIGITS_MAX + 16], *e, *end = NULL;
	(void)snprintf(text, sizeof text, "%.*e", len - 1, value);
	e = strchr(text, 'e');
	d->len = 0;
	for (const char *p = text; p < e; p++) {
		if (ls_ascii_digit(*p))
			d->digits[d->len++] = *p;
	}
	int exponent = (int)strtol(e + 1, &end, 10);
	ls_assert(*end == '\0');
	d->point = exponent + 1;
	(void)snprintf(d->digits + d->len, sizeof d->digits - (size_t)d->len, "e%d",
		exponent - (d->len - 1));
	double back = strtod(d->digits, &end);
	ls_assert(*end == '\0');
	while (d->len > 1 && d->digits[d->len - 1] == '0')
		d->len--;
	return memcmp(&back, &value, sizeof value) == 0;
}

static void
put_zeros(struct ls_buf *buf, int count)
{
	for (int i = 0; i < count; i++)
		(void)ls_buf_add_char(buf, '0');
}

/* As JavaScript does: an exponent from 1e21 and below 1e-6. */
static void
put_decimal(struct ls_buf *buf, const struct decimal *d)
{
	const char *digits = d->digits;
	size_t len = (size_t)d->len;
	if (d->point > 21 || d->point < -5) {
		(void)ls_buf_add(buf, digits, 1);
		if (len > 1) {
			(void)ls_buf_add_char(buf, '.');
			(void)ls_buf_add(buf, digits + 1, len - 1);
		}
		(void)ls_buf_add_char(buf, 'e');
		(void)ls_buf_add_i64(buf, d->point - 1);
	} else if (d->point <= 0) {
		(void)ls_buf_add_lit(buf, "0.");
		put_zeros(buf, -d->point);
		(void)ls_buf_add(buf, digits, len);
	} else if (d->point >= d->len) {
		(void)ls_buf_add(buf, digits, len);
		put_zeros(buf, d->point - d->len);
	} else {
		size_t whole = (size_t)d->point;
		(void)ls_buf_add(buf, digits, whole);
		(void)ls_buf_add_char(buf, '.');
		(void)ls_buf_add(buf, digits + whole, len - whole);
	}
}

void
ls_jsonw_double(struct ls_jsonw *w, double value)
{
	if (!isfinite(value)) {
		ls_jsonw_null(w);
		return;
	}
	put_separator(w);
	if (signbit(value)) {
		(void)ls_buf_add_char(w->buf, '-');
		value = -value;
	}
	if (value < WHOLE_BELOW && value == (double)(int64_t)value) {
		(void)ls_buf_add_u64(w->buf, (uint64_t)value);
		return;
	}
	struct decimal d;
	/* 15 digits say whatever fewer say, but for subnormal numbers */
	for (int len = value < DBL_MIN ? 1 : 15; !try_digits(&d, value, len) && len < DIGITS_MAX;)
		len++;
	put_decimal(w->buf, &d);
}

void
ls_jsonw_milli(struct ls_jsonw *w, int64_t value)
{
	uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	unsigned rest = (unsigned)(magnitude % 1000);
	char fraction[] = { '.', (char)('0' + rest / 100), (char)('0' + rest / 10 % 10),
		(char)('0' + rest % 10) };
	size_t len = rest == 0 ? 0 : rest % 100 == 0 ? 2 : rest % 10 == 0 ? 3 : 4;
	put_separator(w);
	if (value < 0)
		(void)ls_buf_add_char(w->buf, '-');
	(void)ls_buf_add_u64(w->buf, magnitude / 1000);
	(void)ls_buf_add(w->buf, fraction, len);
}

void
ls_jsonw_bool(struct ls_jsonw *w, bool value)
{
	put_separator(w);
	(void)ls_buf_add_slice(w->buf, value ? LS_S("true") : LS_S("false"));
}

void
ls_jsonw_null(struct ls_jsonw *w)
{
	put_separator(w);
	(void)ls_buf_add_lit(w->buf, "null");
}

void
ls_jsonw_time(struct ls_jsonw *w, int64_t time_ms)
{
	char text[LS_ISO8601_LEN + 1];
	ls_iso8601_format(time_ms, text);
	ls_jsonw_string(w, ls_slice(text, LS_ISO8601_LEN));
}

void
ls_jsonw_raw(struct ls_jsonw *w, struct ls_slice json)
{
	put_separator(w);
	(void)ls_buf_add_slice(w->buf, json);
}

void
ls_jsonw_kstring(struct ls_jsonw *w, const char *key, struct ls_slice value)
{
	ls_jsonw_key(w, key);
	ls_jsonw_string(w, value);
}

void
ls_jsonw_ki64(struct ls_jsonw *w, const char *key, int64_t value)
{
	ls_jsonw_key(w, key);
	ls_jsonw_i64(w, value);
}

void
ls_jsonw_ku64(struct ls_jsonw *w, const char *key, uint64_t value)
{
	ls_jsonw_key(w, key);
	ls_jsonw_u64(w, value);
}

void
ls_jsonw_kbool(struct ls_jsonw *w, const char *key, bool value)
{
	ls_jsonw_key(w, key);
	ls_jsonw_bool(w, value);
}

void
ls_jsonw_kmilli(struct ls_jsonw *w, const char *key, int64_t value)
{
	ls_jsonw_key(w, key);
	ls_jsonw_milli(w, value);
}

void
ls_jsonw_ktime(struct ls_jsonw *w, const char *key, int64_t time_ms)
{
	ls_jsonw_key(w, key);
	ls_jsonw_time(w, time_ms);
}

void
ls_jsonw_kobject(struct ls_jsonw *w, const char *key)
{
	ls_jsonw_key(w, key);
	ls_jsonw_object(w);
}

void
ls_jsonw_karray(struct ls_jsonw *w, const char *key)
{
	ls_jsonw_key(w, key);
	ls_jsonw_array(w);
}
