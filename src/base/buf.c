// SPDX-License-Identifier: MIT
/* A growable byte buffer with a maximum and a sticky error. */

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#define FIRST_CAP 256u

void
ls_buf_init(struct ls_buf *buf, size_t max)
{
	*buf = (struct ls_buf){ .max = max };
}

void
ls_buf_fini(struct ls_buf *buf)
{
	free(buf->data);
	ls_buf_init(buf, buf->max);
}

void
ls_buf_reset(struct ls_buf *buf)
{
	buf->len = 0;
	buf->err = LS_OK;
}

void
ls_buf_consume(struct ls_buf *buf, size_t n)
{
	ls_assert(n <= buf->len);
	buf->len -= n;
	if (buf->len > 0)
		memmove(buf->data, buf->data + n, buf->len);
}

int
ls_buf_reserve(struct ls_buf *buf, size_t more)
{
	if (buf->err != LS_OK)
		return buf->err;
	if (LS_LIKELY(more <= buf->cap - buf->len))
		return LS_OK;
	if (more > buf->max - buf->len)
		return buf->err = LS_ERR_LIMIT;
	size_t need = buf->len + more, cap = LS_MAX(buf->cap, FIRST_CAP);
	while (cap < need)
		cap *= 2;
	cap = LS_MIN(cap, LS_MAX(buf->max, need));
	char *data = realloc(buf->data, cap);
	if (data == NULL)
		return buf->err = LS_ERR_NOMEM;
	buf->data = data;
	buf->cap = cap;
	return LS_OK;
}

int
ls_buf_add(struct ls_buf *buf, const void *data, size_t len)
{
	int err = ls_buf_reserve(buf, len);
	if (err == LS_OK && len > 0) {
		memcpy(buf->data + buf->len, data, len);
		buf->len += len;
	}
	return err;
}

int
ls_buf_add_slice(struct ls_buf *buf, struct ls_slice s)
{
	return ls_buf_add(buf, s.data, s.len);
}

int
ls_buf_add_char(struct ls_buf *buf, char c)
{
	return ls_buf_add(buf, &c, 1);
}

int
ls_buf_add_u64(struct ls_buf *buf, uint64_t value)
{
	char text[20];
	size_t at = sizeof text;
	do {
		text[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	return ls_buf_add(buf, text + at, sizeof text - at);
}

int
ls_buf_add_i64(struct ls_buf *buf, int64_t value)
{
	if (value >= 0)
		return ls_buf_add_u64(buf, (uint64_t)value);
	(void)ls_buf_add_char(buf, '-');
	return ls_buf_add_u64(buf, 0 - (uint64_t)value);
}

int
ls_buf_addv(struct ls_buf *buf, const char *fmt, va_list args)
{
	va_list again;
	va_copy(again, args);
	size_t room = buf->cap - buf->len;
	int n = buf->err == LS_OK
			? vsnprintf(room > 0 ? buf->data + buf->len : NULL, room, fmt, args)
			: -1;
	if (n < 0 && buf->err == LS_OK)
		buf->err = LS_ERR_INVALID;
	/* vsnprintf needs room for its terminator too, which is not counted in len */
	if (n >= 0 && (size_t)n >= room) {
		if (ls_buf_reserve(buf, (size_t)n + 1) == LS_OK)
			(void)vsnprintf(buf->data + buf->len, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	if (buf->err == LS_OK)
		buf->len += (size_t)n;
	return buf->err;
}

int
ls_buf_addf(struct ls_buf *buf, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int err = ls_buf_addv(buf, fmt, args);
	va_end(args);
	return err;
}
