// SPDX-License-Identifier: MIT
/* Version 3 is computed by the codec's own function; 1 and 2, which nothing else here has to make,
 * are written out from HubSpot's description: lower-case hex of SHA-256(secret + what is signed).
 */

#include "main/forge_sign.h"

#include <stdio.h>

static void
to_hex(const uint8_t digest[LS_SHA256_LEN], char *out)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < LS_SHA256_LEN; i++) {
		*out++ = digits[digest[i] >> 4];
		*out++ = digits[digest[i] & 15];
	}
	*out = '\0';
}

void
ls_forge_sign(const struct ls_forge_signer *signer, struct ls_slice body, int64_t now_ms,
	struct ls_forge_signed *out)
{
	const struct ls_slice post = LS_S("POST");
	uint8_t digest[LS_SHA256_LEN];
	out->headers[0] = (struct ls_http_header){ LS_S("Content-Type"), LS_S("application/json") };
	out->count = 3;
	if (signer->version == 3) {
		(void)snprintf(out->timestamp, sizeof out->timestamp, "%lld", (long long)now_ms);
		struct ls_slice timestamp = ls_slice_str(out->timestamp);
		ls_hubspot_sign_v3(
			signer->hmac, post, signer->url, body, timestamp, out->signature);
		out->headers[1] = (struct ls_http_header){ LS_S("X-HubSpot-Signature-v3"),
			ls_slice_str(out->signature) };
		out->headers[2] =
			(struct ls_http_header){ LS_S("X-HubSpot-Request-Timestamp"), timestamp };
		return;
	}
	const struct ls_slice v1[] = { signer->secret, body };
	const struct ls_slice v2[] = { signer->secret, post, signer->url, body };
	bool first = signer->version == 1;
	ls_sha256(first ? v1 : v2, first ? LS_ARRAY_LEN(v1) : LS_ARRAY_LEN(v2), digest);
	to_hex(digest, out->signature);
	out->headers[1] = (struct ls_http_header){ LS_S("X-HubSpot-Signature"),
		ls_slice_str(out->signature) };
	out->headers[2] = (struct ls_http_header){ LS_S("X-HubSpot-Signature-Version"),
		first ? LS_S("v1") : LS_S("v2") };
}
