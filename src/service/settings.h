/* SPDX-License-Identifier: MIT */
/* Every setting of LeadScore: one struct, one table. */
#ifndef LS_SERVICE_SETTINGS_H
#define LS_SERVICE_SETTINGS_H

#include "base/config.h"

struct ls_settings {
	char *listen;
	char *data_dir;
	char *public_url;
	char *api_token;
	int log_level;
	int log_format;
	char *tls_cert;
	char *tls_key;
	char *profile_file;
	bool demo;
	char *hubspot_secret;
	unsigned hubspot_signatures; /* bit 0: v1, bit 1: v2, bit 2: v3 */
	struct ls_config_numbers hubspot_portals;
	int32_t hot_milli, warm_milli;
	int64_t refresh_ms;
	int64_t checkpoint_ms, checkpoint_events;
	int64_t log_retention_ms;
	int64_t max_leads, max_dedupe_keys, max_journal, max_waiting;
	int64_t max_body, max_hubspot_body;
	int64_t max_connections, max_per_address;
	int64_t header_deadline_ms, idle_ms, reply_ms, drain_ms;
};

extern const struct ls_config_table ls_settings_table;

/**
 * Reads the environment, over the file when `env_file` is not NULL. All faults go to `faults`, a
 * line each. LS_ERR_INVALID when there is one. Free with ls_settings_free in any case.
 */
int ls_settings_load(
	struct ls_settings *settings, const char *env_file, struct ls_buf *faults) LS_MUST_CHECK;
void ls_settings_free(struct ls_settings *settings);
/** docs/configuration.md and deploy/.env.example, made from the table. */
void ls_settings_markdown(struct ls_buf *out);
void ls_settings_example(struct ls_buf *out);

#endif
