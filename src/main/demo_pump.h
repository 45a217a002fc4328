/* SPDX-License-Identifier: MIT */
/* Sends the demo's traffic to its own server over HTTP, as HubSpot and other systems would: signed,
 * several requests at a time, and again when the server asks for it. */
#ifndef LS_MAIN_DEMO_PUMP_H
#define LS_MAIN_DEMO_PUMP_H

#include "io/loop.h"
#include "main/demo_traffic.h"
#include "main/forge_sign.h"

struct ls_demo_pump;

struct ls_demo_pump_options {
	struct ls_demo_traffic *traffic; /* outlives the pump */
	const char *url;                 /* of the server, without a slash at the end */
	const char *unix_socket;         /* NULL: the URL's host */
	struct ls_forge_signer signer;   /* its URL is the one that HubSpot would know */
	void (*seeded)(void *ctx);       /* history is all there; life begins */
	void *ctx;
};

struct ls_demo_pump_stats {
	uint64_t requests, events; /* acknowledged */
	uint64_t retried, refused;
};

/** Begins to send. Strings are the caller's and stay. NULL when there is no memory. */
struct ls_demo_pump *ls_demo_pump_new(
	struct ls_loop *loop, const struct ls_demo_pump_options *options) LS_MUST_CHECK;
/** Drops what is under way. Not from inside `seeded`. NULL is fine. */
struct ls_demo_pump *ls_demo_pump_free(struct ls_demo_pump *pump);
const struct ls_demo_pump_stats *ls_demo_pump_stats(const struct ls_demo_pump *pump);

#endif
