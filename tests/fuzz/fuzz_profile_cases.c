// SPDX-License-Identifier: MIT
/* Files of test cases from any bytes: faults are told, and what is accepted runs to a verdict. */

#include <stdlib.h>

#include "main/profile_cases.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CASES 4u

static void
require(bool cond)
{
	if (!cond)
		abort();
}

static void
run(const struct ls_profile_cases *cases)
{
	struct ls_profile *profile = ls_profile_default(ls_memory_heap);
	struct ls_buf why;
	require(profile != NULL && cases->count > 0 && cases->now_ms > 0);
	ls_buf_init(&why, 1u << 20);
	for (size_t i = 0; i < LS_MIN(cases->count, (size_t)CASES); i++) {
		ls_buf_reset(&why);
		int err = ls_profile_case_run(profile, &cases->cases[i], cases->now_ms, &why);
		require(err == LS_OK || why.len > 0);
	}
	ls_buf_fini(&why);
	(void)ls_profile_free(profile);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ls_profile_cases cases = { 0 };
	struct ls_arena arena;
	struct ls_buf fault;
	ls_arena_init(&arena, 1u << 24);
	ls_buf_init(&fault, 1u << 16);
	int err = ls_profile_cases_read(ls_slice((const char *)data, size), &arena, &cases, &fault);
	require(err != LS_ERR_INVALID || fault.len > 0);
	if (err == LS_OK)
		run(&cases);
	else
		require(cases.count == 0);
	ls_buf_fini(&fault);
	ls_arena_fini(&arena);
	return 0;
}
