/* SPDX-License-Identifier: MIT */
/* A what-if over all leads that runs beside everything else, in slices, for one client at a time.
 */
#ifndef LS_SERVICE_PREVIEW_H
#define LS_SERVICE_PREVIEW_H

#include "engine/whatif.h"
#include "service/service.h"

struct ls_preview_job {
	struct ls_profile *profile; /* taken over when it starts */
	uint64_t version;           /* its number; 0: it has none */
	uint64_t http_id;
	/** Told once, unless the client leaves before. `whatif` is NULL when it was stopped: `why`
	 * says for what. */
	void (*done)(struct ls_service *service, const struct ls_preview_job *job,
		struct ls_whatif *whatif, const char *why);
	int64_t now_ms;
};

/** LS_ERR_CONFLICT while another is under way, LS_ERR_NOMEM. */
int ls_preview_start(struct ls_service *service, const struct ls_preview_job *job) LS_MUST_CHECK;
/** Judges leads for a while. True when there is more to do at once. */
bool ls_preview_step(struct ls_service *service);
/** Before the profile that holds changes; NULL: nobody is told. */
void ls_preview_stop(struct ls_service *service, const char *why);

#endif
