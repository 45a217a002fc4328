// SPDX-License-Identifier: MIT
/* canon: what comes out is well-formed, as long as it says, and its own canonical form. */

#include <stdlib.h>

#include "base/canon.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool cond)
{
	if (!cond)
		abort();
}

static void
check_domain(struct ls_slice domain)
{
	size_t labels = 1;
	require(domain.len > 0 && domain.len <= LS_DOMAIN_MAX);
	for (size_t i = 0; i < domain.len; i++) {
		char c = domain.data[i];
		require((c >= 'a' && c <= 'z') || ls_ascii_digit(c) || c == '-' || c == '.');
		labels += c == '.';
	}
	require(labels >= 2 && domain.data[domain.len - 1] != '.');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ls_slice text = ls_slice((const char *)data, size);
	char out[LS_EMAIL_MAX + 1], again[LS_EMAIL_MAX + 1];
	size_t len = 0, again_len = 0;
	if (ls_canon_domain(text, out, &len) == LS_OK) {
		require(out[len] == '\0' && strlen(out) == len);
		check_domain(ls_slice(out, len));
		require(ls_canon_domain(ls_slice(out, len), again, &again_len) == LS_OK);
		require(again_len == len && memcmp(out, again, len + 1) == 0);
	}
	if (ls_canon_email(text, out, &len) == LS_OK) {
		struct ls_slice email = ls_slice(out, len);
		require(len <= LS_EMAIL_MAX && out[len] == '\0' && strlen(out) == len);
		require(ls_utf8_valid(email));
		check_domain(ls_email_domain(email));
		require(ls_slice_find(email, '@') == len - ls_email_domain(email).len - 1);
		require(ls_canon_email(email, again, &again_len) == LS_OK);
		require(again_len == len && memcmp(out, again, len + 1) == 0);
	}
	return 0;
}
