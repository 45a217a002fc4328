/* SPDX-License-Identifier: MIT */
/* A growable byte buffer that is born with a maximum. */
#ifndef LS_BASE_BUF_H
#define LS_BASE_BUF_H

#include <stdarg.h>

#include "base/slice.h"

/**
 * Errors stick: after a failed append (LS_ERR_NOMEM, LS_ERR_LIMIT) every later one fails the same
 * way and adds nothing, so a writer may append freely and look at `err` once at the end.
 */
struct ls_buf {
	char *data;
	size_t len;
	size_t cap;
	size_t max;
	int err;
};

/** No memory is taken until the first append. `max` bounds `len`. */
void ls_buf_init(struct ls_buf *buf, size_t max);
/** Frees the bytes; the buffer may be used again, with the same maximum. */
void ls_buf_fini(struct ls_buf *buf);
/** Forgets content and error, keeps the memory. */
void ls_buf_reset(struct ls_buf *buf);
/** Forgets the first n bytes. */
void ls_buf_consume(struct ls_buf *buf, size_t n);
/** Room for `more` bytes behind `len`; write there and add to `len`. */
int ls_buf_reserve(struct ls_buf *buf, size_t more) LS_MUST_CHECK;

/** Append: bytes, text, a number in decimal, printf. What cannot be added whole is not added. */
int ls_buf_add(struct ls_buf *buf, const void *data, size_t len);
int ls_buf_add_slice(struct ls_buf *buf, struct ls_slice s);
int ls_buf_add_char(struct ls_buf *buf, char c);
int ls_buf_add_u64(struct ls_buf *buf, uint64_t value);
int ls_buf_add_i64(struct ls_buf *buf, int64_t value);
int ls_buf_addf(struct ls_buf *buf, const char *fmt, ...) LS_PRINTF(2, 3);
int ls_buf_addv(struct ls_buf *buf, const char *fmt, va_list args) LS_PRINTF(2, 0);

/** Appends a literal. */
#define ls_buf_add_lit(buf, literal) ls_buf_add((buf), "" literal, sizeof(literal) - 1)

static inline struct ls_slice
ls_buf_slice(const struct ls_buf *buf)
{
	return ls_slice(buf->data, buf->len);
}

#endif
