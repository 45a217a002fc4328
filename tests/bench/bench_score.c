// SPDX-License-Identifier: MIT
/* Scoring: leads of 30 cells and 8 hits, many at one moment (a sweep), each at a moment of its own,
 * and when they cool.
 *
 * Exact, for a gate, is the count of instructions; a lead's is the difference of two counts, of 20
 * and of 10 rounds over 1,000 leads, by 10,000 (about 2,400 with gcc 12):
 *
 *	valgrind --tool=callgrind --callgrind-out-file=/dev/null build/tests/bench/bench_score 20
 */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/slice.h"
#include "leadscore/score.h"

#define LEADS 1000
#define TURNS 9

static const int64_t T0 = INT64_C(1705314600000);

struct lead {
	struct ls_activity activity;
	struct ls_subject_data data;
};

static uint64_t
draw(uint64_t *seed, uint64_t below)
{
	uint64_t x = *seed += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return (x ^ x >> 31) % below;
}

/** 30 cells over 90 days: 8 opens (some with clicks), visits, page views, calls and notes. */
static void
generate(struct lead *lead, uint64_t seed)
{
	static const unsigned kinds[] = { LS_KIND_EMAIL_OPEN, LS_KIND_VISIT, LS_KIND_PAGE_VIEW,
		LS_KIND_EMAIL_CLICK, LS_KIND_CALL, LS_KIND_NOTE, LS_KIND_VISIT, LS_KIND_EMAIL_OPEN,
		LS_KIND_PAGE_VIEW, LS_KIND_EMAIL_DELIVERED };
	*lead = (struct lead){ 0 };
	uint64_t messages = 0;
	for (uint64_t i = 0; lead->activity.cell_count < 30; i++) {
		unsigned kind = kinds[i % LS_ARRAY_LEN(kinds)];
		int64_t at = T0 - (int64_t)draw(&seed, 90 * 24) * LS_HOUR_MS;
		bool mail = kind == LS_KIND_EMAIL_OPEN || kind == LS_KIND_EMAIL_CLICK;
		uint64_t message = mail && lead->activity.hit_count < 8 ? 1 + messages++ % 6 : 0;
		if (ls_activity_add(&lead->activity, ls_memory_heap, kind, at, message, 1) != LS_OK)
			abort();
	}
	lead->data = (struct ls_subject_data){ .activity = &lead->activity,
		.stage_probability = 0.4,
		.employees = (double)draw(&seed, 5000) };
}

static double
now_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int64_t
sweep(struct ls_moment *moment, const struct lead *leads)
{
	int64_t sum = 0;
	for (size_t i = 0; i < LEADS; i++)
		sum += ls_score_milli(moment, &leads[i].data);
	return sum;
}

static int
compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double
median(double *values)
{
	qsort(values, TURNS, sizeof *values, compare_doubles);
	return values[TURNS / 2];
}

struct fixture {
	struct ls_profile *profile, *low;
	struct ls_moment *moment;
	struct lead *leads;
	int64_t sink; /* printed, so that nothing is optimised away */
};

static double
time_sweep(struct fixture *f)
{
	double ns[TURNS];
	for (int turn = 0; turn < TURNS; turn++) {
		double start = now_ns();
		for (int round = 0; round < 200; round++)
			f->sink += sweep(f->moment, f->leads);
		ns[turn] = (now_ns() - start) / 200 / LEADS;
	}
	return median(ns);
}

static double
time_new_moment(struct fixture *f)
{
	double ns[TURNS];
	for (int turn = 0; turn < TURNS; turn++) {
		double start = now_ns();
		for (int i = 0; i < LEADS; i++) {
			if (ls_moment_set(f->moment, f->profile, T0 + (turn * LEADS + i) * 1000) !=
				LS_OK)
				abort();
			f->sink += ls_score_milli(f->moment, &f->leads[i].data);
		}
		ns[turn] = (now_ns() - start) / LEADS;
	}
	return median(ns);
}

static double
time_cooling(struct fixture *f, double *days)
{
	double ns[TURNS];
	int64_t total_ms = 0, cooling = 0;
	for (int turn = 0; turn < TURNS; turn++) {
		if (ls_moment_set(f->moment, f->low, T0 + turn * 1000) != LS_OK)
			abort();
		double start = now_ns();
		for (int i = 0; i < LEADS; i++) {
			int64_t cools_ms = ls_cools_at_ms(f->moment, &f->leads[i].data);
			total_ms += cools_ms > 0 ? cools_ms - T0 : 0;
			cooling += cools_ms > 0 ? 1 : 0;
		}
		ns[turn] = (now_ns() - start) / LEADS;
	}
	*days = cooling > 0 ? (double)(total_ms / cooling) / (double)LS_DAY_MS : 0;
	return median(ns);
}

int
main(int argc, char **argv)
{
	struct fixture f = { .profile = ls_profile_default(ls_memory_heap),
		.low = ls_profile_default(ls_memory_heap),
		.leads = calloc(LEADS, sizeof *f.leads) };
	f.moment = ls_moment_new(ls_memory_heap, f.profile, T0);
	if (f.moment == NULL || f.low == NULL || f.leads == NULL ||
		ls_profile_set_thresholds(f.low, 15000, 30000) != LS_OK)
		return 1;
	for (uint64_t i = 0; i < LEADS; i++)
		generate(&f.leads[i], i);
	f.sink = sweep(f.moment, f.leads);
	uint64_t rounds = 0;
	if (argc > 1) {
		if (ls_slice_to_u64(ls_slice_str(argv[1]), &rounds) != LS_OK)
			return 2;
		for (uint64_t i = 0; i < rounds; i++)
			f.sink += sweep(f.moment, f.leads);
		printf("%llu rounds (%lld)\n", (unsigned long long)rounds, (long long)f.sink);
		return 0;
	}
	double days = 0;
	double swept = time_sweep(&f), moved = time_new_moment(&f),
	       cooled = time_cooling(&f, &days);
	printf("score, one moment:      %8.1f ns a lead of 30 cells\n", swept);
	printf("score, a moment a lead: %8.1f ns\n", moved);
	printf("cools at:               %8.1f ns, %.1f days ahead on average (%lld)\n", cooled,
		days, (long long)f.sink);
	return 0;
}
