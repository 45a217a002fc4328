// SPDX-License-Identifier: MIT
/* /api/profiles: the versions of the scoring profile, and the way from a draft to the one that
 * holds, and back. */

#include <stdio.h>
#include <stdlib.h>

#include "base/json_write.h"
#include "service/problem.h"
#include "service/profile_request.h"
#include "service/profiles.h"
#include "service/router.h"

#define BODY_MAX (16u << 20)

/* ---- what is common to all */

void
ls_api_profile_faults(struct ls_service *service, struct ls_http_request *req,
	const struct ls_profile_fault *faults, size_t count, const char *at)
{
	struct ls_http_response response = { 0 };
	struct ls_decoded decoded = { .fault_count = count };
	char pointer[sizeof faults->pointer + 16];
	decoded.faults = ls_arena_alloc(req->arena, (count + 1) * sizeof *decoded.faults);
	if (decoded.faults == NULL) {
		ls_reply_problem(service, req, 503, "Out of memory");
		return;
	}
	for (size_t i = 0; i < count; i++) {
		int n = snprintf(pointer, sizeof pointer, "%s%s", at, faults[i].pointer);
		decoded.faults[i] = (struct ls_fault){
			.pointer = ls_arena_copy(req->arena, ls_slice(pointer, (size_t)n)),
			.what = ls_slice_str(faults[i].what),
			.offset = SIZE_MAX,
		};
	}
	ls_problem_faults(
		req->arena, 400, "Nothing was changed: mend the errors", &decoded, &response);
	(void)ls_http_reply(service->http, req->id, &response);
}

static bool
loaded(struct ls_service *service, struct ls_http_request *req)
{
	if (ls_profiles_loaded(service))
		return true;
	ls_reply_problem(service, req, 503, "State is being loaded");
	return false;
}

bool
ls_api_profile_request(struct ls_service *service, struct ls_http_request *req, unsigned members,
	struct ls_profile_request *out)
{
	struct ls_profile_fault fault;
	if (!loaded(service, req))
		return false;
	int err = ls_profile_request_read(req->body, members, req->arena, out, &fault);
	if (err == LS_ERR_INVALID)
		ls_api_profile_faults(service, req, &fault, 1, "");
	else if (err != LS_OK)
		ls_reply_problem(service, req, 503, ls_strerror(err));
	return err == LS_OK;
}

/* ---- writing */

static void
write_words(struct ls_jsonw *w, const char *key, struct ls_slice words)
{
	ls_jsonw_kstring(w, key, words.len > 0 ? words : ls_slice(NULL, 0));
}

/* the object stays open */
static void
write_version(struct ls_jsonw *w, const struct ls_profile_version *version)
{
	static const char *const states[] = {
		[LS_STORE_DRAFT] = "draft",
		[LS_STORE_PUBLISHED] = "published",
		[LS_STORE_RETIRED] = "retired",
	};
	ls_jsonw_object(w);
	ls_jsonw_ku64(w, "version", version->version);
	ls_jsonw_kstring(w, "state", ls_slice_str(states[version->state]));
	write_words(w, "name", version->name);
	write_words(w, "who", version->who);
	write_words(w, "why", version->why);
	ls_jsonw_ktime(w, "created", version->created_ms);
	ls_jsonw_key(w, "published");
	if (version->published_ms > 0)
		ls_jsonw_time(w, version->published_ms);
	else
		ls_jsonw_null(w);
}

static void
write_profile(struct ls_jsonw *w, const struct ls_profile *profile)
{
	size_t len = ls_profile_print(profile, NULL, 0);
	char *text = malloc(len);
	ls_jsonw_key(w, "profile");
	if (text == NULL) {
		w->buf->err = LS_ERR_NOMEM;
		return;
	}
	(void)ls_profile_print(profile, text, len);
	ls_jsonw_raw(w, ls_slice(text, len));
	free(text);
}

static const char *
origin_name(enum ls_profile_origin origin)
{
	switch (origin) {
	case LS_PROFILE_BUILT_IN:
		return "default";
	case LS_PROFILE_FILE:
		return "file";
	case LS_PROFILE_PUBLISHED:
		return "published";
	}
	return "default";
}

/* ---- reading */

void
ls_api_profiles_list(struct ls_service *service, struct ls_http_request *req, struct ls_slice param)
{
	(void)param;
	struct ls_buf body;
	struct ls_jsonw w;
	if (!loaded(service, req))
		return;
	ls_buf_init(&body, BODY_MAX);
	ls_jsonw_init(&w, &body);
	ls_jsonw_object(&w);
	ls_jsonw_kstring(&w, "source", ls_slice_str(origin_name(ls_profiles_origin(service))));
	ls_jsonw_karray(&w, "profiles");
	for (size_t i = ls_profiles_count(service); i-- > 0;) {
		write_version(&w, ls_profiles_at(service, i));
		ls_jsonw_object_end(&w);
	}
	ls_jsonw_array_end(&w);
	ls_jsonw_object_end(&w);
	ls_reply_json(service, req, 200, &body);
}

void
ls_api_profiles_active(
	struct ls_service *service, struct ls_http_request *req, struct ls_slice param)
{
	(void)param;
	struct ls_buf body;
	struct ls_jsonw w;
	if (!loaded(service, req))
		return;
	enum ls_profile_origin origin = ls_profiles_origin(service);
	const struct ls_profile_version *version =
		ls_profiles_in_state(service, LS_STORE_PUBLISHED);
	ls_buf_init(&body, BODY_MAX);
	ls_jsonw_init(&w, &body);
	if (origin == LS_PROFILE_PUBLISHED) {
		write_version(&w, version);
	} else {
		ls_jsonw_object(&w);
		ls_jsonw_key(&w, "version");
		ls_jsonw_null(&w);
		ls_jsonw_kstring(&w, "name", ls_profile_name(service->tenant.profile));
	}
	ls_jsonw_kstring(&w, "source", ls_slice_str(origin_name(origin)));
	if (origin == LS_PROFILE_FILE)
		ls_jsonw_kstring(&w, "file", ls_slice_str(service->settings->profile_file));
	write_profile(&w, service->tenant.profile);
	ls_jsonw_object_end(&w);
	ls_reply_json(service, req, 200, &body);
}

void
ls_api_profiles_get(struct ls_service *service, struct ls_http_request *req, struct ls_slice param)
{
	struct ls_profile_fault faults[LS_PROFILE_FAULTS];
	struct ls_profile *profile = NULL;
	struct ls_buf body;
	struct ls_jsonw w;
	size_t count;
	uint64_t number = 0;
	if (!loaded(service, req))
		return;
	const struct ls_profile_version *version = NULL;
	if (ls_slice_to_u64(param, &number) == LS_OK)
		version = ls_profiles_find(service, number);
	if (version == NULL) {
		ls_reply_problem(service, req, 404, "There is no such version of the profile");
		return;
	}
	int err = ls_profiles_parse(service, version->json, &profile, faults, &count);
	ls_buf_init(&body, BODY_MAX);
	ls_jsonw_init(&w, &body);
	write_version(&w, version);
	if (err == LS_OK) {
		write_profile(&w, profile);
	} else {
		/* of a later program, perhaps: as it was given */
		ls_jsonw_key(&w, "profile");
		ls_jsonw_raw(&w, version->json);
	}
	ls_jsonw_object_end(&w);
	(void)ls_profile_free(profile);
	ls_reply_json(service, req, 200, &body);
}

/* ---- changing */

static void
on_changed(struct ls_service *service, uint64_t http_id, int err,
	const struct ls_profile_version *version)
{
	struct ls_buf body;
	struct ls_jsonw w;
	if (version == NULL) {
		ls_reply_problem_to(service, http_id, 503,
			err == LS_ERR_CLOSED
				? "The server is stopping"
				: "The profile could not be written; the log says why");
		return;
	}
	ls_buf_init(&body, BODY_MAX);
	ls_jsonw_init(&w, &body);
	write_version(&w, version);
	ls_jsonw_object_end(&w);
	ls_reply_json_to(service, http_id, version->state == LS_STORE_DRAFT ? 201 : 200, &body);
}

static void
change(struct ls_service *service, struct ls_http_request *req, struct ls_profile_change change)
{
	change.http_id = req->id;
	change.done = on_changed;
	int err = ls_profiles_change(service, &change);
	if (err == LS_ERR_CONFLICT)
		ls_reply_problem(service, req, 409, "Another change is being written");
	else if (err == LS_ERR_INVALID)
		ls_reply_problem(service, req, 409, "This version is no profile for this program");
	else if (err != LS_OK)
		ls_reply_problem(service, req, 503, ls_strerror(err));
}

/* HEAD and the like never come here; a body that is no profile is told about in full */
void
ls_api_profiles_draft(
	struct ls_service *service, struct ls_http_request *req, struct ls_slice param)
{
	(void)param;
	struct ls_profile_fault faults[LS_PROFILE_FAULTS];
	struct ls_profile *profile = NULL;
	size_t count = 0;
	if (!loaded(service, req))
		return;
	int err = ls_profiles_parse(service, req->body, &profile, faults, &count);
	(void)ls_profile_free(profile);
	if (err == LS_ERR_INVALID)
		ls_api_profile_faults(service, req, faults, count, "");
	else if (err != LS_OK)
		ls_reply_problem(service, req, 503, ls_strerror(err));
	else
		change(service, req,
			(struct ls_profile_change){ .state = LS_STORE_DRAFT, .json = req->body });
}

/* a file goes before what is published, so publishing would do nothing */
static bool
may_publish(struct ls_service *service, struct ls_http_request *req)
{
	if (service->settings->profile_file == NULL)
		return true;
	ls_reply_problem(service, req, 409,
		"The profile comes from the file that LEADSCORE_PROFILE names: change that file "
		"and "
		"send SIGHUP, or unset it");
	return false;
}

void
ls_api_profiles_publish(
	struct ls_service *service, struct ls_http_request *req, struct ls_slice param)
{
	(void)param;
	struct ls_profile_request request;
	if (!ls_api_profile_request(service, req, LS_MEMBER_VERSION | LS_MEMBER_WORDS, &request) ||
		!may_publish(service, req))
		return;
	const struct ls_profile_version *draft = ls_profiles_in_state(service, LS_STORE_DRAFT);
	if (draft == NULL) {
		ls_reply_problem(
			service, req, 409, "There is no draft: PUT /api/profiles/draft makes one");
		return;
	}
	if (request.version != 0 && request.version != draft->version) {
		ls_reply_problem(service, req, 409,
			"This version is not the draft; an earlier one is published again by "
			"POST /api/profiles/rollback");
		return;
	}
	change(service, req,
		(struct ls_profile_change){ .state = LS_STORE_PUBLISHED,
			.version = draft->version,
			.json = draft->json,
			.who = request.who,
			.why = request.why });
}

/* the one that held before the one that holds */
static const struct ls_profile_version *
previous(const struct ls_service *service)
{
	const struct ls_profile_version *found = NULL;
	for (size_t i = 0; i < ls_profiles_count(service); i++) {
		const struct ls_profile_version *v = ls_profiles_at(service, i);
		if (v->state == LS_STORE_RETIRED &&
			(found == NULL || v->published_ms >= found->published_ms))
			found = v;
	}
	return found;
}

void
ls_api_profiles_rollback(
	struct ls_service *service, struct ls_http_request *req, struct ls_slice param)
{
	(void)param;
	struct ls_profile_request request;
	if (!ls_api_profile_request(service, req, LS_MEMBER_TO | LS_MEMBER_WORDS, &request) ||
		!may_publish(service, req))
		return;
	const struct ls_profile_version *to = request.version != 0
						      ? ls_profiles_find(service, request.version)
						      : previous(service);
	if (to == NULL || to->state == LS_STORE_DRAFT) {
		ls_reply_problem(service, req, request.version != 0 && to == NULL ? 404 : 409,
			"There is no such version that has been published before");
		return;
	}
	change(service, req,
		(struct ls_profile_change){ .state = LS_STORE_PUBLISHED,
			.json = to->json,
			.who = request.who,
			.why = request.why });
}
