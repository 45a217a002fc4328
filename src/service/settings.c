// SPDX-License-Identifier: MIT
/* The table of settings. Parsing, help, documentation and the example file all come from it. */

#include "service/settings.h"

#include <errno.h>
#include <stdlib.h>

#include "base/logger.h"
#include "base/suggest.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define MIB    (INT64_C(1) << 20)
#define GIB    (INT64_C(1) << 30)

static const char *const levels[] = { "error", "warn", "info", "debug", NULL };
static const char *const formats[] = { "text", "json", NULL };
static const char *const signatures[] = { "v1", "v2", "v3", NULL };

static const struct ls_config_row rows[] = {
	{ .name = "LEADSCORE_LISTEN",
		.type = LS_CONFIG_TEXT,
		.fallback = "127.0.0.1:8000",
		.min = 3,
		.max = 1024,
		.offset = offsetof(struct ls_settings, listen),
		.help = "Addresses to listen on, separated by commas: host:port, [v6]:port or "
			"unix:/path." },
	{ .name = "LEADSCORE_DATA_DIR",
		.type = LS_CONFIG_TEXT,
		.fallback = "./leadscore-data",
		.min = 1,
		.max = 4000,
		.offset = offsetof(struct ls_settings, data_dir),
		.help = "Folder for the embedded log and store. Made when missing; one process at "
			"a time." },
	{ .name = "LEADSCORE_PUBLIC_URL",
		.type = LS_CONFIG_URL,
		.fallback = "",
		.min = 8,
		.max = 1024,
		.offset = offsetof(struct ls_settings, public_url),
		.help = "How the outside reaches this server, as configured at HubSpot: "
			"https://leads.example.com. Signatures are checked "
			"against it. Default: http:// and the first address listened on." },
	{ .name = "LEADSCORE_API_TOKEN",
		.type = LS_CONFIG_TEXT,
		.fallback = "",
		.min = 16,
		.max = 256,
		.offset = offsetof(struct ls_settings, api_token),
		.secret = true,
		.reload = true,
		.help = "Bearer token that the API asks for. Without one the API answers on "
			"loopback and unix sockets only." },
	{ .name = "LEADSCORE_LOG_LEVEL",
		.type = LS_CONFIG_CHOICE,
		.fallback = "info",
		.min = 0,
		.max = 0,
		.choices = levels,
		.offset = offsetof(struct ls_settings, log_level),
		.reload = true,
		.help = "How much is logged to standard error." },
	{ .name = "LEADSCORE_LOG_FORMAT",
		.type = LS_CONFIG_CHOICE,
		.fallback = "text",
		.min = 0,
		.max = 0,
		.choices = formats,
		.offset = offsetof(struct ls_settings, log_format),
		.reload = true,
		.help = "Log lines for people or for machines." },
	{ .name = "LEADSCORE_TLS_CERT",
		.type = LS_CONFIG_TEXT,
		.fallback = "",
		.min = 1,
		.max = 4000,
		.offset = offsetof(struct ls_settings, tls_cert),
		.help = "Certificate chain (PEM). With LEADSCORE_TLS_KEY: TLS 1.2 and 1.3 on all "
			"TCP addresses. Read again on SIGHUP." },
	{ .name = "LEADSCORE_TLS_KEY",
		.type = LS_CONFIG_TEXT,
		.fallback = "",
		.min = 1,
		.max = 4000,
		.offset = offsetof(struct ls_settings, tls_key),
		.help = "Private key (PEM) of the certificate." },
	{ .name = "DEMO_MODE",
		.type = LS_CONFIG_BOOL,
		.fallback = "false",
		.min = 0,
		.max = 0,
		.offset = offsetof(struct ls_settings, demo),
		.help = "Run `serve` as `demo`: a temporary store, generated traffic, loopback "
			"only, no real secrets." },
	{ .name = "HUBSPOT_CLIENT_SECRET",
		.type = LS_CONFIG_TEXT,
		.fallback = "",
		.min = 8,
		.max = 256,
		.offset = offsetof(struct ls_settings, hubspot_secret),
		.secret = true,
		.reload = true,
		.help = "Client secret of the HubSpot app, which signs webhooks. Without it "
			"/webhooks/hubspot answers 503." },
	{ .name = "HUBSPOT_SIGNATURE_VERSIONS",
		.type = LS_CONFIG_FLAGS,
		.fallback = "v3",
		.min = 0,
		.max = 0,
		.choices = signatures,
		.offset = offsetof(struct ls_settings, hubspot_signatures),
		.reload = true,
		.help = "Signature versions accepted. v1 and v2 can be replayed: allow them only "
			"where v3 cannot be had." },
	{ .name = "HUBSPOT_PORTAL_IDS",
		.type = LS_CONFIG_NUMBERS,
		.fallback = "",
		.min = 0,
		.max = 0,
		.offset = offsetof(struct ls_settings, hubspot_portals),
		.help = "HubSpot accounts whose events count; those of others are kept in the log "
			"only. Empty: all." },
	{ .name = "HOT_LEAD_THRESHOLD",
		.type = LS_CONFIG_POINTS,
		.fallback = "75",
		.min = 0,
		.max = 100000,
		.offset = offsetof(struct ls_settings, hot_milli),
		.reload = true,
		.help = "Score from which a lead is hot, unless the scoring profile says." },
	{ .name = "WARM_LEAD_THRESHOLD",
		.type = LS_CONFIG_POINTS,
		.fallback = "50",
		.min = 0,
		.max = 100000,
		.offset = offsetof(struct ls_settings, warm_milli),
		.reload = true,
		.help = "Score from which a lead is warm, unless the scoring profile says; at most "
			"the hot threshold." },
	{ .name = "LEADSCORE_PROFILE",
		.type = LS_CONFIG_TEXT,
		.fallback = "",
		.min = 1,
		.max = 4000,
		.offset = offsetof(struct ls_settings, profile_file),
		.reload = true,
		.help = "File with the scoring profile (JSON). Read again on SIGHUP; while it is "
			"set no profile can be published through the API." },
	{ .name = "SCORE_REFRESH_INTERVAL",
		.type = LS_CONFIG_DURATION,
		.fallback = "60s",
		.min = SECOND,
		.max = DAY,
		.offset = offsetof(struct ls_settings, refresh_ms),
		.reload = true,
		.help = "Every lead is scored again at least this often, since scores cool with "
			"time." },
	{ .name = "LEADSCORE_CHECKPOINT_INTERVAL",
		.type = LS_CONFIG_DURATION,
		.fallback = "1s",
		.min = 50,
		.max = HOUR,
		.offset = offsetof(struct ls_settings, checkpoint_ms),
		.reload = true,
		.help = "State is written to the store this often, or sooner after "
			"LEADSCORE_CHECKPOINT_EVENTS." },
	{ .name = "LEADSCORE_CHECKPOINT_EVENTS",
		.type = LS_CONFIG_INT,
		.fallback = "10000",
		.min = 1,
		.max = 1000000,
		.offset = offsetof(struct ls_settings, checkpoint_events),
		.reload = true,
		.help = "Events after which a checkpoint starts before its time." },
	{ .name = "LEADSCORE_LOG_RETENTION",
		.type = LS_CONFIG_DURATION,
		.fallback = "7d",
		.min = 0,
		.max = 3650 * DAY,
		.offset = offsetof(struct ls_settings, log_retention_ms),
		.reload = true,
		.help = "How long raw requests stay in the log after they have been "
			"checkpointed." },
	{ .name = "LEADSCORE_MAX_LEADS",
		.type = LS_CONFIG_INT,
		.fallback = "5000000",
		.min = 1,
		.max = 100000000,
		.offset = offsetof(struct ls_settings, max_leads),
		.help = "Leads held in memory; events for further ones stay in the log and are "
			"counted as rejected." },
	{ .name = "LEADSCORE_MAX_DEDUPE_KEYS",
		.type = LS_CONFIG_INT,
		.fallback = "20000000",
		.min = 1000,
		.max = 1000000000,
		.offset = offsetof(struct ls_settings, max_dedupe_keys),
		.help = "Keys remembered to recognise resent events, 26 hours at least; 24 bytes "
			"each. When full the oldest go first." },
	{ .name = "LEADSCORE_MAX_JOURNAL",
		.type = LS_CONFIG_BYTES,
		.fallback = "256MiB",
		.min = 64 * MIB,
		.max = 64 * GIB,
		.offset = offsetof(struct ls_settings, max_journal),
		.help = "Applied events waiting for a checkpoint. When full, applying pauses and "
			"catches up from the log." },
	{ .name = "LEADSCORE_MAX_WAITING",
		.type = LS_CONFIG_BYTES,
		.fallback = "64MiB",
		.min = MIB,
		.max = 16 * GIB,
		.offset = offsetof(struct ls_settings, max_waiting),
		.help = "Requests waiting to become durable. When full, further ones are answered "
			"503 with Retry-After." },
	{ .name = "LEADSCORE_MAX_BODY",
		.type = LS_CONFIG_BYTES,
		.fallback = "1MiB",
		.min = 1024,
		.max = 64 * MIB,
		.offset = offsetof(struct ls_settings, max_body),
		.help = "Largest request body." },
	{ .name = "LEADSCORE_MAX_HUBSPOT_BODY",
		.type = LS_CONFIG_BYTES,
		.fallback = "8MiB",
		.min = 1024,
		.max = 64 * MIB,
		.offset = offsetof(struct ls_settings, max_hubspot_body),
		.help = "Largest HubSpot webhook: property values may hold 64 KiB each." },
	{ .name = "LEADSCORE_MAX_CONNECTIONS",
		.type = LS_CONFIG_INT,
		.fallback = "10000",
		.min = 4,
		.max = 1000000,
		.offset = offsetof(struct ls_settings, max_connections),
		.help = "Connections at a time; fewer when the descriptor limit is lower." },
	{ .name = "LEADSCORE_MAX_CONNECTIONS_PER_ADDRESS",
		.type = LS_CONFIG_INT,
		.fallback = "100",
		.min = 1,
		.max = 1000000,
		.offset = offsetof(struct ls_settings, max_per_address),
		.help = "Connections of one address at a time; loopback is exempt." },
	{ .name = "LEADSCORE_HEADER_TIMEOUT",
		.type = LS_CONFIG_DURATION,
		.fallback = "10s",
		.min = 100,
		.max = HOUR,
		.offset = offsetof(struct ls_settings, header_deadline_ms),
		.help = "Time for a request's header section, from its first byte." },
	{ .name = "LEADSCORE_IDLE_TIMEOUT",
		.type = LS_CONFIG_DURATION,
		.fallback = "60s",
		.min = 100,
		.max = DAY,
		.offset = offsetof(struct ls_settings, idle_ms),
		.help = "Time a connection may stay open without a request." },
	{ .name = "LEADSCORE_REPLY_TIMEOUT",
		.type = LS_CONFIG_DURATION,
		.fallback = "4s",
		.min = 100,
		.max = HOUR,
		.offset = offsetof(struct ls_settings, reply_ms),
		.help = "Time to answer a request; then it is 503. HubSpot waits 5 seconds." },
	{ .name = "LEADSCORE_DRAIN_TIMEOUT",
		.type = LS_CONFIG_DURATION,
		.fallback = "1500ms",
		.min = 0,
		.max = HOUR,
		.offset = offsetof(struct ls_settings, drain_ms),
		.help = "Time for requests under way when the server stops." },
};

const struct ls_config_table ls_settings_table = { .rows = rows, .count = LS_ARRAY_LEN(rows) };

static const char *
get_variable(const void *ctx, const char *name)
{
	const struct ls_env_file *file = ctx;
	const char *value = getenv(name);
	return value != NULL ? value : ls_env_file_get(file, name);
}

static const char *
row_name(const void *ctx, size_t i)
{
	(void)ctx;
	return i < LS_ARRAY_LEN(rows) ? rows[i].name : NULL;
}

/* a misspelt name in the file would silently do nothing */
static int
check_names(const struct ls_env_file *file, const char *path, struct ls_buf *faults)
{
	int err = LS_OK;
	for (size_t i = 0; i < file->count; i++) {
		struct ls_slice name = ls_slice_str(file->pairs[i].name);
		if (!ls_slice_starts(name, LS_S("LEADSCORE_")) ||
			ls_config_find(ls_settings_table, name) != NULL)
			continue;
		const char *near = ls_suggest(name, row_name, NULL);
		(void)ls_buf_addf(faults, "%s in %s: no such setting", name.data, path);
		if (near != NULL)
			(void)ls_buf_addf(faults, ", did you mean %s?", near);
		(void)ls_buf_add_char(faults, '\n');
		err = LS_ERR_INVALID;
	}
	return err;
}

static int
check_together(const struct ls_settings *s, struct ls_buf *faults)
{
	int err = LS_OK;
	if (s->warm_milli > s->hot_milli) {
		(void)ls_buf_addf(faults,
			"WARM_LEAD_THRESHOLD=%g: must be at most HOT_LEAD_THRESHOLD=%g\n",
			s->warm_milli / 1000.0, s->hot_milli / 1000.0);
		err = LS_ERR_INVALID;
	}
	if ((s->tls_cert == NULL) != (s->tls_key == NULL)) {
		(void)ls_buf_addf(faults, "%s: must be set too, since its partner is\n",
			s->tls_cert == NULL ? "LEADSCORE_TLS_CERT" : "LEADSCORE_TLS_KEY");
		err = LS_ERR_INVALID;
	}
	return err;
}

int
ls_settings_load(struct ls_settings *settings, const char *env_file, struct ls_buf *faults)
{
	struct ls_env_file file = { 0 };
	int err = LS_OK;
	*settings = (struct ls_settings){ 0 };
	if (env_file != NULL) {
		errno = 0;
		err = ls_env_file_read(env_file, &file, faults);
		if (err == LS_ERR_IO)
			(void)ls_buf_addf(
				faults, "%s: cannot be read: %s\n", env_file, strerror(errno));
		if (err == LS_OK)
			err = check_names(&file, env_file, faults);
	}
	int load = ls_config_load(ls_settings_table, settings, get_variable, &file, faults);
	if (load == LS_OK)
		load = check_together(settings, faults);
	ls_env_file_free(&file);
	return err != LS_OK ? err : load;
}

void
ls_settings_free(struct ls_settings *settings)
{
	ls_config_free(ls_settings_table, settings);
}

void
ls_settings_markdown(struct ls_buf *out)
{
	(void)ls_buf_add_lit(out,
		"# Configuration\n\n"
		"LeadScore is configured by environment variables, or by a file of `NAME=value` "
		"lines given with `--env-file FILE`; the environment\n"
		"wins. `leadscore check-config` shows what is in effect and reports every fault at "
		"once. Settings marked with * are taken over on\n"
		"SIGHUP. This page is generated from the table in `src/service/settings.c`: "
		"`leadscore check-config --markdown`.\n\n"
		"| name | default | values | meaning |\n| --- | --- | --- | --- |\n");
	for (size_t i = 0; i < LS_ARRAY_LEN(rows); i++) {
		(void)ls_buf_addf(out, "| `%s`%s | %s%s%s | ", rows[i].name,
			rows[i].reload ? " *" : "", *rows[i].fallback != '\0' ? "`" : "",
			rows[i].fallback, *rows[i].fallback != '\0' ? "`" : "");
		ls_config_describe(&rows[i], out);
		(void)ls_buf_addf(
			out, " | %s%s |\n", rows[i].help, rows[i].secret ? " Secret." : "");
	}
}

void
ls_settings_example(struct ls_buf *out)
{
	(void)ls_buf_add_lit(out, "# Settings of LeadScore, with their defaults. Made by: "
				  "leadscore check-config --example\n");
	for (size_t i = 0; i < LS_ARRAY_LEN(rows); i++)
		(void)ls_buf_addf(
			out, "\n# %s\n#%s=%s\n", rows[i].help, rows[i].name, rows[i].fallback);
}
