// SPDX-License-Identifier: MIT
/* engine: what the rules of a profile see of a lead. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine_fixture.h"

/* in the order of the bits below */
static const char rules[] =
	"{\"rules\":["
	"{\"id\":\"company\",\"points\":1,\"when\":{\"field\":\"company\",\"equals\":\"Acme\"}},"
	"{\"id\":\"mail\",\"points\":1,\"when\":{\"field\":\"email\",\"exists\":true}},"
	"{\"id\":\"at\",\"points\":1,\"when\":{\"field\":\"email_domain\",\"in\":[\"acme.com\"]}},"
	"{\"id\":\"size\",\"points\":1,\"when\":{\"field\":\"employees\",\"at_least\":50}},"
	"{\"id\":\"deal\",\"points\":1,\"when\":{\"field\":\"stage_probability\",\"at_least\":0.5}}"
	","
	"{\"id\":\"out\",\"points\":1,\"when\":{\"field\":\"unsubscribed\",\"equals\":true}},"
	"{\"id\":\"title\",\"points\":1,\"when\":{\"field\":\"job_title\",\"contains\":\"chief\"}}]"
	"}";

enum { COMPANY = 1, MAIL = 2, AT = 4, SIZE = 8, STAGE = 16, OUT = 32, TITLE = 64 };

struct fixture {
	struct ls_profile *profile;
	struct ls_engine *engine;
	uint64_t lead;
	int64_t now_ms;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct ls_profile_fault fault;
	size_t faults;
	f->now_ms = T0;
	if (ls_profile_parse(ls_memory_heap, ls_slice(rules, sizeof rules - 1), &f->profile, &fault,
		    1, &faults) != LS_OK)
		return -1;
	f->engine = ls_engine_new(&(struct ls_engine_options){ .profile = f->profile });
	*state = f;
	return f->engine != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	ls_engine_free(f->engine);
	ls_profile_free(f->profile);
	free(f);
	return 0;
}

static void
apply(struct fixture *f, struct ls_event event)
{
	struct ls_applied applied;
	assert_int_equal(ls_engine_apply(f->engine, &event, f->now_ms, &applied), LS_OK);
	if (applied.lead_id != 0)
		f->lead = applied.lead_id;
}

/* Every change is later than the one before. */
static void
set(struct fixture *f, struct ls_ref ref, struct ls_attribute attr)
{
	struct ls_event event = event_of(LS_KIND_ATTRIBUTES, ++f->now_ms, ref);
	event.attributes = &attr;
	event.attribute_count = 1;
	apply(f, event);
}

/* The rules that give the lead their point. */
static unsigned
holding(struct fixture *f)
{
	struct ls_arena arena;
	struct ls_explanation why;
	unsigned bits = 0, rule = 0;
	ls_arena_init(&arena, 1u << 20);
	assert_int_equal(ls_engine_explain(f->engine, f->lead, f->now_ms, &arena, &why), LS_OK);
	for (size_t i = 0; i < why.count; i++) {
		if (!why.lines[i].is_rule)
			continue;
		if (why.lines[i].points_milli == 1000)
			bits |= 1u << rule;
		rule++;
	}
	assert_int_equal(rule, 7);
	ls_arena_fini(&arena);
	return bits;
}

static void
own_attributes(void **state)
{
	struct fixture *f = *state;
	struct ls_attribute out = { .name = LS_S("unsubscribed"),
		.value = { .type = LS_VALUE_BOOL, .boolean = true } };
	apply(f, event_of(LS_KIND_VISIT, T0, contact("1")));
	assert_int_equal(holding(f), 0);
	set(f, contact("1"), text_attr("company", "Acme"));
	assert_int_equal(holding(f), COMPANY);
	set(f, contact("1"), text_attr("job_title", "chief of staff"));
	assert_int_equal(holding(f), COMPANY | TITLE);
	set(f, contact("1"), number_attr("employees", 49));
	set(f, contact("1"), out);
	assert_int_equal(holding(f), COMPANY | TITLE | OUT);
	set(f, contact("1"), number_attr("employees", 50));
	set(f, contact("1"), number_attr("stage_probability", 0.5));
	assert_int_equal(holding(f), COMPANY | TITLE | OUT | SIZE | STAGE);
	out.value.boolean = false;
	set(f, contact("1"), out);
	set(f, contact("1"), text_attr("company", "Other"));
	set(f, contact("1"), (struct ls_attribute){ .name = LS_S("job_title") });
	assert_int_equal(holding(f), SIZE | STAGE);
	/* strictly by type */
	set(f, contact("1"), number_attr("unsubscribed", 1));
	assert_int_equal(holding(f), SIZE | STAGE);
}

static void
email_gives_its_domain(void **state)
{
	struct fixture *f = *state;
	apply(f, event_by_email(LS_KIND_VISIT, T0, "jane@acme.com"));
	assert_int_equal(holding(f), MAIL | AT);
	apply(f, event_by_email(LS_KIND_VISIT, T0, "joe@other.com"));
	assert_int_equal(holding(f), MAIL);
	/* what somebody set wins */
	apply(f, event_of(LS_KIND_VISIT, T0, contact("1")));
	set(f, contact("1"), text_attr("email", "jim@other.com"));
	set(f, contact("1"), text_attr("email_domain", "acme.com"));
	assert_int_equal(holding(f), MAIL | AT);
}

static void
company_and_deal(void **state)
{
	struct fixture *f = *state;
	apply(f, event_of(LS_KIND_VISIT, T0, contact("1")));
	set(f, company("7"), text_attr("name", "Acme"));
	set(f, company("7"), number_attr("employees", 500));
	struct ls_event stage = event_of(LS_KIND_DEAL_STAGE, T0, deal("8"));
	stage.stage_probability = 0.9;
	apply(f, stage);
	assert_int_equal(holding(f), 0);
	apply(f, association(contact("1"), company("7"), ++f->now_ms, false));
	assert_int_equal(holding(f), COMPANY | SIZE);
	apply(f, association(contact("1"), deal("8"), ++f->now_ms, false));
	assert_int_equal(holding(f), COMPANY | SIZE | STAGE);
	apply(f, association(contact("1"), company("7"), ++f->now_ms, true));
	assert_int_equal(holding(f), STAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(own_attributes, setup, teardown),
		cmocka_unit_test_setup_teardown(email_gives_its_domain, setup, teardown),
		cmocka_unit_test_setup_teardown(company_and_deal, setup, teardown),
	};
	return cmocka_run_group_tests_name("engine_rules", tests, NULL, NULL);
}
