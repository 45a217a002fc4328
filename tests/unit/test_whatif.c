// SPDX-License-Identifier: MIT
/* What-if: the figures are those of two engines that score the same events with either profile,
 * explanations say why, and nothing of the engine changes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/whatif.h"
#include "engine_fixture.h"

#define LEADS 500u

static const char *const drafts[] = {
	"{}",
	"{\"rules\":[{\"id\":\"free\",\"when\":{\"field\":\"email_domain\",\"equals\":\"b.com\"},"
	"\"points\":-15},{\"id\":\"forms\",\"when\":{\"kind\":\"form_submit\"},\"points\":9,"
	"\"cap\":27,\"half_life_days\":3}]}",
	"{\"thresholds\":{\"hot\":30,\"warm\":20},\"signals\":{\"recency\":{\"weight\":0},"
	"\"crm_activities\":{\"weight\":40,\"points\":{\"meeting\":5,\"form_submit\":1}},"
	"\"website_visits\":{\"half_life_days\":2},\"deal_stage\":{\"weight\":-10}}}",
};

struct fixture {
	struct ls_profile *old, *new;
	struct ls_engine *engine, *other; /* with the old and the new profile */
};

static struct ls_profile *
parse(const char *json)
{
	struct ls_profile_fault fault;
	struct ls_profile *profile = NULL;
	size_t count;
	assert_int_equal(
		ls_profile_parse(ls_memory_heap, ls_slice_str(json), &profile, &fault, 1, &count),
		LS_OK);
	return profile;
}

static uint64_t
apply(struct ls_engine *engine, unsigned lead, enum ls_kind kind, int64_t time_ms)
{
	static const enum ls_kind attributes = LS_KIND_ATTRIBUTES;
	char email[32];
	struct ls_applied applied;
	struct ls_attribute attr = number_attr("employees", lead * 13 % 2000);
	(void)snprintf(email, sizeof email, "p%u@%c.com", lead, "abc"[lead % 3]);
	struct ls_event event = event_by_email(kind, time_ms, email);
	event.attributes = &attr;
	event.attribute_count = kind == attributes ? 1 : 0;
	assert_int_equal(ls_engine_apply(engine, &event, T0, &applied), LS_OK);
	return applied.lead_id;
}

static void
fill(struct ls_engine *engine)
{
	static const enum ls_kind kinds[] = { LS_KIND_MEETING, LS_KIND_VISIT, LS_KIND_FORM_SUBMIT,
		LS_KIND_EMAIL_OPEN, LS_KIND_CALL };
	for (unsigned lead = 0; lead < LEADS; lead++) {
		(void)apply(engine, lead, LS_KIND_ATTRIBUTES, T0 - DAY);
		for (unsigned k = 0; k < lead % 17; k++)
			(void)apply(engine, lead, kinds[(lead + k * k) % 5],
				T0 - (int64_t)(lead * 7 + k * 31) % 50 * DAY / 2);
	}
	/* not judged: nobody sees it */
	(void)apply(engine, LEADS - 1, LS_KIND_DELETE, T0);
	while (ls_engine_sweep(engine, T0, 100, NULL, NULL) > 0)
		;
}

static void
open_fixture(struct fixture *f, const char *draft)
{
	f->old = parse("{}");
	f->new = parse(draft);
	f->engine = ls_engine_new(&(struct ls_engine_options){ .profile = f->old });
	f->other = ls_engine_new(&(struct ls_engine_options){ .profile = f->new });
	assert_true(f->engine != NULL && f->other != NULL);
	fill(f->engine);
	fill(f->other);
}

static void
close_fixture(struct fixture *f)
{
	ls_engine_free(f->engine);
	ls_engine_free(f->other);
	ls_profile_free(f->old);
	ls_profile_free(f->new);
}

static struct ls_whatif *
run(const struct fixture *f, size_t budget)
{
	size_t left = 1;
	struct ls_whatif *whatif = ls_whatif_new(f->engine, f->new, T0);
	assert_non_null(whatif);
	while (left > 0)
		assert_int_equal(ls_whatif_step(whatif, budget, &left), LS_OK);
	return whatif;
}

static bool
look(const struct ls_engine *engine, uint64_t id, struct ls_arena *arena, struct ls_lead_view *view)
{
	return ls_engine_get(engine, id, arena, view) == LS_OK && !view->deleted;
}

/* The same figures, counted over both engines; the movers are checked by themselves. */
static struct ls_whatif_result
recount(const struct fixture *f)
{
	struct ls_whatif_result out = { 0 };
	struct ls_arena arena;
	ls_arena_init(&arena, 1u << 24);
	for (uint64_t id = 1; id <= LEADS; id++) {
		struct ls_lead_view a, b;
		if (!look(f->engine, id, &arena, &a))
			continue;
		assert_true(look(f->other, id, &arena, &b));
		out.leads++;
		out.rise += b.score_milli > a.score_milli;
		out.fall += b.score_milli < a.score_milli;
		out.moves[a.category][b.category]++;
		out.before[LS_MIN(a.score_milli / 10000, 9)]++;
		out.after[LS_MIN(b.score_milli / 10000, 9)]++;
	}
	ls_arena_fini(&arena);
	return out;
}

static int32_t
change_of(const struct fixture *f, uint64_t id)
{
	struct ls_lead_view a, b;
	struct ls_arena arena;
	ls_arena_init(&arena, 1u << 20);
	bool ok = look(f->engine, id, &arena, &a) && look(f->other, id, &arena, &b);
	ls_arena_fini(&arena);
	return ok ? b.score_milli - a.score_milli : 0;
}

static void
check_movers(const struct fixture *f, const struct ls_whatif_mover *movers, size_t count,
	uint64_t all, int sign)
{
	bool listed[LEADS + 1] = { false };
	assert_int_equal(count, LS_MIN(all, (uint64_t)LS_WHATIF_MOVERS));
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(movers[i].change_milli, change_of(f, movers[i].id));
		assert_true(movers[i].change_milli * sign > 0);
		listed[movers[i].id] = true;
		if (i == 0)
			continue;
		int32_t above = movers[i - 1].change_milli * sign;
		assert_true(above > movers[i].change_milli * sign ||
			    (above == movers[i].change_milli * sign &&
				    movers[i - 1].id < movers[i].id));
	}
	for (uint64_t id = 1; id <= LEADS && count > 0; id++) {
		int32_t change = change_of(f, id) * sign,
			last = movers[count - 1].change_milli * sign;
		assert_true(listed[id] || change < last ||
			    (change == last && id > movers[count - 1].id) || change <= 0);
	}
}

static void
figures_are_those_of_two_engines(void **state)
{
	static const size_t budgets[] = { 1, 7, 64, SIZE_MAX };
	(void)state;
	for (size_t i = 0; i < LS_ARRAY_LEN(drafts); i++) {
		struct fixture f;
		open_fixture(&f, drafts[i]);
		char *before = dump_engine(f.engine, LEADS + 2);
		struct ls_whatif_result want = recount(&f);
		assert_int_equal(want.leads, LEADS - 1);
		for (size_t k = 0; k < LS_ARRAY_LEN(budgets); k++) {
			struct ls_whatif *whatif = run(&f, budgets[k]);
			const struct ls_whatif_result *got = ls_whatif_result(whatif);
			assert_int_equal(got->leads, want.leads);
			assert_int_equal(got->rise, want.rise);
			assert_int_equal(got->fall, want.fall);
			assert_memory_equal(got->moves, want.moves, sizeof want.moves);
			assert_memory_equal(got->before, want.before, sizeof want.before);
			assert_memory_equal(got->after, want.after, sizeof want.after);
			check_movers(&f, got->risers, got->riser_count, got->rise, 1);
			check_movers(&f, got->fallers, got->faller_count, got->fall, -1);
			ls_whatif_free(whatif);
		}
		assert_true(i == 0 ? want.rise + want.fall == 0 : want.rise > 20 && want.fall > 20);
		char *after = dump_engine(f.engine, LEADS + 2);
		assert_string_equal(before, after);
		free(before);
		free(after);
		close_fixture(&f);
	}
}

static void
explanations_and_reasons(void **state)
{
	struct fixture f;
	struct ls_arena arena;
	struct ls_explanation before, after, of_engine;
	struct ls_whatif_reason reasons[4];
	(void)state;
	open_fixture(&f, drafts[1]);
	struct ls_whatif *whatif = run(&f, 64);
	ls_arena_init(&arena, 1u << 24);
	for (uint64_t id = 1; id < LEADS; id++) {
		assert_int_equal(
			ls_whatif_explain(whatif, id, true, &arena, &before, &after), LS_OK);
		assert_int_equal(ls_engine_explain(f.engine, id, T0, &arena, &of_engine), LS_OK);
		assert_int_equal(before.score_milli, of_engine.score_milli);
		assert_int_equal(before.cools_at_ms, of_engine.cools_at_ms);
		assert_int_equal(after.score_milli - before.score_milli, change_of(&f, id));
		/* only the two rules differ */
		size_t n = ls_whatif_reasons(&before, &after, reasons, LS_ARRAY_LEN(reasons));
		int32_t sum = 0;
		assert_true(n <= 2);
		for (size_t i = 0; i < n; i++) {
			char words[200];
			sum += reasons[i].after_milli - reasons[i].before_milli;
			assert_true(reasons[i].line->is_rule && reasons[i].before_milli == 0);
			assert_true(ls_line_words(reasons[i].moment, reasons[i].line, words,
					    sizeof words) > 0);
		}
		int64_t lines = 0;
		for (size_t i = 0; i < after.count; i++)
			lines += after.lines[i].points_milli;
		for (size_t i = 0; i < before.count; i++)
			lines -= before.lines[i].points_milli;
		assert_int_equal(sum, lines);
		/* the other way round, of the rules only the old one knows */
		assert_int_equal(ls_whatif_reasons(&after, &before, reasons, 1), n > 0);
		assert_true(n == 0 || reasons[0].after_milli == 0);
	}
	assert_int_equal(ls_whatif_explain(whatif, LEADS + 1, false, &arena, &before, &after),
		LS_ERR_NOT_FOUND);
	ls_arena_fini(&arena);
	ls_whatif_free(whatif);
	close_fixture(&f);
}

static void
events_in_between(void **state)
{
	struct fixture f;
	size_t left = 1;
	unsigned n = 0;
	(void)state;
	open_fixture(&f, drafts[2]);
	struct ls_whatif *whatif = ls_whatif_new(f.engine, f.new, T0);
	while (left > 0) {
		assert_int_equal(ls_whatif_step(whatif, 10, &left), LS_OK);
		if (n < 100)
			(void)apply(f.engine, LEADS + n, LS_KIND_VISIT, T0);
		(void)apply(f.engine, n * 37 % LEADS, LS_KIND_MEETING, T0);
		n++;
	}
	const struct ls_whatif_result *got = ls_whatif_result(whatif);
	uint64_t sum = 0;
	for (unsigned i = 0; i < 9; i++)
		sum += got->moves[i / 3][i % 3];
	assert_true(got->leads == sum && got->leads >= LEADS - 1);
	ls_whatif_free(whatif);
	close_fixture(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures_are_those_of_two_engines),
		cmocka_unit_test(explanations_and_reasons),
		cmocka_unit_test(events_in_between),
	};
	return cmocka_run_group_tests_name("whatif", tests, NULL, NULL);
}
