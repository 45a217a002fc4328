// SPDX-License-Identifier: MIT
/* Why a lead has its score: one line a signal and a rule, in figures and in words. */

#include "score/parts.h"

size_t
ls_line_count(const struct ls_profile *profile)
{
	return ls_signal_count + profile->rule_count;
}

int32_t
ls_explain(struct ls_moment *moment, const struct ls_subject_data *data, struct ls_line *lines)
{
	const struct ls_profile *profile = moment->profile;
	struct view view;
	view_init(&view, moment, data);
	view.exact = true;
	int64_t sum = 0;
	for (size_t i = 0; i < ls_signal_count; i++) {
		const struct ls_signal *signal = ls_signals[i];
		struct ls_line *line = &lines[i];
		*line = (struct ls_line){ .name = ls_slice_str(signal->name),
			.max_milli = points_milli(profile->weights[i]),
			.value = signal->evaluate(&view, profile->params[i]) };
		line->points_milli = points_milli(profile->weights[i] * line->value);
		signal->explain(&view, profile->params[i], line);
		sum += line->points_milli;
	}
	for (size_t i = 0; i < profile->rule_count; i++) {
		const struct rule *rule = &profile->rules[i];
		struct ls_line *line = &lines[ls_signal_count + i];
		double most = rule->cap >= 0 ? copysign(rule->cap, rule->points) : rule->points;
		*line = (struct ls_line){ .name = rule->id,
			.is_rule = true,
			.max_milli = points_milli(most),
			.value = rule_units(rule, &view) };
		line->points_milli = points_milli(rule_points(rule, line->value));
		rule_explain(rule, &view, line);
		sum += line->points_milli;
	}
	return clamp_score(sum);
}

size_t
ls_line_words(const struct ls_moment *moment, const struct ls_line *line, char *out, size_t size)
{
	if (size == 0)
		return 0;
	const struct ls_profile *profile = moment->profile;
	struct text text;
	text_init(&text, out, size);
	for (size_t i = 0; !line->is_rule && i < ls_signal_count; i++)
		if (ls_slice_eq(line->name, ls_slice_str(ls_signals[i]->name)))
			ls_signals[i]->words(&text, profile->params[i], line, moment->now_ms);
	for (size_t i = 0; line->is_rule && i < profile->rule_count; i++)
		if (ls_slice_eq(line->name, profile->rules[i].id))
			rule_words(&text, &profile->rules[i], line, moment->now_ms);
	return text.len;
}
