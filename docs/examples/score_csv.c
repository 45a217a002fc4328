// SPDX-License-Identifier: MIT
/* Scores the leads of a CSV file (docs/embedding.md), with libleadscore and the C library alone:
 *	cc -O2 -o score_csv score_csv.c $(pkg-config --cflags --libs leadscore)
 *	./score_csv [--profile FILE] [--at TIME] [--explain] [FILE] */
#define _GNU_SOURCE 1 /* strptime, timegm */
#include <errno.h>
#include <leadscore/score.h>
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum column { LEAD, TIME, KIND, MESSAGE, FIELD, VALUE, COLUMNS };

struct attribute {
	struct attribute *next;
	int64_t set_ms;
	char *field, *value;
};

struct lead {
	const char *name;
	struct ls_activity activity;
	struct attribute *attributes;
	int32_t score_milli;
};

/** All there is. A record's fields, each ended by a zero byte, follow one another in `text`. */
struct run {
	const char *name;            /* of the file */
	unsigned long line, started; /* where we are, where the record began */
	size_t count, len, lead_count;
	const char *fields[COLUMNS];
	char text[65536];
	struct lead **leads;
	void *tree; /* of the leads, by name */
};

/** Every error ends the program: with the line, where there is one. */
static void __attribute__((noreturn, format(printf, 2, 3)))
fail(const struct run *run, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	if (run != NULL)
		fprintf(stderr, "%s:%lu: ", run->name, run->started);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

static void *
must(void *memory)
{
	if (memory == NULL)
		fail(NULL, "out of memory");
	return memory;
}

static int
next_byte(struct run *run)
{
	int c = getchar();
	run->line += c == '\n';
	if (run->len + 2 > sizeof run->text)
		fail(run, "a record of more than %zu bytes", sizeof run->text);
	return c;
}

/** Takes a field that begins with `c`, and gives what is behind it: a comma, '\n' or EOF. */
static int
read_field(struct run *run, int c)
{
	if (run->count == COLUMNS)
		fail(run, "more than %d fields", COLUMNS);
	run->fields[run->count++] = run->text + run->len;
	bool quoted = c == '"';
	c = quoted ? next_byte(run) : c;
	while (quoted ? c != '"' || (c = next_byte(run)) == '"'
		      : c != ',' && c != '\r' && c != '\n' && c != EOF) {
		if (c == EOF || c == '\0' || (c == '"' && !quoted))
			fail(run, "a quote, zero byte or end of file in the middle of a field");
		run->text[run->len++] = (char)c;
		c = next_byte(run);
	}
	run->text[run->len++] = '\0';
	c = c == '\r' && next_byte(run) == '\n' ? '\n' : c;
	if (c != ',' && c != '\n' && c != EOF)
		fail(run, "text behind the end of a field");
	return c;
}

/** False at the end. Empty lines are no records. */
static bool
read_record(struct run *run)
{
	do {
		run->started = run->line;
		run->count = run->len = 0;
		int c = next_byte(run);
		if (c == EOF)
			return false;
		while ((c = read_field(run, c)) == ',')
			c = next_byte(run);
	} while (run->len == 1);
	if (run->count != COLUMNS)
		fail(run, "%zu fields instead of %d", run->count, COLUMNS);
	return true;
}

/** ISO 8601, like 2026-11-22T10:00:00Z or 2026-11-22T11:00:00.000+01:00. */
static bool
parse_time(const char *text, int64_t *time_ms)
{
	struct tm tm = { .tm_year = 0 };
	int ms = 0;
	const char *at = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (at != NULL && *at == '.')
		for (int scale = 100; *++at >= '0' && *at <= '9'; scale /= 10)
			ms += (*at - '0') * scale;
	if (at == NULL || (at = strptime(at, "%z", &tm)) == NULL || *at != '\0')
		return false;
	struct tm as_read = tm;
	*time_ms = (timegm(&tm) - as_read.tm_gmtoff) * 1000 + ms;
	return tm.tm_mday == as_read.tm_mday && *time_ms >= 0; /* no 30 February */
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(((const struct lead *)a)->name, ((const struct lead *)b)->name);
}

static struct lead *
find_lead(struct run *run, const char *name)
{
	struct lead **found = tfind(&(struct lead){ .name = name }, &run->tree, compare_names);
	if (found != NULL)
		return *found;
	struct lead *lead = must(calloc(1, sizeof *lead));
	lead->name = must(strdup(name));
	run->leads = must(realloc(run->leads, (run->lead_count + 1) * sizeof *run->leads));
	(void)must(tsearch(lead, &run->tree, compare_names));
	return run->leads[run->lead_count++] = lead;
}

static void
add_event(struct run *run, int64_t now_ms)
{
	const char *name = run->fields[KIND], *dot = strchrnul(name, '.');
	struct ls_slice message = { run->fields[MESSAGE], strlen(run->fields[MESSAGE]) };
	enum ls_kind kind;
	int64_t time_ms;
	if (run->fields[LEAD][0] == '\0')
		fail(run, "no lead");
	if (!parse_time(run->fields[TIME], &time_ms))
		fail(run, "'%s' is no time like 2026-11-22T10:00:00Z", run->fields[TIME]);
	int err = ls_kind_find((struct ls_slice){ name, (size_t)(dot - name) }, &kind);
	if (err != LS_OK || (*dot != '\0' && strcmp(dot, ".machine") != 0))
		fail(run, "'%s' is not a kind of event", name);
	bool counts = ls_kind_is_activity(kind);
	if (!counts && kind != LS_KIND_ATTRIBUTES && kind != LS_KIND_DEAL_STAGE)
		fail(run, "events of the kind '%s' are not taken from CSV", name);
	if (time_ms > now_ms)
		return; /* not known at that time */
	struct lead *lead = find_lead(run, run->fields[LEAD]);
	if (run->fields[FIELD][0] != '\0') {
		struct attribute *a = must(malloc(sizeof *a));
		*a = (struct attribute){ lead->attributes, time_ms,
			must(strdup(run->fields[FIELD])), must(strdup(run->fields[VALUE])) };
		lead->attributes = a;
	}
	if (counts)
		err = ls_activity_add(&lead->activity, ls_memory_heap,
			kind | (*dot != '\0' ? LS_KIND_MACHINE : 0u), time_ms,
			ls_message_hash(message), 1);
	if (err != LS_OK)
		fail(run, "%s", ls_strerror(err));
}

/** What signals and rules ask about a lead: its newest true, false, number or text. */
static struct ls_fact
get_fact(const void *ctx, struct ls_slice field)
{
	const struct attribute *newest = NULL, *a = ((const struct lead *)ctx)->attributes;
	for (; a != NULL; a = a->next)
		if (strlen(a->field) == field.len && memcmp(a->field, field.data, field.len) == 0 &&
			(newest == NULL || a->set_ms > newest->set_ms))
			newest = a;
	if (newest == NULL || newest->value[0] == '\0')
		return (struct ls_fact){ .type = LS_FACT_NONE };
	char *text = newest->value, *end;
	if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
		return (struct ls_fact){ .type = LS_FACT_BOOL, .boolean = text[0] == 't' };
	double number = strtod(text, &end);
	if (*end == '\0')
		return (struct ls_fact){ .type = LS_FACT_NUMBER, .number = number };
	return (struct ls_fact){ .type = LS_FACT_STRING, .string = { text, strlen(text) } };
}

static struct ls_subject_data
subject(const struct lead *lead)
{
	struct ls_fact stage = get_fact(lead, (struct ls_slice){ "stage_probability", 17 });
	struct ls_fact employees = get_fact(lead, (struct ls_slice){ "employees", 9 });
	return (struct ls_subject_data){ .activity = &lead->activity,
		.stage_probability = stage.type == LS_FACT_NUMBER ? stage.number : 0,
		.employees = employees.type == LS_FACT_NUMBER ? employees.number : -1,
		.fact = get_fact,
		.ctx = lead };
}

static int
compare_scores(const void *a, const void *b)
{
	return (*(struct lead *const *)b)->score_milli - (*(struct lead *const *)a)->score_milli;
}

static void
print_ranking(struct run *run, const struct ls_profile *profile, int64_t now_ms, bool why)
{
	struct ls_moment *moment = must(ls_moment_new(ls_memory_heap, profile, now_ms));
	struct ls_line *lines = must(calloc(ls_line_count(profile), sizeof *lines));
	for (size_t i = 0; i < run->lead_count; i++) {
		struct ls_subject_data data = subject(run->leads[i]);
		run->leads[i]->score_milli = ls_score_milli(moment, &data);
	}
	if (run->lead_count > 0)
		qsort(run->leads, run->lead_count, sizeof *run->leads, compare_scores);
	for (size_t i = 0; i < run->lead_count; i++) {
		struct ls_subject_data data = subject(run->leads[i]);
		int32_t score = ls_explain(moment, &data, lines);
		const char *category = ls_category_name(ls_categorize(profile, score));
		printf("%7.3f  %-4s  %s\n", score / 1000.0, category, run->leads[i]->name);
		for (size_t k = 0; why && k < ls_line_count(profile); k++) {
			char words[256];
			(void)ls_line_words(moment, &lines[k], words, sizeof words);
			if (lines[k].points_milli != 0)
				printf("%+17.3f  %.*s: %s\n", lines[k].points_milli / 1000.0,
					(int)lines[k].name.len, lines[k].name.data, words);
		}
	}
	free(lines);
	(void)ls_moment_free(moment);
}

static struct ls_profile *
read_profile(const char *path)
{
	static char json[1 << 20];
	struct ls_profile_fault fault = { "", "out of memory" };
	struct ls_profile *profile = NULL;
	size_t faults = 0;
	FILE *in = fopen(path, "rb");
	if (in == NULL)
		fail(NULL, "%s: %s", path, strerror(errno));
	struct ls_slice text = { json, fread(json, 1, sizeof json, in) };
	(void)fclose(in);
	if (ls_profile_parse(ls_memory_heap, text, &profile, &fault, 1, &faults) != LS_OK)
		fail(NULL, "%s: %s %s", path, fault.pointer, fault.what);
	return profile;
}

int
main(int argc, char **argv)
{
	static struct run run = { .name = "standard input", .line = 1, .started = 1 };
	struct ls_profile *profile = NULL;
	int64_t now_ms = (int64_t)time(NULL) * 1000;
	bool why = false;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--explain") == 0)
			why = true;
		else if (strcmp(argv[i], "--profile") == 0 && profile == NULL && i + 1 < argc)
			profile = read_profile(argv[++i]);
		else if (argv[i][0] != '-' && i + 1 == argc)
			run.name = argv[i];
		else if (strcmp(argv[i], "--at") != 0 || ++i == argc ||
			 !parse_time(argv[i], &now_ms))
			fail(NULL, "score_csv [--profile FILE] [--at TIME] [--explain] [FILE]");
	}
	if (run.name == argv[argc - 1] && freopen(run.name, "rb", stdin) == NULL)
		fail(NULL, "%s: %s", run.name, strerror(errno));
	static const char header[] = "lead\0time\0kind\0message\0field\0value";
	if (!read_record(&run) || memcmp(run.text, header, sizeof header) != 0)
		fail(&run, "the header row is not lead,time,kind,message,field,value");
	while (read_record(&run))
		add_event(&run, now_ms);
	if (ferror(stdin))
		fail(&run, "%s", strerror(errno));
	profile = profile != NULL ? profile : must(ls_profile_default(ls_memory_heap));
	print_ranking(&run, profile, now_ms, why);
	for (size_t i = 0; i < run.lead_count; i++)
		ls_activity_fini(&run.leads[i]->activity, ls_memory_heap);
	(void)ls_profile_free(profile);
	return 0; /* leads go with the process */
}
