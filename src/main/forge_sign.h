/* SPDX-License-Identifier: MIT */
/* The headers with which HubSpot signs a webhook request, in each of its three versions. */
#ifndef LS_MAIN_FORGE_SIGN_H
#define LS_MAIN_FORGE_SIGN_H

#include "io/http_server.h"
#include "source/hubspot_sign.h"

struct ls_forge_signer {
	unsigned version; /* 1, 2 or 3 */
	struct ls_slice secret;
	struct ls_slice url;  /* the full URL as the receiver is known to HubSpot */
	struct ls_hmac *hmac; /* of the secret */
};

/** The headers point into the struct: do not move it. */
struct ls_forge_signed {
	struct ls_http_header headers[3];
	size_t count;
	char signature[2 * LS_SHA256_LEN + 1], timestamp[24];
};

/** Signs a POST, with Content-Type as the first header. */
void ls_forge_sign(const struct ls_forge_signer *signer, struct ls_slice body, int64_t now_ms,
	struct ls_forge_signed *out);

#endif
