/* SPDX-License-Identifier: MIT */
/* All signals there are, in the order of the explanation. */
#ifndef LS_SCORE_REGISTRY_H
#define LS_SCORE_REGISTRY_H

#include "score/signal.h"

#define SIGNALS_MAX 32

extern const size_t ls_signal_count;
extern const struct ls_signal *const ls_signals[];

#endif
