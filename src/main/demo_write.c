// SPDX-License-Identifier: MIT
/* Every event is written once, behind the others of its stream, with a comma before it: a body is a
 * stretch of the stream between brackets. */

#include "main/demo_write.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json_write.h"

#define EVENT_BYTES 1024u /* none is longer */
#define APP_ID      54321u

static int
stream_init(struct ls_demo_stream *s)
{
	ls_buf_init(&s->text, (size_t)LS_DEMO_PIECES * EVENT_BYTES);
	s->count = 0;
	s->ends = calloc(LS_DEMO_PIECES, sizeof *s->ends);
	return s->ends != NULL ? LS_OK : LS_ERR_NOMEM;
}

static void
stream_fini(struct ls_demo_stream *s)
{
	ls_buf_fini(&s->text);
	free(s->ends);
}

int
ls_demo_writer_init(struct ls_demo_writer *w)
{
	*w = (struct ls_demo_writer){ .next_id = 1 };
	ls_buf_init(&w->body, (size_t)LS_DEMO_NATIVE_BATCH * EVENT_BYTES + 64);
	int err = stream_init(&w->hubspot);
	return stream_init(&w->native) == LS_OK ? err : LS_ERR_NOMEM;
}

void
ls_demo_writer_fini(struct ls_demo_writer *w)
{
	stream_fini(&w->hubspot);
	stream_fini(&w->native);
	ls_buf_fini(&w->body);
}

static void
begin(struct ls_demo_stream *s, struct ls_jsonw *w)
{
	ls_assert(s->count < LS_DEMO_PIECES);
	(void)ls_buf_add_char(&s->text, ',');
	ls_jsonw_init(w, &s->text);
	ls_jsonw_object(w);
}

static void
end(struct ls_demo_writer *writer, struct ls_demo_stream *s, struct ls_jsonw *w)
{
	ls_jsonw_object_end(w);
	s->ends[s->count++] = s->text.len;
	if (s->text.err != LS_OK)
		writer->err = s->text.err;
}

/* ---- HubSpot */

/* one subscription a kind of change, as HubSpot has it */
static uint64_t
subscription(const char *type, const char *property)
{
	uint64_t number = 0;
	for (const char *c = type; *c != '\0'; c++)
		number = (number * 31 + (unsigned char)*c) % 899981;
	for (const char *c = property; *c != '\0'; c++)
		number = (number * 31 + (unsigned char)*c) % 899981;
	return 1000 + number;
}

static void
begin_change(struct ls_demo_writer *writer, struct ls_jsonw *w, const char *type,
	const char *property, int64_t time_ms)
{
	begin(&writer->hubspot, w);
	ls_jsonw_ku64(w, "eventId", writer->next_id++);
	ls_jsonw_ku64(w, "subscriptionId", subscription(type, property));
	ls_jsonw_ku64(w, "portalId", LS_DEMO_PORTAL);
	ls_jsonw_ku64(w, "appId", APP_ID);
	ls_jsonw_ki64(w, "occurredAt", time_ms);
	ls_jsonw_kstring(w, "subscriptionType", ls_slice_str(type));
	ls_jsonw_ku64(w, "attemptNumber", 0);
}

static void
end_change(struct ls_demo_writer *writer, struct ls_jsonw *w)
{
	ls_jsonw_kstring(w, "changeSource", LS_S("CRM_UI"));
	end(writer, &writer->hubspot, w);
}

void
ls_demo_created(struct ls_demo_writer *w, struct ls_demo_record record, int64_t time_ms)
{
	struct ls_jsonw json;
	char type[32];
	(void)snprintf(type, sizeof type, "%s.creation", record.type);
	begin_change(w, &json, type, "", time_ms);
	ls_jsonw_ku64(&json, "objectId", record.id);
	ls_jsonw_kstring(&json, "changeFlag", LS_S("NEW"));
	end_change(w, &json);
}

void
ls_demo_property(struct ls_demo_writer *w, struct ls_demo_record record, const char *name,
	const char *value, int64_t time_ms)
{
	struct ls_jsonw json;
	char type[32];
	(void)snprintf(type, sizeof type, "%s.propertyChange", record.type);
	begin_change(w, &json, type, name, time_ms);
	ls_jsonw_ku64(&json, "objectId", record.id);
	ls_jsonw_kstring(&json, "propertyName", ls_slice_str(name));
	ls_jsonw_kstring(&json, "propertyValue", ls_slice_str(value));
	end_change(w, &json);
}

static void
end_association(struct ls_demo_writer *w, struct ls_jsonw *json, uint64_t from, uint64_t to)
{
	ls_jsonw_ku64(json, "fromObjectId", from);
	ls_jsonw_ku64(json, "toObjectId", to);
	ls_jsonw_kbool(json, "associationRemoved", false);
	ls_jsonw_kbool(json, "isPrimaryAssociation", true);
	end_change(w, json);
}

void
ls_demo_associated(struct ls_demo_writer *w, struct ls_demo_record from, struct ls_demo_record to,
	int64_t time_ms)
{
	struct ls_jsonw json;
	char type[40], association[32];
	(void)snprintf(type, sizeof type, "%s.associationChange", from.type);
	(void)snprintf(association, sizeof association, "%s_TO_%s", from.type, to.type);
	for (char *c = association; *c != '\0'; c++)
		*c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
	begin_change(w, &json, type, "", time_ms);
	ls_jsonw_kstring(&json, "associationType", ls_slice_str(association));
	end_association(w, &json, from.id, to.id);
}

void
ls_demo_engaged(
	struct ls_demo_writer *w, const struct ls_demo_engagement *engagement, int64_t time_ms)
{
	struct ls_jsonw json;
	struct ls_slice type_id = ls_slice_str(engagement->type_id);
	begin_change(w, &json, "object.creation", "", time_ms);
	ls_jsonw_ku64(&json, "objectId", engagement->id);
	ls_jsonw_kstring(&json, "objectTypeId", type_id);
	ls_jsonw_kstring(&json, "changeFlag", LS_S("NEW"));
	end_change(w, &json);
	begin_change(w, &json, "object.propertyChange", engagement->property, time_ms);
	ls_jsonw_ku64(&json, "objectId", engagement->id);
	ls_jsonw_kstring(&json, "objectTypeId", type_id);
	ls_jsonw_kstring(&json, "propertyName", ls_slice_str(engagement->property));
	ls_jsonw_kstring(&json, "propertyValue", ls_slice_str(engagement->value));
	end_change(w, &json);
	begin_change(w, &json, "object.associationChange", "", time_ms);
	ls_jsonw_kstring(&json, "fromObjectTypeId", type_id);
	ls_jsonw_kstring(&json, "toObjectTypeId", LS_S("0-1"));
	end_association(w, &json, engagement->id, engagement->contact);
}

/* ---- native */

void
ls_demo_event(struct ls_demo_writer *w, const struct ls_demo_event *event)
{
	struct ls_jsonw json;
	char text[32];
	begin(&w->native, &json);
	(void)snprintf(text, sizeof text, "demo-%llu", (unsigned long long)w->next_id++);
	ls_jsonw_kstring(&json, "id", ls_slice_str(text));
	ls_jsonw_kstring(&json, "kind", ls_slice_str(ls_kind_name(event->kind)));
	ls_jsonw_ktime(&json, "time", event->time_ms);
	ls_jsonw_kobject(&json, "lead");
	ls_jsonw_kstring(&json, "email", ls_slice_str(event->email));
	if (event->visitor != 0) {
		(void)snprintf(text, sizeof text, "v-%012llx",
			(unsigned long long)(event->visitor & 0xffffffffffffu));
		ls_jsonw_kstring(&json, "visitor", ls_slice_str(text));
	}
	ls_jsonw_object_end(&json);
	if (event->message != NULL)
		ls_jsonw_kstring(&json, "message", ls_slice_str(event->message));
	if (event->machine)
		ls_jsonw_kbool(&json, "machine", true);
	if (event->detail != NULL) {
		ls_jsonw_kobject(&json, "detail");
		ls_jsonw_kstring(&json, event->detail, ls_slice_str(event->content));
		ls_jsonw_object_end(&json);
	}
	end(w, &w->native, &json);
}

/* ---- bodies */

int
ls_demo_cut(struct ls_demo_writer *w, struct ls_demo_batch *out)
{
	bool hubspot = w->hubspot.count >= w->native.count;
	struct ls_demo_stream *s = hubspot ? &w->hubspot : &w->native;
	size_t most = hubspot ? LS_DEMO_HUBSPOT_BATCH : LS_DEMO_NATIVE_BATCH;
	size_t n = LS_MIN(s->count, most);
	if (w->err != LS_OK || n == 0)
		return w->err != LS_OK ? w->err : LS_ERR_NOT_FOUND;
	size_t len = s->ends[n - 1];
	ls_buf_reset(&w->body);
	(void)ls_buf_add_slice(&w->body, hubspot ? LS_S("[") : LS_S("{\"events\":["));
	(void)ls_buf_add(&w->body, s->text.data + 1, len - 1);
	(void)ls_buf_add_slice(&w->body, hubspot ? LS_S("]") : LS_S("]}"));
	if (w->body.err != LS_OK)
		return w->body.err;
	ls_buf_consume(&s->text, len);
	s->count -= n;
	for (size_t i = 0; i < s->count; i++)
		s->ends[i] = s->ends[i + n] - len;
	*out = (struct ls_demo_batch){
		.hubspot = hubspot, .body = ls_buf_slice(&w->body), .events = n
	};
	return LS_OK;
}
