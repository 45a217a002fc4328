// SPDX-License-Identifier: MIT
/* Files of NAME=value lines, as Docker and systemd read them. */

#include "base/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES (1 << 20)
#define PAIRS_MAX      1024u

static int
read_text(const char *path, char **out, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0)
		return LS_ERR_IO;
	char *text = NULL;
	int err = LS_ERR_IO;
	if (fstat(fd, &st) != 0)
		goto out;
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX_BYTES) {
		errno = EINVAL;
		goto out;
	}
	text = malloc((size_t)st.st_size + 1);
	if (text == NULL) {
		err = LS_ERR_NOMEM;
		goto out;
	}
	ssize_t n = read(fd, text, (size_t)st.st_size);
	if (n < 0)
		goto out;
	text[n] = '\0';
	*len = (size_t)n;
	*out = text;
	text = NULL;
	err = LS_OK;
out:
	free(text);
	(void)close(fd);
	return err;
}

static bool
name_ok(struct ls_slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];
		if (!(c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			    (i > 0 && ls_ascii_digit(c))))
			return false;
	}
	return name.len > 0;
}

/* cuts the line in place; false when it is no NAME=value */
static bool
parse_line(char *line, size_t len, struct ls_env_pair *pair)
{
	struct ls_slice text = ls_slice_trim(ls_slice(line, len));
	if (ls_slice_starts(text, LS_S("export ")))
		text = ls_slice_trim(ls_slice(text.data + 7, text.len - 7));
	size_t at = ls_slice_find(text, '=');
	struct ls_slice name = ls_slice_trim(ls_slice(text.data, at));
	if (at == text.len || !name_ok(name))
		return false;
	struct ls_slice value = ls_slice_trim(ls_slice(text.data + at + 1, text.len - at - 1));
	char quote = value.len > 0 ? value.data[0] : '\0';
	if (quote == '"' || quote == '\'') {
		if (value.len < 2 || value.data[value.len - 1] != quote)
			return false;
		value = ls_slice(value.data + 1, value.len - 2);
	}
	char *name_end = line + (name.data - line) + name.len,
	     *value_end = line + (value.data - line) + value.len;
	*name_end = '\0';
	*value_end = '\0';
	*pair = (struct ls_env_pair){ .name = name.data, .value = value.data };
	return true;
}

int
ls_env_file_read(const char *path, struct ls_env_file *out, struct ls_buf *faults)
{
	struct ls_env_file file = { 0 };
	size_t len = 0, number = 0;
	int err = read_text(path, &file.text, &len);
	if (err != LS_OK)
		return err;
	file.pairs = calloc(PAIRS_MAX, sizeof *file.pairs);
	if (file.pairs == NULL) {
		ls_env_file_free(&file);
		return LS_ERR_NOMEM;
	}
	for (char *line = file.text, *next; line < file.text + len; line = next) {
		size_t n = ls_slice_find(ls_slice(line, (size_t)(file.text + len - line)), '\n');
		next = line + n + 1;
		n -= n > 0 && line[n - 1] == '\r';
		number++;
		struct ls_slice text = ls_slice_trim(ls_slice(line, n));
		if (text.len == 0 || text.data[0] == '#')
			continue;
		if (file.count == PAIRS_MAX || !parse_line(line, n, &file.pairs[file.count])) {
			(void)ls_buf_addf(
				faults, "%s line %zu: expected NAME=value\n", path, number);
			err = LS_ERR_INVALID;
			continue;
		}
		file.count++;
	}
	if (err != LS_OK)
		ls_env_file_free(&file);
	else
		*out = file;
	return err;
}

void
ls_env_file_free(struct ls_env_file *file)
{
	free(file->text);
	free(file->pairs);
	*file = (struct ls_env_file){ 0 };
}

const char *
ls_env_file_get(const struct ls_env_file *file, const char *name)
{
	/* the last one wins, as in a shell */
	for (size_t i = file->count; i > 0; i--) {
		if (strcmp(file->pairs[i - 1].name, name) == 0)
			return file->pairs[i - 1].value;
	}
	return NULL;
}
