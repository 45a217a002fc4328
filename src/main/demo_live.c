// SPDX-License-Identifier: MIT
/*
 * Life after the start: several things come again and again (mails go out, somebody looks around
 * the website, sales work on the CRM, somebody new turns up), and every half a minute somebody who
 * was warm makes up their mind: the journey, which ends hot.
 *
 * Most of what happens gives no points, as in life. What does is rationed: who has just done
 * something is left alone for a while, longer each time, so that a demo that runs all day does not
 * end with everybody hot.
 */

#include <stdio.h>
#include <stdlib.h>

#include "main/demo_acts.h"

#define SECOND_MS   INT64_C(1000)
#define FIRST_REST  (90 * MINUTE_MS)
#define RESTS_MAX   6u
#define TRIES       12u
#define ROOM        64u /* events that one action writes, at most */
#define WAVE_LEADS  14u
#define HEAT_WARM   560u
#define HEAT_COOL   260u
#define HEAT_HOT    880u
#define HEAT_ALMOST 790u /* the most of those who are warm */
#define HEAT_SURE   770u /* from here the first part of a journey will do */
#define SECOND_PART 11u  /* step with which a longer journey begins again */

enum what { WAVE, SEND, READ, SESSION, BROWSE, SALES, NEWCOMER, NEXT_JOURNEY, JOURNEY };

/* ---- what is to come: a heap by time */

static bool
before(const struct demo_action *a, const struct demo_action *b)
{
	return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->order < b->order;
}

/* forgets it when too much is planned: life is like that */
static void
plan(struct ls_demo_traffic *t, struct demo_action action, int64_t delay_ms)
{
	if (t->action_count == ACTIONS_MAX)
		return;
	action.due_ms += LS_MAX(delay_ms / (int64_t)t->options.speed, 1);
	action.order = t->ordered++;
	size_t i = t->action_count++;
	for (; i > 0 && before(&action, &t->actions[(i - 1) / 2]); i = (i - 1) / 2)
		t->actions[i] = t->actions[(i - 1) / 2];
	t->actions[i] = action;
}

static struct demo_action
take(struct ls_demo_traffic *t)
{
	struct demo_action top = t->actions[0], last = t->actions[--t->action_count];
	size_t i = 0;
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= t->action_count)
			break;
		if (child + 1 < t->action_count &&
			before(&t->actions[child + 1], &t->actions[child]))
			child++;
		if (!before(&t->actions[child], &last))
			break;
		t->actions[i] = t->actions[child];
		i = child;
	}
	t->actions[i] = last;
	return top;
}

/* from half the mean to one and a half */
static int64_t
about(struct ls_demo_traffic *t, int64_t mean_ms)
{
	return mean_ms / 2 + roll(t, (uint32_t)mean_ms);
}

/* ---- whom it happens to */

static size_t
anybody(struct ls_demo_traffic *t)
{
	return roll(t, (uint32_t)t->known);
}

/* somebody who may do something that scores; false when those asked are resting */
static bool
somebody(struct ls_demo_traffic *t, int64_t now_ms, size_t *out)
{
	for (unsigned i = 0; i < TRIES; i++) {
		size_t who = anybody(t);
		struct demo_state *state = &t->states[who];
		/* the interested are more often seen */
		uint32_t heat = ls_demo_person(t->people, who)->heat;
		if (state->rest_until_ms > now_ms || roll(t, LS_DEMO_HEAT_MAX) > heat + 150)
			continue;
		int64_t rest = FIRST_REST << LS_MIN(state->acts, (uint8_t)RESTS_MAX);
		state->rest_until_ms = now_ms + rest / (int64_t)t->options.speed;
		state->acts++;
		*out = who;
		return true;
	}
	return false;
}

/* ---- what comes again and again */

static void
wave_message(const struct demo_action *a, char out[32])
{
	(void)snprintf(out, 32, "campaign-%u", a->left);
}

/* a mail to a dozen people, one after the other */
static void
do_wave(struct ls_demo_traffic *t, struct demo_action a)
{
	uint8_t wave = (uint8_t)(t->waves++ % 250 + 1);
	for (unsigned i = 0; i < WAVE_LEADS; i++)
		plan(t,
			(struct demo_action){ .due_ms = a.due_ms,
				.what = SEND,
				.person = (uint32_t)anybody(t),
				.left = wave },
			i * about(t, 4 * SECOND_MS));
	plan(t, a, about(t, 60 * SECOND_MS));
}

static void
do_send(struct ls_demo_traffic *t, struct demo_action a)
{
	char message[32];
	wave_message(&a, message);
	/* it has arrived by now */
	demo_tell_sent(t, a.person, message, a.due_ms - 10 * SECOND_MS);
	a.what = READ;
	a.step = chance(t, 18); /* a machine */
	if (a.step == 1 || chance(t, 30))
		plan(t, a, a.step == 1 ? 10 * SECOND_MS : about(t, 90 * SECOND_MS));
}

static void
do_read(struct ls_demo_traffic *t, struct demo_action a)
{
	char message[32];
	size_t who = a.person;
	wave_message(&a, message);
	if (a.step == 1)
		demo_tell_opened(t, who, message, true, a.due_ms);
	else if (t->states[who].rest_until_ms <= a.due_ms && somebody(t, a.due_ms, &who))
		demo_tell_opened(t, who, message, false, a.due_ms);
}

/* a long look around: the visit counts, its pages do not */
static void
do_session(struct ls_demo_traffic *t, struct demo_action a)
{
	size_t who;
	if (somebody(t, a.due_ms, &who)) {
		demo_tell_visited(t, who, demo_any_page(t), a.due_ms);
		plan(t,
			(struct demo_action){ .due_ms = a.due_ms,
				.what = BROWSE,
				.person = (uint32_t)who,
				.left = (uint8_t)(6 + roll(t, 24)) },
			about(t, 12 * SECOND_MS));
	}
	plan(t, a, about(t, 14 * SECOND_MS));
}

static void
do_browse(struct ls_demo_traffic *t, struct demo_action a)
{
	demo_tell_page(t, a.person, demo_any_page(t), a.due_ms);
	if (--a.left > 0)
		plan(t, a, about(t, 12 * SECOND_MS));
}

/* sales tidy up the CRM, and now and then talk to somebody */
static void
do_sales(struct ls_demo_traffic *t, struct demo_action a)
{
	static const struct {
		const char *name, *value;
	} changes[] = { { "hs_lead_status", "ATTEMPTED_TO_CONTACT" },
		{ "hs_lead_status", "CONNECTED" }, { "hs_lead_status", "IN_PROGRESS" },
		{ "hubspot_owner_id", "71001" }, { "hubspot_owner_id", "71002" },
		{ "hubspot_owner_id", "71003" }, { "preferred_language", "en" },
		{ "next_step", "Follow up" } };
	static const enum demo_engagement usual[] = { ENGAGED_CALL, ENGAGED_NOTE, ENGAGED_TASK,
		ENGAGED_NOTE };
	size_t who;
	if (chance(t, 15) && somebody(t, a.due_ms, &who)) {
		demo_tell_engaged(t, who, usual[roll(t, LS_ARRAY_LEN(usual))], a.due_ms);
	} else {
		uint32_t i = roll(t, LS_ARRAY_LEN(changes));
		demo_tell_property(t, anybody(t), changes[i].name, changes[i].value, a.due_ms);
	}
	plan(t, a, about(t, 5 * SECOND_MS));
}

static void
do_newcomer(struct ls_demo_traffic *t, struct demo_action a)
{
	if (t->known == ls_demo_people_all(t->people))
		return;
	size_t who = t->known++;
	demo_tell_new(t, who, a.due_ms - 2);
	demo_tell_visited(t, who, "/webinars", a.due_ms - 1);
	demo_tell_form(t, who, "Register for the webinar", a.due_ms);
	plan(t, a, about(t, 75 * SECOND_MS));
}

/* ---- the journey */

/* mail, website, form, meeting, deal: `delay` is the pause before it */
struct journey_step {
	uint32_t delay_ms;
	void (*tell)(struct ls_demo_traffic *t, size_t who, int64_t time_ms);
};

/* mails of a journey have names of their own, so that each click is of another message */
static void
tell_fresh_mail(struct ls_demo_traffic *t, size_t who, int64_t time_ms)
{
	char message[32];
	(void)snprintf(message, sizeof message, "mail-%u", (unsigned)++t->mails);
	/* it was sent a while ago; now it is read, and followed */
	demo_tell_sent(t, who, message, time_ms - 20 * MINUTE_MS);
	demo_tell_opened(t, who, message, false, time_ms - 2);
	demo_tell_clicked(t, who, message, time_ms - 1);
}

static void
tell_landing(struct ls_demo_traffic *t, size_t who, int64_t time_ms)
{
	demo_tell_visited(t, who, "/customers/story", time_ms);
}

static void
tell_pricing(struct ls_demo_traffic *t, size_t who, int64_t time_ms)
{
	demo_tell_page(t, who, "/pricing", time_ms);
}

static void
tell_return(struct ls_demo_traffic *t, size_t who, int64_t time_ms)
{
	demo_tell_visited(t, who, "/pricing", time_ms);
}

static void
tell_request(struct ls_demo_traffic *t, size_t who, int64_t time_ms)
{
	demo_tell_form(t, who, "Request a demo", time_ms);
	demo_tell_property(t, who, "lifecyclestage", "opportunity", time_ms);
}

static void
tell_call(struct ls_demo_traffic *t, size_t who, int64_t time_ms)
{
	demo_tell_engaged(t, who, ENGAGED_CALL, time_ms);
}

static void
tell_meeting(struct ls_demo_traffic *t, size_t who, int64_t time_ms)
{
	demo_tell_engaged(t, who, ENGAGED_MEETING, time_ms);
	demo_tell_property(t, who, "hs_lead_status", "OPEN_DEAL", time_ms);
}

/* two stages on, not beyond the contract */
static void
tell_progress(struct ls_demo_traffic *t, size_t who, int64_t time_ms)
{
	unsigned stage = t->states[who].stage;
	demo_tell_stage(t, who, stage > 4 ? 2 : LS_MIN(stage + 2, 4u), time_ms);
}

static const struct journey_step journey[] = {
	{ 0, tell_fresh_mail },
	{ 2000, tell_landing },
	{ 2000, tell_pricing },
	{ 3000, tell_fresh_mail },
	{ 2000, tell_request },
	{ 2000, tell_call },
	{ 2000, tell_fresh_mail },
	{ 2000, tell_return },
	{ 2000, tell_meeting },
	{ 2000, tell_progress },
	{ 0, NULL },
	/* who began cooler takes longer to get there */
	[SECOND_PART] = { 3000, tell_fresh_mail },
	{ 2000, tell_landing },
	{ 2000, tell_fresh_mail },
	{ 2000, tell_meeting },
	{ 2000, tell_return },
	{ 2000, tell_fresh_mail },
	{ 3000, tell_progress },
	{ 2000, tell_return },
	{ 0, NULL },
};

static void
do_journey(struct ls_demo_traffic *t, struct demo_action a)
{
	journey[a.step].tell(t, a.person, a.due_ms);
	a.step++;
	if (journey[a.step].tell == NULL && a.left > 0) {
		a.left = 0;
		a.step = SECOND_PART;
	}
	if (journey[a.step].tell != NULL)
		plan(t, a, journey[a.step].delay_ms);
}

static bool
may_travel(const struct ls_demo_traffic *t, size_t who, uint32_t from, uint32_t to)
{
	uint32_t heat = ls_demo_person(t->people, who)->heat;
	return !t->states[who].journeyed && heat >= from && heat < to;
}

/* the next one, in a round through everybody: warm first, later those who were cool */
static bool
find_traveller(struct ls_demo_traffic *t, size_t *out, bool *cool)
{
	static const uint32_t ranges[][2] = { { HEAT_WARM, HEAT_HOT }, { HEAT_COOL, HEAT_WARM } };
	for (size_t r = 0; r < LS_ARRAY_LEN(ranges); r++)
		for (size_t i = 0; i < t->known; i++) {
			size_t who = (t->traveller + i) % t->known;
			if (!may_travel(t, who, ranges[r][0], ranges[r][1]))
				continue;
			*out = who;
			*cool = ls_demo_person(t->people, who)->heat < HEAT_SURE;
			return true;
		}
	return false;
}

static void
do_next_journey(struct ls_demo_traffic *t, struct demo_action a)
{
	size_t who, many = LS_MAX(ls_demo_people_leads(t->people) / 15, (size_t)1);
	bool cool = false;
	if (find_traveller(t, &who, &cool)) {
		t->traveller = (uint32_t)(who + 7);
		t->states[who].journeyed = true;
		t->journeys++;
		do_journey(t, (struct demo_action){ .due_ms = a.due_ms,
				      .what = JOURNEY,
				      .person = (uint32_t)who,
				      .left = cool });
	}
	/* every 22 to 38 seconds at first; seldom when many are hot already */
	int64_t slower = INT64_C(1) << LS_MIN(t->journeys / many, (size_t)5);
	plan(t, a, slower * (15 * SECOND_MS + about(t, 15 * SECOND_MS)));
}

/* ---- going on */

int
demo_live_begin(struct ls_demo_traffic *t)
{
	static const struct {
		enum what what;
		uint32_t first_ms;
	} beginnings[] = { { SESSION, 200 }, { SALES, 900 }, { SESSION, 1700 }, { WAVE, 2500 },
		{ NEXT_JOURNEY, 3000 }, { NEWCOMER, 25000 } };
	t->actions = calloc(ACTIONS_MAX, sizeof *t->actions);
	if (t->actions == NULL)
		return LS_ERR_NOMEM;
	t->alive = true;
	t->known = ls_demo_people_leads(t->people);
	/* nobody likes to wait: the first is one who needs least */
	t->traveller = (uint32_t)ls_demo_traffic_someone(t, HEAT_ALMOST);
	for (size_t i = 0; i < LS_ARRAY_LEN(beginnings); i++)
		plan(t,
			(struct demo_action){ .due_ms = t->options.start_ms,
				.what = (uint8_t)beginnings[i].what },
			beginnings[i].first_ms);
	return LS_OK;
}

void
demo_live_until(struct ls_demo_traffic *t, int64_t now_ms)
{
	static void (*const doing[])(struct ls_demo_traffic *, struct demo_action) = {
		[WAVE] = do_wave,
		[SEND] = do_send,
		[READ] = do_read,
		[SESSION] = do_session,
		[BROWSE] = do_browse,
		[SALES] = do_sales,
		[NEWCOMER] = do_newcomer,
		[NEXT_JOURNEY] = do_next_journey,
		[JOURNEY] = do_journey,
	};
	while (t->action_count > 0 && t->actions[0].due_ms <= now_ms &&
		t->writer.hubspot.count + ROOM < LS_DEMO_PIECES &&
		t->writer.native.count + ROOM < LS_DEMO_PIECES) {
		struct demo_action action = take(t);
		doing[action.what](t, action);
	}
}
