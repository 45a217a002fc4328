// SPDX-License-Identifier: MIT
/* A fixed number of slots, each with one request on its way or waiting to be sent again. Whatever
 * happens to a request frees its slot or sets its timer; nothing else keeps count. */

#include "main/forge_send.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/http_client.h"

#define LS_MAGIC_forge_slot 0x46534c54u
#define DEADLINE_MS         10000 /* twice what HubSpot grants */
#define PROGRESS_MS         250
#define BACKOFF_FIRST_MS    50
#define BACKOFF_LAST_MS     2000
#define RETRY_AFTER_MAX_S   60
#define BODY_MAX            ((size_t)1 << 20)
#define SUB_BITS            5u /* 32 steps between powers of two */

struct sender;

struct ls_forge_slot {
	uint32_t magic;
	struct sender *sender;
	struct ls_forge_slot *next; /* of the free ones */
	struct ls_timer *again;
	struct ls_buf body;
	struct ls_forge_batch batch; /* without its body */
	unsigned attempts;
	int64_t sent_ns;
};

struct sender {
	struct ls_forge *forge;
	const struct ls_forge_send_options *options;
	struct ls_forge_report *report;
	struct ls_loop *loop;
	struct ls_http_client *client;
	struct ls_timer *pace, *progress;
	struct ls_forge_slot *slots, *idle;
	struct ls_dice dice;
	size_t busy;
	bool exhausted, ending;
	int64_t started_ns;
	/* for the rate on the progress line */
	uint64_t shown_events;
	int64_t shown_ns;
};

static void pump(struct sender *s);
static void fire(struct ls_forge_slot *slot);

/* ---- latencies: buckets whose width grows with the value */

static size_t
latency_bucket(int64_t us)
{
	uint64_t v = (uint64_t)LS_MAX(us, 0);
	if (v < 1u << SUB_BITS)
		return v;
	unsigned shift = 63u - (unsigned)__builtin_clzll(v) - SUB_BITS;
	size_t bucket = ((size_t)(shift + 1) << SUB_BITS) + ((v >> shift) & ((1u << SUB_BITS) - 1));
	return LS_MIN(bucket, (size_t)LS_FORGE_LATENCIES - 1);
}

static int64_t
latency_of(size_t bucket)
{
	if (bucket < 1u << SUB_BITS)
		return (int64_t)bucket;
	unsigned shift = (unsigned)(bucket >> SUB_BITS) - 1;
	uint64_t low = (bucket & ((1u << SUB_BITS) - 1)) + (1u << SUB_BITS);
	return (int64_t)(((low + 1) << shift) - 1);
}

int64_t
ls_forge_latency_us(const struct ls_forge_report *report, double quantile)
{
	uint64_t total = 0, sum = 0;
	for (size_t i = 0; i < LS_FORGE_LATENCIES; i++)
		total += report->latencies[i];
	for (size_t i = 0; i < LS_FORGE_LATENCIES; i++) {
		sum += report->latencies[i];
		if (sum > 0 && (double)sum >= quantile * (double)total)
			return LS_MIN(latency_of(i), report->latency_max_us);
	}
	return 0;
}

static void
count_latency(struct ls_forge_report *report, int64_t us)
{
	report->latencies[latency_bucket(us)]++;
	report->latency_max_us = LS_MAX(report->latency_max_us, us);
}

/* ---- the end */

static void
stop(struct sender *s, int err)
{
	if (s->report->err == LS_OK)
		s->report->err = err;
	s->ending = true;
	ls_loop_stop(s->loop);
}

static void
on_signal(void *ctx, int signal)
{
	struct sender *s = ctx;
	(void)signal;
	s->report->interrupted = true;
	stop(s, LS_OK);
}

static void
note_fault(struct ls_forge_report *report, int status, const char *text, struct ls_slice body)
{
	if (report->fault[0] != '\0')
		return;
	if (status == 0) {
		(void)snprintf(report->fault, sizeof report->fault, "%s", text);
		return;
	}
	int used = snprintf(report->fault, sizeof report->fault, "status %d%s", status,
		body.len > 0 ? ": " : "");
	for (size_t i = 0; i < body.len && used < (int)sizeof report->fault - 1; i++) {
		unsigned char c = (unsigned char)body.data[i]; /* ends up on a terminal */
		report->fault[used++] = (char)(c >= 0x20 && c < 0x7f ? c : ' ');
	}
	report->fault[used] = '\0';
}

/* ---- one request */

static void
release(struct ls_forge_slot *slot)
{
	struct sender *s = slot->sender;
	slot->next = s->idle;
	s->idle = slot;
	s->busy--;
	pump(s);
}

static bool
log_ack(const struct sender *s, const struct ls_forge_slot *slot, int status)
{
	char line[128];
	if (s->options->ack_fd < 0)
		return true;
	int len = snprintf(line, sizeof line, "%llu %llu-%llu %zu %d %s\n",
		(unsigned long long)slot->batch.index, (unsigned long long)slot->batch.first_id,
		(unsigned long long)slot->batch.last_id, slot->batch.events, status,
		slot->batch.duplicate ? "duplicate" : "new");
	ssize_t written;
	do
		written = write(s->options->ack_fd, line, (size_t)len);
	while (written < 0 && errno == EINTR);
	return written == len;
}

static void
accept_answer(struct ls_forge_slot *slot, int status)
{
	struct sender *s = slot->sender;
	s->report->accepted++;
	s->report->accepted_events += slot->batch.events;
	s->report->status[status]++;
	if (!log_ack(s, slot, status)) {
		note_fault(s->report, 0, "the ack log cannot be written", LS_S(""));
		stop(s, LS_ERR_IO);
	}
	release(slot);
}

static bool
may_retry(const struct ls_http_client_response *r)
{
	if (r->err != LS_OK)
		return r->err == LS_ERR_IO || r->err == LS_ERR_TIMEOUT;
	return r->status == 408 || r->status == 429 || r->status >= 500;
}

/* Doubles from attempt to attempt, and never quite the same, so that a receiver that comes back is
 * not met by everybody at once. */
static int64_t
retry_delay_ms(struct ls_forge_slot *slot, int64_t retry_after_s)
{
	if (retry_after_s > 0)
		return 1000 * LS_MIN(retry_after_s, (int64_t)RETRY_AFTER_MAX_S);
	int64_t delay = BACKOFF_FIRST_MS << LS_MIN(slot->attempts, 8u);
	delay = LS_MIN(delay, (int64_t)BACKOFF_LAST_MS);
	return delay / 2 + ls_dice_roll(&slot->sender->dice, (uint32_t)delay);
}

static void
on_answer(void *ctx, const struct ls_http_client_response *r)
{
	struct ls_forge_slot *slot = LS_CAST(forge_slot, ctx);
	struct sender *s = slot->sender;
	struct ls_forge_report *report = s->report;
	bool answered = r->err == LS_OK && r->status >= 100 && r->status < 600;
	if (answered)
		count_latency(report, (ls_clock_mono_ns() - slot->sent_ns) / 1000);
	if (answered && r->status / 100 == 2) {
		accept_answer(slot, r->status);
		return;
	}
	if (r->err != LS_ERR_CLOSED)
		note_fault(report, r->status, r->error, r->body);
	if (s->options->retry && !s->ending && may_retry(r)) {
		ls_timer_set(slot->again, retry_delay_ms(slot, r->retry_after_s));
		slot->attempts++;
		report->retried++;
		ls_forge_raise_attempt(slot->body.data, slot->body.len);
		return;
	}
	report->refused += answered;
	report->unanswered += !answered;
	if (answered)
		report->status[r->status]++;
	release(slot);
}

static void
on_again(void *ctx)
{
	fire(LS_CAST(forge_slot, ctx));
}

/* signed anew for each attempt: a signature is good for five minutes */
static void
fire(struct ls_forge_slot *slot)
{
	struct sender *s = slot->sender;
	struct ls_forge_signed sign;
	ls_forge_sign(&s->options->signer, ls_buf_slice(&slot->body), ls_clock_now_ms(), &sign);
	struct ls_http_client_request request = { .method = "POST",
		.url = ls_slice_str(s->options->url),
		.headers = sign.headers,
		.header_count = sign.count,
		.body = ls_buf_slice(&slot->body),
		.deadline_ms = DEADLINE_MS,
		.max_response = 65536,
		.allow_http = true };
	slot->sent_ns = ls_clock_mono_ns();
	int err = ls_http_client_send(s->client, &request, on_answer, slot);
	if (err == LS_OK)
		return;
	note_fault(s->report, 0,
		err == LS_ERR_INVALID ? "the URL is not one that can be sent to" : ls_strerror(err),
		LS_S(""));
	s->report->unanswered++;
	stop(s, err);
	release(slot);
}

/* ---- keeping the slots busy */

/* ms until the rate allows another event; 0: now */
static int64_t
wait_ms(const struct sender *s)
{
	if (s->options->rate == 0)
		return 0;
	int64_t elapsed = ls_clock_mono_ns() - s->started_ns;
	double due_ns = (double)s->report->events * 1e9 / (double)s->options->rate;
	double wait = (due_ns - (double)elapsed) / 1e6;
	return wait <= 0 ? 0 : wait > 1000 ? 1000 : 1 + (int64_t)wait;
}

/* false: nothing left to send, or nothing may be sent now */
static bool
launch(struct sender *s)
{
	struct ls_forge_batch batch;
	int64_t wait = wait_ms(s);
	if (wait > 0) {
		ls_timer_set(s->pace, wait);
		return false;
	}
	int err = ls_forge_next(s->forge, &batch);
	if (err == LS_ERR_NOT_FOUND) {
		s->exhausted = true;
		return false;
	}
	struct ls_forge_slot *slot = s->idle;
	ls_buf_reset(&slot->body);
	if (err == LS_OK)
		err = ls_buf_add_slice(&slot->body, batch.body);
	if (err != LS_OK) {
		note_fault(s->report, 0, ls_strerror(err), LS_S(""));
		stop(s, err);
		return false;
	}
	s->idle = slot->next;
	s->busy++;
	slot->batch = batch;
	slot->batch.body = LS_S("");
	slot->attempts = 0;
	s->report->requests++;
	s->report->events += batch.events;
	s->report->duplicates += batch.duplicate;
	fire(slot);
	return true;
}

static void
pump(struct sender *s)
{
	while (!s->ending && !s->exhausted && s->idle != NULL)
		if (!launch(s))
			break;
	if (s->exhausted && s->busy == 0)
		ls_loop_stop(s->loop);
}

static void
on_pace(void *ctx)
{
	pump(ctx);
}

static void
on_progress(void *ctx)
{
	struct sender *s = ctx;
	const struct ls_forge_report *r = s->report;
	int64_t now = ls_clock_mono_ns();
	double seconds = (double)(now - s->shown_ns) / 1e9;
	double rate = seconds > 0 ? (double)(r->accepted_events - s->shown_events) / seconds : 0;
	fprintf(stderr,
		"\r%llu events sent, %llu requests accepted, %llu refused, %llu retried, "
		"%.0f events/s   ",
		(unsigned long long)r->events, (unsigned long long)r->accepted,
		(unsigned long long)(r->refused + r->unanswered), (unsigned long long)r->retried,
		rate);
	s->shown_events = r->accepted_events;
	s->shown_ns = now;
	ls_timer_set(s->progress, PROGRESS_MS);
}

/* ---- birth and death */

static int
sender_init(struct sender *s)
{
	const struct ls_forge_send_options *o = s->options;
	const struct ls_http_client_options client = { .max_connections = o->connections,
		.max_host_connections = o->connections,
		.max_pending = o->connections,
		.user_agent = "HubSpot Connect 2.0 (leadscore forge)",
		.any_http = true };
	s->loop = ls_loop_new();
	s->slots = calloc(o->connections, sizeof *s->slots);
	if (s->loop == NULL || s->slots == NULL)
		return LS_ERR_NOMEM;
	s->pace = ls_timer_new(s->loop, on_pace, s);
	s->progress = ls_timer_new(s->loop, on_progress, s);
	s->client = ls_http_client_new(s->loop, &client);
	if (s->pace == NULL || s->progress == NULL || s->client == NULL)
		return LS_ERR_NOMEM;
	for (size_t i = 0; i < o->connections; i++) {
		struct ls_forge_slot *slot = &s->slots[i];
		*slot = (struct ls_forge_slot){
			.magic = LS_MAGIC_forge_slot, .sender = s, .next = s->idle
		};
		ls_buf_init(&slot->body, BODY_MAX);
		s->idle = slot;
		slot->again = ls_timer_new(s->loop, on_again, slot);
		if (slot->again == NULL)
			return LS_ERR_NOMEM;
	}
	int err = ls_loop_on_signal(s->loop, SIGINT, on_signal, s);
	return err == LS_OK ? ls_loop_on_signal(s->loop, SIGTERM, on_signal, s) : err;
}

static void
sender_fini(struct sender *s)
{
	s->ending = true;
	s->client = ls_http_client_free(s->client);
	for (size_t i = 0; s->slots != NULL && i < s->options->connections; i++) {
		s->slots[i].again = ls_timer_free(s->slots[i].again);
		ls_buf_fini(&s->slots[i].body);
	}
	s->pace = ls_timer_free(s->pace);
	s->progress = ls_timer_free(s->progress);
	free(s->slots);
	s->loop = ls_loop_free(s->loop);
}

int
ls_forge_send(struct ls_forge *forge, const struct ls_forge_send_options *options,
	struct ls_forge_report *report)
{
	*report = (struct ls_forge_report){ 0 };
	struct sender s = { .forge = forge, .options = options, .report = report };
	int err = sender_init(&s);
	if (err == LS_OK) {
		s.started_ns = s.shown_ns = ls_clock_mono_ns();
		if (options->progress)
			ls_timer_set(s.progress, PROGRESS_MS);
		pump(&s);
		/* a stop before the run would be forgotten */
		if (!s.ending && !(s.exhausted && s.busy == 0))
			ls_loop_run(s.loop);
		report->duration_ns = ls_clock_mono_ns() - s.started_ns;
		/* completes what is under way; what is left then waits to be sent again */
		s.ending = true;
		s.client = ls_http_client_free(s.client);
		report->unanswered += s.busy;
		if (options->progress)
			fprintf(stderr, "\r\033[K");
	}
	sender_fini(&s);
	return err;
}
