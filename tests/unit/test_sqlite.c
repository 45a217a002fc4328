// SPDX-License-Identifier: MIT
/* io/sqlite: the data directory and its lock, groups and their order, damaged files. */

#include "storage_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/hash.h"

static void
bare_open(struct fixture *fx)
{
	fixture_init(fx);
	fx->loop = ls_loop_new();
	assert_int_equal(ls_sqlite_open(fx->loop, &fx->options, &fx->db), LS_OK);
}

/* --- the data directory ----------------------------------------------------------------------- */

static unsigned
mode_of(const struct fixture *fx, const char *name)
{
	char path[300];
	struct stat st;
	fixture_path(fx, name, path, sizeof path);
	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void
the_directory_is_private(void **state)
{
	struct fixture fx;
	(void)state;
	fixture_init(&fx);
	assert_int_equal(rmdir(fx.dir), 0);
	mode_t before = umask(0);
	fixture_open(&fx);
	(void)umask(before);
	assert_int_equal(mode_of(&fx, "."), 0700);
	assert_int_equal(mode_of(&fx, "lock"), 0600);
	assert_int_equal(mode_of(&fx, "leadscore.db"), 0600);
	assert_int_equal(mode_of(&fx, "leadscore.db-wal"), 0600);
	fixture_fini(&fx);
}

/* tries in another process, and gives what it said on standard error */
static int
open_elsewhere(const struct fixture *fx, char *said, size_t size)
{
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct fixture other = *fx;
		(void)dup2(fds[1], STDERR_FILENO);
		(void)close(fds[1]);
		_exit(-fixture_try_open(&other));
	}
	(void)close(fds[1]);
	size_t len = 0;
	ssize_t n;
	while (len < size - 1 && (n = read(fds[0], said + len, size - 1 - len)) > 0)
		len += (size_t)n;
	said[len] = '\0';
	(void)close(fds[0]);
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static void
a_second_process_is_refused(void **state)
{
	struct fixture fx;
	char said[1024], pid[32];
	(void)state;
	bare_open(&fx);
	assert_int_equal(open_elsewhere(&fx, said, sizeof said), LS_ERR_CONFLICT);
	(void)snprintf(pid, sizeof pid, "pid=%ld ", (long)getpid());
	assert_non_null(strstr(said, pid));
	assert_non_null(strstr(said, fx.dir));
	/* nor twice in one process; and free again when it is closed */
	struct ls_sqlite *other = NULL;
	assert_int_equal(ls_sqlite_open(fx.loop, &fx.options, &other), LS_ERR_CONFLICT);
	assert_null(other);
	fixture_close(&fx);
	assert_int_equal(open_elsewhere(&fx, said, sizeof said), LS_OK);
	fixture_fini(&fx);
}

static void
impossible_directories(void **state)
{
	struct fixture fx;
	(void)state;
	fixture_init(&fx);
	char path[300];
	fixture_path(&fx, "no/such/parent", path, sizeof path);
	fx.options.directory = path;
	assert_int_equal(fixture_try_open(&fx), LS_ERR_IO);
	fixture_close(&fx);
	fx.options.directory = "";
	assert_int_equal(fixture_try_open(&fx), LS_ERR_INVALID);
	fixture_fini(&fx);
}

/* --- jobs ------------------------------------------------------------------------------------- */

struct note {
	struct ls_sqlite_job job;
	struct diary *diary;
	int64_t value;
	int fail; /* what run() returns */
};

/* the order in which jobs were completed, and how */
struct diary {
	struct fixture fx;
	struct note notes[64];
	int64_t values[256];
	int errs[256];
	size_t count, stop_at, again;
};

static int
run_note(struct ls_sqlite_job *job, struct ls_sqlite_conn *conn)
{
	struct note *note = LS_CONTAINER_OF(job, struct note, job);
	char sql[64];
	(void)snprintf(sql, sizeof sql, "INSERT INTO t VALUES (%lld)", (long long)note->value);
	int err = ls_sqlite_exec(conn, sql);
	return err != LS_OK ? err : note->fail;
}

static void
note_done(struct ls_sqlite_job *job, int err)
{
	struct note *note = LS_CONTAINER_OF(job, struct note, job);
	struct diary *diary = note->diary;
	assert_true(diary->count < LS_ARRAY_LEN(diary->values));
	diary->values[diary->count] = note->value;
	diary->errs[diary->count++] = err;
	if (note->job.grouped && diary->again > 0) {
		diary->again--;
		ls_sqlite_submit(diary->fx.db, &note->job);
	}
	if (diary->count == diary->stop_at)
		ls_loop_stop(diary->fx.loop);
}

static struct note *
note_new(struct diary *diary, size_t at, int64_t value, bool grouped)
{
	struct note *note = &diary->notes[at];
	*note = (struct note){
		.job = { .run = run_note, .done = note_done, .grouped = grouped, .bytes = 1 },
		.diary = diary,
		.value = value,
	};
	return note;
}

static int
diary_setup(void **state)
{
	struct diary *diary = calloc(1, sizeof *diary);
	assert_non_null(diary);
	bare_open(&diary->fx);
	assert_int_equal(fixture_exec(&diary->fx, "CREATE TABLE t (x BIGINT)"), LS_OK);
	*state = diary;
	return 0;
}

static int
diary_teardown(void **state)
{
	struct diary *diary = *state;
	fixture_fini(&diary->fx);
	free(diary);
	return 0;
}

static void
groups_share_a_commit(void **state)
{
	struct diary *diary = *state;
	for (size_t i = 0; i < 10; i++)
		ls_sqlite_submit(diary->fx.db, &note_new(diary, i, (int64_t)i, true)->job);
	diary->stop_at = 10;
	ls_loop_run(diary->fx.loop);
	const struct ls_sqlite_stats *stats = ls_sqlite_stats(diary->fx.db);
	assert_true(stats->groups == 1 && stats->grouped_jobs == 10);
	for (size_t i = 0; i < 10; i++)
		assert_true(diary->values[i] == (int64_t)i && diary->errs[i] == LS_OK);
	assert_int_equal(fixture_number(&diary->fx, "SELECT count(*) FROM t"), 10);
}

static void
a_group_fails_whole(void **state)
{
	struct diary *diary = *state;
	for (size_t i = 0; i < 3; i++)
		ls_sqlite_submit(diary->fx.db, &note_new(diary, i, (int64_t)i, true)->job);
	diary->notes[1].fail = LS_ERR_LIMIT;
	diary->stop_at = 3;
	ls_loop_run(diary->fx.loop);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(diary->errs[i], LS_ERR_LIMIT);
	assert_int_equal(fixture_number(&diary->fx, "SELECT count(*) FROM t"), 0);
	/* the next one is none the worse for it */
	ls_sqlite_submit(diary->fx.db, &note_new(diary, 3, 3, true)->job);
	diary->stop_at = 4;
	ls_loop_run(diary->fx.loop);
	assert_int_equal(diary->errs[3], LS_OK);
	assert_int_equal(fixture_number(&diary->fx, "SELECT count(*) FROM t"), 1);
	assert_int_equal(ls_sqlite_stats(diary->fx.db)->errors, 3);
}

/* waiting groups go first, but one of the others runs after each */
static void
nobody_starves(void **state)
{
	struct diary *diary = *state;
	for (size_t i = 0; i < 8; i++)
		ls_sqlite_submit(diary->fx.db, &note_new(diary, i, 100 + (int64_t)i, false)->job);
	ls_sqlite_submit(diary->fx.db, &note_new(diary, 8, 1, true)->job);
	diary->again = 100;
	diary->stop_at = 109;
	ls_loop_run(diary->fx.loop);
	assert_int_equal(diary->values[0], 1);
	size_t grouped = 0, seen = 0;
	for (size_t i = 0; i < diary->count; i++) {
		if (diary->values[i] == 1) {
			grouped++;
			continue;
		}
		assert_int_equal(diary->values[i], 100 + (int64_t)seen++);
		assert_true(grouped <= 100);
	}
	assert_true(seen == 8 && grouped == 101);
	/* all eight were done long before the stream of groups ended */
	for (size_t i = 60; i < diary->count; i++)
		assert_int_equal(diary->values[i], 1);
}

static void
closing_completes_everything(void **state)
{
	struct diary *diary = *state;
	diary->again = 3;
	ls_sqlite_submit(diary->fx.db, &note_new(diary, 0, 1, true)->job);
	ls_sqlite_submit(diary->fx.db, &note_new(diary, 1, 2, false)->job);
	diary->fx.db = ls_sqlite_close(diary->fx.db);
	assert_int_equal(diary->count, 5);
	for (size_t i = 0; i < diary->count; i++)
		assert_int_equal(diary->errs[i], LS_OK);
}

static int
leave_open(struct ls_sqlite_conn *conn, void *arg)
{
	(void)arg;
	int err = ls_sqlite_begin(conn);
	return err != LS_OK ? err : ls_sqlite_exec(conn, "INSERT INTO t VALUES (7)");
}

static void
forgotten_transactions_are_rolled_back(void **state)
{
	struct diary *diary = *state;
	assert_int_equal(ls_sqlite_call(diary->fx.db, leave_open, NULL), LS_OK);
	assert_int_equal(fixture_number(&diary->fx, "SELECT count(*) FROM t"), 0);
	assert_true(fixture_exec(&diary->fx, "nonsense") != LS_OK);
}

/* the write-ahead log is copied back when nobody waits: it stays small */
static void
the_write_ahead_log_is_bounded(void **state)
{
	struct diary *diary = *state;
	static const char fill[] =
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
		" INSERT INTO t SELECT zeroblob(2000) FROM n";
	struct stat st;
	char path[300];
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(fixture_exec(&diary->fx, fill), LS_OK);
	ls_sqlite_drain(diary->fx.db);
	fixture_path(&diary->fx, "leadscore.db-wal", path, sizeof path);
	assert_int_equal(stat(path, &st), 0);
	/* 4 MB a transaction, 32 MB in all */
	assert_true(st.st_size < 16 << 20);
	fixture_path(&diary->fx, "leadscore.db", path, sizeof path);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size > 28 << 20);
}

/* --- damage ----------------------------------------------------------------------------------- */

struct file {
	char *bytes;
	size_t len;
};

static struct file
slurp(const struct fixture *fx, const char *name)
{
	char path[300];
	struct stat st;
	fixture_path(fx, name, path, sizeof path);
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	struct file file = { .bytes = malloc((size_t)st.st_size + 1), .len = (size_t)st.st_size };
	assert_non_null(file.bytes);
	assert_int_equal(read(fd, file.bytes, file.len), st.st_size);
	(void)close(fd);
	return file;
}

static void
spit(const struct fixture *fx, const char *name, const void *bytes, size_t len)
{
	char path[300];
	fixture_path(fx, name, path, sizeof path);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	(void)close(fd);
}

static void
forget(const struct fixture *fx, const char *name)
{
	char path[300];
	fixture_path(fx, name, path, sizeof path);
	assert_true(unlink(path) == 0 || errno == ENOENT);
}

struct count {
	struct ls_loop *loop;
	int err;
	uint64_t count, last;
};

static void
count_entries(void *ctx, int err, const struct ls_log_entry *entries, size_t count, bool at_end)
{
	struct count *out = ctx;
	(void)at_end;
	out->err = err;
	out->count += count;
	out->last = count > 0 ? entries[count - 1].id : out->last;
	ls_loop_stop(out->loop);
}

static void
ignore_ack(void *ctx, int err, uint64_t id)
{
	struct count *out = ctx;
	out->err = err;
	out->last = id;
	ls_loop_stop(out->loop);
}

/* `commits` commits of one entry each */
static void
fill_log(struct fixture *fx, size_t commits)
{
	static const char body[300];
	struct ls_log_entry entry = { .tenant = LS_S("acme"),
		.source = LS_S("pixel"),
		.body = { .data = body, .len = sizeof body } };
	for (size_t i = 0; i < commits; i++) {
		struct count count = { .loop = fx->loop };
		assert_int_equal(ls_log_append(fx->log, &entry, ignore_ack, &count), LS_OK);
		ls_loop_run(fx->loop);
		assert_int_equal(count.err, LS_OK);
	}
}

/* opens what is there and reads all of it: an error is fine, a crash is not */
static int
open_and_read(struct fixture *fx, struct count *count)
{
	int err = fixture_try_open(fx);
	count->loop = fx->loop;
	if (err == LS_OK)
		err = ls_log_read(fx->log, 0, 10000, count_entries, count);
	if (err == LS_OK) {
		ls_loop_run(fx->loop);
		err = count->err;
	}
	fixture_close(fx);
	return err;
}

/* a crash may leave any beginning of the write-ahead log: all whole commits in it count */
static void
a_torn_write_ahead_log(void **state)
{
	struct fixture fx, copy;
	(void)state;
	fixture_init(&fx);
	fixture_open(&fx);
	fill_log(&fx, 25);
	struct file db = slurp(&fx, "leadscore.db"), wal = slurp(&fx, "leadscore.db-wal");
	fixture_init(&copy);
	uint64_t before = 0;
	for (size_t len = 0; len <= wal.len; len += LS_MIN((size_t)4099, wal.len - len)) {
		struct count count = { 0 };
		spit(&copy, "leadscore.db", db.bytes, db.len);
		spit(&copy, "leadscore.db-wal", wal.bytes, len);
		forget(&copy, "leadscore.db-shm");
		assert_int_equal(open_and_read(&copy, &count), LS_OK);
		assert_true(count.count >= before && count.count == count.last);
		before = count.count;
		if (len == wal.len)
			break;
	}
	assert_int_equal(before, 25);
	free(db.bytes);
	free(wal.bytes);
	fixture_fini(&copy);
	fixture_fini(&fx);
}

static void
a_damaged_file(void **state)
{
	struct fixture fx;
	(void)state;
	fixture_init(&fx);
	fixture_open(&fx);
	fill_log(&fx, 200);
	fixture_close(&fx);
	struct file db = slurp(&fx, "leadscore.db");
	struct ls_hash_key random = { 1, 2 };
	size_t refused = 0;
	ls_logger_init(LS_LEVEL_ERROR, LS_LOG_TEXT);
	for (size_t i = 0; i < 40; i++) {
		struct file bad = { .bytes = malloc(db.len), .len = db.len };
		struct count count = { 0 };
		assert_non_null(bad.bytes);
		memcpy(bad.bytes, db.bytes, db.len);
		for (size_t k = 0; k < 8; k++) {
			size_t roll[] = { i, k };
			uint64_t at = ls_hash(random, roll, sizeof roll);
			bad.bytes[at % bad.len] ^= (char)(1u << (at >> 32) % 8);
		}
		/* every third is cut as well */
		if (i % 3 == 0)
			bad.len = bad.len * (i % 7) / 7;
		spit(&fx, "leadscore.db", bad.bytes, bad.len);
		refused += open_and_read(&fx, &count) != LS_OK;
		free(bad.bytes);
	}
	assert_true(refused > 5);
	free(db.bytes);
	fixture_fini(&fx);
}

static void
no_database_at_all(void **state)
{
	struct fixture fx;
	struct count count = { 0 };
	(void)state;
	fixture_init(&fx);
	static char noise[8192];
	memset(noise, 'x', sizeof noise);
	spit(&fx, "leadscore.db", noise, sizeof noise);
	assert_int_equal(open_and_read(&fx, &count), LS_ERR_IO);
	/* and the file is as it was */
	struct file file = slurp(&fx, "leadscore.db");
	assert_int_equal(file.len, sizeof noise);
	assert_memory_equal(file.bytes, noise, sizeof noise);
	free(file.bytes);
	fixture_fini(&fx);
}

#define WITH_DIARY(test) cmocka_unit_test_setup_teardown(test, diary_setup, diary_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_directory_is_private),
		cmocka_unit_test(a_second_process_is_refused),
		cmocka_unit_test(impossible_directories),
		WITH_DIARY(groups_share_a_commit),
		WITH_DIARY(a_group_fails_whole),
		WITH_DIARY(nobody_starves),
		WITH_DIARY(closing_completes_everything),
		WITH_DIARY(forgotten_transactions_are_rolled_back),
		WITH_DIARY(the_write_ahead_log_is_bounded),
		cmocka_unit_test(a_torn_write_ahead_log),
		cmocka_unit_test(a_damaged_file),
		cmocka_unit_test(no_database_at_all),
	};
	ls_logger_init(LS_LEVEL_ERROR, LS_LOG_TEXT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
