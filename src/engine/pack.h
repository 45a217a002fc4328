/* SPDX-License-Identifier: MIT */
/* A lead's activity as it lies in memory: half the size of the library's form, unpacked when it is
 * scored or changed. */
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

#endif
