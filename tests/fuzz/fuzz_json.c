// SPDX-License-Identifier: MIT
/* json_read: skipping, pulling by type and reading raw must agree about every text. */

#include <stdlib.h>

#include "base/json_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool cond)
{
	if (!cond)
		abort();
}

/* Numbers are checked against each other; one that is too large is still grammar. */
static void
pull_number(struct ls_json *j)
{
	struct ls_slice raw;
	struct ls_json again;
	uint64_t u = 0, plain_u = 0;
	int64_t i = 0, plain_i = 0;
	double d = 0, plain_d = 0;
	if (!ls_json_raw(j, &raw))
		return;
	ls_json_init(&again, raw, NULL);
	bool is_u = ls_json_u64(&again, &u) && ls_json_finish(&again) == LS_OK;
	require(is_u == (ls_slice_to_u64(raw, &plain_u) == LS_OK) || ls_slice_eq(raw, LS_S("-0")));
	require(u == plain_u);
	ls_json_init(&again, raw, NULL);
	bool is_i = ls_json_i64(&again, &i) && ls_json_finish(&again) == LS_OK;
	require(is_i == (ls_slice_to_i64(raw, &plain_i) == LS_OK) && i == plain_i);
	ls_json_init(&again, raw, NULL);
	bool is_d = ls_json_double(&again, &d) && ls_json_finish(&again) == LS_OK;
	if (raw.len <= 64)
		require(is_d == (ls_slice_to_double(raw, &plain_d) == LS_OK));
	require(!is_d || raw.len > 64 || memcmp(&d, &plain_d, sizeof d) == 0);
}

static void
pull(struct ls_json *j)
{
	struct ls_slice s;
	bool b;
	switch (ls_json_peek(j)) {
	case LS_JSON_OBJECT:
		if (ls_json_object(j))
			while (ls_json_key(j, &s)) {
				require(ls_utf8_valid(s));
				pull(j);
			}
		break;
	case LS_JSON_ARRAY:
		if (ls_json_array(j))
			while (ls_json_item(j))
				pull(j);
		break;
	case LS_JSON_STRING:
		if (ls_json_string(j, &s))
			require(ls_utf8_valid(s));
		break;
	case LS_JSON_NUMBER:
		pull_number(j);
		break;
	case LS_JSON_BOOL:
		(void)ls_json_bool(j, &b);
		break;
	case LS_JSON_NULL:
		(void)ls_json_null(j);
		break;
	case LS_JSON_INVALID:
		require(j->err != LS_OK);
		break;
	}
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct ls_slice
trim(struct ls_slice s)
{
	while (s.len > 0 && is_space(s.data[0]))
		s = ls_slice(s.data + 1, s.len - 1);
	while (s.len > 0 && is_space(s.data[s.len - 1]))
		s.len--;
	return s;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ls_slice text = ls_slice((const char *)data, size), raw = { 0 };
	struct ls_arena arena;
	struct ls_json j, skip;
	ls_arena_init(&arena, 2 * size + 64);
	bool valid = ls_json_valid(text);

	ls_json_init(&j, text, &arena);
	pull(&j);
	int err = ls_json_finish(&j);
	require(valid == (err == LS_OK));
	require(err == LS_OK || (j.what != NULL && j.error_at <= size));
	require(err == LS_OK || err == LS_ERR_INVALID || err == LS_ERR_LIMIT);

	ls_json_init(&skip, text, NULL);
	(void)ls_json_raw(&skip, &raw);
	require(ls_json_finish(&skip) == err && skip.error_at == j.error_at);
	if (valid)
		require(ls_slice_eq(raw, trim(text)));

	ls_arena_fini(&arena);
	return 0;
}
