/* SPDX-License-Identifier: MIT */
/* Writes what happens in the demo as HubSpot webhook changes and as native events, and cuts both
 * into request bodies. Pure. */
#ifndef LS_MAIN_DEMO_WRITE_H
#define LS_MAIN_DEMO_WRITE_H

#include "base/buf.h"
#include "leadscore/kind.h"

#define LS_DEMO_PORTAL        4020610u
#define LS_DEMO_HUBSPOT_BATCH 100u /* HubSpot sends no more */
#define LS_DEMO_NATIVE_BATCH  200u
#define LS_DEMO_PIECES        4096u

/** Events waiting to be cut into bodies, in order. */
struct ls_demo_stream {
	struct ls_buf text;
	size_t *ends; /* of each event in `text`, LS_DEMO_PIECES at most */
	size_t count;
};

struct ls_demo_writer {
	struct ls_demo_stream hubspot, native;
	struct ls_buf body;
	uint64_t next_id; /* of events, both sorts */
	int err;
};

/** LS_ERR_NOMEM; fini in any case. */
int ls_demo_writer_init(struct ls_demo_writer *w) LS_MUST_CHECK;
void ls_demo_writer_fini(struct ls_demo_writer *w);

/* ---- HubSpot; `type` is "contact", "company", "deal" */
struct ls_demo_record {
	const char *type;
	uint64_t id;
};
void ls_demo_created(struct ls_demo_writer *w, struct ls_demo_record record, int64_t time_ms);
void ls_demo_property(struct ls_demo_writer *w, struct ls_demo_record record, const char *name,
	const char *value, int64_t time_ms);
void ls_demo_associated(struct ls_demo_writer *w, struct ls_demo_record from,
	struct ls_demo_record to, int64_t time_ms);
/** A call ("0-48"), meeting, note or task with a contact: made, described, associated. */
struct ls_demo_engagement {
	const char *type_id, *property, *value;
	uint64_t id, contact;
};
void ls_demo_engaged(
	struct ls_demo_writer *w, const struct ls_demo_engagement *engagement, int64_t time_ms);

/* ---- native */
struct ls_demo_event {
	enum ls_kind kind;
	const char *email;
	uint64_t visitor;             /* 0: unknown */
	const char *message;          /* may be NULL */
	const char *detail, *content; /* name and text of a detail; may be NULL */
	bool machine;
	int64_t time_ms;
};
void ls_demo_event(struct ls_demo_writer *w, const struct ls_demo_event *event);

/* ---- bodies */
/** Valid until the next call. */
struct ls_demo_batch {
	bool hubspot; /* else native */
	struct ls_slice body;
	size_t events;
};
/** Up to a batch of the stream that has more. LS_ERR_NOT_FOUND: nothing waits. LS_ERR_NOMEM. */
int ls_demo_cut(struct ls_demo_writer *w, struct ls_demo_batch *out) LS_MUST_CHECK;

#endif
