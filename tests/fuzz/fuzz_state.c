// SPDX-License-Identifier: MIT
/* Rows of the database: whatever they hold, loading them changes nothing or gives a state that is
 * written as it was read. The first byte chooses what the rest is the state of. */

#include <stdlib.h>

#include "engine/engine_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ID 7u

static struct ls_engine *
new_engine(const struct ls_profile *profile)
{
	struct ls_engine *engine =
		ls_engine_new(&(struct ls_engine_options){ .profile = profile, .max_leads = 100 });
	ls_assert(engine != NULL);
	return engine;
}

static int
load(struct ls_engine *engine, bool is_record, struct ls_slice state)
{
	return is_record ? ls_engine_load_record(engine, ID, state)
			 : ls_engine_load_lead(engine, ID, state);
}

static struct ls_slice
save(struct ls_engine *engine, bool is_record)
{
	if (is_record)
		ls_assert(ls_state_record(engine, ls_record_at(engine, ID), &engine->state_buf) ==
			  LS_OK);
	else
		ls_assert(ls_state_lead(engine, ls_lead_at(engine, engine->rank.nodes[ID].slot),
				  &engine->state_buf) == LS_OK);
	return ls_buf_slice(&engine->state_buf);
}

/* The first writing may differ from what was read by numbers in longer spellings than need be. */
static void
check_round_trip(struct ls_engine *engine, const struct ls_profile *profile, bool is_record)
{
	struct ls_engine *other = new_engine(profile);
	struct ls_slice first = save(engine, is_record);
	ls_assert(load(other, is_record, first) == LS_OK);
	ls_assert(ls_slice_eq(first, save(other, is_record)));
	while (ls_engine_sweep(other, INT64_C(1705314600000), 8, NULL, NULL) > 0)
		;
	ls_engine_free(other);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct ls_profile *profile = ls_profile_default(ls_memory_heap);
	struct ls_engine *engine = new_engine(profile);
	bool is_record = (data[0] & 1) != 0;
	struct ls_engine_stats stats;
	struct ls_slice state = ls_slice((const char *)data + 1, size - 1);
	if (load(engine, is_record, state) == LS_OK) {
		check_round_trip(engine, profile, is_record);
	} else {
		ls_engine_stats(engine, &stats);
		ls_assert(stats.leads == 0 && stats.identities == 0);
	}
	ls_engine_free(engine);
	ls_profile_free(profile);
	return 0;
}
