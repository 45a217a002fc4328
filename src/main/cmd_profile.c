// SPDX-License-Identifier: MIT
/* leadscore profile: checks scoring profiles and runs the test cases beside them, for people and
 * for their CI. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "main/cli.h"
#include "main/profile_cases.h"

#define FILE_MAX_BYTES ((size_t)16 << 20)
#define FAULTS         64

static int
read_file(const char *path, struct ls_buf *out)
{
	FILE *file = fopen(path, "re");
	ls_buf_reset(out);
	for (size_t n = 1; file != NULL && out->err == LS_OK && n > 0 && ferror(file) == 0;) {
		n = 0;
		if (ls_buf_reserve(out, 65536) == LS_OK)
			n = fread(out->data + out->len, 1, 65536, file);
		out->len += n;
	}
	bool ok = file != NULL && ferror(file) == 0 && out->err == LS_OK;
	if (!ok)
		fprintf(stderr, "leadscore: %s cannot be read: %s\n", path,
			out->err != LS_OK ? ls_strerror(out->err) : strerror(errno));
	if (file != NULL)
		(void)fclose(file);
	return ok ? LS_OK : LS_ERR_IO;
}

/* faults go to standard error, a line each */
static int
parse(const char *path, struct ls_slice json, struct ls_profile **out)
{
	struct ls_profile_fault faults[FAULTS];
	size_t count = 0;
	int err = ls_profile_parse(ls_memory_heap, json, out, faults, FAULTS, &count);
	if (err == LS_ERR_NOMEM)
		fprintf(stderr, "leadscore: %s: %s\n", path, ls_strerror(err));
	for (size_t i = 0; i < count; i++)
		fprintf(stderr, "%s: %s%s%s\n", path, faults[i].pointer,
			faults[i].pointer[0] != '\0' ? " " : "", faults[i].what);
	return err;
}

/* ---- default */

/* lines where people expect them: the first three levels */
static void
print_indented(struct ls_slice json)
{
	unsigned depth = 0;
	bool in_string = false;
	for (size_t i = 0; i < json.len; i++) {
		char c = json.data[i];
		if (c == '"' && (i == 0 || json.data[i - 1] != '\\'))
			in_string = !in_string;
		bool empty =
			i + 1 < json.len && (json.data[i + 1] == '}' || json.data[i + 1] == ']');
		bool opens = !in_string && (c == '{' || c == '[');
		bool closes = !in_string && (c == '}' || c == ']');
		bool was_empty = i > 0 && (json.data[i - 1] == '{' || json.data[i - 1] == '[');
		depth -= closes ? 1 : 0;
		if (closes && depth < 2 && !was_empty)
			printf("\n%*s", (int)depth * 2, "");
		putchar(c);
		depth += opens ? 1 : 0;
		if (((opens && !empty) || (!in_string && c == ',')) && depth <= 2)
			printf("\n%*s", (int)depth * 2, "");
		else if (!in_string && (c == ':' || c == ','))
			putchar(' ');
	}
	putchar('\n');
}

static int
print_default(void)
{
	struct ls_profile *profile = ls_profile_default(ls_memory_heap);
	size_t len = profile != NULL ? ls_profile_print(profile, NULL, 0) : 0;
	char *text = malloc(len + 1);
	if (profile != NULL && text != NULL) {
		(void)ls_profile_print(profile, text, len);
		print_indented(ls_slice(text, len));
	}
	int code = profile != NULL && text != NULL ? LS_EXIT_OK : LS_EXIT_FAILED;
	free(text);
	(void)ls_profile_free(profile);
	return code;
}

/* ---- check */

static int
check(const char *path)
{
	struct ls_buf text;
	struct ls_profile *profile = NULL;
	ls_buf_init(&text, FILE_MAX_BYTES);
	int err = read_file(path, &text);
	if (err == LS_OK)
		err = parse(path, ls_buf_slice(&text), &profile);
	if (err == LS_OK)
		printf("%s: ok\n", path);
	(void)ls_profile_free(profile);
	ls_buf_fini(&text);
	return err == LS_OK ? LS_EXIT_OK : LS_EXIT_FAILED;
}

/* ---- test */

/* beside the file that names it */
static char *
beside(const char *path, struct ls_slice name)
{
	struct ls_slice all = ls_slice_str(path);
	size_t dir = all.len;
	while (dir > 0 && path[dir - 1] != '/')
		dir--;
	if (name.len > 0 && name.data[0] == '/')
		dir = 0;
	char *out = NULL;
	int n = asprintf(&out, "%.*s%.*s", (int)dir, path, LS_FMT(name));
	return n < 0 ? NULL : out;
}

static int
find_profile(const char *path, const struct ls_profile_cases *cases, struct ls_profile **out)
{
	struct ls_buf text;
	struct ls_slice json = cases->profile.data != NULL ? cases->profile : LS_S("{}");
	char *file = NULL;
	int err = LS_OK;
	ls_buf_init(&text, FILE_MAX_BYTES);
	if (cases->profile_file.data != NULL) {
		file = beside(path, cases->profile_file);
		err = file != NULL ? read_file(file, &text) : LS_ERR_NOMEM;
		json = ls_buf_slice(&text);
	}
	if (err == LS_OK)
		err = parse(file != NULL ? file : path, json, out);
	free(file);
	ls_buf_fini(&text);
	return err;
}

static void
print_comments(struct ls_slice text)
{
	struct ls_slice line;
	while (ls_slice_cut(&text, '\n', &line))
		if (line.len > 0)
			printf("#   %.*s\n", LS_FMT(line));
}

static int
run_cases(const struct ls_profile *profile, const struct ls_profile_cases *cases, size_t *at)
{
	int code = LS_EXIT_OK;
	struct ls_buf why;
	ls_buf_init(&why, 1u << 20);
	for (size_t i = 0; i < cases->count; i++) {
		const struct ls_profile_case *one = &cases->cases[i];
		ls_buf_reset(&why);
		int err = ls_profile_case_run(profile, one, cases->now_ms, &why);
		printf("%s %zu - %.*s\n", err == LS_OK ? "ok" : "not ok", ++*at, LS_FMT(one->name));
		print_comments(ls_buf_slice(&why));
		if (err != LS_OK)
			code = LS_EXIT_FAILED;
	}
	ls_buf_fini(&why);
	return code;
}

static int
test(const char *path, size_t *at)
{
	struct ls_buf text, fault;
	struct ls_arena arena;
	struct ls_profile_cases cases;
	struct ls_profile *profile = NULL;
	int code = LS_EXIT_FAILED;
	ls_buf_init(&text, FILE_MAX_BYTES);
	ls_buf_init(&fault, 1u << 16);
	ls_arena_init(&arena, 4 * FILE_MAX_BYTES);
	int err = read_file(path, &text);
	if (err == LS_OK) {
		err = ls_profile_cases_read(ls_buf_slice(&text), &arena, &cases, &fault);
		if (err != LS_OK)
			fprintf(stderr, "%s: %.*s\n", path,
				LS_FMT(err == LS_ERR_INVALID ? ls_buf_slice(&fault)
							     : ls_slice_str(ls_strerror(err))));
	}
	if (err == LS_OK)
		err = find_profile(path, &cases, &profile);
	if (err == LS_OK) {
		printf("# %s\n", path);
		code = run_cases(profile, &cases, at);
	}
	(void)ls_profile_free(profile);
	ls_arena_fini(&arena);
	ls_buf_fini(&fault);
	ls_buf_fini(&text);
	return code;
}

static int
run(const struct ls_args *args)
{
	struct ls_slice verb = ls_slice_str(args->operand_count > 0 ? args->operands[0] : NULL);
	bool checks = ls_slice_eq(verb, LS_S("check")), tests = ls_slice_eq(verb, LS_S("test"));
	if (ls_slice_eq(verb, LS_S("default")) && args->operand_count == 1)
		return print_default();
	if ((!checks && !tests) || args->operand_count < 2) {
		fprintf(stderr, "leadscore: expected test FILE..., check FILE... or default\nSee: "
				"leadscore "
				"profile --help\n");
		return LS_EXIT_USAGE;
	}
	int code = LS_EXIT_OK;
	size_t at = 0;
	for (size_t i = 1; i < args->operand_count; i++) {
		int one = checks ? check(args->operands[i]) : test(args->operands[i], &at);
		code = one != LS_EXIT_OK ? one : code;
	}
	if (tests)
		printf("1..%zu\n", at);
	return code;
}

const struct ls_command ls_cmd_profile = {
	.name = "profile",
	.operands = "test FILE... | check FILE... | default",
	.summary = "Test or check scoring profiles, or show the built-in one",
	.details =
		"test runs the cases in each FILE (given these events, expect that score) and "
		"prints a line each (TAP);\n"
		"check prints every fault of the profile in each FILE; default prints the "
		"built-in profile.\n"
		"docs/scoring.md describes both kinds of file. Exit code 1 when a case fails or a "
		"file has a fault.",
	.run = run,
};
