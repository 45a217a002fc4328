// SPDX-License-Identifier: MIT
/* Runs a what-if to its end in slices of the loop's turns, and stops when nobody waits any more. */

#include "service/preview.h"

#include <stdlib.h>

#include "base/clock.h"

#define CHUNK 64u
/* alone it has most of a turn; while other requests wait, little of it, however busy the turn was
 */
#define ALONE_NS  INT64_C(1000000)
#define BESIDE_NS INT64_C(200000)

struct ls_preview {
	struct ls_preview_job job;
	struct ls_whatif *whatif;
	int64_t started_ns;
};

int
ls_preview_start(struct ls_service *service, const struct ls_preview_job *job)
{
	if (service->preview != NULL)
		return LS_ERR_CONFLICT;
	struct ls_preview *p = calloc(1, sizeof *p);
	if (p == NULL)
		return LS_ERR_NOMEM;
	*p = (struct ls_preview){ .job = *job, .started_ns = ls_clock_mono_ns() };
	p->whatif = ls_whatif_new(service->tenant.engine, job->profile, job->now_ms);
	if (p->whatif == NULL) {
		free(p);
		return LS_ERR_NOMEM;
	}
	service->preview = p;
	service->previews.started++;
	ls_loop_again(service->loop);
	return LS_OK;
}

static void
finish(struct ls_service *service, const char *why)
{
	struct ls_preview *p = service->preview;
	service->preview = NULL;
	if (why == NULL) {
		service->previews.finished++;
		service->previews.last_ns = ls_clock_mono_ns() - p->started_ns;
	}
	p->job.done(service, &p->job, why == NULL ? p->whatif : NULL, why);
	(void)ls_whatif_free(p->whatif);
	(void)ls_profile_free(p->job.profile);
	free(p);
}

bool
ls_preview_step(struct ls_service *service)
{
	struct ls_preview *p = service->preview;
	size_t left = 1;
	if (p == NULL)
		return false;
	if (!ls_http_is_waiting(service->http, p->job.http_id)) {
		finish(service, "nobody waits for it");
		return false;
	}
	bool alone = ls_http_server_stats(service->http)->pending <= 1;
	int64_t until_ns = ls_clock_mono_ns() + (alone ? ALONE_NS : BESIDE_NS);
	do {
		if (ls_whatif_step(p->whatif, CHUNK, &left) != LS_OK) {
			finish(service, "out of memory");
			return false;
		}
	} while (left > 0 && ls_clock_mono_ns() < until_ns);
	if (left == 0)
		finish(service, NULL);
	return left > 0;
}

void
ls_preview_stop(struct ls_service *service, const char *why)
{
	if (service->preview != NULL)
		finish(service, why);
}
