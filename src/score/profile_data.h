/* SPDX-License-Identifier: MIT */
/* The inside of a profile: parameter blocks of the signals, rules, the distinct half-lives. */
#ifndef LS_SCORE_PROFILE_DATA_H
#define LS_SCORE_PROFILE_DATA_H

#include "score/registry.h"
#include "score/signal.h"

enum rule_test {
	RULE_KIND, /* counts a kind; the others look at a field */
	RULE_EQUALS,
	RULE_IN,
	RULE_AT_LEAST,
	RULE_AT_MOST,
	RULE_BELOW,
	RULE_CONTAINS,
	RULE_EXISTS,
};

struct rule {
	struct ls_slice id;
	enum rule_test test;
	unsigned kind;
	struct ls_slice field;
	struct ls_fact *values; /* what the field is compared with */
	size_t value_count;
	double points;
	double cap;                 /* negative: none */
	double window_days;         /* 0: none */
	struct half_life half_life; /* of 0 days: none */
};

struct ls_profile {
	struct ls_memory memory;
	struct ls_slice name;
	int32_t hot_milli, warm_milli;
	bool has_thresholds; /* they were read, not set */
	double weights[SIGNALS_MAX];
	void *params[SIGNALS_MAX]; /* each its signal's parameter struct */
	struct rule *rules;
	size_t rule_count;
	double *decay_days; /* the distinct half-lives */
	uint32_t decay_count;
	void *block; /* the parameter structs */
	char *text;  /* what the slices point into; NULL: constants */
};

/** All defaults, no rules. NULL: no memory. */
struct ls_profile *profile_new(struct ls_memory memory) LS_MUST_CHECK;
/** Numbers the half-lives and prepares the signals, once everything is read. LS_ERR_NOMEM. */
int profile_finish(struct ls_profile *profile) LS_MUST_CHECK;

/** Units of a rule: 1 for a field condition that holds, a count of a kind otherwise. */
double rule_units(const struct rule *rule, const struct view *view);
double rule_points(const struct rule *rule, double units);
void rule_explain(const struct rule *rule, const struct view *view, struct ls_line *line);
void rule_words(
	struct text *text, const struct rule *rule, const struct ls_line *line, int64_t now_ms);

#endif
