// SPDX-License-Identifier: MIT
/* Several short stories (a new contact fills in a form, opens a mail, takes a call, buys) run
 * through each other, so that neighbours in the stream belong to different people, as they do in
 * life. Each contact is in one story at a time; that keeps every story's own order believable, and
 * what must come out countable. */

#include "main/forge_story.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"

#define THREADS       24u
#define TRIES         8u
#define NOBODY        UINT32_MAX
#define APP_ID        54321
#define LIVE_AT_LEAST 10u /* below this nobody is merged or deleted */

/* ids: a block of 10^9 for each seed, so that runs with different seeds do not meet; all below
 * 2^53, which every JSON reader holds exactly */
#define BLOCK_FIRST 1000u
#define BLOCKS      8000000u
#define BLOCK_SIZE  UINT64_C(1000000000)
#define CONTACTS_AT 1u
#define COMPANY_AT  100000000u
#define DEAL_AT     200000000u
#define ENGAGED_AT  300000000u

enum plot { NEW, MAIL, VISIT, ENGAGE, DEAL, STAGE, LIFECYCLE, MERGE, DELETE, PLOTS };

struct contact {
	uint32_t opens, clicks, visits, activities;
	uint32_t deal, into;
	uint8_t portal, stage, deal_stage, lifecycle;
	bool busy, deleted;
};

struct thread {
	bool active;
	enum plot plot;
	unsigned step, kind, left; /* kind of engagement; visits left */
	uint32_t contact, company, object;
};

struct ls_story {
	struct ls_dice dice;
	struct ls_story_options options;
	uint64_t portals[LS_FORGE_PORTALS_MAX];
	uint64_t block;
	struct contact *contacts; /* options.contacts, then those that merges bring forth */
	size_t room, born_by_merge, created, live;
	uint8_t *companies; /* 1: exists */
	uint32_t company_count, deals, engagements;
	struct thread threads[THREADS];
	/* the event being written */
	struct ls_buf *out;
	uint64_t event_id;
	int64_t time_ms;
};

static const char *const first_names[] = { "Anna", "Ben", "Chiara", "David", "Elif", "Fatima",
	"Gustav", "Hana", "Ivan", "Jane", "Kofi", "Lena", "Mateo", "Nora", "Olu", "Priya", "Quinn",
	"Rosa", "Sven", "Tara", "Uma", "Vera", "Wei", "Xenia", "Yusuf", "Zo\303\253" };
static const char *const last_names[] = { "Abbott", "Bergmann", "Costa", "Dubois", "Eriksen",
	"Fischer", "Garcia", "Haddad", "Ito", "Jansen", "Kowalski", "Lund", "Moreau", "Nguyen",
	"Okafor", "Petrov", "Rossi", "Silva", "Tanaka", "Ueda", "Varga", "Weber", "Yilmaz",
	"Z\303\274rcher" };
static const char *const company_names[] = { "Acorn", "Birch", "Cobalt", "Delta", "Ember", "Fjord",
	"Granite", "Harbor", "Iris", "Juniper", "Krypton", "Lumen", "Meadow", "Nimbus", "Orchid",
	"Pioneer", "Quartz", "River", "Summit", "Tundra" };
static const char *const titles[] = { "CTO", "Head of Sales", "Marketing Manager", "Buyer",
	"VP Operations", "Founder", "Team Lead", "Analyst" };
static const char *const sizes[] = { "4", "12", "35", "90", "250", "800", "2400", "11000" };
static const char *const lifecycles[] = { "subscriber", "lead", "marketingqualifiedlead",
	"salesqualifiedlead", "opportunity", "customer" };
static const char *const stages[] = { "appointmentscheduled", "qualifiedtobuy",
	"presentationscheduled", "decisionmakerboughtin", "contractsent", "closedwon" };
#define LAST_STAGE     (LS_ARRAY_LEN(stages) - 1)
#define LAST_LIFECYCLE (LS_ARRAY_LEN(lifecycles) - 1)

/* `counts`: as one of the API's crm_activities; a mail that we wrote does not */
static const struct engagement {
	const char *type;
	unsigned association;
	const char *property, *value;
	bool counts;
} engagements[] = {
	{ "0-48", 194, "hs_call_duration", "184000", true },
	{ "0-47", 200, "hs_meeting_outcome", "COMPLETED", true },
	{ "0-46", 202, "hs_note_body", "Asked for the price list", true },
	{ "0-27", 204, "hs_task_status", "COMPLETED", true },
	{ "0-49", 198, "hs_email_status", "SENT", false },
};

/* ---- dice */

static uint32_t
roll(struct ls_story *s, uint32_t sides)
{
	return ls_dice_roll(&s->dice, sides);
}

/* a property of a thing that is always the same: no memory needed */
static uint32_t
trait(const struct ls_story *s, uint64_t thing, uint64_t which, size_t choices)
{
	return (uint32_t)(ls_hash_mix(s->options.seed ^ thing * 31 ^ which << 56) % choices);
}

/* ---- ids */

static uint64_t
contact_id(const struct ls_story *s, uint32_t contact)
{
	return s->block + CONTACTS_AT + contact;
}

static uint64_t
company_id(const struct ls_story *s, uint32_t company)
{
	return s->block + COMPANY_AT + company;
}

/* companies are spread over the portals as contacts are, and nobody works across portals */
static uint32_t
company_of(const struct ls_story *s, uint32_t contact)
{
	uint32_t portals = (uint32_t)s->options.portal_count;
	uint32_t groups = s->company_count / portals;
	return trait(s, contact, 1, groups) * portals + contact % portals;
}

/* ---- writing events */

static void
begin(struct ls_story *s, const struct contact *of, unsigned subscription, const char *type,
	uint64_t object)
{
	struct ls_buf *out = s->out;
	(void)ls_buf_add_lit(out, "{\"eventId\":");
	(void)ls_buf_add_u64(out, s->event_id);
	(void)ls_buf_add_lit(out, ",\"subscriptionId\":");
	(void)ls_buf_add_u64(out, subscription);
	(void)ls_buf_add_lit(out, ",\"portalId\":");
	(void)ls_buf_add_u64(out, s->portals[of->portal]);
	(void)ls_buf_add_lit(out, ",\"appId\":" LS_STRINGIFY(APP_ID) ",\"occurredAt\":");
	(void)ls_buf_add_i64(out, s->time_ms);
	(void)ls_buf_add_lit(out, ",\"subscriptionType\":\"");
	(void)ls_buf_add_slice(out, ls_slice_str(type));
	(void)ls_buf_add_lit(out, "\",\"attemptNumber\":0,\"objectId\":");
	(void)ls_buf_add_u64(out, object);
}

/* text of our own: nothing in it needs escaping */
static void
member(struct ls_story *s, const char *name, const char *value)
{
	(void)ls_buf_add_lit(s->out, ",\"");
	(void)ls_buf_add_slice(s->out, ls_slice_str(name));
	(void)ls_buf_add_lit(s->out, "\":\"");
	(void)ls_buf_add_slice(s->out, ls_slice_str(value));
	(void)ls_buf_add_char(s->out, '"');
}

static void
member_id(struct ls_story *s, const char *name, uint64_t value)
{
	(void)ls_buf_add_lit(s->out, ",\"");
	(void)ls_buf_add_slice(s->out, ls_slice_str(name));
	(void)ls_buf_add_lit(s->out, "\":");
	(void)ls_buf_add_u64(s->out, value);
}

static void
end(struct ls_story *s, const char *source)
{
	member(s, "changeSource", source);
	(void)ls_buf_add_char(s->out, '}');
}

static void
created(struct ls_story *s, const struct contact *of, unsigned subscription, const char *type,
	uint64_t object)
{
	begin(s, of, subscription, type, object);
	member(s, "changeFlag", "NEW");
	end(s, "CRM");
}

static void
property(struct ls_story *s, const struct contact *of, const char *type, uint64_t object,
	const char *name, const char *value)
{
	/* one subscription a property, as HubSpot has it */
	unsigned subscription = 1000;
	for (const char *p = name; *p != '\0'; p++)
		subscription = (subscription * 31 + (unsigned char)*p) % 900000;
	begin(s, of, 1000 + subscription, type, object);
	member(s, "propertyName", name);
	member(s, "propertyValue", value);
	end(s, "CRM_UI");
}

static void
contact_property(struct ls_story *s, uint32_t contact, const char *name, const char *value)
{
	property(s, &s->contacts[contact], "contact.propertyChange", contact_id(s, contact), name,
		value);
}

/* the value is the moment itself, a little before the change was noticed */
static void
contact_moment(struct ls_story *s, uint32_t contact, const char *name)
{
	char value[24];
	(void)snprintf(value, sizeof value, "%lld", (long long)(s->time_ms - roll(s, 5000)));
	contact_property(s, contact, name, value);
}

static void
association(
	struct ls_story *s, const struct contact *of, const char *type, uint64_t from, uint64_t to)
{
	begin(s, of, 130, type, from);
	member(s, "associationType",
		strcmp(type, "deal.associationChange") == 0 ? "DEAL_TO_CONTACT"
							    : "CONTACT_TO_COMPANY");
	member_id(s, "fromObjectId", from);
	member_id(s, "toObjectId", to);
	(void)ls_buf_add_lit(s->out, ",\"associationRemoved\":false,\"isPrimaryAssociation\":true");
	end(s, "CRM_UI");
}

/* ---- stories: each writes its next event and says whether it goes on */

static bool
tell_company(struct ls_story *s, struct thread *t, const struct contact *c)
{
	uint64_t id = company_id(s, t->company);
	char text[64];
	switch (t->step++) {
	case 5:
		s->companies[t->company] = 1;
		created(s, c, 109, "company.creation", id);
		return true;
	case 6:
		(void)snprintf(text, sizeof text, "%s %u Ltd",
			company_names[trait(s, id, 2, LS_ARRAY_LEN(company_names))], t->company);
		property(s, c, "company.propertyChange", id, "name", text);
		return true;
	default:
		property(s, c, "company.propertyChange", id, "numberofemployees",
			sizes[trait(s, id, 3, LS_ARRAY_LEN(sizes))]);
		return true;
	}
}

/* e-mail addresses are unique: two contacts with one address would rightly become one lead */
static void
write_email(struct ls_story *s, uint32_t contact, uint32_t company)
{
	char text[96];
	const char *first = first_names[trait(s, contact, 4, LS_ARRAY_LEN(first_names))];
	if ((first[2] & 0x80) != 0)
		first = "zoe"; /* local parts beyond ASCII are a test of their own */
	(void)snprintf(text, sizeof text, "%s.%llu@%s%u.example", first,
		(unsigned long long)contact_id(s, contact),
		company_names[trait(s, company_id(s, company), 2, LS_ARRAY_LEN(company_names))],
		company);
	for (char *p = text; *p != '\0'; p++)
		*p = ls_ascii_lower(*p);
	contact_property(s, contact, "email", text);
}

static bool
tell_new(struct ls_story *s, struct thread *t, struct contact *c)
{
	uint32_t who = t->contact;
	if (t->step == 5 && s->companies[t->company] != 0)
		t->step = 8;
	if (t->step >= 5 && t->step < 8)
		return tell_company(s, t, c);
	switch (t->step++) {
	case 0:
		created(s, c, 101, "contact.creation", contact_id(s, who));
		return true;
	case 1:
		write_email(s, who, t->company);
		return true;
	case 2:
		contact_property(s, who, "firstname",
			first_names[trait(s, who, 4, LS_ARRAY_LEN(first_names))]);
		return true;
	case 3:
		contact_property(
			s, who, "lastname", last_names[trait(s, who, 5, LS_ARRAY_LEN(last_names))]);
		return true;
	case 4:
		contact_property(
			s, who, "jobtitle", titles[trait(s, who, 6, LS_ARRAY_LEN(titles))]);
		return true;
	case 8:
		association(s, c, "contact.associationChange", contact_id(s, who),
			company_id(s, t->company));
		return true;
	default:
		contact_property(s, who, "lifecyclestage", lifecycles[c->lifecycle]);
		return false;
	}
}

static bool
tell_mail(struct ls_story *s, struct thread *t, struct contact *c)
{
	switch (t->step++) {
	case 0:
		contact_moment(s, t->contact, "hs_email_last_open_date");
		c->opens++;
		return roll(s, 100) < 35;
	case 1:
		contact_moment(s, t->contact, "hs_email_last_click_date");
		c->clicks++;
		return roll(s, 100) < 80;
	default:
		contact_moment(s, t->contact, "hs_analytics_last_visit_timestamp");
		c->visits++;
		return false;
	}
}

static bool
tell_visit(struct ls_story *s, struct thread *t, struct contact *c)
{
	contact_moment(s, t->contact, "hs_analytics_last_visit_timestamp");
	c->visits++;
	return roll(s, 100) < 30;
}

static bool
tell_engage(struct ls_story *s, struct thread *t, struct contact *c)
{
	const struct engagement *e = &engagements[t->kind];
	uint64_t id = s->block + ENGAGED_AT + t->object;
	switch (t->step++) {
	case 0:
		begin(s, c, 121, "object.creation", id);
		member(s, "objectTypeId", e->type);
		member(s, "changeFlag", "NEW");
		break;
	case 1:
		begin(s, c, 122, "object.propertyChange", id);
		member(s, "objectTypeId", e->type);
		member(s, "propertyName", e->property);
		member(s, "propertyValue", e->value);
		break;
	default:
		begin(s, c, 125, "object.associationChange", id);
		member(s, "fromObjectTypeId", e->type);
		member(s, "toObjectTypeId", "0-1");
		member_id(s, "fromObjectId", id);
		member_id(s, "toObjectId", contact_id(s, t->contact));
		member(s, "associationCategory", "HUBSPOT_DEFINED");
		member_id(s, "associationTypeId", e->association);
		(void)ls_buf_add_lit(
			s->out, ",\"associationRemoved\":false,\"isPrimaryAssociation\":false");
		c->activities += e->counts;
		end(s, "CRM_UI");
		return false;
	}
	end(s, "CRM_UI");
	return true;
}

static bool
tell_deal(struct ls_story *s, struct thread *t, struct contact *c)
{
	uint64_t id = s->block + DEAL_AT + t->object;
	char text[32];
	switch (t->step++) {
	case 0:
		created(s, c, 111, "deal.creation", id);
		return true;
	case 1:
		(void)snprintf(text, sizeof text, "%u", 500 * (1 + roll(s, 200)));
		property(s, c, "deal.propertyChange", id, "amount", text);
		return true;
	case 2:
		property(s, c, "deal.propertyChange", id, "dealstage", stages[0]);
		return true;
	default:
		association(s, c, "deal.associationChange", id, contact_id(s, t->contact));
		c->deal = t->object;
		c->deal_stage = 0;
		return false;
	}
}

static bool
tell_stage(struct ls_story *s, struct thread *t, struct contact *c)
{
	uint64_t id = s->block + DEAL_AT + c->deal;
	const char *stage = "closedlost";
	if (c->deal_stage == 0 || roll(s, 100) < 85)
		stage = stages[++c->deal_stage];
	else
		c->deal = NOBODY;
	if (c->deal_stage == LAST_STAGE)
		c->deal = NOBODY;
	(void)t;
	property(s, c, "deal.propertyChange", id, "dealstage", stage);
	return false;
}

static bool
tell_lifecycle(struct ls_story *s, struct thread *t, struct contact *c)
{
	contact_property(s, t->contact, "lifecyclestage", lifecycles[++c->lifecycle]);
	return false;
}

/* the other one is in t->object, the survivor (perhaps one of the two) in t->company */
static bool
tell_merge(struct ls_story *s, struct thread *t, struct contact *c)
{
	struct contact *other = &s->contacts[t->object], *survivor = &s->contacts[t->company];
	begin(s, c, 107, "contact.merge", contact_id(s, t->company));
	member_id(s, "primaryObjectId", contact_id(s, t->contact));
	(void)ls_buf_add_lit(s->out, ",\"mergedObjectIds\":[");
	(void)ls_buf_add_u64(s->out, contact_id(s, t->object));
	(void)ls_buf_add_char(s->out, ']');
	member_id(s, "newObjectId", contact_id(s, t->company));
	(void)ls_buf_add_lit(s->out, ",\"numberOfPropertiesMoved\":3");
	end(s, "CRM_UI");
	survivor->opens = c->opens + other->opens;
	survivor->clicks = c->clicks + other->clicks;
	survivor->visits = c->visits + other->visits;
	survivor->activities = c->activities + other->activities;
	if (survivor != c)
		c->into = t->company;
	other->into = t->company;
	other->busy = false;
	survivor->busy = false;
	return false;
}

static bool
tell_delete(struct ls_story *s, struct thread *t, struct contact *c)
{
	begin(s, c, 104, "contact.deletion", contact_id(s, t->contact));
	member(s, "changeFlag", "DELETED");
	end(s, "CRM_UI");
	c->deleted = true;
	return false;
}

/* ---- casting */

/* A few contacts do most of what happens. NOBODY when those tried are in other stories. */
static uint32_t
pick(struct ls_story *s)
{
	for (unsigned i = 0; i < TRIES && s->created > 0; i++) {
		uint32_t u = roll(s, 1u << 16);
		uint32_t contact = (uint32_t)((uint64_t)u * u * s->created >> 32);
		while (s->contacts[contact].into != NOBODY)
			contact = s->contacts[contact].into;
		if (!s->contacts[contact].busy && !s->contacts[contact].deleted)
			return contact;
	}
	return NOBODY;
}

static enum plot
pick_plot(struct ls_story *s)
{
	static const unsigned weights[PLOTS] = { [MAIL] = 370,
		[VISIT] = 330,
		[ENGAGE] = 130,
		[DEAL] = 50,
		[STAGE] = 60,
		[LIFECYCLE] = 50,
		[MERGE] = 6,
		[DELETE] = 4 };
	if (s->created < s->options.contacts && (s->created == 0 || roll(s, 100) < 30))
		return NEW;
	unsigned number = roll(s, 1000), sum = 0, plot = NEW;
	while (number >= sum)
		sum += weights[++plot];
	return (enum plot)plot;
}

static bool
cast_merge(struct ls_story *s, struct thread *t)
{
	uint32_t other = pick(s);
	if (other == NOBODY || other == t->contact ||
		s->contacts[other].portal != s->contacts[t->contact].portal ||
		s->live < LIVE_AT_LEAST)
		return false;
	t->object = other;
	t->company = t->contact;
	/* HubSpot may make a third record the survivor */
	size_t third = s->options.contacts + s->born_by_merge;
	if (roll(s, 4) == 0 && third < s->room) {
		t->company = (uint32_t)third;
		s->born_by_merge++;
		s->contacts[third] = (struct contact){ .portal = s->contacts[other].portal,
			.deal = NOBODY,
			.into = NOBODY,
			.busy = true };
	}
	s->contacts[other].busy = true;
	s->live--;
	return true;
}

/* makes the plot fit the contact: what is not possible becomes a visit */
static enum plot
fit(struct ls_story *s, struct thread *t)
{
	const struct contact *c = &s->contacts[t->contact];
	enum plot plot = t->plot;
	if (plot == DEAL && c->deal != NOBODY)
		plot = STAGE;
	if ((plot == STAGE && c->deal == NOBODY) ||
		(plot == LIFECYCLE && c->lifecycle == LAST_LIFECYCLE) ||
		(plot == DELETE && s->live < LIVE_AT_LEAST) || (plot == MERGE && !cast_merge(s, t)))
		plot = VISIT;
	if (plot == DELETE)
		s->live--;
	if (plot == DEAL)
		t->object = s->deals++;
	if (plot == ENGAGE) {
		t->object = s->engagements++;
		t->kind = roll(s, LS_ARRAY_LEN(engagements));
	}
	return plot;
}

static bool
start(struct ls_story *s, struct thread *t)
{
	*t = (struct thread){ .plot = pick_plot(s) };
	if (t->plot == NEW) {
		t->contact = (uint32_t)s->created++;
		t->company = company_of(s, t->contact);
		s->live++;
		s->contacts[t->contact] =
			(struct contact){ .portal = (uint8_t)(t->contact % s->options.portal_count),
				.deal = NOBODY,
				.into = NOBODY,
				.lifecycle = (uint8_t)roll(s, 2) };
	} else {
		t->contact = pick(s);
		if (t->contact == NOBODY)
			return false;
		t->plot = fit(s, t);
	}
	s->contacts[t->contact].busy = true;
	t->active = true;
	return true;
}

/* Any thread, first those that roll lands on; when nobody is free for a new story, one that is
 * already being told goes on. There always is one: only stories keep contacts busy. */
static struct thread *
next_thread(struct ls_story *s)
{
	uint32_t first = roll(s, THREADS);
	for (uint32_t i = 0; i < THREADS; i++) {
		struct thread *t = &s->threads[(first + i) % THREADS];
		if (t->active || start(s, t))
			return t;
	}
	return NULL;
}

int
ls_story_next(struct ls_story *story, uint64_t event_id, int64_t time_ms, struct ls_buf *out)
{
	static bool (*const tell[PLOTS])(struct ls_story *, struct thread *, struct contact *) = {
		[NEW] = tell_new,
		[MAIL] = tell_mail,
		[VISIT] = tell_visit,
		[ENGAGE] = tell_engage,
		[DEAL] = tell_deal,
		[STAGE] = tell_stage,
		[LIFECYCLE] = tell_lifecycle,
		[MERGE] = tell_merge,
		[DELETE] = tell_delete,
	};
	struct thread *t = NULL;
	story->out = out;
	story->event_id = event_id;
	story->time_ms = time_ms;
	/* bad luck at picking is not the end of the world: roll again */
	while (t == NULL)
		t = next_thread(story);
	struct contact *c = &story->contacts[t->contact];
	t->active = tell[t->plot](story, t, c);
	if (!t->active)
		c->busy = false;
	return out->err;
}

size_t
ls_story_contacts(const struct ls_story *story)
{
	return story->created + story->born_by_merge;
}

void
ls_story_contact(const struct ls_story *story, size_t i, struct ls_story_contact *out)
{
	if (i >= story->created)
		i = story->options.contacts + (i - story->created);
	const struct contact *c = &story->contacts[i];
	uint32_t into = c->into;
	while (into != NOBODY && story->contacts[into].into != NOBODY)
		into = story->contacts[into].into;
	*out = (struct ls_story_contact){ .id = contact_id(story, (uint32_t)i),
		.portal = story->portals[c->portal],
		.deleted = c->deleted,
		.merged_into = into != NOBODY ? contact_id(story, into) : 0,
		.email_opens = c->opens,
		.email_clicks = c->clicks,
		.website_visits = c->visits,
		.crm_activities = c->activities };
}

struct ls_story *
ls_story_new(const struct ls_story_options *options)
{
	ls_assert(options->contacts > 0 && options->contacts <= LS_FORGE_CONTACTS_MAX);
	ls_assert(options->portal_count > 0 && options->portal_count <= LS_FORGE_PORTALS_MAX);
	struct ls_story *s = calloc(1, sizeof *s);
	if (s == NULL)
		return NULL;
	s->options = *options;
	s->dice.state = ls_hash_mix(options->seed);
	memcpy(s->portals, options->portals, options->portal_count * sizeof *s->portals);
	s->block = (BLOCK_FIRST + options->seed % BLOCKS) * BLOCK_SIZE;
	s->room = options->contacts + options->contacts / 16 + 16;
	s->company_count = (uint32_t)((options->contacts / (5 * options->portal_count) + 1) *
				      options->portal_count);
	s->contacts = calloc(s->room, sizeof *s->contacts);
	s->companies = calloc(s->company_count, 1);
	return s->contacts != NULL && s->companies != NULL ? s : ls_story_free(s);
}

struct ls_story *
ls_story_free(struct ls_story *story)
{
	if (story != NULL) {
		free(story->contacts);
		free(story->companies);
	}
	free(story);
	return NULL;
}
