/* SPDX-License-Identifier: MIT */
/* `leadscore demo`: the house with made-up people, a temporary folder and somebody who tells what
 * happens. */
#ifndef LS_MAIN_DEMO_H
#define LS_MAIN_DEMO_H

#include "main/demo_traffic.h"

struct ls_house;

struct ls_demo_wishes {
	uint64_t seed;
	size_t leads;
	unsigned speed;
	int64_t duration_s; /* 0: until stopped */
};

#define LS_DEMO_USUAL                                                                              \
	{                                                                                          \
		.seed = 1, .leads = 300, .speed = 1                                                \
	}

/**
 * Takes the house whose settings have been loaded, makes it a demo's and runs it. The exit code:
 * LS_EXIT_CONFIG when real secrets are set or it would listen for other machines.
 */
int ls_demo_run(struct ls_house *house, const struct ls_demo_wishes *wishes);

#endif
