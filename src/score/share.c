// SPDX-License-Identifier: MIT
/* Shares a line's milli-points out by weight: everybody gets the whole part of what is due, and the
 * rest goes to the largest remainders. */

#include "leadscore/share.h"

#include <stdlib.h>

#include "score/profile_data.h"
#include "score/weights.h"

struct weighed {
	struct ls_share share;
	double weight, rest;
};

struct weights {
	struct ls_memory memory;
	struct weighed *items;
	size_t count, room;
	uint32_t line;
	int64_t now_hour;
	int err;
};

/* ---- collecting */

static uint32_t
read_hour(int64_t now_hour, uint32_t hour)
{
	return now_hour - (int64_t)hour > COARSE_HOURS ? hour + 23 - hour % 24 : hour;
}

static void
push(struct weights *w, const struct weighed *item)
{
	if (w->err != LS_OK || !(item->weight > 0.0))
		return;
	if (w->count == w->room) {
		size_t room = w->room > 0 ? w->room * 2 : 64;
		struct weighed *items =
			w->memory.realloc(w->memory.ctx, w->items, room * sizeof *items);
		if (items == NULL) {
			w->err = LS_ERR_NOMEM;
			return;
		}
		w->items = items;
		w->room = room;
	}
	w->items[w->count++] = *item;
}

void
weights_add(struct weights *w, unsigned kind, uint32_t hour, uint32_t count, double weight)
{
	const struct weighed item = {
		.share = { .line = w->line,
			.kind = kind,
			.hour = read_hour(w->now_hour, hour),
			.count = count },
		.weight = weight,
	};
	push(w, &item);
}

void
weights_add_message(struct weights *w, const struct ls_hit *hit, unsigned kind, double weight)
{
	const struct weighed item = {
		.share = { .line = w->line,
			.kind = kind,
			.hour = read_hour(w->now_hour, hit->hour_click >> 1),
			.message = hit->message,
			.count = hit->count },
		.weight = weight,
	};
	push(w, &item);
}

void
weights_add_kind(struct weights *w, const struct view *view, const struct kind_weight *how)
{
	const double *entries = how->half_life != NULL ? view_entries(view, how->half_life) : NULL;
	struct cell_range range = view_range(view, how->kind);
	for (uint32_t i = range.first; i < range.end; i++) {
		uint32_t hour = view_cell_hour(view, i), count = view_cell_count(view, i);
		uint32_t hours = view_hours(view, hour);
		double decay = 1.0;
		if (hours > how->hours)
			continue;
		if (how->half_life != NULL)
			decay = view_decay(view, how->half_life, entries, hours);
		weights_add(w, how->kind, hour, count, how->points * count * decay);
	}
}

/* ---- sharing out */

static int
cmp_shares(const struct ls_share *a, const struct ls_share *b)
{
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->hour != b->hour)
		return a->hour < b->hour ? -1 : 1;
	return (a->message > b->message) - (a->message < b->message);
}

static int
by_key(const void *a, const void *b)
{
	return cmp_shares(a, b); /* the share is a weighed one's first member */
}

static int
by_rest(const void *a, const void *b)
{
	const struct weighed *x = a, *y = b;
	if (x->rest != y->rest)
		return x->rest < y->rest ? 1 : -1;
	return cmp_shares(&x->share, &y->share);
}

/* hours of the same day, and messages' hits, come one by one */
static size_t
join(struct weighed *items, size_t count)
{
	size_t kept = 0;
	qsort(items, count, sizeof *items, by_key);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || cmp_shares(&items[i].share, &items[kept - 1].share) != 0) {
			items[kept++] = items[i];
			continue;
		}
		items[kept - 1].share.count += items[i].share.count;
		items[kept - 1].weight += items[i].weight;
	}
	return kept;
}

static void
share_out(struct weighed *items, size_t count, int32_t points_milli)
{
	int32_t left = abs(points_milli), sign = points_milli < 0 ? -1 : 1;
	const double all = left;
	double sum = 0.0;
	for (size_t i = 0; i < count; i++)
		sum += items[i].weight;
	for (size_t i = 0; i < count; i++) {
		double due = all * (items[i].weight / sum);
		int32_t whole = LS_MIN((int32_t)due, left);
		items[i].rest = due - whole;
		items[i].share.points_milli = sign * whole;
		left -= whole;
	}
	qsort(items, count, sizeof *items, by_rest);
	for (size_t i = 0; left > 0; i = i + 1 < count ? i + 1 : 0, left--)
		items[i].share.points_milli += sign;
}

/* the line that has just been collected, from `start` on */
static void
finish_line(struct weights *w, size_t start, int32_t points_milli)
{
	if (w->err != LS_OK || w->count == start)
		return;
	if (points_milli == 0) {
		w->count = start;
		return;
	}
	size_t count = join(&w->items[start], w->count - start);
	w->count = start + count;
	share_out(&w->items[start], count, points_milli);
}

static void
weigh_rule(const struct rule *rule, const struct view *view, struct weights *w)
{
	if (rule->test != RULE_KIND)
		return;
	const struct kind_weight how = {
		.kind = rule->kind,
		.points = 1.0,
		.half_life = rule->half_life.days > 0 ? &rule->half_life : NULL,
		.hours = rule->window_days > 0 ? view_window_hours(view, rule->window_days)
					       : view_all_hours(view),
	};
	weights_add_kind(w, view, &how);
}

static void
weigh_all(struct weights *w, const struct ls_profile *profile, const struct view *view,
	const struct ls_line *lines)
{
	for (size_t i = 0; i < ls_signal_count; i++) {
		size_t start = w->count;
		w->line = (uint32_t)i;
		if (ls_signals[i]->weigh != NULL)
			ls_signals[i]->weigh(view, profile->params[i], w);
		finish_line(w, start, lines[i].points_milli);
	}
	for (size_t i = 0; i < profile->rule_count; i++) {
		size_t start = w->count, line = ls_signal_count + i;
		w->line = (uint32_t)line;
		weigh_rule(&profile->rules[i], view, w);
		finish_line(w, start, lines[line].points_milli);
	}
}

int
ls_shares_make(struct ls_moment *moment, const struct ls_subject_data *data,
	const struct ls_line *lines, struct ls_memory memory, struct ls_shares *out)
{
	struct view view;
	view_init(&view, moment, data);
	struct weights w = { .memory = memory, .now_hour = view.now_hour };
	struct ls_shares shares = { .now_hour = view.now_hour };
	weigh_all(&w, moment->profile, &view, lines);
	if (w.err == LS_OK && w.count > 0) {
		shares.items = memory.realloc(memory.ctx, NULL, w.count * sizeof *shares.items);
		w.err = shares.items != NULL ? LS_OK : LS_ERR_NOMEM;
	}
	if (w.err == LS_OK && w.count > 0) {
		qsort(w.items, w.count, sizeof *w.items, by_key);
		for (size_t i = 0; i < w.count; i++)
			shares.items[i] = w.items[i].share;
		shares.count = w.count;
	}
	(void)memory.realloc(memory.ctx, w.items, 0);
	if (w.err == LS_OK)
		*out = shares;
	return w.err;
}

void
ls_shares_fini(struct ls_shares *shares, struct ls_memory memory)
{
	(void)memory.realloc(memory.ctx, shares->items, 0);
	*shares = (struct ls_shares){ 0 };
}

/* ---- looking up */

uint32_t
ls_shares_hour(const struct ls_shares *shares, int64_t time_ms)
{
	return read_hour(shares->now_hour, (uint32_t)(LS_MAX(time_ms, 0) / LS_HOUR_MS));
}

static int
cmp_key(const void *key, const void *item)
{
	return cmp_shares(key, item);
}

const struct ls_share *
ls_shares_find(const struct ls_shares *shares, uint32_t line, const struct ls_share_event *event)
{
	struct ls_share key = {
		.line = line, .kind = event->kind, .hour = ls_shares_hour(shares, event->time_ms)
	};
	if (shares->count == 0)
		return NULL;
	const struct ls_share *found =
		bsearch(&key, shares->items, shares->count, sizeof key, cmp_key);
	if (found != NULL || event->message == 0)
		return found;
	key.message = event->message;
	return bsearch(&key, shares->items, shares->count, sizeof key, cmp_key);
}

int32_t
ls_share_part(const struct ls_share *share, uint32_t rank)
{
	uint32_t size = (uint32_t)abs(share->points_milli);
	if (rank >= share->count)
		return 0;
	int32_t part = (int32_t)(size / share->count + (rank < size % share->count ? 1 : 0));
	return share->points_milli < 0 ? -part : part;
}
