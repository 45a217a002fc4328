/* SPDX-License-Identifier: MIT */
/* Sends a forge's batches, signed, several at a time, at a rate, and again when the receiver asks
 * for it. */
#ifndef LS_MAIN_FORGE_SEND_H
#define LS_MAIN_FORGE_SEND_H

#include "main/forge_hubspot.h"
#include "main/forge_sign.h"

struct ls_forge_send_options {
	const char *url;
	struct ls_forge_signer signer;
	int64_t rate;       /* events a second; 0: as fast as the answers come */
	size_t connections; /* requests in flight */
	bool retry;         /* until acknowledged, as HubSpot would */
	bool progress;      /* a line on standard error, rewritten four times a second */
	int ack_fd;         /* a line a request, written when it is acknowledged; -1: none */
};

#define LS_FORGE_LATENCIES 1024u

struct ls_forge_report {
	uint64_t events, requests, duplicates; /* handed to the network, each once */
	uint64_t accepted, accepted_events;    /* 2xx */
	uint64_t refused;                      /* other answers, not sent again */
	uint64_t unanswered;                   /* no answer, not sent again */
	uint64_t retried;                      /* attempts beyond the first */
	uint64_t status[600];                  /* final answers */
	bool interrupted;
	int err;         /* why it ended early: LS_ERR_IO: the ack log; others: the client's */
	char fault[256]; /* the first thing that went wrong; "" */
	int64_t duration_ns;
	int64_t latency_max_us;
	uint64_t latencies[LS_FORGE_LATENCIES]; /* for ls_forge_latency_us() */
};

/** Returns when everything is answered or given up, or at SIGINT or SIGTERM. 0; LS_ERR_NOMEM:
 * nothing was sent. */
int ls_forge_send(struct ls_forge *forge, const struct ls_forge_send_options *options,
	struct ls_forge_report *report) LS_MUST_CHECK;
/** Latency that `quantile` (0..1) of the answers did not exceed, to within 3 %. 0 without answers.
 */
int64_t ls_forge_latency_us(const struct ls_forge_report *report, double quantile);

#endif
