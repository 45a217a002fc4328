/* SPDX-License-Identifier: MIT */
/* Which scoring profile holds: the built-in one, a file's, or the one published through the API;
 * and the versions of the latter. */
#ifndef LS_SERVICE_PROFILES_H
#define LS_SERVICE_PROFILES_H

#include "service/service.h"

/** Where the profile that holds comes from. A file goes before what has been published. */
enum ls_profile_origin { LS_PROFILE_BUILT_IN, LS_PROFILE_FILE, LS_PROFILE_PUBLISHED };

/** Faults of a profile that are told at once. */
#define LS_PROFILE_FAULTS 64

struct ls_profile_version {
	uint64_t version;
	enum ls_store_profile_state state;
	struct ls_slice json, name, who, why;
	int64_t created_ms, published_ms;
};

/** Reads LEADSCORE_PROFILE, if set. LS_ERR_INVALID with the faults in `why`; LS_ERR_NOMEM. */
int ls_profiles_open(struct ls_service *service, char *why, size_t size) LS_MUST_CHECK;
void ls_profiles_close(struct ls_service *service);
/** Reads the versions from the store; the published one holds when `done` is called. */
int ls_profiles_load(struct ls_service *service, ls_store_done_fn done, void *ctx) LS_MUST_CHECK;
/** Once all leads are there: scores them again when a profile has been read that they may not have
 * been scored with. */
void ls_profiles_live(struct ls_service *service);
/** Thresholds or the file may have changed. `file` is LEADSCORE_PROFILE as it is now; the one that
 * is not in use any more is left there. With a fault the profile that holds stays. */
void ls_profiles_reload(struct ls_service *service, char **file);

/** Whether the versions are known yet. */
bool ls_profiles_loaded(const struct ls_service *service);
enum ls_profile_origin ls_profiles_origin(const struct ls_service *service);
/** In order of version. Pointers to versions are valid until the loop's next turn. */
size_t ls_profiles_count(const struct ls_service *service);
const struct ls_profile_version *ls_profiles_at(const struct ls_service *service, size_t i);
/** NULL when there is none. */
const struct ls_profile_version *ls_profiles_find(
	const struct ls_service *service, uint64_t version);
/** The draft, the published one; NULL when there is none. */
const struct ls_profile_version *ls_profiles_in_state(
	const struct ls_service *service, enum ls_store_profile_state state);

/** As ls_profile_parse(), with the thresholds of the settings where the profile says none. */
int ls_profiles_parse(const struct ls_service *service, struct ls_slice json,
	struct ls_profile **out, struct ls_profile_fault faults[LS_PROFILE_FAULTS],
	size_t *fault_count) LS_MUST_CHECK;

struct ls_profile_change {
	enum ls_store_profile_state state; /* it is to have: draft or published */
	uint64_t version;                  /* 0: a new one */
	struct ls_slice json, who, why;    /* copied */
	uint64_t http_id;                  /* for `done` */
	/** Told once, when it is durable and holds. `version` is NULL on an error. */
	void (*done)(struct ls_service *service, uint64_t http_id, int err,
		const struct ls_profile_version *version);
};

/** Writes a version; once that is durable, and if it is published, all leads are scored with it.
 * LS_ERR_CONFLICT: another is being written; LS_ERR_INVALID: not a profile; LS_ERR_CLOSED,
 * LS_ERR_NOMEM. */
int ls_profiles_change(
	struct ls_service *service, const struct ls_profile_change *change) LS_MUST_CHECK;

#endif
