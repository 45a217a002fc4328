/* SPDX-License-Identifier: MIT */
/* What is known of a lead or record besides its activity: the keys it is found by, and its
 * attributes. Lies packed in memory; changed by unpacking, changing, packing. */
#ifndef LS_ENGINE_DOC_H
#define LS_ENGINE_DOC_H

#include "engine/intern.h"
#include "engine/varint.h"
#include "source/event.h"

#define LS_DOC_KEYS_MAX  1024u
#define LS_DOC_ATTRS_MAX 64u
#define LS_NEVER         INT64_MIN

/** Stored: never renumber. The lower, the stronger. */
enum ls_key_type {
	LS_KEY_REF, /* an id in another system */
	LS_KEY_EMAIL,
	LS_KEY_VISITOR,
	LS_KEY_ALIAS, /* an id of our own that was merged into this one; in `scope` */
};

struct ls_key {
	enum ls_key_type type;
	bool absorbed;                   /* named as merged away by a MERGE */
	struct ls_slice system;          /* REF */
	struct ls_slice rtype;           /* REF of a record that is no lead */
	uint64_t scope;                  /* REF, ALIAS */
	struct ls_slice id;              /* REF, EMAIL, VISITOR */
	int64_t deleted_ms, restored_ms; /* LS_NEVER */
};

struct ls_attr {
	uint32_t name; /* a number in ls_dictionary.names */
	struct ls_value value;
	int64_t set_ms;
};

struct ls_doc {
	struct ls_key *keys;
	struct ls_attr *attrs; /* room for LS_DOC_ATTRS_MAX */
	size_t key_count, key_room;
	size_t attr_count;
};

/** Names that the engine itself looks at have fixed numbers. Never reorder. */
#define LS_NAMES(X)                                                                                \
	X(EMAIL, "email")                                                                          \
	X(FIRST_NAME, "first_name")                                                                \
	X(LAST_NAME, "last_name")                                                                  \
	X(COMPANY, "company")                                                                      \
	X(OWNER, "owner")                                                                          \
	X(LIFECYCLE_STAGE, "lifecycle_stage")                                                      \
	X(EMPLOYEES, "employees")                                                                  \
	X(LEAD_STATUS, "lead_status")                                                              \
	X(STAGE_PROBABILITY, "stage_probability")                                                  \
	X(UNSUBSCRIBED, "unsubscribed")                                                            \
	X(NAME, "name")                                                                            \
	X(JOB_TITLE, "job_title")                                                                  \
	X(PHONE, "phone")                                                                          \
	X(EMAIL_DOMAIN, "email_domain")                                                            \
	X(TIMESTAMP, "timestamp")                                                                  \
	X(DIRECTION, "direction")

enum ls_name {
#define X(upper, name) LS_NAME_##upper,
	LS_NAMES(X)
#undef X
		LS_NAME_COUNT
};

struct ls_dictionary {
	struct ls_intern names;  /* attribute names, systems, record types */
	struct ls_intern values; /* values of attributes that have few */
};

int ls_dictionary_init(struct ls_dictionary *dict, struct ls_hash_key key) LS_MUST_CHECK;
void ls_dictionary_fini(struct ls_dictionary *dict);

int ls_doc_init(struct ls_doc *doc) LS_MUST_CHECK;
void ls_doc_fini(struct ls_doc *doc);
/** LS_ERR_NOMEM; LS_ERR_LIMIT. */
int ls_doc_add_key(struct ls_doc *doc, const struct ls_key *key) LS_MUST_CHECK;
/** NULL when it is not there. */
struct ls_key *ls_doc_find_key(const struct ls_doc *doc, const struct ls_key *key);
struct ls_attr *ls_doc_find_attr(const struct ls_doc *doc, uint32_t name);
/** Newest wins, ties by the value, so that order does not matter. True when it was accepted or is
 * older; false when there are too many. */
bool ls_doc_set_attr(struct ls_doc *doc, const struct ls_attr *attr);

/** Slices of what is unpacked point into `packed` and the dictionary. Never fails on what
 * ls_doc_pack() made, except for LS_ERR_NOMEM. */
int ls_doc_unpack(
	const struct ls_dictionary *dict, struct ls_slice packed, struct ls_doc *doc) LS_MUST_CHECK;
/** Appends. LS_ERR_NOMEM, LS_ERR_LIMIT (the dictionary is full). */
int ls_doc_pack(
	struct ls_dictionary *dict, const struct ls_doc *doc, struct ls_buf *out) LS_MUST_CHECK;

/** Reading packed ones in place. */
struct ls_doc_reader {
	const struct ls_dictionary *dict;
	struct ls_slice packed;
	struct ls_reader reader;
	uint64_t keys_left, attrs_left;
	int64_t base_ms;
	bool in_attrs;
};

struct ls_doc_reader ls_doc_reader(const struct ls_dictionary *dict, struct ls_slice packed);
bool ls_doc_next_key(struct ls_doc_reader *r, struct ls_key *key);
/** Skips the keys that were not read. */
bool ls_doc_next_attr(struct ls_doc_reader *r, struct ls_attr *attr);
bool ls_doc_get(const struct ls_dictionary *dict, struct ls_slice packed, uint32_t name,
	struct ls_attr *attr);
bool ls_doc_has_key(
	const struct ls_dictionary *dict, struct ls_slice packed, const struct ls_key *key);

bool ls_key_eq(const struct ls_key *a, const struct ls_key *b);
int ls_key_cmp(const struct ls_key *a, const struct ls_key *b);
uint64_t ls_key_hash(struct ls_hash_key hash_key, const struct ls_key *key);
/** A total order of values: that of their JSON types' first letters, then by value. */
int ls_value_cmp(const struct ls_value *a, const struct ls_value *b);
/** Whether the keys say that the thing is deleted. */
bool ls_keys_deleted(const struct ls_key *keys, size_t count);

#endif
