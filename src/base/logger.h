/* SPDX-License-Identifier: MIT */
/* Log lines: one line an occurrence, `topic: words key=value ...`, to standard error, as text or as
 * JSON. */
#ifndef LS_BASE_LOGGER_H
#define LS_BASE_LOGGER_H

#include "base/slice.h"

enum ls_level { LS_LEVEL_ERROR, LS_LEVEL_WARN, LS_LEVEL_INFO, LS_LEVEL_DEBUG };
enum ls_log_format { LS_LOG_TEXT, LS_LOG_JSON };

/** Process-wide, set once at start: the one mutable global of the code base, with the rate limiter
 * behind it. */
void ls_logger_init(enum ls_level level, enum ls_log_format format);
bool ls_logger_wants(enum ls_level level);

/**
 * `fmt` gives words, then key=value pairs: ls_warn("hubspot", "signature refused reason=%s", why).
 * No secrets, no e-mail addresses. Control characters are escaped and the line is cut at 2 KiB. The
 * same `fmt` at most 10 times a second; what was held back is said with the next one. Safe in any
 * thread.
 */
void ls_log_line(enum ls_level level, const char *topic, const char *fmt, ...) LS_PRINTF(3, 4);

#define ls_error(topic, ...) ls_log_line(LS_LEVEL_ERROR, (topic), __VA_ARGS__)
#define ls_warn(topic, ...)  ls_log_line(LS_LEVEL_WARN, (topic), __VA_ARGS__)
#define ls_info(topic, ...)  ls_log_line(LS_LEVEL_INFO, (topic), __VA_ARGS__)
#define ls_debug(topic, ...)                                                                       \
	do {                                                                                       \
		if (ls_logger_wants(LS_LEVEL_DEBUG))                                               \
			ls_log_line(LS_LEVEL_DEBUG, (topic), __VA_ARGS__);                         \
	} while (0)

/** Formats one line without printing it: for tests. `when_ms` is the time stamp. Returns its
 * length, at most size - 1. */
size_t ls_logger_format(char *out, size_t size, enum ls_log_format format, enum ls_level level,
	const char *topic, const char *text, int64_t when_ms);

#endif
