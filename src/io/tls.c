// SPDX-License-Identifier: MIT
/* The only file that sees OpenSSL's ssl.h. A connection is an SSL on the socket itself: OpenSSL
 * reads and writes the descriptor, which is non-blocking. */

#include "io/tls.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

struct ls_tls {
	SSL_CTX *ctx;
	char *cert_path, *key_path;
};

struct ls_tls_conn {
	SSL *ssl;
	int wants;  /* SSL_ERROR_WANT_... of the last call */
	bool ended; /* the end or a failure was met behind bytes that were still to be delivered */
};

/* the oldest error says what went wrong, later ones where it was passed on */
static void
explain(char *err, size_t size, const char *what)
{
	unsigned long code = ERR_get_error();
	const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
	(void)snprintf(err, size, "%s: %s", what, reason != NULL ? reason : "unknown error");
	ERR_clear_error();
}

/* RFC 7301: a client that offers protocols without HTTP/1.1 is turned away in the handshake */
static int
choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
	const unsigned char *in, unsigned in_len, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";
	(void)ssl;
	(void)arg;
	for (unsigned i = 0; i < in_len; i += 1u + in[i]) {
		if (in_len - i > in[i] && in[i] == 8 && memcmp(in + i, ours, 9) == 0) {
			*out = ours + 1;
			*out_len = 8;
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void
configure(SSL_CTX *ctx)
{
	/* renegotiation is a way to make a server work; a missing close_notify is common and
	 * harmless where messages have lengths */
	(void)SSL_CTX_set_options(ctx,
		SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF |
			SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
					    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					    SSL_MODE_RELEASE_BUFFERS);
	/* one read(2) for header and content of a record */
	SSL_CTX_set_read_ahead(ctx, 1);
	/* tickets resume sessions; a cache here would only hold memory */
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	static const unsigned char context[] = "leadscore";
	(void)SSL_CTX_set_session_id_context(ctx, context, sizeof context - 1);
	SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
}

static SSL_CTX *
load(const char *cert_path, const char *key_path, char *err, size_t err_size)
{
	ERR_clear_error();
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	const char *what = NULL;
	if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1)
		what = "TLS";
	else if (SSL_CTX_use_certificate_chain_file(ctx, cert_path) != 1)
		what = cert_path;
	else if (SSL_CTX_use_PrivateKey_file(ctx, key_path, SSL_FILETYPE_PEM) != 1)
		what = key_path;
	else if (SSL_CTX_check_private_key(ctx) != 1)
		what = "certificate and key";
	if (what != NULL) {
		explain(err, err_size, what);
		SSL_CTX_free(ctx);
		return NULL;
	}
	configure(ctx);
	return ctx;
}

struct ls_tls *
ls_tls_new(const char *cert_path, const char *key_path, char *err, size_t err_size)
{
	struct ls_tls *tls = calloc(1, sizeof *tls);
	if (tls != NULL) {
		tls->cert_path = strdup(cert_path);
		tls->key_path = strdup(key_path);
	}
	if (tls == NULL || tls->cert_path == NULL || tls->key_path == NULL) {
		(void)snprintf(err, err_size, "%s", ls_strerror(LS_ERR_NOMEM));
		return ls_tls_free(tls);
	}
	tls->ctx = load(cert_path, key_path, err, err_size);
	return tls->ctx != NULL ? tls : ls_tls_free(tls);
}

struct ls_tls *
ls_tls_free(struct ls_tls *tls)
{
	if (tls == NULL)
		return NULL;
	SSL_CTX_free(tls->ctx);
	free(tls->cert_path);
	free(tls->key_path);
	free(tls);
	return NULL;
}

int
ls_tls_reload(struct ls_tls *tls, char *err, size_t err_size)
{
	SSL_CTX *ctx = load(tls->cert_path, tls->key_path, err, err_size);
	if (ctx == NULL)
		return LS_ERR_INVALID;
	SSL_CTX_free(tls->ctx);
	tls->ctx = ctx;
	return LS_OK;
}

struct ls_tls_conn *
ls_tls_accept(struct ls_tls *tls, int fd)
{
	struct ls_tls_conn *conn = calloc(1, sizeof *conn);
	if (conn == NULL)
		return NULL;
	conn->ssl = SSL_new(tls->ctx);
	if (conn->ssl == NULL || SSL_set_fd(conn->ssl, fd) != 1) {
		ERR_clear_error();
		return ls_tls_conn_free(conn);
	}
	SSL_set_accept_state(conn->ssl);
	return conn;
}

struct ls_tls_conn *
ls_tls_conn_free(struct ls_tls_conn *conn)
{
	if (conn != NULL)
		SSL_free(conn->ssl);
	free(conn);
	return NULL;
}

/* the result of a call that gave `n`, which was not above zero */
static int
failure(struct ls_tls_conn *conn, int n)
{
	conn->wants = SSL_get_error(conn->ssl, n);
	ERR_clear_error();
	if (conn->wants == SSL_ERROR_WANT_READ || conn->wants == SSL_ERROR_WANT_WRITE)
		return LS_IO_AGAIN;
	return conn->wants == SSL_ERROR_ZERO_RETURN ? 0 : LS_IO_FAILED;
}

int
ls_tls_handshake(struct ls_tls_conn *conn)
{
	ERR_clear_error();
	int n = SSL_accept(conn->ssl);
	if (n == 1)
		return 1;
	return failure(conn, n) == LS_IO_AGAIN ? LS_IO_AGAIN : LS_IO_FAILED;
}

ssize_t
ls_tls_read(struct ls_tls_conn *conn, char *to, size_t size)
{
	size_t total = 0;
	ERR_clear_error();
	while (total < size) {
		int n = SSL_read(conn->ssl, to + total, (int)LS_MIN(size - total, (size_t)INT_MAX));
		if (n <= 0) {
			int result = failure(conn, n);
			conn->ended = result != LS_IO_AGAIN;
			return total > 0 ? (ssize_t)total : result;
		}
		total += (size_t)n;
	}
	return (ssize_t)total;
}

ssize_t
ls_tls_write(struct ls_tls_conn *conn, const char *from, size_t len)
{
	ERR_clear_error();
	int n = SSL_write(conn->ssl, from, (int)LS_MIN(len, (size_t)INT_MAX));
	if (n > 0)
		return n;
	return failure(conn, n) == LS_IO_AGAIN ? LS_IO_AGAIN : LS_IO_FAILED;
}

bool
ls_tls_wants_write(const struct ls_tls_conn *conn)
{
	return conn->wants == SSL_ERROR_WANT_WRITE;
}

bool
ls_tls_pending(const struct ls_tls_conn *conn)
{
	return conn->ended || SSL_has_pending(conn->ssl) == 1;
}

void
ls_tls_shutdown(struct ls_tls_conn *conn)
{
	ERR_clear_error();
	(void)SSL_shutdown(conn->ssl);
	ERR_clear_error();
}
