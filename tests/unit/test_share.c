// SPDX-License-Identifier: MIT
/* What each event gives: exact sums, also of negative points and of clicks; who has no part. (On
 * random activities: property_score.) */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/slice.h"
#include "leadscore/share.h"

#define NOW_MS    INT64_C(1764000000000)
#define LINES_MAX 16

static const char rules[] = "{\"rules\": [{\"id\": \"bounces\", \"when\": {\"kind\":"
			    " \"email_bounce\"}, \"points\": -1.0005, \"cap\": 2}]}";

struct fixture {
	struct ls_profile *profile;
	struct ls_moment *moment;
	struct ls_activity activity;
	struct ls_line lines[LINES_MAX];
	struct ls_shares shares;
};

static int
set_up(void **state)
{
	struct fixture *fx = calloc(1, sizeof *fx);
	size_t faults = 0;
	assert_non_null(fx);
	assert_int_equal(ls_profile_parse(ls_memory_heap, ls_slice_str(rules), &fx->profile, NULL,
				 0, &faults),
		LS_OK);
	fx->moment = ls_moment_new(ls_memory_heap, fx->profile, NOW_MS);
	assert_non_null(fx->moment);
	*state = fx;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fx = *state;
	ls_shares_fini(&fx->shares, ls_memory_heap);
	ls_activity_fini(&fx->activity, ls_memory_heap);
	ls_moment_free(fx->moment);
	ls_profile_free(fx->profile);
	free(fx);
	return 0;
}

static void
add(struct fixture *fx, unsigned kind, int64_t hours_ago, uint64_t message, int32_t count)
{
	assert_int_equal(ls_activity_add(&fx->activity, ls_memory_heap, kind,
				 NOW_MS - hours_ago * LS_HOUR_MS, message, count),
		LS_OK);
}

static struct ls_subject_data
data_of(const struct fixture *fx)
{
	return (struct ls_subject_data){ .activity = &fx->activity, .employees = -1 };
}

static void
share(struct fixture *fx)
{
	struct ls_subject_data data = data_of(fx);
	assert_true(ls_line_count(fx->profile) <= LINES_MAX);
	(void)ls_explain(fx->moment, &data, fx->lines);
	assert_int_equal(
		ls_shares_make(fx->moment, &data, fx->lines, ls_memory_heap, &fx->shares), LS_OK);
}

static int32_t
part(const struct fixture *fx, const char *line, const struct ls_share_event *event, uint32_t rank)
{
	for (uint32_t i = 0; i < ls_line_count(fx->profile); i++) {
		if (!ls_slice_eq(fx->lines[i].name, ls_slice_str(line)))
			continue;
		const struct ls_share *found = ls_shares_find(&fx->shares, i, event);
		return found != NULL ? ls_share_part(found, rank) : 0;
	}
	fail_msg("no line %s", line);
	return 0;
}

static int32_t
points(const struct fixture *fx, const char *line)
{
	for (uint32_t i = 0; i < ls_line_count(fx->profile); i++) {
		if (ls_slice_eq(fx->lines[i].name, ls_slice_str(line)))
			return fx->lines[i].points_milli;
	}
	return 0;
}

static void
nobody_gives_nothing(void **state)
{
	struct fixture *fx = *state;
	struct ls_share_event visit = { .kind = LS_KIND_VISIT, .time_ms = NOW_MS };
	share(fx);
	assert_int_equal(fx->shares.count, 0);
	assert_int_equal(part(fx, "website_visits", &visit, 0), 0);
}

static void
events_of_an_hour_differ_by_a_milli_point(void **state)
{
	struct fixture *fx = *state;
	struct ls_share_event open = { .kind = LS_KIND_EMAIL_OPEN, .time_ms = NOW_MS };
	struct ls_share_event old = { .kind = LS_KIND_EMAIL_OPEN,
		.time_ms = NOW_MS - LS_DAY_MS * 9 };
	int32_t sum = 0;
	add(fx, LS_KIND_EMAIL_OPEN, 0, 0, 7);
	add(fx, LS_KIND_EMAIL_OPEN, 9 * 24, 0, 1);
	add(fx, LS_KIND_EMAIL_OPEN | LS_KIND_MACHINE, 0, 0, 5);
	share(fx);
	for (uint32_t rank = 0; rank < 9; rank++) {
		int32_t one = part(fx, "email_opens", &open, rank);
		assert_in_range(one, rank < 7 ? points(fx, "email_opens") / 7 : 0,
			rank < 7 ? points(fx, "email_opens") / 7 + 1 : 0);
		sum += one;
	}
	assert_int_equal(sum, points(fx, "email_opens"));
	assert_int_equal(part(fx, "email_opens", &old, 0), 0);
	assert_int_equal(part(fx, "recency", &old, 0), 0);
	assert_true(part(fx, "recency", &open, 0) > 0);
}

static void
negative_points_are_shared_too(void **state)
{
	struct fixture *fx = *state;
	struct ls_share_event bounce = { .kind = LS_KIND_EMAIL_BOUNCE, .time_ms = NOW_MS };
	struct ls_share_event before = bounce;
	before.time_ms -= LS_DAY_MS;
	add(fx, LS_KIND_EMAIL_BOUNCE, 0, 0, 2);
	add(fx, LS_KIND_EMAIL_BOUNCE, 24, 0, 1);
	share(fx);
	assert_int_equal(points(fx, "bounces"), -2000);
	int32_t a = part(fx, "bounces", &bounce, 0), b = part(fx, "bounces", &bounce, 1),
		c = part(fx, "bounces", &before, 0);
	assert_true(a < 0 && b < 0 && c < 0 && abs(a - c) <= 1);
	assert_int_equal(a + b + c, -2000);
}

static void
a_messages_first_click_gives(void **state)
{
	struct fixture *fx = *state;
	struct ls_share_event first = { LS_KIND_EMAIL_CLICK, NOW_MS - 5 * LS_HOUR_MS, 11 };
	struct ls_share_event again = { LS_KIND_EMAIL_CLICK, NOW_MS - 2 * LS_HOUR_MS, 11 };
	struct ls_share_event other = { LS_KIND_EMAIL_CLICK, NOW_MS - 2 * LS_HOUR_MS, 12 };
	add(fx, LS_KIND_EMAIL_CLICK, 5, 11, 1);
	add(fx, LS_KIND_EMAIL_CLICK, 2, 11, 1);
	add(fx, LS_KIND_EMAIL_CLICK, 2, 12, 1);
	share(fx);
	assert_int_equal(part(fx, "email_clicks", &again, 0), 0);
	assert_true(part(fx, "email_clicks", &first, 0) > 0);
	assert_int_equal(part(fx, "email_clicks", &first, 0) + part(fx, "email_clicks", &other, 0),
		points(fx, "email_clicks"));
}

/* allows so many blocks, then none */
static void *
stingy(void *ctx, void *ptr, size_t size)
{
	int *left = ctx;
	if (size > 0 && (*left)-- <= 0)
		return NULL;
	return ls_memory_heap.realloc(ls_memory_heap.ctx, ptr, size);
}

static void
without_memory_nothing_is_left_behind(void **state)
{
	struct fixture *fx = *state;
	struct ls_subject_data data = data_of(fx);
	for (int hours = 0; hours < 100; hours++)
		add(fx, LS_KIND_VISIT, hours, 0, 1);
	(void)ls_explain(fx->moment, &data, fx->lines);
	for (int allowed = 0;; allowed++) {
		int left = allowed;
		struct ls_memory memory = { stingy, &left };
		int err = ls_shares_make(fx->moment, &data, fx->lines, memory, &fx->shares);
		if (err == LS_OK)
			break;
		assert_int_equal(err, LS_ERR_NOMEM);
		assert_int_equal(fx->shares.count, 0);
		assert_true(allowed < 20);
	}
	assert_int_equal(fx->shares.count, 101); /* and the newest for recency */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nobody_gives_nothing),
		TEST(events_of_an_hour_differ_by_a_milli_point),
		TEST(negative_points_are_shared_too),
		TEST(a_messages_first_click_gives),
		TEST(without_memory_nothing_is_left_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
