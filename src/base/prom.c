// SPDX-License-Identifier: MIT
/* Histograms with doubling buckets, and the Prometheus text format. */

#include "base/prom.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define FIRST_BOUND_NS 10000

void
ls_hist_add(struct ls_hist *h, int64_t duration_ns)
{
	uint64_t ns = duration_ns > 0 ? (uint64_t)duration_ns : 0;
	uint64_t units = ns / FIRST_BOUND_NS;
	size_t i = units == 0 ? 0 : (size_t)(64 - __builtin_clzll(units));
	/* bounds are inclusive: exactly 10 us still belongs to the first bucket */
	if (units > 0 && ns % FIRST_BOUND_NS == 0 && (units & (units - 1)) == 0)
		i--;
	h->count[LS_MIN(i, (size_t)LS_HIST_BUCKETS)]++;
	h->sum_ns += ns;
}

uint64_t
ls_hist_count(const struct ls_hist *h)
{
	uint64_t total = 0;
	for (size_t i = 0; i <= LS_HIST_BUCKETS; i++)
		total += h->count[i];
	return total;
}

int64_t
ls_hist_quantile(const struct ls_hist *h, double q)
{
	uint64_t total = ls_hist_count(h), seen = 0;
	if (total == 0)
		return 0;
	double rank = ceil(q * (double)total);
	for (size_t i = 0; i < LS_HIST_BUCKETS; i++) {
		seen += h->count[i];
		if ((double)seen >= rank && seen > 0)
			return (int64_t)FIRST_BOUND_NS << i;
	}
	return (int64_t)FIRST_BOUND_NS << LS_HIST_BUCKETS;
}

void
ls_prom_family(struct ls_buf *buf, const char *name, enum ls_prom_type type, const char *help)
{
	static const char *const types[] = { "counter", "gauge", "histogram" };
	(void)ls_buf_addf(buf, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, types[type]);
}

static void
add_number(struct ls_buf *buf, double value)
{
	if (value == floor(value) && fabs(value) < 1e15)
		(void)ls_buf_add_i64(buf, (int64_t)value);
	else
		(void)ls_buf_addf(buf, "%.9g", value);
	(void)ls_buf_add_char(buf, '\n');
}

void
ls_prom_sample(struct ls_buf *buf, const char *name, const char *labels, double value)
{
	if (labels != NULL)
		(void)ls_buf_addf(buf, "%s{%s} ", name, labels);
	else
		(void)ls_buf_addf(buf, "%s ", name);
	add_number(buf, value);
}

void
ls_prom_hist(struct ls_buf *buf, const char *name, const char *labels, const struct ls_hist *h)
{
	uint64_t seen = 0;
	const char *sep = labels != NULL ? "," : "";
	labels = labels != NULL ? labels : "";
	for (size_t i = 0; i < LS_HIST_BUCKETS; i++) {
		seen += h->count[i];
		(void)ls_buf_addf(buf, "%s_bucket{%s%sle=\"%.9g\"} %" PRIu64 "\n", name, labels,
			sep, (double)((int64_t)FIRST_BOUND_NS << i) / 1e9, seen);
	}
	seen += h->count[LS_HIST_BUCKETS];
	(void)ls_buf_addf(buf, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", name, labels, sep, seen);
	const char *open = *labels != '\0' ? "{" : "", *close = *labels != '\0' ? "}" : "";
	(void)ls_buf_addf(
		buf, "%s_sum%s%s%s %.9g\n", name, open, labels, close, (double)h->sum_ns / 1e9);
	(void)ls_buf_addf(buf, "%s_count%s%s%s %" PRIu64 "\n", name, open, labels, close, seen);
}
