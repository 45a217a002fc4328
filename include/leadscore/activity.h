/* SPDX-License-Identifier: MIT */
/* What a lead has done, as counts: an order-free multiset of (kind, hour), and of (message, hour)
 * for opens and clicks. */
#ifndef LEADSCORE_ACTIVITY_H
#define LEADSCORE_ACTIVITY_H

#include "leadscore/kind.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LS_HOUR_MS INT64_C(3600000)
#define LS_DAY_MS  INT64_C(86400000)

/** A cell packed into 64 bits, so that cells sort by kind, then hour: kind 16 | hour 24 | count 24.
 * Counts that overflow spill into a second cell. */
typedef uint64_t ls_cell;

#define LS_CELL_COUNT_MAX 0xffffffu

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

static inline uint32_t
ls_cell_count(ls_cell cell)
{
	return (uint32_t)cell & 0xffffffu;
}

/** Human opens and clicks of one message in one hour. Kept as counts, not as the earliest hour, so
 * that they can be taken back exactly. */
struct ls_hit {
	uint64_t message;    /* a hash of the message's name, made by the caller; never 0 */
	uint32_t hour_click; /* hour << 1 | is a click */
	uint32_t count;
};

/** Both arrays sorted, without zero counts. Zero-initialise. A cell of kind LS_KIND_OTHER counts
 * nothing: it is first, and its hour says how far ls_activity_compact() has gone. */
struct ls_activity {
	ls_cell *cells;
	struct ls_hit *hits;
	uint32_t cell_count, cell_room;
	uint32_t hit_count, hit_room;
};

/** How memory grows: as realloc(3); size 0 frees and returns NULL. The library never allocates in
 * another way. */
typedef void *(*ls_realloc_fn)(void *ctx, void *ptr, size_t size);

struct ls_memory {
	ls_realloc_fn realloc;
	void *ctx;
};

/** The heap of the C library. */
extern const struct ls_memory ls_memory_heap;

/** Frees what it holds and empties it; `memory` is the one it grew with. */
void ls_activity_fini(struct ls_activity *activity, struct ls_memory memory);
/**
 * Adds `by` (negative: takes back) events of `kind` (with or without LS_KIND_MACHINE) at `time_ms`.
 * `message` matters for human email_open and email_click only; 0: none. LS_ERR_INVALID, with
 * nothing changed: not a kind that is counted, a time before 1970 or after 3883, more taken back
 * than there is. LS_ERR_NOMEM, LS_ERR_LIMIT (2^24 cells).
 */
int ls_activity_add(struct ls_activity *activity, struct ls_memory memory, unsigned kind,
	int64_t time_ms, uint64_t message, int32_t by) LS_MUST_CHECK;
/** Adds all of `other`, or with sign -1 takes all of it back. On failure nothing is changed. */
int ls_activity_merge(struct ls_activity *activity, struct ls_memory memory,
	const struct ls_activity *other, int sign) LS_MUST_CHECK;
/** Sum of counts of a kind over all time. */
uint64_t ls_activity_count(const struct ls_activity *activity, unsigned kind);
/** End of the newest hour with a human interaction (rule/1 section 2, recency), or 0. */
int64_t ls_activity_last_ms(const struct ls_activity *activity);
/**
 * Compacts cells and hits older than 60 days to days, where that saves memory; no score at now_ms
 * or later changes by it, and what is taken back later is still taken back exactly. Returns the
 * cells and hits saved.
 */
uint32_t ls_activity_compact(struct ls_activity *activity, int64_t now_ms);

#ifdef __cplusplus
}
#endif

#endif
