// SPDX-License-Identifier: MIT
/* What sales and the lead did together: meetings, calls, replies, forms, notes, tasks, decayed. */

#include "score/signal.h"

struct params {
	double half;
	struct half_life half_life;
	struct kind_points points;
	uint32_t kinds; /* bits: those that are worth something */
};

static const struct kind_default worth[] = {
	{ LS_KIND_MEETING, 3 },
	{ LS_KIND_CALL, 2 },
	{ LS_KIND_EMAIL_REPLY, 2 },
	{ LS_KIND_FORM_SUBMIT, 2 },
	{ LS_KIND_NOTE, 1 },
	{ LS_KIND_TASK, 1 },
	{ LS_KIND_OTHER, 0 },
};

static const struct param params[] = {
	{ .name = "half",
		.help = "fresh points of worth that give half of the points",
		.type = PARAM_NUMBER,
		.offset = offsetof(struct params, half),
		.value = 5.0,
		.min = 0.001,
		.max = 1000000 },
	{ .name = "half_life_days",
		.help = "days after which an activity counts half",
		.type = PARAM_HALF_LIFE,
		.offset = offsetof(struct params, half_life),
		.value = 14,
		.min = 0.01,
		.max = 36500 },
	{ .name = "points",
		.help = "worth of each kind of activity; kinds left out are worth nothing",
		.type = PARAM_KIND_POINTS,
		.offset = offsetof(struct params, points),
		.min = 0,
		.max = 1000,
		.kinds = worth },
};

static void
prepare(void *ctx)
{
	struct params *p = ctx;
	p->kinds = 0;
	for (unsigned kind = 0; kind < KIND_SLOTS; kind++)
		p->kinds |= p->points.points[kind] > 0.0 ? 1u << kind : 0;
}

static double
decayed_worth(const struct view *view, const struct params *p)
{
	double total = 0.0;
	for (uint32_t left = p->kinds & view->present; left != 0; left &= left - 1) {
		unsigned kind = (unsigned)__builtin_ctz(left);
		total = view_add_decayed(view, kind, p->points.points[kind], &p->half_life, total);
	}
	return total;
}

static double
evaluate(const struct view *view, const void *ctx)
{
	const struct params *p = ctx;
	double total = decayed_worth(view, p);
	return total > 0.0 ? view_saturate(view, total, p->half) : 0.0;
}

static void
explain(const struct view *view, const void *ctx, struct ls_line *line)
{
	const struct params *p = ctx;
	line->amount = decayed_worth(view, p);
	for (unsigned kind = 0; kind < KIND_SLOTS; kind++) {
		if (p->points.points[kind] <= 0.0)
			continue;
		struct view_count found = view_count(view, kind, view_all_hours(view));
		line->detail[kind] = (uint32_t)LS_MIN(found.count, (uint64_t)UINT32_MAX);
		line->count += found.count;
		line->last_ms = LS_MAX(line->last_ms, found.last_ms);
	}
}

/** The kinds there are, the worthiest first, so that the sentence begins with what matters. */
static size_t
order_kinds(const struct params *p, const struct ls_line *line, unsigned order[KIND_SLOTS])
{
	size_t n = 0;
	for (unsigned kind = 0; kind < KIND_SLOTS; kind++) {
		if (line->detail[kind] == 0)
			continue;
		size_t at = n++;
		for (; at > 0 && p->points.points[order[at - 1]] < p->points.points[kind]; at--)
			order[at] = order[at - 1];
		order[at] = kind;
	}
	return n;
}

static void
weigh(const struct view *view, const void *ctx, struct weights *out)
{
	const struct params *p = ctx;
	for (unsigned kind = 0; kind < KIND_SLOTS; kind++) {
		if ((p->kinds >> kind & 1u) == 0)
			continue;
		const struct kind_weight how = { .kind = kind,
			.points = p->points.points[kind],
			.half_life = &p->half_life,
			.hours = view_all_hours(view) };
		weights_add_kind(out, view, &how);
	}
}

static void
words(struct text *text, const void *ctx, const struct ls_line *line, int64_t now_ms)
{
	unsigned order[KIND_SLOTS] = { 0 };
	size_t n = order_kinds(ctx, line, order);
	if (n == 0) {
		text_add(text, LS_S("no meetings, calls or other activities"));
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			text_add(text, i + 1 < n ? LS_S(", ") : LS_S(" and "));
		text_add_kind(text, order[i], line->detail[order[i]]);
	}
	text_add(text, line->count == 1 ? LS_S(", ") : LS_S(", most recently "));
	text_add_day(text, line->last_ms, now_ms);
}

const struct ls_signal ls_signal_crm_activities = {
	.name = "crm_activities",
	.help = "Meetings, calls, replies, forms, notes and tasks, fresh ones counting more",
	.weight = 15,
	.params = params,
	.param_count = LS_ARRAY_LEN(params),
	.params_size = sizeof(struct params),
	.prepare = prepare,
	.evaluate = evaluate,
	.explain = explain,
	.weigh = weigh,
	.words = words,
};
