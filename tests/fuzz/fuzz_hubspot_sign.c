// SPDX-License-Identifier: MIT
/* HubSpot's signatures. The input is target, time stamp, signature and body, each on a line, the
 * body last: what is given is never accepted, what we sign ourselves over the same is. */

#include <stdlib.h>

#include "source/hubspot_sign.h"

#define NOW INT64_C(1793611205000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct headers {
	struct ls_slice signature, timestamp, version;
};

static void
require(bool cond)
{
	if (!cond)
		abort();
}

static struct ls_slice
header(const void *ctx, const char *name)
{
	const struct headers *h = ctx;
	if (strcmp(name, "x-hubspot-request-timestamp") == 0)
		return h->timestamp;
	return strcmp(name, "x-hubspot-signature-version") == 0 ? h->version : h->signature;
}

static int
verify(const struct ls_source_config *config, const struct ls_source_request *request)
{
	const char *why = NULL;
	int err = ls_hubspot_verify(config, request, &why);
	require(err == LS_OK || (err == LS_ERR_DENIED && why != NULL));
	return err;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ls_slice rest = ls_slice((const char *)data, size), target = { 0 };
	struct headers headers = { .version = LS_S("v2") };
	(void)ls_slice_cut(&rest, '\n', &target);
	(void)ls_slice_cut(&rest, '\n', &headers.timestamp);
	(void)ls_slice_cut(&rest, '\n', &headers.signature);
	struct ls_hmac *hmac = ls_hmac_new(LS_S("secret"));
	if (hmac == NULL)
		return 0;
	struct ls_source_config config = { .public_url = LS_S("https://h.example"),
		.hubspot_secret = LS_S("secret"),
		.hubspot_hmac = hmac };
	struct ls_source_request request = { .method = LS_S("POST"),
		.target = target,
		.body = rest,
		.header = header,
		.header_ctx = &headers,
		.now_ms = NOW };
	for (unsigned allowed = 2; allowed <= 14; allowed += 2) {
		config.hubspot_signatures = allowed;
		require(verify(&config, &request) == LS_ERR_DENIED);
	}

	char uri[9000], signature[45];
	const struct ls_slice base = config.public_url;
	if (target.len > 0 && target.data[0] == '/' && base.len + target.len <= 8192) {
		memcpy(uri, base.data, base.len);
		memcpy(uri + base.len, target.data, target.len);
		headers.timestamp = LS_S("1793611205000");
		ls_hubspot_sign_v3(hmac, LS_S("POST"), ls_slice(uri, base.len + target.len), rest,
			headers.timestamp, signature);
		headers.signature = ls_slice_str(signature);
		config.hubspot_signatures = 1u << 3;
		require(verify(&config, &request) == LS_OK);
	}
	(void)ls_hmac_free(hmac);
	return 0;
}
