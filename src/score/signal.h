/* SPDX-License-Identifier: MIT */
/* What a signal is: one row, in one file of signals/. Its parameter table drives validation,
 * defaults and documentation. */
#ifndef LS_SCORE_SIGNAL_H
#define LS_SCORE_SIGNAL_H

#include "leadscore/score.h"
#include "score/moment.h"
#include "score/points.h"
#include "score/text.h"
#include "score/weights.h"

/** Points by kind, for counting several kinds with different worth. */
struct kind_points {
	double points[KIND_SLOTS];
};

struct kind_default {
	enum ls_kind kind; /* LS_KIND_OTHER ends the list */
	double points;
};

enum param_type {
	PARAM_NUMBER,      /* double */
	PARAM_HALF_LIFE,   /* struct half_life */
	PARAM_KIND_POINTS, /* struct kind_points; min and max are of each kind's points */
};

struct param {
	const char *name; /* the key in a profile */
	const char *help;
	enum param_type type;
	size_t offset; /* in the signal's parameter struct */
	double value;  /* default */
	double min, max;
	const struct kind_default *kinds; /* default of PARAM_KIND_POINTS */
};

struct ls_signal {
	const char *name;
	const char *help;
	double weight; /* default, in points */
	const struct param *params;
	size_t param_count;
	size_t params_size; /* of the parameter struct */
	bool timeless;      /* time alone never changes its value */
	/** Fills what the struct holds besides its parameters; may be NULL. */
	void (*prepare)(void *params);
	/** 0..1, as the reference computes it. */
	double (*evaluate)(const struct view *view, const void *params);
	/** Fills amount, count, last_ms and detail of a zeroed line. */
	void (*explain)(const struct view *view, const void *params, struct ls_line *line);
	/** Says which events the value comes from; NULL: from attributes. */
	void (*weigh)(const struct view *view, const void *params, struct weights *out);
	/** The line in plain English. */
	void (*words)(
		struct text *text, const void *params, const struct ls_line *line, int64_t now_ms);
};

#endif
