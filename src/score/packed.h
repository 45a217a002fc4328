/* SPDX-License-Identifier: MIT */
/* An activity in the form in which many lie in memory: half the size of struct ls_activity, in the
 * same order, and scored as it is. What it cannot hold is kept in the other form. */
#ifndef LS_SCORE_PACKED_H
#define LS_SCORE_PACKED_H

#include "leadscore/activity.h"

/* A cell is machine 1 | place of the kind 6 | hour 18 | count 7; hours count from 2015 and reach to
 * 2044. Kinds below 32 have the place of their number. */
#define LS_PACKED_FIRST_HOUR  394464u
#define LS_PACKED_HOURS       (1u << 18)
#define LS_PACKED_KIND_SHIFT  25u
#define LS_PACKED_KINDS       128u
#define LS_PACKED_HOUR_SHIFT  7u
#define LS_PACKED_CELL_COUNT  127u
#define LS_PACKED_CLICK_SHIFT 13u
#define LS_PACKED_HIT_COUNT   8191u

/** Its message in halves, so that it needs no padding; `rest` is hour 18 | is a click 1 | count 13.
 */
struct ls_packed_hit {
	uint32_t low, high;
	uint32_t rest;
};

/** Followed by its hits. */
struct ls_packed {
	uint16_t cell_count, hit_count;
	uint32_t cells[];
};

/** Since LS_PACKED_FIRST_HOUR. */
static inline uint32_t
ls_packed_cell_hour(uint32_t cell)
{
	return cell >> LS_PACKED_HOUR_SHIFT & (LS_PACKED_HOURS - 1);
}

static inline uint32_t
ls_packed_cell_count(uint32_t cell)
{
	return cell & LS_PACKED_CELL_COUNT;
}

static inline const struct ls_packed_hit *
ls_packed_hits(const struct ls_packed *packed)
{
	return (const struct ls_packed_hit *)(const void *)(packed->cells + packed->cell_count);
}

#endif
