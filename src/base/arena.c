// SPDX-License-Identifier: MIT
/* An arena of doubling blocks. Bytes are never touched when freed. */

#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#define FIRST_BLOCK 4096u
#define LARGEST     (1u << 20)

struct ls_arena_block {
	struct ls_arena_block *next;
	size_t size;
	alignas(max_align_t) char bytes[];
};

void
ls_arena_init(struct ls_arena *arena, size_t max)
{
	*arena = (struct ls_arena){ .max = max };
}

static void
free_from(struct ls_arena_block *block)
{
	while (block != NULL) {
		struct ls_arena_block *next = block->next;
		free(block);
		block = next;
	}
}

void
ls_arena_fini(struct ls_arena *arena)
{
	free_from(arena->blocks);
	ls_arena_init(arena, arena->max);
}

void
ls_arena_reset(struct ls_arena *arena)
{
	struct ls_arena_block *keep = arena->blocks;
	if (keep == NULL)
		return;
	free_from(keep->next);
	keep->next = NULL;
	arena->at = keep->bytes;
	arena->left = keep->size;
	arena->used = 0;
}

static bool
add_block(struct ls_arena *arena, size_t need)
{
	size_t size =
		arena->blocks != NULL ? LS_MIN(arena->blocks->size * 2, LARGEST) : FIRST_BLOCK;
	size = LS_MAX(size, need);
	struct ls_arena_block *block = malloc(sizeof *block + size);
	if (block == NULL)
		return false;
	block->size = size;
	block->next = arena->blocks;
	arena->blocks = block;
	arena->at = block->bytes;
	arena->left = size;
	return true;
}

void *
ls_arena_raw(struct ls_arena *arena, size_t size)
{
	const size_t align = alignof(max_align_t);
	if (size > arena->max || arena->used > arena->max - size)
		return NULL;
	size_t rounded = (size + align - 1) / align * align;
	if (rounded > arena->left && !add_block(arena, rounded))
		return NULL;
	void *at = arena->at;
	arena->at += rounded;
	arena->left -= rounded;
	arena->used += size;
	return at;
}

void *
ls_arena_alloc(struct ls_arena *arena, size_t size)
{
	void *at = ls_arena_raw(arena, size);
	return at != NULL ? memset(at, 0, size) : NULL;
}

struct ls_slice
ls_arena_copy(struct ls_arena *arena, struct ls_slice s)
{
	char *copy = ls_arena_raw(arena, s.len + 1);
	if (copy == NULL)
		return ls_slice(NULL, 0);
	if (s.len > 0)
		memcpy(copy, s.data, s.len);
	copy[s.len] = '\0';
	return ls_slice(copy, s.len);
}
