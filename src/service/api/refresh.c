// SPDX-License-Identifier: MIT
/* /api/leads/refresh: scores every lead again at once, and tells how far that has come. */

#include "base/json_write.h"
#include "service/router.h"

static void
reply_refresh(struct ls_service *service, struct ls_http_request *req, int status)
{
	const struct ls_refresh *refresh = &service->refresh;
	struct ls_buf body;
	struct ls_jsonw w;
	ls_buf_init(&body, 4096);
	ls_jsonw_init(&w, &body);
	ls_jsonw_object(&w);
	ls_jsonw_kstring(&w, "status",
		refresh->running          ? LS_S("running")
		: refresh->started_ms > 0 ? LS_S("done")
					  : LS_S("idle"));
	ls_jsonw_ku64(&w, "leads", refresh->leads);
	ls_jsonw_ku64(&w, "refreshed", refresh->refreshed);
	if (refresh->started_ms > 0)
		ls_jsonw_ktime(&w, "started", refresh->started_ms);
	if (refresh->ended_ms > 0)
		ls_jsonw_ktime(&w, "ended", refresh->ended_ms);
	ls_jsonw_object_end(&w);
	ls_reply_json(service, req, status, &body);
}

void
ls_api_refresh_start(struct ls_service *service, struct ls_http_request *req, struct ls_slice param)
{
	(void)param;
	if (service->tenant.phase != LS_PHASE_LIVE) {
		ls_reply_problem(service, req, 503, "State is being loaded");
		return;
	}
	/* one at a time: asking again joins the one under way */
	if (!service->refresh.running)
		ls_sweep_start(service);
	reply_refresh(service, req, 202);
}

void
ls_api_refresh_get(struct ls_service *service, struct ls_http_request *req, struct ls_slice param)
{
	(void)param;
	reply_refresh(service, req, 200);
}
