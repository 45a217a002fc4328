/* SPDX-License-Identifier: MIT */
/* Which events have been seen: 128-bit keys in generations of 13 hours, so that forgetting is cheap
 * and 26 hours are always kept. */
#ifndef LS_SERVICE_DEDUPE_H
#define LS_SERVICE_DEDUPE_H

#include "base/hash.h"

#define LS_DEDUPE_GENERATION_MS INT64_C(46800000) /* 13 h */
#define LS_DEDUPE_KEEP_MS       (2 * LS_DEDUPE_GENERATION_MS)

struct ls_dedupe;

struct ls_dedupe *ls_dedupe_new(size_t max_keys) LS_MUST_CHECK;
struct ls_dedupe *ls_dedupe_free(struct ls_dedupe *dedupe);
/**
 * Remembers the key under the time it was received. *seen tells whether it was there before. At the
 * maximum the oldest generation is forgotten. LS_ERR_NOMEM: nothing was remembered.
 */
int ls_dedupe_add(struct ls_dedupe *dedupe, struct ls_hash128 key, int64_t received_ms,
	bool *seen) LS_MUST_CHECK;
/** Starts fetching what ls_dedupe_add() will look at into the cache. */
void ls_dedupe_prefetch(const struct ls_dedupe *dedupe, struct ls_hash128 key);
/** Takes a key out again: its event could not be applied. */
void ls_dedupe_remove(struct ls_dedupe *dedupe, struct ls_hash128 key);
size_t ls_dedupe_count(const struct ls_dedupe *dedupe);
/** Generations that had to go before their time. */
uint64_t ls_dedupe_evicted(const struct ls_dedupe *dedupe);

#endif
