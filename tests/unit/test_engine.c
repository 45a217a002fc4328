// SPDX-License-Identifier: MIT
/* engine: who is who, attributes, life cycle, look-ups, ranking. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine_fixture.h"

struct fixture {
	struct ls_profile *profile;
	struct ls_engine *engine;
	struct ls_applied last;
	struct ls_arena arena;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	f->profile = ls_profile_default(ls_memory_heap);
	f->engine = ls_engine_new(&(struct ls_engine_options){ .profile = f->profile });
	ls_arena_init(&f->arena, 1u << 24);
	*state = f;
	return f->profile != NULL && f->engine != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	ls_engine_free(f->engine);
	ls_profile_free(f->profile);
	ls_arena_fini(&f->arena);
	free(f);
	return 0;
}

static uint64_t
apply(struct fixture *f, struct ls_event event)
{
	assert_int_equal(ls_engine_apply(f->engine, &event, T0, &f->last), LS_OK);
	return f->last.lead_id;
}

static uint64_t
apply_attr(struct fixture *f, struct ls_event event, struct ls_attribute attr)
{
	event.attributes = &attr;
	event.attribute_count = 1;
	return apply(f, event);
}

static uint64_t
find(const struct fixture *f, const char *text)
{
	return ls_engine_find(f->engine, ls_slice_str(text));
}

static struct ls_lead_view
get(struct fixture *f, uint64_t id)
{
	struct ls_lead_view view = { 0 };
	assert_int_equal(ls_engine_get(f->engine, id, &f->arena, &view), LS_OK);
	return view;
}

static struct ls_engine_stats
stats(const struct fixture *f)
{
	struct ls_engine_stats s;
	ls_engine_stats(f->engine, &s);
	return s;
}

static void
assert_slice(struct ls_slice got, const char *want)
{
	if (!ls_slice_eq(got, ls_slice_str(want)))
		fail_msg("got '%.*s', want '%s'", LS_FMT(got), want);
}

static struct ls_event
merge(struct ls_ref into, const struct ls_ref *gone, size_t count, int64_t time_ms)
{
	struct ls_event e = event_of(LS_KIND_MERGE, time_ms, into);
	e.merged = gone;
	e.merged_count = count;
	return e;
}

/* ---- finding and joining */

static void
events_make_leads(void **state)
{
	struct fixture *f = *state;
	uint64_t id = apply(f, event_of(LS_KIND_VISIT, T0, contact("12345")));
	assert_true(id != 0 && f->last.created);
	assert_true(f->last.to_milli > 0 && f->last.from_milli == 0);
	assert_true(apply(f, event_of(LS_KIND_VISIT, T0, contact("12345"))) == id);
	assert_false(f->last.created);
	assert_true(apply(f, event_by_email(LS_KIND_VISIT, T0, "jane@acme.com")) != id);
	assert_true(apply(f, event_by_visitor(LS_KIND_VISIT, T0, "v1")) != id);
	assert_int_equal(stats(f).leads, 3);
	assert_int_equal(stats(f).identities, 3);
	struct ls_event nobody = { .kind = LS_KIND_VISIT, .time_ms = T0 };
	assert_int_equal(ls_engine_apply(f->engine, &nobody, T0, &f->last), LS_ERR_INVALID);
}

static void
finds_by_every_spelling(void **state)
{
	struct fixture *f = *state;
	struct ls_event e = event_of(LS_KIND_VISIT, T0, contact("12345"));
	e.subject.email = LS_S("jane@acme.com");
	e.subject.visitor = LS_S("v-1");
	uint64_t id = apply(f, e);
	char decimal[32];
	(void)snprintf(decimal, sizeof decimal, "%llu", (unsigned long long)id);
	assert_true(find(f, decimal) == id);
	assert_true(find(f, "hubspot:12345") == id);
	assert_true(find(f, "hubspot:62515/12345") == id);
	assert_true(find(f, "email:jane@acme.com") == id);
	assert_true(find(f, "email: Jane@ACME.com ") == id);
	assert_true(find(f, "visitor:v-1") == id);
	const char *const none[] = { "", "0", "99", "-1", "18446744073709551616", "hubspot:1",
		"hubspot:62516/12345", "salesforce:12345", "email:", "email:x", "visitor:", ":",
		"hubspot:62515/" };
	for (size_t i = 0; i < LS_ARRAY_LEN(none); i++)
		assert_true(find(f, none[i]) == 0);
}

static void
scope_less_ids_are_found(void **state)
{
	struct fixture *f = *state;
	struct ls_ref ref = contact("7");
	ref.scope = 0;
	uint64_t id = apply(f, event_of(LS_KIND_CREATE, T0, ref));
	uint64_t other = apply(f, event_of(LS_KIND_CREATE, T0, contact("7")));
	/* the account becomes known: still the same person, and a third account's is another one */
	assert_true(id == other && find(f, "hubspot:7") == id && find(f, "hubspot:62515/7") == id);
	struct ls_ref elsewhere = contact("7");
	elsewhere.scope = 4711;
	uint64_t third = apply(f, event_of(LS_KIND_CREATE, T0, elsewhere));
	assert_true(third != id && find(f, "hubspot:4711/7") == third);
	ref.id = LS_S("8");
	other = apply(f, event_of(LS_KIND_CREATE, T0, contact("8")));
	assert_true(apply(f, event_of(LS_KIND_CALL, T0, ref)) == other);
}

static void
email_joins_its_crm_lead(void **state)
{
	struct fixture *f = *state;
	uint64_t by_email = apply(f, event_by_email(LS_KIND_FORM_SUBMIT, T0, "jane@acme.com"));
	uint64_t by_ref = apply(f, event_of(LS_KIND_CALL, T0, contact("1")));
	assert_true(by_email != by_ref);
	/* the CRM tells its address */
	uint64_t id = apply_attr(f, event_of(LS_KIND_ATTRIBUTES, T0, contact("1")),
		text_attr("email", "Jane@Acme.com"));
	assert_true(id == by_ref && find(f, "email:jane@acme.com") == id);
	assert_int_equal(stats(f).leads, 1);
	struct ls_lead_view view = get(f, by_email);
	assert_true(view.id == id && view.counts.crm_activities == 2);
	assert_slice(view.email, "Jane@Acme.com");
	/* another address: both lead here */
	(void)apply_attr(f, event_of(LS_KIND_ATTRIBUTES, T0 + 1, contact("1")),
		text_attr("email", "jane@new.com"));
	assert_true(find(f, "email:jane@acme.com") == id && find(f, "email:jane@new.com") == id);
	assert_slice(get(f, id).email, "jane@new.com");
}

static void
crm_leads_are_not_joined_by_email(void **state)
{
	struct fixture *f = *state;
	struct ls_event a = event_of(LS_KIND_CALL, T0, contact("1"));
	struct ls_event b = event_of(LS_KIND_CALL, T0, contact("2"));
	a.subject.email = b.subject.email = LS_S("info@acme.com");
	uint64_t first = apply(f, a), second = apply(f, b);
	assert_true(first != second);
	assert_true(find(f, "email:info@acme.com") == first);
	assert_int_equal(stats(f).conflicts, 1);
	assert_true(get(f, second).counts.crm_activities == 1);
	/* an id of another system is no obstacle */
	struct ls_event c = event_of(LS_KIND_CALL, T0, contact("00Q1"));
	c.subject.ref.system = LS_S("salesforce");
	c.subject.email = LS_S("info@acme.com");
	assert_true(apply(f, c) == first);
}

static void
visitor_belongs_to_the_first_known(void **state)
{
	struct fixture *f = *state;
	uint64_t anonymous = apply(f, event_by_visitor(LS_KIND_VISIT, T0, "v1"));
	uint64_t known = apply(f, event_by_email(LS_KIND_FORM_SUBMIT, T0, "a@x.com"));
	struct ls_event claim = event_by_email(LS_KIND_VISIT, T0, "a@x.com");
	claim.subject.visitor = LS_S("v1");
	assert_true(apply(f, claim) == known);
	assert_true(get(f, anonymous).id == known && get(f, known).counts.website_visits == 2);
	/* a second person at the same browser does not take it over, nor become the first */
	claim.subject.email = LS_S("b@x.com");
	uint64_t other = apply(f, claim);
	assert_true(other != known && find(f, "visitor:v1") == known);
	assert_int_equal(stats(f).conflicts, 1);
	assert_int_equal(stats(f).leads, 2);
}

/* ---- merging */

static void
merges_before_and_after(void **state)
{
	struct fixture *f = *state;
	const struct ls_ref gone[] = { contact("1"), contact("2") };
	uint64_t one = apply(f, event_of(LS_KIND_CALL, T0, contact("1")));
	uint64_t two = apply(f, event_of(LS_KIND_CALL, T0, contact("2")));
	uint64_t id = apply(f, merge(contact("3"), gone, 2, T0));
	assert_true(id == LS_MIN(one, two));
	assert_true(find(f, "hubspot:1") == id && find(f, "hubspot:2") == id &&
		    find(f, "hubspot:3") == id);
	assert_true(get(f, one).id == id && get(f, two).id == id);
	assert_true(apply(f, event_of(LS_KIND_CALL, T0, contact("2"))) == id);
	assert_int_equal(get(f, id).counts.crm_activities, 3);
	assert_int_equal(stats(f).leads, 1);
	/* before anybody is known */
	const struct ls_ref later[] = { contact("8"), contact("9") };
	assert_true(apply(f, merge(contact("7"), later, 2, T0)) == 0);
	assert_int_equal(stats(f).leads, 1);
	uint64_t known = apply(f, event_of(LS_KIND_CALL, T0, contact("9")));
	assert_true(f->last.created && find(f, "hubspot:7") == known);
}

static void
deleting_a_merged_id_hides_nobody(void **state)
{
	struct fixture *f = *state;
	const struct ls_ref gone[] = { contact("2") };
	(void)apply(f, event_of(LS_KIND_DELETE, T0 + 5, contact("2")));
	uint64_t id = apply(f, event_of(LS_KIND_CALL, T0, contact("1")));
	(void)apply(f, merge(contact("1"), gone, 1, T0));
	assert_false(get(f, id).deleted);
	(void)apply(f, event_of(LS_KIND_DELETE, T0 + 9, contact("2")));
	assert_false(get(f, id).deleted);
	(void)apply(f, event_of(LS_KIND_DELETE, T0 + 9, contact("1")));
	assert_true(get(f, id).deleted);
}

static void
aliases_are_told(void *ctx, uint64_t id)
{
	*(uint64_t *)ctx = *(uint64_t *)ctx * 100 + id;
}

static void
alias_survives_a_second_merge(void **state)
{
	struct fixture *f = *state;
	const struct ls_ref three[] = { contact("3") }, two[] = { contact("2") };
	uint64_t a = apply(f, event_of(LS_KIND_CALL, T0, contact("1")));
	uint64_t b = apply(f, event_of(LS_KIND_CALL, T0, contact("2")));
	uint64_t c = apply(f, event_of(LS_KIND_CALL, T0, contact("3")));
	(void)apply(f, merge(contact("2"), three, 1, T0));
	(void)apply(f, merge(contact("1"), two, 1, T0));
	assert_true(get(f, b).id == a && get(f, c).id == a);
	uint64_t told = 0;
	assert_int_equal(ls_engine_aliases(f->engine, a, aliases_are_told, &told), LS_OK);
	assert_true(told == b * 100 + c || told == c * 100 + b);
}

/* ---- attributes */

static void
newest_attribute_wins(void **state)
{
	struct fixture *f = *state;
	struct ls_event at5 = event_of(LS_KIND_ATTRIBUTES, T0 + 5, contact("1"));
	struct ls_event at3 = event_of(LS_KIND_ATTRIBUTES, T0 + 3, contact("1"));
	uint64_t id = apply_attr(f, at5, text_attr("company", "New"));
	(void)apply_attr(f, at3, text_attr("company", "Old"));
	assert_slice(get(f, id).company, "New");
	(void)apply_attr(f, at5, text_attr("company", "Newer"));
	(void)apply_attr(f, at5, text_attr("company", "New"));
	assert_slice(get(f, id).company, "Newer");
	struct ls_attribute cleared = { .name = LS_S("company") };
	(void)apply_attr(f, event_of(LS_KIND_ATTRIBUTES, T0 + 6, contact("1")), cleared);
	assert_slice(get(f, id).company, "");
	/* what is older than the clearing stays away */
	(void)apply_attr(f, at5, text_attr("company", "Zombie"));
	assert_slice(get(f, id).company, "");
}

static void
count_attribute(void *ctx, const struct ls_attribute *attr, int64_t set_ms)
{
	(void)attr;
	(void)set_ms;
	(*(size_t *)ctx)++;
}

static void
attributes_are_limited(void **state)
{
	struct fixture *f = *state;
	uint64_t id = 0;
	for (int i = 0; i < 70; i++) {
		char name[16];
		(void)snprintf(name, sizeof name, "a%d", i);
		id = apply_attr(f, event_of(LS_KIND_VISIT, T0, contact("1")), number_attr(name, i));
	}
	size_t count = 0;
	assert_int_equal(ls_engine_attributes(f->engine, id, count_attribute, &count), LS_OK);
	assert_int_equal(count, 64);
	assert_int_equal(stats(f).attributes_refused, 6);
	assert_int_equal(get(f, id).counts.website_visits, 70);
}

static void
find_attribute(void *ctx, const struct ls_attribute *attr, int64_t set_ms)
{
	struct ls_attribute *wanted = ctx;
	(void)set_ms;
	if (ls_slice_eq(attr->name, wanted->name))
		wanted->value = attr->value;
}

static void
email_domain_is_derived(void **state)
{
	struct fixture *f = *state;
	uint64_t id = apply(f, event_by_email(LS_KIND_VISIT, T0, "jane@acme.com"));
	struct ls_attribute domain = { .name = LS_S("email_domain") };
	assert_int_equal(ls_engine_attributes(f->engine, id, find_attribute, &domain), LS_OK);
	assert_slice(domain.value.string, "acme.com");
	(void)apply(f, event_by_email(LS_KIND_EMAIL_UNSUBSCRIBE, T0, "jane@acme.com"));
	struct ls_attribute off = { .name = LS_S("unsubscribed") };
	assert_int_equal(ls_engine_attributes(f->engine, id, find_attribute, &off), LS_OK);
	assert_true(off.value.type == LS_VALUE_BOOL && off.value.boolean);
}

static void
names_are_composed(void **state)
{
	struct fixture *f = *state;
	struct ls_event e = event_of(LS_KIND_ATTRIBUTES, T0, contact("1"));
	uint64_t id = apply_attr(f, e, text_attr("last_name", "Doe"));
	assert_slice(get(f, id).name, "Doe");
	(void)apply_attr(f, e, text_attr("first_name", "Jane"));
	assert_slice(get(f, id).name, "Jane Doe");
	(void)apply_attr(f, e, text_attr("name", "Dr. Jane Doe"));
	assert_slice(get(f, id).name, "Dr. Jane Doe");
}

/* ---- life cycle */

static void
delete_and_restore(void **state)
{
	struct fixture *f = *state;
	uint64_t id = apply(f, event_of(LS_KIND_CALL, T0, contact("1")));
	(void)apply(f, event_of(LS_KIND_DELETE, T0 + 10, contact("1")));
	assert_true(get(f, id).deleted && stats(f).leads == 0 && stats(f).deleted == 1);
	(void)apply(f, event_of(LS_KIND_RESTORE, T0 + 9, contact("1")));
	assert_true(get(f, id).deleted);
	(void)apply(f, event_of(LS_KIND_RESTORE, T0 + 10, contact("1")));
	assert_true(get(f, id).deleted);
	(void)apply(f, event_of(LS_KIND_RESTORE, T0 + 11, contact("1")));
	assert_true(!get(f, id).deleted && stats(f).leads == 1);
	assert_true(get(f, id).counts.crm_activities == 1);
	/* of somebody never heard of */
	assert_true(apply(f, event_of(LS_KIND_DELETE, T0 + 10, contact("2"))) == 0);
	assert_true(find(f, "hubspot:2") == 0 && stats(f).leads == 1);
	uint64_t late = apply(f, event_of(LS_KIND_CALL, T0, contact("2")));
	assert_true(get(f, late).deleted && stats(f).leads == 1);
}

static void
erased_stays_erased(void **state)
{
	struct fixture *f = *state;
	const struct ls_ref two[] = { contact("2") };
	struct ls_event e = event_of(LS_KIND_CALL, T0, contact("1"));
	e.subject.email = LS_S("jane@acme.com");
	uint64_t id = apply(f, e);
	(void)apply(f, event_of(LS_KIND_PRIVACY_DELETE, T0, contact("1")));
	struct ls_lead_view view;
	assert_int_equal(ls_engine_get(f->engine, id, &f->arena, &view), LS_ERR_NOT_FOUND);
	assert_true(find(f, "hubspot:1") == 0 && find(f, "email:jane@acme.com") == 0);
	assert_true(apply(f, e) == 0 &&
		    apply(f, event_of(LS_KIND_CREATE, T0 + DAY, contact("1"))) == 0);
	(void)apply(f, association(contact("1"), call("5"), T0, false));
	assert_true(stats(f).leads == 0 && stats(f).identities == 0);
	/* whoever is merged with it, is it */
	uint64_t other = apply(f, event_of(LS_KIND_CALL, T0, contact("2")));
	assert_true(other != id);
	(void)apply(f, merge(contact("1"), two, 1, T0));
	assert_true(stats(f).leads == 0);
	assert_true(apply(f, event_of(LS_KIND_CALL, T0, contact("2"))) == 0);
	/* before it is known */
	(void)apply(f, event_of(LS_KIND_PRIVACY_DELETE, T0, contact("3")));
	assert_true(apply(f, event_of(LS_KIND_CALL, T0, contact("3"))) == 0);
}

/* ---- records */

static void
calls_count_for_their_contact(void **state)
{
	struct fixture *f = *state;
	/* record, link, contact: contact last */
	(void)apply(f, event_of(LS_KIND_CALL, T0, call("500")));
	assert_true(f->last.record_id != 0 && f->last.lead_id == 0);
	assert_true(apply(f, association(call("500"), contact("1"), T0, false)) == 0);
	assert_true(stats(f).leads == 0);
	uint64_t id = apply(f, event_of(LS_KIND_CREATE, T0, contact("1")));
	assert_true(f->last.created && get(f, id).counts.crm_activities == 1);
	assert_true(get(f, id).last_activity_ms == T0);
	/* contact, link, record: record last */
	assert_true(apply(f, association(contact("1"), call("501"), T0, false)) == id);
	assert_int_equal(get(f, id).counts.crm_activities, 1);
	assert_true(apply(f, event_of(LS_KIND_CALL, T0 + DAY, call("501"))) == id);
	assert_true(f->last.to_milli > f->last.from_milli);
	assert_int_equal(get(f, id).counts.crm_activities, 2);
	/* deleted, restored, unlinked */
	(void)apply(f, event_of(LS_KIND_DELETE, T0 + 2 * DAY, call("501")));
	assert_int_equal(get(f, id).counts.crm_activities, 1);
	assert_true(get(f, id).last_activity_ms == T0);
	(void)apply(f, event_of(LS_KIND_RESTORE, T0 + 3 * DAY, call("501")));
	assert_int_equal(get(f, id).counts.crm_activities, 2);
	(void)apply(f, association(contact("1"), call("501"), T0 + 1, true));
	assert_int_equal(get(f, id).counts.crm_activities, 1);
	(void)apply(f, association(contact("1"), call("501"), T0, false));
	assert_int_equal(get(f, id).counts.crm_activities, 1);
}

static void
record_attributes_move_its_count(void **state)
{
	struct fixture *f = *state;
	struct ls_ref mail = record(LS_RECORD_ACTIVITY, "0-49", "9");
	uint64_t id = apply(f, event_of(LS_KIND_CREATE, T0, contact("1")));
	(void)apply(f, event_of(LS_KIND_EMAIL_SENT, T0, mail));
	(void)apply(f, association(contact("1"), mail, T0, false));
	assert_int_equal(get(f, id).counts.crm_activities, 0);
	(void)apply_attr(f, event_of(LS_KIND_ATTRIBUTES, T0, mail),
		text_attr("direction", "INCOMING_EMAIL"));
	assert_int_equal(get(f, id).counts.crm_activities, 1);
	(void)apply_attr(f, event_of(LS_KIND_ATTRIBUTES, T0, mail),
		number_attr("timestamp", (double)(T0 - 3 * DAY)));
	struct ls_lead_view view = get(f, id);
	assert_true(view.last_activity_ms == T0 - 3 * DAY);
	assert_true(view.activity->cell_count == 1 &&
		    ls_cell_hour(view.activity->cells[0]) == (T0 - 3 * DAY) / LS_HOUR_MS);
}

static void
deals_and_companies_reach_the_lead(void **state)
{
	struct fixture *f = *state;
	uint64_t id = apply(f, event_of(LS_KIND_CREATE, T0, contact("1")));
	struct ls_event stage = event_of(LS_KIND_DEAL_STAGE, T0, deal("70"));
	stage.stage_probability = 0.8;
	(void)apply(f, association(contact("1"), deal("70"), T0, false));
	assert_true(apply(f, stage) == id && f->last.to_milli == 8000);
	stage.stage_probability = 0.4;
	stage.time_ms = T0 - 1;
	(void)apply(f, stage);
	assert_int_equal(f->last.to_milli, 8000);
	(void)apply_attr(f, event_of(LS_KIND_ATTRIBUTES, T0, contact("1")),
		number_attr("stage_probability", 0.9));
	assert_int_equal(f->last.to_milli, 9000);
	(void)apply(f, event_of(LS_KIND_DELETE, T0, deal("70")));
	(void)apply_attr(f, event_of(LS_KIND_ATTRIBUTES, T0 + 1, contact("1")),
		(struct ls_attribute){ .name = LS_S("stage_probability") });
	assert_int_equal(f->last.to_milli, 0);

	struct ls_event link = association(contact("1"), company("80"), T0, false);
	(void)apply(f, link);
	(void)apply_attr(f, event_of(LS_KIND_ATTRIBUTES, T0, company("80")),
		number_attr("employees", 10000));
	assert_int_equal(get(f, id).score_milli, 5000);
	(void)apply_attr(
		f, event_of(LS_KIND_ATTRIBUTES, T0, company("80")), text_attr("name", "Acme"));
	assert_slice(get(f, id).company, "Acme");
	/* the primary company stands for the lead, its own attribute for both */
	(void)apply_attr(
		f, event_of(LS_KIND_ATTRIBUTES, T0, company("81")), text_attr("name", "Zebra"));
	link = association(contact("1"), company("81"), T0, false);
	(void)apply(f, link);
	assert_slice(get(f, id).company, "Acme");
	link.primary = true;
	(void)apply(f, link);
	assert_slice(get(f, id).company, "Zebra");
	assert_int_equal(get(f, id).score_milli, 0);
	(void)apply_attr(
		f, event_of(LS_KIND_ATTRIBUTES, T0, contact("1")), text_attr("company", "Own"));
	assert_slice(get(f, id).company, "Own");
}

static void
records_merge(void **state)
{
	struct fixture *f = *state;
	const struct ls_ref gone[] = { call("1") };
	uint64_t id = apply(f, event_of(LS_KIND_CREATE, T0, contact("1")));
	(void)apply(f, event_of(LS_KIND_CALL, T0, call("1")));
	(void)apply(f, event_of(LS_KIND_CALL, T0, call("2")));
	(void)apply(f, association(contact("1"), call("1"), T0, false));
	(void)apply(f, association(contact("1"), call("2"), T0, false));
	assert_int_equal(get(f, id).counts.crm_activities, 2);
	(void)apply(f, merge(call("2"), gone, 1, T0));
	assert_int_equal(get(f, id).counts.crm_activities, 1);
	assert_int_equal(stats(f).records, 1);
	(void)apply(f, association(contact("1"), call("1"), T0 + 1, true));
	assert_int_equal(get(f, id).counts.crm_activities, 0);
}

static void
merged_leads_count_a_shared_record_once(void **state)
{
	struct fixture *f = *state;
	const struct ls_ref two[] = { contact("2") };
	uint64_t id = apply(f, event_of(LS_KIND_CREATE, T0, contact("1")));
	(void)apply(f, event_of(LS_KIND_CREATE, T0, contact("2")));
	(void)apply(f, event_of(LS_KIND_CALL, T0, call("1")));
	(void)apply(f, association(contact("1"), call("1"), T0, false));
	(void)apply(f, association(contact("2"), call("1"), T0, false));
	(void)apply(f, merge(contact("1"), two, 1, T0));
	assert_int_equal(get(f, id).counts.crm_activities, 1);
	(void)apply(f, event_of(LS_KIND_DELETE, T0, call("1")));
	assert_int_equal(get(f, id).counts.crm_activities, 0);
}

static void
what_is_other_leaves_no_trace(void **state)
{
	struct fixture *f = *state;
	assert_true(apply(f, event_of(LS_KIND_OTHER, T0, contact("1"))) == 0);
	assert_true(apply(f, event_of(LS_KIND_CREATE, T0,
				     record(LS_RECORD_OTHER, "ticket", "1"))) == 0);
	(void)apply(
		f, association(contact("1"), record(LS_RECORD_OTHER, "ticket", "1"), T0, false));
	assert_true(stats(f).leads == 0 && stats(f).records == 0 && stats(f).identities == 0);
	uint64_t id = apply(f, event_of(LS_KIND_CREATE, T0, contact("1")));
	assert_true(apply(f, event_of(LS_KIND_OTHER, T0, contact("1"))) == id);
}

static void
machines_score_nothing(void **state)
{
	struct fixture *f = *state;
	struct ls_event e = event_of(LS_KIND_EMAIL_OPEN, T0, contact("1"));
	e.verdict = LS_VERDICT_MACHINE;
	e.message = LS_S("m1");
	uint64_t id = apply(f, e);
	assert_true(f->last.to_milli == 0 && get(f, id).last_activity_ms == 0);
	assert_int_equal(get(f, id).counts.email_opens, 0);
	e.verdict = LS_VERDICT_UNKNOWN;
	(void)apply(f, e);
	assert_true(f->last.to_milli > 0 && get(f, id).counts.email_opens == 1);
}

static void
leads_are_limited(void **state)
{
	struct fixture *f = *state;
	ls_engine_free(f->engine);
	f->engine =
		ls_engine_new(&(struct ls_engine_options){ .profile = f->profile, .max_leads = 2 });
	(void)apply(f, event_of(LS_KIND_CREATE, T0, contact("1")));
	(void)apply(f, event_of(LS_KIND_CREATE, T0, contact("2")));
	struct ls_event e = event_of(LS_KIND_CREATE, T0, contact("3"));
	assert_int_equal(ls_engine_apply(f->engine, &e, T0, &f->last), LS_ERR_LIMIT);
	assert_true(stats(f).leads == 2 && stats(f).identities == 2 && stats(f).rejected == 1);
	(void)apply(f, event_of(LS_KIND_PRIVACY_DELETE, T0, contact("1")));
	assert_true(apply(f, e) == 3);
}

/* ---- ranking and time */

static void
pages_have_every_lead_once(void **state)
{
	struct fixture *f = *state;
	uint64_t seen[3000] = { 0 }, ids[7];
	for (int i = 0; i < 2500; i++) {
		char id[16];
		(void)snprintf(id, sizeof id, "%d", i);
		(void)apply(f, event_of(LS_KIND_CREATE, T0, contact(id)));
		if (i % 5 == 0)
			(void)apply(
				f, event_of(LS_KIND_VISIT, T0 - i * INT64_C(1000000), contact(id)));
	}
	struct ls_rank_cursor cursor = { 0 };
	int32_t last_score = INT32_MAX;
	uint64_t last_id = 0;
	size_t total = 0, n;
	while ((n = ls_engine_rank(f->engine, LS_ANY_CATEGORY, &cursor, ids, 7)) > 0) {
		for (size_t i = 0; i < n; i++, total++) {
			int32_t score = get(f, ids[i]).score_milli;
			assert_true(
				score < last_score || (score == last_score && ids[i] > last_id));
			last_score = score;
			last_id = ids[i];
			assert_true(seen[ids[i]]++ == 0);
		}
		ls_arena_reset(&f->arena);
	}
	assert_int_equal(total, 2500);
	struct ls_rank_cursor warm = { 0 };
	assert_int_equal(ls_engine_rank(f->engine, LS_WARM, &warm, ids, 7), 0);
	struct ls_rank_cursor cold = { 0 };
	assert_int_equal(ls_engine_rank(f->engine, LS_COLD, &cold, ids, 7), 7);
}

static void
cursor_holds_while_scores_move(void **state)
{
	struct fixture *f = *state;
	uint64_t ids[2];
	uint64_t a = apply(f, event_of(LS_KIND_MEETING, T0, contact("1")));
	uint64_t b = apply(f, event_of(LS_KIND_CALL, T0, contact("2")));
	uint64_t c = apply(f, event_of(LS_KIND_NOTE, T0, contact("3")));
	struct ls_rank_cursor cursor = { 0 };
	assert_int_equal(ls_engine_rank(f->engine, LS_ANY_CATEGORY, &cursor, ids, 2), 2);
	assert_true(ids[0] == a && ids[1] == b);
	/* the last one shown rises and the next one falls out: the rest still follows */
	(void)apply(f, event_of(LS_KIND_MEETING, T0, contact("2")));
	(void)apply(f, event_of(LS_KIND_MEETING, T0, contact("2")));
	assert_int_equal(ls_engine_rank(f->engine, LS_ANY_CATEGORY, &cursor, ids, 2), 1);
	assert_true(ids[0] == c);
	assert_int_equal(ls_engine_rank(f->engine, LS_ANY_CATEGORY, &cursor, ids, 2), 0);
}

static void
note_move(void *ctx, const struct ls_applied *moved)
{
	*(struct ls_applied *)ctx = *moved;
}

static void
sweep_tells_who_cooled(void **state)
{
	struct fixture *f = *state;
	struct ls_applied moved = { 0 };
	uint64_t id = 0;
	for (int i = 0; i < 8; i++) {
		struct ls_event e = event_of(LS_KIND_EMAIL_OPEN, T0, contact("1"));
		id = apply(f, event_of(LS_KIND_VISIT, T0, contact("1")));
		(void)apply(f, event_of(LS_KIND_MEETING, T0, contact("1")));
		(void)apply(f, e);
	}
	assert_int_equal(f->last.to, LS_WARM);
	(void)apply(f, event_of(LS_KIND_CREATE, T0, contact("2")));
	assert_int_equal(ls_engine_sweep(f->engine, T0 + 1000, 1, note_move, &moved), 1);
	assert_int_equal(ls_engine_sweep(f->engine, T0 + 1000, 5, note_move, &moved), 0);
	assert_true(moved.lead_id == 0);
	assert_int_equal(ls_engine_sweep(f->engine, T0 + 60 * DAY, 5, note_move, &moved), 0);
	assert_true(moved.lead_id == id && moved.from == LS_WARM && moved.to == LS_COLD);
	assert_true(moved.to_milli < moved.from_milli);
	assert_true(stats(f).by_category[LS_COLD] == 2 && stats(f).sweeps == 2);
	struct ls_explanation e;
	assert_int_equal(ls_engine_explain(f->engine, id, T0, &f->arena, &e), LS_OK);
	int64_t sum = 0;
	for (size_t i = 0; i < e.count; i++)
		sum += e.lines[i].points_milli;
	assert_true(sum == e.score_milli && e.category == LS_WARM && e.cools_at_ms > T0);
}

static void
record_news_reach_all_its_leads(void **state)
{
	struct fixture *f = *state;
	struct ls_event stage = event_of(LS_KIND_DEAL_STAGE, T0, deal("1"));
	stage.stage_probability = 1;
	for (int i = 0; i < 1200; i++) {
		char id[16];
		(void)snprintf(id, sizeof id, "%d", i);
		(void)apply(f, event_of(LS_KIND_CREATE, T0, contact(id)));
		(void)apply(f, association(contact(id), deal("1"), T0, false));
		if (i == 500) {
			(void)apply(f, stage);
			assert_int_equal(get(f, find(f, "hubspot:3")).score_milli, 10000);
		}
	}
	/* more than are done at once: the sweep brings them up to date */
	stage.stage_probability = 0.5;
	stage.time_ms++;
	(void)apply(f, stage);
	while (ls_engine_sweep(f->engine, T0, 100, NULL, NULL) > 0)
		;
	while (ls_engine_sweep(f->engine, T0, 100, NULL, NULL) > 0)
		;
	assert_int_equal(get(f, find(f, "hubspot:3")).score_milli, 5000);
	assert_int_equal(get(f, find(f, "hubspot:1199")).score_milli, 5000);
}

int
main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(events_make_leads),
		T(finds_by_every_spelling),
		T(scope_less_ids_are_found),
		T(email_joins_its_crm_lead),
		T(crm_leads_are_not_joined_by_email),
		T(visitor_belongs_to_the_first_known),
		T(merges_before_and_after),
		T(deleting_a_merged_id_hides_nobody),
		T(alias_survives_a_second_merge),
		T(newest_attribute_wins),
		T(attributes_are_limited),
		T(email_domain_is_derived),
		T(names_are_composed),
		T(delete_and_restore),
		T(erased_stays_erased),
		T(calls_count_for_their_contact),
		T(record_attributes_move_its_count),
		T(deals_and_companies_reach_the_lead),
		T(records_merge),
		T(merged_leads_count_a_shared_record_once),
		T(what_is_other_leaves_no_trace),
		T(machines_score_nothing),
		T(leads_are_limited),
		T(pages_have_every_lead_once),
		T(cursor_holds_while_scores_move),
		T(sweep_tells_who_cooled),
		T(record_news_reach_all_its_leads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
