// SPDX-License-Identifier: MIT
/* The number of employees, on a logarithmic scale. */

#include "score/signal.h"

struct params {
	double full_at;
	double log_full; /* log1p(full_at) */
};

static const struct param params[] = {
	{ .name = "full_at",
		.help = "employees that give all of the points",
		.type = PARAM_NUMBER,
		.offset = offsetof(struct params, full_at),
		.value = 10000,
		.min = 1,
		.max = 1000000000 },
};

static void
prepare(void *ctx)
{
	struct params *p = ctx;
	p->log_full = log1p(p->full_at);
}

static double
evaluate(const struct view *view, const void *ctx)
{
	const struct params *p = ctx;
	double employees = view->data->employees;
	if (!(employees > 0.0)) /* unknown, none, not a number */
		return 0.0;
	return employees < p->full_at ? log1p(employees) / p->log_full : 1.0;
}

static void
explain(const struct view *view, const void *ctx, struct ls_line *line)
{
	(void)ctx;
	line->amount = view->data->employees >= 0.0 ? view->data->employees : -1.0;
}

static void
words(struct text *text, const void *ctx, const struct ls_line *line, int64_t now_ms)
{
	(void)ctx;
	(void)now_ms;
	if (line->amount < 0.0) {
		text_add(text, LS_S("company size unknown"));
		return;
	}
	text_add_number(text, line->amount);
	text_add(text, line->amount == 1.0 ? LS_S(" employee") : LS_S(" employees"));
}

const struct ls_signal ls_signal_company_size = {
	.name = "company_size",
	.help = "Employees of the lead's company",
	.weight = 5,
	.params = params,
	.param_count = LS_ARRAY_LEN(params),
	.params_size = sizeof(struct params),
	.timeless = true,
	.prepare = prepare,
	.evaluate = evaluate,
	.explain = explain,
	.words = words,
};
