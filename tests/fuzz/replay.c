// SPDX-License-Identifier: MIT
/* Runs a fuzz target over every file of its corpus folder: the same inputs as an ordinary test. */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
replay_file(const char *dir, const char *name)
{
	char path[4096];
	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *file = fopen(path, "rb");
	if (file == NULL) {
		fprintf(stderr, "replay: cannot open %s\n", path);
		return -1;
	}
	size_t cap = 1u << 22, size = 0;
	uint8_t *data = malloc(cap);
	if (data != NULL)
		size = fread(data, 1, cap, file);
	(void)fclose(file);
	/* an exact-size copy, so that ASan sees a read past the end */
	uint8_t *exact = malloc(size > 0 ? size : 1);
	if (exact == NULL || data == NULL)
		abort();
	memcpy(exact, data, size);
	free(data);
	(void)LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	return 0;
}

int
main(int argc, char **argv)
{
	int count = 0, failed = 0;
	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		if (dir == NULL) {
			fprintf(stderr, "replay: no corpus at %s\n", argv[i]);
			return 1;
		}
		for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
			if (entry->d_name[0] == '.')
				continue;
			failed += replay_file(argv[i], entry->d_name) != 0;
			count++;
		}
		(void)closedir(dir);
	}
	printf("replayed %d inputs\n", count);
	return count == 0 || failed > 0;
}
