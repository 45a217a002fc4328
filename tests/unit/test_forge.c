// SPDX-License-Identifier: MIT
/* forge: what it makes is the same for a seed, is what the HubSpot codec takes, is signed as
 * HubSpot signs, and adds up to what it says must come of it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/json_read.h"
#include "main/forge_hubspot.h"
#include "main/forge_sign.h"
#include "source/source.h"

#define START_MS  INT64_C(1790000000000)
#define SPAN_MS   INT64_C(1209600000)
#define MAX_LEADS 4096u

static const uint64_t portals[] = { 62515, 880001, 7 };

static struct ls_forge_options
options_for(uint64_t seed, uint64_t count)
{
	return (struct ls_forge_options){
		.story = { .seed = seed, .contacts = 300, .portals = portals, .portal_count = 3 },
		.count = count,
		.batch = 100,
		.start_ms = START_MS,
		.span_ms = SPAN_MS,
	};
}

/* everything that the options make, one batch a line */
static void
make_all(const struct ls_forge_options *options, struct ls_buf *out, struct ls_buf *expect)
{
	struct ls_forge *forge = ls_forge_new(options);
	struct ls_forge_batch batch;
	uint64_t index = 0, events = 0;
	int err;
	assert_non_null(forge);
	ls_buf_init(out, (size_t)64 << 20);
	while ((err = ls_forge_next(forge, &batch)) == LS_OK) {
		assert_int_equal(batch.index, index++);
		assert_in_range(batch.events, 1, options->batch);
		assert_true(ls_json_valid(batch.body));
		assert_true(batch.first_id <= batch.last_id && batch.last_id < UINT64_C(1) << 53);
		events += batch.duplicate ? 0 : batch.events;
		assert_int_equal(ls_buf_add_slice(out, batch.body), LS_OK);
		assert_int_equal(ls_buf_add_char(out, '\n'), LS_OK);
	}
	assert_int_equal(err, LS_ERR_NOT_FOUND);
	assert_int_equal(ls_forge_next(forge, &batch), LS_ERR_NOT_FOUND);
	assert_int_equal(events, options->count);
	if (expect != NULL) {
		ls_buf_init(expect, (size_t)8 << 20);
		assert_int_equal(ls_forge_expect(forge, expect), LS_OK);
		assert_true(ls_json_valid(ls_buf_slice(expect)));
	}
	forge = ls_forge_free(forge);
}

static size_t
occurrences(const struct ls_buf *in, const char *text)
{
	size_t count = 0, len = strlen(text);
	const char *at = in->data, *end = in->data + in->len;
	while ((at = memmem(at, (size_t)(end - at), text, len)) != NULL) {
		count++;
		at += len;
	}
	return count;
}

static void
a_seed_is_a_stream(void **state)
{
	(void)state;
	struct ls_forge_options options = options_for(1, 5000);
	options.duplicates = 20;
	options.shuffle = 500;
	struct ls_buf a, b, c;
	make_all(&options, &a, NULL);
	make_all(&options, &b, NULL);
	assert_true(ls_slice_eq(ls_buf_slice(&a), ls_buf_slice(&b)));
	assert_true(occurrences(&a, "\"objectId\":1001000000001,") > 0);
	options.story.seed = 2;
	make_all(&options, &c, NULL);
	assert_int_equal(occurrences(&c, "\"objectId\":10010"), 0);
	assert_true(occurrences(&c, "\"objectId\":1002000000001,") > 0);
	assert_false(ls_slice_eq(ls_buf_slice(&a), ls_buf_slice(&c)));
	ls_buf_fini(&a);
	ls_buf_fini(&b);
	ls_buf_fini(&c);
}

static void
every_kind_of_change_occurs(void **state)
{
	(void)state;
	static const char *const kinds[] = { "contact.creation", "\"email\"", "\"firstname\"",
		"\"lastname\"", "\"jobtitle\"", "\"lifecyclestage\"", "hs_email_last_open_date",
		"hs_email_last_click_date", "hs_analytics_last_visit_timestamp",
		"contact.associationChange", "company.creation", "numberofemployees",
		"deal.creation", "\"dealstage\"", "closedwon", "closedlost",
		"deal.associationChange", "\"0-46\"", "\"0-47\"", "\"0-48\"", "\"0-49\"",
		"\"0-27\"", "contact.merge", "contact.deletion", ":62515,", ":880001,", ":7," };
	struct ls_forge_options options = options_for(3, 20000);
	struct ls_buf all;
	make_all(&options, &all, NULL);
	for (size_t i = 0; i < LS_ARRAY_LEN(kinds); i++)
		if (occurrences(&all, kinds[i]) == 0)
			fail_msg("no %s", kinds[i]);
	assert_int_equal(occurrences(&all, "\"contact.creation\""), 300);
	assert_int_equal(occurrences(&all, "\"attemptNumber\":0"), 20000);
	ls_buf_fini(&all);
}

static void
small_populations_and_batches(void **state)
{
	(void)state;
	static const size_t contacts[] = { 1, 2, 25 };
	for (size_t i = 0; i < LS_ARRAY_LEN(contacts); i++) {
		struct ls_forge_options options = options_for(i, 1001);
		struct ls_buf all;
		options.story.contacts = contacts[i];
		options.batch = i + 1;
		make_all(&options, &all, NULL);
		assert_int_equal(occurrences(&all, "\n"), (1001 + i) / (i + 1));
		ls_buf_fini(&all);
	}
	struct ls_forge_options none = options_for(1, 0);
	struct ls_buf all;
	make_all(&none, &all, NULL);
	assert_int_equal(all.len, 0);
	ls_buf_fini(&all);
}

static void
attempts_are_raised(void **state)
{
	(void)state;
	char body[] = "[{\"attemptNumber\":0,\"x\":0},{\"attemptNumber\":8},{\"attemptNumber\":9}]";
	ls_forge_raise_attempt(body, strlen(body));
	assert_string_equal(body,
		"[{\"attemptNumber\":1,\"x\":0},{\"attemptNumber\":9},{\"attemptNumber\":9}]");
	ls_forge_raise_attempt(body, 0);
	struct ls_forge_options options = options_for(4, 5000);
	struct ls_buf all;
	options.batch = 10;
	options.duplicates = 50;
	make_all(&options, &all, NULL);
	size_t lines = occurrences(&all, "\n");
	assert_in_range(lines, 500 + 150, 500 + 350);
	assert_int_equal(occurrences(&all, "\"attemptNumber\":0"), 5000);
	assert_true(occurrences(&all, "\"attemptNumber\":2") > 0);
	ls_buf_fini(&all);
}

/* ---- signatures */

static struct ls_slice
find_header(const void *ctx, const char *name)
{
	const struct ls_forge_signed *sign = ctx;
	for (size_t i = 0; i < sign->count; i++)
		if (ls_slice_eq_nocase(sign->headers[i].name, ls_slice_str(name)))
			return sign->headers[i].value;
	return (struct ls_slice){ 0 };
}

static void
signatures_verify(void **state)
{
	(void)state;
	const struct ls_source *source = ls_source_find(LS_S("hubspot"));
	assert_non_null(source);
	for (unsigned version = 1; version <= 3; version++) {
		struct ls_forge_signer signer = { .version = version,
			.secret = LS_S("a secret"),
			.url = LS_S("https://leads.example.com/webhooks/hubspot") };
		signer.hmac = ls_hmac_new(signer.secret);
		assert_non_null(signer.hmac);
		struct ls_source_config config = { .public_url = LS_S("https://leads.example.com"),
			.hubspot_secret = signer.secret,
			.hubspot_hmac = signer.hmac,
			.hubspot_signatures = 1u << version };
		struct ls_forge_signed sign;
		struct ls_slice body = LS_S("[{\"eventId\":1}]");
		const char *why = "";
		ls_forge_sign(&signer, body, START_MS, &sign);
		struct ls_source_request request = { .method = LS_S("POST"),
			.target = LS_S("/webhooks/hubspot"),
			.body = body,
			.header = find_header,
			.header_ctx = &sign,
			.now_ms = START_MS + 1000 };
		assert_int_equal(source->verify(&config, &request, &why), LS_OK);
		request.body = LS_S("[{\"eventId\":2}]");
		assert_int_equal(source->verify(&config, &request, &why), LS_ERR_DENIED);
		signer.hmac = ls_hmac_free(signer.hmac);
	}
}

/* ---- what must come of it, counted again from what the codec makes of the bytes */

struct lead {
	uint64_t id, into;
	uint64_t counts[4]; /* opens, clicks, visits, activities */
	bool deleted;
};

struct record {
	uint64_t id, lead;
	bool counts;
};

struct recount {
	struct lead *leads;
	size_t lead_count;
	struct record *records;
	size_t record_count;
	struct ls_hash128 *seen;
	size_t seen_count, events, duplicates;
};

static uint64_t
id_of(const struct ls_ref *ref)
{
	uint64_t id = 0;
	assert_int_equal(ls_slice_to_u64(ref->id, &id), LS_OK);
	return id;
}

static struct lead *
lead_of(struct recount *r, uint64_t id)
{
	for (size_t i = 0; i < r->lead_count; i++)
		if (r->leads[i].id == id)
			return &r->leads[i];
	assert_true(r->lead_count < MAX_LEADS);
	struct lead *lead = &r->leads[r->lead_count++];
	*lead = (struct lead){ .id = id };
	return lead;
}

static struct record *
record_of(struct recount *r, uint64_t id)
{
	for (size_t i = 0; i < r->record_count; i++)
		if (r->records[i].id == id)
			return &r->records[i];
	assert_true(r->record_count < MAX_LEADS);
	struct record *record = &r->records[r->record_count++];
	*record = (struct record){ .id = id };
	return record;
}

static bool
seen_before(struct recount *r, struct ls_hash128 key)
{
	for (size_t i = 0; i < r->seen_count; i++)
		if (r->seen[i].lo == key.lo && r->seen[i].hi == key.hi)
			return true;
	r->seen[r->seen_count++] = key;
	return false;
}

static void
recount_event(struct recount *r, const struct ls_event *event)
{
	static const int slots[] = {
		[LS_KIND_EMAIL_OPEN] = 0, [LS_KIND_EMAIL_CLICK] = 1, [LS_KIND_VISIT] = 2
	};
	const struct ls_ref *subject = &event->subject.ref;
	if (seen_before(r, event->dedupe)) {
		r->duplicates++;
		return;
	}
	r->events++;
	assert_in_range(event->time_ms, START_MS - 5000, START_MS + SPAN_MS);
	enum ls_kind kind = event->kind;
	if (kind == LS_KIND_ASSOCIATION && subject->record == LS_RECORD_ACTIVITY) {
		record_of(r, id_of(subject))->lead = id_of(&event->other);
	} else if (kind == LS_KIND_MERGE) {
		for (size_t i = 0; i < event->merged_count; i++)
			lead_of(r, id_of(&event->merged[i]))->into = id_of(subject);
		(void)lead_of(r, id_of(subject));
	} else if (subject->record == LS_RECORD_ACTIVITY && kind != LS_KIND_ATTRIBUTES) {
		record_of(r, id_of(subject))->counts = kind != LS_KIND_EMAIL_SENT;
	} else if (kind == LS_KIND_DELETE) {
		lead_of(r, id_of(subject))->deleted = true;
	} else if (subject->record == LS_RECORD_LEAD) {
		struct lead *lead = lead_of(r, id_of(subject));
		if (ls_kind_is_activity(kind))
			lead->counts[slots[kind]]++;
	}
}

static struct lead *
survivor(struct recount *r, uint64_t id)
{
	struct lead *lead = lead_of(r, id);
	while (lead->into != 0)
		lead = lead_of(r, lead->into);
	return lead;
}

static void
settle(struct recount *r)
{
	for (size_t i = 0; i < r->record_count; i++)
		if (r->records[i].counts && r->records[i].lead != 0)
			lead_of(r, r->records[i].lead)->counts[3]++;
	for (size_t i = 0; i < r->lead_count; i++) {
		struct lead *lead = &r->leads[i];
		if (lead->into == 0)
			continue;
		struct lead *to = survivor(r, lead->id);
		for (size_t k = 0; k < 4; k++)
			to->counts[k] += lead->counts[k];
	}
}

static void
compare_contact(struct recount *r, struct ls_json *j, struct ls_slice name)
{
	static const char *const names[] = { "email_opens", "email_clicks", "website_visits",
		"crm_activities" };
	struct ls_slice key, text;
	uint64_t id = 0, number = 0;
	bool flag = false;
	assert_int_equal(ls_slice_to_u64(name, &id), LS_OK);
	struct lead *lead = lead_of(r, id);
	size_t compared = 0;
	assert_true(ls_json_object(j));
	while (ls_json_key(j, &key)) {
		if (ls_slice_eq(key, LS_S("deleted"))) {
			assert_true(ls_json_bool(j, &flag) && flag && lead->deleted);
			compared = 4;
		} else if (ls_slice_eq(key, LS_S("merged_into"))) {
			assert_true(ls_json_string(j, &text));
			assert_int_equal(ls_slice_to_u64(text, &number), LS_OK);
			assert_int_equal(survivor(r, id)->id, number);
			compared = 4;
		} else {
			assert_true(ls_json_u64(j, &number));
			for (size_t k = 0; k < 4; k++)
				if (ls_slice_eq(key, ls_slice_str(names[k]))) {
					assert_int_equal(lead->counts[k], number);
					compared++;
				}
		}
	}
	assert_int_equal(compared, 4);
	if (lead->into == 0)
		assert_int_equal(lead->deleted, flag);
}

static void
compare_all(struct recount *r, const struct ls_buf *expect)
{
	struct ls_json j;
	struct ls_slice key;
	size_t contacts = 0;
	ls_json_init(&j, ls_buf_slice(expect), NULL);
	assert_true(ls_json_object(&j));
	while (ls_json_key(&j, &key)) {
		if (!ls_slice_eq(key, LS_S("contacts"))) {
			assert_true(ls_json_skip(&j));
			continue;
		}
		assert_true(ls_json_object(&j));
		while (ls_json_key(&j, &key)) {
			compare_contact(r, &j, key);
			contacts++;
		}
	}
	assert_int_equal(ls_json_finish(&j), LS_OK);
	assert_int_equal(contacts, r->lead_count);
}

static void
recount_all(struct recount *r, const struct ls_buf *all)
{
	const struct ls_source *source = ls_source_find(LS_S("hubspot"));
	struct ls_source_config config = { .public_url = LS_S("https://x.example") };
	struct ls_slice rest = ls_buf_slice(all), line;
	struct ls_arena arena;
	ls_arena_init(&arena, (size_t)16 << 20);
	while (ls_slice_cut(&rest, '\n', &line) && line.len > 0) {
		struct ls_source_entry entry = { .body = line, .received_ms = START_MS + SPAN_MS };
		struct ls_decoded decoded = { 0 };
		assert_int_equal(source->decode(&config, &entry, &arena, &decoded), LS_OK);
		assert_int_equal(decoded.fault_count, 0);
		for (size_t i = 0; i < decoded.count; i++)
			recount_event(r, &decoded.events[i]);
		ls_arena_reset(&arena);
	}
	ls_arena_fini(&arena);
	settle(r);
}

static void
expectation_is_what_the_codec_says(void **state)
{
	(void)state;
	enum { COUNT = 8000 };
	for (uint64_t seed = 10; seed < 13; seed++) {
		struct ls_forge_options options = options_for(seed, COUNT);
		struct ls_buf all, expect;
		options.duplicates = seed == 10 ? 0 : 15;
		options.shuffle = seed == 11 ? 0 : 700;
		make_all(&options, &all, &expect);
		struct recount r = { .leads = calloc(MAX_LEADS, sizeof(struct lead)),
			.records = calloc(MAX_LEADS, sizeof(struct record)),
			.seen = calloc(2 * COUNT, sizeof(struct ls_hash128)) };
		assert_true(r.leads != NULL && r.records != NULL && r.seen != NULL);
		recount_all(&r, &all);
		/* one event each: none is lost in decoding, none counted twice */
		assert_int_equal(r.events, COUNT);
		assert_int_equal(r.duplicates > 0, options.duplicates > 0);
		compare_all(&r, &expect);
		free(r.leads);
		free(r.records);
		free(r.seen);
		ls_buf_fini(&all);
		ls_buf_fini(&expect);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_seed_is_a_stream),
		cmocka_unit_test(every_kind_of_change_occurs),
		cmocka_unit_test(small_populations_and_batches),
		cmocka_unit_test(attempts_are_raised),
		cmocka_unit_test(signatures_verify),
		cmocka_unit_test(expectation_is_what_the_codec_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
