// SPDX-License-Identifier: MIT
/* /metrics: every figure of the house in one table, in the Prometheus text format. No lead's data
 * is in it. */

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "service/profiles.h"
#include "service/router.h"

#define BODY_MAX (1u << 20)

/* what the rows read from, gathered once a scrape */
struct scrape {
	const struct ls_service *service;
	const struct ls_http_stats *http;
	const struct ls_log_stats *log;
	const struct ls_store_stats *store;
	struct ls_engine_stats engine;
	uint64_t resident_bytes;
	int64_t now_ms;
};

typedef void (*write_fn)(const struct scrape *s, const char *name, struct ls_buf *out);

struct metric {
	const char *name;
	enum ls_prom_type type;
	const char *help;
	double (*value)(const struct scrape *s); /* one sample, or ... */
	write_fn write;                          /* ... several, or a histogram */
};

/* 0: the built-in profile holds, or a file's */
static uint64_t
published_version(const struct ls_service *service)
{
	const struct ls_profile_version *version =
		ls_profiles_in_state(service, LS_STORE_PUBLISHED);
	bool holds = ls_profiles_origin(service) == LS_PROFILE_PUBLISHED && version != NULL;
	return holds ? version->version : 0;
}

#define VALUE(name, expression)                                                                    \
	static double name(const struct scrape *s)                                                 \
	{                                                                                          \
		return (double)(expression);                                                       \
	}

VALUE(uptime, (ls_clock_mono_ns() - s->service->started_ns) / 1000000000)
VALUE(ready, s->service->tenant.phase == LS_PHASE_LIVE)
VALUE(resident, s->resident_bytes)
VALUE(http_connections, s->http->open_connections)
VALUE(http_pending, s->http->pending)
VALUE(http_accepted, s->http->accepted)
VALUE(http_refused, s->http->refused_connections)
VALUE(http_bad, s->http->bad_requests)
VALUE(http_timeouts, s->http->timeouts)
VALUE(http_bytes_in, s->http->bytes_in)
VALUE(http_bytes_out, s->http->bytes_out)
VALUE(log_appended, s->log->appended)
VALUE(log_errors, s->log->append_errors)
VALUE(log_commits, s->log->commits)
VALUE(log_bytes, s->log->bytes)
VALUE(log_waiting, s->log->waiting)
VALUE(log_waiting_bytes, s->log->waiting_bytes)
VALUE(log_last, s->log->last_id)
VALUE(log_applied, s->service->tenant.applied_id)
VALUE(log_lag, s->log->last_id > s->service->tenant.applied_id
		       ? s->log->last_id - s->service->tenant.applied_id
		       : 0)
VALUE(checkpoints, s->store->checkpoints)
VALUE(checkpoint_errors, s->store->checkpoint_errors)
VALUE(checkpoint_rows, s->store->rows_written)
VALUE(checkpoint_seconds, (double)s->store->last_duration_ns / 1e9)
VALUE(checkpoint_age, s->store->last_checkpoint_ms > 0
			      ? (double)(s->now_ms - s->store->last_checkpoint_ms) / 1e3
			      : 0)
VALUE(journal_events, s->service->tenant.journal.count)
VALUE(history_rows, s->service->tenant.history.noted)
VALUE(history_missed, s->service->tenant.history.missed)
VALUE(journal_bytes, ls_journal_bytes(&s->service->tenant.journal))
VALUE(overflows, s->service->stats.overflows)
VALUE(catch_up_seconds, (double)s->service->stats.caught_up_ms / 1e3)
VALUE(profile_version, published_version(s->service))
VALUE(previews, s->service->previews.finished)
VALUE(preview_seconds, (double)s->service->previews.last_ns / 1e9)
VALUE(leads_deleted, s->engine.deleted)
VALUE(records, s->engine.records)
VALUE(identities, s->engine.identities)
VALUE(merges, s->engine.merges)
VALUE(conflicts, s->engine.conflicts)
VALUE(attributes_refused, s->engine.attributes_refused)
VALUE(engine_bytes, s->engine.bytes)
VALUE(sweeps, s->engine.sweeps)
VALUE(sweep_age,
	s->engine.sweep_oldest_ms > 0 ? (double)(s->now_ms - s->engine.sweep_oldest_ms) / 1e3 : 0)
VALUE(dedupe_keys, ls_dedupe_count(s->service->tenant.dedupe))
VALUE(dedupe_evicted, ls_dedupe_evicted(s->service->tenant.dedupe))

static void
responses(const struct scrape *s, const char *name, struct ls_buf *out)
{
	char labels[32];
	for (int i = 1; i <= 5; i++) {
		(void)snprintf(labels, sizeof labels, "code=\"%dxx\"", i);
		ls_prom_sample(out, name, labels, (double)s->http->responses[i]);
	}
}

static void
http_latency(const struct scrape *s, const char *name, struct ls_buf *out)
{
	ls_prom_hist(out, name, NULL, &s->http->latency);
}

static void
append_latency(const struct scrape *s, const char *name, struct ls_buf *out)
{
	ls_prom_hist(out, name, NULL, &s->service->stats.append);
}

static void
apply_latency(const struct scrape *s, const char *name, struct ls_buf *out)
{
	ls_prom_hist(out, name, NULL, &s->service->stats.apply_lag);
}

static void
loop_lag(const struct scrape *s, const char *name, struct ls_buf *out)
{
	ls_prom_hist(out, name, NULL, &s->service->stats.loop_lag);
}

static void
events(const struct scrape *s, const char *name, struct ls_buf *out)
{
	char labels[96];
	for (size_t i = 0; i < ls_source_count(); i++) {
		for (unsigned kind = 0; kind < 64; kind++) {
			uint64_t count = s->service->sources[i].events[kind];
			if (count == 0 || ls_kind_name(kind) == NULL)
				continue;
			(void)snprintf(labels, sizeof labels,
				"tenant=\"%.*s\",source=\"%s\",kind=\"%s\"",
				LS_FMT(s->service->tenant.slug), ls_source_at(i)->name,
				ls_kind_name(kind));
			ls_prom_sample(out, name, labels, (double)count);
		}
	}
}

/* one sample a source, of the counter at `offset` */
static void
by_source(const struct scrape *s, const char *name, struct ls_buf *out, size_t offset)
{
	char labels[64];
	for (size_t i = 0; i < ls_source_count(); i++) {
		uint64_t count = 0;
		memcpy(&count, (const char *)&s->service->sources[i] + offset, sizeof count);
		(void)snprintf(labels, sizeof labels, "source=\"%s\"", ls_source_at(i)->name);
		ls_prom_sample(out, name, labels, (double)count);
	}
}

#define BY_SOURCE(field)                                                                           \
	static void source_##field(const struct scrape *s, const char *name, struct ls_buf *out)   \
	{                                                                                          \
		by_source(s, name, out, offsetof(struct ls_source_stats, field));                  \
	}

BY_SOURCE(requests)
BY_SOURCE(refused)
BY_SOURCE(quarantined)
BY_SOURCE(duplicates)
BY_SOURCE(rejected)
BY_SOURCE(foreign)

static void
by_category(const struct scrape *s, const char *name, struct ls_buf *out, const uint64_t counts[3])
{
	char labels[96];
	for (int i = 0; i < 3; i++) {
		(void)snprintf(labels, sizeof labels, "tenant=\"%.*s\",category=\"%s\"",
			LS_FMT(s->service->tenant.slug), ls_category_name((enum ls_category)i));
		ls_prom_sample(out, name, labels, (double)counts[i]);
	}
}

static void
leads(const struct scrape *s, const char *name, struct ls_buf *out)
{
	by_category(s, name, out, s->engine.by_category);
}

static void
changes(const struct scrape *s, const char *name, struct ls_buf *out)
{
	by_category(s, name, out, s->service->tenant.category_changes);
}

#define GAUGE   LS_PROM_GAUGE
#define COUNTER LS_PROM_COUNTER
#define HIST    LS_PROM_HISTOGRAM

static const struct metric metrics[] = {
	{ "leadscore_uptime_seconds", GAUGE, "Time since the process started.", uptime, NULL },
	{ "leadscore_ready", GAUGE, "1 when state is loaded and the log is applied.", ready, NULL },
	{ "leadscore_resident_bytes", GAUGE, "Memory of the process.", resident, NULL },
	{ "leadscore_http_responses_total", COUNTER, "Answers by class of status.", NULL,
		responses },
	{ "leadscore_http_request_seconds", HIST, "From the complete request to its answer.", NULL,
		http_latency },
	{ "leadscore_http_connections", GAUGE, "Open connections.", http_connections, NULL },
	{ "leadscore_http_pending_requests", GAUGE, "Requests waiting for their answer.",
		http_pending, NULL },
	{ "leadscore_http_accepted_total", COUNTER, "Connections accepted.", http_accepted, NULL },
	{ "leadscore_http_refused_total", COUNTER, "Connections refused for a limit.", http_refused,
		NULL },
	{ "leadscore_http_bad_requests_total", COUNTER,
		"Requests that were not HTTP or broke a limit.", http_bad, NULL },
	{ "leadscore_http_timeouts_total", COUNTER, "Connections closed at a deadline.",
		http_timeouts, NULL },
	{ "leadscore_http_received_bytes_total", COUNTER, "Bytes read.", http_bytes_in, NULL },
	{ "leadscore_http_sent_bytes_total", COUNTER, "Bytes written.", http_bytes_out, NULL },
	{ "leadscore_source_requests_total", COUNTER, "Requests that carried events.", NULL,
		source_requests },
	{ "leadscore_source_refused_total", COUNTER,
		"Requests refused: signature, faults, or no room.", NULL, source_refused },
	{ "leadscore_source_quarantined_total", COUNTER,
		"Entries kept in the log that could not be understood fully.", NULL,
		source_quarantined },
	{ "leadscore_events_total", COUNTER, "Events counted, once each.", NULL, events },
	{ "leadscore_duplicates_total", COUNTER, "Events recognised as sent before.", NULL,
		source_duplicates },
	{ "leadscore_rejected_total", COUNTER,
		"Events that could not be counted: a limit or memory.", NULL, source_rejected },
	{ "leadscore_foreign_total", COUNTER, "Events of accounts that are not configured.", NULL,
		source_foreign },
	{ "leadscore_log_append_seconds", HIST, "From arrival until the entry is durable.", NULL,
		append_latency },
	{ "leadscore_log_appended_total", COUNTER, "Entries made durable.", log_appended, NULL },
	{ "leadscore_log_append_errors_total", COUNTER, "Entries that could not be written.",
		log_errors, NULL },
	{ "leadscore_log_commits_total", COUNTER, "Group commits.", log_commits, NULL },
	{ "leadscore_log_bytes_total", COUNTER, "Bytes of entries written.", log_bytes, NULL },
	{ "leadscore_log_waiting_entries", GAUGE, "Entries not yet durable.", log_waiting, NULL },
	{ "leadscore_log_waiting_bytes", GAUGE, "Bytes not yet durable.", log_waiting_bytes, NULL },
	{ "leadscore_log_last_id", GAUGE, "Newest entry of the log.", log_last, NULL },
	{ "leadscore_log_applied_id", GAUGE, "Entries up to here are applied.", log_applied, NULL },
	{ "leadscore_log_lag_entries", GAUGE, "Entries durable and not yet applied.", log_lag,
		NULL },
	{ "leadscore_apply_seconds", HIST, "From durable until applied.", NULL, apply_latency },
	{ "leadscore_apply_overflows_total", COUNTER,
		"Times applying had to wait for a checkpoint.", overflows, NULL },
	{ "leadscore_catch_up_seconds", GAUGE, "How long the last start took until live.",
		catch_up_seconds, NULL },
	{ "leadscore_checkpoints_total", COUNTER, "Checkpoints written.", checkpoints, NULL },
	{ "leadscore_checkpoint_errors_total", COUNTER,
		"Checkpoints that failed and were tried again.", checkpoint_errors, NULL },
	{ "leadscore_checkpoint_rows_total", COUNTER, "Rows written by checkpoints.",
		checkpoint_rows, NULL },
	{ "leadscore_checkpoint_seconds", GAUGE, "Duration of the last checkpoint.",
		checkpoint_seconds, NULL },
	{ "leadscore_checkpoint_age_seconds", GAUGE, "Time since the last checkpoint.",
		checkpoint_age, NULL },
	{ "leadscore_journal_events", GAUGE, "Events applied since the last cut.", journal_events,
		NULL },
	{ "leadscore_journal_bytes", GAUGE, "Bytes of these.", journal_bytes, NULL },
	{ "leadscore_history_rows_total", COUNTER, "Moves of a score noted as history.",
		history_rows, NULL },
	{ "leadscore_history_missed_total", COUNTER,
		"Moves of a score that found no room in the journal.", history_missed, NULL },
	{ "leadscore_leads", GAUGE, "Leads by category.", NULL, leads },
	{ "leadscore_profile_version", GAUGE,
		"Version of the profile that scores; 0: the built-in one or a file's.",
		profile_version, NULL },
	{ "leadscore_previews_total", COUNTER, "Previews of a profile over all leads.", previews,
		NULL },
	{ "leadscore_preview_seconds", GAUGE, "How long the last preview took.", preview_seconds,
		NULL },
	{ "leadscore_leads_deleted", GAUGE, "Leads deleted and kept for a restore.", leads_deleted,
		NULL },
	{ "leadscore_category_changes_total", COUNTER, "Leads that entered a category.", NULL,
		changes },
	{ "leadscore_records", GAUGE, "CRM records other than leads.", records, NULL },
	{ "leadscore_identities", GAUGE, "External ids, addresses and visitors known.", identities,
		NULL },
	{ "leadscore_merges_total", COUNTER, "Leads that became part of another one.", merges,
		NULL },
	{ "leadscore_identity_conflicts_total", COUNTER,
		"Keys of an event that named leads which may not be joined.", conflicts, NULL },
	{ "leadscore_attributes_refused_total", COUNTER, "Attributes beyond the limit of a lead.",
		attributes_refused, NULL },
	{ "leadscore_engine_bytes", GAUGE, "Memory of leads, records and indexes.", engine_bytes,
		NULL },
	{ "leadscore_sweeps_total", COUNTER, "Rounds of re-scoring completed.", sweeps, NULL },
	{ "leadscore_sweep_age_seconds", GAUGE, "Age of the round under way.", sweep_age, NULL },
	{ "leadscore_dedupe_keys", GAUGE, "Keys remembered against duplicates.", dedupe_keys,
		NULL },
	{ "leadscore_dedupe_evicted_total", COUNTER,
		"Generations of keys forgotten early, for want of room.", dedupe_evicted, NULL },
	{ "leadscore_loop_lag_seconds", HIST, "How late a 50 ms timer fires.", NULL, loop_lag },
};

static uint64_t
resident_bytes(void)
{
	unsigned long long size = 0, resident = 0;
	/* procfs never waits for a disk */
	FILE *file = fopen("/proc/self/statm", "re");
	if (file == NULL)
		return 0;
	int n = fscanf(file, "%llu %llu", &size, &resident);
	(void)fclose(file);
	return n == 2 ? resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

void
ls_api_metrics(struct ls_service *service, struct ls_http_request *req, struct ls_slice param)
{
	(void)param;
	struct ls_buf body;
	struct scrape s = {
		.service = service,
		.http = ls_http_server_stats(service->http),
		.log = ls_log_stats(service->log),
		.store = ls_store_stats(service->store),
		.resident_bytes = resident_bytes(),
		.now_ms = ls_loop_now_ms(service->loop),
	};
	ls_engine_stats(service->tenant.engine, &s.engine);
	ls_buf_init(&body, BODY_MAX);
	for (size_t i = 0; i < LS_ARRAY_LEN(metrics); i++) {
		const struct metric *m = &metrics[i];
		ls_prom_family(&body, m->name, m->type, m->help);
		if (m->value != NULL)
			ls_prom_sample(&body, m->name, NULL, m->value(&s));
		else
			m->write(&s, m->name, &body);
	}
	const struct ls_http_response response = {
		.status = 200,
		.content_type = "text/plain; version=0.0.4; charset=utf-8",
		.body = ls_buf_slice(&body),
	};
	if (body.err == LS_OK)
		(void)ls_http_reply(service->http, req->id, &response);
	else
		ls_reply_problem(service, req, 500, "The metrics do not fit");
	ls_buf_fini(&body);
}
