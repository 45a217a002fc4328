/* SPDX-License-Identifier: MIT */
/* "Did you mean ...?": the nearest of a list of names. */
#ifndef LS_BASE_SUGGEST_H
#define LS_BASE_SUGGEST_H

#include "base/slice.h"

/** Gives the i-th name, NULL behind the last. */
typedef const char *(*ls_name_at_fn)(const void *ctx, size_t i);

/**
 * The name at the smallest edit distance (insert, delete, replace, swap neighbours) from `word`,
 * ASCII case ignored; NULL when none is near: more than a third of the letters wrong.
 */
const char *ls_suggest(struct ls_slice word, ls_name_at_fn at, const void *ctx);

#endif
