// SPDX-License-Identifier: MIT
/*
 * Webhooks and native events: verify, append the raw request to the log, answer once it is durable.
 * Decoding before the append only where a faulty request is to be refused as a whole.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json_write.h"
#include "base/logger.h"
#include "service/pending.h"
#include "service/problem.h"

#define IDLE_MAX    256u
#define KEEP_BYTES  (64u << 10)
#define ARENA_MAX   (256u << 20)
#define RETRY_AFTER "2"

static const struct ls_http_header retry_header[] = { { LS_S_INIT("Retry-After"),
	LS_S_INIT(RETRY_AFTER) } };

size_t
ls_source_index(const struct ls_source *source)
{
	for (size_t i = 0; i < ls_source_count(); i++) {
		if (ls_source_at(i) == source)
			return i;
	}
	ls_assert(false);
	return 0;
}

struct ls_pending *
ls_pending_take(struct ls_service *service)
{
	struct ls_pending *pending = service->idle;
	if (pending != NULL) {
		service->idle = pending->next;
		service->idle_count--;
	} else {
		pending = calloc(1, sizeof *pending);
		if (pending == NULL)
			return NULL;
		ls_arena_init(&pending->arena, ARENA_MAX);
	}
	struct ls_arena arena = pending->arena;
	*pending = (struct ls_pending){ .service = service, .arena = arena };
	return pending;
}

void
ls_pending_give_back(struct ls_pending *pending)
{
	struct ls_service *service = pending->service;
	bool large = pending->arena.used > KEEP_BYTES;
	if (large)
		ls_arena_fini(&pending->arena);
	else
		ls_arena_reset(&pending->arena);
	if (large || service->idle_count >= IDLE_MAX) {
		ls_arena_fini(&pending->arena);
		free(pending);
		return;
	}
	pending->next = service->idle;
	service->idle = pending;
	service->idle_count++;
}

void
ls_ingest_fini(struct ls_service *service)
{
	while (service->idle != NULL) {
		struct ls_pending *pending = service->idle;
		service->idle = pending->next;
		ls_arena_fini(&pending->arena);
		free(pending);
	}
	service->idle_count = 0;
}

void
ls_pending_decode(struct ls_pending *pending)
{
	struct ls_service *service = pending->service;
	if (pending->is_decoded)
		return;
	pending->is_decoded = true;
	int err = pending->source->decode(
		&service->tenant.sources, &pending->entry, &pending->arena, &pending->decoded);
	if (err == LS_OK)
		return;
	service->sources[ls_source_index(pending->source)].quarantined++;
	struct ls_slice where = LS_S(""), what = LS_S("out of memory");
	if (pending->decoded.fault_count > 0) {
		where = pending->decoded.faults[0].pointer;
		what = pending->decoded.faults[0].what;
	}
	ls_warn(pending->source->name,
		"entry kept but not understood id=%" PRIu64 " faults=%zu at=\"%.*s\" what=\"%.*s\"",
		pending->entry_id, pending->decoded.fault_count + pending->decoded.more_faults,
		LS_FMT(where), LS_FMT(what));
}

static void
refuse(struct ls_service *service, uint64_t http_id, int status, const char *detail)
{
	struct ls_arena arena;
	struct ls_http_response response = { 0 };
	ls_arena_init(&arena, 1u << 16);
	ls_problem(&arena, status, detail, &response);
	if (status == 503) {
		response.headers = retry_header;
		response.header_count = 1;
	}
	(void)ls_http_reply(service->http, http_id, &response);
	ls_arena_fini(&arena);
}

void
ls_pending_answer(struct ls_pending *pending)
{
	struct ls_http_response response = { .status = 204 };
	char body[64];
	if (pending->http_id == 0)
		return;
	if (pending->source->strict) {
		int n = snprintf(body, sizeof body, "{\"accepted\":%zu}", pending->decoded.count);
		response = (struct ls_http_response){ .status = 202,
			.content_type = "application/json",
			.body = ls_slice(body, (size_t)n) };
	}
	(void)ls_http_reply(pending->service->http, pending->http_id, &response);
	pending->http_id = 0;
}

static void
on_appended(void *ctx, int err, uint64_t id)
{
	struct ls_pending *pending = ctx;
	struct ls_service *service = pending->service;
	if (err != LS_OK) {
		service->sources[ls_source_index(pending->source)].refused++;
		refuse(service, pending->http_id, 503,
			"The event log cannot be written at the moment; send it again later");
		ls_pending_give_back(pending);
		return;
	}
	pending->entry_id = id;
	pending->durable_ns = ls_loop_mono_ns(service->loop);
	ls_hist_add(&service->stats.append, pending->durable_ns - pending->appended_ns);
	ls_apply_acked(service, pending);
}

/* takes over `pending`, whose entry is complete */
static void
append(struct ls_pending *pending)
{
	struct ls_service *service = pending->service;
	const struct ls_log_entry entry = {
		.tenant = service->tenant.slug,
		.source = ls_slice_str(pending->source->name),
		.received_ms = pending->entry.received_ms,
		.body = pending->entry.body,
	};
	pending->appended_ns = ls_loop_mono_ns(service->loop);
	int err = service->stopping ? LS_ERR_CLOSED
				    : ls_log_append(service->log, &entry, on_appended, pending);
	if (err == LS_OK)
		return;
	service->sources[ls_source_index(pending->source)].refused++;
	refuse(service, pending->http_id, 503,
		"Too much is waiting to be written; send it again later");
	ls_pending_give_back(pending);
}

static struct ls_pending *
begin(struct ls_service *service, struct ls_http_request *req, const struct ls_source *source)
{
	struct ls_pending *pending = ls_pending_take(service);
	if (pending == NULL) {
		refuse(service, req->id, 503, "Out of memory");
		return NULL;
	}
	pending->source = source;
	pending->http_id = req->id;
	pending->entry.received_ms = ls_loop_now_ms(service->loop);
	pending->entry.body = ls_arena_copy(&pending->arena, req->body);
	if (pending->entry.body.data == NULL) {
		refuse(service, req->id, 503, "Out of memory");
		ls_pending_give_back(pending);
		return NULL;
	}
	service->sources[ls_source_index(source)].requests++;
	return pending;
}

static struct ls_slice
get_header(const void *ctx, const char *name)
{
	return ls_http_header(ctx, name);
}

void
ls_ingest_hubspot(struct ls_service *service, struct ls_http_request *req, struct ls_slice param)
{
	(void)param;
	const struct ls_source *source = ls_source_find(LS_S("hubspot"));
	const struct ls_source_request request = {
		.method = req->method,
		.target = req->target,
		.body = req->body,
		.header = get_header,
		.header_ctx = req,
		.now_ms = ls_loop_now_ms(service->loop),
	};
	const char *why = "";
	int err = source->verify(&service->tenant.sources, &request, &why);
	if (err == LS_OK) {
		struct ls_pending *pending = begin(service, req, source);
		if (pending != NULL)
			append(pending);
		return;
	}
	service->sources[ls_source_index(source)].refused++;
	if (err == LS_ERR_UNSUPPORTED) {
		ls_error("hubspot", "webhook refused: HUBSPOT_CLIENT_SECRET is not set, so no "
				    "signature can be checked");
		refuse(service, req->id, 503,
			"Webhooks cannot be verified: HUBSPOT_CLIENT_SECRET is not set");
		return;
	}
	ls_warn("hubspot", "webhook refused reason=\"%s\" peer=%.*s", why, LS_FMT(req->peer));
	refuse(service, req->id, 401, why);
}

void
ls_ingest_events(struct ls_service *service, struct ls_http_request *req, struct ls_slice param)
{
	(void)param;
	const struct ls_source *source = ls_source_find(LS_S("events"));
	struct ls_pending *pending = begin(service, req, source);
	if (pending == NULL)
		return;
	int err = source->decode(
		&service->tenant.sources, &pending->entry, &pending->arena, &pending->decoded);
	pending->is_decoded = err == LS_OK;
	if (err == LS_OK) {
		append(pending);
		return;
	}
	struct ls_http_response response = { 0 };
	service->sources[ls_source_index(source)].refused++;
	if (err == LS_ERR_INVALID)
		ls_problem_faults(req->arena, 400,
			"Nothing was taken: mend the errors and send all of it again",
			&pending->decoded, &response);
	else
		ls_problem(req->arena, 503, "Out of memory", &response);
	(void)ls_http_reply(service->http, req->id, &response);
	ls_pending_give_back(pending);
}
