/* SPDX-License-Identifier: MIT */
/* HubSpot's request signatures, versions 1 to 3. */
#ifndef LS_SOURCE_HUBSPOT_SIGN_H
#define LS_SOURCE_HUBSPOT_SIGN_H

#include "base/base64.h"
#include "base/hmac.h"
#include "source/source.h"

/** How far the time stamp may be from our clock, in either direction. */
#define LS_HUBSPOT_WINDOW_MS INT64_C(300000)

/**
 * Writes the value of X-HubSpot-Signature-v3, with a NUL behind. `method` is in upper case, `uri`
 * the full public URL, `timestamp` the text of X-HubSpot-Request-Timestamp.
 */
void ls_hubspot_sign_v3(const struct ls_hmac *hmac, struct ls_slice method, struct ls_slice uri,
	struct ls_slice body, struct ls_slice timestamp,
	char out[LS_BASE64_LEN(LS_SHA256_LEN) + 1]);

/** The source's verify(): see struct ls_source. */
int ls_hubspot_verify(const struct ls_source_config *config,
	const struct ls_source_request *request, const char **why) LS_MUST_CHECK;

#endif
