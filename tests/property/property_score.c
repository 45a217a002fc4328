// SPDX-License-Identifier: MIT
/* What must hold of every lead, on random ones: a plain model gives the same points, order never
 * matters, what is added can be taken back, compaction cannot be seen, machines never count.
 *
 *	property_score [CASES [SEED]] */

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "leadscore/share.h"

#define EVENTS_MAX 120
#define LINES_MAX  16

struct event {
	unsigned kind;
	int64_t time_ms;
	uint64_t message;
	int32_t count;
};

struct sample {
	struct event events[EVENTS_MAX];
	size_t count;
	double stage_probability, employees;
	int64_t now_ms;
};

#define CHECK(cond) check((cond), #cond, __LINE__)

static void
check(bool holds, const char *what, int line)
{
	if (holds)
		return;
	fprintf(stderr, "property_score: line %d: %s does not hold\n", line, what);
	exit(1);
}

/* ---- chance: splitmix64, so that a seed means the same everywhere */

static uint64_t
draw(uint64_t *seed, uint64_t below)
{
	uint64_t x = *seed += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return (x ^ x >> 31) % below;
}

static int64_t
draw_age_ms(uint64_t *seed)
{
	static const uint64_t spans[] = { 2, 10, 61, 120, 450 };
	if (draw(seed, 4) == 0) /* around the border between hours and days */
		return (int64_t)(57 * 24 + draw(seed, 6 * 24)) * LS_HOUR_MS;
	if (draw(seed, 20) == 0) /* a little ahead of now */
		return -(int64_t)draw(seed, 300000);
	uint64_t span = spans[draw(seed, LS_ARRAY_LEN(spans))];
	return (int64_t)draw(seed, span * (uint64_t)LS_DAY_MS);
}

static void
draw_sample(uint64_t *seed, struct sample *s)
{
	s->now_ms = INT64_C(1705314600000) + (int64_t)draw(seed, 3 * 366 * 86400) * 1000;
	if (draw(seed, 5) == 0)
		s->now_ms = s->now_ms / LS_HOUR_MS * LS_HOUR_MS;
	s->count = draw(seed, draw(seed, 2) == 0 ? 12 : EVENTS_MAX);
	for (size_t i = 0; i < s->count; i++) {
		struct event *e = &s->events[i];
		*e = (struct event){ .kind = (unsigned)draw(seed, LS_KIND_VISIT) + 1,
			.time_ms = s->now_ms - draw_age_ms(seed),
			.message = draw(seed, 8),
			.count = (int32_t)draw(seed, 3) + 1 };
		if (draw(seed, 6) == 0)
			e->kind |= LS_KIND_MACHINE;
	}
	s->stage_probability = (double)draw(seed, 11) / 10.0;
	s->employees = draw(seed, 4) == 0 ? -1.0 : (double)draw(seed, 20000);
}

/* ---- the sample as a lead */

static void
add_event(struct ls_activity *a, const struct event *e, int sign)
{
	int err = ls_activity_add(
		a, ls_memory_heap, e->kind, e->time_ms, e->message, sign * e->count);
	CHECK(err == LS_OK);
}

static void
build(const struct sample *s, struct ls_activity *a)
{
	*a = (struct ls_activity){ 0 };
	for (size_t i = 0; i < s->count; i++)
		add_event(a, &s->events[i], 1);
}

static bool
same(const struct ls_activity *a, const struct ls_activity *b)
{
	return a->cell_count == b->cell_count && a->hit_count == b->hit_count &&
	       (a->cell_count == 0 ||
		       memcmp(a->cells, b->cells, a->cell_count * sizeof *a->cells) == 0) &&
	       (a->hit_count == 0 || memcmp(a->hits, b->hits, a->hit_count * sizeof *a->hits) == 0);
}

static struct ls_subject_data
data_of(const struct sample *s, const struct ls_activity *a)
{
	return (struct ls_subject_data){
		.activity = a, .stage_probability = s->stage_probability, .employees = s->employees
	};
}

/* ---- the specification, slow and plain, over the events themselves */

static double
plain_age(int64_t time_ms, int64_t now_ms)
{
	int64_t hour = time_ms / LS_HOUR_MS;
	if (now_ms / LS_HOUR_MS - hour > 1440)
		hour = hour / 24 * 24 + 23;
	int64_t age_ms = now_ms - (hour + 1) * LS_HOUR_MS;
	return age_ms > 0 ? (double)age_ms / (double)LS_DAY_MS : 0.0;
}

static double
plain_decay(double age, double half_life)
{
	return age <= 400 ? pow(2.0, -age / half_life) : 0.0;
}

static double
plain_sum(const struct sample *s, int64_t now_ms, unsigned kind, double half_life)
{
	double total = 0;
	for (size_t i = 0; i < s->count; i++)
		if (s->events[i].kind == kind)
			total += s->events[i].count *
				 plain_decay(plain_age(s->events[i].time_ms, now_ms), half_life);
	return total;
}

static double
plain_opens(const struct sample *s, int64_t now_ms)
{
	double opens = 0;
	for (size_t i = 0; i < s->count; i++)
		if (s->events[i].kind == LS_KIND_EMAIL_OPEN &&
			plain_age(s->events[i].time_ms, now_ms) < 7)
			opens += s->events[i].count;
	return 1 - pow(2.0, -opens / 3);
}

static double
plain_clicks(const struct sample *s, int64_t now_ms)
{
	double clicked = 0, opened = 0;
	for (uint64_t message = 1; message < 8; message++) {
		int64_t seen = INT64_MAX, click = INT64_MAX;
		for (size_t i = 0; i < s->count; i++) {
			const struct event *e = &s->events[i];
			bool is_click = e->kind == LS_KIND_EMAIL_CLICK;
			if (e->message != message || (!is_click && e->kind != LS_KIND_EMAIL_OPEN))
				continue;
			seen = LS_MIN(seen, e->time_ms);
			click = is_click ? LS_MIN(click, e->time_ms) : click;
		}
		if (click != INT64_MAX)
			clicked += plain_decay(plain_age(click, now_ms), 90);
		if (seen != INT64_MAX)
			opened += plain_decay(plain_age(seen, now_ms), 90);
	}
	double rate = (clicked + 1.0) / (LS_MAX(opened, clicked) + 10);
	return 1 - pow(2.0, -LS_MAX(0.0, rate - 0.1) / 0.1);
}

static double
plain_recency(const struct sample *s, int64_t now_ms)
{
	double least = HUGE_VAL;
	for (size_t i = 0; i < s->count; i++) {
		unsigned kind = s->events[i].kind;
		if ((kind & LS_KIND_MACHINE) != 0 || kind == LS_KIND_EMAIL_BOUNCE ||
			kind == LS_KIND_EMAIL_DELIVERED || kind == LS_KIND_EMAIL_SENT ||
			kind == LS_KIND_EMAIL_UNSUBSCRIBE)
			continue;
		least = LS_MIN(least, plain_age(s->events[i].time_ms, now_ms));
	}
	return plain_decay(least, 7);
}

static double
plain_crm(const struct sample *s, int64_t now_ms)
{
	static const struct {
		unsigned kind;
		double points;
	} worth[] = { { LS_KIND_CALL, 2 }, { LS_KIND_EMAIL_REPLY, 2 }, { LS_KIND_FORM_SUBMIT, 2 },
		{ LS_KIND_MEETING, 3 }, { LS_KIND_NOTE, 1 }, { LS_KIND_TASK, 1 } };
	double total = 0;
	for (size_t i = 0; i < LS_ARRAY_LEN(worth); i++)
		total += worth[i].points * plain_sum(s, now_ms, worth[i].kind, 14);
	return 1 - pow(2.0, -total / 5);
}

/** Points in the order of the default profile. */
static void
plain_points(const struct sample *s, int64_t now_ms, double points[7])
{
	points[0] = 25 * plain_opens(s, now_ms);
	points[1] = 20 * plain_clicks(s, now_ms);
	points[2] = 20 * (1 - pow(2.0, -plain_sum(s, now_ms, LS_KIND_VISIT, 7) / 3));
	points[3] = 15 * plain_crm(s, now_ms);
	points[4] = 10 * s->stage_probability;
	points[5] = s->employees < 0 ? 0 : 5 * LS_MIN(1.0, log1p(s->employees) / log1p(10000.0));
	points[6] = 5 * plain_recency(s, now_ms);
}

/* ---- the properties */

struct fixture {
	struct ls_profile *plain, *rules;
	struct ls_moment *reused;
	uint64_t seed;
};

static int32_t
score_fresh(const struct ls_profile *profile, const struct sample *s, const struct ls_activity *a,
	int64_t now_ms)
{
	struct ls_subject_data data = data_of(s, a);
	struct ls_moment *moment = ls_moment_new(ls_memory_heap, profile, now_ms);
	CHECK(moment != NULL);
	int32_t score = ls_score_milli(moment, &data);
	(void)ls_moment_free(moment);
	return score;
}

static void
agrees_with_the_plain_model(struct fixture *f, const struct sample *s, const struct ls_activity *a)
{
	struct ls_subject_data data = data_of(s, a);
	struct ls_line lines[LINES_MAX];
	double points[7];
	CHECK(ls_moment_set(f->reused, f->plain, s->now_ms) == LS_OK);
	CHECK(ls_line_count(f->plain) == 7);
	(void)ls_explain(f->reused, &data, lines);
	plain_points(s, s->now_ms, points);
	/* the model sums in another order, so the last bit of a double may differ */
	for (size_t i = 0; i < 7; i++)
		CHECK(fabs(points[i] * 1000 - lines[i].points_milli) <= 0.5 + 1e-6);
}

static void
explains_exactly(struct fixture *f, const struct ls_profile *profile, const struct sample *s,
	const struct ls_activity *a)
{
	struct ls_subject_data data = data_of(s, a);
	struct ls_line lines[LINES_MAX];
	CHECK(ls_moment_set(f->reused, profile, s->now_ms) == LS_OK);
	CHECK(ls_line_count(profile) <= LINES_MAX);
	int32_t score = ls_explain(f->reused, &data, lines);
	int64_t sum = 0;
	for (size_t i = 0; i < ls_line_count(profile); i++) {
		char words[200];
		sum += lines[i].points_milli;
		CHECK(ls_line_words(f->reused, &lines[i], words, sizeof words) > 0);
	}
	CHECK(score == LS_MAX(INT64_C(0), LS_MIN(sum, (int64_t)LS_SCORE_MAX_MILLI)));
	CHECK(score == ls_score_milli(f->reused, &data));
}

/** Every event's part, each ranked among its like in the order of the sample, adds up to the line;
 * what is not counted has none. */
static void
shares_add_up(struct fixture *f, const struct ls_profile *profile, const struct sample *s,
	const struct ls_activity *a)
{
	struct ls_subject_data data = data_of(s, a);
	struct ls_line lines[LINES_MAX];
	struct ls_shares shares;
	int64_t sums[LINES_MAX] = { 0 };
	uint32_t used[EVENTS_MAX * LINES_MAX] = { 0 };
	CHECK(ls_moment_set(f->reused, profile, s->now_ms) == LS_OK);
	(void)ls_explain(f->reused, &data, lines);
	CHECK(ls_shares_make(f->reused, &data, lines, ls_memory_heap, &shares) == LS_OK);
	CHECK(shares.count <= LS_ARRAY_LEN(used));
	for (size_t i = 0; i < s->count; i++) {
		const struct event *e = &s->events[i];
		const struct ls_share_event event = { e->kind, e->time_ms, e->message };
		for (uint32_t line = 0; line < ls_line_count(profile); line++) {
			const struct ls_share *share = ls_shares_find(&shares, line, &event);
			for (int32_t n = 0; share != NULL && n < e->count; n++)
				sums[line] += ls_share_part(share, used[share - shares.items]++);
		}
	}
	for (size_t line = 0; line < ls_line_count(profile); line++) {
		bool of_events = lines[line].count > 0;
		CHECK(sums[line] == (of_events ? lines[line].points_milli : 0));
	}
	for (size_t i = 0; i < shares.count; i++)
		CHECK(used[i] >= shares.items[i].count);
	ls_shares_fini(&shares, ls_memory_heap);
}

static void
order_never_matters(struct fixture *f, const struct sample *s, const struct ls_activity *a)
{
	struct sample shuffled = *s;
	for (size_t i = shuffled.count; i > 1; i--) {
		size_t k = draw(&f->seed, i);
		struct event e = shuffled.events[i - 1];
		shuffled.events[i - 1] = shuffled.events[k];
		shuffled.events[k] = e;
	}
	struct ls_activity b;
	build(&shuffled, &b);
	CHECK(same(a, &b));
	ls_activity_fini(&b, ls_memory_heap);
}

static void
what_is_added_can_be_taken_back(
	struct fixture *f, const struct sample *s, const struct ls_activity *a)
{
	struct sample other;
	struct ls_activity b, both;
	draw_sample(&f->seed, &other);
	build(&other, &b);
	build(s, &both);
	CHECK(ls_activity_merge(&both, ls_memory_heap, &b, 1) == LS_OK);
	struct ls_activity merged_other_way = { 0 };
	CHECK(ls_activity_merge(&merged_other_way, ls_memory_heap, &b, 1) == LS_OK);
	CHECK(ls_activity_merge(&merged_other_way, ls_memory_heap, a, 1) == LS_OK);
	CHECK(same(&both, &merged_other_way));
	CHECK(ls_activity_merge(&both, ls_memory_heap, &b, -1) == LS_OK);
	CHECK(same(&both, a));
	for (size_t i = 0; i < other.count; i++)
		add_event(&both, &other.events[i], 1);
	CHECK(same(&both, &merged_other_way));
	for (size_t i = other.count; i-- > 0;)
		add_event(&both, &other.events[i], -1);
	CHECK(same(&both, a));
	for (size_t i = 0; i < s->count; i++)
		add_event(&both, &s->events[i], -1);
	CHECK(both.cell_count == 0 && both.hit_count == 0);
	ls_activity_fini(&both, ls_memory_heap);
	ls_activity_fini(&merged_other_way, ls_memory_heap);
	ls_activity_fini(&b, ls_memory_heap);
}

static void
compaction_cannot_be_seen(struct fixture *f, const struct sample *s, const struct ls_activity *a)
{
	static const int64_t later_hours[] = { 0, 1, 7, 23, 24, 100, 1440, 5000, 9700 };
	struct ls_activity b;
	build(s, &b);
	uint32_t before = b.cell_count + b.hit_count;
	uint32_t saved = ls_activity_compact(&b, s->now_ms);
	CHECK(before - saved == b.cell_count + b.hit_count);
	for (size_t i = 0; i < LS_ARRAY_LEN(later_hours); i++) {
		int64_t now_ms = s->now_ms + later_hours[i] * LS_HOUR_MS +
				 (int64_t)draw(&f->seed, 2) * 61000;
		CHECK(score_fresh(f->rules, s, a, now_ms) == score_fresh(f->rules, s, &b, now_ms));
		CHECK(score_fresh(f->plain, s, a, now_ms) == score_fresh(f->plain, s, &b, now_ms));
	}
	/* once more, later; then everything is taken back all the same */
	(void)ls_activity_compact(&b, s->now_ms + 33 * LS_DAY_MS);
	int64_t later_ms = s->now_ms + 33 * LS_DAY_MS + 5000;
	CHECK(score_fresh(f->plain, s, a, later_ms) == score_fresh(f->plain, s, &b, later_ms));
	for (size_t i = 0; i < s->count; i++)
		add_event(&b, &s->events[i], -1);
	CHECK(b.cell_count == 0 && b.hit_count == 0);
	ls_activity_fini(&b, ls_memory_heap);
}

static void
machines_never_count(struct fixture *f, const struct sample *s)
{
	struct sample people = *s;
	people.count = 0;
	for (size_t i = 0; i < s->count; i++)
		if ((s->events[i].kind & LS_KIND_MACHINE) == 0)
			people.events[people.count++] = s->events[i];
	struct ls_activity a, b;
	build(&people, &a);
	int32_t score = score_fresh(f->rules, s, &a, s->now_ms);
	build(s, &b);
	for (int i = 0; i < 20; i++) {
		struct event e = { .kind = LS_KIND_MACHINE | LS_KIND_EMAIL_OPEN,
			.time_ms = s->now_ms - i * LS_HOUR_MS,
			.message = 3,
			.count = 100 };
		add_event(&b, &e, 1);
	}
	CHECK(score_fresh(f->rules, s, &b, s->now_ms) == score);
	CHECK(ls_activity_last_ms(&a) == ls_activity_last_ms(&b));
	ls_activity_fini(&a, ls_memory_heap);
	ls_activity_fini(&b, ls_memory_heap);
}

static void
moments_can_be_reused(struct fixture *f, const struct sample *s, const struct ls_activity *a)
{
	struct ls_subject_data data = data_of(s, a);
	for (int i = 0; i < 6; i++) {
		int64_t now_ms =
			s->now_ms + (int64_t)draw(&f->seed, 90) * LS_HOUR_MS +
			(draw(&f->seed, 2) == 0 ? 0 : (int64_t)draw(&f->seed, 3600) * 1000);
		const struct ls_profile *profile = draw(&f->seed, 2) == 0 ? f->plain : f->rules;
		CHECK(ls_moment_set(f->reused, profile, now_ms) == LS_OK);
		CHECK(ls_moment_now_ms(f->reused) == now_ms);
		CHECK(ls_score_milli(f->reused, &data) == score_fresh(profile, s, a, now_ms));
	}
}

static enum ls_category
category_at(struct fixture *f, const struct ls_subject_data *data, int64_t now_ms)
{
	CHECK(ls_moment_set(f->reused, f->rules, now_ms) == LS_OK);
	return ls_categorize(f->rules, ls_score_milli(f->reused, data));
}

/** The definition: hours, then halves. */
static int64_t
plain_cools_at(struct fixture *f, const struct ls_subject_data *data, int64_t now_ms)
{
	enum ls_category start = category_at(f, data, now_ms);
	int64_t lo = now_ms, hi = 0;
	for (int step = 1; start != LS_COLD && step <= 9600 && hi == 0; step++) {
		int64_t at = now_ms + step * LS_HOUR_MS;
		if (category_at(f, data, at) < start)
			hi = at;
		else
			lo = at;
	}
	while (hi - lo > 1000) {
		int64_t mid = (lo + hi) / 2;
		if (category_at(f, data, mid) < start)
			hi = mid;
		else
			lo = mid;
	}
	return hi;
}

static void
cools_as_defined(struct fixture *f, const struct sample *s, const struct ls_activity *a)
{
	struct ls_subject_data data = data_of(s, a);
	CHECK(ls_moment_set(f->reused, f->rules, s->now_ms) == LS_OK);
	int64_t cools_ms = ls_cools_at_ms(f->reused, &data);
	CHECK(ls_moment_now_ms(f->reused) == s->now_ms);
	CHECK(cools_ms == plain_cools_at(f, &data, s->now_ms));
}

/* ---- running them */

static struct ls_profile *
read_rules(void)
{
	static const char json[] =
		"{\"thresholds\":{\"hot\":45,\"warm\":25},"
		"\"signals\":{\"email_opens\":{\"window_days\":61},"
		"\"recency\":{\"half_life_days\":3.5,\"weight\":-4}},"
		"\"rules\":["
		"{\"id\":\"forms\",\"when\":{\"kind\":\"form_submit\"},\"points\":6,\"half_life_"
		"days\":30,"
		"\"cap\":12},"
		"{\"id\":\"pages\",\"when\":{\"kind\":\"page_view\"},\"points\":0.5,\"window_"
		"days\":3},"
		"{\"id\":\"bounces\",\"when\":{\"kind\":\"email_bounce\"},\"points\":-7,"
		"\"window_days\":70,\"half_life_days\":11.1},"
		"{\"id\":\"gone\",\"when\":{\"kind\":\"email_unsubscribe\"},\"points\":-3,\"cap\":"
		"30}]}";
	struct ls_profile *profile = NULL;
	struct ls_profile_fault fault = { "", "" };
	size_t count = 0;
	if (ls_profile_parse(ls_memory_heap, ls_slice_str(json), &profile, &fault, 1, &count) !=
		LS_OK)
		fprintf(stderr, "%s: %s\n", fault.pointer, fault.what);
	CHECK(profile != NULL);
	return profile;
}

static void
run_case(struct fixture *f, uint64_t number)
{
	struct sample s;
	struct ls_activity a;
	draw_sample(&f->seed, &s);
	build(&s, &a);
	agrees_with_the_plain_model(f, &s, &a);
	explains_exactly(f, f->plain, &s, &a);
	explains_exactly(f, f->rules, &s, &a);
	shares_add_up(f, f->plain, &s, &a);
	shares_add_up(f, f->rules, &s, &a);
	order_never_matters(f, &s, &a);
	what_is_added_can_be_taken_back(f, &s, &a);
	compaction_cannot_be_seen(f, &s, &a);
	machines_never_count(f, &s);
	moments_can_be_reused(f, &s, &a);
	if (number % 20 == 0)
		cools_as_defined(f, &s, &a);
	ls_activity_fini(&a, ls_memory_heap);
}

int
main(int argc, char **argv)
{
	uint64_t cases = 500, seed = 20261122;
	bool usage = argc > 3 ||
		     (argc > 1 && ls_slice_to_u64(ls_slice_str(argv[1]), &cases) != LS_OK) ||
		     (argc > 2 && ls_slice_to_u64(ls_slice_str(argv[2]), &seed) != LS_OK);
	if (usage) {
		fprintf(stderr, "usage: property_score [CASES [SEED]]\n");
		return 2;
	}
	struct fixture f = { .plain = ls_profile_default(ls_memory_heap), .rules = read_rules() };
	CHECK(f.plain != NULL);
	f.reused = ls_moment_new(ls_memory_heap, f.plain, 0);
	CHECK(f.reused != NULL);
	for (uint64_t i = 0; i < cases; i++) {
		/* each case has its own seed, so that one can be run alone */
		f.seed = seed + i;
		run_case(&f, i);
	}
	(void)ls_moment_free(f.reused);
	(void)ls_profile_free(f.plain);
	(void)ls_profile_free(f.rules);
	printf("%" PRIu64 " cases hold\n", cases);
	return 0;
}
