// SPDX-License-Identifier: MIT
/* Reads settings by their table, and describes them. All faults are collected, none is fatal here.
 */

#include "base/config.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit durations[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 },
	{ "h", 3600000 }, { "d", 86400000 } };
static const struct unit sizes[] = { { "B", 1 }, { "KiB", 1 << 10 }, { "MiB", 1 << 20 },
	{ "GiB", 1 << 30 } };

/* "5m": a whole number and a unit, `bare` for a number alone */
static int
parse_units(
	struct ls_slice text, const struct unit *units, size_t count, int64_t bare, int64_t *out)
{
	size_t digits = 0;
	uint64_t value = 0;
	while (digits < text.len && ls_ascii_digit(text.data[digits]))
		digits++;
	struct ls_slice name = ls_slice(text.data + digits, text.len - digits);
	int64_t factor = name.len == 0 ? bare : 0;
	for (size_t i = 0; i < count; i++) {
		if (ls_slice_eq_nocase(name, ls_slice_str(units[i].name)))
			factor = units[i].factor;
	}
	int64_t product = 0;
	if (factor == 0 || ls_slice_to_u64(ls_slice(text.data, digits), &value) != LS_OK ||
		value > INT64_MAX || __builtin_mul_overflow((int64_t)value, factor, &product))
		return LS_ERR_INVALID;
	*out = product;
	return LS_OK;
}

static void
print_units(struct ls_buf *out, const struct unit *units, size_t count, int64_t value)
{
	size_t best = 0;
	for (size_t i = 0; i < count; i++) {
		if (value != 0 && value % units[i].factor == 0)
			best = i;
	}
	(void)ls_buf_addf(out, "%" PRId64 "%s", value / units[best].factor, units[best].name);
}

static int
parse_bool(struct ls_slice text, bool *out)
{
	static const char *const words[] = { "false", "true", "no", "yes", "off", "on", "0", "1" };
	for (size_t i = 0; i < LS_ARRAY_LEN(words); i++) {
		if (ls_slice_eq_nocase(text, ls_slice_str(words[i]))) {
			*out = i % 2 == 1;
			return LS_OK;
		}
	}
	return LS_ERR_INVALID;
}

static int
parse_points(struct ls_slice text, int64_t *milli)
{
	double value = 0;
	if (ls_slice_to_double(text, &value) != LS_OK || fabs(value) > 1e9 ||
		value * 1000 != floor(value * 1000))
		return LS_ERR_INVALID;
	*milli = (int64_t)(value * 1000);
	return LS_OK;
}

static int
parse_choice(const struct ls_config_row *row, struct ls_slice text, int *out)
{
	for (int i = 0; row->choices[i] != NULL; i++) {
		if (ls_slice_eq_nocase(text, ls_slice_str(row->choices[i]))) {
			*out = i;
			return LS_OK;
		}
	}
	return LS_ERR_INVALID;
}

static int
parse_flags(const struct ls_config_row *row, struct ls_slice text, unsigned *out)
{
	struct ls_slice part;
	unsigned flags = 0;
	while (ls_slice_cut(&text, ',', &part)) {
		int i = 0;
		if (parse_choice(row, ls_slice_trim(part), &i) != LS_OK)
			return LS_ERR_INVALID;
		flags |= 1u << i;
	}
	*out = flags;
	return LS_OK;
}

static int
parse_numbers(struct ls_slice text, struct ls_config_numbers *out)
{
	struct ls_config_numbers numbers = { .count = 0 };
	struct ls_slice part;
	while (text.len > 0 && ls_slice_cut(&text, ',', &part)) {
		if (numbers.count == LS_CONFIG_NUMBERS_MAX ||
			ls_slice_to_u64(ls_slice_trim(part), &numbers.values[numbers.count]) !=
				LS_OK)
			return LS_ERR_INVALID;
		numbers.count++;
	}
	*out = numbers;
	return LS_OK;
}

static bool
printable(struct ls_slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
			return false;
	}
	return ls_utf8_valid(text);
}

static int
parse_text(const struct ls_config_row *row, struct ls_slice text, char **out)
{
	if (!printable(text) || (text.len > 0 && (int64_t)text.len < row->min) ||
		(int64_t)text.len > row->max)
		return LS_ERR_INVALID;
	if (row->type == LS_CONFIG_URL && text.len > 0) {
		struct ls_slice rest = text;
		if (ls_slice_starts(text, LS_S("https://")))
			rest = ls_slice(text.data + 8, text.len - 8);
		else if (ls_slice_starts(text, LS_S("http://")))
			rest = ls_slice(text.data + 7, text.len - 7);
		if (rest.len == text.len || rest.len == 0 || rest.data[0] == '/' ||
			ls_slice_find(rest, '@') < rest.len ||
			ls_slice_find(rest, '?') < rest.len ||
			ls_slice_find(rest, '#') < rest.len || ls_slice_find(rest, ' ') < rest.len)
			return LS_ERR_INVALID;
		while (text.data[text.len - 1] == '/')
			text.len--;
	}
	char *copy = text.len > 0 ? strndup(text.data, text.len) : NULL;
	if (text.len > 0 && copy == NULL)
		return LS_ERR_NOMEM;
	free(*out);
	*out = copy;
	return LS_OK;
}

static int
in_range(const struct ls_config_row *row, int64_t value)
{
	return value >= row->min && value <= row->max ? LS_OK : LS_ERR_INVALID;
}

/* the one place that knows how each type is stored */
static int
parse_row(const struct ls_config_row *row, void *settings, struct ls_slice text)
{
	void *at = (char *)settings + row->offset;
	int64_t number = 0;
	int err = LS_ERR_INVALID;
	switch (row->type) {
	case LS_CONFIG_BOOL:
		return parse_bool(text, at);
	case LS_CONFIG_INT:
		err = ls_slice_to_i64(text, &number);
		break;
	case LS_CONFIG_DURATION:
		err = parse_units(text, durations, LS_ARRAY_LEN(durations), 1000, &number);
		break;
	case LS_CONFIG_BYTES:
		err = parse_units(text, sizes, LS_ARRAY_LEN(sizes), 1, &number);
		break;
	case LS_CONFIG_POINTS:
		err = parse_points(text, &number);
		if (err == LS_OK && in_range(row, number) == LS_OK)
			*(int32_t *)at = (int32_t)number;
		return err == LS_OK ? in_range(row, number) : err;
	case LS_CONFIG_CHOICE:
		return parse_choice(row, text, at);
	case LS_CONFIG_FLAGS:
		return parse_flags(row, text, at);
	case LS_CONFIG_TEXT:
	case LS_CONFIG_URL:
		return parse_text(row, text, at);
	case LS_CONFIG_NUMBERS:
		return parse_numbers(text, at);
	}
	if (err == LS_OK && (err = in_range(row, number)) == LS_OK)
		*(int64_t *)at = number;
	return err;
}

static void
describe_choices(const struct ls_config_row *row, struct ls_buf *out)
{
	for (int i = 0; row->choices[i] != NULL; i++)
		(void)ls_buf_addf(out, "%s%s", i > 0 ? ", " : "", row->choices[i]);
}

void
ls_config_describe(const struct ls_config_row *row, struct ls_buf *out)
{
	switch (row->type) {
	case LS_CONFIG_BOOL:
		(void)ls_buf_add_lit(out, "true or false");
		break;
	case LS_CONFIG_INT:
		(void)ls_buf_addf(out, "number, %" PRId64 " to %" PRId64, row->min, row->max);
		break;
	case LS_CONFIG_DURATION:
		(void)ls_buf_add_lit(out, "duration (ms, s, m, h, d; a bare number is seconds), ");
		print_units(out, durations, LS_ARRAY_LEN(durations), row->min);
		(void)ls_buf_add_lit(out, " to ");
		print_units(out, durations, LS_ARRAY_LEN(durations), row->max);
		break;
	case LS_CONFIG_BYTES:
		(void)ls_buf_add_lit(out, "size (B, KiB, MiB, GiB), ");
		print_units(out, sizes, LS_ARRAY_LEN(sizes), row->min);
		(void)ls_buf_add_lit(out, " to ");
		print_units(out, sizes, LS_ARRAY_LEN(sizes), row->max);
		break;
	case LS_CONFIG_POINTS:
		(void)ls_buf_addf(out, "points, %g to %g, at most three decimals",
			(double)row->min / 1000, (double)row->max / 1000);
		break;
	case LS_CONFIG_CHOICE:
		(void)ls_buf_add_lit(out, "one of ");
		describe_choices(row, out);
		break;
	case LS_CONFIG_FLAGS:
		(void)ls_buf_add_lit(out, "comma-separated list of ");
		describe_choices(row, out);
		break;
	case LS_CONFIG_TEXT:
		(void)ls_buf_addf(
			out, "text, %" PRId64 " to %" PRId64 " bytes", row->min, row->max);
		break;
	case LS_CONFIG_URL:
		(void)ls_buf_add_lit(out, "http or https URL without user, query and fragment");
		break;
	case LS_CONFIG_NUMBERS:
		(void)ls_buf_addf(
			out, "comma-separated numbers, at most %u", LS_CONFIG_NUMBERS_MAX);
		break;
	}
}

void
ls_config_print(const struct ls_config_row *row, const void *settings, struct ls_buf *out)
{
	const void *at = (const char *)settings + row->offset;
	const struct ls_config_numbers *numbers = at;
	const char *text;
	switch (row->type) {
	case LS_CONFIG_BOOL:
		(void)ls_buf_addf(out, "%s", *(const bool *)at ? "true" : "false");
		break;
	case LS_CONFIG_INT:
		(void)ls_buf_add_i64(out, *(const int64_t *)at);
		break;
	case LS_CONFIG_DURATION:
		print_units(out, durations, LS_ARRAY_LEN(durations), *(const int64_t *)at);
		break;
	case LS_CONFIG_BYTES:
		print_units(out, sizes, LS_ARRAY_LEN(sizes), *(const int64_t *)at);
		break;
	case LS_CONFIG_POINTS:
		(void)ls_buf_addf(out, "%g", *(const int32_t *)at / 1000.0);
		break;
	case LS_CONFIG_CHOICE:
		(void)ls_buf_addf(out, "%s", row->choices[*(const int *)at]);
		break;
	case LS_CONFIG_FLAGS:
		for (int i = 0, n = 0; row->choices[i] != NULL; i++) {
			if ((*(const unsigned *)at & (1u << i)) != 0)
				(void)ls_buf_addf(out, "%s%s", n++ > 0 ? "," : "", row->choices[i]);
		}
		break;
	case LS_CONFIG_TEXT:
	case LS_CONFIG_URL:
		text = *(char *const *)at;
		(void)ls_buf_addf(out, "%s", text == NULL ? "" : row->secret ? "(set)" : text);
		break;
	case LS_CONFIG_NUMBERS:
		for (size_t i = 0; i < numbers->count; i++)
			(void)ls_buf_addf(out, "%s%" PRIu64, i > 0 ? "," : "", numbers->values[i]);
		break;
	}
}

static void
add_fault(const struct ls_config_row *row, struct ls_slice value, struct ls_buf *faults)
{
	(void)ls_buf_addf(faults, "%s", row->name);
	if (!row->secret)
		(void)ls_buf_addf(faults, "=%.*s%s", (int)LS_MIN(value.len, (size_t)80), value.data,
			value.len > 80 ? "..." : "");
	(void)ls_buf_add_lit(faults, ": not a valid value; expected ");
	ls_config_describe(row, faults);
	(void)ls_buf_add_char(faults, '\n');
}

int
ls_config_load(struct ls_config_table table, void *settings, ls_config_get_fn get, const void *ctx,
	struct ls_buf *faults)
{
	int result = LS_OK;
	for (size_t i = 0; i < table.count; i++) {
		const struct ls_config_row *row = &table.rows[i];
		const char *given = get(ctx, row->name);
		struct ls_slice text = ls_slice_trim(ls_slice_str(given != NULL ? given : ""));
		/* the default first: a bad value then still leaves something sound; an empty
		 * variable means the default */
		struct ls_slice fallback = ls_slice_str(row->fallback);
		bool optional = row->type >= LS_CONFIG_TEXT;
		int err = fallback.len > 0 || optional ? parse_row(row, settings, fallback) : LS_OK;
		if (text.len > 0 && err == LS_OK)
			err = parse_row(row, settings, text);
		if (err != LS_OK) {
			add_fault(row, text, faults);
			result = LS_ERR_INVALID;
		}
	}
	return result;
}

void
ls_config_free(struct ls_config_table table, void *settings)
{
	for (size_t i = 0; i < table.count; i++) {
		const struct ls_config_row *row = &table.rows[i];
		if (row->type != LS_CONFIG_TEXT && row->type != LS_CONFIG_URL)
			continue;
		char **at = (char **)(void *)((char *)settings + row->offset);
		free(*at);
		*at = NULL;
	}
}

const struct ls_config_row *
ls_config_find(struct ls_config_table table, struct ls_slice name)
{
	for (size_t i = 0; i < table.count; i++) {
		if (ls_slice_eq(name, ls_slice_str(table.rows[i].name)))
			return &table.rows[i];
	}
	return NULL;
}
