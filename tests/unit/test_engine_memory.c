// SPDX-License-Identifier: MIT
/* engine: how leads lie in memory. Packed activity and documents, slabs, the ranking's lists, and
 * the rows of a cut. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/engine_internal.h"
#include "engine_fixture.h"

static uint64_t
draw(uint64_t *seed, uint64_t below)
{
	*seed += 0x9e3779b97f4a7c15u;
	return ls_hash_mix(*seed) % below;
}

/* ---- packed activity */

struct sample {
	unsigned kind;
	int64_t time_ms;
	uint64_t message;
};

static struct sample
some_sample(uint64_t *seed)
{
	static const unsigned kinds[] = { LS_KIND_EMAIL_OPEN, LS_KIND_EMAIL_CLICK, LS_KIND_VISIT,
		LS_KIND_EMAIL_OPEN | LS_KIND_MACHINE, LS_KIND_CUSTOM, LS_KIND_CUSTOM + 31 };
	return (struct sample){
		.kind = kinds[draw(seed, LS_ARRAY_LEN(kinds))],
		.time_ms = T0 + (int64_t)draw(seed, 2) * LS_HOUR_MS,
		.message = draw(seed, 3) == 0 ? 0 : UINT64_MAX - draw(seed, 3),
	};
}

static void
assert_same(const struct ls_activity *a, const struct ls_activity *b)
{
	assert_int_equal(a->cell_count, b->cell_count);
	assert_int_equal(a->hit_count, b->hit_count);
	for (uint32_t i = 0; i < a->cell_count; i++)
		assert_true(a->cells[i] == b->cells[i]);
	for (uint32_t i = 0; i < a->hit_count; i++)
		assert_memory_equal(&a->hits[i], &b->hits[i], sizeof a->hits[i]);
}

static void *
pack(const struct ls_activity *activity, bool *wide)
{
	size_t size = ls_pack_size(activity, wide);
	void *packed = malloc(size > 0 ? size : 1);
	assert_non_null(packed);
	if (size > 0)
		ls_pack(activity, *wide, packed);
	return packed;
}

static void
packs_what_the_library_holds(void **state)
{
	(void)state;
	uint64_t seed = 1;
	struct ls_activity truth = { 0 }, got = { 0 };
	void *packed = NULL;
	size_t size = 0;
	for (int i = 0; i < 3000; i++) {
		struct sample s = some_sample(&seed);
		struct ls_pack_plan plan;
		assert_int_equal(
			ls_activity_add(&truth, ls_memory_heap, s.kind, s.time_ms, s.message, 1),
			LS_OK);
		if (!ls_pack_plan_add(packed, s.kind, s.time_ms, s.message, &plan)) {
			/* 127 of a cell are the most */
			assert_true(i > 100);
			break;
		}
		/* in place every other time */
		void *out = malloc(plan.size);
		if (i % 2 == 0) {
			ls_pack_add(packed, &plan, out);
		} else {
			memcpy(out, packed, size);
			ls_pack_add(out, &plan, out);
		}
		free(packed);
		packed = out;
		size = plan.size;
		assert_int_equal(ls_unpack(packed, false, &got, ls_memory_heap), LS_OK);
		assert_same(&got, &truth);
	}
	free(packed);
	bool wide;
	packed = pack(&truth, &wide);
	assert_true(wide);
	assert_int_equal(ls_unpack(packed, wide, &got, ls_memory_heap), LS_OK);
	assert_same(&got, &truth);
	free(packed);
	ls_activity_fini(&truth, ls_memory_heap);
	ls_activity_fini(&got, ls_memory_heap);
}

static void
leaves_the_odd_to_the_library(void **state)
{
	(void)state;
	struct ls_pack_plan plan;
	assert_false(ls_pack_plan_add(NULL, LS_KIND_CREATE, T0, 0, &plan));
	assert_false(ls_pack_plan_add(NULL, LS_KIND_VISIT, -1, 0, &plan));
	assert_false(ls_pack_plan_add(NULL, LS_KIND_VISIT, 0, 0, &plan));
	assert_false(ls_pack_plan_add(NULL, LS_KIND_VISIT, INT64_MAX, 0, &plan));
	assert_false(ls_pack_plan_add(NULL, LS_KIND_CUSTOM + 32, T0, 0, &plan));
	assert_true(ls_pack_plan_add(NULL, LS_KIND_CUSTOM + 31, T0, 0, &plan));
	/* what has been compacted is read by days */
	struct ls_activity old = { 0 };
	for (int64_t hour = 0; hour < 3; hour++)
		assert_int_equal(ls_activity_add(&old, ls_memory_heap, LS_KIND_VISIT,
					 T0 - 90 * DAY + hour * LS_HOUR_MS, 0, 1),
			LS_OK);
	assert_int_equal(ls_activity_compact(&old, T0), 1);
	bool wide;
	void *packed = pack(&old, &wide);
	assert_false(wide);
	assert_false(ls_pack_plan_add(packed, LS_KIND_VISIT, T0, 0, &plan));
	struct ls_activity got = { 0 };
	assert_int_equal(ls_unpack(packed, wide, &got, ls_memory_heap), LS_OK);
	assert_same(&got, &old);
	free(packed);
	ls_activity_fini(&old, ls_memory_heap);
	ls_activity_fini(&got, ls_memory_heap);
}

/* ---- slabs */

static void
slabs_give_pages_back(void **state)
{
	(void)state;
	enum { COUNT = 20000 };
	struct ls_slab slab = { 0 };
	char **blocks = calloc(COUNT, sizeof *blocks);
	size_t sizes[] = { 1, 8, 40, 200, 256, 257, 1024, 5000 };
	for (size_t i = 0; i < COUNT; i++) {
		size_t size = sizes[i % LS_ARRAY_LEN(sizes)];
		blocks[i] = ls_slab_alloc(&slab, size);
		assert_non_null(blocks[i]);
		assert_true(((uintptr_t)blocks[i] & 7) == 0);
		memset(blocks[i], (int)(i & 0xff), size);
	}
	size_t peak = ls_slab_bytes(&slab);
	for (size_t i = 0; i < COUNT; i++) {
		size_t size = sizes[i % LS_ARRAY_LEN(sizes)];
		assert_true((uint8_t)blocks[i][0] == (i & 0xff) &&
			    (uint8_t)blocks[i][size - 1] == (i & 0xff));
		ls_slab_free(&slab, blocks[i], size);
	}
	/* another size takes the same pages */
	for (size_t i = 0; i < COUNT; i++)
		blocks[i] = ls_slab_alloc(&slab, 100);
	assert_true(ls_slab_bytes(&slab) < peak);
	for (size_t i = 0; i < COUNT; i++) {
		if (i % 20 != 0)
			ls_slab_free(&slab, blocks[i], 100);
	}
	assert_true(ls_slab_is_sparse(&slab, blocks[20], 100) ||
		    ls_slab_is_sparse(&slab, blocks[100], 100));
	for (size_t i = 0; i < COUNT; i += 20)
		ls_slab_free(&slab, blocks[i], 100);
	ls_slab_trim(&slab, SIZE_MAX);
	assert_true(ls_slab_bytes(&slab) < peak / 4);
	assert_true(ls_slab_same(1, 8) && !ls_slab_same(8, 9) && ls_slab_same(257, 288));
	blocks[0] = ls_slab_alloc(&slab, 300);
	assert_non_null(blocks[0]);
	memset(blocks[0], 1, 300);
	free(blocks);
	ls_slab_fini(&slab);
}

/* ---- ranking */

static void
large_buckets_are_paged_by_id(void **state)
{
	(void)state;
	enum { COUNT = 5000 };
	struct ls_rank rank;
	uint64_t ids[64], last = 0;
	assert_int_equal(ls_rank_init(&rank), LS_OK);
	assert_int_equal(ls_rank_reserve(&rank, COUNT), LS_OK);
	for (uint32_t id = COUNT; id > 0; id--)
		ls_rank_set(&rank, id, id % 3 == 0 ? 7 : 0);
	size_t total = 0, n;
	int32_t score = -1;
	while ((n = ls_rank_page(&rank, 0, LS_SCORE_MAX_MILLI, score, last, ids, 64)) > 0) {
		for (size_t i = 0; i < n; i++) {
			int32_t now = rank.nodes[ids[i]].score_milli;
			assert_true(score == -1 || now < score || ids[i] > last);
			score = now;
			last = ids[i];
		}
		total += n;
	}
	assert_int_equal(total, COUNT);
	for (uint32_t id = 1; id <= COUNT; id++)
		ls_rank_set(&rank, id, -1);
	assert_int_equal(rank.total, 0);
	assert_int_equal(ls_rank_page(&rank, 0, LS_SCORE_MAX_MILLI, -1, 0, ids, 64), 0);
	ls_rank_set(&rank, 1, LS_SCORE_MAX_MILLI);
	ls_rank_set(&rank, 2, 64);
	assert_int_equal(ls_rank_page(&rank, 0, LS_SCORE_MAX_MILLI, -1, 0, ids, 64), 2);
	assert_true(ids[0] == 1 && ids[1] == 2);
	assert_int_equal(ls_rank_page(&rank, 0, 63, -1, 0, ids, 64), 0);
	assert_int_equal(ls_rank_page(&rank, 65, LS_SCORE_MAX_MILLI, -1, 0, ids, 64), 1);
	ls_rank_fini(&rank);
}

/* ---- the rows of a cut */

struct rows {
	struct ls_cut_row last;
	size_t count, fail_at;
};

static int
look_at_row(void *ctx, const struct ls_cut_row *row)
{
	struct rows *rows = ctx;
	if (rows->count == rows->fail_at)
		return LS_ERR_IO;
	rows->last = *row;
	rows->count++;
	return LS_OK;
}

static void
apply(struct ls_engine *engine, struct ls_event event)
{
	struct ls_applied applied;
	assert_int_equal(ls_engine_apply(engine, &event, T0, &applied), LS_OK);
}

static size_t
cut(struct ls_engine *engine, struct rows *rows)
{
	size_t left = 0;
	rows->count = 0;
	assert_int_equal(ls_engine_cut_begin(engine), LS_OK);
	assert_int_equal(ls_engine_cut_next(engine, 100, look_at_row, rows, &left), LS_OK);
	assert_int_equal(left, 0);
	ls_engine_cut_end(engine, true);
	return rows->count;
}

static void
cuts_hold_what_changed(void **state)
{
	(void)state;
	struct ls_profile *profile = ls_profile_default(ls_memory_heap);
	struct ls_engine *engine = ls_engine_new(&(struct ls_engine_options){ .profile = profile });
	struct rows rows = { .fail_at = SIZE_MAX };
	size_t left = 9;
	assert_int_equal(cut(engine, &rows), 0);
	struct ls_event e = event_of(LS_KIND_FORM_SUBMIT, T0, contact("1"));
	struct ls_attribute attrs[] = { text_attr("email", "a@b.com"), text_attr("name", "A"),
		text_attr("company", "B") };
	e.attributes = attrs;
	e.attribute_count = LS_ARRAY_LEN(attrs);
	apply(engine, e);
	assert_int_equal(ls_engine_dirty(engine), 1);
	assert_int_equal(cut(engine, &rows), 1);
	assert_true(rows.last.id == 1 && !rows.last.is_record && !rows.last.erased);
	assert_true(rows.last.score_milli > 0 && rows.last.scored_ms == T0 &&
		    rows.last.last_activity_ms == T0 && rows.last.state.len > 20);
	/* time alone changes no row */
	(void)ls_engine_sweep(engine, T0 + DAY, 10, NULL, NULL);
	assert_int_equal(ls_engine_dirty(engine), 0);

	/* the receiver fails: the row comes again, in this cut or in the next */
	apply(engine, e);
	assert_int_equal(ls_engine_cut_begin(engine), LS_OK);
	rows = (struct rows){ .fail_at = 0 };
	assert_int_equal(ls_engine_cut_next(engine, 100, look_at_row, &rows, &left), LS_ERR_IO);
	assert_int_equal(left, 9);
	rows.fail_at = SIZE_MAX;
	assert_int_equal(ls_engine_cut_next(engine, 100, look_at_row, &rows, &left), LS_OK);
	assert_true(rows.count == 1 && left == 0);
	ls_engine_cut_end(engine, false);
	assert_int_equal(ls_engine_dirty(engine), 1);
	assert_int_equal(cut(engine, &rows), 1);

	/* merged away, erased */
	apply(engine, event_of(LS_KIND_CREATE, T0, contact("2")));
	assert_int_equal(cut(engine, &rows), 1);
	const struct ls_ref two[] = { contact("2") };
	struct ls_event merge = event_of(LS_KIND_MERGE, T0, contact("1"));
	merge.merged = two;
	merge.merged_count = 1;
	apply(engine, merge);
	assert_int_equal(cut(engine, &rows), 2);
	assert_true(rows.last.id == 2 && rows.last.erased && !rows.last.erase_events);
	apply(engine, event_of(LS_KIND_PRIVACY_DELETE, T0, contact("1")));
	/* the lead, its alias, a tomb for each id */
	assert_int_equal(cut(engine, &rows), 4);
	assert_true(rows.last.erased && rows.last.erase_events);
	ls_engine_free(engine);
	ls_profile_free(profile);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packs_what_the_library_holds),
		cmocka_unit_test(leaves_the_odd_to_the_library),
		cmocka_unit_test(slabs_give_pages_back),
		cmocka_unit_test(large_buckets_are_paged_by_id),
		cmocka_unit_test(cuts_hold_what_changed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
