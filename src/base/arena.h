/* SPDX-License-Identifier: MIT */
/* An arena: many small allocations, freed all at once. A request's memory. */
#ifndef LS_BASE_ARENA_H
#define LS_BASE_ARENA_H

#include "base/slice.h"

struct ls_arena_block;

struct ls_arena {
	struct ls_arena_block *blocks; /* newest first */
	char *at;                      /* next free byte of the newest block */
	size_t left;
	size_t used;
	size_t max;
};

/** No memory is taken until the first allocation; `max` bounds the sum of what is handed out. */
void ls_arena_init(struct ls_arena *arena, size_t max);
void ls_arena_fini(struct ls_arena *arena);
/** Frees everything but one block, which the next use starts with. */
void ls_arena_reset(struct ls_arena *arena);
/** Zeroed, aligned for any type. NULL when memory or the maximum is used up. */
void *ls_arena_alloc(struct ls_arena *arena, size_t size) LS_MUST_CHECK;
/** The same with whatever the bytes hold: for what is written over anyway. */
void *ls_arena_raw(struct ls_arena *arena, size_t size) LS_MUST_CHECK;
/** A copy of the bytes, terminated by a NUL that is not counted. data == NULL when there is no
 * memory. */
struct ls_slice ls_arena_copy(struct ls_arena *arena, struct ls_slice s) LS_MUST_CHECK;

#endif
