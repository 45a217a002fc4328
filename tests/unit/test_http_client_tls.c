// SPDX-License-Identifier: MIT
/* http_client over TLS: who is believed, and who is not. The server is our own, with a certificate
 * made here. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "io/http_client.h"
#include "io/tls.h"

struct fixture {
	struct ls_loop *loop;
	struct ls_http_server *server;
	struct ls_tls *tls;
	struct ls_http_client *client;
	char dir[64], cert[96], key[96];
	int err;
	unsigned calls, requests;
	bool never_sent;
	char error[256];
};

static void
write_pem(const char *path, EVP_PKEY *key, X509 *cert)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	if (cert != NULL)
		assert_int_equal(PEM_write_X509(file, cert), 1);
	else
		assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
	assert_int_equal(fclose(file), 0);
}

/* self-signed, for "localhost", good from `from_s` to `to_s` seconds from now */
static void
make_certificate(struct fixture *f, long from_s, long to_s)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	assert_true(key != NULL && cert != NULL);
	X509_NAME *name = X509_get_subject_name(cert);
	assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), 1), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), from_s));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), to_s));
	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
				 (const unsigned char *)"localhost", -1, -1, 0),
		1);
	assert_int_equal(X509_set_issuer_name(cert, name), 1);
	assert_int_equal(X509_set_pubkey(cert, key), 1);
	X509_EXTENSION *alt =
		X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost");
	assert_non_null(alt);
	assert_int_equal(X509_add_ext(cert, alt, -1), 1);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	write_pem(f->cert, NULL, cert);
	write_pem(f->key, key, NULL);
	X509_EXTENSION_free(alt);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void
handle(void *ctx, struct ls_http_request *req)
{
	struct fixture *f = ctx;
	struct ls_http_response answer = { .status = 204 };
	f->requests++;
	assert_int_equal(ls_http_reply(f->server, req->id, &answer), LS_OK);
}

static void
start_server(struct fixture *f)
{
	char why[256];
	const struct ls_http_handler handler = { .handle = handle, .ctx = f };
	f->tls = ls_tls_new(f->cert, f->key, why, sizeof why);
	assert_non_null(f->tls);
	f->server = ls_http_server_new(f->loop, NULL, &handler);
	assert_non_null(f->server);
	assert_int_equal(ls_http_listen(f->server, LS_S("127.0.0.1:0"), f->tls), LS_OK);
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	(void)snprintf(f->dir, sizeof f->dir, "/tmp/test_http_client_tls.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->cert, sizeof f->cert, "%s/cert.pem", f->dir);
	(void)snprintf(f->key, sizeof f->key, "%s/key.pem", f->dir);
	f->loop = ls_loop_new();
	assert_non_null(f->loop);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;
	f->client = ls_http_client_free(f->client);
	f->server = ls_http_server_free(f->server);
	f->tls = ls_tls_free(f->tls);
	f->loop = ls_loop_free(f->loop);
	(void)unlink(f->cert);
	(void)unlink(f->key);
	(void)rmdir(f->dir);
	free(f);
	return 0;
}

static void
on_done(void *ctx, const struct ls_http_client_response *r)
{
	struct fixture *f = ctx;
	f->calls++;
	f->err = r->err;
	f->never_sent = r->never_sent;
	(void)snprintf(f->error, sizeof f->error, "%s", r->error);
	ls_loop_stop(f->loop);
}

static void
fetch(struct fixture *f, const char *ca_file, const char *host)
{
	char url[96];
	const struct ls_http_client_options options = { .ca_file = ca_file };
	f->client = ls_http_client_free(f->client);
	f->client = ls_http_client_new(f->loop, &options);
	assert_non_null(f->client);
	(void)snprintf(url, sizeof url, "https://%s:%d/", host, ls_http_port(f->server));
	struct ls_http_client_request request = { .method = "GET", .url = ls_slice_str(url) };
	f->calls = 0;
	assert_int_equal(ls_http_client_send(f->client, &request, on_done, f), LS_OK);
	ls_loop_run(f->loop);
	assert_int_equal(f->calls, 1);
}

static void
known_authorities_are_believed(void **state)
{
	struct fixture *f = *state;
	make_certificate(f, -3600, 3600);
	start_server(f);
	fetch(f, f->cert, "localhost");
	assert_string_equal(f->error, "");
	assert_int_equal(f->err, LS_OK);
	assert_int_equal(f->requests, 1);
}

static void
others_are_not(void **state)
{
	struct fixture *f = *state;
	make_certificate(f, -3600, 3600);
	start_server(f);
	fetch(f, NULL, "localhost"); /* nobody vouches for it */
	assert_int_equal(f->err, LS_ERR_IO);
	assert_true(f->never_sent);
	fetch(f, f->cert, "127.0.0.1"); /* it is for another name */
	assert_int_equal(f->err, LS_ERR_IO);
	assert_true(f->never_sent);
	assert_int_equal(f->requests, 0);
}

static void
expired_certificates_are_not(void **state)
{
	struct fixture *f = *state;
	make_certificate(f, -7200, -3600);
	start_server(f);
	fetch(f, f->cert, "localhost");
	assert_int_equal(f->err, LS_ERR_IO);
	assert_int_equal(f->requests, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(known_authorities_are_believed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(others_are_not, set_up, tear_down),
		cmocka_unit_test_setup_teardown(expired_certificates_are_not, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
