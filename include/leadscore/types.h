/* SPDX-License-Identifier: MIT */
/* What every LeadScore header shares: error codes, attributes and byte slices.
 *
 * Of the whole library: nothing here does I/O, reads a clock or keeps state of its own. What
 * differs between two calls is in their arguments, so objects of different threads never meet.
 * Memory comes from the caller's struct ls_memory (leadscore/activity.h). */
#ifndef LEADSCORE_TYPES_H
#define LEADSCORE_TYPES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** Fallible functions return 0 or one of these, always negative; out-parameters are untouched on
 * failure. */
enum ls_err {
	LS_OK = 0,
	LS_ERR_INVALID = -1,     /**< the input is malformed or out of range */
	LS_ERR_NOMEM = -2,       /**< an allocation failed */
	LS_ERR_LIMIT = -3,       /**< a configured maximum would be exceeded */
	LS_ERR_NOT_FOUND = -4,   /**< there is no such thing */
	LS_ERR_IO = -5,          /**< the operating system or a disk refused */
	LS_ERR_CONFLICT = -6,    /**< it exists already, or somebody else holds it */
	LS_ERR_UNSUPPORTED = -7, /**< understood, but not something we do */
	LS_ERR_CLOSED = -8,      /**< the other side, or we ourselves, are shutting down */
	LS_ERR_TIMEOUT = -9,     /**< the deadline passed */
	LS_ERR_DENIED = -10,     /**< a signature or permission check failed */
};

#define LS_MUST_CHECK __attribute__((warn_unused_result))

/** Bytes that belong to somebody else. Not terminated; `data` may be NULL when `len` is 0. */
struct ls_slice {
	const char *data;
	size_t len;
};

/** A short name for an error code, "invalid" for LS_ERR_INVALID. Never NULL; static storage: not to
 * be freed. */
const char *ls_strerror(int err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
