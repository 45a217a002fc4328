// SPDX-License-Identifier: MIT
/*
 * Applies durable entries: drops duplicates, hands the rest to the engine, notes them for the
 * checkpoint. The same code whether an entry has just been acknowledged or is read back from the
 * log. Works in slices, so that the loop stays responsive.
 */

#include <inttypes.h>

#include "base/clock.h"
#include "base/json_write.h"
#include "base/logger.h"
#include "service/pending.h"
#include "service/preview.h"

#define SLICE_NS (INT64_C(1000000))

int64_t
ls_service_score_ms(const struct ls_service *service)
{
	return ls_loop_now_ms(service->loop) / 1000 * 1000;
}

void
ls_service_moved(struct ls_service *service, const struct ls_applied *moved)
{
	if (moved->lead_id == 0)
		return;
	if (moved->from != moved->to)
		service->tenant.category_changes[moved->to]++;
	if (service->on_moved != NULL)
		service->on_moved(service->on_moved_ctx, moved);
}

static bool
is_ours(const struct ls_tenant *tenant, const struct ls_event *event)
{
	uint64_t portal = event->subject.ref.scope;
	if (tenant->portals.count == 0 || portal == 0)
		return true;
	for (size_t i = 0; i < tenant->portals.count; i++) {
		if (tenant->portals.values[i] == portal)
			return true;
	}
	return false;
}

/* as a JSON object in the tenant's buffer; empty when nothing is to be kept */
static struct ls_slice
write_attributes(struct ls_tenant *tenant, const struct ls_event *event)
{
	struct ls_buf *out = &tenant->attributes;
	struct ls_jsonw w;
	size_t kept = 0;
	ls_buf_reset(out);
	ls_jsonw_init(&w, out);
	ls_jsonw_object(&w);
	for (size_t i = 0; i < event->attribute_count; i++) {
		const struct ls_attribute *attribute = &event->attributes[i];
		if (!ls_record_keeps(event->subject.ref.record, attribute->name))
			continue;
		ls_jsonw_key_slice(&w, attribute->name);
		ls_value_write(&w, &attribute->value);
		kept++;
	}
	ls_jsonw_object_end(&w);
	return kept > 0 && out->err == LS_OK ? ls_buf_slice(out) : ls_slice(NULL, 0);
}

/* of the record; of an association the end that is no lead */
static unsigned
record_class(const struct ls_event *event)
{
	const struct ls_ref *subject = &event->subject.ref;
	bool other = event->kind == LS_KIND_ASSOCIATION && subject->record == LS_RECORD_LEAD;
	return (unsigned)(other ? event->other.record : subject->record);
}

static int
note(struct ls_tenant *tenant, const struct ls_source *source, const struct ls_event *event,
	const struct ls_applied *applied)
{
	/* of somebody who has been erased, or is unknown, only the fact is kept */
	bool nobody = applied->lead_id == 0 && event->subject.ref.record == LS_RECORD_LEAD;
	struct ls_slice attributes = ls_slice(NULL, 0);
	if (event->attribute_count > 0 && !nobody)
		attributes = write_attributes(tenant, event);
	const struct ls_store_event row = {
		.lead_id = LS_MAX(applied->lead_id, applied->linked_id),
		.record_id = applied->record_id,
		.kind = (unsigned)event->kind,
		.verdict = (unsigned)event->verdict,
		.time_ms = event->time_ms,
		.received_ms = event->received_ms,
		.source = ls_slice_str(source->name),
		.dedupe = event->dedupe,
		.message = nobody ? LS_S("") : event->message,
		.detail = nobody ? LS_S("") : event->detail,
		.attributes = attributes,
		.stage_probability =
			nobody || event->kind != LS_KIND_DEAL_STAGE ? -1 : event->stage_probability,
		.record_class = applied->record_id != 0 ? record_class(event) : LS_RECORD_LEAD,
		.flags = (event->removed ? LS_STORE_LINK_REMOVED : 0) |
			 (event->primary ? LS_STORE_LINK_PRIMARY : 0),
	};
	return ls_journal_add(&tenant->journal, &row);
}

static void
apply_event(struct ls_service *service, struct ls_source_stats *stats,
	const struct ls_source *source, const struct ls_event *event)
{
	struct ls_tenant *tenant = &service->tenant;
	struct ls_applied applied = { 0 };
	bool seen = false;
	if (!is_ours(tenant, event)) {
		stats->foreign++;
		return;
	}
	int err = ls_dedupe_add(tenant->dedupe, event->dedupe, event->received_ms, &seen);
	if (err == LS_OK && seen) {
		stats->duplicates++;
		return;
	}
	if (err == LS_OK)
		err = ls_engine_apply(
			tenant->engine, event, ls_service_score_ms(service), &applied);
	if (err != LS_OK) {
		stats->rejected++;
		ls_dedupe_remove(tenant->dedupe, event->dedupe);
		ls_error("apply", "event not counted source=%s kind=%s reason=\"%s\"", source->name,
			ls_kind_name(event->kind), ls_strerror(err));
		return;
	}
	stats->events[(unsigned)event->kind & 63u]++;
	ls_service_moved(service, &applied);
	const struct ls_history_cause cause = { .kind = (unsigned)event->kind,
		.source = ls_slice_str(source->name) };
	ls_history_note(
		&tenant->history, &tenant->journal, &applied, ls_service_score_ms(service), &cause);
	/* room was checked for the whole entry before; only memory can be short here, and then only
	 * the timeline suffers */
	if (note(tenant, source, event, &applied) != LS_OK)
		ls_error("apply", "event counted but not noted for the timeline source=%s",
			source->name);
	tenant->events_since_cut++;
}

bool
ls_apply_entry(struct ls_service *service, const struct ls_source *source,
	const struct ls_decoded *decoded)
{
	struct ls_tenant *tenant = &service->tenant;
	struct ls_source_stats *stats = &service->sources[ls_source_index(source)];
	if (!ls_journal_has_room(&tenant->journal))
		return false;
	for (size_t i = 0; i < decoded->count; i++)
		apply_event(service, stats, source, &decoded->events[i]);
	return true;
}

void
ls_apply_acked(struct ls_service *service, struct ls_pending *pending)
{
	pending->next = NULL;
	*service->acked_last = pending;
	service->acked_last = &pending->next;
}

/* What was acknowledged while its tenant is not live is left for catching up, which does not end
 * before it has come that far. */
static void
apply_pending(struct ls_service *service, struct ls_pending *pending)
{
	struct ls_tenant *tenant = &service->tenant;
	bool done = pending->entry_id <= tenant->applied_id; /* read from the log already */
	if (!done && tenant->phase == LS_PHASE_LIVE) {
		ls_pending_decode(pending);
		done = ls_apply_entry(service, pending->source, &pending->decoded);
		if (done) {
			tenant->applied_id = pending->entry_id;
			ls_hist_add(&service->stats.apply_lag,
				ls_clock_mono_ns() - pending->durable_ns);
		} else {
			service->stats.overflows++;
			ls_warn("apply",
				"checkpoints lag: pausing, and catching up from the log later "
				"journal_bytes=%zu",
				ls_journal_bytes(&tenant->journal));
			ls_catch_up_from_log(service);
		}
	}
	if (!done)
		tenant->left_id = pending->entry_id;
	ls_pending_answer(pending);
	ls_pending_give_back(pending);
}

/* the lines of memory that this turn's events will touch are asked for together: the misses overlap
 */
static void
prefetch(struct ls_service *service)
{
	const struct ls_tenant *tenant = &service->tenant;
	size_t events = 0;
	for (struct ls_pending *pending = service->acked_first; pending != NULL && events < 256;
		pending = pending->next) {
		ls_pending_decode(pending);
		for (size_t i = 0; i < pending->decoded.count && events < 256; i++, events++) {
			const struct ls_event *event = &pending->decoded.events[i];
			ls_dedupe_prefetch(tenant->dedupe, event->dedupe);
			ls_engine_prefetch(tenant->engine, event);
		}
	}
	ls_engine_prefetch_end(tenant->engine);
}

static bool
apply_acked(struct ls_service *service, int64_t until_ns)
{
	if (service->acked_first != NULL && service->tenant.phase == LS_PHASE_LIVE)
		prefetch(service);
	for (size_t n = 1; service->acked_first != NULL; n++) {
		struct ls_pending *pending = service->acked_first;
		service->acked_first = pending->next;
		if (service->acked_first == NULL)
			service->acked_last = &service->acked_first;
		apply_pending(service, pending);
		if (n % 8 == 0 && ls_clock_mono_ns() >= until_ns)
			break;
	}
	return service->acked_first != NULL;
}

void
ls_apply_turn(void *ctx)
{
	struct ls_service *service = LS_CAST(service, ctx);
	int64_t until_ns = ls_clock_mono_ns() + SLICE_NS;
	bool more = apply_acked(service, until_ns);
	more |= ls_catch_up_step(service, until_ns);
	more |= ls_checkpoint_step(service, until_ns, false);
	more |= ls_sweep_step(service, until_ns);
	more |= ls_preview_step(service);
	more |= ls_api_leads_step(service, until_ns);
	if (more)
		ls_loop_again(service->loop);
}
