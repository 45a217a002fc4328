// SPDX-License-Identifier: MIT
/* What handlers ask of a request: headers, query parameters, decoded text. */

#include "io/http_server.h"

struct ls_slice
ls_http_header(const struct ls_http_request *req, const char *name)
{
	struct ls_slice wanted = ls_slice_str(name);
	for (size_t i = 0; i < req->header_count; i++) {
		if (ls_slice_eq_nocase(req->headers[i].name, wanted))
			return req->headers[i].value;
	}
	return ls_slice(NULL, 0);
}

static int
hex_value(char c)
{
	c = ls_ascii_lower(c);
	if (ls_ascii_digit(c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* the byte that the escape at `at` stands for, or -1 */
static int
escape_at(struct ls_slice s, size_t at)
{
	if (s.len - at < 3)
		return -1;
	int high = hex_value(s.data[at + 1]), low = hex_value(s.data[at + 2]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* form decoding (WHATWG URL, application/x-www-form-urlencoded): never fails */
static struct ls_slice
decode_form(struct ls_arena *arena, struct ls_slice s)
{
	char *out = ls_arena_alloc(arena, s.len + 1);
	size_t len = 0;
	if (out == NULL)
		return ls_slice(NULL, 0);
	for (size_t i = 0; i < s.len; i++) {
		char c = s.data[i] == '+' ? ' ' : s.data[i];
		int byte = c == '%' ? escape_at(s, i) : -1;
		if (byte >= 0) {
			c = (char)byte;
			i += 2;
		}
		out[len++] = c;
	}
	return ls_slice(out, len);
}

struct ls_slice
ls_http_query(const struct ls_http_request *req, const char *name)
{
	struct ls_slice rest = req->query, pair, key, wanted = ls_slice_str(name);
	while (ls_slice_cut(&rest, '&', &pair)) {
		struct ls_slice value = pair;
		if (!ls_slice_cut(&value, '=', &key))
			continue;
		bool plain =
			ls_slice_find(key, '%') == key.len && ls_slice_find(key, '+') == key.len;
		if (!plain)
			key = decode_form(req->arena, key);
		if (!ls_slice_eq(key, wanted))
			continue;
		/* a key without '=' has an empty value */
		return decode_form(req->arena, value);
	}
	return ls_slice(NULL, 0);
}

struct ls_slice
ls_http_unescape(struct ls_arena *arena, struct ls_slice text)
{
	char *out = ls_arena_alloc(arena, text.len + 1);
	size_t len = 0;
	if (out == NULL)
		return ls_slice(NULL, 0);
	for (size_t i = 0; i < text.len; i++) {
		int byte = (unsigned char)text.data[i];
		if (byte == '%') {
			byte = escape_at(text, i);
			i += 2;
		}
		if (byte < 0x20 || byte == 0x7f)
			return ls_slice(NULL, 0);
		out[len++] = (char)byte;
	}
	struct ls_slice decoded = ls_slice(out, len);
	return ls_utf8_valid(decoded) ? decoded : ls_slice(NULL, 0);
}
