// SPDX-License-Identifier: MIT
/* A growing array of event rows, their text in an arena. */

#include "service/journal.h"

#include <stdlib.h>

void
ls_journal_init(struct ls_journal *journal, size_t max_bytes)
{
	*journal = (struct ls_journal){ .max_bytes = max_bytes };
	ls_arena_init(&journal->text, max_bytes);
}

void
ls_journal_fini(struct ls_journal *journal)
{
	free(journal->events);
	free(journal->history);
	ls_arena_fini(&journal->text);
	ls_journal_init(journal, journal->max_bytes);
}

size_t
ls_journal_bytes(const struct ls_journal *journal)
{
	return journal->text.used + journal->count * sizeof *journal->events +
	       journal->history_count * sizeof *journal->history;
}

bool
ls_journal_has_room(const struct ls_journal *journal)
{
	return ls_journal_bytes(journal) < journal->max_bytes / 4 * 3;
}

static int
make_room(struct ls_journal *journal)
{
	if (journal->count < journal->room)
		return LS_OK;
	size_t room = journal->room > 0 ? journal->room * 2 : 1024;
	struct ls_store_event *events = realloc(journal->events, room * sizeof *events);
	if (events == NULL)
		return LS_ERR_NOMEM;
	journal->events = events;
	journal->room = room;
	return LS_OK;
}

int
ls_journal_add_history(struct ls_journal *journal, const struct ls_store_history *row)
{
	if (ls_journal_bytes(journal) + sizeof *row > journal->max_bytes)
		return LS_ERR_LIMIT;
	if (journal->history_count == journal->history_room) {
		size_t room = journal->history_room > 0 ? journal->history_room * 2 : 1024;
		struct ls_store_history *history =
			realloc(journal->history, room * sizeof *history);
		if (history == NULL)
			return LS_ERR_NOMEM;
		journal->history = history;
		journal->history_room = room;
	}
	journal->history[journal->history_count++] = *row;
	return LS_OK;
}

int
ls_journal_add(struct ls_journal *journal, const struct ls_store_event *event)
{
	size_t bytes =
		event->message.len + event->detail.len + event->attributes.len + sizeof *event;
	if (ls_journal_bytes(journal) + bytes > journal->max_bytes)
		return LS_ERR_LIMIT;
	int err = make_room(journal);
	if (err != LS_OK)
		return err;
	struct ls_store_event copy = *event;
	if (event->message.len > 0)
		copy.message = ls_arena_copy(&journal->text, event->message);
	if (event->detail.len > 0)
		copy.detail = ls_arena_copy(&journal->text, event->detail);
	if (event->attributes.len > 0)
		copy.attributes = ls_arena_copy(&journal->text, event->attributes);
	if ((event->message.len > 0 && copy.message.data == NULL) ||
		(event->detail.len > 0 && copy.detail.data == NULL) ||
		(event->attributes.len > 0 && copy.attributes.data == NULL))
		return LS_ERR_NOMEM;
	journal->events[journal->count++] = copy;
	return LS_OK;
}
