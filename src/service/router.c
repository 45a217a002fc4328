// SPDX-License-Identifier: MIT
/* Finds the route, checks who asks, hands over. */

#include "service/router.h"

#include <stdio.h>

#include "service/auth.h"
#include "service/problem.h"

/* fixed segments before {parameters}: the first match wins */
static const struct ls_route routes[] = {
	{ "POST", "/webhooks/hubspot", LS_SCOPE_PUBLIC, LS_BODY_HUBSPOT, ls_ingest_hubspot,
		"HubSpot's webhooks, verified by their signature" },
	{ "POST", "/api/events", LS_SCOPE_WRITE, LS_BODY_NORMAL, ls_ingest_events,
		"Events of any other system" },
	{ "GET", "/api/leads", LS_SCOPE_READ, LS_BODY_NONE, ls_api_leads_list,
		"Leads, highest score first" },
	{ "POST", "/api/leads/refresh", LS_SCOPE_WRITE, LS_BODY_NORMAL, ls_api_refresh_start,
		"Score every lead again now" },
	{ "GET", "/api/leads/refresh", LS_SCOPE_READ, LS_BODY_NONE, ls_api_refresh_get,
		"How far a refresh has come" },
	{ "GET", "/api/leads/{id}", LS_SCOPE_READ, LS_BODY_NONE, ls_api_leads_get,
		"One lead with its explanation" },
	{ "GET", "/api/leads/{id}/explanation", LS_SCOPE_READ, LS_BODY_NONE,
		ls_api_leads_explanation, "Where a lead's points come from" },
	{ "GET", "/api/leads/{id}/timeline", LS_SCOPE_READ, LS_BODY_NONE, ls_api_leads_timeline,
		"What happened, and what each event gives now" },
	{ "GET", "/api/leads/{id}/history", LS_SCOPE_READ, LS_BODY_NONE, ls_api_leads_history,
		"How a lead's score moved, and what moved it" },
	{ "GET", "/api/profiles", LS_SCOPE_READ, LS_BODY_NONE, ls_api_profiles_list,
		"Versions of the scoring profile" },
	{ "GET", "/api/profiles/active", LS_SCOPE_READ, LS_BODY_NONE, ls_api_profiles_active,
		"The profile that scores now" },
	{ "PUT", "/api/profiles/draft", LS_SCOPE_WRITE, LS_BODY_NORMAL, ls_api_profiles_draft,
		"Check a profile and keep it as the draft" },
	{ "POST", "/api/profiles/publish", LS_SCOPE_WRITE, LS_BODY_NORMAL, ls_api_profiles_publish,
		"Score with the draft from now on" },
	{ "POST", "/api/profiles/rollback", LS_SCOPE_WRITE, LS_BODY_NORMAL,
		ls_api_profiles_rollback, "Score with an earlier version again" },
	{ "POST", "/api/profiles/preview", LS_SCOPE_READ, LS_BODY_NORMAL, ls_api_profiles_preview,
		"What another profile would change" },
	{ "GET", "/api/profiles/{version}", LS_SCOPE_READ, LS_BODY_NONE, ls_api_profiles_get,
		"One version, with its defaults filled in" },
	{ "GET", "/health", LS_SCOPE_PUBLIC, LS_BODY_NONE, ls_api_health, "The process answers" },
	{ "GET", "/ready", LS_SCOPE_PUBLIC, LS_BODY_NONE, ls_api_ready,
		"State is loaded and the log is applied" },
	{ "GET", "/metrics", LS_SCOPE_READ, LS_BODY_NONE, ls_api_metrics, "Prometheus metrics" },
	{ "GET", "/", LS_SCOPE_PUBLIC, LS_BODY_NONE, ls_api_index, "What there is" },
};

const struct ls_route *
ls_routes(size_t *count)
{
	*count = LS_ARRAY_LEN(routes);
	return routes;
}

/* whether the path fits; `param` is the segment that stands for {parameter}, still encoded */
static bool
path_matches(const char *pattern, struct ls_slice path, struct ls_slice *param)
{
	struct ls_slice wanted = ls_slice_str(pattern), a, b;
	*param = ls_slice(NULL, 0);
	/* most have no parameter, and every request comes by here twice */
	if (ls_slice_find(wanted, '{') == wanted.len)
		return ls_slice_eq(path, wanted);
	for (;;) {
		bool more = ls_slice_cut(&wanted, '/', &a);
		if (more != ls_slice_cut(&path, '/', &b))
			return false;
		if (!more)
			return true;
		if (a.len > 0 && a.data[0] == '{') {
			if (b.len == 0)
				return false;
			*param = b;
		} else if (!ls_slice_eq(a, b)) {
			return false;
		}
	}
}

static bool
method_matches(const struct ls_route *route, struct ls_slice method)
{
	struct ls_slice wanted = ls_slice_str(route->method);
	return ls_slice_eq(method, wanted) ||
	       (ls_slice_eq(method, LS_S("HEAD")) && ls_slice_eq(wanted, LS_S("GET")));
}

/* the route, or NULL; `allow` then lists the methods that the path has, if any */
static const struct ls_route *
find(struct ls_slice method, struct ls_slice path, struct ls_slice *param, struct ls_buf *allow)
{
	struct ls_slice at;
	for (size_t i = 0; i < LS_ARRAY_LEN(routes); i++) {
		if (!path_matches(routes[i].path, path, &at))
			continue;
		if (method_matches(&routes[i], method)) {
			*param = at;
			return &routes[i];
		}
		if (allow != NULL &&
			strstr(allow->len > 0 ? allow->data : "", routes[i].method) == NULL) {
			(void)ls_buf_addf(allow, "%s%s%s", allow->len > 0 ? ", " : "",
				routes[i].method,
				strcmp(routes[i].method, "GET") == 0 ? ", HEAD" : "");
			/* stays a string for strstr() */
			if (ls_buf_reserve(allow, 1) == LS_OK)
				allow->data[allow->len] = '\0';
		}
	}
	return NULL;
}

size_t
ls_router_max_body(void *ctx, struct ls_slice method, struct ls_slice path)
{
	const struct ls_service *service = LS_CAST(service, ctx);
	struct ls_slice param;
	const struct ls_route *route = find(method, path, &param, NULL);
	if (route == NULL)
		return (size_t)service->settings
			->max_body; /* read and refused by ls_router_handle(), which knows why */
	switch (route->body) {
	case LS_BODY_NONE:
		return 0;
	case LS_BODY_NORMAL:
		return (size_t)service->settings->max_body;
	case LS_BODY_HUBSPOT:
		return (size_t)service->settings->max_hubspot_body;
	}
	return 0;
}

void
ls_router_refuse(void *ctx, int status, const char *why, struct ls_arena *arena,
	struct ls_http_response *out)
{
	(void)ctx;
	ls_problem(arena, status, why, out);
}

static void
reply_problem(struct ls_service *service, struct ls_arena *arena, uint64_t http_id, int status,
	const char *detail)
{
	static const struct ls_http_header retry[] = { { LS_S_INIT("Retry-After"),
		LS_S_INIT("1") } };
	static const struct ls_http_header bearer[] = { { LS_S_INIT("WWW-Authenticate"),
		LS_S_INIT("Bearer") } };
	struct ls_http_response response = { 0 };
	ls_problem(arena, status, detail, &response);
	if (status == 503 || status == 401) {
		response.headers = status == 503 ? retry : bearer;
		response.header_count = 1;
	}
	(void)ls_http_reply(service->http, http_id, &response);
}

void
ls_reply_problem(
	struct ls_service *service, struct ls_http_request *req, int status, const char *detail)
{
	reply_problem(service, req->arena, req->id, status, detail);
}

void
ls_reply_problem_to(struct ls_service *service, uint64_t http_id, int status, const char *detail)
{
	struct ls_arena arena;
	ls_arena_init(&arena, 1u << 16);
	reply_problem(service, &arena, http_id, status, detail);
	ls_arena_fini(&arena);
}

void
ls_reply_json_to(struct ls_service *service, uint64_t http_id, int status, struct ls_buf *body)
{
	static const struct ls_http_header headers[] = {
		{ LS_S_INIT("Cache-Control"), LS_S_INIT("no-store") },
		{ LS_S_INIT("X-Content-Type-Options"), LS_S_INIT("nosniff") },
	};
	const struct ls_http_response response = {
		.status = status,
		.content_type = "application/json",
		.body = ls_buf_slice(body),
		.headers = headers,
		.header_count = LS_ARRAY_LEN(headers),
	};
	if (body->err == LS_OK)
		(void)ls_http_reply(service->http, http_id, &response);
	else
		ls_reply_problem_to(service, http_id, body->err == LS_ERR_LIMIT ? 500 : 503,
			ls_strerror(body->err));
	ls_buf_fini(body);
}

void
ls_reply_json(
	struct ls_service *service, struct ls_http_request *req, int status, struct ls_buf *body)
{
	ls_reply_json_to(service, req->id, status, body);
}

static void
no_route(struct ls_service *service, struct ls_http_request *req, struct ls_buf *allow)
{
	if (allow->len == 0) {
		ls_reply_problem(service, req, 404,
			"There is nothing at this path; GET / lists what there is");
		return;
	}
	(void)ls_buf_add_lit(allow, ", OPTIONS");
	struct ls_http_response response = { .status = 204 };
	if (!ls_slice_eq(req->method, LS_S("OPTIONS")))
		ls_problem(req->arena, 405, "This path does not take this method", &response);
	const struct ls_http_header header = { LS_S("Allow"), ls_buf_slice(allow) };
	response.headers = &header;
	response.header_count = 1;
	(void)ls_http_reply(service->http, req->id, &response);
}

void
ls_router_handle(void *ctx, struct ls_http_request *req)
{
	struct ls_service *service = LS_CAST(service, ctx);
	struct ls_slice param;
	struct ls_buf allow;
	const char *why = NULL;
	ls_buf_init(&allow, 256);
	const struct ls_route *route = find(req->method, req->path, &param, &allow);
	if (route == NULL) {
		no_route(service, req, &allow);
		ls_buf_fini(&allow);
		return;
	}
	ls_buf_fini(&allow);
	int status = route->scope == LS_SCOPE_PUBLIC
			     ? 0
			     : ls_auth_check(service->settings->api_token, req, &why);
	if (status == 0 && param.data != NULL) {
		param = ls_http_unescape(req->arena, param);
		if (param.data == NULL) {
			status = 400;
			why = "The path has a bad escape";
		}
	}
	if (status != 0) {
		ls_reply_problem(service, req, status, why);
		return;
	}
	route->handle(service, req, param);
}
