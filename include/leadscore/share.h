/* SPDX-License-Identifier: MIT */
/* What each event gives: the points of every line of an explanation, shared out among the events
 * that it counts, so that the shares add up to the line exactly. */
#ifndef LEADSCORE_SHARE_H
#define LEADSCORE_SHARE_H

#include "leadscore/score.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** What the events of one kind in one hour (older than 60 days: in one UTC day) give together to
 * one line. */
struct ls_share {
	uint32_t line;    /* place in the explanation */
	uint32_t kind;    /* without the machine bit: machines give nothing */
	uint32_t hour;    /* since 1970; of a day its last one */
	uint32_t count;   /* events */
	uint64_t message; /* where the line tells messages apart; else 0 */
	int32_t points_milli;
};

/** In order of line, kind, hour and message. Lines about attributes have none. */
struct ls_shares {
	struct ls_share *items;
	size_t count;
	int64_t now_hour;
};

/** An event as the activity counts it. */
struct ls_share_event {
	unsigned kind;
	int64_t time_ms;
	uint64_t message;
};

/** `lines` as ls_explain() filled them for the same moment and data. LS_ERR_NOMEM. Free with
 * ls_shares_fini() and the same memory. */
int ls_shares_make(struct ls_moment *moment, const struct ls_subject_data *data,
	const struct ls_line *lines, struct ls_memory memory, struct ls_shares *out) LS_MUST_CHECK;
void ls_shares_fini(struct ls_shares *shares, struct ls_memory memory);
/** The share that the event has a part in, or NULL. */
const struct ls_share *ls_shares_find(
	const struct ls_shares *shares, uint32_t line, const struct ls_share_event *event);
/** The hour under which an event is counted in `hour` of a share. */
uint32_t ls_shares_hour(const struct ls_shares *shares, int64_t time_ms);
/** The part of one of the share's events, by its rank in any fixed order of them: 0 up to count -
 * 1. Parts differ by a milli-point at most. */
int32_t ls_share_part(const struct ls_share *share, uint32_t rank);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
