/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the server's loop, its listeners and its end. */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "sys/http/http_server_private.h"

#define BACKLOG 1024

static int64_t now_s(void)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* No new work; what waits for a client's first byte has nothing to lose. */
static void begin_end(struct lk_httpd *h)
{
	struct lk_httpd_x *x, *next;

	if (h->ending)
		return;
	h->ending = true;
	h->ends_at = now_s() + h->limits.finish_s;
	for (struct lk_httpd_listener *l = h->listeners; l; l = l->next)
		(void)evconnlistener_disable(l->listener);
	for (x = TAILQ_FIRST(&h->all); x; x = next) {
		next = TAILQ_NEXT(x, all);
		if (x->state == LK_HTTPD_WANTS_HEAD &&
		    evbuffer_get_length(bufferevent_get_input(x->bev)) == 0)
			lk_httpd_close(x);
	}
}

static void on_signal(evutil_socket_t sig, short what, void *ctx)
{
	(void)sig;
	(void)what;
	begin_end(ctx);
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	struct lk_httpd *h = ctx;

	(void)fd;
	(void)what;
	if (h->hooks.tick)
		h->hooks.tick(h->hooks.ctx);
}

/* A thousand connections are more files than a shell allows. */
static void raise_open_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int lk_httpd_new(const struct lk_httpd_limits *limits, const struct lk_httpd_hooks *hooks,
		 struct lk_httpd **ret, struct lk_err *err)
{
	LK_OWNED_HTTPD h = calloc(1, sizeof(*h));
	const struct timeval second = { .tv_sec = 1 };

	if (!h)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory for the server");
	h->limits = *limits;
	h->hooks = *hooks;
	TAILQ_INIT(&h->all);
	TAILQ_INIT(&h->waiting);
	(void)signal(SIGPIPE, SIG_IGN);
	raise_open_files();
	h->base = event_base_new();
	if (h->base) {
		h->ends[0] = evsignal_new(h->base, SIGTERM, on_signal, h);
		h->ends[1] = evsignal_new(h->base, SIGINT, on_signal, h);
		h->tick = event_new(h->base, -1, EV_PERSIST, on_tick, h);
	}
	if (!h->tick || !h->ends[0] || !h->ends[1] || event_add(h->ends[0], NULL) != 0 ||
	    event_add(h->ends[1], NULL) != 0 || event_add(h->tick, &second) != 0)
		return lk_err_set(err, LK_E_SYSTEM, 0, "libevent can't be used");
	*ret = h;
	h = NULL;
	return LK_OK;
}

void lk_httpd_free(struct lk_httpd *h)
{
	struct lk_httpd_listener *l, *next;

	if (!h)
		return;
	while (!TAILQ_EMPTY(&h->all))
		lk_httpd_close(TAILQ_FIRST(&h->all));
	for (l = h->listeners; l; l = next) {
		next = l->next;
		if (l->listener)
			evconnlistener_free(l->listener);
		SSL_CTX_free(l->tls);
		if (l->path[0])
			(void)unlink(l->path);
		free(l);
	}
	for (size_t i = 0; i < 2; i++)
		if (h->ends[i])
			event_free(h->ends[i]);
	if (h->tick)
		event_free(h->tick);
	if (h->base)
		event_base_free(h->base);
	free(h);
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd,
			  struct sockaddr *peer, int len, void *ctx)
{
	(void)listener;
	(void)len;
	lk_httpd_accept(ctx, fd, peer);
}

/* Too many open files: whoever kept us waiting longest makes room. */
static void on_accept_error(struct evconnlistener *listener, void *ctx)
{
	struct lk_httpd_listener *l = ctx;

	(void)listener;
	if (!lk_httpd_evict(l->h))
		(void)usleep(10000);
}

int lk_httpd_listen_fd(struct lk_httpd *h, int fd, const struct lk_httpd_tls *tls,
		       const struct lk_httpd_site *site, struct lk_err *err)
{
	struct lk_httpd_listener *l = calloc(1, sizeof(*l));

	if (!l)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory for a listener");
	l->h = h;
	l->site = *site;
	l->next = h->listeners;
	h->listeners = l;
	if (tls)
		LK_TRY(lk_httpd_tls_new(tls, &l->tls, err));
	(void)evutil_make_socket_nonblocking(fd);
	l->listener =
		evconnlistener_new(h->base, on_connection, l,
				   LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG, fd);
	if (!l->listener)
		return lk_err_set(err, LK_E_SYSTEM, (uint32_t)errno,
				  "a socket can't be listened on: %s", strerror(errno));
	evconnlistener_set_error_cb(l->listener, on_accept_error);
	return LK_OK;
}

/* Nobody answers there: what a process that is no more left behind. */
static bool is_left_behind(const struct sockaddr_un *un)
{
	struct stat st;
	int fd, rc;

	if (lstat(un->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	rc = fd < 0 ? 0 : connect(fd, (const struct sockaddr *)(const void *)un, sizeof(*un));
	if (fd >= 0)
		(void)close(fd);
	return rc != 0;
}

static int bind_socket(const struct sockaddr *sa, socklen_t len, const char *address, int *ret,
		       struct lk_err *err)
{
	int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd >= 0 && sa->sa_family != AF_UNIX)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, sa, len) != 0) {
		int code = errno;

		if (fd >= 0)
			(void)close(fd);
		return lk_err_set(err, LK_E_SYSTEM, (uint32_t)code, "can't listen on %s: %s",
				  address, strerror(code));
	}
	*ret = fd;
	return LK_OK;
}

static int listen_unix(struct lk_httpd *h, const char *address, const struct lk_httpd_tls *tls,
		       const struct lk_httpd_site *site, struct lk_err *err)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	const char *path = address + strlen("unix:");
	int fd, rc;

	if (!*path || strlen(path) >= sizeof(un.sun_path))
		return lk_err_set(err, LK_E_INPUT, 0, "%s: a unix socket's path has 1 to %zu bytes",
				  address, sizeof(un.sun_path) - 1);
	memcpy(un.sun_path, path, strlen(path) + 1);
	if (is_left_behind(&un))
		(void)unlink(path);
	LK_TRY(bind_socket((const struct sockaddr *)(const void *)&un, sizeof(un), address, &fd,
			   err));
	(void)chmod(path, 0660);
	rc = lk_httpd_listen_fd(h, fd, tls, site, err);
	if (rc == LK_OK)
		memcpy(h->listeners->path, path, strlen(path) + 1);
	return rc;
}

static void remember_address(struct lk_httpd *h, int fd)
{
	struct sockaddr_storage sa = { 0 };
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	socklen_t len = sizeof(sa);
	char text[64] = "";

	if (getsockname(fd, (struct sockaddr *)(void *)&sa, &len) != 0)
		return;
	memcpy(&in, &sa, sizeof(in));
	memcpy(&in6, &sa, sizeof(in6));
	if (sa.ss_family == AF_INET && inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text)))
		(void)snprintf(h->listening, sizeof(h->listening), "%s:%u", text,
			       ntohs(in.sin_port));
	if (sa.ss_family == AF_INET6 && inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof(text)))
		(void)snprintf(h->listening, sizeof(h->listening), "[%s]:%u", text,
			       ntohs(in6.sin6_port));
}

/* libevent's own function takes no port 0, and an address without a port. */
static bool parse_address(const char *address, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	const char *colon = strrchr(address, ':');
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	char host[64] = "";
	char *end;
	unsigned long port = colon ? strtoul(colon + 1, &end, 10) : 0;

	if (!colon || colon[1] < '0' || colon[1] > '9' || *end || port > 65535 ||
	    (size_t)(colon - address) >= sizeof(host))
		return false;
	memcpy(host, address, (size_t)(colon - address));
	*ret = (struct sockaddr_storage){ 0 };
	if (host[0] == '[' && host[strlen(host) - 1] == ']') {
		host[strlen(host) - 1] = '\0';
		in6.sin6_port = htons((uint16_t)port);
		*ret_len = sizeof(in6);
		if (inet_pton(AF_INET6, host + 1, &in6.sin6_addr) != 1)
			return false;
		memcpy(ret, &in6, sizeof(in6));
		return true;
	}
	in.sin_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, host, &in.sin_addr) != 1)
		return false;
	memcpy(ret, &in, sizeof(in));
	*ret_len = sizeof(in);
	return true;
}

int lk_httpd_listen(struct lk_httpd *h, const char *address, const struct lk_httpd_tls *tls,
		    const struct lk_httpd_site *site, struct lk_err *err)
{
	struct sockaddr_storage sa;
	socklen_t len;
	int fd;

	h->listening[0] = '\0';
	if (strncmp(address, "unix:", 5) == 0)
		return listen_unix(h, address, tls, site, err);
	if (!parse_address(address, &sa, &len))
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"\"%s\" is no address to listen on; write 127.0.0.1:8443, [::1]:8443 or unix:/run/PATH",
			address);
	LK_TRY(bind_socket((const struct sockaddr *)(const void *)&sa, len, address, &fd, err));
	remember_address(h, fd);
	return lk_httpd_listen_fd(h, fd, tls, site, err);
}

const char *lk_httpd_listening(const struct lk_httpd *h)
{
	return h->listening;
}

bool lk_httpd_is_local(const char *address)
{
	return strncmp(address, "unix:", 5) == 0 || strncmp(address, "127.", 4) == 0 ||
	       strncmp(address, "[::1]:", 6) == 0;
}

int lk_httpd_run(struct lk_httpd *h, struct lk_err *err)
{
	while (!h->ending || (h->counts.open && now_s() < h->ends_at)) {
		if (event_base_loop(h->base, EVLOOP_ONCE) < 0)
			return lk_err_set(err, LK_E_SYSTEM, 0, "libevent's loop failed");
		if (h->hooks.settle)
			h->hooks.settle(h->hooks.ctx);
	}
	return LK_OK;
}

const struct lk_httpd_counts *lk_httpd_counts(const struct lk_httpd *h)
{
	return &h->counts;
}
