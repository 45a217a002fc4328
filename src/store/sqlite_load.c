// SPDX-License-Identifier: MIT
/* Reading the embedded store: pages of a table. The storage thread copies the rows into one buffer;
 * the loop sees them once it is full. */

#include <stdlib.h>

#include "base/buf.h"
#include "store/sqlite_rows.h"

/* a page is at most this large, whatever its rows: beyond any sane state of a lead */
#define PAGE_MAX_BYTES ((size_t)1 << 30)

struct page_job {
	struct ls_sqlite_job job;
	struct sqlite_store *store;
	struct ls_buf bytes;
	size_t count, limit;
	void *ctx;
	enum ls_store_table table;
	uint64_t after_id;
	struct ls_store_row *rows;
	ls_store_rows_fn rows_done;
	size_t slug_len;
	char slug[];
};

/* the length now, the place when the buffer has stopped moving */
static struct ls_slice
keep(struct page_job *page, struct ls_slice in)
{
	(void)ls_buf_add_slice(&page->bytes, in);
	return ls_slice(NULL, in.len);
}

static const char *
point(struct ls_slice *slice, const char *at)
{
	slice->data = at;
	return slice->len > 0 ? at + slice->len : at; /* `at` is NULL for a page without bytes */
}

/* bound and ready: every row goes through `take` */
static int
collect(struct page_job *page, struct ls_stmt *stmt,
	void (*take)(struct page_job *page, struct ls_stmt *stmt))
{
	bool row = false;
	int err = ls_stmt_step(stmt, &row);
	while (err == LS_OK && row && page->count < page->limit) {
		take(page, stmt);
		page->count++;
		err = page->bytes.err;
		if (err == LS_OK)
			err = ls_stmt_step(stmt, &row);
	}
	ls_stmt_reset(stmt);
	return err;
}

static void
take_row(struct page_job *page, struct ls_stmt *stmt)
{
	struct ls_store_row *row = &page->rows[page->count];
	row->id = (uint64_t)ls_stmt_get_i64(stmt, 0);
	if (page->table != LS_STORE_DEDUPE) {
		row->state = keep(page, ls_stmt_get_slice(stmt, 1));
		return;
	}
	row->received_ms = ls_stmt_get_i64(stmt, 1);
	row->dedupe.lo = (uint64_t)ls_stmt_get_i64(stmt, 2);
	row->dedupe.hi = (uint64_t)ls_stmt_get_i64(stmt, 3);
}

/* LS_OK with *known false: no such tenant, so no rows */
static int
find_tenant(struct page_job *page, struct sqlite_tenant *tenant, bool *known)
{
	int err = ls_sqlite_store_tenant(page->store, ls_slice(page->slug, page->slug_len), tenant);
	*known = err == LS_OK;
	return err == LS_ERR_NOT_FOUND ? LS_OK : err;
}

static int
run_load(struct ls_sqlite_job *job, struct ls_sqlite_conn *conn)
{
	static const enum sqlite_store_sql of_table[] = {
		[LS_STORE_LEADS] = SQL_LOAD_LEADS,
		[LS_STORE_RECORDS] = SQL_LOAD_RECORDS,
		[LS_STORE_DEDUPE] = SQL_LOAD_DEDUPE,
	};
	struct page_job *page = LS_CONTAINER_OF(job, struct page_job, job);
	struct ls_stmt *stmt = page->store->sql[of_table[page->table]];
	struct sqlite_tenant tenant;
	bool known;
	(void)conn;
	int err = find_tenant(page, &tenant, &known);
	if (err != LS_OK || !known)
		return err;
	ls_stmt_i64(stmt, 1, tenant.id);
	ls_stmt_i64(stmt, 2, (int64_t)LS_MIN(page->after_id, (uint64_t)INT64_MAX));
	ls_stmt_i64(stmt, 3, (int64_t)page->limit);
	if (page->table == LS_STORE_DEDUPE)
		ls_stmt_i64(stmt, 4, tenant.dedupe_from_ms);
	err = collect(page, stmt, take_row);
	const char *at = page->bytes.data;
	for (size_t i = 0; err == LS_OK && i < page->count; i++)
		at = point(&page->rows[i].state, at);
	return err;
}

static void
page_free(struct page_job *page)
{
	ls_buf_fini(&page->bytes);
	free(page->rows);
	free(page);
}

static void
page_done(struct ls_sqlite_job *job, int err)
{
	struct page_job *page = LS_CONTAINER_OF(job, struct page_job, job);
	size_t count = err == LS_OK ? page->count : 0;
	page->store->jobs--;
	page->rows_done(page->ctx, err, err == LS_OK ? page->rows : NULL, count);
	page_free(page);
}

static int
new_page(struct sqlite_store *store, struct ls_slice tenant, size_t limit, struct page_job **out)
{
	if (store->closing)
		return LS_ERR_CLOSED;
	if (tenant.len == 0 || tenant.len > 64 || limit == 0 || limit > LS_STORE_LOAD_MAX)
		return LS_ERR_INVALID;
	struct page_job *page = calloc(1, sizeof *page + tenant.len);
	if (page == NULL)
		return LS_ERR_NOMEM;
	page->job.done = page_done;
	page->store = store;
	page->limit = limit;
	page->slug_len = tenant.len;
	memcpy(page->slug, tenant.data, tenant.len);
	ls_buf_init(&page->bytes, PAGE_MAX_BYTES);
	*out = page;
	return LS_OK;
}

static int
submit(struct page_job *page, const void *rows,
	int (*run)(struct ls_sqlite_job *job, struct ls_sqlite_conn *conn))
{
	if (rows == NULL) {
		page_free(page);
		return LS_ERR_NOMEM;
	}
	page->job.run = run;
	page->store->jobs++;
	ls_sqlite_submit(page->store->db, &page->job);
	return LS_OK;
}

int
ls_sqlite_store_load(struct ls_store *base, struct ls_slice tenant, enum ls_store_table table,
	uint64_t after_id, size_t limit, ls_store_rows_fn done, void *ctx)
{
	struct page_job *page;
	int err = new_page(ls_sqlite_store_of(base), tenant, limit, &page);
	if (err != LS_OK)
		return err;
	page->table = table;
	page->after_id = after_id;
	page->rows_done = done;
	page->ctx = ctx;
	page->rows = calloc(limit, sizeof *page->rows);
	return submit(page, page->rows, run_load);
}
