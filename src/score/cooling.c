// SPDX-License-Identifier: MIT
/* When a lead falls back a category if nothing else happens. */

#include "score/parts.h"

#define HORIZON_HOURS (400 * 24)
#define PRECISION_MS  1000

struct cooling {
	const struct ls_profile *profile;
	struct view view;
	int64_t timeless_milli;
	int32_t threshold_milli; /* below is a lower category */
};

static bool
is_lower_at(struct cooling *c, int64_t time_ms)
{
	view_set_now(&c->view, time_ms);
	int64_t moving = sum_points(c->profile, &c->view, PARTS_MOVING);
	return clamp_score(c->timeless_milli + moving) < c->threshold_milli;
}

/** A score that no later instant falls below: what time moves gives nothing, or takes its most. */
static int64_t
find_floor(const struct cooling *c)
{
	int64_t floor_milli = c->timeless_milli;
	for (size_t i = 0; i < ls_signal_count; i++)
		if (!ls_signals[i]->timeless)
			floor_milli += LS_MIN(0, points_milli(c->profile->weights[i]));
	for (size_t i = 0; i < c->profile->rule_count; i++) {
		const struct rule *rule = &c->profile->rules[i];
		if (rule->test != RULE_KIND || rule->points >= 0)
			continue;
		double most = (double)ls_activity_count(c->view.activity, rule->kind);
		floor_milli += points_milli(rule_points(rule, most));
	}
	return floor_milli;
}

int64_t
ls_cools_at_ms(struct ls_moment *moment, const struct ls_subject_data *data)
{
	struct cooling c = { .profile = moment->profile };
	view_init(&c.view, moment, data);
	c.timeless_milli = sum_points(c.profile, &c.view, PARTS_TIMELESS);
	int64_t now = c.timeless_milli + sum_points(c.profile, &c.view, PARTS_MOVING);
	enum ls_category category = ls_categorize(c.profile, clamp_score(now));
	if (category == LS_COLD)
		return 0;
	c.threshold_milli = category == LS_HOT ? c.profile->hot_milli : c.profile->warm_milli;
	if (clamp_score(find_floor(&c)) >= c.threshold_milli)
		return 0;
	int64_t lo = moment->now_ms, hi = 0;
	/* whole hours on: the moment's tables hold, and a step costs no more than a score */
	for (int step = 1; step <= HORIZON_HOURS && hi == 0; step++) {
		int64_t at = moment->now_ms + step * LS_HOUR_MS;
		if (is_lower_at(&c, at))
			hi = at;
		else
			lo = at;
	}
	while (hi - lo > PRECISION_MS) {
		int64_t mid = lo + (hi - lo) / 2;
		if (is_lower_at(&c, mid))
			hi = mid;
		else
			lo = mid;
	}
	return hi;
}
