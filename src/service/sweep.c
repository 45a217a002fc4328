// SPDX-License-Identifier: MIT
/* Scores move with time alone: every lead is scored again at least once a SCORE_REFRESH_INTERVAL,
 * spread evenly; or all at once on demand. */

#include "base/clock.h"
#include "service/service.h"

#define CHUNK 64u

static void
on_moved(void *ctx, const struct ls_applied *moved)
{
	ls_service_moved(ctx, moved);
}

void
ls_sweep_tick(struct ls_service *service, int64_t elapsed_ns)
{
	struct ls_tenant *tenant = &service->tenant;
	struct ls_engine_stats stats;
	if (tenant->phase != LS_PHASE_LIVE || service->refresh.running)
		return;
	ls_engine_stats(tenant->engine, &stats);
	/* a tenth faster than asked for, so that a round is complete within the interval */
	double rate = 1.1 * (double)(stats.leads + stats.deleted + 1) /
		      ((double)service->settings->refresh_ms * 1e6);
	service->sweep_debt = LS_MIN(service->sweep_debt + rate * (double)elapsed_ns, 1e6);
	int64_t until_ns = ls_clock_mono_ns() + 1000000;
	while (service->sweep_debt >= 1 && ls_clock_mono_ns() < until_ns) {
		size_t n = (size_t)LS_MIN(service->sweep_debt, (double)CHUNK);
		(void)ls_engine_sweep(
			tenant->engine, ls_service_score_ms(service), n, on_moved, service);
		service->sweep_debt -= (double)n;
	}
}

void
ls_sweep_start(struct ls_service *service)
{
	struct ls_engine_stats stats;
	ls_engine_stats(service->tenant.engine, &stats);
	/* a full round from wherever the continuous sweep stands: the rest of that round, then a
	 * whole one */
	uint64_t total = stats.leads + stats.deleted;
	service->refresh = (struct ls_refresh){
		.running = true,
		.total = total,
		.left = total,
		.started_ms = ls_loop_now_ms(service->loop),
	};
	ls_loop_again(service->loop);
}

bool
ls_sweep_step(struct ls_service *service, int64_t until_ns)
{
	struct ls_refresh *refresh = &service->refresh;
	if (!refresh->running)
		return false;
	while (refresh->left > 0 && ls_clock_mono_ns() < until_ns) {
		size_t n = (size_t)LS_MIN(refresh->left, (uint64_t)CHUNK);
		(void)ls_engine_sweep(
			service->tenant.engine, ls_service_score_ms(service), n, on_moved, service);
		refresh->left -= n;
	}
	if (refresh->left == 0) {
		refresh->running = false;
		refresh->ended_ms = ls_loop_now_ms(service->loop);
	}
	return refresh->running;
}
