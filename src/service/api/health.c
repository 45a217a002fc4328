// SPDX-License-Identifier: MIT
/* /health, /ready and the list of what there is. */

#include "base/clock.h"
#include "base/json_write.h"
#include "service/router.h"

void
ls_api_health(struct ls_service *service, struct ls_http_request *req, struct ls_slice param)
{
	(void)param;
	struct ls_buf body;
	struct ls_jsonw w;
	ls_buf_init(&body, 4096);
	ls_jsonw_init(&w, &body);
	ls_jsonw_object(&w);
	ls_jsonw_kstring(&w, "status", LS_S("ok"));
	ls_jsonw_ki64(
		&w, "uptime_seconds", (ls_clock_mono_ns() - service->started_ns) / 1000000000);
	ls_jsonw_object_end(&w);
	ls_reply_json(service, req, 200, &body);
}

void
ls_api_ready(struct ls_service *service, struct ls_http_request *req, struct ls_slice param)
{
	(void)param;
	static const char *const phases[] = { "loading", "catching up", "ready", "failed" };
	const struct ls_log_stats *log = ls_log_stats(service->log);
	bool ready = service->tenant.phase == LS_PHASE_LIVE && !service->stopping;
	struct ls_buf body;
	struct ls_jsonw w;
	ls_buf_init(&body, 4096);
	ls_jsonw_init(&w, &body);
	ls_jsonw_object(&w);
	ls_jsonw_kstring(&w, "status",
		service->stopping ? LS_S("stopping") : ls_slice_str(phases[service->tenant.phase]));
	ls_jsonw_ku64(&w, "log_applied", service->tenant.applied_id);
	ls_jsonw_ku64(&w, "log_last", log->last_id);
	ls_jsonw_object_end(&w);
	ls_reply_json(service, req, ready ? 200 : 503, &body);
}

void
ls_api_index(struct ls_service *service, struct ls_http_request *req, struct ls_slice param)
{
	(void)param;
	size_t count;
	const struct ls_route *routes = ls_routes(&count);
	struct ls_buf body;
	struct ls_jsonw w;
	ls_buf_init(&body, 1u << 16);
	ls_jsonw_init(&w, &body);
	ls_jsonw_object(&w);
	ls_jsonw_kstring(&w, "service", LS_S("LeadScore"));
	ls_jsonw_karray(&w, "routes");
	for (size_t i = 0; i < count; i++) {
		ls_jsonw_object(&w);
		ls_jsonw_kstring(&w, "method", ls_slice_str(routes[i].method));
		ls_jsonw_kstring(&w, "path", ls_slice_str(routes[i].path));
		ls_jsonw_kstring(&w, "help", ls_slice_str(routes[i].help));
		ls_jsonw_object_end(&w);
	}
	ls_jsonw_array_end(&w);
	ls_jsonw_object_end(&w);
	ls_reply_json(service, req, 200, &body);
}
