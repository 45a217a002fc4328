/* SPDX-License-Identifier: MIT */
/* Variable-length integers, 7 bits a byte, lowest first: writing into a buffer, reading with
 * bounds. */
#ifndef LS_ENGINE_VARINT_H
#define LS_ENGINE_VARINT_H

#include "base/buf.h"

#define LS_VARINT_MAX 10u

static inline void
ls_put_u64(struct ls_buf *buf, uint64_t value)
{
	uint8_t bytes[LS_VARINT_MAX];
	size_t n = 0;
	for (; value >= 0x80; value >>= 7)
		bytes[n++] = (uint8_t)(value | 0x80);
	bytes[n++] = (uint8_t)value;
	(void)ls_buf_add(buf, bytes, n);
}

/** Signed, small magnitudes short (zigzag). */
static inline void
ls_put_i64(struct ls_buf *buf, int64_t value)
{
	ls_put_u64(buf, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

static inline void
ls_put_bytes(struct ls_buf *buf, struct ls_slice s)
{
	ls_put_u64(buf, s.len);
	(void)ls_buf_add_slice(buf, s);
}

/** After a read past the end or of a number over 64 bits `bad` is set and everything reads as 0. */
struct ls_reader {
	const uint8_t *at, *end;
	bool bad;
};

static inline struct ls_reader
ls_reader(struct ls_slice s)
{
	const uint8_t *at = (const uint8_t *)s.data;
	return (struct ls_reader){ .at = at, .end = at + s.len };
}

static inline uint64_t
ls_get_fail(struct ls_reader *r)
{
	r->bad = true;
	r->at = r->end;
	return 0;
}

static inline uint64_t
ls_get_u64(struct ls_reader *r)
{
	uint64_t value = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		if (r->at == r->end)
			return ls_get_fail(r);
		uint8_t byte = *r->at++;
		if (shift == 63 && byte > 1)
			return ls_get_fail(r);
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return value;
	}
	return ls_get_fail(r);
}

static inline int64_t
ls_get_i64(struct ls_reader *r)
{
	uint64_t value = ls_get_u64(r);
	return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static inline uint8_t
ls_get_u8(struct ls_reader *r)
{
	if (r->at == r->end)
		return (uint8_t)ls_get_fail(r);
	return *r->at++;
}

static inline struct ls_slice
ls_get_raw(struct ls_reader *r, uint64_t len)
{
	if (len > (size_t)(r->end - r->at)) {
		(void)ls_get_fail(r);
		return ls_slice(NULL, 0);
	}
	const char *data = (const char *)r->at;
	r->at += len;
	return ls_slice(data, (size_t)len);
}

static inline struct ls_slice
ls_get_bytes(struct ls_reader *r)
{
	return ls_get_raw(r, ls_get_u64(r));
}

#endif
