// SPDX-License-Identifier: MIT
/* canon: equal addresses compare equal, what is none is refused, and a second pass changes nothing.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/canon.h"

struct row {
	struct ls_slice in;
	const char *out; /* NULL: refused */
};

static void
check(const struct row *row, bool email)
{
	char out[LS_EMAIL_MAX + 1] = "untouched", again[LS_EMAIL_MAX + 1];
	size_t len = 4711, again_len = 0;
	int err = email ? ls_canon_email(row->in, out, &len) : ls_canon_domain(row->in, out, &len);
	if (row->out == NULL) {
		if (err != LS_ERR_INVALID)
			fail_msg("accepted: %.*s", LS_FMT(row->in));
		assert_true(len == 4711);
		assert_string_equal(out, "untouched");
		return;
	}
	if (err != LS_OK)
		fail_msg("refused: %.*s", LS_FMT(row->in));
	assert_string_equal(out, row->out);
	assert_int_equal(len, strlen(out));
	struct ls_slice s = ls_slice(out, len);
	err = email ? ls_canon_email(s, again, &again_len) : ls_canon_domain(s, again, &again_len);
	assert_int_equal(err, LS_OK);
	assert_string_equal(again, out);
}

static void
emails(void **state)
{
	(void)state;
	const struct row rows[] = {
		{ LS_S("jane@acme.com"), "jane@acme.com" },
		{ LS_S(" \t\r\nJane.Doe+News@Mail.ACME.Com\v\f "), "jane.doe+news@mail.acme.com" },
		{ LS_S("jane@acme.com."), "jane@acme.com" },
		{ LS_S("!#$%&'*+-/=?^_`{|}~@a-b.c0m"), "!#$%&'*+-/=?^_`{|}~@a-b.c0m" },
		{ LS_S(".a..b.@docomo.ne.jp"), ".a..b.@docomo.ne.jp" },
		{ LS_S("J\xc3\x9crgen@B\xc3\x9c"
		       "CHER.example"),
			"j\xc3\x9crgen@xn--bcher-kva.example" },
		{ LS_S("a@xn--BCHER-kva.Example"), "a@xn--bcher-kva.example" },
		{ LS_S("\xe7\x94\xa8\xe6\x88\xb7@\xe4\xbe\x8b\xe5\xad\x90."
		       "\xe5\xb9\xbf\xe5\x91\x8a"),
			"\xe7\x94\xa8\xe6\x88\xb7@xn--fsqu00a.xn--4rr70v" },
		/* no such form */
		{ LS_S(""), NULL },
		{ ls_slice(NULL, 0), NULL },
		{ LS_S("@"), NULL },
		{ LS_S("jane"), NULL },
		{ LS_S("jane@"), NULL },
		{ LS_S("@acme.com"), NULL },
		{ LS_S("acme.com"), NULL },
		{ LS_S("jane@acme"), NULL },
		{ LS_S("jane@localhost"), NULL },
		{ LS_S("a@b@acme.com"), NULL },
		{ LS_S("\"a@b\"@acme.com"), NULL },
		{ LS_S("\"a b\"@acme.com"), NULL },
		{ LS_S("Jane <jane@acme.com>"), NULL },
		{ LS_S("mailto:jane@acme.com"), NULL },
		{ LS_S("a@acme.com,b@acme.com"), NULL },
		{ LS_S("a@acme.com; b@acme.com"), NULL },
		{ LS_S("a@[127.0.0.1]"), NULL },
		{ LS_S("a@127.0.0.1"), NULL },
		/* spaces, controls, and what nobody sees */
		{ LS_S("ja ne@acme.com"), NULL },
		{ LS_S("jane @acme.com"), NULL },
		{ LS_S("jane@ acme.com"), NULL },
		{ LS_S("jane@ac me.com"), NULL },
		{ LS_S("ja\tne@acme.com"), NULL },
		{ LS_S("jane\r\nBcc:x@acme.com"), NULL },
		{ LS_S("ja\0ne@acme.com"), NULL },
		{ LS_S("jane@acme.com\0"), NULL },
		{ LS_S("jane@acme\0.com"), NULL },
		{ LS_S("jane@b\xc3\xbc\0.com"), NULL },
		{ LS_S("ja\x7fne@acme.com"), NULL },
		{ LS_S("ja\xc2\x85ne@acme.com"), NULL },
		{ LS_S("ja\xc2\xa0ne@acme.com"), NULL },
		{ LS_S("ja\xe2\x80\x8bne@acme.com"), NULL },
		{ LS_S("ja\xe2\x80\xaene@acme.com"), NULL },
		{ LS_S("\xef\xbb\xbfjane@acme.com"), NULL },
		{ LS_S("ja\xe3\x80\x80ne@acme.com"), NULL },
		/* not UTF-8 */
		{ LS_S("j\xfcrgen@acme.com"), NULL },
		{ LS_S("jane@b\xfc"
		       "cher.de"),
			NULL },
		{ LS_S("j\xed\xa0\x80@acme.com"), NULL },
	};
	for (size_t i = 0; i < LS_ARRAY_LEN(rows); i++)
		check(&rows[i], true);
}

static void
domains(void **state)
{
	(void)state;
	const struct row rows[] = {
		{ LS_S(" Acme.COM "), "acme.com" },
		{ LS_S("acme.com."), "acme.com" },
		{ LS_S("a.b.c.d.e"), "a.b.c.d.e" },
		{ LS_S("1und1.de"), "1und1.de" },
		{ LS_S("r3---sn-abc.example.com"), "r3---sn-abc.example.com" },
		/* IDNA 2008, non-transitional: sharp s and final sigma stay letters of their own */
		{ LS_S("stra\xc3\x9f"
		       "e.de"),
			"xn--strae-oqa.de" },
		{ LS_S("STRASSE.de"), "strasse.de" },
		{ LS_S("\xce\xb2\xcf\x8c\xce\xbb\xce\xbf\xcf\x82.com"), "xn--nxasmm1c.com" },
		{ LS_S("M\xc3\x9cNCHEN.DE"), "xn--mnchen-3ya.de" },
		/* the same letter composed and not */
		{ LS_S("bu\xcc\x88"
		       "cher.de"),
			"xn--bcher-kva.de" },
		/* full width letters, and the ideographic full stop */
		{ LS_S("\xef\xbd\x81\xef\xbd\x83\xef\xbd\x8d\xef\xbd\x85.com"), "acme.com" },
		{ LS_S("\xe4\xbe\x8b\xe5\xad\x90\xe3\x80\x82\xe5\xb9\xbf\xe5\x91\x8a\xe3\x80\x82"),
			"xn--fsqu00a.xn--4rr70v" },
		{ LS_S("XN--MNCHEN-3YA.de"), "xn--mnchen-3ya.de" },
		{ LS_S(""), NULL },
		{ LS_S("."), NULL },
		{ LS_S("com"), NULL },
		{ LS_S("com."), NULL },
		{ LS_S(".com"), NULL },
		{ LS_S("acme..com"), NULL },
		{ LS_S("acme.com.."), NULL },
		{ LS_S("-acme.com"), NULL },
		{ LS_S("acme-.com"), NULL },
		{ LS_S("ac_me.com"), NULL },
		{ LS_S("ac me.com"), NULL },
		{ LS_S("acme.com/"), NULL },
		{ LS_S("acme.com:80"), NULL },
		{ LS_S("https://acme.com"), NULL },
		{ LS_S("10.0.0.1"), NULL },
		{ LS_S("b\xc3\xbc"
		       "cher"),
			NULL },
		{ LS_S("b\xc3\xbc cher.de"), NULL },
		{ LS_S("b\xc3\xbc/cher.de"), NULL },
		{ LS_S("b\xc3\xbc_cher.de"), NULL },
		{ LS_S("b\xc3\xbc$cher.de"), NULL },
		{ LS_S("\xe2\x84\x80.b\xc3\xbc"
		       "cher.de"),
			NULL }, /* U+2100 is a/c */
		{ LS_S("xn--a.com"), NULL },
		{ LS_S("xn--.com"), NULL },
		{ LS_S("a.xn--99999999"), NULL },
		{ LS_S("\xe2\x80\x8b.com"), NULL },
		{ LS_S("\xf0\x9f\x98\xb9\xff.com"), NULL },
	};
	for (size_t i = 0; i < LS_ARRAY_LEN(rows); i++)
		check(&rows[i], false);
}

static void
lengths(void **state)
{
	(void)state;
	char text[2100], out[LS_EMAIL_MAX + 1];
	size_t len = 0;
	/* labels of 63 and 64 */
	memset(text, 'a', sizeof text);
	memcpy(text + 63, ".de", 3);
	assert_int_equal(ls_canon_domain(ls_slice(text, 66), out, &len), LS_OK);
	memset(text, 'a', sizeof text);
	memcpy(text + 64, ".de", 3);
	assert_int_equal(ls_canon_domain(ls_slice(text, 67), out, &len), LS_ERR_INVALID);
	/* domains of 253 and 254, with and without the dot that goes */
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = i % 2 == 0 ? 'a' : '.';
	assert_int_equal(ls_canon_domain(ls_slice(text, 253), out, &len), LS_OK);
	assert_int_equal(len, 253);
	assert_int_equal(ls_canon_domain(ls_slice(text, 254), out, &len), LS_OK);
	assert_int_equal(len, 253);
	assert_int_equal(ls_canon_domain(ls_slice(text, 255), out, &len), LS_ERR_INVALID);
	assert_int_equal(ls_canon_domain(ls_slice(text, 2001), out, &len), LS_ERR_INVALID);
	memcpy(text, "\xc3\xbc", 2);
	assert_int_equal(ls_canon_domain(ls_slice(text, 2001), out, &len), LS_ERR_INVALID);
	/* addresses of 254 and 255, local parts of 64 and 65 */
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = i < 64 || i % 2 == 1 ? 'a' : '.';
	text[64] = '@';
	assert_int_equal(ls_canon_email(ls_slice(text, 254), out, &len), LS_OK);
	assert_int_equal(len, 254);
	assert_int_equal(strlen(out), 254);
	text[253] = 'a';
	text[254] = 'a';
	assert_int_equal(ls_canon_email(ls_slice(text, 255), out, &len), LS_ERR_INVALID);
	memset(text, 'a', 65);
	memcpy(text + 65, "@acme.com", 9);
	assert_int_equal(ls_canon_email(ls_slice(text, 74), out, &len), LS_ERR_INVALID);
	assert_int_equal(ls_canon_email(ls_slice(text + 1, 73), out, &len), LS_OK);
}

static void
domain_of(void **state)
{
	(void)state;
	assert_true(ls_slice_eq(ls_email_domain(LS_S("jane@acme.com")), LS_S("acme.com")));
	assert_true(ls_slice_eq(ls_email_domain(LS_S("a@b@c")), LS_S("c")));
	assert_int_equal(ls_email_domain(LS_S("acme.com")).len, 0);
	assert_int_equal(ls_email_domain(LS_S("jane@")).len, 0);
	assert_int_equal(ls_email_domain(ls_slice(NULL, 0)).len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(emails),
		cmocka_unit_test(domains),
		cmocka_unit_test(lengths),
		cmocka_unit_test(domain_of),
	};
	return cmocka_run_group_tests_name("canon", tests, NULL, NULL);
}
