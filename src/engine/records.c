// SPDX-License-Identifier: MIT
/* CRM records that are no leads: companies, deals, activities. */

#include "engine/engine_internal.h"

#define RECORDS_PER_LEAD 4u /* of the maximum number of leads: the maximum number of records */

struct ls_key
ls_key_of_record(const struct ls_ref *ref)
{
	struct ls_key key = ls_key_of_ref(ref);
	key.rtype = ref->type;
	/* the same id may be a company and a deal where a system does not tell types */
	if (key.rtype.len == 0) {
		static const char *const names[] = { "lead", "company", "deal", "activity",
			"other" };
		key.rtype = ls_slice_str(names[ref->record]);
	}
	return key;
}

static bool
record_has_key(const void *ctx, uint32_t value, const void *key)
{
	const struct ls_engine *engine = ctx;
	return ls_doc_has_key(&engine->dict, ls_record_doc(ls_record_at(engine, value)), key);
}

uint32_t
ls_record_find(const struct ls_engine *engine, const struct ls_key *key)
{
	return ls_map_find(&engine->record_keys, ls_key_hash(engine->hash_key, key), record_has_key,
		engine, key);
}

int
ls_record_new(struct ls_engine *engine, uint32_t id, uint32_t *out)
{
	if (id == 0)
		id = engine->record_end;
	if (id > LS_ID_MAX || id / LS_IDS_PER_MAX > engine->max_leads ||
		engine->record_count >= engine->max_leads * RECORDS_PER_LEAD)
		return LS_ERR_LIMIT;
	int err = ls_chunks_reserve(
		&engine->records, &engine->record_chunks, id, sizeof(struct ls_engine_record));
	if (err != LS_OK)
		return err;
	*ls_record_at(engine, id) = (struct ls_engine_record){
		.flags = LS_F_USED,
		.kind_ms = LS_NEVER,
		.stage_ms = LS_NEVER,
		.stage = -1,
		.links = LS_NONE,
	};
	engine->record_end = LS_MAX(engine->record_end, id + 1);
	engine->record_count++;
	*out = id;
	return LS_OK;
}

static void
forget(struct ls_engine *engine, uint32_t id)
{
	struct ls_engine_record *record = ls_record_at(engine, id);
	ls_slab_free(&engine->slab, record->doc, record->doc_size);
	*record = (struct ls_engine_record){ .links = LS_NONE };
	engine->record_count--;
}

int
ls_record_resolve(struct ls_engine *engine, const struct ls_ref *ref, uint32_t *id)
{
	struct ls_key key = ls_key_of_record(ref);
	uint32_t found = ls_record_find(engine, &key);
	if (found != LS_MAP_NONE) {
		*id = found;
		return LS_OK;
	}
	engine->doc.key_count = 0;
	engine->doc.attr_count = 0;
	int err = ls_doc_add_key(&engine->doc, &key);
	if (err == LS_OK)
		err = ls_map_reserve(&engine->record_keys, engine->record_keys.used + 1);
	if (err == LS_OK)
		err = ls_record_new(engine, 0, &found);
	if (err != LS_OK)
		return err;
	struct ls_engine_record *record = ls_record_at(engine, found);
	record->class_ = (uint8_t)ref->record;
	err = ls_record_put_doc(engine, record);
	if (err == LS_OK)
		err = ls_record_touch(engine, found);
	if (err != LS_OK) {
		forget(engine, found);
		return err;
	}
	*id = found;
	return ls_map_insert(&engine->record_keys, ls_key_hash(engine->hash_key, &key), found);
}

/* ---- merging */

/** What is left of `gone` in the activity of a lead that is linked to both is taken back. */
static int
move_links(struct ls_engine *engine, uint32_t into, uint32_t gone)
{
	while (ls_record_at(engine, gone)->links != LS_NONE) {
		uint32_t at = ls_record_at(engine, gone)->links;
		struct ls_link *link = &engine->links[at];
		struct ls_lead *lead = ls_lead_at(engine, link->lead);
		bool changed;
		int err = ls_lead_touch(engine, lead);
		uint32_t same = ls_link_find(engine, link->lead, into);
		if (err == LS_OK && same != LS_NONE) {
			int64_t time_ms = link->time_ms;
			uint32_t flags = link->flags;
			link->flags |= LS_LINK_REMOVED;
			err = ls_links_count(engine, lead, at, &changed);
			if (err != LS_OK)
				link->flags = flags;
			else
				(void)ls_link_join(&engine->links[same], time_ms, flags);
		}
		if (err != LS_OK)
			return err;
		if (same != LS_NONE)
			ls_link_free(engine, at);
		else
			ls_link_move_record(engine, at, into);
	}
	return LS_OK;
}

int
ls_record_merge(struct ls_engine *engine, uint32_t into, uint32_t gone)
{
	struct ls_engine_record *a = ls_record_at(engine, into), *b = ls_record_at(engine, gone);
	int err = ls_gone_reserve(engine, 1);
	if (err == LS_OK)
		err = ls_record_touch(engine, into);
	if (err == LS_OK)
		err = ls_record_touch(engine, gone);
	/* links one by one: a failure in between leaves two records that the next try merges */
	if (err == LS_OK)
		err = move_links(engine, into, gone);
	if (err == LS_OK)
		err = ls_docs_add_up(engine, ls_record_doc(a), ls_record_doc(b), gone);
	if (err == LS_OK)
		err = ls_record_put_doc(engine, a);
	if (err != LS_OK)
		return err;
	if (b->kind_ms > a->kind_ms || (b->kind_ms == a->kind_ms && b->kind > a->kind)) {
		a->kind_ms = b->kind_ms;
		a->kind = b->kind;
	}
	if (b->stage_ms > a->stage_ms || (b->stage_ms == a->stage_ms && b->stage > a->stage)) {
		a->stage_ms = b->stage_ms;
		a->stage = b->stage;
	}
	for (size_t i = 0; i < engine->doc2.key_count; i++) {
		const struct ls_key *key = &engine->doc2.keys[i];
		uint64_t hash = ls_key_hash(engine->hash_key, key);
		if (key->type == LS_KEY_ALIAS)
			continue;
		ls_assert(ls_map_remove(&engine->record_keys, hash, gone));
		ls_assert(ls_map_insert(&engine->record_keys, hash, into) == LS_OK);
	}
	forget(engine, gone);
	ls_gone_add(engine, gone | LS_ALIAS, false);
	return LS_OK;
}

/* ---- what a record means for its leads */

static int
spread_to(struct ls_engine *engine, uint32_t at)
{
	struct ls_lead *lead = ls_lead_at(engine, engine->links[at].lead);
	bool changed;
	/* its columns and its score depend on the record, even where its activity does not */
	int err = ls_lead_touch(engine, lead);
	if (err == LS_OK)
		err = ls_links_count(engine, lead, at, &changed);
	if (err != LS_OK)
		return err;
	ls_lead_derive(engine, lead);
	lead->flags |= LS_F_UNTOLD;
	ls_lead_rescore(engine, lead, false);
	return LS_OK;
}

static int
told_category(const struct ls_lead *lead)
{
	return (int)((lead->flags & LS_F_CATEGORY) >> LS_F_CATEGORY_SHIFT) - 1;
}

/** Fills in `out` if this lead's news are greater than what is there. */
static void
report(struct ls_engine *engine, const struct ls_lead *lead, int32_t from_milli,
	struct ls_applied *out)
{
	if (!ls_lead_is_ranked(lead))
		return;
	int32_t to_milli = engine->rank.nodes[lead->id].score_milli;
	int from = told_category(lead), to = (int)ls_categorize(engine->profile, to_milli);
	if (out->lead_id != 0 && to - from <= (int)out->to - (int)out->from)
		return;
	out->lead_id = lead->id;
	out->from = (enum ls_category)LS_MAX(from, 0);
	out->to = (enum ls_category)to;
	out->from_milli = LS_MAX(from_milli, 0);
	out->to_milli = to_milli;
}

void
ls_record_spread(struct ls_engine *engine, uint32_t id, struct ls_applied *out)
{
	const struct ls_engine_record *record = ls_record_at(engine, id);
	if (record->link_count > LS_FAN_OUT) {
		engine->lazy_rounds = 2;
		return;
	}
	for (uint32_t at = record->links; at != LS_NONE; at = engine->links[at].record_next) {
		const struct ls_lead *lead = ls_lead_at(engine, engine->links[at].lead);
		int32_t from_milli = engine->rank.nodes[lead->id].score_milli;
		/* a failure leaves the lead as it was; the sweep tries again */
		if (spread_to(engine, at) != LS_OK)
			engine->lazy_rounds = 2;
		else
			report(engine, lead, from_milli, out);
	}
	/* only one lead's news fit into `out`: the sweep tells the others' */
	uint32_t slot = ls_lead_slot(engine, out->lead_id);
	if (slot != LS_NONE)
		ls_lead_place(engine, ls_lead_at(engine, slot), out->to_milli, true);
}
