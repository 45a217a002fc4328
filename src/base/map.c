// SPDX-License-Identifier: MIT
/*
 * Linear probing, at most three quarters full, removal by shifting back: no tombstones, so it never
 * slows with age. What has grown large is split once, by the highest bits of the tags; each part
 * then grows by itself, so that an insertion never copies more than a 256th. Where there is no
 * memory to grow, the last quarter serves: an insertion fails only when that is full too.
 */

#include "base/map.h"

#include <stdlib.h>

#define FIRST_SLOTS 16u
#define SPLIT_SLOTS 8192u /* more than these are split */
#define VALUES_MAX  (1u << 31)

static struct ls_map_part *
part_of(struct ls_map *map, uint32_t tag)
{
	return map->parts != NULL ? &map->parts[tag >> LS_MAP_PART_SHIFT] : &map->only;
}

void
ls_map_fini(struct ls_map *map)
{
	for (size_t i = 0; map->parts != NULL && i < LS_MAP_PARTS; i++)
		free(map->parts[i].slots);
	free(map->parts);
	free(map->only.slots);
	*map = (struct ls_map){ 0 };
}

uint32_t
ls_map_find(
	const struct ls_map *map, uint64_t hash, ls_map_eq_fn eq, const void *ctx, const void *key)
{
	uint32_t tag = (uint32_t)hash;
	const struct ls_map_part *part = ls_map_part(map, tag);
	if (part->slots == NULL)
		return LS_MAP_NONE;
	for (uint32_t i = tag & part->mask;; i = (i + 1) & part->mask) {
		const struct ls_map_slot *slot = &part->slots[i];
		if (slot->value == LS_MAP_NONE)
			return LS_MAP_NONE;
		if (slot->tag == tag && eq(ctx, slot->value, key))
			return slot->value;
	}
}

static bool
any(const void *ctx, uint32_t value, const void *key)
{
	(void)ctx;
	(void)value;
	(void)key;
	return true;
}

uint32_t
ls_map_peek(const struct ls_map *map, uint64_t hash)
{
	return ls_map_find(map, hash, any, NULL, NULL);
}

static bool
has_room(const struct ls_map_part *part, size_t more)
{
	return part->slots != NULL && part->used + more <= (part->mask + UINT64_C(1)) / 4 * 3;
}

static void
place(struct ls_map_part *part, struct ls_map_slot slot)
{
	uint32_t i = slot.tag & part->mask;
	while (part->slots[i].value != LS_MAP_NONE)
		i = (i + 1) & part->mask;
	part->slots[i] = slot;
	part->used++;
}

/** An empty part with room for `count` values. */
static int
init_part(struct ls_map_part *part, size_t count)
{
	size_t slots = FIRST_SLOTS;
	while (slots / 4 * 3 < count)
		slots *= 2;
	struct ls_map_slot *memory = malloc(slots * sizeof *memory);
	if (memory == NULL)
		return LS_ERR_NOMEM;
	for (size_t i = 0; i < slots; i++)
		memory[i] = (struct ls_map_slot){ .value = LS_MAP_NONE };
	*part = (struct ls_map_part){ .slots = memory, .mask = (uint32_t)(slots - 1) };
	return LS_OK;
}

static int
grow(struct ls_map_part *part, size_t count)
{
	struct ls_map_part bigger;
	int err = init_part(&bigger, count);
	if (err != LS_OK)
		return err;
	for (size_t i = 0; part->slots != NULL && i <= part->mask; i++) {
		if (part->slots[i].value != LS_MAP_NONE)
			place(&bigger, part->slots[i]);
	}
	free(part->slots);
	*part = bigger;
	return LS_OK;
}

static int
split(struct ls_map *map)
{
	/* one more than the average, twice: hashes are not even */
	size_t room = (map->only.used / LS_MAP_PARTS + 1) * 2;
	struct ls_map_part *parts = calloc(LS_MAP_PARTS, sizeof *parts);
	int err = parts != NULL ? LS_OK : LS_ERR_NOMEM;
	for (size_t i = 0; i < LS_MAP_PARTS && err == LS_OK; i++)
		err = init_part(&parts[i], room);
	for (size_t i = 0; i <= map->only.mask && err == LS_OK; i++) {
		struct ls_map_slot slot = map->only.slots[i];
		if (slot.value == LS_MAP_NONE)
			continue;
		struct ls_map_part *part = &parts[slot.tag >> LS_MAP_PART_SHIFT];
		if (!has_room(part, 1))
			err = grow(part, part->used + (size_t)1);
		if (err == LS_OK)
			place(part, slot);
	}
	if (err != LS_OK) {
		for (size_t i = 0; parts != NULL && i < LS_MAP_PARTS; i++)
			free(parts[i].slots);
		free(parts);
		return err;
	}
	free(map->only.slots);
	map->only = (struct ls_map_part){ 0 };
	map->parts = parts;
	return LS_OK;
}

/** The three quarters are kept everywhere again, or there is no memory still. */
static int
relieve(struct ls_map *map)
{
	for (size_t i = 0; map->parts != NULL && i < LS_MAP_PARTS; i++) {
		struct ls_map_part *part = &map->parts[i];
		if (!has_room(part, 0) && grow(part, part->used) != LS_OK)
			return LS_ERR_NOMEM;
	}
	map->crowded = false;
	return LS_OK;
}

int
ls_map_reserve(struct ls_map *map, size_t count)
{
	if (count > VALUES_MAX)
		return LS_ERR_LIMIT;
	if (map->parts != NULL)
		return map->crowded ? relieve(map) : LS_OK;
	if (count <= map->used || has_room(&map->only, count - map->used))
		return LS_OK;
	return grow(&map->only, count);
}

int
ls_map_insert(struct ls_map *map, uint64_t hash, uint32_t value)
{
	uint32_t tag = (uint32_t)hash;
	ls_assert(value != LS_MAP_NONE);
	if (map->used >= VALUES_MAX)
		return LS_ERR_LIMIT;
	/* without memory for it, it goes on whole */
	if (map->parts == NULL && map->used >= SPLIT_SLOTS / 4 * 3)
		(void)split(map);
	struct ls_map_part *part = part_of(map, tag);
	if (!has_room(part, 1) && grow(part, part->used + (size_t)1) != LS_OK) {
		/* one slot stays free, where a search ends */
		if (part->used >= part->mask)
			return LS_ERR_NOMEM;
		map->crowded = true;
	}
	place(part, (struct ls_map_slot){ .value = value, .tag = tag });
	map->used++;
	return LS_OK;
}

bool
ls_map_remove(struct ls_map *map, uint64_t hash, uint32_t value)
{
	uint32_t tag = (uint32_t)hash;
	struct ls_map_part *part = part_of(map, tag);
	struct ls_map_slot *slots = part->slots;
	if (slots == NULL)
		return false;
	uint32_t hole = tag & part->mask;
	while (slots[hole].value != value || slots[hole].tag != tag) {
		if (slots[hole].value == LS_MAP_NONE)
			return false;
		hole = (hole + 1) & part->mask;
	}
	/* close the gap: an entry moves back when its home is not behind the hole */
	for (uint32_t i = (hole + 1) & part->mask; slots[i].value != LS_MAP_NONE;
		i = (i + 1) & part->mask) {
		uint32_t home = slots[i].tag & part->mask;
		if (((i - home) & part->mask) >= ((i - hole) & part->mask)) {
			slots[hole] = slots[i];
			hole = i;
		}
	}
	slots[hole].value = LS_MAP_NONE;
	part->used--;
	map->used--;
	return true;
}

static size_t
part_bytes(const struct ls_map_part *part)
{
	return part->slots != NULL ? (part->mask + (size_t)1) * sizeof *part->slots : 0;
}

size_t
ls_map_bytes(const struct ls_map *map)
{
	size_t bytes = part_bytes(&map->only);
	for (size_t i = 0; map->parts != NULL && i < LS_MAP_PARTS; i++)
		bytes += sizeof *map->parts + part_bytes(&map->parts[i]);
	return bytes;
}
