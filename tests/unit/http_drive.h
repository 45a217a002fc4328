/* SPDX-License-Identifier: MIT */
/* Drives the HTTP parser as a connection does, with the input cut into pieces at will, and writes
 * down what it finds: however it is cut, the transcript must be the same. For test_http_parse and
 * fuzz_http. */
#ifndef LS_TEST_HTTP_DRIVE_H
#define LS_TEST_HTTP_DRIVE_H

#include <stdlib.h>

#include "base/buf.h"
#include "io/http_parse.h"

#define DRIVE_FIELDS   8
#define DRIVE_MAX_BODY 2000

static const struct ls_http_limits drive_limits = {
	.line = 300, .head = 1000, .fields = DRIVE_FIELDS
};

struct drive {
	struct ls_buf out; /* the transcript */
	char *data;        /* what has come and is not used up, in a block of exactly its size */
	size_t len;
	size_t requests;
	size_t used;     /* bytes of complete requests */
	size_t ends[64]; /* where the first requests end in the input */
	bool refused;
	/* the request under way */
	struct ls_http_scan scan;
	struct ls_http_chunks chunks;
	bool in_body, chunked;
	size_t head_size, body, raw;
};

static inline void
drive_init(struct drive *d)
{
	*d = (struct drive){ 0 };
	ls_buf_init(&d->out, (size_t)1 << 24);
}

static inline void
drive_fini(struct drive *d)
{
	ls_buf_fini(&d->out);
	free(d->data);
}

/* moves to another place each time, so that a stale pointer is noticed */
static inline void
drive_replace(struct drive *d, const char *bytes, size_t len, const char *more, size_t more_len)
{
	char *data = malloc(LS_MAX(len + more_len, (size_t)1));
	if (data == NULL)
		abort();
	if (len > 0)
		memcpy(data, bytes, len);
	if (more_len > 0)
		memcpy(data + len, more, more_len);
	free(d->data);
	d->data = data;
	d->len = len + more_len;
}

static inline bool
drive_refuse(struct drive *d, int status, const char *why)
{
	ls_assert(status >= 400 && status <= 505 && why != NULL);
	(void)ls_buf_addf(&d->out, "refused %d %s\n", status, why);
	d->refused = true;
	return false;
}

static inline void
drive_note(struct drive *d, const struct ls_http_head *head, struct ls_slice body)
{
	(void)ls_buf_addf(&d->out, "%.*s %.*s|%.*s|%.*s|%.*s|1.%d%s%s%s%s\n", LS_FMT(head->method),
		LS_FMT(head->target), LS_FMT(head->path), LS_FMT(head->query), LS_FMT(head->host),
		head->minor, head->keep_alive ? " keep" : "", head->chunked ? " chunked" : "",
		head->expect_continue ? " expect" : "", head->accepts_gzip ? " gzip" : "");
	for (size_t i = 0; i < head->header_count; i++)
		(void)ls_buf_addf(&d->out, "%.*s=%.*s\n", LS_FMT(head->headers[i].name),
			LS_FMT(head->headers[i].value));
	(void)ls_buf_addf(&d->out, "body %zu:", body.len);
	(void)ls_buf_add_slice(&d->out, body);
	(void)ls_buf_add_char(&d->out, '\n');
}

/* what the parser must never let through, whatever the input was */
static inline void
drive_check(const struct ls_http_head *head)
{
	ls_assert(head->method.len > 0 && head->path.len > 0);
	ls_assert(head->path.data[0] == '/' || ls_slice_eq(head->path, LS_S("*")));
	ls_assert(!(head->chunked && head->has_length));
	ls_assert(head->header_count <= DRIVE_FIELDS);
	for (size_t i = 0; i < head->target.len; i++)
		ls_assert((unsigned char)head->target.data[i] > 0x20 &&
			  (unsigned char)head->target.data[i] < 0x7f &&
			  head->target.data[i] != '#');
	for (size_t i = 0; i < head->header_count; i++) {
		ls_assert(ls_http_field_valid(head->headers[i].name, head->headers[i].value));
		ls_assert(
			ls_slice_eq(ls_slice_trim(head->headers[i].value), head->headers[i].value));
	}
	ls_assert(head->host.data == NULL ? head->minor == 0 : ls_http_host_valid(head->host));
}

static inline bool
drive_finish(struct drive *d, struct ls_http_head *head, size_t used, size_t raw)
{
	struct ls_http_scan again = { 0 };
	if (ls_http_parse_head(&again, ls_slice(d->data, d->head_size), &drive_limits, head) !=
		LS_HTTP_DONE)
		abort();
	drive_check(head);
	drive_note(d, head, ls_slice(d->data + d->head_size, d->body));
	d->used += raw;
	if (d->requests < LS_ARRAY_LEN(d->ends))
		d->ends[d->requests] = d->used;
	d->requests++;
	d->in_body = false;
	d->scan = (struct ls_http_scan){ 0 };
	drive_replace(d, d->data + used, d->len - used, NULL, 0);
	return true;
}

static inline bool
drive_chunks(struct drive *d, struct ls_http_head *head)
{
	size_t from = d->head_size + d->body, used, made;
	enum ls_http_verdict verdict =
		ls_http_chunks_decode(&d->chunks, d->data + from, d->len - from, &used, &made);
	ls_assert(used <= d->len - from && made <= used);
	d->body += made;
	d->raw += used;
	ls_assert(d->body <= DRIVE_MAX_BODY);
	if (verdict == LS_HTTP_REFUSED)
		return drive_refuse(d, d->chunks.status, d->chunks.why);
	if (verdict == LS_HTTP_DONE)
		return drive_finish(d, head, from + used, d->head_size + d->raw);
	memmove(d->data + from + made, d->data + from + used, d->len - from - used);
	drive_replace(d, d->data, d->len - used + made, NULL, 0);
	return false;
}

/* true: it got on */
static inline bool
drive_step(struct drive *d)
{
	struct ls_http_header headers[DRIVE_FIELDS];
	struct ls_http_head head = { .headers = headers };
	if (d->in_body && d->chunked)
		return drive_chunks(d, &head);
	if (!d->in_body) {
		enum ls_http_verdict verdict = ls_http_parse_head(
			&d->scan, ls_slice(d->data, d->len), &drive_limits, &head);
		if (verdict == LS_HTTP_REFUSED)
			return drive_refuse(d, head.status, head.why);
		if (verdict == LS_HTTP_MORE)
			return false;
		if (head.content_length > DRIVE_MAX_BODY)
			return drive_refuse(d, 413, "body too large");
		d->in_body = true;
		d->chunked = head.chunked;
		d->head_size = head.size;
		d->body = head.chunked ? 0 : (size_t)head.content_length;
		d->raw = 0;
		ls_http_chunks_init(&d->chunks, DRIVE_MAX_BODY);
		return true;
	}
	if (d->len < d->head_size + d->body)
		return false;
	return drive_finish(d, &head, d->head_size + d->body, d->head_size + d->body);
}

static inline void
drive_feed(struct drive *d, const char *bytes, size_t len)
{
	if (d->refused || len == 0)
		return;
	drive_replace(d, d->data, d->len, bytes, len);
	while (!d->refused && d->len > 0 && drive_step(d))
		;
}

/* nothing behind a refusal counts; what is incomplete is told apart from what is idle */
static inline void
drive_end(struct drive *d)
{
	if (!d->refused && d->len > 0)
		(void)ls_buf_add_lit(&d->out, "more\n");
	(void)ls_buf_add_char(&d->out, '\0');
	ls_assert(d->out.err == LS_OK);
}

#endif
