// SPDX-License-Identifier: MIT
/*
 * Narrow: two 16-bit counts; cells of 32 bits, machine 1 | kind 6 | hour 18 | count 7, which sort
 * as the library's do; hits of 12 bytes, the message and hour 18 | click 1 | count 13. Hours count
 * from 2015 and reach to 2044. Whatever does not fit makes the whole activity wide: two 32-bit
 * counts and the library's own arrays. Every change is made on the unpacked form, so a failed
 * allocation leaves the packed one as it was.
 */

#include "engine/pack.h"

#include <string.h>

#include "base/base.h"

#define FIRST_HOUR   394464u /* 2015-01-01T00 */
#define HOURS        (1u << 18)
#define CELL_COUNT   127u
#define HIT_COUNT    8191u
#define CUSTOM_SHIFT 32u /* kinds 64..95 take the places of 32..63, where no built-in kind is */
#define NARROW_HIT   12u

_Static_assert(LS_KIND_CUSTOM == 64 && (int)LS_KIND_PRIVACY_DELETE < 64, "places of kinds");

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
	uint64_t kind = (narrow >> 25) & 63;
	kind += kind >= 32 ? CUSTOM_SHIFT : 0;
	kind |= (narrow >> 31) != 0 ? LS_KIND_MACHINE : 0;
	return kind << 48 | (uint64_t)(((narrow >> 7) & (HOURS - 1)) + FIRST_HOUR) << 24 |
	       (narrow & CELL_COUNT);
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
	return 4 + activity->cell_count * 4u + activity->hit_count * NARROW_HIT;
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
	uint16_t counts[2] = { (uint16_t)activity->cell_count, (uint16_t)activity->hit_count };
	memcpy(at, counts, sizeof counts);
	at += sizeof counts;
	for (uint32_t i = 0; i < activity->cell_count; i++, at += 4) {
		uint32_t cell = narrow_cell(activity->cells[i]);
		memcpy(at, &cell, 4);
	}
	for (uint32_t i = 0; i < activity->hit_count; i++, at += NARROW_HIT) {
		const struct ls_hit *hit = &activity->hits[i];
		uint32_t rest = (hit->hour_click - 2 * FIRST_HOUR) << 13 | hit->count;
		memcpy(at, &hit->message, 8);
		memcpy(at + 8, &rest, 4);
	}
}

void
ls_pack_counts(const void *packed, bool wide, uint32_t *cells, uint32_t *hits)
{
	uint16_t counts[2] = { 0, 0 };
	*cells = 0;
	*hits = 0;
	if (packed == NULL)
		return;
	if (wide) {
		memcpy(cells, packed, 4);
		memcpy(hits, (const char *)packed + 4, 4);
		return;
	}
	memcpy(counts, packed, sizeof counts);
	*cells = counts[0];
	*hits = counts[1];
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
	at += 4;
	for (uint32_t i = 0; i < activity->cell_count; i++, at += 4) {
		uint32_t narrow;
		memcpy(&narrow, at, 4);
		activity->cells[i] = wide_cell(narrow);
	}
	for (uint32_t i = 0; i < activity->hit_count; i++, at += NARROW_HIT) {
		struct ls_hit *hit = &activity->hits[i];
		uint32_t rest;
		memcpy(&hit->message, at, 8);
		memcpy(&rest, at + 8, 4);
		hit->hour_click = (rest >> 13) + 2 * FIRST_HOUR;
		hit->count = rest & HIT_COUNT;
	}
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
