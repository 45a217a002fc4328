// SPDX-License-Identifier: MIT
/* Time moves scores: every lead is scored again, a few at a time, in the order of slots. What could
 * not be done when an event came (a company of thousands, no memory) is made good here. */

#include "engine/engine_internal.h"

#define LEAD_AHEAD      24u
#define BLOCK_AHEAD     12u
#define NEIGHBOUR_AHEAD 6u
#define BEHIND          8u /* leads that have a score but not yet its place */
#define TIDY_EVERY      8u
#define TRIM            64u /* pages given back a slice */

static void
fetch_lead(const struct ls_lead *lead)
{
	__builtin_prefetch(lead);
	__builtin_prefetch((const char *)lead + 64);
}

static void
fetch_activity(const struct ls_lead *lead)
{
	for (uint32_t at = 0; at < lead->activity_size && at < 512; at += 64)
		__builtin_prefetch((const char *)lead->activity + at);
}

/** Those that taking the lead out of its bucket changes. */
static void
fetch_neighbours(const struct ls_rank *rank, uint32_t id)
{
	const struct ls_rank_node *node = &rank->nodes[id];
	if (node->prev != LS_RANK_NONE)
		__builtin_prefetch(&rank->nodes[node->prev]);
	if (node->next != LS_RANK_NONE)
		__builtin_prefetch(&rank->nodes[node->next]);
}

/* Leads grow out of their blocks together, which leaves pages thinly used. Each sweep moves an
 * eighth of the leads together. */
static bool
is_tidied(const struct ls_engine *engine, uint32_t slot)
{
	return slot % TIDY_EVERY == engine->stats.sweeps % TIDY_EVERY;
}

static void
fetch_ahead(const struct ls_engine *engine, uint32_t slot)
{
	if (slot + LEAD_AHEAD < engine->lead_end)
		fetch_lead(ls_lead_at(engine, slot + LEAD_AHEAD));
	if (slot + BLOCK_AHEAD < engine->lead_end) {
		const struct ls_lead *lead = ls_lead_at(engine, slot + BLOCK_AHEAD);
		fetch_activity(lead);
		__builtin_prefetch(&engine->rank.nodes[lead->id]);
		if (is_tidied(engine, slot + BLOCK_AHEAD)) {
			ls_slab_prefetch(lead->activity);
			ls_slab_prefetch(lead->doc);
		}
	}
	if (slot + NEIGHBOUR_AHEAD < engine->lead_end)
		fetch_neighbours(&engine->rank, ls_lead_at(engine, slot + NEIGHBOUR_AHEAD)->id);
}

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

/** A lead between its scoring and its placing. */
struct scored {
	struct ls_lead *lead;
	int32_t score_milli;
};

/** Those that are in between, so that where they will be placed can be fetched meanwhile. */
struct trail {
	struct scored scored[BEHIND];
	uint32_t count; /* ever */
	uint32_t placed;
	ls_moved_fn moved;
	void *ctx;
};

static void
place(struct ls_engine *engine, const struct scored *scored, struct trail *trail)
{
	struct ls_lead *lead = scored->lead;
	unsigned told = (lead->flags & LS_F_CATEGORY) >> LS_F_CATEGORY_SHIFT;
	int32_t from_milli = engine->rank.nodes[lead->id].score_milli;
	bool untold = (lead->flags & LS_F_UNTOLD) != 0;
	ls_lead_place(engine, lead, scored->score_milli, true);
	unsigned now = (lead->flags & LS_F_CATEGORY) >> LS_F_CATEGORY_SHIFT;
	int32_t to_milli = engine->rank.nodes[lead->id].score_milli;
	bool whole = untold || from_milli / 1000 != to_milli / 1000;
	if ((told == now && !whole) || told == 0 || now == 0 || trail->moved == NULL)
		return;
	struct ls_applied move = {
		.lead_id = lead->id,
		.from = (enum ls_category)(told - 1),
		.to = (enum ls_category)(now - 1),
		.from_milli = LS_MAX(from_milli, 0),
		.to_milli = to_milli,
	};
	trail->moved(trail->ctx, &move);
}

/** All but the last `left`. */
static void
place_scored(struct ls_engine *engine, struct trail *trail, uint32_t left)
{
	for (; trail->count - trail->placed > left; trail->placed++)
		place(engine, &trail->scored[trail->placed % BEHIND], trail);
}

static void
score_lead(struct ls_engine *engine, struct ls_lead *lead, struct trail *trail)
{
	bool changed;
	if (engine->lazy_rounds > 0 && lead->links != LS_NONE) {
		if (ls_links_count(engine, lead, LS_NONE, &changed) != LS_OK)
			engine->lazy_rounds = 3;
		ls_lead_derive(engine, lead);
	}
	int32_t score_milli = ls_lead_score(engine, lead);
	place_scored(engine, trail, BEHIND - 1);
	trail->scored[trail->count++ % BEHIND] =
		(struct scored){ .lead = lead, .score_milli = score_milli };
	if (score_milli >= 0)
		__builtin_prefetch(&engine->rank.buckets[score_milli]);
	const struct scored *before = &trail->scored[(trail->count + BEHIND / 2) % BEHIND];
	if (trail->count > BEHIND / 2 && before->score_milli >= 0) {
		uint32_t head = engine->rank.buckets[before->score_milli].head;
		if (head != LS_RANK_NONE)
			__builtin_prefetch(&engine->rank.nodes[head]);
	}
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
	struct trail trail = { .moved = moved, .ctx = ctx };
	for (; budget > 0 && engine->sweep_at < engine->lead_end; budget--, engine->sweep_at++) {
		struct ls_lead *lead = ls_lead_at(engine, engine->sweep_at);
		fetch_ahead(engine, engine->sweep_at);
		if ((lead->flags & LS_F_USED) == 0)
			continue;
		score_lead(engine, lead, &trail);
		if (is_tidied(engine, engine->sweep_at)) {
			tidy(engine, &lead->activity, lead->activity_size);
			tidy(engine, &lead->doc, lead->doc_size);
		}
	}
	place_scored(engine, &trail, 0);
	ls_slab_trim(&engine->slab, TRIM);
	if (engine->sweep_at < engine->lead_end)
		return engine->lead_end - engine->sweep_at;
	engine->sweeping = false;
	engine->stats.sweeps++;
	engine->lazy_rounds -= engine->lazy_rounds > 0;
	return 0;
}

/* ---- prefetching for a batch of events */

#define PIPE_STEP (LS_AHEAD / 4)

static void
fetch_slot(const struct ls_engine *engine, uint32_t at)
{
	struct ls_pipe *pipe = engine->pipe;
	pipe->slots[at] = ls_map_peek(&engine->keys, pipe->hashes[at]);
	if (pipe->slots[at] != LS_NONE)
		fetch_lead(ls_lead_at(engine, pipe->slots[at]));
}

static void
fetch_blocks(const struct ls_engine *engine, uint32_t at)
{
	uint32_t slot = engine->pipe->slots[at];
	if (slot >= engine->lead_end)
		return;
	const struct ls_lead *lead = ls_lead_at(engine, slot);
	fetch_activity(lead);
	ls_slab_prefetch(lead->activity);
	for (uint32_t offset = 0; offset < lead->doc_size && offset < 128; offset += 64)
		__builtin_prefetch((const char *)lead->doc + offset);
	__builtin_prefetch(&engine->rank.nodes[lead->id]);
}

static void
fetch_places(const struct ls_engine *engine, uint32_t at)
{
	uint32_t slot = engine->pipe->slots[at];
	if (slot < engine->lead_end)
		fetch_neighbours(&engine->rank, ls_lead_at(engine, slot)->id);
}

/** One step further for the events that are in the pipe. */
static void
advance(const struct ls_engine *engine)
{
	const struct ls_pipe *pipe = engine->pipe;
	if (pipe->at - pipe->begin >= PIPE_STEP && pipe->at - PIPE_STEP < pipe->end)
		fetch_slot(engine, (pipe->at - PIPE_STEP) % LS_AHEAD);
	if (pipe->at - pipe->begin >= 2 * PIPE_STEP && pipe->at - 2 * PIPE_STEP < pipe->end)
		fetch_blocks(engine, (pipe->at - 2 * PIPE_STEP) % LS_AHEAD);
	if (pipe->at - pipe->begin >= 3 * PIPE_STEP)
		fetch_places(engine, (pipe->at - 3 * PIPE_STEP) % LS_AHEAD);
}

/*
 * Each call moves four events one step: it starts the fetch of this one's place in the map, of the
 * lead of the one a few calls before, of the blocks of the one before that, and of its neighbours
 * in the ranking; so no step waits for the step it depends on.
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
	uint64_t hash = ls_key_hash(engine->hash_key, &key);
	pipe->hashes[pipe->at % LS_AHEAD] = hash;
	ls_map_prefetch(&engine->keys, hash);
	pipe->end = pipe->at + 1;
	advance(engine);
	pipe->at++;
}

void
ls_engine_prefetch_end(const struct ls_engine *engine)
{
	struct ls_pipe *pipe = engine->pipe;
	while (pipe->at - pipe->begin > 0 && pipe->at < pipe->end + 3 * PIPE_STEP) {
		advance(engine);
		pipe->at++;
	}
	pipe->begin = pipe->at;
}
