// SPDX-License-Identifier: MIT
/* Compares schema_version with the embedded steps and runs those that are missing, each in a
 * transaction of its own together with its record. */

#include "store/migrate.h"

#include "base/clock.h"
#include "base/logger.h"
#include "io/sqlite.h"

/* "Lead", in the file's header: file(1) and we can tell whose it is */
#define APPLICATION_ID 0x4c656164

#define SQL_IS_OURS  "PRAGMA application_id"
#define SQL_MARK     "PRAGMA application_id = 1281712484"
#define SQL_IS_EMPTY "SELECT count(*) FROM sqlite_schema"
#define SQL_APPLIED  "SELECT version, name FROM schema_version ORDER BY version"
#define SQL_RECORD   "INSERT INTO schema_version (version, name, applied_ms) VALUES (?1, ?2, ?3)"
#define SQL_BOOTSTRAP                                                                              \
	"CREATE TABLE schema_version (version BIGINT PRIMARY KEY, name TEXT NOT NULL,"             \
	" applied_ms BIGINT NOT NULL)"

struct plan {
	const struct ls_migration *steps;
	size_t count;
};

static int
bootstrap(struct ls_sqlite_conn *conn)
{
	int64_t tables = 0;
	int err = ls_sqlite_number(conn, SQL_IS_EMPTY, &tables);
	if (err != LS_OK)
		return err;
	if (tables != 0) {
		ls_error("storage", "the file is a database of some other program");
		return LS_ERR_UNSUPPORTED;
	}
	err = ls_sqlite_begin(conn);
	if (err != LS_OK)
		return err;
	err = ls_sqlite_exec(conn, SQL_MARK "; " SQL_BOOTSTRAP);
	if (err != LS_OK) {
		ls_sqlite_rollback(conn);
		return err;
	}
	return ls_sqlite_commit(conn);
}

/* one row of the history against what we know: `at` is how many came before it */
static int
compare(const struct plan *plan, size_t at, uint64_t version, struct ls_slice name)
{
	if (version > plan->count) {
		ls_error("storage",
			"the database is newer than this program version=%llu known=%zu",
			(unsigned long long)version, plan->count);
		return LS_ERR_UNSUPPORTED;
	}
	if (version != at + 1) {
		ls_error("storage", "the schema history has a gap expected=%zu found=%llu", at + 1,
			(unsigned long long)version);
		return LS_ERR_CONFLICT;
	}
	if (!ls_slice_eq(name, ls_slice_str(plan->steps[at].name))) {
		ls_error("storage", "the schema history is not ours version=%zu expected=%s",
			at + 1, plan->steps[at].name);
		return LS_ERR_CONFLICT;
	}
	return LS_OK;
}

/* The newest row is looked at first: a database from the future may have any history. */
static int
check_history(struct ls_sqlite_conn *conn, const struct plan *plan, size_t *applied)
{
	struct ls_stmt *stmt = NULL;
	int64_t newest = 0;
	size_t count = 0;
	bool row = true;
	int err = ls_sqlite_number(
		conn, "SELECT coalesce(max(version), 0) FROM schema_version", &newest);
	if (err == LS_OK && newest > 0 && (uint64_t)newest > plan->count)
		err = compare(plan, 0, (uint64_t)newest, LS_S(""));
	if (err == LS_OK)
		err = ls_sqlite_prepare(conn, SQL_APPLIED, &stmt);
	while (err == LS_OK && row) {
		err = ls_stmt_step(stmt, &row);
		if (err != LS_OK || !row)
			break;
		err = compare(plan, count, (uint64_t)ls_stmt_get_i64(stmt, 0),
			ls_stmt_get_slice(stmt, 1));
		count += err == LS_OK;
		if (err != LS_OK)
			ls_stmt_reset(stmt);
	}
	if (err == LS_OK)
		*applied = count;
	return err;
}

static int
record(struct ls_sqlite_conn *conn, const struct ls_migration *step)
{
	struct ls_stmt *stmt = NULL;
	int err = ls_sqlite_prepare(conn, SQL_RECORD, &stmt);
	if (err != LS_OK)
		return err;
	ls_stmt_i64(stmt, 1, step->version);
	ls_stmt_text(stmt, 2, ls_slice_str(step->name));
	ls_stmt_i64(stmt, 3, ls_clock_now_ms());
	return ls_stmt_run(stmt);
}

static int
apply(struct ls_sqlite_conn *conn, const struct ls_migration *step)
{
	int err = ls_sqlite_begin(conn);
	if (err != LS_OK)
		return err;
	err = ls_sqlite_exec(conn, step->sql);
	if (err == LS_OK)
		err = record(conn, step);
	if (err == LS_OK)
		err = ls_sqlite_commit(conn);
	else
		ls_sqlite_rollback(conn);
	if (err != LS_OK)
		ls_error("storage", "migration failed version=%u name=%s", step->version,
			step->name);
	else
		ls_info("storage", "migrated version=%u name=%s", step->version, step->name);
	return err;
}

static int
migrate(struct ls_sqlite_conn *conn, void *arg)
{
	const struct plan *plan = arg;
	int64_t mark = 0;
	size_t applied = 0;
	int err = ls_sqlite_number(conn, SQL_IS_OURS, &mark);
	if (err == LS_OK && mark == 0)
		err = bootstrap(conn);
	else if (err == LS_OK && mark != APPLICATION_ID) {
		ls_error("storage", "the file is a database of some other program");
		err = LS_ERR_UNSUPPORTED;
	}
	if (err == LS_OK)
		err = check_history(conn, plan, &applied);
	for (size_t i = applied; err == LS_OK && i < plan->count; i++)
		err = apply(conn, &plan->steps[i]);
	return err;
}

int
ls_migrate_sqlite_with(struct ls_sqlite *db, const struct ls_migration *steps, size_t count)
{
	struct plan plan = { .steps = steps, .count = count };
	return ls_sqlite_call(db, migrate, &plan);
}

int
ls_migrate_sqlite(struct ls_sqlite *db)
{
	return ls_migrate_sqlite_with(db, ls_migrations_sqlite, ls_migrations_sqlite_count);
}
