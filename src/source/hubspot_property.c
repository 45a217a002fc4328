// SPDX-License-Identifier: MIT
/* What a changed HubSpot property means: an attribute, a deal's stage, or a sign that something was
 * done. HubSpot's values are always text; here they get their types. */

#include "source/hubspot_element.h"

#include <stdio.h>

#include "base/canon.h"
#include "base/iso8601.h"

#define LEAD     (1u << LS_RECORD_LEAD)
#define COMPANY  (1u << LS_RECORD_COMPANY)
#define DEAL     (1u << LS_RECORD_DEAL)
#define ACTIVITY (1u << LS_RECORD_ACTIVITY)

#define DAY_MS INT64_C(86400000)

enum action {
	ATTRIBUTE,   /* under our name for it */
	DOMAIN_NAME, /* the same, made canonical */
	DIRECTION,   /* the same, in our words */
	TIMESTAMP,   /* the same, as a number */
	OPT_OUT,     /* unsubscribed; true is also something the lead did */
	STAGE,       /* the stage's internal name */
	PROBABILITY, /* of the stage, as HubSpot computes it */
	WON,         /* true: the deal is won */
	LOST,        /* true: the deal is lost */
	MOMENT,      /* the value is when something was last done */
	COUNTER,     /* it was done again, when the change occurred */
};

#define NAMED(property_, records_, action_, name_)                                                 \
	{                                                                                          \
		.property = LS_S_INIT(property_), .records = (records_), .action = (action_),      \
		.name = LS_S_INIT(name_)                                                           \
	}
#define DONE(property_, action_, kind_)                                                            \
	{                                                                                          \
		.property = LS_S_INIT(property_), .records = LEAD, .action = (action_),            \
		.kind = (kind_)                                                                    \
	}

static const struct rule {
	struct ls_slice property;
	unsigned records;
	enum action action;
	enum ls_kind kind;
	struct ls_slice name;
} rules[] = {
	NAMED("company", LEAD, ATTRIBUTE, "company"),
	NAMED("dealstage", DEAL, STAGE, "deal_stage"),
	NAMED("domain", COMPANY, DOMAIN_NAME, "company_domain"),
	NAMED("email", LEAD, ATTRIBUTE, "email"),
	NAMED("firstname", LEAD, ATTRIBUTE, "first_name"),
	DONE("hs_analytics_last_timestamp", MOMENT, LS_KIND_VISIT),
	DONE("hs_analytics_last_visit_timestamp", MOMENT, LS_KIND_VISIT),
	DONE("hs_analytics_num_page_views", COUNTER, LS_KIND_PAGE_VIEW),
	NAMED("hs_call_direction", ACTIVITY, DIRECTION, "direction"),
	NAMED("hs_deal_stage_probability", DEAL, PROBABILITY, "stage_probability"),
	NAMED("hs_email_direction", ACTIVITY, DIRECTION, "direction"),
	NAMED("hs_email_domain", LEAD, DOMAIN_NAME, "email_domain"),
	DONE("hs_email_last_click_date", MOMENT, LS_KIND_EMAIL_CLICK),
	DONE("hs_email_last_open_date", MOMENT, LS_KIND_EMAIL_OPEN),
	DONE("hs_email_last_reply_date", MOMENT, LS_KIND_EMAIL_REPLY),
	NAMED("hs_email_optout", LEAD, OPT_OUT, "unsubscribed"),
	NAMED("hs_is_closed_lost", DEAL, LOST, "hs_is_closed_lost"),
	NAMED("hs_is_closed_won", DEAL, WON, "hs_is_closed_won"),
	NAMED("hs_lead_status", LEAD, ATTRIBUTE, "lead_status"),
	DONE("hs_sales_email_last_clicked", MOMENT, LS_KIND_EMAIL_CLICK),
	DONE("hs_sales_email_last_opened", MOMENT, LS_KIND_EMAIL_OPEN),
	DONE("hs_sales_email_last_replied", MOMENT, LS_KIND_EMAIL_REPLY),
	NAMED("hs_timestamp", ACTIVITY, TIMESTAMP, "timestamp"),
	NAMED("hubspot_owner_id", LEAD | COMPANY | DEAL | ACTIVITY, ATTRIBUTE, "owner"),
	NAMED("jobtitle", LEAD, ATTRIBUTE, "job_title"),
	NAMED("lastname", LEAD, ATTRIBUTE, "last_name"),
	NAMED("lifecyclestage", LEAD | COMPANY, ATTRIBUTE, "lifecycle_stage"),
	NAMED("name", COMPANY, ATTRIBUTE, "name"),
	NAMED("numberofemployees", LEAD | COMPANY, ATTRIBUTE, "employees"),
	DONE("recent_conversion_date", MOMENT, LS_KIND_FORM_SUBMIT),
};

/** The stages of HubSpot's standard pipeline. Those of others come as hs_deal_stage_probability. */
static const struct {
	struct ls_slice name;
	double probability;
} stages[] = {
	{ LS_S_INIT("appointmentscheduled"), 0.2 },
	{ LS_S_INIT("closedlost"), 0.0 },
	{ LS_S_INIT("closedwon"), 1.0 },
	{ LS_S_INIT("contractsent"), 0.9 },
	{ LS_S_INIT("decisionmakerboughtin"), 0.8 },
	{ LS_S_INIT("presentationscheduled"), 0.6 },
	{ LS_S_INIT("qualifiedtobuy"), 0.4 },
};

/** Names that say who a lead is. A company's or deal's own property of that name must not reach its
 * leads. */
static const struct ls_slice personal[] = { LS_S_INIT("company"), LS_S_INIT("email"),
	LS_S_INIT("email_domain"), LS_S_INIT("first_name"), LS_S_INIT("job_title"),
	LS_S_INIT("last_name"), LS_S_INIT("lead_status"), LS_S_INIT("name"),
	LS_S_INIT("unsubscribed") };

static const struct rule *
find_rule(enum ls_record record, struct ls_slice property)
{
	for (size_t i = 0; i < LS_ARRAY_LEN(rules); i++)
		if (ls_slice_eq(rules[i].property, property))
			return (rules[i].records >> record & 1u) != 0 ? &rules[i] : NULL;
	return NULL;
}

static double
stage_probability(struct ls_slice stage)
{
	for (size_t i = 0; i < LS_ARRAY_LEN(stages); i++)
		if (ls_slice_eq(stages[i].name, stage))
			return stages[i].probability;
	return -1;
}

/** Milliseconds since 1970, or RFC 3339 as HubSpot's REST interface gives it. False for anything
 * else. */
static bool
read_time(struct ls_slice text, int64_t *out)
{
	uint64_t ms;
	if (ls_slice_to_u64(text, &ms) == LS_OK) {
		if (ms == 0 || ms > LS_TIME_MS_MAX)
			return false;
		*out = (int64_t)ms;
		return true;
	}
	return ls_iso8601_parse(text, out) == LS_OK;
}

/**
 * HubSpot's dates of the last open and click do not say of which mail. One a day is as many as a
 * lead is sent as a rule: what was opened and clicked on one UTC day counts as one message.
 */
static int
name_message(struct ls_arena *arena, struct ls_hubspot_change *change)
{
	char name[32];
	if (change->kind != LS_KIND_EMAIL_OPEN && change->kind != LS_KIND_EMAIL_CLICK)
		return LS_OK;
	int len = snprintf(
		name, sizeof name, "hubspot-day-%lld", (long long)(change->time_ms / DAY_MS));
	change->message = ls_arena_copy(arena, ls_slice(name, (size_t)len));
	return change->message.data != NULL ? LS_OK : LS_ERR_NOMEM;
}

/** A property's own name as an attribute's; data == NULL when it has none or there is no memory. */
static struct ls_slice
plain_name(struct ls_arena *arena, enum ls_record record, struct ls_slice property)
{
	static const struct ls_slice prefixes[] = { [LS_RECORD_LEAD] = LS_S_INIT(""),
		[LS_RECORD_COMPANY] = LS_S_INIT("company_"),
		[LS_RECORD_DEAL] = LS_S_INIT("deal_"),
		[LS_RECORD_ACTIVITY] = LS_S_INIT("activity_"),
		[LS_RECORD_OTHER] = LS_S_INIT("other_") };
	struct ls_slice prefix = LS_S("");
	for (size_t i = 0; i < LS_ARRAY_LEN(personal); i++)
		if (ls_slice_eq_nocase(personal[i], property))
			prefix = prefixes[record];
	if (prefix.len == 0 && ls_attribute_name_ok(property))
		return property;
	size_t len = prefix.len + property.len;
	char *name = ls_arena_alloc(arena, len + 1);
	if (name == NULL)
		return ls_slice(NULL, 0);
	memcpy(name, prefix.data, prefix.len);
	for (size_t i = 0; i < property.len; i++) {
		char c = ls_ascii_lower(property.data[i]);
		bool plain = ls_ascii_digit(c) || (c >= 'a' && c <= 'z');
		name[prefix.len + i] = (char)(plain ? c : '_');
	}
	return ls_slice(name, len);
}

/** Gives the text the type that the attribute of this name has. What is no such value counts as
 * cleared: the CRM says that the old one is gone. */
static int
set_attribute(struct ls_arena *arena, struct ls_attribute *attribute, struct ls_slice text)
{
	struct ls_value value = { .type = LS_VALUE_NULL };
	struct ls_slice name = attribute->name;
	const char *why;
	if (ls_slice_eq(name, LS_S("employees")) || ls_slice_eq(name, LS_S("stage_probability"))) {
		if (ls_slice_to_double(ls_slice_trim(text), &value.number) == LS_OK)
			value.type = LS_VALUE_NUMBER;
	} else if (ls_slice_eq(name, LS_S("unsubscribed"))) {
		value.boolean = ls_slice_eq_nocase(text, LS_S("true"));
		if (value.boolean || ls_slice_eq_nocase(text, LS_S("false")))
			value.type = LS_VALUE_BOOL;
	} else if (text.len > 0) {
		value.type = LS_VALUE_STRING;
		value.string = text;
	}
	attribute->value = value;
	int err = ls_attribute_check(arena, attribute, &why);
	if (err == LS_ERR_INVALID)
		attribute->value = (struct ls_value){ .type = LS_VALUE_NULL };
	return err == LS_ERR_NOMEM ? err : LS_OK;
}

static int
set_domain(struct ls_arena *arena, struct ls_attribute *attribute, struct ls_slice text)
{
	char domain[LS_DOMAIN_MAX + 1];
	size_t len;
	if (ls_canon_domain(text, domain, &len) != LS_OK)
		return set_attribute(arena, attribute, LS_S(""));
	struct ls_slice copy = ls_arena_copy(arena, ls_slice(domain, len));
	return copy.data == NULL ? LS_ERR_NOMEM : set_attribute(arena, attribute, copy);
}

/** Calls say INBOUND and OUTBOUND, e-mails EMAIL, INCOMING_EMAIL and FORWARDED_EMAIL. */
static struct ls_slice
direction(struct ls_slice text)
{
	if (ls_slice_eq(text, LS_S("INCOMING_EMAIL")) || ls_slice_eq(text, LS_S("INBOUND")))
		return LS_S("incoming");
	if (ls_slice_eq(text, LS_S("EMAIL")) || ls_slice_eq(text, LS_S("OUTBOUND")))
		return LS_S("outgoing");
	if (ls_slice_eq(text, LS_S("FORWARDED_EMAIL")))
		return LS_S("forwarded");
	return text;
}

static int
set_deal(struct ls_arena *arena, enum action action, struct ls_slice value,
	struct ls_hubspot_change *change)
{
	struct ls_attribute *attribute = &change->attribute;
	bool closed = ls_slice_eq_nocase(value, LS_S("true"));
	int err = set_attribute(arena, attribute, value);
	change->kind = LS_KIND_DEAL_STAGE;
	if (action == STAGE)
		change->stage_probability = stage_probability(value);
	else if (action == PROBABILITY && attribute->value.type == LS_VALUE_NUMBER)
		change->stage_probability = attribute->value.number;
	else if (closed && action == WON)
		change->stage_probability = 1;
	else if (closed && action == LOST)
		change->stage_probability = 0;
	else
		change->kind = LS_KIND_ATTRIBUTES;
	return err;
}

static int
apply_rule(struct ls_arena *arena, const struct rule *rule, struct ls_slice value,
	int64_t received_ms, struct ls_hubspot_change *change)
{
	struct ls_attribute *attribute = &change->attribute;
	uint64_t count;
	int64_t time_ms;
	attribute->name = rule->name;
	change->has_attribute = rule->name.len > 0;
	change->kind = LS_KIND_ATTRIBUTES;
	switch (rule->action) {
	case ATTRIBUTE:
		return set_attribute(arena, attribute, value);
	case DOMAIN_NAME:
		return set_domain(arena, attribute, value);
	case DIRECTION:
		return set_attribute(arena, attribute, direction(value));
	case TIMESTAMP:
		attribute->value.type = LS_VALUE_NULL;
		if (read_time(value, &time_ms))
			attribute->value = (struct ls_value){ .type = LS_VALUE_NUMBER,
				.number = (double)ls_decode_clamp(time_ms, received_ms) };
		return LS_OK;
	case OPT_OUT:
		if (ls_slice_eq_nocase(value, LS_S("true")))
			change->also = LS_KIND_EMAIL_UNSUBSCRIBE;
		return set_attribute(arena, attribute, value);
	case STAGE:
	case PROBABILITY:
	case WON:
	case LOST:
		return set_deal(arena, rule->action, value, change);
	case MOMENT:
		change->kind = read_time(value, &change->time_ms) ? rule->kind : LS_KIND_OTHER;
		return name_message(arena, change);
	case COUNTER:
		/* HubSpot writes 0 to contacts that have never been seen */
		change->kind = ls_slice_to_u64(value, &count) == LS_OK && count > 0 ? rule->kind
										    : LS_KIND_OTHER;
		return LS_OK;
	}
	return LS_OK;
}

int
ls_hubspot_property(struct ls_arena *arena, enum ls_record record,
	const struct ls_hubspot_element *element, int64_t received_ms,
	struct ls_hubspot_change *out)
{
	struct ls_slice property = ls_hubspot_get(element, LS_HUBSPOT_PROPERTY);
	struct ls_slice value = ls_hubspot_get(element, LS_HUBSPOT_VALUE);
	struct ls_hubspot_change change = {
		.kind = LS_KIND_OTHER, .time_ms = -1, .stage_probability = -1
	};
	/* what we wrote back ourselves must not come in again */
	bool own = ls_slice_starts(property, LS_S("leadscore_"));
	int err = LS_OK;
	if (property.data == NULL || value.data == NULL || ls_hubspot_hidden(element) || own)
		goto out;
	const struct rule *rule = find_rule(record, property);
	if (rule != NULL) {
		err = apply_rule(arena, rule, value, received_ms, &change);
	} else {
		change.attribute.name = plain_name(arena, record, property);
		if (change.attribute.name.data == NULL)
			return LS_ERR_NOMEM;
		if (!ls_attribute_name_ok(change.attribute.name))
			goto out;
		change.kind = LS_KIND_ATTRIBUTES;
		change.has_attribute = true;
		err = set_attribute(arena, &change.attribute, value);
	}
out:
	if (err == LS_OK)
		*out = change;
	return err;
}
