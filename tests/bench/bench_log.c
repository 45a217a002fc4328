// SPDX-License-Identifier: MIT
/* Durable appends to the embedded log: how many a second and how long until the acknowledgement,
 *with 1 to 4,096 waiting, alone and with checkpoints of the store going on beside. The disk's own
 *sync time is printed before and after each row: void the figures when it moved more than twofold.
 *
 *	build/tests/bench/bench_log [DIRECTORY [SECONDS]]
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/logger.h"
#include "io/loop.h"
#include "io/sqlite.h"
#include "log/sqlite_log.h"
#include "store/migrate.h"
#include "store/sqlite_store.h"

#define BODY_BYTES       400
#define MAX_SAMPLES      ((size_t)4 << 20)
#define SYNCS            41
#define CHECKPOINT_LEADS 5000
#define LEADS            100000
#define LOAD_PAGE        2000

struct bench {
	const char *directory;
	struct ls_loop *loop;
	struct ls_sqlite *db;
	struct ls_log *log;
	struct ls_store *store;
	/* one row */
	int64_t *samples, stop_ns;
	size_t count, in_flight;
	bool checkpoints, checkpointing;
	size_t checkpoints_done;
	struct ls_timer *timer;
};

struct slot {
	struct bench *bench;
	int64_t started_ns;
};

static int
by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* median of fdatasync after overwriting one page */
static double
sync_us(const char *directory)
{
	char path[512];
	static char page[4096];
	int64_t times[SYNCS];
	int len = snprintf(path, sizeof path, "%s/bench-sync", directory);
	if (len < 0 || (size_t)len >= sizeof path)
		return 0;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return 0;
	for (size_t i = 0; i < SYNCS; i++) {
		page[0]++;
		if (pwrite(fd, page, sizeof page, 0) != (ssize_t)sizeof page)
			break;
		int64_t before = ls_clock_mono_ns();
		(void)fdatasync(fd);
		times[i] = ls_clock_mono_ns() - before;
	}
	(void)close(fd);
	(void)unlink(path);
	qsort(times, SYNCS, sizeof times[0], by_value);
	return (double)times[SYNCS / 2] / 1000;
}

static void append_one(struct bench *bench, struct slot *slot);

static void
on_ack(void *ctx, int err, uint64_t id)
{
	struct slot *slot = ctx;
	struct bench *bench = slot->bench;
	int64_t now = ls_clock_mono_ns();
	(void)id;
	ls_assert(err == LS_OK);
	if (bench->count < MAX_SAMPLES)
		bench->samples[bench->count++] = now - slot->started_ns;
	bench->in_flight--;
	if (now < bench->stop_ns)
		append_one(bench, slot);
	else if (bench->in_flight == 0 && !bench->checkpointing)
		ls_loop_stop(bench->loop);
}

static void
append_one(struct bench *bench, struct slot *slot)
{
	static const char body[BODY_BYTES];
	struct ls_log_entry entry = {
		.tenant = LS_S("acme"),
		.source = LS_S("hubspot"),
		.received_ms = ls_loop_now_ms(bench->loop),
		.body = { .data = body, .len = sizeof body },
	};
	slot->started_ns = ls_clock_mono_ns();
	int err = ls_log_append(bench->log, &entry, on_ack, slot);
	ls_assert(err == LS_OK);
	bench->in_flight++;
}

static void
on_checkpoint(void *ctx, int err)
{
	struct bench *bench = ctx;
	ls_assert(err == LS_OK);
	bench->checkpointing = false;
	bench->checkpoints_done++;
	if (ls_clock_mono_ns() < bench->stop_ns)
		ls_timer_set(bench->timer, 1000);
	else if (bench->in_flight == 0)
		ls_loop_stop(bench->loop);
}

/* leads all over the table, and one event each */
static void
write_checkpoint(void *ctx)
{
	struct bench *bench = ctx;
	static const char state[400];
	struct ls_store_lead *leads = calloc(CHECKPOINT_LEADS, sizeof *leads);
	struct ls_store_event *events = calloc(CHECKPOINT_LEADS, sizeof *events);
	ls_assert(leads != NULL && events != NULL);
	for (size_t i = 0; i < CHECKPOINT_LEADS; i++) {
		uint64_t roll = ls_hash_mix(bench->checkpoints_done * CHECKPOINT_LEADS + i);
		leads[i] = (struct ls_store_lead){
			.id = 1 + roll % LEADS,
			.email = LS_S("jane.doe@example.com"),
			.name = LS_S("Jane Doe"),
			.company = LS_S("Example"),
			.state = { .data = state, .len = sizeof state },
		};
		events[i] = (struct ls_store_event){
			.lead_id = leads[i].id,
			.source = LS_S("pixel"),
			.dedupe = { .lo = roll, .hi = 1 },
			.message = LS_S("opened \"Spring offer\""),
		};
	}
	struct ls_store_checkpoint data = {
		.tenant = LS_S("acme"),
		.leads = leads,
		.lead_count = CHECKPOINT_LEADS,
		.events = events,
		.event_count = CHECKPOINT_LEADS,
		.position = LS_S("1"),
	};
	bench->checkpointing = true;
	ls_assert(ls_store_checkpoint(bench->store, &data, on_checkpoint, bench) == LS_OK);
	free(leads);
	free(events);
}

static void
run_row(struct bench *bench, size_t waiting, double seconds)
{
	struct slot *slots = calloc(waiting, sizeof *slots);
	ls_assert(slots != NULL);
	ls_timer_cancel(bench->timer); /* the one of the row before */
	bench->count = bench->checkpoints_done = 0;
	double sync_before = sync_us(bench->directory);
	uint64_t commits = ls_log_stats(bench->log)->commits;
	int64_t started = ls_clock_mono_ns();
	bench->stop_ns = started + (int64_t)(seconds * 1e9);
	for (size_t i = 0; i < waiting; i++) {
		slots[i].bench = bench;
		append_one(bench, &slots[i]);
	}
	if (bench->checkpoints)
		write_checkpoint(bench);
	ls_loop_run(bench->loop);
	double took = (double)(ls_clock_mono_ns() - started) / 1e9;
	commits = ls_log_stats(bench->log)->commits - commits;
	qsort(bench->samples, bench->count, sizeof bench->samples[0], by_value);
	const int64_t *s = bench->samples;
	size_t n = bench->count;
	printf("%7zu %6s %9.0f %9.0f %8.1f %8.2f %8.2f %8.2f %8.2f   %5.0f %5.0f\n", waiting,
		bench->checkpoints ? "yes" : "no", (double)n / took, (double)commits / took,
		commits > 0 ? (double)n / (double)commits : 0, (double)s[n / 2] / 1e6,
		(double)s[n * 99 / 100] / 1e6, (double)s[n * 999 / 1000] / 1e6,
		(double)s[n - 1] / 1e6, sync_before, sync_us(bench->directory));
	if (bench->checkpoints)
		printf("        %zu checkpoints of %d leads and events, the last took %.1f ms\n",
			bench->checkpoints_done, CHECKPOINT_LEADS,
			(double)ls_store_stats(bench->store)->last_duration_ns / 1e6);
	free(slots);
}

static void
on_info(void *ctx, int err, const struct ls_store_info *info)
{
	struct bench *bench = ctx;
	(void)info;
	ls_assert(err == LS_OK);
	ls_loop_stop(bench->loop);
}

/* --- behind a backlog: everything is read by pages, and one append wants its acknowledgement ----
 */

struct backlog {
	struct bench *bench;
	uint64_t after, entries;
	int64_t opened_ns, acked_ns, ended_ns;
};

static void
on_page(void *ctx, int err, const struct ls_log_entry *entries, size_t count, bool at_end)
{
	struct backlog *backlog = ctx;
	ls_assert(err == LS_OK);
	backlog->entries += count;
	if (count > 0)
		backlog->after = entries[count - 1].id;
	if (!at_end) {
		err = ls_log_read(backlog->bench->log, backlog->after, 1000, on_page, backlog);
		ls_assert(err == LS_OK);
		return;
	}
	backlog->ended_ns = ls_clock_mono_ns();
	if (backlog->acked_ns != 0)
		ls_loop_stop(backlog->bench->loop);
}

static void
on_first_ack(void *ctx, int err, uint64_t id)
{
	struct backlog *backlog = ctx;
	(void)id;
	ls_assert(err == LS_OK);
	backlog->acked_ns = ls_clock_mono_ns();
	if (backlog->ended_ns != 0)
		ls_loop_stop(backlog->bench->loop);
}

static void
read_backlog(struct bench *bench)
{
	struct backlog backlog = { .bench = bench, .opened_ns = ls_clock_mono_ns() };
	struct ls_log_entry entry = { .tenant = LS_S("acme"), .source = LS_S("hubspot") };
	ls_assert(ls_log_read(bench->log, 0, 1000, on_page, &backlog) == LS_OK);
	ls_assert(ls_log_append(bench->log, &entry, on_first_ack, &backlog) == LS_OK);
	ls_loop_run(bench->loop);
	printf("reading %llu entries by 1,000: %.0f a second; first acknowledgement meanwhile after"
	       " %.1f ms\n",
		(unsigned long long)backlog.entries,
		(double)backlog.entries * 1e9 / (double)(backlog.ended_ns - backlog.opened_ns),
		(double)(backlog.acked_ns - backlog.opened_ns) / 1e6);
}

/* --- the store's leads, by pages ----------------------------------------------------------------
 */

struct loading {
	struct bench *bench;
	uint64_t rows;
};

static void
on_rows(void *ctx, int err, const struct ls_store_row *rows, size_t count)
{
	struct loading *loading = ctx;
	ls_assert(err == LS_OK);
	loading->rows += count;
	if (count < LOAD_PAGE) {
		ls_loop_stop(loading->bench->loop);
		return;
	}
	err = ls_store_load(loading->bench->store, LS_S("acme"), LS_STORE_LEADS, rows[count - 1].id,
		LOAD_PAGE, on_rows, loading);
	ls_assert(err == LS_OK);
}

static void
load_leads(struct bench *bench)
{
	struct loading loading = { .bench = bench };
	int64_t started = ls_clock_mono_ns();
	ls_assert(ls_store_load(bench->store, LS_S("acme"), LS_STORE_LEADS, 0, LOAD_PAGE, on_rows,
			  &loading) == LS_OK);
	ls_loop_run(bench->loop);
	double took = (double)(ls_clock_mono_ns() - started) / 1e9;
	printf("loading %llu leads by %d: %.0f a second\n", (unsigned long long)loading.rows,
		LOAD_PAGE, (double)loading.rows / took);
}

static void
clean_up(const char *directory)
{
	static const char *const names[] = { "leadscore.db", "leadscore.db-wal", "leadscore.db-shm",
		"lock" };
	char path[512];
	for (size_t i = 0; i < LS_ARRAY_LEN(names); i++) {
		int len = snprintf(path, sizeof path, "%s/%s", directory, names[i]);
		if (len > 0 && (size_t)len < sizeof path)
			(void)unlink(path);
	}
	(void)rmdir(directory);
}

static double
open_ms(struct bench *bench)
{
	struct ls_sqlite_options options = { .directory = bench->directory };
	int64_t started = ls_clock_mono_ns();
	bench->loop = ls_loop_new();
	ls_assert(ls_sqlite_open(bench->loop, &options, &bench->db) == LS_OK);
	ls_assert(ls_migrate_sqlite(bench->db) == LS_OK);
	ls_assert(ls_sqlite_log_open(bench->db, NULL, &bench->log) == LS_OK);
	ls_assert(ls_sqlite_store_open(bench->db, &bench->store) == LS_OK);
	return (double)(ls_clock_mono_ns() - started) / 1e6;
}

static void
close_all(struct bench *bench)
{
	bench->timer = ls_timer_free(bench->timer);
	bench->store = ls_store_free(bench->store);
	bench->log = ls_log_free(bench->log);
	bench->db = ls_sqlite_close(bench->db);
	bench->loop = ls_loop_free(bench->loop);
}

int
main(int argc, char **argv)
{
	static const size_t waiting[] = { 1, 16, 64, 512, 4096 };
	char made[] = "/tmp/leadscore-bench-XXXXXX";
	struct bench bench = { .directory = argc > 1 ? argv[1] : mkdtemp(made) };
	ls_logger_init(LS_LEVEL_WARN, LS_LOG_TEXT);
	double seconds = argc > 2 ? strtod(argv[2], NULL) : 1.0;
	bench.samples = malloc(MAX_SAMPLES * sizeof *bench.samples);
	if (bench.directory == NULL || bench.samples == NULL || seconds <= 0)
		return 1;
	(void)open_ms(&bench);
	bench.timer = ls_timer_new(bench.loop, write_checkpoint, &bench);
	ls_assert(bench.timer != NULL);
	ls_assert(ls_store_info(bench.store, LS_S("acme"), on_info, &bench) == LS_OK);
	ls_loop_run(bench.loop);
	printf("entries of %d bytes, one file, synchronous=FULL\n", BODY_BYTES);
	printf("%7s %6s %9s %9s %8s %8s %8s %8s %8s   %s\n", "waiting", "store", "acks/s",
		"commits/s", "a group", "p50 ms", "p99", "p99.9", "max",
		"fdatasync us, before/after");
	for (int store = 0; store < 2; store++) {
		bench.checkpoints = store != 0;
		for (size_t i = 0; i < LS_ARRAY_LEN(waiting); i++)
			run_row(&bench, waiting[i], seconds);
	}
	uint64_t entries = ls_log_stats(bench.log)->last_id;
	close_all(&bench);
	printf("opening behind %llu entries: %.1f ms\n", (unsigned long long)entries,
		open_ms(&bench));
	read_backlog(&bench);
	load_leads(&bench);
	close_all(&bench);
	clean_up(bench.directory);
	free(bench.samples);
	return 0;
}
