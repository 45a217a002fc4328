// SPDX-License-Identifier: MIT
/* leadscore demo: LeadScore with made-up people, to look at. */

#include "main/cli.h"
#include "main/demo.h"
#include "main/house.h"

#define DURATION_MAX_S INT64_C(31536000)

static int
run(const struct ls_args *args)
{
	struct ls_house house;
	int64_t seed = 0, leads = 0, speed = 0, duration_s = 0;
	if (ls_args_i64(args, "seed", 0, INT64_MAX, &seed) != LS_OK ||
		ls_args_i64(args, "leads", LS_DEMO_LEADS_MIN, LS_DEMO_LEADS_MAX, &leads) != LS_OK ||
		ls_args_i64(args, "speed", 1, LS_DEMO_SPEED_MAX, &speed) != LS_OK ||
		ls_args_i64(args, "duration", 0, DURATION_MAX_S, &duration_s) != LS_OK)
		return LS_EXIT_USAGE;
	const struct ls_demo_wishes wishes = { .seed = (uint64_t)seed,
		.leads = (size_t)leads,
		.speed = (unsigned)speed,
		.duration_s = duration_s };
	int code = LS_EXIT_CONFIG;
	if (ls_house_load(&house, ls_args_get(args, "env-file")) == LS_OK)
		code = ls_demo_run(&house, &wishes);
	ls_house_close(&house);
	return code;
}

static const struct ls_option options[] = {
	{ "seed", "N", "1", "Other people and events; the same number, the same" },
	{ "leads", "N", "300", "How many people there are at the start" },
	{ "speed", "N", "1", "So many times as fast, up to 100" },
	{ "duration", "SECONDS", "0", "End by itself; 0: run until stopped" },
	{ "env-file", "FILE", NULL, "Read settings from FILE; the environment wins" },
};

const struct ls_command ls_cmd_demo = {
	.name = "demo",
	.summary = "Run the server with made-up leads, to look at",
	.details = "Three weeks of made-up history, then live traffic, all of it through the real\n"
		   "ingest path; about every half minute somebody turns hot. Nothing to configure "
		   "and\n"
		   "nothing kept: the data is in a temporary folder that goes away at the end.\n"
		   "Listens on this machine only, on LEADSCORE_LISTEN or the first free port from\n"
		   "8000 to 8010, and refuses to start when real secrets are set.",
	.options = options,
	.option_count = LS_ARRAY_LEN(options),
	.run = run,
};
