// SPDX-License-Identifier: MIT
/* The heap of the C library, for callers who have none of their own. */

#include <stdlib.h>

#include "leadscore/activity.h"

static void *
heap_realloc(void *ctx, void *ptr, size_t size)
{
	(void)ctx;
	if (size > 0)
		return realloc(ptr, size);
	free(ptr);
	return NULL;
}

const struct ls_memory ls_memory_heap = { .realloc = heap_realloc };
