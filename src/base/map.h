/* SPDX-License-Identifier: MIT */
/* An index of 32-bit values by keyed hash: open addressing over 8-byte slots. The keys stay with
 * the caller. A large one is in parts that grow one by one, so that no insertion takes long. */
#ifndef LS_BASE_MAP_H
#define LS_BASE_MAP_H

#include "base/base.h"

/** No value may be this: it marks a free slot and "not found". */
#define LS_MAP_NONE UINT32_MAX

struct ls_map_slot {
	uint32_t value;
	uint32_t tag; /* the hash's low half: part, place and first comparison */
};

struct ls_map_part {
	struct ls_map_slot *slots; /* NULL: none yet */
	uint32_t mask;
	uint32_t used;
};

/** Zero-initialise it. The value is usually an index into the caller's array of whatever is
 * indexed. */
struct ls_map {
	struct ls_map_part *parts; /* by the tag's highest bits; NULL: there is only one */
	struct ls_map_part only;
	size_t used;
	bool crowded; /* a part could not grow when it should have */
};

/** True when `value` stands for the key that `key` points at; called only where the tags agree. */
typedef bool (*ls_map_eq_fn)(const void *ctx, uint32_t value, const void *key);

void ls_map_fini(struct ls_map *map);
/** The value whose key equals `key`, or LS_MAP_NONE. */
uint32_t ls_map_find(
	const struct ls_map *map, uint64_t hash, ls_map_eq_fn eq, const void *ctx, const void *key);
/** A value with the same tag, most likely the one that is looked for; or LS_MAP_NONE. */
uint32_t ls_map_peek(const struct ls_map *map, uint64_t hash);
/** Adds without looking for an equal key: find first. LS_ERR_NOMEM, LS_ERR_LIMIT (2^31 values). */
int ls_map_insert(struct ls_map *map, uint64_t hash, uint32_t value) LS_MUST_CHECK;
/** Takes out the entry with this hash and value; false when it is not there. */
bool ls_map_remove(struct ls_map *map, uint64_t hash, uint32_t value);
/** Makes sure that the next few insertions, up to `count` values, find memory. LS_ERR_NOMEM,
 * LS_ERR_LIMIT. */
int ls_map_reserve(struct ls_map *map, size_t count) LS_MUST_CHECK;
/** Bytes of memory held. */
size_t ls_map_bytes(const struct ls_map *map);

#define LS_MAP_PARTS      256u
#define LS_MAP_PART_SHIFT 24u

static inline const struct ls_map_part *
ls_map_part(const struct ls_map *map, uint32_t tag)
{
	return map->parts != NULL ? &map->parts[tag >> LS_MAP_PART_SHIFT] : &map->only;
}

/** Starts fetching the slot of `hash` into the cache. */
static inline void
ls_map_prefetch(const struct ls_map *map, uint64_t hash)
{
	const struct ls_map_part *part = ls_map_part(map, (uint32_t)hash);
	if (part->slots != NULL)
		__builtin_prefetch(&part->slots[(uint32_t)hash & part->mask]);
}

#endif
