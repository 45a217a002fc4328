// SPDX-License-Identifier: MIT
/* What a million leads cost: bytes a lead, an event in a batch, a sweep, the pages of the ranking,
 *a checkpoint.
 *
 *	bench_engine [LEADS] */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/slice.h"
#include "engine/engine.h"
#include "engine/whatif.h"

#define NOW             INT64_C(1793612160000)
#define BATCH           100
#define CELLS           30
#define EVENTS_PER_LEAD 2u

struct bench {
	struct ls_engine *engine;
	uint64_t leads, seed;
};

static void *
plain_realloc(void *ctx, void *ptr, size_t size)
{
	(void)ctx;
	if (size > 0)
		return realloc(ptr, size);
	free(ptr);
	return NULL;
}

static double
now_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double
resident_bytes(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1)
		pages = 0;
	if (file != NULL)
		(void)fclose(file);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static uint64_t
draw(struct bench *b, uint64_t below)
{
	b->seed += 0x9e3779b97f4a7c15u;
	return ls_hash_mix(b->seed) % below;
}

static void
apply(struct bench *b, const struct ls_event *event)
{
	struct ls_applied applied;
	if (ls_engine_apply(b->engine, event, NOW, &applied) != LS_OK)
		abort();
}

struct texts {
	char id[24], email[48], last[24], company[32], owner[16], message[16];
};

/** "before 123 after" */
static struct ls_slice
print(char *out, size_t size, const char *before, uint64_t n, const char *after)
{
	int len = snprintf(out, size, "%s%llu%s", before, (unsigned long long)n, after);
	return ls_slice(out, (size_t)len);
}

static struct ls_ref
contact(struct texts *t, uint64_t lead)
{
	return (struct ls_ref){ .system = LS_S("hubspot"),
		.type = LS_S("contact"),
		.scope = 62515,
		.id = print(t->id, sizeof t->id, "", 51 + lead * 37, "") };
}

static struct ls_attribute
text(const char *name, struct ls_slice value)
{
	return (struct ls_attribute){ .name = ls_slice_str(name),
		.value = { .type = LS_VALUE_STRING, .string = value } };
}

static void
create(struct bench *b, uint64_t lead)
{
	static const char *const first[] = { "Jane", "Wolfgang", "Ada", "Bo", "Chiara" };
	static const char *const stages[] = { "lead", "marketingqualifiedlead", "customer" };
	struct texts t;
	struct ls_event e = { .kind = LS_KIND_CREATE, .time_ms = NOW - 200 * LS_DAY_MS };
	e.subject.ref = contact(&t, lead);
	const struct ls_attribute attrs[] = {
		text("email", print(t.email, sizeof t.email, "person.", lead, "@example.com")),
		text("first_name", ls_slice_str(first[lead % LS_ARRAY_LEN(first)])),
		text("last_name", print(t.last, sizeof t.last, "Name", lead % 99991, "")),
		text("company", print(t.company, sizeof t.company, "Company ", lead / 4, "")),
		text("owner", print(t.owner, sizeof t.owner, "", 7700000 + lead % 40, "")),
		text("lifecycle_stage", ls_slice_str(stages[lead % LS_ARRAY_LEN(stages)])),
		{ .name = LS_S("employees"),
			.value = { .type = LS_VALUE_NUMBER, .number = (double)(lead % 5000) } },
	};
	e.attributes = attrs;
	e.attribute_count = LS_ARRAY_LEN(attrs);
	apply(b, &e);
}

static struct ls_event
some_event(struct bench *b, struct texts *t, uint64_t lead)
{
	static const enum ls_kind kinds[] = { LS_KIND_EMAIL_OPEN, LS_KIND_VISIT, LS_KIND_PAGE_VIEW,
		LS_KIND_EMAIL_CLICK, LS_KIND_CALL, LS_KIND_EMAIL_SENT, LS_KIND_EMAIL_DELIVERED,
		LS_KIND_NOTE };
	uint64_t which = draw(b, LS_ARRAY_LEN(kinds));
	struct ls_event e = { .kind = kinds[which],
		.time_ms = NOW - (int64_t)draw(b, 100 * 24) * LS_HOUR_MS };
	e.subject.ref = contact(t, lead);
	if (e.kind == LS_KIND_EMAIL_OPEN || e.kind == LS_KIND_EMAIL_CLICK)
		e.message = print(t->message, sizeof t->message, "", draw(b, 2000), "");
	return e;
}

static int
count_row(void *ctx, const struct ls_cut_row *row)
{
	*(uint64_t *)ctx += row->state.len;
	return LS_OK;
}

static void
cut(struct bench *b)
{
	uint64_t bytes = 0;
	size_t left = 0, dirty = ls_engine_dirty(b->engine);
	double start = now_ns();
	if (ls_engine_cut_begin(b->engine) != LS_OK)
		abort();
	double begun = now_ns();
	if (ls_engine_cut_next(b->engine, 100000, count_row, &bytes, &left) != LS_OK)
		abort();
	size_t rows = dirty - left;
	printf("cut: begun in %.1f ms for %zu rows, %.0f ns and %.0f bytes a row\n",
		(begun - start) / 1e6, dirty, (now_ns() - begun) / (double)rows,
		(double)bytes / (double)rows);
	ls_engine_cut_end(b->engine, true);
}

/* Lead by lead in rounds, so that all grow together as they do in life. */
static void
fill(struct bench *b)
{
	double start = now_ns(), before = resident_bytes();
	struct ls_engine_stats stats;
	for (uint64_t lead = 0; lead < b->leads; lead++)
		create(b, lead);
	for (unsigned cell = 0; cell < CELLS; cell++) {
		for (uint64_t i = 0; i < b->leads; i++) {
			struct texts t;
			struct ls_event e = some_event(b, &t, i);
			apply(b, &e);
		}
	}
	double filled = now_ns();
	cut(b);
	for (unsigned round = 0; round < 16; round++)
		while (ls_engine_sweep(b->engine, NOW, 1000, NULL, NULL) > 0)
			;
	ls_engine_stats(b->engine, &stats);
	printf("%llu leads, 7 attributes, %d events each: %.0f bytes a lead counted, %.0f "
	       "resident, "
	       "filled in %.1f s\n",
		(unsigned long long)b->leads, CELLS, (double)stats.bytes / (double)b->leads,
		(resident_bytes() - before) / (double)b->leads, (filled - start) / 1e9);
}

/* Batches with and without prefetching by turns, so that both meet the same weather. */
static void
events(struct bench *b)
{
	static struct texts texts[BATCH];
	static struct ls_event batch[BATCH];
	double spent[2] = { 0 }, fetching = 0;
	uint64_t rounds = (b->leads * EVENTS_PER_LEAD / BATCH + 1) * 2;
	for (uint64_t round = 0; round < rounds; round++) {
		for (unsigned i = 0; i < BATCH; i++)
			batch[i] = some_event(b, &texts[i], draw(b, b->leads));
		bool prefetch = round % 2 == 0;
		double start = now_ns();
		for (unsigned i = 0; i < BATCH && prefetch; i++)
			ls_engine_prefetch(b->engine, &batch[i]);
		if (prefetch)
			ls_engine_prefetch_end(b->engine);
		fetching += now_ns() - start;
		for (unsigned i = 0; i < BATCH; i++)
			apply(b, &batch[i]);
		spent[prefetch] += now_ns() - start;
	}
	double each = (double)rounds / 2 * BATCH;
	printf("apply: %.0f ns an event, in batches of 100 prefetched %.0f, of which %.0f to "
	       "prefetch\n",
		spent[false] / each, spent[true] / each, fetching / each);
}

static void
sweeps(struct bench *b)
{
	double worst = 0;
	for (int64_t step = 1; step <= 3; step++) {
		double start = now_ns();
		size_t left;
		do {
			double slice = now_ns();
			left = ls_engine_sweep(b->engine, NOW + step * 60000, 1000, NULL, NULL);
			worst = LS_MAX(worst, now_ns() - slice);
		} while (left > 0);
		printf("sweep %d: %.0f ms, slowest slice of 1,000 leads %.2f ms\n", (int)step,
			(now_ns() - start) / 1e6, worst / 1e6);
	}
}

/* Slices as long as the service's, and one profile that changes a rule, one that changes all. */
static void
what_if(struct bench *b, const char *name, const char *json)
{
	struct ls_memory memory = { .realloc = plain_realloc };
	struct ls_profile *profile = NULL;
	struct ls_profile_fault fault;
	size_t count, left = 1;
	if (ls_profile_parse(memory, ls_slice_str(json), &profile, &fault, 1, &count) != LS_OK)
		abort();
	struct ls_whatif *whatif = ls_whatif_new(b->engine, profile, NOW + 240000);
	double start = now_ns(), worst = 0;
	while (left > 0) {
		double slice = now_ns();
		if (whatif == NULL || ls_whatif_step(whatif, 64, &left) != LS_OK)
			abort();
		worst = LS_MAX(worst, now_ns() - slice);
	}
	printf("what-if, %s: %.0f ms, slowest slice of 64 leads %.2f ms, %llu rise, %llu fall\n",
		name, (now_ns() - start) / 1e6, worst / 1e6,
		(unsigned long long)ls_whatif_result(whatif)->rise,
		(unsigned long long)ls_whatif_result(whatif)->fall);
	ls_whatif_free(whatif);
	ls_profile_free(profile);
}

static void
what_ifs(struct bench *b)
{
	what_if(b, "two rules more",
		"{\"rules\":[{\"id\":\"forms\",\"when\":{\"kind\":\"form_submit\"},\"points\":6,"
		"\"cap\":12,\"half_life_days\":30},{\"id\":\"large\",\"when\":{\"field\":"
		"\"employees\",\"at_least\":500},\"points\":4.5}]}");
	what_if(b, "every signal changed",
		"{\"signals\":{\"email_opens\":{\"weight\":20,\"half\":4},\"email_clicks\":{"
		"\"weight\":"
		"25,\"half_life_days\":60},\"website_visits\":{\"weight\":25,\"half_life_days\":14}"
		","
		"\"crm_activities\":{\"weight\":10,\"half_life_days\":21},\"deal_stage\":{"
		"\"weight\":12"
		"},\"company_size\":{\"weight\":6},\"recency\":{\"weight\":2}}}");
}

static void
pages(struct bench *b, int category, const char *name, unsigned skip, unsigned limit)
{
	uint64_t ids[100];
	struct ls_rank_cursor cursor = { 0 };
	double total = 0, worst = 0;
	unsigned count = 0;
	for (; count < 2000; count++) {
		if (count % (skip + 1) == 0)
			cursor = (struct ls_rank_cursor){ 0 };
		double start = now_ns();
		size_t n = ls_engine_rank(b->engine, category, &cursor, ids, limit);
		double took = now_ns() - start;
		total += took;
		worst = LS_MAX(worst, took);
		if (n == 0)
			cursor = (struct ls_rank_cursor){ 0 };
	}
	printf("%s: %.1f us, slowest %.0f us\n", name, total / count / 1e3, worst / 1e3);
}

int
main(int argc, char **argv)
{
	struct ls_memory memory = { .realloc = plain_realloc };
	struct bench b = { .leads = 1000000 };
	if (argc > 1 && ls_slice_to_u64(ls_slice_str(argv[1]), &b.leads) != LS_OK)
		return 1;
	struct ls_profile *profile = ls_profile_default(memory);
	b.engine = ls_engine_new(&(struct ls_engine_options){ .profile = profile });
	if (profile == NULL || b.engine == NULL || b.leads == 0)
		return 1;
	fill(&b);
	events(&b);
	sweeps(&b);
	what_ifs(&b);
	pages(&b, LS_ANY_CATEGORY, "first 100 of all", 0, 100);
	pages(&b, LS_COLD, "pages of 100 of the cold", 2000, 100);
	pages(&b, LS_WARM, "pages of 100 of the warm", 2000, 100);
	ls_engine_free(b.engine);
	ls_profile_free(profile);
	return 0;
}
