// SPDX-License-Identifier: MIT
/* base/config, base/env_file, base/suggest: tables of settings, files of them, and near names. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/config.h"
#include "base/suggest.h"

struct sample {
	bool flag;
	int64_t number, wait_ms, size;
	int32_t points;
	int colour;
	unsigned versions;
	char *text, *secret, *url;
	struct ls_config_numbers ids;
};

static const char *const colours[] = { "red", "green", NULL };
static const char *const versions[] = { "v1", "v2", "v3", NULL };

#define AT(field) .offset = offsetof(struct sample, field)
static const struct ls_config_row rows[] = {
	{ .name = "FLAG", .type = LS_CONFIG_BOOL, .fallback = "false", AT(flag) },
	{ .name = "NUMBER",
		.type = LS_CONFIG_INT,
		.fallback = "5",
		.min = 1,
		.max = 9,
		AT(number) },
	{ .name = "WAIT",
		.type = LS_CONFIG_DURATION,
		.fallback = "60s",
		.min = 1,
		.max = 86400000,
		AT(wait_ms) },
	{ .name = "SIZE",
		.type = LS_CONFIG_BYTES,
		.fallback = "1KiB",
		.min = 1,
		.max = 1 << 30,
		AT(size) },
	{ .name = "POINTS",
		.type = LS_CONFIG_POINTS,
		.fallback = "75",
		.min = 0,
		.max = 100000,
		AT(points) },
	{ .name = "COLOUR",
		.type = LS_CONFIG_CHOICE,
		.fallback = "red",
		.choices = colours,
		AT(colour) },
	{ .name = "VERSIONS",
		.type = LS_CONFIG_FLAGS,
		.fallback = "v3",
		.choices = versions,
		AT(versions) },
	{ .name = "TEXT", .type = LS_CONFIG_TEXT, .fallback = "", .min = 2, .max = 8, AT(text) },
	{ .name = "SECRET",
		.type = LS_CONFIG_TEXT,
		.fallback = "",
		.min = 4,
		.max = 64,
		.secret = true,
		AT(secret) },
	{ .name = "URL", .type = LS_CONFIG_URL, .fallback = "", .min = 8, .max = 64, AT(url) },
	{ .name = "IDS", .type = LS_CONFIG_NUMBERS, .fallback = "", AT(ids) },
};
static const struct ls_config_table table = { rows, LS_ARRAY_LEN(rows) };

/* NAME, value, NAME, value, ..., NULL */
static const char *
get(const void *ctx, const char *name)
{
	for (const char *const *pair = ctx; *pair != NULL; pair += 2) {
		if (strcmp(pair[0], name) == 0)
			return pair[1];
	}
	return NULL;
}

static void
defaults_and_values(void **state)
{
	(void)state;
	struct sample s = { 0 };
	struct ls_buf faults;
	ls_buf_init(&faults, 4096);
	const char *const none[] = { NULL };
	assert_int_equal(ls_config_load(table, &s, get, none, &faults), LS_OK);
	assert_true(!s.flag && s.number == 5 && s.wait_ms == 60000 && s.size == 1024 &&
		    s.points == 75000 && s.versions == 4);
	assert_true(s.text == NULL && s.ids.count == 0);
	const char *const some[] = { "FLAG", "Yes", "NUMBER", " 9 ", "WAIT", "1500ms", "SIZE",
		"8MiB", "POINTS", "62.5", "COLOUR", "GREEN", "VERSIONS", "v1, v3", "TEXT", "hello",
		"SECRET", "hush-hush", "URL", "https://x.example/base/", "IDS", "1, 22,333", NULL };
	assert_int_equal(ls_config_load(table, &s, get, some, &faults), LS_OK);
	assert_true(s.flag && s.number == 9 && s.wait_ms == 1500 && s.size == 8 << 20 &&
		    s.points == 62500 && s.colour == 1);
	assert_int_equal(s.versions, 5);
	assert_string_equal(s.text, "hello");
	assert_string_equal(s.url, "https://x.example/base");
	assert_true(s.ids.count == 3 && s.ids.values[2] == 333);
	assert_int_equal(faults.len, 0);
	struct ls_buf out;
	ls_buf_init(&out, 4096);
	for (size_t i = 0; i < table.count; i++) {
		ls_config_print(&rows[i], &s, &out);
		(void)ls_buf_add_char(&out, ';');
	}
	assert_true(
		ls_slice_eq(ls_buf_slice(&out), LS_S("true;9;1500ms;8MiB;62.5;green;v1,v3;hello;("
						     "set);https://x.example/base;1,22,333;")));
	ls_buf_fini(&out);
	ls_buf_fini(&faults);
	ls_config_free(table, &s);
}

static void
every_fault_is_named(void **state)
{
	(void)state;
	struct sample s = { 0 };
	struct ls_buf faults;
	ls_buf_init(&faults, 1 << 16);
	const char *const bad[] = { "FLAG", "perhaps", "NUMBER", "10", "WAIT", "5 parsecs", "SIZE",
		"-1", "POINTS", "100.5", "COLOUR", "blue", "VERSIONS", "v3,v4", "TEXT",
		"much too long", "SECRET", "abc", "URL", "ftp://x", "IDS", "1,x", NULL };
	assert_int_equal(ls_config_load(table, &s, get, bad, &faults), LS_ERR_INVALID);
	(void)ls_buf_add_char(&faults, '\0');
	for (size_t i = 0; i < table.count; i++)
		assert_non_null(strstr(faults.data, rows[i].name));
	assert_non_null(
		strstr(faults.data, "NUMBER=10: not a valid value; expected number, 1 to 9\n"));
	assert_non_null(strstr(
		faults.data, "COLOUR=blue: not a valid value; expected one of red, green\n"));
	assert_null(strstr(faults.data, "abc")); /* secrets are never repeated */
	/* what is left is the default */
	assert_true(s.number == 5 && s.colour == 0 && s.points == 75000);
	const char *const urls[] = { "https://user@x.example", "https://", "http:///x",
		"https://x.example?q", "https://x.example#f", "x.example" };
	for (size_t i = 0; i < LS_ARRAY_LEN(urls); i++) {
		const char *const one[] = { "URL", urls[i], NULL };
		assert_int_equal(ls_config_load(table, &s, get, one, &faults), LS_ERR_INVALID);
	}
	ls_buf_fini(&faults);
	ls_config_free(table, &s);
}

static int
read_file(const char *content, struct ls_env_file *file, struct ls_buf *faults)
{
	char path[] = "/tmp/leadscore-test-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
	(void)close(fd);
	int err = ls_env_file_read(path, file, faults);
	(void)unlink(path);
	return err;
}

static void
env_files(void **state)
{
	(void)state;
	struct ls_env_file file = { 0 };
	struct ls_buf faults;
	ls_buf_init(&faults, 4096);
	assert_int_equal(
		read_file("# comment\n\nA=1\r\nexport B = \"two words\"\nC='x=y#z'\nA=3\nD=", &file,
			&faults),
		LS_OK);
	assert_string_equal(ls_env_file_get(&file, "A"), "3");
	assert_string_equal(ls_env_file_get(&file, "B"), "two words");
	assert_string_equal(ls_env_file_get(&file, "C"), "x=y#z");
	assert_string_equal(ls_env_file_get(&file, "D"), "");
	assert_null(ls_env_file_get(&file, "E"));
	ls_env_file_free(&file);
	assert_int_equal(
		read_file("A=1\nno pair\n1X=2\nB=\"open\n", &file, &faults), LS_ERR_INVALID);
	(void)ls_buf_add_char(&faults, '\0');
	assert_non_null(strstr(faults.data, "line 2"));
	assert_non_null(strstr(faults.data, "line 3"));
	assert_non_null(strstr(faults.data, "line 4"));
	assert_int_equal(ls_env_file_read("/does/not/exist", &file, &faults), LS_ERR_IO);
	ls_buf_fini(&faults);
}

static const char *
name_at(const void *ctx, size_t i)
{
	(void)ctx;
	static const char *const names[] = { "serve", "demo", "check-config", "version" };
	return i < LS_ARRAY_LEN(names) ? names[i] : NULL;
}

static void
suggestions(void **state)
{
	(void)state;
	assert_string_equal(ls_suggest(LS_S("sreve"), name_at, NULL), "serve");
	assert_string_equal(ls_suggest(LS_S("check_config"), name_at, NULL), "check-config");
	assert_string_equal(ls_suggest(LS_S("VERSIO"), name_at, NULL), "version");
	assert_null(ls_suggest(LS_S("frobnicate"), name_at, NULL));
	assert_null(ls_suggest(LS_S(""), name_at, NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_and_values),
		cmocka_unit_test(every_fault_is_named),
		cmocka_unit_test(env_files),
		cmocka_unit_test(suggestions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
