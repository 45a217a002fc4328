/* SPDX-License-Identifier: MIT */
/* Leads in order of score: one list per milli-point, a bitmap over the lists that are not empty.
 * Knows ids and scores, nothing else. */
#ifndef LS_ENGINE_RANK_H
#define LS_ENGINE_RANK_H

#include "base/base.h"
#include "leadscore/score.h"

#define LS_RANK_NONE    UINT32_MAX
#define LS_RANK_BUCKETS (LS_SCORE_MAX_MILLI + 1)
#define LS_RANK_WORDS   ((LS_RANK_BUCKETS + 63) / 64)

/** One for every lead id ever given out, indexed by it. */
struct ls_rank_node {
	uint32_t slot;       /* where the lead is: the engine's directory, see engine_internal.h */
	int32_t score_milli; /* -1: not in the ranking */
	uint32_t prev, next;
};

struct ls_rank_bucket {
	uint32_t head, count;
};

struct ls_rank {
	struct ls_rank_node *nodes;
	struct ls_rank_bucket *buckets;
	uint64_t *words;                             /* bit b: bucket b has leads */
	uint64_t summary[(LS_RANK_WORDS + 63) / 64]; /* bit w: words[w] is not 0 */
	uint32_t room;                               /* nodes */
	uint32_t end;                                /* one more than the highest id in use */
	uint64_t total;
};

int ls_rank_init(struct ls_rank *rank) LS_MUST_CHECK;
void ls_rank_fini(struct ls_rank *rank);
/** Makes node `id` usable. LS_ERR_NOMEM. */
int ls_rank_reserve(struct ls_rank *rank, uint32_t id) LS_MUST_CHECK;
/** Puts the lead at this score, wherever it was; -1 takes it out. */
void ls_rank_set(struct ls_rank *rank, uint32_t id, int32_t score_milli);
/**
 * Up to `limit` ids with scores from `high` down to `low`, highest first, ties by lower id, behind
 * the lead (after_score, after_id); after_score -1: from the start.
 */
size_t ls_rank_page(const struct ls_rank *rank, int32_t low, int32_t high, int32_t after_score,
	uint64_t after_id, uint64_t *ids, size_t limit);
size_t ls_rank_bytes(const struct ls_rank *rank);

#endif
