// SPDX-License-Identifier: MIT
/* How likely the lead's best open deal is to be won, by its stage. */

#include "score/signal.h"

static double
evaluate(const struct view *view, const void *ctx)
{
	(void)ctx;
	double probability = view->data->stage_probability;
	return probability > 0.0 ? LS_MIN(probability, 1.0) : 0.0;
}

static void
explain(const struct view *view, const void *ctx, struct ls_line *line)
{
	line->amount = evaluate(view, ctx);
}

static void
words(struct text *text, const void *ctx, const struct ls_line *line, int64_t now_ms)
{
	(void)ctx;
	(void)now_ms;
	if (line->amount <= 0.0) {
		text_add(text, LS_S("no deal with a chance"));
		return;
	}
	text_add(text, LS_S("deal stage probability "));
	text_add_number(text, round(line->amount * 1000.0) / 10.0);
	text_add(text, LS_S(" %"));
}

const struct ls_signal ls_signal_deal_stage = {
	.name = "deal_stage",
	.help = "Probability of the best open deal's stage",
	.weight = 10,
	.timeless = true,
	.evaluate = evaluate,
	.explain = explain,
	.words = words,
};
