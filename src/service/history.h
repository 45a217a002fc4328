/* SPDX-License-Identifier: MIT */
/* When a lead's score is worth a row of history, and which. */
#ifndef LS_SERVICE_HISTORY_H
#define LS_SERVICE_HISTORY_H

#include "engine/engine.h"
#include "service/journal.h"

/** What was last written of each lead; by id, since the start. */
struct ls_history {
	struct ls_history_chunk **chunks;
	size_t chunk_count;
	uint64_t noted, missed; /* missed: no room or memory */
};

void ls_history_fini(struct ls_history *history);
/**
 * Adds a row to the journal if the score moved by a whole point or the category changed. `cause` is
 * the event that did it; NULL: time alone, which is noted at most once an hour and lead unless the
 * category changed.
 */
struct ls_history_cause {
	unsigned kind;
	struct ls_slice source; /* static */
};
void ls_history_note(struct ls_history *history, struct ls_journal *journal,
	const struct ls_applied *moved, int64_t now_ms, const struct ls_history_cause *cause);

#endif
