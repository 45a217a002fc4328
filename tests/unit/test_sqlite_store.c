// SPDX-License-Identifier: MIT
/* sqlite_store and migrate: what a checkpoint writes comes back, all of it or nothing; histories
 * that are not ours are refused. */

#include "storage_fixture.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>

#define ACME LS_S("acme")

struct result {
	struct ls_loop *loop;
	int err;
	size_t calls, count;
	struct ls_store_info info;
	char position[64];
	uint64_t first, last, lo, hi;
	int64_t received_ms;
	char state[64]; /* of the last row */
};

static void
keep_text(char *out, size_t size, struct ls_slice text)
{
	size_t len = LS_MIN(text.len, size - 1);
	if (len > 0)
		memcpy(out, text.data, len);
	out[len] = '\0';
}

static void
on_done(void *ctx, int err)
{
	struct result *result = ctx;
	result->err = err;
	result->calls++;
	ls_loop_stop(result->loop);
}

static void
on_info(void *ctx, int err, const struct ls_store_info *info)
{
	struct result *result = ctx;
	if (err == LS_OK) {
		result->info = *info;
		keep_text(result->position, sizeof result->position, info->position);
	}
	on_done(ctx, err);
}

static void
on_rows(void *ctx, int err, const struct ls_store_row *rows, size_t count)
{
	struct result *result = ctx;
	result->count = count;
	for (size_t i = 0; i < count; i++)
		ls_assert(i == 0 || rows[i].id > rows[i - 1].id);
	if (count > 0) {
		const struct ls_store_row *row = &rows[count - 1];
		result->first = rows[0].id;
		result->last = row->id;
		result->lo = row->dedupe.lo;
		result->hi = row->dedupe.hi;
		result->received_ms = row->received_ms;
		keep_text(result->state, sizeof result->state, row->state);
	}
	on_done(ctx, err);
}

static struct result
info(struct fixture *fx, struct ls_slice tenant)
{
	struct result result = { .loop = fx->loop };
	assert_int_equal(ls_store_info(fx->store, tenant, on_info, &result), LS_OK);
	ls_loop_run(fx->loop);
	assert_int_equal(result.err, LS_OK);
	return result;
}

static struct result
load(struct fixture *fx, enum ls_store_table table, uint64_t after, size_t limit)
{
	struct result result = { .loop = fx->loop };
	assert_int_equal(
		ls_store_load(fx->store, ACME, table, after, limit, on_rows, &result), LS_OK);
	ls_loop_run(fx->loop);
	assert_int_equal(result.err, LS_OK);
	return result;
}

static int
checkpoint(struct fixture *fx, const struct ls_store_checkpoint *data)
{
	struct result result = { .loop = fx->loop };
	assert_int_equal(ls_store_checkpoint(fx->store, data, on_done, &result), LS_OK);
	ls_loop_run(fx->loop);
	assert_int_equal(result.calls, 1);
	return result.err;
}

static struct ls_store_lead
lead(uint64_t id, struct ls_slice state)
{
	return (struct ls_store_lead){
		.id = id,
		.email = LS_S("jane@acme.test"),
		.name = LS_S("Jane"),
		.company = LS_S("Acme"),
		.score_milli = 85400,
		.scored_ms = 1000,
		.last_activity_ms = 900,
		.state = state,
	};
}

static struct ls_store_event
event(uint64_t lead_id, int64_t time_ms, uint64_t dedupe)
{
	return (struct ls_store_event){
		.lead_id = lead_id,
		.kind = 3,
		.verdict = 1,
		.time_ms = time_ms,
		.received_ms = time_ms + 10,
		.source = LS_S("pixel"),
		.dedupe = { .lo = dedupe, .hi = dedupe == 0 ? 0 : UINT64_MAX - dedupe },
		.message = LS_S("opened"),
		.detail = LS_S("{\"a\":1}"),
		.attributes = LS_S("{\"employees\":200}"),
		.stage_probability = 0.1,
		.record_class = 2,
		.flags = LS_STORE_LINK_PRIMARY,
	};
}

/* --- tenants ---------------------------------------------------------------------------------- */

static void
tenants_are_made_once(void **state)
{
	struct fixture *fx = *state;
	struct result first = info(fx, ACME), other = info(fx, LS_S("globex"));
	assert_string_equal(first.position, "");
	assert_true(first.info.dedupe_key.k0 != other.info.dedupe_key.k0);
	assert_int_equal(first.info.lead_count, 0);
	fixture_close(fx);
	fixture_open(fx);
	struct result again = info(fx, ACME);
	assert_true(again.info.dedupe_key.k0 == first.info.dedupe_key.k0 &&
		    again.info.dedupe_key.k1 == first.info.dedupe_key.k1);
	struct result none = { .loop = fx->loop };
	assert_int_equal(ls_store_info(fx->store, LS_S(""), on_info, &none), LS_ERR_INVALID);
}

static void
strangers_have_no_rows(void **state)
{
	struct fixture *fx = *state;
	assert_int_equal(load(fx, LS_STORE_LEADS, 0, 10).count, 0);
	struct ls_store_checkpoint data = { .tenant = ACME, .position = LS_S("1") };
	assert_int_equal(checkpoint(fx, &data), LS_ERR_NOT_FOUND);
	assert_int_equal(ls_store_stats(fx->store)->checkpoint_errors, 1);
}

/* --- rows ------------------------------------------------------------------------------------- */

static void
rows_come_back(void **state)
{
	struct fixture *fx = *state;
	struct ls_store_lead leads[] = { lead(7, LS_S("seven")), lead(9, LS_S("nine")),
		lead(INT64_MAX, LS_S("")) };
	struct ls_store_record records[] = { { .id = 4, .state = LS_S("deal") } };
	struct ls_store_event events[] = { event(7, 100, 1), event(7, 50, 2), event(9, 70, 0) };
	struct ls_store_checkpoint data = {
		.tenant = ACME,
		.leads = leads,
		.lead_count = LS_ARRAY_LEN(leads),
		.records = records,
		.record_count = LS_ARRAY_LEN(records),
		.events = events,
		.event_count = LS_ARRAY_LEN(events),
		.position = LS_S("1234"),
	};
	(void)info(fx, ACME);
	assert_int_equal(checkpoint(fx, &data), LS_OK);
	fixture_close(fx);
	fixture_open(fx);

	struct result result = info(fx, ACME);
	assert_string_equal(result.position, "1234");
	assert_int_equal(result.info.lead_count, 3);
	assert_int_equal(result.info.record_count, 1);
	assert_int_equal(result.info.dedupe_count, 2);
	result = load(fx, LS_STORE_LEADS, 0, 2);
	assert_true(result.count == 2 && result.first == 7 && result.last == 9);
	assert_string_equal(result.state, "nine");
	result = load(fx, LS_STORE_LEADS, 9, 2);
	assert_true(result.count == 1 && result.last == INT64_MAX);
	assert_string_equal(result.state, "");
	result = load(fx, LS_STORE_RECORDS, 0, 2);
	assert_true(result.count == 1 && result.last == 4);
	assert_string_equal(result.state, "deal");
	result = load(fx, LS_STORE_DEDUPE, 0, 10);
	assert_int_equal(result.count, 2);
	assert_true(result.lo == 2 && result.hi == UINT64_MAX - 2 && result.received_ms == 60);
	/* another tenant sees nothing of it */
	assert_int_equal(info(fx, LS_S("globex")).info.lead_count, 0);
	assert_int_equal(fixture_number(fx, "SELECT score_milli FROM leads WHERE id = 7"), 85400);
}

static void
rows_are_replaced_and_erased(void **state)
{
	struct fixture *fx = *state;
	struct ls_store_lead leads[] = { lead(1, LS_S("one")), lead(2, LS_S("two")) };
	struct ls_store_record records[] = { { .id = 1, .state = LS_S("call") } };
	struct ls_store_checkpoint data = { .tenant = ACME,
		.leads = leads,
		.lead_count = 2,
		.records = records,
		.record_count = 1,
		.position = LS_S("1") };
	(void)info(fx, ACME);
	assert_int_equal(checkpoint(fx, &data), LS_OK);
	leads[0].erased = true;
	leads[1].state = LS_S("two again");
	records[0].erased = true;
	assert_int_equal(checkpoint(fx, &data), LS_OK);
	/* erasing what is gone changes nothing */
	assert_int_equal(checkpoint(fx, &data), LS_OK);
	struct result result = load(fx, LS_STORE_LEADS, 0, 10);
	assert_true(result.count == 1 && result.last == 2);
	assert_string_equal(result.state, "two again");
	assert_int_equal(load(fx, LS_STORE_RECORDS, 0, 10).count, 0);
	result = info(fx, ACME);
	assert_int_equal(result.info.lead_count, 1);
	assert_int_equal(result.info.record_count, 0);
}

static void
bad_checkpoints_are_refused(void **state)
{
	struct fixture *fx = *state;
	struct result result = { .loop = fx->loop };
	struct ls_store_lead leads[] = { lead(0, LS_S("x")) };
	struct ls_store_checkpoint data = { .tenant = ACME, .leads = leads, .lead_count = 1 };
	(void)info(fx, ACME);
	assert_int_equal(ls_store_checkpoint(fx->store, &data, on_done, &result), LS_ERR_INVALID);
	leads[0].id = (uint64_t)INT64_MAX + 1;
	assert_int_equal(ls_store_checkpoint(fx->store, &data, on_done, &result), LS_ERR_INVALID);
	leads[0].id = 1;
	assert_int_equal(ls_store_checkpoint(fx->store, &data, on_done, &result), LS_OK);
	assert_int_equal(ls_store_checkpoint(fx->store, &data, on_done, &result), LS_ERR_CONFLICT);
	ls_loop_run(fx->loop);
	assert_true(result.calls == 1 && result.err == LS_OK);
	assert_int_equal(ls_store_load(fx->store, ACME, LS_STORE_LEADS, 0, LS_STORE_LOAD_MAX + 1,
				 on_rows, &result),
		LS_ERR_INVALID);
}

/* everything is copied: what the caller does afterwards does not matter */
static void
checkpoints_are_copies(void **state)
{
	struct fixture *fx = *state;
	char text[] = "before";
	struct ls_store_lead leads[] = { lead(1, ls_slice_str(text)) };
	struct ls_store_checkpoint data = {
		.tenant = ACME, .leads = leads, .lead_count = 1, .position = ls_slice_str(text)
	};
	struct result result = { .loop = fx->loop };
	(void)info(fx, ACME);
	assert_int_equal(ls_store_checkpoint(fx->store, &data, on_done, &result), LS_OK);
	memset(text, 'x', sizeof text - 1);
	leads[0].id = 99;
	ls_loop_run(fx->loop);
	assert_int_equal(result.err, LS_OK);
	result = load(fx, LS_STORE_LEADS, 0, 10);
	assert_int_equal(result.last, 1);
	assert_string_equal(result.state, "before");
	assert_string_equal(info(fx, ACME).position, "before");
}

/* --- events ----------------------------------------------------------------------------------- */

struct timeline {
	struct ls_loop *loop;
	size_t count;
	struct ls_store_event last; /* slices are void */
	int64_t times[16];
	char message[32], detail[32], source[32], attributes[32];
};

static void
on_events(void *ctx, int err, const struct ls_store_event *events, size_t count)
{
	struct timeline *timeline = ctx;
	ls_assert(err == LS_OK && count <= LS_ARRAY_LEN(timeline->times));
	timeline->count = count;
	for (size_t i = 0; i < count; i++)
		timeline->times[i] = events[i].time_ms;
	if (count > 0) {
		timeline->last = events[count - 1];
		keep_text(timeline->message, sizeof timeline->message, timeline->last.message);
		keep_text(timeline->detail, sizeof timeline->detail, timeline->last.detail);
		keep_text(timeline->source, sizeof timeline->source, timeline->last.source);
		keep_text(timeline->attributes, sizeof timeline->attributes,
			timeline->last.attributes);
	}
	ls_loop_stop(timeline->loop);
}

static struct timeline
timeline(struct fixture *fx, uint64_t lead_id, const struct timeline *behind, size_t limit)
{
	struct timeline out = { .loop = fx->loop };
	struct ls_store_event_query query = {
		.tenant = ACME,
		.lead_ids = &lead_id,
		.lead_count = 1,
		.before_ms = behind != NULL ? behind->last.time_ms : INT64_MAX,
		.before_id = behind != NULL ? behind->last.id : UINT64_MAX,
		.limit = limit,
	};
	assert_int_equal(ls_store_events(fx->store, &query, on_events, &out), LS_OK);
	ls_loop_run(fx->loop);
	return out;
}

static void
events_newest_first_by_pages(void **state)
{
	struct fixture *fx = *state;
	struct ls_store_event events[] = { event(7, 100, 1), event(7, 50, 2), event(7, 100, 3),
		event(7, 300, 4), event(8, 200, 5) };
	struct ls_store_checkpoint data = { .tenant = ACME,
		.events = events,
		.event_count = LS_ARRAY_LEN(events),
		.position = LS_S("1") };
	(void)info(fx, ACME);
	assert_int_equal(timeline(fx, 7, NULL, 16).count, 0);
	assert_int_equal(checkpoint(fx, &data), LS_OK);
	struct timeline page = timeline(fx, 7, NULL, 2);
	assert_int_equal(page.count, 2);
	assert_true(page.times[0] == 300 && page.times[1] == 100);
	assert_int_equal(page.last.dedupe.lo, 3);
	page = timeline(fx, 7, &page, 2);
	assert_true(page.times[0] == 100 && page.times[1] == 50);
	assert_string_equal(page.message, "opened");
	assert_string_equal(page.detail, "{\"a\":1}");
	assert_string_equal(page.source, "pixel");
	assert_string_equal(page.attributes, "{\"employees\":200}");
	assert_true(page.last.stage_probability == 0.1 && page.last.record_class == 2 &&
		    page.last.flags == LS_STORE_LINK_PRIMARY);
	assert_true(page.last.kind == 3 && page.last.verdict == 1 && page.last.lead_id == 7 &&
		    page.last.received_ms == 60 && page.last.dedupe.lo == 2);
	assert_int_equal(timeline(fx, 7, &page, 2).count, 0);
}

static void
events_of_several_leads_and_records_come_once(void **state)
{
	struct fixture *fx = *state;
	struct ls_store_event events[] = { event(7, 100, 1), event(8, 300, 2), event(9, 200, 3),
		event(0, 250, 4), event(9, 260, 5) };
	const uint64_t leads[] = { 7, 8 }, records[] = { 5 };
	struct ls_store_checkpoint data = { .tenant = ACME,
		.events = events,
		.event_count = LS_ARRAY_LEN(events),
		.position = LS_S("1") };
	struct timeline out = { .loop = fx->loop };
	struct ls_store_event_query query = { .tenant = ACME,
		.lead_ids = leads,
		.lead_count = LS_ARRAY_LEN(leads),
		.record_ids = records,
		.record_count = LS_ARRAY_LEN(records),
		.not_of_records = 34,
		.before_ms = INT64_MAX,
		.before_id = UINT64_MAX,
		.limit = 3 };
	events[1].record_id = events[3].record_id = events[4].record_id = 5;
	events[4].kind = 34; /* of a lead that was not asked for */
	(void)info(fx, ACME);
	assert_int_equal(checkpoint(fx, &data), LS_OK);
	assert_int_equal(ls_store_events(fx->store, &query, on_events, &out), LS_OK);
	ls_loop_run(fx->loop);
	assert_true(out.count == 3 && out.times[0] == 300 && out.times[1] == 250 &&
		    out.times[2] == 100);
	query.lead_count = LS_STORE_IDS_MAX;
	assert_int_equal(ls_store_events(fx->store, &query, on_events, &out), LS_ERR_INVALID);
}

/* --- history ---------------------------------------------------------------------------------- */

static void
on_scores(void *ctx, int err, const struct ls_store_score *scores, size_t count)
{
	struct timeline *timeline = ctx;
	ls_assert(err == LS_OK && count <= LS_ARRAY_LEN(timeline->times));
	timeline->count = count;
	for (size_t i = 0; i < count; i++)
		timeline->times[i] = scores[i].known ? scores[i].score_milli : -1;
	ls_loop_stop(timeline->loop);
}

static struct timeline
scores_of(struct fixture *fx, uint64_t lead_id)
{
	static const int64_t times_ms[] = { 99, 100, 250, 900 };
	struct timeline out = { .loop = fx->loop };
	const struct ls_store_score_query query = { .tenant = ACME,
		.lead_id = lead_id,
		.times_ms = times_ms,
		.count = LS_ARRAY_LEN(times_ms) };
	assert_int_equal(ls_store_scores(fx->store, &query, on_scores, &out), LS_OK);
	ls_loop_run(fx->loop);
	return out;
}

static void
history_tells_the_score_of_then_until_erased(void **state)
{
	struct fixture *fx = *state;
	const uint64_t gone[] = { 7 };
	const struct ls_store_history rows[] = {
		{ .lead_id = 7, .time_ms = 100, .from_milli = 5000, .score_milli = 9000 },
		{ .lead_id = 7, .time_ms = 300, .from_milli = 9000, .score_milli = 7000 },
		{ .lead_id = 8, .time_ms = 100, .from_milli = 1, .score_milli = 2 },
	};
	struct ls_store_checkpoint data = { .tenant = ACME,
		.history = rows,
		.history_count = LS_ARRAY_LEN(rows),
		.position = LS_S("1") };
	(void)info(fx, ACME);
	assert_int_equal(checkpoint(fx, &data), LS_OK);
	struct timeline then = scores_of(fx, 7);
	assert_true(then.times[0] == 5000 && then.times[1] == 9000 && then.times[2] == 9000 &&
		    then.times[3] == 7000);
	struct ls_store_checkpoint erase = {
		.tenant = ACME, .erase_events_of = gone, .erase_count = 1, .position = LS_S("2")
	};
	assert_int_equal(checkpoint(fx, &erase), LS_OK);
	assert_true(scores_of(fx, 7).times[3] == -1 && scores_of(fx, 8).times[3] == 2);
}

static void
privacy_erases_events_not_keys(void **state)
{
	struct fixture *fx = *state;
	const uint64_t gone[] = { 7 };
	struct ls_store_event events[] = { event(7, 100, 1), event(8, 200, 2) };
	/* long enough for pages of its own: those are freed, not just edited */
	static char secret[20000];
	(void)snprintf(secret + sizeof secret - 32, 32, "a secret nobody may find");
	struct ls_store_lead leads[] = { lead(7, ls_slice(secret, sizeof secret)) };
	struct ls_store_checkpoint data = { .tenant = ACME,
		.leads = leads,
		.lead_count = 1,
		.events = events,
		.event_count = 2,
		.position = LS_S("1") };
	(void)info(fx, ACME);
	assert_int_equal(checkpoint(fx, &data), LS_OK);
	/* the deletion itself is an event of the lead: it goes, too */
	events[0] = event(7, 300, 3);
	leads[0].erased = true;
	data.event_count = 1;
	data.erase_events_of = gone;
	data.erase_count = 1;
	assert_int_equal(checkpoint(fx, &data), LS_OK);
	assert_int_equal(timeline(fx, 7, NULL, 16).count, 0);
	assert_int_equal(timeline(fx, 8, NULL, 16).count, 1);
	assert_int_equal(load(fx, LS_STORE_DEDUPE, 0, 10).count, 3);
	assert_int_equal(load(fx, LS_STORE_LEADS, 0, 10).count, 0);
	/* and its bytes are gone from the file, once the write-ahead log is copied */
	fixture_close(fx);
	char path[300], bytes[1 << 17];
	fixture_path(fx, "leadscore.db", path, sizeof path);
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	ssize_t n = read(fd, bytes, sizeof bytes);
	(void)close(fd);
	assert_true(n > 4096);
	assert_null(memmem(bytes, (size_t)n, "nobody may find", 15));
	assert_non_null(memmem(bytes, (size_t)n, "opened", 6));
	fixture_open(fx);
}

static void
old_keys_are_forgotten_in_steps(void **state)
{
	struct fixture *fx = *state;
	enum { COUNT = 3000 };
	struct ls_store_event *events = calloc(COUNT, sizeof *events);
	assert_non_null(events);
	for (size_t i = 0; i < COUNT; i++)
		events[i] = event(1, (int64_t)i, i + 1);
	struct ls_store_checkpoint data = {
		.tenant = ACME, .events = events, .event_count = COUNT, .position = LS_S("1")
	};
	(void)info(fx, ACME);
	assert_int_equal(checkpoint(fx, &data), LS_OK);
	free(events);
	assert_int_equal(info(fx, ACME).info.dedupe_count, COUNT);
	/* received_ms is the index + 10: the first 2,500 are too old at once, the rows go in steps
	 */
	data.event_count = 0;
	data.dedupe_older_than_ms = 2510;
	assert_int_equal(checkpoint(fx, &data), LS_OK);
	struct result result = load(fx, LS_STORE_DEDUPE, 0, 10000);
	assert_int_equal(result.count, 500);
	assert_int_equal(result.first, 2501);
	assert_int_equal(info(fx, ACME).info.dedupe_count, 2000);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(checkpoint(fx, &data), LS_OK);
	assert_int_equal(info(fx, ACME).info.dedupe_count, 500);
	assert_int_equal(fixture_number(fx, "SELECT count(*) FROM dedupe"), 500);
	/* the limit never goes back: what was forgotten stays forgotten */
	data.dedupe_older_than_ms = 0;
	assert_int_equal(checkpoint(fx, &data), LS_OK);
	assert_int_equal(load(fx, LS_STORE_DEDUPE, 0, 10000).count, 500);
}

/* --- all or nothing --------------------------------------------------------------------------- */

static void
a_full_disk_changes_nothing(void **state)
{
	struct fixture fx;
	(void)state;
	fixture_init(&fx);
	fx.options.max_bytes = 1 << 20;
	fixture_open(&fx);
	static char big[4 << 20];
	struct ls_store_lead leads[] = { lead(1, LS_S("small")),
		lead(2, ls_slice(big, sizeof big)) };
	struct ls_store_checkpoint data = {
		.tenant = ACME, .leads = leads, .lead_count = 2, .position = LS_S("2")
	};
	(void)info(&fx, ACME);
	assert_int_equal(checkpoint(&fx, &data), LS_ERR_IO);
	assert_string_equal(info(&fx, ACME).position, "");
	assert_int_equal(load(&fx, LS_STORE_LEADS, 0, 10).count, 0);
	data.lead_count = 1;
	assert_int_equal(checkpoint(&fx, &data), LS_OK);
	assert_string_equal(info(&fx, ACME).position, "2");
	assert_int_equal(load(&fx, LS_STORE_LEADS, 0, 10).count, 1);
	fixture_fini(&fx);
}

enum { ROUND_LEADS = 200 };

struct rounds {
	struct fixture *fx;
	int fd;
	uint64_t round;
	struct ls_store_lead leads[ROUND_LEADS];
	struct ls_store_event events[ROUND_LEADS];
	char text[24];
};

static void
next_round(void *ctx, int err)
{
	struct rounds *rounds = ctx;
	if (err != LS_OK || write(rounds->fd, "", 1) != 1)
		_exit(3);
	rounds->round++;
	int len = snprintf(rounds->text, sizeof rounds->text, "%" PRIu64, rounds->round);
	struct ls_slice text = ls_slice(rounds->text, (size_t)len);
	for (size_t i = 0; i < ROUND_LEADS; i++) {
		rounds->leads[i] = lead(i + 1, text);
		rounds->leads[i].scored_ms = (int64_t)rounds->round;
		rounds->events[i] = event(i + 1, (int64_t)rounds->round, rounds->round);
	}
	struct ls_store_checkpoint data = {
		.tenant = ACME,
		.leads = rounds->leads,
		.lead_count = ROUND_LEADS,
		.events = rounds->events,
		.event_count = ROUND_LEADS,
		.position = text,
	};
	if (ls_store_checkpoint(rounds->fx->store, &data, next_round, rounds) != LS_OK)
		_exit(4);
}

static void
first_round(void *ctx, int err, const struct ls_store_info *info)
{
	struct rounds *rounds = ctx;
	if (err != LS_OK || ls_slice_to_u64(info->position, &rounds->round) != LS_OK)
		rounds->round = 0;
	next_round(ctx, err);
}

static void
checkpoint_until_killed(struct fixture *fx, int fd)
{
	static struct rounds rounds;
	rounds.fx = fx;
	rounds.fd = fd;
	if (fixture_try_open(fx) != LS_OK ||
		ls_store_info(fx->store, ACME, first_round, &rounds) != LS_OK)
		_exit(2);
	ls_loop_run(fx->loop);
	_exit(5);
}

/* position, rows, events, keys and counts are those of the same checkpoint */
static uint64_t
check_one_round(struct fixture *fx)
{
	uint64_t round = 0;
	struct result result = info(fx, ACME);
	if (result.position[0] != '\0')
		assert_int_equal(ls_slice_to_u64(ls_slice_str(result.position), &round), LS_OK);
	assert_int_equal(result.info.lead_count, round > 0 ? ROUND_LEADS : 0);
	assert_int_equal(result.info.dedupe_count, round * ROUND_LEADS);
	assert_int_equal(fixture_number(fx, "SELECT count(*) FROM events"), round * ROUND_LEADS);
	assert_int_equal(fixture_number(fx, "SELECT count(*) FROM dedupe"), round * ROUND_LEADS);
	assert_int_equal(
		fixture_number(fx, "SELECT coalesce(min(scored_ms), 0) FROM leads"), round);
	assert_int_equal(
		fixture_number(fx, "SELECT coalesce(max(scored_ms), 0) FROM leads"), round);
	return round;
}

static void
kill_9_leaves_whole_checkpoints(void **state)
{
	struct fixture fx;
	(void)state;
	fixture_init(&fx);
	uint64_t before = 0, round = 0;
	for (unsigned cycle = 0; cycle < 20; cycle++) {
		int fds[2];
		assert_int_equal(pipe(fds), 0);
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0)
			checkpoint_until_killed(&fx, fds[1]);
		(void)close(fds[1]);
		/* some checkpoints on, and then at any point of the next one */
		char byte;
		for (unsigned seen = 0; seen < 2 + cycle % 3; seen++)
			assert_int_equal(read(fds[0], &byte, 1), 1);
		(void)usleep(cycle * 7919 % 5000);
		assert_int_equal(kill(child, SIGKILL), 0);
		(void)close(fds[0]);
		int status = 0;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		fixture_open(&fx);
		round = check_one_round(&fx);
		assert_true(round > before);
		before = round;
		fixture_close(&fx);
	}
	fixture_fini(&fx);
}

/* --- profiles --------------------------------------------------------------------------------- */

struct versions {
	struct ls_loop *loop;
	int err;
	size_t count;
	struct ls_store_profile all[8];
	char json[64]; /* of the last one */
};

static void
on_versions(void *ctx, int err, const struct ls_store_profile *profiles, size_t count)
{
	struct versions *versions = ctx;
	versions->err = err;
	versions->count = count;
	for (size_t i = 0; i < LS_MIN(count, LS_ARRAY_LEN(versions->all)); i++)
		versions->all[i] = profiles[i];
	if (count > 0)
		keep_text(versions->json, sizeof versions->json, profiles[count - 1].json);
	ls_loop_stop(versions->loop);
}

static struct versions
versions(struct fixture *fx, struct ls_slice tenant)
{
	struct versions out = { .loop = fx->loop };
	assert_int_equal(ls_store_profiles(fx->store, tenant, on_versions, &out), LS_OK);
	ls_loop_run(fx->loop);
	assert_int_equal(out.err, LS_OK);
	return out;
}

static int
put_profile(struct fixture *fx, uint64_t version, enum ls_store_profile_state state)
{
	struct result result = { .loop = fx->loop };
	char json[32];
	int n = snprintf(json, sizeof json, "{\"name\":\"v%d\"}", (int)version);
	const struct ls_store_profile profile = {
		.version = version,
		.state = state,
		.json = ls_slice(json, (size_t)n),
		.who = LS_S("Jo"),
		.why = LS_S("because"),
		.created_ms = 5,
		.published_ms = state == LS_STORE_PUBLISHED ? 6 : 0,
	};
	int err = ls_store_put_profile(fx->store, ACME, &profile, on_done, &result);
	if (err != LS_OK)
		return err;
	memset(json, '#', sizeof json); /* it was copied */
	ls_loop_run(fx->loop);
	return result.err;
}

static void
profiles_one_draft_and_one_published(void **state)
{
	struct fixture *fx = *state;
	assert_int_equal(put_profile(fx, 1, LS_STORE_DRAFT), LS_ERR_NOT_FOUND);
	assert_int_equal(versions(fx, ACME).count, 0);
	(void)info(fx, ACME);
	assert_int_equal(put_profile(fx, 0, LS_STORE_DRAFT), LS_ERR_INVALID);
	assert_int_equal(put_profile(fx, 1, LS_STORE_DRAFT), LS_OK);
	assert_int_equal(put_profile(fx, 1, LS_STORE_PUBLISHED), LS_OK);
	assert_int_equal(put_profile(fx, 2, LS_STORE_DRAFT), LS_OK);
	assert_int_equal(put_profile(fx, 3, LS_STORE_DRAFT), LS_OK);
	struct versions found = versions(fx, ACME);
	assert_int_equal(found.count, 2);
	assert_true(found.all[0].version == 1 && found.all[0].state == LS_STORE_PUBLISHED);
	assert_true(found.all[1].version == 3 && found.all[1].state == LS_STORE_DRAFT);
	assert_int_equal(put_profile(fx, 4, LS_STORE_PUBLISHED), LS_OK);
	fixture_close(fx);
	fixture_open(fx);
	found = versions(fx, ACME);
	assert_int_equal(found.count, 3);
	assert_int_equal(found.all[0].state, LS_STORE_RETIRED);
	assert_true(found.all[0].created_ms == 5 && found.all[0].published_ms == 6);
	assert_int_equal(found.all[1].state, LS_STORE_DRAFT);
	assert_int_equal(found.all[2].state, LS_STORE_PUBLISHED);
	assert_string_equal(found.json, "{\"name\":\"v4\"}");
	(void)info(fx, LS_S("other"));
	assert_int_equal(versions(fx, LS_S("other")).count, 0);
}

static void
profiles_long_retired_are_forgotten(void **state)
{
	struct fixture *fx = *state;
	(void)info(fx, ACME);
	assert_int_equal(put_profile(fx, 1, LS_STORE_PUBLISHED), LS_OK);
	assert_int_equal(put_profile(fx, 2, LS_STORE_PUBLISHED), LS_OK);
	assert_int_equal(put_profile(fx, LS_STORE_PROFILES_KEPT, LS_STORE_DRAFT), LS_OK);
	assert_int_equal(versions(fx, ACME).count, 3);
	assert_int_equal(put_profile(fx, LS_STORE_PROFILES_KEPT + 1, LS_STORE_DRAFT), LS_OK);
	struct versions found = versions(fx, ACME);
	assert_int_equal(found.count, 2);
	assert_int_equal(found.all[0].version, 2);
	/* what is published stays, however old */
	assert_int_equal(put_profile(fx, 10 * LS_STORE_PROFILES_KEPT, LS_STORE_DRAFT), LS_OK);
	assert_int_equal(versions(fx, ACME).all[0].version, 2);
}

/* --- migrations ------------------------------------------------------------------------------- */

static const struct ls_migration steps[] = {
	{ 1, "first", "CREATE TABLE a (x BIGINT); INSERT INTO a VALUES (1)" },
	{ 2, "second", "CREATE TABLE b (x BIGINT); INSERT INTO b SELECT x + 1 FROM a" },
	{ 3, "broken", "CREATE TABLE c (x BIGINT); INSERT INTO nowhere VALUES (1)" },
};

static void
bare_database(struct fixture *fx)
{
	fixture_init(fx);
	fx->loop = ls_loop_new();
	assert_int_equal(ls_sqlite_open(fx->loop, &fx->options, &fx->db), LS_OK);
}

static void
migrations_run_once_and_whole(void **state)
{
	struct fixture fx;
	(void)state;
	bare_database(&fx);
	assert_int_equal(ls_migrate_sqlite_with(fx.db, steps, 1), LS_OK);
	assert_int_equal(ls_migrate_sqlite_with(fx.db, steps, 2), LS_OK);
	assert_int_equal(ls_migrate_sqlite_with(fx.db, steps, 2), LS_OK);
	assert_int_equal(fixture_number(&fx, "SELECT sum(x) FROM b"), 2);
	assert_int_equal(fixture_number(&fx, "SELECT count(*) FROM schema_version"), 2);
	assert_true(fixture_number(&fx, "SELECT min(applied_ms) FROM schema_version") > 0);
	/* half a step leaves nothing behind */
	assert_true(ls_migrate_sqlite_with(fx.db, steps, 3) != LS_OK);
	assert_int_equal(
		fixture_number(&fx, "SELECT count(*) FROM sqlite_schema WHERE name = 'c'"), 0);
	assert_int_equal(fixture_number(&fx, "SELECT max(version) FROM schema_version"), 2);
	fixture_fini(&fx);
}

static void
newer_databases_are_refused(void **state)
{
	struct fixture fx;
	(void)state;
	bare_database(&fx);
	assert_int_equal(ls_migrate_sqlite_with(fx.db, steps, 2), LS_OK);
	assert_int_equal(ls_migrate_sqlite_with(fx.db, steps, 1), LS_ERR_UNSUPPORTED);
	fixture_fini(&fx);
}

static void
foreign_histories_are_refused(void **state)
{
	struct fixture fx;
	(void)state;
	bare_database(&fx);
	assert_int_equal(ls_migrate_sqlite_with(fx.db, steps, 2), LS_OK);
	assert_int_equal(
		fixture_exec(&fx, "UPDATE schema_version SET name = 'other' WHERE version = 1"),
		LS_OK);
	assert_int_equal(ls_migrate_sqlite_with(fx.db, steps, 2), LS_ERR_CONFLICT);
	assert_int_equal(fixture_exec(&fx, "DELETE FROM schema_version WHERE version = 1"), LS_OK);
	assert_int_equal(ls_migrate_sqlite_with(fx.db, steps, 2), LS_ERR_CONFLICT);
	fixture_fini(&fx);
}

static void
foreign_databases_are_refused(void **state)
{
	struct fixture fx;
	(void)state;
	bare_database(&fx);
	assert_int_equal(fixture_exec(&fx, "CREATE TABLE theirs (x)"), LS_OK);
	assert_int_equal(ls_migrate_sqlite(fx.db), LS_ERR_UNSUPPORTED);
	assert_int_equal(fixture_exec(&fx, "PRAGMA application_id = 77"), LS_OK);
	assert_int_equal(ls_migrate_sqlite(fx.db), LS_ERR_UNSUPPORTED);
	fixture_fini(&fx);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(tenants_are_made_once),
		WITH_FIXTURE(strangers_have_no_rows),
		WITH_FIXTURE(rows_come_back),
		WITH_FIXTURE(rows_are_replaced_and_erased),
		WITH_FIXTURE(bad_checkpoints_are_refused),
		WITH_FIXTURE(checkpoints_are_copies),
		WITH_FIXTURE(events_newest_first_by_pages),
		WITH_FIXTURE(events_of_several_leads_and_records_come_once),
		WITH_FIXTURE(history_tells_the_score_of_then_until_erased),
		WITH_FIXTURE(privacy_erases_events_not_keys),
		WITH_FIXTURE(old_keys_are_forgotten_in_steps),
		WITH_FIXTURE(profiles_one_draft_and_one_published),
		WITH_FIXTURE(profiles_long_retired_are_forgotten),
		cmocka_unit_test(a_full_disk_changes_nothing),
		cmocka_unit_test(kill_9_leaves_whole_checkpoints),
		cmocka_unit_test(migrations_run_once_and_whole),
		cmocka_unit_test(newer_databases_are_refused),
		cmocka_unit_test(foreign_histories_are_refused),
		cmocka_unit_test(foreign_databases_are_refused),
	};
	ls_logger_init(LS_LEVEL_ERROR, LS_LOG_TEXT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
