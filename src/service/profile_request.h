/* SPDX-License-Identifier: MIT */
/* The bodies of the requests about profiles: which version, who wants it and why. */
#ifndef LS_SERVICE_PROFILE_REQUEST_H
#define LS_SERVICE_PROFILE_REQUEST_H

#include "base/arena.h"
#include "leadscore/profile.h"

/** Longest "who" and "why", in bytes. */
#define LS_PROFILE_WORDS_MAX 1000

/** Which members a request may have. */
enum ls_profile_member {
	LS_MEMBER_VERSION = 1, /* "version": which one */
	LS_MEMBER_TO = 2,      /* "to": the same, for going back */
	LS_MEMBER_WORDS = 4,   /* "who" and "why" */
	LS_MEMBER_PROFILE = 8, /* "profile": one that is not stored */
};

struct ls_profile_request {
	uint64_t version; /* 0: none named */
	struct ls_slice who, why;
	struct ls_slice profile; /* JSON; data == NULL: none given */
};

/**
 * An empty body is an empty object. Slices point into the body or the arena. LS_ERR_INVALID: as
 * ls_profile_parse() tells faults; LS_ERR_NOMEM.
 */
int ls_profile_request_read(struct ls_slice body, unsigned members, struct ls_arena *arena,
	struct ls_profile_request *out, struct ls_profile_fault *fault) LS_MUST_CHECK;

#endif
