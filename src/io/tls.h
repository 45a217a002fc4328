/* SPDX-License-Identifier: MIT */
/* The server side of TLS 1.2 and 1.3, without blocking, directly on a descriptor. */
#ifndef LS_IO_TLS_H
#define LS_IO_TLS_H

#include <sys/types.h>

#include "base/base.h"

struct ls_tls;      /* certificate, key and settings: one for many connections */
struct ls_tls_conn; /* one connection */

/** Results of reading and writing besides a number of bytes. 0 is the end. */
#define LS_IO_AGAIN  (-1)
#define LS_IO_FAILED (-2)

/** PEM files: certificate chain, leaf first, and key. NULL on failure, with the reason in `err`. */
struct ls_tls *ls_tls_new(
	const char *cert_path, const char *key_path, char *err, size_t err_size) LS_MUST_CHECK;
struct ls_tls *ls_tls_free(struct ls_tls *tls);
/** Reads the files again, for connections from now on. On failure the old ones stay in use. */
int ls_tls_reload(struct ls_tls *tls, char *err, size_t err_size) LS_MUST_CHECK;

/** The descriptor stays the caller's. `tls` may be freed before the connection. */
struct ls_tls_conn *ls_tls_accept(struct ls_tls *tls, int fd) LS_MUST_CHECK;
struct ls_tls_conn *ls_tls_conn_free(struct ls_tls_conn *conn);
/** 1 when done, LS_IO_AGAIN, LS_IO_FAILED. */
int ls_tls_handshake(struct ls_tls_conn *conn) LS_MUST_CHECK;
/** Bytes, 0 at the end, LS_IO_AGAIN, LS_IO_FAILED. Reads until `size` or nothing more is there. */
ssize_t ls_tls_read(struct ls_tls_conn *conn, char *to, size_t size) LS_MUST_CHECK;
/** Bytes, LS_IO_AGAIN, LS_IO_FAILED. After LS_IO_AGAIN the same bytes must come first. */
ssize_t ls_tls_write(struct ls_tls_conn *conn, const char *from, size_t len) LS_MUST_CHECK;
/** After LS_IO_AGAIN: it is for room to write that the connection waits, not for bytes to read. */
bool ls_tls_wants_write(const struct ls_tls_conn *conn);
/** Bytes are waiting inside that the descriptor will not announce. */
bool ls_tls_pending(const struct ls_tls_conn *conn);
/** Says goodbye, once, without waiting for an answer. */
void ls_tls_shutdown(struct ls_tls_conn *conn);

#endif
