// SPDX-License-Identifier: MIT
/* The life of a serving process: settings, limits of the process, loop, signals, service, and the
 * way out. */

#include "main/house.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/logger.h"
#include "main/cli.h"

static void
on_stopped(void *ctx)
{
	struct ls_house *house = ctx;
	ls_loop_stop(house->loop);
}

static void
guest_leaves(struct ls_house *house)
{
	if (house->moved_in)
		house->guest.leave(house->guest.ctx);
	house->moved_in = false;
}

void
ls_house_stop(struct ls_house *house)
{
	/* the second one means it */
	if (house->stopping) {
		ls_warn("stop", "stopping at once");
		ls_loop_stop(house->loop);
		return;
	}
	house->stopping = true;
	guest_leaves(house);
	ls_service_stop(&house->service, on_stopped, house);
}

static void
on_signal(void *ctx, int signal)
{
	(void)signal;
	ls_house_stop(ctx);
}

static void
on_hangup(void *ctx, int signal)
{
	struct ls_house *house = ctx;
	struct ls_settings fresh;
	struct ls_buf faults;
	(void)signal;
	if (house->guest.move_in != NULL) {
		ls_house_stop(house);
		return;
	}
	ls_buf_init(&faults, 1u << 16);
	if (ls_settings_load(&fresh, house->env_file, &faults) == LS_OK)
		ls_service_reload(&house->service, &fresh);
	else
		ls_error("reload", "settings are wrong, the old ones stay faults=\"%.*s\"",
			(int)faults.len, faults.data);
	ls_settings_free(&fresh);
	ls_buf_fini(&faults);
}

/* the leak checker attaches to its own process, which a process that cannot be dumped forbids */
#if defined(__SANITIZE_ADDRESS__)
#define DUMPABLE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DUMPABLE 1
#endif
#endif
#ifndef DUMPABLE
#define DUMPABLE 0
#endif

/* as many descriptors as we may have; secrets are in memory, so no core dumps */
static void
set_up_process(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	(void)prctl(PR_SET_DUMPABLE, DUMPABLE);
	(void)signal(SIGPIPE, SIG_IGN);
	/* a limit on the size of files is a full disk: an error to answer, not an end */
	(void)signal(SIGXFSZ, SIG_IGN);
}

static int
open_house(struct ls_house *house)
{
	char why[512] = "out of memory";
	int err = ls_service_open(&house->service, house->loop, &house->settings, why, sizeof why);
	if (err == LS_OK &&
		(ls_loop_on_signal(house->loop, SIGTERM, on_signal, house) != LS_OK ||
			ls_loop_on_signal(house->loop, SIGINT, on_signal, house) != LS_OK ||
			ls_loop_on_signal(house->loop, SIGHUP, on_hangup, house) != LS_OK))
		err = LS_ERR_NOMEM;
	if (err == LS_OK && house->guest.move_in != NULL) {
		house->moved_in = true;
		err = house->guest.move_in(house->guest.ctx, house);
	}
	if (err != LS_OK)
		fprintf(stderr, "leadscore: %s\n", why);
	return err;
}

int
ls_house_run(struct ls_house *house)
{
	set_up_process();
	house->loop = ls_loop_new();
	if (house->loop == NULL)
		return LS_EXIT_FAILED;
	int err = open_house(house);
	if (err == LS_OK)
		ls_loop_run(house->loop);
	guest_leaves(house);
	ls_service_close(&house->service);
	house->loop = ls_loop_free(house->loop);
	if (err == LS_OK)
		ls_info("stop", "stopped");
	return err == LS_OK            ? LS_EXIT_OK
	       : err == LS_ERR_INVALID ? LS_EXIT_CONFIG
				       : LS_EXIT_UNAVAILABLE;
}

int
ls_house_load(struct ls_house *house, const char *env_file)
{
	struct ls_buf faults;
	*house = (struct ls_house){ .env_file = env_file };
	ls_buf_init(&faults, 1u << 16);
	int err = ls_settings_load(&house->settings, env_file, &faults);
	if (err == LS_OK)
		ls_logger_init((enum ls_level)house->settings.log_level,
			(enum ls_log_format)house->settings.log_format);
	else
		fprintf(stderr, "leadscore: the configuration is wrong:\n%.*s", (int)faults.len,
			faults.data);
	ls_buf_fini(&faults);
	return err;
}

void
ls_house_close(struct ls_house *house)
{
	ls_settings_free(&house->settings);
}
