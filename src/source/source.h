/* SPDX-License-Identifier: MIT */
/* An inbound codec: is this request genuine, and which events does it hold? Pure functions; no
 * socket, no clock, no state. */
#ifndef LS_SOURCE_SOURCE_H
#define LS_SOURCE_SOURCE_H

#include "base/arena.h"
#include "source/event.h"

struct ls_hmac;

/** The secrets and rules that a tenant has configured for a source. Strings belong to the settings.
 */
struct ls_source_config {
	struct ls_slice public_url;     /* scheme and host as the sender sees them:
					   "https://leads.example.com"; may have a path in
					   front of ours; no slash behind */
	struct ls_slice hubspot_secret; /* empty: not configured */
	const struct ls_hmac
		*hubspot_hmac;         /* the secret's saved states, NULL when not configured */
	unsigned hubspot_signatures;   /* 1u << version, for versions 1, 2, 3 */
	struct ls_hash_key dedupe_key; /* fixed for the life of the data */
};

/** What verification looks at: the request as it came. */
struct ls_source_request {
	struct ls_slice method;
	struct ls_slice target; /* request target as on the wire: path and query */
	struct ls_slice body;
	/** Value of a header by its lower-case name; data == NULL when absent. */
	struct ls_slice (*header)(const void *ctx, const char *name);
	const void *header_ctx;
	int64_t now_ms;
};

/** What decoding looks at: the log entry. Same entry, same events, for ever. */
struct ls_source_entry {
	struct ls_slice body;
	int64_t received_ms;
};

/** A fault in a request, for the problem document and the log. */
struct ls_fault {
	struct ls_slice pointer; /* RFC 6901 JSON pointer to the value at fault; empty for the whole
				    document */
	struct ls_slice what;    /* one sentence, without a full stop */
	size_t offset;           /* byte offset for syntax errors, SIZE_MAX otherwise */
};

struct ls_decoded {
	struct ls_event *events;
	size_t count;
	struct ls_fault *faults; /* at most 100; then `more_faults` counts the rest */
	size_t fault_count;
	size_t more_faults;
};

/**
 * One row a source. Adding a source is one file with such a row and one word in meson.build.
 * `strict` sources refuse a request with a fault as a whole before it is logged (400); others log
 * it and quarantine at decode.
 */
struct ls_source {
	const char *name; /* "hubspot": metrics label and log field */
	const char *help;
	bool strict;
	/** 0; LS_ERR_DENIED with *why (static) when the signature is missing, wrong or too old;
	 * LS_ERR_UNSUPPORTED when nothing is configured to verify with. NULL: the route's own
	 * authentication suffices. */
	int (*verify)(const struct ls_source_config *config,
		const struct ls_source_request *request, const char **why);
	/** Decodes into the arena. 0; LS_ERR_INVALID with at least one fault (the events that are
	 * sound are still returned); LS_ERR_NOMEM. */
	int (*decode)(const struct ls_source_config *config, const struct ls_source_entry *entry,
		struct ls_arena *arena, struct ls_decoded *out);
};

/** The registry, generated from the words in meson.build. NULL when there is no such source. */
const struct ls_source *ls_source_find(struct ls_slice name);
size_t ls_source_count(void);
const struct ls_source *ls_source_at(size_t i);

#endif
