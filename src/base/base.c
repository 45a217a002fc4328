// SPDX-License-Identifier: MIT
/* Error names, assertions and checked casts. */

#include "base/base.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *
ls_strerror(int err)
{
	static const char *const names[] = {
		"ok",
		"invalid",
		"out of memory",
		"limit exceeded",
		"not found",
		"input/output error",
		"conflict",
		"unsupported",
		"closed",
		"timed out",
		"denied",
	};
	size_t i = err <= 0 ? (size_t) - (int64_t)err : LS_ARRAY_LEN(names);
	return i < LS_ARRAY_LEN(names) ? names[i] : "unknown error";
}

void
ls_assert_fail(const char *cond, const char *file, int line)
{
	fprintf(stderr, "leadscore: assertion failed: %s at %s:%d\n", cond, file, line);
	abort();
}

void *
ls_cast_check(void *ctx, uint32_t magic, const char *file, int line)
{
	uint32_t have = 0;
	if (ctx != NULL)
		memcpy(&have, ctx, sizeof have);
	if (LS_UNLIKELY(have != magic)) {
		fprintf(stderr,
			"leadscore: magic 0x%08" PRIx32 " expected, 0x%08" PRIx32
			" found at %s:%d\n",
			magic, have, file, line);
		abort();
	}
	return ctx;
}
