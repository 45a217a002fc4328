// SPDX-License-Identifier: MIT
/* Visits to the website, decayed: frequency and recency in one. */

#include "score/signal.h"

struct params {
	double half;
	struct half_life half_life;
};

static const struct param params[] = {
	{ .name = "half",
		.help = "fresh visits that give half of the points",
		.type = PARAM_NUMBER,
		.offset = offsetof(struct params, half),
		.value = 3.0,
		.min = 0.001,
		.max = 1000000 },
	{ .name = "half_life_days",
		.help = "days after which a visit counts half",
		.type = PARAM_HALF_LIFE,
		.offset = offsetof(struct params, half_life),
		.value = 7,
		.min = 0.01,
		.max = 36500 },
};

static double
decayed_visits(const struct view *view, const struct params *p)
{
	return view_add_decayed(view, LS_KIND_VISIT, 1.0, &p->half_life, 0.0);
}

static double
evaluate(const struct view *view, const void *ctx)
{
	const struct params *p = ctx;
	double visits = decayed_visits(view, p);
	return visits > 0.0 ? view_saturate(view, visits, p->half) : 0.0;
}

static void
explain(const struct view *view, const void *ctx, struct ls_line *line)
{
	struct view_count visits = view_count(view, LS_KIND_VISIT, view_all_hours(view));
	line->amount = decayed_visits(view, ctx);
	line->count = visits.count;
	line->last_ms = visits.last_ms;
}

static void
weigh(const struct view *view, const void *ctx, struct weights *out)
{
	const struct params *p = ctx;
	const struct kind_weight how = { .kind = LS_KIND_VISIT,
		.points = 1.0,
		.half_life = &p->half_life,
		.hours = view_all_hours(view) };
	weights_add_kind(out, view, &how);
}

static void
words(struct text *text, const void *ctx, const struct ls_line *line, int64_t now_ms)
{
	(void)ctx;
	if (line->count == 0) {
		text_add(text, LS_S("no visits to the website"));
		return;
	}
	if (line->count == 1) {
		text_add(text, LS_S("visited once, "));
	} else {
		text_add(text, LS_S("visited "));
		text_add_count(text, line->count, "time", "times");
		text_add(text, LS_S(", most recently "));
	}
	text_add_day(text, line->last_ms, now_ms);
}

const struct ls_signal ls_signal_website_visits = {
	.name = "website_visits",
	.help = "Visits to the website, fresh ones counting more",
	.weight = 20,
	.params = params,
	.param_count = LS_ARRAY_LEN(params),
	.params_size = sizeof(struct params),
	.evaluate = evaluate,
	.explain = explain,
	.weigh = weigh,
	.words = words,
};
