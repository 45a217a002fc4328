// SPDX-License-Identifier: MIT
/* The multiset of what a lead has done: sorted cells and hits, exact addition and subtraction,
 * compaction. Knows nothing of scores.
 *
 * Compaction leaves a mark: a cell of kind LS_KIND_OTHER, which is never counted itself, whose hour
 * is the first that is not compacted. Hours below it stand for the last hour of their day, in
 * whatever is added or taken back later; so a subtraction stays exact, and the mark travels with
 * the cells wherever they are stored. */

#include "leadscore/activity.h"

#include <string.h>

#include "base/base.h"
#include "score/interactions.h"
#include "score/points.h"

#define CELLS_MAX ((size_t)1 << 24)
#define HITS_MAX  ((size_t)1 << 24)
#define HOUR_MAX  0xffffffu

/* ---- cells */

static ls_cell
make_key(unsigned kind, uint32_t hour)
{
	return (ls_cell)kind << 48 | (ls_cell)hour << 24;
}

static ls_cell
make_cell(ls_cell key, uint32_t count)
{
	return key | count;
}

static ls_cell
key_of(ls_cell cell)
{
	return cell & ~(ls_cell)LS_CELL_COUNT_MAX;
}

/** First cell that is not below `bound`. */
static size_t
lower_cell(const struct ls_activity *a, ls_cell bound)
{
	size_t lo = 0, hi = a->cell_count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (a->cells[mid] < bound)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool
has_mark(const struct ls_activity *a)
{
	return a->cell_count > 0 && ls_cell_kind(a->cells[0]) == LS_KIND_OTHER;
}

/** Hours below are compacted; 0 when nothing is. */
static uint32_t
mark_hour(const struct ls_activity *a)
{
	return has_mark(a) ? ls_cell_hour(a->cells[0]) : 0;
}

static uint32_t
canonical_hour(uint32_t hour, uint32_t mark)
{
	return hour < mark ? hour / 24 * 24 + 23 : hour;
}

/** Cells that a count needs. */
static size_t
cells_for(uint64_t total)
{
	return (size_t)((total + LS_CELL_COUNT_MAX - 1) / LS_CELL_COUNT_MAX);
}

/** Writes the cells of one key, the smallest count first, as they sort. */
static size_t
write_total(ls_cell *out, ls_cell key, uint64_t total)
{
	size_t n = cells_for(total);
	for (size_t i = n; i-- > 0;) {
		uint32_t count = (uint32_t)LS_MIN(total, (uint64_t)LS_CELL_COUNT_MAX);
		out[i] = make_cell(key, count);
		total -= count;
	}
	return n;
}

/** Amortised, but tight: a lead's memory is counted in cells. An odd number of 8-byte cells fills
 * a malloc chunk to its last byte. */
static size_t
next_room(size_t need)
{
	return (need + need / 8) | 1;
}

static int
reserve_cells(struct ls_activity *a, struct ls_memory memory, size_t need)
{
	if (need > CELLS_MAX)
		return LS_ERR_LIMIT;
	if (need <= a->cell_room)
		return LS_OK;
	size_t room = next_room(need);
	ls_cell *cells = memory.realloc(memory.ctx, a->cells, room * sizeof *cells);
	if (cells == NULL)
		return LS_ERR_NOMEM;
	a->cells = cells;
	a->cell_room = (uint32_t)room;
	return LS_OK;
}

static int
reserve_hits(struct ls_activity *a, struct ls_memory memory, size_t need)
{
	if (need > HITS_MAX)
		return LS_ERR_LIMIT;
	if (need <= a->hit_room)
		return LS_OK;
	size_t room = next_room(need);
	struct ls_hit *hits = memory.realloc(memory.ctx, a->hits, room * sizeof *hits);
	if (hits == NULL)
		return LS_ERR_NOMEM;
	a->hits = hits;
	a->hit_room = (uint32_t)room;
	return LS_OK;
}

/** Gives memory back once most of it is unused. Failing to shrink is no failure. */
static void
shrink(struct ls_activity *a, struct ls_memory memory)
{
	if (a->cell_count == 1 && has_mark(a) && a->hit_count == 0)
		a->cell_count = 0; /* nothing left that the mark could speak of */
	if (a->cell_room > 2 * (a->cell_count + 4)) {
		size_t room = a->cell_count > 0 ? next_room(a->cell_count) : 0;
		void *cells = memory.realloc(memory.ctx, a->cells, room * sizeof *a->cells);
		if (cells != NULL || room == 0) {
			a->cells = cells;
			a->cell_room = (uint32_t)room;
		}
	}
	if (a->hit_room > 2 * (a->hit_count + 4)) {
		size_t room = a->hit_count > 0 ? next_room(a->hit_count) : 0;
		void *hits = memory.realloc(memory.ctx, a->hits, room * sizeof *a->hits);
		if (hits != NULL || room == 0) {
			a->hits = hits;
			a->hit_room = (uint32_t)room;
		}
	}
}

/** The cells of a key: where they are and what they count together. */
struct cell_span {
	size_t at, n;
	uint64_t total;
};

static struct cell_span
find_span(const struct ls_activity *a, ls_cell key)
{
	struct cell_span span = { .at = lower_cell(a, key) };
	for (size_t i = span.at; i < a->cell_count && key_of(a->cells[i]) == key; i++, span.n++)
		span.total += ls_cell_count(a->cells[i]);
	return span;
}

/** Replaces a key's cells; there must be room. */
static void
set_total(struct ls_activity *a, ls_cell key, struct cell_span span, uint64_t total)
{
	size_t n = cells_for(total), behind = span.at + span.n;
	if (n != span.n)
		memmove(&a->cells[span.at + n], &a->cells[behind],
			(a->cell_count - behind) * sizeof *a->cells);
	a->cell_count = (uint32_t)(a->cell_count - span.n + n);
	(void)write_total(&a->cells[span.at], key, total);
}

/* ---- hits */

static int
compare_hits(const struct ls_hit *a, const struct ls_hit *b)
{
	if (a->message != b->message)
		return a->message < b->message ? -1 : 1;
	if (a->hour_click != b->hour_click)
		return a->hour_click < b->hour_click ? -1 : 1;
	return 0;
}

/** First hit that is not below `hit`. */
static size_t
lower_hit(const struct ls_activity *a, const struct ls_hit *hit)
{
	size_t lo = 0, hi = a->hit_count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (compare_hits(&a->hits[mid], hit) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/** Sets the count of the hit at its place `at`; there must be room. */
static void
set_hit(struct ls_activity *a, size_t at, bool there, struct ls_hit hit)
{
	if (there && hit.count > 0) {
		a->hits[at].count = hit.count;
	} else if (there) {
		a->hit_count--;
		memmove(&a->hits[at], &a->hits[at + 1], (a->hit_count - at) * sizeof *a->hits);
	} else if (hit.count > 0) {
		memmove(&a->hits[at + 1], &a->hits[at], (a->hit_count - at) * sizeof *a->hits);
		a->hits[at] = hit;
		a->hit_count++;
	}
}

/* ---- one event */

void
ls_activity_fini(struct ls_activity *activity, struct ls_memory memory)
{
	if (activity->cells != NULL)
		(void)memory.realloc(memory.ctx, activity->cells, 0);
	if (activity->hits != NULL)
		(void)memory.realloc(memory.ctx, activity->hits, 0);
	*activity = (struct ls_activity){ 0 };
}

/** have + by, or LS_ERR_INVALID below zero, LS_ERR_LIMIT above max. */
static int
add_counts(uint64_t have, int32_t by, uint64_t max, uint64_t *out)
{
	int64_t sum = (int64_t)have + by;
	if (sum < 0)
		return LS_ERR_INVALID;
	if ((uint64_t)sum > max)
		return LS_ERR_LIMIT;
	*out = (uint64_t)sum;
	return LS_OK;
}

int
ls_activity_add(struct ls_activity *activity, struct ls_memory memory, unsigned kind,
	int64_t time_ms, uint64_t message, int32_t by)
{
	if (kind > (LS_KIND_MAX | LS_KIND_MACHINE) || !ls_kind_is_activity(kind) || time_ms < 0 ||
		time_ms / LS_HOUR_MS > HOUR_MAX)
		return LS_ERR_INVALID;
	if (by == 0)
		return LS_OK;
	uint32_t hour = canonical_hour((uint32_t)(time_ms / LS_HOUR_MS), mark_hour(activity));
	bool is_hit = message != 0 && (kind == LS_KIND_EMAIL_OPEN || kind == LS_KIND_EMAIL_CLICK);

	ls_cell key = make_key(kind, hour);
	struct cell_span span = find_span(activity, key);
	uint64_t total = 0, hit_total = 0;
	int err = add_counts(span.total, by, (uint64_t)CELLS_MAX * LS_CELL_COUNT_MAX, &total);
	struct ls_hit hit = { .message = message,
		.hour_click = hour << 1 | (kind == LS_KIND_EMAIL_CLICK ? 1u : 0u) };
	size_t at = 0;
	bool there = false;
	if (err == LS_OK && is_hit) {
		at = lower_hit(activity, &hit);
		there = at < activity->hit_count && compare_hits(&activity->hits[at], &hit) == 0;
		err = add_counts(there ? activity->hits[at].count : 0, by, UINT32_MAX, &hit_total);
		hit.count = (uint32_t)hit_total;
	}
	if (err == LS_OK)
		err = reserve_cells(
			activity, memory, activity->cell_count - span.n + cells_for(total));
	if (err == LS_OK && is_hit && !there)
		err = reserve_hits(activity, memory, (size_t)activity->hit_count + 1);
	if (err != LS_OK)
		return err;
	set_total(activity, key, span, total);
	if (is_hit)
		set_hit(activity, at, there, hit);
	if (by < 0)
		shrink(activity, memory);
	return LS_OK;
}

/* ---- all of another */

/** Reads cells key by key: spilled and (below the mark) compacted ones together. */
struct cell_reader {
	const ls_cell *at, *end;
	uint32_t mark;
	ls_cell key; /* of the current group; past all keys at the end */
	uint64_t total;
};

static void
next_group(struct cell_reader *r)
{
	r->key = UINT64_MAX;
	r->total = 0;
	for (; r->at < r->end; r->at++) {
		ls_cell key = make_key(
			ls_cell_kind(*r->at), canonical_hour(ls_cell_hour(*r->at), r->mark));
		if (r->key != UINT64_MAX && key != r->key)
			break;
		r->key = key;
		r->total += ls_cell_count(*r->at);
	}
}

static struct cell_reader
read_cells(const struct ls_activity *a, uint32_t mark)
{
	struct cell_reader r = { .mark = mark };
	if (a->cell_count > 0) {
		r.at = a->cells + (has_mark(a) ? 1 : 0);
		r.end = a->cells + a->cell_count;
	}
	next_group(&r);
	return r;
}

/** The same for hits: of a message's hour (below the mark: its day), the opens, then the clicks. */
struct hit_reader {
	const struct ls_hit *at, *end;
	uint32_t mark;
	bool more;
	struct ls_hit hit; /* but for its count */
	uint64_t total;
	uint64_t clicks; /* of this hour, still to be given */
};

static void
next_hit(struct hit_reader *r)
{
	if (r->clicks > 0) {
		r->hit.hour_click |= 1u;
		r->total = r->clicks;
		r->clicks = 0;
		return;
	}
	uint64_t totals[2] = { 0, 0 };
	r->more = r->at < r->end;
	for (bool first = true; r->at < r->end; r->at++, first = false) {
		uint32_t hour = canonical_hour(r->at->hour_click >> 1, r->mark);
		struct ls_hit hit = { .message = r->at->message, .hour_click = hour << 1 };
		if (!first && compare_hits(&hit, &r->hit) != 0)
			break;
		r->hit = hit;
		totals[r->at->hour_click & 1u] += r->at->count;
	}
	r->total = totals[0];
	r->clicks = totals[1];
	if (r->more && r->total == 0)
		next_hit(r);
}

static struct hit_reader
read_hits(const struct ls_activity *a, uint32_t mark)
{
	struct hit_reader r = { .mark = mark };
	if (a->hit_count > 0) {
		r.at = a->hits;
		r.end = a->hits + a->hit_count;
	}
	next_hit(&r);
	return r;
}

static int
combine(uint64_t a, uint64_t b, int sign, uint64_t *out)
{
	if (sign < 0 && b > a)
		return LS_ERR_INVALID;
	*out = sign < 0 ? a - b : a + b;
	return LS_OK;
}

static int
merge_cells(ls_cell *out, size_t *count, struct cell_reader a, struct cell_reader b, int sign)
{
	size_t n = 0;
	while (a.key != UINT64_MAX || b.key != UINT64_MAX) {
		ls_cell key = LS_MIN(a.key, b.key);
		bool take_a = a.key == key, take_b = b.key == key;
		uint64_t total = 0;
		int err = combine(take_a ? a.total : 0, take_b ? b.total : 0, sign, &total);
		if (err != LS_OK)
			return err;
		n += write_total(&out[n], key, total);
		if (take_a)
			next_group(&a);
		if (take_b)
			next_group(&b);
	}
	*count = n;
	return LS_OK;
}

static int
merge_hits(struct ls_hit *out, size_t *count, struct hit_reader a, struct hit_reader b, int sign)
{
	size_t n = 0;
	while (a.more || b.more) {
		int order = !b.more ? -1 : !a.more ? 1 : compare_hits(&a.hit, &b.hit);
		struct ls_hit hit = order <= 0 ? a.hit : b.hit;
		uint64_t total = 0;
		int err = combine(order <= 0 ? a.total : 0, order >= 0 ? b.total : 0, sign, &total);
		if (err != LS_OK)
			return err;
		if (total > UINT32_MAX)
			return LS_ERR_LIMIT;
		hit.count = (uint32_t)total;
		if (total > 0)
			out[n++] = hit;
		if (order <= 0)
			next_hit(&a);
		if (order >= 0)
			next_hit(&b);
	}
	*count = n;
	return LS_OK;
}

/** Memory for the result, never of size 0, which would mean free. */
static int
alloc_merged(struct ls_activity *out, struct ls_memory memory, size_t cells, size_t hits)
{
	if (cells > CELLS_MAX || hits > HITS_MAX)
		return LS_ERR_LIMIT;
	out->cells = memory.realloc(memory.ctx, NULL, (cells | 1) * sizeof *out->cells);
	out->hits = hits == 0 ? NULL : memory.realloc(memory.ctx, NULL, hits * sizeof *out->hits);
	if (out->cells == NULL || (hits > 0 && out->hits == NULL)) {
		ls_activity_fini(out, memory);
		return LS_ERR_NOMEM;
	}
	out->cell_room = (uint32_t)(cells | 1);
	out->hit_room = (uint32_t)hits;
	return LS_OK;
}

/** Cuts the room down to what is used. */
static void
trim(struct ls_activity *a, struct ls_memory memory)
{
	if (a->cell_room > next_room(a->cell_count)) {
		size_t room = next_room(a->cell_count);
		ls_cell *cells = memory.realloc(memory.ctx, a->cells, room * sizeof *cells);
		a->cell_room = cells != NULL ? (uint32_t)room : a->cell_room;
		a->cells = cells != NULL ? cells : a->cells;
	}
	if (a->hit_room > next_room(a->hit_count)) {
		size_t room = next_room(a->hit_count);
		struct ls_hit *hits = memory.realloc(memory.ctx, a->hits, room * sizeof *hits);
		a->hit_room = hits != NULL ? (uint32_t)room : a->hit_room;
		a->hits = hits != NULL ? hits : a->hits;
	}
}

int
ls_activity_merge(struct ls_activity *activity, struct ls_memory memory,
	const struct ls_activity *other, int sign)
{
	if (other->cell_count == 0 && other->hit_count == 0)
		return LS_OK;
	uint32_t mark = LS_MAX(mark_hour(activity), mark_hour(other));
	struct ls_activity merged = { 0 };
	int err =
		alloc_merged(&merged, memory, (size_t)activity->cell_count + other->cell_count + 1,
			(size_t)activity->hit_count + other->hit_count);
	if (err != LS_OK)
		return err;
	size_t cells = 0, hits = 0, first = mark > 0 ? 1 : 0;
	if (first > 0)
		merged.cells[0] = make_cell(make_key(LS_KIND_OTHER, mark), 1);
	err = merge_cells(&merged.cells[first], &cells, read_cells(activity, mark),
		read_cells(other, mark), sign);
	if (err == LS_OK)
		err = merge_hits(merged.hits, &hits, read_hits(activity, mark),
			read_hits(other, mark), sign);
	if (err != LS_OK) {
		ls_activity_fini(&merged, memory);
		return err;
	}
	merged.cell_count = (uint32_t)(cells + first);
	merged.hit_count = (uint32_t)hits;
	trim(&merged, memory);
	shrink(&merged, memory);
	ls_activity_fini(activity, memory);
	*activity = merged;
	return LS_OK;
}

/* ---- reading */

uint64_t
ls_activity_count(const struct ls_activity *activity, unsigned kind)
{
	uint64_t total = 0;
	if (!ls_kind_is_activity(kind))
		return 0;
	for (size_t i = lower_cell(activity, make_key(kind, 0));
		i < activity->cell_count && ls_cell_kind(activity->cells[i]) == kind; i++)
		total += ls_cell_count(activity->cells[i]);
	return total;
}

int64_t
ls_activity_last_ms(const struct ls_activity *activity)
{
	int64_t last_ms = 0;
	for (size_t i = activity->cell_count; i-- > 0;) {
		ls_cell cell = activity->cells[i];
		if (!kind_is_interaction(ls_cell_kind(cell)))
			continue;
		last_ms = LS_MAX(last_ms, ((int64_t)ls_cell_hour(cell) + 1) * LS_HOUR_MS);
	}
	return last_ms;
}

/* ---- compaction */

/** What would be left, the mark included. False when a hit's count would overflow. */
static bool
count_compacted(const struct ls_activity *a, uint32_t mark, size_t *cells, size_t *hits)
{
	bool fits = true;
	*cells = 1;
	*hits = 0;
	for (struct cell_reader r = read_cells(a, mark); r.key != UINT64_MAX; next_group(&r))
		*cells += cells_for(r.total);
	for (struct hit_reader r = read_hits(a, mark); r.more; next_hit(&r)) {
		*hits += 1;
		fits = fits && r.total <= UINT32_MAX;
	}
	return fits;
}

/** In place: a group is read before it is written, and never grows. */
static void
rewrite_compacted(struct ls_activity *a, uint32_t mark)
{
	size_t first = has_mark(a) ? 1 : 0, n = first, hits = 0;
	for (struct cell_reader r = read_cells(a, mark); r.key != UINT64_MAX; next_group(&r))
		n += write_total(&a->cells[n], r.key, r.total);
	if (first == 0) {
		memmove(&a->cells[1], &a->cells[0], n * sizeof *a->cells);
		n++;
	}
	a->cells[0] = make_cell(make_key(LS_KIND_OTHER, mark), 1);
	a->cell_count = (uint32_t)n;
	for (struct hit_reader r = read_hits(a, mark); r.more; next_hit(&r)) {
		struct ls_hit hit = r.hit;
		hit.count = (uint32_t)r.total;
		a->hits[hits++] = hit;
	}
	a->hit_count = (uint32_t)hits;
}

uint32_t
ls_activity_compact(struct ls_activity *activity, int64_t now_ms)
{
	/* whole days only, so that the earliest hour of a message stays the earliest */
	int64_t days = (now_ms / LS_HOUR_MS - COARSE_HOURS) / 24;
	if (days <= 0 || days * 24 > HOUR_MAX || activity->cell_count == 0)
		return 0;
	uint32_t mark = LS_MAX((uint32_t)days * 24, mark_hour(activity));
	size_t cells = 0, hits = 0;
	if (!count_compacted(activity, mark, &cells, &hits))
		return 0;
	size_t had = (size_t)activity->cell_count + activity->hit_count;
	/* the mark costs a cell and must find room; moving hours without saving anything is idle */
	if (cells + hits >= had || cells > activity->cell_room)
		return 0;
	rewrite_compacted(activity, mark);
	return (uint32_t)(had - cells - hits);
}
