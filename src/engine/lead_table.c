// SPDX-License-Identifier: MIT
/* Slots and ids of leads, their packed blocks, what their score is made of, and scoring itself. */

#include <stdlib.h>

#include "base/canon.h"
#include "engine/engine_internal.h"

int
ls_vector_reserve(struct ls_vector *vector, size_t item, size_t more)
{
	if (vector->room - vector->count >= more)
		return LS_OK;
	size_t room = LS_MAX(vector->room * 2, vector->count + more);
	room = LS_MAX(room, (size_t)16);
	void *items = realloc(vector->items, room * item);
	if (items == NULL)
		return LS_ERR_NOMEM;
	vector->items = items;
	vector->room = room;
	return LS_OK;
}

int
ls_chunks_reserve(void ***chunks, size_t *count, size_t index, size_t item)
{
	while (*count <= index / LS_CHUNK) {
		void **grown = realloc(*chunks, (*count + 1) * sizeof **chunks);
		if (grown == NULL)
			return LS_ERR_NOMEM;
		*chunks = grown;
		grown[*count] = calloc(LS_CHUNK, item);
		if (grown[*count] == NULL)
			return LS_ERR_NOMEM;
		(*count)++;
	}
	return LS_OK;
}

uint32_t
ls_lead_slot(const struct ls_engine *engine, uint64_t id)
{
	if (id == 0 || id >= engine->rank.end)
		return LS_NONE;
	uint32_t slot = engine->rank.nodes[id].slot;
	if (slot != LS_NONE && (slot & LS_ALIAS) != 0)
		slot = engine->rank.nodes[slot & ~LS_ALIAS].slot;
	return slot;
}

int
ls_lead_new(struct ls_engine *engine, uint32_t id, uint32_t *slot)
{
	bool reuse = engine->free_lead != LS_NONE;
	uint32_t at = reuse ? engine->free_lead : engine->lead_end;
	if (id == 0)
		id = engine->next_id;
	if (engine->lead_count >= engine->max_leads || id > LS_ID_MAX ||
		id / LS_IDS_PER_MAX > engine->max_leads)
		return LS_ERR_LIMIT;
	int err =
		ls_chunks_reserve(&engine->leads, &engine->lead_chunks, at, sizeof(struct ls_lead));
	if (err == LS_OK)
		err = ls_rank_reserve(&engine->rank, id);
	if (err != LS_OK)
		return err;
	struct ls_lead *lead = ls_lead_at(engine, at);
	if (reuse)
		engine->free_lead = lead->links;
	else
		engine->lead_end++;
	*lead = (struct ls_lead){
		.id = id,
		.flags = LS_F_USED,
		.last_ms = LS_NEVER,
		.created_ms = INT64_MAX,
		.employees = -1,
		.links = LS_NONE,
	};
	engine->rank.nodes[id].slot = at;
	engine->next_id = LS_MAX(engine->next_id, id + 1);
	engine->lead_count++;
	*slot = at;
	return LS_OK;
}

void
ls_lead_release(struct ls_engine *engine, uint32_t slot)
{
	struct ls_lead *lead = ls_lead_at(engine, slot);
	ls_slab_free(&engine->slab, lead->activity, lead->activity_size);
	ls_slab_free(&engine->slab, lead->doc, lead->doc_size);
	*lead = (struct ls_lead){ .links = engine->free_lead };
	engine->free_lead = slot;
	engine->lead_count--;
}

/* ---- packed blocks */

int
ls_block_prepare(struct ls_engine *engine, const void *old, uint32_t old_size, size_t size,
	struct ls_block *block)
{
	*block = (struct ls_block){ .size = (uint32_t)size };
	if (size > UINT32_MAX)
		return LS_ERR_LIMIT;
	if (size == 0 || (old != NULL && ls_slab_same(old_size, size)))
		return LS_OK;
	block->ptr = ls_slab_alloc(&engine->slab, size);
	block->fresh = true;
	return block->ptr != NULL ? LS_OK : LS_ERR_NOMEM;
}

void
ls_block_cancel(struct ls_engine *engine, struct ls_block *block)
{
	if (block->fresh)
		ls_slab_free(&engine->slab, block->ptr, block->size);
	*block = (struct ls_block){ 0 };
}

void
ls_block_commit(
	struct ls_engine *engine, struct ls_block *block, void **place, uint32_t *place_size)
{
	if (block->fresh || block->size == 0) {
		ls_slab_free(&engine->slab, *place, *place_size);
		*place = block->ptr;
	}
	*place_size = block->size;
}

int
ls_lead_put_activity(
	struct ls_engine *engine, struct ls_lead *lead, const struct ls_activity *activity)
{
	struct ls_block block;
	bool wide;
	size_t size = ls_pack_size(activity, &wide);
	int err = ls_block_prepare(engine, lead->activity, lead->activity_size, size, &block);
	if (err != LS_OK)
		return err;
	ls_block_commit(engine, &block, &lead->activity, &lead->activity_size);
	if (size > 0)
		ls_pack(activity, wide, lead->activity);
	lead->flags = wide ? lead->flags | LS_F_WIDE : lead->flags & ~LS_F_WIDE;
	return LS_OK;
}

static int
put_doc(struct ls_engine *engine, void **place, uint32_t *place_size, uint32_t *flags)
{
	struct ls_block block;
	bool deleted = ls_keys_deleted(engine->doc.keys, engine->doc.key_count);
	ls_buf_reset(&engine->buf);
	int err = ls_doc_pack(&engine->dict, &engine->doc, &engine->buf);
	if (err == LS_OK)
		err = ls_block_prepare(engine, *place, *place_size, engine->buf.len, &block);
	if (err != LS_OK)
		return err;
	ls_block_commit(engine, &block, place, place_size);
	memcpy(*place, engine->buf.data, engine->buf.len);
	*flags = deleted ? *flags | LS_F_DELETED : *flags & ~LS_F_DELETED;
	return LS_OK;
}

int
ls_lead_put_doc(struct ls_engine *engine, struct ls_lead *lead)
{
	return put_doc(engine, &lead->doc, &lead->doc_size, &lead->flags);
}

int
ls_record_put_doc(struct ls_engine *engine, struct ls_engine_record *record)
{
	return put_doc(engine, &record->doc, &record->doc_size, &record->flags);
}

/* ---- what a score is made of */

bool
ls_is_interaction(unsigned kind)
{
	switch (kind) {
	case LS_KIND_EMAIL_OPEN:
	case LS_KIND_EMAIL_CLICK:
	case LS_KIND_VISIT:
	case LS_KIND_PAGE_VIEW:
	case LS_KIND_MEETING:
	case LS_KIND_CALL:
	case LS_KIND_EMAIL_REPLY:
	case LS_KIND_FORM_SUBMIT:
	case LS_KIND_NOTE:
	case LS_KIND_TASK:
		return true;
	default:
		return false;
	}
}

bool
ls_value_number(const struct ls_value *value, double *number)
{
	if (value->type == LS_VALUE_NUMBER) {
		*number = value->number;
		return true;
	}
	return value->type == LS_VALUE_STRING && ls_slice_to_double(value->string, number) == LS_OK;
}

struct ls_slice
ls_lead_email(const struct ls_engine *engine, const struct ls_lead *lead)
{
	struct ls_attr attr;
	if (ls_doc_get(&engine->dict, ls_lead_doc(lead), LS_NAME_EMAIL, &attr) &&
		attr.value.type == LS_VALUE_STRING)
		return attr.value.string;
	struct ls_doc_reader r = ls_doc_reader(&engine->dict, ls_lead_doc(lead));
	struct ls_key key, best = { 0 };
	while (ls_doc_next_key(&r, &key)) {
		if (key.type == LS_KEY_EMAIL &&
			(best.id.data == NULL || ls_slice_cmp(key.id, best.id) < 0))
			best = key;
	}
	return best.id;
}

/** The smallest key of a record: ids of our own depend on the order of arrival. */
static struct ls_key
first_key(const struct ls_engine *engine, uint32_t record)
{
	struct ls_doc_reader r =
		ls_doc_reader(&engine->dict, ls_record_doc(ls_record_at(engine, record)));
	struct ls_key key, best = { .type = LS_KEY_ALIAS };
	while (ls_doc_next_key(&r, &key)) {
		if (ls_key_cmp(&key, &best) < 0)
			best = key;
	}
	return best;
}

static bool
stands(const struct ls_engine *engine, const struct ls_link *link, enum ls_record class)
{
	const struct ls_engine_record *record = ls_record_at(engine, link->record);
	return record->class_ == class && (link->flags & LS_LINK_REMOVED) == 0 &&
	       (record->flags & LS_F_DELETED) == 0;
}

static bool
is_better_company(
	const struct ls_engine *engine, const struct ls_link *link, const struct ls_link *best)
{
	unsigned primary = link->flags & LS_LINK_PRIMARY, other = best->flags & LS_LINK_PRIMARY;
	if (primary != other)
		return primary > other;
	struct ls_key a = first_key(engine, link->record), b = first_key(engine, best->record);
	return ls_key_cmp(&a, &b) < 0;
}

uint32_t
ls_lead_company(const struct ls_engine *engine, const struct ls_lead *lead)
{
	const struct ls_link *best = NULL;
	for (uint32_t i = lead->links; i != LS_NONE; i = engine->links[i].lead_next) {
		const struct ls_link *link = &engine->links[i];
		if (stands(engine, link, LS_RECORD_COMPANY) &&
			(best == NULL || is_better_company(engine, link, best)))
			best = link;
	}
	return best != NULL ? best->record : LS_NONE;
}

static bool
company_attr(const struct ls_engine *engine, const struct ls_lead *lead, uint32_t name,
	struct ls_attr *attr)
{
	uint32_t company = ls_lead_company(engine, lead);
	return company != LS_NONE &&
	       ls_doc_get(&engine->dict, ls_record_doc(ls_record_at(engine, company)), name, attr);
}

struct ls_slice
ls_lead_company_name(const struct ls_engine *engine, const struct ls_lead *lead)
{
	struct ls_attr attr;
	if (ls_doc_get(&engine->dict, ls_lead_doc(lead), LS_NAME_COMPANY, &attr) &&
		attr.value.type == LS_VALUE_STRING)
		return attr.value.string;
	if (company_attr(engine, lead, LS_NAME_NAME, &attr) && attr.value.type == LS_VALUE_STRING)
		return attr.value.string;
	return ls_slice(NULL, 0);
}

int64_t
ls_lead_last_ms(const struct ls_engine *engine, const struct ls_lead *lead)
{
	int64_t last_ms = lead->last_ms;
	for (uint32_t i = lead->links; i != LS_NONE; i = engine->links[i].lead_next) {
		int64_t time_ms = 0;
		ls_cell worth = ls_link_worth(engine, &engine->links[i], &time_ms);
		if (worth != 0 && ls_is_interaction(ls_cell_kind(worth)))
			last_ms = LS_MAX(last_ms, time_ms);
	}
	return last_ms == LS_NEVER ? 0 : last_ms;
}

static double
deal_stage(const struct ls_engine *engine, const struct ls_lead *lead)
{
	double stage = 0;
	for (uint32_t i = lead->links; i != LS_NONE; i = engine->links[i].lead_next) {
		const struct ls_link *link = &engine->links[i];
		if (stands(engine, link, LS_RECORD_DEAL))
			stage = LS_MAX(stage, ls_record_at(engine, link->record)->stage);
	}
	return stage;
}

void
ls_lead_derive(struct ls_engine *engine, struct ls_lead *lead)
{
	struct ls_attr attr;
	struct ls_doc_reader r = ls_doc_reader(&engine->dict, ls_lead_doc(lead));
	double own = 0, employees = -1;
	while (ls_doc_next_attr(&r, &attr)) {
		double number;
		if (attr.name == LS_NAME_STAGE_PROBABILITY && ls_value_number(&attr.value, &number))
			own = number;
		if (attr.name == LS_NAME_EMPLOYEES && ls_value_number(&attr.value, &number))
			employees = LS_MAX(number, 0);
	}
	lead->stage = lead->links != LS_NONE ? LS_MAX(own, deal_stage(engine, lead)) : own;
	double number;
	if (employees < 0 && lead->links != LS_NONE &&
		company_attr(engine, lead, LS_NAME_EMPLOYEES, &attr) &&
		ls_value_number(&attr.value, &number))
		employees = LS_MAX(number, 0);
	lead->employees = employees;
}

static struct ls_fact
fact_string(struct ls_slice s)
{
	if (s.len == 0)
		return (struct ls_fact){ .type = LS_FACT_NONE };
	return (struct ls_fact){ .type = LS_FACT_STRING, .string = s };
}

static struct ls_fact
fact_of_value(const struct ls_value *value)
{
	switch (value->type) {
	case LS_VALUE_BOOL:
		return (struct ls_fact){ .type = LS_FACT_BOOL, .boolean = value->boolean };
	case LS_VALUE_NUMBER:
		return (struct ls_fact){ .type = LS_FACT_NUMBER, .number = value->number };
	case LS_VALUE_STRING:
		return (struct ls_fact){ .type = LS_FACT_STRING, .string = value->string };
	case LS_VALUE_NULL:
		break;
	}
	return (struct ls_fact){ .type = LS_FACT_NONE };
}

/** An attribute as rules see it: some have a value though nobody set one. */
static struct ls_fact
fact(const void *ctx, struct ls_slice field)
{
	const struct ls_lead_subject *subject = ctx;
	const struct ls_engine *engine = subject->engine;
	const struct ls_lead *lead = subject->lead;
	uint32_t name = ls_intern_find(&engine->dict.names, field);
	struct ls_attr attr;
	if (name == LS_MAP_NONE)
		return (struct ls_fact){ .type = LS_FACT_NONE };
	if (name == LS_NAME_EMPLOYEES && lead->employees >= 0)
		return (struct ls_fact){ .type = LS_FACT_NUMBER, .number = lead->employees };
	if (name == LS_NAME_STAGE_PROBABILITY && lead->stage > 0)
		return (struct ls_fact){ .type = LS_FACT_NUMBER, .number = lead->stage };
	if (name == LS_NAME_COMPANY)
		return fact_string(ls_lead_company_name(engine, lead));
	if (name == LS_NAME_EMAIL)
		return fact_string(ls_lead_email(engine, lead));
	if (ls_doc_get(&engine->dict, ls_lead_doc(lead), name, &attr) &&
		attr.value.type != LS_VALUE_NULL)
		return fact_of_value(&attr.value);
	if (name == LS_NAME_EMAIL_DOMAIN)
		return fact_string(ls_email_domain(ls_lead_email(engine, lead)));
	return (struct ls_fact){ .type = LS_FACT_NONE };
}

struct ls_subject_data
ls_lead_data(const struct ls_lead_subject *subject, const struct ls_activity *activity)
{
	return (struct ls_subject_data){
		.activity = activity,
		.stage_probability = subject->lead->stage,
		.employees = subject->lead->employees,
		.fact = fact,
		.ctx = subject,
	};
}

/* ---- scoring */

bool
ls_lead_is_ranked(const struct ls_lead *lead)
{
	return (lead->flags & (LS_F_VISIBLE | LS_F_DELETED)) == LS_F_VISIBLE;
}

static void
set_category(struct ls_engine *engine, struct ls_lead *lead, unsigned told)
{
	unsigned before = (lead->flags & LS_F_CATEGORY) >> LS_F_CATEGORY_SHIFT;
	if (before == told)
		return;
	if (before > 0)
		engine->stats.by_category[before - 1]--;
	if (told > 0)
		engine->stats.by_category[told - 1]++;
	lead->flags = (lead->flags & ~LS_F_CATEGORY) | told << LS_F_CATEGORY_SHIFT;
}

static void
count_hidden(struct ls_engine *engine, struct ls_lead *lead)
{
	const uint32_t both = LS_F_VISIBLE | LS_F_DELETED;
	bool counted = (lead->flags & LS_F_HIDDEN) != 0;
	if (((lead->flags & both) == both) == counted)
		return;
	lead->flags ^= LS_F_HIDDEN;
	if (counted)
		engine->stats.deleted--;
	else
		engine->stats.deleted++;
}

void
ls_lead_place(struct ls_engine *engine, struct ls_lead *lead, int32_t score_milli, bool tell)
{
	count_hidden(engine, lead);
	if (!ls_lead_is_ranked(lead)) {
		ls_rank_set(&engine->rank, lead->id, -1);
		set_category(engine, lead, 0);
		return;
	}
	ls_rank_set(&engine->rank, lead->id, score_milli);
	if (tell)
		lead->flags &= ~LS_F_UNTOLD;
	if (tell || (lead->flags & LS_F_CATEGORY) == 0)
		set_category(engine, lead, 1u + ls_categorize(engine->profile, score_milli));
}

int32_t
ls_lead_score(struct ls_engine *engine, struct ls_lead *lead)
{
	if (!ls_lead_is_ranked(lead))
		return -1;
	struct ls_lead_subject subject = { .engine = engine, .lead = lead };
	struct ls_subject_data data = ls_lead_data(&subject, NULL);
	bool wide = ls_lead_is_wide(lead);
	if (lead->activity != NULL && !wide) {
		data.packed = lead->activity;
	} else {
		data.activity = &engine->act;
		if (ls_unpack(lead->activity, wide, &engine->act, engine->memory) != LS_OK)
			return LS_MAX(engine->rank.nodes[lead->id].score_milli, 0);
	}
	lead->scored_ms = ls_moment_now_ms(engine->moment);
	return ls_score_milli(engine->moment, &data);
}

void
ls_lead_rescore(struct ls_engine *engine, struct ls_lead *lead, bool tell)
{
	ls_lead_place(engine, lead, ls_lead_score(engine, lead), tell);
}
