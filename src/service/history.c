// SPDX-License-Identifier: MIT
/* Remembers of each lead the score last written and when time alone was last written: eight bytes,
 * in chunks that exist only where there are leads that move. */

#include "service/history.h"

#include <stdlib.h>

#define CHUNK     4096u
#define HOUR_MINS 60u
#define ID_MAX    0x7fffffffu

struct last {
	int32_t score;   /* milli-points plus one; 0: nothing written since the start */
	uint32_t minute; /* since 1970, of the last row for time alone */
};

struct ls_history_chunk {
	struct last leads[CHUNK];
};

void
ls_history_fini(struct ls_history *history)
{
	for (size_t i = 0; i < history->chunk_count; i++)
		free(history->chunks[i]);
	free(history->chunks);
	*history = (struct ls_history){ 0 };
}

static struct last *
find_last(struct ls_history *history, uint64_t id)
{
	size_t at = (size_t)(id / CHUNK);
	if (id > ID_MAX)
		return NULL;
	if (at >= history->chunk_count) {
		size_t count = LS_MAX(at + 1, history->chunk_count * 2);
		struct ls_history_chunk **chunks = realloc(history->chunks, count * sizeof *chunks);
		if (chunks == NULL)
			return NULL;
		memset(chunks + history->chunk_count, 0,
			(count - history->chunk_count) * sizeof *chunks);
		history->chunks = chunks;
		history->chunk_count = count;
	}
	if (history->chunks[at] == NULL)
		history->chunks[at] = calloc(1, sizeof *history->chunks[at]);
	return history->chunks[at] != NULL ? &history->chunks[at]->leads[id % CHUNK] : NULL;
}

void
ls_history_note(struct ls_history *history, struct ls_journal *journal,
	const struct ls_applied *moved, int64_t now_ms, const struct ls_history_cause *cause)
{
	if (moved->lead_id == 0)
		return;
	struct last *last = find_last(history, moved->lead_id);
	if (last == NULL) {
		history->missed++;
		return;
	}
	uint32_t minute = (uint32_t)(now_ms / 60000);
	int32_t from_milli = last->score > 0 ? last->score - 1 : moved->from_milli;
	bool category = moved->from != moved->to;
	if (!category && from_milli / 1000 == moved->to_milli / 1000)
		return;
	if (!category && cause == NULL && minute - last->minute < HOUR_MINS)
		return;
	const struct ls_store_history row = {
		.lead_id = moved->lead_id,
		.time_ms = now_ms,
		.from_milli = from_milli,
		.score_milli = moved->to_milli,
		.category = (unsigned)moved->to,
		.kind = cause != NULL ? cause->kind : 0,
		.source = cause != NULL ? cause->source : ls_slice(NULL, 0),
	};
	if (ls_journal_add_history(journal, &row) != LS_OK) {
		history->missed++;
		return;
	}
	history->noted++;
	last->score = moved->to_milli + 1;
	if (cause == NULL)
		last->minute = minute;
}
