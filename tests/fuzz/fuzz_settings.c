// SPDX-License-Identifier: MIT
/* Settings and times as text: any text is taken or refused, and what was taken reads back as
 * itself. */

#include <stdlib.h>

#include "base/iso8601.h"
#include "service/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *
get(const void *ctx, const char *name)
{
	(void)name;
	return ctx;
}

/* printed and loaded again, each setting has the same text */
static void
settings_round_trip(const char *text)
{
	struct ls_settings first = { 0 }, second = { 0 };
	struct ls_buf faults, once, twice;
	ls_buf_init(&faults, 1u << 20);
	for (size_t i = 0; i < ls_settings_table.count; i++) {
		const struct ls_config_row *row = &ls_settings_table.rows[i];
		const struct ls_config_table one = { .rows = row, .count = 1 };
		ls_buf_init(&once, 1u << 20);
		ls_buf_init(&twice, 1u << 20);
		if (ls_config_load(one, &first, get, text, &faults) == LS_OK && !row->secret) {
			ls_config_print(row, &first, &once);
			(void)ls_buf_add_char(&once, '\0');
			ls_assert(ls_config_load(one, &second, get, once.data, &faults) == LS_OK);
			ls_config_print(row, &second, &twice);
			(void)ls_buf_add_char(&twice, '\0');
			ls_assert(ls_slice_eq(ls_buf_slice(&once), ls_buf_slice(&twice)));
		}
		ls_buf_fini(&once);
		ls_buf_fini(&twice);
	}
	ls_buf_fini(&faults);
	ls_config_free(ls_settings_table, &first);
	ls_config_free(ls_settings_table, &second);
}

static void
time_round_trip(struct ls_slice text)
{
	char out[LS_ISO8601_LEN + 1];
	int64_t first = -1, second = -1;
	if (ls_iso8601_parse(text, &first) != LS_OK)
		return;
	ls_iso8601_format(first, out);
	ls_assert(ls_iso8601_parse(ls_slice_str(out), &second) == LS_OK && first == second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 4096)
		return 0;
	char *text = malloc(size + 1);
	ls_assert(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	settings_round_trip(text);
	time_round_trip(ls_slice((const char *)data, size));
	free(text);
	return 0;
}
