/* SPDX-License-Identifier: MIT */
/* What a lead has done, as counts: an order-free multiset of (kind, hour), and of (message, hour)
 * for opens and clicks. */
#ifndef LEADSCORE_ACTIVITY_H
#define LEADSCORE_ACTIVITY_H

#include "leadscore/kind.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define LS_HOUR_MS INT64_C(3600000)
#define LS_DAY_MS  INT64_C(86400000)

/** A cell packed into 64 bits, so that cells sort by kind, then hour: kind 16 | hour 24 | count 24.
 * Counts that overflow spill into a second cell. */
typedef uint64_t ls_cell;

#define LS_CELL_COUNT_MAX 0xffffffu

/** An enum ls_kind, LS_KIND_CUSTOM and above, or one of these with LS_KIND_MACHINE. */
static inline unsigned
ls_cell_kind(ls_cell cell)
{
	return (unsigned)(cell >> 48);
}

/** Hours since 1970. */
static inline uint32_t
ls_cell_hour(ls_cell cell)
{
	return (uint32_t)(cell >> 24) & 0xffffffu;
}

/** 1 to LS_CELL_COUNT_MAX. */
static inline uint32_t
ls_cell_count(ls_cell cell)
{
	return (uint32_t)cell & 0xffffffu;
}

/** Human opens and clicks of one message in one hour. Kept as counts, not as the earliest hour, so
 * that they can be taken back exactly. */
struct ls_hit {
	uint64_t message;    /* which message: ls_message_hash(), or any number; never 0 */
	uint32_t hour_click; /* hours since 1970, shifted left by 1 | is a click */
	uint32_t count;
};

/** Zero-initialise it, change it by the functions below alone, and end with ls_activity_fini(). It
 * is the caller's: used by one thread at a time, read by as many as like. Both arrays are sorted,
 * without zero counts, and may be stored and loaded as they are (room = count then). A cell of kind
 * LS_KIND_OTHER counts nothing: it is first, and its hour says how far ls_activity_compact() has
 * gone. */
struct ls_activity {
	ls_cell *cells;
	struct ls_hit *hits;
	uint32_t cell_count, cell_room;
	uint32_t hit_count, hit_room;
};

/** How memory grows: as realloc(3), aligned as malloc(3) does; size 0 frees and returns NULL, and
 * NULL for any other size is taken as "no memory", with `ptr` as it was. The library never
 * allocates in another way. */
typedef void *(*ls_realloc_fn)(void *ctx, void *ptr, size_t size);

/** Where memory comes from. Passed by value and kept by what is made with it; `ctx` is handed to
 * `realloc` and must outlive all of that. */
struct ls_memory {
	ls_realloc_fn realloc;
	void *ctx;
};

/** The heap of the C library, for callers without one of their own. */
extern const struct ls_memory ls_memory_heap;

/** The number of a message, link or campaign by its name, as LeadScore's server makes it: the same
 * on every machine and in every version, never 0; for an empty name 0, which means "none". Not for
 * tables that strangers can fill: its key is known. */
uint64_t ls_message_hash(struct ls_slice name);

/** Frees what it holds and empties it, so that it can be used again; `memory` is the one it grew
 * with. */
void ls_activity_fini(struct ls_activity *activity, struct ls_memory memory);
/**
 * Adds `by` (negative: takes back) events of `kind` (with or without LS_KIND_MACHINE) at `time_ms`,
 * milliseconds since 1970 in UTC. `message` matters for human email_open and email_click only; 0:
 * none. On failure nothing is changed. LS_ERR_INVALID: not a kind that is counted, a time before
 * 1970 or after 3883, more taken back than there is. LS_ERR_NOMEM, LS_ERR_LIMIT (2^24 cells).
 */
int ls_activity_add(struct ls_activity *activity, struct ls_memory memory, unsigned kind,
	int64_t time_ms, uint64_t message, int32_t by) LS_MUST_CHECK;
/** Adds all of `other`, or with sign -1 takes all of it back, exactly. `other` is only read. On
 * failure nothing is changed: LS_ERR_INVALID (more taken back than there is), LS_ERR_NOMEM,
 * LS_ERR_LIMIT. */
int ls_activity_merge(struct ls_activity *activity, struct ls_memory memory,
	const struct ls_activity *other, int sign) LS_MUST_CHECK;
/** Sum of counts of a kind over all time; with LS_KIND_MACHINE, of its machine hits. */
uint64_t ls_activity_count(const struct ls_activity *activity, unsigned kind);
/** End of the newest hour with something that the person did (an open, click, visit, page view,
 * meeting, call, reply, form, note or task, not by a machine), in milliseconds since 1970, or 0. */
int64_t ls_activity_last_ms(const struct ls_activity *activity);
/**
 * Compacts cells and hits older than 60 days to days, where that saves memory; no score at now_ms
 * or later changes by it, and what is taken back later is still taken back exactly. Returns the
 * cells and hits saved.
 */
uint32_t ls_activity_compact(struct ls_activity *activity, int64_t now_ms);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
