// SPDX-License-Identifier: MIT
/* Reads the command line by the commands' tables. Every refusal names what was wrong and where help
 * is. */

#include "main/cli.h"

#include <stdio.h>

#include "base/slice.h"
#include "base/suggest.h"

struct command_list {
	const struct ls_command *const *commands;
	size_t count;
};

static const char *
command_name(const void *ctx, size_t i)
{
	const struct command_list *list = ctx;
	return i < list->count ? list->commands[i]->name : i == list->count ? "help" : NULL;
}

static const char *
option_name(const void *ctx, size_t i)
{
	const struct ls_command *command = ctx;
	return i < command->option_count    ? command->options[i].name
	       : i == command->option_count ? "help"
					    : NULL;
}

static const struct ls_command *
find_command(struct command_list list, struct ls_slice name)
{
	for (size_t i = 0; i < list.count; i++) {
		if (ls_slice_eq(name, ls_slice_str(list.commands[i]->name)))
			return list.commands[i];
	}
	return NULL;
}

static const struct ls_option *
find_option(const struct ls_command *command, struct ls_slice name)
{
	for (size_t i = 0; i < command->option_count; i++) {
		if (ls_slice_eq(name, ls_slice_str(command->options[i].name)))
			return &command->options[i];
	}
	return NULL;
}

static int
unknown(const char *kind, const char *word, const char *near, const char *see)
{
	fprintf(stderr, "leadscore: unknown %s '%s'", kind, word);
	if (near != NULL)
		fprintf(stderr, ", did you mean '%s'?", near);
	fprintf(stderr, "\nSee: %s\n", see);
	return LS_EXIT_USAGE;
}

void
ls_cli_help(const struct ls_command *const *commands, size_t count)
{
	printf("LeadScore turns what prospects do into a ranked, explained list of leads.\n\n"
	       "Usage: leadscore COMMAND [OPTION...]\n\nCommands:\n");
	for (size_t i = 0; i < count; i++)
		printf("  %-14s %s\n", commands[i]->name, commands[i]->summary);
	printf("  %-14s %s\n", "help", "Show this, or the help of a command");
	printf("\n'leadscore COMMAND --help' tells more. Settings come from the environment: see "
	       "'leadscore check-config --help'.\n"
	       "\nExit codes: 0 success; 1 something did not work; 2 wrong usage; 3 wrong "
	       "configuration;\n"
	       "4 an address or the data directory is in use, or the store cannot be read.\n");
}

void
ls_cli_command_help(const struct ls_command *command)
{
	printf("%s\n\nUsage: leadscore %s%s%s%s\n", command->summary, command->name,
		command->option_count > 0 ? " [OPTION...]" : "",
		command->operands != NULL ? " " : "",
		command->operands != NULL ? command->operands : "");
	if (command->details != NULL)
		printf("\n%s\n", command->details);
	printf("\nOptions:\n");
	for (size_t i = 0; i < command->option_count; i++) {
		const struct ls_option *option = &command->options[i];
		char left[64];
		(void)snprintf(left, sizeof left, "--%s%s%s", option->name,
			option->argument != NULL ? " " : "",
			option->argument != NULL ? option->argument : "");
		printf("  %-26s %s", left, option->help);
		if (option->fallback != NULL)
			printf(" (default: %s)", option->fallback);
		printf("\n");
	}
	printf("  %-26s %s\n", "--help", "Show this");
}

/* one option, at argv[*i]; moves *i over its value */
static int
read_option(struct ls_args *args, int argc, char **argv, int *i)
{
	char see[96];
	struct ls_slice word = ls_slice_str(argv[*i] + 2);
	size_t at = ls_slice_find(word, '=');
	struct ls_slice name = ls_slice(word.data, at);
	const struct ls_option *option = find_option(args->command, name);
	(void)snprintf(see, sizeof see, "leadscore %s --help", args->command->name);
	if (option == NULL)
		return unknown(
			"option", argv[*i], ls_suggest(name, option_name, args->command), see);
	const char *value = at < word.len ? word.data + at + 1 : NULL;
	if (option->argument == NULL && value != NULL) {
		fprintf(stderr, "leadscore: option '--%s' takes no value\nSee: %s\n", option->name,
			see);
		return LS_EXIT_USAGE;
	}
	if (option->argument != NULL && value == NULL) {
		if (*i + 1 >= argc) {
			fprintf(stderr, "leadscore: option '--%s' needs %s\nSee: %s\n",
				option->name, option->argument, see);
			return LS_EXIT_USAGE;
		}
		value = argv[++*i];
	}
	if (args->given_count == LS_ARGS_MAX) {
		fprintf(stderr, "leadscore: more than %u options\n", LS_ARGS_MAX);
		return LS_EXIT_USAGE;
	}
	args->given[args->given_count++] = (struct ls_given){ .option = option, .value = value };
	return LS_EXIT_OK;
}

static int
read_args(struct ls_args *args, int argc, char **argv)
{
	bool only_operands = false;
	for (int i = 2; i < argc; i++) {
		struct ls_slice word = ls_slice_str(argv[i]);
		int code = LS_EXIT_OK;
		if (!only_operands && ls_slice_eq(word, LS_S("--"))) {
			only_operands = true;
		} else if (!only_operands && ls_slice_starts(word, LS_S("--"))) {
			code = read_option(args, argc, argv, &i);
		} else if (args->command->operands == NULL || args->operand_count == LS_ARGS_MAX) {
			fprintf(stderr,
				"leadscore: '%s' is not expected here\nSee: leadscore %s --help\n",
				argv[i], args->command->name);
			code = LS_EXIT_USAGE;
		} else {
			args->operands[args->operand_count++] = argv[i];
		}
		if (code != LS_EXIT_OK)
			return code;
	}
	return LS_EXIT_OK;
}

static bool
asks_for_help(struct ls_slice word)
{
	return ls_slice_eq(word, LS_S("--help")) || ls_slice_eq(word, LS_S("-h"));
}

int
ls_cli_main(const struct ls_command *const *commands, size_t count, int argc, char **argv)
{
	struct command_list list = { commands, count };
	struct ls_slice name = ls_slice_str(argc > 1 ? argv[1] : NULL);
	bool help = asks_for_help(name) || ls_slice_eq(name, LS_S("help"));
	if (argc < 2 || (help && argc == 2)) {
		ls_cli_help(commands, count);
		return help ? LS_EXIT_OK : LS_EXIT_USAGE;
	}
	if (ls_slice_eq(name, LS_S("--version")))
		name = LS_S("version");
	const char *word = help ? argv[2] : argv[1];
	struct ls_args args = { .command =
					find_command(list, help ? ls_slice_str(argv[2]) : name) };
	if (args.command == NULL)
		return unknown("command", word, ls_suggest(ls_slice_str(word), command_name, &list),
			"leadscore help");
	for (int i = 2; i < argc && !help; i++)
		help = asks_for_help(ls_slice_str(argv[i]));
	if (help) {
		ls_cli_command_help(args.command);
		return LS_EXIT_OK;
	}
	int code = read_args(&args, argc, argv);
	return code == LS_EXIT_OK ? args.command->run(&args) : code;
}

const char *
ls_args_get(const struct ls_args *args, const char *name)
{
	for (size_t i = args->given_count; i > 0; i--) {
		if (strcmp(args->given[i - 1].option->name, name) == 0)
			return args->given[i - 1].value;
	}
	const struct ls_option *option = find_option(args->command, ls_slice_str(name));
	ls_assert(option != NULL);
	return option->fallback;
}

bool
ls_args_has(const struct ls_args *args, const char *name)
{
	for (size_t i = 0; i < args->given_count; i++) {
		if (strcmp(args->given[i].option->name, name) == 0)
			return true;
	}
	return false;
}

int
ls_args_i64(const struct ls_args *args, const char *name, int64_t min, int64_t max, int64_t *out)
{
	const char *text = ls_args_get(args, name);
	int64_t value = 0;
	if (text == NULL || ls_slice_to_i64(ls_slice_str(text), &value) != LS_OK || value < min ||
		value > max) {
		fprintf(stderr, "leadscore: --%s %s: expected a whole number, %lld to %lld\n", name,
			text != NULL ? text : "", (long long)min, (long long)max);
		return LS_ERR_INVALID;
	}
	*out = value;
	return LS_OK;
}
