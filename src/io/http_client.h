/* SPDX-License-Identifier: MIT */
/* Every outgoing HTTP request of LeadScore: deadlines, size caps, TLS checks and the guard against
 * requests into our own network. libcurl's multi interface on the loop behind it. */
#ifndef LS_IO_HTTP_CLIENT_H
#define LS_IO_HTTP_CLIENT_H

#include "io/http_server.h"

struct ls_http_client;
struct sockaddr;

/** All have defaults (0 or NULL means default). Strings are copied. */
struct ls_http_client_options {
	size_t max_connections;      /* 64; further requests wait, within their deadline */
	size_t max_host_connections; /* 16 to one host and port */
	size_t max_pending;          /* 10,000 requests accepted and not completed */
	int64_t connect_ms;          /* 5,000: name, TCP and TLS together */
	const char *user_agent;      /* "leadscore" */
	const char *proxy;   /* none; the environment's proxy variables are never looked at */
	const char *ca_file; /* the system's authorities */
	bool any_http;       /* allow_http reaches any host: for test tools only */
};

/** Everything is copied before ls_http_client_send() returns. */
struct ls_http_client_request {
	const char *method;  /* "GET", "POST", ... */
	struct ls_slice url; /* https://..., percent-encoded; at most 8 KiB */
	const struct ls_http_header *headers;
	size_t header_count;
	struct ls_slice body;    /* sent when not empty, and always with POST, PUT and PATCH */
	int64_t deadline_ms;     /* from now to the last byte of the answer; 0: 10,000 */
	size_t max_response;     /* bytes of body, decompressed; 0: 1 MiB */
	const char *unix_socket; /* connect here instead of to the URL's host; counts as loopback */
	bool allow_http;         /* plain http as well, but only to a loopback address */
	/* for URLs that users supply: only public addresses, checked on the address that is
	 * connected to; no proxy, no plain http */
	bool public_only;
};

/** Lives as long as the callback. */
struct ls_http_client_response {
	/**
	 * LS_OK: a complete answer, whatever its status. LS_ERR_TIMEOUT; LS_ERR_CLOSED (the client
	 * is being freed); LS_ERR_LIMIT (answer larger than max_response); LS_ERR_DENIED (address
	 * not allowed); LS_ERR_INVALID (URL not understood); LS_ERR_IO: name, connection, TLS or
	 * protocol failed.
	 */
	int err;
	int status;                   /* 0 unless LS_OK */
	struct ls_slice content_type; /* may be empty */
	struct ls_slice body;
	int64_t retry_after_s; /* from Retry-After, seconds or date; -1: none */
	bool never_sent;       /* surely nothing of the request has left: it may be repeated */
	const char *error;     /* words for the log, "" when LS_OK */
	int64_t connect_us, first_byte_us, total_us;
	void *handle; /* for ls_http_client_header() */
};

typedef void (*ls_http_client_fn)(void *ctx, const struct ls_http_client_response *response);

struct ls_http_client_stats {
	uint64_t requests, answers[6] /* by first digit of the status */, failed, timeouts, denied,
		too_large, refused /* max_pending */;
	uint64_t pending;
};

/** `options` may be NULL. NULL when there is no memory. */
struct ls_http_client *ls_http_client_new(
	struct ls_loop *loop, const struct ls_http_client_options *options) LS_MUST_CHECK;
/** Completes everything under way with LS_ERR_CLOSED, from inside this call. Not inside a `done`
 * callback. NULL is fine. */
struct ls_http_client *ls_http_client_free(struct ls_http_client *client);

/**
 * 0: `done` runs exactly once, later, from the loop. LS_ERR_INVALID: method, URL or a header is
 * malformed, or the scheme is not allowed; LS_ERR_LIMIT: max_pending; LS_ERR_CLOSED: being freed;
 * LS_ERR_NOMEM. Redirects are answers like any other. May be called from `done`.
 */
int ls_http_client_send(struct ls_http_client *client, const struct ls_http_client_request *request,
	ls_http_client_fn done, void *ctx) LS_MUST_CHECK;

/** A header of the final answer, the first of several; data == NULL when absent. Valid as long as
 * the response. */
struct ls_slice ls_http_client_header(
	const struct ls_http_client_response *response, const char *name);
const struct ls_http_client_stats *ls_http_client_stats(const struct ls_http_client *client);

/** True for addresses of the public internet: not loopback, private, link-local, shared, multicast,
 * documentation or reserved (IANA special-purpose registries), nor an IPv6 form of one of these. */
bool ls_http_address_is_public(const struct sockaddr *address);

#endif
