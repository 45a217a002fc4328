/* SPDX-License-Identifier: MIT */
/* A strict, zero-copy pull reader for JSON (RFC 8259). It validates while it reads; nothing it
 * returns has to be checked again. */
#ifndef LS_BASE_JSON_READ_H
#define LS_BASE_JSON_READ_H

#include "base/arena.h"

#define LS_JSON_MAX_DEPTH 32

enum ls_json_type {
	LS_JSON_INVALID, /* nothing that starts a value, which is an error, or an earlier error */
	LS_JSON_OBJECT,
	LS_JSON_ARRAY,
	LS_JSON_STRING,
	LS_JSON_NUMBER,
	LS_JSON_BOOL,
	LS_JSON_NULL,
};

/**
 * Reading idiom:
 *
 *	ls_json_init(&j, text, arena);
 *	if (ls_json_object(&j))
 *		while (ls_json_key(&j, &key)) {
 *			if (ls_slice_eq(key, LS_S("id")))
 *				(void)ls_json_u64(&j, &id);
 *			else
 *				ls_json_skip(&j);
 *		}
 *	err = ls_json_finish(&j);
 *
 * The first error sticks: every later call returns false, so a reader looks at the result of
 * ls_json_finish() alone. Each key and item must be followed by exactly one call that consumes its
 * value; a value of another type than the call wants is an error, so peek where types vary.
 */
struct ls_json {
	const char *start, *at, *end;
	struct ls_arena *arena; /* for strings with escapes; others point into the text */
	const char *what;       /* the first error in words, static storage */
	size_t error_at;        /* byte offset of the first error */
	int err;
	uint32_t depth;
	uint64_t first;   /* bit d: no member read yet at depth d */
	uint64_t objects; /* bit d: the container at depth d is an object */
};

/** A byte order mark is refused. `arena` may be NULL: then reading a string or key with escapes
 * fails with LS_ERR_NOMEM (skipping it does not). */
void ls_json_init(struct ls_json *j, struct ls_slice text, struct ls_arena *arena);
/** Type of the value that comes next. Consumes white space only. */
enum ls_json_type ls_json_peek(struct ls_json *j);
/** Enters the object that must come next; then ls_json_key() until it returns false, which leaves
 * it. */
bool ls_json_object(struct ls_json *j);
bool ls_json_key(struct ls_json *j, struct ls_slice *key);
/** Enters the array that must come next; then ls_json_item() until it returns false, which leaves
 * it. */
bool ls_json_array(struct ls_json *j);
bool ls_json_item(struct ls_json *j);
/** May hold any character, U+0000 too. Well-formed UTF-8, not terminated. */
bool ls_json_string(struct ls_json *j, struct ls_slice *out);
/** Integers without fraction and exponent, in range. */
bool ls_json_i64(struct ls_json *j, int64_t *out);
bool ls_json_u64(struct ls_json *j, uint64_t *out);
/** Any number whose double is finite; LS_ERR_LIMIT for a text above 1024 bytes. */
bool ls_json_double(struct ls_json *j, double *out);
bool ls_json_bool(struct ls_json *j, bool *out);
bool ls_json_null(struct ls_json *j);
/** Consumes any value, validating it. */
bool ls_json_skip(struct ls_json *j);
/** The same, and its exact bytes (without white space around it). */
bool ls_json_raw(struct ls_json *j, struct ls_slice *out);
/** The whole text must have been one value. 0, LS_ERR_INVALID, LS_ERR_LIMIT (depth) or
 * LS_ERR_NOMEM; see `what`, `error_at`. */
int ls_json_finish(struct ls_json *j) LS_MUST_CHECK;
/** Makes the reader fail here, for errors of meaning: `what` must be static. */
void ls_json_fail(struct ls_json *j, const char *what);
/** Validates a whole document. */
bool ls_json_valid(struct ls_slice text);

#endif
