// SPDX-License-Identifier: MIT
/* Civil dates by integer arithmetic (days from civil, H. Hinnant's published algorithm), no libc
 * time zone. */

#include "base/iso8601.h"

#include <stdio.h>

#define DAY_MS      86400000
#define MAX_TIME_MS 253402300799999 /* 9999-12-31T23:59:59.999Z */

/* days since 1970-01-01; the year is counted from March so that the leap day comes last */
static int64_t
days_from_civil(int64_t y, int64_t m, int64_t d)
{
	y -= m <= 2;
	int64_t era = y / 400, year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * 146097 + day_of_era - 719468;
}

struct civil {
	int64_t year;
	int month, day, hour, minute, second, ms, weekday;
};

static struct civil
civil_from_ms(int64_t time_ms)
{
	time_ms = time_ms < 0 ? 0 : time_ms > MAX_TIME_MS ? MAX_TIME_MS : time_ms;
	int64_t days = time_ms / DAY_MS, ms = time_ms % DAY_MS, z = days + 719468;
	int64_t era = z / 146097, doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	struct civil c = {
		.month = (int)(mp < 10 ? mp + 3 : mp - 9),
		.day = (int)(doy - (153 * mp + 2) / 5 + 1),
		.hour = (int)(ms / 3600000),
		.minute = (int)(ms / 60000 % 60),
		.second = (int)(ms / 1000 % 60),
		.ms = (int)(ms % 1000),
		.weekday = (int)((days + 4) % 7),
	};
	c.year = yoe + era * 400 + (c.month <= 2);
	return c;
}

/* exactly n digits */
static bool
take_number(struct ls_slice *s, size_t n, int *out)
{
	int value = 0;
	if (s->len < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!ls_ascii_digit(s->data[i]))
			return false;
		value = value * 10 + (s->data[i] - '0');
	}
	*s = ls_slice(s->data + n, s->len - n);
	*out = value;
	return true;
}

static bool
take_byte(struct ls_slice *s, const char *any_of)
{
	if (s->len == 0 || s->data[0] == '\0' || strchr(any_of, s->data[0]) == NULL)
		return false;
	*s = ls_slice(s->data + 1, s->len - 1);
	return true;
}

static bool
take_date(struct ls_slice *s, int64_t *days)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int y = 0, m = 0, d = 0;
	if (!take_number(s, 4, &y) || !take_byte(s, "-") || !take_number(s, 2, &m) ||
		!take_byte(s, "-") || !take_number(s, 2, &d) || y < 1970 || m < 1 || m > 12 ||
		d < 1)
		return false;
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
	if (d > lengths[m - 1] + (m == 2 && leap))
		return false;
	*days = days_from_civil(y, m, d);
	return true;
}

static bool
take_time(struct ls_slice *s, int64_t *ms)
{
	int hour = 0, minute = 0, second = 0, fraction = 0;
	if (!take_number(s, 2, &hour) || !take_byte(s, ":") || !take_number(s, 2, &minute) ||
		hour > 23 || minute > 59)
		return false;
	if (take_byte(s, ":") && (!take_number(s, 2, &second) || second > 60))
		return false;
	if (take_byte(s, ".,")) {
		int scale = 100, digit = 0;
		if (!take_number(s, 1, &digit))
			return false;
		do {
			fraction += digit * scale;
			scale /= 10;
		} while (take_number(s, 1, &digit));
	}
	*ms = second == 60 ? 59999 : second * 1000 + fraction;
	*ms += hour * INT64_C(3600000) + minute * INT64_C(60000);
	return true;
}

static bool
take_offset(struct ls_slice *s, int64_t *ms)
{
	if (take_byte(s, "Zz")) {
		*ms = 0;
		return true;
	}
	bool west = s->len > 0 && s->data[0] == '-';
	int hour = 0, minute = 0;
	if (!take_byte(s, "+-") || !take_number(s, 2, &hour) || hour > 23)
		return false;
	(void)take_byte(s, ":");
	if (!take_number(s, 2, &minute) || minute > 59)
		return false;
	*ms = (hour * INT64_C(3600000) + minute * INT64_C(60000)) * (west ? -1 : 1);
	return true;
}

int
ls_iso8601_parse(struct ls_slice s, int64_t *time_ms)
{
	int64_t days = 0, ms = 0, offset = 0;
	if (!take_date(&s, &days))
		return LS_ERR_INVALID;
	if (s.len > 0 &&
		(!take_byte(&s, "Tt ") || !take_time(&s, &ms) || !take_offset(&s, &offset)))
		return LS_ERR_INVALID;
	int64_t value = days * DAY_MS + ms - offset;
	if (s.len > 0 || value < 0 || value > MAX_TIME_MS)
		return LS_ERR_INVALID;
	*time_ms = value;
	return LS_OK;
}

static char *
put_number(char *at, int value, int width)
{
	for (int i = width - 1; i >= 0; i--, value /= 10)
		at[i] = (char)('0' + value % 10);
	return at + width;
}

void
ls_iso8601_format(int64_t time_ms, char out[LS_ISO8601_LEN + 1])
{
	struct civil c = civil_from_ms(time_ms);
	char *at = put_number(out, (int)c.year, 4);
	*at++ = '-';
	at = put_number(at, c.month, 2);
	*at++ = '-';
	at = put_number(at, c.day, 2);
	*at++ = 'T';
	at = put_number(at, c.hour, 2);
	*at++ = ':';
	at = put_number(at, c.minute, 2);
	*at++ = ':';
	at = put_number(at, c.second, 2);
	*at++ = '.';
	at = put_number(at, c.ms, 3);
	*at++ = 'Z';
	*at = '\0';
}

void
ls_http_date_format(int64_t time_ms, char out[LS_HTTP_DATE_LEN + 1])
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
		"Aug", "Sep", "Oct", "Nov", "Dec" };
	struct civil c = civil_from_ms(time_ms);
	char text[64];
	(void)snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[c.weekday],
		c.day, months[c.month - 1], (int)c.year, c.hour, c.minute, c.second);
	memcpy(out, text, LS_HTTP_DATE_LEN);
	out[LS_HTTP_DATE_LEN] = '\0';
}
