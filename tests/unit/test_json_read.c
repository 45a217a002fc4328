// SPDX-License-Identifier: MIT
/* json_read: the grammar by a table of documents with the offset of the offending byte, read by
 * skipping and by pulling; then values, the idiom, limits and misuse by peers.
 *
 * Where RFC 8259 lets the reader choose, ours refuses: a byte order mark, what is no UTF-8 (UTF-16
 * too), escapes of lone surrogates, more than 32 levels. It takes every number that the grammar
 * takes, and refuses to return one that does not fit what was asked for. Equal keys are all handed
 * out, in order: the caller decides. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json_read.h"

/* Pulls everything there is, by type. */
static void
pull(struct ls_json *j, int depth)
{
	struct ls_slice s;
	bool b;
	assert_true(depth <= LS_JSON_MAX_DEPTH);
	switch (ls_json_peek(j)) {
	case LS_JSON_OBJECT:
		if (ls_json_object(j))
			while (ls_json_key(j, &s))
				pull(j, depth + 1);
		break;
	case LS_JSON_ARRAY:
		if (ls_json_array(j))
			while (ls_json_item(j))
				pull(j, depth + 1);
		break;
	case LS_JSON_STRING:
		if (ls_json_string(j, &s))
			assert_true(ls_utf8_valid(s));
		break;
	case LS_JSON_NUMBER:
		if (ls_json_raw(j, &s))
			assert_true(s.len > 0);
		break;
	case LS_JSON_BOOL:
		(void)ls_json_bool(j, &b);
		break;
	case LS_JSON_NULL:
		(void)ls_json_null(j);
		break;
	case LS_JSON_INVALID:
		break;
	}
}

/* An exact-size copy on the heap, so that ASan sees a read past the end. */
static char *
exact(struct ls_slice text)
{
	char *copy = malloc(text.len > 0 ? text.len : 1);
	assert_non_null(copy);
	if (text.len > 0)
		memcpy(copy, text.data, text.len);
	return copy;
}

static void
expect_valid(struct ls_slice text)
{
	char *copy = exact(text);
	struct ls_arena arena;
	struct ls_json j;
	ls_arena_init(&arena, 1u << 20);
	if (!ls_json_valid(ls_slice(copy, text.len)))
		fail_msg("refused: %.*s", LS_FMT(text));
	ls_json_init(&j, ls_slice(copy, text.len), &arena);
	pull(&j, 0);
	if (ls_json_finish(&j) != LS_OK)
		fail_msg("pull refused: %.*s: %s", LS_FMT(text), j.what);
	ls_arena_fini(&arena);
	free(copy);
}

static void
expect_error(struct ls_slice text, int err, size_t at)
{
	char *copy = exact(text);
	struct ls_arena arena;
	struct ls_json j;
	ls_arena_init(&arena, 1u << 20);
	for (int pulling = 0; pulling < 2; pulling++) {
		ls_json_init(&j, ls_slice(copy, text.len), &arena);
		if (pulling)
			pull(&j, 0);
		else
			(void)ls_json_skip(&j);
		if (ls_json_finish(&j) != err || j.error_at != at || j.what == NULL)
			fail_msg("%s, %.*s: error %d at %zu (%s), expected %d at %zu",
				pulling ? "pull" : "skip", LS_FMT(text), j.err, j.error_at,
				j.what != NULL ? j.what : "-", err, at);
	}
	assert_false(ls_json_valid(ls_slice(copy, text.len)));
	ls_arena_fini(&arena);
	free(copy);
}

static void
valid_documents(void **state)
{
	(void)state;
	const struct ls_slice good[] = {
		/* structure */
		LS_S("{}"),
		LS_S("[]"),
		LS_S("[[]]"),
		LS_S("[{}]"),
		LS_S("{\"a\":[]}"),
		LS_S("[[],[],{}]"),
		LS_S("{\"a\":{\"b\":{\"c\":[1,[2,{\"d\":null}]]}}}"),
		LS_S("{\"\":0}"),
		LS_S("{\"a\":1,\"a\":2}"),
		LS_S("{\"a\":1,\"a\":1}"),
		LS_S("[1,null,true,false,\"\",{},[],-0]"),
		/* scalars as documents */
		LS_S("null"),
		LS_S("true"),
		LS_S("false"),
		LS_S("0"),
		LS_S("-1"),
		LS_S("\"\""),
		LS_S("\"text\""),
		LS_S(" 1 "),
		/* numbers; huge ones are grammar, whether they fit is the reader's question */
		LS_S("[0,-0,0.0,-0.0,0e0,0E+0,0e-0,1,10,9876543210]"),
		LS_S("[1.5,-1.5,1e5,1E5,1e+5,1e-5,1.25e10,0.1e1,123e65,-123.456E-78]"),
		LS_S("[123456789012345678901234567890,1e9999,-1e9999,1e-9999]"),
		LS_S("[0.00000000000000000000000000000000000000000000000000000000000000000001]"),
		LS_S("[-0.0000000000000000000000000000000000000000000000000000000000000000000e1]"),
		/* white space */
		LS_S(" \t\r\n[ \t\r\n1 \t\r\n, \t\r\n2 \t\r\n] \t\r\n"),
		LS_S("\n{\n\"a\"\n:\n1\n,\n\"b\"\n:\n[\n]\n}\n"),
		LS_S("[ ]"),
		LS_S("{ }"),
		LS_S("\t0\n"),
		/* escapes */
		LS_S("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
		LS_S("\"\\u0000\""),
		LS_S("\"\\u0041\\u00e9\""),
		LS_S("\"\\uFFFF\\ufffe\\uFdD0\\u2028\\u2029\\uFEFF\""),
		LS_S("\"\\ud800\\udc00\""),
		LS_S("\"\\uDBFF\\uDFFF\""),
		LS_S("\"\\uD83D\\uDE39x\""),
		LS_S("\"\\\\u12\""),
		LS_S("\"a\\\\\""),
		LS_S("\"\\\\\\\"\""),
		LS_S("{\"\\u0000\":1}"),
		LS_S("[\"a/*b*/c/*d//e\"]"),
		/* UTF-8, first and last of each length, and what is no character but well-formed */
		LS_S("\"\x7f\""),
		LS_S("\"\xc2\x80\xdf\xbf\""),
		LS_S("\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\""),
		LS_S("\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""),
		LS_S("\"\xef\xbb\xbf\""),
		LS_S("\"\xe2\x80\xa8\xe2\x80\xa9\xe2\x81\xa4\""),
		LS_S("\"\xf0\x9f\xbf\xbe\""),
		LS_S("{\"\xc3\xbc\":\"J\xc3\xbcrgen M\xc3\xbcller, Stra\xc3\x9f"
		     "e 1, 80331 M\xc3\xbcnchen\"}"),
		LS_S("\"\xe3\x81\x82\xe3\x81\x84\xe3\x81\x86\xe3\x81\x88\xe3\x81\x8a\xe3\x81\x8b"
		     "\""),
	};
	for (size_t i = 0; i < LS_ARRAY_LEN(good); i++)
		expect_valid(good[i]);
}

struct bad {
	struct ls_slice text;
	size_t at;
};

static void
expect_invalid(const struct bad *bad, size_t count)
{
	for (size_t i = 0; i < count; i++)
		expect_error(bad[i].text, LS_ERR_INVALID, bad[i].at);
}

static void
invalid_structure(void **state)
{
	(void)state;
	const struct bad bad[] = {
		{ LS_S(""), 0 },
		{ LS_S(" "), 1 },
		{ LS_S("\n\t "), 3 },
		{ LS_S("["), 1 },
		{ LS_S("]"), 0 },
		{ LS_S("{"), 1 },
		{ LS_S("}"), 0 },
		{ LS_S("[1"), 2 },
		{ LS_S("[1,"), 3 },
		{ LS_S("[1,]"), 3 },
		{ LS_S("[,1]"), 1 },
		{ LS_S("[,]"), 1 },
		{ LS_S("[1,,2]"), 3 },
		{ LS_S("[1 2]"), 3 },
		{ LS_S("[1}"), 2 },
		{ LS_S("[1:2]"), 2 },
		{ LS_S("[\"a\" 1]"), 5 },
		{ LS_S("[3[4]]"), 2 },
		{ LS_S("[{}"), 3 },
		{ LS_S("[[]"), 3 },
		{ LS_S("[\"\","), 4 },
		{ LS_S("[1,\n1\n,1"), 8 },
		{ LS_S("{]"), 1 },
		{ LS_S("{\"a\"}"), 4 },
		{ LS_S("{\"a\":}"), 5 },
		{ LS_S("{\"a\":1,}"), 7 },
		{ LS_S("{\"a\":1,,}"), 7 },
		{ LS_S("{,}"), 1 },
		{ LS_S("{1:1}"), 1 },
		{ LS_S("{a:1}"), 1 },
		{ LS_S("{'a':1}"), 1 },
		{ LS_S("{\"a\" 1}"), 5 },
		{ LS_S("{\"a\",1}"), 4 },
		{ LS_S("{\"a\"::1}"), 5 },
		{ LS_S("{\"a\":1 \"b\":2}"), 7 },
		{ LS_S("{\"a\":1]"), 6 },
		{ LS_S("{\"a\""), 4 },
		{ LS_S("{\"a\":"), 5 },
		{ LS_S("{\"a\":1"), 6 },
		{ LS_S("{\"a\":1,"), 7 },
		{ LS_S("{\"a"), 3 },
		{ LS_S("{null:null}"), 1 },
		{ LS_S("{[1]:2}"), 1 },
		{ LS_S("{\"a\":1:2}"), 6 },
		{ LS_S("{\"a\":[1,2}"), 9 },
		{ LS_S("[{\"a\":1]"), 7 },
		{ LS_S("{\"a\":\"b\"/}"), 8 },
		{ LS_S("{\"a\"=1}"), 4 },
		{ LS_S("{\"\\u00\":1}"), 6 },
		{ LS_S("{\"\xff\":1}"), 2 },
		/* behind the value */
		{ LS_S("[]]"), 2 },
		{ LS_S("{}}"), 2 },
		{ LS_S("1 2"), 2 },
		{ LS_S("1,"), 1 },
		{ LS_S("[][]"), 2 },
		{ LS_S("{}x"), 2 },
		{ LS_S("{}#"), 2 },
		{ LS_S("\"\"\""), 2 },
		{ LS_S("[1]\0"), 3 },
		{ LS_S("1\0"), 1 },
		{ LS_S("null null"), 5 },
		{ LS_S("{\"a\":1}//c"), 7 },
		{ LS_S("{\"a\":1}/**/"), 7 },
		{ LS_S("truex"), 4 },
		{ LS_S("true1"), 4 },
		{ LS_S("[true\"a\"]"), 5 },
		{ LS_S("[]\xef\xbb\xbf"), 2 },
		/* comments, other white space, marks, other encodings */
		{ LS_S("/**/1"), 0 },
		{ LS_S("[1,/*x*/2]"), 3 },
		{ LS_S("[\f]"), 1 },
		{ LS_S("[\v1]"), 1 },
		{ LS_S("[\xc2\xa0]"), 1 },
		{ LS_S("[\xe2\x81\xa0]"), 1 },
		{ LS_S("\xef\xbb\xbf{}"), 0 },
		{ LS_S("\xef\xbb\xbf"), 0 },
		{ LS_S("\xef\xbb{}"), 0 },
		{ LS_S("\xff\xfe[\0]\0"), 0 },
		{ LS_S("[\0]\0"), 1 },
		{ LS_S("\0[\0]"), 0 },
		{ LS_S("\0"), 0 },
		{ LS_S("<null>"), 0 },
		{ LS_S("[<null>]"), 1 },
		{ LS_S("*"), 0 },
		{ LS_S("[*]"), 1 },
		{ LS_S("{*}"), 1 },
		{ LS_S("&"), 0 },
		{ LS_S("\xe5"), 0 },
		{ LS_S("[\x1b]"), 1 },
		{ LS_S("\\u005b1]"), 0 },
		{ LS_S("[\xff]"), 1 },
	};
	expect_invalid(bad, LS_ARRAY_LEN(bad));
}

static void
invalid_scalars(void **state)
{
	(void)state;
	const struct bad bad[] = {
		/* literals */
		{ LS_S("nul"), 3 },
		{ LS_S("nulL"), 3 },
		{ LS_S("tru"), 3 },
		{ LS_S("[trux]"), 4 },
		{ LS_S("fals"), 4 },
		{ LS_S("[fale]"), 4 },
		{ LS_S("True"), 0 },
		{ LS_S("NULL"), 0 },
		{ LS_S("[FALSE]"), 1 },
		{ LS_S("undefined"), 0 },
		{ LS_S("n"), 1 },
		{ LS_S("tr ue"), 2 },
		{ LS_S("nan"), 1 },
		{ LS_S("[NaN]"), 1 },
		{ LS_S("Infinity"), 0 },
		{ LS_S("-Infinity"), 1 },
		{ LS_S("[-NaN]"), 2 },
		{ LS_S("[Inf]"), 1 },
		/* numbers */
		{ LS_S("-"), 1 },
		{ LS_S("[-]"), 2 },
		{ LS_S("+1"), 0 },
		{ LS_S("[++1]"), 1 },
		{ LS_S("--1"), 1 },
		{ LS_S("[-+1]"), 2 },
		{ LS_S("[- 1]"), 2 },
		{ LS_S("01"), 1 },
		{ LS_S("[-01]"), 3 },
		{ LS_S("00"), 1 },
		{ LS_S("[0123]"), 2 },
		{ LS_S("1."), 2 },
		{ LS_S("[1.]"), 3 },
		{ LS_S("[1.e1]"), 3 },
		{ LS_S(".1"), 0 },
		{ LS_S("[-.1]"), 2 },
		{ LS_S("[0.]"), 3 },
		{ LS_S("1e"), 2 },
		{ LS_S("[1e]"), 3 },
		{ LS_S("1e+"), 3 },
		{ LS_S("[1e-]"), 4 },
		{ LS_S("[1e+-1]"), 4 },
		{ LS_S("1E"), 2 },
		{ LS_S("[0e]"), 3 },
		{ LS_S("[1ee2]"), 3 },
		{ LS_S("[1e1.5]"), 4 },
		{ LS_S("[1.2.3]"), 4 },
		{ LS_S("[1,2.-3]"), 5 },
		{ LS_S("[2.e-3]"), 3 },
		{ LS_S("0x10"), 1 },
		{ LS_S("[0x1p3]"), 2 },
		{ LS_S("[1a]"), 2 },
		{ LS_S("[1_000]"), 2 },
		{ LS_S("[1+2]"), 2 },
		{ LS_S("[1 000]"), 3 },
		{ LS_S("[0.3e"), 5 },
		{ LS_S("[1e1\xe5]"), 4 },
		{ LS_S("[\xef\xbc\x91]"), 1 },
		{ LS_S("0\xe5"), 1 },
		/* strings */
		{ LS_S("\""), 1 },
		{ LS_S("\"a"), 2 },
		{ LS_S("[\"a]"), 4 },
		{ LS_S("'a'"), 0 },
		{ LS_S("[a]"), 1 },
		{ LS_S("`a`"), 0 },
		{ LS_S("[\"a\nb\"]"), 3 },
		{ LS_S("\"\t\""), 1 },
		{ LS_S("\"\0\""), 1 },
		{ LS_S("\"a\x1f\""), 2 },
		{ LS_S("\"a long plain text, then a bad byte\x01\""), 35 },
		{ LS_S("\"sixteen bytes __\x01\""), 17 },
		{ LS_S("\"seven _\x01 and more\""), 8 },
		{ LS_S("\"no end in some sixteen bytes"), 29 },
		/* escapes */
		{ LS_S("\"\\"), 2 },
		{ LS_S("\"\\\""), 3 },
		{ LS_S("\"\\a\""), 2 },
		{ LS_S("\"\\x41\""), 2 },
		{ LS_S("\"\\'\""), 2 },
		{ LS_S("\"\\0\""), 2 },
		{ LS_S("\"\\\0\""), 2 },
		{ LS_S("\"\\U0041\""), 2 },
		{ LS_S("\"\\\n\""), 2 },
		{ LS_S("\"\\\xe5\""), 2 },
		{ LS_S("\"\\ \""), 2 },
		{ LS_S("\\n"), 0 },
		{ LS_S("\"\\u\""), 3 },
		{ LS_S("\"\\u0\""), 4 },
		{ LS_S("\"\\u00\""), 5 },
		{ LS_S("\"\\u004\""), 6 },
		{ LS_S("\"\\u00G0\""), 5 },
		{ LS_S("\"\\u+041\""), 3 },
		{ LS_S("\"\\u 041\""), 3 },
		{ LS_S("\"\\u0041"), 7 },
		{ LS_S("\"\\u004"), 6 },
		{ LS_S("\"\\u{41}\""), 3 },
		{ LS_S("\"\\u00\xc3\xa9\""), 5 },
		/* surrogates, and here we are strict where RFC 8259 leaves it open */
		{ LS_S("\"\\ud800\""), 1 },
		{ LS_S("\"a\\udc00\""), 2 },
		{ LS_S("\"\\udfff\\ud800\""), 1 },
		{ LS_S("\"\\ud800\\ud800\\udc00\""), 1 },
		{ LS_S("\"\\ud800\\n\""), 1 },
		{ LS_S("\"\\ud800x\""), 1 },
		{ LS_S("\"\\ud800\\u0041\""), 1 },
		{ LS_S("\"\\ud800\\udbff\""), 1 },
		{ LS_S("\"\\ud800\\ue000\""), 1 },
		{ LS_S("\"\\ud800\\u\""), 1 },
		{ LS_S("\"\\ud800\\u1\""), 1 },
		{ LS_S("\"\\ud800\\udcXX\""), 1 },
		{ LS_S("\"\\ud800"), 7 },
		{ LS_S("\"\\ud800\\udc0"), 12 },
		{ LS_S("\"\\udc00"), 1 },
		{ LS_S("\"\\ud800\xed\xb0\x80\""), 1 },
		{ LS_S("{\"\\udead\":1}"), 2 },
	};
	expect_invalid(bad, LS_ARRAY_LEN(bad));
}

/* RFC 8259 section 8.1 leaves what is no UTF-8 to the implementation: refused, at the first byte of
 * the ill-formed sequence. */
static void
invalid_utf8(void **state)
{
	(void)state;
	const struct bad bad[] = {
		{ LS_S("\"\x80\""), 1 },
		{ LS_S("\"\xbf\""), 1 },
		{ LS_S("\"\xc0\x80\""), 1 },
		{ LS_S("\"\xc1\xbf\""), 1 },
		{ LS_S("\"\xc2\""), 1 },
		{ LS_S("\"\xc2"), 1 },
		{ LS_S("\"\xc2 \""), 1 },
		{ LS_S("\"\xc2\xc0\""), 1 },
		{ LS_S("\"\xe0\x80\x80\""), 1 },
		{ LS_S("\"\xe0\x9f\xbf\""), 1 },
		{ LS_S("\"\xe2\x82\""), 1 },
		{ LS_S("\"\xe2\x82"), 1 },
		{ LS_S("\"\xe2\x28\xa1\""), 1 },
		{ LS_S("\"\xe2\x82\x28\""), 1 },
		{ LS_S("\"\xed\xa0\x80\""), 1 },
		{ LS_S("\"\xed\xbf\xbf\""), 1 },
		{ LS_S("\"\xed\xa0\x80\xed\xb0\x80\""), 1 },
		{ LS_S("\"\xf0\x80\x80\x80\""), 1 },
		{ LS_S("\"\xf0\x8f\xbf\xbf\""), 1 },
		{ LS_S("\"\xf0\x90\x80\""), 1 },
		{ LS_S("\"\xf0\x90\x80\xc0\""), 1 },
		{ LS_S("\"\xf4\x90\x80\x80\""), 1 },
		{ LS_S("\"\xf5\x80\x80\x80\""), 1 },
		{ LS_S("\"\xf8\x88\x80\x80\x80\""), 1 },
		{ LS_S("\"\xfc\x84\x80\x80\x80\x80\""), 1 },
		{ LS_S("\"\xfe\""), 1 },
		{ LS_S("\"\xff\""), 1 },
		{ LS_S("\"a\xc3\xa9\xc3\xa9\xff\""), 6 },
		{ LS_S("\"caf\xe9\""), 4 },
		{ LS_S("[\"\xc3\xa9\",\"\xe9\"]"), 7 },
		{ LS_S("\"a plain text of more than sixteen \xa0\""), 35 },
		{ LS_S("\"\xff\x01\""), 1 },
		{ LS_S("\"\x01\xff\""), 1 },
		{ LS_S("\"\xc3\xa9\x01\""), 3 },
		{ LS_S("\"\xc3\xa9\\q\""), 4 },
	};
	expect_invalid(bad, LS_ARRAY_LEN(bad));
}

/* Each special byte at each place of the blocks in which strings are scanned, before each length of
 * tail. */
static void
string_positions(void **state)
{
	(void)state;
	static const char special[] = { '"', '\\', '\x1f', '\0', '\x80', '\xff', ' ', '\x7f', '!' };
	char text[80];
	for (size_t at = 0; at < 40; at++) {
		for (size_t tail = 0; tail < 35; tail++) {
			for (size_t k = 0; k < sizeof special; k++) {
				size_t len = at + tail + 3;
				memset(text, 'x', sizeof text);
				text[0] = text[len - 1] = '"';
				text[1 + at] = special[k];
				if (k >= 6)
					expect_valid(ls_slice(text, len));
				else if (special[k] == '\\' && tail == 0)
					expect_error(ls_slice(text, len), LS_ERR_INVALID, len);
				else
					expect_error(ls_slice(text, len), LS_ERR_INVALID,
						1 + at + (k <= 1));
			}
		}
	}
}

/* Every prefix of a valid document is refused at its end, or earlier never. */
static void
prefixes(void **state)
{
	(void)state;
	const struct ls_slice text =
		LS_S("{\"k\\n\":[true,false,null,-12.5e+3,\"\\ud83d\\ude39\\u0041\"],\"o\":{}} ");
	for (size_t len = 0; len + 1 < text.len; len++)
		expect_error(ls_slice(text.data, len), LS_ERR_INVALID, len);
	expect_valid(text);
}

static void
nested(struct ls_buf *buf, const char *open, const char *close, size_t depth)
{
	ls_buf_reset(buf);
	for (size_t i = 0; i < depth; i++)
		(void)ls_buf_add_slice(buf, ls_slice_str(open));
	(void)ls_buf_add_lit(buf, "0");
	for (size_t i = 0; i < depth; i++)
		(void)ls_buf_add_slice(buf, ls_slice_str(close));
	assert_int_equal(buf->err, LS_OK);
}

static void
depth(void **state)
{
	(void)state;
	struct ls_buf buf;
	ls_buf_init(&buf, 1u << 20);
	nested(&buf, "[", "]", LS_JSON_MAX_DEPTH);
	expect_valid(ls_buf_slice(&buf));
	nested(&buf, "[", "]", LS_JSON_MAX_DEPTH + 1);
	expect_error(ls_buf_slice(&buf), LS_ERR_LIMIT, LS_JSON_MAX_DEPTH);
	nested(&buf, "{\"a\":", "}", LS_JSON_MAX_DEPTH);
	expect_valid(ls_buf_slice(&buf));
	nested(&buf, "{\"a\":", "}", LS_JSON_MAX_DEPTH + 1);
	expect_error(ls_buf_slice(&buf), LS_ERR_LIMIT, (size_t)LS_JSON_MAX_DEPTH * 5);
	nested(&buf, "[", "", 100000);
	expect_error(ls_buf_slice(&buf), LS_ERR_LIMIT, LS_JSON_MAX_DEPTH);
	nested(&buf, "[{\"\":", "", 50000);
	expect_error(ls_buf_slice(&buf), LS_ERR_LIMIT, (size_t)LS_JSON_MAX_DEPTH / 2 * 5);
	/* depth is not length: neighbours do not add up */
	ls_buf_reset(&buf);
	(void)ls_buf_add_lit(&buf, "[0");
	for (int i = 0; i < 1000; i++)
		(void)ls_buf_add_lit(&buf, ",[[{\"a\":{}}]]");
	(void)ls_buf_add_lit(&buf, "]");
	expect_valid(ls_buf_slice(&buf));
	ls_buf_fini(&buf);
}

static void
strings(void **state)
{
	(void)state;
	const struct {
		struct ls_slice text, value;
	} rows[] = {
		{ LS_S("\"\""), LS_S("") },
		{ LS_S("\"plain\""), LS_S("plain") },
		{ LS_S("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), LS_S("\"\\/\b\f\n\r\t") },
		{ LS_S("\"a\\u0000b\""), LS_S("a\0b") },
		{ LS_S("\"\\u007f\\u0080\\u07ff\\u0800\\uffff\""),
			LS_S("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf") },
		{ LS_S("\"\\uD800\\uDC00-\\udbff\\udfff\""),
			LS_S("\xf0\x90\x80\x80-\xf4\x8f\xbf\xbf") },
		{ LS_S("\"\\ud7ff\\ue000\""), LS_S("\xed\x9f\xbf\xee\x80\x80") },
		{ LS_S("\"M\xc3\xbcller\\u0026Co and a longer tail\""),
			LS_S("M\xc3\xbcller&Co and a longer tail") },
		{ LS_S("\"\\u00C4\\u00e4\""), LS_S("\xc3\x84\xc3\xa4") },
	};
	struct ls_arena arena;
	struct ls_json j;
	ls_arena_init(&arena, 4096);
	for (size_t i = 0; i < LS_ARRAY_LEN(rows); i++) {
		struct ls_slice out = { 0 };
		ls_json_init(&j, rows[i].text, &arena);
		assert_true(ls_json_string(&j, &out));
		assert_int_equal(ls_json_finish(&j), LS_OK);
		assert_true(ls_slice_eq(out, rows[i].value));
	}
	/* without escapes nothing is copied */
	struct ls_slice text = LS_S("[\"a b\"]"), out = { 0 };
	ls_json_init(&j, text, NULL);
	assert_true(ls_json_array(&j) && ls_json_item(&j) && ls_json_string(&j, &out));
	assert_ptr_equal(out.data, text.data + 2);
	assert_false(ls_json_item(&j));
	assert_int_equal(ls_json_finish(&j), LS_OK);
	ls_arena_fini(&arena);
}

static void
no_memory(void **state)
{
	(void)state;
	struct ls_arena arena;
	struct ls_json j;
	struct ls_slice out = LS_S("untouched");
	ls_json_init(&j, LS_S(" \"a\\n\""), NULL);
	assert_false(ls_json_string(&j, &out));
	assert_int_equal(ls_json_finish(&j), LS_ERR_NOMEM);
	assert_int_equal(j.error_at, 1);
	assert_true(ls_slice_eq(out, LS_S("untouched")));
	ls_json_init(&j, LS_S("{\"\\u0041\":1}"), NULL);
	assert_true(ls_json_object(&j));
	assert_false(ls_json_key(&j, &out));
	assert_int_equal(ls_json_finish(&j), LS_ERR_NOMEM);
	/* skipping needs no memory */
	assert_true(ls_json_valid(LS_S("{\"\\u0041\":\"\\n\"}")));
	ls_arena_init(&arena, 4);
	ls_json_init(&j, LS_S("\"\\n1234\""), &arena);
	assert_false(ls_json_string(&j, &out));
	assert_int_equal(ls_json_finish(&j), LS_ERR_NOMEM);
	ls_arena_fini(&arena);
}

static void
integers(void **state)
{
	(void)state;
	const struct {
		struct ls_slice text;
		bool fits_i64, fits_u64;
		int64_t i64;
		uint64_t u64;
		size_t at; /* of the error, where neither fits */
	} rows[] = {
		{ LS_S("0"), true, true, 0, 0, 0 },
		{ LS_S("-0"), true, true, 0, 0, 0 },
		{ LS_S("7"), true, true, 7, 7, 0 },
		{ LS_S("-7"), true, false, -7, 0, 0 },
		{ LS_S("1793612200000"), true, true, 1793612200000, 1793612200000u, 0 },
		{ LS_S("9223372036854775807"), true, true, INT64_MAX, INT64_MAX, 0 },
		{ LS_S("9223372036854775808"), false, true, 0, (uint64_t)INT64_MAX + 1, 0 },
		{ LS_S("-9223372036854775808"), true, false, INT64_MIN, 0, 0 },
		{ LS_S("-9223372036854775809"), false, false, 0, 0, 0 },
		{ LS_S("9999999999999999999"), false, true, 0, 9999999999999999999u, 0 },
		{ LS_S("18446744073709551615"), false, true, 0, UINT64_MAX, 0 },
		{ LS_S("18446744073709551616"), false, false, 0, 0, 0 },
		{ LS_S(" 99999999999999999999"), false, false, 0, 0, 1 },
		{ LS_S("184467440737095516150"), false, false, 0, 0, 0 },
		{ LS_S("1.0"), false, false, 0, 0, 1 },
		{ LS_S("1e2"), false, false, 0, 0, 1 },
		{ LS_S("12E0"), false, false, 0, 0, 2 },
		{ LS_S("012"), false, false, 0, 0, 1 },
		{ LS_S("-"), false, false, 0, 0, 1 },
		{ LS_S("\"1\""), false, false, 0, 0, 0 },
		{ LS_S("null"), false, false, 0, 0, 0 },
		{ LS_S(""), false, false, 0, 0, 0 },
	};
	for (size_t i = 0; i < LS_ARRAY_LEN(rows); i++) {
		struct ls_json j;
		int64_t i64 = 42;
		uint64_t u64 = 42;
		ls_json_init(&j, rows[i].text, NULL);
		assert_int_equal(ls_json_i64(&j, &i64), rows[i].fits_i64);
		assert_int_equal(ls_json_finish(&j), rows[i].fits_i64 ? LS_OK : LS_ERR_INVALID);
		assert_true(i64 == (rows[i].fits_i64 ? rows[i].i64 : 42));
		ls_json_init(&j, rows[i].text, NULL);
		assert_int_equal(ls_json_u64(&j, &u64), rows[i].fits_u64);
		assert_int_equal(ls_json_finish(&j), rows[i].fits_u64 ? LS_OK : LS_ERR_INVALID);
		assert_true(u64 == (rows[i].fits_u64 ? rows[i].u64 : 42));
		if (!rows[i].fits_i64 && !rows[i].fits_u64)
			assert_int_equal(j.error_at, rows[i].at);
	}
}

static void
doubles(void **state)
{
	(void)state;
	const struct {
		struct ls_slice text;
		double value;
	} rows[] = {
		{ LS_S("0"), 0 },
		{ LS_S("-1"), -1 },
		{ LS_S("0.1"), 0.1 },
		{ LS_S("85.4"), 85.4 },
		{ LS_S("-12.5e+3"), -12500 },
		{ LS_S("1E-2"), 0.01 },
		{ LS_S("9007199254740993"), 9007199254740992.0 },
		{ LS_S("1.7976931348623157e308"), 1.7976931348623157e308 },
		{ LS_S("5e-324"), 5e-324 },
		{ LS_S("1e-400"), 0 },
		{ LS_S("2.2250738585072011e-308"), 2.2250738585072011e-308 },
		{ LS_S("0.30000000000000004"), 0.1 + 0.2 },
		{ LS_S("100000000000000000000000000000000000000000000000000000000000000000000000e-"
		       "71"),
			1 },
	};
	struct ls_json j;
	double value;
	for (size_t i = 0; i < LS_ARRAY_LEN(rows); i++) {
		ls_json_init(&j, rows[i].text, NULL);
		assert_true(ls_json_double(&j, &value));
		assert_int_equal(ls_json_finish(&j), LS_OK);
		assert_true(value == rows[i].value);
	}
	const struct bad bad[] = { { LS_S("[1e999]"), 1 }, { LS_S("[-1e309]"), 1 },
		{ LS_S("[NaN]"), 1 }, { LS_S("[0x1]"), 2 }, { LS_S("[1.]"), 3 },
		{ LS_S("[\"1\"]"), 1 }, { LS_S("[Infinity]"), 1 }, { LS_S("[1,5]"), 2 } };
	for (size_t i = 0; i < LS_ARRAY_LEN(bad); i++) {
		value = 42;
		ls_json_init(&j, bad[i].text, NULL);
		if (ls_json_array(&j) && ls_json_item(&j) && ls_json_double(&j, &value))
			ls_json_fail(&j, "item behind an item not asked for");
		assert_int_equal(ls_json_finish(&j), LS_ERR_INVALID);
		assert_int_equal(j.error_at, bad[i].at);
	}
	char digits[1026];
	memset(digits, '1', sizeof digits);
	ls_json_init(&j, ls_slice(digits, 300), NULL);
	assert_true(ls_json_double(&j, &value) && value > 1e299);
	ls_json_init(&j, ls_slice(digits, 1024), NULL);
	assert_false(ls_json_double(&j, &value));
	assert_int_equal(ls_json_finish(&j), LS_ERR_INVALID);
	ls_json_init(&j, ls_slice(digits, 1025), NULL);
	assert_false(ls_json_double(&j, &value));
	assert_int_equal(ls_json_finish(&j), LS_ERR_LIMIT);
	assert_true(ls_json_valid(ls_slice(digits, sizeof digits)));
}

static void
idiom(void **state)
{
	(void)state;
	struct ls_arena arena;
	struct ls_json j;
	struct ls_slice key, name = { 0 }, raw = { 0 }, tag = { 0 };
	uint64_t id = 0;
	bool hot = false, none = false;
	double score = 0;
	size_t tags = 0;
	ls_arena_init(&arena, 4096);
	ls_json_init(&j,
		LS_S(" { \"id\" : 17, \"name\":\"J\\u00fcrgen\", \"skip\":[1,{\"id\":99},\"]\"], \n"
		     "\"hot\":true,\"none\":null, \"score\": 85.4, \"tags\":[ \"a\" , \"b\" ],"
		     " \"empty\":{ } } "),
		&arena);
	if (ls_json_object(&j))
		while (ls_json_key(&j, &key)) {
			if (ls_slice_eq(key, LS_S("id")))
				(void)ls_json_u64(&j, &id);
			else if (ls_slice_eq(key, LS_S("name")))
				(void)ls_json_string(&j, &name);
			else if (ls_slice_eq(key, LS_S("skip")))
				(void)ls_json_raw(&j, &raw);
			else if (ls_slice_eq(key, LS_S("hot")))
				(void)ls_json_bool(&j, &hot);
			else if (ls_slice_eq(key, LS_S("none")))
				none = ls_json_null(&j);
			else if (ls_slice_eq(key, LS_S("score")))
				(void)ls_json_double(&j, &score);
			else if (ls_slice_eq(key, LS_S("tags")) && ls_json_array(&j))
				while (ls_json_item(&j))
					tags += ls_json_string(&j, &tag);
			else
				(void)ls_json_skip(&j);
		}
	assert_int_equal(ls_json_finish(&j), LS_OK);
	assert_null(j.what);
	assert_true(id == 17 && hot && none && score == 85.4 && tags == 2);
	assert_true(ls_slice_eq(name, LS_S("J\xc3\xbcrgen")));
	assert_true(ls_slice_eq(raw, LS_S("[1,{\"id\":99},\"]\"]")));
	assert_true(ls_slice_eq(tag, LS_S("b")));
	ls_arena_fini(&arena);
}

static void
sticky_errors(void **state)
{
	(void)state;
	struct ls_json j;
	struct ls_slice s = LS_S("untouched"), key;
	uint64_t u = 42;
	int64_t i = 42;
	double d = 42;
	bool b = true;
	/* a value of another type is an error at that value */
	ls_json_init(&j, LS_S("{\"id\":\"17\",\"b\":1}"), NULL);
	assert_true(ls_json_object(&j) && ls_json_key(&j, &key));
	assert_false(ls_json_u64(&j, &u));
	assert_int_equal(j.error_at, 6);
	const char *what = j.what;
	assert_false(ls_json_key(&j, &key) || ls_json_item(&j) || ls_json_object(&j) ||
		     ls_json_array(&j) || ls_json_string(&j, &s) || ls_json_u64(&j, &u) ||
		     ls_json_i64(&j, &i) || ls_json_double(&j, &d) || ls_json_bool(&j, &b) ||
		     ls_json_null(&j) || ls_json_skip(&j) || ls_json_raw(&j, &s));
	assert_int_equal(ls_json_peek(&j), LS_JSON_INVALID);
	ls_json_fail(&j, "a later error");
	assert_int_equal(ls_json_finish(&j), LS_ERR_INVALID);
	assert_true(j.what == what && j.error_at == 6);
	assert_true(ls_slice_eq(s, LS_S("untouched")) && u == 42 && i == 42 && d == 42.0 && b);
	/* an error of meaning lies where the reader stands */
	ls_json_init(&j, LS_S("[1,2]"), NULL);
	assert_true(ls_json_array(&j) && ls_json_item(&j) && ls_json_u64(&j, &u));
	ls_json_fail(&j, "too small");
	assert_false(ls_json_item(&j));
	assert_int_equal(ls_json_finish(&j), LS_ERR_INVALID);
	assert_string_equal(j.what, "too small");
	assert_int_equal(j.error_at, 2);
}

static void
unfinished(void **state)
{
	(void)state;
	struct ls_json j;
	struct ls_slice key;
	uint64_t u;
	ls_json_init(&j, LS_S("[1]"), NULL);
	assert_int_equal(ls_json_finish(&j), LS_ERR_INVALID);
	ls_json_init(&j, LS_S("[1]"), NULL);
	assert_true(ls_json_array(&j) && ls_json_item(&j) && ls_json_u64(&j, &u));
	assert_int_equal(ls_json_finish(&j), LS_ERR_INVALID);
	ls_json_init(&j, ls_slice(NULL, 0), NULL);
	assert_int_equal(ls_json_finish(&j), LS_ERR_INVALID);
	/* a value that was not consumed is met as something that is no comma */
	ls_json_init(&j, LS_S("{\"a\":1}"), NULL);
	assert_true(ls_json_object(&j) && ls_json_key(&j, &key));
	assert_false(ls_json_key(&j, &key));
	assert_int_equal(ls_json_finish(&j), LS_ERR_INVALID);
	assert_int_equal(j.error_at, 5);
}

static void
peeks(void **state)
{
	(void)state;
	const struct {
		struct ls_slice text;
		enum ls_json_type type;
	} rows[] = { { LS_S(" {"), LS_JSON_OBJECT }, { LS_S("["), LS_JSON_ARRAY },
		{ LS_S("\t\""), LS_JSON_STRING }, { LS_S("-"), LS_JSON_NUMBER },
		{ LS_S("0"), LS_JSON_NUMBER }, { LS_S("9"), LS_JSON_NUMBER },
		{ LS_S("t"), LS_JSON_BOOL }, { LS_S("f"), LS_JSON_BOOL },
		{ LS_S("\r\nn"), LS_JSON_NULL }, { LS_S(""), LS_JSON_INVALID },
		{ LS_S("}"), LS_JSON_INVALID }, { LS_S("+"), LS_JSON_INVALID },
		{ LS_S("\0"), LS_JSON_INVALID } };
	for (size_t i = 0; i < LS_ARRAY_LEN(rows); i++) {
		struct ls_json j;
		ls_json_init(&j, rows[i].text, NULL);
		assert_int_equal(ls_json_peek(&j), rows[i].type);
		assert_int_equal(ls_json_peek(&j), rows[i].type);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_documents),
		cmocka_unit_test(invalid_structure),
		cmocka_unit_test(invalid_scalars),
		cmocka_unit_test(invalid_utf8),
		cmocka_unit_test(string_positions),
		cmocka_unit_test(prefixes),
		cmocka_unit_test(depth),
		cmocka_unit_test(strings),
		cmocka_unit_test(no_memory),
		cmocka_unit_test(integers),
		cmocka_unit_test(doubles),
		cmocka_unit_test(idiom),
		cmocka_unit_test(sticky_errors),
		cmocka_unit_test(unfinished),
		cmocka_unit_test(peeks),
	};
	return cmocka_run_group_tests_name("json_read", tests, NULL, NULL);
}
