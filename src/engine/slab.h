/* SPDX-License-Identifier: MIT */
/* Memory for the many small packed blocks of leads and records: size classes in pages that go back
 * to a common pool when they are empty, so that a population which grows does not leave its former
 * sizes behind. */
#ifndef LS_ENGINE_SLAB_H
#define LS_ENGINE_SLAB_H

#include "base/base.h"

#define LS_SLAB_CLASSES 64u

struct ls_slab_page;

/** Zero-initialise it. */
struct ls_slab {
	struct ls_slab_page *partial[LS_SLAB_CLASSES]; /* pages with room, by class */
	struct ls_slab_page *empty;
	size_t empty_count;
	void **chunks;
	size_t chunk_count, chunk_room;
	size_t large_bytes;
	void **spare; /* pages whose memory the system has back */
	size_t spare_count, spare_room;
};

void ls_slab_fini(struct ls_slab *slab);
/** At least `size` bytes, aligned to 8, not zeroed. NULL when there is no memory. */
void *ls_slab_alloc(struct ls_slab *slab, size_t size) LS_MUST_CHECK;
/** `size` as it was asked for. NULL is fine. */
void ls_slab_free(struct ls_slab *slab, void *ptr, size_t size);
/** Starts fetching what freeing the block would look at into the cache. NULL is fine. */
void ls_slab_prefetch(const void *ptr);
/** Whether blocks of both sizes are interchangeable. */
bool ls_slab_same(size_t a, size_t b);
/** Whether the block's page is thinly used, so that moving the block helps to empty it. */
bool ls_slab_is_sparse(const struct ls_slab *slab, const void *ptr, size_t size);
/** Gives up to `limit` empty pages back to the system, but for a reserve. */
void ls_slab_trim(struct ls_slab *slab, size_t limit);
size_t ls_slab_bytes(const struct ls_slab *slab);

#endif
