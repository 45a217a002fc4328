/* SPDX-License-Identifier: MIT */
/* The one form that everything takes which arrives: what happened to whom, when, and under which
 * dedupe key. */
#ifndef LS_SOURCE_EVENT_H
#define LS_SOURCE_EVENT_H

#include "base/hash.h"
#include "leadscore/kind.h"

/**
 * What a reference points at. Events about leads are applied to the lead. Events about other
 * records (a call, a deal, a company) are applied to the record, and reach every lead that the
 * record is associated with, in whatever order the two arrive.
 */
enum ls_record {
	LS_RECORD_LEAD,     /* a person: HubSpot contact (0-1), Salesforce lead or contact, ... */
	LS_RECORD_COMPANY,  /* HubSpot 0-2 */
	LS_RECORD_DEAL,     /* HubSpot 0-3 */
	LS_RECORD_ACTIVITY, /* a call, meeting, note, task or e-mail that stands for itself: HubSpot
			       0-48, 0-47, 0-46, 0-27, 0-49 */
	LS_RECORD_OTHER,    /* tickets, products, conversations: kept in the log, changes no lead */
};

/** An id in somebody else's system. `system.data == NULL` means: not given. */
struct ls_ref {
	struct ls_slice system; /* "hubspot", "salesforce": lower case letters, digits, '_', '-'; at
				   most 32 bytes */
	struct ls_slice type;   /* the system's own name of the type: "contact", "0-48"; only told
				   apart, never interpreted */
	struct ls_slice id;     /* at most 64 bytes */
	uint64_t scope; /* account within the system that the id belongs to (HubSpot portal); 0 =
			   the only one: native events name HubSpot contacts without the portal */
	enum ls_record record;
};

/** Who or what it happened to. At least one of the three is given; all given ones name the same
 * lead. Of events of kind OTHER the ref's id may be missing. */
struct ls_subject {
	struct ls_ref ref;
	struct ls_slice email;   /* canonical (base/canon.h), at most 254 bytes */
	struct ls_slice visitor; /* a browser's id, at most 64 bytes */
};

enum ls_verdict { LS_VERDICT_UNKNOWN, LS_VERDICT_HUMAN, LS_VERDICT_MACHINE };

enum ls_value_type { LS_VALUE_NULL, LS_VALUE_BOOL, LS_VALUE_NUMBER, LS_VALUE_STRING };

/** NULL clears the attribute. */
struct ls_value {
	enum ls_value_type type;
	bool boolean;
	double number;
	struct ls_slice string; /* UTF-8, at most 1,024 bytes (cut at decode) */
};

struct ls_jsonw;

/** The value as JSON. */
void ls_value_write(struct ls_jsonw *w, const struct ls_value *value);

/**
 * Well-known names: email, first_name, last_name, name, company, job_title, phone, employees
 * (number), owner, lifecycle_stage, lead_status, stage_probability (0..1), email_domain,
 * unsubscribed (bool). Others are kept as they come.
 *
 * Of records: company_domain (canonical; a lead's email_domain stays its own), deal_stage (the
 * stage's internal name); of activities `direction` ("incoming", "outgoing", "forwarded") and
 * `timestamp` (number, ms: when it took place, which moves the record's activity there). An e-mail
 * record starts as email_sent; when its direction turns out to be "incoming" it counts as
 * email_reply instead, in whatever order the two events come.
 */
struct ls_attribute {
	struct ls_slice name; /* [a-z0-9_]{1,64} */
	struct ls_value value;
};

/** All slices point into the decoded text, the arena or static storage, and live as long as those.
 */
struct ls_event {
	enum ls_kind kind;
	enum ls_verdict verdict;
	int64_t time_ms;     /* when it happened, clamped to received + 5 min */
	int64_t received_ms; /* when it reached us: that of the log entry, so a replay gives the
				same */
	struct ls_hash128 dedupe;
	struct ls_subject subject;
	/* ASSOCIATION: the other end (subject and other in either order, one of them usually a
	 * lead). MERGE: unused. */
	struct ls_ref other;
	bool removed; /* ASSOCIATION: the link was taken away */
	bool primary; /* ASSOCIATION: the company that stands for the lead */
	/* MERGE: the records that `subject` now stands for as well */
	const struct ls_ref *merged;
	size_t merged_count;
	/* ACTIVITY: the campaign mail or tracked link, for opens and clicks; may be empty */
	struct ls_slice message;
	/* ATTRIBUTES, and any other kind that carries some */
	const struct ls_attribute *attributes;
	size_t attribute_count;
	/* DEAL_STAGE: probability of the stage, 0 lost, 1 won; < 0 unknown, which changes the
	 * attributes but no probability: the one of a custom pipeline comes in an event of its own
	 */
	double stage_probability;
	/* JSON for people to read on the timeline; may be empty */
	struct ls_slice detail;
};

/** Whether an attribute of a record is kept. An activity's texts may say anything about anybody: of
 * these only what its count depends on stays outside the log. */
static inline bool
ls_record_keeps(enum ls_record record, struct ls_slice name)
{
	return record != LS_RECORD_ACTIVITY || ls_slice_eq(name, LS_S("timestamp")) ||
	       ls_slice_eq(name, LS_S("direction"));
}

#endif
