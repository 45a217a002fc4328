/* SPDX-License-Identifier: MIT */
/* Makes settings those of a demo: no real secrets, this machine only, a free port, a folder that
 * goes away. */
#ifndef LS_MAIN_DEMO_PREPARE_H
#define LS_MAIN_DEMO_PREPARE_H

#include "service/settings.h"

/** Prints what is wrong. An exit code; LS_EXIT_OK: the folder exists and is removed by
 * ls_demo_clean_up(). */
int ls_demo_prepare(struct ls_settings *settings, const char *env_file);
void ls_demo_clean_up(const struct ls_settings *settings);

#endif
