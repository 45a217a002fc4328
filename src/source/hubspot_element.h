/* SPDX-License-Identifier: MIT */
/* One element of a HubSpot webhook body, read but not yet understood; and what a property change
 * means. For the HubSpot codec only. */
#ifndef LS_SOURCE_HUBSPOT_ELEMENT_H
#define LS_SOURCE_HUBSPOT_ELEMENT_H

#include "source/decode.h"

/*
 * X(NAME, "member", FORM). ID: a number or a string, kept as text. TEXT: a string of at most 128
 * bytes. VALUE: any scalar, as text. NOTE: as VALUE, but for people only. FLAG: true or false.
 * LIST: an array, kept as JSON. SKIP: known and not wanted.
 */
#define LS_HUBSPOT_FIELDS(X)                                                                       \
	X(EVENT, "eventId", ID)                                                                    \
	X(SUBSCRIPTION, "subscriptionId", ID)                                                      \
	X(PORTAL, "portalId", ID)                                                                  \
	X(APP, "appId", SKIP)                                                                      \
	X(OCCURRED, "occurredAt", ID)                                                              \
	X(TYPE, "subscriptionType", TEXT)                                                          \
	X(ATTEMPT, "attemptNumber", SKIP)                                                          \
	X(OBJECT, "objectId", ID)                                                                  \
	X(OBJECT_TYPE, "objectTypeId", TEXT)                                                       \
	X(PROPERTY, "propertyName", TEXT)                                                          \
	X(VALUE, "propertyValue", VALUE)                                                           \
	X(CHANGE_SOURCE, "changeSource", NOTE)                                                     \
	X(SOURCE_ID, "sourceId", NOTE)                                                             \
	X(CHANGE_FLAG, "changeFlag", SKIP)                                                         \
	X(SENSITIVE, "isSensitive", FLAG)                                                          \
	X(EVENT_TYPE, "eventType", TEXT)                                                           \
	X(PRIMARY, "primaryObjectId", ID)                                                          \
	X(MERGED, "mergedObjectIds", LIST)                                                         \
	X(NEW, "newObjectId", ID)                                                                  \
	X(MOVED, "numberOfPropertiesMoved", SKIP)                                                  \
	X(ASSOCIATION, "associationType", TEXT)                                                    \
	X(FROM_TYPE, "fromObjectTypeId", TEXT)                                                     \
	X(TO_TYPE, "toObjectTypeId", TEXT)                                                         \
	X(FROM, "fromObjectId", ID)                                                                \
	X(TO, "toObjectId", ID)                                                                    \
	X(CATEGORY, "associationCategory", SKIP)                                                   \
	X(ASSOCIATION_ID, "associationTypeId", SKIP)                                               \
	X(REMOVED, "associationRemoved", FLAG)                                                     \
	X(IS_PRIMARY, "isPrimaryAssociation", FLAG)                                                \
	X(MESSAGE, "messageId", TEXT)                                                              \
	X(MESSAGE_TYPE, "messageType", NOTE)

enum ls_hubspot_field {
#define X(name, member, form) LS_HUBSPOT_##name,
	LS_HUBSPOT_FIELDS(X)
#undef X
		LS_HUBSPOT_FIELD_COUNT
};

#define LS_HUBSPOT_TEXT_MAX 128u

/** data == NULL: absent. FLAGs are in `flags`, bit by field. */
struct ls_hubspot_element {
	struct ls_slice field[LS_HUBSPOT_FIELD_COUNT];
	uint32_t flags;
};

/** Elements of a batch have their members in the same order: which field followed which, the last
 * time. */
struct ls_hubspot_order {
	uint8_t next[LS_HUBSPOT_FIELD_COUNT + 1];
};

/** Reads the value that comes next. False when it is not sound: the faults are in `decode`. */
bool ls_hubspot_read(struct ls_json *json, struct ls_decode *decode, const struct ls_path *path,
	struct ls_hubspot_order *order, struct ls_hubspot_element *element);

/** What a changed property means. */
struct ls_hubspot_change {
	enum ls_kind kind;       /* OTHER: nothing that we keep */
	enum ls_kind also;       /* a second event; OTHER: none */
	int64_t time_ms;         /* < 0: when the change occurred */
	struct ls_slice message; /* of opens and clicks */
	bool has_attribute;
	struct ls_attribute attribute;
	double stage_probability;
};

/** 0 or LS_ERR_NOMEM. */
int ls_hubspot_property(struct ls_arena *arena, enum ls_record record,
	const struct ls_hubspot_element *element, int64_t received_ms,
	struct ls_hubspot_change *out) LS_MUST_CHECK;

static inline struct ls_slice
ls_hubspot_get(const struct ls_hubspot_element *element, enum ls_hubspot_field field)
{
	return element->field[field];
}

static inline bool
ls_hubspot_flag(const struct ls_hubspot_element *element, enum ls_hubspot_field field)
{
	return (element->flags >> field & 1u) != 0;
}

/** Sensitive values are neither kept nor shown. */
static inline bool
ls_hubspot_hidden(const struct ls_hubspot_element *element)
{
	return ls_hubspot_flag(element, LS_HUBSPOT_SENSITIVE) ||
	       ls_slice_eq(element->field[LS_HUBSPOT_VALUE], LS_S("REDACTED"));
}

#endif
