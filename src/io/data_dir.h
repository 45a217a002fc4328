/* SPDX-License-Identifier: MIT */
/* The directory with all that a server keeps: private, and one process's at a time. */
#ifndef LS_IO_DATA_DIR_H
#define LS_IO_DATA_DIR_H

#include "base/base.h"

/**
 * Makes the directory where there is none (its parent must exist), locks it, and makes sure that
 * `file` is in it, readable by nobody else. *path is that file's, malloc'ed; closing *lock_fd lets
 * go of the lock. LS_ERR_CONFLICT: another process has it; LS_ERR_INVALID: the name is empty or too
 * long; LS_ERR_IO, LS_ERR_NOMEM. What went wrong is logged.
 */
int ls_data_dir_open(
	const char *directory, const char *file, char **path, int *lock_fd) LS_MUST_CHECK;

#endif
