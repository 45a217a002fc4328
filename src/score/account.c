// SPDX-License-Identifier: MIT
/* The score of a company from the scores of its leads. */

#include "leadscore/score.h"

#include "score/points.h"

#define LEADS_MAX 8

int32_t
ls_account_milli(const int32_t *scores_milli, size_t count)
{
	int32_t best[LEADS_MAX] = { 0 }; /* highest first */
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		int32_t score = scores_milli[i];
		if (kept == LEADS_MAX && score <= best[LEADS_MAX - 1])
			continue;
		size_t at = kept < LEADS_MAX ? kept++ : LEADS_MAX - 1;
		for (; at > 0 && best[at - 1] < score; at--)
			best[at] = best[at - 1];
		best[at] = score;
	}
	double left = 1.0, share = 1.0;
	for (size_t k = 0; k < kept; k++) {
		left *= 1.0 - share * best[k] / 100000.0;
		share *= 0.5;
	}
	return points_milli(100.0 * (1.0 - left));
}
