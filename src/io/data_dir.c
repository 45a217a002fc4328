// SPDX-License-Identifier: MIT
/* Makes and locks the data directory. The lock is the kernel's (flock): it goes with the process,
 * however that ends. */

#include "io/data_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/logger.h"
#include "base/slice.h"

#define PATH_MAX_LEN 4096

static int
refuse(const char *what, const char *path)
{
	ls_error("storage", "%s path=%s reason=\"%s\"", what, path, strerror(errno));
	return LS_ERR_IO;
}

static int
say_locked(int fd, const char *directory)
{
	char text[24] = "";
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	struct ls_slice pid = ls_slice(text, n > 0 ? (size_t)n : 0);
	pid.len = ls_slice_find(pid, '\n');
	ls_error("storage", "another process uses this data directory pid=%.*s directory=%s",
		LS_FMT(pid), directory);
	return LS_ERR_CONFLICT;
}

static int
lock_directory(const char *directory, int *out)
{
	char path[PATH_MAX_LEN], pid[24];
	int len = snprintf(path, sizeof path, "%s/lock", directory);
	ls_assert(len > 0 && (size_t)len < sizeof path);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return refuse("cannot open the lock file", path);
	int err = LS_OK;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		err = errno == EWOULDBLOCK ? say_locked(fd, directory)
					   : refuse("cannot lock", path);
	if (err != LS_OK) {
		(void)close(fd);
		return err;
	}
	len = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)len, 0) != len)
		ls_warn("storage", "cannot note the pid in the lock file path=%s", path);
	*out = fd;
	return LS_OK;
}

/* SQLite gives its side files the mode of the database: making it here makes all of them private */
static int
prepare_file(const char *directory, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return refuse("cannot open the database", path);
	(void)close(fd);
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		ls_warn("storage", "cannot sync the data directory path=%s", directory);
	if (fd >= 0)
		(void)close(fd);
	return LS_OK;
}

int
ls_data_dir_open(const char *directory, const char *file, char **path, int *lock_fd)
{
	char *whole = NULL;
	int fd = -1;
	if (directory[0] == '\0' ||
		strlen(directory) + strlen(file) + sizeof "/lock" > PATH_MAX_LEN) {
		ls_error("storage", "the data directory's name is empty or too long");
		return LS_ERR_INVALID;
	}
	if (mkdir(directory, 0700) != 0 && errno != EEXIST)
		return refuse("cannot make the data directory", directory);
	int err = lock_directory(directory, &fd);
	if (err != LS_OK)
		return err;
	if (asprintf(&whole, "%s/%s", directory, file) < 0) {
		(void)close(fd);
		return LS_ERR_NOMEM;
	}
	err = prepare_file(directory, whole);
	if (err != LS_OK) {
		free(whole);
		(void)close(fd);
		return err;
	}
	*path = whole;
	*lock_fd = fd;
	return LS_OK;
}
