/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns matching the entries of two of the kernel's logs, by name and digest. */
#include <stdlib.h>
#include <string.h>

#include "core/bootlog/log_match.h"

int lk_ima_items_read(struct lk_bytes log, struct lk_ima_item *ret, size_t cap, size_t *ret_n,
		      struct lk_err *err)
{
	struct lk_ima_log at;
	size_t n = 0;
	int rc = lk_ima_log_open(log.data, log.len, &at, err);

	while (rc == LK_OK) {
		struct lk_ima_entry e;

		rc = lk_ima_log_next(&at, &e, err);
		if (rc != LK_OK)
			break;
		if (ret && n == cap) {
			rc = lk_err_set(err, LK_E_INPUT, 0,
					"the log has more than %zu entries: those are read", cap);
			break;
		}
		/* Of a template that isn't known its data are what can be told apart. */
		if (ret)
			ret[n] = (struct lk_ima_item){ .name = e.name,
						       .digest = e.digest.len ? e.digest : e.data,
						       .number = e.number,
						       .violation = e.violation };
		n++;
	}
	*ret_n = n;
	return rc == LK_LOG_END ? LK_OK : rc;
}

static int compare_bytes(struct lk_bytes a, struct lk_bytes b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int c = len ? memcmp(a.data, b.data, len) : 0;

	return c ? c : (a.len > b.len) - (a.len < b.len);
}

static int by_name_and_digest(const void *pa, const void *pb)
{
	const struct lk_ima_item *const *a = pa, *const *b = pb;
	int c = compare_bytes((*a)->name, (*b)->name);

	return c ? c : compare_bytes((*a)->digest, (*b)->digest);
}

/* The first of @sorted that isn't before @item. */
static size_t place_of(const struct lk_ima_item *const *sorted, size_t n,
		       const struct lk_ima_item *item)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_name_and_digest(&sorted[middle], &item) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool has_name(const struct lk_ima_item *const *sorted, size_t n, size_t at,
		     const struct lk_ima_item *item)
{
	return (at < n && lk_bytes_same(sorted[at]->name, item->name)) ||
	       (at > 0 && lk_bytes_same(sorted[at - 1]->name, item->name));
}

int lk_ima_match(struct lk_ima_item *items, size_t n, const struct lk_ima_item *other,
		 size_t n_other, struct lk_err *err)
{
	const struct lk_ima_item **sorted = calloc(n_other + 1, sizeof(*sorted));

	if (!sorted)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory to compare two logs");
	for (size_t i = 0; i < n_other; i++)
		sorted[i] = &other[i];
	qsort(sorted, n_other, sizeof(*sorted), by_name_and_digest);
	for (size_t i = 0; i < n; i++) {
		const struct lk_ima_item *item = &items[i];
		size_t at = place_of(sorted, n_other, item);

		if (at < n_other && by_name_and_digest(&sorted[at], &item) == 0)
			items[i].match = LK_IMA_SAME;
		else if (has_name(sorted, n_other, at, item))
			items[i].match = LK_IMA_CHANGED;
		else
			items[i].match = LK_IMA_NEW;
	}
	free(sorted);
	return LK_OK;
}
