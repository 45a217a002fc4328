// SPDX-License-Identifier: MIT
/* The instant to score at: its decay tables, filled as they are met, and reading a lead's cells. */

#include "score/moment.h"

#include "score/interactions.h"
#include "score/profile_data.h"

/* the end of the last hour that a cell can have: hours fit 32 bits with room for arithmetic */
#define NOW_MAX_MS (INT64_C(0x1000000) * LS_HOUR_MS)

/* ---- the moment */

static void
forget_ages(struct decay_table *table)
{
	for (uint32_t i = 0; i < table->ages_touched; i++)
		table->ages[i] = -1.0;
	table->ages_touched = 0;
}

static void
forget(struct decay_table *table)
{
	for (uint32_t i = 0; i < table->touched; i++)
		table->entries[i] = -1.0;
	table->touched = 0;
	forget_ages(table);
}

/** Gives every half-life of the profile a table. */
static int
reserve_tables(struct ls_moment *moment, uint32_t count)
{
	if (count <= moment->table_room)
		return LS_OK;
	double *entries = moment->memory.realloc(moment->memory.ctx, moment->entries,
		(size_t)count * (DECAY_ENTRIES + AGE_ENTRIES) * sizeof *entries);
	if (entries == NULL)
		return LS_ERR_NOMEM;
	moment->entries = entries;
	for (uint32_t i = 0; i < count; i++) {
		moment->tables[i].entries = &entries[(size_t)i * (DECAY_ENTRIES + AGE_ENTRIES)];
		moment->tables[i].ages = moment->tables[i].entries + DECAY_ENTRIES;
		if (i >= moment->table_room) {
			moment->tables[i].touched = DECAY_ENTRIES;
			moment->tables[i].ages_touched = AGE_ENTRIES;
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
	now_ms = LS_MAX(INT64_C(0), LS_MIN(now_ms, NOW_MAX_MS));
	/* a table depends on the half-life and the part of an hour, on nothing else */
	int64_t part_ms = now_ms % LS_HOUR_MS;
	bool same_part = part_ms == moment->part_ms;
	bool same_now = now_ms == moment->now_ms;
	for (uint32_t i = 0; i < moment->table_room; i++) {
		struct decay_table *table = &moment->tables[i];
		double days = i < count ? profile->decay_days[i] : 0;
		if (!same_part || table->days != days)
			forget(table);
		else if (!same_now)
			forget_ages(table);
		table->days = days;
	}
	moment->table_count = count;
	moment->profile = profile;
	moment->now_ms = now_ms;
	moment->part_ms = part_ms;
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

double
view_fill_age(const struct view *view, const struct half_life *half_life, uint32_t age)
{
	uint32_t hours = view_hours(view, (uint32_t)(view->now_hour - age));
	double value = view_decay(view, half_life, view_entries(view, half_life), hours);
	if (half_life->decay < view->moment->table_count) {
		struct decay_table *table = &view->moment->tables[half_life->decay];
		table->ages[age] = value;
		table->ages_touched = LS_MAX(table->ages_touched, age + 1);
	}
	return value;
}

/* ---- the view */

void
view_set_now(struct view *view, int64_t now_ms)
{
	view->now_ms = now_ms;
	view->now_hour = now_ms / LS_HOUR_MS;
	view->part_ms = now_ms % LS_HOUR_MS;
	view->packed_now = (int32_t)view->now_hour - (int32_t)LS_PACKED_FIRST_HOUR;
	view->tabled = view->part_ms == view->moment->part_ms;
}

/** Where each kind's cells are, and the newest interaction: run by run. */
static void
index_cells(struct view *view)
{
	const ls_cell *cells = view->cells;
	uint32_t at = 0, count = view->activity->cell_count, newest = 0;
	while (at < count && ls_cell_kind(cells[at]) < KIND_SLOTS) {
		unsigned kind = ls_cell_kind(cells[at]);
		ls_cell bound = (ls_cell)(kind + 1) << 48;
		uint32_t first = at;
		do
			at++;
		while (at < count && cells[at] < bound);
		view->kinds[kind] = (struct cell_range){ first, at };
		view->present |= 1u << kind;
		if (kind_is_interaction(kind))
			newest = LS_MAX(newest, ls_cell_hour(cells[at - 1]) + 1);
	}
	view->newest = newest;
}

/* Without a branch for each cell: where a run ends is hard to predict. */
static void
index_packed(struct view *view)
{
	const uint32_t *cells = view->packed->cells;
	uint32_t *starts = view->moment->starts;
	size_t count = view->packed->cell_count, runs = 0;
	uint32_t newest = 0, before = UINT32_MAX; /* no cell's kind */
	for (size_t at = 0; at < count; at++) {
		starts[runs] = (uint32_t)at;
		runs += (cells[at] ^ before) >= 1u << LS_PACKED_KIND_SHIFT;
		before = cells[at];
	}
	starts[runs] = (uint32_t)count;
	for (size_t run = 0; run < runs; run++) {
		uint32_t first = starts[run], end = starts[run + 1];
		unsigned kind = cells[first] >> LS_PACKED_KIND_SHIFT;
		if (kind >= KIND_SLOTS)
			break;
		view->kinds[kind] = (struct cell_range){ first, end };
		view->present |= 1u << kind;
		/* all bits, or none */
		uint32_t counts = 0u - (INTERACTIONS >> kind & 1u);
		uint32_t hour = ls_packed_cell_hour(cells[end - 1]) + LS_PACKED_FIRST_HOUR;
		newest = LS_MAX(newest, (hour + 1) & counts);
	}
	view->newest = newest;
}

void
view_init(struct view *view, struct ls_moment *moment, const struct ls_subject_data *data)
{
	static const ls_cell none[1] = { 0 };
	const struct ls_activity *activity = data->activity;
	view->activity = activity;
	view->packed = activity == NULL ? data->packed : NULL;
	view->cells = activity == NULL || activity->cells == NULL ? none : activity->cells;
	view->data = data;
	view->moment = moment;
	view_set_now(view, moment->now_ms);
	view->exact = false;
	view->present = 0;
	if (view->packed != NULL)
		index_packed(view);
	else
		index_cells(view);
}

/** age < days, where limit is days in milliseconds: exact, but without the division where rounding
 * cannot matter. */
static bool
is_younger(const struct view *view, uint32_t hours, double days, double limit_ms)
{
	if (hours == 0)
		return true;
	int64_t ms = (int64_t)(hours - 1) * LS_HOUR_MS + view->part_ms;
	double left = limit_ms - (double)ms;
	if (LS_LIKELY(left > 1.0 || left < -1.0))
		return left > 0;
	return view_age_days(view, hours) < days;
}

static uint32_t
find_window_hours(const struct view *view, double days)
{
	double limit_ms = days * (double)LS_DAY_MS;
	uint32_t hours = (uint32_t)(limit_ms * (1.0 / (double)LS_HOUR_MS)) + 1;
	hours = LS_MIN(hours, (uint32_t)DECAY_HOURS);
	while (!is_younger(view, hours, days, limit_ms))
		hours--;
	return hours;
}

uint32_t
view_window_hours(const struct view *view, double days)
{
	struct window *window = &view->moment->window;
	if (window->days != days || window->part_ms != view->part_ms)
		*window = (struct window){ .days = days,
			.part_ms = view->part_ms,
			.hours = find_window_hours(view, days) };
	return window->hours;
}

struct view_count
view_count(const struct view *view, unsigned kind, uint32_t hours)
{
	struct view_count out = { 0 };
	struct cell_range range = view_range(view, kind);
	for (uint32_t i = range.first; i < range.end; i++) {
		uint32_t hour = view_cell_hour(view, i);
		if (view_hours(view, hour) > hours)
			continue;
		out.count += view_cell_count(view, i);
		out.last_ms = ((int64_t)hour + 1) * LS_HOUR_MS;
	}
	return out;
}
