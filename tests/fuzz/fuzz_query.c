// SPDX-License-Identifier: MIT
/* Query strings and escaped paths: what comes out is clean text, and a clean text escaped comes out
 * as it was. */

#include <stdio.h>

#include "io/http_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
escape_and_back(struct ls_arena *arena, struct ls_slice text)
{
	char *escaped = ls_arena_alloc(arena, 3 * text.len + 1);
	ls_assert(escaped != NULL);
	for (size_t i = 0; i < text.len; i++)
		(void)snprintf(escaped + 3 * i, 4, "%%%02X", (unsigned char)text.data[i]);
	struct ls_slice back = ls_http_unescape(arena, ls_slice(escaped, 3 * text.len));
	ls_assert(ls_slice_eq(back, text));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ls_arena arena;
	struct ls_slice text = ls_slice((const char *)data, size);
	if (size > 8192)
		return 0;
	ls_arena_init(&arena, 1u << 20);
	struct ls_http_request req = { .query = text, .arena = &arena };
	const char *const names[] = { "limit", "cursor", "category", "" };
	for (size_t i = 0; i < LS_ARRAY_LEN(names); i++) {
		struct ls_slice value = ls_http_query(&req, names[i]);
		ls_assert(value.len <= size);
	}
	struct ls_slice path = ls_http_unescape(&arena, text);
	if (path.data != NULL) {
		ls_assert(path.len <= size && ls_utf8_valid(path));
		for (size_t i = 0; i < path.len; i++)
			ls_assert((unsigned char)path.data[i] >= 0x20 && path.data[i] != 0x7f);
		escape_and_back(&arena, path);
	}
	ls_arena_fini(&arena);
	return 0;
}
