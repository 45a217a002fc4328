/* SPDX-License-Identifier: MIT */
/* The score in two parts: what time moves and what it does not. */
#ifndef LS_SCORE_PARTS_H
#define LS_SCORE_PARTS_H

#include "score/profile_data.h"

enum parts { PARTS_TIMELESS = 1, PARTS_MOVING = 2, PARTS_ALL = 3 };

static inline unsigned
part_of(bool timeless)
{
	return timeless ? PARTS_TIMELESS : PARTS_MOVING;
}

/** Milli-points of a signal whose value, perhaps wrong in its last bits, is `value`. */
int32_t signal_points(const struct ls_profile *profile, struct view *view, size_t i, double value);
/** Milli-points of the rules in these parts. */
int64_t sum_rules(const struct ls_profile *profile, struct view *view, enum parts parts);
/** Milli-points of these parts, before clamping. */
int64_t sum_points(const struct ls_profile *profile, struct view *view, enum parts parts);

static inline int32_t
clamp_score(int64_t sum_milli)
{
	return (int32_t)LS_MAX(INT64_C(0), LS_MIN(sum_milli, (int64_t)LS_SCORE_MAX_MILLI));
}

#endif
