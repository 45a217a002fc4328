// SPDX-License-Identifier: MIT
/* HubSpot's signatures: all published and own vectors, each also with one thing wrong; versions,
 * time window, escapes. */

#include "source_fixture.h"

#include "base/json_read.h"
#include "source/hubspot_sign.h"

#define SECRET    LS_S("leadscore-test-client-secret")
#define TIMESTAMP INT64_C(1793611205000)

struct vector {
	struct ls_slice name, version, secret, method, uri, body, body_file, timestamp, signature,
		target;
};

struct headers {
	struct ls_slice v3, timestamp, old, version;
};

/* A request under test with all that verification looks at. */
struct request {
	struct headers headers;
	struct ls_source_config config;
	struct ls_source_request request;
};

static struct ls_slice
header(const void *ctx, const char *name)
{
	const struct headers *h = ctx;
	if (strcmp(name, "x-hubspot-signature-v3") == 0)
		return h->v3;
	if (strcmp(name, "x-hubspot-request-timestamp") == 0)
		return h->timestamp;
	if (strcmp(name, "x-hubspot-signature") == 0)
		return h->old;
	if (strcmp(name, "x-hubspot-signature-version") == 0)
		return h->version;
	return ls_slice(NULL, 0);
}

static int
verify(struct request *r)
{
	const char *why = NULL;
	r->request.header_ctx = &r->headers;
	int err = ls_hubspot_verify(&r->config, &r->request, &why);
	/* whoever is refused is told why */
	assert_true((err == LS_OK) == (why == NULL));
	return err;
}

static bool
read_member(struct ls_json *j, struct ls_slice key, struct vector *v)
{
	struct {
		const char *name;
		struct ls_slice *out;
	} members[] = { { "name", &v->name }, { "version", &v->version }, { "secret", &v->secret },
		{ "method", &v->method }, { "uri_as_signed", &v->uri }, { "body", &v->body },
		{ "body_file", &v->body_file }, { "timestamp_ms", &v->timestamp },
		{ "signature", &v->signature }, { "target", &v->target } };
	for (size_t i = 0; i < LS_ARRAY_LEN(members); i++)
		if (ls_slice_eq(key, ls_slice_str(members[i].name)))
			return ls_json_peek(j) == LS_JSON_NULL ? ls_json_null(j)
							       : ls_json_string(j, members[i].out);
	return ls_json_skip(j);
}

static size_t
read_vectors(struct fixture *f, struct vector *vectors, size_t room)
{
	struct ls_json j;
	struct ls_slice key,
		text = ls_arena_copy(&f->arena, fixture_file(f, "hubspot/signature_vectors.json"));
	size_t count = 0;
	ls_json_init(&j, text, &f->arena);
	assert_true(ls_json_array(&j));
	while (ls_json_item(&j)) {
		assert_true(count < room && ls_json_object(&j));
		while (ls_json_key(&j, &key))
			assert_true(read_member(&j, key, &vectors[count]));
		count++;
	}
	assert_int_equal(ls_json_finish(&j), LS_OK);
	return count;
}

/* The request as HubSpot would send it, and a configuration that allows just this version. */
static void
from_vector(struct fixture *f, const struct vector *v, struct request *r)
{
	size_t host = sizeof "https://" - 1;
	char name[256];
	*r = (struct request){ 0 };
	while (host < v->uri.len && v->uri.data[host] != '/')
		host++;
	r->config.public_url = ls_slice(v->uri.data, host);
	r->request.target = v->target.data != NULL
				    ? v->target
				    : ls_slice(v->uri.data + host, v->uri.len - host);
	r->request.method = v->method;
	r->request.body = v->body;
	if (v->body_file.data != NULL) {
		(void)snprintf(name, sizeof name, "hubspot/%.*s", LS_FMT(v->body_file));
		r->request.body = ls_arena_copy(&f->arena, fixture_file(f, name));
	}
	r->request.header = header;
	r->config.hubspot_secret = v->secret;
	r->config.hubspot_hmac = ls_hmac_new(v->secret);
	assert_non_null(r->config.hubspot_hmac);
	uint64_t now = (uint64_t)TIMESTAMP;
	if (ls_slice_eq(v->version, LS_S("v3"))) {
		r->headers.v3 = v->signature;
		r->headers.timestamp = v->timestamp;
		r->config.hubspot_signatures = 1u << 3;
		assert_int_equal(ls_slice_to_u64(v->timestamp, &now), LS_OK);
	} else {
		r->headers.old = v->signature;
		r->headers.version = v->version;
		r->config.hubspot_signatures = 1u << (v->version.data[1] - '0');
	}
	r->request.now_ms = (int64_t)now;
}

static void
done(struct request *r)
{
	struct ls_hmac *hmac;
	memcpy(&hmac, &r->config.hubspot_hmac, sizeof hmac);
	(void)ls_hmac_free(hmac);
}

/* Every byte of the signature and of the body counts, as do method, target and secret. */
static void
check_wrong(struct fixture *f, struct request *r)
{
	struct ls_slice *signature = r->headers.v3.data != NULL ? &r->headers.v3 : &r->headers.old;
	struct request good = *r;
	for (size_t i = 0; i < signature->len; i++) {
		char *bad = ls_arena_alloc(&f->arena, signature->len);
		memcpy(bad, signature->data, signature->len);
		bad[i] = bad[i] == 'a' ? 'b' : 'a';
		*signature = ls_slice(bad, signature->len);
		assert_int_equal(verify(r), LS_ERR_DENIED);
		*r = good;
	}
	for (size_t cut = 1; cut < 3; cut++) {
		signature->len -= cut;
		assert_int_equal(verify(r), LS_ERR_DENIED);
		*r = good;
	}
	if (r->request.body.len > 0) {
		r->request.body.len--;
		assert_int_equal(verify(r), LS_ERR_DENIED);
		*r = good;
	}
	if (r->config.hubspot_signatures != 1u << 1) {
		r->request.target = LS_S("/elsewhere");
		assert_int_equal(verify(r), LS_ERR_DENIED);
		*r = good;
		r->request.method = LS_S("PUT");
		assert_int_equal(verify(r), LS_ERR_DENIED);
		*r = good;
		r->config.public_url = LS_S("https://evil.example.com");
		assert_int_equal(verify(r), LS_ERR_DENIED);
		*r = good;
	}
	assert_int_equal(verify(r), LS_OK);
}

static void
vectors_verify(void **state)
{
	struct fixture *f = *state;
	struct vector vectors[16] = { 0 };
	size_t count = read_vectors(f, vectors, LS_ARRAY_LEN(vectors));
	assert_int_equal(count, 12);
	for (size_t i = 0; i < count; i++) {
		struct request r;
		from_vector(f, &vectors[i], &r);
		int err = verify(&r);
		if (err != LS_OK)
			fail_msg("%.*s: %s", LS_FMT(vectors[i].name), ls_strerror(err));
		check_wrong(f, &r);
		done(&r);
	}
}

/* Signing gives the vectors' own values. */
static void
vectors_sign(void **state)
{
	struct fixture *f = *state;
	struct vector vectors[16] = { 0 };
	size_t count = read_vectors(f, vectors, LS_ARRAY_LEN(vectors)), signed_count = 0;
	for (size_t i = 0; i < count; i++) {
		struct request r;
		char out[45];
		if (!ls_slice_eq(vectors[i].version, LS_S("v3")))
			continue;
		from_vector(f, &vectors[i], &r);
		ls_hubspot_sign_v3(r.config.hubspot_hmac, vectors[i].method, vectors[i].uri,
			r.request.body, vectors[i].timestamp, out);
		assert_true(ls_slice_eq(ls_slice_str(out), vectors[i].signature));
		signed_count++;
		done(&r);
	}
	assert_int_equal(signed_count, 6);
}

/* A request signed v3 over `uri`, sent to `target`. The caller keeps `out`. */
static void
signed_request(struct request *r, struct ls_slice uri, struct ls_slice target, char out[45])
{
	*r = (struct request){ 0 };
	r->config.public_url = LS_S("https://leads.example.com");
	r->config.hubspot_secret = SECRET;
	r->config.hubspot_hmac = ls_hmac_new(SECRET);
	r->config.hubspot_signatures = 1u << 3;
	assert_non_null(r->config.hubspot_hmac);
	r->request = (struct ls_source_request){ .method = LS_S("POST"),
		.target = target,
		.body = LS_S("[]"),
		.header = header,
		.now_ms = TIMESTAMP };
	r->headers.timestamp = LS_S("1793611205000");
	ls_hubspot_sign_v3(
		r->config.hubspot_hmac, LS_S("POST"), uri, LS_S("[]"), r->headers.timestamp, out);
	r->headers.v3 = ls_slice_str(out);
}

static int
verify_at(struct ls_slice uri, struct ls_slice target, struct ls_slice public_url)
{
	struct request r;
	char signature[45];
	signed_request(&r, uri, target, signature);
	if (public_url.data != NULL)
		r.config.public_url = public_url;
	int err = verify(&r);
	done(&r);
	return err;
}

static void
uri_is_public_url_and_target(void **state)
{
	(void)state;
	const struct ls_slice none = { 0 };
	assert_int_equal(verify_at(LS_S("https://leads.example.com/h"), LS_S("/h"), none), LS_OK);
	assert_int_equal(verify_at(LS_S("https://leads.example.com/h"), LS_S("/h"),
				 LS_S("https://leads.example.com/")),
		LS_OK);
	assert_int_equal(verify_at(LS_S("https://x.example.com/leads/h?q=1"), LS_S("/h?q=1"),
				 LS_S("https://x.example.com/leads")),
		LS_OK);
	/* no slash is added or taken away, and the query counts */
	assert_int_equal(
		verify_at(LS_S("https://leads.example.com/h"), LS_S("/h/"), none), LS_ERR_DENIED);
	assert_int_equal(
		verify_at(LS_S("https://leads.example.com/h"), LS_S("/h?"), none), LS_ERR_DENIED);
	assert_int_equal(verify_at(LS_S("https://leads.example.com/h"),
				 LS_S("https://leads.example.com/h"), none),
		LS_ERR_DENIED);
	assert_int_equal(
		verify_at(LS_S("https://leads.example.com"), LS_S(""), none), LS_ERR_DENIED);
}

static void
escapes(void **state)
{
	(void)state;
	const struct ls_slice none = { 0 };
	/* all twelve, in both cases, signed decoded */
	assert_int_equal(verify_at(LS_S("https://leads.example.com/h?q=:/?@!$'()*,;"),
				 LS_S("/h?q=%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B"), none),
		LS_OK);
	assert_int_equal(verify_at(LS_S("https://leads.example.com/h?q=:/?*,;"),
				 LS_S("/h?q=%3a%2f%3f%2a%2c%3b"), none),
		LS_OK);
	/* signed as sent */
	assert_int_equal(
		verify_at(LS_S("https://leads.example.com/h?q=%3A"), LS_S("/h?q=%3A"), none),
		LS_OK);
	/* these are never decoded */
	assert_int_equal(verify_at(LS_S("https://leads.example.com/h?q= "), LS_S("/h?q=%20"), none),
		LS_ERR_DENIED);
	assert_int_equal(verify_at(LS_S("https://leads.example.com/h?q=&"), LS_S("/h?q=%26"), none),
		LS_ERR_DENIED);
	assert_int_equal(verify_at(LS_S("https://leads.example.com/h?q=="), LS_S("/h?q=%3D"), none),
		LS_ERR_DENIED);
	assert_int_equal(
		verify_at(LS_S("https://leads.example.com/h?q=%3A"), LS_S("/h?q=%253A"), none),
		LS_ERR_DENIED);
	/* decoded once, and escapes that are cut off stay */
	assert_int_equal(
		verify_at(LS_S("https://leads.example.com/h?q=:%2"), LS_S("/h?q=%3A%2"), none),
		LS_OK);
	assert_int_equal(
		verify_at(LS_S("https://leads.example.com/h?q=:%"), LS_S("/h?q=%3A%"), none),
		LS_OK);
}

static void
timestamps(void **state)
{
	(void)state;
	static const struct {
		int64_t off;
		int err;
	} windows[] = { { 0, LS_OK }, { 300000, LS_OK }, { -300000, LS_OK },
		{ 300001, LS_ERR_DENIED }, { -300001, LS_ERR_DENIED },
		{ 86400000, LS_ERR_DENIED } };
	const struct ls_slice texts[] = { LS_S("1793611205"), LS_S("01793611205000"),
		LS_S("+793611205000"), LS_S(" 793611205000"), LS_S("1793611205.00"), LS_S(""),
		LS_S("17936112050000"), LS_S("0x93611205000") };
	struct request r;
	char signature[45], again[45];
	const struct ls_slice uri = LS_S("https://leads.example.com/h");
	signed_request(&r, uri, LS_S("/h"), signature);
	for (size_t i = 0; i < LS_ARRAY_LEN(windows); i++) {
		r.request.now_ms = TIMESTAMP + windows[i].off;
		assert_int_equal(verify(&r), windows[i].err);
	}
	r.request.now_ms = TIMESTAMP;
	/* a good signature over a stamp of another form does not help */
	for (size_t i = 0; i < LS_ARRAY_LEN(texts); i++) {
		ls_hubspot_sign_v3(
			r.config.hubspot_hmac, LS_S("POST"), uri, LS_S("[]"), texts[i], again);
		r.headers.timestamp = texts[i];
		r.headers.v3 = ls_slice_str(again);
		assert_int_equal(verify(&r), LS_ERR_DENIED);
	}
	r.headers.timestamp = ls_slice(NULL, 0);
	assert_int_equal(verify(&r), LS_ERR_DENIED);
	done(&r);
}

/* One request with a good v3 and a good v1 signature. */
static void
versions(void **state)
{
	(void)state;
	struct request r;
	char signature[45], hex[65];
	uint8_t digest[LS_SHA256_LEN];
	const struct ls_slice parts[] = { SECRET, LS_S("[]") };
	const struct ls_slice none = { 0 };
	signed_request(&r, LS_S("https://leads.example.com/h"), LS_S("/h"), signature);
	ls_sha256(parts, 2, digest);
	ls_hex_encode(digest, sizeof digest, hex);
	r.headers.old = ls_slice_str(hex);
	r.headers.version = LS_S("v1");
	const struct request good = r;

	assert_int_equal(verify(&r), LS_OK);
	r.headers.v3 = none; /* v1 alone is not allowed */
	assert_int_equal(verify(&r), LS_ERR_DENIED);
	r.config.hubspot_signatures = 1u << 3 | 1u << 1;
	assert_int_equal(verify(&r), LS_OK);
	/* but a bad v3 is not made good by it */
	r.headers.v3 = LS_S("qrZupi97GHuoj76qAh3BwbjTmxw4gNToH80e6049JVc=");
	assert_int_equal(verify(&r), LS_ERR_DENIED);
	r.headers.v3 = LS_S("");
	assert_int_equal(verify(&r), LS_ERR_DENIED);
	r.headers.v3 = good.headers.v3;
	r.headers.timestamp = none;
	assert_int_equal(verify(&r), LS_ERR_DENIED);
	/* where v3 is not allowed, its header says nothing */
	r.config.hubspot_signatures = 1u << 1;
	assert_int_equal(verify(&r), LS_OK);
	r.config.hubspot_signatures = 1u << 2;
	assert_int_equal(verify(&r), LS_ERR_DENIED);
	r.config.hubspot_signatures = 1u << 1;
	r.headers.version = none;
	assert_int_equal(verify(&r), LS_ERR_DENIED);
	r.headers.version = LS_S("v3");
	assert_int_equal(verify(&r), LS_ERR_DENIED);
	r.headers.version = LS_S("v1");
	r.headers.old = none;
	assert_int_equal(verify(&r), LS_ERR_DENIED);

	/* "post" is signed as POST */
	r = good;
	r.request.method = LS_S("post");
	assert_int_equal(verify(&r), LS_OK);
	done(&r);
}

static void
not_configured(void **state)
{
	(void)state;
	struct request r;
	char signature[45];
	signed_request(&r, LS_S("https://leads.example.com/h"), LS_S("/h"), signature);
	struct request bare = r;
	bare.config.hubspot_hmac = NULL;
	bare.config.hubspot_secret = LS_S("");
	assert_int_equal(verify(&bare), LS_ERR_UNSUPPORTED);
	bare.config.hubspot_signatures = 1u << 1;
	assert_int_equal(verify(&bare), LS_ERR_UNSUPPORTED);
	bare = r;
	bare.config.hubspot_signatures = 0;
	assert_int_equal(verify(&bare), LS_ERR_UNSUPPORTED);
	done(&r);
}

static void
long_target(void **state)
{
	struct fixture *f = *state;
	struct request r;
	char signature[45];
	char *target = ls_arena_alloc(&f->arena, 20000);
	memset(target, '%', 20000);
	target[0] = '/';
	signed_request(&r, LS_S("https://leads.example.com/h"), ls_slice(target, 20000), signature);
	assert_int_equal(verify(&r), LS_ERR_DENIED);
	r.request.target.len = 8192 - r.config.public_url.len;
	assert_int_equal(verify(&r), LS_ERR_DENIED);
	r.request.method = LS_S("AVERYLONGMETHODINDEED");
	assert_int_equal(verify(&r), LS_ERR_DENIED);
	done(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(vectors_verify, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(vectors_sign, fixture_setup, fixture_teardown),
		cmocka_unit_test(uri_is_public_url_and_target),
		cmocka_unit_test(escapes),
		cmocka_unit_test(timestamps),
		cmocka_unit_test(versions),
		cmocka_unit_test(not_configured),
		cmocka_unit_test_setup_teardown(long_target, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests_name("hubspot_sign", tests, NULL, NULL);
}
