// SPDX-License-Identifier: MIT
/* The one binary: hands over to the sub-command. */

#include "main/cli.h"

int
main(int argc, char **argv)
{
	static const struct ls_command *const commands[] = {
		&ls_cmd_serve,
		&ls_cmd_demo,
		&ls_cmd_check_config,
		&ls_cmd_forge,
		&ls_cmd_profile,
		&ls_cmd_version,
	};
	return ls_cli_main(commands, LS_ARRAY_LEN(commands), argc, argv);
}
