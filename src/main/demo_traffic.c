// SPDX-License-Identifier: MIT
/* Birth and death of the demo's world, and its bodies in order: all of history, then life. */

#include "main/demo_traffic.h"

#include <stdlib.h>

#include "base/hash.h"
#include "main/demo_acts.h"

#define LIFE_EVENTS 1024u /* that one person's history writes, at most */

struct ls_demo_traffic *
ls_demo_traffic_new(const struct ls_demo_options *options)
{
	ls_assert(options->speed >= 1 && options->speed <= LS_DEMO_SPEED_MAX);
	ls_assert(options->start_ms > LS_DEMO_HISTORY_MS);
	struct ls_demo_traffic *t = calloc(1, sizeof *t);
	if (t == NULL)
		return NULL;
	t->options = *options;
	int err = ls_demo_writer_init(&t->writer);
	t->people = ls_demo_people_new(options->seed, options->leads);
	if (err != LS_OK || t->people == NULL)
		return ls_demo_traffic_free(t);
	size_t all = ls_demo_people_all(t->people);
	t->states = calloc(all, sizeof *t->states);
	t->companies_known =
		calloc(ls_demo_people_companies(t->people), sizeof *t->companies_known);
	if (t->states == NULL || t->companies_known == NULL)
		return ls_demo_traffic_free(t);
	for (size_t i = 0; i < all; i++)
		t->states[i].stage = STAGE_NONE;
	demo_plan_campaigns(t);
	return t;
}

struct ls_demo_traffic *
ls_demo_traffic_free(struct ls_demo_traffic *traffic)
{
	if (traffic == NULL)
		return NULL;
	ls_demo_writer_fini(&traffic->writer);
	traffic->people = ls_demo_people_free(traffic->people);
	free(traffic->states);
	free(traffic->companies_known);
	free(traffic->actions);
	free(traffic);
	return NULL;
}

const struct ls_demo_people *
ls_demo_traffic_people(const struct ls_demo_traffic *traffic)
{
	return traffic->people;
}

int64_t
ls_demo_traffic_start_ms(const struct ls_demo_traffic *traffic)
{
	return traffic->options.start_ms;
}

size_t
ls_demo_traffic_someone(const struct ls_demo_traffic *traffic, unsigned heat)
{
	size_t best = 0;
	int best_off = INT32_MAX;
	for (size_t i = 0; i < ls_demo_people_leads(traffic->people); i++) {
		int off = abs((int)ls_demo_person(traffic->people, i)->heat - (int)heat);
		if (off >= best_off)
			continue;
		best_off = off;
		best = i;
	}
	return best;
}

int
ls_demo_traffic_history(struct ls_demo_traffic *traffic, struct ls_demo_batch *out)
{
	struct ls_demo_traffic *t = traffic;
	struct ls_demo_writer *w = &t->writer;
	ls_assert(!t->alive);
	while (t->told < ls_demo_people_leads(t->people) &&
		w->hubspot.count < LS_DEMO_HUBSPOT_BATCH &&
		w->native.count < LS_DEMO_NATIVE_BATCH) {
		ls_assert(w->native.count + LIFE_EVENTS < LS_DEMO_PIECES);
		demo_tell_history(t, t->told++);
	}
	return ls_demo_cut(w, out);
}

int
ls_demo_traffic_live(struct ls_demo_traffic *traffic, int64_t now_ms, struct ls_demo_batch *out)
{
	struct ls_demo_traffic *t = traffic;
	if (!t->alive) {
		int err = demo_live_begin(t);
		if (err != LS_OK)
			return err;
		t->dice.state = ls_hash_mix(t->options.seed ^ UINT64_C(0x6c697665));
	}
	demo_live_until(t, now_ms);
	return ls_demo_cut(&t->writer, out);
}
