// SPDX-License-Identifier: MIT
/* Time moves scores: every lead is scored again, a few at a time, in the order of slots. What could
 * not be done when an event came (a company of thousands, no memory) is made good here. */

#include "engine/engine_internal.h"

#define LEAD_AHEAD  16u
#define BLOCK_AHEAD 8u
#define TIDY_EVERY  8u
#define TRIM        64u /* pages given back a slice */

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
}

/* Leads grow out of their blocks together, which leaves pages thinly used. Each sweep moves an
 * eighth of the leads together. */
static void
tidy(struct ls_engine *engine, void **place, uint32_t size)
{
	if (!ls_slab_is_sparse(&engine->slab, *place, size))
		return;
	void *moved = ls_slab_alloc(&engine->slab, size);
	if (moved == NULL)
		return;
	memcpy(moved, *place, size);
	ls_slab_free(&engine->slab, *place, size);
	*place = moved;
}

static void
sweep_lead(struct ls_engine *engine, struct ls_lead *lead, ls_moved_fn moved, void *ctx)
{
	bool changed;
	if (engine->lazy_rounds > 0 && lead->links != LS_NONE) {
		if (ls_links_count(engine, lead, LS_NONE, &changed) != LS_OK)
			engine->lazy_rounds = 3;
		ls_lead_derive(engine, lead);
	}
	unsigned told = (lead->flags & LS_F_CATEGORY) >> LS_F_CATEGORY_SHIFT;
	int32_t from_milli = engine->rank.nodes[lead->id].score_milli;
	bool untold = (lead->flags & LS_F_UNTOLD) != 0;
	ls_lead_rescore(engine, lead, true);
	unsigned now = (lead->flags & LS_F_CATEGORY) >> LS_F_CATEGORY_SHIFT;
	int32_t to_milli = engine->rank.nodes[lead->id].score_milli;
	bool whole = untold || from_milli / 1000 != to_milli / 1000;
	if ((told == now && !whole) || told == 0 || now == 0 || moved == NULL)
		return;
	struct ls_applied move = {
		.lead_id = lead->id,
		.from = (enum ls_category)(told - 1),
		.to = (enum ls_category)(now - 1),
		.from_milli = LS_MAX(from_milli, 0),
		.to_milli = to_milli,
	};
	moved(ctx, &move);
}

size_t
ls_engine_sweep(
	struct ls_engine *engine, int64_t now_ms, size_t budget, ls_moved_fn moved, void *ctx)
{
	if (ls_moment_now_ms(engine->moment) != now_ms &&
		ls_moment_set(engine->moment, engine->profile, now_ms) != LS_OK)
		return engine->lead_end - engine->sweep_at;
	if (!engine->sweeping) {
		engine->sweeping = true;
		engine->sweep_at = 0;
		engine->stats.sweep_oldest_ms = now_ms;
	}
	for (; budget > 0 && engine->sweep_at < engine->lead_end; budget--, engine->sweep_at++) {
		struct ls_lead *lead = ls_lead_at(engine, engine->sweep_at);
		prefetch(engine, engine->sweep_at);
		if ((lead->flags & LS_F_USED) == 0)
			continue;
		sweep_lead(engine, lead, moved, ctx);
		if (engine->sweep_at % TIDY_EVERY == engine->stats.sweeps % TIDY_EVERY) {
			tidy(engine, &lead->activity, lead->activity_size);
			tidy(engine, &lead->doc, lead->doc_size);
		}
	}
	ls_slab_trim(&engine->slab, TRIM);
	if (engine->sweep_at < engine->lead_end)
		return engine->lead_end - engine->sweep_at;
	engine->sweeping = false;
	engine->stats.sweeps++;
	engine->lazy_rounds -= engine->lazy_rounds > 0;
	return 0;
}

/* ---- prefetching for a batch of events */

static void
fetch_lead(const struct ls_engine *engine, uint32_t slot)
{
	const struct ls_lead *lead = ls_lead_at(engine, slot);
	__builtin_prefetch(lead);
	__builtin_prefetch((const char *)lead + 64);
}

static void
fetch_blocks(const struct ls_engine *engine, uint32_t slot)
{
	const struct ls_lead *lead = ls_lead_at(engine, slot);
	for (uint32_t at = 0; at < lead->activity_size && at < 512; at += 64)
		__builtin_prefetch((const char *)lead->activity + at);
	if (lead->doc != NULL)
		__builtin_prefetch(lead->doc);
	__builtin_prefetch(&engine->rank.nodes[lead->id]);
}

/*
 * Each call moves three events one step: it starts the fetch of this one's place in the map, of the
 * lead of the one a few calls before, and of the blocks of the one before that; so no step waits
 * for the step it depends on.
 */
void
ls_engine_prefetch(const struct ls_engine *engine, const struct ls_event *event)
{
	struct ls_pipe *pipe = engine->pipe;
	struct ls_key key = { .type = LS_KEY_REF };
	const struct ls_subject *subject = &event->subject;
	if (subject->ref.system.data != NULL) {
		if (subject->ref.record != LS_RECORD_LEAD)
			return;
		key = ls_key_of_ref(&subject->ref);
	} else {
		bool email = subject->email.data != NULL;
		key.type = email ? LS_KEY_EMAIL : LS_KEY_VISITOR;
		key.id = email ? subject->email : subject->visitor;
	}
	uint32_t at = pipe->at++ % LS_AHEAD;
	pipe->hashes[at] = ls_key_hash(engine->hash_key, &key);
	pipe->slots[at] = LS_NONE;
	ls_map_prefetch(&engine->keys, pipe->hashes[at]);
	uint32_t before = (at + LS_AHEAD - LS_AHEAD / 4) % LS_AHEAD;
	uint32_t first = (at + LS_AHEAD - LS_AHEAD / 2) % LS_AHEAD;
	if (pipe->at > LS_AHEAD / 4) {
		pipe->slots[before] = ls_map_peek(&engine->keys, pipe->hashes[before]);
		if (pipe->slots[before] != LS_NONE)
			fetch_lead(engine, pipe->slots[before]);
	}
	if (pipe->at > LS_AHEAD && pipe->slots[first] < engine->lead_end)
		fetch_blocks(engine, pipe->slots[first]);
}
