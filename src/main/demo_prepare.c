// SPDX-License-Identifier: MIT
/* What a demo must not do: mix made-up people with real ones, or answer to other machines. */

#include "main/demo_prepare.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/logger.h"
#include "main/cli.h"

#define PORT_FIRST 8000u
#define PORT_LAST  8010u
#define V3_ONLY    (1u << 2)
#define BODY_MIN   (INT64_C(1) << 20)

static const char *const real_secrets[] = { "HUBSPOT_CLIENT_SECRET", "HUBSPOT_API_KEY",
	"SLACK_WEBHOOK_URL", "LEADSCORE_API_TOKEN", "DATABASE_URL", "REDIS_URL" };

/* ---- what has been set */

/* the variable's value if it has been given and is not empty; else NULL */
static const char *
given(const struct ls_env_file *file, const char *name)
{
	const char *value = getenv(name);
	if (value == NULL)
		value = ls_env_file_get(file, name);
	return value != NULL && *value != '\0' ? value : NULL;
}

static int
refuse_secrets(const struct ls_env_file *file)
{
	const char *before = "";
	bool any = false;
	for (size_t i = 0; i < LS_ARRAY_LEN(real_secrets); i++)
		any |= given(file, real_secrets[i]) != NULL;
	if (!any)
		return LS_EXIT_OK;
	fprintf(stderr, "leadscore: the demo does not start beside real data. Unset ");
	for (size_t i = 0; i < LS_ARRAY_LEN(real_secrets); i++) {
		if (given(file, real_secrets[i]) == NULL)
			continue;
		fprintf(stderr, "%s%s", before, real_secrets[i]);
		before = ", ";
	}
	fprintf(stderr, "\n");
	return LS_EXIT_CONFIG;
}

/* ---- addresses */

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} to;
	socklen_t len;
};

/* "127.0.0.1:8000", "localhost:8000", "[::1]:8000". False for anything that is not loopback. */
static bool
read_loopback(struct ls_slice text, struct address *out)
{
	size_t colon = text.len;
	uint64_t port = 0;
	char host[INET6_ADDRSTRLEN];
	while (colon > 0 && text.data[colon - 1] != ':')
		colon--;
	struct ls_slice name = ls_slice(text.data, colon > 0 ? colon - 1 : 0);
	struct ls_slice number = ls_slice(text.data + colon, text.len - colon);
	if (ls_slice_to_u64(number, &port) != LS_OK || port > UINT16_MAX)
		return false;
	if (ls_slice_eq(name, LS_S("[::1]"))) {
		out->to.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
			.sin6_port = htons((uint16_t)port),
			.sin6_addr = IN6ADDR_LOOPBACK_INIT };
		out->len = sizeof out->to.v6;
		return true;
	}
	if (ls_slice_eq_nocase(name, LS_S("localhost")))
		name = LS_S("127.0.0.1");
	if (name.len >= sizeof host)
		return false;
	memcpy(host, name.data, name.len);
	host[name.len] = '\0';
	out->to.v4 =
		(struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	out->len = sizeof out->to.v4;
	return inet_pton(AF_INET, host, &out->to.v4.sin_addr) == 1 &&
	       ntohl(out->to.v4.sin_addr.s_addr) >> 24 == 127;
}

/* Listeners share ports (SO_REUSEPORT), so that a second one would not be refused: whoever does not
 * share finds out. */
static bool
is_free(const struct address *address)
{
	int on = 1, fd = socket(address->to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return true; /* listening will say why it cannot be done */
	/* connections that are still closing do not count */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	bool taken = bind(fd, &address->to.any, address->len) != 0 && errno == EADDRINUSE;
	(void)close(fd);
	return !taken;
}

static int
check_address(struct ls_slice text, bool whether_free)
{
	struct address address;
	if (ls_slice_starts(text, LS_S("unix:")))
		return LS_EXIT_OK;
	if (!read_loopback(text, &address)) {
		fprintf(stderr,
			"leadscore: the demo answers to this machine only: LEADSCORE_LISTEN=%.*s "
			"is not 127.0.0.1:port, [::1]:port or unix:/path\n",
			LS_FMT(text));
		return LS_EXIT_CONFIG;
	}
	if (whether_free && !is_free(&address)) {
		fprintf(stderr,
			"leadscore: %.*s is in use by another program; set LEADSCORE_LISTEN to "
			"another address, or leave it unset\n",
			LS_FMT(text));
		return LS_EXIT_UNAVAILABLE;
	}
	return LS_EXIT_OK;
}

/* what is wrong for ever is said before what is wrong today */
static int
check_addresses(const char *listen)
{
	int code = LS_EXIT_OK;
	for (unsigned round = 0; round < 2; round++) {
		struct ls_slice list = ls_slice_str(listen), part;
		while (code == LS_EXIT_OK && ls_slice_cut(&list, ',', &part))
			code = check_address(ls_slice_trim(part), round > 0);
	}
	return code;
}

static void
replace(char **text, const char *by)
{
	free(*text);
	*text = by != NULL ? strdup(by) : NULL;
	ls_assert(by == NULL || *text != NULL);
}

static int
find_port(struct ls_settings *settings)
{
	for (unsigned port = PORT_FIRST; port <= PORT_LAST; port++) {
		char text[32];
		struct address address;
		(void)snprintf(text, sizeof text, "127.0.0.1:%u", port);
		if (!read_loopback(ls_slice_str(text), &address) || !is_free(&address))
			continue;
		if (port != PORT_FIRST)
			printf("Port %u is taken: using %u.\n", PORT_FIRST, port);
		replace(&settings->listen, text);
		return LS_EXIT_OK;
	}
	fprintf(stderr,
		"leadscore: ports %u to %u are all in use; set LEADSCORE_LISTEN=127.0.0.1:port\n",
		PORT_FIRST, PORT_LAST);
	return LS_EXIT_UNAVAILABLE;
}

/* ---- the folder */

static int
make_folder(struct ls_settings *settings)
{
	const char *parent = getenv("TMPDIR");
	char *path = NULL;
	if (parent == NULL || *parent == '\0')
		parent = "/tmp";
	if (asprintf(&path, "%s/leadscore-demo-XXXXXX", parent) < 0)
		return LS_EXIT_FAILED;
	if (mkdtemp(path) == NULL) {
		fprintf(stderr, "leadscore: no folder can be made in %s: %s\n", parent,
			strerror(errno));
		free(path);
		return LS_EXIT_FAILED;
	}
	free(settings->data_dir);
	settings->data_dir = path;
	return LS_EXIT_OK;
}

static int
remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	(void)remove(path);
	return 0;
}

void
ls_demo_clean_up(const struct ls_settings *settings)
{
	(void)nftw(settings->data_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- all of it */

/* a secret that nobody needs to know, and nothing of a real set-up that would get in its way */
static void
own_settings(struct ls_settings *settings)
{
	struct ls_hash_key key = ls_hash_key_random();
	char secret[40];
	(void)snprintf(secret, sizeof secret, "%016" PRIx64 "%016" PRIx64, key.k0, key.k1);
	replace(&settings->hubspot_secret, secret);
	settings->hubspot_signatures = V3_ONLY;
	settings->hubspot_portals.count = 0;
	settings->max_body = LS_MAX(settings->max_body, BODY_MIN);
	settings->max_hubspot_body = LS_MAX(settings->max_hubspot_body, BODY_MIN);
	settings->demo = true;
	replace(&settings->public_url, NULL);
	replace(&settings->tls_cert, NULL);
	replace(&settings->tls_key, NULL);
}

int
ls_demo_prepare(struct ls_settings *settings, const char *env_file)
{
	struct ls_env_file file = { 0 };
	struct ls_buf faults;
	ls_buf_init(&faults, 1u << 16);
	/* it could be read a moment ago */
	int err = env_file != NULL ? ls_env_file_read(env_file, &file, &faults) : LS_OK;
	ls_buf_fini(&faults);
	int code = err == LS_OK ? refuse_secrets(&file) : LS_EXIT_CONFIG;
	if (code == LS_EXIT_OK)
		code = given(&file, "LEADSCORE_LISTEN") != NULL ? check_addresses(settings->listen)
								: find_port(settings);
	if (code == LS_EXIT_OK && given(&file, "LEADSCORE_LOG_LEVEL") == NULL) {
		settings->log_level = LS_LEVEL_WARN;
		ls_logger_init(LS_LEVEL_WARN, (enum ls_log_format)settings->log_format);
	}
	ls_env_file_free(&file);
	if (code != LS_EXIT_OK)
		return code;
	own_settings(settings);
	return make_folder(settings);
}
