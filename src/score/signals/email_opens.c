// SPDX-License-Identifier: MIT
/* How many mails were opened lately. */

#include "score/signal.h"

/* the values of so many opens are computed beforehand */
#define FEW 64u

struct params {
	double half;
	double window_days;
	double values[FEW];
};

static const struct param params[] = {
	{ .name = "half",
		.help = "opens that give half of the points",
		.type = PARAM_NUMBER,
		.offset = offsetof(struct params, half),
		.value = 3.0,
		.min = 0.001,
		.max = 1000000 },
	{ .name = "window_days",
		.help = "how many days back opens count",
		.type = PARAM_NUMBER,
		.offset = offsetof(struct params, window_days),
		.value = 7,
		.min = 0.001,
		.max = MAX_AGE_DAYS },
};

static void
prepare(void *ctx)
{
	struct params *p = ctx;
	for (unsigned i = 0; i < FEW; i++)
		p->values[i] = saturate(i, p->half);
}

/** Those of a packed view up to so many hours back, which is less than what is read by the day:
 * from the newest to the first that is older. */
static uint64_t
count_latest(const struct view *view, uint32_t window)
{
	uint64_t opens = 0;
	struct cell_range range = view_range(view, LS_KIND_EMAIL_OPEN);
	for (uint32_t at = range.end; at > range.first; at--) {
		uint32_t cell = view->packed->cells[at - 1];
		if (view_age(view, ls_packed_cell_hour(cell)) > window)
			break;
		opens += ls_packed_cell_count(cell);
	}
	return opens;
}

static double
evaluate(const struct view *view, const void *ctx)
{
	const struct params *p = ctx;
	if (view_range(view, LS_KIND_EMAIL_OPEN).end == 0)
		return 0.0;
	uint32_t window = view_window_hours(view, p->window_days);
	bool latest = view->packed != NULL && window < COARSE_HOURS - 24;
	uint64_t opens = latest ? count_latest(view, window)
				: view_count(view, LS_KIND_EMAIL_OPEN, window).count;
	return opens < FEW ? p->values[opens] : saturate((double)opens, p->half);
}

static void
explain(const struct view *view, const void *ctx, struct ls_line *line)
{
	const struct params *p = ctx;
	struct view_count opens =
		view_count(view, LS_KIND_EMAIL_OPEN, view_window_hours(view, p->window_days));
	line->amount = (double)opens.count;
	line->count = opens.count;
	line->last_ms = opens.last_ms;
}

static void
weigh(const struct view *view, const void *ctx, struct weights *out)
{
	const struct params *p = ctx;
	const struct kind_weight how = { .kind = LS_KIND_EMAIL_OPEN,
		.points = 1.0,
		.hours = view_window_hours(view, p->window_days) };
	weights_add_kind(out, view, &how);
}

static void
words(struct text *text, const void *ctx, const struct ls_line *line, int64_t now_ms)
{
	const struct params *p = ctx;
	if (line->count == 0)
		text_add(text, LS_S("no opens"));
	else
		text_add_count(text, line->count, "open", "opens");
	text_add(text, LS_S(" in the last "));
	text_add_number(text, p->window_days);
	text_add(text, p->window_days == 1 ? LS_S(" day") : LS_S(" days"));
	if (line->count == 0)
		return;
	text_add(text, line->count == 1 ? LS_S(", ") : LS_S(", the last "));
	text_add_ago(text, line->last_ms, now_ms);
}

const struct ls_signal ls_signal_email_opens = {
	.name = "email_opens",
	.help = "E-mails opened by a person in the last days",
	.weight = 25,
	.params = params,
	.param_count = LS_ARRAY_LEN(params),
	.params_size = sizeof(struct params),
	.prepare = prepare,
	.evaluate = evaluate,
	.explain = explain,
	.weigh = weigh,
	.words = words,
};
