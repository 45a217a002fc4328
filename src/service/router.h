/* SPDX-License-Identifier: MIT */
/* The routes: one table of method, path, who may, how large a body, and what answers. */
#ifndef LS_SERVICE_ROUTER_H
#define LS_SERVICE_ROUTER_H

#include "service/service.h"

enum ls_scope {
	LS_SCOPE_PUBLIC, /* anybody, or the handler verifies by itself */
	LS_SCOPE_READ,
	LS_SCOPE_WRITE,
};

enum ls_body_limit { LS_BODY_NONE, LS_BODY_NORMAL, LS_BODY_HUBSPOT };

/** `param` is the decoded {parameter} of the path, if it has one. Exactly one answer, now or later.
 */
typedef void (*ls_route_fn)(
	struct ls_service *service, struct ls_http_request *req, struct ls_slice param);

struct ls_route {
	const char *method;
	const char *path; /* one {parameter} at most, which is one segment */
	enum ls_scope scope;
	enum ls_body_limit body;
	ls_route_fn handle;
	const char *help;
};

/** The table of all routes, in the order in which they are tried. */
const struct ls_route *ls_routes(size_t *count);
/** The HTTP server's handler; the context is the service. */
void ls_router_handle(void *service, struct ls_http_request *req);
size_t ls_router_max_body(void *service, struct ls_slice method, struct ls_slice path);
void ls_router_refuse(void *service, int status, const char *why, struct ls_arena *arena,
	struct ls_http_response *out);

/* ---- answers; req->arena holds what is made */

/** Answers with a problem document (RFC 9457); `detail` is for people. */
void ls_reply_problem(
	struct ls_service *service, struct ls_http_request *req, int status, const char *detail);
/** Sends the buffer as JSON and frees it; 500 when it failed. */
void ls_reply_json(
	struct ls_service *service, struct ls_http_request *req, int status, struct ls_buf *body);

/** The lead that a path names, or 0 after a problem has been answered. */
uint64_t ls_api_find_lead(struct ls_service *service, struct ls_http_request *req,
	struct ls_slice param, struct ls_lead_view *lead);

/** The same later, when the request itself is gone: by its id. */
void ls_reply_problem_to(
	struct ls_service *service, uint64_t http_id, int status, const char *detail);
void ls_reply_json_to(
	struct ls_service *service, uint64_t http_id, int status, struct ls_buf *body);

struct ls_jsonw;
struct ls_profile_fault;
struct ls_profile_request;

/** An explanation as an object. */
void ls_api_write_explanation(struct ls_jsonw *w, const struct ls_explanation *why, int64_t now_ms);
/** Reads the body of a request about profiles; false when that was answered with its fault, or 503
 * because they are not known yet. */
bool ls_api_profile_request(struct ls_service *service, struct ls_http_request *req,
	unsigned members, struct ls_profile_request *out);
/** Answers 400 with the faults of a profile that begins at `at` of the body. */
void ls_api_profile_faults(struct ls_service *service, struct ls_http_request *req,
	const struct ls_profile_fault *faults, size_t count, const char *at);

/* ---- api/: one file a resource */
void ls_api_leads_list(
	struct ls_service *service, struct ls_http_request *req, struct ls_slice param);
void ls_api_leads_get(
	struct ls_service *service, struct ls_http_request *req, struct ls_slice param);
void ls_api_leads_explanation(
	struct ls_service *service, struct ls_http_request *req, struct ls_slice param);
void ls_api_leads_timeline(
	struct ls_service *service, struct ls_http_request *req, struct ls_slice param);
void ls_api_leads_history(
	struct ls_service *service, struct ls_http_request *req, struct ls_slice param);
void ls_api_refresh_start(
	struct ls_service *service, struct ls_http_request *req, struct ls_slice param);
void ls_api_refresh_get(
	struct ls_service *service, struct ls_http_request *req, struct ls_slice param);
void ls_api_profiles_list(
	struct ls_service *service, struct ls_http_request *req, struct ls_slice param);
void ls_api_profiles_active(
	struct ls_service *service, struct ls_http_request *req, struct ls_slice param);
void ls_api_profiles_get(
	struct ls_service *service, struct ls_http_request *req, struct ls_slice param);
void ls_api_profiles_draft(
	struct ls_service *service, struct ls_http_request *req, struct ls_slice param);
void ls_api_profiles_publish(
	struct ls_service *service, struct ls_http_request *req, struct ls_slice param);
void ls_api_profiles_rollback(
	struct ls_service *service, struct ls_http_request *req, struct ls_slice param);
void ls_api_profiles_preview(
	struct ls_service *service, struct ls_http_request *req, struct ls_slice param);
void ls_api_health(struct ls_service *service, struct ls_http_request *req, struct ls_slice param);
void ls_api_ready(struct ls_service *service, struct ls_http_request *req, struct ls_slice param);
void ls_api_metrics(struct ls_service *service, struct ls_http_request *req, struct ls_slice param);
void ls_api_index(struct ls_service *service, struct ls_http_request *req, struct ls_slice param);

#endif
