// SPDX-License-Identifier: MIT
/*
 * Narrow is struct ls_packed of the library, which scores it as it is. Whatever does not fit makes
 * the whole activity wide: two 32-bit counts and the library's own arrays. Every change is made on
 * the unpacked form, so a failed allocation leaves the packed one as it was.
 */

#include "engine/pack.h"

#include <string.h>

#include "base/base.h"
#include "score/packed.h"

#define FIRST_HOUR   LS_PACKED_FIRST_HOUR
#define HOURS        LS_PACKED_HOURS
#define CELL_COUNT   LS_PACKED_CELL_COUNT
#define HIT_COUNT    LS_PACKED_HIT_COUNT
#define CUSTOM_SHIFT 32u /* kinds 64..95 take the places of 32..63, where no built-in kind is */

_Static_assert(LS_KIND_CUSTOM == 64 && (int)LS_KIND_PRIVACY_DELETE < 64, "places of kinds");

_Static_assert(sizeof(struct ls_packed_hit) == 12, "no padding");

static bool
cell_fits(ls_cell cell)
{
	unsigned kind = ls_cell_kind(cell) & ~LS_KIND_MACHINE;
	bool kind_fits = kind < 32 || (kind >= LS_KIND_CUSTOM && kind < LS_KIND_CUSTOM + 32);
	return kind_fits && ls_cell_hour(cell) - FIRST_HOUR < HOURS &&
	       ls_cell_count(cell) <= CELL_COUNT;
}

static uint32_t
narrow_cell(ls_cell cell)
{
	unsigned kind = ls_cell_kind(cell) & ~LS_KIND_MACHINE;
	uint32_t machine = (ls_cell_kind(cell) & LS_KIND_MACHINE) != 0 ? 1u << 31 : 0;
	uint32_t place = kind < 32 ? kind : kind - CUSTOM_SHIFT;
	return machine | place << 25 | (ls_cell_hour(cell) - FIRST_HOUR) << 7 | ls_cell_count(cell);
}

static ls_cell
wide_cell(uint32_t narrow)
{
	uint64_t place = (narrow >> 25) & 63;
	uint64_t kind = place + (place & CUSTOM_SHIFT); /* places from 32 on are 32 further */
	uint64_t hour = ((narrow >> 7) & (HOURS - 1)) + FIRST_HOUR;
	return (uint64_t)(narrow >> 31) << 63 | kind << 48 | hour << 24 | (narrow & CELL_COUNT);
}

static struct ls_packed_hit
narrow_hit(const struct ls_hit *hit)
{
	return (struct ls_packed_hit){
		.low = (uint32_t)hit->message,
		.high = (uint32_t)(hit->message >> 32),
		.rest = (hit->hour_click - 2 * FIRST_HOUR) << 13 | hit->count,
	};
}

static struct ls_hit
wide_hit(const struct ls_packed_hit *narrow)
{
	return (struct ls_hit){
		.message = (uint64_t)narrow->high << 32 | narrow->low,
		.hour_click = (narrow->rest >> 13) + 2 * FIRST_HOUR,
		.count = narrow->rest & HIT_COUNT,
	};
}

static struct ls_packed_hit *
narrow_hits(struct ls_packed *narrow, size_t cell_count)
{
	return (struct ls_packed_hit *)(void *)(narrow->cells + cell_count);
}

static size_t
narrow_size(size_t cells, size_t hits)
{
	return sizeof(struct ls_packed) + cells * sizeof(uint32_t) +
	       hits * sizeof(struct ls_packed_hit);
}

static bool
hit_fits(const struct ls_hit *hit)
{
	return (hit->hour_click >> 1) - FIRST_HOUR < HOURS && hit->count <= HIT_COUNT;
}

static bool
is_narrow(const struct ls_activity *activity)
{
	if (activity->cell_count > UINT16_MAX || activity->hit_count > UINT16_MAX)
		return false;
	for (uint32_t i = 0; i < activity->cell_count; i++) {
		if (!cell_fits(activity->cells[i]))
			return false;
	}
	for (uint32_t i = 0; i < activity->hit_count; i++) {
		if (!hit_fits(&activity->hits[i]))
			return false;
	}
	return true;
}

size_t
ls_pack_size(const struct ls_activity *activity, bool *wide)
{
	*wide = !is_narrow(activity);
	if (activity->cell_count == 0 && activity->hit_count == 0)
		return 0;
	if (*wide)
		return 8 + activity->cell_count * sizeof(ls_cell) +
		       activity->hit_count * sizeof(struct ls_hit);
	return narrow_size(activity->cell_count, activity->hit_count);
}

void
ls_pack(const struct ls_activity *activity, bool wide, void *out)
{
	char *at = out;
	if (wide) {
		memcpy(at, &activity->cell_count, 4);
		memcpy(at + 4, &activity->hit_count, 4);
		at += 8;
		size_t cells = activity->cell_count * sizeof(ls_cell);
		if (cells > 0)
			memcpy(at, activity->cells, cells);
		if (activity->hit_count > 0)
			memcpy(at + cells, activity->hits,
				activity->hit_count * sizeof(struct ls_hit));
		return;
	}
	struct ls_packed *narrow = out;
	struct ls_packed_hit *hits = narrow_hits(narrow, activity->cell_count);
	narrow->cell_count = (uint16_t)activity->cell_count;
	narrow->hit_count = (uint16_t)activity->hit_count;
	for (uint32_t i = 0; i < activity->cell_count; i++)
		narrow->cells[i] = narrow_cell(activity->cells[i]);
	for (uint32_t i = 0; i < activity->hit_count; i++)
		hits[i] = narrow_hit(&activity->hits[i]);
}

void
ls_pack_counts(const void *packed, bool wide, uint32_t *cells, uint32_t *hits)
{
	const struct ls_packed *narrow = packed;
	*cells = 0;
	*hits = 0;
	if (packed == NULL)
		return;
	if (wide) {
		memcpy(cells, packed, 4);
		memcpy(hits, (const char *)packed + 4, 4);
		return;
	}
	*cells = narrow->cell_count;
	*hits = narrow->hit_count;
}

void
ls_unpack_into(const void *packed, bool wide, struct ls_activity *activity)
{
	const char *at = packed;
	ls_pack_counts(packed, wide, &activity->cell_count, &activity->hit_count);
	if (packed == NULL)
		return;
	if (wide) {
		size_t cells = activity->cell_count * sizeof(ls_cell);
		if (cells > 0)
			memcpy(activity->cells, at + 8, cells);
		if (activity->hit_count > 0)
			memcpy(activity->hits, at + 8 + cells,
				activity->hit_count * sizeof(struct ls_hit));
		return;
	}
	const struct ls_packed *narrow = packed;
	const struct ls_packed_hit *hits = ls_packed_hits(narrow);
	/* in locals, because what is written might otherwise be they */
	ls_cell *cells = activity->cells;
	struct ls_hit *wide_hits = activity->hits;
	uint32_t cell_count = narrow->cell_count, hit_count = narrow->hit_count;
	for (uint32_t i = 0; i < cell_count; i++)
		cells[i] = wide_cell(narrow->cells[i]);
	for (uint32_t i = 0; i < hit_count; i++)
		wide_hits[i] = wide_hit(&hits[i]);
}

static int
make_room(struct ls_activity *activity, struct ls_memory memory, uint32_t cells, uint32_t hits)
{
	if (cells > activity->cell_room) {
		void *grown = memory.realloc(
			memory.ctx, activity->cells, (size_t)cells * 2 * sizeof(ls_cell));
		if (grown == NULL)
			return LS_ERR_NOMEM;
		activity->cells = grown;
		activity->cell_room = cells * 2;
	}
	if (hits > activity->hit_room) {
		void *grown = memory.realloc(
			memory.ctx, activity->hits, (size_t)hits * 2 * sizeof(struct ls_hit));
		if (grown == NULL)
			return LS_ERR_NOMEM;
		activity->hits = grown;
		activity->hit_room = hits * 2;
	}
	return LS_OK;
}

int
ls_unpack(const void *packed, bool wide, struct ls_activity *activity, struct ls_memory memory)
{
	uint32_t cells, hits;
	ls_pack_counts(packed, wide, &cells, &hits);
	activity->cell_count = 0;
	activity->hit_count = 0;
	int err = make_room(activity, memory, cells, hits);
	if (err == LS_OK)
		ls_unpack_into(packed, wide, activity);
	return err;
}

/* ---- one more event */

static uint64_t
message_of(const struct ls_packed_hit *hit)
{
	return (uint64_t)hit->high << 32 | hit->low;
}

static uint32_t
lower_cell(const struct ls_packed *narrow, uint32_t bound)
{
	uint32_t low = 0, high = narrow->cell_count;
	while (low < high) {
		uint32_t mid = (low + high) / 2;
		if (narrow->cells[mid] < bound)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static uint32_t
lower_hit(const struct ls_packed *narrow, uint64_t message, uint32_t hit_key)
{
	const struct ls_packed_hit *hits = ls_packed_hits(narrow);
	uint32_t low = 0, high = narrow->hit_count;
	while (low < high) {
		uint32_t mid = (low + high) / 2;
		uint64_t other = message_of(&hits[mid]);
		if (other < message || (other == message && hits[mid].rest >> 13 < hit_key))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/** An activity that has been compacted starts with a cell of kind OTHER. */
static bool
is_compacted(const struct ls_packed *narrow)
{
	return narrow->cell_count > 0 && narrow->cells[0] >> 25 == LS_KIND_OTHER;
}

static bool
plan_hit(const struct ls_packed *narrow, struct ls_pack_plan *plan)
{
	plan->hit_at = lower_hit(narrow, plan->message, plan->hit_key);
	const struct ls_packed_hit *hit = ls_packed_hits(narrow) + plan->hit_at;
	plan->new_hit = plan->hit_at == narrow->hit_count || message_of(hit) != plan->message ||
			hit->rest >> 13 != plan->hit_key;
	return plan->new_hit ? narrow->hit_count < UINT16_MAX : (hit->rest & HIT_COUNT) < HIT_COUNT;
}

bool
ls_pack_plan_add(const void *packed, unsigned kind, int64_t time_ms, uint64_t message,
	struct ls_pack_plan *plan)
{
	static const struct ls_packed nothing = { 0 };
	const struct ls_packed *narrow = packed != NULL ? packed : &nothing;
	int64_t hour = time_ms / LS_HOUR_MS;
	if (time_ms < 0 || hour < FIRST_HOUR || hour >= FIRST_HOUR + HOURS || is_compacted(narrow))
		return false;
	ls_cell cell = (uint64_t)kind << 48 | (uint64_t)hour << 24 | 1;
	if (!ls_kind_is_activity(kind) || !cell_fits(cell))
		return false;
	*plan = (struct ls_pack_plan){ .cell = narrow_cell(cell) - 1, .message = message };
	plan->cell_at = lower_cell(narrow, plan->cell);
	uint32_t there = plan->cell_at < narrow->cell_count ? narrow->cells[plan->cell_at] : 0;
	plan->new_cell = plan->cell_at == narrow->cell_count || (there & ~CELL_COUNT) != plan->cell;
	if (plan->new_cell ? narrow->cell_count == UINT16_MAX : (there & CELL_COUNT) == CELL_COUNT)
		return false;
	plan->is_hit = message != 0 && (kind == LS_KIND_EMAIL_OPEN || kind == LS_KIND_EMAIL_CLICK);
	plan->hit_key = ((uint32_t)hour - FIRST_HOUR) << 1 | (kind == LS_KIND_EMAIL_CLICK);
	if (plan->is_hit && !plan_hit(narrow, plan))
		return false;
	plan->size = narrow_size((size_t)narrow->cell_count + plan->new_cell,
		(size_t)narrow->hit_count + plan->new_hit);
	return true;
}

/* From the back to the front, because `out` may be `packed`: what moves, moves backwards. */
void
ls_pack_add(const void *packed, const struct ls_pack_plan *plan, void *out)
{
	static const struct ls_packed nothing = { 0 };
	const struct ls_packed *from = packed != NULL ? packed : &nothing;
	struct ls_packed *to = out;
	uint16_t cells = from->cell_count, hits = from->hit_count;
	const struct ls_packed_hit *old_hits = ls_packed_hits(from);
	struct ls_packed_hit *new_hits = narrow_hits(to, (size_t)cells + plan->new_cell);
	uint32_t hit_at = plan->is_hit ? plan->hit_at : hits;
	memmove(new_hits + hit_at + plan->new_hit, old_hits + hit_at,
		(hits - hit_at) * sizeof *new_hits);
	memmove(new_hits, old_hits, hit_at * sizeof *new_hits);
	memmove(to->cells + plan->cell_at + plan->new_cell, from->cells + plan->cell_at,
		(cells - plan->cell_at) * sizeof *to->cells);
	if (to != from)
		memcpy(to->cells, from->cells, plan->cell_at * sizeof *to->cells);
	to->cell_count = (uint16_t)(cells + plan->new_cell);
	to->hit_count = (uint16_t)(hits + plan->new_hit);
	if (plan->new_cell)
		to->cells[plan->cell_at] = plan->cell;
	to->cells[plan->cell_at]++;
	if (!plan->is_hit)
		return;
	if (plan->new_hit)
		new_hits[hit_at] = (struct ls_packed_hit){ .low = (uint32_t)plan->message,
			.high = (uint32_t)(plan->message >> 32),
			.rest = plan->hit_key << 13 };
	new_hits[hit_at].rest++;
}
