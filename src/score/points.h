/* SPDX-License-Identifier: MIT */
/* The arithmetic of rule/1 that signals, rules and accounts share. Every expression has the order
 * of operations of the reference, so that it gives the same double. */
#ifndef LS_SCORE_POINTS_H
#define LS_SCORE_POINTS_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

/* cells older than this are read at day resolution */
#define COARSE_HOURS 1440
/* cells older than this count nothing */
#define MAX_AGE_DAYS 400

/* far above any score, far below INT32_MAX: a rule without a cap may run away */
#define POINTS_MAX_MILLI 1000000000

/** Rounds half away from zero to milli-points. */
static inline int32_t
points_milli(double points)
{
	double size = fabs(points) * 1000.0 + 0.5;
	int32_t milli = size < POINTS_MAX_MILLI ? (int32_t)size : POINTS_MAX_MILLI;
	return points < 0 ? -milli : milli;
}

/** The same for points of a value that may be wrong in its last bits; *near_tie: they may matter.
 */
static inline int32_t
points_milli_roughly(double points, bool *near_tie)
{
	double exactly = points * 1000.0;
	int32_t milli = (int32_t)(exactly + copysign(0.5, exactly));
	*near_tie = fabs(exactly - milli) > 0.5 - 1e-6;
	return milli;
}

/** 0..1: `half` units give one half, twice that three quarters. */
static inline double
saturate(double x, double half)
{
	/* pow, not exp2: they differ in the last bit, and the reference uses pow */
	return 1.0 - pow(2.0, -x / half);
}

/** The same but for the last bits, three times as fast. */
static inline double
saturate_roughly(double x, double half)
{
	return 1.0 - exp2(-x / half);
}

#endif
