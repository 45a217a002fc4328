// SPDX-License-Identifier: MIT
/* Checks bearer tokens (RFC 6750) in constant time. */

#include "service/auth.h"

#include "base/hmac.h"

static bool
same_token(struct ls_slice given, const char *token)
{
	/* digests have one length, so neither length nor content shows in the time it takes */
	struct ls_slice wanted = ls_slice_str(token);
	uint8_t a[LS_SHA256_LEN], b[LS_SHA256_LEN];
	ls_sha256(&given, 1, a);
	ls_sha256(&wanted, 1, b);
	return ls_equal_secret(a, b, sizeof a);
}

/* "localhost:8000" -> "localhost", "[::1]:8000" -> "[::1]" */
static struct ls_slice
host_name(struct ls_slice host)
{
	if (host.len > 0 && host.data[0] == '[')
		return ls_slice(host.data, LS_MIN(ls_slice_find(host, ']') + 1, host.len));
	return ls_slice(host.data, ls_slice_find(host, ':'));
}

static bool
is_local_name(struct ls_slice host)
{
	struct ls_slice name = host_name(host);
	return ls_slice_eq_nocase(name, LS_S("localhost")) || ls_slice_starts(name, LS_S("127.")) ||
	       ls_slice_eq(name, LS_S("[::1]"));
}

static bool
is_local_origin(struct ls_slice origin)
{
	if (ls_slice_starts(origin, LS_S("http://")))
		return is_local_name(ls_slice(origin.data + 7, origin.len - 7));
	if (ls_slice_starts(origin, LS_S("https://")))
		return is_local_name(ls_slice(origin.data + 8, origin.len - 8));
	return false;
}

int
ls_auth_check(const char *token, const struct ls_http_request *req, const char **why)
{
	if (token != NULL) {
		struct ls_slice given = ls_http_header(req, "authorization");
		if (given.data == NULL) {
			*why = "This needs a token: Authorization: Bearer TOKEN";
			return 401;
		}
		if (given.len < 7 ||
			!ls_slice_eq_nocase(ls_slice(given.data, 7), LS_S("Bearer "))) {
			*why = "The Authorization header must be: Bearer TOKEN";
			return 401;
		}
		if (same_token(ls_slice_trim(ls_slice(given.data + 7, given.len - 7)), token))
			return 0;
		*why = "The token is not valid";
		return 401;
	}
	struct ls_slice origin = ls_http_header(req, "origin");
	if (!req->peer_is_loopback) {
		*why = "Without LEADSCORE_API_TOKEN the API answers to this machine only";
		return 403;
	}
	bool is_unix = ls_slice_eq(req->peer, LS_S("unix"));
	if ((!is_unix && !is_local_name(req->host)) ||
		(origin.data != NULL && !is_local_origin(origin))) {
		*why = "Without LEADSCORE_API_TOKEN only requests for a local host name, from a "
		       "local origin, are answered";
		return 403;
	}
	return 0;
}
