/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns libevent: an HTTP server whose clients may be slow, many and hostile. */
#ifndef LK_SYS_HTTP_HTTP_SERVER_H
#define LK_SYS_HTTP_HTTP_SERVER_H

#include "core/base/bytes.h"
#include "core/base/rc.h"
#include "sys/http/http_head.h"

struct lk_httpd;   /* the server */
struct lk_httpd_x; /* one request, until it is answered */

struct lk_httpd_limits {
	unsigned int connections; /* when another comes, that which waited longest is closed */
	size_t body;		  /* bytes of one request */
	size_t bodies;		  /* bytes of all large requests at once; small ones have 32 MiB */
	unsigned int head_s;	  /* from a connection's beginning to the end of a head */
	unsigned int body_s;	  /* for a body, and a second more for each 16 KiB that has come */
	unsigned int idle_s;	  /* between two requests */
	unsigned int answer_s;	  /* until an answer was taken */
	unsigned int finish_s;	  /* for what was begun, once the end was asked for */
};

/** What one listener's requests go to. */
struct lk_httpd_site {
	/** Answers @x now, or keeps it and answers later, in any case once. */
	void (*handle)(void *ctx, struct lk_httpd_x *x);
	void *ctx;
};

/** What goes on between requests. */
struct lk_httpd_hooks {
	/** After all that was ready was handled, and before anything is waited for:
	 * the place to make durable what answers that are kept speak of. */
	void (*settle)(void *ctx);
	/** About each second. */
	void (*tick)(void *ctx);
	void *ctx;
};

int lk_httpd_new(const struct lk_httpd_limits *limits, const struct lk_httpd_hooks *hooks,
		 struct lk_httpd **ret, struct lk_err *err);
void lk_httpd_free(struct lk_httpd *h);
static inline void lk_httpd_freep(struct lk_httpd **p)
{
	lk_httpd_free(*p);
}
#define LK_OWNED_HTTPD __attribute__((cleanup(lk_httpd_freep))) struct lk_httpd *

/** Certificate and key of a listener that speaks TLS; PEM files. */
struct lk_httpd_tls {
	const char *certificate; /* with what leads to its root after it */
	const char *key;
};

/**
 * lk_httpd_listen - on "ADDRESS:PORT", "[ADDRESS]:PORT" or "unix:PATH"
 * @tls: NULL for plain HTTP
 * @site: copied
 *
 * Port 0 is a free one. A socket left at PATH by a process that is no more is replaced.
 *
 * Return: LK_OK, LK_E_INPUT for a malformed address or a certificate that can't be
 * used, LK_E_SYSTEM where it can't be listened on.
 */
int lk_httpd_listen(struct lk_httpd *h, const char *address, const struct lk_httpd_tls *tls,
		    const struct lk_httpd_site *site, struct lk_err *err);
/** The same on a socket that listens already, handed over by systemd. */
int lk_httpd_listen_fd(struct lk_httpd *h, int fd, const struct lk_httpd_tls *tls,
		       const struct lk_httpd_site *site, struct lk_err *err);
/** Where the last listener is: "127.0.0.1:8443"; "" for one without a port. */
const char *lk_httpd_listening(const struct lk_httpd *h);
/** Whether an address is this machine's alone: loopback, or a unix socket. */
bool lk_httpd_is_local(const char *address);

/** Until SIGTERM or SIGINT, after which what was begun is finished. */
int lk_httpd_run(struct lk_httpd *h, struct lk_err *err);

const struct lk_httpd_head *lk_httpd_head(const struct lk_httpd_x *x);
/** Valid until it is answered. */
struct lk_bytes lk_httpd_body(const struct lk_httpd_x *x);
/** The same, to be decoded where it lies. */
uint8_t *lk_httpd_body_own(struct lk_httpd_x *x, size_t *ret_len);
/** The client is on this machine: loopback, or a unix socket. */
bool lk_httpd_from_local(const struct lk_httpd_x *x);

struct lk_httpd_answer {
	unsigned int status;
	const char *type;     /* media type; NULL: text/plain */
	const char *headers;  /* more of them, each "Name: value\r\n"; NULL for none */
	struct lk_bytes body; /* copied */
	unsigned int delay_s; /* before it is sent, for what is to be slow */
};
/** @x is gone after. */
void lk_httpd_answer(struct lk_httpd_x *x, const struct lk_httpd_answer *answer);
/** A text without markup, with a line end. */
void lk_httpd_answer_text(struct lk_httpd_x *x, unsigned int status, const char *text);

struct lk_httpd_counts {
	uint64_t accepted, requests, refused, evicted, timed_out;
	unsigned int open;
};
const struct lk_httpd_counts *lk_httpd_counts(const struct lk_httpd *h);

#endif
