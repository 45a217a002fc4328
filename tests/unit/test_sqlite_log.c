// SPDX-License-Identifier: MIT
/* sqlite_log: acknowledgements in order and durable, paging and its end, trimming, limits, kill -9.
 */

#include "storage_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/hash.h"

struct acks {
	struct ls_loop *loop;
	size_t expected, got, failed;
	uint64_t first, last;
	int err; /* the last failure */
};

static void
on_ack(void *ctx, int err, uint64_t id)
{
	struct acks *acks = ctx;
	if (err != LS_OK) {
		acks->failed++;
		acks->err = err;
	} else {
		ls_assert(id > acks->last);
		acks->first = acks->first == 0 ? id : acks->first;
		acks->last = id;
		acks->got++;
	}
	if (acks->got + acks->failed == acks->expected)
		ls_loop_stop(acks->loop);
}

static int
append(struct fixture *fx, struct ls_slice body, int64_t received_ms, struct acks *acks)
{
	struct ls_log_entry entry = {
		.tenant = LS_S("acme"),
		.source = LS_S("pixel"),
		.received_ms = received_ms,
		.body = body,
	};
	return ls_log_append(fx->log, &entry, on_ack, acks);
}

static struct acks
append_many(struct fixture *fx, size_t count, int64_t received_ms)
{
	struct acks acks = { .loop = fx->loop, .expected = count };
	char body[64];
	for (size_t i = 0; i < count; i++) {
		int len = snprintf(body, sizeof body, "entry %zu", i);
		assert_int_equal(append(fx, ls_slice(body, (size_t)len), received_ms, &acks), 0);
	}
	ls_loop_run(fx->loop);
	return acks;
}

struct page {
	struct ls_loop *loop;
	int err;
	size_t count, calls, total;
	uint64_t first, last;
	bool at_end;
	char body[128]; /* of the last entry */
	size_t body_len;
};

static void
on_page(void *ctx, int err, const struct ls_log_entry *entries, size_t count, bool at_end)
{
	struct page *page = ctx;
	page->err = err;
	page->count = count;
	page->total += count;
	page->calls++;
	page->at_end = at_end;
	for (size_t i = 0; i < count; i++) {
		ls_assert(entries[i].id > page->last);
		page->first = page->first == 0 ? entries[i].id : page->first;
		page->last = entries[i].id;
		ls_assert(ls_slice_eq(entries[i].tenant, LS_S("acme")));
		ls_assert(ls_slice_eq(entries[i].source, LS_S("pixel")));
	}
	if (count > 0) {
		page->body_len = LS_MIN(entries[count - 1].body.len, sizeof page->body);
		if (page->body_len > 0)
			memcpy(page->body, entries[count - 1].body.data, page->body_len);
	}
	ls_loop_stop(page->loop);
}

static struct page
read_page(struct fixture *fx, uint64_t after, size_t max)
{
	struct page page = { .loop = fx->loop };
	assert_int_equal(ls_log_read(fx->log, after, max, on_page, &page), LS_OK);
	ls_loop_run(fx->loop);
	assert_int_equal(page.calls, 1);
	return page;
}

struct trimmed {
	struct ls_loop *loop;
	int err;
	uint64_t deleted;
	bool more;
};

static void
on_trim(void *ctx, int err, uint64_t deleted, bool more)
{
	struct trimmed *trimmed = ctx;
	trimmed->err = err;
	trimmed->deleted = deleted;
	trimmed->more = more;
	ls_loop_stop(trimmed->loop);
}

static struct trimmed
trim(struct fixture *fx, uint64_t upto, int64_t older_than_ms)
{
	struct trimmed trimmed = { .loop = fx->loop };
	assert_int_equal(ls_log_trim(fx->log, upto, older_than_ms, on_trim, &trimmed), LS_OK);
	ls_loop_run(fx->loop);
	return trimmed;
}

/* --- appending -------------------------------------------------------------------------------- */

static void
acknowledged_in_order(void **state)
{
	struct fixture *fx = *state;
	struct acks acks = append_many(fx, 5000, 1000);
	assert_int_equal(acks.got, 5000);
	assert_int_equal(acks.first, 1);
	assert_int_equal(acks.last, 5000);
	struct page page = read_page(fx, 0, 10000);
	assert_int_equal(page.count, 5000);
	assert_true(page.at_end);
	assert_true(ls_slice_eq(ls_slice(page.body, page.body_len), LS_S("entry 4999")));
	const struct ls_log_stats *stats = ls_log_stats(fx->log);
	assert_int_equal(stats->appended, 5000);
	assert_int_equal(stats->waiting, 0);
	assert_int_equal(stats->waiting_bytes, 0);
	assert_int_equal(stats->first_id, 1);
	assert_int_equal(stats->last_id, 5000);
}

static void
one_turn_is_one_commit(void **state)
{
	struct fixture *fx = *state;
	(void)append_many(fx, 100, 1000);
	assert_int_equal(ls_log_stats(fx->log)->commits, 1);
	(void)append_many(fx, 1, 1000);
	assert_int_equal(ls_log_stats(fx->log)->commits, 2);
	/* many chunks may need more than one, but never one an entry */
	(void)append_many(fx, 20000, 1000);
	assert_true(ls_log_stats(fx->log)->commits < 40);
}

static void
bodies_of_all_sizes(void **state)
{
	struct fixture *fx = *state;
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 4096, 131071, 131072, 131073, 9000000 };
	struct acks acks = { .loop = fx->loop, .expected = LS_ARRAY_LEN(sizes) };
	char *body = malloc(9000000);
	assert_non_null(body);
	for (size_t i = 0; i < 9000000; i++)
		body[i] = (char)(i * 7 + i / 251);
	for (size_t i = 0; i < LS_ARRAY_LEN(sizes); i++)
		assert_int_equal(append(fx, ls_slice(body, sizes[i]), 5, &acks), LS_OK);
	ls_loop_run(fx->loop);
	assert_int_equal(acks.got, LS_ARRAY_LEN(sizes));
	uint64_t after = 0;
	for (size_t i = 0; i < LS_ARRAY_LEN(sizes); i++) {
		struct page page = read_page(fx, after, 1);
		assert_int_equal(page.count, 1);
		assert_int_equal(page.at_end, i + 1 == LS_ARRAY_LEN(sizes));
		assert_int_equal(page.body_len, LS_MIN(sizes[i], sizeof page.body));
		assert_memory_equal(page.body, body, page.body_len);
		after = page.last;
	}
	free(body);
	assert_int_equal(
		fixture_number(fx, "SELECT length(body) FROM event_log WHERE id = 10"), 9000000);
}

static void
bad_entries_are_refused(void **state)
{
	struct fixture *fx = *state;
	struct acks acks = { .loop = fx->loop, .expected = 1 };
	char long_name[65] = { 0 };
	struct ls_log_entry entry = { .tenant = LS_S("acme"), .source = LS_S("") };
	assert_int_equal(ls_log_append(fx->log, &entry, on_ack, &acks), LS_ERR_INVALID);
	entry.source = LS_S("pixel");
	entry.tenant = ls_slice(long_name, sizeof long_name);
	assert_int_equal(ls_log_append(fx->log, &entry, on_ack, &acks), LS_ERR_INVALID);
	assert_int_equal(ls_log_stats(fx->log)->waiting, 0);
	assert_int_equal(ls_log_read(fx->log, 0, 0, on_page, &acks), LS_ERR_INVALID);
}

static void
waiting_is_bounded(void **state)
{
	struct fixture fx;
	(void)state;
	fixture_init(&fx);
	fx.log_options =
		(struct ls_sqlite_log_options){ .max_waiting = 10, .max_waiting_bytes = 4096 };
	fixture_open(&fx);
	struct acks acks = { .loop = fx.loop, .expected = 10 };
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(append(&fx, LS_S("x"), 1, &acks), LS_OK);
	assert_int_equal(append(&fx, LS_S("x"), 1, &acks), LS_ERR_LIMIT);
	ls_loop_run(fx.loop);
	assert_int_equal(acks.got, 10);
	/* room again; by bytes now, and what is larger than the bound goes alone */
	static char big[5000];
	acks = (struct acks){ .loop = fx.loop, .expected = 1 };
	assert_int_equal(append(&fx, ls_slice(big, sizeof big), 1, &acks), LS_OK);
	assert_int_equal(append(&fx, LS_S("x"), 1, &acks), LS_ERR_LIMIT);
	ls_loop_run(fx.loop);
	assert_int_equal(acks.got, 1);
	assert_int_equal(ls_log_stats(fx.log)->refused, 2);
	fixture_fini(&fx);
}

static void
freeing_completes_everything(void **state)
{
	struct fixture *fx = *state;
	struct acks acks = { .loop = fx->loop, .expected = 3000 };
	for (size_t i = 0; i < 3000; i++)
		assert_int_equal(append(fx, LS_S("0123456789"), 1, &acks), LS_OK);
	fx->log = ls_log_free(fx->log);
	assert_int_equal(acks.got, 3000);
	assert_int_equal(fixture_number(fx, "SELECT count(*) FROM event_log"), 3000);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void
pages_meet_the_end(void **state)
{
	struct fixture *fx = *state;
	struct page page = read_page(fx, 0, 10);
	assert_true(page.at_end && page.count == 0);
	(void)append_many(fx, 30, 1);
	page = read_page(fx, 0, 20);
	assert_true(!page.at_end && page.count == 20 && page.last == 20);
	page = read_page(fx, 20, 10);
	assert_true(page.at_end && page.count == 10 && page.last == 30);
	page = read_page(fx, 30, 10);
	assert_true(page.at_end && page.count == 0);
	page = read_page(fx, UINT64_MAX, 10);
	assert_true(page.at_end && page.count == 0);
}

/* appends go on while a reader pages through: at_end splits them into seen and acknowledged later
 */
struct follow {
	struct fixture *fx;
	struct acks acks;
	size_t appended, total;
	uint64_t read_upto, acked_at_end;
	bool ended, overlap;
};

static void
follow_ack(void *ctx, int err, uint64_t id)
{
	struct follow *follow = ctx;
	ls_assert(err == LS_OK);
	if (follow->ended && id <= follow->read_upto)
		follow->overlap = true;
	follow->acks.last = id;
	follow->acks.got++;
	if (follow->appended < follow->total) {
		struct ls_log_entry entry = {
			.tenant = LS_S("acme"), .source = LS_S("pixel"), .body = LS_S("more")
		};
		follow->appended++;
		ls_assert(ls_log_append(follow->fx->log, &entry, follow_ack, follow) == LS_OK);
	}
	if (follow->acks.got == follow->total && follow->ended)
		ls_loop_stop(follow->fx->loop);
}

static void
follow_page(void *ctx, int err, const struct ls_log_entry *entries, size_t count, bool at_end)
{
	struct follow *follow = ctx;
	ls_assert(err == LS_OK);
	if (count > 0) {
		ls_assert(entries[0].id == follow->read_upto + 1);
		follow->read_upto = entries[count - 1].id;
	}
	if (!at_end) {
		ls_assert(ls_log_read(follow->fx->log, follow->read_upto, 7, follow_page, follow) ==
			  LS_OK);
		return;
	}
	follow->ended = true;
	follow->acked_at_end = follow->acks.last;
	if (follow->acks.got == follow->total)
		ls_loop_stop(follow->fx->loop);
}

static void
the_end_splits_reading_from_living(void **state)
{
	struct fixture *fx = *state;
	for (size_t round = 0; round < 5; round++) {
		uint64_t before = ls_log_stats(fx->log)->last_id;
		struct follow follow = { .fx = fx, .total = 200, .read_upto = before };
		follow.acks.last = before;
		for (size_t i = 0; i < 5; i++) {
			struct ls_log_entry entry = { .tenant = LS_S("acme"),
				.source = LS_S("pixel"),
				.body = LS_S("first") };
			follow.appended++;
			assert_int_equal(
				ls_log_append(fx->log, &entry, follow_ack, &follow), LS_OK);
		}
		assert_int_equal(ls_log_read(fx->log, before, 7, follow_page, &follow), LS_OK);
		ls_loop_run(fx->loop);
		assert_false(follow.overlap);
		assert_true(follow.acked_at_end <= follow.read_upto);
		assert_int_equal(follow.acks.got, 200);
	}
}

/* --- trimming --------------------------------------------------------------------------------- */

static void
trimming_keeps_what_is_young_or_needed(void **state)
{
	struct fixture *fx = *state;
	(void)append_many(fx, 100, 1000);
	(void)append_many(fx, 100, 2000);
	struct trimmed trimmed = trim(fx, 50, 5000);
	assert_true(trimmed.deleted == 50 && !trimmed.more);
	trimmed = trim(fx, 200, 2000);
	assert_true(trimmed.deleted == 50 && !trimmed.more);
	assert_int_equal(ls_log_stats(fx->log)->first_id, 101);
	trimmed = trim(fx, 200, 2000);
	assert_true(trimmed.deleted == 0 && !trimmed.more);
	assert_int_equal(read_page(fx, 0, 1000).count, 100);
	assert_int_equal(ls_log_stats(fx->log)->trimmed, 100);
}

static void
trimming_takes_small_steps(void **state)
{
	struct fixture *fx = *state;
	(void)append_many(fx, 12000, 1000);
	size_t calls = 0;
	uint64_t deleted = 0;
	struct trimmed trimmed = { .more = true };
	while (trimmed.more) {
		trimmed = trim(fx, UINT64_MAX, 2000);
		assert_int_equal(trimmed.err, LS_OK);
		assert_true(trimmed.deleted <= 5000);
		deleted += trimmed.deleted;
		calls++;
	}
	assert_int_equal(deleted, 12000);
	assert_true(calls >= 3);
	struct trimmed other = { .loop = fx->loop };
	assert_int_equal(ls_log_trim(fx->log, 1, 1, on_trim, &other), LS_OK);
	assert_int_equal(ls_log_trim(fx->log, 1, 1, on_trim, &other), LS_ERR_CONFLICT);
	ls_loop_run(fx->loop);
}

/* a clock that once ran ahead must not keep what came after it for ever */
static void
future_entries_do_not_block(void **state)
{
	struct fixture *fx = *state;
	(void)append_many(fx, 3000, ls_clock_now_ms() + (int64_t)400 * 86400 * 1000);
	(void)append_many(fx, 2000, 1000);
	struct trimmed trimmed = trim(fx, UINT64_MAX, 2000);
	assert_int_equal(trimmed.deleted, 2000);
	assert_int_equal(read_page(fx, 0, 10000).count, 3000);
}

/* after a great many were trimmed, the file gives its pages back, some at a time */
static void
trimming_shrinks_the_file(void **state)
{
	struct fixture *fx = *state;
	static char body[100000];
	struct acks acks = { .loop = fx->loop, .expected = 400 };
	for (size_t i = 0; i < acks.expected; i++)
		assert_int_equal(append(fx, ls_slice(body, sizeof body), 1, &acks), LS_OK);
	ls_loop_run(fx->loop);
	int64_t before = fixture_number(fx, "PRAGMA page_count");
	struct trimmed trimmed = { .more = true };
	while (trimmed.more)
		trimmed = trim(fx, UINT64_MAX, 2000);
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(trim(fx, UINT64_MAX, 2000).err, LS_OK);
	int64_t after = fixture_number(fx, "PRAGMA page_count");
	assert_true(before > 9000 && after < before - 4000);
}

static void
ids_are_never_given_twice(void **state)
{
	struct fixture *fx = *state;
	(void)append_many(fx, 50, 1000);
	struct trimmed trimmed = trim(fx, UINT64_MAX, 2000);
	assert_int_equal(trimmed.deleted, 50);
	fixture_close(fx);
	fixture_open(fx);
	assert_int_equal(ls_log_stats(fx->log)->last_id, 50);
	struct acks acks = append_many(fx, 1, 1000);
	assert_int_equal(acks.first, 51);
	fixture_close(fx);
	fixture_open(fx);
	assert_int_equal(append_many(fx, 1, 1000).first, 52);
}

/* what docs/operations.md says about backups: a snapshot while we run is a whole database */
static void
a_snapshot_is_a_database(void **state)
{
	struct fixture *fx = *state;
	struct fixture copy;
	char path[300], sql[400];
	(void)append_many(fx, 500, 1000);
	fixture_init(&copy);
	fixture_path(&copy, "leadscore.db", path, sizeof path);
	(void)snprintf(sql, sizeof sql, "VACUUM INTO '%s'", path);
	assert_int_equal(fixture_exec(fx, sql), LS_OK);
	(void)append_many(fx, 1, 1000);
	fixture_open(&copy);
	assert_int_equal(read_page(&copy, 0, 1000).count, 500);
	assert_int_equal(append_many(&copy, 1, 1000).first, 501);
	assert_int_equal(fixture_number(&copy, "PRAGMA auto_vacuum"), 2);
	fixture_fini(&copy);
}

/* --- trouble ---------------------------------------------------------------------------------- */

static void
full_disk_and_relief(void **state)
{
	struct fixture fx;
	(void)state;
	fixture_init(&fx);
	fx.options.max_bytes = 512 << 10;
	fixture_open(&fx);
	static char body[4000];
	struct acks acks = { .loop = fx.loop, .expected = 1 };
	size_t stored = 0;
	for (; acks.failed == 0; stored += acks.got) {
		acks = (struct acks){ .loop = fx.loop, .expected = 1 };
		assert_int_equal(append(&fx, ls_slice(body, sizeof body), 1, &acks), LS_OK);
		ls_loop_run(fx.loop);
		assert_true(stored < 1000);
	}
	assert_int_equal(acks.err, LS_ERR_IO);
	assert_true(stored > 10);
	assert_int_equal(ls_log_stats(fx.log)->append_errors, 1);
	/* reading goes on, and so does writing once there is room */
	assert_int_equal(read_page(&fx, 0, 10000).count, stored);
	assert_int_equal(trim(&fx, UINT64_MAX, 1000).deleted, stored);
	assert_int_equal(append_many(&fx, 20, 1).got, 20);
	fixture_fini(&fx);
}

/* the same from the system: a write that fails half-way through the write-ahead log */
static void
failing_writes_and_relief(void **state)
{
	struct fixture *fx = *state;
	static char body[4000];
	struct rlimit before, tight = { .rlim_cur = 256 << 10 };
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	tight.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	struct acks acks = { .loop = fx->loop };
	size_t stored = 0;
	while (acks.failed < 3 && stored < 1000) {
		acks.expected = acks.got + acks.failed + 1;
		assert_int_equal(append(fx, ls_slice(body, sizeof body), 1, &acks), LS_OK);
		ls_loop_run(fx->loop);
		stored = acks.got;
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(acks.failed, 3);
	assert_int_equal(acks.err, LS_ERR_IO);
	assert_int_equal(append_many(fx, 100, 1).got, 100);
	fixture_close(fx);
	fixture_open(fx);
	assert_int_equal(read_page(fx, 0, 10000).count, stored + 100);
}

/* the child: appends as fast as it can, and tells the pipe which ids were acknowledged */
struct writer {
	struct fixture *fx;
	int fd;
	size_t in_flight;
};

static void writer_fill(struct writer *writer);

static void
writer_ack(void *ctx, int err, uint64_t id)
{
	struct writer *writer = ctx;
	if (err != LS_OK || write(writer->fd, &id, sizeof id) != (ssize_t)sizeof id)
		_exit(3);
	writer->in_flight--;
	writer_fill(writer);
}

static void
writer_fill(struct writer *writer)
{
	static const char body[400];
	struct ls_log_entry entry = { .tenant = LS_S("acme"),
		.source = LS_S("pixel"),
		.body = { .data = body, .len = sizeof body } };
	for (; writer->in_flight < 50; writer->in_flight++)
		if (ls_log_append(writer->fx->log, &entry, writer_ack, writer) != LS_OK)
			_exit(4);
}

static void
write_until_killed(struct fixture *fx, int fd)
{
	struct writer writer = { .fx = fx, .fd = fd };
	if (fixture_try_open(fx) != LS_OK)
		_exit(2);
	writer_fill(&writer);
	ls_loop_run(fx->loop);
	_exit(5);
}

/* reads acknowledgements until `enough`, kills the child, reads the rest: the highest id */
static uint64_t
kill_after(pid_t child, int fd, size_t enough)
{
	uint64_t ids[64], last = 0;
	size_t seen = 0;
	ssize_t n;
	bool killed = false;
	while ((n = read(fd, ids, sizeof ids)) > 0) {
		assert_int_equal(n % (ssize_t)sizeof ids[0], 0);
		size_t count = (size_t)n / sizeof ids[0];
		last = ids[count - 1];
		seen += count;
		if (seen >= enough && !killed) {
			assert_int_equal(kill(child, SIGKILL), 0);
			killed = true;
		}
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return last;
}

static void
survives_kill_9(void **state)
{
	struct fixture fx;
	(void)state;
	fixture_init(&fx);
	struct ls_hash_key random = ls_hash_key_random();
	uint64_t acked = 0;
	for (size_t cycle = 0; cycle < 20; cycle++) {
		int fds[2];
		assert_int_equal(pipe(fds), 0);
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			(void)close(fds[0]);
			write_until_killed(&fx, fds[1]);
		}
		(void)close(fds[1]);
		size_t enough = 1 + ls_hash(random, &cycle, sizeof cycle) % 2000;
		uint64_t last = kill_after(child, fds[0], enough);
		(void)close(fds[0]);
		assert_true(last > acked);
		acked = last;
		fixture_open(&fx);
		/* rows 1 to the last acknowledged, all of them, in one piece */
		assert_true(fixture_number(&fx, "SELECT count(*) = max(id) FROM event_log") == 1);
		assert_true(ls_log_stats(fx.log)->last_id >= acked);
		assert_int_equal(fixture_number(&fx, "SELECT count(*) FROM event_log WHERE "
						     "length(body) <> 400"),
			0);
		acked = ls_log_stats(fx.log)->last_id;
		fixture_close(&fx);
	}
	fixture_fini(&fx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			acknowledged_in_order, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			one_turn_is_one_commit, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			bodies_of_all_sizes, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			bad_entries_are_refused, fixture_setup, fixture_teardown),
		cmocka_unit_test(waiting_is_bounded),
		cmocka_unit_test_setup_teardown(
			freeing_completes_everything, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			pages_meet_the_end, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			the_end_splits_reading_from_living, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			trimming_keeps_what_is_young_or_needed, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			trimming_takes_small_steps, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			future_entries_do_not_block, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			trimming_shrinks_the_file, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			ids_are_never_given_twice, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			a_snapshot_is_a_database, fixture_setup, fixture_teardown),
		cmocka_unit_test(full_disk_and_relief),
		cmocka_unit_test_setup_teardown(
			failing_writes_and_relief, fixture_setup, fixture_teardown),
		cmocka_unit_test(survives_kill_9),
	};
	ls_logger_init(LS_LEVEL_ERROR, LS_LOG_TEXT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
