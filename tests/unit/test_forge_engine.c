// SPDX-License-Identifier: MIT
/* A long run of made-up events through codec and engine, with duplicates and in disorder: every
 * contact ends with the counts that the forge says, and so it does after being written by cuts and
 * loaded again. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/json_read.h"
#include "base/map.h"
#include "engine_fixture.h"
#include "main/forge_hubspot.h"
#include "source/source.h"

#define START_MS   INT64_C(1790000000000)
#define SPAN_MS    INT64_C(1209600000)
#define NOW_MS     (START_MS + SPAN_MS)
#define EVENTS_MAX 60000u

struct world {
	struct ls_profile *profile;
	struct ls_engine *engine;
	struct ls_hash128 *seen;
	struct ls_map seen_index;
	size_t seen_count, duplicates;
	struct kept kept; /* what the cuts have written */
};

static bool
same_key(const void *ctx, uint32_t value, const void *key)
{
	const struct world *w = ctx;
	return memcmp(&w->seen[value], key, sizeof w->seen[value]) == 0;
}

static bool
is_duplicate(struct world *w, const struct ls_hash128 *key)
{
	if (ls_map_find(&w->seen_index, key->lo, same_key, w, key) != LS_MAP_NONE)
		return true;
	assert_true(w->seen_count < EVENTS_MAX);
	w->seen[w->seen_count] = *key;
	assert_int_equal(ls_map_insert(&w->seen_index, key->lo, (uint32_t)w->seen_count++), LS_OK);
	return false;
}

static void
apply_body(struct world *w, struct ls_slice body, struct ls_arena *arena)
{
	const struct ls_source *source = ls_source_find(LS_S("hubspot"));
	const struct ls_source_config config = { .public_url = LS_S("https://x.example") };
	const struct ls_source_entry entry = { .body = body, .received_ms = NOW_MS };
	struct ls_decoded decoded = { 0 };
	assert_int_equal(source->decode(&config, &entry, arena, &decoded), LS_OK);
	for (size_t i = 0; i < decoded.count; i++) {
		struct ls_applied applied;
		if (is_duplicate(w, &decoded.events[i].dedupe))
			w->duplicates++;
		else
			assert_int_equal(
				ls_engine_apply(w->engine, &decoded.events[i], NOW_MS, &applied),
				LS_OK);
	}
	ls_arena_reset(arena);
}

/* ---- comparing with what the forge expects */

struct want {
	bool deleted;
	uint64_t merged_into;
	uint64_t counts[4];
};

static void
read_want(struct ls_json *j, struct want *want)
{
	static const char *const names[] = { "email_opens", "email_clicks", "website_visits",
		"crm_activities" };
	struct ls_slice key, text;
	*want = (struct want){ 0 };
	assert_true(ls_json_object(j));
	while (ls_json_key(j, &key)) {
		if (ls_slice_eq(key, LS_S("deleted"))) {
			assert_true(ls_json_bool(j, &want->deleted));
		} else if (ls_slice_eq(key, LS_S("merged_into"))) {
			assert_true(ls_json_string(j, &text));
			assert_int_equal(ls_slice_to_u64(text, &want->merged_into), LS_OK);
		} else {
			uint64_t number = 0;
			assert_true(ls_json_u64(j, &number));
			for (size_t k = 0; k < 4; k++)
				if (ls_slice_eq(key, ls_slice_str(names[k])))
					want->counts[k] = number;
		}
	}
}

static uint64_t
find(const struct ls_engine *engine, struct ls_slice id)
{
	char name[64];
	int len = snprintf(name, sizeof name, "hubspot:%.*s", LS_FMT(id));
	return ls_engine_find(engine, ls_slice(name, (size_t)len));
}

static void
compare(const struct ls_engine *engine, struct ls_slice id, const struct want *want)
{
	struct ls_arena arena;
	struct ls_lead_view view = { 0 };
	uint64_t lead = find(engine, id);
	if (want->merged_into != 0) {
		char text[32];
		(void)snprintf(text, sizeof text, "%llu", (unsigned long long)want->merged_into);
		assert_true(lead == find(engine, ls_slice_str(text)));
		return;
	}
	ls_arena_init(&arena, 1 << 20);
	int err = ls_engine_get(engine, lead, &arena, &view);
	if (want->deleted) {
		assert_true(err == LS_ERR_NOT_FOUND || view.deleted);
	} else {
		assert_int_equal(err, LS_OK);
		assert_false(view.deleted);
		assert_int_equal(view.counts.email_opens, want->counts[0]);
		assert_int_equal(view.counts.email_clicks, want->counts[1]);
		assert_int_equal(view.counts.website_visits, want->counts[2]);
		assert_int_equal(view.counts.crm_activities, want->counts[3]);
	}
	ls_arena_fini(&arena);
}

static void
compare_all(const struct ls_engine *engine, const struct ls_buf *expect)
{
	struct ls_json j;
	struct ls_slice key;
	struct want want;
	struct ls_engine_stats stats;
	uint64_t live = 0;
	ls_json_init(&j, ls_buf_slice(expect), NULL);
	assert_true(ls_json_object(&j));
	while (ls_json_key(&j, &key)) {
		if (!ls_slice_eq(key, LS_S("contacts"))) {
			assert_true(ls_json_skip(&j));
			continue;
		}
		assert_true(ls_json_object(&j));
		while (ls_json_key(&j, &key)) {
			read_want(&j, &want);
			compare(engine, key, &want);
			live += !want.deleted && want.merged_into == 0;
		}
	}
	assert_int_equal(ls_json_finish(&j), LS_OK);
	ls_engine_stats(engine, &stats);
	assert_int_equal(stats.leads, live);
}

static void
run_seed(struct world *w, uint64_t seed)
{
	static const uint64_t portals[] = { 62515, 880001 };
	const struct ls_forge_options options = {
		.story = { .seed = seed, .contacts = 400, .portals = portals, .portal_count = 2 },
		.count = 12000,
		.batch = 25,
		.duplicates = 10,
		.shuffle = seed % 2 == 0 ? 2000 : 0,
		.start_ms = START_MS,
		.span_ms = SPAN_MS,
	};
	struct ls_forge *forge = ls_forge_new(&options);
	struct ls_forge_batch batch;
	struct ls_arena arena;
	struct ls_buf expect;
	assert_non_null(forge);
	ls_arena_init(&arena, (size_t)16 << 20);
	ls_buf_init(&expect, (size_t)8 << 20);
	while (ls_forge_next(forge, &batch) == LS_OK) {
		apply_body(w, batch.body, &arena);
		if (batch.index % 50 == 49)
			assert_int_equal(cut_all(w->engine, &w->kept), LS_OK);
	}
	assert_int_equal(cut_all(w->engine, &w->kept), LS_OK);
	assert_int_equal(ls_forge_expect(forge, &expect), LS_OK);
	compare_all(w->engine, &expect);
	assert_true(w->duplicates > 0);
	struct ls_engine_options engine_options = { .profile = w->profile };
	struct ls_engine *again = ls_engine_new(&engine_options);
	assert_non_null(again);
	assert_int_equal(load_all(again, &w->kept, true), LS_OK);
	compare_all(again, &expect);
	again = ls_engine_free(again);
	ls_buf_fini(&expect);
	ls_arena_fini(&arena);
	forge = ls_forge_free(forge);
}

static void
counts_agree_before_and_after_loading(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		struct world w = { .profile = ls_profile_default(ls_memory_heap) };
		struct ls_engine_options options = { .profile = w.profile };
		w.engine = ls_engine_new(&options);
		w.seen = calloc(EVENTS_MAX, sizeof *w.seen);
		assert_true(w.profile != NULL && w.engine != NULL && w.seen != NULL);
		run_seed(&w, seed);
		kept_fini(&w.kept);
		free(w.seen);
		ls_map_fini(&w.seen_index);
		w.engine = ls_engine_free(w.engine);
		w.profile = ls_profile_free(w.profile);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_agree_before_and_after_loading),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
