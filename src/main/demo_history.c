// SPDX-License-Identifier: MIT
/* Three weeks of an ordinary sales team, told person by person: how much there is to tell depends
 * on how interested the person is. Office hours are those of one time zone. */

#include <stdio.h>

#include "base/hash.h"
#include "main/demo_acts.h"

#define OFFICE_OFFSET_MS HOUR_MS /* the office is one hour east of Greenwich */
#define OPENS_AT_MS      (8 * HOUR_MS + HOUR_MS / 2)
#define HALF_DAY_MS      (4 * HOUR_MS + HOUR_MS * 3 / 4)
#define FRESH_DAYS       6u

/* ---- the calendar */

static int64_t
day_of(int64_t time_ms)
{
	return (time_ms + OFFICE_OFFSET_MS) / DAY_MS;
}

/* Saturday or Sunday; 1970 began on a Thursday */
static bool
is_weekend(int64_t day)
{
	return (day + 4) % 7 == 0 || (day + 4) % 7 == 6;
}

static int64_t
at(int64_t day, int64_t time_of_day_ms)
{
	return day * DAY_MS - OFFICE_OFFSET_MS + time_of_day_ms;
}

/* somewhen in the office hours of a day, rather in the middle than at the edges */
static int64_t
office_time(struct ls_demo_traffic *t, int64_t day)
{
	return at(
		day, OPENS_AT_MS + roll(t, (uint32_t)HALF_DAY_MS) + roll(t, (uint32_t)HALF_DAY_MS));
}

/* in office hours of a day at least `from` and less than `to` days ago; seldom on a weekend */
static int64_t
some_time(struct ls_demo_traffic *t, uint32_t from, uint32_t to)
{
	int64_t now = t->options.start_ms, day = 0;
	for (unsigned tries = 0; tries < 4; tries++) {
		day = day_of(now) - from - roll(t, LS_MAX(to, from + 1) - from);
		if (!is_weekend(day) || chance(t, 10))
			break;
	}
	int64_t time_ms = office_time(t, day);
	while (time_ms > now - MINUTE_MS)
		time_ms -= DAY_MS;
	return time_ms;
}

/* people sleep */
static int64_t
awake(struct ls_demo_traffic *t, int64_t time_ms)
{
	int64_t day = day_of(time_ms), time_of_day = time_ms + OFFICE_OFFSET_MS - day * DAY_MS;
	if (time_of_day >= 7 * HOUR_MS && time_of_day < 22 * HOUR_MS)
		return time_ms;
	int64_t morning = day + (time_of_day >= 22 * HOUR_MS);
	return at(morning, 7 * HOUR_MS + roll(t, (uint32_t)(3 * HOUR_MS)));
}

/* Most read a mail soon, a few much later: half within the first hour or so. */
static int64_t
reading_delay(struct ls_demo_traffic *t)
{
	int64_t u = roll(t, 1000);
	return 2 * MINUTE_MS + 20 * HOUR_MS * (u * u / 1000) / 1000 * (u * u / 1000) / 1000;
}

void
demo_plan_campaigns(struct ls_demo_traffic *t)
{
	static const char *const names[] = { "newsletter", "product-news" };
	int64_t now = t->options.start_ms;
	for (int64_t day = day_of(now - LS_DEMO_HISTORY_MS) + 1; day <= day_of(now); day++) {
		int64_t weekday = (day + 4) % 7;
		if (weekday != 2 && weekday != 4)
			continue;
		bool first = weekday == 2;
		int64_t sent_ms = at(day, first ? 9 * HOUR_MS + HOUR_MS / 2 : 14 * HOUR_MS);
		if (sent_ms > now - HOUR_MS || t->campaign_count == CAMPAIGNS_MAX)
			continue;
		struct demo_campaign *c = &t->campaigns[t->campaign_count++];
		c->sent_ms = sent_ms;
		(void)snprintf(c->name, sizeof c->name, "%s-%u", names[!first],
			(unsigned)(t->campaign_count + 1) / 2);
	}
}

/* ---- one person's three weeks */

struct life {
	struct ls_demo_traffic *t;
	size_t who;
	uint32_t heat;
	int64_t created_ms, last_ms;
};

static bool
is_over(const struct life *life, int64_t time_ms)
{
	return time_ms > life->last_ms;
}

static void
tell_session(const struct life *life, const char *page, int64_t time_ms)
{
	struct ls_demo_traffic *t = life->t;
	unsigned more = roll(t, 4);
	if (is_over(life, time_ms))
		return;
	demo_tell_visited(t, life->who, page, time_ms);
	for (unsigned i = 0; i < more; i++) {
		time_ms += 8000 + roll(t, 70000);
		if (!is_over(life, time_ms))
			demo_tell_page(t, life->who,
				life->heat > 500 && chance(t, 25) ? "/pricing" : demo_any_page(t),
				time_ms);
	}
}

static void
tell_reading(const struct life *life, const char *message, uint32_t opens, int64_t time_ms)
{
	struct ls_demo_traffic *t = life->t;
	if (!chance(t, opens))
		return;
	time_ms = awake(t, time_ms + reading_delay(t));
	if (is_over(life, time_ms))
		return;
	demo_tell_opened(t, life->who, message, false, time_ms);
	if (chance(t, 5 + life->heat / 25)) {
		int64_t clicked_ms = time_ms + 10000 + roll(t, 80000);
		if (is_over(life, clicked_ms))
			return;
		demo_tell_clicked(t, life->who, message, clicked_ms);
		tell_session(life, demo_any_page(t), clicked_ms + 3000);
	}
	if (!chance(t, life->heat / 20))
		return;
	time_ms = awake(t, time_ms + HOUR_MS + roll(t, (uint32_t)(28 * HOUR_MS)));
	if (!is_over(life, time_ms))
		demo_tell_opened(t, life->who, message, false, time_ms);
}

static void
tell_mail(const struct life *life, const char *message, uint32_t opens, int64_t sent_ms)
{
	struct ls_demo_traffic *t = life->t;
	demo_tell_sent(t, life->who, message, sent_ms);
	/* some mail systems fetch every picture on arrival */
	if (chance(t, 18))
		demo_tell_opened(t, life->who, message, true, sent_ms + 9500 + roll(t, 4000));
	tell_reading(life, message, opens, sent_ms);
}

static void
tell_mails(const struct life *life)
{
	struct ls_demo_traffic *t = life->t;
	char message[32];
	for (size_t i = 0; i < t->campaign_count; i++)
		if (t->campaigns[i].sent_ms > life->created_ms)
			tell_mail(life, t->campaigns[i].name, 6 + life->heat * 7 / 100,
				t->campaigns[i].sent_ms + roll(t, (uint32_t)(4 * MINUTE_MS)));
	/* from sales, to those who are worth it */
	uint32_t mails = life->heat < 200 ? 0 : (life->heat - 100 + roll(t, 110)) / 125;
	for (uint32_t i = 0; i < mails; i++) {
		int64_t sent_ms = chance(t, 75) ? some_time(t, 0, FRESH_DAYS) : some_time(t, 6, 12);
		if (sent_ms < life->created_ms || is_over(life, sent_ms + MINUTE_MS))
			continue;
		(void)snprintf(message, sizeof message, "mail-%u", (unsigned)++t->mails);
		tell_mail(life, message, 45 + life->heat / 20, sent_ms);
	}
}

static void
tell_visits(const struct life *life)
{
	struct ls_demo_traffic *t = life->t;
	uint32_t visits = (life->heat + roll(t, 200)) / 200;
	for (uint32_t i = 0; i < visits; i++) {
		uint32_t days = roll(t, 20) * roll(t, 20) / 20;
		tell_session(life, demo_any_page(t),
			LS_MAX(some_time(t, days, days + 1), life->created_ms));
	}
	if (life->heat > 400 && chance(t, 65))
		demo_tell_form(t, life->who, "Download: buyer's guide",
			LS_MAX(some_time(t, 2, 16), life->created_ms));
	if (life->heat > 850)
		demo_tell_form(t, life->who, "Request a demo", some_time(t, 1, 6));
}

static void
tell_sales(const struct life *life)
{
	struct ls_demo_traffic *t = life->t;
	uint32_t count = life->heat < 150 ? 0 : (life->heat - 100 + roll(t, 220)) / 220;
	for (uint32_t i = 0; i < count; i++) {
		enum demo_engagement what = (enum demo_engagement)roll(t, 4);
		if (what == ENGAGED_MEETING && life->heat < 500)
			what = ENGAGED_CALL;
		demo_tell_engaged(
			t, life->who, what, LS_MAX(some_time(t, 0, 13), life->created_ms));
	}
	if (life->heat < 420 || !chance(t, (life->heat - 300) / 8))
		return;
	unsigned last = LS_MIN((life->heat - 400) / 115 + roll(t, 2), 4u);
	uint32_t day = 4 + last;
	for (unsigned stage = 0; stage <= last; stage++, day--)
		demo_tell_stage(t, life->who, stage,
			LS_MAX(some_time(t, day - 1, day) + stage * MINUTE_MS, life->created_ms));
}

/* some had their deal, one way or the other, before they fell silent */
static void
tell_past_deal(const struct life *life)
{
	struct ls_demo_traffic *t = life->t;
	if (life->heat < 60 || life->heat > 240 || !chance(t, 6))
		return;
	int64_t opened_ms = LS_MAX(some_time(t, 15, 20), life->created_ms);
	int64_t closed_ms = LS_MAX(some_time(t, 3, 12), opened_ms + HOUR_MS);
	demo_tell_stage(t, life->who, roll(t, 3), opened_ms);
	demo_tell_stage(t, life->who, chance(t, 30) ? STAGE_WON : STAGE_LOST,
		LS_MIN(closed_ms, life->last_ms));
}

void
demo_tell_history(struct ls_demo_traffic *t, size_t who)
{
	struct life life = { .t = t,
		.who = who,
		.heat = ls_demo_person(t->people, who)->heat,
		.last_ms = t->options.start_ms - MINUTE_MS };
	/* everybody has dice of their own: a change to one person's story leaves the others' */
	t->dice.state = ls_hash_mix(t->options.seed ^ ls_hash_mix(who + 1));
	life.created_ms = chance(t, 55)      ? life.last_ms - LS_DEMO_HISTORY_MS + MINUTE_MS
			  : life.heat >= 250 ? some_time(t, 10, 21)
					     : some_time(t, 1, 21);
	demo_tell_new(t, who, life.created_ms);
	tell_mails(&life);
	tell_visits(&life);
	tell_sales(&life);
	tell_past_deal(&life);
}
