/* SPDX-License-Identifier: MIT */
/* A made-up sales floor: contacts, companies, deals and engagements whose changes come out as
 * HubSpot webhook events, in order of time, the same for the same seed. */
#ifndef LS_MAIN_FORGE_STORY_H
#define LS_MAIN_FORGE_STORY_H

#include "base/buf.h"
#include "main/dice.h"

#define LS_FORGE_PORTALS_MAX  64u
#define LS_FORGE_CONTACTS_MAX 10000000u

struct ls_story;

struct ls_story_options {
	uint64_t seed;
	size_t contacts;         /* 1 to LS_FORGE_CONTACTS_MAX */
	const uint64_t *portals; /* contacts are spread over them */
	size_t portal_count;     /* 1 to LS_FORGE_PORTALS_MAX */
};

struct ls_story *ls_story_new(const struct ls_story_options *options) LS_MUST_CHECK;
struct ls_story *ls_story_free(struct ls_story *story);
/** Appends the next event as a JSON object, having happened at time_ms. `attemptNumber` is 0. 0 or
 * LS_ERR_NOMEM. */
int ls_story_next(struct ls_story *story, uint64_t event_id, int64_t time_ms,
	struct ls_buf *out) LS_MUST_CHECK;

/** What a correct server holds of a contact after every event so far. */
struct ls_story_contact {
	uint64_t id, portal;
	bool deleted;
	uint64_t merged_into; /* 0: it stands for itself */
	uint32_t email_opens, email_clicks, website_visits, crm_activities;
};

/** Contacts that have had an event, in order of id. */
size_t ls_story_contacts(const struct ls_story *story);
void ls_story_contact(const struct ls_story *story, size_t i, struct ls_story_contact *out);

#endif
