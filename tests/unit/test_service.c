// SPDX-License-Identifier: MIT
/* The house when its store does not do what it should: what was acknowledged is applied in the end,
 * once, and what cannot be read back refuses nothing. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/logger.h"
#include "engine/engine.h"
#include "log/log.h"
#include "service/pending.h"
#include "store/store.h"

#define EVENTS 300u

struct house {
	char dir[64];
	struct ls_loop *loop;
	struct ls_timer *poll;
	struct ls_settings settings;
	struct ls_service service;
	struct ls_store_ops ops;
	unsigned sent, acked;
	bool (*until)(const struct house *house);
};

static int
refuse_checkpoint(struct ls_store *store, const struct ls_store_checkpoint *checkpoint,
	ls_store_done_fn done, void *ctx)
{
	(void)store;
	(void)checkpoint;
	(void)done;
	(void)ctx;
	return LS_ERR_IO;
}

static int
refuse_load(struct ls_store *store, struct ls_slice tenant, enum ls_store_table table,
	uint64_t after_id, size_t limit, ls_store_rows_fn done, void *ctx)
{
	(void)store;
	(void)tenant;
	(void)table;
	(void)after_id;
	(void)limit;
	(void)done;
	(void)ctx;
	return LS_ERR_IO;
}

static void
on_poll(void *ctx)
{
	struct house *house = ctx;
	if (house->until(house))
		ls_loop_stop(house->loop);
	else
		ls_timer_set(house->poll, 1);
}

static void
run_until(struct house *house, bool (*until)(const struct house *house))
{
	house->until = until;
	ls_timer_set(house->poll, 0);
	ls_loop_run(house->loop);
}

static void
open_house(struct house *house)
{
	struct ls_buf faults;
	char why[256] = "";
	house->loop = ls_loop_new();
	ls_buf_init(&faults, 4096);
	assert_int_equal(setenv("LEADSCORE_DATA_DIR", house->dir, 1), 0);
	assert_int_equal(setenv("LEADSCORE_LISTEN", "127.0.0.1:0", 1), 0);
	assert_int_equal(ls_settings_load(&house->settings, NULL, &faults), LS_OK);
	ls_buf_fini(&faults);
	/* a journal far below the least that can be configured, and no checkpoint but for need */
	house->settings.max_journal = 16384;
	house->settings.checkpoint_ms = INT64_C(3600000);
	if (ls_service_open(&house->service, house->loop, &house->settings, why, sizeof why) !=
		LS_OK)
		fail_msg("%s", why);
	house->poll = ls_timer_new(house->loop, on_poll, house);
	assert_non_null(house->poll);
	house->ops = *house->service.store->ops;
}

static void
close_house(struct house *house)
{
	house->poll = ls_timer_free(house->poll);
	ls_service_close(&house->service);
	house->loop = ls_loop_free(house->loop);
	ls_settings_free(&house->settings);
}

static int
setup(void **state)
{
	struct house *house = calloc(1, sizeof *house);
	assert_non_null(house);
	(void)snprintf(house->dir, sizeof house->dir, "/tmp/leadscore-test-XXXXXX");
	assert_non_null(mkdtemp(house->dir));
	/* failures are what this is about */
	ls_logger_init(LS_LEVEL_ERROR, LS_LOG_TEXT);
	open_house(house);
	*state = house;
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "leadscore.db", "leadscore.db-wal", "leadscore.db-shm",
		"lock" };
	struct house *house = *state;
	char path[128];
	close_house(house);
	for (size_t i = 0; i < LS_ARRAY_LEN(names); i++) {
		(void)snprintf(path, sizeof path, "%s/%s", house->dir, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(house->dir);
	free(house);
	return 0;
}

static void
on_appended(void *ctx, int err, uint64_t id)
{
	struct ls_pending *pending = ctx;
	struct house *house = LS_CONTAINER_OF(pending->service, struct house, service);
	assert_int_equal(err, LS_OK);
	pending->entry_id = id;
	house->acked++;
	ls_apply_acked(pending->service, pending);
}

/* A visit of a lead of its own, as if it had come in by HTTP. */
static void
send(struct house *house)
{
	char body[128];
	struct ls_pending *pending = ls_pending_take(&house->service);
	assert_non_null(pending);
	int n = snprintf(body, sizeof body,
		"{\"events\":[{\"kind\":\"visit\",\"lead\":{\"email\":\"p%u@acme.com\"}}]}",
		house->sent++);
	pending->source = ls_source_find(LS_S("events"));
	pending->entry.received_ms = ls_loop_now_ms(house->loop);
	pending->entry.body = ls_arena_copy(&pending->arena, ls_slice(body, (size_t)n));
	const struct ls_log_entry entry = {
		.tenant = house->service.tenant.slug,
		.source = LS_S("events"),
		.received_ms = pending->entry.received_ms,
		.body = pending->entry.body,
	};
	assert_int_equal(ls_log_append(house->service.log, &entry, on_appended, pending), LS_OK);
}

static bool
is_live(const struct house *house)
{
	return house->service.tenant.phase == LS_PHASE_LIVE;
}

static bool
is_failed(const struct house *house)
{
	return house->service.tenant.phase == LS_PHASE_FAILED;
}

static bool
is_answered(const struct house *house)
{
	return house->acked == house->sent && house->service.acked_first == NULL;
}

static bool
is_settled(const struct house *house)
{
	return is_live(house) && is_answered(house) && ls_checkpoint_idle(&house->service);
}

/* Leads p0 to p(count - 1) have one visit each, and there are no others. */
static void
check_leads(struct house *house, unsigned count)
{
	struct ls_engine *engine = house->service.tenant.engine;
	struct ls_engine_stats stats;
	ls_engine_stats(engine, &stats);
	assert_int_equal(stats.leads, count);
	for (unsigned i = 0; i < count; i++) {
		struct ls_arena arena;
		struct ls_lead_view view;
		char name[64];
		ls_arena_init(&arena, 1u << 20);
		(void)snprintf(name, sizeof name, "email:p%u@acme.com", i);
		uint64_t id = ls_engine_find(engine, ls_slice_str(name));
		assert_int_equal(ls_engine_get(engine, id, &arena, &view), LS_OK);
		assert_int_equal(view.counts.website_visits, 1);
		ls_arena_fini(&arena);
	}
}

static void
full_journal(void **state)
{
	struct house *house = *state;
	struct ls_service *service = &house->service;
	run_until(house, is_live);
	struct ls_store_ops refusing = house->ops;
	refusing.checkpoint = refuse_checkpoint;
	service->store->ops = &refusing;
	for (unsigned i = 0; i < EVENTS; i++)
		send(house);
	/* all is acknowledged; what does not fit waits in the log */
	run_until(house, is_answered);
	assert_int_equal(ls_log_stats(service->log)->last_id, EVENTS);
	assert_int_equal(service->tenant.phase, LS_PHASE_CATCH_UP);
	assert_true(service->stats.overflows > 0);
	assert_true(service->tenant.applied_id < EVENTS);
	check_leads(house, (unsigned)service->tenant.applied_id);
	/* and is applied, in its order, once checkpoints make room */
	service->store->ops = &house->ops;
	run_until(house, is_settled);
	assert_int_equal(service->tenant.applied_id, EVENTS);
	check_leads(house, EVENTS);
	send(house);
	run_until(house, is_settled);
	check_leads(house, EVENTS + 1);
	/* another start comes to the same */
	close_house(house);
	open_house(house);
	run_until(house, is_live);
	check_leads(house, EVENTS + 1);
}

static void
unreadable_store(void **state)
{
	struct house *house = *state;
	struct ls_store_ops refusing = house->ops;
	refusing.load = refuse_load;
	house->service.store->ops = &refusing;
	run_until(house, is_failed);
	for (unsigned i = 0; i < 10; i++)
		send(house);
	run_until(house, is_answered);
	assert_int_equal(house->service.tenant.applied_id, 0);
	check_leads(house, 0);
	house->service.store->ops = &house->ops;
	close_house(house);
	open_house(house);
	run_until(house, is_live);
	check_leads(house, 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(full_journal, setup, teardown),
		cmocka_unit_test_setup_teardown(unreadable_store, setup, teardown),
	};
	return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
