// SPDX-License-Identifier: MIT
/* The score: the signals' points and the rules', summed as integers, clamped once. */

#include "leadscore/score.h"

#include "score/parts.h"

static bool
rule_is_timeless(const struct rule *rule)
{
	return rule->test != RULE_KIND;
}

/* A value is 0..1 and a weight at most 100: far from any overflow. */
int32_t
signal_points(const struct ls_profile *profile, struct view *view, size_t i, double value)
{
	const struct ls_signal *signal = ls_signals[i];
	if (value == 0.0)
		return 0;
	bool near_tie = false;
	int32_t milli = points_milli_roughly(profile->weights[i] * value, &near_tie);
	if (LS_LIKELY(!near_tie))
		return milli;
	view->exact = true;
	value = signal->evaluate(view, profile->params[i]);
	view->exact = false;
	return points_milli(profile->weights[i] * value);
}

int64_t
sum_rules(const struct ls_profile *profile, struct view *view, enum parts parts)
{
	int64_t sum = 0;
	for (size_t i = 0; i < profile->rule_count; i++) {
		const struct rule *rule = &profile->rules[i];
		if ((parts & part_of(rule_is_timeless(rule))) != 0)
			sum += points_milli(rule_points(rule, rule_units(rule, view)));
	}
	return sum;
}

int64_t
sum_points(const struct ls_profile *profile, struct view *view, enum parts parts)
{
	int64_t sum = sum_rules(profile, view, parts);
	for (size_t i = 0; i < ls_signal_count; i++) {
		if (profile->weights[i] != 0.0 && (parts & part_of(ls_signals[i]->timeless)) != 0)
			sum += signal_points(profile, view, i,
				ls_signals[i]->evaluate(view, profile->params[i]));
	}
	return sum;
}

int32_t
ls_score_milli(struct ls_moment *moment, const struct ls_subject_data *data)
{
	struct view view;
	view_init(&view, moment, data);
	return clamp_score(sum_points(moment->profile, &view, PARTS_ALL));
}

enum ls_category
ls_categorize(const struct ls_profile *profile, int32_t score_milli)
{
	if (score_milli >= profile->hot_milli)
		return LS_HOT;
	return score_milli >= profile->warm_milli ? LS_WARM : LS_COLD;
}

const char *
ls_category_name(enum ls_category category)
{
	switch (category) {
	case LS_COLD:
		return "cold";
	case LS_WARM:
		return "warm";
	case LS_HOT:
		return "hot";
	}
	return "cold";
}
