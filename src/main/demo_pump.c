// SPDX-License-Identifier: MIT
/* A few slots, each with one request on its way or waiting to be sent again. History as fast as
 * the answers come, then life as time goes by. */

#include "main/demo_pump.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/logger.h"
#include "io/http_client.h"

#define LS_MAGIC_demo_slot 0x44534c54u
#define LS_MAGIC_demo_pump 0x44504d50u
#define SLOTS              8u
#define BODY_MAX           ((size_t)1 << 20)
#define URL_MAX            320u
#define LOOK_MS            200
#define DEADLINE_MS        10000
#define AGAIN_FIRST_MS     50
#define AGAIN_LAST_MS      2000

struct ls_demo_slot {
	uint32_t magic;
	struct ls_demo_pump *pump;
	struct ls_demo_slot *next; /* of the idle ones */
	struct ls_timer *again;
	struct ls_buf body;
	size_t events;
	unsigned attempts;
	bool hubspot;
};

struct ls_demo_pump {
	uint32_t magic;
	struct ls_demo_pump_options options;
	struct ls_http_client *client;
	struct ls_timer *look;
	struct ls_demo_slot slots[SLOTS], *idle;
	size_t busy;
	bool live, ending;
	int64_t lag_ms; /* life begins when history is there: that much later than planned */
	struct ls_demo_pump_stats stats;
};

static void fire(struct ls_demo_slot *slot);

static int64_t
start_ms(const struct ls_demo_pump *p)
{
	return ls_demo_traffic_start_ms(p->options.traffic);
}

static void
go_live(struct ls_demo_pump *p)
{
	p->live = true;
	p->lag_ms = LS_MAX(ls_clock_now_ms() - start_ms(p), 0);
	p->options.seeded(p->options.ctx);
}

/* the clock may be set back while we run: then nothing happens for a while */
static int
next_batch(struct ls_demo_pump *p, struct ls_demo_batch *batch)
{
	struct ls_demo_traffic *traffic = p->options.traffic;
	return p->live ? ls_demo_traffic_live(traffic, ls_clock_now_ms() - p->lag_ms, batch)
		       : ls_demo_traffic_history(traffic, batch);
}

static void
launch(struct ls_demo_pump *p, const struct ls_demo_batch *batch)
{
	struct ls_demo_slot *slot = p->idle;
	ls_buf_reset(&slot->body);
	if (ls_buf_add_slice(&slot->body, batch->body) != LS_OK) {
		p->stats.refused++;
		return;
	}
	p->idle = slot->next;
	p->busy++;
	slot->events = batch->events;
	slot->hubspot = batch->hubspot;
	slot->attempts = 0;
	fire(slot);
}

static void
pump(struct ls_demo_pump *p)
{
	struct ls_demo_batch batch;
	int err = LS_OK;
	while (!p->ending && p->idle != NULL && (err = next_batch(p, &batch)) == LS_OK)
		launch(p, &batch);
	if (err != LS_OK && err != LS_ERR_NOT_FOUND)
		ls_error("demo", "no more traffic reason=\"%s\"", ls_strerror(err));
	else if (err == LS_ERR_NOT_FOUND && !p->live && p->busy == 0)
		go_live(p);
}

static void
on_look(void *ctx)
{
	struct ls_demo_pump *p = LS_CAST(demo_pump, ctx);
	pump(p);
	ls_timer_set(p->look, LOOK_MS);
}

static void
release(struct ls_demo_slot *slot)
{
	struct ls_demo_pump *p = slot->pump;
	slot->next = p->idle;
	p->idle = slot;
	p->busy--;
	if (!p->ending && !p->live)
		pump(p);
}

static bool
may_retry(const struct ls_http_client_response *r)
{
	if (r->err != LS_OK)
		return r->err == LS_ERR_IO || r->err == LS_ERR_TIMEOUT;
	return r->status == 408 || r->status == 429 || r->status == 503;
}

static void
on_answer(void *ctx, const struct ls_http_client_response *r)
{
	struct ls_demo_slot *slot = LS_CAST(demo_slot, ctx);
	struct ls_demo_pump *p = slot->pump;
	if (r->err == LS_OK && r->status / 100 == 2) {
		p->stats.requests++;
		p->stats.events += slot->events;
	} else if (!p->ending && may_retry(r)) {
		int64_t delay_ms = AGAIN_FIRST_MS << LS_MIN(slot->attempts, 8u);
		p->stats.retried++;
		slot->attempts++;
		ls_timer_set(slot->again, LS_MIN(delay_ms, (int64_t)AGAIN_LAST_MS));
		return;
	} else if (!p->ending) {
		p->stats.refused++;
		ls_error(
			"demo", "own traffic refused status=%d reason=\"%s\"", r->status, r->error);
	}
	release(slot);
}

static void
on_again(void *ctx)
{
	fire(LS_CAST(demo_slot, ctx));
}

/* signed anew for each attempt: a signature is good for five minutes */
static void
fire(struct ls_demo_slot *slot)
{
	static const struct ls_http_header json = { LS_S_INIT("Content-Type"),
		LS_S_INIT("application/json") };
	struct ls_demo_pump *p = slot->pump;
	struct ls_forge_signed sign = { .headers = { json }, .count = 1 };
	char url[URL_MAX];
	(void)snprintf(url, sizeof url, "%s%s", p->options.url,
		slot->hubspot ? "/webhooks/hubspot" : "/api/events");
	if (slot->hubspot)
		ls_forge_sign(
			&p->options.signer, ls_buf_slice(&slot->body), ls_clock_now_ms(), &sign);
	const struct ls_http_client_request request = { .method = "POST",
		.url = ls_slice_str(url),
		.headers = sign.headers,
		.header_count = sign.count,
		.body = ls_buf_slice(&slot->body),
		.deadline_ms = DEADLINE_MS,
		.max_response = 65536,
		.unix_socket = p->options.unix_socket,
		.allow_http = true };
	int err = ls_http_client_send(p->client, &request, on_answer, slot);
	if (err == LS_OK)
		return;
	p->stats.refused++;
	ls_error("demo", "own traffic cannot be sent reason=\"%s\"", ls_strerror(err));
	/* not released: what cannot be sent once will not be the next time */
}

struct ls_demo_pump *
ls_demo_pump_new(struct ls_loop *loop, const struct ls_demo_pump_options *options)
{
	const struct ls_http_client_options client = { .max_connections = SLOTS,
		.max_host_connections = SLOTS,
		.max_pending = SLOTS,
		.user_agent = "leadscore demo" };
	struct ls_demo_pump *p = calloc(1, sizeof *p);
	if (p == NULL)
		return NULL;
	p->magic = LS_MAGIC_demo_pump;
	p->options = *options;
	p->client = ls_http_client_new(loop, &client);
	p->look = ls_timer_new(loop, on_look, p);
	bool complete = p->client != NULL && p->look != NULL;
	for (size_t i = 0; i < SLOTS; i++) {
		struct ls_demo_slot *slot = &p->slots[i];
		*slot = (struct ls_demo_slot){
			.magic = LS_MAGIC_demo_slot, .pump = p, .next = p->idle
		};
		ls_buf_init(&slot->body, BODY_MAX);
		slot->again = ls_timer_new(loop, on_again, slot);
		complete &= slot->again != NULL;
		p->idle = slot;
	}
	if (!complete)
		return ls_demo_pump_free(p);
	ls_timer_set(p->look, 1);
	return p;
}

struct ls_demo_pump *
ls_demo_pump_free(struct ls_demo_pump *pump)
{
	if (pump == NULL)
		return NULL;
	pump->ending = true;
	pump->client = ls_http_client_free(pump->client);
	pump->look = ls_timer_free(pump->look);
	for (size_t i = 0; i < SLOTS; i++) {
		pump->slots[i].again = ls_timer_free(pump->slots[i].again);
		ls_buf_fini(&pump->slots[i].body);
	}
	free(pump);
	return NULL;
}

const struct ls_demo_pump_stats *
ls_demo_pump_stats(const struct ls_demo_pump *pump)
{
	return &pump->stats;
}
