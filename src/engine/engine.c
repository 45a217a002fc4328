// SPDX-License-Identifier: MIT
/* Birth, death, profile and figures of an engine. */

#include "engine/engine.h"

#include <stdlib.h>

#include "engine/engine_internal.h"

#define LEADS_MAX     5000000u
#define BUF_MAX       (64u << 20)
#define STATE_BUF_MAX (64u << 20)

static int
init(struct ls_engine *engine)
{
	engine->hash_key = ls_hash_key_random();
	int err = ls_dictionary_init(&engine->dict, engine->hash_key);
	if (err == LS_OK)
		err = ls_rank_init(&engine->rank);
	if (err == LS_OK)
		err = ls_doc_init(&engine->doc);
	if (err == LS_OK)
		err = ls_doc_init(&engine->doc2);
	if (err != LS_OK)
		return err;
	engine->pipe = calloc(1, sizeof *engine->pipe);
	engine->moment = ls_moment_new(engine->memory, engine->profile, 0);
	return engine->pipe != NULL && engine->moment != NULL ? LS_OK : LS_ERR_NOMEM;
}

struct ls_engine *
ls_engine_new(const struct ls_engine_options *options)
{
	struct ls_engine *engine = calloc(1, sizeof *engine);
	if (engine == NULL)
		return NULL;
	engine->profile = options->profile;
	engine->max_leads = options->max_leads != 0 ? options->max_leads : LEADS_MAX;
	engine->memory = ls_memory_heap;
	engine->free_lead = LS_NONE;
	engine->free_link = LS_NONE;
	engine->next_id = 1;
	engine->record_end = 1;
	ls_buf_init(&engine->buf, BUF_MAX);
	ls_buf_init(&engine->state_buf, STATE_BUF_MAX);
	if (init(engine) != LS_OK)
		return ls_engine_free(engine);
	return engine;
}

static void
free_large_blocks(struct ls_engine *engine)
{
	for (uint32_t i = 0; i < engine->lead_end; i++) {
		struct ls_lead *lead = ls_lead_at(engine, i);
		ls_slab_free(&engine->slab, lead->activity, lead->activity_size);
		ls_slab_free(&engine->slab, lead->doc, lead->doc_size);
	}
	for (uint32_t i = 1; i < engine->record_end; i++) {
		struct ls_engine_record *record = ls_record_at(engine, i);
		ls_slab_free(&engine->slab, record->doc, record->doc_size);
	}
}

struct ls_engine *
ls_engine_free(struct ls_engine *engine)
{
	if (engine == NULL)
		return NULL;
	free_large_blocks(engine);
	ls_cut_fini(engine);
	for (size_t i = 0; i < engine->lead_chunks; i++)
		free(engine->leads[i]);
	for (size_t i = 0; i < engine->record_chunks; i++)
		free(engine->records[i]);
	free(engine->leads);
	free(engine->records);
	free(engine->links);
	free(engine->pipe);
	ls_map_fini(&engine->keys);
	ls_map_fini(&engine->record_keys);
	ls_map_fini(&engine->tombs);
	ls_activity_fini(&engine->act, engine->memory);
	ls_activity_fini(&engine->act2, engine->memory);
	ls_activity_fini(&engine->state_act, engine->memory);
	ls_doc_fini(&engine->doc);
	ls_doc_fini(&engine->doc2);
	ls_buf_fini(&engine->buf);
	ls_buf_fini(&engine->state_buf);
	ls_rank_fini(&engine->rank);
	ls_dictionary_fini(&engine->dict);
	ls_slab_fini(&engine->slab);
	ls_moment_free(engine->moment);
	free(engine);
	return NULL;
}

int
ls_engine_set_profile(struct ls_engine *engine, const struct ls_profile *profile)
{
	int err = ls_moment_set(engine->moment, profile, ls_moment_now_ms(engine->moment));
	if (err != LS_OK)
		return err;
	engine->profile = profile;
	engine->sweep_at = 0;
	engine->sweeping = false;
	return LS_OK;
}

void
ls_engine_stats(const struct ls_engine *engine, struct ls_engine_stats *out)
{
	*out = engine->stats;
	out->leads = engine->rank.total;
	out->records = engine->record_count - engine->tomb_count;
	out->identities = engine->keys.used;
	out->bytes = ls_slab_bytes(&engine->slab) + ls_rank_bytes(&engine->rank) +
		     ls_map_bytes(&engine->keys) + ls_map_bytes(&engine->record_keys) +
		     ls_map_bytes(&engine->tombs) + ls_intern_bytes(&engine->dict.names) +
		     ls_intern_bytes(&engine->dict.values) +
		     engine->lead_chunks * LS_CHUNK * sizeof(struct ls_lead) +
		     engine->record_chunks * LS_CHUNK * sizeof(struct ls_engine_record) +
		     engine->link_room * sizeof(struct ls_link) +
		     (engine->dirty.room + engine->cut.tokens.room) * sizeof(uint64_t);
}
