/* SPDX-License-Identifier: MIT */
/* What the demo's people do: three weeks of history, then life as it goes on, as request bodies.
 * Pure: the same options, and the same instants asked for, give the same bytes. */
#ifndef LS_MAIN_DEMO_TRAFFIC_H
#define LS_MAIN_DEMO_TRAFFIC_H

#include "main/demo_people.h"
#include "main/demo_write.h"

#define LS_DEMO_HISTORY_MS (INT64_C(21) * 86400000)
#define LS_DEMO_SPEED_MAX  100u

struct ls_demo_traffic;

struct ls_demo_options {
	uint64_t seed;
	size_t leads;     /* LS_DEMO_LEADS_MIN to LS_DEMO_LEADS_MAX */
	int64_t start_ms; /* history ends and life begins */
	unsigned speed;   /* 1 to LS_DEMO_SPEED_MAX: how much faster than life */
};

struct ls_demo_traffic *ls_demo_traffic_new(const struct ls_demo_options *options) LS_MUST_CHECK;
struct ls_demo_traffic *ls_demo_traffic_free(struct ls_demo_traffic *traffic);
const struct ls_demo_people *ls_demo_traffic_people(const struct ls_demo_traffic *traffic);
int64_t ls_demo_traffic_start_ms(const struct ls_demo_traffic *traffic);
/** The person with the heat nearest to this: somebody to show. */
size_t ls_demo_traffic_someone(const struct ls_demo_traffic *traffic, unsigned heat);

/** The next body of history. LS_ERR_NOT_FOUND: that was all of it. LS_ERR_NOMEM. */
int ls_demo_traffic_history(
	struct ls_demo_traffic *traffic, struct ls_demo_batch *out) LS_MUST_CHECK;
/**
 * The next body of what has happened since the start until now_ms, which never goes back.
 * LS_ERR_NOT_FOUND: nothing more until then. LS_ERR_NOMEM.
 */
int ls_demo_traffic_live(
	struct ls_demo_traffic *traffic, int64_t now_ms, struct ls_demo_batch *out) LS_MUST_CHECK;

#endif
