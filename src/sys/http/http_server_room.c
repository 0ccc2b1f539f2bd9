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

/* Of small bodies, that which was waited for longest makes room: on its way one is for a moment. */
static void make_small_room(struct lk_httpd *h, size_t length)
{
	struct lk_httpd_x *x = TAILQ_FIRST(&h->waiting), *next;

	for (; x && length > SMALL_BODIES - h->small_bodies; x = next) {
		next = TAILQ_NEXT(x, waiting);
		if (x->state != LK_HTTPD_WANTS_BODY || !x->reserved || x->reserved > SMALL_BODY)
			continue;
		h->counts.evicted++;
		lk_httpd_close(x);
	}
}

bool lk_httpd_room_take(struct lk_httpd_x *x, size_t length)
{
	struct lk_httpd *h = x->h;
	bool small = length <= SMALL_BODY;

	if (small)
		make_small_room(h, length);
	if (length > (small ? SMALL_BODIES - h->small_bodies : h->limits.bodies - h->bodies))
		return false;
	x->reserved = length;
	*room_of(x) += length;
	return true;
}
