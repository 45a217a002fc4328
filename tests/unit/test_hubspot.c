// SPDX-License-Identifier: MIT
/* HubSpot's webhook bodies: every sample against a golden file, every type of subscription, what
 * each property means, identity of retries, and elements that are not sound. */

#include "source_fixture.h"

#define HEAD                                                                                       \
	"\"eventId\":1,\"subscriptionId\":2,\"portalId\":62515,\"occurredAt\":1793611201000,"      \
	"\"attemptNumber\":0"

/* Decodes one element, given without braces behind the common members. */
static const char *
decode_one(struct fixture *f, const char *members)
{
	char body[4096];
	int len = snprintf(body, sizeof body, "[{" HEAD ",%s}]", members);
	assert_true(len > 0 && (size_t)len < sizeof body);
	struct ls_slice copy = ls_arena_copy(&f->arena, ls_slice(body, (size_t)len));
	fixture_decode(f, "hubspot", copy);
	return fixture_text(f);
}

static bool
same_key(struct ls_hash128 a, struct ls_hash128 b)
{
	return a.lo == b.lo && a.hi == b.hi;
}

static void
samples(void **state)
{
	struct fixture *f = *state;
	fixture_golden(f, "hubspot", "hubspot/webhook_classic_all_types");
	assert_int_equal(f->err, LS_OK);
	fixture_golden(f, "hubspot", "hubspot/webhook_generic_object");
	assert_int_equal(f->err, LS_OK);
	fixture_golden(f, "hubspot", "hubspot/webhook_signed_body");
	assert_int_equal(f->err, LS_OK);
	fixture_golden(f, "hubspot", "hubspot/webhook_batch_100");
	assert_int_equal(f->err, LS_OK);
	assert_int_equal(f->decoded.count, 100);
	fixture_golden(f, "hubspot", "hubspot/webhook_properties");
	assert_int_equal(f->err, LS_OK);
	fixture_golden(f, "hubspot", "hubspot/webhook_unsound");
	assert_int_equal(f->err, LS_ERR_INVALID);
}

static void
keys_of_a_batch_differ(void **state)
{
	struct fixture *f = *state;
	fixture_decode(f, "hubspot", fixture_file(f, "hubspot/webhook_batch_100.json"));
	for (size_t i = 0; i < f->decoded.count; i++)
		for (size_t k = 0; k < i; k++)
			assert_false(
				same_key(f->decoded.events[i].dedupe, f->decoded.events[k].dedupe));
}

/* A retry says attemptNumber 3 and comes with another request, later. */
static void
retries_are_duplicates(void **state)
{
	struct fixture *f = *state;
	fixture_decode(f, "hubspot", fixture_file(f, "hubspot/webhook_signed_body.json"));
	assert_int_equal(f->decoded.count, 1);
	struct ls_hash128 first = f->decoded.events[0].dedupe;
	fixture_decode(f, "hubspot", fixture_file(f, "hubspot/webhook_retry_duplicate.json"));
	assert_int_equal(f->decoded.count, 2);
	assert_true(same_key(first, f->decoded.events[0].dedupe));
	assert_true(same_key(first, f->decoded.events[1].dedupe));
}

static struct ls_hash128
key_of(struct fixture *f, const char *body)
{
	fixture_decode(f, "hubspot", ls_slice_str(body));
	assert_int_equal(f->err, LS_OK);
	assert_true(f->decoded.count >= 1);
	return f->decoded.events[0].dedupe;
}

#define KEYED(event, subscription, portal, occurred, type, attempt, object, rest)                  \
	"[{\"eventId\":" event ",\"subscriptionId\":" subscription ",\"portalId\":" portal         \
	",\"occurredAt\":" occurred ",\"subscriptionType\":\"" type                                \
	"\",\"attemptNumber\":" attempt ",\"objectId\":" object rest "}]"

static void
what_makes_an_identity(void **state)
{
	struct fixture *f = *state;
	static const char *const others[] = {
		KEYED("9", "2", "3", "4", "contact.propertyChange", "0", "5", ""),
		KEYED("1", "9", "3", "4", "contact.propertyChange", "0", "5", ""),
		KEYED("1", "2", "9", "4", "contact.propertyChange", "0", "5", ""),
		KEYED("1", "2", "3", "9", "contact.propertyChange", "0", "5", ""),
		KEYED("1", "2", "3", "4", "contact.creation", "0", "5", ""),
		KEYED("1", "2", "3", "4", "contact.propertyChange", "0", "9", ""),
		KEYED("1", "2", "3", "4", "contact.propertyChange", "0", "5",
			",\"propertyName\":\"a\""),
		KEYED("1", "2", "3", "4", "contact.propertyChange", "0", "5",
			",\"fromObjectId\":1"),
		KEYED("1", "2", "3", "4", "contact.propertyChange", "0", "5", ",\"toObjectId\":1"),
		KEYED("1", "2", "3", "4", "contact.propertyChange", "0", "5",
			",\"primaryObjectId\":1"),
		KEYED("1", "2", "3", "4", "contact.propertyChange", "0", "5", ",\"newObjectId\":1"),
		KEYED("1", "2", "3", "4", "contact.propertyChange", "0", "5",
			",\"messageId\":\"1\""),
	};
	struct ls_hash128 key =
		key_of(f, KEYED("1", "2", "3", "4", "contact.propertyChange", "0", "5", ""));
	for (size_t i = 0; i < LS_ARRAY_LEN(others); i++)
		assert_false(same_key(key, key_of(f, others[i])));
	/* ids as strings, another attempt, who did it, the order of members: all the same */
	assert_true(same_key(
		key, key_of(f, KEYED("\"1\"", "\"2\"", "\"3\"", "\"4\"", "contact.propertyChange",
				       "7", "\"5\"", ",\"changeSource\":\"API\",\"appId\":3"))));
	assert_true(same_key(key,
		key_of(f, "{\"objectId\":5,\"eventType\":\"contact.propertyChange\",\"portalId\":3,"
			  "\"subscriptionId\":2,\"occurredAt\":4,\"eventId\":1}")));
}

static void
one_element_two_events(void **state)
{
	struct fixture *f = *state;
	const char *text =
		decode_one(f, "\"subscriptionType\":\"contact.propertyChange\",\"objectId\":7,"
			      "\"propertyName\":\"hs_email_optout\",\"propertyValue\":\"true\"");
	assert_string_equal(text,
		"attributes time=1793611201000 ref=hubspot:62515/contact/7(lead) attributes: "
		"unsubscribed=true detail={\"property\":\"hs_email_optout\",\"value\":\"true\"}\n"
		"email_unsubscribe time=1793611201000 ref=hubspot:62515/contact/7(lead) "
		"detail={\"property\":\"hs_email_optout\",\"value\":\"true\"}\n");
	assert_false(same_key(f->decoded.events[0].dedupe, f->decoded.events[1].dedupe));
}

/* All 48 of HubSpot's list, and the kind that each gives for a contact-like object. */
static void
every_subscription_type(void **state)
{
	static const char *const objects[] = { "contact", "company", "deal", "ticket", "line_item",
		"product", "object" };
	static const struct {
		const char *verb;
		enum ls_kind kind;
	} verbs[] = { { "creation", LS_KIND_CREATE }, { "deletion", LS_KIND_DELETE },
		{ "merge", LS_KIND_MERGE }, { "associationChange", LS_KIND_ASSOCIATION },
		{ "restore", LS_KIND_RESTORE }, { "propertyChange", LS_KIND_ATTRIBUTES } };
	static const char *const rest[] = { "conversation.creation", "conversation.deletion",
		"conversation.newMessage", "conversation.privacyDeletion",
		"conversation.propertyChange", "event.completed", "thing.somethingNew", "nodot",
		"a.b.c", "" };
	struct fixture *f = *state;
	char members[1024];
	for (size_t o = 0; o < LS_ARRAY_LEN(objects); o++)
		for (size_t v = 0; v < LS_ARRAY_LEN(verbs); v++) {
			bool lead = o < 3 || strcmp(objects[o], "object") == 0;
			(void)snprintf(members, sizeof members,
				"\"subscriptionType\":\"%s.%s\",\"objectId\":5,"
				"\"objectTypeId\":\"0-1\",\"fromObjectId\":5,\"toObjectId\":6,"
				"\"associationType\":\"%s_TO_COMPANY\","
				"\"primaryObjectId\":4,\"mergedObjectIds\":[3],\"newObjectId\":5,"
				"\"propertyName\":\"x\",\"propertyValue\":\"y\"",
				objects[o], verbs[v].verb, lead ? "CONTACT" : "TICKET");
			(void)decode_one(f, members);
			assert_int_equal(f->err, LS_OK);
			assert_int_equal(f->decoded.count, 1);
			assert_int_equal(
				f->decoded.events[0].kind, lead ? verbs[v].kind : LS_KIND_OTHER);
		}
	for (size_t i = 0; i < LS_ARRAY_LEN(rest); i++) {
		(void)snprintf(members, sizeof members, "\"subscriptionType\":\"%s\"", rest[i]);
		(void)decode_one(f, members);
		assert_int_equal(f->err, LS_OK);
		assert_int_equal(f->decoded.count, 1);
		assert_int_equal(f->decoded.events[0].kind, LS_KIND_OTHER);
	}
	(void)decode_one(f, "\"subscriptionType\":\"contact.privacyDeletion\",\"objectId\":5");
	assert_int_equal(f->decoded.events[0].kind, LS_KIND_PRIVACY_DELETE);
}

/* New engagements are activities; the record they belong to is the subject. */
static void
engagements(void **state)
{
	static const struct {
		const char *type;
		enum ls_kind kind;
		enum ls_record record;
	} rows[] = { { "0-27", LS_KIND_TASK, LS_RECORD_ACTIVITY },
		{ "0-46", LS_KIND_NOTE, LS_RECORD_ACTIVITY },
		{ "0-47", LS_KIND_MEETING, LS_RECORD_ACTIVITY },
		{ "0-48", LS_KIND_CALL, LS_RECORD_ACTIVITY },
		{ "0-49", LS_KIND_EMAIL_SENT, LS_RECORD_ACTIVITY },
		{ "0-5", LS_KIND_OTHER, LS_RECORD_OTHER },
		{ "0-18", LS_KIND_OTHER, LS_RECORD_OTHER },
		{ "0-136", LS_KIND_OTHER, LS_RECORD_OTHER },
		{ "2-1234567", LS_KIND_OTHER, LS_RECORD_OTHER },
		{ "0-1", LS_KIND_CREATE, LS_RECORD_LEAD },
		{ "0-2", LS_KIND_CREATE, LS_RECORD_COMPANY },
		{ "0-3", LS_KIND_CREATE, LS_RECORD_DEAL } };
	struct fixture *f = *state;
	for (size_t i = 0; i < LS_ARRAY_LEN(rows); i++) {
		char members[256];
		(void)snprintf(members, sizeof members,
			"\"subscriptionType\":\"object.creation\",\"objectId\":874716779721,"
			"\"objectTypeId\":\"%s\"",
			rows[i].type);
		(void)decode_one(f, members);
		assert_int_equal(f->decoded.count, 1);
		const struct ls_event *e = &f->decoded.events[0];
		assert_int_equal(e->kind, rows[i].kind);
		assert_int_equal(e->subject.ref.record, rows[i].record);
		assert_true(ls_slice_eq(e->subject.ref.id, LS_S("874716779721")));
		if (rows[i].record == LS_RECORD_ACTIVITY || rows[i].record == LS_RECORD_OTHER)
			assert_true(i == 5 ||
				    ls_slice_eq(e->subject.ref.type, ls_slice_str(rows[i].type)));
	}
}

static void
merges(void **state)
{
	struct fixture *f = *state;
	/* the survivor is a third record; ids twice; the survivor among the merged */
	assert_string_equal(
		decode_one(f, "\"subscriptionType\":\"contact.merge\",\"primaryObjectId\":1,"
			      "\"mergedObjectIds\":[2,\"3\",2,1,9],\"newObjectId\":9"),
		"merge time=1793611201000 ref=hubspot:62515/contact/9(lead) "
		"merged=hubspot:62515/contact/1(lead) merged=hubspot:62515/contact/2(lead) "
		"merged=hubspot:62515/contact/3(lead)\n");
	/* without newObjectId the primary survives */
	assert_string_equal(
		decode_one(f, "\"subscriptionType\":\"company.merge\",\"primaryObjectId\":1,"
			      "\"mergedObjectIds\":[2]"),
		"merge time=1793611201000 ref=hubspot:62515/company/1(company) "
		"merged=hubspot:62515/company/2(company)\n");
	assert_string_equal(
		decode_one(f, "\"subscriptionType\":\"contact.merge\",\"primaryObjectId\":1,"
			      "\"newObjectId\":1,\"mergedObjectIds\":[]"),
		"fault /0/mergedObjectIds: names no record that was merged\n");
	assert_string_equal(
		decode_one(f, "\"subscriptionType\":\"contact.merge\",\"primaryObjectId\":1,"
			      "\"newObjectId\":1,\"mergedObjectIds\":[2,null]"),
		"fault /0/mergedObjectIds: must be at most 256 ids\n");
}

static void
associations(void **state)
{
	struct fixture *f = *state;
	assert_string_equal(
		decode_one(f,
			"\"subscriptionType\":\"object.associationChange\",\"fromObjectTypeId\":"
			"\"0-48\",\"toObjectTypeId\":\"0-1\",\"fromObjectId\":8,\"toObjectId\":7"),
		"association time=1793611201000 ref=hubspot:62515/0-48/8(activity) "
		"other=hubspot:62515/contact/7(lead)\n");
	assert_string_equal(
		decode_one(f,
			"\"subscriptionType\":\"company.associationChange\",\"associationType\":"
			"\"COMPANY_TO_CONTACT\",\"fromObjectId\":8,\"toObjectId\":7,"
			"\"associationRemoved\":true,\"isPrimaryAssociation\":true"),
		"association time=1793611201000 ref=hubspot:62515/company/8(company) "
		"other=hubspot:62515/contact/7(lead) removed primary "
		"detail={\"association\":\"COMPANY_TO_CONTACT\"}\n");
	(void)decode_one(f,
		"\"subscriptionType\":\"contact.associationChange\",\"associationType\":"
		"\"CONTACT_TO_TICKET\",\"fromObjectId\":8,\"toObjectId\":7");
	assert_int_equal(f->decoded.events[0].kind, LS_KIND_OTHER);
	(void)decode_one(f,
		"\"subscriptionType\":\"contact.associationChange\",\"associationType\":"
		"\"SOMETHING_ELSE\",\"fromObjectId\":8,\"toObjectId\":7");
	assert_int_equal(f->decoded.events[0].kind, LS_KIND_OTHER);
	assert_string_equal(
		decode_one(f,
			"\"subscriptionType\":\"contact.associationChange\",\"associationType\":"
			"\"CONTACT_TO_DEAL\",\"fromObjectId\":8"),
		"fault /0/toObjectId: is missing\n");
}

static void
times(void **state)
{
	struct fixture *f = *state;
	fixture_decode(f, "hubspot",
		LS_S("[{\"portalId\":1,\"subscriptionType\":\"contact.creation\",\"objectId\":1},"
		     "{\"portalId\":1,\"subscriptionType\":\"contact.creation\",\"objectId\":1,"
		     "\"occurredAt\":1793620299999},"
		     "{\"portalId\":1,\"subscriptionType\":\"contact.creation\",\"objectId\":1,"
		     "\"occurredAt\":1793620300001},"
		     "{\"portalId\":1,\"subscriptionType\":\"contact.propertyChange\","
		     "\"objectId\":1,\"occurredAt\":5,\"propertyName\":\"recent_conversion_date\","
		     "\"propertyValue\":\"1793629999999\"}]"));
	assert_int_equal(f->err, LS_OK);
	assert_int_equal(f->decoded.count, 4);
	assert_int_equal(f->decoded.events[0].time_ms, RECEIVED);
	assert_int_equal(f->decoded.events[1].time_ms, RECEIVED + 299999);
	assert_int_equal(f->decoded.events[2].time_ms, RECEIVED + 300000);
	assert_int_equal(f->decoded.events[3].time_ms, RECEIVED + 300000);
	assert_int_equal(f->decoded.events[3].kind, LS_KIND_FORM_SUBMIT);
}

/* 1,024 bytes at most, cut in front of a character that does not fit. */
static void
long_values_are_cut(void **state)
{
	struct fixture *f = *state;
	char members[3000] = "\"subscriptionType\":\"contact.propertyChange\",\"objectId\":7,"
			     "\"propertyName\":\"city\",\"propertyValue\":\"x";
	size_t len = strlen(members);
	for (size_t i = 0; i < 600; i++, len += 2)
		memcpy(members + len, "\xc3\xbc", 2);
	memcpy(members + len, "\"", 2);
	(void)decode_one(f, members);
	assert_int_equal(f->err, LS_OK);
	assert_int_equal(f->decoded.events[0].attributes[0].value.string.len, 1023);
	assert_true(ls_utf8_valid(f->decoded.events[0].attributes[0].value.string));
	assert_true(ls_utf8_valid(f->decoded.events[0].detail));
	assert_true(f->decoded.events[0].detail.len < 400);
}

static void
broken_json(void **state)
{
	struct fixture *f = *state;
	fixture_decode(f, "hubspot",
		LS_S("[{\"portalId\":1,\"subscriptionType\":\"contact.creation\",\"objectId\":1},{"
		     "]"));
	assert_int_equal(f->err, LS_ERR_INVALID);
	assert_int_equal(f->decoded.count, 0);
	assert_int_equal(f->decoded.fault_count, 1);
	assert_int_equal(f->decoded.faults[0].offset, 68);
	fixture_decode(f, "hubspot", LS_S(""));
	assert_int_equal(f->err, LS_ERR_INVALID);
	assert_int_equal(f->decoded.fault_count, 1);
	fixture_decode(f, "hubspot", LS_S("[]"));
	assert_int_equal(f->err, LS_OK);
	assert_int_equal(f->decoded.count, 0);
	fixture_decode(f, "hubspot", LS_S("42"));
	assert_int_equal(f->err, LS_ERR_INVALID);
	assert_string_equal(fixture_text(f), "fault : must be an array of changes\n");
}

static void
many_faults(void **state)
{
	struct fixture *f = *state;
	struct ls_buf body;
	ls_buf_init(&body, 1u << 20);
	ls_buf_add_char(&body, '[');
	for (int i = 0; i < 150; i++)
		ls_buf_addf(&body, "%s{\"portalId\":1}", i > 0 ? "," : "");
	ls_buf_addf(&body, ",{\"portalId\":1,\"subscriptionType\":\"contact.creation\","
			   "\"objectId\":1}]");
	fixture_decode(f, "hubspot", ls_buf_slice(&body));
	assert_int_equal(f->err, LS_ERR_INVALID);
	assert_int_equal(f->decoded.fault_count, 100);
	assert_int_equal(f->decoded.more_faults, 50);
	assert_int_equal(f->decoded.count, 1);
	ls_buf_fini(&body);
}

static void
too_many_changes(void **state)
{
	struct fixture *f = *state;
	struct ls_buf body;
	ls_buf_init(&body, 1u << 20);
	for (int i = 0; i < 10002; i++)
		ls_buf_addf(
			&body, "%c{\"portalId\":1,\"subscriptionType\":\"x\"}", i > 0 ? ',' : '[');
	ls_buf_add_char(&body, ']');
	fixture_decode(f, "hubspot", ls_buf_slice(&body));
	assert_int_equal(f->err, LS_ERR_INVALID);
	assert_int_equal(f->decoded.count, 10000);
	assert_int_equal(f->decoded.fault_count, 1);
	ls_buf_fini(&body);
}

static void
too_many_merged(void **state)
{
	struct fixture *f = *state;
	struct ls_buf body;
	ls_buf_init(&body, 1u << 20);
	for (int ids = 256; ids <= 257; ids++) {
		ls_buf_reset(&body);
		ls_buf_add_lit(&body, "[{\"portalId\":1,\"subscriptionType\":\"contact.merge\","
				      "\"newObjectId\":1,\"mergedObjectIds\":[");
		for (int i = 0; i < ids; i++)
			ls_buf_addf(&body, "%s%d", i > 0 ? "," : "", i + 2);
		ls_buf_add_lit(&body, "]}]");
		fixture_decode(f, "hubspot", ls_buf_slice(&body));
		assert_int_equal(f->decoded.count, ids == 256 ? 1 : 0);
		assert_int_equal(f->decoded.fault_count, ids == 256 ? 0 : 1);
	}
	ls_buf_fini(&body);
}

/* The longest detail there can be: all its texts at their limits, of bytes that take six to
 * write. */
static void
longest_detail(void **state)
{
	static const char *const members[] = { "subscriptionType", "propertyName", "propertyValue",
		"associationType", "changeSource", "sourceId" };
	struct fixture *f = *state;
	struct ls_buf body;
	ls_buf_init(&body, 1u << 20);
	ls_buf_add_lit(&body, "[{\"portalId\":1");
	for (size_t i = 0; i < LS_ARRAY_LEN(members); i++) {
		ls_buf_addf(&body, ",\"%s\":\"", members[i]);
		for (int k = 0; k < (i == 2 ? 300 : 128); k++)
			ls_buf_add_lit(&body, "\\u0001");
		ls_buf_add_char(&body, '"');
	}
	ls_buf_add_lit(&body, "}]");
	fixture_decode(f, "hubspot", ls_buf_slice(&body));
	assert_int_equal(f->err, LS_OK);
	assert_int_equal(f->decoded.count, 1);
	assert_true(f->decoded.events[0].detail.len > 4096);
	ls_buf_fini(&body);
}

/* Whatever the arena's maximum: LS_ERR_NOMEM and nothing else, or the whole. */
static void
no_memory(void **state)
{
	struct fixture *f = *state;
	const struct ls_source_config config = fixture_config();
	const struct ls_source_entry entry = {
		.body = fixture_file(f, "hubspot/webhook_unsound.json"), .received_ms = RECEIVED
	};
	const struct ls_source *source = ls_source_find(LS_S("hubspot"));
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

static void
registry(void **state)
{
	(void)state;
	assert_null(ls_source_find(LS_S("nothing")));
	assert_null(ls_source_find(LS_S("")));
	assert_null(ls_source_at(ls_source_count()));
	for (size_t i = 0; i < ls_source_count(); i++) {
		const struct ls_source *source = ls_source_at(i);
		assert_ptr_equal(ls_source_find(ls_slice_str(source->name)), source);
		assert_true(strlen(source->help) > 0 && source->decode != NULL);
	}
	assert_false(ls_source_find(LS_S("hubspot"))->strict);
	assert_non_null(ls_source_find(LS_S("hubspot"))->verify);
	assert_true(ls_source_find(LS_S("events"))->strict);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(samples),
		WITH_FIXTURE(keys_of_a_batch_differ),
		WITH_FIXTURE(retries_are_duplicates),
		WITH_FIXTURE(what_makes_an_identity),
		WITH_FIXTURE(one_element_two_events),
		WITH_FIXTURE(every_subscription_type),
		WITH_FIXTURE(engagements),
		WITH_FIXTURE(merges),
		WITH_FIXTURE(associations),
		WITH_FIXTURE(times),
		WITH_FIXTURE(long_values_are_cut),
		WITH_FIXTURE(broken_json),
		WITH_FIXTURE(many_faults),
		WITH_FIXTURE(too_many_changes),
		WITH_FIXTURE(too_many_merged),
		WITH_FIXTURE(longest_detail),
		WITH_FIXTURE(no_memory),
		cmocka_unit_test(registry),
	};
	return cmocka_run_group_tests_name("hubspot", tests, NULL, NULL);
}
