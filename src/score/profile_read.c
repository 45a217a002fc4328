// SPDX-License-Identifier: MIT
/* A profile from JSON. Reads on after a fault, so that a person sees all of them at once, each with
 * its JSON pointer. */

#include <stdarg.h>
#include <stdio.h>

#include "base/json_read.h"
#include "score/profile_data.h"

#define TEXT_MAX      ((size_t)256 * 1024)
#define NAME_MAX_LEN  100
#define FIELD_MAX_LEN 100
#define ID_MAX_LEN    64
#define VALUE_MAX_LEN 256
#define RULES_MAX     200
#define VALUES_MAX    1000
#define POINTS_MAX    100.0

struct reader {
	struct ls_json json;
	struct ls_arena arena; /* over the profile's own text block: never grows */
	struct ls_profile *profile;
	struct ls_profile_fault *faults;
	size_t room, count;
	struct ls_profile_fault sink; /* takes what has no room */
	struct text pointer;          /* where we are */
	char pointer_buf[sizeof((struct ls_profile_fault *)0)->pointer];
	int err; /* LS_ERR_NOMEM */
};

/* ---- faults and where they are */

static void fault(struct reader *r, const char *fmt, ...) LS_PRINTF(2, 3);

static struct ls_profile_fault *
next_fault(struct reader *r)
{
	struct ls_profile_fault *f = r->count < r->room ? &r->faults[r->count] : &r->sink;
	r->count++;
	(void)snprintf(f->pointer, sizeof f->pointer, "%s", r->pointer.out);
	return f;
}

static void
fault(struct reader *r, const char *fmt, ...)
{
	struct ls_profile_fault *f = next_fault(r);
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(f->what, sizeof f->what, fmt, args);
	va_end(args);
}

/** RFC 6901: ~ and / are escaped. A NUL, which JSON allows, would end the text. */
static size_t
enter(struct reader *r, struct ls_slice key)
{
	size_t mark = r->pointer.len;
	text_add(&r->pointer, LS_S("/"));
	for (size_t i = 0; i < key.len;) {
		size_t n = 1;
		while (i + n < key.len && ((unsigned char)key.data[i + n] & 0xc0u) == 0x80u)
			n++;
		struct ls_slice character = ls_slice(key.data + i, n);
		if (key.data[i] == '~')
			character = LS_S("~0");
		else if (key.data[i] == '/')
			character = LS_S("~1");
		else if (key.data[i] == '\0')
			character = LS_S("?");
		text_add(&r->pointer, character);
		i += n;
	}
	return mark;
}

static size_t
enter_index(struct reader *r, size_t index)
{
	size_t mark = r->pointer.len;
	text_addf(&r->pointer, "/%zu", index);
	return mark;
}

static void
leave(struct reader *r, size_t mark)
{
	r->pointer.len = mark;
	r->pointer.out[mark] = '\0';
}

static void
fault_at(struct reader *r, const char *key, const char *what)
{
	size_t mark = enter(r, ls_slice_str(key));
	fault(r, "%s", what);
	leave(r, mark);
}

/* ---- values */

/** True when the next value has this type; else a fault, and the value is passed over. */
static bool
expect(struct reader *r, enum ls_json_type type, const char *what)
{
	enum ls_json_type have = ls_json_peek(&r->json);
	if (have == type)
		return true;
	if (have != LS_JSON_INVALID)
		fault(r, "must be %s", what);
	(void)ls_json_skip(&r->json);
	return false;
}

static bool
read_number(struct reader *r, double min, double max, double *out)
{
	struct ls_slice raw;
	double number = 0;
	if (!expect(r, LS_JSON_NUMBER, "a number") || !ls_json_raw(&r->json, &raw))
		return false;
	if (ls_slice_to_double(raw, &number) == LS_OK && number >= min && number <= max) {
		*out = number;
		return true;
	}
	struct ls_profile_fault *f = next_fault(r);
	struct text what;
	text_init(&what, f->what, sizeof f->what);
	text_add(&what, LS_S("must be from "));
	text_add_number(&what, min);
	text_add(&what, LS_S(" to "));
	text_add_number(&what, max);
	return false;
}

static bool
read_string(struct reader *r, size_t min, size_t max, struct ls_slice *out)
{
	struct ls_slice s;
	if (!expect(r, LS_JSON_STRING, "a string") || !ls_json_string(&r->json, &s))
		return false;
	if (s.len < min || s.len > max) {
		fault(r, "must have from %zu to %zu bytes", min, max);
		return false;
	}
	*out = s;
	return true;
}

/* ---- objects by table */

struct member {
	const char *name;
	void (*read)(struct reader *r, void *ctx);
	bool required;
};

static void
read_member(struct reader *r, const struct member *members, size_t n, struct ls_slice key,
	uint32_t *seen, void *ctx)
{
	size_t i = 0;
	while (i < n && !ls_slice_eq(key, ls_slice_str(members[i].name)))
		i++;
	if (i < n && (*seen & 1u << i) == 0) {
		*seen |= 1u << i;
		members[i].read(r, ctx);
		return;
	}
	fault(r, i < n ? "appears twice" : "is not known");
	(void)ls_json_skip(&r->json);
}

/** Reads an object with these members and no others; false when there is none. */
static bool
read_object(struct reader *r, const struct member *members, size_t n, void *ctx)
{
	struct ls_slice key;
	uint32_t seen = 0;
	if (!expect(r, LS_JSON_OBJECT, "an object") || !ls_json_object(&r->json))
		return false;
	while (ls_json_key(&r->json, &key)) {
		size_t mark = enter(r, key);
		read_member(r, members, n, key, &seen, ctx);
		leave(r, mark);
	}
	for (size_t i = 0; i < n && r->json.err == LS_OK; i++)
		if (members[i].required && (seen & 1u << i) == 0)
			fault_at(r, members[i].name, "is missing");
	return true;
}

/* ---- name and thresholds */

static void
read_name(struct reader *r, void *ctx)
{
	(void)ctx;
	(void)read_string(r, 1, NAME_MAX_LEN, &r->profile->name);
}

static void
read_threshold(struct reader *r, int32_t *out)
{
	double points = 0;
	r->profile->has_thresholds = true;
	if (read_number(r, 0, LS_SCORE_MAX_MILLI / 1000.0, &points))
		*out = points_milli(points);
}

static void
read_hot(struct reader *r, void *ctx)
{
	(void)ctx;
	read_threshold(r, &r->profile->hot_milli);
}

static void
read_warm(struct reader *r, void *ctx)
{
	(void)ctx;
	read_threshold(r, &r->profile->warm_milli);
}

static void
read_thresholds(struct reader *r, void *ctx)
{
	static const struct member members[] = {
		{ "hot", read_hot, false },
		{ "warm", read_warm, false },
	};
	size_t before = r->count;
	if (read_object(r, members, LS_ARRAY_LEN(members), ctx) && r->count == before &&
		r->profile->warm_milli > r->profile->hot_milli)
		fault(r, "warm must not be above hot");
}

/* ---- signals */

struct signal_target {
	const struct ls_signal *signal;
	char *params;
	double *weight;
};

/** Kinds that are left out are worth nothing. */
static void
read_kind_points(struct reader *r, const struct param *param, struct kind_points *out)
{
	struct ls_slice key;
	uint32_t seen = 0;
	if (!expect(r, LS_JSON_OBJECT, "an object") || !ls_json_object(&r->json))
		return;
	*out = (struct kind_points){ { 0 } };
	while (ls_json_key(&r->json, &key)) {
		size_t mark = enter(r, key);
		enum ls_kind kind = LS_KIND_OTHER;
		bool known = ls_kind_find(key, &kind) == LS_OK && ls_kind_is_activity(kind) &&
			     kind < KIND_SLOTS;
		if (known && (seen & 1u << kind) == 0) {
			seen |= 1u << kind;
			(void)read_number(r, param->min, param->max, &out->points[kind]);
		} else {
			fault(r, known ? "appears twice" : "is not a kind of activity");
			(void)ls_json_skip(&r->json);
		}
		leave(r, mark);
	}
}

static void
read_param(struct reader *r, const struct param *param, void *at)
{
	switch (param->type) {
	case PARAM_NUMBER:
		(void)read_number(r, param->min, param->max, at);
		break;
	case PARAM_HALF_LIFE:
		(void)read_number(r, param->min, param->max, &((struct half_life *)at)->days);
		break;
	case PARAM_KIND_POINTS:
		read_kind_points(r, param, at);
		break;
	}
}

static void
read_signal_member(
	struct reader *r, const struct signal_target *target, struct ls_slice key, uint32_t *seen)
{
	const struct ls_signal *signal = target->signal;
	size_t i = 0;
	while (i < signal->param_count && !ls_slice_eq(key, ls_slice_str(signal->params[i].name)))
		i++;
	bool is_weight = ls_slice_eq(key, LS_S("weight"));
	bool known = is_weight || i < signal->param_count;
	if (!known || (*seen & 1u << i) != 0) {
		fault(r, known ? "appears twice" : "is not known");
		(void)ls_json_skip(&r->json);
		return;
	}
	*seen |= 1u << i; /* the weight is param_count */
	if (is_weight)
		(void)read_number(r, -POINTS_MAX, POINTS_MAX, target->weight);
	else
		read_param(r, &signal->params[i], target->params + signal->params[i].offset);
}

static void
read_signal(struct reader *r, const struct signal_target *target)
{
	struct ls_slice key;
	uint32_t seen = 0;
	if (!expect(r, LS_JSON_OBJECT, "an object") || !ls_json_object(&r->json))
		return;
	while (ls_json_key(&r->json, &key)) {
		size_t mark = enter(r, key);
		read_signal_member(r, target, key, &seen);
		leave(r, mark);
	}
}

static void
read_signals(struct reader *r, void *ctx)
{
	(void)ctx;
	struct ls_slice key;
	bool seen[SIGNALS_MAX] = { false };
	if (!expect(r, LS_JSON_OBJECT, "an object") || !ls_json_object(&r->json))
		return;
	while (ls_json_key(&r->json, &key)) {
		size_t mark = enter(r, key), i = 0;
		while (i < ls_signal_count && !ls_slice_eq(key, ls_slice_str(ls_signals[i]->name)))
			i++;
		if (i < ls_signal_count && !seen[i]) {
			seen[i] = true;
			struct signal_target target = { .signal = ls_signals[i],
				.params = r->profile->params[i],
				.weight = &r->profile->weights[i] };
			read_signal(r, &target);
		} else {
			fault(r, i < ls_signal_count ? "appears twice" : "is not a signal");
			(void)ls_json_skip(&r->json);
		}
		leave(r, mark);
	}
}

/* ---- rules: when */

struct when {
	struct rule *rule;
	bool has_kind, has_field;
	size_t tests;
};

static void
read_when_kind(struct reader *r, void *ctx)
{
	struct when *when = ctx;
	struct ls_slice name;
	enum ls_kind kind = LS_KIND_OTHER;
	when->has_kind = true;
	if (!read_string(r, 1, FIELD_MAX_LEN, &name))
		return;
	if (ls_kind_find(name, &kind) != LS_OK || !ls_kind_is_activity(kind) || kind >= KIND_SLOTS)
		fault(r, "is not a kind of activity");
	else
		when->rule->kind = kind;
}

static void
read_when_field(struct reader *r, void *ctx)
{
	struct when *when = ctx;
	when->has_field = true;
	(void)read_string(r, 1, FIELD_MAX_LEN, &when->rule->field);
}

/** A value to compare with; NULL after a second test, which is a fault, or without memory. */
static struct ls_fact *
add_value(struct reader *r, struct rule *rule)
{
	struct ls_memory memory = r->profile->memory;
	size_t n = rule->value_count;
	/* room doubles: the counts at which it grows are the powers of two */
	if ((n & (n - 1)) == 0) {
		size_t room = n > 0 ? n * 2 : 1;
		struct ls_fact *values =
			memory.realloc(memory.ctx, rule->values, room * sizeof *values);
		if (values == NULL) {
			r->err = LS_ERR_NOMEM;
			return NULL;
		}
		rule->values = values;
	}
	rule->value_count++;
	rule->values[n] = (struct ls_fact){ .type = LS_FACT_NONE };
	return &rule->values[n];
}

static void
read_scalar(struct reader *r, struct ls_fact *out)
{
	enum ls_json_type type = ls_json_peek(&r->json);
	if (type == LS_JSON_STRING) {
		out->type = LS_FACT_STRING;
		(void)read_string(r, 0, VALUE_MAX_LEN, &out->string);
	} else if (type == LS_JSON_NUMBER) {
		out->type = LS_FACT_NUMBER;
		(void)read_number(r, -1e15, 1e15, &out->number);
	} else if (type == LS_JSON_BOOL) {
		out->type = LS_FACT_BOOL;
		(void)ls_json_bool(&r->json, &out->boolean);
	} else if (type == LS_JSON_NULL) {
		(void)ls_json_null(&r->json);
	} else {
		(void)expect(r, LS_JSON_STRING, "a string, a number, true, false or null");
	}
}

static void
read_when_value(struct reader *r, struct when *when, enum rule_test test)
{
	if (when->tests++ > 0) {
		(void)ls_json_skip(&r->json); /* read_when says so */
		return;
	}
	when->rule->test = test;
	struct ls_fact *value = add_value(r, when->rule);
	if (value == NULL) {
		(void)ls_json_skip(&r->json);
		return;
	}
	if (test == RULE_EQUALS) {
		read_scalar(r, value);
	} else if (test == RULE_EXISTS) {
		value->type = LS_FACT_BOOL;
		if (expect(r, LS_JSON_BOOL, "true or false"))
			(void)ls_json_bool(&r->json, &value->boolean);
	} else if (test == RULE_CONTAINS) {
		value->type = LS_FACT_STRING;
		(void)read_string(r, 1, VALUE_MAX_LEN, &value->string);
	} else {
		value->type = LS_FACT_NUMBER;
		(void)read_number(r, -1e15, 1e15, &value->number);
	}
}

static void
read_when_equals(struct reader *r, void *ctx)
{
	read_when_value(r, ctx, RULE_EQUALS);
}

static void
read_when_at_least(struct reader *r, void *ctx)
{
	read_when_value(r, ctx, RULE_AT_LEAST);
}

static void
read_when_at_most(struct reader *r, void *ctx)
{
	read_when_value(r, ctx, RULE_AT_MOST);
}

static void
read_when_below(struct reader *r, void *ctx)
{
	read_when_value(r, ctx, RULE_BELOW);
}

static void
read_when_contains(struct reader *r, void *ctx)
{
	read_when_value(r, ctx, RULE_CONTAINS);
}

static void
read_when_exists(struct reader *r, void *ctx)
{
	read_when_value(r, ctx, RULE_EXISTS);
}

static void
read_when_in(struct reader *r, void *ctx)
{
	struct when *when = ctx;
	if (when->tests++ > 0) {
		(void)ls_json_skip(&r->json);
		return;
	}
	when->rule->test = RULE_IN;
	if (!expect(r, LS_JSON_ARRAY, "an array") || !ls_json_array(&r->json))
		return;
	size_t i = 0;
	for (; ls_json_item(&r->json); i++) {
		struct ls_fact *value = i < VALUES_MAX ? add_value(r, when->rule) : NULL;
		size_t mark = enter_index(r, i);
		if (value != NULL)
			read_scalar(r, value);
		else
			(void)ls_json_skip(&r->json);
		leave(r, mark);
	}
	if (i > VALUES_MAX)
		fault(r, "must have at most %d values", VALUES_MAX);
	else if (i == 0 && r->json.err == LS_OK)
		fault(r, "must have at least one value");
}

static void
read_when(struct reader *r, void *ctx)
{
	static const struct member members[] = {
		{ "kind", read_when_kind, false },
		{ "field", read_when_field, false },
		{ "equals", read_when_equals, false },
		{ "in", read_when_in, false },
		{ "at_least", read_when_at_least, false },
		{ "at_most", read_when_at_most, false },
		{ "below", read_when_below, false },
		{ "contains", read_when_contains, false },
		{ "exists", read_when_exists, false },
	};
	struct when when = { .rule = ctx };
	if (!read_object(r, members, LS_ARRAY_LEN(members), &when) || r->json.err != LS_OK)
		return;
	if (when.has_kind == when.has_field)
		fault(r, "must have either kind or field");
	else if (when.has_kind && when.tests > 0)
		fault(r, "a kind is counted, not compared");
	else if (when.has_field && when.tests != 1)
		fault(r, "must have one of equals, in, at_least, at_most, below, contains, exists");
}

/* ---- rules: the rest */

static void
read_rule_id(struct reader *r, void *ctx)
{
	struct rule *rule = ctx;
	if (!read_string(r, 1, ID_MAX_LEN, &rule->id))
		return;
	for (size_t i = 0; i < ls_signal_count; i++)
		if (ls_slice_eq(rule->id, ls_slice_str(ls_signals[i]->name)))
			fault(r, "is the name of a signal");
	for (size_t i = 0; i + 1 < r->profile->rule_count; i++)
		if (ls_slice_eq(rule->id, r->profile->rules[i].id))
			fault(r, "is the id of another rule");
}

static void
read_rule_points(struct reader *r, void *ctx)
{
	(void)read_number(r, -POINTS_MAX, POINTS_MAX, &((struct rule *)ctx)->points);
}

static void
read_rule_cap(struct reader *r, void *ctx)
{
	(void)read_number(r, 0, POINTS_MAX, &((struct rule *)ctx)->cap);
}

static void
read_rule_window(struct reader *r, void *ctx)
{
	(void)read_number(r, 0.001, MAX_AGE_DAYS, &((struct rule *)ctx)->window_days);
}

static void
read_rule_half_life(struct reader *r, void *ctx)
{
	(void)read_number(r, 0.01, 36500, &((struct rule *)ctx)->half_life.days);
}

static struct rule *
add_rule(struct reader *r)
{
	struct ls_profile *p = r->profile;
	size_t n = p->rule_count;
	if ((n & (n - 1)) == 0) {
		size_t room = n > 0 ? n * 2 : 1;
		struct rule *rules =
			p->memory.realloc(p->memory.ctx, p->rules, room * sizeof *rules);
		if (rules == NULL) {
			r->err = LS_ERR_NOMEM;
			return NULL;
		}
		p->rules = rules;
	}
	p->rules[n] = (struct rule){ .cap = -1 };
	p->rule_count++;
	return &p->rules[n];
}

static void
read_rule(struct reader *r)
{
	static const struct member members[] = {
		{ "id", read_rule_id, true },
		{ "when", read_when, true },
		{ "points", read_rule_points, true },
		{ "cap", read_rule_cap, false },
		{ "window_days", read_rule_window, false },
		{ "half_life_days", read_rule_half_life, false },
	};
	struct rule *rule = add_rule(r);
	if (rule == NULL) {
		(void)ls_json_skip(&r->json);
		return;
	}
	if (!read_object(r, members, LS_ARRAY_LEN(members), rule) || rule->test == RULE_KIND)
		return;
	if (rule->window_days > 0)
		fault_at(r, "window_days", "is for rules on a kind");
	if (rule->half_life.days > 0)
		fault_at(r, "half_life_days", "is for rules on a kind");
}

static void
read_rules(struct reader *r, void *ctx)
{
	(void)ctx;
	if (!expect(r, LS_JSON_ARRAY, "an array") || !ls_json_array(&r->json))
		return;
	size_t i = 0;
	for (; ls_json_item(&r->json); i++) {
		size_t mark = enter_index(r, i);
		if (i < RULES_MAX)
			read_rule(r);
		else
			(void)ls_json_skip(&r->json);
		leave(r, mark);
	}
	if (i > RULES_MAX)
		fault(r, "must have at most %d rules", RULES_MAX);
}

/* ---- the document */

/** The profile keeps the text that its slices point into, and room for strings with escapes. */
static int
keep_text(struct reader *r, struct ls_slice *json)
{
	struct ls_memory memory = r->profile->memory;
	bool escapes = json->len > 0 && memchr(json->data, '\\', json->len) != NULL;
	/* the shortest string with an escape has 5 bytes with its comma, and takes 16 or 32 */
	size_t text_size = (json->len + 16) / 16 * 16, room = escapes ? 8 * json->len + 64 : 0;
	r->profile->text = memory.realloc(memory.ctx, NULL, text_size + room);
	if (r->profile->text == NULL)
		return LS_ERR_NOMEM;
	if (json->len > 0)
		memcpy(r->profile->text, json->data, json->len);
	*json = ls_slice(r->profile->text, json->len);
	r->arena =
		(struct ls_arena){ .at = r->profile->text + text_size, .left = room, .max = room };
	return LS_OK;
}

static int
read_profile(struct reader *r, struct ls_slice json)
{
	static const struct member members[] = {
		{ "name", read_name, false },
		{ "thresholds", read_thresholds, false },
		{ "signals", read_signals, false },
		{ "rules", read_rules, false },
	};
	int err = keep_text(r, &json);
	if (err != LS_OK)
		return err;
	ls_json_init(&r->json, json, &r->arena);
	(void)read_object(r, members, LS_ARRAY_LEN(members), NULL);
	err = ls_json_finish(&r->json);
	if (r->err != LS_OK || err == LS_ERR_NOMEM)
		return LS_ERR_NOMEM;
	if (err != LS_OK) {
		leave(r, 0);
		fault(r, "is not valid JSON at byte %zu: %s", r->json.error_at,
			r->json.what != NULL ? r->json.what : ls_strerror(err));
	}
	return r->count > 0 ? LS_ERR_INVALID : profile_finish(r->profile);
}

int
ls_profile_parse(struct ls_memory memory, struct ls_slice json, struct ls_profile **out,
	struct ls_profile_fault *faults, size_t fault_room, size_t *fault_count)
{
	struct reader r = { .faults = faults, .room = fault_room };
	text_init(&r.pointer, r.pointer_buf, sizeof r.pointer_buf);
	int err = LS_OK;
	if (json.len > TEXT_MAX) {
		fault(&r, "must have at most %zu bytes", TEXT_MAX);
		err = LS_ERR_INVALID;
	} else {
		r.profile = profile_new(memory);
		err = r.profile != NULL ? read_profile(&r, json) : LS_ERR_NOMEM;
	}
	if (err == LS_ERR_INVALID)
		*fault_count = LS_MIN(r.count, r.room);
	if (err != LS_OK) {
		(void)ls_profile_free(r.profile);
		return err;
	}
	*out = r.profile;
	return LS_OK;
}
