// SPDX-License-Identifier: MIT
/* How long ago the lead was last active. */

#include "score/interactions.h"
#include "score/signal.h"

struct params {
	struct half_life half_life;
};

static const struct param params[] = {
	{ .name = "half_life_days",
		.help = "days of silence after which half of the points are left",
		.type = PARAM_HALF_LIFE,
		.offset = offsetof(struct params, half_life),
		.value = 7,
		.min = 0.01,
		.max = 36500 },
};

/** The least view_hours() of any interaction; UINT32_MAX: there is none. */
static uint32_t
find_least_hours(const struct view *view)
{
	if (view->newest == 0)
		return UINT32_MAX;
	uint32_t least = view_hours(view, view->newest - 1);
	if (least <= COARSE_HOURS - 24)
		return least;
	/* an older cell may be read as the end of its day, which can be later than the newest */
	for (unsigned kind = 0; kind < KIND_SLOTS; kind++) {
		if (!kind_is_interaction(kind))
			continue;
		struct cell_range range = view_range(view, kind);
		for (uint32_t i = range.first; i < range.end; i++)
			least = LS_MIN(least, view_hours(view, view_cell_hour(view, i)));
	}
	return least;
}

static double
evaluate(const struct view *view, const void *ctx)
{
	const struct params *p = ctx;
	uint32_t hours = find_least_hours(view);
	if (hours == UINT32_MAX)
		return 0.0;
	return view_decay(view, &p->half_life, view_entries(view, &p->half_life), hours);
}

static void
explain(const struct view *view, const void *ctx, struct ls_line *line)
{
	(void)ctx;
	uint32_t hours = find_least_hours(view);
	if (hours > view_all_hours(view))
		return;
	line->amount = view_age_days(view, hours);
	line->count = 1;
	line->last_ms = ls_activity_last_ms(view->activity);
}

static void
weigh(const struct view *view, const void *ctx, struct weights *out)
{
	uint32_t least = find_least_hours(view);
	(void)ctx;
	for (unsigned kind = 0; kind < KIND_SLOTS && least <= view_all_hours(view); kind++) {
		if (!kind_is_interaction(kind))
			continue;
		struct cell_range range = view_range(view, kind);
		for (uint32_t i = range.first; i < range.end; i++) {
			uint32_t hour = view_cell_hour(view, i), count = view_cell_count(view, i);
			if (view_hours(view, hour) == least)
				weights_add(out, kind, hour, count, count);
		}
	}
}

static void
words(struct text *text, const void *ctx, const struct ls_line *line, int64_t now_ms)
{
	(void)ctx;
	if (line->count == 0) {
		text_add(text, LS_S("no activity yet"));
		return;
	}
	text_add(text, LS_S("last active "));
	text_add_ago(text, line->last_ms, now_ms);
}

const struct ls_signal ls_signal_recency = {
	.name = "recency",
	.help = "How long ago the lead was last active",
	.weight = 5,
	.params = params,
	.param_count = LS_ARRAY_LEN(params),
	.params_size = sizeof(struct params),
	.evaluate = evaluate,
	.explain = explain,
	.weigh = weigh,
	.words = words,
};
