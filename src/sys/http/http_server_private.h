/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what the parts of the HTTP server share and nobody else sees. */
#ifndef LK_SYS_HTTP_HTTP_SERVER_PRIVATE_H
#define LK_SYS_HTTP_HTTP_SERVER_PRIVATE_H

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <openssl/ssl.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "sys/http/http_server.h"

enum lk_httpd_state {
	LK_HTTPD_WANTS_HEAD,
	LK_HTTPD_WANTS_BODY,
	LK_HTTPD_HANDLED,  /* whoever handles it hasn't answered yet */
	LK_HTTPD_DELAYED,  /* answered; the answer is held back */
	LK_HTTPD_ANSWERED, /* until the client has taken it */
	LK_HTTPD_LINGERS,  /* what the client still sends is thrown away */
};

struct lk_httpd_listener {
	struct lk_httpd *h;
	struct evconnlistener *listener;
	SSL_CTX *tls;
	struct lk_httpd_site site;
	char path[108]; /* of a unix socket of ours */
	struct lk_httpd_listener *next;
};

struct lk_httpd_x {
	struct lk_httpd *h;
	const struct lk_httpd_listener *listener;
	struct bufferevent *bev;
	struct event *timer;
	enum lk_httpd_state state;
	struct lk_httpd_head head;
	uint8_t *body;
	size_t body_len;
	uint8_t nothing[1];
	struct evbuffer *held; /* a delayed answer */
	size_t reserved;       /* of all bodies, or of all small ones */
	size_t due;	       /* bytes of a body that are to have come by the next look at it */
	bool local, close, begun, waits;
	TAILQ_ENTRY(lk_httpd_x) all;
	TAILQ_ENTRY(lk_httpd_x) waiting; /* where the client's bytes are waited for */
};
TAILQ_HEAD(lk_httpd_list, lk_httpd_x);

struct lk_httpd {
	struct event_base *base;
	struct event *ends[2]; /* signals */
	struct event *tick;
	struct lk_httpd_limits limits;
	struct lk_httpd_hooks hooks;
	struct lk_httpd_listener *listeners;
	struct lk_httpd_list all, waiting; /* waiting: the longest first */
	struct lk_httpd_counts counts;
	size_t bodies, small_bodies;
	bool ending;
	int64_t ends_at; /* seconds of the monotonic clock */
	char listening[160];
};

/** A connection that was accepted; owns @fd. */
void lk_httpd_accept(const struct lk_httpd_listener *l, int fd, const struct sockaddr *peer);
void lk_httpd_close(struct lk_httpd_x *x);
/** Closes that which has kept us waiting longest; false where none does. */
bool lk_httpd_evict(struct lk_httpd *h);

/** Of small bodies, that which was waited for longest makes room for another: a small body is
 * on its way for a moment only. NULL: there is room, or none can be made. */
struct lk_httpd_x *lk_httpd_room_holder(struct lk_httpd *h, size_t length);
/** Before a body comes: false where there is no room for one of @length bytes. */
bool lk_httpd_room_take(struct lk_httpd_x *x, size_t length);
void lk_httpd_room_give_back(struct lk_httpd_x *x);

/** @ret: whoever owns it frees it by SSL_CTX_free(). */
int lk_httpd_tls_new(const struct lk_httpd_tls *files, SSL_CTX **ret, struct lk_err *err);

#endif
