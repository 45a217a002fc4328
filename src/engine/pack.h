/* SPDX-License-Identifier: MIT */
/* A lead's activity as it lies in memory: half the size of the library's form, in which it is
 * scored and counts one more event; unpacked for everything else. */
#ifndef LS_ENGINE_PACK_H
#define LS_ENGINE_PACK_H

#include "leadscore/activity.h"

/** Bytes that packing takes; *wide says that the activity does not fit the narrow form. */
size_t ls_pack_size(const struct ls_activity *activity, bool *wide);
/** Writes ls_pack_size() bytes. */
void ls_pack(const struct ls_activity *activity, bool wide, void *out);
/** Into arrays that grow through `memory` and are kept for the next. NULL is no activity.
 * LS_ERR_NOMEM. */
int ls_unpack(const void *packed, bool wide, struct ls_activity *activity,
	struct ls_memory memory) LS_MUST_CHECK;
/** As ls_unpack, into arrays that are large enough: see ls_pack_counts(). */
void ls_unpack_into(const void *packed, bool wide, struct ls_activity *activity);
void ls_pack_counts(const void *packed, bool wide, uint32_t *cells, uint32_t *hits);

/** One more event in a narrow activity, without unpacking it. */
struct ls_pack_plan {
	size_t size; /* of what it becomes */
	uint32_t cell, cell_at, hit_at, hit_key;
	uint64_t message;
	bool new_cell, is_hit, new_hit;
};

/** False when it takes the library's own ls_activity_add() to do it; the result is the same. */
bool ls_pack_plan_add(const void *packed, unsigned kind, int64_t time_ms, uint64_t message,
	struct ls_pack_plan *plan);
/** `out` has plan->size bytes, and may be where `packed` is. */
void ls_pack_add(const void *packed, const struct ls_pack_plan *plan, void *out);

#endif
