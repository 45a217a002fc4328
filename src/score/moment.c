// SPDX-License-Identifier: MIT
/* The instant to score at: its decay tables, filled as they are met, and reading a lead's cells. */

#include "score/moment.h"

#include <string.h>

#include "score/profile_data.h"

/* ---- the moment */

static void
forget(struct decay_table *table)
{
	for (uint32_t i = 0; i < table->touched; i++)
		table->entries[i] = -1.0;
	table->touched = 0;
}

/** Gives every half-life of the profile a table. */
static int
reserve_tables(struct ls_moment *moment, uint32_t count)
{
	if (count <= moment->table_room)
		return LS_OK;
	double *entries = moment->memory.realloc(moment->memory.ctx, moment->entries,
		(size_t)count * DECAY_ENTRIES * sizeof *entries);
	if (entries == NULL)
		return LS_ERR_NOMEM;
	moment->entries = entries;
	for (uint32_t i = 0; i < count; i++) {
		moment->tables[i].entries = &entries[(size_t)i * DECAY_ENTRIES];
		if (i >= moment->table_room) {
			moment->tables[i].touched = DECAY_ENTRIES;
			forget(&moment->tables[i]);
		}
	}
	moment->table_room = count;
	return LS_OK;
}

int
ls_moment_set(struct ls_moment *moment, const struct ls_profile *profile, int64_t now_ms)
{
	uint32_t count = LS_MIN(profile->decay_count, DECAY_TABLES);
	int err = reserve_tables(moment, count);
	if (err != LS_OK)
		return err;
	now_ms = LS_MAX(now_ms, INT64_C(0));
	/* a table depends on the half-life and the part of an hour, on nothing else */
	bool same_part = now_ms % LS_HOUR_MS == moment->now_ms % LS_HOUR_MS;
	for (uint32_t i = 0; i < moment->table_room; i++) {
		struct decay_table *table = &moment->tables[i];
		double days = i < count ? profile->decay_days[i] : 0;
		if (!same_part || memcmp(&table->days, &days, sizeof days) != 0)
			forget(table);
		table->days = days;
	}
	moment->table_count = count;
	moment->profile = profile;
	moment->now_ms = now_ms;
	return LS_OK;
}

struct ls_moment *
ls_moment_new(struct ls_memory memory, const struct ls_profile *profile, int64_t now_ms)
{
	struct ls_moment *moment = memory.realloc(memory.ctx, NULL, sizeof *moment);
	if (moment == NULL)
		return NULL;
	*moment = (struct ls_moment){ .memory = memory };
	return ls_moment_set(moment, profile, now_ms) == LS_OK ? moment : ls_moment_free(moment);
}

int64_t
ls_moment_now_ms(const struct ls_moment *moment)
{
	return moment->now_ms;
}

struct ls_moment *
ls_moment_free(struct ls_moment *moment)
{
	if (moment == NULL)
		return NULL;
	struct ls_memory memory = moment->memory;
	if (moment->entries != NULL)
		(void)memory.realloc(memory.ctx, moment->entries, 0);
	(void)memory.realloc(memory.ctx, moment, 0);
	return NULL;
}

/* ---- decay */

double
view_compute_decay(const struct view *view, double half_life_days, uint32_t hours)
{
	double age = view_age_days(view, hours);
	return age > MAX_AGE_DAYS ? 0.0 : pow(2.0, -age / half_life_days);
}

double
view_fill_decay(const struct view *view, uint32_t decay, uint32_t hours)
{
	struct decay_table *table = &view->moment->tables[decay];
	double value = view_compute_decay(view, table->days, hours);
	table->entries[hours] = value;
	table->touched = LS_MAX(table->touched, hours + 1);
	return value;
}

/* ---- the view */

void
view_init(struct view *view, struct ls_moment *moment, const struct ls_subject_data *data)
{
	static const ls_cell none[1] = { 0 };
	const struct ls_activity *activity = data->activity;
	view->activity = activity;
	view->cells = activity->cells != NULL ? activity->cells : none;
	view->data = data;
	view->moment = moment;
	view->now_ms = moment->now_ms;
	view->now_hour = moment->now_ms / LS_HOUR_MS;
	view->tabled = true;
	uint32_t i = 0;
	for (unsigned kind = 0; kind < KIND_SLOTS; kind++) {
		view->first[kind] = i;
		while (i < activity->cell_count && ls_cell_kind(view->cells[i]) <= kind)
			i++;
	}
	view->first[KIND_SLOTS] = i;
}

void
view_set_now(struct view *view, int64_t now_ms)
{
	view->now_ms = now_ms;
	view->now_hour = now_ms / LS_HOUR_MS;
	view->tabled = now_ms % LS_HOUR_MS == view->moment->now_ms % LS_HOUR_MS;
}

uint32_t
view_window_hours(const struct view *view, double days)
{
	/* a guess one hour off at most, then the exact comparison */
	uint32_t hours = (uint32_t)LS_MIN(days * 24.0, (double)DECAY_HOURS) + 1;
	hours = LS_MIN(hours, (uint32_t)DECAY_HOURS);
	while (hours > 0 && !(view_age_days(view, hours) < days))
		hours--;
	return hours;
}

double
view_add_decayed(const struct view *view, unsigned kind, double points,
	const struct half_life *half_life, double total)
{
	const double *entries = view_entries(view, half_life);
	for (uint32_t i = view->first[kind]; i < view->first[kind + 1]; i++) {
		uint32_t hours = view_hours(view, ls_cell_hour(view->cells[i]));
		total += points * ls_cell_count(view->cells[i]) *
			 view_decay(view, half_life, entries, hours);
	}
	return total;
}

struct view_count
view_count(const struct view *view, unsigned kind, uint32_t hours)
{
	struct view_count out = { 0 };
	for (uint32_t i = view->first[kind]; i < view->first[kind + 1]; i++) {
		uint32_t hour = ls_cell_hour(view->cells[i]);
		if (view_hours(view, hour) > hours)
			continue;
		out.count += ls_cell_count(view->cells[i]);
		out.last_ms = ((int64_t)hour + 1) * LS_HOUR_MS;
	}
	return out;
}
