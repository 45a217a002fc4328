/* SPDX-License-Identifier: MIT */
/* A request between arrival and answer: its body, and its events once decoded. */
#ifndef LS_SERVICE_PENDING_H
#define LS_SERVICE_PENDING_H

#include "service/service.h"

struct ls_pending {
	struct ls_pending *next;
	struct ls_service *service;
	const struct ls_source *source;
	uint64_t http_id; /* 0: nobody waits for an answer */
	uint64_t entry_id;
	struct ls_arena arena;
	struct ls_source_entry entry;
	struct ls_decoded decoded;
	bool is_decoded;
	int64_t appended_ns, durable_ns;
};

struct ls_pending *ls_pending_take(struct ls_service *service) LS_MUST_CHECK;
void ls_pending_give_back(struct ls_pending *pending);
/** Answers the request that the entry came with: it is durable. */
void ls_pending_answer(struct ls_pending *pending);
/** Decodes unless that has been done. Faults are counted and logged: the entry is in quarantine,
 * which the log is. */
void ls_pending_decode(struct ls_pending *pending);

#endif
