/* SPDX-License-Identifier: MIT */
/* Histograms, and the Prometheus text format 0.0.4. Modules keep plain counters of their own;
 * service/api/metrics.c renders them. */
#ifndef LS_BASE_PROM_H
#define LS_BASE_PROM_H

#include "base/buf.h"

#define LS_HIST_BUCKETS 20

/** Durations in buckets that double from 10 us to about 5 s, and one for the rest. Zero-initialise.
 */
struct ls_hist {
	uint64_t count[LS_HIST_BUCKETS + 1];
	uint64_t sum_ns;
};

void ls_hist_add(struct ls_hist *h, int64_t duration_ns);
/** How many durations were added. */
uint64_t ls_hist_count(const struct ls_hist *h);
/** Upper bound in ns of the bucket that holds quantile q (0..1); 0 when empty. */
int64_t ls_hist_quantile(const struct ls_hist *h, double q);

enum ls_prom_type { LS_PROM_COUNTER, LS_PROM_GAUGE, LS_PROM_HISTOGRAM };

/** The HELP and TYPE lines of a family; its samples must follow at once. */
void ls_prom_family(struct ls_buf *buf, const char *name, enum ls_prom_type type, const char *help);
/** `labels` is the text between the braces, `source="hubspot",kind="visit"`, or NULL. */
void ls_prom_sample(struct ls_buf *buf, const char *name, const char *labels, double value);
void ls_prom_hist(
	struct ls_buf *buf, const char *name, const char *labels, const struct ls_hist *h);

#endif
