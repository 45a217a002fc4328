/* SPDX-License-Identifier: MIT */
/* The embedded database: the store's tables in a SQLite file. */
#ifndef LS_STORE_SQLITE_STORE_H
#define LS_STORE_SQLITE_STORE_H

#include "store/store.h"

struct ls_sqlite;

/** The tables must be there: ls_migrate_sqlite(). Blocks for a moment: before the loop runs. Free
 * with ls_store_free() before closing `db`. One a database. */
int ls_sqlite_store_open(struct ls_sqlite *db, struct ls_store **out) LS_MUST_CHECK;

#endif
