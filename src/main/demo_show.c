// SPDX-License-Identifier: MIT
/* On a terminal one line that is rewritten every second, with the news above it; elsewhere a plain
 * line every ten seconds, and the news. */

#include "main/demo_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LS_MAGIC_demo_show 0x44534857u
#define TERMINAL_MS        1000
#define PLAIN_MS           10000
#define NEWS_MS            1500 /* what comes together is told together */
#define CLIMB_MS           90000
#define CLIMBERS           64u
#define NEWS_MAX           16u
#define RATE_SPAN          8u /* looks that the rate is an average of */
#define ARENA_MAX          ((size_t)1 << 20)

/* where a lead's score was before it began to move */
struct climber {
	uint64_t id;
	int32_t from_milli;
	int64_t since_ms;
};

struct ls_demo_show {
	uint32_t magic;
	struct ls_service *service;
	struct ls_timer *summary, *news;
	bool terminal, live;
	struct climber climbers[CLIMBERS], hot[NEWS_MAX];
	size_t hot_count;
	struct {
		int64_t at_ns;
		uint64_t events;
	} looks[RATE_SPAN];
	size_t look_count;
};

/* ---- observing: only notes, the engine may be in the middle of something */

static struct climber *
find_climber(struct ls_demo_show *show, uint64_t id)
{
	struct climber *oldest = &show->climbers[0];
	for (size_t i = 0; i < CLIMBERS; i++) {
		struct climber *c = &show->climbers[i];
		if (c->id == id)
			return c;
		if (c->since_ms < oldest->since_ms)
			oldest = c;
	}
	*oldest = (struct climber){ .id = id };
	return oldest;
}

static void
on_moved(void *ctx, const struct ls_applied *moved)
{
	struct ls_demo_show *show = LS_CAST(demo_show, ctx);
	int64_t now_ms = ls_loop_now_ms(show->service->loop);
	if (!show->live || moved->to_milli <= moved->from_milli)
		return;
	struct climber *c = find_climber(show, moved->lead_id);
	if (now_ms - c->since_ms > CLIMB_MS) {
		c->from_milli = moved->from_milli;
		c->since_ms = now_ms;
	}
	if (moved->to != LS_HOT || moved->from == LS_HOT || show->hot_count == NEWS_MAX)
		return;
	if (show->hot_count == 0)
		ls_timer_set(show->news, NEWS_MS);
	show->hot[show->hot_count++] = *c;
}

/* ---- the news */

static void
clock_text(char out[16])
{
	time_t now = time(NULL);
	struct tm tm;
	if (localtime_r(&now, &tm) == NULL || strftime(out, 16, "%H:%M:%S", &tm) == 0)
		out[0] = '\0';
}

/* "8 opens in the last 7 days, ...; visited 6 times, ..." : the two that give most */
static void
reasons(const struct ls_explanation *e, char *out, size_t size)
{
	const struct ls_line *best[2] = { NULL, NULL };
	char words[2][160] = { "", "" };
	for (size_t i = 0; i < e->count; i++) {
		const struct ls_line *line = &e->lines[i];
		if (best[0] == NULL || line->points_milli > best[0]->points_milli) {
			best[1] = best[0];
			best[0] = line;
		} else if (best[1] == NULL || line->points_milli > best[1]->points_milli) {
			best[1] = line;
		}
	}
	for (size_t i = 0; i < 2; i++)
		if (best[i] != NULL && best[i]->points_milli > 0)
			(void)ls_line_words(e->moment, best[i], words[i], sizeof words[i]);
	(void)snprintf(out, size, "%s%s%s", words[0], words[1][0] != '\0' ? "; " : "", words[1]);
}

static void
tell(struct ls_demo_show *show, const struct climber *who)
{
	struct ls_engine *engine = show->service->tenant.engine;
	int64_t now_ms = ls_service_score_ms(show->service);
	struct ls_lead_view lead;
	struct ls_explanation why;
	struct ls_arena arena;
	char when[16], because[384];
	ls_arena_init(&arena, ARENA_MAX);
	if (ls_engine_get(engine, who->id, &arena, &lead) == LS_OK &&
		ls_engine_explain(engine, who->id, now_ms, &arena, &why) == LS_OK) {
		bool company = lead.company.len > 0;
		clock_text(when);
		reasons(&why, because, sizeof because);
		printf("%s%s  %.*s%s%.*s turned hot (%d -> %d): %s\n",
			show->terminal ? "\r\033[K" : "", when, LS_FMT(lead.name),
			company ? ", " : "", LS_FMT(lead.company), who->from_milli / 1000,
			why.score_milli / 1000, because);
	}
	ls_arena_fini(&arena);
}

/* ---- the summary */

static double
events_a_second(struct ls_demo_show *show, uint64_t events)
{
	size_t at = show->look_count % RATE_SPAN;
	size_t first = show->look_count < RATE_SPAN ? 0 : at;
	int64_t now_ns = ls_loop_mono_ns(show->service->loop);
	int64_t then_ns = show->look_count > 0 ? show->looks[first].at_ns : now_ns;
	uint64_t then = show->look_count > 0 ? show->looks[first].events : events;
	show->looks[at].at_ns = now_ns;
	show->looks[at].events = events;
	show->look_count++;
	return now_ns > then_ns ? (double)(events - then) * 1e9 / (double)(now_ns - then_ns) : 0;
}

static void
summarise(struct ls_demo_show *show)
{
	struct ls_engine_stats stats;
	ls_engine_stats(show->service->tenant.engine, &stats);
	double rate = events_a_second(show, stats.applied);
	printf("%s%" PRIu64 " leads: %" PRIu64 " hot, %" PRIu64 " warm, %" PRIu64 " cold | %" PRIu64
	       " events, %.1f a second%s",
		show->terminal ? "\r" : "", stats.leads, stats.by_category[LS_HOT],
		stats.by_category[LS_WARM], stats.by_category[LS_COLD], stats.applied, rate,
		show->terminal ? "\033[K" : "\n");
	(void)fflush(stdout);
}

static void
on_news(void *ctx)
{
	struct ls_demo_show *show = LS_CAST(demo_show, ctx);
	for (size_t i = 0; i < show->hot_count; i++)
		tell(show, &show->hot[i]);
	show->hot_count = 0;
	if (show->terminal)
		summarise(show);
	(void)fflush(stdout);
}

static void
on_summary(void *ctx)
{
	struct ls_demo_show *show = LS_CAST(demo_show, ctx);
	summarise(show);
	ls_timer_set(show->summary, show->terminal ? TERMINAL_MS : PLAIN_MS);
}

struct ls_demo_show *
ls_demo_show_new(struct ls_service *service)
{
	struct ls_demo_show *show = calloc(1, sizeof *show);
	if (show == NULL)
		return NULL;
	show->magic = LS_MAGIC_demo_show;
	show->service = service;
	show->terminal = isatty(STDOUT_FILENO) == 1;
	show->summary = ls_timer_new(service->loop, on_summary, show);
	show->news = ls_timer_new(service->loop, on_news, show);
	if (show->summary == NULL || show->news == NULL)
		return ls_demo_show_free(show);
	/* much history takes a while: show that it comes */
	ls_timer_set(show->summary, show->terminal ? TERMINAL_MS : PLAIN_MS);
	service->on_moved = on_moved;
	service->on_moved_ctx = show;
	return show;
}

struct ls_demo_show *
ls_demo_show_free(struct ls_demo_show *show)
{
	if (show == NULL)
		return NULL;
	show->service->on_moved = NULL;
	show->summary = ls_timer_free(show->summary);
	show->news = ls_timer_free(show->news);
	if (show->terminal && show->look_count > 0)
		printf("\n");
	(void)fflush(stdout);
	free(show);
	return NULL;
}

void
ls_demo_show_live(struct ls_demo_show *show, uint64_t events, double seconds)
{
	printf("%sThree weeks of history: %" PRIu64
	       " events in %.1f s. From here on it is live.\n\n",
		show->terminal ? "\r\033[K" : "", events, seconds);
	show->live = true;
	show->look_count = 0;
	on_summary(show);
}
