// SPDX-License-Identifier: MIT
/* Numbers go up from 0 in the order of first sight; the text lives in an arena. */

#include "engine/intern.h"

#include <stdlib.h>

#define TEXT_MAX (16u << 20)

void
ls_intern_init(struct ls_intern *intern, struct ls_hash_key key, uint32_t max)
{
	*intern = (struct ls_intern){ .key = key, .max = max };
	ls_arena_init(&intern->text, TEXT_MAX);
}

void
ls_intern_fini(struct ls_intern *intern)
{
	ls_map_fini(&intern->map);
	ls_arena_fini(&intern->text);
	free(intern->strings);
	intern->strings = NULL;
}

static bool
same_string(const void *ctx, uint32_t value, const void *key)
{
	const struct ls_intern *intern = ctx;
	const struct ls_slice *s = key;
	return ls_slice_eq(intern->strings[value], *s);
}

uint32_t
ls_intern_find(const struct ls_intern *intern, struct ls_slice s)
{
	return ls_map_find(&intern->map, ls_hash_slice(intern->key, s), same_string, intern, &s);
}

int
ls_intern_put(struct ls_intern *intern, struct ls_slice s, uint32_t *number)
{
	uint64_t hash = ls_hash_slice(intern->key, s);
	uint32_t found = ls_map_find(&intern->map, hash, same_string, intern, &s);
	if (found != LS_MAP_NONE) {
		*number = found;
		return LS_OK;
	}
	if (intern->count == intern->max)
		return LS_ERR_LIMIT;
	if (intern->count == intern->room) {
		uint32_t room = intern->room > 0 ? intern->room * 2 : 32;
		struct ls_slice *strings = realloc(intern->strings, room * sizeof *strings);
		if (strings == NULL)
			return LS_ERR_NOMEM;
		intern->strings = strings;
		intern->room = room;
	}
	struct ls_slice copy = ls_arena_copy(&intern->text, s);
	if (copy.data == NULL)
		return LS_ERR_NOMEM;
	int err = ls_map_insert(&intern->map, hash, intern->count);
	if (err != LS_OK)
		return err;
	intern->strings[intern->count] = copy;
	*number = intern->count++;
	return LS_OK;
}

size_t
ls_intern_bytes(const struct ls_intern *intern)
{
	return intern->text.used + intern->room * sizeof *intern->strings +
	       ls_map_bytes(&intern->map);
}
