// SPDX-License-Identifier: MIT
/* leadscore serve: runs the house until SIGTERM or SIGINT. */

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/logger.h"
#include "main/cli.h"
#include "service/service.h"

struct serve {
	struct ls_loop *loop;
	struct ls_service service;
	struct ls_settings settings;
	const char *env_file;
	bool stopping;
};

static void
on_stopped(void *ctx)
{
	struct serve *serve = ctx;
	ls_loop_stop(serve->loop);
}

static void
on_signal(void *ctx, int signal)
{
	struct serve *serve = ctx;
	/* the second one means it */
	if (serve->stopping) {
		ls_warn("stop", "stopping at once signal=%d", signal);
		ls_loop_stop(serve->loop);
		return;
	}
	serve->stopping = true;
	ls_service_stop(&serve->service, on_stopped, serve);
}

static void
on_reload(void *ctx, int signal)
{
	struct serve *serve = ctx;
	struct ls_settings fresh;
	struct ls_buf faults;
	(void)signal;
	ls_buf_init(&faults, 1u << 16);
	if (ls_settings_load(&fresh, serve->env_file, &faults) == LS_OK)
		ls_service_reload(&serve->service, &fresh);
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
run_house(struct serve *serve)
{
	char why[512] = "";
	serve->loop = ls_loop_new();
	if (serve->loop == NULL)
		return LS_EXIT_FAILED;
	int err = ls_service_open(&serve->service, serve->loop, &serve->settings, why, sizeof why);
	if (err == LS_OK &&
		(ls_loop_on_signal(serve->loop, SIGTERM, on_signal, serve) != LS_OK ||
			ls_loop_on_signal(serve->loop, SIGINT, on_signal, serve) != LS_OK ||
			ls_loop_on_signal(serve->loop, SIGHUP, on_reload, serve) != LS_OK))
		err = LS_ERR_NOMEM;
	if (err == LS_OK)
		ls_loop_run(serve->loop);
	else
		fprintf(stderr, "leadscore: %s\n", why);
	ls_service_close(&serve->service);
	(void)ls_loop_free(serve->loop);
	if (err == LS_OK)
		ls_info("stop", "stopped");
	return err == LS_OK            ? LS_EXIT_OK
	       : err == LS_ERR_INVALID ? LS_EXIT_CONFIG
				       : LS_EXIT_UNAVAILABLE;
}

static int
run(const struct ls_args *args)
{
	struct serve serve = { .env_file = ls_args_get(args, "env-file") };
	struct ls_buf faults;
	ls_buf_init(&faults, 1u << 16);
	int code = LS_EXIT_CONFIG;
	if (ls_settings_load(&serve.settings, serve.env_file, &faults) == LS_OK) {
		ls_logger_init((enum ls_level)serve.settings.log_level,
			(enum ls_log_format)serve.settings.log_format);
		set_up_process();
		code = run_house(&serve);
	} else {
		fprintf(stderr, "leadscore: the configuration is wrong:\n%.*s", (int)faults.len,
			faults.data);
	}
	ls_settings_free(&serve.settings);
	ls_buf_fini(&faults);
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
		   "SIGHUP reads settings and certificate again.",
	.options = options,
	.option_count = LS_ARRAY_LEN(options),
	.run = run,
};
