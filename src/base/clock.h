/* SPDX-License-Identifier: MIT */
/* The two clocks. Only L2 to L5 look at them; the engine gets `now` as a parameter. */
#ifndef LS_BASE_CLOCK_H
#define LS_BASE_CLOCK_H

#include "base/base.h"

/** Milliseconds UTC since 1970: for time stamps. */
int64_t ls_clock_now_ms(void);
/** Nanoseconds of a clock that never jumps: for timers, deadlines and durations. */
int64_t ls_clock_mono_ns(void);

#endif
