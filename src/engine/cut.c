// SPDX-License-Identifier: MIT
/* What has changed, and the cut of it that a checkpoint writes while events go on: an entity of the
 * open cut that is about to change is encoded first. */

#include <stdlib.h>

#include "engine/engine_internal.h"

#define ROW_ARENA_MAX (64u << 10)
#define ROOM_KEPT     65536u

static uint64_t
lead_token(const struct ls_lead *lead)
{
	return (uint64_t)lead->id << 1;
}

static int
lead_row(struct ls_engine *engine, const struct ls_lead *lead, struct ls_arena *arena,
	struct ls_cut_row *row)
{
	struct ls_lead_view view = { 0 };
	int err = ls_state_lead(engine, lead, &engine->state_buf);
	/* a lead that is only referred to has no columns */
	if (err == LS_OK && (lead->flags & LS_F_VISIBLE) != 0)
		err = ls_engine_get(engine, lead->id, arena, &view);
	if (err != LS_OK)
		return err;
	*row = (struct ls_cut_row){
		.id = lead->id,
		.email = view.email,
		.name = view.name,
		.company = view.company,
		.score_milli = view.score_milli,
		.scored_ms = view.scored_ms,
		.last_activity_ms = view.last_activity_ms,
		.state = ls_buf_slice(&engine->state_buf),
	};
	return LS_OK;
}

static int
record_row(struct ls_engine *engine, uint32_t id, struct ls_cut_row *row)
{
	int err = ls_state_record(engine, ls_record_at(engine, id), &engine->state_buf);
	if (err == LS_OK)
		*row = (struct ls_cut_row){
			.id = id, .is_record = true, .state = ls_buf_slice(&engine->state_buf)
		};
	return err;
}

/* ---- copies made before a change */

static struct ls_slice
keep(char **at, struct ls_slice s)
{
	if (s.len == 0)
		return ls_slice(NULL, 0);
	struct ls_slice kept = ls_slice(memcpy(*at, s.data, s.len), s.len);
	*at += s.len;
	return kept;
}

static int
save(struct ls_engine *engine, const struct ls_cut_row *row)
{
	size_t size = row->email.len + row->name.len + row->company.len + row->state.len;
	struct ls_saved *saved = malloc(sizeof *saved + size);
	if (saved == NULL)
		return LS_ERR_NOMEM;
	char *at = saved->bytes;
	saved->row = *row;
	saved->row.email = keep(&at, row->email);
	saved->row.name = keep(&at, row->name);
	saved->row.company = keep(&at, row->company);
	saved->row.state = keep(&at, row->state);
	saved->next = engine->cut.saved;
	engine->cut.saved = saved;
	return LS_OK;
}

static void
push_token(struct ls_vector *vector, uint64_t token)
{
	((uint64_t *)vector->items)[vector->count++] = token;
}

/* With room for the cut's tokens too, which come back when it is not written. */
int
ls_dirty_reserve(struct ls_engine *engine)
{
	return ls_vector_reserve(&engine->dirty, sizeof(uint64_t), engine->cut.tokens.count + 1);
}

int
ls_lead_touch(struct ls_engine *engine, struct ls_lead *lead)
{
	if ((lead->flags & (LS_F_DIRTY | LS_F_IN_CUT)) == LS_F_DIRTY)
		return LS_OK;
	int err = ls_dirty_reserve(engine);
	if (err == LS_OK && (lead->flags & LS_F_IN_CUT) != 0) {
		struct ls_cut_row row;
		struct ls_arena arena;
		ls_arena_init(&arena, ROW_ARENA_MAX << 10);
		err = lead_row(engine, lead, &arena, &row);
		if (err == LS_OK)
			err = save(engine, &row);
		ls_arena_fini(&arena);
	}
	if (err != LS_OK)
		return err;
	if ((lead->flags & LS_F_DIRTY) == 0)
		push_token(&engine->dirty, lead_token(lead));
	lead->flags = (lead->flags & ~LS_F_IN_CUT) | LS_F_DIRTY;
	return LS_OK;
}

int
ls_record_touch(struct ls_engine *engine, uint32_t id)
{
	struct ls_engine_record *record = ls_record_at(engine, id);
	if ((record->flags & (LS_F_DIRTY | LS_F_IN_CUT)) == LS_F_DIRTY)
		return LS_OK;
	int err = ls_dirty_reserve(engine);
	if (err == LS_OK && (record->flags & LS_F_IN_CUT) != 0) {
		struct ls_cut_row row;
		err = record_row(engine, id, &row);
		if (err == LS_OK)
			err = save(engine, &row);
	}
	if (err != LS_OK)
		return err;
	if ((record->flags & LS_F_DIRTY) == 0)
		push_token(&engine->dirty, (uint64_t)id << 1 | 1);
	record->flags = (record->flags & ~LS_F_IN_CUT) | LS_F_DIRTY;
	return LS_OK;
}

int
ls_gone_reserve(struct ls_engine *engine, size_t more)
{
	return ls_vector_reserve(
		&engine->gone, sizeof(struct ls_gone), engine->cut.gone.count + more);
}

void
ls_gone_add(struct ls_engine *engine, uint32_t id, bool events)
{
	((struct ls_gone *)engine->gone.items)[engine->gone.count++] =
		(struct ls_gone){ .id = id, .events = events };
}

/* ---- the cut */

/** The flags of what a token stands for, or NULL if that is no more. */
static uint32_t *
token_flags(struct ls_engine *engine, uint64_t token)
{
	uint64_t id = token >> 1;
	if ((token & 1) != 0) {
		struct ls_engine_record *record = ls_record_at(engine, (uint32_t)id);
		return (record->flags & LS_F_USED) != 0 ? &record->flags : NULL;
	}
	uint32_t slot = engine->rank.nodes[id].slot;
	if (slot == LS_RANK_NONE || (slot & LS_ALIAS) != 0)
		return NULL;
	return &ls_lead_at(engine, slot)->flags;
}

int
ls_engine_cut_begin(struct ls_engine *engine)
{
	struct ls_cut *cut = &engine->cut;
	if (cut->open)
		return LS_ERR_CONFLICT;
	/* the lists change places: room for what comes back when the cut is not written */
	int err = ls_vector_reserve(&cut->tokens, sizeof(uint64_t), engine->dirty.count);
	if (err == LS_OK)
		err = ls_vector_reserve(&cut->gone, sizeof(struct ls_gone), engine->gone.count);
	if (err != LS_OK)
		return err;
	struct ls_vector tokens = cut->tokens, gone = cut->gone;
	*cut = (struct ls_cut){ .open = true, .tokens = engine->dirty, .gone = engine->gone };
	engine->dirty = (struct ls_vector){ .items = tokens.items, .room = tokens.room };
	engine->gone = (struct ls_vector){ .items = gone.items, .room = gone.room };
	cut->left = cut->gone.count;
	for (size_t i = 0; i < cut->tokens.count; i++) {
		uint32_t *flags = token_flags(engine, ((uint64_t *)cut->tokens.items)[i]);
		if (flags == NULL)
			continue;
		*flags = (*flags & ~LS_F_DIRTY) | LS_F_IN_CUT;
		cut->left++;
	}
	return LS_OK;
}

size_t
ls_engine_dirty(const struct ls_engine *engine)
{
	return engine->dirty.count + engine->gone.count;
}

static int
hand_over_token(struct ls_engine *engine, uint64_t token, ls_cut_fn fn, void *ctx)
{
	struct ls_cut_row row;
	struct ls_arena arena;
	int err;
	ls_arena_init(&arena, ROW_ARENA_MAX << 10);
	if ((token & 1) != 0)
		err = record_row(engine, (uint32_t)(token >> 1), &row);
	else
		err = lead_row(engine, ls_lead_at(engine, engine->rank.nodes[token >> 1].slot),
			&arena, &row);
	if (err == LS_OK)
		err = fn(ctx, &row);
	ls_arena_fini(&arena);
	return err;
}

static int
hand_over_saved(struct ls_cut *cut, ls_cut_fn fn, void *ctx)
{
	struct ls_saved *saved = cut->saved;
	int err = fn(ctx, &saved->row);
	if (err != LS_OK)
		return err;
	cut->saved = saved->next;
	free(saved);
	return LS_OK;
}

static int
hand_over_gone(const struct ls_gone *gone, ls_cut_fn fn, void *ctx)
{
	struct ls_cut_row row = {
		.id = gone->id & ~LS_ALIAS,
		.is_record = (gone->id & LS_ALIAS) != 0,
		.erased = true,
		.erase_events = gone->events,
	};
	return fn(ctx, &row);
}

/** Moves on to the next token that is still in the cut; false: there is none. */
static bool
next_token(struct ls_engine *engine, uint64_t *token, uint32_t **flags)
{
	struct ls_cut *cut = &engine->cut;
	for (; cut->at < cut->tokens.count; cut->at++) {
		*token = ((uint64_t *)cut->tokens.items)[cut->at];
		*flags = token_flags(engine, *token);
		if (*flags != NULL && (**flags & LS_F_IN_CUT) != 0)
			return true;
	}
	return false;
}

int
ls_engine_cut_next(struct ls_engine *engine, size_t budget, ls_cut_fn fn, void *ctx, size_t *left)
{
	struct ls_cut *cut = &engine->cut;
	int err = LS_OK;
	for (; budget > 0 && cut->left > 0 && err == LS_OK; budget--) {
		uint64_t token;
		uint32_t *flags;
		if (next_token(engine, &token, &flags)) {
			err = hand_over_token(engine, token, fn, ctx);
			if (err == LS_OK)
				*flags &= ~LS_F_IN_CUT;
		} else if (cut->saved != NULL) {
			err = hand_over_saved(cut, fn, ctx);
		} else {
			const struct ls_gone *gone = cut->gone.items;
			err = hand_over_gone(&gone[cut->gone_at], fn, ctx);
			cut->gone_at += err == LS_OK;
		}
		cut->left -= err == LS_OK;
	}
	if (err == LS_OK)
		*left = cut->left;
	return err;
}

/* An entity that is dirty once more is in both lists; token_flags() and the flag keep it single. */
static void
take_back(struct ls_engine *engine)
{
	struct ls_cut *cut = &engine->cut;
	for (size_t i = 0; i < cut->tokens.count; i++) {
		uint64_t token = ((uint64_t *)cut->tokens.items)[i];
		uint32_t *flags = token_flags(engine, token);
		if (flags == NULL || (*flags & LS_F_DIRTY) != 0)
			continue;
		*flags |= LS_F_DIRTY;
		push_token(&engine->dirty, token);
	}
	for (size_t i = 0; i < cut->gone.count; i++) {
		struct ls_gone gone = ((struct ls_gone *)cut->gone.items)[i];
		ls_gone_add(engine, gone.id, gone.events);
	}
}

static void
drop_flags(struct ls_engine *engine)
{
	uint64_t token;
	uint32_t *flags;
	while (next_token(engine, &token, &flags))
		*flags &= ~LS_F_IN_CUT;
}

static void
drop_saved(struct ls_cut *cut)
{
	while (cut->saved != NULL) {
		struct ls_saved *next = cut->saved->next;
		free(cut->saved);
		cut->saved = next;
	}
}

/** Forgets the items, and memory that an unusual cut needed. */
static void
empty(struct ls_vector *vector)
{
	vector->count = 0;
	if (vector->room <= ROOM_KEPT)
		return;
	free(vector->items);
	*vector = (struct ls_vector){ 0 };
}

void
ls_engine_cut_end(struct ls_engine *engine, bool written)
{
	struct ls_cut *cut = &engine->cut;
	if (!cut->open)
		return;
	drop_flags(engine);
	drop_saved(cut);
	if (!written)
		take_back(engine);
	empty(&cut->tokens);
	empty(&cut->gone);
	cut->open = false;
	cut->left = 0;
}

void
ls_cut_fini(struct ls_engine *engine)
{
	drop_saved(&engine->cut);
	free(engine->cut.tokens.items);
	free(engine->cut.gone.items);
	free(engine->dirty.items);
	free(engine->gone.items);
}
