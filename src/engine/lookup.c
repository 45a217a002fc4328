// SPDX-License-Identifier: MIT
/* Reading leads: by id in any of its spellings, for display, explained, and ranked. */

#include <stdlib.h>

#include "base/canon.h"
#include "engine/engine_internal.h"

/* ---- finding */

static uint64_t
visible_id(const struct ls_engine *engine, uint32_t slot)
{
	if (slot == LS_NONE)
		return 0;
	const struct ls_lead *lead = ls_lead_at(engine, slot);
	return (lead->flags & LS_F_VISIBLE) != 0 ? lead->id : 0;
}

static uint64_t
find_email(const struct ls_engine *engine, struct ls_slice text)
{
	char canonical[LS_EMAIL_MAX + 1];
	size_t len;
	if (ls_canon_email(text, canonical, &len) != LS_OK)
		return 0;
	struct ls_key key = { .type = LS_KEY_EMAIL, .id = ls_slice(canonical, len) };
	return visible_id(engine, ls_lead_find(engine, &key));
}

/* "hubspot:12345": whatever the account, as long as only one has been seen; first the one without.
 */
static uint64_t
find_ref(const struct ls_engine *engine, struct ls_slice system, struct ls_slice rest)
{
	struct ls_key key = { .type = LS_KEY_REF, .system = system, .id = rest };
	uint64_t id = visible_id(engine, ls_lead_find(engine, &key));
	for (size_t i = 0; i < engine->account_count && id == 0; i++) {
		const struct ls_account *account = &engine->accounts[i];
		if (!ls_slice_eq(ls_intern_get(&engine->dict.names, account->system), system))
			continue;
		key.scope = account->scope;
		id = visible_id(engine, ls_lead_find(engine, &key));
	}
	if (id != 0)
		return id;
	size_t slash = ls_slice_find(rest, '/');
	uint64_t scope;
	if (slash == rest.len || ls_slice_to_u64(ls_slice(rest.data, slash), &scope) != LS_OK)
		return 0;
	key.scope = scope;
	key.id = ls_slice(rest.data + slash + 1, rest.len - slash - 1);
	return visible_id(engine, ls_lead_find(engine, &key));
}

uint64_t
ls_engine_find(const struct ls_engine *engine, struct ls_slice text)
{
	uint64_t id;
	size_t colon = ls_slice_find(text, ':');
	if (colon == text.len) {
		if (ls_slice_to_u64(text, &id) != LS_OK)
			return 0;
		return visible_id(engine, ls_lead_slot(engine, id));
	}
	struct ls_slice system = ls_slice(text.data, colon);
	struct ls_slice rest = ls_slice(text.data + colon + 1, text.len - colon - 1);
	if (ls_slice_eq(system, LS_S("email")))
		return find_email(engine, rest);
	if (ls_slice_eq(system, LS_S("visitor"))) {
		struct ls_key key = { .type = LS_KEY_VISITOR, .id = rest };
		return visible_id(engine, ls_lead_find(engine, &key));
	}
	return find_ref(engine, system, rest);
}

static const struct ls_lead *
visible_lead(const struct ls_engine *engine, uint64_t id)
{
	uint32_t slot = ls_lead_slot(engine, id);
	if (slot == LS_NONE || (ls_lead_at(engine, slot)->flags & LS_F_VISIBLE) == 0)
		return NULL;
	return ls_lead_at(engine, slot);
}

/* ---- for display */

static struct ls_slice
text_attr(const struct ls_engine *engine, const struct ls_lead *lead, uint32_t name)
{
	struct ls_attr attr;
	if (ls_doc_get(&engine->dict, ls_lead_doc(lead), name, &attr) &&
		attr.value.type == LS_VALUE_STRING)
		return attr.value.string;
	return ls_slice(NULL, 0);
}

static int
compose_name(const struct ls_engine *engine, const struct ls_lead *lead, struct ls_arena *arena,
	struct ls_slice *out)
{
	struct ls_slice name = text_attr(engine, lead, LS_NAME_NAME);
	struct ls_slice first = text_attr(engine, lead, LS_NAME_FIRST_NAME);
	struct ls_slice last = text_attr(engine, lead, LS_NAME_LAST_NAME);
	if (name.len == 0 && (first.len == 0 || last.len == 0))
		name = first.len > 0 ? first : last;
	if (name.len > 0 || first.len == 0) {
		*out = name;
		return LS_OK;
	}
	char *text = ls_arena_alloc(arena, first.len + last.len + 1);
	if (text == NULL)
		return LS_ERR_NOMEM;
	memcpy(text, first.data, first.len);
	text[first.len] = ' ';
	memcpy(text + first.len + 1, last.data, last.len);
	*out = ls_slice(text, first.len + 1 + last.len);
	return LS_OK;
}

static int
unpack_activity(const struct ls_lead *lead, struct ls_arena *arena, const struct ls_activity **out)
{
	uint32_t cells, hits;
	bool wide = ls_lead_is_wide(lead);
	ls_pack_counts(lead->activity, wide, &cells, &hits);
	struct ls_activity *activity = ls_arena_alloc(arena, sizeof *activity);
	if (activity == NULL)
		return LS_ERR_NOMEM;
	activity->cells = ls_arena_alloc(arena, (cells + 1u) * sizeof *activity->cells);
	activity->hits = ls_arena_alloc(arena, (hits + 1u) * sizeof *activity->hits);
	if (activity->cells == NULL || activity->hits == NULL)
		return LS_ERR_NOMEM;
	activity->cell_room = cells;
	activity->hit_room = hits;
	ls_unpack_into(lead->activity, wide, activity);
	*out = activity;
	return LS_OK;
}

static struct ls_lead_counts
count_kinds(const struct ls_activity *activity)
{
	static const enum ls_kind crm[] = { LS_KIND_MEETING, LS_KIND_CALL, LS_KIND_EMAIL_REPLY,
		LS_KIND_FORM_SUBMIT, LS_KIND_NOTE, LS_KIND_TASK };
	struct ls_lead_counts counts = {
		.email_opens = ls_activity_count(activity, LS_KIND_EMAIL_OPEN),
		.email_clicks = ls_activity_count(activity, LS_KIND_EMAIL_CLICK),
		.website_visits = ls_activity_count(activity, LS_KIND_VISIT),
	};
	for (size_t i = 0; i < LS_ARRAY_LEN(crm); i++)
		counts.crm_activities += ls_activity_count(activity, crm[i]);
	return counts;
}

int
ls_engine_get(const struct ls_engine *engine, uint64_t id, struct ls_arena *arena,
	struct ls_lead_view *out)
{
	const struct ls_lead *lead = visible_lead(engine, id);
	if (lead == NULL)
		return LS_ERR_NOT_FOUND;
	int32_t score_milli = LS_MAX(engine->rank.nodes[lead->id].score_milli, 0);
	struct ls_lead_view view = {
		.id = lead->id,
		.email = ls_lead_email(engine, lead),
		.company = ls_lead_company_name(engine, lead),
		.score_milli = score_milli,
		.category = ls_categorize(engine->profile, score_milli),
		.scored_ms = lead->scored_ms,
		.last_activity_ms = ls_lead_last_ms(engine, lead),
		.created_ms = lead->created_ms,
		.deleted = (lead->flags & LS_F_DELETED) != 0,
	};
	int err = compose_name(engine, lead, arena, &view.name);
	if (err == LS_OK)
		err = unpack_activity(lead, arena, &view.activity);
	if (err != LS_OK)
		return err;
	view.counts = count_kinds(view.activity);
	*out = view;
	return LS_OK;
}

struct named {
	struct ls_attribute attribute;
	int64_t set_ms;
};

static int
by_name(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	return ls_slice_cmp(x->attribute.name, y->attribute.name);
}

int
ls_engine_attributes(const struct ls_engine *engine, uint64_t id, ls_attribute_fn fn, void *ctx)
{
	const struct ls_lead *lead = visible_lead(engine, id);
	struct named all[LS_DOC_ATTRS_MAX + 1];
	size_t count = 0;
	if (lead == NULL)
		return LS_ERR_NOT_FOUND;
	struct ls_doc_reader r = ls_doc_reader(&engine->dict, ls_lead_doc(lead));
	struct ls_attr attr;
	int64_t email_ms = lead->created_ms;
	bool has_domain = false;
	while (ls_doc_next_attr(&r, &attr)) {
		email_ms = attr.name == LS_NAME_EMAIL ? attr.set_ms : email_ms;
		if (attr.value.type == LS_VALUE_NULL)
			continue;
		has_domain |= attr.name == LS_NAME_EMAIL_DOMAIN;
		all[count++] = (struct named){
			.attribute = { .name = ls_intern_get(&engine->dict.names, attr.name),
				.value = attr.value },
			.set_ms = attr.set_ms,
		};
	}
	struct ls_slice domain = ls_email_domain(ls_lead_email(engine, lead));
	if (!has_domain && domain.len > 0)
		all[count++] = (struct named){
			.attribute = { .name = LS_S("email_domain"),
				.value = { .type = LS_VALUE_STRING, .string = domain } },
			.set_ms = email_ms,
		};
	qsort(all, count, sizeof *all, by_name);
	for (size_t i = 0; i < count; i++)
		fn(ctx, &all[i].attribute, all[i].set_ms);
	return LS_OK;
}

static int
by_key(const void *a, const void *b)
{
	return ls_key_cmp(a, b);
}

int
ls_engine_identities(const struct ls_engine *engine, uint64_t id, ls_identity_fn fn, void *ctx)
{
	const struct ls_lead *lead = visible_lead(engine, id);
	if (lead == NULL)
		return LS_ERR_NOT_FOUND;
	struct ls_key *keys = calloc(LS_DOC_KEYS_MAX, sizeof *keys);
	size_t count = 0;
	if (keys == NULL)
		return LS_ERR_NOMEM;
	struct ls_doc_reader r = ls_doc_reader(&engine->dict, ls_lead_doc(lead));
	while (ls_doc_next_key(&r, &keys[count]))
		count += keys[count].type != LS_KEY_ALIAS && count + 1 < LS_DOC_KEYS_MAX;
	qsort(keys, count, sizeof *keys, by_key);
	for (size_t i = 0; i < count; i++) {
		struct ls_slice system = keys[i].system;
		if (keys[i].type == LS_KEY_EMAIL)
			system = LS_S("email");
		if (keys[i].type == LS_KEY_VISITOR)
			system = LS_S("visitor");
		fn(ctx, system, keys[i].scope, keys[i].id);
	}
	free(keys);
	return LS_OK;
}

int
ls_engine_aliases(const struct ls_engine *engine, uint64_t id, ls_id_fn fn, void *ctx)
{
	const struct ls_lead *lead = visible_lead(engine, id);
	if (lead == NULL)
		return LS_ERR_NOT_FOUND;
	struct ls_doc_reader r = ls_doc_reader(&engine->dict, ls_lead_doc(lead));
	struct ls_key key;
	while (ls_doc_next_key(&r, &key)) {
		if (key.type == LS_KEY_ALIAS)
			fn(ctx, key.scope);
	}
	return LS_OK;
}

int
ls_engine_lead_records(const struct ls_engine *engine, uint64_t id, ls_id_fn fn, void *ctx)
{
	const struct ls_lead *lead = visible_lead(engine, id);
	if (lead == NULL)
		return LS_ERR_NOT_FOUND;
	for (uint32_t i = lead->links; i != LS_NONE; i = engine->links[i].lead_next) {
		const struct ls_link *link = &engine->links[i];
		if ((link->flags & LS_LINK_REMOVED) == 0)
			fn(ctx, link->record);
	}
	return LS_OK;
}

int
ls_engine_links(const struct ls_engine *engine, uint64_t id, ls_linked_fn fn, void *ctx)
{
	const struct ls_lead *lead = visible_lead(engine, id);
	if (lead == NULL)
		return LS_ERR_NOT_FOUND;
	for (uint32_t i = lead->links; i != LS_NONE; i = engine->links[i].lead_next) {
		const struct ls_link *link = &engine->links[i];
		const struct ls_linked linked = {
			.record_id = link->record,
			.removed = (link->flags & LS_LINK_REMOVED) != 0,
			.counted = link->counted,
			.kind = ls_record_at(engine, link->record)->kind,
			.kind_ms = ls_record_at(engine, link->record)->kind_ms,
		};
		fn(ctx, &linked);
	}
	return LS_OK;
}

/** Explains the lead at the engine's moment into `e`, but for cools_at. */
static int
explain(struct ls_engine *engine, const struct ls_lead_subject *subject, struct ls_arena *arena,
	struct ls_subject_data *data, struct ls_explanation *e)
{
	const struct ls_activity *activity;
	if (subject->lead == NULL)
		return LS_ERR_NOT_FOUND;
	int err = unpack_activity(subject->lead, arena, &activity);
	if (err != LS_OK)
		return err;
	*e = (struct ls_explanation){ .count = ls_line_count(engine->profile),
		.moment = engine->moment };
	e->lines = ls_arena_alloc(arena, e->count * sizeof *e->lines);
	if (e->lines == NULL)
		return LS_ERR_NOMEM;
	*data = ls_lead_data(subject, activity);
	e->score_milli = ls_explain(engine->moment, data, e->lines);
	e->category = ls_categorize(engine->profile, e->score_milli);
	return LS_OK;
}

int
ls_engine_explain(struct ls_engine *engine, uint64_t id, int64_t now_ms, struct ls_arena *arena,
	struct ls_explanation *out)
{
	struct ls_lead_subject subject = { .engine = engine, .lead = visible_lead(engine, id) };
	struct ls_subject_data data;
	struct ls_explanation e;
	int err = ls_moment_set(engine->moment, engine->profile, now_ms);
	if (err == LS_OK)
		err = explain(engine, &subject, arena, &data, &e);
	if (err != LS_OK)
		return err;
	e.cools_at_ms = ls_cools_at_ms(engine->moment, &data);
	*out = e;
	return LS_OK;
}

int64_t
ls_engine_cools_at(struct ls_engine *engine, uint64_t id, int64_t now_ms, struct ls_arena *arena)
{
	struct ls_lead_subject subject = { .engine = engine, .lead = visible_lead(engine, id) };
	const struct ls_activity *activity;
	if (subject.lead == NULL || unpack_activity(subject.lead, arena, &activity) != LS_OK ||
		ls_moment_set(engine->moment, engine->profile, now_ms) != LS_OK)
		return 0;
	struct ls_subject_data data = ls_lead_data(&subject, activity);
	return ls_cools_at_ms(engine->moment, &data);
}

int
ls_engine_shares(struct ls_engine *engine, uint64_t id, int64_t now_ms, struct ls_arena *arena,
	struct ls_explanation *lines, struct ls_shares *out)
{
	struct ls_lead_subject subject = { .engine = engine, .lead = visible_lead(engine, id) };
	struct ls_subject_data data;
	struct ls_explanation e = { 0 };
	int err = ls_moment_set(engine->moment, engine->profile, now_ms);
	if (err == LS_OK)
		err = explain(engine, &subject, arena, &data, &e);
	if (err == LS_OK)
		err = ls_shares_make(engine->moment, &data, e.lines, ls_memory_heap, out);
	if (err == LS_OK)
		*lines = e;
	return err;
}

/* ---- ranking */

size_t
ls_engine_rank(const struct ls_engine *engine, int category, struct ls_rank_cursor *cursor,
	uint64_t *ids, size_t limit)
{
	int32_t low = 0, high = LS_SCORE_MAX_MILLI;
	int32_t warm = ls_profile_warm_milli(engine->profile);
	int32_t hot = ls_profile_hot_milli(engine->profile);
	if (category == LS_HOT)
		low = hot;
	if (category == LS_WARM || category == LS_COLD)
		high = hot - 1;
	if (category == LS_WARM)
		low = warm;
	if (category == LS_COLD)
		high = warm - 1;
	size_t count = ls_rank_page(&engine->rank, low, high,
		cursor->set ? LS_MAX(cursor->score_milli, 0) : -1, cursor->id, ids, limit);
	if (count > 0) {
		uint64_t last = ids[count - 1];
		*cursor = (struct ls_rank_cursor){
			.set = true, .score_milli = engine->rank.nodes[last].score_milli, .id = last
		};
	}
	return count;
}
