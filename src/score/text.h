/* SPDX-License-Identifier: MIT */
/* Plain English into a caller's buffer: bounded, without a locale, cut off where it is full. */
#ifndef LS_SCORE_TEXT_H
#define LS_SCORE_TEXT_H

#include "base/slice.h"

struct text {
	char *out;
	size_t size; /* at least 1 */
	size_t len;
};

void text_init(struct text *text, char *out, size_t size);
void text_add(struct text *text, struct ls_slice s);
void text_addf(struct text *text, const char *fmt, ...) LS_PRINTF(2, 3);
/** At most three decimals, without zeros at the end. */
void text_add_number(struct text *text, double number);
/** "1 open", "3 opens". */
void text_add_count(struct text *text, uint64_t count, const char *one, const char *many);
/** "less than an hour ago", "2 hours ago", "yesterday", "3 days ago". */
void text_add_ago(struct text *text, int64_t then_ms, int64_t now_ms);
/** "today", "yesterday", "3 days ago". */
void text_add_day(struct text *text, int64_t then_ms, int64_t now_ms);
/** "1 call", "2 form submissions": the noun of a built-in kind. */
void text_add_kind(struct text *text, unsigned kind, uint64_t count);

#endif
