// SPDX-License-Identifier: MIT
/* How many of the messages that were read were clicked, too: a rate over distinct messages, shrunk
 * towards what is usual, so that one click of one open is no 100 %. */

#include "score/signal.h"

struct params {
	double half;
	double prior_rate;
	double prior_strength;
	struct half_life half_life;
};

static const struct param params[] = {
	{ .name = "half",
		.help = "click rate above the usual one that gives half of the points",
		.type = PARAM_NUMBER,
		.offset = offsetof(struct params, half),
		.value = 0.10,
		.min = 0.001,
		.max = 1000000 },
	{ .name = "prior_rate",
		.help = "the usual click rate, which gives nothing",
		.type = PARAM_NUMBER,
		.offset = offsetof(struct params, prior_rate),
		.value = 0.10,
		.min = 0,
		.max = 1 },
	{ .name = "prior_strength",
		.help = "how many messages the usual rate weighs as much as",
		.type = PARAM_NUMBER,
		.offset = offsetof(struct params, prior_strength),
		.value = 10.0,
		.min = 0.001,
		.max = 1000000 },
	{ .name = "half_life_days",
		.help = "days after which a message counts half",
		.type = PARAM_HALF_LIFE,
		.offset = offsetof(struct params, half_life),
		.value = 90,
		.min = 0.01,
		.max = 36500 },
};

/** One message: the earliest human hit and the earliest click among those that are there. */
struct message {
	uint32_t seen; /* a click proves an open that was never seen */
	uint32_t click;
	bool clicked;
};

/** Hits are sorted by message, then hour: reads a message's and moves on. */
static struct message
next_message(const struct ls_hit **at, const struct ls_hit *end)
{
	const struct ls_hit *hit = *at;
	uint64_t id = hit->message;
	struct message message = { .seen = hit->hour_click >> 1 };
	for (; hit < end && hit->message == id; hit++)
		if (!message.clicked && (hit->hour_click & 1u) != 0) {
			message.clicked = true;
			message.click = hit->hour_click >> 1;
		}
	*at = hit;
	return message;
}

/** Decayed counts of messages. */
struct sums {
	double clicked, opened;
};

static uint64_t
packed_message(const struct ls_packed_hit *hit)
{
	return (uint64_t)hit->high << 32 | hit->low;
}

static struct sums
sum_packed(const struct view *view, const struct params *p)
{
	const struct ls_packed_hit *at = ls_packed_hits(view->packed),
				   *end = at + view->packed->hit_count;
	const double *ages = view_ages(view, &p->half_life);
	struct sums sums = { 0 };
	uint64_t message = 0; /* no message's */
	bool done = false;
	for (; at < end; at++) {
		uint32_t hour_click = at->rest >> LS_PACKED_CLICK_SHIFT;
		bool is_first = packed_message(at) != message, is_click = (hour_click & 1u) != 0;
		if (!is_first && (done || !is_click))
			continue;
		double decay = view_age_decay(view, &p->half_life, ages, hour_click >> 1);
		message = packed_message(at);
		sums.opened += is_first ? decay : 0.0;
		sums.clicked += is_click ? decay : 0.0;
		done = is_click;
	}
	return sums;
}

static struct sums
sum_hits(const struct view *view, const struct params *p)
{
	const double *entries = view_entries(view, &p->half_life);
	const struct ls_hit *hits = view->activity->hits;
	struct sums sums = { 0 };
	uint64_t id = 0; /* no message's */
	uint32_t done = 0;
	/* one pass without branches: a message's first hit and its first click */
	for (uint32_t i = 0; i < view->activity->hit_count; i++) {
		uint32_t hours = view_hours(view, hits[i].hour_click >> 1);
		double decay = view_decay(view, &p->half_life, entries, hours);
		uint32_t is_first = hits[i].message != id, is_click = hits[i].hour_click & 1u;
		id = hits[i].message;
		done &= is_first - 1u; /* all bits, or none */
		sums.opened += is_first * decay;
		sums.clicked += (is_click & ~done) * decay;
		done |= is_click;
	}
	return sums;
}

static double
click_rate(const struct view *view, const struct params *p)
{
	struct sums sums = view->packed != NULL ? sum_packed(view, p) : sum_hits(view, p);
	double messages = LS_MAX(sums.clicked, sums.opened);
	return (sums.clicked + p->prior_strength * p->prior_rate) / (messages + p->prior_strength);
}

static double
evaluate(const struct view *view, const void *ctx)
{
	const struct params *p = ctx;
	uint32_t hits = view->packed != NULL ? view->packed->hit_count : view->activity->hit_count;
	if (hits == 0)
		return 0.0;
	double above = click_rate(view, p) - p->prior_rate;
	return above > 0.0 ? view_saturate(view, above, p->half) : 0.0;
}

static void
explain(const struct view *view, const void *ctx, struct ls_line *line)
{
	const struct params *p = ctx;
	if (view->activity->hit_count == 0) {
		line->amount = p->prior_rate;
		return;
	}
	line->amount = click_rate(view, p);
	const struct ls_hit *at = view->activity->hits, *end = at + view->activity->hit_count;
	while (at < end) {
		struct message m = next_message(&at, end);
		if (m.clicked && view_hours(view, m.click) <= view_all_hours(view)) {
			line->detail[0]++;
			line->last_ms = LS_MAX(line->last_ms, (m.click + INT64_C(1)) * LS_HOUR_MS);
		}
		if (view_hours(view, m.seen) <= view_all_hours(view))
			line->detail[1]++;
	}
	line->detail[1] = LS_MAX(line->detail[0], line->detail[1]);
	line->count = line->detail[0];
}

static void
weigh(const struct view *view, const void *ctx, struct weights *out)
{
	const struct params *p = ctx;
	const double *entries = view_entries(view, &p->half_life);
	uint64_t done = 0; /* no message's */
	/* what gives points is each message's first click */
	for (uint32_t i = 0; i < view->activity->hit_count; i++) {
		const struct ls_hit *hit = &view->activity->hits[i];
		if ((hit->hour_click & 1u) == 0)
			continue;
		uint32_t hours = view_hours(view, hit->hour_click >> 1);
		double decay = view_decay(view, &p->half_life, entries, hours);
		bool first = hit->message != done;
		weights_add_message(out, hit, LS_KIND_EMAIL_CLICK, first ? decay : 0.0);
		done = hit->message;
	}
}

static void
words(struct text *text, const void *ctx, const struct ls_line *line, int64_t now_ms)
{
	(void)ctx;
	uint32_t clicked = line->detail[0], seen = line->detail[1];
	if (seen == 0) {
		text_add(text, LS_S("no message opened or clicked"));
		return;
	}
	if (clicked == 0) {
		text_addf(text, "clicked none of %u message%s", seen, seen == 1 ? "" : "s");
		return;
	}
	text_addf(text, "clicked %u of %u message%s, most recently ", clicked, seen,
		seen == 1 ? "" : "s");
	text_add_day(text, line->last_ms, now_ms);
}

const struct ls_signal ls_signal_email_clicks = {
	.name = "email_clicks",
	.help = "Share of the opened messages that a person clicked in",
	.weight = 20,
	.params = params,
	.param_count = LS_ARRAY_LEN(params),
	.params_size = sizeof(struct params),
	.evaluate = evaluate,
	.explain = explain,
	.weigh = weigh,
	.words = words,
};
