/* SPDX-License-Identifier: MIT */
/* Events that have been applied and wait for the next checkpoint, copied out of their requests, and
 * what they did to scores. */
#ifndef LS_SERVICE_JOURNAL_H
#define LS_SERVICE_JOURNAL_H

#include "base/arena.h"
#include "store/store.h"

struct ls_journal {
	struct ls_store_event *events;
	size_t count, room;
	struct ls_store_history *history;
	size_t history_count, history_room;
	struct ls_arena text;
	size_t max_bytes;
};

void ls_journal_init(struct ls_journal *journal, size_t max_bytes);
void ls_journal_fini(struct ls_journal *journal);
/** Copies the event. LS_ERR_LIMIT when full, LS_ERR_NOMEM; nothing is added then. */
int ls_journal_add(struct ls_journal *journal, const struct ls_store_event *event) LS_MUST_CHECK;
/** Its source must be static. LS_ERR_LIMIT, LS_ERR_NOMEM. */
int ls_journal_add_history(
	struct ls_journal *journal, const struct ls_store_history *row) LS_MUST_CHECK;
/** False when the next events might not fit. */
bool ls_journal_has_room(const struct ls_journal *journal);
size_t ls_journal_bytes(const struct ls_journal *journal);

#endif
