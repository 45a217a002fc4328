// SPDX-License-Identifier: MIT
/* Listening sockets, accepting, and the limits on who may connect: connections in all, connections
 * an address, descriptors. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/logger.h"
#include "io/http_internal.h"

#define BACKLOG         4096
#define ACCEPTS_A_TURN  64
#define ACCEPT_PAUSE_MS 100
#define LOG_PAUSE_NS    INT64_C(1000000000)

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
	struct sockaddr_storage storage;
};

/* who connects, as far as limits and handlers care */
struct peer {
	unsigned char key[16]; /* what is counted: the address, for IPv6 its /64 */
	bool exempt;           /* loopback, unix */
	char text[LS_HTTP_PEER_LEN];
};

static int
parse_port(struct ls_slice text, uint16_t *port)
{
	uint64_t number;
	if (ls_slice_to_u64(text, &number) != LS_OK || number > UINT16_MAX)
		return LS_ERR_INVALID;
	*port = (uint16_t)number;
	return LS_OK;
}

static int
parse_unix(struct ls_slice path, union address *out, socklen_t *len)
{
	if (path.len == 0 || path.len >= sizeof out->local.sun_path)
		return LS_ERR_INVALID;
	memset(out, 0, sizeof *out);
	out->local.sun_family = AF_UNIX;
	memcpy(out->local.sun_path, path.data, path.len);
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1);
	return LS_OK;
}

/* "host:port", "[v6]:port", ":port", "localhost:port" */
static int
parse_address(struct ls_slice text, union address *out, socklen_t *len)
{
	char host[INET6_ADDRSTRLEN + 1] = "";
	uint16_t port = 0;
	if (ls_slice_starts(text, LS_S("unix:")))
		return parse_unix(ls_slice(text.data + 5, text.len - 5), out, len);
	size_t colon = text.len;
	while (colon > 0 && text.data[colon - 1] != ':')
		colon--;
	if (colon == 0 || parse_port(ls_slice(text.data + colon, text.len - colon), &port) != LS_OK)
		return LS_ERR_INVALID;
	struct ls_slice name = ls_slice(text.data, colon - 1);
	bool v6 = name.len >= 2 && name.data[0] == '[' && name.data[name.len - 1] == ']';
	if (v6)
		name = ls_slice(name.data + 1, name.len - 2);
	else if (ls_slice_eq_nocase(name, LS_S("localhost")))
		name = LS_S("127.0.0.1");
	else if (name.len == 0 || ls_slice_eq(name, LS_S("*")))
		name = LS_S("0.0.0.0");
	if (name.len >= sizeof host)
		return LS_ERR_INVALID;
	memcpy(host, name.data, name.len);
	memset(out, 0, sizeof *out);
	if (v6) {
		out->v6.sin6_family = AF_INET6;
		out->v6.sin6_port = htons(port);
		*len = sizeof out->v6;
		return inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1 ? LS_OK : LS_ERR_INVALID;
	}
	out->v4.sin_family = AF_INET;
	out->v4.sin_port = htons(port);
	*len = sizeof out->v4;
	return inet_pton(AF_INET, host, &out->v4.sin_addr) == 1 ? LS_OK : LS_ERR_INVALID;
}

/* connections per address */

static bool
address_eq(const void *ctx, uint32_t value, const void *key)
{
	const struct ls_http_server *server = ctx;
	return memcmp(server->addresses[value].key, key, 16) == 0;
}

static int
new_address(
	struct ls_http_server *server, const unsigned char key[16], uint64_t hash, uint32_t *out)
{
	uint32_t index = server->address_free;
	if (index == LS_MAP_NONE && server->address_count == server->address_cap) {
		uint32_t cap = LS_MAX(server->address_cap * 2, 16u);
		struct ls_http_address *grown =
			realloc(server->addresses, cap * sizeof *server->addresses);
		if (grown == NULL)
			return LS_ERR_NOMEM;
		server->addresses = grown;
		server->address_cap = cap;
	}
	if (index == LS_MAP_NONE)
		index = server->address_count;
	int err = ls_map_insert(&server->address_map, hash, index);
	if (err != LS_OK)
		return err;
	if (index == server->address_count)
		server->address_count++;
	else
		server->address_free = server->addresses[index].next_free;
	server->addresses[index] = (struct ls_http_address){ .next_free = LS_MAP_NONE };
	memcpy(server->addresses[index].key, key, 16);
	*out = index;
	return LS_OK;
}

static int
take_address(struct ls_http_server *server, const struct peer *peer, uint32_t *out)
{
	if (peer->exempt) {
		*out = LS_MAP_NONE;
		return LS_OK;
	}
	uint64_t hash = ls_hash(server->address_key, peer->key, sizeof peer->key);
	uint32_t index = ls_map_find(&server->address_map, hash, address_eq, server, peer->key);
	if (index == LS_MAP_NONE) {
		int err = new_address(server, peer->key, hash, &index);
		if (err != LS_OK)
			return err;
	}
	if (server->addresses[index].count >= server->options.max_per_address)
		return LS_ERR_LIMIT;
	server->addresses[index].count++;
	*out = index;
	return LS_OK;
}

void
ls_http_address_release(struct ls_http_server *server, uint32_t index)
{
	struct ls_http_address *address = &server->addresses[index];
	if (--address->count > 0)
		return;
	uint64_t hash = ls_hash(server->address_key, address->key, sizeof address->key);
	(void)ls_map_remove(&server->address_map, hash, index);
	address->next_free = server->address_free;
	server->address_free = index;
}

static void
describe_v4(const struct in_addr *addr, struct peer *peer)
{
	memcpy(peer->key + 12, addr, 4);
	peer->exempt = peer->key[12] == 127;
	(void)inet_ntop(AF_INET, addr, peer->text, sizeof peer->text);
}

static void
describe_v6(const struct in6_addr *addr, struct peer *peer)
{
	struct in_addr mapped;
	if (IN6_IS_ADDR_V4MAPPED(addr)) {
		memcpy(&mapped, addr->s6_addr + 12, 4);
		describe_v4(&mapped, peer);
		return;
	}
	/* whoever has one IPv6 address has 2^64 of them */
	memcpy(peer->key, addr, 8);
	peer->key[15] = 6;
	peer->exempt = IN6_IS_ADDR_LOOPBACK(addr);
	(void)inet_ntop(AF_INET6, addr, peer->text, sizeof peer->text);
}

static struct peer
describe(const union address *from)
{
	struct peer peer = { .text = "unix" };
	if (from->any.sa_family == AF_INET)
		describe_v4(&from->v4.sin_addr, &peer);
	else if (from->any.sa_family == AF_INET6)
		describe_v6(&from->v6.sin6_addr, &peer);
	else
		peer.exempt = true;
	return peer;
}

static bool
may_log(struct ls_http_server *server)
{
	int64_t now_ns = ls_loop_mono_ns(server->loop);
	if (server->refused_logged_ns != 0 && now_ns - server->refused_logged_ns < LOG_PAUSE_NS)
		return false;
	server->refused_logged_ns = now_ns;
	return true;
}

static void
turn_away(struct ls_http_server *server, int fd, bool plain, const char *why, const char *who)
{
	static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
				   "Content-Length: 0\r\nConnection: close\r\n\r\n";
	server->stats.refused_connections++;
	if (may_log(server))
		ls_warn("http", "connection refused reason=%s peer=%s refused=%llu", why, who,
			(unsigned long long)server->stats.refused_connections);
	if (plain) {
		/* bytes left unread would turn the close into a reset, which can take the answer
		 * away */
		ssize_t n LS_UNUSED = recv(fd, server->read_buffer, LS_HTTP_READ_SIZE, 0);
		n = send(fd, busy, sizeof busy - 1, MSG_NOSIGNAL);
	}
	(void)close(fd);
}

/* closes the connection that has been idle for longest; false when none is */
static bool
evict(struct ls_http_server *server)
{
	struct ls_http_link *idle = &server->states[LS_HTTP_IDLE];
	uint64_t before = server->stats.open_connections;
	if (idle->next != idle)
		ls_http_conn_expire(LS_CONTAINER_OF(idle->next, struct ls_http_conn, timed));
	return server->stats.open_connections < before;
}

static bool
make_place(struct ls_http_server *server)
{
	return server->stats.open_connections < server->options.max_connections || evict(server);
}

static void
admit(struct ls_http_listener *listener, int fd, const union address *from)
{
	struct ls_http_server *server = listener->server;
	struct peer peer = describe(from);
	bool plain = listener->tls == NULL;
	uint32_t address;
	if (!make_place(server)) {
		turn_away(server, fd, plain, "too_many", peer.text);
		return;
	}
	if (take_address(server, &peer, &address) != LS_OK) {
		turn_away(server, fd, plain, "too_many_of_address", peer.text);
		return;
	}
	struct ls_http_conn *conn = ls_http_conn_new(server, fd, listener->tls);
	if (conn == NULL) {
		if (address != LS_MAP_NONE)
			ls_http_address_release(server, address);
		turn_away(server, fd, plain, "out_of_memory", peer.text);
		return;
	}
	conn->address = address;
	conn->loopback = peer.exempt;
	conn->peer_len = (uint8_t)strlen(peer.text);
	memcpy(conn->peer, peer.text, sizeof conn->peer);
	server->stats.accepted++;
}

static void
pause_accepting(struct ls_http_server *server)
{
	for (struct ls_http_listener *l = server->listeners; l != NULL; l = l->next)
		(void)ls_watch_set(l->watch, 0);
	ls_timer_set(server->accept_timer, ACCEPT_PAUSE_MS);
}

void
ls_http_accept_resume(void *ctx)
{
	struct ls_http_server *server = LS_CAST(http_server, ctx);
	for (struct ls_http_listener *l = server->listeners; l != NULL; l = l->next)
		(void)ls_watch_set(l->watch, LS_READ);
}

/* No descriptors are left. Somebody idle makes place for who waits; without anybody idle the
 * reserved descriptor takes one client in to turn it away, and a pause keeps the backlog from
 * keeping the loop awake. Returns whether to go on accepting. */
static bool
out_of_descriptors(struct ls_http_listener *listener)
{
	struct ls_http_server *server = listener->server;
	struct pollfd waiting = { .fd = listener->fd, .events = POLLIN };
	/* accept(2) wants a descriptor before it looks whether anybody is there */
	if (poll(&waiting, 1, 0) != 1)
		return false;
	if (evict(server))
		return true;
	if (server->reserve_fd >= 0) {
		(void)close(server->reserve_fd);
		int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0)
			turn_away(server, fd, listener->tls == NULL, "no_descriptors", "-");
		server->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	pause_accepting(server);
	return false;
}

/* false: nobody is waiting, or nobody can be taken */
static bool
accept_one(struct ls_http_listener *listener)
{
	union address from = { 0 };
	socklen_t len = sizeof from;
	int fd = accept4(listener->fd, &from.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		admit(listener, fd, &from);
		return true;
	}
	switch (errno) {
	case EAGAIN:
		return false;
	case EMFILE:
	case ENFILE:
		return out_of_descriptors(listener);
	case ENOBUFS:
	case ENOMEM:
		pause_accepting(listener->server);
		return false;
	default:
		return true; /* accept(2): errors of the connection that was to be accepted */
	}
}

static void
on_listener(void *ctx, unsigned what)
{
	struct ls_http_listener *listener = LS_CAST(http_listener, ctx);
	(void)what;
	for (int i = 0; i < ACCEPTS_A_TURN && accept_one(listener); i++)
		;
}

void
ls_http_accept_rest(struct ls_http_server *server)
{
	for (struct ls_http_listener *l = server->listeners; l != NULL; l = l->next) {
		for (int i = 0; i < BACKLOG && accept_one(l); i++)
			;
	}
}

static struct ls_http_listener *
listener_free(struct ls_http_listener *listener)
{
	struct stat st;
	ls_watch_free(listener->watch);
	if (listener->fd >= 0)
		(void)close(listener->fd);
	if (listener->unix_path != NULL && lstat(listener->unix_path, &st) == 0 &&
		st.st_dev == listener->unix_dev && st.st_ino == listener->unix_ino)
		(void)unlink(listener->unix_path);
	free(listener->unix_path);
	listener->magic = 0;
	free(listener);
	return NULL;
}

void
ls_http_listeners_close(struct ls_http_server *server)
{
	while (server->listeners != NULL) {
		struct ls_http_listener *listener = server->listeners;
		server->listeners = listener->next;
		listener_free(listener);
	}
	if (server->accept_timer != NULL)
		ls_timer_cancel(server->accept_timer);
}

/* a socket file that nobody answers on was left behind by a process that died */
static int
remove_stale(const union address *address, socklen_t len)
{
	struct stat st;
	if (lstat(address->local.sun_path, &st) != 0)
		return errno == ENOENT ? LS_OK : LS_ERR_IO;
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return LS_ERR_IO;
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return LS_ERR_IO;
	int result = connect(fd, &address->any, len);
	bool stale = result != 0 && errno == ECONNREFUSED;
	(void)close(fd);
	if (!stale) {
		errno = EADDRINUSE;
		return LS_ERR_IO;
	}
	return unlink(address->local.sun_path) == 0 ? LS_OK : LS_ERR_IO;
}

static int
open_socket(struct ls_http_listener *listener, const union address *address, socklen_t len)
{
	int family = address->any.sa_family;
	const int on = 1;
	if (family == AF_UNIX && remove_stale(address, len) != LS_OK)
		return LS_ERR_IO;
	listener->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listener->fd < 0)
		return LS_ERR_IO;
	if (family != AF_UNIX) {
		/* accepted sockets inherit TCP_NODELAY: no system call for each */
		(void)setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
		(void)setsockopt(listener->fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
		(void)setsockopt(listener->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	}
	if (family == AF_INET6)
		(void)setsockopt(listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (bind(listener->fd, &address->any, len) != 0 || listen(listener->fd, BACKLOG) != 0)
		return LS_ERR_IO;
	return LS_OK;
}

static int
note_place(struct ls_http_listener *listener)
{
	union address bound = { 0 };
	socklen_t len = sizeof bound;
	struct stat st;
	if (getsockname(listener->fd, &bound.any, &len) != 0)
		return LS_ERR_IO;
	if (bound.any.sa_family == AF_INET)
		listener->port = ntohs(bound.v4.sin_port);
	else if (bound.any.sa_family == AF_INET6)
		listener->port = ntohs(bound.v6.sin6_port);
	if (bound.any.sa_family != AF_UNIX)
		return LS_OK;
	listener->unix_path = strdup(bound.local.sun_path);
	if (listener->unix_path == NULL)
		return LS_ERR_NOMEM;
	if (lstat(listener->unix_path, &st) != 0)
		return LS_ERR_IO;
	listener->unix_dev = st.st_dev;
	listener->unix_ino = st.st_ino;
	return LS_OK;
}

int
ls_http_listen(struct ls_http_server *server, struct ls_slice text, struct ls_tls *tls)
{
	union address address;
	socklen_t len = 0;
	int err = parse_address(text, &address, &len);
	if (err != LS_OK)
		return err;
	struct ls_http_listener *listener = calloc(1, sizeof *listener);
	if (listener == NULL)
		return LS_ERR_NOMEM;
	*listener = (struct ls_http_listener){
		.magic = LS_MAGIC_http_listener,
		.server = server,
		.tls = tls,
		.fd = -1,
	};
	err = open_socket(listener, &address, len);
	if (err == LS_OK)
		err = note_place(listener);
	if (err == LS_OK) {
		listener->watch = ls_watch_new(server->loop, listener->fd, on_listener, listener);
		if (listener->watch == NULL || ls_watch_set(listener->watch, LS_READ) != LS_OK)
			err = LS_ERR_NOMEM;
	}
	if (err != LS_OK) {
		int saved = errno;
		listener_free(listener);
		errno = saved;
		return err;
	}
	if (server->reserve_fd < 0)
		server->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct ls_http_listener **last = &server->listeners;
	while (*last != NULL)
		last = &(*last)->next;
	*last = listener;
	return LS_OK;
}

int
ls_http_port(const struct ls_http_server *server)
{
	for (const struct ls_http_listener *l = server->listeners; l != NULL; l = l->next) {
		if (l->port > 0)
			return l->port;
	}
	return 0;
}
