// SPDX-License-Identifier: MIT
/* Rules: added points on an attribute or on the count of a kind. */

#include "score/profile_data.h"

/* ---- what a rule is worth */

static double
count_kind(const struct rule *rule, const struct view *view)
{
	uint32_t window = rule->window_days > 0 ? view_window_hours(view, rule->window_days)
						: view_all_hours(view);
	bool decays = rule->half_life.days > 0;
	const double *entries = decays ? view_entries(view, &rule->half_life) : NULL;
	double total = 0.0;
	struct cell_range range = view_range(view, rule->kind);
	for (uint32_t i = range.first; i < range.end; i++) {
		uint32_t hours = view_hours(view, view_cell_hour(view, i));
		if (hours > window)
			continue;
		double decay = decays ? view_decay(view, &rule->half_life, entries, hours) : 1.0;
		total += view_cell_count(view, i) * decay;
	}
	return total;
}

/** As JSON compares: types must agree, numbers are equal by value. */
static bool
facts_equal(const struct ls_fact *a, const struct ls_fact *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case LS_FACT_NONE:
		return true;
	case LS_FACT_BOOL:
		return a->boolean == b->boolean;
	case LS_FACT_NUMBER:
		return a->number == b->number;
	case LS_FACT_STRING:
		return ls_slice_eq(a->string, b->string);
	}
	return false;
}

static bool
contains(struct ls_slice whole, struct ls_slice part)
{
	return part.len == 0 || (whole.len >= part.len &&
					memmem(whole.data, whole.len, part.data, part.len) != NULL);
}

static bool
is_any_of(const struct ls_fact *fact, const struct ls_fact *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (facts_equal(fact, &values[i]))
			return true;
	return false;
}

static bool
holds(const struct rule *rule, const struct ls_fact *fact)
{
	const struct ls_fact *value = &rule->values[0];
	bool numbers = fact->type == LS_FACT_NUMBER && value->type == LS_FACT_NUMBER;
	switch (rule->test) {
	case RULE_KIND:
		return false;
	case RULE_EQUALS:
	case RULE_IN:
		return is_any_of(fact, rule->values, rule->value_count);
	case RULE_AT_LEAST:
		return numbers && fact->number >= value->number;
	case RULE_AT_MOST:
		return numbers && fact->number <= value->number;
	case RULE_BELOW:
		return numbers && fact->number < value->number;
	case RULE_CONTAINS:
		return fact->type == LS_FACT_STRING && contains(fact->string, value->string);
	case RULE_EXISTS:
		return (fact->type != LS_FACT_NONE) == value->boolean;
	}
	return false;
}

double
rule_units(const struct rule *rule, const struct view *view)
{
	if (rule->test == RULE_KIND)
		return count_kind(rule, view);
	struct ls_fact fact = { .type = LS_FACT_NONE };
	if (view->data->fact != NULL)
		fact = view->data->fact(view->data->ctx, rule->field);
	return holds(rule, &fact) ? 1.0 : 0.0;
}

double
rule_points(const struct rule *rule, double units)
{
	double points = rule->points * units;
	if (rule->cap >= 0)
		points = LS_MAX(-rule->cap, LS_MIN(rule->cap, points));
	return points;
}

/* ---- what a rule has to say */

void
rule_explain(const struct rule *rule, const struct view *view, struct ls_line *line)
{
	line->amount = line->value;
	if (rule->test != RULE_KIND)
		return;
	uint32_t hours = rule->window_days > 0 ? view_window_hours(view, rule->window_days)
					       : view_all_hours(view);
	struct view_count found = view_count(view, rule->kind, hours);
	line->count = found.count;
	line->last_ms = found.last_ms;
}

static void
add_fact(struct text *text, const struct ls_fact *fact)
{
	switch (fact->type) {
	case LS_FACT_NONE:
		text_add(text, LS_S("nothing"));
		break;
	case LS_FACT_BOOL:
		text_add(text, fact->boolean ? LS_S("true") : LS_S("false"));
		break;
	case LS_FACT_NUMBER:
		text_add_number(text, fact->number);
		break;
	case LS_FACT_STRING:
		text_add(text, LS_S("\""));
		text_add(text, fact->string);
		text_add(text, LS_S("\""));
		break;
	}
}

static void
add_values(struct text *text, const struct rule *rule)
{
	size_t shown = LS_MIN(rule->value_count, (size_t)3);
	for (size_t i = 0; i < shown; i++) {
		if (i > 0)
			text_add(text, i + 1 < rule->value_count ? LS_S(", ") : LS_S(" or "));
		add_fact(text, &rule->values[i]);
	}
	if (shown < rule->value_count)
		text_addf(text, " or one of %zu others", rule->value_count - shown);
}

static void
field_words(struct text *text, const struct rule *rule, const struct ls_line *line)
{
	static const char *const verbs[][2] = {
		[RULE_EQUALS] = { " is not ", " is " },
		[RULE_IN] = { " is not ", " is " },
		[RULE_AT_LEAST] = { " is not at least ", " is at least " },
		[RULE_AT_MOST] = { " is not at most ", " is at most " },
		[RULE_BELOW] = { " is not below ", " is below " },
		[RULE_CONTAINS] = { " does not contain ", " contains " },
	};
	bool met = line->value > 0.0;
	text_add(text, rule->field);
	if (rule->test == RULE_EXISTS) {
		bool known = met == rule->values[0].boolean;
		text_add(text, known ? LS_S(" is known") : LS_S(" is not known"));
		return;
	}
	text_add(text, ls_slice_str(verbs[rule->test][met ? 1 : 0]));
	add_values(text, rule);
}

void
rule_words(struct text *text, const struct rule *rule, const struct ls_line *line, int64_t now_ms)
{
	if (rule->test != RULE_KIND) {
		field_words(text, rule, line);
		return;
	}
	text_add_kind(text, rule->kind, line->count);
	if (rule->window_days > 0) {
		text_add(text, LS_S(" in the last "));
		text_add_number(text, rule->window_days);
		text_add(text, rule->window_days == 1 ? LS_S(" day") : LS_S(" days"));
	}
	if (line->count == 0)
		return;
	text_add(text, line->count == 1 ? LS_S(", ") : LS_S(", most recently "));
	text_add_day(text, line->last_ms, now_ms);
}
