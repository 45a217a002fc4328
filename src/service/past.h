/* SPDX-License-Identifier: MIT */
/* Requests about a lead's past: which rows of the store are his, and waiting until the store holds
 * everything that has been applied. */
#ifndef LS_SERVICE_PAST_H
#define LS_SERVICE_PAST_H

#include "service/router.h"

struct ls_past {
	struct ls_service *service;
	struct ls_http_request request; /* to answer later: its id and an arena, nothing else */
	struct ls_arena arena;
	uint64_t lead_id;
	struct ls_slice path_id; /* as in the path */
	/* events under these are the lead's: own id, ids merged into it; records linked to it */
	uint64_t *ids;
	size_t lead_count, record_count, room;
	struct ls_flush flush;
	struct ls_past *queued; /* one that waits for its next slice */
	void (*next)(struct ls_past *past);
	/* what was asked for */
	size_t limit, skip;
	int64_t before_ms, at_ms;
	uint64_t before_id;
	void *ctx;
	void (*drop)(struct ls_past *past); /* frees ctx; may be NULL */
};

enum ls_past_records { LS_PAST_NO_RECORDS, LS_PAST_LINKED, LS_PAST_EVER_LINKED };

/**
 * Finds the lead (404 when there is none) and all that is his, waits until what has been applied of
 * it is stored, then calls `next`, now or later; `past` is its to free. A problem has been answered
 * when NULL is returned.
 */
struct ls_past *ls_past_new(
	struct ls_service *service, struct ls_http_request *req, struct ls_slice param);
void ls_past_begin(
	struct ls_past *past, enum ls_past_records records, void (*next)(struct ls_past *past));
/** Both for a page: finds the lead, reads limit and cursor, begins. Problems have been answered. */
void ls_past_page(struct ls_service *service, struct ls_http_request *req, struct ls_slice param,
	enum ls_past_records records, void (*next)(struct ls_past *past));
/** Answers with this problem, and frees. 0: by the error of the store. */
void ls_past_fail(struct ls_past *past, int status, const char *detail);
void ls_past_free(struct ls_past *past);
/** The store's query for these ids, of all time. */
struct ls_store_event_query ls_past_query(const struct ls_past *past);
/** ?limit and ?cursor, "milliseconds-id-skip". NULL, or what is wrong. */
const char *ls_past_read_page(struct ls_past *past, const struct ls_http_request *req);

#endif
