/* SPDX-License-Identifier: MIT */
/* Strings that come again and again, kept once and named by small numbers: attribute names,
 * systems, owners, life cycle stages. Never forgotten, so bounded. */
#ifndef LS_ENGINE_INTERN_H
#define LS_ENGINE_INTERN_H

#include "base/arena.h"
#include "base/hash.h"
#include "base/map.h"

struct ls_intern {
	struct ls_hash_key key;
	struct ls_map map;
	struct ls_arena text;
	struct ls_slice *strings;
	uint32_t count, room, max;
};

void ls_intern_init(struct ls_intern *intern, struct ls_hash_key key, uint32_t max);
void ls_intern_fini(struct ls_intern *intern);
/** The string's number, giving it one if need be. LS_ERR_LIMIT, LS_ERR_NOMEM. */
int ls_intern_put(struct ls_intern *intern, struct ls_slice s, uint32_t *number) LS_MUST_CHECK;
/** LS_MAP_NONE when it has none. */
uint32_t ls_intern_find(const struct ls_intern *intern, struct ls_slice s);
size_t ls_intern_bytes(const struct ls_intern *intern);

static inline struct ls_slice
ls_intern_get(const struct ls_intern *intern, uint64_t number)
{
	ls_assert(number < intern->count);
	return intern->strings[number];
}

#endif
