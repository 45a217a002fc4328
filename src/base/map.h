/* SPDX-License-Identifier: MIT */
/* An index of 32-bit values by keyed hash: open addressing over 8-byte slots. The keys stay with
 * the caller. */
#ifndef LS_BASE_MAP_H
#define LS_BASE_MAP_H

#include "base/base.h"

/** No value may be this: it marks a free slot and "not found". */
#define LS_MAP_NONE UINT32_MAX

struct ls_map_slot {
	uint32_t value;
	uint32_t tag; /* the hash's low half: place and first comparison */
};

/** Zero-initialise it. The value is usually an index into the caller's array of whatever is
 * indexed. */
struct ls_map {
	struct ls_map_slot *slots;
	size_t mask;
	size_t used;
};

/** True when `value` stands for the key that `key` points at; called only where the tags agree. */
typedef bool (*ls_map_eq_fn)(const void *ctx, uint32_t value, const void *key);

void ls_map_fini(struct ls_map *map);
/** The value whose key equals `key`, or LS_MAP_NONE. */
uint32_t ls_map_find(
	const struct ls_map *map, uint64_t hash, ls_map_eq_fn eq, const void *ctx, const void *key);
/** Adds without looking for an equal key: find first. LS_ERR_NOMEM, LS_ERR_LIMIT (2^31 values). */
int ls_map_insert(struct ls_map *map, uint64_t hash, uint32_t value) LS_MUST_CHECK;
/** Takes out the entry with this hash and value; false when it is not there. */
bool ls_map_remove(struct ls_map *map, uint64_t hash, uint32_t value);
/** Room for `count` values without growing again. */
int ls_map_reserve(struct ls_map *map, size_t count) LS_MUST_CHECK;
/** Bytes of memory held. */
size_t ls_map_bytes(const struct ls_map *map);

/** Starts fetching the slot of `hash` into the cache. */
static inline void
ls_map_prefetch(const struct ls_map *map, uint64_t hash)
{
	if (map->slots != NULL)
		__builtin_prefetch(&map->slots[(uint32_t)hash & map->mask]);
}

#endif
