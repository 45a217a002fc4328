// SPDX-License-Identifier: MIT
/* leadscore check-config: shows the settings in effect, or every fault in them. */

#include <stdio.h>

#include "main/cli.h"
#include "service/settings.h"

static int
print(void (*make)(struct ls_buf *out))
{
	struct ls_buf out;
	ls_buf_init(&out, 1u << 20);
	make(&out);
	bool ok = out.err == LS_OK && fwrite(out.data, 1, out.len, stdout) == out.len;
	ls_buf_fini(&out);
	return ok ? LS_EXIT_OK : LS_EXIT_FAILED;
}

static int
show(const struct ls_settings *settings)
{
	struct ls_buf out;
	ls_buf_init(&out, 1u << 20);
	for (size_t i = 0; i < ls_settings_table.count; i++) {
		const struct ls_config_row *row = &ls_settings_table.rows[i];
		(void)ls_buf_addf(&out, "%s=", row->name);
		ls_config_print(row, settings, &out);
		(void)ls_buf_add_char(&out, '\n');
	}
	bool ok = out.err == LS_OK && fwrite(out.data, 1, out.len, stdout) == out.len;
	ls_buf_fini(&out);
	return ok ? LS_EXIT_OK : LS_EXIT_FAILED;
}

static int
run(const struct ls_args *args)
{
	struct ls_settings settings;
	struct ls_buf faults;
	if (ls_args_has(args, "markdown"))
		return print(ls_settings_markdown);
	if (ls_args_has(args, "example"))
		return print(ls_settings_example);
	ls_buf_init(&faults, 1u << 16);
	int code = LS_EXIT_CONFIG;
	if (ls_settings_load(&settings, ls_args_get(args, "env-file"), &faults) == LS_OK)
		code = show(&settings);
	else
		fprintf(stderr, "leadscore: the configuration is wrong:\n%.*s", (int)faults.len,
			faults.data);
	ls_settings_free(&settings);
	ls_buf_fini(&faults);
	return code;
}

static const struct ls_option options[] = {
	{ "env-file", "FILE", NULL, "Read settings from FILE; the environment wins" },
	{ "markdown", NULL, NULL, "Print docs/configuration.md instead" },
	{ "example", NULL, NULL, "Print an example settings file instead" },
};

const struct ls_command ls_cmd_check_config = {
	.name = "check-config",
	.summary = "Show the settings in effect, or what is wrong with them",
	.details = "Secrets are shown as (set). Exit code 3 when a setting is wrong.",
	.options = options,
	.option_count = LS_ARRAY_LEN(options),
	.run = run,
};
