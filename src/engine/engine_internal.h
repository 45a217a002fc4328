/* SPDX-License-Identifier: MIT */
/* What the files of the engine share. A lead lies in a slot; its id finds the slot through the
 * ranking's nodes. A record's id is its place. Links lie in one pool and are on two lists, the
 * lead's and the record's. */
#ifndef LS_ENGINE_ENGINE_INTERNAL_H
#define LS_ENGINE_ENGINE_INTERNAL_H

#include "engine/doc.h"
#include "engine/engine.h"
#include "engine/pack.h"
#include "engine/rank.h"
#include "engine/slab.h"

#define LS_NONE        UINT32_MAX
#define LS_CHUNK       4096u       /* leads or records that are allocated together */
#define LS_ALIAS       0x80000000u /* a node's slot with this bit: the id of the survivor */
#define LS_ID_MAX      0x7fffffffu
#define LS_FAN_OUT     1000u  /* leads of a record that are re-scored at once; more: sweep */
#define LS_LINKS_MAX   65536u /* of one lead */
#define LS_TIME_MAX    (INT64_C(1) << 52)
#define LS_IDS_PER_MAX 16u /* ids given out, of the maximum number of leads */

/* of leads and records; the first four mean the same for both */
#define LS_F_DIRTY   1u
#define LS_F_IN_CUT  2u /* to be handed over in the open cut, unchanged since it began */
#define LS_F_DELETED 4u
#define LS_F_USED    8u
#define LS_F_VISIBLE 16u  /* more is known of it than that somebody refers to it */
#define LS_F_WIDE    32u  /* its packed activity is */
#define LS_F_TOMB    64u  /* a record that marks an erased key: `doc` is its hash */
#define LS_F_HIDDEN  128u /* counted as deleted in the figures */
/* 0: not in the ranking; else 1 + the category that was last told */
#define LS_F_CATEGORY_SHIFT 8u
/* the score moved without anybody being told: the sweep tells */
#define LS_F_UNTOLD   (1u << 10)
#define LS_F_CATEGORY (3u << LS_F_CATEGORY_SHIFT)

struct ls_lead {
	uint32_t id;
	uint32_t flags;
	int64_t last_ms; /* newest own interaction; those of linked records are looked up */
	int64_t created_ms, scored_ms;
	double stage, employees; /* what the score needs of attributes and linked records */
	void *activity, *doc;    /* packed */
	uint32_t activity_size, doc_size;
	uint32_t links, link_count; /* a free slot: `links` is the next one */
};

struct ls_engine_record {
	uint32_t flags;
	uint16_t kind;  /* ACTIVITY: LS_KIND_OTHER while unknown */
	uint8_t class_; /* enum ls_record */
	uint32_t links, link_count;
	uint32_t doc_size;
	void *doc;
	int64_t kind_ms, stage_ms; /* LS_NEVER */
	double stage;              /* negative: unknown */
};

#define LS_LINK_REMOVED 1u
#define LS_LINK_PRIMARY 2u

struct ls_link {
	uint32_t lead, record; /* a slot; a record's id */
	uint32_t lead_next;
	uint32_t record_prev, record_next;
	uint32_t flags;
	int64_t time_ms;
	ls_cell counted; /* what the lead's activity holds for this link; 0: nothing */
};

/** A lead that is no more: its row goes, or its events too. */
struct ls_gone {
	uint32_t id;
	bool events;
};

/** A row of the open cut whose entity has been changed since. */
struct ls_saved {
	struct ls_saved *next;
	struct ls_cut_row row;
	char bytes[];
};

struct ls_vector {
	void *items;
	size_t count, room;
};

struct ls_cut {
	bool open;
	struct ls_vector tokens; /* uint64_t: id << 1 | is a record */
	struct ls_vector gone;   /* struct ls_gone */
	struct ls_saved *saved;
	size_t at, gone_at;
	size_t left;
};

/** An account that ids have been seen of. */
struct ls_account {
	uint32_t system;
	uint64_t scope;
};

#define LS_ACCOUNTS_MAX 64u

#define LS_AHEAD 32u /* prefetches in the pipe */

/** Look-ups on their way into the cache: slot, then lead, then its blocks. */
struct ls_pipe {
	uint64_t hashes[LS_AHEAD];
	uint32_t slots[LS_AHEAD];
	uint32_t begin, end; /* the first one's number; one more than the last one's */
	uint32_t at;
};

struct ls_engine {
	const struct ls_profile *profile;
	struct ls_moment *moment;
	struct ls_memory memory;
	struct ls_hash_key hash_key;
	struct ls_dictionary dict;
	struct ls_slab slab;
	struct ls_rank rank;
	size_t max_leads;

	struct ls_map keys; /* of leads: slots */
	void **leads;       /* chunks of struct ls_lead */
	size_t lead_chunks;
	uint32_t lead_end, free_lead, lead_count; /* slots used; number of leads */
	uint32_t next_id;
	struct ls_account accounts[LS_ACCOUNTS_MAX];
	size_t account_count;

	struct ls_map record_keys, tombs; /* ids of records */
	void **records;                   /* chunks of struct ls_engine_record */
	size_t record_chunks;
	uint32_t record_end; /* one more than the highest id; 0 is none */
	uint32_t record_count, tomb_count;

	struct ls_link *links;
	uint32_t link_end, link_room, free_link;

	struct ls_activity act, act2; /* unpacked, for one operation */
	struct ls_activity state_act; /* the same for encoding, which may come in between */
	struct ls_doc doc, doc2;
	struct ls_buf buf, state_buf;
	struct ls_pipe *pipe;

	struct ls_vector dirty; /* tokens as in a cut */
	struct ls_vector gone;
	struct ls_cut cut;

	uint32_t sweep_at;
	unsigned lazy_rounds; /* rounds of the sweep that also look at every link */
	bool sweeping;
	struct ls_engine_stats stats; /* those that are counted as they happen */
};

/* ---- lead_table.c */

static inline struct ls_lead *
ls_lead_at(const struct ls_engine *engine, uint32_t slot)
{
	return &((struct ls_lead *)engine->leads[slot / LS_CHUNK])[slot % LS_CHUNK];
}

static inline struct ls_engine_record *
ls_record_at(const struct ls_engine *engine, uint32_t id)
{
	return &((struct ls_engine_record *)engine->records[id / LS_CHUNK])[id % LS_CHUNK];
}

static inline struct ls_slice
ls_lead_doc(const struct ls_lead *lead)
{
	return ls_slice(lead->doc, lead->doc_size);
}

static inline struct ls_slice
ls_record_doc(const struct ls_engine_record *record)
{
	return ls_slice(record->doc, record->doc_size);
}

static inline bool
ls_lead_is_wide(const struct ls_lead *lead)
{
	return (lead->flags & LS_F_WIDE) != 0;
}

/** Room for `more` further items. */
int ls_vector_reserve(struct ls_vector *vector, size_t item, size_t more) LS_MUST_CHECK;
int ls_chunks_reserve(void ***chunks, size_t *count, size_t index, size_t item) LS_MUST_CHECK;

/** The slot of a lead or of its survivor, LS_NONE if there is none. */
uint32_t ls_lead_slot(const struct ls_engine *engine, uint64_t id);
/** A new lead, of which nothing is known, under `id` (0: the next free one). */
int ls_lead_new(struct ls_engine *engine, uint32_t id, uint32_t *slot) LS_MUST_CHECK;
/** Gives the slot back; keys, links and the id's node are the caller's. */
void ls_lead_release(struct ls_engine *engine, uint32_t slot);

/** A packed block that is going to replace another one. */
struct ls_block {
	void *ptr;
	uint32_t size;
	bool fresh;
};

int ls_block_prepare(struct ls_engine *engine, const void *old, uint32_t old_size, size_t size,
	struct ls_block *block) LS_MUST_CHECK;
void ls_block_cancel(struct ls_engine *engine, struct ls_block *block);
void ls_block_commit(
	struct ls_engine *engine, struct ls_block *block, void **place, uint32_t *place_size);

/** Replaces the lead's activity. LS_ERR_NOMEM: nothing changed. */
int ls_lead_put_activity(struct ls_engine *engine, struct ls_lead *lead,
	const struct ls_activity *activity) LS_MUST_CHECK;
/** Replaces a lead's or record's document by engine->doc, which is invalid afterwards, and keeps
 * LS_F_DELETED up to date. LS_ERR_NOMEM, LS_ERR_LIMIT: nothing changed. */
int ls_lead_put_doc(struct ls_engine *engine, struct ls_lead *lead) LS_MUST_CHECK;
int ls_record_put_doc(struct ls_engine *engine, struct ls_engine_record *record) LS_MUST_CHECK;

/** What the score is made of besides the profile. */
struct ls_lead_subject {
	const struct ls_engine *engine;
	const struct ls_lead *lead;
};

struct ls_subject_data ls_lead_data(
	const struct ls_lead_subject *subject, const struct ls_activity *activity);
/** Looks at attributes and linked records again: stage, employees. */
void ls_lead_derive(struct ls_engine *engine, struct ls_lead *lead);
/** The score at the engine's moment, -1 if the lead has no place in the ranking. Without memory the
 * one it has. */
int32_t ls_lead_score(struct ls_engine *engine, struct ls_lead *lead);
/** Scores at the engine's moment and moves the lead in the ranking. `tell`: its category counts as
 * told; else the sweep tells. Without memory the score stays, and the sweep gets it right. */
void ls_lead_rescore(struct ls_engine *engine, struct ls_lead *lead, bool tell);
/** Puts the lead at this score in the ranking if it belongs there. */
void ls_lead_place(struct ls_engine *engine, struct ls_lead *lead, int32_t score_milli, bool tell);
bool ls_lead_is_ranked(const struct ls_lead *lead);
/** The newest interaction, its own or that of a linked record. */
int64_t ls_lead_last_ms(const struct ls_engine *engine, const struct ls_lead *lead);
/** The record of the company that stands for the lead, or LS_NONE. */
uint32_t ls_lead_company(const struct ls_engine *engine, const struct ls_lead *lead);
struct ls_slice ls_lead_email(const struct ls_engine *engine, const struct ls_lead *lead);
struct ls_slice ls_lead_company_name(const struct ls_engine *engine, const struct ls_lead *lead);
bool ls_is_interaction(unsigned kind);
/** A number, or a text that is one. */
bool ls_value_number(const struct ls_value *value, double *number);

/* ---- identity.c */

/** Keys and attributes of both, and the alias that `gone_id` becomes, in engine->doc; those of
 * `gone` stay in engine->doc2. LS_ERR_NOMEM, LS_ERR_LIMIT. */
int ls_docs_add_up(struct ls_engine *engine, struct ls_slice into, struct ls_slice gone,
	uint64_t gone_id) LS_MUST_CHECK;
struct ls_key ls_key_of_ref(const struct ls_ref *ref);
/** The same for a lead: an id without its account is the one of an account that is known, if any.
 */
struct ls_key ls_key_of_person(const struct ls_engine *engine, const struct ls_ref *ref);
uint32_t ls_lead_find(const struct ls_engine *engine, const struct ls_key *key);
/** After its key has been packed: "hubspot:1" is looked for in the accounts that are known. */
void ls_note_account(struct ls_engine *engine, const struct ls_key *key);
bool ls_is_tomb(const struct ls_engine *engine, const struct ls_key *key);
/** The lead that an event is about: found, joined from several, or made. *slot is LS_NONE when it
 * is erased. */
int ls_resolve(
	struct ls_engine *engine, const struct ls_event *event, uint32_t *slot) LS_MUST_CHECK;
/** The lead of this key, made if need be. */
int ls_resolve_key(
	struct ls_engine *engine, const struct ls_key *key, uint32_t *slot) LS_MUST_CHECK;
/** Gives a lead one more id. */
int ls_lead_add_ref(
	struct ls_engine *engine, uint32_t slot, const struct ls_key *key) LS_MUST_CHECK;
/** The strongest known key's lead, nothing made or changed; LS_NONE. */
uint32_t ls_resolve_known(const struct ls_engine *engine, const struct ls_event *event);
/** `gone` becomes part of `into`. */
int ls_lead_merge(struct ls_engine *engine, uint32_t into, uint32_t gone) LS_MUST_CHECK;
/** Forgets a lead and everything about it, and leaves tombs for its ids. */
int ls_lead_erase(struct ls_engine *engine, uint32_t slot) LS_MUST_CHECK;
int ls_tomb_add(struct ls_engine *engine, const struct ls_key *key) LS_MUST_CHECK;
int ls_tomb_load(struct ls_engine *engine, uint32_t id, struct ls_hash128 hash,
	uint32_t lead_id) LS_MUST_CHECK;

/* ---- records.c */

struct ls_key ls_key_of_record(const struct ls_ref *ref);
uint32_t ls_record_find(const struct ls_engine *engine, const struct ls_key *key);
/** A new record without keys under `id` (0: the next free one). */
int ls_record_new(struct ls_engine *engine, uint32_t id, uint32_t *out) LS_MUST_CHECK;
int ls_record_resolve(
	struct ls_engine *engine, const struct ls_ref *ref, uint32_t *id) LS_MUST_CHECK;
/** `gone` becomes part of `into`. */
int ls_record_merge(struct ls_engine *engine, uint32_t into, uint32_t gone) LS_MUST_CHECK;
/** Re-scores the leads linked to a record; the one that rose most is told about in `out`. */
void ls_record_spread(struct ls_engine *engine, uint32_t id, struct ls_applied *out);

/* ---- links.c */

uint32_t ls_link_find(const struct ls_engine *engine, uint32_t slot, uint32_t record);
int ls_link_new(
	struct ls_engine *engine, uint32_t slot, uint32_t record, uint32_t *link) LS_MUST_CHECK;
/** Takes it off both lists. */
void ls_link_free(struct ls_engine *engine, uint32_t link);
/** Moves it to another lead's or record's list. */
void ls_link_move_lead(struct ls_engine *engine, uint32_t link, uint32_t slot);
void ls_link_move_record(struct ls_engine *engine, uint32_t link, uint32_t record);
/** Newest wins; true when it changed. */
bool ls_link_join(struct ls_link *link, int64_t time_ms, uint32_t flags);
/** Makes the lead's activity agree with one link (LS_NONE: with all). *changed: it was changed. */
int ls_links_count(
	struct ls_engine *engine, struct ls_lead *lead, uint32_t link, bool *changed) LS_MUST_CHECK;
/** What a linked record counts for now, and when; 0: nothing. */
ls_cell ls_link_worth(const struct ls_engine *engine, const struct ls_link *link, int64_t *time_ms);

/* ---- cut.c */

/** Before any lasting change: notes that it is dirty, and encodes it if the open cut still needs
 * it. LS_ERR_NOMEM: do not change it. */
int ls_lead_touch(struct ls_engine *engine, struct ls_lead *lead) LS_MUST_CHECK;
int ls_record_touch(struct ls_engine *engine, uint32_t id) LS_MUST_CHECK;
/** Room for one more. */
int ls_dirty_reserve(struct ls_engine *engine) LS_MUST_CHECK;
int ls_gone_reserve(struct ls_engine *engine, size_t more) LS_MUST_CHECK;
/** After ls_gone_reserve(). */
void ls_gone_add(struct ls_engine *engine, uint32_t id, bool events);
void ls_cut_fini(struct ls_engine *engine);

/* ---- state.c */

int ls_state_lead(
	struct ls_engine *engine, const struct ls_lead *lead, struct ls_buf *out) LS_MUST_CHECK;
int ls_state_record(struct ls_engine *engine, const struct ls_engine_record *record,
	struct ls_buf *out) LS_MUST_CHECK;

#endif
