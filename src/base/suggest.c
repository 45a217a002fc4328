// SPDX-License-Identifier: MIT
/* Optimal string alignment distance over short names, three rows of the table at a time. */

#include "base/suggest.h"

#define LONGEST 64u

static size_t
min3(size_t a, size_t b, size_t c)
{
	return LS_MIN(LS_MIN(a, b), c);
}

static size_t
distance(struct ls_slice a, struct ls_slice b)
{
	size_t rows[3][LONGEST + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];
	for (size_t j = 0; j <= b.len; j++)
		last[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			char x = ls_ascii_lower(a.data[i - 1]), y = ls_ascii_lower(b.data[j - 1]);
			row[j] = min3(row[j - 1] + 1, last[j] + 1, last[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == ls_ascii_lower(b.data[j - 2]) &&
				ls_ascii_lower(a.data[i - 2]) == y)
				row[j] = LS_MIN(row[j], before[j - 2] + 1);
		}
		size_t *oldest = before;
		before = last;
		last = row;
		row = oldest;
	}
	return last[b.len];
}

const char *
ls_suggest(struct ls_slice word, ls_name_at_fn at, const void *ctx)
{
	const char *best = NULL, *name;
	size_t best_distance = word.len / 3 + 1;
	if (word.len == 0 || word.len > LONGEST)
		return NULL;
	for (size_t i = 0; (name = at(ctx, i)) != NULL; i++) {
		struct ls_slice candidate = ls_slice_str(name);
		if (candidate.len > LONGEST)
			continue;
		size_t d = distance(word, candidate);
		if (d < best_distance) {
			best_distance = d;
			best = name;
		}
	}
	return best;
}
