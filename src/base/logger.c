// SPDX-License-Identifier: MIT
/* Formats and writes log lines: one write(2) a line, so lines of threads and processes never mix.
 */

#include "base/logger.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/iso8601.h"

#define LINE_MAX_BYTES 2048
#define SITES          128u
#define LINES_A_SECOND 10u

/* what a call site has said this second; sites share slots, which only makes the limit stricter */
struct site {
	const char *fmt;
	int64_t second;
	uint32_t said;
	uint32_t held_back;
};

static struct {
	pthread_mutex_t lock;
	enum ls_level level;
	enum ls_log_format format;
	struct site sites[SITES];
} logger = { .lock = PTHREAD_MUTEX_INITIALIZER, .level = LS_LEVEL_INFO };

static const char *const level_names[] = { "error", "warn", "info", "debug" };

void
ls_logger_init(enum ls_level level, enum ls_log_format format)
{
	(void)pthread_mutex_lock(&logger.lock);
	logger.level = level;
	logger.format = format;
	(void)pthread_mutex_unlock(&logger.lock);
}

bool
ls_logger_wants(enum ls_level level)
{
	return level <= logger.level;
}

struct line {
	char *at;
	size_t left; /* keeps one byte for the terminator */
};

static void
put(struct line *line, const char *text, size_t len)
{
	size_t n = LS_MIN(len, line->left);
	memcpy(line->at, text, n);
	line->at += n;
	line->left -= n;
}

static void
put_str(struct line *line, const char *text)
{
	put(line, text, strlen(text));
}

/* control characters never reach the terminal or start a forged line; JSON needs quotes escaped too
 */
static void
put_escaped(struct line *line, struct ls_slice text, bool json)
{
	for (size_t i = 0; i < text.len && line->left > 8; i++) {
		unsigned char c = (unsigned char)text.data[i];
		char escape[8];
		if (c < 0x20 || c == 0x7f) {
			(void)snprintf(escape, sizeof escape, json ? "\\u%04x" : "\\x%02x", c);
			put_str(line, escape);
		} else if (json && (c == '"' || c == '\\')) {
			escape[0] = '\\';
			escape[1] = (char)c;
			put(line, escape, 2);
		} else {
			put(line, text.data + i, 1);
		}
	}
}

/* the next blank-separated token; blanks inside "..." belong to it */
static bool
next_token(struct ls_slice *rest, struct ls_slice *token)
{
	*rest = ls_slice_trim(*rest);
	size_t i = 0;
	bool quoted = false;
	while (i < rest->len && (quoted || rest->data[i] != ' ')) {
		quoted ^= rest->data[i] == '"';
		i++;
	}
	*token = ls_slice(rest->data, i);
	*rest = ls_slice(rest->data + i, rest->len - i);
	return i > 0;
}

static bool
is_pair(struct ls_slice token, struct ls_slice *key, struct ls_slice *value)
{
	size_t at = ls_slice_find(token, '=');
	if (at == 0 || at == token.len)
		return false;
	*key = ls_slice(token.data, at);
	*value = ls_slice(token.data + at + 1, token.len - at - 1);
	if (value->len >= 2 && value->data[0] == '"' && value->data[value->len - 1] == '"')
		*value = ls_slice(value->data + 1, value->len - 2);
	return true;
}

static void
put_json(struct line *line, struct ls_slice text)
{
	struct ls_slice rest = text, token, key, value;
	bool words = false;
	put_str(line, ",\"message\":\"");
	while (next_token(&rest, &token)) {
		if (is_pair(token, &key, &value))
			continue;
		if (words)
			put_str(line, " ");
		put_escaped(line, token, true);
		words = true;
	}
	put_str(line, "\"");
	for (rest = text; next_token(&rest, &token);) {
		if (!is_pair(token, &key, &value))
			continue;
		/* a field is written whole or not at all, so a cut line stays JSON */
		if (line->left < 6 * token.len + 16)
			break;
		put_str(line, ",\"");
		put_escaped(line, key, true);
		put_str(line, "\":\"");
		put_escaped(line, value, true);
		put_str(line, "\"");
	}
	put_str(line, "}");
}

size_t
ls_logger_format(char *out, size_t size, enum ls_log_format format, enum ls_level level,
	const char *topic, const char *text, int64_t when_ms)
{
	char when[LS_ISO8601_LEN + 1];
	struct line line = { .at = out, .left = size - 4 };
	ls_iso8601_format(when_ms, when);
	if (format == LS_LOG_JSON) {
		put_str(&line, "{\"time\":\"");
		put_str(&line, when);
		put_str(&line, "\",\"level\":\"");
		put_str(&line, level_names[level]);
		put_str(&line, "\",\"topic\":\"");
		put_str(&line, topic);
		put_str(&line, "\"");
		put_json(&line, ls_slice_str(text));
	} else {
		put_str(&line, when);
		put_str(&line, " ");
		put_str(&line, level_names[level]);
		put_str(&line, " ");
		put_str(&line, topic);
		put_str(&line, ": ");
		put_escaped(&line, ls_slice_str(text), false);
	}
	*line.at++ = '\n';
	*line.at = '\0';
	return (size_t)(line.at - out);
}

/* how many lines of this site were held back before, or -1 when this one is to be held back */
static int64_t
admit(const char *fmt, int64_t second)
{
	struct site *site = &logger.sites[((uintptr_t)fmt >> 3) % SITES];
	int64_t before = 0;
	(void)pthread_mutex_lock(&logger.lock);
	if (site->fmt != fmt || site->second != second) {
		before = site->fmt == fmt ? site->held_back : 0;
		*site = (struct site){ .fmt = fmt, .second = second };
	}
	if (++site->said > LINES_A_SECOND) {
		site->held_back++;
		before = -1;
	}
	(void)pthread_mutex_unlock(&logger.lock);
	return before;
}

void
ls_log_line(enum ls_level level, const char *topic, const char *fmt, ...)
{
	if (!ls_logger_wants(level))
		return;
	int64_t now_ms = ls_clock_now_ms();
	int64_t held_back = admit(fmt, now_ms / 1000);
	if (held_back < 0)
		return;
	char text[LINE_MAX_BYTES], out[LINE_MAX_BYTES + 128];
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof text - 40 && held_back > 0)
		(void)snprintf(
			text + n, sizeof text - (size_t)n, " held_back=%lld", (long long)held_back);
	size_t len = ls_logger_format(out, sizeof out, logger.format, level, topic, text, now_ms);
	/* nowhere to report a failed report */
	ssize_t written LS_UNUSED = write(STDERR_FILENO, out, len);
}
