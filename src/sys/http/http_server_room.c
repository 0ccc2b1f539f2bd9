/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the room that bodies have in memory: all large ones together, and all small ones. */
#include "sys/http/http_server_private.h"

/* What nearly all send. These have room of their own, so that whoever takes all that there is
 * for large bodies takes none from them. */
#define SMALL_BODY   262144u
#define SMALL_BODIES (128u * SMALL_BODY)

static size_t *room_of(struct lk_httpd_x *x)
{
	return x->reserved <= SMALL_BODY ? &x->h->small_bodies : &x->h->bodies;
}

void lk_httpd_room_give_back(struct lk_httpd_x *x)
{
	*room_of(x) -= x->reserved;
	x->reserved = 0;
}

struct lk_httpd_x *lk_httpd_room_holder(struct lk_httpd *h, size_t length)
{
	struct lk_httpd_x *x;

	if (length > SMALL_BODY || length <= SMALL_BODIES - h->small_bodies)
		return NULL;
	TAILQ_FOREACH(x, &h->waiting, waiting)
	if (x->state == LK_HTTPD_WANTS_BODY && x->reserved && x->reserved <= SMALL_BODY)
		return x;
	return NULL;
}

bool lk_httpd_room_take(struct lk_httpd_x *x, size_t length)
{
	struct lk_httpd *h = x->h;
	bool small = length <= SMALL_BODY;

	if (length > (small ? SMALL_BODIES - h->small_bodies : h->limits.bodies - h->bodies))
		return false;
	x->reserved = length;
	*room_of(x) += length;
	return true;
}
