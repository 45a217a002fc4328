/* SPDX-License-Identifier: MIT */
/* Command line as tables: sub-commands, their options, help and exit codes. */
#ifndef LS_MAIN_CLI_H
#define LS_MAIN_CLI_H

#include "base/base.h"

/** Exit codes of every sub-command; `leadscore help` lists them. */
enum ls_exit {
	LS_EXIT_OK = 0,
	LS_EXIT_FAILED = 1,      /* it ran, and something did not work */
	LS_EXIT_USAGE = 2,       /* unknown command or option, missing or bad argument */
	LS_EXIT_CONFIG = 3,      /* a setting is wrong */
	LS_EXIT_UNAVAILABLE = 4, /* address or data directory in use, store unreadable */
};

struct ls_option {
	const char *name;     /* "env-file": given as --env-file VALUE or --env-file=VALUE */
	const char *argument; /* "FILE"; NULL for a flag */
	const char *fallback; /* what holds when it is not given, for help; NULL: nothing */
	const char *help;
};

#define LS_ARGS_MAX 64u

struct ls_args;

struct ls_command {
	const char *name;
	const char *operands; /* "[URL]"; NULL: takes none */
	const char *summary;  /* one line */
	const char *details;  /* paragraphs for --help; may be NULL */
	const struct ls_option *options;
	size_t option_count;
	int (*run)(const struct ls_args *args);
};

/** What was given; strings belong to argv. */
struct ls_args {
	const struct ls_command *command;
	struct ls_given {
		const struct ls_option *option;
		const char *value;
	} given[LS_ARGS_MAX];
	size_t given_count;
	const char *operands[LS_ARGS_MAX];
	size_t operand_count;
};

/** The last value of an option, its fallback, or NULL. */
const char *ls_args_get(const struct ls_args *args, const char *name);
bool ls_args_has(const struct ls_args *args, const char *name);
/**
 * A whole number (or the fallback's) within bounds. LS_ERR_INVALID: a message naming option, value
 * and range has been printed; return LS_EXIT_USAGE.
 */
int ls_args_i64(const struct ls_args *args, const char *name, int64_t min, int64_t max,
	int64_t *out) LS_MUST_CHECK;

/** Finds the command, reads its options, runs it. The exit code. */
int ls_cli_main(const struct ls_command *const *commands, size_t count, int argc, char **argv);
/** Help for all commands, or for one, on standard output. */
void ls_cli_help(const struct ls_command *const *commands, size_t count);
void ls_cli_command_help(const struct ls_command *command);

/* the commands, one file each: cmd_<name>.c */
extern const struct ls_command ls_cmd_serve, ls_cmd_demo, ls_cmd_check_config, ls_cmd_forge,
	ls_cmd_profile, ls_cmd_version;

#endif
