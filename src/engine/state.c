// SPDX-License-Identifier: MIT
/*
 * What a checkpoint keeps of a lead or record. Each row stands for itself: names are written out,
 * not numbers of a dictionary, except for those fixed in doc.h. Reading trusts nothing: it is a
 * parser, and a row that it cannot read changes nothing.
 */

#include <math.h>
#include <stdlib.h>

#include "engine/engine_internal.h"

#define VERSION    1u
#define SYSTEM_MAX 32u
#define ID_MAX     64u
#define EMAIL_MAX  254u
#define STRING_MAX 1024u
#define HEAD_KNOWN 31u

enum form { FORM_LEAD = 'L', FORM_RECORD = 'R', FORM_TOMB = 'T' };

/* ---- writing */

static void
put_activity(const struct ls_activity *activity, struct ls_buf *out)
{
	uint64_t hour = 0;
	ls_put_u64(out, activity->cell_count);
	for (uint32_t i = 0; i < activity->cell_count; i++) {
		ls_cell cell = activity->cells[i];
		ls_put_u64(out, ls_cell_kind(cell));
		ls_put_i64(out, (int64_t)ls_cell_hour(cell) - (int64_t)hour);
		ls_put_u64(out, ls_cell_count(cell));
		hour = ls_cell_hour(cell);
	}
	ls_put_u64(out, activity->hit_count);
	for (uint32_t i = 0; i < activity->hit_count; i++) {
		const struct ls_hit *hit = &activity->hits[i];
		(void)ls_buf_add(out, &hit->message, sizeof hit->message);
		ls_put_u64(out, hit->hour_click);
		ls_put_u64(out, hit->count);
	}
}

static void
put_key(const struct ls_key *key, struct ls_buf *out)
{
	unsigned head = key->type | (key->absorbed ? 4u : 0);
	head |= (key->deleted_ms != LS_NEVER ? 8u : 0) | (key->restored_ms != LS_NEVER ? 16u : 0);
	ls_put_u64(out, head);
	if (key->type == LS_KEY_REF) {
		ls_put_bytes(out, key->system);
		ls_put_bytes(out, key->rtype);
	}
	if (key->type == LS_KEY_REF || key->type == LS_KEY_ALIAS)
		ls_put_u64(out, key->scope);
	if (key->type != LS_KEY_ALIAS)
		ls_put_bytes(out, key->id);
	if (key->deleted_ms != LS_NEVER)
		ls_put_i64(out, key->deleted_ms);
	if (key->restored_ms != LS_NEVER)
		ls_put_i64(out, key->restored_ms);
}

static void
put_attr(const struct ls_engine *engine, const struct ls_attr *attr, struct ls_buf *out)
{
	if (attr->name < LS_NAME_COUNT) {
		ls_put_u64(out, attr->name + 1u);
	} else {
		ls_put_u64(out, 0);
		ls_put_bytes(out, ls_intern_get(&engine->dict.names, attr->name));
	}
	ls_put_u64(out, attr->value.type);
	ls_put_i64(out, attr->set_ms);
	switch (attr->value.type) {
	case LS_VALUE_NULL:
		break;
	case LS_VALUE_BOOL:
		ls_put_u64(out, attr->value.boolean);
		break;
	case LS_VALUE_NUMBER:
		(void)ls_buf_add(out, &attr->value.number, sizeof attr->value.number);
		break;
	case LS_VALUE_STRING:
		ls_put_bytes(out, attr->value.string);
		break;
	}
}

static void
put_doc(const struct ls_engine *engine, struct ls_slice packed, struct ls_buf *out)
{
	struct ls_doc_reader r = ls_doc_reader(&engine->dict, packed);
	struct ls_key key;
	struct ls_attr attr;
	ls_put_u64(out, r.keys_left);
	while (ls_doc_next_key(&r, &key))
		put_key(&key, out);
	size_t count = 0;
	struct ls_doc_reader again = r;
	while (ls_doc_next_attr(&again, &attr))
		count++;
	ls_put_u64(out, count);
	while (ls_doc_next_attr(&r, &attr))
		put_attr(engine, &attr, out);
}

static void
put_links(const struct ls_engine *engine, const struct ls_lead *lead, struct ls_buf *out)
{
	ls_put_u64(out, lead->link_count);
	for (uint32_t i = lead->links; i != LS_NONE; i = engine->links[i].lead_next) {
		const struct ls_link *link = &engine->links[i];
		ls_put_u64(out, link->record);
		ls_put_u64(out, link->flags | (link->counted != 0 ? 4u : 0));
		ls_put_i64(out, link->time_ms);
		if (link->counted != 0) {
			ls_put_u64(out, ls_cell_kind(link->counted));
			ls_put_u64(out, ls_cell_hour(link->counted));
		}
	}
}

static void
put_head(struct ls_buf *out, enum form form)
{
	ls_buf_reset(out);
	(void)ls_buf_add_char(out, (char)VERSION);
	(void)ls_buf_add_char(out, (char)form);
}

static int64_t
or_minus_one(int64_t time_ms)
{
	return time_ms == LS_NEVER || time_ms == INT64_MAX ? -1 : time_ms;
}

int
ls_state_lead(struct ls_engine *engine, const struct ls_lead *lead, struct ls_buf *out)
{
	int err = ls_unpack(
		lead->activity, ls_lead_is_wide(lead), &engine->state_act, engine->memory);
	if (err != LS_OK)
		return err;
	put_head(out, FORM_LEAD);
	ls_put_u64(out, (lead->flags & LS_F_VISIBLE) != 0);
	ls_put_i64(out, LS_MAX(engine->rank.nodes[lead->id].score_milli, 0));
	ls_put_i64(out, lead->scored_ms);
	ls_put_i64(out, or_minus_one(lead->last_ms));
	ls_put_i64(out, or_minus_one(lead->created_ms));
	put_activity(&engine->state_act, out);
	put_doc(engine, ls_lead_doc(lead), out);
	put_links(engine, lead, out);
	return out->err;
}

int
ls_state_record(struct ls_engine *engine, const struct ls_engine_record *record, struct ls_buf *out)
{
	if ((record->flags & LS_F_TOMB) != 0) {
		put_head(out, FORM_TOMB);
		return ls_buf_add(out, record->doc, record->doc_size);
	}
	put_head(out, FORM_RECORD);
	ls_put_u64(out, record->class_);
	ls_put_u64(out, record->kind);
	ls_put_i64(out, or_minus_one(record->kind_ms));
	ls_put_i64(out, or_minus_one(record->stage_ms));
	(void)ls_buf_add(out, &record->stage, sizeof record->stage);
	put_doc(engine, ls_record_doc(record), out);
	return out->err;
}

/* ---- reading */

/** A number of at most `max`; more makes the reader bad. */
static uint64_t
get_max(struct ls_reader *in, uint64_t max)
{
	uint64_t value = ls_get_u64(in);
	return value <= max ? value : ls_get_fail(in);
}

static int64_t
get_time(struct ls_reader *in, int64_t minus_one)
{
	int64_t time_ms = ls_get_i64(in);
	if (time_ms == -1)
		return minus_one;
	return time_ms >= 0 && time_ms <= LS_TIME_MAX ? time_ms : (int64_t)ls_get_fail(in);
}

static struct ls_slice
get_text(struct ls_reader *in, size_t min, size_t max)
{
	struct ls_slice s = ls_get_bytes(in);
	if (s.len < min || s.len > max)
		(void)ls_get_fail(in);
	return s;
}

static double
get_double(struct ls_reader *in)
{
	double value = 0;
	struct ls_slice raw = ls_get_raw(in, sizeof value);
	if (raw.len == sizeof value)
		memcpy(&value, raw.data, sizeof value);
	return isfinite(value) ? value : (double)ls_get_fail(in);
}

static ls_cell
get_kind_hour(struct ls_reader *in, uint64_t kind, uint64_t hour, uint64_t count)
{
	if ((kind & ~(uint64_t)LS_KIND_MACHINE) > LS_KIND_MAX || hour > 0xffffff || count == 0 ||
		count > LS_CELL_COUNT_MAX)
		return ls_get_fail(in);
	return kind << 48 | hour << 24 | count;
}

/* A cell takes at least three bytes, a hit ten: what is promised must be there before there is room
 * for it. */
static int
get_cells(struct ls_reader *in, struct ls_engine *engine)
{
	struct ls_activity *activity = &engine->act;
	uint64_t count = get_max(in, (uint64_t)(in->end - in->at) / 3);
	if (count >= activity->cell_room) {
		void *grown = engine->memory.realloc(
			engine->memory.ctx, activity->cells, (count + 1) * sizeof(ls_cell));
		if (grown == NULL)
			return LS_ERR_NOMEM;
		activity->cells = grown;
		activity->cell_room = (uint32_t)count + 1;
	}
	int64_t hour = 0;
	activity->cell_count = 0;
	for (uint64_t i = 0; i < count && !in->bad; i++) {
		uint64_t kind = ls_get_u64(in);
		int64_t step = ls_get_i64(in);
		bool sane = step >= -0xffffff && step <= 0xffffff;
		hour += sane ? step : -1 - hour;
		ls_cell cell = get_kind_hour(in, kind, (uint64_t)hour, ls_get_u64(in));
		ls_cell *cells = activity->cells;
		/* of those that stand for one sum all but the first are full */
		if (i > 0 && (cells[i - 1] >> 24 > cell >> 24 ||
				     (cells[i - 1] >> 24 == cell >> 24 &&
					     ls_cell_count(cell) != LS_CELL_COUNT_MAX)))
			(void)ls_get_fail(in);
		cells[i] = cell;
		activity->cell_count++;
	}
	return LS_OK;
}

static int
get_hits(struct ls_reader *in, struct ls_engine *engine)
{
	struct ls_activity *activity = &engine->act;
	uint64_t count = get_max(in, (uint64_t)(in->end - in->at) / 10);
	if (count >= activity->hit_room) {
		void *grown = engine->memory.realloc(
			engine->memory.ctx, activity->hits, (count + 1) * sizeof(struct ls_hit));
		if (grown == NULL)
			return LS_ERR_NOMEM;
		activity->hits = grown;
		activity->hit_room = (uint32_t)count + 1;
	}
	activity->hit_count = 0;
	for (uint64_t i = 0; i < count && !in->bad; i++) {
		struct ls_hit hit = { 0 }, *hits = activity->hits;
		struct ls_slice raw = ls_get_raw(in, sizeof hit.message);
		if (raw.len == sizeof hit.message)
			memcpy(&hit.message, raw.data, sizeof hit.message);
		hit.hour_click = (uint32_t)get_max(in, 0x1ffffff);
		hit.count = (uint32_t)get_max(in, UINT32_MAX);
		bool later = i == 0 || hit.message > hits[i - 1].message ||
			     (hit.message == hits[i - 1].message &&
				     hit.hour_click > hits[i - 1].hour_click);
		if (hit.message == 0 || hit.count == 0 || !later)
			(void)ls_get_fail(in);
		hits[i] = hit;
		activity->hit_count++;
	}
	return LS_OK;
}

static struct ls_key
get_key(struct ls_reader *in, bool of_record)
{
	uint64_t head = get_max(in, HEAD_KNOWN);
	struct ls_key key = {
		.type = (enum ls_key_type)(head & 3),
		.absorbed = (head & 4) != 0,
		.deleted_ms = LS_NEVER,
		.restored_ms = LS_NEVER,
	};
	switch (key.type) {
	case LS_KEY_REF:
		key.system = get_text(in, 1, SYSTEM_MAX);
		key.rtype = get_text(in, of_record, of_record ? ID_MAX : 0);
		key.scope = ls_get_u64(in);
		key.id = get_text(in, 1, ID_MAX);
		break;
	case LS_KEY_EMAIL:
		key.id = get_text(in, 1, EMAIL_MAX);
		break;
	case LS_KEY_VISITOR:
		key.id = get_text(in, 1, ID_MAX);
		break;
	case LS_KEY_ALIAS:
		key.scope = get_max(in, LS_ID_MAX);
		break;
	}
	if ((head & 8) != 0)
		key.deleted_ms = get_time(in, LS_NEVER);
	if ((head & 16) != 0)
		key.restored_ms = get_time(in, LS_NEVER);
	if ((key.type == LS_KEY_ALIAS && key.scope == 0) ||
		(of_record && (key.type == LS_KEY_EMAIL || key.type == LS_KEY_VISITOR)))
		(void)ls_get_fail(in);
	return key;
}

static int
get_attr(struct ls_reader *in, struct ls_engine *engine, struct ls_attr *attr)
{
	uint64_t name = get_max(in, LS_NAME_COUNT);
	int err = LS_OK;
	*attr = (struct ls_attr){ .name = (uint32_t)name - 1 };
	if (name == 0) {
		struct ls_slice text = get_text(in, 1, ID_MAX);
		if (!in->bad)
			err = ls_intern_put(&engine->dict.names, text, &attr->name);
	}
	attr->value.type = (enum ls_value_type)get_max(in, LS_VALUE_STRING);
	attr->set_ms = get_time(in, 0);
	if (attr->value.type == LS_VALUE_BOOL)
		attr->value.boolean = get_max(in, 1) != 0;
	if (attr->value.type == LS_VALUE_NUMBER)
		attr->value.number = get_double(in);
	if (attr->value.type == LS_VALUE_STRING)
		attr->value.string = get_text(in, 0, STRING_MAX);
	return err;
}

static int
get_doc(struct ls_reader *in, struct ls_engine *engine, bool of_record)
{
	struct ls_doc *doc = &engine->doc;
	doc->key_count = 0;
	doc->attr_count = 0;
	uint64_t keys = get_max(in, LS_DOC_KEYS_MAX);
	int err = LS_OK;
	for (uint64_t i = 0; i < keys && !in->bad && err == LS_OK; i++) {
		struct ls_key key = get_key(in, of_record);
		if (ls_doc_find_key(doc, &key) != NULL)
			(void)ls_get_fail(in);
		err = ls_doc_add_key(doc, &key);
	}
	uint64_t attrs = get_max(in, LS_DOC_ATTRS_MAX);
	for (uint64_t i = 0; i < attrs && !in->bad && err == LS_OK; i++) {
		struct ls_attr attr;
		err = get_attr(in, engine, &attr);
		if (ls_doc_find_attr(doc, attr.name) != NULL)
			(void)ls_get_fail(in);
		doc->attrs[doc->attr_count++] = attr;
	}
	return err;
}

static int
get_links(struct ls_reader *in, struct ls_link **links, size_t *count)
{
	uint64_t promised = get_max(in, LS_MIN((uint64_t)(in->end - in->at) / 3, LS_LINKS_MAX));
	struct ls_link *all = calloc(promised + 1, sizeof *all);
	if (all == NULL)
		return LS_ERR_NOMEM;
	for (uint64_t i = 0; i < promised && !in->bad; i++) {
		struct ls_link *link = &all[i];
		link->record = (uint32_t)get_max(in, LS_ID_MAX);
		uint64_t flags = get_max(in, 7);
		link->flags = (uint32_t)flags & 3;
		link->time_ms = get_time(in, LS_NEVER);
		if ((flags & 4) != 0) {
			uint64_t kind = ls_get_u64(in);
			link->counted = get_kind_hour(in, kind, ls_get_u64(in), 1);
		}
		if (link->record == 0)
			(void)ls_get_fail(in);
	}
	*links = all;
	*count = promised;
	return LS_OK;
}

static bool
get_head(struct ls_reader *in, enum form *form)
{
	if (ls_get_u8(in) != VERSION)
		return false;
	*form = (enum form)ls_get_u8(in);
	return !in->bad;
}

/* ---- putting back */

struct loaded {
	bool visible;
	int32_t score_milli;
	int64_t scored_ms, last_ms, created_ms;
	struct ls_link *links;
	size_t link_count;
};

static int
parse_lead(struct ls_engine *engine, struct ls_slice state, struct loaded *lead)
{
	struct ls_reader in = ls_reader(state);
	enum form form;
	if (!get_head(&in, &form) || form != FORM_LEAD)
		return LS_ERR_INVALID;
	lead->visible = get_max(&in, 1) != 0;
	int64_t score = ls_get_i64(&in);
	lead->score_milli = score >= 0 && score <= LS_SCORE_MAX_MILLI ? (int32_t)score
								      : (int32_t)ls_get_fail(&in);
	lead->scored_ms = get_time(&in, 0);
	lead->last_ms = get_time(&in, LS_NEVER);
	lead->created_ms = get_time(&in, INT64_MAX);
	int err = get_cells(&in, engine);
	if (err == LS_OK)
		err = get_hits(&in, engine);
	if (err == LS_OK)
		err = get_doc(&in, engine, false);
	if (err == LS_OK)
		err = get_links(&in, &lead->links, &lead->link_count);
	if (err == LS_OK && (in.bad || in.at != in.end))
		err = LS_ERR_INVALID;
	return err;
}

static bool
id_is_free(const struct ls_engine *engine, uint64_t id)
{
	return id != 0 && id <= LS_ID_MAX && id / LS_IDS_PER_MAX <= engine->max_leads &&
	       (id >= engine->rank.end || engine->rank.nodes[id].slot == LS_RANK_NONE);
}

/** Nothing of what the row claims may belong to another one. */
static bool
claims_are_free(const struct ls_engine *engine, uint64_t id)
{
	for (size_t i = 0; i < engine->doc.key_count; i++) {
		const struct ls_key *key = &engine->doc.keys[i];
		bool taken = key->type == LS_KEY_ALIAS
				     ? key->scope == id || !id_is_free(engine, key->scope)
				     : ls_lead_find(engine, key) != LS_NONE;
		if (taken)
			return false;
	}
	return id_is_free(engine, id);
}

static bool
record_exists(const struct ls_engine *engine, uint64_t id)
{
	return id < engine->record_end &&
	       (ls_record_at(engine, (uint32_t)id)->flags & LS_F_USED) != 0;
}

/** Room for all that installing needs, so that it need not be undone in the middle. */
static int
reserve(struct ls_engine *engine, const struct loaded *loaded)
{
	int err = ls_map_reserve(&engine->keys, engine->keys.used + engine->doc.key_count);
	for (size_t i = 0; i < engine->doc.key_count && err == LS_OK; i++) {
		if (engine->doc.keys[i].type == LS_KEY_ALIAS)
			err = ls_rank_reserve(&engine->rank, (uint32_t)engine->doc.keys[i].scope);
	}
	for (size_t i = 0; i < loaded->link_count && err == LS_OK; i++) {
		uint32_t id = loaded->links[i].record;
		if (!record_exists(engine, id))
			err = ls_record_new(engine, id, &id);
		else if ((ls_record_at(engine, id)->flags & LS_F_TOMB) != 0)
			err = LS_ERR_INVALID;
	}
	return err;
}

static int
install_links(struct ls_engine *engine, uint32_t slot, const struct loaded *loaded)
{
	/* from the last one, because each is put in front */
	for (size_t i = loaded->link_count; i-- > 0;) {
		const struct ls_link *from = &loaded->links[i];
		uint32_t at;
		if (ls_link_find(engine, slot, from->record) != LS_NONE)
			return LS_ERR_INVALID;
		int err = ls_link_new(engine, slot, from->record, &at);
		if (err != LS_OK)
			return err;
		engine->links[at].flags = from->flags;
		engine->links[at].time_ms = from->time_ms;
		engine->links[at].counted = from->counted;
	}
	return LS_OK;
}

static int
install_keys(struct ls_engine *engine, uint32_t slot)
{
	struct ls_doc_reader r =
		ls_doc_reader(&engine->dict, ls_lead_doc(ls_lead_at(engine, slot)));
	struct ls_key key;
	int err = LS_OK;
	while (err == LS_OK && ls_doc_next_key(&r, &key)) {
		if (key.type == LS_KEY_ALIAS) {
			engine->rank.nodes[key.scope].slot =
				LS_ALIAS | ls_lead_at(engine, slot)->id;
			engine->next_id = LS_MAX(engine->next_id, (uint32_t)key.scope + 1);
			continue;
		}
		ls_note_account(engine, &key);
		err = ls_map_insert(&engine->keys, ls_key_hash(engine->hash_key, &key), slot);
	}
	return err;
}

static void
undo(struct ls_engine *engine, uint32_t slot)
{
	struct ls_lead *lead = ls_lead_at(engine, slot);
	while (lead->links != LS_NONE)
		ls_link_free(engine, lead->links);
	engine->rank.nodes[lead->id].slot = LS_RANK_NONE;
	ls_lead_release(engine, slot);
}

static int
install_lead(struct ls_engine *engine, uint32_t id, const struct loaded *loaded)
{
	uint32_t slot;
	int err = reserve(engine, loaded);
	if (err == LS_OK)
		err = ls_lead_new(engine, id, &slot);
	if (err != LS_OK)
		return err;
	struct ls_lead *lead = ls_lead_at(engine, slot);
	err = ls_lead_put_activity(engine, lead, &engine->act);
	if (err == LS_OK)
		err = ls_lead_put_doc(engine, lead);
	if (err == LS_OK)
		err = install_links(engine, slot, loaded);
	if (err != LS_OK) {
		undo(engine, slot);
		return err;
	}
	lead->flags |= loaded->visible ? LS_F_VISIBLE : 0;
	lead->scored_ms = loaded->scored_ms;
	lead->last_ms = loaded->last_ms;
	lead->created_ms = loaded->created_ms;
	ls_lead_derive(engine, lead);
	ls_lead_place(engine, lead, loaded->score_milli, true);
	return install_keys(engine, slot);
}

int
ls_engine_load_lead(struct ls_engine *engine, uint64_t id, struct ls_slice state)
{
	struct loaded loaded = { 0 };
	int err = parse_lead(engine, state, &loaded);
	if (err == LS_OK && !claims_are_free(engine, id))
		err = LS_ERR_INVALID;
	if (err == LS_OK)
		err = install_lead(engine, (uint32_t)id, &loaded);
	free(loaded.links);
	return err;
}

static int
load_tomb(struct ls_engine *engine, uint32_t id, struct ls_reader *in)
{
	struct ls_hash128 hash;
	uint32_t lead_id;
	struct ls_slice raw = ls_get_raw(in, sizeof hash + sizeof lead_id);
	if (in->bad || in->at != in->end)
		return LS_ERR_INVALID;
	memcpy(&hash, raw.data, sizeof hash);
	memcpy(&lead_id, raw.data + sizeof hash, sizeof lead_id);
	if (record_exists(engine, id) || lead_id / LS_IDS_PER_MAX > engine->max_leads)
		return LS_ERR_INVALID;
	return ls_tomb_load(engine, id, hash, lead_id);
}

/** Into `record` and engine->doc. */
static int
parse_record(struct ls_engine *engine, struct ls_reader *in, struct ls_engine_record *record)
{
	*record = (struct ls_engine_record){ 0 };
	record->class_ = (uint8_t)get_max(in, LS_RECORD_ACTIVITY);
	record->kind = (uint16_t)get_max(in, LS_KIND_MAX);
	record->kind_ms = get_time(in, LS_NEVER);
	record->stage_ms = get_time(in, LS_NEVER);
	record->stage = get_double(in);
	int err = get_doc(in, engine, true);
	bool odd = record->class_ == LS_RECORD_LEAD || engine->doc.key_count == 0;
	if (err == LS_OK && (in->bad || in->at != in->end || odd))
		err = LS_ERR_INVALID;
	return err;
}

static bool
record_claims_are_free(const struct ls_engine *engine, uint32_t id)
{
	for (size_t i = 0; i < engine->doc.key_count; i++) {
		const struct ls_key *key = &engine->doc.keys[i];
		bool taken = key->type == LS_KEY_ALIAS
				     ? key->scope == id || record_exists(engine, key->scope)
				     : ls_record_find(engine, key) != LS_NONE;
		if (taken)
			return false;
	}
	return true;
}

static int
install_record(struct ls_engine *engine, uint32_t id, const struct ls_engine_record *loaded)
{
	int err = ls_map_reserve(
		&engine->record_keys, engine->record_keys.used + engine->doc.key_count);
	if (err == LS_OK && !record_exists(engine, id))
		err = ls_record_new(engine, id, &id);
	if (err != LS_OK)
		return err;
	struct ls_engine_record *record = ls_record_at(engine, id);
	err = ls_record_put_doc(engine, record);
	if (err != LS_OK)
		return err;
	record->class_ = loaded->class_;
	record->kind = loaded->kind;
	record->kind_ms = loaded->kind_ms;
	record->stage_ms = loaded->stage_ms;
	record->stage = loaded->stage;
	struct ls_doc_reader r = ls_doc_reader(&engine->dict, ls_record_doc(record));
	struct ls_key key;
	while (err == LS_OK && ls_doc_next_key(&r, &key)) {
		if (key.type == LS_KEY_ALIAS)
			continue;
		err = ls_map_insert(&engine->record_keys, ls_key_hash(engine->hash_key, &key), id);
	}
	for (uint32_t at = record->links; at != LS_NONE; at = engine->links[at].record_next)
		ls_lead_derive(engine, ls_lead_at(engine, engine->links[at].lead));
	return err;
}

int
ls_engine_load_record(struct ls_engine *engine, uint64_t id, struct ls_slice state)
{
	struct ls_reader in = ls_reader(state);
	struct ls_engine_record record;
	enum form form;
	if (id == 0 || id > LS_ID_MAX || !get_head(&in, &form))
		return LS_ERR_INVALID;
	if (form == FORM_TOMB)
		return load_tomb(engine, (uint32_t)id, &in);
	if (form != FORM_RECORD)
		return LS_ERR_INVALID;
	int err = parse_record(engine, &in, &record);
	/* one without a document is only known from links */
	if (err == LS_OK &&
		((record_exists(engine, id) && ls_record_at(engine, (uint32_t)id)->doc_size > 0) ||
			!record_claims_are_free(engine, (uint32_t)id)))
		err = LS_ERR_INVALID;
	return err == LS_OK ? install_record(engine, (uint32_t)id, &record) : err;
}
