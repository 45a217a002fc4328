/* SPDX-License-Identifier: MIT */
/* Synthetic HubSpot webhook requests: a story's events in batches, with duplicates and disorder on
 * request, and what must come of them. Pure: the same options give the same bytes. */
#ifndef LS_MAIN_FORGE_HUBSPOT_H
#define LS_MAIN_FORGE_HUBSPOT_H

#include "main/forge_story.h"

#define LS_FORGE_BATCH_MAX   100u
#define LS_FORGE_SHUFFLE_MAX 100000u

struct ls_forge;

struct ls_forge_options {
	struct ls_story_options story;
	uint64_t count;      /* events, duplicates not counted; below 2^32 */
	size_t batch;        /* events a request, 1 to LS_FORGE_BATCH_MAX */
	unsigned duplicates; /* per cent of requests after which an earlier one comes again */
	size_t shuffle;      /* events are in disorder within windows of so many; 0: in order */
	int64_t start_ms, span_ms; /* occurredAt runs from start to start + span */
};

/** Valid until the next call. */
struct ls_forge_batch {
	uint64_t index;             /* from 0, duplicates counted */
	struct ls_slice body;       /* a JSON array */
	uint64_t first_id, last_id; /* lowest and highest eventId in it */
	size_t events;
	bool duplicate;
};

struct ls_forge *ls_forge_new(const struct ls_forge_options *options) LS_MUST_CHECK;
struct ls_forge *ls_forge_free(struct ls_forge *forge);
/** LS_ERR_NOT_FOUND: that was all. LS_ERR_NOMEM. */
int ls_forge_next(struct ls_forge *forge, struct ls_forge_batch *out) LS_MUST_CHECK;
/** Raises every attemptNumber in a body by one, up to 9, as HubSpot does when it sends it again. */
void ls_forge_raise_attempt(char *body, size_t len);
/**
 * What a correct server holds after all batches handed out: a JSON object with `totals` and
 * `contacts`, by id: their four counts, or `deleted`, or `merged_into`. 0 or LS_ERR_NOMEM.
 */
int ls_forge_expect(const struct ls_forge *forge, struct ls_buf *out) LS_MUST_CHECK;

#endif
