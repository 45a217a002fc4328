/* SPDX-License-Identifier: MIT */
/* Times as text: RFC 3339 (a profile of ISO 8601) and HTTP dates (RFC 9110 section 5.6.7).
 * Proleptic Gregorian, UTC, no leap seconds. */
#ifndef LS_BASE_ISO8601_H
#define LS_BASE_ISO8601_H

#include "base/slice.h"

#define LS_ISO8601_LEN   24 /* 2026-11-22T10:00:00.000Z */
#define LS_HTTP_DATE_LEN 29 /* Sun, 22 Nov 2026 10:00:00 GMT */

/**
 * Reads `2026-11-22T10:00:00Z`, with an optional fraction (cut to milliseconds), an offset +hh:mm,
 * +hhmm or Z, `t`/`z`/space allowed as RFC 3339 does; second 60 is read as 59.999. A date alone
 * means its midnight UTC. Years 1970 to 9999. LS_ERR_INVALID otherwise.
 */
int ls_iso8601_parse(struct ls_slice s, int64_t *time_ms) LS_MUST_CHECK;
/** Writes LS_ISO8601_LEN bytes and a NUL. Times outside years 1970 to 9999 are clamped. */
void ls_iso8601_format(int64_t time_ms, char out[LS_ISO8601_LEN + 1]);
/** Writes LS_HTTP_DATE_LEN bytes and a NUL. */
void ls_http_date_format(int64_t time_ms, char out[LS_HTTP_DATE_LEN + 1]);

#endif
