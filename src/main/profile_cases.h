/* SPDX-License-Identifier: MIT */
/* Test cases beside a scoring profile: given these events, expect that score. */
#ifndef LS_MAIN_PROFILE_CASES_H
#define LS_MAIN_PROFILE_CASES_H

#include "base/arena.h"
#include "base/buf.h"
#include "leadscore/score.h"

/** Points as they are written: they are compared to the decimals that they have. */
struct ls_profile_points {
	struct ls_slice line, number;
};

struct ls_profile_case {
	struct ls_slice name;
	struct ls_slice events; /* a JSON array, as in POST /api/events */
	struct ls_slice score;  /* a JSON number; data == NULL: not expected */
	int category;           /* -1: not expected */
	struct ls_profile_points *points;
	size_t point_count;
};

struct ls_profile_cases {
	struct ls_slice profile;      /* JSON; data == NULL: none given */
	struct ls_slice profile_file; /* its path; data == NULL: none given */
	int64_t now_ms;
	struct ls_profile_case *cases;
	size_t count;
};

/** Slices point into the text and the arena. LS_ERR_INVALID: the first fault, with its place, is in
 * `fault`; LS_ERR_NOMEM. */
int ls_profile_cases_read(struct ls_slice json, struct ls_arena *arena,
	struct ls_profile_cases *out, struct ls_buf *fault) LS_MUST_CHECK;
/** Scores the lead of the case's first event after all of them. Differences, and how the points
 * come about, are written to `why`, a line each. 0 when all is as expected, else LS_ERR_CONFLICT;
 * LS_ERR_INVALID for events with a fault; LS_ERR_NOMEM. */
int ls_profile_case_run(const struct ls_profile *profile, const struct ls_profile_case *one,
	int64_t now_ms, struct ls_buf *why) LS_MUST_CHECK;

#endif
