// SPDX-License-Identifier: MIT
/* Words for people: numbers, counts, times ago. */

#include "score/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "leadscore/activity.h"

void
text_init(struct text *text, char *out, size_t size)
{
	*text = (struct text){ .out = out, .size = size };
	out[0] = '\0';
}

void
text_add(struct text *text, struct ls_slice s)
{
	size_t n = LS_MIN(s.len, text->size - 1 - text->len);
	/* never half a character */
	if (n < s.len)
		while (n > 0 && ((unsigned char)s.data[n] & 0xc0u) == 0x80u)
			n--;
	if (n > 0)
		memcpy(text->out + text->len, s.data, n);
	text->len += n;
	text->out[text->len] = '\0';
}

void
text_addf(struct text *text, const char *fmt, ...)
{
	size_t room = text->size - text->len;
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(text->out + text->len, room, fmt, args);
	va_end(args);
	if (n > 0)
		text->len += LS_MIN((size_t)n, room - 1);
}

void
text_add_number(struct text *text, double number)
{
	if (!(fabs(number) < 1e15)) {
		text_add(text, LS_S("very many"));
		return;
	}
	int64_t milli = llround(fabs(number) * 1000.0);
	int decimals = 3;
	int64_t fraction = milli % 1000;
	for (; decimals > 0 && fraction % 10 == 0; decimals--)
		fraction /= 10;
	text_addf(text, "%s%" PRId64, number < 0 && milli > 0 ? "-" : "", milli / 1000);
	if (decimals > 0)
		text_addf(text, ".%0*" PRId64, decimals, fraction);
}

void
text_add_count(struct text *text, uint64_t count, const char *one, const char *many)
{
	text_addf(text, "%" PRIu64 " %s", count, count == 1 ? one : many);
}

void
text_add_ago(struct text *text, int64_t then_ms, int64_t now_ms)
{
	int64_t hours = LS_MAX(now_ms - then_ms, INT64_C(0)) / LS_HOUR_MS;
	if (hours < 1) {
		text_add(text, LS_S("less than an hour ago"));
	} else if (hours < 24) {
		text_add_count(text, (uint64_t)hours, "hour", "hours");
		text_add(text, LS_S(" ago"));
	} else if (hours < 48) {
		text_add(text, LS_S("yesterday"));
	} else {
		text_addf(text, "%" PRId64 " days ago", hours / 24);
	}
}

void
text_add_day(struct text *text, int64_t then_ms, int64_t now_ms)
{
	/* an hour that ends at midnight was the day before */
	int64_t days = now_ms / LS_DAY_MS - (then_ms - 1) / LS_DAY_MS;
	if (days <= 0)
		text_add(text, LS_S("today"));
	else if (days == 1)
		text_add(text, LS_S("yesterday"));
	else
		text_addf(text, "%" PRId64 " days ago", days);
}

void
text_add_kind(struct text *text, unsigned kind, uint64_t count)
{
	static const struct {
		const char *one, *many;
	} nouns[] = {
		[LS_KIND_CALL] = { "call", "calls" },
		[LS_KIND_EMAIL_BOUNCE] = { "bounce", "bounces" },
		[LS_KIND_EMAIL_CLICK] = { "click", "clicks" },
		[LS_KIND_EMAIL_DELIVERED] = { "delivered e-mail", "delivered e-mails" },
		[LS_KIND_EMAIL_OPEN] = { "open", "opens" },
		[LS_KIND_EMAIL_REPLY] = { "reply", "replies" },
		[LS_KIND_EMAIL_SENT] = { "sent e-mail", "sent e-mails" },
		[LS_KIND_EMAIL_UNSUBSCRIBE] = { "unsubscription", "unsubscriptions" },
		[LS_KIND_FORM_SUBMIT] = { "form submission", "form submissions" },
		[LS_KIND_MEETING] = { "meeting", "meetings" },
		[LS_KIND_NOTE] = { "note", "notes" },
		[LS_KIND_PAGE_VIEW] = { "page view", "page views" },
		[LS_KIND_TASK] = { "task", "tasks" },
		[LS_KIND_VISIT] = { "visit", "visits" },
	};
	bool known = kind < LS_ARRAY_LEN(nouns) && nouns[kind].one != NULL;
	text_add_count(text, count, known ? nouns[kind].one : "event",
		known ? nouns[kind].many : "events");
}
