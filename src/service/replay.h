/* SPDX-License-Identifier: MIT */
/* What was known of a lead at an earlier moment: his stored events up to then, applied to an engine
 * of their own by the code that applies events. */
#ifndef LS_SERVICE_REPLAY_H
#define LS_SERVICE_REPLAY_H

#include "service/past.h"

/** Called once: the engine with this one lead, under the profile that holds now. It lives as long
 * as `past`, which is to be freed before the turn ends. */
typedef void (*ls_replay_fn)(struct ls_past *past, struct ls_engine *engine, uint64_t id);

/**
 * Rebuilds the lead as of past->at_ms from the events that happened up to then. Who he was is taken
 * as known today: ids, e-mail, merges. A problem is answered where that cannot be done.
 */
void ls_replay(struct ls_past *past, ls_replay_fn done);

#endif
