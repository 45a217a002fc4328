// SPDX-License-Identifier: MIT
/* POST /api/profiles/preview: what another profile would change, for all leads or for one. */

#include "service/preview.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json_write.h"
#include "service/profile_request.h"
#include "service/profiles.h"
#include "service/router.h"

#define BODY_MAX    (4u << 20)
#define ARENA_MAX   (16u << 20)
#define REASONS_MAX 3u
/* of one lead, where there is room for all */
#define REASONS_ALL 64u

/* ---- leads and reasons */

static void
write_text(struct ls_jsonw *w, const char *key, struct ls_slice text)
{
	ls_jsonw_kstring(w, key, text.len > 0 ? text : ls_slice(NULL, 0));
}

/* the object stays open */
static void
write_lead(struct ls_jsonw *w, const struct ls_lead_view *lead)
{
	char id[24];
	int n = snprintf(id, sizeof id, "%" PRIu64, lead->id);
	ls_jsonw_object(w);
	ls_jsonw_kstring(w, "id", ls_slice(id, (size_t)n));
	write_text(w, "email", lead->email);
	write_text(w, "name", lead->name);
	write_text(w, "company", lead->company);
}

static void
write_reasons(struct ls_jsonw *w, const struct ls_explanation *before,
	const struct ls_explanation *after, size_t max)
{
	struct ls_whatif_reason reasons[REASONS_ALL];
	size_t count = ls_whatif_reasons(before, after, reasons, max);
	ls_jsonw_karray(w, "reasons");
	for (size_t i = 0; i < count; i++) {
		const struct ls_whatif_reason *reason = &reasons[i];
		char words[256];
		size_t len = ls_line_words(reason->moment, reason->line, words, sizeof words);
		ls_jsonw_object(w);
		ls_jsonw_kstring(w, "name", reason->line->name);
		ls_jsonw_kstring(w, "type", reason->line->is_rule ? LS_S("rule") : LS_S("signal"));
		ls_jsonw_kmilli(w, "before", reason->before_milli);
		ls_jsonw_kmilli(w, "after", reason->after_milli);
		ls_jsonw_kmilli(w, "change", (int64_t)reason->after_milli - reason->before_milli);
		ls_jsonw_kstring(w, "text", ls_slice(words, len));
		ls_jsonw_object_end(w);
	}
	ls_jsonw_array_end(w);
}

static void
write_score(struct ls_jsonw *w, const char *key, const struct ls_explanation *why)
{
	ls_jsonw_kobject(w, key);
	ls_jsonw_ki64(w, "score", why->score_milli / 1000);
	ls_jsonw_kmilli(w, "points", why->score_milli);
	ls_jsonw_kstring(w, "score_category", ls_slice_str(ls_category_name(why->category)));
	ls_jsonw_object_end(w);
}

static void
write_head(struct ls_jsonw *w, const struct ls_preview_job *job)
{
	ls_jsonw_object(w);
	ls_jsonw_ktime(w, "as_of", job->now_ms);
	ls_jsonw_key(w, "version");
	if (job->version != 0)
		ls_jsonw_u64(w, job->version);
	else
		ls_jsonw_null(w);
}

/* ---- all leads */

struct writer {
	struct ls_jsonw json;
	struct ls_service *service;
	struct ls_whatif *whatif;
	struct ls_arena arena;
};

/* as they are now; whoever went away meanwhile is left out */
static void
write_movers(struct writer *w, const char *key, const struct ls_whatif_mover *movers, size_t count)
{
	ls_jsonw_karray(&w->json, key);
	for (size_t i = 0; i < count; i++) {
		struct ls_lead_view lead;
		struct ls_explanation before, after;
		ls_arena_reset(&w->arena);
		if (ls_engine_get(w->service->tenant.engine, movers[i].id, &w->arena, &lead) !=
				LS_OK ||
			ls_whatif_explain(w->whatif, movers[i].id, false, &w->arena, &before,
				&after) != LS_OK)
			continue;
		write_lead(&w->json, &lead);
		write_score(&w->json, "before", &before);
		write_score(&w->json, "after", &after);
		ls_jsonw_kmilli(
			&w->json, "change", (int64_t)after.score_milli - before.score_milli);
		write_reasons(&w->json, &before, &after, REASONS_MAX);
		ls_jsonw_object_end(&w->json);
	}
	ls_jsonw_array_end(&w->json);
}

static void
write_figures(struct ls_jsonw *w, const struct ls_whatif_result *result)
{
	ls_jsonw_ku64(w, "leads", result->leads);
	ls_jsonw_ku64(w, "rise", result->rise);
	ls_jsonw_ku64(w, "fall", result->fall);
	ls_jsonw_kobject(w, "moves");
	for (int from = LS_HOT; from >= LS_COLD; from--) {
		ls_jsonw_kobject(w, ls_category_name((enum ls_category)from));
		for (int to = LS_HOT; to >= LS_COLD; to--)
			ls_jsonw_ku64(
				w, ls_category_name((enum ls_category)to), result->moves[from][to]);
		ls_jsonw_object_end(w);
	}
	ls_jsonw_object_end(w);
	ls_jsonw_karray(w, "histogram");
	for (unsigned i = 0; i < LS_WHATIF_BINS; i++) {
		ls_jsonw_object(w);
		ls_jsonw_ku64(w, "from", (uint64_t)i * 100 / LS_WHATIF_BINS);
		ls_jsonw_ku64(w, "before", result->before[i]);
		ls_jsonw_ku64(w, "after", result->after[i]);
		ls_jsonw_object_end(w);
	}
	ls_jsonw_array_end(w);
}

static void
on_done(struct ls_service *service, const struct ls_preview_job *job, struct ls_whatif *whatif,
	const char *why)
{
	struct ls_buf body;
	if (whatif == NULL) {
		ls_reply_problem_to(service, job->http_id, 503, why);
		return;
	}
	const struct ls_whatif_result *result = ls_whatif_result(whatif);
	struct writer w = { .service = service, .whatif = whatif };
	ls_arena_init(&w.arena, ARENA_MAX);
	ls_buf_init(&body, BODY_MAX);
	ls_jsonw_init(&w.json, &body);
	write_head(&w.json, job);
	write_figures(&w.json, result);
	write_movers(&w, "biggest_rises", result->risers, result->riser_count);
	write_movers(&w, "biggest_falls", result->fallers, result->faller_count);
	ls_jsonw_object_end(&w.json);
	ls_reply_json_to(service, job->http_id, 200, &body);
	ls_arena_fini(&w.arena);
}

static void
preview_all(struct ls_service *service, struct ls_http_request *req, struct ls_preview_job *job)
{
	int err = ls_preview_start(service, job);
	if (err == LS_OK) {
		job->profile = NULL;
		return;
	}
	if (err == LS_ERR_CONFLICT)
		ls_reply_problem(
			service, req, 409, "Another preview is under way; one runs at a time");
	else
		ls_reply_problem(service, req, 503, ls_strerror(err));
}

/* ---- one lead */

static void
preview_one(struct ls_service *service, struct ls_http_request *req, struct ls_preview_job *job,
	struct ls_slice name)
{
	struct ls_engine *engine = service->tenant.engine;
	struct ls_explanation before, after;
	struct ls_lead_view lead;
	struct ls_buf body;
	struct ls_jsonw w;
	uint64_t id = ls_api_find_lead(service, req, name, &lead);
	if (id == 0)
		return;
	struct ls_whatif *whatif = ls_whatif_new(engine, job->profile, job->now_ms);
	int err = LS_ERR_NOMEM;
	if (whatif != NULL)
		err = ls_whatif_explain(whatif, id, true, req->arena, &before, &after);
	ls_buf_init(&body, BODY_MAX);
	ls_jsonw_init(&w, &body);
	if (err == LS_OK) {
		write_head(&w, job);
		ls_jsonw_key(&w, "lead");
		write_lead(&w, &lead);
		ls_jsonw_object_end(&w);
		ls_jsonw_key(&w, "before");
		ls_api_write_explanation(&w, &before, job->now_ms);
		ls_jsonw_key(&w, "after");
		ls_api_write_explanation(&w, &after, job->now_ms);
		ls_jsonw_kmilli(&w, "change", (int64_t)after.score_milli - before.score_milli);
		write_reasons(&w, &before, &after, REASONS_ALL);
		ls_jsonw_object_end(&w);
	} else {
		body.err = err;
	}
	ls_reply_json(service, req, 200, &body);
	(void)ls_whatif_free(whatif);
}

/* ---- the request */

/* the profile that is asked for: given, of a version, or the draft; false after an answer */
static bool
find_profile(struct ls_service *service, struct ls_http_request *req, struct ls_preview_job *job)
{
	struct ls_profile_request request;
	struct ls_profile_fault faults[LS_PROFILE_FAULTS];
	size_t count = 0;
	if (!ls_api_profile_request(service, req, LS_MEMBER_VERSION | LS_MEMBER_PROFILE, &request))
		return false;
	struct ls_slice json = request.profile;
	if (json.data != NULL && request.version != 0) {
		ls_reply_problem(service, req, 400, "Either a profile or a version, not both");
		return false;
	}
	if (json.data == NULL) {
		const struct ls_profile_version *version =
			request.version != 0 ? ls_profiles_find(service, request.version)
					     : ls_profiles_in_state(service, LS_STORE_DRAFT);
		if (version == NULL) {
			ls_reply_problem(service, req, 404,
				request.version != 0 ? "There is no such version of the profile"
						     : "There is no draft; send a profile");
			return false;
		}
		json = version->json;
		job->version = version->version;
	}
	int err = ls_profiles_parse(service, json, &job->profile, faults, &count);
	if (err == LS_ERR_INVALID)
		ls_api_profile_faults(service, req, faults, count,
			request.profile.data != NULL ? "/profile" : "");
	else if (err != LS_OK)
		ls_reply_problem(service, req, 503, ls_strerror(err));
	return err == LS_OK;
}

void
ls_api_profiles_preview(
	struct ls_service *service, struct ls_http_request *req, struct ls_slice param)
{
	(void)param;
	struct ls_slice name = ls_http_query(req, "lead");
	struct ls_preview_job job = {
		.http_id = req->id, .done = on_done, .now_ms = ls_service_score_ms(service)
	};
	if (service->tenant.phase != LS_PHASE_LIVE) {
		ls_reply_problem(service, req, 503, "State is being loaded");
		return;
	}
	if (!find_profile(service, req, &job))
		return;
	if (name.data != NULL)
		preview_one(service, req, &job, name);
	else
		preview_all(service, req, &job);
	(void)ls_profile_free(job.profile);
}
