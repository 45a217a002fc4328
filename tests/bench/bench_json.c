// SPDX-License-Identifier: MIT
/* Reading a webhook batch of 100 events into structs: json_read against json-c, in one run, by
 *turns.
 *
 * Exact, for a gate, is the count of instructions (the figure of one batch is the difference of two
 * counts of rounds):
 *
 *	valgrind --tool=callgrind --callgrind-out-file=/dev/null build/tests/bench/bench_json ours
 *100
 */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <json-c/json.h>

#include "base/buf.h"
#include "base/json_read.h"

#define EVENTS 100
#define TURNS  9

struct event {
	uint64_t event_id, portal_id, object_id;
	int64_t occurred_at;
	uint64_t attempt;
	struct ls_slice type, name, value;
};

static void
generate(struct ls_buf *buf)
{
	static const char *const names[] = { "hs_analytics_num_page_views", "lifecyclestage",
		"email", "hs_email_last_open_date" };
	static const char *const values[] = { "12", "marketingqualifiedlead",
		"jane.doe@example.com", "1793612200000" };
	for (int i = 0; i < EVENTS; i++)
		(void)ls_buf_addf(buf,
			"%s{\"eventId\":%lld,\"subscriptionId\":25,\"portalId\":62515,\"appId\":"
			"54321,"
			"\"occurredAt\":%lld,\"subscriptionType\":\"contact.propertyChange\","
			"\"attemptNumber\":%d,\"objectId\":%d,\"propertyName\":\"%s\","
			"\"propertyValue\":\"%s\",\"changeSource\":\"ANALYTICS\"}",
			i > 0 ? "," : "[", 3816280000LL + i, 1793612200000LL + 1000LL * i, i % 3,
			2000000 + i, names[i % 4], values[i % 4]);
	(void)ls_buf_add_char(buf, ']');
}

static void
read_field(struct ls_json *j, struct ls_slice key, struct event *e)
{
	if (ls_slice_eq(key, LS_S("eventId")))
		(void)ls_json_u64(j, &e->event_id);
	else if (ls_slice_eq(key, LS_S("portalId")))
		(void)ls_json_u64(j, &e->portal_id);
	else if (ls_slice_eq(key, LS_S("objectId")))
		(void)ls_json_u64(j, &e->object_id);
	else if (ls_slice_eq(key, LS_S("occurredAt")))
		(void)ls_json_i64(j, &e->occurred_at);
	else if (ls_slice_eq(key, LS_S("attemptNumber")))
		(void)ls_json_u64(j, &e->attempt);
	else if (ls_slice_eq(key, LS_S("subscriptionType")))
		(void)ls_json_string(j, &e->type);
	else if (ls_slice_eq(key, LS_S("propertyName")))
		(void)ls_json_string(j, &e->name);
	else if (ls_slice_eq(key, LS_S("propertyValue")))
		(void)ls_json_string(j, &e->value);
	else
		(void)ls_json_skip(j);
}

static size_t
read_ours(struct ls_slice text, struct event events[EVENTS])
{
	struct ls_json j;
	struct ls_slice key;
	size_t count = 0;
	ls_json_init(&j, text, NULL);
	if (ls_json_array(&j))
		while (count < EVENTS && ls_json_item(&j) && ls_json_object(&j)) {
			while (ls_json_key(&j, &key))
				read_field(&j, key, &events[count]);
			count++;
		}
	/* the end of the array */
	return !ls_json_item(&j) && ls_json_finish(&j) == LS_OK ? count : 0;
}

static struct json_object *
member(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;
	(void)json_object_object_get_ex(object, key, &value);
	return value;
}

static struct ls_slice
member_string(struct json_object *object, const char *key)
{
	struct json_object *value = member(object, key);
	return ls_slice(json_object_get_string(value), (size_t)json_object_get_string_len(value));
}

static size_t
read_json_c(struct ls_slice text, struct event events[EVENTS])
{
	struct json_tokener *tokener = json_tokener_new();
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	struct json_object *tree = json_tokener_parse_ex(tokener, text.data, (int)text.len);
	size_t count = tree != NULL ? json_object_array_length(tree) : 0;
	for (size_t i = 0; i < count && i < EVENTS; i++) {
		struct json_object *object = json_object_array_get_idx(tree, i);
		struct event *e = &events[i];
		e->event_id = json_object_get_uint64(member(object, "eventId"));
		e->portal_id = json_object_get_uint64(member(object, "portalId"));
		e->object_id = json_object_get_uint64(member(object, "objectId"));
		e->occurred_at = json_object_get_int64(member(object, "occurredAt"));
		e->attempt = json_object_get_uint64(member(object, "attemptNumber"));
		e->type = member_string(object, "subscriptionType");
		e->name = member_string(object, "propertyName");
		e->value = member_string(object, "propertyValue");
	}
	json_object_put(tree);
	json_tokener_free(tokener);
	return count;
}

static double
now_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

typedef size_t (*read_fn)(struct ls_slice text, struct event events[EVENTS]);

/* CPU time per event in ns. */
static double
measure(read_fn read, struct ls_slice text, int rounds)
{
	struct event events[EVENTS] = { 0 };
	double start = now_ns();
	for (int i = 0; i < rounds; i++) {
		if (read(text, events) != EVENTS || events[EVENTS - 1].object_id != 2000099)
			abort();
	}
	return (now_ns() - start) / rounds / EVENTS;
}

static int
by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static double
median(double values[TURNS])
{
	qsort(values, TURNS, sizeof values[0], by_value);
	return values[TURNS / 2];
}

int
main(int argc, char **argv)
{
	struct ls_buf buf;
	ls_buf_init(&buf, 1u << 20);
	generate(&buf);
	if (buf.err != LS_OK)
		return 1;
	uint64_t rounds = 0;
	if (argc == 3 && ls_slice_to_u64(ls_slice_str(argv[2]), &rounds) == LS_OK) {
		read_fn read = strcmp(argv[1], "ours") == 0 ? read_ours : read_json_c;
		(void)measure(read, ls_buf_slice(&buf), (int)LS_MIN(rounds, 1000000u));
	} else {
		double ours[TURNS], json_c[TURNS], ratio[TURNS];
		for (int i = 0; i < TURNS; i++) {
			ours[i] = measure(read_ours, ls_buf_slice(&buf), 1000);
			json_c[i] = measure(read_json_c, ls_buf_slice(&buf), 200);
			ratio[i] = json_c[i] / ours[i];
		}
		printf("%d events, %zu bytes: json_read %.0f ns/event, json-c %.0f ns/event, "
		       "ratio %.1f\n",
			EVENTS, buf.len, median(ours), median(json_c), median(ratio));
	}
	ls_buf_fini(&buf);
	return 0;
}
