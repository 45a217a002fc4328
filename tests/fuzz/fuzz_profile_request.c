// SPDX-License-Identifier: MIT
/* Requests about profiles from any bytes: what is accepted is within its limits, what is not is
 * told well. The first byte says which members there may be. */

#include <stdlib.h>
#include <string.h>

#include "base/json_read.h"
#include "service/profile_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool cond)
{
	if (!cond)
		abort();
}

static void
check(const struct ls_profile_request *request, unsigned members)
{
	require(request->version <= INT64_MAX);
	require(request->who.len <= LS_PROFILE_WORDS_MAX &&
		request->why.len <= LS_PROFILE_WORDS_MAX);
	require(request->who.len == 0 || ls_utf8_valid(request->who));
	require(request->why.len == 0 || ls_utf8_valid(request->why));
	require(request->profile.data == NULL || ls_json_valid(request->profile));
	require((members & LS_MEMBER_PROFILE) != 0 || request->profile.data == NULL);
	require((members & LS_MEMBER_WORDS) != 0 || request->who.len + request->why.len == 0);
	require((members & (LS_MEMBER_VERSION | LS_MEMBER_TO)) != 0 || request->version == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ls_arena arena;
	struct ls_profile_fault fault = { .pointer = "?" };
	struct ls_profile_request request = { 0 };
	if (size == 0)
		return 0;
	unsigned members = data[0] & 15u;
	struct ls_slice body = ls_slice((const char *)data + 1, size - 1);
	ls_arena_init(&arena, 1u << 20);
	int err = ls_profile_request_read(body, members, &arena, &request, &fault);
	if (err == LS_OK) {
		check(&request, members);
	} else if (err == LS_ERR_INVALID) {
		require(fault.pointer[0] == '\0' || fault.pointer[0] == '/');
		require(fault.what[0] != '\0');
	} else {
		require(err == LS_ERR_NOMEM && size > 1000);
	}
	ls_arena_fini(&arena);
	return 0;
}
