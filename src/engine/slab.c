// SPDX-License-Identifier: MIT
/* Pages of 4 KB, aligned to their size so that a block finds its page by masking; they are cut
 * from chunks that are kept until the end. Blocks over 1 KB come from malloc. */

#include "engine/slab.h"

#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#define PAGE_SIZE   4096u
#define CHUNK_PAGES 64u
#define RESERVE     64u   /* empty pages that are not given back */
#define FINE_MAX    256u  /* steps of 8 up to here, */
#define LARGE_MIN   1025u /* steps of 32 up to here */

struct ls_slab_page {
	struct ls_slab_page *prev, *next;
	void *free;     /* blocks given back, linked through their first word */
	uint32_t fresh; /* offset of the first block never handed out */
	uint32_t live;
	uint32_t block;
	uint32_t class;
};

static unsigned
class_of(size_t size)
{
	if (size <= FINE_MAX)
		return (unsigned)((size + 7) / 8) - (size > 0 ? 1u : 0u);
	return FINE_MAX / 8 + (unsigned)((size - FINE_MAX + 31) / 32) - 1;
}

static uint32_t
block_of(unsigned class)
{
	if (class < FINE_MAX / 8)
		return (class + 1) * 8;
	return FINE_MAX + (class - FINE_MAX / 8 + 1) * 32;
}

static void
unlink_page(struct ls_slab_page **list, struct ls_slab_page *page)
{
	if (page->prev != NULL)
		page->prev->next = page->next;
	else
		*list = page->next;
	if (page->next != NULL)
		page->next->prev = page->prev;
}

static void
link_page(struct ls_slab_page **list, struct ls_slab_page *page)
{
	page->prev = NULL;
	page->next = *list;
	if (*list != NULL)
		(*list)->prev = page;
	*list = page;
}

static bool
add_chunk(struct ls_slab *slab)
{
	if (slab->chunk_count == slab->chunk_room) {
		size_t room = slab->chunk_room > 0 ? slab->chunk_room * 2 : 16;
		void **chunks = realloc(slab->chunks, room * sizeof *chunks);
		if (chunks == NULL)
			return false;
		slab->chunks = chunks;
		slab->chunk_room = room;
	}
	char *chunk = aligned_alloc(PAGE_SIZE, (size_t)PAGE_SIZE * CHUNK_PAGES);
	if (chunk == NULL)
		return false;
	slab->chunks[slab->chunk_count++] = chunk;
	slab->empty_count += CHUNK_PAGES;
	for (size_t i = CHUNK_PAGES; i-- > 0;)
		link_page(&slab->empty, (struct ls_slab_page *)(void *)(chunk + i * PAGE_SIZE));
	return true;
}

static struct ls_slab_page *
take_page(struct ls_slab *slab, unsigned class)
{
	struct ls_slab_page *page;
	if (slab->empty == NULL && slab->spare_count > 0) {
		page = slab->spare[--slab->spare_count];
	} else {
		if (slab->empty == NULL && !add_chunk(slab))
			return NULL;
		page = slab->empty;
		unlink_page(&slab->empty, page);
		slab->empty_count--;
	}
	*page = (struct ls_slab_page){ .fresh = sizeof *page,
		.block = block_of(class),
		.class = class };
	link_page(&slab->partial[class], page);
	return page;
}

static bool
is_full(const struct ls_slab_page *page)
{
	return page->free == NULL && page->fresh + page->block > PAGE_SIZE;
}

static struct ls_slab_page *
page_of(void *ptr)
{
	uintptr_t offset = (uintptr_t)ptr & (PAGE_SIZE - 1);
	return (struct ls_slab_page *)(void *)((char *)ptr - offset);
}

void *
ls_slab_alloc(struct ls_slab *slab, size_t size)
{
	if (size >= LARGE_MIN) {
		void *large = malloc(size);
		if (large != NULL)
			slab->large_bytes += size;
		return large;
	}
	unsigned class = class_of(size);
	struct ls_slab_page *page = slab->partial[class];
	if (page == NULL)
		page = take_page(slab, class);
	if (page == NULL)
		return NULL;
	void *block = page->free;
	if (block != NULL) {
		page->free = *(void **)block;
		__builtin_prefetch(page->free);
	} else {
		block = (char *)page + page->fresh;
		page->fresh += page->block;
	}
	page->live++;
	if (is_full(page))
		unlink_page(&slab->partial[class], page);
	return block;
}

void
ls_slab_free(struct ls_slab *slab, void *ptr, size_t size)
{
	if (ptr == NULL)
		return;
	if (size >= LARGE_MIN) {
		slab->large_bytes -= size;
		free(ptr);
		return;
	}
	struct ls_slab_page *page = page_of(ptr);
	bool was_full = is_full(page);
	*(void **)ptr = page->free;
	page->free = ptr;
	page->live--;
	if (was_full)
		link_page(&slab->partial[page->class], page);
	if (page->live == 0) {
		unlink_page(&slab->partial[page->class], page);
		link_page(&slab->empty, page);
		slab->empty_count++;
	}
}

void
ls_slab_prefetch(const void *ptr)
{
	if (ptr != NULL)
		__builtin_prefetch((const char *)ptr - ((uintptr_t)ptr & (PAGE_SIZE - 1)));
}

bool
ls_slab_same(size_t a, size_t b)
{
	if (a >= LARGE_MIN || b >= LARGE_MIN)
		return a == b;
	return class_of(a) == class_of(b);
}

bool
ls_slab_is_sparse(const struct ls_slab *slab, const void *ptr, size_t size)
{
	if (ptr == NULL || size >= LARGE_MIN)
		return false;
	uintptr_t offset = (uintptr_t)ptr & (PAGE_SIZE - 1);
	const struct ls_slab_page *page =
		(const struct ls_slab_page *)(const void *)((const char *)ptr - offset);
	uint32_t capacity = (PAGE_SIZE - (uint32_t)sizeof *page) / page->block;
	/* the first page is where a moved block would go */
	return page->live * 4 < capacity * 3 && page != slab->partial[page->class];
}

void
ls_slab_trim(struct ls_slab *slab, size_t limit)
{
	/* larger ones would take neighbours along */
	if (getauxval(AT_PAGESZ) != PAGE_SIZE)
		return;
	for (; limit > 0 && slab->empty_count > RESERVE; limit--) {
		struct ls_slab_page *page = slab->empty;
		if (slab->spare_count == slab->spare_room) {
			size_t room = slab->spare_room * 2 + 64;
			void **spare = realloc(slab->spare, room * sizeof *spare);
			if (spare == NULL)
				return;
			slab->spare = spare;
			slab->spare_room = room;
		}
		unlink_page(&slab->empty, page);
		slab->empty_count--;
		slab->spare[slab->spare_count++] = page;
		(void)madvise(page, PAGE_SIZE, MADV_DONTNEED);
	}
}

size_t
ls_slab_bytes(const struct ls_slab *slab)
{
	return (slab->chunk_count * CHUNK_PAGES - slab->spare_count) * PAGE_SIZE +
	       slab->large_bytes + slab->spare_room * sizeof *slab->spare;
}

void
ls_slab_fini(struct ls_slab *slab)
{
	for (size_t i = 0; i < slab->chunk_count; i++)
		free(slab->chunks[i]);
	free(slab->chunks);
	free(slab->spare);
	*slab = (struct ls_slab){ 0 };
}
