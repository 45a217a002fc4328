// SPDX-License-Identifier: MIT
/* json_read: skipping, pulling by type and reading raw must agree about every text. json_write:
 * what it makes of what was read, and of any bytes, is valid and reads back equal. */

#include <stdlib.h>

#include "base/json_read.h"
#include "base/json_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool cond)
{
	if (!cond)
		abort();
}

/* Numbers are checked against each other; one that is too large is still grammar. */
static void
check_number(struct ls_slice raw)
{
	struct ls_json again;
	uint64_t u = 0, plain_u = 0;
	int64_t i = 0, plain_i = 0;
	double d = 0, plain_d = 0;
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
copy_number(struct ls_json *j, struct ls_jsonw *w)
{
	struct ls_slice raw;
	struct ls_json again;
	uint64_t u = 0;
	int64_t i = 0;
	double d = 0;
	if (!ls_json_raw(j, &raw)) {
		ls_jsonw_null(w);
		return;
	}
	check_number(raw);
	ls_json_init(&again, raw, NULL);
	if (ls_slice_to_u64(raw, &u) == LS_OK)
		ls_jsonw_u64(w, u);
	else if (ls_slice_to_i64(raw, &i) == LS_OK)
		ls_jsonw_i64(w, i);
	else if (ls_json_double(&again, &d))
		ls_jsonw_double(w, d);
	else
		ls_jsonw_raw(w, raw);
}

/* Reads all by type and writes it; null for what cannot be read. */
static void
copy(struct ls_json *j, struct ls_jsonw *w)
{
	struct ls_slice s = { 0 };
	bool b = false;
	switch (ls_json_peek(j)) {
	case LS_JSON_OBJECT:
		ls_jsonw_object(w);
		if (ls_json_object(j))
			while (ls_json_key(j, &s)) {
				require(ls_utf8_valid(s));
				ls_jsonw_key_slice(w, s);
				copy(j, w);
			}
		ls_jsonw_object_end(w);
		break;
	case LS_JSON_ARRAY:
		ls_jsonw_array(w);
		if (ls_json_array(j))
			while (ls_json_item(j))
				copy(j, w);
		ls_jsonw_array_end(w);
		break;
	case LS_JSON_STRING:
		if (ls_json_string(j, &s))
			require(s.data != NULL && ls_utf8_valid(s));
		ls_jsonw_string(w, s);
		break;
	case LS_JSON_NUMBER:
		copy_number(j, w);
		break;
	case LS_JSON_BOOL:
		(void)ls_json_bool(j, &b);
		ls_jsonw_bool(w, b);
		break;
	case LS_JSON_NULL:
		(void)ls_json_null(j);
		ls_jsonw_null(w);
		break;
	case LS_JSON_INVALID:
		ls_jsonw_null(w);
		require(j->err != LS_OK);
		break;
	}
}

static void
same_number(struct ls_json *a, struct ls_json *b)
{
	struct ls_slice raw_a = { 0 }, raw_b = { 0 };
	struct ls_json ja, jb;
	double da = 0, db = 0;
	require(ls_json_raw(a, &raw_a) && ls_json_raw(b, &raw_b));
	ls_json_init(&ja, raw_a, NULL);
	ls_json_init(&jb, raw_b, NULL);
	require(ls_json_double(&ja, &da) == ls_json_double(&jb, &db));
	require(da == db);
}

/* Two valid texts mean the same. */
static void
same(struct ls_json *a, struct ls_json *b)
{
	struct ls_slice sa = { 0 }, sb = { 0 };
	bool more, ba = false, bb = true;
	enum ls_json_type type = ls_json_peek(a);
	require(type == ls_json_peek(b));
	switch (type) {
	case LS_JSON_OBJECT:
		require(ls_json_object(a) && ls_json_object(b));
		while (more = ls_json_key(a, &sa), require(more == ls_json_key(b, &sb)), more) {
			require(ls_slice_eq(sa, sb));
			same(a, b);
		}
		break;
	case LS_JSON_ARRAY:
		require(ls_json_array(a) && ls_json_array(b));
		while (more = ls_json_item(a), require(more == ls_json_item(b)), more)
			same(a, b);
		break;
	case LS_JSON_STRING:
		require(ls_json_string(a, &sa) && ls_json_string(b, &sb) && ls_slice_eq(sa, sb));
		break;
	case LS_JSON_NUMBER:
		same_number(a, b);
		break;
	case LS_JSON_BOOL:
		require(ls_json_bool(a, &ba) && ls_json_bool(b, &bb) && ba == bb);
		break;
	case LS_JSON_NULL:
		require(ls_json_null(a) && ls_json_null(b));
		break;
	case LS_JSON_INVALID:
		abort();
	}
}

/* Any bytes as a string, and as a key. */
static void
write_bytes(struct ls_slice bytes, struct ls_arena *arena)
{
	struct ls_buf buf;
	struct ls_jsonw w;
	struct ls_json j;
	struct ls_slice key = { 0 }, value = { 0 };
	ls_buf_init(&buf, 12 * bytes.len + 64);
	ls_jsonw_init(&w, &buf);
	ls_jsonw_object(&w);
	ls_jsonw_key_slice(&w, bytes);
	ls_jsonw_string(&w, bytes);
	ls_jsonw_object_end(&w);
	require(buf.err == LS_OK);
	ls_json_init(&j, ls_buf_slice(&buf), arena);
	require(ls_json_object(&j) && ls_json_key(&j, &key) && ls_json_string(&j, &value));
	require(!ls_json_key(&j, &value) && ls_json_finish(&j) == LS_OK);
	require(ls_slice_eq(key, value));
	require(!ls_utf8_valid(bytes) || ls_slice_eq(value, bytes));
	ls_buf_fini(&buf);
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
	struct ls_slice text = ls_slice(size > 0 ? (const char *)data : "", size), raw = { 0 };
	struct ls_arena arena;
	struct ls_buf buf;
	struct ls_jsonw w;
	struct ls_json j, other;
	/* decoded strings of three readings; no double is written in more than 25 bytes a byte */
	ls_arena_init(&arena, 64 * size + 64);
	ls_buf_init(&buf, 32 * size + 64);
	bool valid = ls_json_valid(text);

	ls_json_init(&j, text, &arena);
	ls_jsonw_init(&w, &buf);
	copy(&j, &w);
	int err = ls_json_finish(&j);
	require(valid == (err == LS_OK));
	require(err == LS_OK || (j.what != NULL && j.error_at <= size));
	require(err == LS_OK || err == LS_ERR_INVALID || err == LS_ERR_LIMIT);

	ls_json_init(&other, text, NULL);
	(void)ls_json_raw(&other, &raw);
	require(ls_json_finish(&other) == err && other.error_at == j.error_at);
	if (valid) {
		require(ls_slice_eq(raw, trim(text)));
		require(buf.err == LS_OK && ls_json_valid(ls_buf_slice(&buf)));
		ls_json_init(&j, text, &arena);
		ls_json_init(&other, ls_buf_slice(&buf), &arena);
		same(&j, &other);
	}
	write_bytes(text, &arena);
	ls_buf_fini(&buf);
	ls_arena_fini(&arena);
	return 0;
}
