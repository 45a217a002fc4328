// SPDX-License-Identifier: MIT
/*
 * Start: load the store's rows, then apply what the log holds behind the checkpoint, then go live.
 * The same reading of the log serves when applying had to pause. Requests are accepted all the
 * while: their entries join the end of the log.
 */

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/logger.h"
#include "service/profiles.h"

#define ROWS_A_PAGE    1000u
#define ENTRIES_A_PAGE 500u
#define PAGE_BYTES_MAX (1u << 30)
#define RETRY_NS       INT64_C(1000000000)
#define PROGRESS_NS    INT64_C(5000000000)
#define MAGIC          0xca7c409bu

struct ls_catch_up {
	uint32_t magic;
	struct ls_service *service;
	/* loading */
	enum ls_store_table table;
	uint64_t after_id, rows;
	/* a page of the log, copied */
	struct ls_arena page;
	struct ls_log_entry *entries;
	size_t count, next;
	struct ls_arena decoded; /* of one entry at a time */
	bool at_end, reading;
	int64_t retry_ns, started_ns, said_ns;
	uint64_t applied;
};

static struct ls_catch_up *
self(void *ctx)
{
	struct ls_catch_up *c = ctx;
	ls_assert(c != NULL && c->magic == MAGIC);
	return c;
}

static void
fail(struct ls_catch_up *c, const char *what, int err)
{
	c->service->tenant.phase = LS_PHASE_FAILED;
	ls_error("start",
		"the store cannot be read: requests go to the log, nothing is scored step=%s "
		"reason=\"%s\"",
		what, ls_strerror(err));
}

static void
begin_catch_up(struct ls_catch_up *c)
{
	struct ls_tenant *tenant = &c->service->tenant;
	ls_info("start", "state loaded rows=%" PRIu64 " position=%" PRIu64 " ms=%" PRId64, c->rows,
		tenant->applied_id, (ls_clock_mono_ns() - c->started_ns) / 1000000);
	tenant->phase = LS_PHASE_CATCH_UP;
	ls_loop_again(c->service->loop);
}

static int
load_row(struct ls_tenant *tenant, enum ls_store_table table, const struct ls_store_row *row)
{
	bool seen;
	switch (table) {
	case LS_STORE_RECORDS:
		return ls_engine_load_record(tenant->engine, row->id, row->state);
	case LS_STORE_LEADS:
		return ls_engine_load_lead(tenant->engine, row->id, row->state);
	case LS_STORE_DEDUPE:
		return ls_dedupe_add(tenant->dedupe, row->dedupe, row->received_ms, &seen);
	}
	return LS_ERR_INVALID;
}

static void on_rows(void *ctx, int err, const struct ls_store_row *rows, size_t count);

static void
load_more(struct ls_catch_up *c)
{
	struct ls_service *service = c->service;
	int err = ls_store_load(service->store, service->tenant.slug, c->table, c->after_id,
		ROWS_A_PAGE, on_rows, c);
	if (err != LS_OK)
		fail(c, "load", err);
}

static void
on_rows(void *ctx, int err, const struct ls_store_row *rows, size_t count)
{
	struct ls_catch_up *c = self(ctx);
	if (err == LS_ERR_CLOSED)
		return;
	for (size_t i = 0; err == LS_OK && i < count; i++) {
		err = load_row(&c->service->tenant, c->table, &rows[i]);
		c->after_id = rows[i].id;
	}
	if (err != LS_OK) {
		fail(c, "load", err);
		return;
	}
	c->rows += count;
	if (count < ROWS_A_PAGE) {
		/* records first, so that leads find what they are associated with */
		static const enum ls_store_table order[] = { LS_STORE_RECORDS, LS_STORE_LEADS,
			LS_STORE_DEDUPE };
		size_t at = 0;
		while (order[at] != c->table)
			at++;
		if (at + 1 == LS_ARRAY_LEN(order)) {
			begin_catch_up(c);
			return;
		}
		c->table = order[at + 1];
		c->after_id = 0;
	}
	load_more(c);
}

static void
on_profiles(void *ctx, int err)
{
	struct ls_catch_up *c = self(ctx);
	if (err == LS_ERR_CLOSED)
		return;
	if (err == LS_OK)
		load_more(c);
	else
		fail(c, "profiles", err);
}

static void
on_info(void *ctx, int err, const struct ls_store_info *info)
{
	struct ls_catch_up *c = self(ctx);
	struct ls_tenant *tenant = &c->service->tenant;
	if (err == LS_ERR_CLOSED)
		return;
	uint64_t position = 0;
	if (err == LS_OK && info->position.len > 0)
		err = ls_slice_to_u64(info->position, &position);
	if (err != LS_OK) {
		fail(c, "info", err);
		return;
	}
	tenant->sources.dedupe_key = info->dedupe_key;
	tenant->applied_id = position;
	c->table = LS_STORE_RECORDS;
	err = ls_profiles_load(c->service, on_profiles, c);
	if (err != LS_OK)
		fail(c, "profiles", err);
}

int
ls_catch_up_open(struct ls_service *service)
{
	struct ls_catch_up *c = calloc(1, sizeof *c);
	if (c == NULL)
		return LS_ERR_NOMEM;
	*c = (struct ls_catch_up){
		.magic = MAGIC, .service = service, .started_ns = ls_clock_mono_ns()
	};
	c->said_ns = c->started_ns;
	ls_arena_init(&c->page, PAGE_BYTES_MAX);
	ls_arena_init(&c->decoded, PAGE_BYTES_MAX);
	service->catch_up = c;
	service->tenant.phase = LS_PHASE_LOADING;
	return ls_store_info(service->store, service->tenant.slug, on_info, c);
}

void
ls_catch_up_free(struct ls_service *service)
{
	struct ls_catch_up *c = service->catch_up;
	if (c == NULL)
		return;
	ls_arena_fini(&c->page);
	ls_arena_fini(&c->decoded);
	c->magic = 0;
	free(c);
	service->catch_up = NULL;
}

void
ls_catch_up_from_log(struct ls_service *service)
{
	struct ls_catch_up *c = service->catch_up;
	service->tenant.phase = LS_PHASE_CATCH_UP;
	c->count = c->next = 0;
	c->at_end = false;
	c->applied = 0;
	c->started_ns = ls_clock_mono_ns();
}

static bool
copy_page(struct ls_catch_up *c, const struct ls_log_entry *entries, size_t count)
{
	ls_arena_reset(&c->page);
	c->entries = ls_arena_alloc(&c->page, (count + 1) * sizeof *entries);
	c->count = c->next = 0;
	if (c->entries == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		c->entries[i] = entries[i];
		c->entries[i].source = ls_arena_copy(&c->page, entries[i].source);
		c->entries[i].tenant = ls_arena_copy(&c->page, entries[i].tenant);
		c->entries[i].body = ls_arena_copy(&c->page, entries[i].body);
		if (c->entries[i].source.data == NULL || c->entries[i].tenant.data == NULL ||
			c->entries[i].body.data == NULL)
			return i > 0; /* what did fit is applied; the rest is read again */
		c->count = i + 1;
	}
	return true;
}

static void
on_page(void *ctx, int err, const struct ls_log_entry *entries, size_t count, bool at_end)
{
	struct ls_catch_up *c = self(ctx);
	c->reading = false;
	if (err == LS_ERR_CLOSED)
		return;
	if (err == LS_OK && !copy_page(c, entries, count))
		err = LS_ERR_NOMEM;
	if (err != LS_OK) {
		c->retry_ns = ls_clock_mono_ns() + RETRY_NS;
		ls_error("start", "the log cannot be read, trying again reason=\"%s\"",
			ls_strerror(err));
		return;
	}
	c->at_end = at_end && c->count == count;
	ls_loop_again(c->service->loop);
}

static void
apply_logged(struct ls_catch_up *c, const struct ls_log_entry *entry, bool *taken)
{
	struct ls_service *service = c->service;
	const struct ls_source *source = ls_source_find(entry->source);
	const struct ls_source_entry decode_this = { .body = entry->body,
		.received_ms = entry->received_ms };
	struct ls_decoded decoded = { 0 };
	*taken = true;
	if (source == NULL) {
		ls_error("start",
			"entry of an unknown source left alone id=%" PRIu64 " source=%.*s",
			entry->id, LS_FMT(entry->source));
		return;
	}
	ls_arena_reset(&c->decoded);
	if (source->decode(&service->tenant.sources, &decode_this, &c->decoded, &decoded) != LS_OK)
		service->sources[ls_source_index(source)].quarantined++;
	*taken = ls_apply_entry(service, source, &decoded);
}

static void
go_live(struct ls_catch_up *c)
{
	struct ls_service *service = c->service;
	int64_t ms = (ls_clock_mono_ns() - c->started_ns) / 1000000;
	service->tenant.phase = LS_PHASE_LIVE;
	service->stats.caught_up_ms = ms;
	ls_profiles_live(service);
	ls_arena_fini(&c->page);
	ls_arena_fini(&c->decoded);
	c->entries = NULL;
	c->count = c->next = 0;
	ls_info("start", "live entries_applied=%" PRIu64 " position=%" PRIu64 " ms=%" PRId64,
		c->applied, service->tenant.applied_id, ms);
}

static void
say_progress(struct ls_catch_up *c, int64_t now_ns)
{
	if (now_ns - c->said_ns < PROGRESS_NS)
		return;
	c->said_ns = now_ns;
	ls_info("start", "catching up entries_applied=%" PRIu64 " position=%" PRIu64 " of=%" PRIu64,
		c->applied, c->service->tenant.applied_id, ls_log_stats(c->service->log)->last_id);
}

bool
ls_catch_up_step(struct ls_service *service, int64_t until_ns)
{
	struct ls_catch_up *c = service->catch_up;
	struct ls_tenant *tenant = &service->tenant;
	if (c == NULL || tenant->phase != LS_PHASE_CATCH_UP || c->reading)
		return false;
	int64_t now_ns = ls_clock_mono_ns();
	while (c->next < c->count && now_ns < until_ns) {
		bool taken = false;
		apply_logged(c, &c->entries[c->next], &taken);
		if (!taken)
			return false; /* a checkpoint must make room first; the tick comes back */
		tenant->applied_id = c->entries[c->next].id;
		c->next++;
		c->applied++;
		now_ns = ls_clock_mono_ns();
	}
	say_progress(c, now_ns);
	if (c->next < c->count)
		return true;
	/* the end may have moved on since the page was read, and what was acknowledged meanwhile
	 * was left for us */
	if (c->at_end && tenant->left_id <= tenant->applied_id) {
		go_live(c);
		return false;
	}
	if (now_ns < c->retry_ns)
		return false;
	c->reading =
		ls_log_read(service->log, tenant->applied_id, ENTRIES_A_PAGE, on_page, c) == LS_OK;
	return false;
}
