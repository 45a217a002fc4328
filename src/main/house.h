/* SPDX-License-Identifier: MIT */
/* Runs the service in this process, from reading settings to the exit code: what `serve` and `demo`
 * share. */
#ifndef LS_MAIN_HOUSE_H
#define LS_MAIN_HOUSE_H

#include "service/service.h"

struct ls_house;

/** Something that lives in the house beside the service, on its loop. */
struct ls_guest {
	/** Everything is open and listens; the loop is about to run. An error ends the house. */
	int (*move_in)(void *ctx, struct ls_house *house);
	/** The end has begun: send nothing more, free what is on the loop. Called once if move_in
	 * was. */
	void (*leave)(void *ctx);
	void *ctx;
};

struct ls_house {
	struct ls_loop *loop;
	struct ls_service service;
	struct ls_settings settings;
	const char *env_file;
	struct ls_guest guest; /* move_in NULL: none. With a guest SIGHUP stops, without it reloads
				*/
	bool stopping, moved_in;
};

/** Loads the settings. What is wrong has been printed when it is not LS_OK. Close in any case. */
int ls_house_load(struct ls_house *house, const char *env_file) LS_MUST_CHECK;
/** Opens everything, runs until SIGTERM, SIGINT or ls_house_stop(), closes. The exit code. */
int ls_house_run(struct ls_house *house);
/** The orderly end, as by a signal. A second one ends at once. */
void ls_house_stop(struct ls_house *house);
/** Frees the settings. */
void ls_house_close(struct ls_house *house);

#endif
