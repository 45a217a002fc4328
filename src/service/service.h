/* SPDX-License-Identifier: MIT */
/* The house: everything that runs on the loop, owned by one struct that main holds. */
#ifndef LS_SERVICE_SERVICE_H
#define LS_SERVICE_SERVICE_H

#include "engine/engine.h"
#include "io/http_server.h"
#include "log/log.h"
#include "service/dedupe.h"
#include "service/history.h"
#include "service/journal.h"
#include "service/settings.h"
#include "source/source.h"
#include "store/store.h"

struct ls_service;
struct ls_pending;
struct ls_checkpoint;
struct ls_catch_up;
struct ls_past;
struct ls_preview;
struct ls_profiles;
struct ls_sqlite;

/** What the apply counters tell apart; rendered by api/metrics.c. */
struct ls_source_stats {
	uint64_t requests, refused, quarantined;
	uint64_t events[64]; /* by kind, counted once */
	uint64_t duplicates, rejected, foreign /* of accounts that are not ours */;
};

/** Where a tenant's state comes from at the moment. */
enum ls_phase {
	LS_PHASE_LOADING,  /* rows of the store are being read */
	LS_PHASE_CATCH_UP, /* entries of the log are being applied; new ones join at its end */
	LS_PHASE_LIVE,     /* entries are applied as they become durable, from memory */
	LS_PHASE_FAILED,   /* the store cannot be read: nothing is applied, requests still go to the
			      log */
};

/** One customer: configuration and state. For now there is one, `default`. */
struct ls_tenant {
	struct ls_slice slug;
	struct ls_source_config sources;
	struct ls_config_numbers portals; /* HubSpot accounts; none: all */
	struct ls_profile *profile;
	struct ls_engine *engine;
	struct ls_dedupe *dedupe;
	struct ls_journal journal;
	struct ls_history history;
	struct ls_buf attributes; /* of one event, on its way into the journal */
	enum ls_phase phase;
	uint64_t applied_id; /* log entries up to here are applied */
	uint64_t left_id;    /* the last entry acknowledged and left for catching up to apply */
	uint64_t events_since_cut;
	uint64_t category_changes[3]; /* by the category entered */
};

struct ls_service_stats {
	struct ls_hist append, apply_lag, loop_lag;
	uint64_t overflows;
	int64_t caught_up_ms; /* how long load and catch-up took */
};

#define LS_MAGIC_service 0x5e271ce0u
#define LS_SOURCES_MAX   16u

struct ls_service {
	uint32_t magic;
	struct ls_settings *settings;
	struct ls_loop *loop;
	struct ls_http_server *http;
	struct ls_tls *tls;
	struct ls_sqlite *sqlite;
	struct ls_log *log;
	struct ls_store *store;
	struct ls_hmac *hubspot_hmac;
	char *public_url;
	struct ls_tenant tenant;
	struct ls_source_stats sources[LS_SOURCES_MAX]; /* by place in the registry */
	struct ls_service_stats stats;
	/* requests whose entry is durable, waiting to be applied and answered */
	struct ls_pending *acked_first, **acked_last;
	struct ls_pending *idle; /* for reuse */
	size_t idle_count;
	struct ls_catch_up *catch_up;
	struct ls_checkpoint *checkpoint;
	struct ls_profiles *profiles;
	struct ls_preview *preview; /* under way */
	struct {
		uint64_t started, finished;
		int64_t last_ns; /* how long the last one took */
	} previews;
	struct ls_timer *tick;
	struct ls_refresh {
		bool running;
		unsigned rounds; /* of the sweep that are still to be completed */
		uint64_t leads, refreshed;
		int64_t started_ms, ended_ms;
	} refresh;
	int64_t started_ms, started_ns, last_tick_ns;
	double sweep_debt;              /* leads that should have been swept by now */
	size_t sweep_left, sweep_round; /* of the round under way: leads to go, and in all */
	size_t replays;                 /* under way */
	struct ls_past *lists;          /* pages of leads that take more than a turn */
	bool stopping;
	void (*on_stopped)(void *ctx);
	void *on_stopped_ctx;
	/* told of every event that counted for a lead, and of every change of category by time.
	 * Must not touch the engine: it may be called from inside a sweep. May be NULL */
	void (*on_moved)(void *ctx, const struct ls_applied *moved);
	void *on_moved_ctx;
};

/**
 * Opens everything and listens. Messages for the operator go to `why` (size bytes).
 * LS_ERR_CONFLICT: data directory or address in use; LS_ERR_INVALID: a setting that only now turned
 * out wrong; LS_ERR_IO, LS_ERR_NOMEM.
 */
int ls_service_open(struct ls_service *service, struct ls_loop *loop, struct ls_settings *settings,
	char *why, size_t size) LS_MUST_CHECK;
/** Takes over settings marked for reload, and the certificate. `fresh` is kept or freed. */
void ls_service_reload(struct ls_service *service, struct ls_settings *fresh);
/** Drains requests, writes a last checkpoint, then calls back. */
void ls_service_stop(struct ls_service *service, void (*stopped)(void *ctx), void *ctx);
void ls_service_close(struct ls_service *service);

/* ---- ingest.c */
void ls_ingest_hubspot(
	struct ls_service *service, struct ls_http_request *req, struct ls_slice param);
void ls_ingest_events(
	struct ls_service *service, struct ls_http_request *req, struct ls_slice param);
void ls_ingest_fini(struct ls_service *service);
/** Index of a source in the registry, for its counters. */
size_t ls_source_index(const struct ls_source *source);

/* ---- apply.c */
/** A request whose entry has become durable: applied at the end of the turn, then answered. Owned
 * by apply from here. */
void ls_apply_acked(struct ls_service *service, struct ls_pending *pending);
/** Applies what a decoded entry holds. False when nothing more can be taken now (journal full):
 * nothing of the entry was applied. */
bool ls_apply_entry(struct ls_service *service, const struct ls_source *source,
	const struct ls_decoded *decoded);
/** End-of-turn hook: applies in slices of about a millisecond. */
void ls_apply_turn(void *ctx);

/* ---- catch_up.c */
int ls_catch_up_open(struct ls_service *service) LS_MUST_CHECK;
void ls_catch_up_free(struct ls_service *service);
/** Back from live to reading the log, because applying had to pause. */
void ls_catch_up_from_log(struct ls_service *service);
/** Applies a slice of what has been read. True when there is more to do at once. */
bool ls_catch_up_step(struct ls_service *service, int64_t until_ns);

/* ---- checkpoint.c */
int ls_checkpoint_open(struct ls_service *service) LS_MUST_CHECK;
void ls_checkpoint_free(struct ls_service *service);
/** Starts one when it is due (or `now` asks for one), and takes a running one further. True when
 * there is more to do at once. */
bool ls_checkpoint_step(struct ls_service *service, int64_t until_ns, bool now);
bool ls_checkpoint_idle(const struct ls_service *service);
/** Somebody who waits until what is applied has been stored; part of a struct of his. */
struct ls_flush {
	struct ls_flush *next;
	uint64_t wanted;
	void (*done)(struct ls_flush *flush, int err);
};
/** Calls back, later, when the checkpoint under way is written, or with `fresh` one that begins
 * now; or with the error of the first that is not. */
void ls_checkpoint_flush(struct ls_service *service, struct ls_flush *flush, bool fresh);
/** What is being written. */
const struct ls_journal *ls_checkpoint_journal(const struct ls_service *service);
/** Nothing applied that is not in the store. */
bool ls_checkpoint_clean(const struct ls_service *service);

/* ---- api/leads.c */
/** Goes on with pages that take more than a turn. True when there is more to do at once. */
bool ls_api_leads_step(struct ls_service *service, int64_t until_ns);
void ls_api_leads_fini(struct ls_service *service);

/* ---- sweep.c */
/** Re-scores as many leads as the refresh interval asks for since the last call. */
void ls_sweep_tick(struct ls_service *service, int64_t elapsed_ns);
/** Starts a round that runs at full speed. */
void ls_sweep_start(struct ls_service *service);
bool ls_sweep_step(struct ls_service *service, int64_t until_ns);

/** The instant to score at: this turn's time, whole seconds, so that decay factors are shared. */
int64_t ls_service_score_ms(const struct ls_service *service);
/** Counts a change of category, and tells the observer. */
void ls_service_moved(struct ls_service *service, const struct ls_applied *moved);

#endif
