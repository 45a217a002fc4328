// SPDX-License-Identifier: MIT
/* A small program around the HTTP server, for tests and benchmarks: routes that echo, wait, stream
 * and compress. Not installed. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/logger.h"
#include "io/gzip.h"
#include "io/http_server.h"
#include "io/loop.h"
#include "io/tls.h"

#define LS_MAGIC_app    0x65636861u
#define LS_MAGIC_defer  0x65636862u
#define LS_MAGIC_source 0x65636863u

struct ls_app {
	uint32_t magic;
	struct ls_loop *loop;
	struct ls_http_server *server;
	struct ls_tls *tls;
	uint64_t gone; /* replies that nobody waited for */
	uint64_t closed;
	int64_t drain_ms;
	struct ls_defer *pool; /* for /defer */
};

/* an answer that comes later */
struct ls_defer {
	uint32_t magic;
	struct ls_app *app;
	uint64_t id;
	struct ls_timer *timer;
	struct ls_defer *next;
};

/* a stream of `left` bytes, in pieces */
struct ls_source {
	uint32_t magic;
	struct ls_app *app;
	uint64_t id;
	size_t left, piece;
	bool endless;
	struct ls_timer *timer;
};

static uint64_t
number(const struct ls_http_request *req, const char *name, uint64_t otherwise)
{
	uint64_t value = otherwise;
	(void)!ls_slice_to_u64(ls_http_query(req, name), &value);
	return value;
}

static void
reply(struct ls_app *app, uint64_t id, int status, struct ls_slice body)
{
	const struct ls_http_response response = {
		.status = status,
		.content_type = body.len > 0 ? "text/plain" : NULL,
		.body = body,
	};
	if (ls_http_reply(app->server, id, &response) == LS_ERR_NOT_FOUND)
		app->gone++;
}

static void
on_defer(void *ctx)
{
	struct ls_defer *defer = LS_CAST(defer, ctx);
	struct ls_app *app = defer->app;
	char text[32];
	int len = snprintf(text, sizeof text, "later %llu\n", (unsigned long long)defer->id);
	reply(app, defer->id, 200, ls_slice(text, (size_t)len));
	defer->next = app->pool;
	app->pool = defer;
}

static struct ls_defer *
take_defer(struct ls_app *app)
{
	struct ls_defer *defer = app->pool;
	if (defer != NULL) {
		app->pool = defer->next;
		return defer;
	}
	defer = calloc(1, sizeof *defer);
	if (defer == NULL)
		return NULL;
	*defer = (struct ls_defer){ .magic = LS_MAGIC_defer, .app = app };
	defer->timer = ls_timer_new(app->loop, on_defer, defer);
	if (defer->timer != NULL)
		return defer;
	free(defer);
	return NULL;
}

static void
handle_defer(struct ls_app *app, struct ls_http_request *req)
{
	struct ls_defer *defer = take_defer(app);
	if (defer == NULL) {
		reply(app, req->id, 503, LS_S("out of memory\n"));
		return;
	}
	defer->id = req->id;
	ls_timer_set(defer->timer, (int64_t)number(req, "ms", 0));
}

static void
feed(struct ls_source *source)
{
	static char filler[65536];
	memset(filler, 'x', sizeof filler);
	struct ls_http_server *server = source->app->server;
	while (source->left > 0) {
		size_t n = LS_MIN(source->left, LS_MIN(source->piece, sizeof filler));
		int err = ls_http_stream_write(server, source->id, ls_slice(filler, n));
		if (err != LS_OK)
			return;
		source->left -= n;
		if (source->endless)
			return;
	}
	ls_http_stream_end(server, source->id);
}

static void
on_drained(void *ctx, uint64_t id)
{
	struct ls_source *source = LS_CAST(source, ctx);
	ls_assert(source->id == id);
	feed(source);
}

static void
on_closed(void *ctx, uint64_t id)
{
	struct ls_source *source = LS_CAST(source, ctx);
	ls_assert(source->id == id);
	source->app->closed++;
	ls_timer_free(source->timer);
	source->magic = 0;
	free(source);
}

static void
on_beat(void *ctx)
{
	struct ls_source *source = LS_CAST(source, ctx);
	feed(source);
	ls_timer_set(source->timer, 10);
}

/* /stream?bytes=N&piece=N; /beat?piece=N is endless: one piece every 10 ms */
static void
handle_stream(struct ls_app *app, struct ls_http_request *req)
{
	const struct ls_http_response head = { .status = 200, .content_type = "text/plain" };
	struct ls_source *source = calloc(1, sizeof *source);
	if (source == NULL) {
		reply(app, req->id, 503, LS_S("out of memory\n"));
		return;
	}
	*source = (struct ls_source){
		.magic = LS_MAGIC_source,
		.app = app,
		.id = req->id,
		.endless = ls_slice_eq(req->path, LS_S("/beat")),
		.piece = number(req, "piece", 1000),
	};
	source->left = source->endless ? SIZE_MAX : number(req, "bytes", 100000);
	const struct ls_http_stream_events events = {
		.drained = on_drained, .closed = on_closed, .ctx = source
	};
	source->timer = ls_timer_new(app->loop, on_beat, source);
	if (source->timer == NULL ||
		ls_http_stream_start(app->server, req->id, &head, &events) != LS_OK) {
		ls_timer_free(source->timer);
		free(source);
		reply(app, req->id, 503, LS_S("out of memory\n"));
		return;
	}
	if (source->endless)
		ls_timer_set(source->timer, 10);
	else
		feed(source);
}

/* what the handler was given, as lines */
static void
handle_echo(struct ls_app *app, struct ls_http_request *req)
{
	struct ls_buf out;
	ls_buf_init(&out, (size_t)32 << 20);
	(void)ls_buf_addf(&out, "method=%.*s\ntarget=%.*s\npath=%.*s\nquery=%.*s\nhost=%.*s\n",
		LS_FMT(req->method), LS_FMT(req->target), LS_FMT(req->path), LS_FMT(req->query),
		LS_FMT(req->host));
	(void)ls_buf_addf(
		&out, "peer=%.*s loopback=%d\n", LS_FMT(req->peer), req->peer_is_loopback ? 1 : 0);
	for (size_t i = 0; i < req->header_count; i++)
		(void)ls_buf_addf(&out, "header %.*s=%.*s\n", LS_FMT(req->headers[i].name),
			LS_FMT(req->headers[i].value));
	(void)ls_buf_add_lit(&out, "body=");
	(void)ls_buf_add_slice(&out, req->body);
	if (out.err == LS_OK)
		reply(app, req->id, 200, ls_buf_slice(&out));
	else
		reply(app, req->id, 503, LS_S("out of memory\n"));
	ls_buf_fini(&out);
}

static void
handle_stats(struct ls_app *app, struct ls_http_request *req)
{
	const struct ls_http_stats *s = ls_http_server_stats(app->server);
	char text[512];
	int len = snprintf(text, sizeof text,
		"{\"accepted\":%llu,\"refused\":%llu,\"requests\":%llu,\"open\":%llu,\"pending\":%"
		"llu,"
		"\"timeouts\":%llu,\"bad\":%llu,\"gone\":%llu,\"closed\":%llu,\"latencies\":%llu,"
		"\"bytes_in\":%llu,\"bytes_out\":%llu}",
		(unsigned long long)s->accepted, (unsigned long long)s->refused_connections,
		(unsigned long long)s->requests, (unsigned long long)s->open_connections,
		(unsigned long long)s->pending, (unsigned long long)s->timeouts,
		(unsigned long long)s->bad_requests, (unsigned long long)app->gone,
		(unsigned long long)app->closed, (unsigned long long)ls_hist_count(&s->latency),
		(unsigned long long)s->bytes_in, (unsigned long long)s->bytes_out);
	reply(app, req->id, 200, ls_slice(text, (size_t)len));
}

/* /text?bytes=N&type=T: compressible */
static void
handle_text(struct ls_app *app, struct ls_http_request *req)
{
	size_t size = number(req, "bytes", 5000);
	struct ls_slice type = ls_arena_copy(req->arena, ls_http_query(req, "type"));
	char *text = malloc(size + 1);
	if (text == NULL || type.data == NULL) {
		free(text);
		reply(app, req->id, 503, LS_S("out of memory\n"));
		return;
	}
	for (size_t i = 0; i < size; i++)
		text[i] = "lead score "[i % 11];
	const struct ls_http_response response = {
		.status = 200,
		.content_type = type.len > 0 ? type.data : "application/json",
		.body = ls_slice(text, size),
	};
	(void)ls_http_reply(app->server, req->id, &response);
	free(text);
}

/* compressed once, as what is embedded in a program would be */
static void
handle_asset(struct ls_app *app, struct ls_http_request *req)
{
	struct ls_buf out;
	ls_buf_init(&out, 1u << 20);
	struct ls_gzip *gzip = ls_gzip_new();
	bool done = gzip != NULL && ls_gzip_add(gzip, LS_S("body { color: red }\n"), &out) == LS_OK;
	const struct ls_http_response response = {
		.status = 200,
		.content_type = "text/css",
		.body = ls_buf_slice(&out),
		.compressed = true,
	};
	if (done)
		(void)ls_http_reply(app->server, req->id, &response);
	else
		reply(app, req->id, 503, LS_S("out of memory\n"));
	ls_gzip_free(gzip);
	ls_buf_fini(&out);
}

static void
handle_reload(struct ls_app *app, struct ls_http_request *req)
{
	char err[256] = "no TLS";
	int result = app->tls != NULL ? ls_tls_reload(app->tls, err, sizeof err) : LS_ERR_INVALID;
	reply(app, req->id, result == LS_OK ? 200 : 500,
		ls_slice_str(result == LS_OK ? "ok" : err));
}

static void
handle_split(struct ls_app *app, struct ls_http_request *req)
{
	const struct ls_http_header header = { LS_S("X-Evil"), LS_S("a\r\nSet-Cookie: b") };
	const struct ls_http_response response = {
		.status = 200, .headers = &header, .header_count = 1
	};
	(void)ls_http_reply(app->server, req->id, &response);
}

static void
on_end(void *ctx)
{
	struct ls_app *app = LS_CAST(app, ctx);
	ls_loop_stop(app->loop);
}

/* asked for inside of a handler; the answer shows that the request's bytes outlive the asking */
static void
handle_drain(struct ls_app *app, struct ls_http_request *req)
{
	ls_http_server_drain(app->server, app->drain_ms, on_end, app);
	handle_echo(app, req);
}

static void
handle(void *ctx, struct ls_http_request *req)
{
	static const struct {
		const char *path;
		void (*fn)(struct ls_app *app, struct ls_http_request *req);
	} routes[] = {
		{ "/echo", handle_echo },
		{ "/defer", handle_defer },
		{ "/stream", handle_stream },
		{ "/beat", handle_stream },
		{ "/stats", handle_stats },
		{ "/text", handle_text },
		{ "/asset", handle_asset },
		{ "/reload", handle_reload },
		{ "/split", handle_split },
		{ "/drain", handle_drain },
	};
	struct ls_app *app = LS_CAST(app, ctx);
	if (ls_slice_eq(req->path, LS_S("/204"))) {
		reply(app, req->id, 204, ls_slice(NULL, 0));
		return;
	}
	if (ls_slice_eq(req->path, LS_S("/never")))
		return;
	for (size_t i = 0; i < LS_ARRAY_LEN(routes); i++) {
		if (ls_slice_eq(req->path, ls_slice_str(routes[i].path))) {
			routes[i].fn(app, req);
			return;
		}
	}
	reply(app, req->id, 404, LS_S("no such page\n"));
}

static size_t
max_body(void *ctx, struct ls_slice method, struct ls_slice path)
{
	(void)ctx;
	(void)method;
	return ls_slice_eq(path, LS_S("/none")) ? 0 : 1u << 20;
}

static void
refuse(void *ctx, int status, const char *why, struct ls_arena *arena, struct ls_http_response *out)
{
	struct ls_app *app = LS_CAST(app, ctx);
	char *text = ls_arena_alloc(arena, 200);
	(void)app;
	if (text == NULL)
		return;
	int len = snprintf(text, 200, "{\"status\":%d,\"detail\":\"%s\"}", status, why);
	out->content_type = "application/problem+json";
	out->body = ls_slice(text, (size_t)len);
}

static void
on_signal(void *ctx, int signal)
{
	struct ls_app *app = LS_CAST(app, ctx);
	(void)signal;
	ls_http_server_drain(app->server, app->drain_ms, on_end, app);
}

struct settings {
	struct ls_http_options options;
	const char *listen[4], *listen_tls, *cert, *key;
	size_t listen_count;
	int64_t drain_ms;
};

static int
usage(const char *what)
{
	fprintf(stderr, "http_echo: %s\n", what);
	return 2;
}

static bool
set_option(struct settings *s, struct ls_slice name, struct ls_slice value)
{
	const struct {
		const char *name;
		void *at;
	} numbers[] = {
		{ "max_request_line", &s->options.max_request_line },
		{ "max_header_bytes", &s->options.max_header_bytes },
		{ "max_headers", &s->options.max_headers },
		{ "max_connections", &s->options.max_connections },
		{ "max_per_address", &s->options.max_per_address },
		{ "header_deadline_ms", &s->options.header_deadline_ms },
		{ "body_bytes_a_second", &s->options.body_bytes_a_second },
		{ "idle_ms", &s->options.idle_ms },
		{ "reply_ms", &s->options.reply_ms },
		{ "max_output", &s->options.max_output },
		{ "gzip_from", &s->options.gzip_from },
		{ "drain_ms", &s->drain_ms },
	};
	uint64_t number = 0;
	for (size_t i = 0; i < LS_ARRAY_LEN(numbers); i++) {
		if (!ls_slice_eq(name, ls_slice_str(numbers[i].name)))
			continue;
		/* size_t and int64_t are both 8 bytes wide where this runs */
		if (ls_slice_to_u64(value, &number) != LS_OK)
			return false;
		memcpy(numbers[i].at, &number, sizeof number);
		return true;
	}
	return false;
}

/* --listen=ADDRESS, --tls=ADDRESS, --cert=FILE, --key=FILE, --OPTION=NUMBER */
static bool
parse_argument(struct settings *s, const char *argument)
{
	struct ls_slice value = ls_slice_str(argument), name;
	if (!ls_slice_starts(value, LS_S("--")))
		return false;
	value = ls_slice(value.data + 2, value.len - 2);
	if (!ls_slice_cut(&value, '=', &name) || value.data == NULL)
		return false;
	if (ls_slice_eq(name, LS_S("listen")) && s->listen_count < LS_ARRAY_LEN(s->listen))
		s->listen[s->listen_count++] = value.data;
	else if (ls_slice_eq(name, LS_S("tls")))
		s->listen_tls = value.data;
	else if (ls_slice_eq(name, LS_S("cert")))
		s->cert = value.data;
	else if (ls_slice_eq(name, LS_S("key")))
		s->key = value.data;
	else
		return set_option(s, name, value);
	return true;
}

static int
start(struct ls_app *app, const struct settings *s)
{
	char err[256];
	for (size_t i = 0; i < s->listen_count; i++) {
		int result = ls_http_listen(app->server, ls_slice_str(s->listen[i]), NULL);
		if (result != LS_OK) {
			fprintf(stderr, "http_echo: %s: %s (%s)\n", s->listen[i],
				ls_strerror(result), strerror(errno));
			return 1;
		}
	}
	if (s->listen_tls != NULL) {
		app->tls = ls_tls_new(s->cert, s->key, err, sizeof err);
		if (app->tls == NULL)
			return usage(err);
		if (ls_http_listen(app->server, ls_slice_str(s->listen_tls), app->tls) != LS_OK)
			return usage("cannot listen with TLS");
	}
	if (ls_loop_on_signal(app->loop, SIGTERM, on_signal, app) != LS_OK)
		return 1;
	/* tests read the port from here */
	printf("port %d\n", ls_http_port(app->server));
	(void)fflush(stdout);
	return 0;
}

int
main(int argc, char **argv)
{
	struct settings settings = { .drain_ms = 5000 };
	struct ls_app app = { .magic = LS_MAGIC_app };
	for (int i = 1; i < argc; i++) {
		if (!parse_argument(&settings, argv[i]))
			return usage(argv[i]);
	}
	const struct ls_http_handler handler = {
		.max_body = max_body, .handle = handle, .refuse = refuse, .ctx = &app
	};
	app.drain_ms = settings.drain_ms;
	app.loop = ls_loop_new();
	if (app.loop != NULL)
		app.server = ls_http_server_new(app.loop, &settings.options, &handler);
	int code = app.server != NULL ? start(&app, &settings) : 1;
	if (code == 0)
		ls_loop_run(app.loop);
	ls_http_server_free(app.server);
	while (app.pool != NULL) {
		struct ls_defer *defer = app.pool;
		app.pool = defer->next;
		ls_timer_free(defer->timer);
		free(defer);
	}
	ls_tls_free(app.tls);
	ls_loop_free(app.loop);
	return code;
}
