// SPDX-License-Identifier: MIT
/* leadscore serve: runs the house until SIGTERM or SIGINT. */

#include "main/cli.h"
#include "main/demo.h"
#include "main/house.h"

static int
run(const struct ls_args *args)
{
	static const struct ls_demo_wishes demo = LS_DEMO_USUAL;
	struct ls_house house;
	int code = LS_EXIT_CONFIG;
	if (ls_house_load(&house, ls_args_get(args, "env-file")) == LS_OK)
		code = house.settings.demo ? ls_demo_run(&house, &demo) : ls_house_run(&house);
	ls_house_close(&house);
	return code;
}

static const struct ls_option options[] = {
	{ "env-file", "FILE", NULL, "Read settings from FILE; the environment wins" },
};

const struct ls_command ls_cmd_serve = {
	.name = "serve",
	.summary = "Run the server",
	.details = "Receives events, keeps scores, answers the API. SIGTERM and SIGINT finish "
		   "requests under way and stop;\n"
		   "SIGHUP reads settings and certificate again. With DEMO_MODE=true it is "
		   "'leadscore demo'.",
	.options = options,
	.option_count = LS_ARRAY_LEN(options),
	.run = run,
};
