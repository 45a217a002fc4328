// SPDX-License-Identifier: MIT
/* Which message an open or a click belongs to, as a number. */

#include "leadscore/activity.h"

#include "base/hash.h"

/* Hashes of message names are stored: the key never changes. */
static const struct ls_hash_key message_key = { 0x6c656164736b6579u, 0x6d65737361676573u };

uint64_t
ls_message_hash(struct ls_slice name)
{
	if (name.len == 0)
		return 0;
	uint64_t hash = ls_hash_slice(message_key, name);
	return hash != 0 ? hash : 1;
}
