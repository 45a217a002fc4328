/* SPDX-License-Identifier: MIT */
/* The rule score, specification rule/1: points of a lead under a profile at an instant. Pure: no
 * clock, no I/O, no globals. Times are milliseconds since 1970 in UTC, points are thousandths
 * (_milli). */
#ifndef LEADSCORE_SCORE_H
#define LEADSCORE_SCORE_H

#include "leadscore/activity.h"
#include "leadscore/profile.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** The highest score: 100 points. */
#define LS_SCORE_MAX_MILLI 100000

enum ls_category { LS_COLD, LS_WARM, LS_HOT };

/** "cold", "warm", "hot". Static storage: not to be freed. */
const char *ls_category_name(enum ls_category category);

/** An attribute's value as the rules see it; LS_FACT_NONE: it has none. A string need only live
 * until the scoring function that asked for it returns. */
enum ls_fact_type { LS_FACT_NONE, LS_FACT_BOOL, LS_FACT_NUMBER, LS_FACT_STRING };

struct ls_fact {
	enum ls_fact_type type;
	bool boolean;
	double number;
	struct ls_slice string;
};

/** An activity in the form in which the server keeps it. */
struct ls_packed;

/**
 * What is scored: the counts, and how to look attributes up. The signals' own attributes are given
 * directly; rules on fields, whichever, ask `fact`; without one (NULL) no field has a value. All of
 * it is only read, and only until the call returns.
 */
struct ls_subject_data {
	const struct ls_activity *activity;
	const struct ls_packed *packed; /* for ls_score_milli() and ls_score_pair() alone: where
					   `activity` is NULL */
	double stage_probability;       /* 0 to 1; 0 when unknown */
	double employees;               /* negative when unknown */
	struct ls_fact (*fact)(const void *ctx, struct ls_slice field);
	const void *ctx;
};

/**
 * An instant to score at, with the decay factors of the profile filled in as they are met: make
 * one, use it for many leads. Every figure is the same double that scoring the lead alone would
 * give. Used by one thread at a time: it changes even in scoring. The profile must outlive it.
 */
struct ls_moment;

/** To be freed by the caller; NULL: no memory. An instant before 1970 or after 3883 is taken as the
 * nearest within. */
struct ls_moment *ls_moment_new(
	struct ls_memory memory, const struct ls_profile *profile, int64_t now_ms) LS_MUST_CHECK;
/** Moves it to another instant or profile. LS_ERR_NOMEM, with nothing changed, is only possible for
 * a profile with more different half-lives than those before. */
int ls_moment_set(
	struct ls_moment *moment, const struct ls_profile *profile, int64_t now_ms) LS_MUST_CHECK;
int64_t ls_moment_now_ms(const struct ls_moment *moment);
/** NULL is fine; always returns NULL. */
struct ls_moment *ls_moment_free(struct ls_moment *moment);

/** The score in milli-points, 0..100,000. */
int32_t ls_score_milli(struct ls_moment *moment, const struct ls_subject_data *data);
/** Which signals have the same value under both profiles, whatever the lead: a bit each. */
uint32_t ls_profile_same_signals(const struct ls_profile *a, const struct ls_profile *b);
/** Both scores of a lead at two moments of one instant whose profiles have `same_signals` in
 * common: what ls_score_milli() gives of each, in less time. */
void ls_score_pair(struct ls_moment *const moments[2], uint32_t same_signals,
	const struct ls_subject_data *data, int32_t scores[2]);
/** Which of the profile's thresholds a score has reached. */
enum ls_category ls_categorize(const struct ls_profile *profile, int32_t score_milli);

#define LS_LINE_DETAILS 16

/** One line of the explanation: a signal or a rule. Points of all lines add up to the score before
 * clamping, exactly. */
struct ls_line {
	struct ls_slice name; /* "email_opens", or the rule's id; belongs to the profile */
	bool is_rule;
	int32_t points_milli;
	int32_t max_milli; /* the most this line can give (its weight or cap); for rules without
			      cap: its points */
	double value;      /* signals: 0..1; rules: units */
	double amount;     /* what it is made of: opens in the window, decayed visits, rate,
			      probability, employees, age in days */
	uint64_t count;    /* events counted */
	int64_t last_ms;   /* end of the newest hour counted; 0: none */
	/* what the words need besides. email_clicks: messages clicked, messages seen;
	 * crm_activities: events by kind; others: nothing */
	uint32_t detail[LS_LINE_DETAILS];
};

/** How many lines a profile gives: one for each signal, then one for each rule. */
size_t ls_line_count(const struct ls_profile *profile);
/** Fills ls_line_count() lines, the caller's, in the profile's order; returns the score, which is
 * the same as ls_score_milli() gives. */
int32_t ls_explain(
	struct ls_moment *moment, const struct ls_subject_data *data, struct ls_line *lines);
/** One line in plain English: "3 opens in the last 7 days, the last 2 hours ago", cut to what fits
 * and terminated. The line is one that ls_explain() filled for this moment's profile. Returns the
 * length, at most size - 1. */
size_t ls_line_words(
	const struct ls_moment *moment, const struct ls_line *line, char *out, size_t size);

/** The time, to the second, from which the category is lower than now if nothing else happens,
 * within 400 days; 0 when never. Leaves the moment as it was. */
int64_t ls_cools_at_ms(struct ls_moment *moment, const struct ls_subject_data *data);

/** The score of a company, 0 to 100,000, from those of its leads in any order: the highest counts
 * whole, each further one half of the one before, eight at most. */
int32_t ls_account_milli(const int32_t *scores_milli, size_t count);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
