// SPDX-License-Identifier: MIT
/* forge_send: what arrives at a server in another process, and what is reported of it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_read.h"
#include "main/forge_send.h"
#include "source/source.h"

#define SECRET "a secret"
#define PUBLIC "https://leads.example.com"

enum manner { OBLIGING, MOODY, REFUSING, RETRY_LATER };

/* what the server has seen, in memory that both processes share */
struct seen {
	enum manner manner;
	int port;
	uint64_t requests, unsigned_, answered_204, attempts_raised;
};

static struct ls_http_server *server; /* of the child */
static struct seen *seen;

static size_t
max_body(void *ctx, struct ls_slice method, struct ls_slice path)
{
	(void)ctx;
	(void)method;
	(void)path;
	return (size_t)1 << 20;
}

static struct ls_slice
find_header(const void *ctx, const char *name)
{
	return ls_http_header(ctx, name);
}

static bool
is_signed(struct ls_http_request *req)
{
	static struct ls_hmac *hmac; /* lives as long as the child */
	const char *why;
	if (hmac == NULL)
		hmac = ls_hmac_new(LS_S(SECRET));
	struct ls_source_config config = { .public_url = LS_S(PUBLIC),
		.hubspot_secret = LS_S(SECRET),
		.hubspot_hmac = hmac,
		.hubspot_signatures = 1u << 3 };
	struct ls_source_request request = { .method = req->method,
		.target = req->target,
		.body = req->body,
		.header = find_header,
		.header_ctx = req,
		.now_ms = ls_clock_now_ms() };
	return ls_source_find(LS_S("hubspot"))->verify(&config, &request, &why) == LS_OK;
}

static void
handle(void *ctx, struct ls_http_request *req)
{
	const struct ls_http_header later = { LS_S("Retry-After"), LS_S("1") };
	struct ls_http_response answer = { .status = 204 };
	(void)ctx;
	uint64_t number = seen->requests++;
	if (!is_signed(req) || !ls_json_valid(req->body))
		seen->unsigned_++;
	if (memmem(req->body.data, req->body.len, "\"attemptNumber\":0", 17) == NULL)
		seen->attempts_raised++;
	if (seen->manner == MOODY && number % 3 == 1)
		answer.status = 503;
	if (seen->manner == REFUSING && number % 2 == 1)
		answer = (struct ls_http_response){ .status = 401, .body = LS_S("who\nare you") };
	if (seen->manner == RETRY_LATER && number == 0)
		answer = (struct ls_http_response){
			.status = 429, .headers = &later, .header_count = 1
		};
	seen->answered_204 += answer.status == 204;
	(void)ls_http_reply(server, req->id, &answer);
}

static int
serve(int ready)
{
	const struct ls_http_handler handler = { .max_body = max_body, .handle = handle };
	/* a test that fails does not get to the end where the server is killed */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	struct ls_loop *loop = ls_loop_new();
	server = loop != NULL ? ls_http_server_new(loop, NULL, &handler) : NULL;
	if (server == NULL || ls_http_listen(server, LS_S("127.0.0.1:0"), NULL) != LS_OK)
		return 1;
	seen->port = ls_http_port(server);
	if (write(ready, "x", 1) != 1)
		return 1;
	ls_loop_run(loop); /* until killed */
	return 0;
}

static struct ls_forge_report
send_to(enum manner manner, struct ls_forge_send_options *options, uint64_t count,
	unsigned duplicates)
{
	static const uint64_t portal = 62515;
	static struct ls_forge_report report;
	int ready[2], status;
	char url[96], byte;
	*seen = (struct seen){ .manner = manner };
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(serve(ready[1]));
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%d/webhooks/hubspot", seen->port);
	options->url = url;
	options->signer = (struct ls_forge_signer){ .version = 3,
		.secret = LS_S(SECRET),
		.url = LS_S(PUBLIC "/webhooks/hubspot"),
		.hmac = ls_hmac_new(LS_S(SECRET)) };
	struct ls_forge_options forge_options = {
		.story = { .seed = 1, .contacts = 50, .portals = &portal, .portal_count = 1 },
		.count = count,
		.batch = 10,
		.duplicates = duplicates,
		.start_ms = INT64_C(1790000000000),
		.span_ms = 1000000,
	};
	struct ls_forge *forge = ls_forge_new(&forge_options);
	assert_true(forge != NULL && options->signer.hmac != NULL);
	assert_int_equal(ls_forge_send(forge, options, &report), LS_OK);
	forge = ls_forge_free(forge);
	options->signer.hmac = ls_hmac_free(options->signer.hmac);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)close(ready[0]);
	(void)close(ready[1]);
	return report;
}

static void
everything_arrives_signed(void **state)
{
	(void)state;
	struct ls_forge_send_options options = { .connections = 4, .ack_fd = -1 };
	struct ls_forge_report r = send_to(OBLIGING, &options, 1005, 0);
	assert_int_equal(r.requests, 101);
	assert_int_equal(r.events, 1005);
	assert_int_equal(r.accepted, 101);
	assert_int_equal(r.accepted_events, 1005);
	assert_int_equal(r.status[204], 101);
	assert_int_equal(r.refused + r.unanswered + r.retried + r.duplicates, 0);
	assert_string_equal(r.fault, "");
	assert_int_equal(seen->requests, 101);
	assert_int_equal(seen->unsigned_, 0);
	assert_true(r.latency_max_us > 0);
	assert_true(ls_forge_latency_us(&r, .5) <= ls_forge_latency_us(&r, .99));
	assert_int_equal(ls_forge_latency_us(&r, 1), r.latency_max_us);
}

static void
retries_go_on_until_acknowledged(void **state)
{
	(void)state;
	char path[] = "/tmp/test_forge_send.XXXXXX", line[128];
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	struct ls_forge_send_options options = { .connections = 8, .retry = true, .ack_fd = fd };
	struct ls_forge_report r = send_to(MOODY, &options, 500, 20);
	assert_true(r.duplicates > 0);
	assert_int_equal(r.requests, 50 + r.duplicates);
	assert_int_equal(r.accepted, r.requests);
	assert_int_equal(r.refused + r.unanswered, 0);
	assert_true(r.retried > 0);
	assert_int_equal(seen->requests, r.requests + r.retried);
	assert_int_equal(seen->answered_204, r.requests);
	assert_int_equal(seen->unsigned_, 0);
	assert_true(seen->attempts_raised >= r.retried);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	FILE *log = fdopen(fd, "r");
	assert_non_null(log);
	uint64_t lines = 0, duplicates = 0;
	while (fgets(line, sizeof line, log) != NULL) {
		struct ls_slice rest = ls_slice(line, strlen(line) - 1), part;
		for (int i = 0; i < 4; i++)
			assert_true(ls_slice_cut(&rest, ' ', &part));
		assert_true(ls_slice_eq(part, LS_S("204")));
		duplicates += ls_slice_eq(rest, LS_S("duplicate"));
		lines++;
	}
	assert_int_equal(lines, r.accepted);
	assert_int_equal(duplicates, r.duplicates);
	(void)fclose(log);
	(void)unlink(path);
}

static void
refusals_are_told(void **state)
{
	(void)state;
	struct ls_forge_send_options options = { .connections = 1, .retry = true, .ack_fd = -1 };
	struct ls_forge_report r = send_to(REFUSING, &options, 100, 0);
	assert_int_equal(r.accepted, 5);
	assert_int_equal(r.refused, 5);
	assert_int_equal(r.status[401], 5);
	assert_int_equal(r.retried, 0);
	assert_string_equal(r.fault, "status 401: who are you");
	/* 503 is final, too, when nobody asked for retries */
	options.retry = false;
	r = send_to(MOODY, &options, 90, 0);
	assert_int_equal(r.accepted, 6);
	assert_int_equal(r.status[503], 3);
}

static void
retry_after_is_honoured(void **state)
{
	(void)state;
	struct ls_forge_send_options options = { .connections = 1, .retry = true, .ack_fd = -1 };
	struct ls_forge_report r = send_to(RETRY_LATER, &options, 10, 0);
	assert_int_equal(r.accepted, 1);
	assert_int_equal(r.retried, 1);
	assert_true(r.duration_ns >= INT64_C(1000000000));
}

static void
a_rate_is_kept(void **state)
{
	(void)state;
	struct ls_forge_send_options options = { .connections = 4, .rate = 1000, .ack_fd = -1 };
	struct ls_forge_report r = send_to(OBLIGING, &options, 200, 0);
	assert_int_equal(r.accepted, 20);
	/* 19 batches of 10 were due before the last */
	assert_true(r.duration_ns >= INT64_C(190000000));
}

static void
nobody_there(void **state)
{
	(void)state;
	static const uint64_t portal = 1;
	struct ls_forge_options forge_options = {
		.story = { .seed = 1, .contacts = 5, .portals = &portal, .portal_count = 1 },
		.count = 30,
		.batch = 10,
		.span_ms = 1000,
	};
	struct ls_forge_send_options options = {
		.url = "http://127.0.0.1:1/", .connections = 2, .ack_fd = -1
	};
	static struct ls_forge_report r;
	options.signer = (struct ls_forge_signer){ .version = 1, .secret = LS_S("x") };
	struct ls_forge *forge = ls_forge_new(&forge_options);
	assert_non_null(forge);
	assert_int_equal(ls_forge_send(forge, &options, &r), LS_OK);
	assert_int_equal(r.unanswered, 3);
	assert_int_equal(r.accepted + r.refused, 0);
	assert_true(strlen(r.fault) > 0);
	forge = ls_forge_free(forge);
	/* and a URL that is none ends it at once */
	forge = ls_forge_new(&forge_options);
	assert_non_null(forge);
	options.url = "http://a b/";
	assert_int_equal(ls_forge_send(forge, &options, &r), LS_OK);
	assert_int_equal(r.err, LS_ERR_INVALID);
	assert_int_equal(r.unanswered, 1);
	forge = ls_forge_free(forge);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_arrives_signed),
		cmocka_unit_test(retries_go_on_until_acknowledged),
		cmocka_unit_test(refusals_are_told),
		cmocka_unit_test(retry_after_is_honoured),
		cmocka_unit_test(a_rate_is_kept),
		cmocka_unit_test(nobody_there),
	};
	seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seen == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
