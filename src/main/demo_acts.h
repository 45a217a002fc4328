/* SPDX-License-Identifier: MIT */
/* Private to demo_*.c: the state of the demo's world, and the single things that happen in it. */
#ifndef LS_MAIN_DEMO_ACTS_H
#define LS_MAIN_DEMO_ACTS_H

#include "main/demo_traffic.h"
#include "main/dice.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

#define CAMPAIGNS_MAX 16u
#define ACTIONS_MAX   1024u
#define STAGE_NONE    0xffu
#define STAGE_WON     5u
#define STAGE_LOST    6u

enum demo_engagement { ENGAGED_CALL, ENGAGED_MEETING, ENGAGED_NOTE, ENGAGED_TASK };

/** What must be remembered of a person. */
struct demo_state {
	int64_t rest_until_ms; /* before that nothing that scores happens by chance */
	uint32_t deal;         /* 0: none */
	uint8_t stage;         /* STAGE_NONE without a deal */
	uint8_t acts;          /* by chance, while live */
	bool known, journeyed;
};

/** Something that will happen. */
struct demo_action {
	int64_t due_ms;
	uint64_t order; /* of those due together */
	uint32_t person;
	uint8_t what, step, left;
};

struct demo_campaign {
	int64_t sent_ms;
	char name[32];
};

struct ls_demo_traffic {
	struct ls_demo_options options;
	struct ls_demo_people *people;
	struct ls_demo_writer writer;
	struct ls_dice dice;
	struct demo_state *states; /* by person */
	bool *companies_known;
	struct demo_campaign campaigns[CAMPAIGNS_MAX];
	size_t campaign_count;
	uint32_t deals, engagements, mails;
	/* history */
	size_t told;
	/* life */
	bool alive;
	size_t known;                /* people, in order */
	struct demo_action *actions; /* a heap, the next on top */
	size_t action_count;
	uint64_t ordered;
	size_t journeys, waves;
	uint32_t traveller; /* where the search for the next one goes on */
};

static inline uint32_t
roll(struct ls_demo_traffic *t, uint32_t sides)
{
	return ls_dice_roll(&t->dice, sides);
}

/** True in `percent` of a hundred cases. */
static inline bool
chance(struct ls_demo_traffic *t, uint32_t percent)
{
	return roll(t, 100) < percent;
}

/* ---- demo_acts.c: `who` is a person */
void demo_tell_new(struct ls_demo_traffic *t, size_t who, int64_t time_ms);
void demo_tell_property(struct ls_demo_traffic *t, size_t who, const char *name, const char *value,
	int64_t time_ms);
/** Sent, and delivered after a moment. */
void demo_tell_sent(struct ls_demo_traffic *t, size_t who, const char *message, int64_t time_ms);
void demo_tell_opened(
	struct ls_demo_traffic *t, size_t who, const char *message, bool machine, int64_t time_ms);
void demo_tell_clicked(struct ls_demo_traffic *t, size_t who, const char *message, int64_t time_ms);
/** The first page of a session. */
void demo_tell_visited(struct ls_demo_traffic *t, size_t who, const char *page, int64_t time_ms);
void demo_tell_page(struct ls_demo_traffic *t, size_t who, const char *page, int64_t time_ms);
void demo_tell_form(struct ls_demo_traffic *t, size_t who, const char *form, int64_t time_ms);
void demo_tell_engaged(
	struct ls_demo_traffic *t, size_t who, enum demo_engagement what, int64_t time_ms);
/** The deal moves to a stage; opens one when there is none. */
void demo_tell_stage(struct ls_demo_traffic *t, size_t who, unsigned stage, int64_t time_ms);
const char *demo_any_page(struct ls_demo_traffic *t);

/* ---- demo_history.c */
void demo_plan_campaigns(struct ls_demo_traffic *t);
void demo_tell_history(struct ls_demo_traffic *t, size_t who);

/* ---- demo_live.c */
/** LS_ERR_NOMEM. */
int demo_live_begin(struct ls_demo_traffic *t) LS_MUST_CHECK;
/** Does what is due, as long as there is room in the writer. */
void demo_live_until(struct ls_demo_traffic *t, int64_t now_ms);

#endif
