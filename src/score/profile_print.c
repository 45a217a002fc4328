// SPDX-License-Identifier: MIT
/* A profile as JSON with everything said: what was left out has the value that holds. Reading it
 * again gives the same profile. */

#include <stdio.h>
#include <stdlib.h>

#include "score/profile_data.h"

struct printer {
	char *out;
	size_t size, len; /* len goes on where it no longer fits */
	bool first;       /* of its object or array */
};

static void
put(struct printer *p, const char *data, size_t len)
{
	if (p->len < p->size)
		memcpy(p->out + p->len, data, LS_MIN(len, p->size - p->len));
	p->len += len;
}

static void
put_text(struct printer *p, const char *text)
{
	put(p, text, strlen(text));
}

static void
open_with(struct printer *p, const char *bracket)
{
	put_text(p, bracket);
	p->first = true;
}

static void
close_with(struct printer *p, const char *bracket)
{
	put_text(p, bracket);
	p->first = false;
}

static void
next(struct printer *p)
{
	if (!p->first)
		put_text(p, ",");
	p->first = false;
}

static void
put_string(struct printer *p, struct ls_slice s)
{
	put_text(p, "\"");
	for (size_t i = 0; i < s.len; i++) {
		char c = s.data[i], escape[8];
		if ((unsigned char)c < 0x20) {
			(void)snprintf(escape, sizeof escape, "\\u%04x", (unsigned)c);
			put_text(p, escape);
			continue;
		}
		if (c == '"' || c == '\\')
			put_text(p, "\\");
		put(p, &c, 1);
	}
	put_text(p, "\"");
}

/* the fewest digits that read back the same */
static void
put_number(struct printer *p, double number)
{
	char text[40], *end = NULL;
	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof text, "%.*g", digits, number);
		double back = strtod(text, &end);
		if (*end == '\0' && memcmp(&back, &number, sizeof back) == 0)
			break;
	}
	/* whoever embeds us may have a locale with a decimal comma */
	for (char *c = text; *c != '\0'; c++)
		if (*c == ',')
			*c = '.';
	put_text(p, text);
}

static void
key(struct printer *p, const char *name)
{
	next(p);
	put_string(p, ls_slice_str(name));
	put_text(p, ":");
}

static void
number(struct printer *p, const char *name, double value)
{
	key(p, name);
	put_number(p, value);
}

/* ---- signals */

static void
put_param(struct printer *p, const struct param *param, const void *at)
{
	const struct kind_points *points = at;
	switch (param->type) {
	case PARAM_NUMBER:
		number(p, param->name, *(const double *)at);
		break;
	case PARAM_HALF_LIFE:
		number(p, param->name, ((const struct half_life *)at)->days);
		break;
	case PARAM_KIND_POINTS:
		key(p, param->name);
		open_with(p, "{");
		for (unsigned kind = 0; kind < KIND_SLOTS; kind++)
			if (points->points[kind] != 0.0)
				number(p, ls_kind_name(kind), points->points[kind]);
		close_with(p, "}");
		break;
	}
}

static void
put_signal(struct printer *p, const struct ls_profile *profile, size_t i)
{
	const struct ls_signal *signal = ls_signals[i];
	key(p, signal->name);
	open_with(p, "{");
	number(p, "weight", profile->weights[i]);
	for (size_t k = 0; k < signal->param_count; k++)
		put_param(p, &signal->params[k],
			(const char *)profile->params[i] + signal->params[k].offset);
	close_with(p, "}");
}

/* ---- rules */

static void
put_fact(struct printer *p, const struct ls_fact *fact)
{
	switch (fact->type) {
	case LS_FACT_NONE:
		put_text(p, "null");
		break;
	case LS_FACT_BOOL:
		put_text(p, fact->boolean ? "true" : "false");
		break;
	case LS_FACT_NUMBER:
		put_number(p, fact->number);
		break;
	case LS_FACT_STRING:
		put_string(p, fact->string);
		break;
	}
}

static void
put_when(struct printer *p, const struct rule *rule)
{
	static const char *const names[] = {
		[RULE_EQUALS] = "equals",
		[RULE_IN] = "in",
		[RULE_AT_LEAST] = "at_least",
		[RULE_AT_MOST] = "at_most",
		[RULE_BELOW] = "below",
		[RULE_CONTAINS] = "contains",
		[RULE_EXISTS] = "exists",
	};
	key(p, "when");
	open_with(p, "{");
	if (rule->test == RULE_KIND) {
		key(p, "kind");
		put_string(p, ls_slice_str(ls_kind_name(rule->kind)));
		close_with(p, "}");
		return;
	}
	key(p, "field");
	put_string(p, rule->field);
	key(p, names[rule->test]);
	if (rule->test == RULE_IN)
		open_with(p, "[");
	for (size_t i = 0; i < rule->value_count; i++) {
		if (i > 0)
			put_text(p, ",");
		put_fact(p, &rule->values[i]);
	}
	close_with(p, rule->test == RULE_IN ? "]}" : "}");
}

static void
put_rule(struct printer *p, const struct rule *rule)
{
	next(p);
	open_with(p, "{");
	key(p, "id");
	put_string(p, rule->id);
	put_when(p, rule);
	number(p, "points", rule->points);
	if (rule->cap >= 0)
		number(p, "cap", rule->cap);
	if (rule->window_days > 0)
		number(p, "window_days", rule->window_days);
	if (rule->half_life.days > 0)
		number(p, "half_life_days", rule->half_life.days);
	close_with(p, "}");
}

size_t
ls_profile_print(const struct ls_profile *profile, char *out, size_t size)
{
	struct printer p = { .out = out, .size = size, .first = true };
	open_with(&p, "{");
	key(&p, "name");
	put_string(&p, profile->name);
	key(&p, "thresholds");
	open_with(&p, "{");
	number(&p, "hot", profile->hot_milli / 1000.0);
	number(&p, "warm", profile->warm_milli / 1000.0);
	close_with(&p, "}");
	key(&p, "signals");
	open_with(&p, "{");
	for (size_t i = 0; i < ls_signal_count; i++)
		put_signal(&p, profile, i);
	close_with(&p, "}");
	key(&p, "rules");
	open_with(&p, "[");
	for (size_t i = 0; i < profile->rule_count; i++)
		put_rule(&p, &profile->rules[i]);
	close_with(&p, "]");
	close_with(&p, "}");
	return p.len;
}
