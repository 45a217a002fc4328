/* SPDX-License-Identifier: MIT */
/* How much of a line each of its events is worth, as the signals and rules say it. */
#ifndef LS_SCORE_WEIGHTS_H
#define LS_SCORE_WEIGHTS_H

#include "score/moment.h"

struct weights;

/** `count` events that weigh `weight` together; nothing is added for a weight of 0. */
void weights_add(
	struct weights *weights, unsigned kind, uint32_t hour, uint32_t count, double weight);
/** The same for events of one message. */
void weights_add_message(
	struct weights *weights, const struct ls_hit *hit, unsigned kind, double weight);
/** How the events of a kind weigh: each `points`, decayed (NULL: not), up to `hours` back. */
struct kind_weight {
	unsigned kind;
	double points;
	const struct half_life *half_life;
	uint32_t hours;
};

void weights_add_kind(
	struct weights *weights, const struct view *view, const struct kind_weight *how);

#endif
