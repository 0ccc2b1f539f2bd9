/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of what two boots' logs have alike: four logs, each with its size in 2 bytes before all of them. */
#include <stdlib.h>

#include "core/bootlog/log_match.h"
#include "fuzz.h"

#define EVENTS 600u

static struct lk_bytes part(const uint8_t **at, size_t *left, const uint8_t *size)
{
	size_t len = (size_t)size[0] | (size_t)size[1] << 8;
	struct lk_bytes ret = { *at, len < *left ? len : *left };

	*at += ret.len;
	*left -= ret.len;
	return ret;
}

static void match_firmware(struct lk_bytes a, struct lk_bytes b)
{
	struct lk_log_lists l = { calloc(EVENTS, sizeof(*l.a)), calloc(EVENTS, sizeof(*l.b)), 0,
				  0 };

	INVARIANT(l.a && l.b);
	(void)lk_log_items_read(a, l.a, EVENTS, &l.n_a, NULL);
	(void)lk_log_items_read(b, l.b, EVENTS, &l.n_b, NULL);
	INVARIANT(l.n_a <= EVENTS && l.n_b <= EVENTS);
	INVARIANT(lk_log_match(&l, NULL) == LK_OK);
	for (size_t i = 0; i < l.n_a; i++) {
		const struct lk_log_item *x = &l.a[i], *y;

		if (x->partner == LK_MATCH_NONE)
			continue;
		INVARIANT(x->partner < l.n_b && !x->note);
		y = &l.b[x->partner];
		INVARIANT(y->partner == i && y->event.pcr == x->event.pcr && y->same == x->same);
		INVARIANT(x->same == lk_bytes_same(x->digest, y->digest));
	}
	free(l.a);
	free(l.b);
}

static struct lk_ima_item *read_ima(struct lk_bytes log, size_t *ret_n)
{
	struct lk_ima_item *items;
	size_t n, again = 0;

	(void)lk_ima_items_read(log, NULL, 0, &n, NULL);
	items = calloc(n + 1, sizeof(*items));
	INVARIANT(items);
	(void)lk_ima_items_read(log, items, n, &again, NULL);
	INVARIANT(again == n);
	*ret_n = n;
	return items;
}

static void match_ima(struct lk_bytes a, struct lk_bytes b)
{
	size_t n_a, n_b;
	struct lk_ima_item *x = read_ima(a, &n_a), *y = read_ima(b, &n_b);

	INVARIANT(lk_ima_match(x, n_a, y, n_b, NULL) == LK_OK);
	for (size_t i = 0; i < n_a && n_b; i++) {
		bool name = false, same = false;

		for (size_t k = 0; k < n_b && k < EVENTS; k++)
			if (lk_bytes_same(x[i].name, y[k].name)) {
				name = true;
				same |= lk_bytes_same(x[i].digest, y[k].digest);
			}
		if (n_b <= EVENTS)
			INVARIANT(x[i].match == (same	? LK_IMA_SAME
						 : name ? LK_IMA_CHANGED
							: LK_IMA_NEW));
	}
	free(x);
	free(y);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *at;
	struct lk_bytes log[4];
	size_t left;

	if (size < 8)
		return 0;
	at = data + 8;
	left = size - 8;
	for (size_t i = 0; i < 4; i++)
		log[i] = part(&at, &left, data + 2 * i);
	match_firmware(log[0], log[1]);
	match_ima(log[2], log[3]);
	return 0;
}
