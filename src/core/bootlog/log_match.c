/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns matching the events of two firmware's logs. */
#include "core/bootlog/log_match.h"

#include <stdlib.h>
#include <string.h>

/* The square of it is memory: 512 KiB. */
#define SEQUENCE_MAX 512u

static struct lk_bytes best_digest(const struct lk_event *e)
{
	if (e->sha256.len)
		return e->sha256;
	if (e->sha384.len)
		return e->sha384;
	return e->sha512.len ? e->sha512 : e->sha1;
}

int lk_log_items_read(struct lk_bytes log, struct lk_log_item *ret, size_t cap, size_t *ret_n,
		      struct lk_err *err)
{
	struct lk_event_log at;
	size_t n = 0;
	int rc = lk_event_log_open_any(log.data, log.len, &at, err);

	while (rc == LK_OK) {
		struct lk_event event;

		rc = lk_event_log_next(&at, &event, err);
		if (rc != LK_OK)
			break;
		if (n == cap) {
			rc = lk_err_set(err, LK_E_INPUT, 0,
					"the log has more than %zu events: those are read", cap);
			break;
		}
		ret[n++] = (struct lk_log_item){ .event = event,
						 .kind = lk_event_kind(&event),
						 .note = event.type == LK_EV_NO_ACTION,
						 .partner = LK_MATCH_NONE,
						 .digest = best_digest(&event) };
	}
	*ret_n = n;
	return rc == LK_LOG_END ? LK_OK : rc;
}

/* What is left of one PCR, as places in the lists. */
struct sequence {
	size_t n, at[SEQUENCE_MAX];
};

struct matching {
	const struct lk_log_lists *l;
	struct sequence a, b;
	uint16_t best[SEQUENCE_MAX + 1][SEQUENCE_MAX + 1]; /* of what begins at both places */
};

static bool same(const struct matching *m, size_t i, size_t k)
{
	return lk_bytes_same(m->l->a[m->a.at[i]].digest, m->l->b[m->b.at[k]].digest);
}

static void pair(const struct lk_log_lists *l, size_t a, size_t b, bool is_same)
{
	l->a[a].partner = b;
	l->b[b].partner = a;
	l->a[a].same = l->b[b].same = is_same;
}

/* Events that are extended, of one PCR. */
static size_t next_of(const struct lk_log_item *items, size_t n, size_t from, uint32_t pcr)
{
	while (from < n && (items[from].note || items[from].event.pcr != pcr))
		from++;
	return from;
}

/* Most boots are alike at first: what is alike there needs no table. */
static void match_beginning(const struct lk_log_lists *l, uint32_t pcr, size_t *ret_a,
			    size_t *ret_b)
{
	size_t a = next_of(l->a, l->n_a, 0, pcr), b = next_of(l->b, l->n_b, 0, pcr);

	while (a < l->n_a && b < l->n_b && lk_bytes_same(l->a[a].digest, l->b[b].digest)) {
		pair(l, a, b, true);
		a = next_of(l->a, l->n_a, a + 1, pcr);
		b = next_of(l->b, l->n_b, b + 1, pcr);
	}
	*ret_a = a;
	*ret_b = b;
}

static void collect(const struct lk_log_item *items, size_t n, size_t from, uint32_t pcr,
		    struct sequence *ret)
{
	ret->n = 0;
	for (; from < n && ret->n < SEQUENCE_MAX; from = next_of(items, n, from + 1, pcr))
		ret->at[ret->n++] = from;
}

static void fill_table(struct matching *m)
{
	for (size_t i = 0; i <= m->a.n; i++)
		m->best[i][m->b.n] = 0;
	for (size_t k = 0; k <= m->b.n; k++)
		m->best[m->a.n][k] = 0;
	for (size_t i = m->a.n; i-- > 0;)
		for (size_t k = m->b.n; k-- > 0;) {
			uint16_t skip_a = m->best[i + 1][k], skip_b = m->best[i][k + 1];

			if (same(m, i, k))
				m->best[i][k] = (uint16_t)(m->best[i + 1][k + 1] + 1);
			else
				m->best[i][k] = skip_a > skip_b ? skip_a : skip_b;
		}
}

/* Between two places that are the same: those of one kind, in their order. */
static void match_changed(const struct matching *m, const size_t a[static 2],
			  const size_t b[static 2])
{
	size_t from = b[0];

	for (size_t i = a[0]; i < a[1]; i++)
		for (size_t k = from; k < b[1]; k++)
			if (m->l->a[m->a.at[i]].kind == m->l->b[m->b.at[k]].kind) {
				pair(m->l, m->a.at[i], m->b.at[k], false);
				from = k + 1;
				break;
			}
}

static void match_rest(struct matching *m)
{
	size_t i = 0, k = 0, since_a = 0, since_b = 0;

	fill_table(m);
	while (i < m->a.n && k < m->b.n) {
		if (same(m, i, k)) {
			match_changed(m, (size_t[]){ since_a, i }, (size_t[]){ since_b, k });
			pair(m->l, m->a.at[i++], m->b.at[k++], true);
			since_a = i;
			since_b = k;
		} else if (m->best[i + 1][k] >= m->best[i][k + 1]) {
			i++;
		} else {
			k++;
		}
	}
	match_changed(m, (size_t[]){ since_a, m->a.n }, (size_t[]){ since_b, m->b.n });
}

int lk_log_match(const struct lk_log_lists *l, struct lk_err *err)
{
	struct matching *m = malloc(sizeof(*m));

	if (!m)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory to compare two logs");
	m->l = l;
	for (uint32_t pcr = 0; pcr < LK_PCR_COUNT; pcr++) {
		size_t a, b;

		match_beginning(l, pcr, &a, &b);
		collect(l->a, l->n_a, a, pcr, &m->a);
		collect(l->b, l->n_b, b, pcr, &m->b);
		if (m->a.n && m->b.n)
			match_rest(m);
	}
	free(m);
	return LK_OK;
}
