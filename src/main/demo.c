// SPDX-License-Identifier: MIT
/* Puts the demo together: prepared settings, the house, and in it as a guest the world, the pump
 * that sends what happens there, and the lines on the terminal. */

#include "main/demo.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "main/cli.h"
#include "main/demo_prepare.h"
#include "main/demo_pump.h"
#include "main/demo_show.h"
#include "main/house.h"

#define LS_MAGIC_demo 0x44454d4fu
#define HEAT_SHOWN    950u
#define HEAT_TRIED    700u

struct ls_demo {
	uint32_t magic;
	const struct ls_demo_wishes *wishes;
	struct ls_house *house;
	struct ls_demo_traffic *traffic;
	struct ls_demo_pump *pump;
	struct ls_demo_show *show;
	struct ls_timer *end;
	struct ls_hmac *hmac;
	char url[256], signed_url[512], unix_path[128];
	int64_t started_ns;
};

/* where the own server is: the first address it listens on */
static void
find_address(struct ls_demo *demo)
{
	struct ls_slice list = ls_slice_str(demo->house->settings.listen), first = LS_S("");
	(void)ls_slice_cut(&list, ',', &first);
	first = ls_slice_trim(first);
	if (ls_slice_starts(first, LS_S("unix:"))) {
		(void)snprintf(demo->unix_path, sizeof demo->unix_path, "%.*s", (int)first.len - 5,
			first.data + 5);
		(void)snprintf(demo->url, sizeof demo->url, "http://localhost");
	} else {
		while (first.len > 0 && first.data[first.len - 1] != ':')
			first.len--;
		(void)snprintf(demo->url, sizeof demo->url, "http://%.*s%u", LS_FMT(first),
			(unsigned)ls_http_port(demo->house->service.http));
	}
	(void)snprintf(demo->signed_url, sizeof demo->signed_url, "%s/webhooks/hubspot",
		demo->house->service.public_url);
}

/* ---- what a newcomer reads */

static void
print_curl(const struct ls_demo *demo, const char *path)
{
	printf("  curl -s %s%s%s'%s%s'", demo->unix_path[0] != '\0' ? "--unix-socket '" : "",
		demo->unix_path, demo->unix_path[0] != '\0' ? "' " : "", demo->url, path);
}

static void
welcome(const struct ls_demo *demo)
{
	const struct ls_demo_people *people = ls_demo_traffic_people(demo->traffic);
	char hot[LS_DEMO_EMAIL_LEN], warm[LS_DEMO_EMAIL_LEN], path[192];
	ls_demo_email(people, ls_demo_traffic_someone(demo->traffic, HEAT_SHOWN), hot);
	ls_demo_email(people, ls_demo_traffic_someone(demo->traffic, HEAT_TRIED), warm);
	printf("\nLeadScore demo: %zu made-up leads of %zu companies. Nothing is kept.\n\n",
		ls_demo_people_leads(people), ls_demo_people_companies(people));
	if (demo->unix_path[0] != '\0')
		printf("  %s   for this machine only; Ctrl-C ends it\n\n", demo->unix_path);
	else
		printf("  %s   for this machine only; Ctrl-C ends it\n\n", demo->url);
	printf("Try, in another terminal:\n\n  # who is hot\n");
	print_curl(demo, "/api/leads?category=hot&limit=3");
	printf("\n\n  # one person, every point explained\n");
	(void)snprintf(path, sizeof path, "/api/leads/email:%s", hot);
	print_curl(demo, path);
	printf("\n\n  # make somebody else a little warmer\n");
	print_curl(demo, "/api/events");
	printf(" -H 'Content-Type: application/json' \\\n"
	       "       -d '{\"events\":[{\"kind\":\"meeting\",\"lead\":{\"email\":\"%s\"}}]}'\n\n",
		warm);
	(void)fflush(stdout);
}

static void
on_seeded(void *ctx)
{
	struct ls_demo *demo = LS_CAST(demo, ctx);
	double seconds = (double)(ls_clock_mono_ns() - demo->started_ns) / 1e9;
	ls_demo_show_live(demo->show, ls_demo_pump_stats(demo->pump)->events, seconds);
}

/* ---- in the house */

static void
on_end(void *ctx)
{
	struct ls_demo *demo = LS_CAST(demo, ctx);
	ls_house_stop(demo->house);
}

static int
start_pump(struct ls_demo *demo)
{
	struct ls_slice secret = ls_slice_str(demo->house->settings.hubspot_secret);
	demo->hmac = ls_hmac_new(secret);
	if (demo->hmac == NULL)
		return LS_ERR_NOMEM;
	const struct ls_demo_pump_options options = {
		.traffic = demo->traffic,
		.url = demo->url,
		.unix_socket = demo->unix_path[0] != '\0' ? demo->unix_path : NULL,
		.signer = { .version = 3,
			.secret = secret,
			.url = ls_slice_str(demo->signed_url),
			.hmac = demo->hmac },
		.seeded = on_seeded,
		.ctx = demo,
	};
	demo->pump = ls_demo_pump_new(demo->house->loop, &options);
	return demo->pump != NULL ? LS_OK : LS_ERR_NOMEM;
}

static int
move_in(void *ctx, struct ls_house *house)
{
	struct ls_demo *demo = LS_CAST(demo, ctx);
	const struct ls_demo_options options = { .seed = demo->wishes->seed,
		.leads = demo->wishes->leads,
		.speed = demo->wishes->speed,
		.start_ms = ls_clock_now_ms() };
	demo->house = house;
	demo->started_ns = ls_clock_mono_ns();
	demo->traffic = ls_demo_traffic_new(&options);
	demo->show = ls_demo_show_new(&house->service);
	demo->end = ls_timer_new(house->loop, on_end, demo);
	if (demo->traffic == NULL || demo->show == NULL || demo->end == NULL)
		return LS_ERR_NOMEM;
	find_address(demo);
	welcome(demo);
	if (demo->wishes->duration_s > 0)
		ls_timer_set(demo->end, demo->wishes->duration_s * 1000);
	return start_pump(demo);
}

static void
leave(void *ctx)
{
	struct ls_demo *demo = LS_CAST(demo, ctx);
	demo->pump = ls_demo_pump_free(demo->pump);
	demo->show = ls_demo_show_free(demo->show);
	demo->end = ls_timer_free(demo->end);
	demo->traffic = ls_demo_traffic_free(demo->traffic);
	demo->hmac = ls_hmac_free(demo->hmac);
}

int
ls_demo_run(struct ls_house *house, const struct ls_demo_wishes *wishes)
{
	struct ls_demo demo = { .magic = LS_MAGIC_demo, .wishes = wishes };
	int code = ls_demo_prepare(&house->settings, house->env_file);
	if (code != LS_EXIT_OK)
		return code;
	house->guest = (struct ls_guest){ .move_in = move_in, .leave = leave, .ctx = &demo };
	code = ls_house_run(house);
	ls_demo_clean_up(&house->settings);
	return code;
}
