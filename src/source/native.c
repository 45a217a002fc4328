// SPDX-License-Identifier: MIT
/* LeadScore's own events, as any system can send them. Strict: whoever writes the sender is told of
 * every fault at once, with the place and, for typing errors, the name that was probably meant. */

#include <stdio.h>

#include "base/iso8601.h"
#include "base/suggest.h"
#include "source/decode.h"

#define EVENTS_MAX     1000u
#define EVENT_BYTES    160u /* a usual event, for the first guess */
#define EVENT_ID_MAX   128u
#define MESSAGE_MAX    256u
#define DETAIL_MAX     4096u
#define ATTRIBUTES_MAX 64u
#define MERGED_MAX     100u

enum member { ATTRIBUTES, DETAIL, ID, KIND, LEAD, MACHINE, MERGED, MESSAGE, TIME, MEMBER_COUNT };

static const char *const members[] = { [ATTRIBUTES] = "attributes",
	[DETAIL] = "detail",
	[ID] = "id",
	[KIND] = "kind",
	[LEAD] = "lead",
	[MACHINE] = "machine",
	[MERGED] = "merged",
	[MESSAGE] = "message",
	[TIME] = "time",
	[MEMBER_COUNT] = NULL };
static const char *const top_members[] = { "events", NULL };
static const char *const lead_members[] = { "email", "visitor", NULL };

/** Kinds that make sense from outside; the others come of what we do ourselves. */
#define NATIVE_ACTIVITY true
#define NATIVE_STATE    false
#define NATIVE_OTHER    false
static const struct {
	const char *name;
	enum ls_kind kind;
	bool activity;
} kinds[] = {
#define X(number, upper, name_, class_)                                                            \
	{ .name = (name_), .kind = LS_KIND_##upper, .activity = NATIVE_##class_ },
	LS_KINDS(X)
#undef X
};

struct native {
	struct ls_decode decode;
	struct ls_json json;
	struct ls_hash_key key;
	/* of the event being read */
	struct ls_attribute attributes[ATTRIBUTES_MAX];
	struct ls_ref merged[MERGED_MAX];
};

/** An event while it is read. */
struct draft {
	struct ls_event event;
	struct ls_slice id;
	unsigned seen, unsound; /* bit by enum member */
	size_t attribute_count, merged_count;
	int64_t time_ms;
};

static const char *
name_at(const void *names, size_t i)
{
	return ((const char *const *)names)[i];
}

static const char *
kind_at(const void *ctx, size_t i)
{
	(void)ctx;
	return i < LS_ARRAY_LEN(kinds) ? kinds[i].name : NULL;
}

static void
fault(struct native *n, const struct ls_path *at, const char *what)
{
	ls_decode_fault(&n->decode, at, ls_slice_str(what));
}

static void
fault_unknown(struct native *n, const struct ls_path *at, const char *what, const char *meant)
{
	char before[128];
	if (meant == NULL) {
		fault(n, at, what);
		return;
	}
	(void)snprintf(before, sizeof before, "%s; did you mean ", what);
	ls_decode_fault_word(&n->decode, at, before, ls_slice_str(meant), "?");
}

static size_t
faults_so_far(const struct native *n)
{
	return n->decode.out.fault_count + n->decode.out.more_faults;
}

/** A string of 1 to `max` bytes without control characters. */
static bool
read_text(struct native *n, const struct ls_path *at, size_t max, struct ls_slice *out)
{
	struct ls_slice text;
	if (ls_json_peek(&n->json) != LS_JSON_STRING) {
		(void)ls_json_skip(&n->json);
		fault(n, at, "must be a string");
		return false;
	}
	if (!ls_json_string(&n->json, &text))
		return false;
	bool control = false;
	for (size_t i = 0; i < text.len; i++)
		control |= (unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f;
	if (text.len == 0 || text.len > max || control) {
		fault(n, at,
			control         ? "holds control characters"
			: text.len == 0 ? "is empty"
					: "is too long");
		return false;
	}
	*out = text;
	return true;
}

/** An id in another system: a string or a whole number. */
static bool
read_system_id(struct native *n, const struct ls_path *at, struct ls_ref *ref)
{
	bool known = ref->system.data != NULL, sound = at->key.len > 0;
	struct ls_slice id;
	uint64_t value;
	for (size_t i = 0; i < at->key.len; i++) {
		char c = at->key.data[i];
		sound &= ls_ascii_digit(c) || (c >= 'a' && c <= 'z') || c == '_' || c == '-';
	}
	const char *meant = ls_suggest(at->key, name_at, lead_members);
	if (!sound || at->key.len > LS_SYSTEM_MAX || meant != NULL) {
		(void)ls_json_skip(&n->json);
		fault_unknown(n, at, "is not the name of a system: 1 to 32 of a-z 0-9 _ -", meant);
		return false;
	}
	if (ls_json_peek(&n->json) != LS_JSON_NUMBER) {
		if (!read_text(n, at, LS_ID_MAX, &id))
			return false;
	} else if (ls_json_raw(&n->json, &id) && ls_slice_to_u64(id, &value) != LS_OK) {
		fault(n, at, "must be a string or a whole number");
		return false;
	}
	if (known) {
		fault(n, at, "is the id of a second system; only one can be given");
		return false;
	}
	/* HubSpot's own events call a person "contact": the two must meet */
	bool hubspot = ls_slice_eq(at->key, LS_S("hubspot"));
	*ref = (struct ls_ref){ .system = at->key,
		.type = hubspot ? LS_S("contact") : LS_S(""),
		.id = id,
		.record = LS_RECORD_LEAD };
	return n->json.err == LS_OK;
}

static bool
enter_object(struct native *n, const struct ls_path *at)
{
	if (ls_json_peek(&n->json) == LS_JSON_OBJECT)
		return ls_json_object(&n->json);
	(void)ls_json_skip(&n->json);
	fault(n, at, "must be an object");
	return false;
}

static void
read_email(struct native *n, const struct ls_path *at, struct ls_slice *out)
{
	struct ls_attribute email = { .name = LS_S("email"), .value = { .type = LS_VALUE_STRING } };
	const char *why;
	if (!read_text(n, at, LS_STRING_MAX, &email.value.string))
		return;
	int err = ls_attribute_check(n->decode.arena, &email, &why);
	if (err == LS_ERR_NOMEM)
		n->decode.err = err;
	else if (err != LS_OK)
		fault(n, at, why);
	else
		*out = email.value.string;
}

static void
read_lead(struct native *n, const struct ls_path *at, struct ls_subject *subject)
{
	struct ls_slice key;
	bool any = false;
	if (!enter_object(n, at))
		return;
	while (ls_json_key(&n->json, &key)) {
		const struct ls_path path = { .up = at, .key = key };
		if (ls_slice_eq(key, LS_S("email")))
			read_email(n, &path, &subject->email);
		else if (ls_slice_eq(key, LS_S("visitor")))
			(void)read_text(n, &path, LS_ID_MAX, &subject->visitor);
		else
			(void)read_system_id(n, &path, &subject->ref);
		any = true;
	}
	if (!any)
		fault(n, at, "names nobody: give an email, a visitor or a system's id");
}

static void
read_merged(struct native *n, const struct ls_path *at, struct draft *draft)
{
	if (ls_json_peek(&n->json) != LS_JSON_ARRAY) {
		(void)ls_json_skip(&n->json);
		fault(n, at, "must be an array");
		return;
	}
	struct ls_path item = { .up = at };
	(void)ls_json_array(&n->json);
	for (; ls_json_item(&n->json); item.index++) {
		struct ls_ref ref = { 0 };
		struct ls_slice key;
		if (item.index == MERGED_MAX)
			fault(n, at, "has more than 100 items");
		if (item.index >= MERGED_MAX) {
			(void)ls_json_skip(&n->json);
			continue;
		}
		if (!enter_object(n, &item))
			continue;
		size_t before = faults_so_far(n);
		while (ls_json_key(&n->json, &key)) {
			const struct ls_path path = { .up = &item, .key = key };
			(void)read_system_id(n, &path, &ref);
		}
		if (ref.system.data != NULL)
			n->merged[draft->merged_count++] = ref;
		else if (faults_so_far(n) == before)
			fault(n, &item, "must name a lead by a system's id");
	}
}

/** False when there is a fault. */
static bool
read_value(struct native *n, const struct ls_path *at, struct ls_value *value)
{
	struct ls_slice raw;
	*value = (struct ls_value){ .type = LS_VALUE_NULL };
	switch (ls_json_peek(&n->json)) {
	case LS_JSON_STRING:
		value->type = LS_VALUE_STRING;
		return ls_json_string(&n->json, &value->string);
	case LS_JSON_BOOL:
		value->type = LS_VALUE_BOOL;
		return ls_json_bool(&n->json, &value->boolean);
	case LS_JSON_NUMBER:
		value->type = LS_VALUE_NUMBER;
		if (!ls_json_raw(&n->json, &raw))
			return false;
		if (ls_slice_to_double(raw, &value->number) == LS_OK)
			return true;
		fault(n, at, "is out of the range of numbers");
		return false;
	case LS_JSON_NULL:
		return ls_json_null(&n->json);
	case LS_JSON_OBJECT:
	case LS_JSON_ARRAY:
	case LS_JSON_INVALID:
		break;
	}
	(void)ls_json_skip(&n->json);
	fault(n, at, "must be a string, number, true, false or null");
	return false;
}

static void
add_attribute(struct native *n, const struct ls_path *at, struct ls_attribute attribute,
	struct draft *draft)
{
	const char *why;
	int err = ls_attribute_check(n->decode.arena, &attribute, &why);
	if (err == LS_ERR_NOMEM) {
		n->decode.err = err;
		return;
	}
	if (err != LS_OK) {
		fault(n, at, why);
		return;
	}
	for (size_t i = 0; i < draft->attribute_count; i++)
		if (ls_slice_eq(n->attributes[i].name, attribute.name)) {
			fault(n, at, "appears twice");
			return;
		}
	if (draft->attribute_count == ATTRIBUTES_MAX) {
		fault(n, at->up, "has more than 64 attributes");
		return;
	}
	n->attributes[draft->attribute_count++] = attribute;
}

static void
read_attributes(struct native *n, const struct ls_path *at, struct draft *draft)
{
	struct ls_slice key;
	if (!enter_object(n, at))
		return;
	while (ls_json_key(&n->json, &key)) {
		const struct ls_path path = { .up = at, .key = key };
		struct ls_attribute attribute = { .name = key };
		if (!read_value(n, &path, &attribute.value))
			continue;
		if (ls_attribute_name_ok(key))
			add_attribute(n, &path, attribute, draft);
		else
			fault(n, &path, "is not a name of 1 to 64 of a-z 0-9 _");
	}
}

static void
read_kind(struct native *n, const struct ls_path *at, enum ls_kind *out)
{
	struct ls_slice name;
	if (!read_text(n, at, LS_NAME_MAX, &name))
		return;
	for (size_t i = 0; i < LS_ARRAY_LEN(kinds); i++) {
		if (!ls_slice_eq(name, ls_slice_str(kinds[i].name)))
			continue;
		enum ls_kind kind = kinds[i].kind;
		if (kinds[i].activity || kind == LS_KIND_ATTRIBUTES || kind == LS_KIND_DEAL_STAGE ||
			kind == LS_KIND_CREATE || kind == LS_KIND_MERGE || kind == LS_KIND_DELETE ||
			kind == LS_KIND_RESTORE || kind == LS_KIND_PRIVACY_DELETE)
			*out = kind;
		else if (kind == LS_KIND_UNMERGE)
			fault(n, at, "'unmerge' is not taken as an event: ask the API for it");
		else
			fault(n, at, "is not a kind that can be sent");
		return;
	}
	fault_unknown(n, at, "is not a kind of event", ls_suggest(name, kind_at, NULL));
}

static void
read_time(struct native *n, const struct ls_path *at, int64_t *out)
{
	struct ls_slice text;
	uint64_t ms;
	bool sound = false;
	if (ls_json_peek(&n->json) == LS_JSON_NUMBER) {
		if (!ls_json_raw(&n->json, &text))
			return;
		sound = ls_slice_to_u64(text, &ms) == LS_OK && ms <= LS_TIME_MS_MAX;
		if (sound)
			*out = (int64_t)ms;
	} else if (read_text(n, at, LS_NAME_MAX, &text)) {
		sound = ls_iso8601_parse(text, out) == LS_OK;
	} else {
		return;
	}
	if (!sound)
		fault(n, at, "must be a time like 2026-11-22T10:00:00Z, or milliseconds");
}

static void
read_machine(struct native *n, const struct ls_path *at, enum ls_verdict *verdict)
{
	bool machine;
	if (ls_json_peek(&n->json) != LS_JSON_BOOL) {
		(void)ls_json_skip(&n->json);
		fault(n, at, "must be true or false");
	} else if (ls_json_bool(&n->json, &machine)) {
		*verdict = machine ? LS_VERDICT_MACHINE : LS_VERDICT_HUMAN;
	}
}

static void
read_detail(struct native *n, const struct ls_path *at, struct ls_slice *detail)
{
	struct ls_slice raw;
	bool object = ls_json_peek(&n->json) == LS_JSON_OBJECT;
	if (!ls_json_raw(&n->json, &raw))
		return;
	if (!object)
		fault(n, at, "must be an object");
	else if (raw.len > DETAIL_MAX)
		fault(n, at, "is longer than 4,096 bytes");
	else
		*detail = raw;
}

static void
read_member(struct native *n, const struct ls_path *at, enum member member, struct draft *draft)
{
	struct ls_event *event = &draft->event;
	switch (member) {
	case ATTRIBUTES:
		read_attributes(n, at, draft);
		return;
	case DETAIL:
		read_detail(n, at, &event->detail);
		return;
	case ID:
		(void)read_text(n, at, EVENT_ID_MAX, &draft->id);
		return;
	case KIND:
		read_kind(n, at, &event->kind);
		return;
	case LEAD:
		read_lead(n, at, &event->subject);
		return;
	case MACHINE:
		read_machine(n, at, &event->verdict);
		return;
	case MERGED:
		read_merged(n, at, draft);
		return;
	case MESSAGE:
		(void)read_text(n, at, MESSAGE_MAX, &event->message);
		return;
	case TIME:
		read_time(n, at, &draft->time_ms);
		return;
	case MEMBER_COUNT:
		(void)ls_json_skip(&n->json);
		fault_unknown(n, at, "is not a member of an event",
			ls_suggest(at->key, name_at, members));
		return;
	}
}

static enum member
find_member(struct ls_slice key)
{
	unsigned i = 0;
	while (i < MEMBER_COUNT && !ls_slice_eq(key, ls_slice_str(members[i])))
		i++;
	return (enum member)i;
}

static void
read_members(struct native *n, const struct ls_path *at, struct draft *draft)
{
	struct ls_slice key;
	while (ls_json_key(&n->json, &key)) {
		const struct ls_path path = { .up = at, .key = key };
		enum member member = find_member(key);
		if (member != MEMBER_COUNT && (draft->seen >> member & 1u) != 0) {
			(void)ls_json_skip(&n->json);
			fault(n, &path, "appears twice");
			continue;
		}
		size_t before = faults_so_far(n);
		draft->seen |= 1u << member;
		read_member(n, &path, member, draft);
		if (faults_so_far(n) > before)
			draft->unsound |= 1u << member;
	}
}

static bool
has(const struct draft *draft, enum member member)
{
	return (draft->seen >> member & 1u) != 0;
}

/** What has been refused already is not refused a second time for what follows from it. */
static bool
unsound(const struct draft *draft, enum member member)
{
	return (draft->unsound >> member & 1u) != 0;
}

/** What the members must be together. */
static void
check_draft(struct native *n, const struct ls_path *at, struct draft *draft)
{
	struct ls_event *event = &draft->event;
	const struct ls_path attributes = { .up = at, .key = LS_S("attributes") };
	const struct ls_path merged = { .up = at, .key = LS_S("merged") };
	if (!has(draft, LEAD))
		fault(n, at, "has no 'lead'");
	if (!has(draft, KIND))
		fault(n, at, "has no 'kind'");
	if (!has(draft, KIND) || unsound(draft, KIND))
		return;
	for (size_t i = 0; i < draft->attribute_count; i++)
		if (event->kind == LS_KIND_DEAL_STAGE &&
			ls_slice_eq(n->attributes[i].name, LS_S("stage_probability")) &&
			n->attributes[i].value.type == LS_VALUE_NUMBER)
			event->stage_probability = n->attributes[i].value.number;
	if (!unsound(draft, ATTRIBUTES)) {
		if (event->kind == LS_KIND_ATTRIBUTES && draft->attribute_count == 0)
			fault(n, &attributes, "must hold at least one attribute");
		if (event->kind == LS_KIND_DEAL_STAGE && event->stage_probability < 0)
			fault(n, &attributes, "must hold 'stage_probability'");
	}
	if (event->kind != LS_KIND_MERGE && has(draft, MERGED))
		fault(n, &merged, "belongs to events of the kind 'merge'");
	else if (event->kind == LS_KIND_MERGE && !unsound(draft, MERGED) &&
		 draft->merged_count == 0)
		fault(n, &merged, "must name at least one lead");
}

/** With an id, the same event may be sent again and counts once. Without, nothing that arrives
 * another time is the same. */
static struct ls_hash128
dedupe_key(const struct native *n, const struct draft *draft, struct ls_slice raw, size_t index)
{
	char bytes[sizeof "events" + 1 + EVENT_ID_MAX] = "events";
	char *at = bytes + sizeof "events";
	size_t len = sizeof "events" + 1;
	if (draft->id.data != NULL) {
		*at++ = 'i';
		memcpy(at, draft->id.data, draft->id.len);
		return ls_hash128(n->key, bytes, len + draft->id.len);
	}
	const struct {
		struct ls_hash128 raw;
		int64_t received_ms;
		uint64_t index;
	} identity = { ls_hash128(n->key, raw.data, raw.len), n->decode.received_ms, index };
	*at++ = 'r';
	memcpy(at, &identity, sizeof identity);
	return ls_hash128(n->key, bytes, len + sizeof identity);
}

static const void *
keep(struct native *n, const void *items, size_t size)
{
	void *copy = ls_arena_alloc(n->decode.arena, size);
	if (copy == NULL)
		n->decode.err = LS_ERR_NOMEM;
	else
		memcpy(copy, items, size);
	return copy;
}

static void
add_draft(struct native *n, struct draft *draft, size_t expected)
{
	struct ls_event *event = ls_decode_event(&n->decode, expected);
	if (event == NULL)
		return;
	int64_t received_ms = event->received_ms;
	*event = draft->event;
	event->received_ms = received_ms;
	event->time_ms =
		has(draft, TIME) ? ls_decode_clamp(draft->time_ms, received_ms) : received_ms;
	event->attribute_count = draft->attribute_count;
	event->merged_count = draft->merged_count;
	if (draft->attribute_count > 0)
		event->attributes =
			keep(n, n->attributes, draft->attribute_count * sizeof n->attributes[0]);
	if (draft->merged_count > 0)
		event->merged = keep(n, n->merged, draft->merged_count * sizeof n->merged[0]);
}

static void
read_event(struct native *n, const struct ls_path *at, size_t expected)
{
	struct draft draft = { .event = { .stage_probability = -1 } };
	size_t before = faults_so_far(n);
	(void)ls_json_peek(&n->json);
	const char *start = n->json.at;
	if (!enter_object(n, at))
		return;
	read_members(n, at, &draft);
	if (n->json.err != LS_OK)
		return;
	struct ls_slice raw = ls_slice(start, (size_t)(n->json.at - start));
	check_draft(n, at, &draft);
	if (faults_so_far(n) > before)
		return;
	draft.event.dedupe = dedupe_key(n, &draft, raw, at->index);
	add_draft(n, &draft, expected);
}

static void
read_events(struct native *n, const struct ls_path *at, size_t expected)
{
	if (ls_json_peek(&n->json) != LS_JSON_ARRAY) {
		(void)ls_json_skip(&n->json);
		fault(n, at, "must be an array");
		return;
	}
	struct ls_path item = { .up = at };
	(void)ls_json_array(&n->json);
	for (; ls_json_item(&n->json); item.index++) {
		if (item.index == EVENTS_MAX)
			fault(n, at, "has more than 1,000 events");
		if (item.index >= EVENTS_MAX || n->decode.err != LS_OK)
			(void)ls_json_skip(&n->json);
		else
			read_event(n, &item, expected);
	}
}

static void
read_document(struct native *n, size_t expected)
{
	struct ls_slice key;
	bool seen = false;
	if (!enter_object(n, NULL))
		return;
	while (ls_json_key(&n->json, &key)) {
		const struct ls_path path = { .key = key };
		if (!ls_slice_eq(key, LS_S("events"))) {
			(void)ls_json_skip(&n->json);
			fault_unknown(n, &path, "is not known here; events go into 'events'",
				ls_suggest(key, name_at, top_members));
		} else if (seen) {
			(void)ls_json_skip(&n->json);
			fault(n, &path, "appears twice");
		} else {
			seen = true;
			read_events(n, &path, expected);
		}
	}
	if (!seen)
		fault(n, NULL, "has no 'events'");
}

static int
decode(const struct ls_source_config *config, const struct ls_source_entry *entry,
	struct ls_arena *arena, struct ls_decoded *out)
{
	struct native *n = ls_arena_raw(arena, sizeof *n);
	if (n == NULL)
		return LS_ERR_NOMEM;
	/* the scratch behind is written before it is read, and large */
	memset(n, 0, offsetof(struct native, attributes));
	n->key = config->dedupe_key;
	ls_decode_init(&n->decode, arena, entry->received_ms);
	ls_json_init(&n->json, entry->body, arena);
	read_document(n, entry->body.len / EVENT_BYTES + 1);
	return ls_decode_finish(&n->decode, &n->json, out);
}

const struct ls_source ls_source_events = {
	.name = "events",
	.help = "LeadScore's own JSON events, from any system",
	.strict = true,
	.decode = decode,
};
