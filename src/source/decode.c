// SPDX-License-Identifier: MIT
/* What the codecs that read JSON share. It owns the growth of the event list, the rendering of JSON
 * pointers and the types of the well-known attributes; it knows no format. */

#include "source/decode.h"

#include <stdio.h>

#include "base/canon.h"

#define FIRST_EVENTS_MAX 1024u
#define FIRST_EVENTS_MIN 4u
#define POINTER_MAX      256u
#define WORD_MAX         64u

void
ls_decode_init(struct ls_decode *decode, struct ls_arena *arena, int64_t received_ms)
{
	*decode = (struct ls_decode){ .arena = arena, .received_ms = received_ms };
}

static bool
grow_events(struct ls_decode *decode, size_t expected)
{
	size_t room = decode->event_room * 2;
	if (room == 0)
		room = LS_MAX(LS_MIN(expected, FIRST_EVENTS_MAX), FIRST_EVENTS_MIN);
	struct ls_event *events = ls_arena_alloc(decode->arena, room * sizeof *events);
	if (events == NULL) {
		decode->err = LS_ERR_NOMEM;
		return false;
	}
	if (decode->out.count > 0)
		memcpy(events, decode->out.events, decode->out.count * sizeof *events);
	decode->out.events = events;
	decode->event_room = room;
	return true;
}

struct ls_event *
ls_decode_event(struct ls_decode *decode, size_t expected)
{
	if (decode->out.count == decode->event_room && !grow_events(decode, expected))
		return NULL;
	struct ls_event *event = &decode->out.events[decode->out.count++];
	event->time_ms = decode->received_ms;
	event->received_ms = decode->received_ms;
	event->stage_probability = -1;
	return event;
}

/** Appends a reference token of RFC 6901 in front of what is there already: [at, POINTER_MAX). */
static size_t
prepend(char *text, size_t at, struct ls_slice token)
{
	for (size_t i = token.len; i > 0 && at > 2; i--) {
		char c = token.data[i - 1];
		bool escaped = c == '~' || c == '/';
		if (escaped) {
			text[--at] = c == '~' ? '0' : '1';
			c = '~';
		}
		text[--at] = c;
	}
	if (at > 0)
		text[--at] = '/';
	return at;
}

static struct ls_slice
render(struct ls_arena *arena, const struct ls_path *path)
{
	char text[POINTER_MAX];
	size_t at = sizeof text;
	for (; path != NULL; path = path->up) {
		char digits[20];
		struct ls_slice token = ls_utf8_cut(path->key, WORD_MAX);
		if (token.data == NULL) {
			size_t first = sizeof digits, index = path->index;
			do
				digits[--first] = (char)('0' + index % 10);
			while ((index /= 10) > 0);
			token = ls_slice(digits + first, sizeof digits - first);
		}
		at = prepend(text, at, token);
	}
	return ls_arena_copy(arena, ls_slice(text + at, sizeof text - at));
}

void
ls_decode_fault(struct ls_decode *decode, const struct ls_path *at, struct ls_slice what)
{
	struct ls_decoded *out = &decode->out;
	if (out->fault_count == LS_FAULTS_MAX) {
		out->more_faults++;
		return;
	}
	if (out->faults == NULL)
		out->faults = ls_arena_alloc(decode->arena, LS_FAULTS_MAX * sizeof *out->faults);
	struct ls_slice pointer = render(decode->arena, at);
	if (out->faults == NULL || pointer.data == NULL || what.data == NULL) {
		decode->err = LS_ERR_NOMEM;
		return;
	}
	out->faults[out->fault_count++] =
		(struct ls_fault){ .pointer = pointer, .what = what, .offset = SIZE_MAX };
}

void
ls_decode_fault_word(struct ls_decode *decode, const struct ls_path *at, const char *before,
	struct ls_slice word, const char *after)
{
	char text[WORD_MAX + 192];
	struct ls_slice cut = ls_utf8_cut(word, WORD_MAX);
	int len = snprintf(text, sizeof text, "%s'%.*s'%s", before, LS_FMT(cut), after);
	size_t used = len < 0 ? 0 : LS_MIN((size_t)len, sizeof text - 1);
	if (decode->out.fault_count == LS_FAULTS_MAX)
		decode->out.more_faults++;
	else
		ls_decode_fault(decode, at, ls_arena_copy(decode->arena, ls_slice(text, used)));
}

int
ls_decode_finish(struct ls_decode *decode, struct ls_json *json, struct ls_decoded *out)
{
	int err = ls_json_finish(json);
	if (err == LS_ERR_NOMEM || decode->err == LS_ERR_NOMEM)
		return LS_ERR_NOMEM;
	if (err != LS_OK) {
		/* nothing of a broken document can be trusted: who knows what is missing */
		decode->out = (struct ls_decoded){ .faults = decode->out.faults };
		ls_decode_fault(decode, NULL, ls_slice_str(json->what));
		if (decode->err != LS_OK)
			return decode->err;
		decode->out.faults[0].offset = json->error_at;
	}
	*out = decode->out;
	return out->fault_count > 0 ? LS_ERR_INVALID : LS_OK;
}

int64_t
ls_decode_clamp(int64_t time_ms, int64_t received_ms)
{
	int64_t latest = received_ms + LS_TIME_AHEAD_MS;
	return time_ms > latest ? latest : LS_MAX(time_ms, 0);
}

struct ls_slice
ls_utf8_cut(struct ls_slice s, size_t max)
{
	if (s.len <= max)
		return s;
	s.len = max;
	while (s.len > 0 && ((unsigned char)s.data[s.len] & 0xc0) == 0x80)
		s.len--;
	return s;
}

bool
ls_attribute_name_ok(struct ls_slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];
		if (!ls_ascii_digit(c) && !(c >= 'a' && c <= 'z') && c != '_')
			return false;
	}
	return name.len > 0 && name.len <= LS_NAME_MAX;
}

static int
check_email(struct ls_arena *arena, struct ls_value *value, const char **why)
{
	char text[LS_EMAIL_MAX + 1];
	size_t len;
	if (value->type != LS_VALUE_STRING || ls_canon_email(value->string, text, &len) != LS_OK) {
		*why = "must be an e-mail address";
		return LS_ERR_INVALID;
	}
	/* mostly it is in that form already */
	struct ls_slice canonical = ls_slice(text, len);
	if (!ls_slice_eq(value->string, canonical)) {
		canonical = ls_arena_copy(arena, canonical);
		if (canonical.data == NULL)
			return LS_ERR_NOMEM;
		value->string = canonical;
	}
	return LS_OK;
}

int
ls_attribute_check(struct ls_arena *arena, struct ls_attribute *attribute, const char **why)
{
	struct ls_value *value = &attribute->value;
	const char *fault = NULL;
	if (value->type == LS_VALUE_NULL)
		return LS_OK;
	if (ls_slice_eq(attribute->name, LS_S("email")))
		return check_email(arena, value, why);
	if (ls_slice_eq(attribute->name, LS_S("employees"))) {
		if (value->type != LS_VALUE_NUMBER || value->number < 0)
			fault = "must be a number, 0 or more";
	} else if (ls_slice_eq(attribute->name, LS_S("stage_probability"))) {
		if (value->type != LS_VALUE_NUMBER || value->number < 0 || value->number > 1)
			fault = "must be a number from 0 to 1";
	} else if (ls_slice_eq(attribute->name, LS_S("unsubscribed"))) {
		if (value->type != LS_VALUE_BOOL)
			fault = "must be true or false";
	}
	if (fault != NULL) {
		*why = fault;
		return LS_ERR_INVALID;
	}
	if (value->type == LS_VALUE_STRING)
		value->string = ls_utf8_cut(value->string, LS_STRING_MAX);
	return LS_OK;
}
