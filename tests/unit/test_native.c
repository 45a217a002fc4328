// SPDX-License-Identifier: MIT
/* Native events: golden cases, every rule by a table of bodies and what must come of them, limits,
 * identity. */

#include "source_fixture.h"

static const char *
decode(struct fixture *f, const char *body)
{
	fixture_decode(f, "events", ls_arena_copy(&f->arena, ls_slice_str(body)));
	return fixture_text(f);
}

static void
golden(void **state)
{
	struct fixture *f = *state;
	fixture_golden(f, "events", "native/all_kinds");
	assert_int_equal(f->err, LS_OK);
	fixture_golden(f, "events", "native/faults");
	assert_int_equal(f->err, LS_ERR_INVALID);
}

#define EVENT(members)       "{\"events\":[{" members "}]}"
#define VIEW(members)        EVENT("\"kind\":\"page_view\",\"lead\":{\"email\":\"a@b.c\"}" members)
#define LEAD(members)        EVENT("\"kind\":\"visit\",\"lead\":" members)
#define FAULT(pointer, what) "fault /events/0" pointer ": " what "\n"

static const struct {
	const char *body, *text;
} cases[] = {
	{ "{\"events\":[]}", "" },
	{ "{}", "fault : has no 'events'\n" },
	{ "[]", "fault : must be an object\n" },
	{ "{\"events\":{}}", "fault /events: must be an array\n" },
	{ "{\"event\":[]}",
		"fault /event: is not known here; events go into 'events'; did you mean 'events'?\n"
		"fault : has no 'events'\n" },
	{ "{\"events\":[],\"events\":[]}", "fault /events: appears twice\n" },
	{ "{\"events\":[1]}", FAULT("", "must be an object") },
	{ EVENT(""), FAULT("", "has no 'lead'") FAULT("", "has no 'kind'") },
	{ VIEW(""), "page_view time=1793620000000 email=a@b.c\n" },
	/* time */
	{ VIEW(",\"time\":\"2026-10-31T10:00:00.5+02:00\""),
		"page_view time=1793433600500 email=a@b.c\n" },
	{ VIEW(",\"time\":1793611201000"), "page_view time=1793611201000 email=a@b.c\n" },
	{ VIEW(",\"time\":1793699999999"), "page_view time=1793620300000 email=a@b.c\n" },
	{ VIEW(",\"time\":0"), "page_view time=0 email=a@b.c\n" },
	{ VIEW(",\"time\":-1"),
		FAULT("/time", "must be a time like 2026-11-22T10:00:00Z, or milliseconds") },
	{ VIEW(",\"time\":1e12"),
		FAULT("/time", "must be a time like 2026-11-22T10:00:00Z, or milliseconds") },
	{ VIEW(",\"time\":\"yesterday\""),
		FAULT("/time", "must be a time like 2026-11-22T10:00:00Z, or milliseconds") },
	{ VIEW(",\"time\":null"), FAULT("/time", "must be a string") },
	/* kind */
	{ EVENT("\"kind\":\"page_veiw\",\"lead\":{\"email\":\"a@b.c\"}"),
		FAULT("/kind", "is not a kind of event; did you mean 'page_view'?") },
	{ EVENT("\"kind\":\"xyzzy\",\"lead\":{\"email\":\"a@b.c\"}"),
		FAULT("/kind", "is not a kind of event") },
	{ EVENT("\"kind\":\"unmerge\",\"lead\":{\"email\":\"a@b.c\"}"),
		FAULT("/kind", "'unmerge' is not taken as an event: ask the API for it") },
	{ EVENT("\"kind\":\"other\",\"lead\":{\"email\":\"a@b.c\"}"),
		FAULT("/kind", "is not a kind that can be sent") },
	{ EVENT("\"kind\":\"association\",\"lead\":{\"email\":\"a@b.c\"}"),
		FAULT("/kind", "is not a kind that can be sent") },
	{ EVENT("\"kind\":7,\"lead\":{\"email\":\"a@b.c\"}"), FAULT("/kind", "must be a string") },
	/* lead */
	{ LEAD("{}"), FAULT("/lead", "names nobody: give an email, a visitor or a system's id") },
	{ LEAD("\"a@b.c\""), FAULT("/lead", "must be an object") },
	{ LEAD("{\"email\":\" Jane@ACME.Example \"}"),
		"visit time=1793620000000 email=jane@acme.example\n" },
	{ LEAD("{\"email\":\"jane\"}"), FAULT("/lead/email", "must be an e-mail address") },
	{ LEAD("{\"email\":null}"), FAULT("/lead/email", "must be a string") },
	{ LEAD("{\"visitor\":\"v1\"}"), "visit time=1793620000000 visitor=v1\n" },
	{ LEAD("{\"visitor\":\"\"}"), FAULT("/lead/visitor", "is empty") },
	{ LEAD("{\"hubspot\":12345}"),
		"visit time=1793620000000 ref=hubspot:0/contact/12345(lead)\n" },
	{ LEAD("{\"hubspot\":\"12345\"}"),
		"visit time=1793620000000 ref=hubspot:0/contact/12345(lead)\n" },
	{ LEAD("{\"my-crm_2\":\"x y\"}"), "visit time=1793620000000 ref=my-crm_2:0//x y(lead)\n" },
	{ LEAD("{\"hubspot\":1.5}"), FAULT("/lead/hubspot", "must be a string or a whole number") },
	{ LEAD("{\"hubspot\":true}"), FAULT("/lead/hubspot", "must be a string") },
	{ LEAD("{\"hubspot\":\"a\\nb\"}"), FAULT("/lead/hubspot", "holds control characters") },
	{ LEAD("{\"hubspot\":\"1\",\"salesforce\":\"2\"}"),
		FAULT("/lead/salesforce", "is the id of a second system; only one can be given") },
	{ LEAD("{\"e~m/ail\":\"1\"}"),
		FAULT("/lead/e~0m~1ail", "is not the name of a system: 1 to 32 of a-z 0-9 _ -; "
					 "did you mean 'email'?") },
	{ LEAD("{\"Crm\":\"1\"}"),
		FAULT("/lead/Crm", "is not the name of a system: 1 to 32 of a-z 0-9 _ -") },
	{ LEAD("{\"\":\"1\"}"),
		FAULT("/lead/", "is not the name of a system: 1 to 32 of a-z 0-9 _ -") },
	/* the rest */
	{ VIEW(",\"machine\":true"), "page_view machine time=1793620000000 email=a@b.c\n" },
	{ VIEW(",\"machine\":false"), "page_view human time=1793620000000 email=a@b.c\n" },
	{ VIEW(",\"machine\":1"), FAULT("/machine", "must be true or false") },
	{ VIEW(",\"mesage\":\"c\""),
		FAULT("/mesage", "is not a member of an event; did you mean 'message'?") },
	{ VIEW(",\"weather\":\"fine\""), FAULT("/weather", "is not a member of an event") },
	{ VIEW(",\"machine\":true,\"machine\":false"), FAULT("/machine", "appears twice") },
	{ VIEW(",\"detail\":{ \"a\": [1, {}] }"),
		"page_view time=1793620000000 email=a@b.c detail={ \"a\": [1, {}] }\n" },
	{ VIEW(",\"detail\":[]"), FAULT("/detail", "must be an object") },
	{ VIEW(",\"merged\":[{\"hubspot\":\"1\"}]"),
		FAULT("/merged", "belongs to events of the kind 'merge'") },
	{ VIEW(",\"id\":\"\""), FAULT("/id", "is empty") },
	{ VIEW(",\"id\":7"), FAULT("/id", "must be a string") },
	/* attributes */
	{ VIEW(",\"attributes\":{\"employees\":200,\"x\":\"y\",\"b\":true,\"n\":null}"),
		"page_view time=1793620000000 email=a@b.c attributes: employees=200 x=\"y\" b=true "
		"n=null\n" },
	{ VIEW(",\"attributes\":{\"email\":\"J@X.example\",\"unsubscribed\":true}"),
		"page_view time=1793620000000 email=a@b.c attributes: email=\"j@x.example\" "
		"unsubscribed=true\n" },
	{ VIEW(",\"attributes\":{\"email\":\"jane\",\"employees\":-1,\"unsubscribed\":1,"
	       "\"stage_probability\":1.5}"),
		FAULT("/attributes/email", "must be an e-mail address") FAULT("/attributes/"
									      "employees",
			"must be a number, 0 or more")
			FAULT("/attributes/unsubscribed", "must be true or false") FAULT(
				"/attributes/stage_probability", "must be a number from 0 to 1") },
	{ VIEW(",\"attributes\":{\"employees\":null,\"email\":null}"),
		"page_view time=1793620000000 email=a@b.c attributes: employees=null "
		"email=null\n" },
	{ VIEW(",\"attributes\":{\"employees\":\"200\"}"),
		FAULT("/attributes/employees", "must be a number, 0 or more") },
	{ VIEW(",\"attributes\":{\"big\":1e999}"),
		FAULT("/attributes/big", "is out of the range of numbers") },
	{ VIEW(",\"attributes\":{\"a\":{}}"),
		FAULT("/attributes/a", "must be a string, number, true, false or null") },
	{ VIEW(",\"attributes\":{\"A\":1}"),
		FAULT("/attributes/A", "is not a name of 1 to 64 of a-z 0-9 _") },
	{ VIEW(",\"attributes\":{\"a\":1,\"a\":2}"), FAULT("/attributes/a", "appears twice") },
	{ VIEW(",\"attributes\":[]"), FAULT("/attributes", "must be an object") },
	/* kinds with needs */
	{ EVENT("\"kind\":\"attributes\",\"lead\":{\"email\":\"a@b.c\"}"),
		FAULT("/attributes", "must hold at least one attribute") },
	{ EVENT("\"kind\":\"deal_stage\",\"lead\":{\"email\":\"a@b.c\"}"),
		FAULT("/attributes", "must hold 'stage_probability'") },
	{ EVENT("\"kind\":\"deal_stage\",\"lead\":{\"email\":\"a@b.c\"},"
		"\"attributes\":{\"stage_probability\":0}"),
		"deal_stage time=1793620000000 email=a@b.c probability=0 attributes: "
		"stage_probability=0\n" },
	{ EVENT("\"kind\":\"merge\",\"lead\":{\"email\":\"a@b.c\"}"),
		FAULT("/merged", "must name at least one lead") },
	{ EVENT("\"kind\":\"merge\",\"lead\":{\"hubspot\":2},\"merged\":[{\"hubspot\":1},"
		"{\"salesforce\":\"003\"}]"),
		"merge time=1793620000000 ref=hubspot:0/contact/2(lead) "
		"merged=hubspot:0/contact/1(lead) merged=salesforce:0//003(lead)\n" },
	{ EVENT("\"kind\":\"merge\",\"lead\":{\"hubspot\":2},\"merged\":[{},7,"
		"{\"email\":\"a@b.c\"},{\"a\":1,\"b\":2}]"),
		FAULT("/merged/0", "must name a lead by a system's id")
			FAULT("/merged/1", "must be an object") FAULT("/merged/2/email",
				"is not the name of a system: 1 to 32 of a-z 0-9 "
				"_ -; did you mean 'email'?") FAULT("/merged/3/b",
				"is the id of a second system; only one can be given") },
};

static void
rules(void **state)
{
	struct fixture *f = *state;
	for (size_t i = 0; i < LS_ARRAY_LEN(cases); i++) {
		const char *text = decode(f, cases[i].body);
		if (strcmp(text, cases[i].text) != 0)
			fail_msg("%s\ngives\n%sinstead of\n%s", cases[i].body, text, cases[i].text);
		assert_int_equal(
			f->err, strncmp(cases[i].text, "fault", 5) == 0 ? LS_ERR_INVALID : LS_OK);
	}
}

static void
broken_json(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *body;
		size_t offset;
	} rows[] = { { "", 0 }, { "{\"events\":[", 11 }, { VIEW("") "x", 58 },
		{ "{\"events\":[{\"x\":1,}]}", 18 }, { "{'events':[]}", 1 } };
	for (size_t i = 0; i < LS_ARRAY_LEN(rows); i++) {
		(void)decode(f, rows[i].body);
		assert_int_equal(f->err, LS_ERR_INVALID);
		assert_int_equal(f->decoded.count, 0);
		assert_int_equal(f->decoded.fault_count, 1);
		assert_int_equal(f->decoded.faults[0].pointer.len, 0);
		assert_int_equal(f->decoded.faults[0].offset, rows[i].offset);
	}
}

/* {"events":[one, one, ...]} */
static void
repeat(struct ls_buf *out, const char *one, size_t count)
{
	ls_buf_reset(out);
	ls_buf_add_lit(out, "{\"events\":[");
	for (size_t i = 0; i < count; i++)
		ls_buf_addf(out, "%s%s", i > 0 ? "," : "", one);
	ls_buf_add_lit(out, "]}");
	assert_int_equal(out->err, LS_OK);
}

static void
limits(void **state)
{
	struct fixture *f = *state;
	struct ls_buf body;
	ls_buf_init(&body, 1u << 22);
	repeat(&body, "{\"kind\":\"visit\",\"lead\":{\"hubspot\":1}}", 1000);
	fixture_decode(f, "events", ls_buf_slice(&body));
	assert_int_equal(f->err, LS_OK);
	assert_int_equal(f->decoded.count, 1000);
	repeat(&body, "{\"kind\":\"visit\",\"lead\":{\"hubspot\":1}}", 1002);
	fixture_decode(f, "events", ls_buf_slice(&body));
	assert_string_equal(
		strstr(fixture_text(f), "fault"), "fault /events: has more than 1,000 events\n");
	assert_int_equal(f->decoded.count, 1000);
	repeat(&body, "{}", 80);
	fixture_decode(f, "events", ls_buf_slice(&body));
	assert_int_equal(f->decoded.fault_count, 100);
	assert_int_equal(f->decoded.more_faults, 60);

	ls_buf_reset(&body);
	ls_buf_add_lit(&body, "{\"events\":[{\"kind\":\"visit\",\"lead\":{\"hubspot\":1},"
			      "\"attributes\":{");
	for (int i = 0; i < 65; i++)
		ls_buf_addf(&body, "%s\"a%d\":1", i > 0 ? "," : "", i);
	ls_buf_add_lit(&body, "}}]}");
	fixture_decode(f, "events", ls_buf_slice(&body));
	assert_string_equal(fixture_text(f), FAULT("/attributes", "has more than 64 attributes"));

	ls_buf_reset(&body);
	ls_buf_add_lit(
		&body, "{\"events\":[{\"kind\":\"merge\",\"lead\":{\"hubspot\":1},\"merged\":[");
	for (int i = 0; i < 102; i++)
		ls_buf_addf(&body, "%s{\"hubspot\":%d}", i > 0 ? "," : "", i + 2);
	ls_buf_add_lit(&body, "]}]}");
	fixture_decode(f, "events", ls_buf_slice(&body));
	assert_string_equal(fixture_text(f), FAULT("/merged", "has more than 100 items"));
	ls_buf_fini(&body);
}

/* A string member of n bytes. */
static const char *
with_string(struct fixture *f, const char *format, size_t n)
{
	static const char zeroes[] =
		"00000000000000000000000000000000000000000000000000000000000000000000000000000000";
	char *string = ls_arena_alloc(&f->arena, n + 1);
	char *body = ls_arena_alloc(&f->arena, n + 512);
	for (size_t i = 0; i < n; i++)
		string[i] = zeroes[i % (sizeof zeroes - 1)];
	size_t at = (size_t)(strchr(format, '#') - format);
	(void)snprintf(body, n + 512, "%.*s%s%s", (int)at, format, string, format + at + 1);
	return decode(f, body);
}

static void
lengths(void **state)
{
	static const struct {
		const char *format;
		size_t max;
	} rows[] = { { VIEW(",\"id\":\"#\""), 128 }, { VIEW(",\"message\":\"#\""), 256 },
		{ LEAD("{\"visitor\":\"#\"}"), 64 }, { LEAD("{\"hubspot\":\"#\"}"), 64 },
		{ LEAD("{\"a#\":\"1\"}"), 31 }, { VIEW(",\"attributes\":{\"#\":1}"), 64 },
		{ VIEW(",\"detail\":{\"a\":\"#\"}"), 4096 - 8 } };
	struct fixture *f = *state;
	for (size_t i = 0; i < LS_ARRAY_LEN(rows); i++) {
		(void)with_string(f, rows[i].format, rows[i].max);
		assert_int_equal(f->err, LS_OK);
		(void)with_string(f, rows[i].format, rows[i].max + 1);
		assert_int_equal(f->err, LS_ERR_INVALID);
		assert_int_equal(f->decoded.fault_count, 1);
	}
	(void)with_string(f, VIEW(",\"attributes\":{\"a\":\"#\"}"), 2000);
	assert_int_equal(f->decoded.events[0].attributes[0].value.string.len, 1024);
}

static struct ls_hash128
key_at(struct fixture *f, const char *body, int64_t received_ms, size_t index)
{
	const struct ls_source_config config = fixture_config();
	const struct ls_source_entry entry = { .body = ls_slice_str(body),
		.received_ms = received_ms };
	struct ls_decoded out;
	assert_int_equal(
		ls_source_find(LS_S("events"))->decode(&config, &entry, &f->arena, &out), LS_OK);
	assert_true(out.count > index);
	return out.events[index].dedupe;
}

static bool
same(struct ls_hash128 a, struct ls_hash128 b)
{
	return a.lo == b.lo && a.hi == b.hi;
}

static void
identity(void **state)
{
	struct fixture *f = *state;
	struct ls_hash128 key = key_at(f, VIEW(",\"id\":\"e1\""), 1000, 0);
	/* with an id: whenever it comes, whatever else it says */
	assert_true(same(key, key_at(f, VIEW(",\"id\":\"e1\",\"machine\":true"), 2000, 0)));
	assert_false(same(key, key_at(f, VIEW(",\"id\":\"e2\""), 1000, 0)));
	/* without: the same entry again gives the same, nothing else does */
	key = key_at(f, VIEW(""), 1000, 0);
	assert_true(same(key, key_at(f, VIEW(""), 1000, 0)));
	assert_false(same(key, key_at(f, VIEW(""), 1001, 0)));
	assert_false(same(key, key_at(f, VIEW(",\"machine\":true"), 1000, 0)));
	const char *twice = "{\"events\":[{\"kind\":\"visit\",\"lead\":{\"x\":1}},"
			    "{\"kind\":\"visit\",\"lead\":{\"x\":1}}]}";
	assert_false(same(key_at(f, twice, 1000, 0), key_at(f, twice, 1000, 1)));
}

static void
no_memory(void **state)
{
	struct fixture *f = *state;
	const struct ls_source_config config = fixture_config();
	const struct ls_source_entry entry = { .body = fixture_file(f, "native/faults.json"),
		.received_ms = RECEIVED };
	const struct ls_source *source = ls_source_find(LS_S("events"));
	int err = LS_ERR_NOMEM;
	for (size_t max = 0; err == LS_ERR_NOMEM; max += 16) {
		struct ls_arena arena;
		struct ls_decoded out = { .count = 42 };
		assert_true(max < 1u << 20);
		ls_arena_init(&arena, max);
		err = source->decode(&config, &entry, &arena, &out);
		assert_true(err == LS_ERR_INVALID || (err == LS_ERR_NOMEM && out.count == 42));
		ls_arena_fini(&arena);
	}
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(golden),
		WITH_FIXTURE(rules),
		WITH_FIXTURE(broken_json),
		WITH_FIXTURE(limits),
		WITH_FIXTURE(lengths),
		WITH_FIXTURE(identity),
		WITH_FIXTURE(no_memory),
	};
	return cmocka_run_group_tests_name("native", tests, NULL, NULL);
}
