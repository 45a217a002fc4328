// SPDX-License-Identifier: MIT
/* Scores every lead with two profiles, in the order of slots, and keeps figures and the biggest
 * movers. Nothing of the engine changes. */

#include "engine/whatif.h"

#include <stdlib.h>

#include "engine/engine_internal.h"

/* leads on their way into the cache */
#define LEAD_AHEAD  24u
#define BLOCK_AHEAD 12u

struct ls_whatif {
	const struct ls_engine *engine;
	const struct ls_profile *profiles[2]; /* that holds, that might */
	struct ls_moment *moments[2];
	uint32_t same_signals;
	struct ls_activity activity;
	uint32_t at;
	struct ls_whatif_result result;
};

struct ls_whatif *
ls_whatif_new(const struct ls_engine *engine, const struct ls_profile *profile, int64_t now_ms)
{
	struct ls_whatif *whatif = calloc(1, sizeof *whatif);
	if (whatif == NULL)
		return NULL;
	whatif->engine = engine;
	whatif->profiles[0] = engine->profile;
	whatif->profiles[1] = profile;
	whatif->same_signals = ls_profile_same_signals(engine->profile, profile);
	for (size_t i = 0; i < 2; i++) {
		whatif->moments[i] = ls_moment_new(engine->memory, whatif->profiles[i], now_ms);
		if (whatif->moments[i] == NULL)
			return ls_whatif_free(whatif);
	}
	return whatif;
}

struct ls_whatif *
ls_whatif_free(struct ls_whatif *whatif)
{
	if (whatif == NULL)
		return NULL;
	for (size_t i = 0; i < 2; i++)
		(void)ls_moment_free(whatif->moments[i]);
	ls_activity_fini(&whatif->activity, whatif->engine->memory);
	free(whatif);
	return NULL;
}

/* ---- the sweep */

static void
insert(struct ls_whatif_mover *movers, size_t *count, struct ls_whatif_mover mover)
{
	int32_t size = abs(mover.change_milli);
	size_t at = *count;
	/* most do not come in: slots are in no order of ids, so equal changes are compared by id */
	while (at > 0) {
		const struct ls_whatif_mover *above = &movers[at - 1];
		int32_t other = abs(above->change_milli);
		if (other > size || (other == size && above->id < mover.id))
			break;
		at--;
	}
	if (at == LS_WHATIF_MOVERS)
		return;
	*count = LS_MIN(*count + 1, (size_t)LS_WHATIF_MOVERS);
	memmove(&movers[at + 1], &movers[at], (*count - at - 1) * sizeof *movers);
	movers[at] = mover;
}

static size_t
bin_of(int32_t score_milli)
{
	size_t bin = (size_t)score_milli / (LS_SCORE_MAX_MILLI / LS_WHATIF_BINS);
	return LS_MIN(bin, (size_t)LS_WHATIF_BINS - 1);
}

/* scored as it lies there */
static bool
is_packed(const struct ls_lead *lead)
{
	return lead->activity != NULL && !ls_lead_is_wide(lead);
}

static void
judge(struct ls_whatif *whatif, const struct ls_lead *lead)
{
	struct ls_whatif_result *result = &whatif->result;
	struct ls_lead_subject subject = { .engine = whatif->engine, .lead = lead };
	struct ls_subject_data data = ls_lead_data(&subject, &whatif->activity);
	int32_t scores[2];
	if (is_packed(lead)) {
		data.activity = NULL;
		data.packed = lead->activity;
	}
	ls_score_pair(whatif->moments, whatif->same_signals, &data, scores);
	int32_t before = scores[0], after = scores[1];
	struct ls_whatif_mover mover = { .id = lead->id, .change_milli = after - before };
	result->leads++;
	result->moves[ls_categorize(whatif->profiles[0], before)]
		     [ls_categorize(whatif->profiles[1], after)]++;
	result->before[bin_of(before)]++;
	result->after[bin_of(after)]++;
	if (after > before) {
		result->rise++;
		insert(result->risers, &result->riser_count, mover);
	} else if (after < before) {
		result->fall++;
		insert(result->fallers, &result->faller_count, mover);
	}
}

static int
unpack(struct ls_whatif *whatif, const struct ls_lead *lead)
{
	return ls_unpack(
		lead->activity, ls_lead_is_wide(lead), &whatif->activity, whatif->engine->memory);
}

static void
prefetch(const struct ls_engine *engine, uint32_t slot)
{
	if (slot + LEAD_AHEAD < engine->lead_end) {
		const struct ls_lead *lead = ls_lead_at(engine, slot + LEAD_AHEAD);
		__builtin_prefetch(lead);
		__builtin_prefetch((const char *)lead + 64);
	}
	if (slot + BLOCK_AHEAD >= engine->lead_end)
		return;
	const struct ls_lead *lead = ls_lead_at(engine, slot + BLOCK_AHEAD);
	for (uint32_t at = 0; at < lead->activity_size && at < 512; at += 64)
		__builtin_prefetch((const char *)lead->activity + at);
	/* rules on fields read it */
	for (uint32_t at = 0; at < lead->doc_size && at < 256; at += 64)
		__builtin_prefetch((const char *)lead->doc + at);
}

int
ls_whatif_step(struct ls_whatif *whatif, size_t budget, size_t *left)
{
	const struct ls_engine *engine = whatif->engine;
	for (; budget > 0 && whatif->at < engine->lead_end; budget--, whatif->at++) {
		const struct ls_lead *lead = ls_lead_at(engine, whatif->at);
		prefetch(engine, whatif->at);
		if ((lead->flags & LS_F_USED) == 0 || !ls_lead_is_ranked(lead))
			continue;
		int err = is_packed(lead) ? LS_OK : unpack(whatif, lead);
		if (err != LS_OK)
			return err;
		judge(whatif, lead);
	}
	*left = engine->lead_end - whatif->at;
	return LS_OK;
}

const struct ls_whatif_result *
ls_whatif_result(const struct ls_whatif *whatif)
{
	return &whatif->result;
}

/* ---- one lead */

int
ls_whatif_explain(struct ls_whatif *whatif, uint64_t id, bool cools, struct ls_arena *arena,
	struct ls_explanation *before, struct ls_explanation *after)
{
	const struct ls_engine *engine = whatif->engine;
	struct ls_explanation out[2];
	uint32_t slot = ls_lead_slot(engine, id);
	if (slot == LS_NONE || (ls_lead_at(engine, slot)->flags & LS_F_VISIBLE) == 0)
		return LS_ERR_NOT_FOUND;
	const struct ls_lead *lead = ls_lead_at(engine, slot);
	int err = unpack(whatif, lead);
	if (err != LS_OK)
		return err;
	struct ls_lead_subject subject = { .engine = engine, .lead = lead };
	struct ls_subject_data data = ls_lead_data(&subject, &whatif->activity);
	for (size_t i = 0; i < 2; i++) {
		struct ls_moment *moment = whatif->moments[i];
		out[i] = (struct ls_explanation){ .count = ls_line_count(whatif->profiles[i]),
			.moment = moment };
		out[i].lines = ls_arena_alloc(arena, out[i].count * sizeof *out[i].lines);
		if (out[i].lines == NULL)
			return LS_ERR_NOMEM;
		out[i].score_milli = ls_explain(moment, &data, out[i].lines);
		out[i].category = ls_categorize(whatif->profiles[i], out[i].score_milli);
		out[i].cools_at_ms = cools ? ls_cools_at_ms(moment, &data) : 0;
	}
	*before = out[0];
	*after = out[1];
	return LS_OK;
}

static const struct ls_line *
same_line(const struct ls_explanation *in, const struct ls_line *line)
{
	for (size_t i = 0; i < in->count; i++) {
		if (in->lines[i].is_rule == line->is_rule &&
			ls_slice_eq(in->lines[i].name, line->name))
			return &in->lines[i];
	}
	return NULL;
}

struct reasons {
	struct ls_whatif_reason *out;
	size_t count, max;
};

static void
add_reason(struct reasons *reasons, struct ls_whatif_reason reason)
{
	int32_t size = abs(reason.after_milli - reason.before_milli);
	size_t at = reasons->count;
	if (size == 0)
		return;
	while (at > 0 &&
		abs(reasons->out[at - 1].after_milli - reasons->out[at - 1].before_milli) < size)
		at--;
	if (at == reasons->max)
		return;
	reasons->count = LS_MIN(reasons->count + 1, reasons->max);
	memmove(&reasons->out[at + 1], &reasons->out[at],
		(reasons->count - at - 1) * sizeof *reasons->out);
	reasons->out[at] = reason;
}

size_t
ls_whatif_reasons(const struct ls_explanation *before, const struct ls_explanation *after,
	struct ls_whatif_reason *out, size_t max)
{
	struct reasons reasons = { .out = out, .max = max };
	for (size_t i = 0; i < after->count; i++) {
		const struct ls_line *line = &after->lines[i], *old = same_line(before, line);
		add_reason(&reasons, (struct ls_whatif_reason){ .line = line,
					     .moment = after->moment,
					     .before_milli = old != NULL ? old->points_milli : 0,
					     .after_milli = line->points_milli });
	}
	for (size_t i = 0; i < before->count; i++) {
		const struct ls_line *line = &before->lines[i];
		if (same_line(after, line) == NULL)
			add_reason(&reasons, (struct ls_whatif_reason){ .line = line,
						     .moment = before->moment,
						     .before_milli = line->points_milli });
	}
	return reasons.count;
}
