/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns one connection: its requests one after the other, each with a limit to its bytes and its time. */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/http/http_server_private.h"
#include "sys/os/log.h"

#define LINGER_S	1u
#define BODY_PER_SECOND 16384u

static void set_timer(struct lk_httpd_x *x, unsigned int seconds)
{
	const struct timeval tv = { .tv_sec = seconds };

	(void)evtimer_add(x->timer, &tv);
}

static void stop_waiting(struct lk_httpd_x *x)
{
	if (x->waits)
		TAILQ_REMOVE(&x->h->waiting, x, waiting);
	x->waits = false;
}

static void begin_waiting(struct lk_httpd_x *x, enum lk_httpd_state state, unsigned int seconds)
{
	stop_waiting(x);
	x->state = state;
	x->waits = true;
	TAILQ_INSERT_TAIL(&x->h->waiting, x, waiting);
	set_timer(x, seconds);
}

void lk_httpd_close(struct lk_httpd_x *x)
{
	struct lk_httpd *h = x->h;

	stop_waiting(x);
	TAILQ_REMOVE(&h->all, x, all);
	lk_httpd_room_give_back(x);
	h->counts.open--;
	if (x->held)
		evbuffer_free(x->held);
	if (x->timer)
		event_free(x->timer);
	if (x->bev)
		bufferevent_free(x->bev);
	free(x);
}

bool lk_httpd_evict(struct lk_httpd *h)
{
	struct lk_httpd_x *oldest = TAILQ_FIRST(&h->waiting);

	if (!oldest)
		return false;
	h->counts.evicted++;
	lk_httpd_close(oldest);
	return true;
}

/* What ends the connection: nothing after it on this one can be made sense of. */
static void refuse_request(struct lk_httpd_x *x, unsigned int status, const char *text)
{
	x->h->counts.refused++;
	x->close = true;
	stop_waiting(x);
	x->state = LK_HTTPD_HANDLED;
	lk_httpd_answer_text(x, status, text);
}

static const char *refusal_text(unsigned int status)
{
	switch (status) {
	case 411:
		return "The request has no Content-Length.";
	case 414:
		return "The request's address is too long.";
	case 431:
		return "The request's head is too long.";
	case 501:
		return "A transfer coding isn't taken: send the body as it is, with a Content-Length.";
	case 505:
		return "This server speaks HTTP/1.1.";
	default:
		return "This is no request of HTTP/1.1.";
	}
}

static void hand_over(struct lk_httpd_x *x)
{
	struct evbuffer *in = bufferevent_get_input(x->bev);

	stop_waiting(x);
	(void)evtimer_del(x->timer);
	(void)bufferevent_disable(x->bev, EV_READ);
	x->state = LK_HTTPD_HANDLED;
	/* Readers needn't know of a body that isn't anywhere. */
	x->body = x->nothing;
	x->body_len = (size_t)x->head.length;
	if (x->head.length) {
		x->body = evbuffer_pullup(in, (ev_ssize_t)x->head.length);
		if (!x->body) {
			refuse_request(x, 503, "The server is short of memory.");
			return;
		}
	}
	x->h->counts.requests++;
	x->listener->site.handle(x->listener->site.ctx, x);
}

/* Room for a body is taken before the body is. */
static bool reserve_body(struct lk_httpd_x *x)
{
	const struct lk_httpd_limits *limits = &x->h->limits;
	uint64_t length = x->head.length;
	struct lk_httpd_x *holder;

	if (length > limits->body) {
		refuse_request(x, 413, "The request is too large.");
		return false;
	}
	while ((holder = lk_httpd_room_holder(x->h, (size_t)length))) {
		x->h->counts.evicted++;
		lk_httpd_close(holder);
	}
	if (!lk_httpd_room_take(x, (size_t)length)) {
		refuse_request(x, 503, "The server has too many large requests at once.");
		return false;
	}
	bufferevent_setwatermark(x->bev, EV_READ, 0,
				 (size_t)length > LK_HTTPD_HEAD_MAX ? (size_t)length
								    : LK_HTTPD_HEAD_MAX);
	return true;
}

/* Return: whether there may be more to do with what has come. */
static bool take_head(struct lk_httpd_x *x)
{
	struct evbuffer *in = bufferevent_get_input(x->bev);
	struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
	size_t len = evbuffer_get_length(in);
	unsigned int status;

	if (end.pos < 0 || (size_t)end.pos + 4 > LK_HTTPD_HEAD_MAX) {
		if (len >= LK_HTTPD_HEAD_MAX)
			refuse_request(x, 431, refusal_text(431));
		else if (len > 0 && !x->begun)
			begin_waiting(x, LK_HTTPD_WANTS_HEAD, x->h->limits.head_s);
		x->begun = len > 0;
		return false;
	}
	len = (size_t)end.pos + 4;
	status = lk_httpd_head_parse((const char *)evbuffer_pullup(in, (ev_ssize_t)len), len,
				     &x->head);
	(void)evbuffer_drain(in, len);
	x->begun = true;
	if (status) {
		refuse_request(x, status, refusal_text(status));
		return false;
	}
	x->close = !x->head.keep_alive;
	if (!reserve_body(x))
		return false;
	if (x->head.expects_continue && x->head.length)
		(void)evbuffer_add_printf(bufferevent_get_output(x->bev),
					  "HTTP/1.1 100 Continue\r\n\r\n");
	x->due = 0;
	begin_waiting(x, LK_HTTPD_WANTS_BODY, x->h->limits.body_s);
	return true;
}

static void on_read(struct bufferevent *bev, void *ctx)
{
	struct lk_httpd_x *x = ctx;
	struct evbuffer *in = bufferevent_get_input(bev);

	if (x->state == LK_HTTPD_LINGERS)
		(void)evbuffer_drain(in, evbuffer_get_length(in));
	if (x->state == LK_HTTPD_WANTS_HEAD && !take_head(x))
		return;
	if (x->state == LK_HTTPD_WANTS_BODY && evbuffer_get_length(in) >= x->head.length)
		hand_over(x);
}

/* The answer is out. */
static void on_written(struct bufferevent *bev, void *ctx)
{
	struct lk_httpd_x *x = ctx;

	if (x->state != LK_HTTPD_ANSWERED)
		return;
	if (x->close || x->h->ending) {
		/* Closing with bytes unread would take the answer away from the client. */
		(void)shutdown(bufferevent_getfd(bev), SHUT_WR);
		x->state = LK_HTTPD_LINGERS;
		set_timer(x, LINGER_S);
		(void)bufferevent_enable(bev, EV_READ);
		return;
	}
	x->begun = false;
	bufferevent_setwatermark(bev, EV_READ, 0, LK_HTTPD_HEAD_MAX);
	begin_waiting(x, LK_HTTPD_WANTS_HEAD, x->h->limits.idle_s);
	(void)bufferevent_enable(bev, EV_READ);
	/* The next request may be here already. */
	on_read(bev, x);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
	struct lk_httpd_x *x = ctx;

	(void)bev;
	if (what & BEV_EVENT_CONNECTED)
		return;
	/* Whoever handles it still has it. */
	if (x->state == LK_HTTPD_HANDLED)
		x->close = true;
	else
		lk_httpd_close(x);
}

static void send_held(struct lk_httpd_x *x)
{
	stop_waiting(x);
	x->state = LK_HTTPD_ANSWERED;
	set_timer(x, x->h->limits.answer_s);
	(void)evbuffer_add_buffer(bufferevent_get_output(x->bev), x->held);
	evbuffer_free(x->held);
	x->held = NULL;
}

/* Time is given for bytes that have come, not for those that were promised. */
static bool keeps_coming(struct lk_httpd_x *x)
{
	unsigned int step = x->h->limits.body_s;

	x->due += (size_t)step * BODY_PER_SECOND;
	if (evbuffer_get_length(bufferevent_get_input(x->bev)) < x->due)
		return false;
	set_timer(x, step);
	return true;
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct lk_httpd_x *x = ctx;

	(void)fd;
	(void)what;
	if (x->state == LK_HTTPD_DELAYED) {
		send_held(x);
		return;
	}
	if (x->state == LK_HTTPD_WANTS_BODY && keeps_coming(x))
		return;
	if (x->state != LK_HTTPD_LINGERS)
		x->h->counts.timed_out++;
	lk_httpd_close(x);
}

static bool is_local(const struct sockaddr *peer)
{
	if (peer->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, peer, sizeof(in));
		return (ntohl(in.sin_addr.s_addr) >> 24) == 127;
	}
	if (peer->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, peer, sizeof(in6));
		return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
	}
	return peer->sa_family == AF_UNIX;
}

static struct bufferevent *buffered(const struct lk_httpd_listener *l, int fd)
{
	SSL *ssl = l->tls ? SSL_new(l->tls) : NULL;
	struct bufferevent *bev;

	if (!l->tls)
		return bufferevent_socket_new(l->h->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!ssl)
		return NULL;
	bev = bufferevent_openssl_socket_new(l->h->base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING,
					     BEV_OPT_CLOSE_ON_FREE);
	if (!bev)
		SSL_free(ssl);
	else
		bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	return bev;
}

void lk_httpd_accept(const struct lk_httpd_listener *l, int fd, const struct sockaddr *peer)
{
	struct lk_httpd *h = l->h;
	struct lk_httpd_x *x;

	h->counts.accepted++;
	if (h->counts.open >= h->limits.connections && !lk_httpd_evict(h)) {
		(void)close(fd);
		return;
	}
	x = calloc(1, sizeof(*x));
	if (!x) {
		(void)close(fd);
		return;
	}
	x->h = h;
	x->listener = l;
	x->local = is_local(peer);
	x->bev = buffered(l, fd);
	x->timer = evtimer_new(h->base, on_timer, x);
	h->counts.open++;
	TAILQ_INSERT_TAIL(&h->all, x, all);
	if (!x->bev)
		(void)close(fd);
	if (!x->bev || !x->timer) {
		lk_httpd_close(x);
		return;
	}
	x->begun = true; /* its time runs from now, not from its first byte */
	bufferevent_setcb(x->bev, on_read, on_written, on_event, x);
	bufferevent_setwatermark(x->bev, EV_READ, 0, LK_HTTPD_HEAD_MAX);
	begin_waiting(x, LK_HTTPD_WANTS_HEAD, h->limits.head_s);
	(void)bufferevent_enable(x->bev, EV_READ | EV_WRITE);
}

static const char *reason_of(unsigned int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 303:
		return "See Other";
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 409:
		return "Conflict";
	case 413:
		return "Content Too Large";
	case 503:
		return "Service Unavailable";
	default:
		return status < 500 ? "Refused" : "Error";
	}
}

void lk_httpd_answer(struct lk_httpd_x *x, const struct lk_httpd_answer *a)
{
	struct evbuffer *in = bufferevent_get_input(x->bev);
	bool close = x->close || x->h->ending;

	/* Of the address not what follows a question mark, and no header: a token may be there. */
	lk_log(LK_LOG_DEBUG, "request of %.*s: status %u, %zu bytes answered",
	       (int)strcspn(x->head.path, "?"), x->head.path, a->status, a->body.len);
	x->held = evbuffer_new();
	if (!x->held ||
	    evbuffer_add_printf(
		    x->held,
		    "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
		    "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n%s%s\r\n",
		    a->status, reason_of(a->status),
		    a->type ? a->type : "text/plain; charset=utf-8", a->body.len,
		    a->headers ? a->headers : "", close ? "Connection: close\r\n" : "") < 0 ||
	    (x->head.method != LK_HTTPD_HEAD && a->body.len &&
	     evbuffer_add(x->held, a->body.data, a->body.len) != 0)) {
		lk_httpd_close(x);
		return;
	}
	if (x->body_len)
		(void)evbuffer_drain(in, x->body_len);
	x->body = NULL;
	x->body_len = 0;
	lk_httpd_room_give_back(x);
	if (!a->delay_s) {
		send_held(x);
		return;
	}
	/* Whoever guesses at tokens keeps nobody out by being made to wait. */
	begin_waiting(x, LK_HTTPD_DELAYED, a->delay_s);
}

void lk_httpd_answer_text(struct lk_httpd_x *x, unsigned int status, const char *text)
{
	char line[512];
	size_t len = strlen(text) < sizeof(line) - 1 ? strlen(text) : sizeof(line) - 1;

	memcpy(line, text, len);
	line[len] = '\n';
	lk_httpd_answer(x, &(struct lk_httpd_answer){
				   .status = status,
				   .headers = status == 503 ? "Retry-After: 30\r\n" : NULL,
				   .body = { (const uint8_t *)line, len + 1 } });
}

const struct lk_httpd_head *lk_httpd_head(const struct lk_httpd_x *x)
{
	return &x->head;
}

struct lk_bytes lk_httpd_body(const struct lk_httpd_x *x)
{
	return (struct lk_bytes){ x->body, x->body_len };
}

uint8_t *lk_httpd_body_own(struct lk_httpd_x *x, size_t *ret_len)
{
	*ret_len = x->body_len;
	return x->body;
}

bool lk_httpd_from_local(const struct lk_httpd_x *x)
{
	return x->local;
}
