/* SPDX-License-Identifier: MIT */
/* A data directory of its own with a loop, a database, a log and a store: for the tests of the
 * embedded backends. */
#ifndef LS_TESTS_STORAGE_FIXTURE_H
#define LS_TESTS_STORAGE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/logger.h"
#include "io/loop.h"
#include "io/sqlite.h"
#include "log/sqlite_log.h"
#include "store/migrate.h"
#include "store/sqlite_store.h"

struct fixture {
	char dir[256];
	struct ls_loop *loop;
	struct ls_sqlite *db;
	struct ls_log *log;
	struct ls_store *store;
	struct ls_sqlite_options options;
	struct ls_sqlite_log_options log_options;
};

static LS_UNUSED void
fixture_path(const struct fixture *fx, const char *name, char *out, size_t size)
{
	int len = snprintf(out, size, "%s/%s", fx->dir, name);
	ls_assert(len > 0 && (size_t)len < size);
}

/** The directory only, not yet made. */
static LS_UNUSED void
fixture_init(struct fixture *fx)
{
	const char *tmp = getenv("TMPDIR");
	*fx = (struct fixture){ 0 };
	(void)snprintf(fx->dir, sizeof fx->dir, "%s/leadscore-test-XXXXXX",
		tmp != NULL && tmp[0] != '\0' ? tmp : "/tmp");
	ls_assert(mkdtemp(fx->dir) != NULL);
	fx->options.directory = fx->dir;
}

/** 0, or what refused. */
static LS_UNUSED int
fixture_try_open(struct fixture *fx)
{
	fx->loop = ls_loop_new();
	ls_assert(fx->loop != NULL);
	int err = ls_sqlite_open(fx->loop, &fx->options, &fx->db);
	if (err == LS_OK)
		err = ls_migrate_sqlite(fx->db);
	if (err == LS_OK)
		err = ls_sqlite_log_open(fx->db, &fx->log_options, &fx->log);
	if (err == LS_OK)
		err = ls_sqlite_store_open(fx->db, &fx->store);
	return err;
}

static LS_UNUSED void
fixture_close(struct fixture *fx)
{
	fx->store = ls_store_free(fx->store);
	fx->log = ls_log_free(fx->log);
	fx->db = ls_sqlite_close(fx->db);
	fx->loop = ls_loop_free(fx->loop);
}

static LS_UNUSED void
fixture_open(struct fixture *fx)
{
	ls_assert(fixture_try_open(fx) == LS_OK);
}

static LS_UNUSED void
fixture_fini(struct fixture *fx)
{
	static const char *const names[] = { "leadscore.db", "leadscore.db-wal", "leadscore.db-shm",
		"lock" };
	char path[300];
	fixture_close(fx);
	for (size_t i = 0; i < LS_ARRAY_LEN(names); i++) {
		fixture_path(fx, names[i], path, sizeof path);
		(void)unlink(path);
	}
	(void)rmdir(fx->dir);
}

static LS_UNUSED int
fixture_setup(void **state)
{
	struct fixture *fx = malloc(sizeof *fx);
	ls_assert(fx != NULL);
	fixture_init(fx);
	fixture_open(fx);
	*state = fx;
	return 0;
}

static LS_UNUSED int
fixture_teardown(void **state)
{
	struct fixture *fx = *state;
	fixture_fini(fx);
	free(fx);
	return 0;
}

struct fixture_number {
	const char *sql;
	int64_t value;
};

/** SQL on the storage thread, behind the backends' backs. */
static LS_UNUSED int
fixture_exec_run(struct ls_sqlite_conn *conn, void *arg)
{
	return ls_sqlite_exec(conn, ((struct fixture_number *)arg)->sql);
}

static LS_UNUSED int
fixture_exec(struct fixture *fx, const char *sql)
{
	struct fixture_number number = { .sql = sql };
	return ls_sqlite_call(fx->db, fixture_exec_run, &number);
}

static LS_UNUSED int
fixture_number_run(struct ls_sqlite_conn *conn, void *arg)
{
	struct fixture_number *number = arg;
	return ls_sqlite_number(conn, number->sql, &number->value);
}

static LS_UNUSED int64_t
fixture_number(struct fixture *fx, const char *sql)
{
	struct fixture_number number = { .sql = sql };
	ls_assert(ls_sqlite_call(fx->db, fixture_number_run, &number) == LS_OK);
	return number.value;
}

#endif
