// SPDX-License-Identifier: MIT
/* All members of a bucket have the same score, so within it the order is by id alone. Small buckets
 * are collected and sorted; for a large one the nodes are read in order of id from where the page
 * begins, which is a walk through consecutive memory and meets members soon, because there are
 * many. So neither an update nor a page ever costs in proportion to a bucket's sorting. */

#include "engine/rank.h"

#include <stdlib.h>
#include <string.h>

#define SMALL_BUCKET 1024u

int
ls_rank_init(struct ls_rank *rank)
{
	*rank = (struct ls_rank){ .end = 1 };
	rank->buckets = malloc(LS_RANK_BUCKETS * sizeof *rank->buckets);
	rank->words = calloc(LS_RANK_WORDS, sizeof *rank->words);
	if (rank->buckets == NULL || rank->words == NULL) {
		ls_rank_fini(rank);
		return LS_ERR_NOMEM;
	}
	for (size_t i = 0; i < LS_RANK_BUCKETS; i++)
		rank->buckets[i] = (struct ls_rank_bucket){ .head = LS_RANK_NONE };
	return LS_OK;
}

void
ls_rank_fini(struct ls_rank *rank)
{
	free(rank->nodes);
	free(rank->buckets);
	free(rank->words);
	*rank = (struct ls_rank){ 0 };
}

int
ls_rank_reserve(struct ls_rank *rank, uint32_t id)
{
	if (id >= rank->room) {
		size_t room = rank->room > 0 ? rank->room : 256;
		while (room <= id)
			room *= 2;
		if (room > UINT32_MAX)
			return LS_ERR_LIMIT;
		struct ls_rank_node *nodes = realloc(rank->nodes, room * sizeof *nodes);
		if (nodes == NULL)
			return LS_ERR_NOMEM;
		rank->nodes = nodes;
		rank->room = (uint32_t)room;
	}
	/* initialised only up to the highest id, so that memory behind it stays untouched */
	for (; rank->end <= id; rank->end++) {
		rank->nodes[rank->end] = (struct ls_rank_node){
			.slot = LS_RANK_NONE,
			.score_milli = -1,
			.prev = LS_RANK_NONE,
			.next = LS_RANK_NONE,
		};
	}
	return LS_OK;
}

static void
take_out(struct ls_rank *rank, struct ls_rank_node *node)
{
	struct ls_rank_bucket *bucket = &rank->buckets[node->score_milli];
	if (node->prev != LS_RANK_NONE)
		rank->nodes[node->prev].next = node->next;
	else
		bucket->head = node->next;
	if (node->next != LS_RANK_NONE)
		rank->nodes[node->next].prev = node->prev;
	rank->total--;
	if (--bucket->count > 0)
		return;
	size_t word = (size_t)node->score_milli / 64;
	rank->words[word] &= ~(UINT64_C(1) << (node->score_milli & 63));
	if (rank->words[word] == 0)
		rank->summary[word / 64] &= ~(UINT64_C(1) << (word & 63));
}

static void
put_in(struct ls_rank *rank, uint32_t id, int32_t score_milli)
{
	struct ls_rank_node *node = &rank->nodes[id];
	struct ls_rank_bucket *bucket = &rank->buckets[score_milli];
	node->prev = LS_RANK_NONE;
	node->next = bucket->head;
	if (bucket->head != LS_RANK_NONE)
		rank->nodes[bucket->head].prev = id;
	bucket->head = id;
	bucket->count++;
	rank->total++;
	size_t word = (size_t)score_milli / 64;
	rank->words[word] |= UINT64_C(1) << (score_milli & 63);
	rank->summary[word / 64] |= UINT64_C(1) << (word & 63);
}

void
ls_rank_set(struct ls_rank *rank, uint32_t id, int32_t score_milli)
{
	struct ls_rank_node *node = &rank->nodes[id];
	if (node->score_milli == score_milli)
		return;
	if (node->score_milli >= 0)
		take_out(rank, node);
	node->score_milli = score_milli;
	if (score_milli >= 0)
		put_in(rank, id, score_milli);
}

/** Position of the highest bit at or below `bit`, or -1. */
static int64_t
highest(uint64_t word, unsigned bit)
{
	uint64_t masked = bit >= 63 ? word : word & ((UINT64_C(2) << bit) - 1);
	return masked == 0 ? -1 : 63 - __builtin_clzll(masked);
}

/** The highest bucket at or below `from` that has leads, or -1. */
static int32_t
next_bucket(const struct ls_rank *rank, int32_t from)
{
	if (from < 0)
		return -1;
	int32_t word = from / 64;
	int64_t bit = highest(rank->words[word], (unsigned)from & 63);
	if (bit >= 0)
		return word * 64 + (int32_t)bit;
	for (int32_t s = (word - 1 < 0) ? -1 : (word - 1) / 64; s >= 0; s--) {
		unsigned top = s == (word - 1) / 64 ? (unsigned)(word - 1) & 63 : 63;
		int64_t w = highest(rank->summary[s], top);
		if (w < 0)
			continue;
		int32_t found = s * 64 + (int32_t)w;
		return found * 64 + (int32_t)highest(rank->words[found], 63);
	}
	return -1;
}

static int
by_id(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

static size_t
page_small(
	const struct ls_rank *rank, int32_t score, uint64_t after_id, uint64_t *ids, size_t limit)
{
	LS_UNINITIALIZED uint32_t found[SMALL_BUCKET];
	size_t count = 0;
	for (uint32_t id = rank->buckets[score].head; id != LS_RANK_NONE;
		id = rank->nodes[id].next) {
		if (id > after_id)
			found[count++] = id;
	}
	if (count > 1)
		qsort(found, count, sizeof *found, by_id);
	count = LS_MIN(count, limit);
	for (size_t i = 0; i < count; i++)
		ids[i] = found[i];
	return count;
}

static size_t
page_large(
	const struct ls_rank *rank, int32_t score, uint64_t after_id, uint64_t *ids, size_t limit)
{
	size_t count = 0;
	for (uint64_t id = after_id + 1; id < rank->end && count < limit; id++) {
		if (rank->nodes[id].score_milli == score)
			ids[count++] = id;
	}
	return count;
}

size_t
ls_rank_page(const struct ls_rank *rank, int32_t low, int32_t high, int32_t after_score,
	uint64_t after_id, uint64_t *ids, size_t limit)
{
	size_t count = 0;
	int32_t score = after_score >= 0 ? LS_MIN(after_score, high) : high;
	/* behind a cursor above the range everything in the range comes */
	uint64_t behind = score == after_score ? LS_MIN(after_id, UINT32_MAX) : 0;
	for (score = next_bucket(rank, score); score >= low && score >= 0 && count < limit;
		score = next_bucket(rank, score - 1)) {
		uint64_t after = score == after_score ? behind : 0;
		count += rank->buckets[score].count <= SMALL_BUCKET
				 ? page_small(rank, score, after, ids + count, limit - count)
				 : page_large(rank, score, after, ids + count, limit - count);
	}
	return count;
}

size_t
ls_rank_bytes(const struct ls_rank *rank)
{
	return rank->end * sizeof *rank->nodes + LS_RANK_BUCKETS * sizeof *rank->buckets +
	       LS_RANK_WORDS * sizeof *rank->words;
}
