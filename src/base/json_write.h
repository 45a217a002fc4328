/* SPDX-License-Identifier: MIT */
/* A streaming JSON writer into a buffer. It places commas and escapes; the caller keeps keys and
 * containers in order. */
#ifndef LS_BASE_JSON_WRITE_H
#define LS_BASE_JSON_WRITE_H

#include "base/buf.h"

/** Errors are those of the buffer: look at buf->err at the end. Depth at most 63 (asserted). */
struct ls_jsonw {
	struct ls_buf *buf;
	uint64_t started; /* bit d: something has been written at depth d */
	uint32_t depth;
	bool after_key;
};

/** Writes one value behind what the buffer holds; commas and quotes are put as needed. */
void ls_jsonw_init(struct ls_jsonw *w, struct ls_buf *buf);
void ls_jsonw_object(struct ls_jsonw *w);
void ls_jsonw_object_end(struct ls_jsonw *w);
void ls_jsonw_array(struct ls_jsonw *w);
void ls_jsonw_array_end(struct ls_jsonw *w);
/** Inside an object, before each value. */
void ls_jsonw_key(struct ls_jsonw *w, const char *key);
void ls_jsonw_key_slice(struct ls_jsonw *w, struct ls_slice key);

/** Bytes that are no UTF-8 become U+FFFD, so the result is always valid JSON. data == NULL gives
 * null. */
void ls_jsonw_string(struct ls_jsonw *w, struct ls_slice value);
void ls_jsonw_i64(struct ls_jsonw *w, int64_t value);
void ls_jsonw_u64(struct ls_jsonw *w, uint64_t value);
/** Shortest text that reads back the same; what is not finite becomes null. */
void ls_jsonw_double(struct ls_jsonw *w, double value);
/** value/1000 with at most three decimals, exact: 85400 gives 85.4. */
void ls_jsonw_milli(struct ls_jsonw *w, int64_t value);
void ls_jsonw_bool(struct ls_jsonw *w, bool value);
void ls_jsonw_null(struct ls_jsonw *w);
/** RFC 3339 in UTC with milliseconds, as a string. */
void ls_jsonw_time(struct ls_jsonw *w, int64_t time_ms);
/** A value that is JSON already. */
void ls_jsonw_raw(struct ls_jsonw *w, struct ls_slice json);

/** Key and value in one call. */
void ls_jsonw_kstring(struct ls_jsonw *w, const char *key, struct ls_slice value);
void ls_jsonw_ki64(struct ls_jsonw *w, const char *key, int64_t value);
void ls_jsonw_ku64(struct ls_jsonw *w, const char *key, uint64_t value);
void ls_jsonw_kbool(struct ls_jsonw *w, const char *key, bool value);
void ls_jsonw_kmilli(struct ls_jsonw *w, const char *key, int64_t value);
void ls_jsonw_ktime(struct ls_jsonw *w, const char *key, int64_t time_ms);
void ls_jsonw_kobject(struct ls_jsonw *w, const char *key);
void ls_jsonw_karray(struct ls_jsonw *w, const char *key);

#endif
