// SPDX-License-Identifier: MIT
/* Puts the house together in the order of its layers, takes it down in reverse, and keeps its clock
 * ticking in between. */

#include "service/service.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hmac.h"
#include "base/logger.h"
#include "io/sqlite.h"
#include "io/tls.h"
#include "log/sqlite_log.h"
#include "service/preview.h"
#include "service/profiles.h"
#include "service/router.h"
#include "store/migrate.h"
#include "store/sqlite_store.h"

#define TICK_MS        50
#define ATTRIBUTES_MAX (1u << 20)
#define LAST_WRITE_NS  INT64_C(5000000000)

static int say_why(char *why, size_t size, int err, const char *fmt, ...) LS_PRINTF(4, 5);

static int
say_why(char *why, size_t size, int err, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(why, size, fmt, args);
	va_end(args);
	return err;
}

/* ---- the clock */

static void
stop_step(struct ls_service *service)
{
	if (service->acked_first != NULL)
		return;
	/* what is not in the store is in the log: a last checkpoint only saves time at the next
	 * start */
	bool live = service->tenant.phase == LS_PHASE_LIVE && service->checkpoint != NULL;
	if (live && !ls_checkpoint_clean(service) &&
		ls_clock_mono_ns() < service->last_tick_ns + LAST_WRITE_NS) {
		(void)ls_checkpoint_step(service, ls_clock_mono_ns() + 50000000, true);
		if (!ls_checkpoint_clean(service))
			return;
	}
	void (*stopped)(void *ctx) = service->on_stopped;
	service->on_stopped = NULL;
	if (stopped != NULL)
		stopped(service->on_stopped_ctx);
}

static void
on_tick(void *ctx)
{
	struct ls_service *service = LS_CAST(service, ctx);
	int64_t now_ns = ls_clock_mono_ns(), elapsed_ns = now_ns - service->last_tick_ns;
	ls_timer_set(service->tick, service->on_stopped != NULL ? 5 : TICK_MS);
	if (service->on_stopped != NULL) {
		stop_step(service);
		return;
	}
	service->last_tick_ns = now_ns;
	ls_hist_add(&service->stats.loop_lag, elapsed_ns - TICK_MS * INT64_C(1000000));
	ls_sweep_tick(service, elapsed_ns);
}

/* ---- configuration of the tenant */

static int
set_secret(struct ls_service *service)
{
	const char *secret = service->settings->hubspot_secret;
	struct ls_source_config *sources = &service->tenant.sources;
	struct ls_hmac *hmac = NULL;
	if (secret != NULL) {
		hmac = ls_hmac_new(ls_slice_str(secret));
		if (hmac == NULL)
			return LS_ERR_NOMEM;
	}
	(void)ls_hmac_free(service->hubspot_hmac);
	service->hubspot_hmac = hmac;
	sources->hubspot_secret = ls_slice_str(secret);
	sources->hubspot_hmac = hmac;
	/* bit 0 of the setting is v1; the codec wants bit 1 for version 1 */
	sources->hubspot_signatures = service->settings->hubspot_signatures << 1;
	return LS_OK;
}

static int
open_tenant(struct ls_service *service)
{
	struct ls_settings *settings = service->settings;
	struct ls_tenant *tenant = &service->tenant;
	*tenant =
		(struct ls_tenant){ .slug = LS_S("default"), .portals = settings->hubspot_portals };
	ls_journal_init(&tenant->journal, (size_t)settings->max_journal);
	ls_buf_init(&tenant->attributes, ATTRIBUTES_MAX);
	tenant->profile = ls_profile_default(ls_memory_heap);
	tenant->dedupe = ls_dedupe_new((size_t)settings->max_dedupe_keys);
	if (tenant->profile == NULL || tenant->dedupe == NULL)
		return LS_ERR_NOMEM;
	int err = ls_profile_set_thresholds(
		tenant->profile, settings->warm_milli, settings->hot_milli);
	if (err != LS_OK)
		return err;
	const struct ls_engine_options options = { .profile = tenant->profile,
		.max_leads = (size_t)settings->max_leads };
	tenant->engine = ls_engine_new(&options);
	return tenant->engine != NULL ? set_secret(service) : LS_ERR_NOMEM;
}

static void
close_tenant(struct ls_tenant *tenant)
{
	tenant->engine = ls_engine_free(tenant->engine);
	tenant->profile = ls_profile_free(tenant->profile);
	tenant->dedupe = ls_dedupe_free(tenant->dedupe);
	ls_journal_fini(&tenant->journal);
	ls_buf_fini(&tenant->attributes);
	ls_history_fini(&tenant->history);
}

/* ---- opening */

static int
open_storage(struct ls_service *service, char *why, size_t size)
{
	const struct ls_settings *settings = service->settings;
	const struct ls_sqlite_options options = { .directory = settings->data_dir };
	const struct ls_sqlite_log_options log_options = { .max_waiting_bytes =
								   (size_t)settings->max_waiting };
	int err = ls_sqlite_open(service->loop, &options, &service->sqlite);
	if (err == LS_OK)
		err = ls_migrate_sqlite(service->sqlite);
	if (err == LS_OK)
		err = ls_sqlite_log_open(service->sqlite, &log_options, &service->log);
	if (err == LS_OK)
		err = ls_sqlite_store_open(service->sqlite, &service->store);
	return err == LS_OK ? LS_OK
			    : say_why(why, size, err, "the data directory %s cannot be used: %s",
				      settings->data_dir, ls_strerror(err));
}

static int
open_http(struct ls_service *service, char *why, size_t size)
{
	const struct ls_settings *s = service->settings;
	const struct ls_http_options options = {
		.max_connections = (size_t)s->max_connections,
		.max_per_address = (size_t)s->max_per_address,
		.header_deadline_ms = s->header_deadline_ms,
		.idle_ms = s->idle_ms,
		.reply_ms = s->reply_ms,
	};
	const struct ls_http_handler handler = {
		.max_body = ls_router_max_body,
		.handle = ls_router_handle,
		.refuse = ls_router_refuse,
		.ctx = service,
	};
	if (s->tls_cert != NULL) {
		char reason[256] = "";
		service->tls = ls_tls_new(s->tls_cert, s->tls_key, reason, sizeof reason);
		if (service->tls == NULL)
			return say_why(why, size, LS_ERR_INVALID,
				"LEADSCORE_TLS_CERT and LEADSCORE_TLS_KEY: %s", reason);
	}
	service->http = ls_http_server_new(service->loop, &options, &handler);
	if (service->http == NULL)
		return say_why(why, size, LS_ERR_NOMEM, "no memory for the HTTP server");
	struct ls_slice list = ls_slice_str(s->listen), part;
	while (ls_slice_cut(&list, ',', &part)) {
		struct ls_slice address = ls_slice_trim(part);
		bool is_unix = ls_slice_starts(address, LS_S("unix:"));
		errno = 0;
		int err = ls_http_listen(service->http, address, is_unix ? NULL : service->tls);
		if (err == LS_ERR_INVALID)
			return say_why(why, size, err,
				"LEADSCORE_LISTEN: %.*s is not host:port, [v6]:port or unix:/path",
				LS_FMT(address));
		if (err != LS_OK)
			return say_why(why, size, errno == EADDRINUSE ? LS_ERR_CONFLICT : err,
				"cannot listen on %.*s: %s", LS_FMT(address),
				errno != 0 ? strerror(errno) : ls_strerror(err));
		ls_info("http", "listening address=%.*s tls=%s", LS_FMT(address),
			!is_unix && service->tls != NULL ? "yes" : "no");
	}
	return LS_OK;
}

static int
set_public_url(struct ls_service *service)
{
	const struct ls_settings *s = service->settings;
	struct ls_slice list = ls_slice_str(s->listen), first = LS_S("");
	(void)ls_slice_cut(&list, ',', &first);
	struct ls_slice host = ls_slice(first.data, first.len);
	size_t colon = first.len;
	while (colon > 0 && first.data[colon - 1] != ':')
		colon--;
	host.len = colon > 0 ? colon - 1 : 0;
	char *url = NULL;
	int n = s->public_url != NULL
			? asprintf(&url, "%s", s->public_url)
			: asprintf(&url, "http%s://%.*s:%d", service->tls != NULL ? "s" : "",
				  LS_FMT(host), ls_http_port(service->http));
	if (n < 0)
		return LS_ERR_NOMEM;
	service->public_url = url;
	service->tenant.sources.public_url = ls_slice_str(url);
	return LS_OK;
}

int
ls_service_open(struct ls_service *service, struct ls_loop *loop, struct ls_settings *settings,
	char *why, size_t size)
{
	*service = (struct ls_service){
		.magic = LS_MAGIC_service,
		.settings = settings,
		.loop = loop,
		.started_ms = ls_clock_now_ms(),
		.started_ns = ls_clock_mono_ns(),
	};
	service->last_tick_ns = service->started_ns;
	service->acked_last = &service->acked_first;
	ls_assert(ls_source_count() <= LS_SOURCES_MAX);
	int err = open_tenant(service);
	if (err != LS_OK)
		return say_why(why, size, err, "the tenant cannot be set up: %s", ls_strerror(err));
	err = ls_profiles_open(service, why, size);
	if (err != LS_OK)
		return err;
	err = open_storage(service, why, size);
	if (err == LS_OK)
		err = open_http(service, why, size);
	if (err != LS_OK)
		return err;
	err = set_public_url(service);
	if (err == LS_OK)
		err = ls_checkpoint_open(service);
	if (err == LS_OK)
		err = ls_catch_up_open(service);
	if (err == LS_OK)
		err = ls_loop_on_turn_end(loop, 10, ls_apply_turn, service);
	service->tick = ls_timer_new(loop, on_tick, service);
	if (err != LS_OK || service->tick == NULL)
		return say_why(why, size, LS_ERR_NOMEM, "out of memory");
	ls_timer_set(service->tick, TICK_MS);
	return LS_OK;
}

/* ---- while running */

void
ls_service_reload(struct ls_service *service, struct ls_settings *fresh)
{
	struct ls_settings *s = service->settings;
	char reason[256] = "";
	char *old_token = s->api_token, *old_secret = s->hubspot_secret;
	s->api_token = fresh->api_token;
	s->hubspot_secret = fresh->hubspot_secret;
	fresh->api_token = old_token;
	fresh->hubspot_secret = old_secret;
	s->hubspot_signatures = fresh->hubspot_signatures;
	s->refresh_ms = fresh->refresh_ms;
	s->checkpoint_ms = fresh->checkpoint_ms;
	s->checkpoint_events = fresh->checkpoint_events;
	s->log_retention_ms = fresh->log_retention_ms;
	s->log_level = fresh->log_level;
	s->log_format = fresh->log_format;
	ls_logger_init((enum ls_level)s->log_level, (enum ls_log_format)s->log_format);
	if (set_secret(service) != LS_OK)
		ls_error("reload", "no memory for the new secret: webhooks are refused");
	s->hot_milli = fresh->hot_milli;
	s->warm_milli = fresh->warm_milli;
	ls_profiles_reload(service, &fresh->profile_file);
	if (service->tls != NULL && ls_tls_reload(service->tls, reason, sizeof reason) != LS_OK)
		ls_error("reload", "certificate not taken over, the old one stays reason=\"%s\"",
			reason);
	ls_info("reload", "settings taken over");
}

static void
on_drained(void *ctx)
{
	struct ls_service *service = LS_CAST(service, ctx);
	service->stopping = true;
	service->last_tick_ns = ls_clock_mono_ns();
	stop_step(service);
	if (service->on_stopped != NULL)
		ls_timer_set(service->tick, 5);
}

void
ls_service_stop(struct ls_service *service, void (*stopped)(void *ctx), void *ctx)
{
	service->on_stopped_ctx = ctx;
	ls_info("stop", "finishing requests under way pending=%" PRIu64,
		ls_http_server_stats(service->http)->pending);
	service->on_stopped = stopped;
	ls_timer_cancel(service->tick);
	ls_http_server_drain(service->http, service->settings->drain_ms, on_drained, service);
}

void
ls_service_close(struct ls_service *service)
{
	if (service->magic != LS_MAGIC_service)
		return;
	/* the log and the store complete what is under way with LS_ERR_CLOSED, which still needs
	 * the rest */
	service->stopping = true;
	service->log = ls_log_free(service->log);
	service->store = ls_store_free(service->store);
	service->sqlite = ls_sqlite_close(service->sqlite);
	ls_preview_stop(service, "the server stops");
	service->http = ls_http_server_free(service->http);
	service->tls = ls_tls_free(service->tls);
	service->tick = ls_timer_free(service->tick);
	ls_catch_up_free(service);
	ls_checkpoint_free(service);
	ls_ingest_fini(service);
	ls_api_leads_fini(service);
	close_tenant(&service->tenant);
	ls_profiles_close(service);
	service->hubspot_hmac = ls_hmac_free(service->hubspot_hmac);
	free(service->public_url);
	service->magic = 0;
}
