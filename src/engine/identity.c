// SPDX-License-Identifier: MIT
/*
 * Who an event is about. Keys of an event, strongest first, name one lead: those that are unknown
 * are added to it, and leads that they name apart are joined, unless both have an id of the same
 * account in the same system (only a MERGE joins those), or a visitor's browser is already somebody
 * known. A key that may not be joined stays where it is; the event counts for the strongest.
 */

#include "base/canon.h"
#include "engine/engine_internal.h"

#define EVENT_KEYS 4u

/* Tombs are compared by this hash and stored: the key never changes. */
static const struct ls_hash_key tomb_key = { 0x6c656164746f6d62u, 0x7265737420696e20u };

struct ls_key
ls_key_of_ref(const struct ls_ref *ref)
{
	return (struct ls_key){
		.type = LS_KEY_REF,
		.system = ref->system,
		.scope = ref->scope,
		.id = ref->id,
		.deleted_ms = LS_NEVER,
		.restored_ms = LS_NEVER,
	};
}

struct ls_key
ls_key_of_person(const struct ls_engine *engine, const struct ls_ref *ref)
{
	struct ls_key key = ls_key_of_ref(ref);
	if (key.scope != 0 || engine->account_count == 0 ||
		ls_lead_find(engine, &key) != LS_MAP_NONE)
		return key;
	uint32_t system = ls_intern_find(&engine->dict.names, key.system);
	for (size_t i = 0; i < engine->account_count; i++) {
		struct ls_key scoped = key;
		scoped.scope = engine->accounts[i].scope;
		if (engine->accounts[i].system == system &&
			(ls_lead_find(engine, &scoped) != LS_MAP_NONE ||
				ls_is_tomb(engine, &scoped)))
			return scoped;
	}
	return key;
}

static struct ls_key
weak_key(enum ls_key_type type, struct ls_slice id)
{
	return (struct ls_key){
		.type = type,
		.id = id,
		.deleted_ms = LS_NEVER,
		.restored_ms = LS_NEVER,
	};
}

static bool
lead_has_key(const void *ctx, uint32_t value, const void *key)
{
	const struct ls_engine *engine = ctx;
	return ls_doc_has_key(&engine->dict, ls_lead_doc(ls_lead_at(engine, value)), key);
}

uint32_t
ls_lead_find(const struct ls_engine *engine, const struct ls_key *key)
{
	return ls_map_find(
		&engine->keys, ls_key_hash(engine->hash_key, key), lead_has_key, engine, key);
}

void
ls_note_account(struct ls_engine *engine, const struct ls_key *key)
{
	uint32_t system = ls_intern_find(&engine->dict.names, key->system);
	if (key->type != LS_KEY_REF || key->scope == 0 || system == LS_MAP_NONE ||
		engine->account_count == LS_ACCOUNTS_MAX)
		return;
	for (size_t i = 0; i < engine->account_count; i++) {
		if (engine->accounts[i].system == system && engine->accounts[i].scope == key->scope)
			return;
	}
	engine->accounts[engine->account_count++] =
		(struct ls_account){ .system = system, .scope = key->scope };
}

/* ---- tombs */

static bool
same_tomb(const void *ctx, uint32_t value, const void *key)
{
	return memcmp(ls_record_at(ctx, value)->doc, key, sizeof(struct ls_hash128)) == 0;
}

static struct ls_hash128
tomb_hash(const struct ls_key *key)
{
	struct ls_hash_key other = { ~tomb_key.k0, ~tomb_key.k1 };
	return (struct ls_hash128){
		.lo = ls_key_hash(tomb_key, key),
		.hi = ls_key_hash(other, key),
	};
}

bool
ls_is_tomb(const struct ls_engine *engine, const struct ls_key *key)
{
	if (engine->tomb_count == 0)
		return false;
	struct ls_hash128 hash = tomb_hash(key);
	return ls_map_find(&engine->tombs, hash.lo, same_tomb, engine, &hash) != LS_MAP_NONE;
}

/* The lead's id is kept with it, so that it is never given to somebody else. */
int
ls_tomb_load(struct ls_engine *engine, uint32_t id, struct ls_hash128 hash, uint32_t lead_id)
{
	uint32_t record;
	const uint32_t size = sizeof hash + sizeof lead_id;
	char *bytes = ls_slab_alloc(&engine->slab, size);
	if (bytes == NULL)
		return LS_ERR_NOMEM;
	int err = ls_map_reserve(&engine->tombs, engine->tombs.used + 1);
	if (err == LS_OK)
		err = ls_record_new(engine, id, &record);
	if (err != LS_OK) {
		ls_slab_free(&engine->slab, bytes, size);
		return err;
	}
	memcpy(bytes, &hash, sizeof hash);
	memcpy(bytes + sizeof hash, &lead_id, sizeof lead_id);
	struct ls_engine_record *tomb = ls_record_at(engine, record);
	tomb->flags |= LS_F_TOMB;
	tomb->class_ = LS_RECORD_OTHER;
	tomb->doc = bytes;
	tomb->doc_size = size;
	engine->tomb_count++;
	engine->next_id = LS_MAX(engine->next_id, lead_id + 1);
	return ls_map_insert(&engine->tombs, hash.lo, record);
}

static int
add_tomb(struct ls_engine *engine, const struct ls_key *key, uint32_t lead_id)
{
	if (ls_is_tomb(engine, key))
		return LS_OK;
	uint32_t id = engine->record_end;
	/* room first: a tomb that is not written would be forgotten by a restart */
	int err = ls_dirty_reserve(engine);
	if (err == LS_OK)
		err = ls_tomb_load(engine, id, tomb_hash(key), lead_id);
	return err != LS_OK ? err : ls_record_touch(engine, id);
}

int
ls_tomb_add(struct ls_engine *engine, const struct ls_key *key)
{
	return add_tomb(engine, key, 0);
}

/* ---- joining */

static bool
same_account(const struct ls_key *a, const struct ls_key *b)
{
	return a->type == LS_KEY_REF && b->type == LS_KEY_REF && a->scope == b->scope &&
	       ls_slice_eq(a->system, b->system);
}

/** Whether the lead has an id of the same account as `key`. */
static bool
has_account(const struct ls_engine *engine, uint32_t slot, const struct ls_key *key)
{
	struct ls_doc_reader r =
		ls_doc_reader(&engine->dict, ls_lead_doc(ls_lead_at(engine, slot)));
	struct ls_key one;
	while (ls_doc_next_key(&r, &one)) {
		if (same_account(&one, key))
			return true;
	}
	return false;
}

static bool
share_account(const struct ls_engine *engine, uint32_t a, uint32_t b)
{
	struct ls_doc_reader r = ls_doc_reader(&engine->dict, ls_lead_doc(ls_lead_at(engine, a)));
	struct ls_key one;
	while (ls_doc_next_key(&r, &one)) {
		if (one.type == LS_KEY_REF && has_account(engine, b, &one))
			return true;
	}
	return false;
}

static bool
is_anonymous(const struct ls_engine *engine, uint32_t slot)
{
	struct ls_doc_reader r =
		ls_doc_reader(&engine->dict, ls_lead_doc(ls_lead_at(engine, slot)));
	struct ls_key one;
	while (ls_doc_next_key(&r, &one)) {
		if (one.type == LS_KEY_REF || one.type == LS_KEY_EMAIL)
			return false;
	}
	return true;
}

/** An event's keys, strongest first, and what becomes of them. */
struct plan {
	struct ls_key keys[EVENT_KEYS];
	size_t count;
	const struct ls_key *missing[EVENT_KEYS]; /* to be added to the lead */
	size_t missing_count;
	uint32_t target;
	char email[LS_EMAIL_MAX + 1];
};

static void
plan_init(struct plan *plan, uint32_t target)
{
	plan->count = 0;
	plan->missing_count = 0;
	plan->target = target;
}

/* An e-mail among the attributes of a CRM's event is a key too. */
static void
add_email_attribute(struct plan *plan, const struct ls_event *event)
{
	size_t len;
	for (size_t i = 0; i < event->attribute_count; i++) {
		const struct ls_attribute *attr = &event->attributes[i];
		if (attr->value.type != LS_VALUE_STRING ||
			!ls_slice_eq(attr->name, LS_S("email")) ||
			ls_canon_email(attr->value.string, plan->email, &len) != LS_OK)
			continue;
		struct ls_slice email = ls_slice(plan->email, len);
		if (event->subject.email.data == NULL || !ls_slice_eq(email, event->subject.email))
			plan->keys[plan->count++] = weak_key(LS_KEY_EMAIL, email);
		return;
	}
}

static void
plan_keys(const struct ls_engine *engine, struct plan *plan, const struct ls_event *event)
{
	const struct ls_subject *subject = &event->subject;
	if (subject->ref.system.data != NULL)
		plan->keys[plan->count++] = ls_key_of_person(engine, &subject->ref);
	if (subject->email.data != NULL)
		plan->keys[plan->count++] = weak_key(LS_KEY_EMAIL, subject->email);
	if (subject->ref.system.data != NULL)
		add_email_attribute(plan, event);
	if (subject->visitor.data != NULL)
		plan->keys[plan->count++] = weak_key(LS_KEY_VISITOR, subject->visitor);
}

/** Whether the lead in `slot`, found by `key`, may become one with the event's stronger keys. */
static bool
may_join(const struct ls_engine *engine, const struct plan *plan, const struct ls_key *key,
	uint32_t slot)
{
	if (key->type == LS_KEY_VISITOR)
		return is_anonymous(engine, slot);
	for (size_t i = 0; i < plan->missing_count; i++) {
		if (has_account(engine, slot, plan->missing[i]))
			return false;
	}
	return plan->target == LS_NONE || !share_account(engine, plan->target, slot);
}

static bool
has_scope(const struct ls_engine *engine, uint32_t slot, struct ls_slice system)
{
	struct ls_doc_reader r =
		ls_doc_reader(&engine->dict, ls_lead_doc(ls_lead_at(engine, slot)));
	struct ls_key one;
	while (ls_doc_next_key(&r, &one)) {
		if (one.type == LS_KEY_REF && one.scope != 0 && ls_slice_eq(one.system, system))
			return true;
	}
	return false;
}

/** The lead whose id was given without its account before: the first one that has it is meant. */
static uint32_t
find_unscoped(const struct ls_engine *engine, const struct ls_key *key)
{
	struct ls_key bare = *key;
	if (key->type != LS_KEY_REF || key->scope == 0)
		return LS_MAP_NONE;
	bare.scope = 0;
	uint32_t slot = ls_lead_find(engine, &bare);
	return slot == LS_MAP_NONE || has_scope(engine, slot, key->system) ? LS_MAP_NONE : slot;
}

static int
join(struct ls_engine *engine, struct plan *plan, const struct ls_key *key)
{
	uint32_t slot = ls_lead_find(engine, key);
	if (slot == LS_MAP_NONE) {
		if (plan->target == LS_NONE && plan->missing_count == 0)
			plan->target = find_unscoped(engine, key);
		plan->missing[plan->missing_count++] = key;
		return LS_OK;
	}
	if (slot == plan->target)
		return LS_OK;
	bool first = plan->target == LS_NONE && plan->missing_count == 0;
	if (!first && !may_join(engine, plan, key, slot)) {
		engine->stats.conflicts++;
		return LS_OK;
	}
	if (plan->target != LS_NONE)
		return ls_lead_merge(engine, plan->target, slot);
	plan->target = slot;
	return LS_OK;
}

/** Adds the keys that nobody has. Those of browsers and e-mails beyond the limit are left out. */
static int
add_missing(struct ls_engine *engine, const struct plan *plan)
{
	struct ls_lead *lead = ls_lead_at(engine, plan->target);
	const struct ls_key *added[EVENT_KEYS];
	size_t count = 0;
	int err = ls_map_reserve(&engine->keys, engine->keys.used + plan->missing_count);
	if (err == LS_OK)
		err = ls_doc_unpack(&engine->dict, ls_lead_doc(lead), &engine->doc);
	for (size_t i = 0; i < plan->missing_count && err == LS_OK; i++) {
		err = ls_doc_add_key(&engine->doc, plan->missing[i]);
		if (err == LS_OK)
			added[count++] = plan->missing[i];
		if (err == LS_ERR_LIMIT && plan->missing[i]->type != LS_KEY_REF) {
			engine->stats.conflicts++;
			err = LS_OK;
		}
	}
	if (err == LS_OK)
		err = ls_lead_touch(engine, lead);
	if (err == LS_OK)
		err = ls_lead_put_doc(engine, lead);
	for (size_t i = 0; i < count && err == LS_OK; i++) {
		ls_note_account(engine, added[i]);
		err = ls_map_insert(
			&engine->keys, ls_key_hash(engine->hash_key, added[i]), plan->target);
	}
	return err;
}

static int
carry_out(struct ls_engine *engine, struct plan *plan)
{
	int err = LS_OK;
	bool made = plan->target == LS_NONE;
	if (plan->missing_count == 0)
		return LS_OK;
	if (made)
		err = ls_lead_new(engine, 0, &plan->target);
	if (err != LS_OK)
		return err;
	err = add_missing(engine, plan);
	if (err != LS_OK && made) {
		engine->rank.nodes[ls_lead_at(engine, plan->target)->id].slot = LS_RANK_NONE;
		ls_lead_release(engine, plan->target);
	}
	return err;
}

int
ls_resolve(struct ls_engine *engine, const struct ls_event *event, uint32_t *slot)
{
	LS_UNINITIALIZED struct plan plan;
	int err = LS_OK;
	plan_init(&plan, LS_NONE);
	plan_keys(engine, &plan, event);
	if (plan.count > 0 && plan.keys[0].type == LS_KEY_REF &&
		ls_is_tomb(engine, &plan.keys[0])) {
		*slot = LS_NONE;
		return LS_OK;
	}
	for (size_t i = 0; i < plan.count && err == LS_OK; i++)
		err = join(engine, &plan, &plan.keys[i]);
	if (err == LS_OK)
		err = carry_out(engine, &plan);
	if (err == LS_OK)
		*slot = plan.target;
	return err;
}

int
ls_resolve_key(struct ls_engine *engine, const struct ls_key *key, uint32_t *slot)
{
	LS_UNINITIALIZED struct plan plan;
	plan_init(&plan, LS_NONE);
	int err = join(engine, &plan, key);
	if (err == LS_OK)
		err = carry_out(engine, &plan);
	if (err == LS_OK)
		*slot = plan.target;
	return err;
}

int
ls_lead_add_ref(struct ls_engine *engine, uint32_t slot, const struct ls_key *key)
{
	LS_UNINITIALIZED struct plan plan;
	plan_init(&plan, slot);
	plan.missing[plan.missing_count++] = key;
	return add_missing(engine, &plan);
}

uint32_t
ls_resolve_known(const struct ls_engine *engine, const struct ls_event *event)
{
	LS_UNINITIALIZED struct plan plan;
	plan_init(&plan, LS_NONE);
	plan_keys(engine, &plan, event);
	if (plan.count > 0 && plan.keys[0].type == LS_KEY_REF && ls_is_tomb(engine, &plan.keys[0]))
		return LS_NONE;
	uint32_t slot = LS_NONE;
	for (size_t i = 0; i < plan.count && slot == LS_NONE; i++)
		slot = ls_lead_find(engine, &plan.keys[i]);
	return slot;
}

/* ---- merging */

/** Activity of both in engine->act; what both count for the same record is in it once. */
static int
add_up_activity(struct ls_engine *engine, uint32_t into, uint32_t gone)
{
	const struct ls_lead *a = ls_lead_at(engine, into), *b = ls_lead_at(engine, gone);
	int err = ls_unpack(a->activity, ls_lead_is_wide(a), &engine->act, engine->memory);
	if (err == LS_OK)
		err = ls_unpack(b->activity, ls_lead_is_wide(b), &engine->act2, engine->memory);
	for (uint32_t i = b->links; i != LS_NONE && err == LS_OK; i = engine->links[i].lead_next) {
		const struct ls_link *link = &engine->links[i];
		if (link->counted == 0 || ls_link_find(engine, into, link->record) == LS_NONE)
			continue;
		err = ls_activity_add(&engine->act2, engine->memory, ls_cell_kind(link->counted),
			ls_cell_hour(link->counted) * LS_HOUR_MS, 0, -1);
	}
	if (err == LS_OK)
		err = ls_activity_merge(&engine->act, engine->memory, &engine->act2, +1);
	return err;
}

int
ls_docs_add_up(
	struct ls_engine *engine, struct ls_slice into, struct ls_slice gone, uint64_t gone_id)
{
	struct ls_key alias = weak_key(LS_KEY_ALIAS, ls_slice(NULL, 0));
	alias.scope = gone_id;
	int err = ls_doc_unpack(&engine->dict, into, &engine->doc);
	if (err == LS_OK)
		err = ls_doc_unpack(&engine->dict, gone, &engine->doc2);
	if (err == LS_OK)
		err = ls_doc_add_key(&engine->doc, &alias);
	for (size_t i = 0; i < engine->doc2.key_count && err == LS_OK; i++)
		err = ls_doc_add_key(&engine->doc, &engine->doc2.keys[i]);
	for (size_t i = 0; i < engine->doc2.attr_count && err == LS_OK; i++) {
		if (!ls_doc_set_attr(&engine->doc, &engine->doc2.attrs[i]))
			engine->stats.attributes_refused++;
	}
	return err;
}

static void
move_keys(struct ls_engine *engine, uint32_t into, uint32_t gone)
{
	uint32_t alias = LS_ALIAS | ls_lead_at(engine, into)->id;
	for (size_t i = 0; i < engine->doc2.key_count; i++) {
		const struct ls_key *key = &engine->doc2.keys[i];
		uint64_t hash = ls_key_hash(engine->hash_key, key);
		if (key->type == LS_KEY_ALIAS) {
			engine->rank.nodes[key->scope].slot = alias;
			continue;
		}
		ls_assert(ls_map_remove(&engine->keys, hash, gone));
		/* takes the place that has just become free: cannot fail */
		ls_assert(ls_map_insert(&engine->keys, hash, into) == LS_OK);
	}
	engine->rank.nodes[ls_lead_at(engine, gone)->id].slot = alias;
}

static void
move_links(struct ls_engine *engine, uint32_t into, uint32_t gone)
{
	struct ls_lead *b = ls_lead_at(engine, gone);
	while (b->links != LS_NONE) {
		uint32_t at = b->links;
		struct ls_link *link = &engine->links[at];
		uint32_t same = ls_link_find(engine, into, link->record);
		if (same == LS_NONE) {
			ls_link_move_lead(engine, at, into);
			continue;
		}
		(void)ls_link_join(&engine->links[same], link->time_ms, link->flags);
		ls_link_free(engine, at);
	}
}

int
ls_lead_merge(struct ls_engine *engine, uint32_t into, uint32_t gone)
{
	struct ls_lead *a = ls_lead_at(engine, into), *b = ls_lead_at(engine, gone);
	struct ls_block block = { 0 };
	bool wide, changed;
	if (a->link_count + b->link_count > LS_LINKS_MAX)
		return LS_ERR_LIMIT;
	int err = ls_gone_reserve(engine, 1);
	if (err == LS_OK)
		err = ls_lead_touch(engine, a);
	if (err == LS_OK)
		err = ls_lead_touch(engine, b);
	if (err == LS_OK)
		err = add_up_activity(engine, into, gone);
	if (err == LS_OK)
		err = ls_docs_add_up(engine, ls_lead_doc(a), ls_lead_doc(b), b->id);
	if (err != LS_OK)
		return err;
	size_t size = ls_pack_size(&engine->act, &wide);
	err = ls_block_prepare(engine, a->activity, a->activity_size, size, &block);
	if (err != LS_OK)
		return err;
	err = ls_lead_put_doc(engine, a);
	if (err != LS_OK) {
		ls_block_cancel(engine, &block);
		return err;
	}
	/* from here on nothing fails */
	ls_block_commit(engine, &block, &a->activity, &a->activity_size);
	if (size > 0)
		ls_pack(&engine->act, wide, a->activity);
	a->flags = (a->flags & ~LS_F_WIDE) | (wide ? LS_F_WIDE : 0) | (b->flags & LS_F_VISIBLE);
	a->last_ms = LS_MAX(a->last_ms, b->last_ms);
	a->created_ms = LS_MIN(a->created_ms, b->created_ms);
	move_keys(engine, into, gone);
	move_links(engine, into, gone);
	b->flags &= ~LS_F_VISIBLE;
	ls_lead_place(engine, b, -1, true);
	ls_gone_add(engine, b->id, false);
	ls_lead_release(engine, gone);
	/* links that agreed on another time may count otherwise now; the sweep repairs a failure */
	if (ls_links_count(engine, a, LS_NONE, &changed) != LS_OK)
		engine->lazy_rounds = 2;
	ls_lead_derive(engine, a);
	engine->stats.merges++;
	return LS_OK;
}

/* ---- erasing */

int
ls_lead_erase(struct ls_engine *engine, uint32_t slot)
{
	struct ls_lead *lead = ls_lead_at(engine, slot);
	int err = ls_doc_unpack(&engine->dict, ls_lead_doc(lead), &engine->doc);
	if (err == LS_OK)
		err = ls_gone_reserve(engine, engine->doc.key_count + 1);
	if (err == LS_OK)
		err = ls_lead_touch(engine, lead);
	for (size_t i = 0; i < engine->doc.key_count && err == LS_OK; i++) {
		if (engine->doc.keys[i].type == LS_KEY_REF)
			err = add_tomb(engine, &engine->doc.keys[i], lead->id);
	}
	if (err != LS_OK)
		return err;
	for (size_t i = 0; i < engine->doc.key_count; i++) {
		const struct ls_key *key = &engine->doc.keys[i];
		if (key->type == LS_KEY_ALIAS) {
			engine->rank.nodes[key->scope].slot = LS_RANK_NONE;
			ls_gone_add(engine, (uint32_t)key->scope, true);
			continue;
		}
		ls_assert(ls_map_remove(&engine->keys, ls_key_hash(engine->hash_key, key), slot));
	}
	while (lead->links != LS_NONE)
		ls_link_free(engine, lead->links);
	lead->flags &= ~LS_F_VISIBLE;
	ls_lead_place(engine, lead, -1, true);
	engine->rank.nodes[lead->id].slot = LS_RANK_NONE;
	ls_gone_add(engine, lead->id, true);
	ls_lead_release(engine, slot);
	return LS_OK;
}
