/* SPDX-License-Identifier: MIT */
/* Configuration as a table: one row a setting feeds parsing, help, documentation and the example
 * file. Knows no setting itself. */
#ifndef LS_BASE_CONFIG_H
#define LS_BASE_CONFIG_H

#include "base/buf.h"

enum ls_config_type {
	LS_CONFIG_BOOL,     /* bool: true, false, yes, no, on, off, 1, 0 */
	LS_CONFIG_INT,      /* int64_t */
	LS_CONFIG_DURATION, /* int64_t milliseconds: 500ms, 60 (seconds), 60s, 5m, 2h, 7d */
	LS_CONFIG_BYTES,    /* int64_t: 1048576, 64KiB, 8MiB, 1GiB */
	LS_CONFIG_POINTS,   /* int32_t milli-points: 75, 62.5 */
	LS_CONFIG_CHOICE,   /* int: index into choices */
	LS_CONFIG_FLAGS, /* unsigned: 1u << index for each of a comma-separated list of choices */
	LS_CONFIG_TEXT,  /* char *: NULL when empty */
	LS_CONFIG_URL, /* char *: http or https, host, no user, query or fragment; a trailing slash
			  is dropped */
	LS_CONFIG_NUMBERS, /* struct ls_config_numbers: comma-separated unsigned integers */
};

#define LS_CONFIG_NUMBERS_MAX 64u

struct ls_config_numbers {
	uint64_t values[LS_CONFIG_NUMBERS_MAX];
	size_t count;
};

struct ls_config_row {
	const char *name; /* of the environment variable */
	enum ls_config_type type;
	const char *fallback; /* text form; "" for none */
	int64_t min, max;     /* for numbers, in the unit stored; for text: of its length */
	const char *const *choices;
	bool secret;
	bool reload; /* taken over on SIGHUP */
	const char *help;
	size_t offset; /* into the settings struct */
};

struct ls_config_table {
	const struct ls_config_row *rows;
	size_t count;
};

/** Looks a variable up; NULL when it is not set. */
typedef const char *(*ls_config_get_fn)(const void *ctx, const char *name);

/**
 * Fills `settings` (zeroed by the caller) from variables and defaults. Every fault is described in
 * `faults`, a line each with name, value and what would be right; secrets are not repeated.
 * LS_ERR_INVALID when there is one; free the settings in any case.
 */
int ls_config_load(struct ls_config_table table, void *settings, ls_config_get_fn get,
	const void *ctx, struct ls_buf *faults) LS_MUST_CHECK;
void ls_config_free(struct ls_config_table table, void *settings);
/** The value in effect as text; secrets as "(set)". */
void ls_config_print(const struct ls_config_row *row, const void *settings, struct ls_buf *out);
/** Type and range in words: "duration, 1s to 1d". */
void ls_config_describe(const struct ls_config_row *row, struct ls_buf *out);
/** The row, or NULL. */
const struct ls_config_row *ls_config_find(struct ls_config_table table, struct ls_slice name);

/** A file of NAME=value lines: '#' comments, blank lines, optional "export ", optional single or
 * double quotes. */
struct ls_env_file {
	char *text;
	struct ls_env_pair {
		const char *name, *value; /* into text */
	} * pairs;
	size_t count;
};

/** Faults as above, with line numbers. LS_ERR_IO with errno when the file cannot be read. */
int ls_env_file_read(
	const char *path, struct ls_env_file *out, struct ls_buf *faults) LS_MUST_CHECK;
void ls_env_file_free(struct ls_env_file *file);
/** NULL when the file does not set it. */
const char *ls_env_file_get(const struct ls_env_file *file, const char *name);

#endif
