// SPDX-License-Identifier: MIT
/* HubSpot webhooks: an array of up to 100 changes, of any portal that has the app, in any order and
 * perhaps more than once. Objects have two names, the classic one ("contact.creation") and the
 * generic one ("object.creation" of type 0-1); both give the same references. What we do not know
 * is kept as LS_KIND_OTHER: an error would make HubSpot send it ten times more. */

#include "base/json_write.h"
#include "source/hubspot_element.h"
#include "source/hubspot_sign.h"

#define ELEMENT_BYTES    200u   /* about the shortest that HubSpot sends: for the first guess */
#define DETAIL_MAX       8192u  /* the longest that the limits below give, every byte escaped */
#define CHANGES_MAX      10000u /* HubSpot sends 100 */
#define DETAIL_VALUE_MAX 256u
#define DETAIL_NOTE_MAX  64u
#define MERGED_MAX       256u /* HubSpot folds at most 250 records into one */

/* twelve fields with their lengths, of which nine are ids */
#define IDENTITY_MAX (16u + 9u * (LS_ID_MAX + 2u) + 3u * (LS_HUBSPOT_TEXT_MAX + 2u))

enum verb { CREATION, DELETION, MERGE, ASSOCIATION, RESTORE, PROPERTY, PRIVACY, UNKNOWN };

static const struct {
	struct ls_slice name;
	enum verb verb;
} verbs[] = {
	{ LS_S_INIT("propertyChange"), PROPERTY },
	{ LS_S_INIT("creation"), CREATION },
	{ LS_S_INIT("associationChange"), ASSOCIATION },
	{ LS_S_INIT("deletion"), DELETION },
	{ LS_S_INIT("merge"), MERGE },
	{ LS_S_INIT("restore"), RESTORE },
	{ LS_S_INIT("privacyDeletion"), PRIVACY },
};

/** `type` is what goes into references; `creation` the kind of event that a new one is. */
struct object {
	struct ls_slice classic, id, type;
	enum ls_record record;
	enum ls_kind creation;
};

static const struct object objects[] = {
	{ LS_S_INIT("contact"), LS_S_INIT("0-1"), LS_S_INIT("contact"), LS_RECORD_LEAD,
		LS_KIND_CREATE },
	{ LS_S_INIT("company"), LS_S_INIT("0-2"), LS_S_INIT("company"), LS_RECORD_COMPANY,
		LS_KIND_CREATE },
	{ LS_S_INIT("deal"), LS_S_INIT("0-3"), LS_S_INIT("deal"), LS_RECORD_DEAL, LS_KIND_CREATE },
	{ LS_S_INIT("ticket"), LS_S_INIT("0-5"), LS_S_INIT("ticket"), LS_RECORD_OTHER,
		LS_KIND_OTHER },
	{ LS_S_INIT("product"), LS_S_INIT("0-7"), LS_S_INIT("product"), LS_RECORD_OTHER,
		LS_KIND_OTHER },
	{ LS_S_INIT("line_item"), LS_S_INIT("0-8"), LS_S_INIT("line_item"), LS_RECORD_OTHER,
		LS_KIND_OTHER },
	{ LS_S_INIT("task"), LS_S_INIT("0-27"), LS_S_INIT("0-27"), LS_RECORD_ACTIVITY,
		LS_KIND_TASK },
	{ LS_S_INIT("note"), LS_S_INIT("0-46"), LS_S_INIT("0-46"), LS_RECORD_ACTIVITY,
		LS_KIND_NOTE },
	{ LS_S_INIT("meeting"), LS_S_INIT("0-47"), LS_S_INIT("0-47"), LS_RECORD_ACTIVITY,
		LS_KIND_MEETING },
	{ LS_S_INIT("call"), LS_S_INIT("0-48"), LS_S_INIT("0-48"), LS_RECORD_ACTIVITY,
		LS_KIND_CALL },
	/* most are ours to the lead; hs_email_direction tells of the others */
	{ LS_S_INIT("email"), LS_S_INIT("0-49"), LS_S_INIT("0-49"), LS_RECORD_ACTIVITY,
		LS_KIND_EMAIL_SENT },
};

struct batch {
	struct ls_decode decode;
	struct ls_hubspot_order order;
	struct ls_hash_key key;
	struct ls_buf scratch; /* for details, one at a time */
	char identity[IDENTITY_MAX];
	size_t expected;
};

/** An element while it is turned into events. */
struct change {
	const struct ls_hubspot_element *element;
	const struct ls_path *path;
	struct object object;
	enum verb verb;
	uint64_t portal;
	int64_t time_ms;
	uint8_t made; /* events so far */
};

static struct object
find_object(struct ls_slice name)
{
	for (size_t i = 0; i < LS_ARRAY_LEN(objects); i++)
		if (ls_slice_eq_nocase(objects[i].classic, name) ||
			ls_slice_eq(objects[i].id, name))
			return objects[i];
	return (struct object){
		.type = name, .record = LS_RECORD_OTHER, .creation = LS_KIND_OTHER
	};
}

static enum verb
find_verb(struct ls_slice name)
{
	for (size_t i = 0; i < LS_ARRAY_LEN(verbs); i++)
		if (ls_slice_eq(verbs[i].name, name))
			return verbs[i].verb;
	return UNKNOWN;
}

static struct ls_slice
get(const struct change *change, enum ls_hubspot_field field)
{
	return change->element->field[field];
}

static struct ls_slice
type_of(const struct ls_hubspot_element *element)
{
	struct ls_slice type = ls_hubspot_get(element, LS_HUBSPOT_TYPE);
	return type.data != NULL ? type : ls_hubspot_get(element, LS_HUBSPOT_EVENT_TYPE);
}

/**
 * The element's identity: everything that tells two changes apart, and nothing that a retry
 * changes. Fields are written with their length, so that no two elements give the same bytes.
 */
static struct ls_hash128
dedupe_key(struct batch *batch, const struct change *change)
{
	static const enum ls_hubspot_field fields[] = { LS_HUBSPOT_PORTAL, LS_HUBSPOT_SUBSCRIPTION,
		LS_HUBSPOT_OBJECT, LS_HUBSPOT_OCCURRED, LS_HUBSPOT_PROPERTY, LS_HUBSPOT_EVENT,
		LS_HUBSPOT_FROM, LS_HUBSPOT_TO, LS_HUBSPOT_PRIMARY, LS_HUBSPOT_NEW,
		LS_HUBSPOT_MESSAGE };
	static const char source[] = "hubspot";
	char *bytes = batch->identity;
	size_t len = sizeof source;
	memcpy(bytes, source, sizeof source);
	bytes[len++] = (char)change->made;
	for (size_t i = 0; i <= LS_ARRAY_LEN(fields); i++) {
		struct ls_slice s = i < LS_ARRAY_LEN(fields) ? get(change, fields[i])
							     : type_of(change->element);
		size_t told = s.data != NULL ? s.len + 1 : 0;
		bytes[len++] = (char)(told & 0xff);
		bytes[len++] = (char)(told >> 8);
		if (s.len > 0)
			memcpy(bytes + len, s.data, s.len);
		len += s.len;
	}
	return ls_hash128(batch->key, bytes, len);
}

static void
detail_text(struct ls_jsonw *w, const char *key, struct ls_slice text, size_t max)
{
	if (text.data != NULL)
		ls_jsonw_kstring(w, key, ls_utf8_cut(text, max));
}

static struct ls_slice
detail(struct batch *batch, const struct change *change, bool other)
{
	struct ls_jsonw w;
	ls_buf_reset(&batch->scratch);
	ls_jsonw_init(&w, &batch->scratch);
	ls_jsonw_object(&w);
	if (other)
		detail_text(&w, "type", type_of(change->element), LS_HUBSPOT_TEXT_MAX);
	detail_text(&w, "property", get(change, LS_HUBSPOT_PROPERTY), LS_HUBSPOT_TEXT_MAX);
	if (!ls_hubspot_hidden(change->element))
		detail_text(&w, "value", get(change, LS_HUBSPOT_VALUE), DETAIL_VALUE_MAX);
	detail_text(&w, "association", get(change, LS_HUBSPOT_ASSOCIATION), LS_HUBSPOT_TEXT_MAX);
	detail_text(&w, "change_source", get(change, LS_HUBSPOT_CHANGE_SOURCE), DETAIL_NOTE_MAX);
	detail_text(&w, "source_id", get(change, LS_HUBSPOT_SOURCE_ID), DETAIL_NOTE_MAX);
	ls_jsonw_object_end(&w);
	struct ls_slice copy = ls_slice(NULL, 0);
	if (ls_slice_eq(ls_buf_slice(&batch->scratch), LS_S("{}")))
		return copy;
	if (batch->scratch.err == LS_OK)
		copy = ls_arena_copy(batch->decode.arena, ls_buf_slice(&batch->scratch));
	if (copy.data == NULL)
		batch->decode.err = LS_ERR_NOMEM;
	return copy;
}

static struct ls_ref
ref(const struct change *change, const struct object *object, struct ls_slice id)
{
	return (struct ls_ref){ .system = LS_S("hubspot"),
		.type = object->type,
		.id = id,
		.scope = change->portal,
		.record = object->record };
}

/** NULL when there is no memory: decode.err says so. */
static struct ls_event *
add_event(struct batch *batch, struct change *change, enum ls_kind kind, struct ls_slice id)
{
	struct ls_event *event = ls_decode_event(&batch->decode, batch->expected);
	if (event == NULL)
		return NULL;
	event->kind = kind;
	event->time_ms = change->time_ms;
	event->subject.ref = ref(change, &change->object, id);
	event->dedupe = dedupe_key(batch, change);
	event->detail = detail(batch, change, kind == LS_KIND_OTHER);
	change->made++;
	return event;
}

static void
fault(struct batch *batch, const struct change *change, const char *member, const char *what)
{
	const struct ls_path at = { .up = change->path, .key = ls_slice_str(member) };
	ls_decode_fault(&batch->decode, &at, ls_slice_str(what));
}

static void
map_property(struct batch *batch, struct change *change, struct ls_slice id)
{
	struct ls_hubspot_change meaning;
	struct ls_arena *arena = batch->decode.arena;
	int64_t received_ms = batch->decode.received_ms;
	if (ls_hubspot_property(arena, change->object.record, change->element, received_ms,
		    &meaning) != LS_OK) {
		batch->decode.err = LS_ERR_NOMEM;
		return;
	}
	struct ls_event *event = add_event(batch, change, meaning.kind, id);
	if (event == NULL)
		return;
	if (meaning.time_ms >= 0)
		event->time_ms = ls_decode_clamp(meaning.time_ms, received_ms);
	event->message = meaning.message;
	event->stage_probability = meaning.stage_probability;
	if (meaning.has_attribute) {
		struct ls_attribute *attribute = ls_arena_alloc(arena, sizeof *attribute);
		if (attribute == NULL) {
			batch->decode.err = LS_ERR_NOMEM;
			return;
		}
		*attribute = meaning.attribute;
		event->attributes = attribute;
		event->attribute_count = 1;
	}
	if (meaning.also != LS_KIND_OTHER)
		(void)add_event(batch, change, meaning.also, id);
}

/** Adds an id unless it is the survivor's or there already. */
static void
add_merged(const struct change *change, struct ls_slice survivor, struct ls_slice id,
	struct ls_ref *merged, size_t *count)
{
	if (id.data == NULL || ls_slice_eq(id, survivor))
		return;
	for (size_t i = 0; i < *count; i++)
		if (ls_slice_eq(merged[i].id, id))
			return;
	merged[(*count)++] = ref(change, &change->object, id);
}

/** The ids of an array that the reader has found to be sound JSON. SIZE_MAX: not all are ids, or
 * too many. */
static size_t
read_ids(struct ls_slice list, struct ls_slice ids[MERGED_MAX])
{
	struct ls_json json;
	size_t count = 0;
	ls_json_init(&json, list, NULL);
	if (list.data == NULL || !ls_json_array(&json))
		return 0;
	while (ls_json_item(&json)) {
		uint64_t value;
		struct ls_slice text;
		bool string = ls_json_peek(&json) == LS_JSON_STRING;
		if (count == MERGED_MAX ||
			!(string ? ls_json_string(&json, &text) : ls_json_raw(&json, &text)) ||
			ls_slice_to_u64(text, &value) != LS_OK)
			return SIZE_MAX;
		ids[count++] = text;
	}
	return ls_json_finish(&json) == LS_OK ? count : SIZE_MAX;
}

/** The survivor is newObjectId, which may be a third record; the others fold into it. */
static void
map_merge(struct batch *batch, struct change *change)
{
	struct ls_slice ids[MERGED_MAX];
	struct ls_slice survivor = get(change, LS_HUBSPOT_NEW);
	if (survivor.data == NULL)
		survivor = get(change, LS_HUBSPOT_OBJECT);
	if (survivor.data == NULL)
		survivor = get(change, LS_HUBSPOT_PRIMARY);
	size_t listed = read_ids(get(change, LS_HUBSPOT_MERGED), ids);
	if (listed == SIZE_MAX) {
		fault(batch, change, "mergedObjectIds", "must be at most 256 ids");
		return;
	}
	struct ls_ref *merged = ls_arena_alloc(batch->decode.arena, (listed + 1) * sizeof *merged);
	size_t count = 0;
	if (merged == NULL) {
		batch->decode.err = LS_ERR_NOMEM;
		return;
	}
	add_merged(change, survivor, get(change, LS_HUBSPOT_PRIMARY), merged, &count);
	for (size_t i = 0; i < listed; i++)
		add_merged(change, survivor, ids[i], merged, &count);
	if (survivor.data == NULL || count == 0) {
		fault(batch, change, "mergedObjectIds", "names no record that was merged");
		return;
	}
	struct ls_event *event = add_event(batch, change, LS_KIND_MERGE, survivor);
	if (event != NULL) {
		event->merged = merged;
		event->merged_count = count;
	}
}

/** Cuts CONTACT_TO_COMPANY in two. */
static bool
split_association(struct ls_slice text, struct ls_slice *from, struct ls_slice *to)
{
	const struct ls_slice middle = LS_S("_TO_");
	for (size_t i = 0; i + middle.len <= text.len; i++) {
		if (!ls_slice_eq(ls_slice(text.data + i, middle.len), middle))
			continue;
		*from = ls_slice(text.data, i);
		*to = ls_slice(text.data + i + middle.len, text.len - i - middle.len);
		return true;
	}
	return false;
}

static void
map_association(struct batch *batch, struct change *change)
{
	struct ls_slice from_type = get(change, LS_HUBSPOT_FROM_TYPE);
	struct ls_slice to_type = get(change, LS_HUBSPOT_TO_TYPE);
	struct ls_slice from = get(change, LS_HUBSPOT_FROM), to = get(change, LS_HUBSPOT_TO);
	struct object other = { .record = LS_RECORD_OTHER };
	if ((from_type.data != NULL && to_type.data != NULL) ||
		split_association(get(change, LS_HUBSPOT_ASSOCIATION), &from_type, &to_type)) {
		change->object = find_object(from_type);
		other = find_object(to_type);
	}
	if (change->object.record == LS_RECORD_OTHER || other.record == LS_RECORD_OTHER) {
		(void)add_event(batch, change, LS_KIND_OTHER, from);
		return;
	}
	if (from.data == NULL || to.data == NULL) {
		fault(batch, change, from.data == NULL ? "fromObjectId" : "toObjectId",
			"is missing");
		return;
	}
	struct ls_event *event = add_event(batch, change, LS_KIND_ASSOCIATION, from);
	if (event == NULL)
		return;
	event->other = ref(change, &other, to);
	event->removed = ls_hubspot_flag(change->element, LS_HUBSPOT_REMOVED);
	event->primary = ls_hubspot_flag(change->element, LS_HUBSPOT_IS_PRIMARY);
}

static void
map_change(struct batch *batch, struct change *change)
{
	static const enum ls_kind kinds[] = { [DELETION] = LS_KIND_DELETE,
		[RESTORE] = LS_KIND_RESTORE,
		[PRIVACY] = LS_KIND_PRIVACY_DELETE };
	struct ls_slice id = get(change, LS_HUBSPOT_OBJECT);
	enum verb verb = change->verb;
	if (verb == ASSOCIATION) {
		map_association(batch, change);
	} else if (verb == UNKNOWN || change->object.record == LS_RECORD_OTHER) {
		(void)add_event(batch, change, LS_KIND_OTHER, id);
	} else if (verb == MERGE) {
		map_merge(batch, change);
	} else if (id.data == NULL) {
		fault(batch, change, "objectId", "is missing");
	} else if (verb == PROPERTY) {
		map_property(batch, change, id);
	} else {
		(void)add_event(batch, change,
			verb == CREATION ? change->object.creation : kinds[verb], id);
	}
}

/** Portal and time: without the first nobody knows whose it is. */
static bool
read_common(struct batch *batch, struct change *change)
{
	struct ls_slice occurred = get(change, LS_HUBSPOT_OCCURRED);
	struct ls_slice portal = get(change, LS_HUBSPOT_PORTAL);
	uint64_t time_ms = 0;
	if (portal.data == NULL) {
		fault(batch, change, "portalId", "is missing");
		return false;
	}
	if (ls_slice_to_u64(portal, &change->portal) != LS_OK) {
		fault(batch, change, "portalId", "must be a whole number");
		return false;
	}
	if (occurred.data != NULL &&
		(ls_slice_to_u64(occurred, &time_ms) != LS_OK || time_ms > LS_TIME_MS_MAX)) {
		fault(batch, change, "occurredAt", "must be milliseconds since 1970");
		return false;
	}
	change->time_ms = batch->decode.received_ms;
	if (occurred.data != NULL)
		change->time_ms = ls_decode_clamp((int64_t)time_ms, change->time_ms);
	return true;
}

static void
decode_element(struct batch *batch, struct ls_json *json, const struct ls_path *path)
{
	struct ls_hubspot_element element;
	struct change change = { .element = &element, .path = path };
	if (!ls_hubspot_read(json, &batch->decode, path, &batch->order, &element))
		return;
	struct ls_slice rest = type_of(&element), object;
	if (rest.data == NULL) {
		fault(batch, &change, "subscriptionType", "is missing");
		return;
	}
	if (!read_common(batch, &change))
		return;
	(void)ls_slice_cut(&rest, '.', &object);
	struct ls_slice generic = get(&change, LS_HUBSPOT_OBJECT_TYPE);
	change.verb = rest.data != NULL ? find_verb(rest) : UNKNOWN;
	change.object = find_object(
		ls_slice_eq(object, LS_S("object")) && generic.data != NULL ? generic : object);
	map_change(batch, &change);
}

static void
decode_array(struct batch *batch, struct ls_json *json)
{
	struct ls_path path = { 0 };
	(void)ls_json_array(json);
	for (; ls_json_item(json) && batch->decode.err == LS_OK; path.index++) {
		if (path.index < CHANGES_MAX) {
			decode_element(batch, json, &path);
			continue;
		}
		if (path.index == CHANGES_MAX)
			ls_decode_fault(&batch->decode, NULL, LS_S("has more than 10,000 changes"));
		(void)ls_json_skip(json);
	}
}

static int
decode(const struct ls_source_config *config, const struct ls_source_entry *entry,
	struct ls_arena *arena, struct ls_decoded *out)
{
	struct ls_json json;
	struct batch batch = { .key = config->dedupe_key,
		.expected = entry->body.len / ELEMENT_BYTES + 1 };
	ls_decode_init(&batch.decode, arena, entry->received_ms);
	ls_buf_init(&batch.scratch, DETAIL_MAX);
	ls_json_init(&json, entry->body, arena);
	switch (ls_json_peek(&json)) {
	case LS_JSON_ARRAY:
		decode_array(&batch, &json);
		break;
	case LS_JSON_OBJECT:
		decode_element(&batch, &json, NULL);
		break;
	case LS_JSON_STRING:
	case LS_JSON_NUMBER:
	case LS_JSON_BOOL:
	case LS_JSON_NULL:
		(void)ls_json_skip(&json);
		ls_decode_fault(&batch.decode, NULL, LS_S("must be an array of changes"));
		break;
	case LS_JSON_INVALID:
		break;
	}
	ls_buf_fini(&batch.scratch);
	return ls_decode_finish(&batch.decode, &json, out);
}

const struct ls_source ls_source_hubspot = {
	.name = "hubspot",
	.help = "HubSpot webhooks: changes of contacts, companies, deals and engagements",
	.strict = false,
	.verify = ls_hubspot_verify,
	.decode = decode,
};
