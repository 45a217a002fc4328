// SPDX-License-Identifier: MIT
/* The multiset of activity: sorted, exact in both directions, tight in memory, safe when memory is
 * short, and compaction. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "leadscore/score.h"

/* ---- memory that counts, and that fails when told to */

struct heap {
	size_t live; /* blocks */
	size_t bytes;
	int left; /* allocations until one fails; negative: never */
};

#define HEADER 16

static void *
heap_realloc(void *ctx, void *ptr, size_t size)
{
	struct heap *heap = ctx;
	size_t old = 0;
	if (ptr != NULL)
		memcpy(&old, (char *)ptr - HEADER, sizeof old);
	if (size == 0) {
		if (ptr != NULL) {
			heap->live--;
			heap->bytes -= old;
			free((char *)ptr - HEADER);
		}
		return NULL;
	}
	if (heap->left == 0)
		return NULL;
	heap->left -= heap->left > 0 ? 1 : 0;
	char *block = realloc(ptr != NULL ? (char *)ptr - HEADER : NULL, HEADER + size);
	if (block == NULL)
		return NULL;
	memcpy(block, &size, sizeof size);
	heap->live += ptr == NULL ? 1 : 0;
	heap->bytes += size - old;
	return block + HEADER;
}

static const int64_t T0 = INT64_C(1705314600000); /* 2024-01-15T10:30:00Z */

static struct ls_memory
memory_of(struct heap *heap)
{
	return (struct ls_memory){ .realloc = heap_realloc, .ctx = heap };
}

static void
check_sorted(const struct ls_activity *a)
{
	for (uint32_t i = 0; i < a->cell_count; i++) {
		assert_true(ls_cell_count(a->cells[i]) > 0);
		assert_true(i == 0 || a->cells[i - 1] <= a->cells[i]);
	}
	for (uint32_t i = 0; i < a->hit_count; i++) {
		const struct ls_hit *hit = &a->hits[i], *last = hit - 1;
		assert_true(hit->count > 0);
		assert_true(i == 0 || last->message < hit->message ||
			    (last->message == hit->message && last->hour_click < hit->hour_click));
	}
}

static void
adds_in_any_order(void **state)
{
	(void)state;
	struct heap heap = { .left = -1 };
	struct ls_memory memory = memory_of(&heap);
	struct ls_activity a = { 0 };
	for (int i = 0; i < 40; i++) {
		int64_t at = T0 - (int64_t)((i * 17) % 40) * LS_HOUR_MS;
		unsigned kind = i % 3 == 0 ? LS_KIND_VISIT : LS_KIND_CALL;
		assert_int_equal(ls_activity_add(&a, memory, kind, at, 0, 1 + i % 2), LS_OK);
		check_sorted(&a);
	}
	assert_int_equal(a.cell_count, 40);
	assert_int_equal(ls_activity_count(&a, LS_KIND_VISIT), 14 + 7);
	assert_int_equal(ls_activity_count(&a, LS_KIND_CALL), 26 + 13);
	assert_int_equal(ls_activity_count(&a, LS_KIND_MEETING), 0);
	assert_int_equal(ls_activity_last_ms(&a), T0 / LS_HOUR_MS * LS_HOUR_MS + LS_HOUR_MS);
	for (int i = 0; i < 40; i++) {
		int64_t at = T0 - (int64_t)((i * 17) % 40) * LS_HOUR_MS;
		unsigned kind = i % 3 == 0 ? LS_KIND_VISIT : LS_KIND_CALL;
		assert_int_equal(ls_activity_add(&a, memory, kind, at, 0, -1 - i % 2), LS_OK);
		check_sorted(&a);
	}
	assert_int_equal(a.cell_count, 0);
	assert_int_equal(ls_activity_last_ms(&a), 0);
	ls_activity_fini(&a, memory);
	assert_int_equal(heap.live, 0);
}

static void
machines_are_kept_apart(void **state)
{
	(void)state;
	struct heap heap = { .left = -1 };
	struct ls_memory memory = memory_of(&heap);
	struct ls_activity a = { 0 };
	unsigned machine = LS_KIND_EMAIL_OPEN | LS_KIND_MACHINE;
	assert_int_equal(ls_activity_add(&a, memory, machine, T0, 7, 3), LS_OK);
	assert_int_equal(a.hit_count, 0);
	assert_int_equal(ls_activity_count(&a, machine), 3);
	assert_int_equal(ls_activity_count(&a, LS_KIND_EMAIL_OPEN), 0);
	assert_int_equal(ls_activity_last_ms(&a), 0);
	/* the verdict changes: counts move, exactly */
	assert_int_equal(ls_activity_add(&a, memory, machine, T0, 7, -1), LS_OK);
	assert_int_equal(ls_activity_add(&a, memory, LS_KIND_EMAIL_OPEN, T0, 7, 1), LS_OK);
	assert_int_equal(ls_activity_count(&a, machine), 2);
	assert_int_equal(a.hit_count, 1);
	ls_activity_fini(&a, memory);
}

static void
hits_are_counted(void **state)
{
	(void)state;
	struct heap heap = { .left = -1 };
	struct ls_memory memory = memory_of(&heap);
	struct ls_activity a = { 0 };
	assert_int_equal(ls_activity_add(&a, memory, LS_KIND_EMAIL_OPEN, T0, 9, 1), LS_OK);
	assert_int_equal(ls_activity_add(&a, memory, LS_KIND_EMAIL_OPEN, T0, 9, 1), LS_OK);
	assert_int_equal(ls_activity_add(&a, memory, LS_KIND_EMAIL_CLICK, T0, 9, 1), LS_OK);
	assert_int_equal(ls_activity_add(&a, memory, LS_KIND_EMAIL_OPEN, T0, 4, 1), LS_OK);
	assert_int_equal(ls_activity_add(&a, memory, LS_KIND_EMAIL_OPEN, T0, 0, 1), LS_OK);
	assert_int_equal(ls_activity_add(&a, memory, LS_KIND_VISIT, T0, 4, 1), LS_OK);
	check_sorted(&a);
	assert_int_equal(a.hit_count, 3);
	assert_int_equal(a.hits[1].count, 2);
	/* a message that never was opened cannot be taken back, and nothing else is touched */
	struct ls_cell_copy {
		ls_cell cells[3];
		struct ls_hit hits[3];
	} before, after;
	memcpy(before.cells, a.cells, sizeof before.cells);
	memcpy(before.hits, a.hits, sizeof before.hits);
	assert_int_equal(
		ls_activity_add(&a, memory, LS_KIND_EMAIL_OPEN, T0, 5, -1), LS_ERR_INVALID);
	assert_int_equal(
		ls_activity_add(&a, memory, LS_KIND_EMAIL_OPEN, T0, 9, -3), LS_ERR_INVALID);
	memcpy(after.cells, a.cells, sizeof after.cells);
	memcpy(after.hits, a.hits, sizeof after.hits);
	assert_memory_equal(&before, &after, sizeof before);
	assert_int_equal(ls_activity_add(&a, memory, LS_KIND_EMAIL_OPEN, T0, 9, -2), LS_OK);
	assert_int_equal(a.hit_count, 2);
	ls_activity_fini(&a, memory);
}

static void
refuses_nonsense(void **state)
{
	(void)state;
	struct heap heap = { .left = -1 };
	struct ls_memory memory = memory_of(&heap);
	struct ls_activity a = { 0 };
	const unsigned kinds[] = { LS_KIND_OTHER, 15, LS_KIND_ATTRIBUTES, LS_KIND_DEAL_STAGE, 63,
		LS_KIND_MAX + 1, 0x10000u | LS_KIND_VISIT, LS_KIND_MACHINE };
	for (size_t i = 0; i < LS_ARRAY_LEN(kinds); i++)
		assert_int_equal(ls_activity_add(&a, memory, kinds[i], T0, 0, 1), LS_ERR_INVALID);
	assert_int_equal(ls_activity_add(&a, memory, LS_KIND_VISIT, -1, 0, 1), LS_ERR_INVALID);
	assert_int_equal(
		ls_activity_add(&a, memory, LS_KIND_VISIT, INT64_MAX, 0, 1), LS_ERR_INVALID);
	assert_int_equal(ls_activity_add(&a, memory, LS_KIND_VISIT, T0, 0, -1), LS_ERR_INVALID);
	assert_int_equal(ls_activity_add(&a, memory, LS_KIND_VISIT, T0, 0, 0), LS_OK);
	assert_int_equal(a.cell_count, 0);
	assert_int_equal(ls_activity_add(&a, memory, LS_KIND_CUSTOM, T0, 0, 1), LS_OK);
	assert_int_equal(ls_activity_add(&a, memory, LS_KIND_MAX, T0, 0, 1), LS_OK);
	assert_int_equal(ls_activity_count(&a, LS_KIND_MAX), 1);
	ls_activity_fini(&a, memory);
}

static void
counts_spill(void **state)
{
	(void)state;
	struct heap heap = { .left = -1 };
	struct ls_memory memory = memory_of(&heap);
	struct ls_activity a = { 0 };
	const int32_t full = LS_CELL_COUNT_MAX;
	assert_int_equal(ls_activity_add(&a, memory, LS_KIND_VISIT, T0, 0, full), LS_OK);
	assert_int_equal(a.cell_count, 1);
	assert_int_equal(ls_activity_add(&a, memory, LS_KIND_VISIT, T0, 0, 5), LS_OK);
	assert_int_equal(a.cell_count, 2);
	assert_int_equal(ls_activity_add(&a, memory, LS_KIND_VISIT, T0, 0, INT32_MAX), LS_OK);
	check_sorted(&a);
	assert_true(ls_activity_count(&a, LS_KIND_VISIT) ==
		    UINT64_C(5) + LS_CELL_COUNT_MAX + INT32_MAX);
	assert_int_equal(ls_activity_add(&a, memory, LS_KIND_VISIT, T0, 0, -INT32_MAX), LS_OK);
	assert_int_equal(ls_activity_add(&a, memory, LS_KIND_VISIT, T0, 0, -6), LS_OK);
	assert_int_equal(a.cell_count, 1);
	assert_int_equal(ls_activity_count(&a, LS_KIND_VISIT), full - 1);
	assert_int_equal(ls_activity_add(&a, memory, LS_KIND_EMAIL_OPEN, T0, 3, INT32_MAX), LS_OK);
	assert_int_equal(ls_activity_add(&a, memory, LS_KIND_EMAIL_OPEN, T0, 3, INT32_MAX), LS_OK);
	assert_int_equal(
		ls_activity_add(&a, memory, LS_KIND_EMAIL_OPEN, T0, 3, INT32_MAX), LS_ERR_LIMIT);
	ls_activity_fini(&a, memory);
	assert_int_equal(heap.live, 0);
}

static void
memory_is_tight(void **state)
{
	(void)state;
	struct heap heap = { .left = -1 };
	struct ls_memory memory = memory_of(&heap);
	struct ls_activity a = { 0 };
	for (int i = 0; i < 22; i++)
		assert_int_equal(ls_activity_add(&a, memory, LS_KIND_VISIT,
					 T0 - (int64_t)i * LS_HOUR_MS, 0, 1),
			LS_OK);
	for (int i = 0; i < 8; i++)
		assert_int_equal(ls_activity_add(&a, memory, LS_KIND_EMAIL_OPEN,
					 T0 - (int64_t)i * LS_HOUR_MS, (uint64_t)i + 1, 1),
			LS_OK);
	assert_int_equal(a.cell_count, 30);
	assert_true(sizeof a + heap.bytes <= 430); /* of the 450 bytes of a lead */
	for (int i = 0; i < 20; i++)
		assert_int_equal(ls_activity_add(&a, memory, LS_KIND_VISIT,
					 T0 - (int64_t)i * LS_HOUR_MS, 0, -1),
			LS_OK);
	assert_true(a.cell_room < 30);
	ls_activity_fini(&a, memory);
	assert_int_equal(heap.live, 0);
	assert_int_equal(heap.bytes, 0);
}

/** Fails each allocation in turn: either all is done, or nothing. */
static void
short_memory_changes_nothing(void **state)
{
	(void)state;
	struct heap heap = { .left = -1 };
	struct ls_memory memory = memory_of(&heap);
	struct ls_activity a = { 0 }, b = { 0 };
	for (int i = 0; i < 9; i++) {
		int64_t at = T0 - (int64_t)i * LS_HOUR_MS;
		assert_int_equal(ls_activity_add(&a, memory, LS_KIND_EMAIL_OPEN, at, 8, 1), LS_OK);
		assert_int_equal(ls_activity_add(&b, memory, LS_KIND_EMAIL_CLICK, at, 3, 1), LS_OK);
	}
	for (int fail = 0; fail < 2; fail++) {
		heap.left = fail;
		assert_int_equal(ls_activity_merge(&a, memory, &b, 1), LS_ERR_NOMEM);
		assert_int_equal(a.cell_count, 9);
		assert_int_equal(a.hit_count, 9);
		check_sorted(&a);
	}
	struct ls_activity c = { 0 };
	for (int fail = 0; fail < 2; fail++) {
		heap.left = fail;
		assert_int_equal(
			ls_activity_add(&c, memory, LS_KIND_EMAIL_OPEN, T0, 8, 1), LS_ERR_NOMEM);
		assert_int_equal(c.cell_count, 0);
		assert_int_equal(c.hit_count, 0);
	}
	heap.left = -1;
	assert_int_equal(ls_activity_merge(&a, memory, &b, 1), LS_OK);
	assert_int_equal(a.hit_count, 18);
	ls_activity_fini(&a, memory);
	ls_activity_fini(&b, memory);
	ls_activity_fini(&c, memory);
	assert_int_equal(heap.live, 0);
}

static void
merges_and_unmerges(void **state)
{
	(void)state;
	struct heap heap = { .left = -1 };
	struct ls_memory memory = memory_of(&heap);
	struct ls_activity a = { 0 }, b = { 0 };
	assert_int_equal(ls_activity_add(&a, memory, LS_KIND_VISIT, T0, 0, 2), LS_OK);
	assert_int_equal(ls_activity_add(&a, memory, LS_KIND_EMAIL_OPEN, T0, 5, 1), LS_OK);
	assert_int_equal(ls_activity_add(&b, memory, LS_KIND_VISIT, T0, 0, 3), LS_OK);
	assert_int_equal(ls_activity_add(&b, memory, LS_KIND_EMAIL_OPEN, T0, 5, 1), LS_OK);
	assert_int_equal(ls_activity_add(&b, memory, LS_KIND_CALL, T0, 0, 1), LS_OK);
	assert_int_equal(ls_activity_merge(&a, memory, &b, 1), LS_OK);
	check_sorted(&a);
	assert_int_equal(a.cell_count, 3);
	assert_int_equal(ls_activity_count(&a, LS_KIND_VISIT), 5);
	assert_int_equal(a.hits[0].count, 2);
	assert_int_equal(ls_activity_merge(&a, memory, &b, -1), LS_OK);
	assert_int_equal(a.cell_count, 2);
	assert_int_equal(ls_activity_count(&a, LS_KIND_VISIT), 2);
	/* more than there is: refused whole */
	assert_int_equal(ls_activity_merge(&a, memory, &b, -1), LS_ERR_INVALID);
	assert_int_equal(ls_activity_count(&a, LS_KIND_VISIT), 2);
	assert_int_equal(ls_activity_merge(&a, memory, &a, 1), LS_OK);
	assert_int_equal(ls_activity_count(&a, LS_KIND_VISIT), 4);
	assert_int_equal(ls_activity_merge(&a, memory, &a, -1), LS_OK);
	assert_int_equal(a.cell_count + a.hit_count, 0);
	struct ls_activity none = { 0 };
	assert_int_equal(ls_activity_merge(&a, memory, &none, -1), LS_OK);
	ls_activity_fini(&a, memory);
	ls_activity_fini(&b, memory);
	assert_int_equal(heap.live, 0);
}

static void
compacts_to_days(void **state)
{
	(void)state;
	struct heap heap = { .left = -1 };
	struct ls_memory memory = memory_of(&heap);
	struct ls_activity a = { 0 };
	const int64_t day0 = T0 / LS_DAY_MS * LS_DAY_MS;
	for (int hour = 0; hour < 24; hour += 2) { /* 62 days ago, and 3 days ago */
		int64_t old = day0 - 62 * LS_DAY_MS + hour * LS_HOUR_MS;
		assert_int_equal(ls_activity_add(&a, memory, LS_KIND_EMAIL_OPEN, old, 5, 1), LS_OK);
		int64_t young = day0 - 3 * LS_DAY_MS + hour * LS_HOUR_MS;
		assert_int_equal(ls_activity_add(&a, memory, LS_KIND_VISIT, young, 0, 1), LS_OK);
	}
	assert_int_equal(ls_activity_compact(&a, T0 - 3 * LS_DAY_MS), 0); /* too early */
	/* 12 cells and 12 hits become one each; the mark takes a cell */
	assert_int_equal(ls_activity_compact(&a, T0), 11 + 11 - 1);
	check_sorted(&a);
	assert_int_equal(ls_activity_compact(&a, T0), 0);
	assert_int_equal(ls_activity_count(&a, LS_KIND_EMAIL_OPEN), 12);
	assert_int_equal(a.hit_count, 1);
	assert_int_equal(a.hits[0].count, 12);
	/* late and taken-back events of that day find their place, exactly */
	int64_t at = day0 - 62 * LS_DAY_MS + 6 * LS_HOUR_MS;
	assert_int_equal(ls_activity_add(&a, memory, LS_KIND_EMAIL_OPEN, at, 5, 1), LS_OK);
	assert_int_equal(a.hit_count, 1);
	assert_int_equal(ls_activity_add(&a, memory, LS_KIND_EMAIL_OPEN, at, 5, -13), LS_OK);
	assert_int_equal(
		ls_activity_add(&a, memory, LS_KIND_EMAIL_OPEN, at, 5, -1), LS_ERR_INVALID);
	for (int hour = 0; hour < 24; hour += 2)
		assert_int_equal(ls_activity_add(&a, memory, LS_KIND_VISIT,
					 day0 - 3 * LS_DAY_MS + hour * LS_HOUR_MS, 0, -1),
			LS_OK);
	assert_int_equal(a.cell_count + a.hit_count, 0); /* the mark is gone, too */
	ls_activity_fini(&a, memory);
	assert_int_equal(heap.live, 0);
}

/** Opens and clicks of a day sort by hour before they are compacted, and by kind afterwards. */
static void
compacts_opens_and_clicks(void **state)
{
	(void)state;
	struct heap heap = { .left = -1 };
	struct ls_memory memory = memory_of(&heap);
	struct ls_activity a = { 0 };
	const int64_t old = T0 / LS_DAY_MS * LS_DAY_MS - 90 * LS_DAY_MS;
	for (int hour = 0; hour < 24; hour++) {
		unsigned kind = hour % 3 == 0 ? LS_KIND_EMAIL_CLICK : LS_KIND_EMAIL_OPEN;
		assert_int_equal(
			ls_activity_add(&a, memory, kind, old + hour * LS_HOUR_MS, 5, 1), LS_OK);
	}
	assert_int_equal(ls_activity_compact(&a, T0), 22 + 22 - 1);
	check_sorted(&a);
	assert_int_equal(a.hit_count, 2);
	assert_int_equal(a.hits[0].count, 16);
	assert_int_equal(a.hits[1].count, 8);
	assert_int_equal(a.hits[1].hour_click, a.hits[0].hour_click | 1u);
	ls_activity_fini(&a, memory);
}

/** A merge of two, of which either may have been compacted, can be undone exactly. */
static void
unmerges_over_compaction(void **state)
{
	(void)state;
	struct heap heap = { .left = -1 };
	struct ls_memory memory = memory_of(&heap);
	for (int variant = 0; variant < 4; variant++) {
		struct ls_activity a = { 0 }, b = { 0 };
		for (int i = 0; i < 48; i++) {
			int64_t at = T0 - 70 * LS_DAY_MS + (int64_t)i * LS_HOUR_MS;
			assert_int_equal(
				ls_activity_add(&a, memory, LS_KIND_EMAIL_CLICK, at, 7, 1), LS_OK);
			assert_int_equal(
				ls_activity_add(&b, memory, LS_KIND_EMAIL_CLICK, at, 7, 2), LS_OK);
		}
		assert_int_equal(ls_activity_merge(&a, memory, &b, 1), LS_OK);
		if ((variant & 1) != 0)
			assert_true(ls_activity_compact(&a, T0) > 0);
		if ((variant & 2) != 0)
			assert_true(ls_activity_compact(&b, T0) > 0);
		assert_int_equal(ls_activity_merge(&a, memory, &b, -1), LS_OK);
		check_sorted(&a);
		assert_int_equal(ls_activity_count(&a, LS_KIND_EMAIL_CLICK), 48);
		assert_int_equal(ls_activity_merge(&a, memory, &b, -1), LS_ERR_INVALID);
		ls_activity_fini(&a, memory);
		ls_activity_fini(&b, memory);
	}
	assert_int_equal(heap.live, 0);
}

static void
names_of_kinds(void **state)
{
	(void)state;
	enum ls_kind kind;
	assert_string_equal(ls_kind_name(LS_KIND_EMAIL_OPEN), "email_open");
	assert_string_equal(ls_kind_name(LS_KIND_EMAIL_OPEN | LS_KIND_MACHINE), "email_open");
	assert_null(ls_kind_name(20));
	assert_null(ls_kind_name(LS_KIND_CUSTOM));
	assert_int_equal(ls_kind_find((struct ls_slice){ "form_submit", 11 }, &kind), LS_OK);
	assert_int_equal(kind, LS_KIND_FORM_SUBMIT);
	assert_int_equal(
		ls_kind_find((struct ls_slice){ "form_submi", 10 }, &kind), LS_ERR_NOT_FOUND);
	/* the numbers of what is counted are in the order of the names: scores are sums in order */
	for (unsigned i = LS_KIND_CALL; i < LS_KIND_VISIT; i++)
		assert_true(strcmp(ls_kind_name(i), ls_kind_name(i + 1)) < 0);
}

/** They are stored: another number would be another message. */
static void
numbers_of_messages(void **state)
{
	(void)state;
	assert_true(ls_message_hash((struct ls_slice){ "campaign-7", 10 }) == 0xa48aa15e025f508cu);
	assert_true(ls_message_hash((struct ls_slice){ "campaign-8", 10 }) != 0xa48aa15e025f508cu);
	assert_true(ls_message_hash((struct ls_slice){ NULL, 0 }) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_in_any_order),
		cmocka_unit_test(machines_are_kept_apart),
		cmocka_unit_test(hits_are_counted),
		cmocka_unit_test(refuses_nonsense),
		cmocka_unit_test(counts_spill),
		cmocka_unit_test(memory_is_tight),
		cmocka_unit_test(short_memory_changes_nothing),
		cmocka_unit_test(merges_and_unmerges),
		cmocka_unit_test(compacts_to_days),
		cmocka_unit_test(compacts_opens_and_clicks),
		cmocka_unit_test(unmerges_over_compaction),
		cmocka_unit_test(names_of_kinds),
		cmocka_unit_test(numbers_of_messages),
	};
	return cmocka_run_group_tests_name("activity", tests, NULL, NULL);
}
