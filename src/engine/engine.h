/* SPDX-License-Identifier: MIT */
/* One tenant's leads in memory: identity, activity, attributes, scores, ranking. A fold over
 * events. No socket, no database, no clock. */
#ifndef LS_ENGINE_ENGINE_H
#define LS_ENGINE_ENGINE_H

#include "base/arena.h"
#include "leadscore/share.h"
#include "source/event.h"

struct ls_engine;

struct ls_engine_options {
	const struct ls_profile
		*profile; /* outlives the engine, or is replaced by ls_engine_set_profile() first */
	size_t max_leads; /* 0: 5,000,000; events for further ones are refused with LS_ERR_LIMIT */
};

/** NULL when there is no memory. */
struct ls_engine *ls_engine_new(const struct ls_engine_options *options) LS_MUST_CHECK;
/** With all leads. NULL is fine; returns NULL. */
struct ls_engine *ls_engine_free(struct ls_engine *engine);

/** What applying an event did. */
struct ls_applied {
	uint64_t lead_id;   /* the lead it counted for; 0: none (a record nobody is associated with
			       yet, or nothing at all) */
	uint64_t record_id; /* the CRM record it was applied to; 0: none */
	uint64_t linked_id; /* ASSOCIATION: the lead at its end, also while it is not known yet */
	bool created;       /* the lead is new */
	enum ls_category from, to;
	int32_t from_milli, to_milli;
};

/**
 * Applies an event; duplicates must have been dropped before. Order does not matter: any order of
 * the same events gives the same scores, attributes and identities, as long as no two events claim
 * one e-mail or browser for different people (then the first claim to arrive holds, and `conflicts`
 * counts) and no limit is met. `now_ms` is the instant to score at: callers pass one quantised to a
 * second, so that decay factors are shared.
 *
 * A lead is known, and found, from its first event that says more than that somebody refers to it:
 * ids out of associations, merges and deletions wait unseen. An erased id never comes back: its
 * events give lead_id 0. Of a record's leads the one that rose most is told of in `out`, the others
 * by the next sweep. UNMERGE changes nothing yet.
 *
 * 0; LS_ERR_LIMIT (too many leads, records, cells or associations); LS_ERR_NOMEM; LS_ERR_INVALID
 * (no subject, a name too long, a time after 3883). On an error nothing is counted and no attribute
 * changed; leads that the event says are one person may have been joined.
 */
int ls_engine_apply(struct ls_engine *engine, const struct ls_event *event, int64_t now_ms,
	struct ls_applied *out) LS_MUST_CHECK;
/** Starts fetching what applying this event will touch. Call it for a whole batch before applying
 * it, and then ls_engine_prefetch_end() for the last ones. */
void ls_engine_prefetch(const struct ls_engine *engine, const struct ls_event *event);
void ls_engine_prefetch_end(const struct ls_engine *engine);

/* ---- looking up */

/** By an id as the API takes it: "42", "hubspot:12345", "hubspot:62515/12345",
 * "email:jane@acme.com", "visitor:...". Merged ids give the survivor. 0: none. */
uint64_t ls_engine_find(const struct ls_engine *engine, struct ls_slice text);

struct ls_lead_counts {
	uint64_t email_opens, email_clicks, website_visits,
		crm_activities; /* human ones, all time; crm: meeting, call, reply, form, note, task
				 */
};

/** A lead for reading. Slices are valid until the engine is next changed. */
struct ls_lead_view {
	uint64_t id;
	struct ls_slice email, name,
		company; /* name: "name", else first and last name; the company: own attribute, else
			    the associated company's */
	int32_t score_milli;
	enum ls_category category;
	int64_t scored_ms, last_activity_ms, created_ms;
	bool deleted;
	struct ls_lead_counts counts;
	const struct ls_activity *activity;
};

/** LS_ERR_NOT_FOUND: no such lead, or erased. Names that must be composed go to the arena. */
int ls_engine_get(const struct ls_engine *engine, uint64_t id, struct ls_arena *arena,
	struct ls_lead_view *out) LS_MUST_CHECK;
/** Attributes (with when each was set) and external ids, in order of name. */
typedef void (*ls_attribute_fn)(void *ctx, const struct ls_attribute *attribute, int64_t set_ms);
typedef void (*ls_identity_fn)(
	void *ctx, struct ls_slice system, uint64_t scope, struct ls_slice id);
int ls_engine_attributes(
	const struct ls_engine *engine, uint64_t id, ls_attribute_fn fn, void *ctx);
int ls_engine_identities(const struct ls_engine *engine, uint64_t id, ls_identity_fn fn, void *ctx);
typedef void (*ls_id_fn)(void *ctx, uint64_t id);
/** Ids of leads that were merged into this one: events stored under them are its own. */
int ls_engine_aliases(const struct ls_engine *engine, uint64_t id, ls_id_fn fn, void *ctx);
/** Records that are associated with the lead now: events stored under them belong on its timeline.
 */
int ls_engine_lead_records(const struct ls_engine *engine, uint64_t id, ls_id_fn fn, void *ctx);
/** The same with what each counts for, and those that no longer are associated, too. */
struct ls_linked {
	uint64_t record_id;
	bool removed;
	ls_cell counted; /* what the lead's activity holds for it; 0: nothing */
	unsigned kind;   /* of the event that said what the record is */
	int64_t kind_ms;
};
typedef void (*ls_linked_fn)(void *ctx, const struct ls_linked *linked);
int ls_engine_links(const struct ls_engine *engine, uint64_t id, ls_linked_fn fn, void *ctx);
/** The lead's explanation at now_ms: ls_line_count() lines, the moment for ls_line_words(), and
 * cools_at (0: never). */
struct ls_explanation {
	struct ls_line *lines;
	size_t count;
	int32_t score_milli;
	enum ls_category category;
	int64_t cools_at_ms;
	const struct ls_moment *moment;
};
int ls_engine_explain(struct ls_engine *engine, uint64_t id, int64_t now_ms, struct ls_arena *arena,
	struct ls_explanation *out) LS_MUST_CHECK;

/** When the lead falls back a category if nothing else happens, as its explanation tells it at
 * now_ms; 0: never, or there is no memory to say. */
int64_t ls_engine_cools_at(
	struct ls_engine *engine, uint64_t id, int64_t now_ms, struct ls_arena *arena);
/** What each event gives: the explanation (without cools_at), and its lines shared out. Free the
 * shares with ls_memory_heap. */
int ls_engine_shares(struct ls_engine *engine, uint64_t id, int64_t now_ms, struct ls_arena *arena,
	struct ls_explanation *lines, struct ls_shares *out) LS_MUST_CHECK;

/* ---- ranking */

#define LS_ANY_CATEGORY (-1)

/** Where a page ended: score and id of its last lead. Zeroed: before the first. Stays meaningful
 * while scores move. */
struct ls_rank_cursor {
	bool set;
	int32_t score_milli;
	uint64_t id;
};

/** Up to `limit` ids of leads that are not deleted, highest score first, ties by lower id, behind
 * the cursor, which moves on. Returns how many. */
size_t ls_engine_rank(const struct ls_engine *engine, int category, struct ls_rank_cursor *cursor,
	uint64_t *ids, size_t limit);

struct ls_engine_stats {
	uint64_t leads; /* not deleted, not merged away, not erased */
	uint64_t by_category[3];
	uint64_t deleted, records, identities;
	uint64_t applied, rejected;
	uint64_t merges;             /* leads that became part of another one */
	uint64_t conflicts;          /* keys of an event that name leads which may not be joined */
	uint64_t attributes_refused; /* beyond 64 of one lead, or names beyond 65,536 in all */
	uint64_t bytes;              /* memory held, close enough for a gauge */
	int64_t sweep_oldest_ms;     /* now_ms at which the sweep's current round began */
	uint64_t sweeps;             /* rounds completed */
};
void ls_engine_stats(const struct ls_engine *engine, struct ls_engine_stats *out);

/* ---- time moves scores */

/** A lead whose score changed by a whole point, or whose category did, since it was last told. */
typedef void (*ls_moved_fn)(void *ctx, const struct ls_applied *moved);
/** Re-scores the next `budget` leads at now_ms; returns how many were left in this round (0: it is
 * complete). */
size_t ls_engine_sweep(
	struct ls_engine *engine, int64_t now_ms, size_t budget, ls_moved_fn moved, void *ctx);
/** Switches the profile; every lead keeps its old score until the sweep, which starts anew, reaches
 * it. */
int ls_engine_set_profile(struct ls_engine *engine, const struct ls_profile *profile) LS_MUST_CHECK;

/* ---- checkpoint: a consistent cut, taken in slices while events go on */

/**
 * Freezes the set of leads and records changed since the last cut, as they are now. Later changes
 * belong to the next cut: what is still to be written of this one is encoded before it is touched.
 * LS_ERR_CONFLICT while a cut is open.
 */
int ls_engine_cut_begin(struct ls_engine *engine) LS_MUST_CHECK;
size_t ls_engine_dirty(const struct ls_engine *engine);

/** What to write of one entity. Slices are valid during the call. */
struct ls_cut_row {
	uint64_t id;
	bool is_record;
	bool erased;
	bool erase_events; /* privacy deletion: its events go too */
	struct ls_slice email, name, company;
	int32_t score_milli;
	int64_t scored_ms, last_activity_ms;
	struct ls_slice state;
};
typedef int (*ls_cut_fn)(void *ctx, const struct ls_cut_row *row);
/** Hands over up to `budget` rows; *left says how many remain. Errors of `fn` are returned and the
 * row is tried again next time. */
int ls_engine_cut_next(struct ls_engine *engine, size_t budget, ls_cut_fn fn, void *ctx,
	size_t *left) LS_MUST_CHECK;
/** Ends the cut. written == false: everything in it is dirty again. */
void ls_engine_cut_end(struct ls_engine *engine, bool written);

/** Puts back what a cut gave; before any event is applied. Scores are those of the row until the
 * first sweep. LS_ERR_INVALID for a state this version cannot read. */
int ls_engine_load_lead(struct ls_engine *engine, uint64_t id, struct ls_slice state) LS_MUST_CHECK;
int ls_engine_load_record(
	struct ls_engine *engine, uint64_t id, struct ls_slice state) LS_MUST_CHECK;

#endif
