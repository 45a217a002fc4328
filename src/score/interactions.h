/* SPDX-License-Identifier: MIT */
/* Which kinds are a person's own doing: what "last active" means. */
#ifndef LS_SCORE_INTERACTIONS_H
#define LS_SCORE_INTERACTIONS_H

#include "leadscore/kind.h"

#define INTERACTIONS                                                                               \
	(1u << LS_KIND_EMAIL_OPEN | 1u << LS_KIND_EMAIL_CLICK | 1u << LS_KIND_VISIT |              \
		1u << LS_KIND_PAGE_VIEW | 1u << LS_KIND_MEETING | 1u << LS_KIND_CALL |             \
		1u << LS_KIND_EMAIL_REPLY | 1u << LS_KIND_FORM_SUBMIT | 1u << LS_KIND_NOTE |       \
		1u << LS_KIND_TASK)

static inline bool
kind_is_interaction(unsigned kind)
{
	return kind < 32 && (INTERACTIONS >> kind & 1u) != 0;
}

#endif
