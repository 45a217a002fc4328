// SPDX-License-Identifier: MIT
/* Two profiles on one lead at one instant: what they have in common is computed once. Each score is
 * what ls_score_milli() gives. */

#include "score/parts.h"

static bool
same_param(const struct param *param, const void *a, const void *b)
{
	const char *x = (const char *)a + param->offset, *y = (const char *)b + param->offset;
	switch (param->type) {
	case PARAM_NUMBER:
		return memcmp(x, y, sizeof(double)) == 0;
	case PARAM_HALF_LIFE:
		/* not their places among the profile's decays */
		return memcmp(&((const struct half_life *)(const void *)x)->days,
			       &((const struct half_life *)(const void *)y)->days,
			       sizeof(double)) == 0;
	case PARAM_KIND_POINTS:
		return memcmp(x, y, sizeof(struct kind_points)) == 0;
	}
	return false;
}

uint32_t
ls_profile_same_signals(const struct ls_profile *a, const struct ls_profile *b)
{
	uint32_t same = 0;
	for (size_t i = 0; i < ls_signal_count; i++) {
		bool equal = true;
		for (size_t k = 0; k < ls_signals[i]->param_count && equal; k++)
			equal = same_param(&ls_signals[i]->params[k], a->params[i], b->params[i]);
		same |= equal ? 1u << i : 0;
	}
	return same;
}

void
ls_score_pair(struct ls_moment *const moments[2], uint32_t same_signals,
	const struct ls_subject_data *data, int32_t scores[2])
{
	const struct ls_profile *a = moments[0]->profile, *b = moments[1]->profile;
	struct view views[2];
	view_init(&views[0], moments[0], data);
	views[1] = views[0];
	views[1].moment = moments[1];
	view_set_now(&views[1], moments[1]->now_ms);
	int64_t sums[2] = { sum_rules(a, &views[0], PARTS_ALL),
		sum_rules(b, &views[1], PARTS_ALL) };
	for (size_t i = 0; i < ls_signal_count; i++) {
		bool same = (same_signals & 1u << i) != 0;
		double value = 0;
		if (a->weights[i] != 0.0 || (same && b->weights[i] != 0.0)) {
			value = ls_signals[i]->evaluate(&views[0], a->params[i]);
			sums[0] += signal_points(a, &views[0], i, value);
		}
		if (b->weights[i] == 0.0)
			continue;
		if (!same)
			value = ls_signals[i]->evaluate(&views[1], b->params[i]);
		sums[1] += signal_points(b, &views[1], i, value);
	}
	scores[0] = clamp_score(sums[0]);
	scores[1] = clamp_score(sums[1]);
}
