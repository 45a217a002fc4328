// SPDX-License-Identifier: MIT
/* Writing the embedded store: a checkpoint is copied into one block on the loop and written as one
 * transaction by the storage thread. */

#include <stdlib.h>

#include "base/clock.h"
#include "store/sqlite_rows.h"

/* old dedupe keys looked at a checkpoint, besides two for every event it brings */
#define DEDUPE_SWEEP 1000

/* --- the copy --------------------------------------------------------------------------------- */

static size_t
aligned(size_t size)
{
	return (size + 15) & ~(size_t)15;
}

static size_t
block_size(const struct ls_store_checkpoint *in)
{
	size_t size = aligned(in->lead_count * sizeof *in->leads) +
		      aligned(in->record_count * sizeof *in->records) +
		      aligned(in->event_count * sizeof *in->events) +
		      aligned(in->history_count * sizeof *in->history) +
		      aligned(in->erase_count * sizeof *in->erase_events_of);
	for (size_t i = 0; i < in->lead_count; i++)
		size += in->leads[i].email.len + in->leads[i].name.len + in->leads[i].company.len +
			in->leads[i].state.len;
	for (size_t i = 0; i < in->record_count; i++)
		size += in->records[i].state.len;
	for (size_t i = 0; i < in->event_count; i++)
		size += in->events[i].source.len + in->events[i].message.len +
			in->events[i].detail.len + in->events[i].attributes.len;
	for (size_t i = 0; i < in->history_count; i++)
		size += in->history[i].source.len;
	return size + in->tenant.len + in->position.len + 1;
}

static void *
copy_array(char **at, const void *from, size_t size)
{
	char *to = *at;
	if (size > 0)
		memcpy(to, from, size);
	*at += aligned(size);
	return to;
}

static void
copy_bytes(char **at, struct ls_slice *slice)
{
	char *to = *at;
	if (slice->len > 0)
		memcpy(to, slice->data, slice->len);
	slice->data = to;
	*at += slice->len;
}

static int
copy_checkpoint(const struct ls_store_checkpoint *in, struct ls_store_checkpoint *out, void **block)
{
	char *at = malloc(block_size(in));
	if (at == NULL)
		return LS_ERR_NOMEM;
	*block = at;
	*out = *in;
	struct ls_store_lead *leads = copy_array(&at, in->leads, in->lead_count * sizeof *leads);
	struct ls_store_record *records =
		copy_array(&at, in->records, in->record_count * sizeof *records);
	struct ls_store_event *events =
		copy_array(&at, in->events, in->event_count * sizeof *events);
	struct ls_store_history *history =
		copy_array(&at, in->history, in->history_count * sizeof *history);
	out->erase_events_of =
		copy_array(&at, in->erase_events_of, in->erase_count * sizeof *in->erase_events_of);
	for (size_t i = 0; i < in->lead_count; i++) {
		copy_bytes(&at, &leads[i].email);
		copy_bytes(&at, &leads[i].name);
		copy_bytes(&at, &leads[i].company);
		copy_bytes(&at, &leads[i].state);
	}
	for (size_t i = 0; i < in->record_count; i++)
		copy_bytes(&at, &records[i].state);
	for (size_t i = 0; i < in->event_count; i++) {
		copy_bytes(&at, &events[i].source);
		copy_bytes(&at, &events[i].message);
		copy_bytes(&at, &events[i].detail);
		copy_bytes(&at, &events[i].attributes);
	}
	for (size_t i = 0; i < in->history_count; i++)
		copy_bytes(&at, &history[i].source);
	copy_bytes(&at, &out->tenant);
	copy_bytes(&at, &out->position);
	out->leads = leads;
	out->records = records;
	out->events = events;
	out->history = history;
	return LS_OK;
}

static bool
id_fits(uint64_t id)
{
	return id > 0 && id <= (uint64_t)INT64_MAX;
}

static bool
checkpoint_valid(const struct ls_store_checkpoint *in)
{
	bool valid = in->tenant.len > 0 && in->tenant.len <= 64 && in->position.len <= 4096;
	for (size_t i = 0; i < in->lead_count; i++)
		valid = valid && id_fits(in->leads[i].id);
	for (size_t i = 0; i < in->record_count; i++)
		valid = valid && id_fits(in->records[i].id);
	return valid;
}

/* --- the transaction -------------------------------------------------------------------------- */

struct writer {
	struct sqlite_store *store;
	struct ls_sqlite_conn *conn;
	struct sqlite_tenant tenant;
	uint64_t rows;
};

static int
run(struct writer *w, enum sqlite_store_sql which, uint64_t *changes)
{
	int err = ls_stmt_run(w->store->sql[which]);
	if (err == LS_OK)
		*changes = ls_sqlite_changes(w->conn);
	w->rows += err == LS_OK ? *changes : 0;
	return err;
}

static int
run_lead(struct writer *w, enum sqlite_store_sql which, const struct ls_store_lead *lead,
	uint64_t *changes)
{
	struct ls_stmt *stmt = w->store->sql[which];
	ls_stmt_i64(stmt, 1, w->tenant.id);
	ls_stmt_i64(stmt, 2, (int64_t)lead->id);
	if (which != SQL_LEAD_DELETE) {
		ls_stmt_text(stmt, 3, lead->email);
		ls_stmt_text(stmt, 4, lead->name);
		ls_stmt_text(stmt, 5, lead->company);
		ls_stmt_i64(stmt, 6, lead->score_milli);
		ls_stmt_i64(stmt, 7, lead->scored_ms);
		ls_stmt_i64(stmt, 8, lead->last_activity_ms);
		ls_stmt_blob(stmt, 9, lead->state);
	}
	return run(w, which, changes);
}

static int
run_record(struct writer *w, enum sqlite_store_sql which, const struct ls_store_record *record,
	uint64_t *changes)
{
	struct ls_stmt *stmt = w->store->sql[which];
	ls_stmt_i64(stmt, 1, w->tenant.id);
	ls_stmt_i64(stmt, 2, (int64_t)record->id);
	if (which != SQL_RECORD_DELETE)
		ls_stmt_blob(stmt, 3, record->state);
	return run(w, which, changes);
}

/* Update, and insert what was not there: that way the counts stay exact without counting. */
static int
write_lead(struct writer *w, const struct ls_store_lead *lead)
{
	uint64_t changes = 0;
	int err = run_lead(w, lead->erased ? SQL_LEAD_DELETE : SQL_LEAD_UPDATE, lead, &changes);
	if (err == LS_OK && lead->erased)
		w->tenant.lead_count -= changes;
	else if (err == LS_OK && changes == 0) {
		err = run_lead(w, SQL_LEAD_INSERT, lead, &changes);
		w->tenant.lead_count += changes;
	}
	return err;
}

static int
write_record(struct writer *w, const struct ls_store_record *record)
{
	uint64_t changes = 0;
	int err = run_record(
		w, record->erased ? SQL_RECORD_DELETE : SQL_RECORD_UPDATE, record, &changes);
	if (err == LS_OK && record->erased)
		w->tenant.record_count -= changes;
	else if (err == LS_OK && changes == 0) {
		err = run_record(w, SQL_RECORD_INSERT, record, &changes);
		w->tenant.record_count += changes;
	}
	return err;
}

static int
write_dedupe(struct writer *w, const struct ls_store_event *event)
{
	struct ls_stmt *stmt = w->store->sql[SQL_DEDUPE_INSERT];
	uint64_t changes = 0;
	if ((event->dedupe.lo | event->dedupe.hi) == 0)
		return LS_OK;
	ls_stmt_i64(stmt, 1, w->tenant.id);
	ls_stmt_i64(stmt, 2, (int64_t)++w->tenant.dedupe_last_id);
	ls_stmt_i64(stmt, 3, event->received_ms);
	ls_stmt_i64(stmt, 4, (int64_t)event->dedupe.lo);
	ls_stmt_i64(stmt, 5, (int64_t)event->dedupe.hi);
	int err = run(w, SQL_DEDUPE_INSERT, &changes);
	w->tenant.dedupe_count += changes;
	return err;
}

static int
write_event(struct writer *w, const struct ls_store_event *event)
{
	struct ls_stmt *stmt = w->store->sql[SQL_EVENT_INSERT];
	uint64_t changes = 0;
	ls_stmt_i64(stmt, 1, w->tenant.id);
	ls_stmt_i64(stmt, 2, (int64_t)event->lead_id);
	ls_stmt_i64(stmt, 3, (int64_t)event->record_id);
	ls_stmt_i64(stmt, 4, event->kind);
	ls_stmt_i64(stmt, 5, event->verdict);
	ls_stmt_i64(stmt, 6, event->time_ms);
	ls_stmt_i64(stmt, 7, event->received_ms);
	ls_stmt_text(stmt, 8, event->source);
	ls_stmt_i64(stmt, 9, (int64_t)event->dedupe.lo);
	ls_stmt_i64(stmt, 10, (int64_t)event->dedupe.hi);
	ls_stmt_text(stmt, 11, event->message);
	ls_stmt_blob(stmt, 12, event->detail);
	ls_stmt_text(stmt, 13, event->attributes);
	ls_stmt_double(stmt, 14, event->stage_probability);
	ls_stmt_i64(stmt, 15, event->record_class);
	ls_stmt_i64(stmt, 16, event->flags);
	int err = run(w, SQL_EVENT_INSERT, &changes);
	return err == LS_OK ? write_dedupe(w, event) : err;
}

static int
write_history(struct writer *w, const struct ls_store_history *row)
{
	struct ls_stmt *stmt = w->store->sql[SQL_HISTORY_INSERT];
	uint64_t changes = 0;
	ls_stmt_i64(stmt, 1, w->tenant.id);
	ls_stmt_i64(stmt, 2, (int64_t)row->lead_id);
	ls_stmt_i64(stmt, 3, row->time_ms);
	ls_stmt_i64(stmt, 4, row->from_milli);
	ls_stmt_i64(stmt, 5, row->score_milli);
	ls_stmt_i64(stmt, 6, row->category);
	ls_stmt_i64(stmt, 7, row->kind);
	ls_stmt_text(stmt, 8, row->source);
	return run(w, SQL_HISTORY_INSERT, &changes);
}

static int
erase_past(struct writer *w, uint64_t lead_id)
{
	uint64_t changes = 0;
	ls_stmt_i64(w->store->sql[SQL_HISTORY_ERASE], 1, w->tenant.id);
	ls_stmt_i64(w->store->sql[SQL_HISTORY_ERASE], 2, (int64_t)lead_id);
	int err = run(w, SQL_HISTORY_ERASE, &changes);
	if (err != LS_OK)
		return err;
	ls_stmt_i64(w->store->sql[SQL_EVENTS_ERASE], 1, w->tenant.id);
	ls_stmt_i64(w->store->sql[SQL_EVENTS_ERASE], 2, (int64_t)lead_id);
	return run(w, SQL_EVENTS_ERASE, &changes);
}

/* The oldest keys have the lowest ids, so a stretch from the first on is all there is to look at.
 */
static int
sweep_dedupe(struct writer *w, const struct ls_store_checkpoint *data)
{
	struct ls_stmt *first = w->store->sql[SQL_DEDUPE_FIRST];
	struct ls_stmt *stmt = w->store->sql[SQL_DEDUPE_DELETE];
	bool row = false;
	uint64_t changes = 0;
	ls_stmt_i64(first, 1, w->tenant.id);
	int err = ls_stmt_step(first, &row);
	if (err != LS_OK || !row)
		return err;
	int64_t from = ls_stmt_get_i64(first, 0);
	ls_stmt_reset(first);
	ls_stmt_i64(stmt, 1, w->tenant.id);
	ls_stmt_i64(stmt, 2, from);
	ls_stmt_i64(stmt, 3, from + DEDUPE_SWEEP + 2 * (int64_t)data->event_count);
	ls_stmt_i64(stmt, 4, data->dedupe_older_than_ms);
	err = run(w, SQL_DEDUPE_DELETE, &changes);
	w->tenant.dedupe_count -= changes;
	return err;
}

static int
save_tenant(struct writer *w, const struct ls_store_checkpoint *data)
{
	struct ls_stmt *stmt = w->store->sql[SQL_TENANT_SAVE];
	ls_stmt_i64(stmt, 1, w->tenant.id);
	ls_stmt_text(stmt, 2, data->position);
	ls_stmt_i64(stmt, 3, LS_MAX(data->dedupe_older_than_ms, w->tenant.dedupe_from_ms));
	ls_stmt_i64(stmt, 4, (int64_t)w->tenant.dedupe_last_id);
	ls_stmt_i64(stmt, 5, (int64_t)w->tenant.lead_count);
	ls_stmt_i64(stmt, 6, (int64_t)w->tenant.record_count);
	ls_stmt_i64(stmt, 7, (int64_t)w->tenant.dedupe_count);
	return ls_stmt_run(stmt);
}

static int
write_all(struct writer *w, const struct ls_store_checkpoint *data)
{
	int err = ls_sqlite_store_tenant(w->store, data->tenant, &w->tenant);
	for (size_t i = 0; err == LS_OK && i < data->lead_count; i++)
		err = write_lead(w, &data->leads[i]);
	for (size_t i = 0; err == LS_OK && i < data->record_count; i++)
		err = write_record(w, &data->records[i]);
	for (size_t i = 0; err == LS_OK && i < data->event_count; i++)
		err = write_event(w, &data->events[i]);
	for (size_t i = 0; err == LS_OK && i < data->history_count; i++)
		err = write_history(w, &data->history[i]);
	/* behind the new ones: an erased lead's last events go as well */
	for (size_t i = 0; err == LS_OK && i < data->erase_count; i++)
		err = erase_past(w, data->erase_events_of[i]);
	if (err == LS_OK)
		err = sweep_dedupe(w, data);
	if (err == LS_OK)
		err = save_tenant(w, data);
	return err;
}

static bool
erases(const struct ls_store_checkpoint *data)
{
	bool any = data->erase_count > 0;
	for (size_t i = 0; i < data->lead_count && !any; i++)
		any = data->leads[i].erased;
	return any;
}

/* What a person asked to have deleted is overwritten in the file, too. */
static int
run_checkpoint(struct ls_sqlite_job *job, struct ls_sqlite_conn *conn)
{
	struct sqlite_checkpoint *cp = LS_CONTAINER_OF(job, struct sqlite_checkpoint, job);
	struct writer w = { .store = cp->store, .conn = conn };
	const int64_t started = ls_clock_mono_ns();
	const bool wipe = erases(&cp->data);
	int err = wipe ? ls_sqlite_exec(conn, "PRAGMA secure_delete = ON") : LS_OK;
	if (err == LS_OK)
		err = ls_sqlite_begin(conn);
	if (err == LS_OK) {
		err = write_all(&w, &cp->data);
		if (err == LS_OK)
			err = ls_sqlite_commit(conn);
		else
			ls_sqlite_rollback(conn);
	}
	if (wipe) {
		int back LS_UNUSED = ls_sqlite_exec(conn, "PRAGMA secure_delete = FAST");
	}
	cp->rows_written = err == LS_OK ? w.rows : 0;
	cp->duration_ns = ls_clock_mono_ns() - started;
	return err;
}

static void
checkpoint_done(struct ls_sqlite_job *job, int err)
{
	struct sqlite_checkpoint *cp = LS_CONTAINER_OF(job, struct sqlite_checkpoint, job);
	struct ls_store_stats *stats = &cp->store->stats;
	cp->store->jobs--;
	if (err == LS_OK) {
		stats->checkpoints++;
		stats->rows_written += cp->rows_written;
		stats->last_checkpoint_ms = ls_clock_now_ms();
		stats->last_duration_ns = cp->duration_ns;
	} else {
		stats->checkpoint_errors++;
	}
	free(cp->block);
	cp->block = NULL; /* the next one may begin inside done() */
	cp->done(cp->ctx, err);
}

int
ls_sqlite_store_checkpoint(struct ls_store *base, const struct ls_store_checkpoint *checkpoint,
	ls_store_done_fn done, void *ctx)
{
	struct sqlite_store *store = ls_sqlite_store_of(base);
	struct sqlite_checkpoint *cp = &store->checkpoint;
	if (store->closing)
		return LS_ERR_CLOSED;
	if (cp->block != NULL)
		return LS_ERR_CONFLICT;
	if (!checkpoint_valid(checkpoint))
		return LS_ERR_INVALID;
	int err = copy_checkpoint(checkpoint, &cp->data, &cp->block);
	if (err != LS_OK)
		return err;
	cp->job = (struct ls_sqlite_job){ .run = run_checkpoint, .done = checkpoint_done };
	cp->store = store;
	cp->done = done;
	cp->ctx = ctx;
	store->jobs++;
	ls_sqlite_submit(store->db, &cp->job);
	return LS_OK;
}
