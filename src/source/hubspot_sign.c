// SPDX-License-Identifier: MIT
/* HubSpot's request signatures. Signed is what the sender saw, so the URI is made of the configured
 * public URL and the request target, never of Host or X-Forwarded-*. Nothing here looks into the
 * body. */

#include "source/hubspot_sign.h"

#define METHOD_MAX    16u
#define URI_MAX       8192u
#define TIMESTAMP_LEN 13u
#define V1            (1u << 1)
#define V2            (1u << 2)
#define V3            (1u << 3)

/** The request as it is signed. The URI is in two parts, to spare a copy. */
struct subject {
	struct ls_slice method, base, target, body;
	char method_text[METHOD_MAX];
};

void
ls_hubspot_sign_v3(const struct ls_hmac *hmac, struct ls_slice method, struct ls_slice uri,
	struct ls_slice body, struct ls_slice timestamp, char out[LS_BASE64_LEN(LS_SHA256_LEN) + 1])
{
	const struct ls_slice parts[] = { method, uri, body, timestamp };
	uint8_t mac[LS_SHA256_LEN];
	ls_hmac_sign(hmac, parts, LS_ARRAY_LEN(parts), mac);
	ls_base64_encode(mac, sizeof mac, out);
}

static struct ls_slice
header(const struct ls_source_request *request, const char *name)
{
	return request->header(request->header_ctx, name);
}

static int
deny(const char **why, const char *reason)
{
	*why = reason;
	return LS_ERR_DENIED;
}

static int
subject_init(struct subject *subject, const struct ls_source_config *config,
	const struct ls_source_request *request, const char **why)
{
	if (request->method.len == 0 || request->method.len > METHOD_MAX)
		return deny(why, "the method is not one that HubSpot uses");
	if (request->target.len == 0 || request->target.data[0] != '/')
		return deny(why, "the request target is not a path");
	if (config->public_url.len + request->target.len > URI_MAX)
		return deny(why, "the request target is too long");
	for (size_t i = 0; i < request->method.len; i++) {
		char c = request->method.data[i];
		subject->method_text[i] = (char)(c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c);
	}
	subject->method = ls_slice(subject->method_text, request->method.len);
	subject->base = config->public_url;
	if (ls_slice_ends(subject->base, LS_S("/")))
		subject->base.len--;
	subject->target = request->target;
	subject->body = request->body;
	return LS_OK;
}

/** The character that an escape of HubSpot's list stands for, or 0. Others (%20, %26, %3D, %25)
 * stay as they are. */
static char
decoded_escape(const char *at)
{
	static const char list[][4] = { "3a:", "2f/", "3f?", "40@", "21!", "24$", "27'", "28(",
		"29)", "2a*", "2c,", "3b;" };
	for (size_t i = 0; i < LS_ARRAY_LEN(list); i++)
		if (at[1] == list[i][0] && ls_ascii_lower(at[2]) == list[i][1])
			return list[i][2];
	return '\0';
}

/** Writes the URI with the listed escapes decoded; returns its length. */
static size_t
decode_uri(const struct subject *subject, char out[URI_MAX])
{
	const struct ls_slice parts[] = { subject->base, subject->target };
	size_t len = 0;
	for (size_t p = 0; p < LS_ARRAY_LEN(parts); p++) {
		struct ls_slice part = parts[p];
		for (size_t i = 0; i < part.len; i++) {
			char c = part.data[i];
			char plain =
				c == '%' && part.len - i > 2 ? decoded_escape(part.data + i) : '\0';
			if (plain != '\0')
				i += 2;
			out[len++] = plain != '\0' ? plain : c;
		}
	}
	return len;
}

static bool
timestamp_ok(struct ls_slice text, int64_t now_ms, const char **why)
{
	uint64_t stamp;
	if (text.data == NULL) {
		*why = "X-HubSpot-Request-Timestamp is missing";
		return false;
	}
	if (text.len != TIMESTAMP_LEN || ls_slice_to_u64(text, &stamp) != LS_OK) {
		*why = "X-HubSpot-Request-Timestamp is not 13 digits";
		return false;
	}
	int64_t age = now_ms - (int64_t)stamp;
	if (age > LS_HUBSPOT_WINDOW_MS || age < -LS_HUBSPOT_WINDOW_MS) {
		*why = age > 0 ? "the request is more than 5 minutes old"
			       : "the request is more than 5 minutes ahead of our clock";
		return false;
	}
	return true;
}

static int
verify_v3(const struct ls_hmac *hmac, const struct subject *subject,
	const struct ls_source_request *request, const char **why)
{
	struct ls_slice stamp = header(request, "x-hubspot-request-timestamp");
	struct ls_slice signature = header(request, "x-hubspot-signature-v3");
	uint8_t given[LS_SHA256_LEN], mac[LS_SHA256_LEN];
	if (signature.data == NULL)
		return deny(why, "X-HubSpot-Signature-v3 is missing");
	if (!timestamp_ok(stamp, request->now_ms, why))
		return LS_ERR_DENIED;
	if (ls_base64_decode(signature, given, sizeof given) != LS_OK)
		return deny(why, "X-HubSpot-Signature-v3 is not 32 bytes of base64");

	/* HubSpot says to decode a list of escapes, its own libraries decode none: a URI with
	 * escapes is tried both ways */
	if (ls_slice_find(subject->target, '%') < subject->target.len ||
		ls_slice_find(subject->base, '%') < subject->base.len) {
		char uri[URI_MAX];
		const struct ls_slice decoded[] = { subject->method,
			ls_slice(uri, decode_uri(subject, uri)), subject->body, stamp };
		ls_hmac_sign(hmac, decoded, LS_ARRAY_LEN(decoded), mac);
		if (ls_equal_secret(mac, given, sizeof mac))
			return LS_OK;
	}
	const struct ls_slice raw[] = { subject->method, subject->base, subject->target,
		subject->body, stamp };
	ls_hmac_sign(hmac, raw, LS_ARRAY_LEN(raw), mac);
	if (ls_equal_secret(mac, given, sizeof mac))
		return LS_OK;
	return deny(why, "X-HubSpot-Signature-v3 does not match");
}

/** Versions 1 and 2 know no time: an old request can be sent again. Only where the configuration
 * says so. */
static int
verify_old(const struct ls_source_config *config, const struct subject *subject,
	const struct ls_source_request *request, const char **why)
{
	struct ls_slice version = header(request, "x-hubspot-signature-version");
	struct ls_slice signature = header(request, "x-hubspot-signature");
	uint8_t given[LS_SHA256_LEN], digest[LS_SHA256_LEN];
	const struct ls_slice v1[] = { config->hubspot_secret, subject->body };
	const struct ls_slice v2[] = { config->hubspot_secret, subject->method, subject->base,
		subject->target, subject->body };

	if (signature.data == NULL)
		return deny(why, "the signature is missing");
	if (version.data == NULL)
		return deny(why, "X-HubSpot-Signature-Version is missing");
	if (ls_slice_eq(version, LS_S("v1")) && (config->hubspot_signatures & V1) != 0)
		ls_sha256(v1, LS_ARRAY_LEN(v1), digest);
	else if (ls_slice_eq(version, LS_S("v2")) && (config->hubspot_signatures & V2) != 0)
		ls_sha256(v2, LS_ARRAY_LEN(v2), digest);
	else
		return deny(why, "this version of signatures is not allowed here");
	if (ls_hex_decode(signature, given, sizeof given) != LS_OK)
		return deny(why, "X-HubSpot-Signature is not 32 bytes of hex");
	if (!ls_equal_secret(digest, given, sizeof digest))
		return deny(why, "X-HubSpot-Signature does not match");
	return LS_OK;
}

int
ls_hubspot_verify(const struct ls_source_config *config, const struct ls_source_request *request,
	const char **why)
{
	struct subject subject;
	unsigned allowed = config->hubspot_signatures;
	/* whoever sends v3 is held to it: a forged one must not get a second chance */
	bool v3 = (allowed & V3) != 0 &&
		  ((allowed & (V1 | V2)) == 0 ||
			  header(request, "x-hubspot-signature-v3").data != NULL);
	if (allowed == 0 || (v3 ? config->hubspot_hmac == NULL : config->hubspot_secret.len == 0)) {
		*why = "no HubSpot client secret is configured";
		return LS_ERR_UNSUPPORTED;
	}
	int err = subject_init(&subject, config, request, why);
	if (err != LS_OK)
		return err;
	return v3 ? verify_v3(config->hubspot_hmac, &subject, request, why)
		  : verify_old(config, &subject, request, why);
}
