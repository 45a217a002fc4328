/* SPDX-License-Identifier: MIT */
/* Error answers: problem documents (RFC 9457). */
#ifndef LS_SERVICE_PROBLEM_H
#define LS_SERVICE_PROBLEM_H

#include "io/http_server.h"
#include "source/source.h"

/** Reason phrase of a status (RFC 9110 section 15). */
const char *ls_http_reason(int status);
/** Fills body and content type; the body lives in the arena. Falls back to no body when memory is
 * short. */
void ls_problem(
	struct ls_arena *arena, int status, const char *detail, struct ls_http_response *out);
/** The same with the faults of a request's body, by JSON pointer or byte offset. */
void ls_problem_faults(struct ls_arena *arena, int status, const char *detail,
	const struct ls_decoded *decoded, struct ls_http_response *out);

#endif
