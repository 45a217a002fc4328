// SPDX-License-Identifier: MIT
/* Canonical e-mail addresses and domains. Nearly all are ASCII and never meet libidn2, of which
 * this is the only file. What comes out goes in again unchanged. */

#include "base/canon.h"

#include <idn2.h>

#define LOCAL_MAX 64 /* RFC 5321 section 4.5.3.1.1 */
#define LABEL_MAX 63

/* Punycode spends about a byte on a character that repeats: longer texts cannot come out short
 * enough. */
#define IDN_INPUT_MAX (4 * LS_DOMAIN_MAX)

static struct ls_slice
trim(struct ls_slice s)
{
	static const char space[] = " \t\r\n\v\f";
	while (s.len > 0 && memchr(space, s.data[0], sizeof space - 1) != NULL)
		s = ls_slice(s.data + 1, s.len - 1);
	while (s.len > 0 && memchr(space, s.data[s.len - 1], sizeof space - 1) != NULL)
		s.len--;
	return s;
}

/* One character of well-formed UTF-8. */
static size_t
decode(const char *text, uint32_t *c)
{
	const unsigned char *p = (const unsigned char *)text;
	if (p[0] < 0x80) {
		*c = p[0];
		return 1;
	}
	size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	*c = p[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++)
		*c = *c << 6 | (p[i] & 0x3fu);
	return len;
}

/* Controls, spaces, and what nobody sees: two addresses that look alike must not differ by it. */
static bool
is_invisible(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x00, 0x20 },
		{ 0x7f, 0xa0 },
		{ 0xad, 0xad },
		{ 0x034f, 0x034f },
		{ 0x061c, 0x061c },
		{ 0x115f, 0x1160 },
		{ 0x1680, 0x1680 },
		{ 0x17b4, 0x17b5 },
		{ 0x180b, 0x180f },
		{ 0x2000, 0x200f },
		{ 0x2028, 0x202f },
		{ 0x205f, 0x206f },
		{ 0x3000, 0x3000 },
		{ 0x3164, 0x3164 },
		{ 0xfe00, 0xfe0f },
		{ 0xfeff, 0xfeff },
		{ 0xffa0, 0xffa0 },
		{ 0xfff0, 0xffff },
		{ 0xe0000, 0xe0fff },
	};
	for (size_t i = 0; i < LS_ARRAY_LEN(ranges); i++) {
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	}
	return false;
}

/* RFC 5321's Dot-string in a wide sense (RFC 6531 for what is not ASCII): dots may stand anywhere,
 * as some providers have given out such addresses. Quoted strings are refused. */
static bool
local_valid(struct ls_slice local)
{
	static const char specials[] = "()<>[]:;@\\,\"";
	if (local.len == 0 || local.len > LOCAL_MAX || !ls_utf8_valid(local))
		return false;
	for (size_t i = 0; i < local.len;) {
		uint32_t c;
		i += decode(local.data + i, &c);
		if (is_invisible(c) ||
			(c < 0x80 && memchr(specials, (int)c, sizeof specials - 1) != NULL))
			return false;
	}
	return true;
}

static bool
label_valid(struct ls_slice label)
{
	if (label.len == 0 || label.len > LABEL_MAX || label.data[0] == '-' ||
		label.data[label.len - 1] == '-')
		return false;
	for (size_t i = 0; i < label.len; i++) {
		char c = label.data[i];
		if (!((c >= 'a' && c <= 'z') || ls_ascii_digit(c) || c == '-'))
			return false;
	}
	return true;
}

static bool
all_digits(struct ls_slice s)
{
	size_t i = 0;
	while (i < s.len && ls_ascii_digit(s.data[i]))
		i++;
	return i == s.len;
}

/* Letters, digits and hyphens (RFC 1123 section 2.1), at least two labels, and no IPv4 address. */
static bool
domain_valid(struct ls_slice domain)
{
	struct ls_slice rest = domain, label = { 0 };
	size_t labels = 0;
	if (domain.len == 0 || domain.len > LS_DOMAIN_MAX)
		return false;
	for (; ls_slice_cut(&rest, '.', &label); labels++) {
		if (!label_valid(label))
			return false;
	}
	return labels >= 2 && !all_digits(label);
}

/* Not ASCII, or with an A-label that may be a wrong one. */
static bool
needs_idna(struct ls_slice domain)
{
	for (size_t i = 0; i < domain.len; i++) {
		if ((unsigned char)domain.data[i] >= 0x80)
			return true;
		if (domain.len - i >= 4 && (i == 0 || domain.data[i - 1] == '.') &&
			ls_slice_eq_nocase(ls_slice(domain.data + i, 4), LS_S("xn--")))
			return true;
	}
	return false;
}

/* The text that libidn2 makes of the domain, which idn2_free() frees. */
static int
to_ascii(struct ls_slice domain, char **ascii)
{
	char text[IDN_INPUT_MAX + 1];
	uint8_t *result = NULL;
	/* a NUL within would hide what is behind it */
	if (domain.len > IDN_INPUT_MAX || memchr(domain.data, '\0', domain.len) != NULL ||
		!ls_utf8_valid(domain))
		return LS_ERR_INVALID;
	memcpy(text, domain.data, domain.len);
	text[domain.len] = '\0';
	/* not IDN2_USE_STD3_ASCII_RULES: libidn2 2.3 drops with it what it should refuse, and two
	 * domains become one; domain_valid() sees the bytes that are none of a host's */
	int err = idn2_lookup_u8(
		(const uint8_t *)text, &result, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (err != IDN2_OK)
		return err == IDN2_MALLOC ? LS_ERR_NOMEM : LS_ERR_INVALID;
	*ascii = (char *)result;
	return LS_OK;
}

/* Lowers, drops one dot at the end, validates. `out` and `len` are written on success only. */
static int
finish_domain(struct ls_slice domain, char out[LS_DOMAIN_MAX + 1], size_t *len)
{
	char text[LS_DOMAIN_MAX + 1];
	if (ls_slice_ends(domain, LS_S(".")))
		domain.len--;
	if (domain.len > LS_DOMAIN_MAX)
		return LS_ERR_INVALID;
	for (size_t i = 0; i < domain.len; i++)
		text[i] = ls_ascii_lower(domain.data[i]);
	if (!domain_valid(ls_slice(text, domain.len)))
		return LS_ERR_INVALID;
	memcpy(out, text, domain.len);
	out[domain.len] = '\0';
	*len = domain.len;
	return LS_OK;
}

int
ls_canon_domain(struct ls_slice domain, char out[LS_DOMAIN_MAX + 1], size_t *len)
{
	domain = trim(domain);
	if (!needs_idna(domain))
		return finish_domain(domain, out, len);
	char *ascii = NULL;
	int err = to_ascii(domain, &ascii);
	if (err == LS_OK)
		err = finish_domain(ls_slice_str(ascii), out, len);
	idn2_free(ascii);
	return err;
}

int
ls_canon_email(struct ls_slice email, char out[LS_EMAIL_MAX + 1], size_t *len)
{
	char domain[LS_DOMAIN_MAX + 1];
	size_t domain_len = 0;
	email = trim(email);
	struct ls_slice behind = ls_email_domain(email);
	if (behind.data == NULL)
		return LS_ERR_INVALID;
	struct ls_slice local = ls_slice(email.data, email.len - behind.len - 1);
	/* trimming must not mend what stands between the two */
	if (!local_valid(local) || trim(behind).len != behind.len)
		return LS_ERR_INVALID;
	int err = ls_canon_domain(behind, domain, &domain_len);
	if (err != LS_OK)
		return err;
	if (local.len + 1 + domain_len > LS_EMAIL_MAX)
		return LS_ERR_INVALID;
	for (size_t i = 0; i < local.len; i++)
		out[i] = ls_ascii_lower(local.data[i]);
	out[local.len] = '@';
	memcpy(out + local.len + 1, domain, domain_len + 1);
	*len = local.len + 1 + domain_len;
	return LS_OK;
}

struct ls_slice
ls_email_domain(struct ls_slice canonical)
{
	for (size_t i = canonical.len; i > 0; i--) {
		if (canonical.data[i - 1] == '@')
			return ls_slice(canonical.data + i, canonical.len - i);
	}
	return ls_slice(NULL, 0);
}
