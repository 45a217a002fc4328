// SPDX-License-Identifier: MIT
/* Linear probing, at most three quarters full, removal by shifting back: no tombstones, so it never
 * slows with age. */

#include "base/map.h"

#include <stdlib.h>

#define FIRST_SLOTS 16u

void
ls_map_fini(struct ls_map *map)
{
	free(map->slots);
	*map = (struct ls_map){ 0 };
}

uint32_t
ls_map_find(
	const struct ls_map *map, uint64_t hash, ls_map_eq_fn eq, const void *ctx, const void *key)
{
	uint32_t tag = (uint32_t)hash;
	if (map->slots == NULL)
		return LS_MAP_NONE;
	for (size_t i = tag & map->mask;; i = (i + 1) & map->mask) {
		const struct ls_map_slot *slot = &map->slots[i];
		if (slot->value == LS_MAP_NONE)
			return LS_MAP_NONE;
		if (slot->tag == tag && eq(ctx, slot->value, key))
			return slot->value;
	}
}

static void
place(struct ls_map *map, struct ls_map_slot slot)
{
	size_t i = slot.tag & map->mask;
	while (map->slots[i].value != LS_MAP_NONE)
		i = (i + 1) & map->mask;
	map->slots[i] = slot;
}

static int
resize(struct ls_map *map, size_t count)
{
	struct ls_map old = *map;
	struct ls_map_slot *slots = malloc(count * sizeof *slots);
	if (slots == NULL)
		return LS_ERR_NOMEM;
	for (size_t i = 0; i < count; i++)
		slots[i] = (struct ls_map_slot){ .value = LS_MAP_NONE };
	map->slots = slots;
	map->mask = count - 1;
	for (size_t i = 0; old.slots != NULL && i <= old.mask; i++) {
		if (old.slots[i].value != LS_MAP_NONE)
			place(map, old.slots[i]);
	}
	free(old.slots);
	return LS_OK;
}

int
ls_map_reserve(struct ls_map *map, size_t count)
{
	size_t slots = FIRST_SLOTS;
	if (count > (1u << 31))
		return LS_ERR_LIMIT;
	while (slots / 4 * 3 < count)
		slots *= 2;
	if (map->slots != NULL && slots <= map->mask + 1)
		return LS_OK;
	return resize(map, slots);
}

int
ls_map_insert(struct ls_map *map, uint64_t hash, uint32_t value)
{
	ls_assert(value != LS_MAP_NONE);
	int err = ls_map_reserve(map, map->used + 1);
	if (err != LS_OK)
		return err;
	place(map, (struct ls_map_slot){ .value = value, .tag = (uint32_t)hash });
	map->used++;
	return LS_OK;
}

bool
ls_map_remove(struct ls_map *map, uint64_t hash, uint32_t value)
{
	uint32_t tag = (uint32_t)hash;
	if (map->slots == NULL)
		return false;
	size_t hole = tag & map->mask;
	while (map->slots[hole].value != value || map->slots[hole].tag != tag) {
		if (map->slots[hole].value == LS_MAP_NONE)
			return false;
		hole = (hole + 1) & map->mask;
	}
	/* close the gap: an entry moves back when its home is not behind the hole */
	for (size_t i = (hole + 1) & map->mask; map->slots[i].value != LS_MAP_NONE;
		i = (i + 1) & map->mask) {
		size_t home = map->slots[i].tag & map->mask;
		if (((i - home) & map->mask) >= ((i - hole) & map->mask)) {
			map->slots[hole] = map->slots[i];
			hole = i;
		}
	}
	map->slots[hole].value = LS_MAP_NONE;
	map->used--;
	return true;
}

size_t
ls_map_bytes(const struct ls_map *map)
{
	return map->slots != NULL ? (map->mask + 1) * sizeof *map->slots : 0;
}
