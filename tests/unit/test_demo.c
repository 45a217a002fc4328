// SPDX-License-Identifier: MIT
/* The demo's world: the same for a seed, understood by the codecs without a fault, never in the
 * future, and scored the way a sales floor should look. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/json_read.h"
#include "engine/engine.h"
#include "main/demo_traffic.h"
#include "source/source.h"

#define START_MS  INT64_C(1795000000000)
#define DAY_MS    INT64_C(86400000)
#define SECOND_MS INT64_C(1000)

static struct ls_demo_options
options_for(uint64_t seed, size_t leads)
{
	return (struct ls_demo_options){
		.seed = seed, .leads = leads, .start_ms = START_MS, .speed = 1
	};
}

/* ---- people */

static int
compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
assert_unique(char **texts, size_t count)
{
	qsort(texts, count, sizeof *texts, compare_text);
	for (size_t i = 1; i < count; i++)
		if (strcmp(texts[i - 1], texts[i]) == 0)
			fail_msg("twice: %s", texts[i]);
}

static void
check_companies(const struct ls_demo_people *people)
{
	size_t n = ls_demo_people_companies(people);
	char **names = calloc(n, sizeof *names), **domains = calloc(n, sizeof *domains);
	assert_true(names != NULL && domains != NULL);
	for (size_t i = 0; i < n; i++) {
		const struct ls_demo_company *c = ls_demo_company(people, i);
		names[i] = strdup(c->name);
		domains[i] = strdup(c->domain);
		assert_in_range(c->employees, 8, 20000);
		assert_true(c->people > 0);
		assert_true(ls_slice_ends(ls_slice_str(c->domain), LS_S(".example")));
		assert_true(strlen(c->domain) < sizeof c->domain - 1);
	}
	assert_unique(names, n);
	assert_unique(domains, n);
	for (size_t i = 0; i < n; i++) {
		free(names[i]);
		free(domains[i]);
	}
	free(names);
	free(domains);
}

static void
check_people(uint64_t seed, size_t leads)
{
	struct ls_demo_people *people = ls_demo_people_new(seed, leads);
	assert_non_null(people);
	assert_int_equal(ls_demo_people_leads(people), leads);
	size_t all = ls_demo_people_all(people);
	char **emails = calloc(all, sizeof *emails);
	assert_non_null(emails);
	assert_true(all >= leads + 100);
	check_companies(people);
	for (size_t i = 0; i < all; i++) {
		const struct ls_demo_person *p = ls_demo_person(people, i);
		char email[LS_DEMO_EMAIL_LEN];
		ls_demo_email(people, i, email);
		for (const char *c = email; *c != '\0'; c++)
			assert_true(*c > ' ' && (unsigned char)*c < 0x7f);
		assert_true(ls_utf8_valid(ls_slice_str(ls_demo_first_name(p))));
		assert_true(ls_utf8_valid(ls_slice_str(ls_demo_last_name(p))));
		assert_true(p->heat <= LS_DEMO_HEAT_MAX);
		assert_true(p->company < ls_demo_people_companies(people));
		emails[i] = strdup(email);
	}
	assert_unique(emails, all);
	for (size_t i = 0; i < all; i++)
		free(emails[i]);
	free(emails);
	people = ls_demo_people_free(people);
}

static void
everybody_is_somebody_else(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++)
		check_people(seed, 300);
	check_people(1, LS_DEMO_LEADS_MIN);
	check_people(1, 7919); /* the stride of the permutations */
	check_people(1, LS_DEMO_LEADS_MAX);
}

static void
companies_come_in_all_sizes(void **state)
{
	(void)state;
	struct ls_demo_people *people = ls_demo_people_new(5, 300);
	size_t small = 0, large = 0, n = ls_demo_people_companies(people);
	assert_int_equal(n, 36);
	for (size_t i = 0; i < n; i++) {
		small += ls_demo_company(people, i)->employees <= 100;
		large += ls_demo_company(people, i)->employees >= 1000;
	}
	assert_in_range(small, n / 2, n * 3 / 4);
	assert_in_range(large, 3, n / 4);
	people = ls_demo_people_free(people);
}

/* ---- bodies */

/* applies what comes, as the server would */
struct fold {
	struct ls_profile *profile;
	struct ls_engine *engine;
	struct ls_arena arena;
	struct ls_buf all;
	uint64_t events, bodies, turned_hot, kinds[64], machines;
	int64_t now_ms, earliest_ms;
};

static void
fold_init(struct fold *fold)
{
	*fold = (struct fold){ .profile = ls_profile_default(ls_memory_heap),
		.earliest_ms = INT64_MAX };
	const struct ls_engine_options options = { .profile = fold->profile };
	assert_non_null(fold->profile);
	fold->engine = ls_engine_new(&options);
	assert_non_null(fold->engine);
	ls_arena_init(&fold->arena, (size_t)64 << 20);
	ls_buf_init(&fold->all, (size_t)512 << 20);
}

static void
fold_fini(struct fold *fold)
{
	fold->engine = ls_engine_free(fold->engine);
	fold->profile = ls_profile_free(fold->profile);
	ls_arena_fini(&fold->arena);
	ls_buf_fini(&fold->all);
}

static void
fold_event(struct fold *fold, const struct ls_event *event)
{
	struct ls_applied applied = { 0 };
	assert_true(event->time_ms <= fold->now_ms);
	assert_true(event->kind != LS_KIND_OTHER);
	assert_int_equal(
		ls_engine_apply(fold->engine, event, fold->now_ms / 1000 * 1000, &applied), LS_OK);
	fold->turned_hot += applied.lead_id != 0 && applied.to == LS_HOT && applied.from != LS_HOT;
	fold->kinds[event->kind & 63]++;
	fold->machines += event->verdict == LS_VERDICT_MACHINE;
	fold->earliest_ms = LS_MIN(fold->earliest_ms, event->time_ms);
}

static void
fold_body(struct fold *fold, const struct ls_demo_batch *batch)
{
	const struct ls_source *source =
		ls_source_find(batch->hubspot ? LS_S("hubspot") : LS_S("events"));
	const struct ls_source_config config = { .public_url = LS_S("http://127.0.0.1:8000") };
	const struct ls_source_entry entry = { .body = batch->body, .received_ms = fold->now_ms };
	struct ls_decoded decoded = { 0 };
	assert_true(ls_json_valid(batch->body));
	assert_true(batch->body.len < (size_t)512 << 10);
	assert_in_range(batch->events, 1, batch->hubspot ? 100 : 200);
	assert_int_equal(source->decode(&config, &entry, &fold->arena, &decoded), LS_OK);
	assert_int_equal(decoded.fault_count, 0);
	assert_int_equal(decoded.count, batch->events);
	for (size_t i = 0; i < decoded.count; i++)
		fold_event(fold, &decoded.events[i]);
	fold->events += decoded.count;
	fold->bodies++;
	ls_arena_reset(&fold->arena);
	assert_int_equal(ls_buf_add_slice(&fold->all, batch->body), LS_OK);
}

static void
fold_history(struct fold *fold, struct ls_demo_traffic *traffic, int64_t start_ms)
{
	struct ls_demo_batch batch;
	int err;
	fold->now_ms = start_ms;
	while ((err = ls_demo_traffic_history(traffic, &batch)) == LS_OK)
		fold_body(fold, &batch);
	assert_int_equal(err, LS_ERR_NOT_FOUND);
}

static void
fold_live(struct fold *fold, struct ls_demo_traffic *traffic, int64_t until_ms, int64_t step_ms)
{
	struct ls_demo_batch batch;
	while (fold->now_ms < until_ms) {
		int err;
		fold->now_ms += step_ms;
		while ((err = ls_demo_traffic_live(traffic, fold->now_ms, &batch)) == LS_OK)
			fold_body(fold, &batch);
		assert_int_equal(err, LS_ERR_NOT_FOUND);
	}
}

static void
make(const struct ls_demo_options *options, int64_t live_ms, struct fold *fold)
{
	struct ls_demo_traffic *traffic = ls_demo_traffic_new(options);
	assert_non_null(traffic);
	fold_init(fold);
	fold_history(fold, traffic, options->start_ms);
	fold_live(fold, traffic, options->start_ms + live_ms, 250);
	traffic = ls_demo_traffic_free(traffic);
}

static void
a_seed_is_a_world(void **state)
{
	(void)state;
	struct ls_demo_options options = options_for(1, 60);
	struct fold a, b, c;
	make(&options, 120 * SECOND_MS, &a);
	make(&options, 120 * SECOND_MS, &b);
	assert_true(ls_slice_eq(ls_buf_slice(&a.all), ls_buf_slice(&b.all)));
	options.seed = 2;
	make(&options, 120 * SECOND_MS, &c);
	assert_false(ls_slice_eq(ls_buf_slice(&a.all), ls_buf_slice(&c.all)));
	fold_fini(&a);
	fold_fini(&b);
	fold_fini(&c);
}

static void
everything_happens(void **state)
{
	(void)state;
	static const enum ls_kind kinds[] = { LS_KIND_CREATE, LS_KIND_ATTRIBUTES,
		LS_KIND_ASSOCIATION, LS_KIND_DEAL_STAGE, LS_KIND_EMAIL_SENT,
		LS_KIND_EMAIL_DELIVERED, LS_KIND_EMAIL_BOUNCE, LS_KIND_EMAIL_OPEN,
		LS_KIND_EMAIL_CLICK, LS_KIND_VISIT, LS_KIND_PAGE_VIEW, LS_KIND_FORM_SUBMIT,
		LS_KIND_CALL, LS_KIND_MEETING, LS_KIND_NOTE, LS_KIND_TASK };
	struct ls_demo_options options = options_for(3, 300);
	struct fold fold;
	make(&options, 0, &fold);
	for (size_t i = 0; i < LS_ARRAY_LEN(kinds); i++)
		if (fold.kinds[kinds[i] & 63] == 0)
			fail_msg("no %s", ls_kind_name(kinds[i]));
	assert_true(fold.machines > 100);
	assert_true(fold.earliest_ms >= START_MS - LS_DEMO_HISTORY_MS - 2 * DAY_MS);
	assert_true(fold.earliest_ms < START_MS - 20 * DAY_MS);
	fold_fini(&fold);
}

/* ---- what comes of it */

static void
the_floor_looks_right(void **state)
{
	(void)state;
	enum { LEADS = 300 };
	/* on every day of a week, at all hours */
	for (uint64_t i = 0; i < 14; i++) {
		struct ls_demo_options options = options_for(i, LEADS);
		struct ls_engine_stats stats;
		struct fold fold;
		options.start_ms += (int64_t)i * (DAY_MS + 5 * 3600 * SECOND_MS);
		make(&options, 0, &fold);
		ls_engine_stats(fold.engine, &stats);
		assert_int_equal(stats.leads, LEADS);
		assert_in_range(stats.by_category[LS_HOT], 3, LEADS * 7 / 100);
		assert_in_range(stats.by_category[LS_WARM], LEADS * 8 / 100, LEADS * 24 / 100);
		fold_fini(&fold);
	}
}

static void
somebody_turns_hot(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct ls_demo_options options = options_for(seed, 300);
		struct ls_demo_traffic *traffic = ls_demo_traffic_new(&options);
		struct ls_engine_stats stats;
		struct fold fold;
		assert_non_null(traffic);
		fold_init(&fold);
		fold_history(&fold, traffic, START_MS);
		uint64_t before = fold.events;
		fold.turned_hot = 0;
		fold_live(&fold, traffic, START_MS + 90 * SECOND_MS, 250);
		assert_true(fold.turned_hot >= 2);
		fold_live(&fold, traffic, START_MS + 600 * SECOND_MS, 250);
		/* about one every half minute */
		assert_in_range(fold.turned_hot, 10, 30);
		/* a few events a second */
		assert_in_range(fold.events - before, 600, 4200);
		/* and in four hours not everybody */
		fold_live(&fold, traffic, START_MS + 4 * 3600 * SECOND_MS, 5000);
		ls_engine_stats(fold.engine, &stats);
		assert_in_range(stats.by_category[LS_HOT], 10, stats.leads * 35 / 100);
		traffic = ls_demo_traffic_free(traffic);
		fold_fini(&fold);
	}
}

static void
few_people_and_great_speed(void **state)
{
	(void)state;
	struct ls_demo_options options = options_for(9, LS_DEMO_LEADS_MIN);
	struct fold fold;
	options.speed = LS_DEMO_SPEED_MAX;
	make(&options, 300 * SECOND_MS, &fold);
	struct ls_engine_stats stats;
	ls_engine_stats(fold.engine, &stats);
	assert_int_equal(stats.leads, LS_DEMO_LEADS_MIN + 100); /* everybody has come */
	fold_fini(&fold);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everybody_is_somebody_else),
		cmocka_unit_test(companies_come_in_all_sizes),
		cmocka_unit_test(a_seed_is_a_world),
		cmocka_unit_test(everything_happens),
		cmocka_unit_test(the_floor_looks_right),
		cmocka_unit_test(somebody_turns_hot),
		cmocka_unit_test(few_people_and_great_speed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
