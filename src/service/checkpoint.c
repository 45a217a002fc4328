// SPDX-License-Identifier: MIT
/*
 * Writes what has changed, the events applied and the log position in one transaction. The cut is
 * encoded in slices while events go on; a write that fails is tried again as it is, so what the
 * store holds always belongs to one position.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/logger.h"
#include "service/service.h"

#define ROWS_A_SLICE 32u
#define RETRY_NS     INT64_C(1000000000)
#define TRIM_NS      INT64_C(10000000000)
#define MAGIC        0xc4ec4901u

enum state { IDLE, CUTTING, WAITING, WRITING };

struct ls_checkpoint {
	uint32_t magic;
	struct ls_service *service;
	enum state state;
	int64_t last_ns, retry_ns, trimmed_ns;
	uint64_t position;        /* of the cut */
	uint64_t stored_position; /* of the last one written */
	struct ls_journal journal;
	struct ls_arena text;
	struct ls_store_lead *leads;
	size_t lead_count, lead_room;
	struct ls_store_record *records;
	size_t record_count, record_room;
	uint64_t *erase;
	size_t erase_count, erase_room;
	uint64_t begun, written;  /* checkpoints */
	struct ls_flush *waiting; /* for one of them */
	bool trimming;
};

static struct ls_checkpoint *
self(void *ctx)
{
	struct ls_checkpoint *c = ctx;
	ls_assert(c != NULL && c->magic == MAGIC);
	return c;
}

int
ls_checkpoint_open(struct ls_service *service)
{
	struct ls_checkpoint *c = calloc(1, sizeof *c);
	if (c == NULL)
		return LS_ERR_NOMEM;
	*c = (struct ls_checkpoint){
		.magic = MAGIC, .service = service, .last_ns = ls_clock_mono_ns()
	};
	ls_journal_init(&c->journal, (size_t)service->settings->max_journal);
	/* bounded by the leads themselves */
	ls_arena_init(&c->text, SIZE_MAX / 2);
	service->checkpoint = c;
	return LS_OK;
}

/* those whose checkpoint is written; with an error all of them */
static void
tell(struct ls_checkpoint *c, int err)
{
	struct ls_flush *flush = c->waiting;
	c->waiting = NULL;
	while (flush != NULL) {
		struct ls_flush *next = flush->next;
		if (err != LS_OK || flush->wanted <= c->written) {
			flush->done(flush, err);
		} else {
			flush->next = c->waiting;
			c->waiting = flush;
		}
		flush = next;
	}
}

void
ls_checkpoint_flush(struct ls_service *service, struct ls_flush *flush, bool fresh)
{
	struct ls_checkpoint *c = service->checkpoint;
	flush->wanted = c->begun + (fresh ? 1 : 0);
	flush->next = c->waiting;
	c->waiting = flush;
	ls_loop_again(service->loop);
}

const struct ls_journal *
ls_checkpoint_journal(const struct ls_service *service)
{
	return &service->checkpoint->journal;
}

void
ls_checkpoint_free(struct ls_service *service)
{
	struct ls_checkpoint *c = service->checkpoint;
	if (c == NULL)
		return;
	ls_journal_fini(&c->journal);
	ls_arena_fini(&c->text);
	tell(c, LS_ERR_CLOSED);
	free(c->leads);
	free(c->records);
	free(c->erase);
	c->magic = 0;
	free(c);
	service->checkpoint = NULL;
}

bool
ls_checkpoint_idle(const struct ls_service *service)
{
	return service->checkpoint == NULL || service->checkpoint->state == IDLE;
}

bool
ls_checkpoint_clean(const struct ls_service *service)
{
	return ls_checkpoint_idle(service) && service->tenant.journal.count == 0 &&
	       service->tenant.journal.history_count == 0 &&
	       ls_engine_dirty(service->tenant.engine) == 0 &&
	       service->checkpoint->stored_position == service->tenant.applied_id;
}

static void *
room_for(void *array, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return array;
	size_t more = *room > 0 ? *room * 2 : 256;
	void *bigger = realloc(array, more * size);
	if (bigger != NULL)
		*room = more;
	return bigger;
}

static int
add_lead(struct ls_checkpoint *c, const struct ls_cut_row *row)
{
	struct ls_store_lead *leads =
		room_for(c->leads, c->lead_count, &c->lead_room, sizeof *leads);
	if (leads == NULL)
		return LS_ERR_NOMEM;
	c->leads = leads;
	struct ls_store_lead lead = {
		.id = row->id,
		.erased = row->erased,
		.email = ls_arena_copy(&c->text, row->email),
		.name = ls_arena_copy(&c->text, row->name),
		.company = ls_arena_copy(&c->text, row->company),
		.score_milli = row->score_milli,
		.scored_ms = row->scored_ms,
		.last_activity_ms = row->last_activity_ms,
		.state = ls_arena_copy(&c->text, row->state),
	};
	if (lead.email.data == NULL || lead.name.data == NULL || lead.company.data == NULL ||
		lead.state.data == NULL)
		return LS_ERR_NOMEM;
	if (row->erase_events) {
		uint64_t *erase = room_for(c->erase, c->erase_count, &c->erase_room, sizeof *erase);
		if (erase == NULL)
			return LS_ERR_NOMEM;
		c->erase = erase;
		c->erase[c->erase_count++] = row->id;
	}
	c->leads[c->lead_count++] = lead;
	return LS_OK;
}

static int
on_row(void *ctx, const struct ls_cut_row *row)
{
	struct ls_checkpoint *c = self(ctx);
	if (!row->is_record)
		return add_lead(c, row);
	struct ls_store_record *records =
		room_for(c->records, c->record_count, &c->record_room, sizeof *records);
	if (records == NULL)
		return LS_ERR_NOMEM;
	c->records = records;
	struct ls_slice state =
		row->erased ? ls_slice(NULL, 0) : ls_arena_copy(&c->text, row->state);
	if (!row->erased && state.data == NULL)
		return LS_ERR_NOMEM;
	c->records[c->record_count++] = (struct ls_store_record){ .id = row->id, .state = state };
	return LS_OK;
}

static bool
is_due(const struct ls_checkpoint *c, bool now)
{
	const struct ls_service *service = c->service;
	const struct ls_tenant *tenant = &service->tenant;
	if (tenant->phase != LS_PHASE_LIVE && tenant->phase != LS_PHASE_CATCH_UP)
		return false;
	if (tenant->events_since_cut >= (uint64_t)service->settings->checkpoint_events ||
		!ls_journal_has_room(&tenant->journal))
		return true;
	bool asked = now || c->waiting != NULL;
	bool anything = tenant->journal.history_count > 0 ||
			tenant->applied_id != c->stored_position ||
			ls_engine_dirty(tenant->engine) > 0;
	return anything && (asked || ls_clock_mono_ns() - c->last_ns >=
					     service->settings->checkpoint_ms * 1000000);
}

static void
begin_cut(struct ls_checkpoint *c)
{
	struct ls_tenant *tenant = &c->service->tenant;
	if (ls_engine_cut_begin(tenant->engine) != LS_OK)
		return;
	/* the cut is one instant: this position, these changes, these events */
	c->state = CUTTING;
	c->begun++;
	c->position = tenant->applied_id;
	c->journal = tenant->journal;
	ls_journal_init(&tenant->journal, c->journal.max_bytes);
	c->lead_count = c->record_count = c->erase_count = 0;
	tenant->events_since_cut = 0;
}

static void
end_cut(struct ls_checkpoint *c)
{
	ls_engine_cut_end(c->service->tenant.engine, true);
	ls_journal_fini(&c->journal);
	ls_arena_fini(&c->text);
	c->stored_position = c->position;
	c->last_ns = ls_clock_mono_ns();
	c->state = IDLE;
	c->written = c->begun;
	tell(c, LS_OK);
}

static void
on_trimmed(void *ctx, int err, uint64_t deleted, bool more)
{
	struct ls_checkpoint *c = self(ctx);
	(void)deleted;
	c->trimming = false;
	if (more)
		c->trimmed_ns = 0; /* the next checkpoint goes on with it */
	if (err != LS_OK && err != LS_ERR_CLOSED)
		ls_warn("checkpoint", "the log could not be trimmed reason=\"%s\"",
			ls_strerror(err));
}

static void
trim(struct ls_checkpoint *c)
{
	struct ls_service *service = c->service;
	int64_t now_ns = ls_clock_mono_ns(),
		older_ms = ls_loop_now_ms(service->loop) - service->settings->log_retention_ms;
	if (c->trimming || service->stopping || now_ns - c->trimmed_ns < TRIM_NS)
		return;
	c->trimmed_ns = now_ns;
	c->trimming =
		ls_log_trim(service->log, c->stored_position, older_ms, on_trimmed, c) == LS_OK;
}

static void
on_written(void *ctx, int err)
{
	struct ls_checkpoint *c = self(ctx);
	if (err == LS_ERR_CLOSED)
		return;
	if (err != LS_OK) {
		c->state = WAITING;
		c->retry_ns = ls_clock_mono_ns() + RETRY_NS;
		tell(c, err);
		ls_error("checkpoint",
			"not written, trying again; nothing is lost position=%" PRIu64
			" reason=\"%s\"",
			c->position, ls_strerror(err));
		return;
	}
	end_cut(c);
	trim(c);
	ls_loop_again(c->service->loop);
}

static void
write_cut(struct ls_checkpoint *c)
{
	struct ls_service *service = c->service;
	char position[24];
	int n = snprintf(position, sizeof position, "%" PRIu64, c->position);
	const struct ls_store_checkpoint checkpoint = {
		.tenant = service->tenant.slug,
		.leads = c->leads,
		.lead_count = c->lead_count,
		.records = c->records,
		.record_count = c->record_count,
		.events = c->journal.events,
		.event_count = c->journal.count,
		.history = c->journal.history,
		.history_count = c->journal.history_count,
		.erase_events_of = c->erase,
		.erase_count = c->erase_count,
		.position = ls_slice(position, (size_t)n),
		.dedupe_older_than_ms =
			ls_loop_now_ms(service->loop) - LS_DEDUPE_KEEP_MS - LS_DEDUPE_GENERATION_MS,
	};
	c->state = WRITING;
	int err = ls_store_checkpoint(service->store, &checkpoint, on_written, c);
	if (err != LS_OK)
		on_written(c, err);
}

bool
ls_checkpoint_step(struct ls_service *service, int64_t until_ns, bool now)
{
	struct ls_checkpoint *c = service->checkpoint;
	if (c == NULL)
		return false;
	if (c->state == IDLE && is_due(c, now))
		begin_cut(c);
	if (c->state == WAITING && ls_clock_mono_ns() >= c->retry_ns)
		write_cut(c);
	size_t left = 1;
	while (c->state == CUTTING) {
		int err =
			ls_engine_cut_next(service->tenant.engine, ROWS_A_SLICE, on_row, c, &left);
		if (err != LS_OK) {
			ls_error("checkpoint",
				"state could not be encoded, trying again reason=\"%s\"",
				ls_strerror(err));
			return false;
		}
		if (left == 0)
			write_cut(c);
		else if (ls_clock_mono_ns() >= until_ns)
			return true;
	}
	return false;
}
