/* SPDX-License-Identifier: MIT */
/* The kinds of event LeadScore knows. Numbers are stored: never reuse one. */
#ifndef LEADSCORE_KIND_H
#define LEADSCORE_KIND_H

#include <stdbool.h>

#include "leadscore/types.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/*
 * X(number, NAME, name, class). Classes: ACTIVITY is counted in a lead's cells; STATE changes
 * attributes, identity or life cycle; OTHER is kept for the record only.
 */
#define LS_KINDS(X)                                                                                \
	X(0, OTHER, "other", OTHER)                                                                \
	X(1, CALL, "call", ACTIVITY)                                                               \
	X(2, EMAIL_BOUNCE, "email_bounce", ACTIVITY)                                               \
	X(3, EMAIL_CLICK, "email_click", ACTIVITY)                                                 \
	X(4, EMAIL_DELIVERED, "email_delivered", ACTIVITY)                                         \
	X(5, EMAIL_OPEN, "email_open", ACTIVITY)                                                   \
	X(6, EMAIL_REPLY, "email_reply", ACTIVITY)                                                 \
	X(7, EMAIL_SENT, "email_sent", ACTIVITY)                                                   \
	X(8, EMAIL_UNSUBSCRIBE, "email_unsubscribe", ACTIVITY)                                     \
	X(9, FORM_SUBMIT, "form_submit", ACTIVITY)                                                 \
	X(10, MEETING, "meeting", ACTIVITY)                                                        \
	X(11, NOTE, "note", ACTIVITY)                                                              \
	X(12, PAGE_VIEW, "page_view", ACTIVITY)                                                    \
	X(13, TASK, "task", ACTIVITY)                                                              \
	X(14, VISIT, "visit", ACTIVITY)                                                            \
	X(32, ATTRIBUTES, "attributes", STATE)                                                     \
	X(33, DEAL_STAGE, "deal_stage", STATE)                                                     \
	X(34, ASSOCIATION, "association", STATE)                                                   \
	X(35, CREATE, "create", STATE)                                                             \
	X(36, MERGE, "merge", STATE)                                                               \
	X(37, UNMERGE, "unmerge", STATE)                                                           \
	X(38, DELETE, "delete", STATE)                                                             \
	X(39, RESTORE, "restore", STATE)                                                           \
	X(40, PRIVACY_DELETE, "privacy_delete", STATE)

enum ls_kind {
#define X(number, upper, name, class_) LS_KIND_##upper = (number),
	LS_KINDS(X)
#undef X
		LS_KIND_CUSTOM = 64, /**< first of the kinds that rules define for themselves (page
					patterns) */
	LS_KIND_MAX = 4095
};

/** A cell's kind is an enum ls_kind, with this bit set for the hits of machines: they are kept
 * apart and score nothing. */
#define LS_KIND_MACHINE 0x8000u

/** "email_open"; NULL for numbers that name no built-in kind. The machine bit is ignored. Static
 * storage: not to be freed. */
const char *ls_kind_name(unsigned kind);
/** The other way round, byte for byte. LS_ERR_NOT_FOUND when no built-in kind has this name. */
int ls_kind_find(struct ls_slice name, enum ls_kind *kind) LS_MUST_CHECK;
/** True for kinds that are counted in cells: ACTIVITY and custom ones. */
bool ls_kind_is_activity(unsigned kind);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
