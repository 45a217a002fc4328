/* SPDX-License-Identifier: MIT */
/* The rule score, specification rule/1: points of a lead under a profile at an instant. Pure: no
 * clock, no I/O, no globals. */
#ifndef LEADSCORE_SCORE_H
#define LEADSCORE_SCORE_H

#include "leadscore/activity.h"
#include "leadscore/profile.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LS_SCORE_MAX_MILLI 100000

enum ls_category { LS_COLD, LS_WARM, LS_HOT };

/** "cold", "warm", "hot". */
const char *ls_category_name(enum ls_category category);

/** An attribute's value as the rules see it. */
struct ls_fact {
	enum { LS_FACT_NONE, LS_FACT_BOOL, LS_FACT_NUMBER, LS_FACT_STRING } type;
	bool boolean;
	double number;
	struct ls_slice string;
};

/**
 * What is scored: the counts, and how to look attributes up. The signals' own attributes are given
 * directly; rules on other fields ask `fact`, which may be NULL when the profile has no such rules.
 */
struct ls_subject_data {
	const struct ls_activity *activity;
	double stage_probability; /* 0 when unknown */
	double employees;         /* negative when unknown */
	struct ls_fact (*fact)(const void *ctx, struct ls_slice field);
	const void *ctx;
};

/**
 * An instant to score at, with the decay factors of the profile filled in as they are met: make
 * one, use it for many leads. Every figure is the same double that scoring the lead alone would
 * give.
 */
struct ls_moment;

/** The profile must outlive it; free with ls_moment_free(). NULL when there is no memory. */
struct ls_moment *ls_moment_new(
	struct ls_memory memory, const struct ls_profile *profile, int64_t now_ms) LS_MUST_CHECK;
/** Moves it to another instant or profile (a profile with at most as many decays; LS_ERR_NOMEM
 * otherwise possible). */
int ls_moment_set(
	struct ls_moment *moment, const struct ls_profile *profile, int64_t now_ms) LS_MUST_CHECK;
int64_t ls_moment_now_ms(const struct ls_moment *moment);
struct ls_moment *ls_moment_free(struct ls_moment *moment);

/** The score in milli-points, 0..100,000. */
int32_t ls_score_milli(struct ls_moment *moment, const struct ls_subject_data *data);
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

/** How many lines a profile gives. */
size_t ls_line_count(const struct ls_profile *profile);
/** Fills ls_line_count() lines in the profile's order; returns the clamped score. */
int32_t ls_explain(
	struct ls_moment *moment, const struct ls_subject_data *data, struct ls_line *lines);
/** One line in plain English: "3 opens in the last 7 days, the last 2 hours ago". Returns its
 * length, at most size - 1. */
size_t ls_line_words(
	const struct ls_moment *moment, const struct ls_line *line, char *out, size_t size);

/** First second at which the category is lower than now if nothing else happens, within 400 days; 0
 * when never. Leaves the moment as it was. */
int64_t ls_cools_at_ms(struct ls_moment *moment, const struct ls_subject_data *data);

/** Of a company's leads' scores, in any order: the highest counts whole, the k-th with 0.5^k, eight
 * at most. */
int32_t ls_account_milli(const int32_t *scores_milli, size_t count);

#ifdef __cplusplus
}
#endif

#endif
