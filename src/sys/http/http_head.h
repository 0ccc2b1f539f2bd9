/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the head of an HTTP/1.1 request (RFC 9112), strictly: bytes in, values out. */
#ifndef LK_SYS_HTTP_HTTP_HEAD_H
#define LK_SYS_HTTP_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LK_HTTPD_HEAD_MAX 8192u /* bytes, with the empty line at its end */
#define LK_HTTPD_PATH_MAX 256u
#define LK_HTTPD_TEXT_MAX 256u

enum lk_httpd_method { LK_HTTPD_GET, LK_HTTPD_HEAD, LK_HTTPD_POST, LK_HTTPD_OTHER };

struct lk_httpd_head {
	enum lk_httpd_method method;
	char path
		[LK_HTTPD_PATH_MAX]; /* decoded: plain UTF-8, begins with "/", no "." or ".." in it */
	char query[LK_HTTPD_TEXT_MAX]; /* as it was sent; "" for none */
	char host[LK_HTTPD_TEXT_MAX];
	char bearer
		[LK_HTTPD_TEXT_MAX]; /* token of "Authorization: Bearer", or password of "Basic"; "" for none */
	char type[LK_HTTPD_TEXT_MAX]; /* media type of the body, without parameters */
	bool keep_alive;
	bool expects_continue;
	uint64_t length; /* of the body */
};

/**
 * lk_httpd_head_parse - one request's head
 * @data: up to and with the empty line
 *
 * Each line ends in CR LF. A body has its length before it: a transfer coding is
 * refused, as is whatever two readers could take for two lengths.
 *
 * Return: 0, or the status to answer with (400, 411, 414, 431, 501, 505); the
 * connection is to be closed then. @ret is untouched on failure.
 */
unsigned int lk_httpd_head_parse(const char *data, size_t len, struct lk_httpd_head *ret);

/**
 * lk_httpd_query_get - one parameter of a query, decoded
 * @cap: room in @out
 *
 * Return: whether it is there, is plain UTF-8 and fits; @out is empty where it is there and isn't.
 */
bool lk_httpd_query_get(const char *query, const char *name, char *out, size_t cap);

#endif
