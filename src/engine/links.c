// SPDX-License-Identifier: MIT
/* Associations of leads and records, and what they count for. A link keeps what it has added to its
 * lead's activity, so that this can be taken back exactly whatever changed since. */

#include <stdlib.h>

#include "base/iso8601.h"
#include "engine/engine_internal.h"

#define LINK_POOL_MAX (1u << 30)

uint32_t
ls_link_find(const struct ls_engine *engine, uint32_t slot, uint32_t record)
{
	const struct ls_lead *lead = ls_lead_at(engine, slot);
	const struct ls_engine_record *r = ls_record_at(engine, record);
	bool by_lead = lead->link_count <= r->link_count;
	uint32_t at = by_lead ? lead->links : r->links;
	while (at != LS_NONE) {
		const struct ls_link *link = &engine->links[at];
		if (link->lead == slot && link->record == record)
			return at;
		at = by_lead ? link->lead_next : link->record_next;
	}
	return LS_NONE;
}

static void
put_on_lead(struct ls_engine *engine, uint32_t at, uint32_t slot)
{
	struct ls_lead *lead = ls_lead_at(engine, slot);
	struct ls_link *link = &engine->links[at];
	link->lead = slot;
	link->lead_next = lead->links;
	lead->links = at;
	lead->link_count++;
}

static void
put_on_record(struct ls_engine *engine, uint32_t at, uint32_t id)
{
	struct ls_engine_record *record = ls_record_at(engine, id);
	struct ls_link *link = &engine->links[at];
	link->record = id;
	link->record_prev = LS_NONE;
	link->record_next = record->links;
	if (record->links != LS_NONE)
		engine->links[record->links].record_prev = at;
	record->links = at;
	record->link_count++;
}

static void
take_off_lead(struct ls_engine *engine, uint32_t at)
{
	struct ls_lead *lead = ls_lead_at(engine, engine->links[at].lead);
	uint32_t *place = &lead->links;
	while (*place != at)
		place = &engine->links[*place].lead_next;
	*place = engine->links[at].lead_next;
	lead->link_count--;
}

static void
take_off_record(struct ls_engine *engine, uint32_t at)
{
	struct ls_link *link = &engine->links[at];
	struct ls_engine_record *record = ls_record_at(engine, link->record);
	if (link->record_prev != LS_NONE)
		engine->links[link->record_prev].record_next = link->record_next;
	else
		record->links = link->record_next;
	if (link->record_next != LS_NONE)
		engine->links[link->record_next].record_prev = link->record_prev;
	record->link_count--;
}

int
ls_link_new(struct ls_engine *engine, uint32_t slot, uint32_t record, uint32_t *link)
{
	uint32_t at = engine->free_link;
	if (ls_lead_at(engine, slot)->link_count >= LS_LINKS_MAX)
		return LS_ERR_LIMIT;
	if (at != LS_NONE) {
		engine->free_link = engine->links[at].lead_next;
	} else {
		if (engine->link_end == LINK_POOL_MAX)
			return LS_ERR_LIMIT;
		if (engine->link_end == engine->link_room) {
			uint32_t room = engine->link_room > 0 ? engine->link_room * 2 : 64;
			struct ls_link *links =
				realloc(engine->links, (size_t)room * sizeof *links);
			if (links == NULL)
				return LS_ERR_NOMEM;
			engine->links = links;
			engine->link_room = room;
		}
		at = engine->link_end++;
	}
	/* older than any association, so that the first one wins */
	engine->links[at] = (struct ls_link){ .flags = LS_LINK_REMOVED, .time_ms = LS_NEVER };
	put_on_lead(engine, at, slot);
	put_on_record(engine, at, record);
	*link = at;
	return LS_OK;
}

void
ls_link_free(struct ls_engine *engine, uint32_t link)
{
	take_off_lead(engine, link);
	take_off_record(engine, link);
	engine->links[link].lead_next = engine->free_link;
	engine->free_link = link;
}

void
ls_link_move_lead(struct ls_engine *engine, uint32_t link, uint32_t slot)
{
	take_off_lead(engine, link);
	put_on_lead(engine, link, slot);
}

void
ls_link_move_record(struct ls_engine *engine, uint32_t link, uint32_t record)
{
	take_off_record(engine, link);
	put_on_record(engine, link, record);
}

bool
ls_link_join(struct ls_link *link, int64_t time_ms, uint32_t flags)
{
	/* REMOVED is the lower bit: of the same instant, removed wins over not, then primary */
	unsigned rank = (flags & LS_LINK_REMOVED) * 4 + flags;
	unsigned old = (link->flags & LS_LINK_REMOVED) * 4 + link->flags;
	if (time_ms < link->time_ms || (time_ms == link->time_ms && rank <= old))
		return false;
	link->time_ms = time_ms;
	link->flags = flags;
	return true;
}

static bool
time_of_value(const struct ls_value *value, int64_t *time_ms)
{
	double number;
	if (ls_value_number(value, &number)) {
		if (!(number >= 0 && number <= (double)LS_TIME_MAX))
			return false;
		*time_ms = (int64_t)number;
		return true;
	}
	return value->type == LS_VALUE_STRING && ls_iso8601_parse(value->string, time_ms) == LS_OK;
}

ls_cell
ls_link_worth(const struct ls_engine *engine, const struct ls_link *link, int64_t *time_ms)
{
	const struct ls_engine_record *record = ls_record_at(engine, link->record);
	if (record->class_ != LS_RECORD_ACTIVITY || record->kind == LS_KIND_OTHER ||
		(record->flags & LS_F_DELETED) != 0 || (link->flags & LS_LINK_REMOVED) != 0)
		return 0;
	uint64_t kind = record->kind;
	int64_t at_ms = record->kind_ms;
	struct ls_doc_reader r = ls_doc_reader(&engine->dict, ls_record_doc(record));
	struct ls_attr attr;
	while (ls_doc_next_attr(&r, &attr)) {
		if (attr.name == LS_NAME_TIMESTAMP)
			(void)time_of_value(&attr.value, &at_ms);
		if (attr.name == LS_NAME_DIRECTION && kind == LS_KIND_EMAIL_SENT &&
			attr.value.type == LS_VALUE_STRING &&
			ls_slice_eq(attr.value.string, LS_S("INCOMING_EMAIL")))
			kind = LS_KIND_EMAIL_REPLY;
	}
	*time_ms = at_ms;
	uint64_t hour = LS_MIN((uint64_t)(at_ms / LS_HOUR_MS), UINT64_C(0xffffff));
	return kind << 48 | hour << 24 | 1;
}

static int
count_cell(struct ls_engine *engine, ls_cell cell, int32_t by)
{
	if (cell == 0)
		return LS_OK;
	return ls_activity_add(&engine->act, engine->memory, ls_cell_kind(cell),
		ls_cell_hour(cell) * LS_HOUR_MS, 0, by);
}

static int
recount(struct ls_engine *engine, const struct ls_link *link, bool *differs)
{
	int64_t time_ms;
	ls_cell worth = ls_link_worth(engine, link, &time_ms);
	if (worth == link->counted)
		return LS_OK;
	*differs = true;
	int err = count_cell(engine, link->counted, -1);
	return err == LS_OK ? count_cell(engine, worth, +1) : err;
}

static void
note_counted(struct ls_engine *engine, struct ls_link *link)
{
	int64_t time_ms;
	link->counted = ls_link_worth(engine, link, &time_ms);
}

int
ls_links_count(struct ls_engine *engine, struct ls_lead *lead, uint32_t link, bool *changed)
{
	bool one = link != LS_NONE, differs = false;
	*changed = false;
	if (lead->links == LS_NONE)
		return LS_OK;
	int err = ls_unpack(lead->activity, ls_lead_is_wide(lead), &engine->act, engine->memory);
	for (uint32_t i = one ? link : lead->links; i != LS_NONE && err == LS_OK;
		i = one ? LS_NONE : engine->links[i].lead_next)
		err = recount(engine, &engine->links[i], &differs);
	if (err != LS_OK || !differs)
		return err;
	err = ls_lead_touch(engine, lead);
	if (err == LS_OK)
		err = ls_lead_put_activity(engine, lead, &engine->act);
	if (err != LS_OK)
		return err;
	for (uint32_t i = one ? link : lead->links; i != LS_NONE;
		i = one ? LS_NONE : engine->links[i].lead_next)
		note_counted(engine, &engine->links[i]);
	*changed = true;
	return LS_OK;
}
