// SPDX-License-Identifier: MIT
/* Scores move with time alone: every lead is scored again at least once a SCORE_REFRESH_INTERVAL,
 * spread evenly; or all at once on demand. */

#include "base/clock.h"
#include "service/service.h"

#define CHUNK 64u

static void
on_moved(void *ctx, const struct ls_applied *moved)
{
	struct ls_service *service = ctx;
	struct ls_tenant *tenant = &service->tenant;
	ls_history_note(
		&tenant->history, &tenant->journal, moved, ls_service_score_ms(service), NULL);
	if (moved->from != moved->to)
		ls_service_moved(service, moved);
}

/* the next leads of the round under way, or of a new one; how many are left in it */
static size_t
sweep(struct ls_service *service, size_t count)
{
	return ls_engine_sweep(
		service->tenant.engine, ls_service_score_ms(service), count, on_moved, service);
}

void
ls_sweep_tick(struct ls_service *service, int64_t elapsed_ns)
{
	if (service->tenant.phase != LS_PHASE_LIVE || service->refresh.running)
		return;
	/* the round's length when it begins; a tenth faster than asked for, so that it ends within
	 * the interval */
	if (service->sweep_left == 0)
		service->sweep_round = service->sweep_left = sweep(service, 0);
	double rate =
		1.1 * (double)service->sweep_round / ((double)service->settings->refresh_ms * 1e6);
	service->sweep_debt = LS_MIN(service->sweep_debt + rate * (double)elapsed_ns, 1e6);
	int64_t until_ns = ls_clock_mono_ns() + 1000000;
	while (service->sweep_debt >= 1 && service->sweep_left > 0 &&
		ls_clock_mono_ns() < until_ns) {
		size_t n = (size_t)LS_MIN(service->sweep_debt, (double)CHUNK);
		service->sweep_left = sweep(service, n);
		service->sweep_debt -= (double)n;
	}
}

void
ls_sweep_start(struct ls_service *service)
{
	struct ls_engine_stats stats;
	ls_engine_stats(service->tenant.engine, &stats);
	service->refresh = (struct ls_refresh){
		.running = true,
		.leads = stats.leads + stats.deleted,
		.rounds = service->sweep_left > 0
				  ? 2
				  : 1, /* the rest of the round under way, then a whole one */
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
	while (refresh->rounds > 0 && ls_clock_mono_ns() < until_ns) {
		size_t left = sweep(service, CHUNK);
		refresh->rounds -= left == 0;
		refresh->refreshed =
			refresh->rounds > 1 ? 0 : refresh->leads - LS_MIN(refresh->leads, left);
	}
	if (refresh->rounds == 0) {
		refresh->running = false;
		refresh->refreshed = refresh->leads;
		refresh->ended_ms = ls_loop_now_ms(service->loop);
		service->sweep_left = 0;
	}
	return refresh->running;
}
