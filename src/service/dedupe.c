// SPDX-License-Identifier: MIT
/*
 * Three generations of hash sets. A set is split into shards that grow one by one, so that no
 * single insertion copies much. The keys are keyed hashes already: their bits are used as they are.
 */

#include "service/dedupe.h"

#include <stdlib.h>

#define GENERATIONS 3u
#define SHARDS      256u
#define FIRST_SLOTS 8u

struct shard {
	struct ls_hash128 *slots; /* all zero: free */
	uint32_t mask, used;
};

struct generation {
	int64_t number; /* received_ms / LS_DEDUPE_GENERATION_MS */
	size_t used;
	struct shard shards[SHARDS];
};

struct ls_dedupe {
	struct generation generations[GENERATIONS]; /* newest first */
	size_t max_keys;
	uint64_t evicted;
};

static bool
is_free(struct ls_hash128 key)
{
	return (key.lo | key.hi) == 0;
}

static struct shard *
shard_of(struct generation *g, struct ls_hash128 key)
{
	return &g->shards[key.hi >> 56];
}

/* the key's slot, or the free one where it would go */
static uint32_t
probe(const struct shard *shard, struct ls_hash128 key)
{
	uint32_t i = (uint32_t)key.lo & shard->mask;
	while (!is_free(shard->slots[i]) &&
		(shard->slots[i].lo != key.lo || shard->slots[i].hi != key.hi))
		i = (i + 1) & shard->mask;
	return i;
}

static bool
contains(struct generation *g, struct ls_hash128 key)
{
	struct shard *shard = shard_of(g, key);
	return shard->slots != NULL && !is_free(shard->slots[probe(shard, key)]);
}

static int
grow(struct shard *shard)
{
	struct shard bigger = { .mask = shard->slots != NULL ? shard->mask * 2 + 1
							     : FIRST_SLOTS - 1,
		.used = shard->used };
	bigger.slots = calloc((size_t)bigger.mask + 1, sizeof *bigger.slots);
	if (bigger.slots == NULL)
		return LS_ERR_NOMEM;
	for (uint32_t i = 0; shard->slots != NULL && i <= shard->mask; i++) {
		if (!is_free(shard->slots[i]))
			bigger.slots[probe(&bigger, shard->slots[i])] = shard->slots[i];
	}
	free(shard->slots);
	*shard = bigger;
	return LS_OK;
}

static void
clear(struct generation *g, int64_t number)
{
	for (size_t i = 0; i < SHARDS; i++)
		free(g->shards[i].slots);
	*g = (struct generation){ .number = number };
}

static void
start_generation(struct ls_dedupe *dedupe, int64_t number)
{
	clear(&dedupe->generations[GENERATIONS - 1], number);
	struct generation recycled = dedupe->generations[GENERATIONS - 1];
	for (size_t i = GENERATIONS - 1; i > 0; i--)
		dedupe->generations[i] = dedupe->generations[i - 1];
	dedupe->generations[0] = recycled;
}

/* the generation that keys received then belong to; what is older than all joins the oldest in use
 */
static struct generation *
generation_for(struct ls_dedupe *dedupe, int64_t received_ms)
{
	int64_t number = received_ms / LS_DEDUPE_GENERATION_MS;
	if (number > dedupe->generations[0].number)
		start_generation(dedupe, number);
	for (size_t i = 0; i < GENERATIONS; i++) {
		if (number >= dedupe->generations[i].number)
			return &dedupe->generations[i];
	}
	return &dedupe->generations[GENERATIONS - 1];
}

struct ls_dedupe *
ls_dedupe_new(size_t max_keys)
{
	struct ls_dedupe *dedupe = calloc(1, sizeof *dedupe);
	if (dedupe != NULL)
		dedupe->max_keys = max_keys;
	return dedupe;
}

struct ls_dedupe *
ls_dedupe_free(struct ls_dedupe *dedupe)
{
	for (size_t i = 0; dedupe != NULL && i < GENERATIONS; i++)
		clear(&dedupe->generations[i], 0);
	free(dedupe);
	return NULL;
}

size_t
ls_dedupe_count(const struct ls_dedupe *dedupe)
{
	size_t count = 0;
	for (size_t i = 0; i < GENERATIONS; i++)
		count += dedupe->generations[i].used;
	return count;
}

uint64_t
ls_dedupe_evicted(const struct ls_dedupe *dedupe)
{
	return dedupe->evicted;
}

int
ls_dedupe_add(struct ls_dedupe *dedupe, struct ls_hash128 key, int64_t received_ms, bool *seen)
{
	key.lo |= is_free(key); /* no key may look like a free slot */
	struct generation *g = generation_for(dedupe, received_ms);
	for (size_t i = 0; i < GENERATIONS; i++) {
		if (contains(&dedupe->generations[i], key)) {
			*seen = true;
			return LS_OK;
		}
	}
	for (size_t i = GENERATIONS; ls_dedupe_count(dedupe) >= dedupe->max_keys && i > 0; i--) {
		if (dedupe->generations[i - 1].used == 0)
			continue;
		clear(&dedupe->generations[i - 1], dedupe->generations[i - 1].number);
		dedupe->evicted++;
	}
	struct shard *shard = shard_of(g, key);
	if (shard->slots == NULL || shard->used >= (shard->mask + 1) / 4 * 3) {
		int err = grow(shard);
		if (err != LS_OK)
			return err;
	}
	shard->slots[probe(shard, key)] = key;
	shard->used++;
	g->used++;
	*seen = false;
	return LS_OK;
}

void
ls_dedupe_prefetch(const struct ls_dedupe *dedupe, struct ls_hash128 key)
{
	key.lo |= is_free(key);
	for (size_t i = 0; i < GENERATIONS; i++) {
		const struct shard *shard = &dedupe->generations[i].shards[key.hi >> 56];
		if (shard->slots != NULL)
			__builtin_prefetch(&shard->slots[(uint32_t)key.lo & shard->mask]);
	}
}

void
ls_dedupe_remove(struct ls_dedupe *dedupe, struct ls_hash128 key)
{
	key.lo |= is_free(key);
	for (size_t k = 0; k < GENERATIONS; k++) {
		struct generation *g = &dedupe->generations[k];
		struct shard *shard = shard_of(g, key);
		if (!contains(g, key))
			continue;
		uint32_t hole = probe(shard, key);
		for (uint32_t i = (hole + 1) & shard->mask; !is_free(shard->slots[i]);
			i = (i + 1) & shard->mask) {
			uint32_t home = (uint32_t)shard->slots[i].lo & shard->mask;
			if (((i - home) & shard->mask) >= ((i - hole) & shard->mask)) {
				shard->slots[hole] = shard->slots[i];
				hole = i;
			}
		}
		shard->slots[hole] = (struct ls_hash128){ 0 };
		shard->used--;
		g->used--;
	}
}
