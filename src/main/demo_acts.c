// SPDX-License-Identifier: MIT
/* The single things that happen to the demo's people, each written the way its system would tell
 * it: the CRM's by HubSpot, mail and website by native events. */

#include "main/demo_acts.h"

#include <stdio.h>

#include "base/hash.h"

#define CONTACTS_AT    UINT64_C(10000001)
#define COMPANIES_AT   UINT64_C(20000001)
#define DEALS_AT       UINT64_C(30000000)
#define ENGAGEMENTS_AT UINT64_C(40000000)

static const char *const stages[] = { "appointmentscheduled", "qualifiedtobuy",
	"presentationscheduled", "decisionmakerboughtin",
	"contractsent", [STAGE_WON] = "closedwon", [STAGE_LOST] = "closedlost" };

static const char *const pages[] = { "/", "/product", "/product/integrations", "/customers",
	"/customers/story", "/blog/lead-scoring", "/blog/sales-and-marketing", "/docs",
	"/docs/getting-started", "/security", "/about", "/webinars" };

static const struct {
	const char *type_id, *property;
	const char *values[4];
} engagements[] = {
	[ENGAGED_CALL] = { "0-48", "hs_call_title",
		{ "Intro call", "Follow-up call", "Questions about pricing", "Left a message" } },
	[ENGAGED_MEETING] = { "0-47", "hs_meeting_title",
		{ "Product demo", "Discovery meeting", "Technical deep dive", "Proposal review" } },
	[ENGAGED_NOTE] = { "0-46", "hs_note_body",
		{ "Asked for the price list", "Budget is planned for next quarter",
			"Compares us with two others", "Wants to bring a colleague along" } },
	[ENGAGED_TASK] = { "0-27", "hs_task_subject",
		{ "Send the case study", "Call back on Thursday", "Prepare the offer",
			"Connect with the IT team" } },
};

/* ---- who */

static struct ls_demo_record
contact(size_t who)
{
	return (struct ls_demo_record){ "contact", CONTACTS_AT + who };
}

static struct ls_demo_record
company(size_t which)
{
	return (struct ls_demo_record){ "company", COMPANIES_AT + which };
}

static void
native(struct ls_demo_traffic *t, size_t who, struct ls_demo_event event)
{
	char email[LS_DEMO_EMAIL_LEN];
	ls_demo_email(t->people, who, email);
	event.email = email;
	ls_demo_event(&t->writer, &event);
}

static uint64_t
visitor(const struct ls_demo_traffic *t, size_t who)
{
	return ls_hash_mix(t->options.seed ^ (uint64_t)who << 24);
}

const char *
demo_any_page(struct ls_demo_traffic *t)
{
	return pages[roll(t, LS_ARRAY_LEN(pages))];
}

/* ---- the CRM's */

void
demo_tell_property(
	struct ls_demo_traffic *t, size_t who, const char *name, const char *value, int64_t time_ms)
{
	ls_demo_property(&t->writer, contact(who), name, value, time_ms);
}

static void
tell_company(struct ls_demo_traffic *t, size_t which, int64_t time_ms)
{
	const struct ls_demo_company *c = ls_demo_company(t->people, which);
	struct ls_demo_record record = company(which);
	char text[24];
	(void)snprintf(text, sizeof text, "%u", (unsigned)c->employees);
	ls_demo_created(&t->writer, record, time_ms);
	ls_demo_property(&t->writer, record, "name", c->name, time_ms);
	ls_demo_property(&t->writer, record, "domain", c->domain, time_ms);
	ls_demo_property(&t->writer, record, "industry", c->industry, time_ms);
	ls_demo_property(&t->writer, record, "numberofemployees", text, time_ms);
	t->companies_known[which] = true;
}

static const char *
lifecycle(unsigned heat)
{
	return heat >= 750   ? "opportunity"
	       : heat >= 560 ? "salesqualifiedlead"
	       : heat >= 400 ? "marketingqualifiedlead"
	       : heat >= 100 ? "lead"
			     : "subscriber";
}

void
demo_tell_new(struct ls_demo_traffic *t, size_t who, int64_t time_ms)
{
	const struct ls_demo_person *p = ls_demo_person(t->people, who);
	char email[LS_DEMO_EMAIL_LEN];
	ls_demo_email(t->people, who, email);
	t->states[who].known = true;
	ls_demo_created(&t->writer, contact(who), time_ms);
	demo_tell_property(t, who, "email", email, time_ms);
	demo_tell_property(t, who, "firstname", ls_demo_first_name(p), time_ms);
	demo_tell_property(t, who, "lastname", ls_demo_last_name(p), time_ms);
	demo_tell_property(t, who, "jobtitle", ls_demo_job_title(p), time_ms);
	demo_tell_property(t, who, "lifecyclestage", lifecycle(p->heat), time_ms);
	if (!t->companies_known[p->company])
		tell_company(t, p->company, time_ms);
	ls_demo_associated(&t->writer, contact(who), company(p->company), time_ms);
}

void
demo_tell_engaged(struct ls_demo_traffic *t, size_t who, enum demo_engagement what, int64_t time_ms)
{
	const struct ls_demo_engagement engagement = {
		.type_id = engagements[what].type_id,
		.property = engagements[what].property,
		.value = engagements[what].values[roll(t, 4)],
		.id = ENGAGEMENTS_AT + ++t->engagements,
		.contact = contact(who).id,
	};
	ls_demo_engaged(&t->writer, &engagement, time_ms);
}

static void
open_deal(struct ls_demo_traffic *t, size_t who, int64_t time_ms)
{
	const struct ls_demo_person *p = ls_demo_person(t->people, who);
	const struct ls_demo_company *c = ls_demo_company(t->people, p->company);
	struct demo_state *state = &t->states[who];
	state->deal = ++t->deals;
	struct ls_demo_record deal = { "deal", DEALS_AT + state->deal };
	char text[80];
	ls_demo_created(&t->writer, deal, time_ms);
	(void)snprintf(text, sizeof text, "%s: annual licence", c->name);
	ls_demo_property(&t->writer, deal, "dealname", text, time_ms);
	/* per seat, and not everybody gets one */
	(void)snprintf(text, sizeof text, "%u", 600 + 100 * roll(t, 20) + c->employees * 12 / 5);
	ls_demo_property(&t->writer, deal, "amount", text, time_ms);
	ls_demo_associated(&t->writer, deal, contact(who), time_ms);
}

void
demo_tell_stage(struct ls_demo_traffic *t, size_t who, unsigned stage, int64_t time_ms)
{
	struct demo_state *state = &t->states[who];
	if (state->deal == 0)
		open_deal(t, who, time_ms);
	struct ls_demo_record deal = { "deal", DEALS_AT + state->deal };
	ls_demo_property(&t->writer, deal, "dealstage", stages[stage], time_ms);
	state->stage = (uint8_t)stage;
}

/* ---- mail and website */

void
demo_tell_sent(struct ls_demo_traffic *t, size_t who, const char *message, int64_t time_ms)
{
	struct ls_demo_event event = {
		.kind = LS_KIND_EMAIL_SENT, .message = message, .time_ms = time_ms
	};
	native(t, who, event);
	event.kind = chance(t, 99) ? LS_KIND_EMAIL_DELIVERED : LS_KIND_EMAIL_BOUNCE;
	event.time_ms += 400 + roll(t, 9000);
	native(t, who, event);
}

void
demo_tell_opened(
	struct ls_demo_traffic *t, size_t who, const char *message, bool machine, int64_t time_ms)
{
	native(t, who,
		(struct ls_demo_event){ .kind = LS_KIND_EMAIL_OPEN,
			.message = message,
			.machine = machine,
			.time_ms = time_ms });
}

void
demo_tell_clicked(struct ls_demo_traffic *t, size_t who, const char *message, int64_t time_ms)
{
	native(t, who,
		(struct ls_demo_event){
			.kind = LS_KIND_EMAIL_CLICK, .message = message, .time_ms = time_ms });
}

void
demo_tell_page(struct ls_demo_traffic *t, size_t who, const char *page, int64_t time_ms)
{
	native(t, who,
		(struct ls_demo_event){ .kind = LS_KIND_PAGE_VIEW,
			.visitor = visitor(t, who),
			.detail = "url",
			.content = page,
			.time_ms = time_ms });
}

void
demo_tell_visited(struct ls_demo_traffic *t, size_t who, const char *page, int64_t time_ms)
{
	native(t, who,
		(struct ls_demo_event){ .kind = LS_KIND_VISIT,
			.visitor = visitor(t, who),
			.detail = "url",
			.content = page,
			.time_ms = time_ms });
	demo_tell_page(t, who, page, time_ms);
}

void
demo_tell_form(struct ls_demo_traffic *t, size_t who, const char *form, int64_t time_ms)
{
	native(t, who,
		(struct ls_demo_event){ .kind = LS_KIND_FORM_SUBMIT,
			.visitor = visitor(t, who),
			.detail = "form",
			.content = form,
			.time_ms = time_ms });
}
