/* SPDX-License-Identifier: MIT */
/* Attributes, assertions and checked casts that all of LeadScore uses. */
#ifndef LS_BASE_H
#define LS_BASE_H

#include <stdbool.h>

#include "leadscore/types.h"

#define LS_ARRAY_LEN(a)       (sizeof(a) / sizeof((a)[0]))
#define LS_LIKELY(x)          __builtin_expect(!!(x), 1)
#define LS_UNLIKELY(x)        __builtin_expect(!!(x), 0)
#define LS_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define LS_UNUSED             __attribute__((unused))
/** For large scratch variables on hot paths, which the compiler would otherwise fill with zeros. */
#define LS_UNINITIALIZED                   __attribute__((uninitialized))
#define LS_MIN(a, b)                       ((a) < (b) ? (a) : (b))
#define LS_MAX(a, b)                       ((a) > (b) ? (a) : (b))
#define LS_STRINGIFY_(x)                   #x
#define LS_STRINGIFY(x)                    LS_STRINGIFY_(x)
#define LS_CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/** Invariants, on in release builds: a broken one ends the process, and the log replays. Never
 * about what a peer sent. */
#define ls_assert(cond) (LS_LIKELY(cond) ? (void)0 : ls_assert_fail(#cond, __FILE__, __LINE__))
void ls_assert_fail(const char *cond, const char *file, int line) __attribute__((noreturn, cold));

/**
 * Structs that travel through a `void *ctx` start with `uint32_t magic`, set to their LS_MAGIC_x at
 * birth and cleared at death; LS_CAST(conn, ctx) gives a `struct ls_conn *` checked against
 * LS_MAGIC_conn.
 */
#define LS_CAST(name, ctx)                                                                         \
	((struct ls_##name *)ls_cast_check((ctx), LS_MAGIC_##name, __FILE__, __LINE__))
void *ls_cast_check(void *ctx, uint32_t magic, const char *file, int line);

#endif
