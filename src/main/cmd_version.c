// SPDX-License-Identifier: MIT
/* leadscore version */

#include <stdio.h>

#include "main/cli.h"

static int
run(const struct ls_args *args)
{
	(void)args;
	printf("leadscore %s\n", LS_VERSION);
	return LS_EXIT_OK;
}

const struct ls_command ls_cmd_version = {
	.name = "version",
	.summary = "Print the version",
	.run = run,
};
