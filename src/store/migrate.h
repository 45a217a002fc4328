/* SPDX-License-Identifier: MIT */
/* Brings the tables of a database to the version of this program, step by step, and refuses
 * databases it does not understand. */
#ifndef LS_STORE_MIGRATE_H
#define LS_STORE_MIGRATE_H

#include "base/base.h"

struct ls_sqlite;

/** One file of migrations/, numbered from 1 without gaps. */
struct ls_migration {
	unsigned version;
	const char *name;
	const char *sql;
};

/** Embedded by the build, in order. */
extern const struct ls_migration ls_migrations_sqlite[];
extern const size_t ls_migrations_sqlite_count;

/**
 * Before the log and the store are opened. Each step is one transaction and is recorded in
 * schema_version. Says in the log why it refuses: LS_ERR_UNSUPPORTED (the database is newer than
 * this program, or not LeadScore's), LS_ERR_CONFLICT (its history is not ours), or what SQLite
 * says.
 */
int ls_migrate_sqlite(struct ls_sqlite *db) LS_MUST_CHECK;
/** The same with other steps, for tests. */
int ls_migrate_sqlite_with(
	struct ls_sqlite *db, const struct ls_migration *steps, size_t count) LS_MUST_CHECK;

#endif
