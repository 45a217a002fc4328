// SPDX-License-Identifier: MIT
/* The HTTP parser. Oracles: however the input is cut, the transcript is the same; requests that
 * came pipelined are found the same one by one; what passes keeps the invariants that drive_check()
 * asserts. */

#include <stdint.h>
#include <stdio.h>

#include "../unit/http_drive.h"

#define INPUT_MAX 8192u /* cutting it into single bytes copies its square */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must_equal(const struct drive *a, const struct drive *b, const char *what)
{
	if (a->out.len == b->out.len && memcmp(a->out.data, b->out.data, a->out.len) == 0)
		return;
	fprintf(stderr, "%s differs:\n%s\nwhole:\n%s\n", what, b->out.data, a->out.data);
	abort();
}

/* pieces of lengths that the seed decides; 0: single bytes */
static void
check_cut(const struct drive *whole, const char *bytes, size_t size, uint32_t seed)
{
	struct drive d;
	drive_init(&d);
	for (size_t at = 0; at < size;) {
		size_t piece = seed == 0 ? 1 : 1 + (seed >> 24) % 64;
		piece = LS_MIN(piece, size - at);
		drive_feed(&d, bytes + at, piece);
		at += piece;
		seed = seed * 1664525u + (seed != 0) * 1013904223u;
	}
	drive_end(&d);
	must_equal(whole, &d, "cut input");
	drive_fini(&d);
}

static void
check_one_by_one(const struct drive *whole, const char *bytes, size_t size)
{
	struct drive all;
	drive_init(&all);
	size_t from = 0, count = LS_MIN(whole->requests, LS_ARRAY_LEN(whole->ends));
	if (whole->requests > LS_ARRAY_LEN(whole->ends))
		count = 0;
	for (size_t i = 0; i <= count; i++) {
		struct drive one;
		size_t end = i < count ? whole->ends[i] : size;
		drive_init(&one);
		drive_feed(&one, bytes + from, end - from);
		if (i < count)
			ls_assert(one.requests == 1 && one.len == 0);
		drive_end(&one);
		(void)ls_buf_add(&all.out, one.out.data, one.out.len - 1);
		drive_fini(&one);
		from = end;
	}
	(void)ls_buf_add_char(&all.out, '\0');
	if (count == whole->requests)
		must_equal(whole, &all, "one by one");
	drive_fini(&all);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	struct drive whole;
	uint32_t seed = 2166136261u;
	size = LS_MIN(size, (size_t)INPUT_MAX);
	for (size_t i = 0; i < size; i++)
		seed = (seed ^ data[i]) * 16777619u;
	drive_init(&whole);
	drive_feed(&whole, bytes, size);
	drive_end(&whole);
	check_cut(&whole, bytes, size, 0);
	check_cut(&whole, bytes, size, seed | 1);
	check_one_by_one(&whole, bytes, size);
	drive_fini(&whole);
	return 0;
}
