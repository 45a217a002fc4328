// SPDX-License-Identifier: MIT
/* A profile from any bytes: faults are told well, and what is accepted scores within bounds and
 * explains itself. */

#include <stdlib.h>
#include <string.h>

#include "base/json_read.h"
#include "leadscore/score.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FAULTS 8

static void
require(bool cond)
{
	if (!cond)
		abort();
}

static struct ls_fact
look_up(const void *ctx, struct ls_slice field)
{
	(void)ctx;
	switch (field.len % 4) {
	case 0:
		return (struct ls_fact){ .type = LS_FACT_STRING, .string = field };
	case 1:
		return (struct ls_fact){ .type = LS_FACT_NUMBER, .number = (double)field.len };
	case 2:
		return (struct ls_fact){ .type = LS_FACT_BOOL, .boolean = true };
	default:
		return (struct ls_fact){ .type = LS_FACT_NONE };
	}
}

static void
check_faults(const struct ls_profile_fault *faults, size_t count)
{
	require(count > 0 && count <= FAULTS);
	for (size_t i = 0; i < count; i++) {
		const struct ls_profile_fault *f = &faults[i];
		size_t len = strnlen(f->pointer, sizeof f->pointer);
		require(len < sizeof f->pointer && (len == 0 || f->pointer[0] == '/'));
		require(ls_utf8_valid(ls_slice(f->pointer, len)));
		len = strnlen(f->what, sizeof f->what);
		require(len > 0 && len < sizeof f->what);
	}
}

static char *
print(const struct ls_profile *profile, size_t *len)
{
	*len = ls_profile_print(profile, NULL, 0);
	char *text = malloc(*len);
	require(text != NULL && ls_profile_print(profile, text, *len) == *len);
	return text;
}

/** What is printed is read as the same profile. */
static void
print_and_read(const struct ls_profile *profile)
{
	struct ls_profile_fault fault;
	struct ls_profile *again = NULL;
	size_t len, again_len, count;
	char *text = print(profile, &len);
	int err = ls_profile_parse(ls_memory_heap, ls_slice(text, len), &again, &fault, 1, &count);
	/* the limit of the text is of its bytes, and defaults have some */
	if (len > 200000 && err == LS_ERR_INVALID) {
		free(text);
		return;
	}
	require(err == LS_OK);
	char *again_text = print(again, &again_len);
	require(len == again_len && memcmp(text, again_text, len) == 0);
	free(text);
	free(again_text);
	(void)ls_profile_free(again);
}

static void
use(const struct ls_profile *profile)
{
	const int64_t now = INT64_C(1705314600000);
	struct ls_activity activity = { 0 };
	for (unsigned i = 0; i < 40; i++) {
		int64_t at = now - (int64_t)(i * i) * 7 * LS_HOUR_MS;
		require(ls_activity_add(&activity, ls_memory_heap, LS_KIND_CALL + i % LS_KIND_VISIT,
				at, i % 5, (int32_t)i % 3 + 1) == LS_OK);
	}
	struct ls_subject_data data = {
		.activity = &activity, .stage_probability = 0.5, .employees = 77, .fact = look_up
	};
	struct ls_moment *moment = ls_moment_new(ls_memory_heap, profile, now);
	size_t count = ls_line_count(profile);
	struct ls_line *lines = calloc(count, sizeof *lines);
	require(moment != NULL && lines != NULL);
	int32_t score = ls_explain(moment, &data, lines);
	require(score == ls_score_milli(moment, &data));
	int64_t sum = 0;
	for (size_t i = 0; i < count; i++) {
		char words[120];
		size_t len = ls_line_words(moment, &lines[i], words, sizeof words);
		require(len > 0 && len == strlen(words));
		require(ls_utf8_valid(ls_slice(words, len)));
		sum += lines[i].points_milli;
	}
	require(score == (sum < 0 ? 0 : sum > LS_SCORE_MAX_MILLI ? LS_SCORE_MAX_MILLI : sum));
	int64_t cools_ms = ls_cools_at_ms(moment, &data);
	require(cools_ms == 0 || cools_ms > now);
	free(lines);
	(void)ls_moment_free(moment);
	ls_activity_fini(&activity, ls_memory_heap);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ls_slice text = ls_slice((const char *)data, size);
	struct ls_profile_fault faults[FAULTS];
	struct ls_profile *profile = NULL;
	size_t count = 0;
	int err = ls_profile_parse(ls_memory_heap, text, &profile, faults, FAULTS, &count);
	require(err == LS_OK || err == LS_ERR_INVALID);
	if (err != LS_OK) {
		require(profile == NULL);
		check_faults(faults, count);
		return 0;
	}
	require(ls_json_valid(text));
	use(profile);
	print_and_read(profile);
	(void)ls_profile_free(profile);
	return 0;
}
