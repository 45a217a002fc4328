/* SPDX-License-Identifier: MIT */
/* What the codecs that read JSON share: growing lists of events and faults, JSON pointers, checks
 * of attributes. For this folder only. */
#ifndef LS_SOURCE_DECODE_H
#define LS_SOURCE_DECODE_H

#include "base/json_read.h"
#include "source/source.h"

#define LS_FAULTS_MAX    100u
#define LS_STRING_MAX    1024u
#define LS_NAME_MAX      64u
#define LS_ID_MAX        64u
#define LS_SYSTEM_MAX    32u
#define LS_TIME_AHEAD_MS INT64_C(300000)
#define LS_TIME_MS_MAX   INT64_C(253402300799999) /* end of the year 9999 */

/** A place in the document, innermost first; lives on the stack of whoever reads there. A member
 * when key.data is set, an item otherwise. */
struct ls_path {
	const struct ls_path *up;
	struct ls_slice key;
	size_t index;
};

struct ls_decode {
	struct ls_arena *arena;
	int64_t received_ms;
	struct ls_decoded out;
	size_t event_room;
	int err; /* LS_ERR_NOMEM sticks */
};

void ls_decode_init(struct ls_decode *decode, struct ls_arena *arena, int64_t received_ms);
/** A new event with time and received set; NULL when there is no memory. `expected`: how many there
 * may be in all. */
struct ls_event *ls_decode_event(struct ls_decode *decode, size_t expected);
/** `what` is static or in the arena. */
void ls_decode_fault(struct ls_decode *decode, const struct ls_path *at, struct ls_slice what);
/** With a word in it: `before` 'word' `after`. Long words are cut. */
void ls_decode_fault_word(struct ls_decode *decode, const struct ls_path *at, const char *before,
	struct ls_slice word, const char *after);
/** What decode() returns. A syntax error leaves one fault and no events. */
int ls_decode_finish(
	struct ls_decode *decode, struct ls_json *json, struct ls_decoded *out) LS_MUST_CHECK;

/** No later than 5 minutes after it was received, no earlier than 1970. */
int64_t ls_decode_clamp(int64_t time_ms, int64_t received_ms);
/** At most `max` bytes, cut between two characters. */
struct ls_slice ls_utf8_cut(struct ls_slice s, size_t max);

/** [a-z0-9_]{1,64} */
bool ls_attribute_name_ok(struct ls_slice name);
/**
 * Brings the value of a well-known attribute into its form: strings are cut, e-mail made canonical
 * (in the arena). 0; LS_ERR_INVALID with *why (static) when it cannot be that attribute's value;
 * LS_ERR_NOMEM.
 */
int ls_attribute_check(
	struct ls_arena *arena, struct ls_attribute *attribute, const char **why) LS_MUST_CHECK;

#endif
