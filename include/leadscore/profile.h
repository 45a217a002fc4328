/* SPDX-License-Identifier: MIT */
/* A scoring profile: weights and parameters of the signals, thresholds and rules, read from JSON.
 * Immutable once made, so any number of threads may score with one. */
#ifndef LEADSCORE_PROFILE_H
#define LEADSCORE_PROFILE_H

#include "leadscore/activity.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct ls_profile;

/** A fault in a profile's JSON: where, and what, for people. Both end in a zero byte. */
struct ls_profile_fault {
	char pointer[160]; /* RFC 6901, "" for the document */
	char what[160];
};

/** The profile of docs/scoring.md: seven signals, no rules, hot from 75 points, warm from 50. To be
 * freed by the caller; NULL: no memory. */
struct ls_profile *ls_profile_default(struct ls_memory memory) LS_MUST_CHECK;
/**
 * Reads a profile:
 *
 *	{"name": "enterprise", "thresholds": {"hot": 75, "warm": 50},
 *	 "signals": {"website_visits": {"weight": 30, "half_life_days": 21}},
 *	 "rules": [
 *		{"id": "forms", "when": {"kind": "form_submit"}, "points": 6, "cap": 12,
 *		 "half_life_days": 30, "window_days": 90},
 *		{"id": "big", "when": {"field": "employees", "at_least": 500}, "points": 4.5}]}
 *
 * What is left out has the default's value; "points" by kind, where given, are given whole. A field
 * is compared by one of equals, in, at_least, at_most, below, contains and exists, types strictly
 * as in JSON; one that is not there equals null. LS_ERR_INVALID: up to `fault_room` faults are
 * filled in, the first ones of all there are, and *fault_count says how many; nothing else sets it.
 * LS_ERR_NOMEM. The text need not outlive the call; *out is to be freed by the caller.
 */
int ls_profile_parse(struct ls_memory memory, struct ls_slice json, struct ls_profile **out,
	struct ls_profile_fault *faults, size_t fault_room, size_t *fault_count) LS_MUST_CHECK;
/** Frees it; what points into it (names of lines, moments) must not be used any more. NULL is fine;
 * always returns NULL. */
struct ls_profile *ls_profile_free(struct ls_profile *profile);

/**
 * The profile as JSON with its defaults filled in, on one line, into `out` as far as it fits, not
 * terminated. Returns the length that the whole has: ask with size 0 first, or again. Parsed, it is
 * the same profile.
 */
size_t ls_profile_print(const struct ls_profile *profile, char *out, size_t size);

/** Its "name", "default" without one; belongs to the profile, not terminated. */
struct ls_slice ls_profile_name(const struct ls_profile *profile);
/** Thresholds in milli-points. The setters are for configuration, before the profile is used. */
int32_t ls_profile_hot_milli(const struct ls_profile *profile);
int32_t ls_profile_warm_milli(const struct ls_profile *profile);
/** Whether its JSON said any of the two. */
bool ls_profile_has_thresholds(const struct ls_profile *profile);
/** LS_ERR_INVALID, with nothing changed, unless 0 <= warm <= hot <= 100,000. */
int ls_profile_set_thresholds(
	struct ls_profile *profile, int32_t warm_milli, int32_t hot_milli) LS_MUST_CHECK;

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
