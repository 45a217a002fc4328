// SPDX-License-Identifier: MIT
/* Reads files of test cases and runs them: each in an engine of its own, at the instant that the
 * file names. */

#include "main/profile_cases.h"

#include <stdlib.h>

#include "base/iso8601.h"
#include "base/json_read.h"
#include "engine/engine.h"
#include "source/source.h"

#define CASES_MAX    1000u
#define POINTS_MAX   300u
#define ARENA_MAX    ((size_t)64 << 20)
#define DECIMALS_MAX 3
#define NOW_MAX_MS   INT64_C(57748032000000) /* 3799-12-18: activity is counted until 3883 */

/* ---- reading */

struct reader {
	struct ls_json json;
	struct ls_arena *arena;
	struct ls_buf *fault;
	size_t case_at; /* 1 for the first; 0: not in a case */
	bool faulty, no_memory;
};

/* `member` of the document or of the case under way */
static void
tell(struct reader *r, const char *member, const char *what)
{
	if (r->faulty)
		return;
	r->faulty = true;
	if (r->case_at > 0)
		(void)ls_buf_addf(r->fault, "/cases/%zu", r->case_at - 1);
	(void)ls_buf_addf(r->fault, "%s%s: %s", *member != '\0' ? "/" : "", member, what);
}

static bool
expect(struct reader *r, enum ls_json_type type, const char *member, const char *what)
{
	if (ls_json_peek(&r->json) == type)
		return true;
	tell(r, member, what);
	(void)ls_json_skip(&r->json);
	return false;
}

static void
read_points(struct reader *r, struct ls_profile_case *one)
{
	struct ls_slice key, number;
	if (!expect(r, LS_JSON_OBJECT, "expect/points", "must be an object") ||
		!ls_json_object(&r->json))
		return;
	one->points = ls_arena_alloc(r->arena, POINTS_MAX * sizeof *one->points);
	one->point_count = 0;
	r->no_memory |= one->points == NULL;
	while (ls_json_key(&r->json, &key)) {
		if (!expect(r, LS_JSON_NUMBER, "expect/points", "must have numbers") ||
			!ls_json_raw(&r->json, &number))
			continue;
		if (one->point_count == POINTS_MAX)
			tell(r, "expect/points", "has too many members");
		else if (one->points != NULL)
			one->points[one->point_count++] =
				(struct ls_profile_points){ .line = key, .number = number };
	}
}

static void
read_category(struct reader *r, struct ls_profile_case *one)
{
	struct ls_slice name;
	if (!expect(r, LS_JSON_STRING, "expect/category", "must be hot, warm or cold") ||
		!ls_json_string(&r->json, &name))
		return;
	for (int i = LS_COLD; i <= LS_HOT; i++)
		if (ls_slice_eq(name, ls_slice_str(ls_category_name((enum ls_category)i))))
			one->category = i;
	if (one->category < 0)
		tell(r, "expect/category", "must be hot, warm or cold");
}

static void
read_expect(struct reader *r, struct ls_profile_case *one)
{
	struct ls_slice key;
	if (!expect(r, LS_JSON_OBJECT, "expect", "must be an object") || !ls_json_object(&r->json))
		return;
	while (ls_json_key(&r->json, &key)) {
		if (ls_slice_eq(key, LS_S("score"))) {
			if (expect(r, LS_JSON_NUMBER, "expect/score", "must be a number"))
				(void)ls_json_raw(&r->json, &one->score);
		} else if (ls_slice_eq(key, LS_S("category"))) {
			read_category(r, one);
		} else if (ls_slice_eq(key, LS_S("points"))) {
			read_points(r, one);
		} else {
			tell(r, "expect", "has a member that is not known");
			(void)ls_json_skip(&r->json);
		}
	}
}

static void
read_case(struct reader *r, struct ls_profile_case *one)
{
	struct ls_slice key;
	*one = (struct ls_profile_case){ .category = -1 };
	if (!expect(r, LS_JSON_OBJECT, "", "must be an object") || !ls_json_object(&r->json))
		return;
	while (ls_json_key(&r->json, &key)) {
		if (ls_slice_eq(key, LS_S("name"))) {
			if (expect(r, LS_JSON_STRING, "name", "must be a string"))
				(void)ls_json_string(&r->json, &one->name);
		} else if (ls_slice_eq(key, LS_S("events"))) {
			if (expect(r, LS_JSON_ARRAY, "events", "must be an array"))
				(void)ls_json_raw(&r->json, &one->events);
		} else if (ls_slice_eq(key, LS_S("expect"))) {
			read_expect(r, one);
		} else {
			tell(r, "", "has a member that is not known");
			(void)ls_json_skip(&r->json);
		}
	}
	if (one->events.data == NULL)
		tell(r, "events", "is missing");
	if (one->score.data == NULL && one->category < 0 && one->point_count == 0)
		tell(r, "expect", "must say score, category or points");
}

static void
read_cases(struct reader *r, struct ls_profile_cases *out)
{
	if (!expect(r, LS_JSON_ARRAY, "cases", "must be an array") || !ls_json_array(&r->json))
		return;
	out->cases = ls_arena_alloc(r->arena, CASES_MAX * sizeof *out->cases);
	out->count = 0;
	r->no_memory |= out->cases == NULL;
	while (ls_json_item(&r->json)) {
		if (out->cases == NULL || out->count == CASES_MAX) {
			tell(r, "cases", "has more than 1000");
			(void)ls_json_skip(&r->json);
			continue;
		}
		r->case_at = out->count + 1;
		read_case(r, &out->cases[out->count++]);
		r->case_at = 0;
	}
}

static void
read_now(struct reader *r, struct ls_profile_cases *out)
{
	struct ls_slice text;
	if (!expect(r, LS_JSON_STRING, "now", "must be a time in RFC 3339") ||
		!ls_json_string(&r->json, &text))
		return;
	if (ls_iso8601_parse(text, &out->now_ms) != LS_OK || out->now_ms <= 0)
		tell(r, "now", "must be a time in RFC 3339");
	else if (out->now_ms > NOW_MAX_MS)
		tell(r, "now", "must be before the year 3800");
}

static void
read_document(struct reader *r, struct ls_profile_cases *out)
{
	struct ls_slice key;
	if (!expect(r, LS_JSON_OBJECT, "", "must be an object") || !ls_json_object(&r->json))
		return;
	while (ls_json_key(&r->json, &key)) {
		if (ls_slice_eq(key, LS_S("profile"))) {
			(void)ls_json_raw(&r->json, &out->profile);
		} else if (ls_slice_eq(key, LS_S("profile_file"))) {
			if (expect(r, LS_JSON_STRING, "profile_file", "must be a string"))
				(void)ls_json_string(&r->json, &out->profile_file);
		} else if (ls_slice_eq(key, LS_S("now"))) {
			read_now(r, out);
		} else if (ls_slice_eq(key, LS_S("cases"))) {
			read_cases(r, out);
		} else {
			tell(r, "", "has a member that is not known");
			(void)ls_json_skip(&r->json);
		}
	}
	if (out->profile.data != NULL && out->profile_file.data != NULL)
		tell(r, "profile_file", "is one profile too many");
	if (out->now_ms == 0)
		tell(r, "now", "is missing");
	if (out->count == 0)
		tell(r, "cases", "must have at least one");
}

int
ls_profile_cases_read(struct ls_slice json, struct ls_arena *arena, struct ls_profile_cases *out,
	struct ls_buf *fault)
{
	struct reader r = { .arena = arena, .fault = fault };
	struct ls_profile_cases cases = { 0 };
	ls_json_init(&r.json, json, arena);
	read_document(&r, &cases);
	int err = ls_json_finish(&r.json);
	if (err == LS_ERR_NOMEM || r.no_memory)
		return LS_ERR_NOMEM;
	if (err != LS_OK) {
		ls_buf_reset(fault);
		(void)ls_buf_addf(fault, "is not valid JSON at byte %zu: %s", r.json.error_at,
			r.json.what != NULL ? r.json.what : ls_strerror(err));
		return LS_ERR_INVALID;
	}
	if (r.faulty)
		return LS_ERR_INVALID;
	*out = cases;
	return LS_OK;
}

/* ---- running */

static int
decode(const struct ls_profile_case *one, int64_t now_ms, struct ls_arena *arena,
	struct ls_decoded *out, struct ls_buf *why)
{
	const struct ls_source_config config = { .dedupe_key = { 1, 2 } };
	struct ls_buf body;
	ls_buf_init(&body, ARENA_MAX);
	(void)ls_buf_add_lit(&body, "{\"events\":");
	(void)ls_buf_add_slice(&body, one->events);
	(void)ls_buf_add_char(&body, '}');
	const struct ls_source_entry entry = { .body = ls_arena_copy(arena, ls_buf_slice(&body)),
		.received_ms = now_ms };
	int err = body.err != LS_OK || entry.body.data == NULL ? LS_ERR_NOMEM : LS_OK;
	ls_buf_fini(&body);
	if (err == LS_OK)
		err = ls_source_find(LS_S("events"))->decode(&config, &entry, arena, out);
	for (size_t i = 0; err == LS_ERR_INVALID && i < out->fault_count; i++)
		(void)ls_buf_addf(why, "%.*s: %.*s\n", LS_FMT(out->faults[i].pointer),
			LS_FMT(out->faults[i].what));
	return err;
}

/* an id counts once */
static bool
seen_before(const struct ls_decoded *decoded, size_t at)
{
	const struct ls_hash128 *key = &decoded->events[at].dedupe;
	for (size_t i = 0; i < at; i++)
		if (decoded->events[i].dedupe.lo == key->lo &&
			decoded->events[i].dedupe.hi == key->hi)
			return true;
	return false;
}

static int
apply_all(struct ls_engine *engine, const struct ls_decoded *decoded, int64_t now_ms,
	uint64_t *lead_id)
{
	for (size_t i = 0; i < decoded->count; i++) {
		struct ls_applied applied = { 0 };
		if (seen_before(decoded, i))
			continue;
		int err = ls_engine_apply(engine, &decoded->events[i], now_ms, &applied);
		if (err != LS_OK)
			return err;
		if (*lead_id == 0)
			*lead_id = applied.lead_id;
	}
	return LS_OK;
}

static void
add_milli(struct ls_buf *out, int64_t milli)
{
	int64_t size = llabs(milli);
	(void)ls_buf_addf(out, "%s%lld.%03lld", milli < 0 ? "-" : "", (long long)(size / 1000),
		(long long)(size % 1000));
}

/* whether they agree to the decimals that are written; a whole score is the one that is shown */
static bool
agrees(struct ls_slice number, int32_t milli, bool is_score)
{
	double value = 0;
	size_t point = ls_slice_find(number, '.');
	size_t decimals = point < number.len ? number.len - point - 1 : 0;
	if (ls_slice_to_double(number, &value) != LS_OK || value < -1e6 || value > 1e6)
		return false;
	if (is_score && decimals == 0)
		return value == milli / 1000;
	double room = 500;
	for (size_t i = 0; i < LS_MIN(decimals, (size_t)DECIMALS_MAX); i++)
		room /= 10;
	double apart = value * 1000 - milli;
	return apart <= room && apart >= -room;
}

static bool
check_points(
	const struct ls_profile_points *points, const struct ls_explanation *is, struct ls_buf *why)
{
	for (size_t i = 0; i < is->count; i++) {
		if (!ls_slice_eq(is->lines[i].name, points->line))
			continue;
		if (agrees(points->number, is->lines[i].points_milli, false))
			return true;
		(void)ls_buf_addf(why, "%.*s: expected %.*s points, is ", LS_FMT(points->line),
			LS_FMT(points->number));
		add_milli(why, is->lines[i].points_milli);
		(void)ls_buf_add_char(why, '\n');
		return false;
	}
	(void)ls_buf_addf(why, "%.*s: there is no such signal or rule\n", LS_FMT(points->line));
	return false;
}

static void
add_lines(const struct ls_explanation *is, struct ls_buf *why)
{
	for (size_t i = 0; i < is->count; i++) {
		char words[256];
		size_t len = ls_line_words(is->moment, &is->lines[i], words, sizeof words);
		(void)ls_buf_add_lit(why, "  ");
		add_milli(why, is->lines[i].points_milli);
		(void)ls_buf_addf(why, " %.*s: %.*s\n", LS_FMT(is->lines[i].name), (int)len, words);
	}
}

static int
compare(const struct ls_profile_case *one, const struct ls_explanation *is, struct ls_buf *why)
{
	bool good = true;
	if (one->score.data != NULL && !agrees(one->score, is->score_milli, true)) {
		good = false;
		(void)ls_buf_addf(why, "score: expected %.*s, is ", LS_FMT(one->score));
		add_milli(why, is->score_milli);
		(void)ls_buf_add_char(why, '\n');
	}
	if (one->category >= 0 && one->category != (int)is->category) {
		good = false;
		(void)ls_buf_addf(why, "category: expected %s, is %s\n",
			ls_category_name((enum ls_category)one->category),
			ls_category_name(is->category));
	}
	for (size_t i = 0; i < one->point_count; i++)
		good &= check_points(&one->points[i], is, why);
	if (!good)
		add_lines(is, why);
	return good ? LS_OK : LS_ERR_CONFLICT;
}

int
ls_profile_case_run(const struct ls_profile *profile, const struct ls_profile_case *one,
	int64_t now_ms, struct ls_buf *why)
{
	const struct ls_engine_options options = { .profile = profile, .max_leads = 2000 };
	struct ls_decoded decoded = { 0 };
	struct ls_explanation is;
	struct ls_arena arena;
	uint64_t lead_id = 0;
	ls_arena_init(&arena, ARENA_MAX);
	struct ls_engine *engine = ls_engine_new(&options);
	int err = engine != NULL ? decode(one, now_ms, &arena, &decoded, why) : LS_ERR_NOMEM;
	if (err == LS_OK)
		err = apply_all(engine, &decoded, now_ms, &lead_id);
	if (err == LS_OK)
		err = ls_engine_explain(engine, lead_id, now_ms, &arena, &is);
	if (err == LS_OK) {
		err = compare(one, &is, why);
	} else if (err == LS_ERR_NOT_FOUND) {
		(void)ls_buf_add_lit(why, "the events leave no lead\n");
		err = LS_ERR_CONFLICT;
	} else if (why->len == 0) {
		(void)ls_buf_addf(why, "the case cannot be run: %s\n", ls_strerror(err));
	}
	(void)ls_engine_free(engine);
	ls_arena_fini(&arena);
	return err;
}
