/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns which kind of database it is. */
#include "sys/store/store.h"

#include <stdlib.h>
#include <string.h>

#include "store_private.h"

struct lk_store {
	const struct lk_store_ops *ops;
	void *db;
};

int lk_store_open(const char *where, struct lk_store **ret, struct lk_err *err)
{
	LK_OWNED_STORE s = calloc(1, sizeof(*s));
	bool postgres = strncmp(where, LK_STORE_POSTGRES, strlen(LK_STORE_POSTGRES)) == 0;

	if (!s)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory for the database");
	s->ops = postgres ? &lk_store_postgres : &lk_store_sqlite;
	LK_TRY(s->ops->open(where, &s->db, err));
	LK_TRY(lk_store_migrate(s->ops, s->db, err));
	*ret = s;
	s = NULL;
	return LK_OK;
}

void lk_store_free(struct lk_store *s)
{
	if (!s)
		return;
	if (s->db)
		s->ops->close(s->db);
	free(s);
}

int lk_store_run(struct lk_store *s, const struct lk_query *q, uint64_t *ret_changed,
		 struct lk_err *err)
{
	uint64_t changed = 0;

	LK_TRY(s->ops->run(s->db, q, &changed, err));
	if (ret_changed)
		*ret_changed = changed;
	return LK_OK;
}

int lk_store_run_aside(struct lk_store *s, const struct lk_query *q, struct lk_err *err)
{
	uint64_t changed;

	return s->ops->run_aside ? s->ops->run_aside(s->db, q, &changed, err)
				 : s->ops->run(s->db, q, &changed, err);
}

void lk_store_bound(struct lk_store *s, int seconds)
{
	if (s->ops->bound)
		s->ops->bound(s->db, seconds);
}

int lk_store_begin(struct lk_store *s, struct lk_err *err)
{
	return s->ops->begin(s->db, err);
}

int lk_store_ready(struct lk_store *s, struct lk_err *err)
{
	return s->ops->ready(s->db, err);
}

int lk_store_commit(struct lk_store *s, struct lk_err *err)
{
	return s->ops->commit(s->db, err);
}

void lk_store_rollback(struct lk_store *s)
{
	s->ops->rollback(s->db);
}

int lk_store_compact(struct lk_store *s, struct lk_err *err)
{
	return s->ops->script(s->db, s->ops->compact, err);
}

const char *lk_store_kind(const struct lk_store *s)
{
	return s->ops->kind;
}
