/* SPDX-License-Identifier: MIT */
/* An instant with its decay tables, and a view: one lead as the signals read it at an instant.
 *
 * Every cell's age is a whole number of hours plus the moment's own part of an hour, so decay is a
 * table by half-life and hours. The same table serves every later instant with the same part of an
 * hour, which is what makes cooling cheap. */
#ifndef LS_SCORE_MOMENT_H
#define LS_SCORE_MOMENT_H

#include "base/base.h"
#include "leadscore/score.h"
#include "score/packed.h"
#include "score/points.h"

/** Built-in kinds that are counted have numbers below this. */
#define KIND_SLOTS 16

/* hours back that still count: a cell of age 400 d 0 h began 9,601 hours ago */
#define DECAY_HOURS (MAX_AGE_DAYS * 24 + 1)
/* the last entry, always 0, is for everything older */
#define DECAY_ENTRIES (DECAY_HOURS + 2)
/* hours between now and a cell's, as they are: a day's last hour may be read as 23 hours later */
#define AGE_ENTRIES (DECAY_ENTRIES + 24)
/* half-lives beyond these are computed instead of looked up */
#define DECAY_TABLES 16u

struct decay_table {
	double days;      /* the half-life */
	uint32_t touched; /* entries from here on have not been filled */
	double *entries;  /* negative: not filled yet */
	/* the same by the hours between now and a cell's: what they are read as is looked up too */
	uint32_t ages_touched;
	double *ages;
};

/** What view_window_hours() gave last. */
struct window {
	double days;
	int64_t part_ms;
	uint32_t hours;
};

struct ls_moment {
	struct ls_memory memory;
	const struct ls_profile *profile;
	int64_t now_ms, part_ms; /* part_ms: since its hour began */
	struct decay_table tables[DECAY_TABLES];
	uint32_t table_count, table_room;
	double *entries;
	struct window window;
	uint32_t starts[LS_PACKED_KINDS + 1]; /* for indexing a packed view */
};

/** A half-life in days, and which of the profile's decays it is. */
struct half_life {
	double days;
	uint32_t decay;
};

/** The cells of a kind. */
struct cell_range {
	uint32_t first, end;
};

/** One lead at one instant. */
struct view {
	const ls_cell *cells;           /* where `packed` is NULL; never NULL then */
	const struct ls_packed *packed; /* the cells in this form instead */
	const struct ls_activity *activity;
	const struct ls_subject_data *data;
	struct ls_moment *moment;
	int64_t now_ms;
	int64_t now_hour;
	int64_t part_ms;                     /* since now_hour began */
	int32_t packed_now;                  /* now_hour as in packed cells */
	bool tabled;                         /* the moment's tables hold for this instant */
	bool exact;                          /* the last bits matter */
	uint32_t present;                    /* bit by kind: it has cells, in this range */
	struct cell_range kinds[KIND_SLOTS]; /* of those that are present: see view_range() */
	uint32_t newest; /* newest hour with an interaction, plus one; 0: none */
};

void view_init(struct view *view, struct ls_moment *moment, const struct ls_subject_data *data);
/** Moves the view to another instant, without moving the moment. */
void view_set_now(struct view *view, int64_t now_ms);

static inline struct cell_range
view_range(const struct view *view, unsigned kind)
{
	if ((view->present >> kind & 1u) == 0)
		return (struct cell_range){ 0 };
	return view->kinds[kind];
}

/** How many hours ago the hour began as which a cell's hour is read: 0 for the current hour and
 * the future. */
static inline uint32_t
view_hours(const struct view *view, uint32_t hour)
{
	/* no branch: which cells are old is hard to predict */
	int32_t hours = (int32_t)view->now_hour - (int32_t)hour;
	hours -= hours > COARSE_HOURS ? 23 - (int32_t)(hour % 24) : 0;
	if (LS_UNLIKELY((uint32_t)hours >= DECAY_ENTRIES))
		return hours < 0 ? 0 : DECAY_ENTRIES - 1;
	return (uint32_t)hours;
}

/** Days since the end of the hour that began `hours` ago. */
static inline double
view_age_days(const struct view *view, uint32_t hours)
{
	if (hours == 0)
		return 0.0;
	int64_t ms = (int64_t)(hours - 1) * LS_HOUR_MS + view->part_ms;
	return (double)ms / (double)LS_DAY_MS;
}

/** 2^(-age / half-life), 0 beyond MAX_AGE_DAYS: the direct formula, and the same kept for later. */
double view_compute_decay(const struct view *view, double half_life_days, uint32_t hours);
double view_fill_decay(const struct view *view, uint32_t decay, uint32_t hours);

/** The same for the hours between now and a cell's. */
double view_fill_age(const struct view *view, const struct half_life *half_life, uint32_t age);

static inline uint32_t
view_cell_hour(const struct view *view, uint32_t i)
{
	if (view->packed != NULL)
		return ls_packed_cell_hour(view->packed->cells[i]) + LS_PACKED_FIRST_HOUR;
	return ls_cell_hour(view->cells[i]);
}

static inline uint32_t
view_cell_count(const struct view *view, uint32_t i)
{
	return view->packed != NULL ? ls_packed_cell_count(view->packed->cells[i])
				    : ls_cell_count(view->cells[i]);
}

/** Hours between now and a packed hour, as they are. */
static inline uint32_t
view_age(const struct view *view, uint32_t packed_hour)
{
	int32_t age = view->packed_now - (int32_t)packed_hour;
	if (LS_UNLIKELY((uint32_t)age >= AGE_ENTRIES))
		return age < 0 ? 0 : AGE_ENTRIES - 1;
	return (uint32_t)age;
}

/** The table of a packed view by hours between now and a cell's. */
static inline const double *
view_ages(const struct view *view, const struct half_life *half_life)
{
	if (LS_UNLIKELY(half_life->decay >= view->moment->table_count))
		return NULL;
	return view->moment->tables[half_life->decay].ages;
}

static inline double
view_age_decay(const struct view *view, const struct half_life *half_life, const double *ages,
	uint32_t packed_hour)
{
	uint32_t age = view_age(view, packed_hour);
	if (LS_LIKELY(ages != NULL && ages[age] >= 0))
		return ages[age];
	return view_fill_age(view, half_life, age);
}

/** The decay table to look up in, or NULL when there is none for this instant. */
static inline const double *
view_entries(const struct view *view, const struct half_life *half_life)
{
	if (LS_UNLIKELY(!view->tabled || half_life->decay >= view->moment->table_count))
		return NULL;
	return view->moment->tables[half_life->decay].entries;
}

static inline double
view_decay(const struct view *view, const struct half_life *half_life, const double *entries,
	uint32_t hours)
{
	if (LS_UNLIKELY(entries == NULL))
		return view_compute_decay(view, half_life->days, hours);
	double decay = entries[hours];
	return LS_LIKELY(decay >= 0) ? decay : view_fill_decay(view, half_life->decay, hours);
}

/** The greatest view_hours() whose age is less than `days` (more than 0, at most MAX_AGE_DAYS). */
uint32_t view_window_hours(const struct view *view, double days);

/** Adds the decayed count of a kind to a running total, cell by cell as the reference does. */
static inline double
view_add_decayed(const struct view *view, unsigned kind, double points,
	const struct half_life *half_life, double total)
{
	struct cell_range range = view_range(view, kind);
	if (range.first == range.end)
		return total;
	if (view->packed != NULL) {
		const double *ages = view_ages(view, half_life);
		const uint32_t *at = view->packed->cells + range.first,
			       *end = view->packed->cells + range.end;
		for (; at < end; at++) {
			double decay =
				view_age_decay(view, half_life, ages, ls_packed_cell_hour(*at));
			total += points * ls_packed_cell_count(*at) * decay;
		}
		return total;
	}
	const double *entries = view_entries(view, half_life);
	for (const ls_cell *at = view->cells + range.first; at < view->cells + range.end; at++) {
		uint32_t hours = view_hours(view, ls_cell_hour(*at));
		total += points * ls_cell_count(*at) * view_decay(view, half_life, entries, hours);
	}
	return total;
}

/** How many events of a kind are up to `hours` back, and the end of the newest one's hour. */
struct view_count {
	uint64_t count;
	int64_t last_ms;
};
struct view_count view_count(const struct view *view, unsigned kind, uint32_t hours);

/** saturate(), in its last bits only where they matter: whoever sums points asks again, exactly,
 * next to a tie. So the milli-points are those of the reference, at a third of the cost. */
static inline double
view_saturate(const struct view *view, double x, double half)
{
	return view->exact ? saturate(x, half) : saturate_roughly(x, half);
}

/** Every hour that still counts, for view_count(). */
static inline uint32_t
view_all_hours(const struct view *view)
{
	return DECAY_HOURS - (view->part_ms != 0 ? 1 : 0);
}

#endif
