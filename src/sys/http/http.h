/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns libcurl: a device's requests to one HTTPS server. */
#ifndef LK_SYS_HTTP_HTTP_H
#define LK_SYS_HTTP_HTTP_H

#include "core/base/bytes.h"
#include "core/base/rc.h"
#include "sys/os/fs.h"

/** Whom to believe. */
struct lk_http_server {
	const char *url; /* https://host[:port] */
	const char *ca;	 /* PEM file; NULL: the system's, or with a pin nobody's */
	const char *pin; /* "sha256//..."; NULL: none */
};

struct lk_http;
/** Nothing is sent. */
int lk_http_open(const struct lk_http_server *server, struct lk_http **ret, struct lk_err *err);
void lk_http_close(struct lk_http *http);
static inline void lk_http_closep(struct lk_http **p)
{
	lk_http_close(*p);
}
#define LK_OWNED_HTTP __attribute__((cleanup(lk_http_closep))) struct lk_http *

/**
 * lk_http_post - one POST of JSON; the connection is kept for the next
 * @path: begins with "/"
 * @cap: bytes of the answer, at most
 * @ret: status and body; its caller frees the body
 *
 * No redirection is followed.
 *
 * Return: LK_OK for any answer; LK_E_IO where none came, LK_E_POLICY where the server isn't
 * the one to believe, LK_E_INPUT where the answer is too long, LK_E_SYSTEM.
 */
struct lk_http_answer {
	long status;
	struct lk_buf body;
};
int lk_http_post(struct lk_http *http, const char *path, struct lk_bytes body, size_t cap,
		 struct lk_http_answer *ret, struct lk_err *err);

#endif
