/* SPDX-License-Identifier: MIT */
/* What another profile would change: every lead scored with both at one instant, a few at a time.
 * Changes nothing. */
#ifndef LS_ENGINE_WHATIF_H
#define LS_ENGINE_WHATIF_H

#include "engine/engine.h"

#define LS_WHATIF_BINS   10u /* of ten points each; 100 is in the last one */
#define LS_WHATIF_MOVERS 20u

struct ls_whatif_mover {
	uint64_t id;
	int32_t change_milli;
};

struct ls_whatif_result {
	uint64_t leads;
	uint64_t rise, fall;  /* how many leads have more points, fewer */
	uint64_t moves[3][3]; /* leads by category before, and after */
	uint64_t before[LS_WHATIF_BINS], after[LS_WHATIF_BINS];
	/* the greatest change first, equal ones by lower id */
	struct ls_whatif_mover risers[LS_WHATIF_MOVERS], fallers[LS_WHATIF_MOVERS];
	size_t riser_count, faller_count;
};

struct ls_whatif;

/** Between the engine's profile and `profile`; both must outlive it, and the engine's must not be
 * switched or changed. NULL: no memory. */
struct ls_whatif *ls_whatif_new(const struct ls_engine *engine, const struct ls_profile *profile,
	int64_t now_ms) LS_MUST_CHECK;
struct ls_whatif *ls_whatif_free(struct ls_whatif *whatif);
/**
 * Judges the next `budget` leads; *left says how many there may be still. Events may be applied in
 * between: each lead is judged once, as it is then. LS_ERR_NOMEM: the lead is tried again next
 * time.
 */
int ls_whatif_step(struct ls_whatif *whatif, size_t budget, size_t *left) LS_MUST_CHECK;
const struct ls_whatif_result *ls_whatif_result(const struct ls_whatif *whatif);

/** One lead with both profiles, as it is now; valid until the next call. `cools`: tell cools_at_ms,
 * too, which takes longer. LS_ERR_NOT_FOUND, LS_ERR_NOMEM. */
int ls_whatif_explain(struct ls_whatif *whatif, uint64_t id, bool cools, struct ls_arena *arena,
	struct ls_explanation *before, struct ls_explanation *after) LS_MUST_CHECK;

/** A line of either explanation whose points differ. `line` is that of `moment`'s profile: the new
 * one's, or the old one's when only that has it. */
struct ls_whatif_reason {
	const struct ls_line *line;
	const struct ls_moment *moment;
	int32_t before_milli, after_milli;
};
/** Up to `max`, the greatest change first. Returns how many. */
size_t ls_whatif_reasons(const struct ls_explanation *before, const struct ls_explanation *after,
	struct ls_whatif_reason *out, size_t max);

#endif
