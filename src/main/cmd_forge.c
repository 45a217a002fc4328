// SPDX-License-Identifier: MIT
/* leadscore forge hubspot: sends signed synthetic webhooks to any URL, to try out a set-up or to
 * put load on it, and says what came of it. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/iso8601.h"
#include "main/cli.h"
#include "main/forge_send.h"

#define DEFAULT_PATH "/webhooks/hubspot"
#define DAY_MS       INT64_C(86400000)
#define TEXT_MAX     4096
#define HINT         "See: leadscore forge --help\n"
#define EXPECT_MAX   ((size_t)2 << 30)

struct settings {
	char *url, *public_url, *secret, *start, *ack_log, *expect;
	int64_t count, rate, batch, connections, seed, contacts, duplicates, shuffle, span_ms;
	int signature;
	struct ls_config_numbers portals;
};

static const char *const signatures[] = { "v1", "v2", "v3", NULL };

/* the options that take a value, checked as settings are; their defaults are in `options` below */
#define ROW(name_, type_, min_, max_, field)                                                       \
	{                                                                                          \
		.name = "--" name_, .type = (type_), .fallback = "", .min = (min_), .max = (max_), \
		.offset = offsetof(struct settings, field)                                         \
	}
static const struct ls_config_row rows[] = {
	ROW("url", LS_CONFIG_TEXT, 1, TEXT_MAX, url),
	ROW("public-url", LS_CONFIG_TEXT, 1, TEXT_MAX, public_url),
	{ .name = "--secret",
		.type = LS_CONFIG_TEXT,
		.fallback = "",
		.min = 1,
		.max = TEXT_MAX,
		.secret = true,
		.offset = offsetof(struct settings, secret) },
	ROW("start", LS_CONFIG_TEXT, 1, 64, start),
	ROW("ack-log", LS_CONFIG_TEXT, 1, TEXT_MAX, ack_log),
	ROW("expect", LS_CONFIG_TEXT, 1, TEXT_MAX, expect),
	ROW("count", LS_CONFIG_INT, 1, UINT32_MAX, count),
	ROW("rate", LS_CONFIG_INT, 0, 10000000, rate),
	ROW("batch", LS_CONFIG_INT, 1, LS_FORGE_BATCH_MAX, batch),
	ROW("connections", LS_CONFIG_INT, 1, 1000, connections),
	ROW("seed", LS_CONFIG_INT, 0, INT64_MAX, seed),
	ROW("contacts", LS_CONFIG_INT, 1, LS_FORGE_CONTACTS_MAX, contacts),
	ROW("duplicates", LS_CONFIG_INT, 0, 100, duplicates),
	ROW("shuffle", LS_CONFIG_INT, 0, LS_FORGE_SHUFFLE_MAX, shuffle),
	ROW("span", LS_CONFIG_DURATION, 1, 3650 * DAY_MS, span_ms),
	{ .name = "--version-signature",
		.type = LS_CONFIG_CHOICE,
		.fallback = "v3",
		.choices = signatures,
		.offset = offsetof(struct settings, signature) },
	ROW("portal", LS_CONFIG_NUMBERS, 1, LS_FORGE_PORTALS_MAX, portals),
};
static const struct ls_config_table table = { rows, LS_ARRAY_LEN(rows) };

struct lookup {
	const struct ls_args *args;
	const char *portals; /* every --portal, joined */
};

static const char *
get_option(const void *ctx, const char *name)
{
	const struct lookup *lookup = ctx;
	if (strcmp(name, "--portal") == 0)
		return lookup->portals;
	if (strcmp(name, "--secret") == 0 && !ls_args_has(lookup->args, "secret"))
		return getenv("HUBSPOT_CLIENT_SECRET");
	return ls_args_get(lookup->args, name + 2);
}

/* an empty value leaves a zero behind */
static const char *
find_empty(const struct settings *settings)
{
	for (size_t i = 0; i < table.count; i++) {
		const void *at = (const char *)settings + rows[i].offset;
		bool number = rows[i].type == LS_CONFIG_INT || rows[i].type == LS_CONFIG_DURATION;
		if (number && *(const int64_t *)at < rows[i].min)
			return rows[i].name;
	}
	return settings->portals.count == 0 ? "--portal" : settings->url == NULL ? "--url" : NULL;
}

static int
load(const struct ls_args *args, struct settings *settings)
{
	struct ls_buf portals, faults;
	ls_buf_init(&portals, 65536);
	ls_buf_init(&faults, 65536);
	for (size_t i = 0; i < args->given_count; i++) {
		if (strcmp(args->given[i].option->name, "portal") != 0)
			continue;
		(void)ls_buf_add(&portals, ",", portals.len > 0 ? 1 : 0);
		(void)ls_buf_add_slice(&portals, ls_slice_str(args->given[i].value));
	}
	if (portals.len == 0)
		(void)ls_buf_add_slice(&portals, ls_slice_str(ls_args_get(args, "portal")));
	int err = ls_buf_add_char(&portals, '\0');
	struct lookup lookup = { args, portals.data };
	if (err == LS_OK)
		err = ls_config_load(table, settings, get_option, &lookup, &faults);
	if (err != LS_OK)
		fprintf(stderr, "leadscore: forge: %.*s", LS_FMT(ls_buf_slice(&faults)));
	const char *empty = err == LS_OK ? find_empty(settings) : NULL;
	if (empty != NULL) {
		fprintf(stderr, "leadscore: forge: %s: a value is needed\n", empty);
		err = LS_ERR_INVALID;
	}
	if (err != LS_OK)
		fprintf(stderr, HINT);
	ls_buf_fini(&portals);
	ls_buf_fini(&faults);
	return err;
}

static int
usage(const char *what)
{
	fprintf(stderr, "leadscore: forge: %s\n" HINT, what);
	return LS_EXIT_USAGE;
}

/* "https://host" means its webhook route */
static int
complete_url(char **url)
{
	struct ls_slice s = ls_slice_str(*url);
	size_t scheme = ls_slice_starts(s, LS_S("https://"))  ? 8
			: ls_slice_starts(s, LS_S("http://")) ? 7
							      : 0;
	if (scheme == 0 || s.len == scheme)
		return LS_ERR_INVALID;
	if (ls_slice_find(ls_slice(s.data + scheme, s.len - scheme), '/') < s.len - scheme)
		return LS_OK;
	char *longer = malloc(s.len + sizeof DEFAULT_PATH);
	if (longer == NULL)
		return LS_ERR_NOMEM;
	memcpy(longer, s.data, s.len);
	memcpy(longer + s.len, DEFAULT_PATH, sizeof DEFAULT_PATH);
	free(*url);
	*url = longer;
	return LS_OK;
}

static int
read_start(const struct settings *settings, int64_t *start_ms)
{
	struct ls_slice text = ls_slice_str(settings->start);
	if (settings->start == NULL) {
		*start_ms = ls_clock_now_ms() - settings->span_ms;
		return LS_OK;
	}
	int err = ls_slice_to_i64(text, start_ms);
	if (err != LS_OK)
		return ls_iso8601_parse(text, start_ms);
	return *start_ms >= 0 && *start_ms <= INT64_C(253402300799999) ? LS_OK : LS_ERR_INVALID;
}

/* ---- what came of it */

static bool
write_expect(const struct ls_forge *forge, const char *path)
{
	struct ls_buf out;
	ls_buf_init(&out, EXPECT_MAX);
	FILE *file = NULL;
	bool ok = ls_forge_expect(forge, &out) == LS_OK;
	if (ok)
		file = fopen(path, "we");
	if (file != NULL) {
		ok = fwrite(out.data, 1, out.len, file) == out.len;
		ok = fclose(file) == 0 && ok;
	}
	ok = ok && file != NULL;
	if (!ok)
		fprintf(stderr, "leadscore: forge: cannot write %s: %s\n", path, strerror(errno));
	ls_buf_fini(&out);
	return ok;
}

static void
print_statuses(const struct ls_forge_report *r, int from, int to)
{
	const char *before = " (";
	for (int i = from; i < to; i++) {
		if (r->status[i] == 0)
			continue;
		printf("%s%d: %" PRIu64, before, i, r->status[i]);
		before = ", ";
	}
	printf("%s\n", before[0] == ',' ? ")" : "");
}

static void
print_summary(const struct ls_forge_report *r)
{
	double seconds = LS_MAX((double)r->duration_ns / 1e9, 1e-9);
	printf("sent        %" PRIu64 " events in %" PRIu64 " requests, %" PRIu64
	       " of them duplicates\n",
		r->events, r->requests, r->duplicates);
	printf("accepted    %" PRIu64, r->accepted);
	print_statuses(r, 200, 300);
	printf("refused     %" PRIu64, r->refused);
	print_statuses(r, 300, 600);
	printf("unanswered  %" PRIu64 "\n", r->unanswered);
	printf("retried     %" PRIu64 "\n", r->retried);
	printf("latency     p50 %.2f ms, p90 %.2f ms, p99 %.2f ms, max %.2f ms\n",
		(double)ls_forge_latency_us(r, .5) / 1e3, (double)ls_forge_latency_us(r, .9) / 1e3,
		(double)ls_forge_latency_us(r, .99) / 1e3, (double)r->latency_max_us / 1e3);
	printf("duration    %.3f s, %.0f events/s, %.0f requests/s\n", seconds,
		(double)r->accepted_events / seconds, (double)r->accepted / seconds);
	if (r->fault[0] != '\0')
		printf("first fault %s\n", r->fault);
}

/* ---- running */

static int
dry_run(struct ls_forge *forge)
{
	struct ls_forge_batch batch;
	int err;
	while ((err = ls_forge_next(forge, &batch)) == LS_OK)
		if (fwrite(batch.body.data, 1, batch.body.len, stdout) != batch.body.len ||
			putchar('\n') == EOF)
			return LS_ERR_IO;
	return err == LS_ERR_NOT_FOUND && fflush(stdout) == 0 ? LS_OK : LS_ERR_IO;
}

static int
send_all(struct ls_forge *forge, const struct settings *settings, bool quiet, bool retry)
{
	static const int append = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
	struct ls_forge_send_options options = { .url = settings->url,
		.signer = { .version = (unsigned)settings->signature + 1,
			.secret = ls_slice_str(settings->secret),
			.url = ls_slice_str(settings->public_url != NULL ? settings->public_url
									 : settings->url) },
		.rate = settings->rate,
		.connections = (size_t)settings->connections,
		.retry = retry,
		.progress = !quiet && isatty(STDERR_FILENO),
		.ack_fd = -1 };
	struct ls_forge_report *report = calloc(1, sizeof *report);
	bool complete = false;
	options.signer.hmac = ls_hmac_new(options.signer.secret);
	if (settings->ack_log != NULL)
		options.ack_fd = open(settings->ack_log, append, 0644);
	if (settings->ack_log != NULL && options.ack_fd < 0) {
		fprintf(stderr, "leadscore: forge: cannot write %s: %s\n", settings->ack_log,
			strerror(errno));
	} else if (report == NULL || options.signer.hmac == NULL ||
		   ls_forge_send(forge, &options, report) != LS_OK) {
		fprintf(stderr, "leadscore: forge: out of memory\n");
	} else {
		complete = report->err == LS_OK && !report->interrupted &&
			   report->accepted == report->requests;
		if (!quiet)
			print_summary(report);
		else if (!complete)
			fprintf(stderr, "leadscore: forge: not everything was accepted: %s\n",
				report->fault);
	}
	if (options.ack_fd >= 0)
		(void)close(options.ack_fd);
	options.signer.hmac = ls_hmac_free(options.signer.hmac);
	free(report);
	return complete ? LS_EXIT_OK : LS_EXIT_FAILED;
}

static int
forge_run(const struct ls_args *args, const struct settings *settings, int64_t start_ms)
{
	const struct ls_forge_options options = {
		.story = { .seed = (uint64_t)settings->seed,
			.contacts = (size_t)settings->contacts,
			.portals = settings->portals.values,
			.portal_count = settings->portals.count },
		.count = (uint64_t)settings->count,
		.batch = (size_t)settings->batch,
		.duplicates = (unsigned)settings->duplicates,
		.shuffle = (size_t)settings->shuffle,
		.start_ms = start_ms,
		.span_ms = settings->span_ms,
	};
	struct ls_forge *forge = ls_forge_new(&options);
	int code = LS_EXIT_FAILED;
	if (forge == NULL)
		fprintf(stderr, "leadscore: forge: out of memory\n");
	else if (ls_args_has(args, "dry-run"))
		code = dry_run(forge) == LS_OK ? LS_EXIT_OK : LS_EXIT_FAILED;
	else
		code = send_all(
			forge, settings, ls_args_has(args, "quiet"), ls_args_has(args, "retry"));
	if (forge != NULL && settings->expect != NULL && !write_expect(forge, settings->expect))
		code = LS_EXIT_FAILED;
	(void)ls_forge_free(forge);
	return code;
}

static int
run(const struct ls_args *args)
{
	struct settings settings = { 0 };
	int64_t start_ms = 0;
	int code = LS_EXIT_USAGE;
	if (args->operand_count != 1 || strcmp(args->operands[0], "hubspot") != 0)
		return usage("say what to forge: leadscore forge hubspot");
	if (load(args, &settings) != LS_OK)
		goto out;
	if (complete_url(&settings.url) != LS_OK ||
		(settings.public_url != NULL && complete_url(&settings.public_url) != LS_OK))
		code = usage("--url and --public-url begin with http:// or https:// and a host");
	else if (read_start(&settings, &start_ms) != LS_OK)
		code = usage("--start is a time such as 2026-11-22T10:00:00Z, or milliseconds "
			     "since 1970");
	else if (settings.secret == NULL && !ls_args_has(args, "dry-run"))
		code = usage("a secret to sign with is needed: HUBSPOT_CLIENT_SECRET or --secret");
	else
		code = forge_run(args, &settings, start_ms);
out:
	ls_config_free(table, &settings);
	return code;
}

static const struct ls_option options[] = {
	{ "url", "URL", "http://127.0.0.1:8000" DEFAULT_PATH, "Where to send" },
	{ "public-url", "URL", NULL, "What is signed, when the receiver's public URL differs" },
	{ "secret", "TEXT", NULL, "Sign with this; better: HUBSPOT_CLIENT_SECRET" },
	{ "version-signature", "V", "v3", "Signature: v1, v2 or v3" },
	{ "count", "N", "1000", "Events, duplicates not counted" },
	{ "batch", "N", "100", "Events a request, at most 100" },
	{ "rate", "N", "0", "Events a second; 0: as fast as the answers come" },
	{ "connections", "N", "10", "Requests in flight" },
	{ "seed", "N", "1", "Another seed, other people and events; the same seed, the same" },
	{ "portal", "ID,...", "62515", "Portal ids, spread over the contacts; may be repeated" },
	{ "contacts", "N", "1000", "How many people there are" },
	{ "start", "TIME", NULL, "First event; default: so that the last is now" },
	{ "span", "TIME", "14d", "From the first event to the last: 90s, 12h, 14d" },
	{ "duplicates", "PERCENT", "0", "Requests after which an earlier one is sent again" },
	{ "shuffle", "N", "0", "Put events in disorder within windows of N" },
	{ "retry", NULL, NULL, "Send again on 429, 5xx and no answer, until acknowledged" },
	{ "ack-log", "FILE", NULL, "Append a line a request when it is acknowledged" },
	{ "expect", "FILE", NULL, "Write what a correct server then holds, as JSON" },
	{ "dry-run", NULL, NULL, "Print the request bodies, a line each, and send nothing" },
	{ "quiet", NULL, NULL, "No progress, no summary" },
};

const struct ls_command ls_cmd_forge = {
	.name = "forge",
	.operands = "hubspot",
	.summary = "Send signed synthetic HubSpot webhooks",
	.details =
		"Contacts, companies, deals and engagements that do not exist do what such\n"
		"things do. Nothing of it comes from HubSpot; the receiver cannot tell, so do\n"
		"not point it at a LeadScore with real leads.\n\n"
		"The lines of --ack-log: request index, lowest-highest eventId, events, status,\n"
		"'new' or 'duplicate'. Exit code 0 only if every request was accepted.",
	.options = options,
	.option_count = LS_ARRAY_LEN(options),
	.run = run,
};
