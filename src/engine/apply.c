// SPDX-License-Identifier: MIT
/* Events become state. Everything that an event changes is a sum, a maximum or a union, so that no
 * order of arrival matters. */

#include <math.h>

#include "engine/engine_internal.h"

#define SYSTEM_MAX 32u
#define ID_MAX     64u
#define EMAIL_MAX  254u
#define NAME_MAX_  64u
#define STRING_MAX 1024u
#define FOREVER_MS LS_TIME_MAX
#define MERGED_MAX 1000u

static int64_t
event_time(const struct ls_event *event)
{
	return LS_MIN(LS_MAX(event->time_ms, 0), LS_TIME_MAX - 1);
}

static bool
ref_valid(const struct ls_ref *ref)
{
	return ref->system.len > 0 && ref->system.len <= SYSTEM_MAX && ref->type.len <= ID_MAX &&
	       ref->id.len > 0 && ref->id.len <= ID_MAX && (unsigned)ref->record <= LS_RECORD_OTHER;
}

static bool
text_valid(struct ls_slice s, size_t max)
{
	return s.data == NULL || (s.len > 0 && s.len <= max);
}

static bool
is_valid(const struct ls_event *event)
{
	const struct ls_subject *subject = &event->subject;
	bool has_ref = subject->ref.system.data != NULL;
	if (!has_ref && subject->email.data == NULL && subject->visitor.data == NULL)
		return false;
	if (event->merged_count > MERGED_MAX)
		return false;
	return (!has_ref || ref_valid(&subject->ref)) && text_valid(subject->email, EMAIL_MAX) &&
	       text_valid(subject->visitor, ID_MAX);
}

static bool
is_record(const struct ls_ref *ref)
{
	return ref->system.data != NULL && ref->record != LS_RECORD_LEAD;
}

/* ---- attributes */

/** Into engine->doc. */
static int
set_one(struct ls_engine *engine, struct ls_slice name, const struct ls_value *value,
	int64_t time_ms)
{
	struct ls_attr attr = { .value = *value, .set_ms = time_ms };
	bool odd = name.len == 0 || name.len > NAME_MAX_ ||
		   (value->type == LS_VALUE_NUMBER && !isfinite(value->number));
	int err = odd ? LS_ERR_LIMIT : ls_intern_put(&engine->dict.names, name, &attr.name);
	if (err == LS_ERR_NOMEM)
		return err;
	if (attr.value.type == LS_VALUE_STRING)
		attr.value.string.len = LS_MIN(attr.value.string.len, STRING_MAX);
	if (err != LS_OK || !ls_doc_set_attr(&engine->doc, &attr))
		engine->stats.attributes_refused++;
	return LS_OK;
}

static int
set_attributes(struct ls_engine *engine, const struct ls_event *event)
{
	int err = LS_OK;
	for (size_t i = 0; i < event->attribute_count && err == LS_OK; i++)
		err = set_one(engine, event->attributes[i].name, &event->attributes[i].value,
			event_time(event));
	return err;
}

/** What a kind says besides being counted. */
static int
set_implied(struct ls_engine *engine, const struct ls_event *event)
{
	struct ls_value yes = { .type = LS_VALUE_BOOL, .boolean = true };
	struct ls_value stage = { .type = LS_VALUE_NULL };
	if (event->kind == LS_KIND_EMAIL_UNSUBSCRIBE)
		return set_one(engine, LS_S("unsubscribed"), &yes, event_time(event));
	if (event->kind != LS_KIND_DEAL_STAGE)
		return LS_OK;
	if (event->stage_probability >= 0)
		stage = (struct ls_value){ .type = LS_VALUE_NUMBER,
			.number = event->stage_probability };
	return set_one(engine, LS_S("stage_probability"), &stage, event_time(event));
}

/** DELETE and RESTORE, at the key that the event named. */
static void
set_deleted(struct ls_engine *engine, const struct ls_event *event, const struct ls_key *named)
{
	struct ls_key *key = ls_doc_find_key(&engine->doc, named);
	if (key == NULL)
		return;
	if (event->kind == LS_KIND_DELETE)
		key->deleted_ms = LS_MAX(key->deleted_ms, event_time(event));
	if (event->kind == LS_KIND_RESTORE)
		key->restored_ms = LS_MAX(key->restored_ms, event_time(event));
	if (event->kind == LS_KIND_PRIVACY_DELETE)
		key->deleted_ms = FOREVER_MS;
}

/* ---- leads */

static struct ls_key
subject_key(const struct ls_engine *engine, const struct ls_subject *subject)
{
	if (subject->ref.system.data != NULL)
		return ls_key_of_person(engine, &subject->ref);
	bool email = subject->email.data != NULL;
	return (struct ls_key){
		.type = email ? LS_KEY_EMAIL : LS_KEY_VISITOR,
		.id = email ? subject->email : subject->visitor,
	};
}

static bool
changes_doc(const struct ls_event *event)
{
	return event->attribute_count > 0 || event->kind == LS_KIND_DELETE ||
	       event->kind == LS_KIND_RESTORE || event->kind == LS_KIND_EMAIL_UNSUBSCRIBE ||
	       event->kind == LS_KIND_DEAL_STAGE;
}

static int
change_doc(struct ls_engine *engine, struct ls_lead *lead, const struct ls_event *event)
{
	struct ls_key key = subject_key(engine, &event->subject);
	int err = ls_doc_unpack(&engine->dict, ls_lead_doc(lead), &engine->doc);
	if (err == LS_OK)
		err = set_attributes(engine, event);
	if (err == LS_OK)
		err = set_implied(engine, event);
	if (err != LS_OK)
		return err;
	set_deleted(engine, event, &key);
	return ls_lead_put_doc(engine, lead);
}

/** How an event comes into the activity: as planned on the packed form, or, if that cannot be, by
 * packing engine->act anew. */
struct count {
	struct ls_block block;
	struct ls_pack_plan plan;
	bool planned, wide;
};

static int
prepare_count(struct ls_engine *engine, const struct ls_lead *lead, const struct ls_event *event,
	struct count *count)
{
	unsigned kind = event->kind;
	uint64_t message = ls_message_hash(event->message);
	if (event->verdict == LS_VERDICT_MACHINE)
		kind |= LS_KIND_MACHINE;
	count->planned =
		!ls_lead_is_wide(lead) &&
		ls_pack_plan_add(lead->activity, kind, event_time(event), message, &count->plan);
	size_t size = count->plan.size;
	if (!count->planned) {
		int err = ls_unpack(
			lead->activity, ls_lead_is_wide(lead), &engine->act, engine->memory);
		if (err == LS_OK)
			err = ls_activity_add(
				&engine->act, engine->memory, kind, event_time(event), message, 1);
		if (err != LS_OK)
			return err;
		size = ls_pack_size(&engine->act, &count->wide);
	}
	return ls_block_prepare(engine, lead->activity, lead->activity_size, size, &count->block);
}

static void
commit_count(struct ls_engine *engine, struct ls_lead *lead, struct count *count)
{
	void *out = count->block.fresh ? count->block.ptr : lead->activity;
	if (count->planned)
		ls_pack_add(lead->activity, &count->plan, out);
	else
		ls_pack(&engine->act, count->wide, out);
	ls_block_commit(engine, &count->block, &lead->activity, &lead->activity_size);
	lead->flags = count->wide ? lead->flags | LS_F_WIDE : lead->flags & ~LS_F_WIDE;
}

static void
note_times(struct ls_lead *lead, const struct ls_event *event)
{
	int64_t time_ms = event_time(event);
	lead->created_ms = LS_MIN(lead->created_ms, time_ms);
	if (event->verdict != LS_VERDICT_MACHINE && ls_is_interaction(event->kind))
		lead->last_ms = LS_MAX(lead->last_ms, time_ms);
	/* that somebody was deleted does not make him known; that he was restored does */
	if (event->kind != LS_KIND_DELETE)
		lead->flags |= LS_F_VISIBLE;
}

/** Either all of the event is applied to the lead or, on failure, nothing. */
static int
change_lead(struct ls_engine *engine, struct ls_lead *lead, const struct ls_event *event)
{
	bool counts = ls_kind_is_activity(event->kind);
	struct count count = { .planned = false };
	int err = ls_lead_touch(engine, lead);
	if (err == LS_OK && counts)
		err = prepare_count(engine, lead, event, &count);
	if (err == LS_OK && changes_doc(event))
		err = change_doc(engine, lead, event);
	if (err != LS_OK) {
		ls_block_cancel(engine, &count.block);
		return err;
	}
	if (counts)
		commit_count(engine, lead, &count);
	note_times(lead, event);
	if (changes_doc(event))
		ls_lead_derive(engine, lead);
	return LS_OK;
}

static void
report_before(const struct ls_engine *engine, const struct ls_lead *lead, struct ls_applied *out)
{
	unsigned told = (lead->flags & LS_F_CATEGORY) >> LS_F_CATEGORY_SHIFT;
	out->from = told > 0 ? (enum ls_category)(told - 1) : LS_COLD;
	out->from_milli = LS_MAX(engine->rank.nodes[lead->id].score_milli, 0);
}

static void
report_after(struct ls_engine *engine, struct ls_lead *lead, struct ls_applied *out)
{
	ls_lead_rescore(engine, lead, true);
	bool visible = (lead->flags & LS_F_VISIBLE) != 0;
	out->lead_id = visible ? lead->id : 0;
	out->to_milli = LS_MAX(engine->rank.nodes[lead->id].score_milli, 0);
	out->to = ls_categorize(engine->profile, out->to_milli);
}

static int
erase(struct ls_engine *engine, const struct ls_event *event)
{
	struct ls_key key = subject_key(engine, &event->subject);
	uint32_t slot = ls_lead_find(engine, &key);
	if (slot != LS_NONE)
		return ls_lead_erase(engine, slot);
	return key.type == LS_KEY_REF ? ls_tomb_add(engine, &key) : LS_OK;
}

static int
apply_lead(struct ls_engine *engine, const struct ls_event *event, struct ls_applied *out)
{
	uint32_t slot;
	if (event->kind == LS_KIND_OTHER || event->kind == LS_KIND_UNMERGE) {
		slot = ls_resolve_known(engine, event);
		if (slot != LS_NONE && (ls_lead_at(engine, slot)->flags & LS_F_VISIBLE) != 0)
			out->lead_id = ls_lead_at(engine, slot)->id;
		return LS_OK;
	}
	if (event->kind == LS_KIND_PRIVACY_DELETE)
		return erase(engine, event);
	int err = ls_resolve(engine, event, &slot);
	if (err != LS_OK || slot == LS_NONE)
		return err;
	struct ls_lead *lead = ls_lead_at(engine, slot);
	bool known = (lead->flags & LS_F_VISIBLE) != 0;
	report_before(engine, lead, out);
	err = change_lead(engine, lead, event);
	if (err != LS_OK)
		return err;
	out->created = !known && (lead->flags & LS_F_VISIBLE) != 0;
	report_after(engine, lead, out);
	return LS_OK;
}

static bool
is_merge_valid(const struct ls_event *event)
{
	if (event->subject.ref.system.data == NULL)
		return false;
	for (size_t i = 0; i < event->merged_count; i++) {
		const struct ls_ref *ref = &event->merged[i];
		if (ref->system.data == NULL || !ref_valid(ref) ||
			ref->record != event->subject.ref.record)
			return false;
	}
	return true;
}

/** One of the ids is erased: so are all of them now. */
static int
erase_merged(struct ls_engine *engine, const struct ls_event *event)
{
	int err = LS_OK;
	for (size_t i = 0; i <= event->merged_count && err == LS_OK; i++) {
		struct ls_key key = ls_key_of_person(
			engine, i < event->merged_count ? &event->merged[i] : &event->subject.ref);
		uint32_t slot = ls_lead_find(engine, &key);
		err = slot != LS_NONE ? ls_lead_erase(engine, slot) : ls_tomb_add(engine, &key);
	}
	return err;
}

static bool
any_tomb(const struct ls_engine *engine, const struct ls_event *event)
{
	struct ls_key key = ls_key_of_person(engine, &event->subject.ref);
	bool found = ls_is_tomb(engine, &key);
	for (size_t i = 0; i < event->merged_count && !found; i++) {
		key = ls_key_of_person(engine, &event->merged[i]);
		found = ls_is_tomb(engine, &key);
	}
	return found;
}

/** The lead that stays: the subject's, else the one with the lowest id, else a new one. */
static int
merge_survivor(struct ls_engine *engine, const struct ls_event *event, uint32_t *slot)
{
	struct ls_key key = ls_key_of_person(engine, &event->subject.ref);
	uint32_t best = ls_lead_find(engine, &key);
	if (best != LS_NONE) {
		*slot = best;
		return LS_OK;
	}
	for (size_t i = 0; i < event->merged_count; i++) {
		struct ls_key other = ls_key_of_person(engine, &event->merged[i]);
		uint32_t found = ls_lead_find(engine, &other);
		if (found != LS_NONE && (best == LS_NONE || ls_lead_at(engine, found)->id <
								    ls_lead_at(engine, best)->id))
			best = found;
	}
	if (best == LS_NONE)
		return ls_resolve_key(engine, &key, slot);
	*slot = best;
	return ls_lead_add_ref(engine, best, &key);
}

static int
merge_one(struct ls_engine *engine, uint32_t slot, const struct ls_ref *ref)
{
	struct ls_key key = ls_key_of_person(engine, ref);
	uint32_t found = ls_lead_find(engine, &key);
	if (found == LS_NONE)
		return ls_lead_add_ref(engine, slot, &key);
	return found == slot ? LS_OK : ls_lead_merge(engine, slot, found);
}

static int
mark_absorbed(struct ls_engine *engine, struct ls_lead *lead, const struct ls_event *event)
{
	int err = ls_lead_touch(engine, lead);
	if (err == LS_OK)
		err = ls_doc_unpack(&engine->dict, ls_lead_doc(lead), &engine->doc);
	if (err != LS_OK)
		return err;
	for (size_t i = 0; i < event->merged_count; i++) {
		struct ls_key merged = ls_key_of_person(engine, &event->merged[i]);
		struct ls_key subject = ls_key_of_person(engine, &event->subject.ref);
		struct ls_key *key = ls_doc_find_key(&engine->doc, &merged);
		if (key != NULL && !ls_key_eq(&merged, &subject))
			key->absorbed = true;
	}
	return ls_lead_put_doc(engine, lead);
}

static int
apply_merge(struct ls_engine *engine, const struct ls_event *event, struct ls_applied *out)
{
	uint32_t slot;
	if (any_tomb(engine, event))
		return erase_merged(engine, event);
	int err = merge_survivor(engine, event, &slot);
	if (err != LS_OK)
		return err;
	struct ls_lead *lead = ls_lead_at(engine, slot);
	report_before(engine, lead, out);
	for (size_t i = 0; i < event->merged_count && err == LS_OK; i++)
		err = merge_one(engine, slot, &event->merged[i]);
	if (err == LS_OK)
		err = mark_absorbed(engine, lead, event);
	if (err == LS_OK)
		report_after(engine, lead, out);
	return err;
}

/* ---- records */

static int
change_record_doc(
	struct ls_engine *engine, struct ls_engine_record *record, const struct ls_event *event)
{
	struct ls_key key = ls_key_of_record(&event->subject.ref);
	int err = ls_doc_unpack(&engine->dict, ls_record_doc(record), &engine->doc);
	for (size_t i = 0; i < event->attribute_count && err == LS_OK; i++) {
		const struct ls_attribute *attr = &event->attributes[i];
		if (ls_record_keeps(record->class_, attr->name))
			err = set_one(engine, attr->name, &attr->value, event_time(event));
	}
	if (err != LS_OK)
		return err;
	set_deleted(engine, event, &key);
	return ls_record_put_doc(engine, record);
}

static void
set_registers(struct ls_engine_record *record, const struct ls_event *event)
{
	int64_t time_ms = event_time(event);
	bool known = event->stage_probability >= 0 && isfinite(event->stage_probability);
	double stage = known ? event->stage_probability : -1;
	if (record->class_ == LS_RECORD_ACTIVITY && ls_kind_is_activity(event->kind) &&
		(time_ms > record->kind_ms ||
			(time_ms == record->kind_ms && event->kind > record->kind))) {
		record->kind_ms = time_ms;
		record->kind = (uint16_t)event->kind;
	}
	if (record->class_ == LS_RECORD_DEAL && event->kind == LS_KIND_DEAL_STAGE &&
		(time_ms > record->stage_ms ||
			(time_ms == record->stage_ms && stage > record->stage))) {
		record->stage_ms = time_ms;
		record->stage = stage;
	}
}

static int
merge_records(struct ls_engine *engine, const struct ls_event *event, uint32_t id)
{
	int err = LS_OK;
	for (size_t i = 0; i < event->merged_count && err == LS_OK; i++) {
		uint32_t gone;
		err = ls_record_resolve(engine, &event->merged[i], &gone);
		if (err == LS_OK && gone != id)
			err = ls_record_merge(engine, id, gone);
	}
	if (err == LS_OK)
		err = ls_record_touch(engine, id);
	struct ls_engine_record *record = ls_record_at(engine, id);
	if (err == LS_OK)
		err = ls_doc_unpack(&engine->dict, ls_record_doc(record), &engine->doc);
	if (err != LS_OK)
		return err;
	for (size_t i = 0; i < event->merged_count; i++) {
		struct ls_key merged = ls_key_of_record(&event->merged[i]);
		struct ls_key subject = ls_key_of_record(&event->subject.ref);
		struct ls_key *key = ls_doc_find_key(&engine->doc, &merged);
		if (key != NULL && !ls_key_eq(&merged, &subject))
			key->absorbed = true;
	}
	return ls_record_put_doc(engine, record);
}

static int
apply_record(struct ls_engine *engine, const struct ls_event *event, struct ls_applied *out)
{
	uint32_t id;
	const struct ls_ref *ref = &event->subject.ref;
	struct ls_key key = ls_key_of_record(ref);
	if (ref->record == LS_RECORD_OTHER || event->kind == LS_KIND_OTHER ||
		event->kind == LS_KIND_UNMERGE) {
		uint32_t known = ls_record_find(engine, &key);
		out->record_id = known != LS_MAP_NONE ? known : 0;
		return LS_OK;
	}
	int err = ls_record_resolve(engine, ref, &id);
	if (err == LS_OK)
		err = ls_record_touch(engine, id);
	if (err != LS_OK)
		return err;
	if (event->kind == LS_KIND_MERGE)
		err = merge_records(engine, event, id);
	else
		err = change_record_doc(engine, ls_record_at(engine, id), event);
	if (err != LS_OK)
		return err;
	set_registers(ls_record_at(engine, id), event);
	out->record_id = id;
	ls_record_spread(engine, id, out);
	return LS_OK;
}

/* ---- associations */

static int
link_up(struct ls_engine *engine, const struct ls_event *event, uint32_t slot, uint32_t id)
{
	uint32_t flags =
		(event->removed ? LS_LINK_REMOVED : 0) | (event->primary ? LS_LINK_PRIMARY : 0);
	uint32_t link = ls_link_find(engine, slot, id);
	struct ls_lead *lead = ls_lead_at(engine, slot);
	bool changed;
	int err = ls_lead_touch(engine, lead);
	if (err == LS_OK && link == LS_NONE)
		err = ls_link_new(engine, slot, id, &link);
	if (err != LS_OK)
		return err;
	if (!ls_link_join(&engine->links[link], event_time(event), flags))
		return LS_OK;
	if (ls_links_count(engine, lead, link, &changed) != LS_OK)
		engine->lazy_rounds = 2;
	ls_lead_derive(engine, lead);
	return LS_OK;
}

static int
apply_association(struct ls_engine *engine, const struct ls_event *event, struct ls_applied *out)
{
	const struct ls_ref *a = &event->subject.ref, *b = &event->other;
	uint32_t slot, id;
	if (a->system.data == NULL || b->system.data == NULL || !ref_valid(b))
		return LS_ERR_INVALID;
	const struct ls_ref *person = is_record(a) ? b : a, *record = is_record(a) ? a : b;
	struct ls_key key = ls_key_of_person(engine, person);
	if (is_record(person) || !is_record(record) || record->record == LS_RECORD_OTHER ||
		ls_is_tomb(engine, &key))
		return LS_OK;
	int err = ls_record_resolve(engine, record, &id);
	if (err == LS_OK)
		err = ls_resolve_key(engine, &key, &slot);
	if (err != LS_OK)
		return err;
	struct ls_lead *lead = ls_lead_at(engine, slot);
	report_before(engine, lead, out);
	err = link_up(engine, event, slot, id);
	if (err != LS_OK)
		return err;
	out->record_id = id;
	out->linked_id = lead->id;
	report_after(engine, lead, out);
	return LS_OK;
}

static int
dispatch(struct ls_engine *engine, const struct ls_event *event, struct ls_applied *out)
{
	if (event->kind == LS_KIND_ASSOCIATION)
		return apply_association(engine, event, out);
	if (event->kind == LS_KIND_MERGE && !is_merge_valid(event))
		return LS_ERR_INVALID;
	if (is_record(&event->subject.ref))
		return apply_record(engine, event, out);
	if (event->kind == LS_KIND_MERGE)
		return apply_merge(engine, event, out);
	return apply_lead(engine, event, out);
}

int
ls_engine_apply(struct ls_engine *engine, const struct ls_event *event, int64_t now_ms,
	struct ls_applied *out)
{
	struct ls_applied applied = { 0 };
	int err = is_valid(event) ? LS_OK : LS_ERR_INVALID;
	if (err == LS_OK && ls_moment_now_ms(engine->moment) != now_ms)
		err = ls_moment_set(engine->moment, engine->profile, now_ms);
	if (err == LS_OK)
		err = dispatch(engine, event, &applied);
	if (err != LS_OK) {
		engine->stats.rejected++;
		return err;
	}
	engine->stats.applied++;
	*out = applied;
	return LS_OK;
}
