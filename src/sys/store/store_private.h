/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what the two kinds of database have to offer. */
#ifndef LK_SYS_STORE_STORE_PRIVATE_H
#define LK_SYS_STORE_STORE_PRIVATE_H

#include "sys/store/store.h"

#define LK_STORE_ARGS_MAX    16u
#define LK_STORE_COLUMNS_MAX 24u

struct lk_store_ops {
	const char *kind;
	const char *compact; /* a script, outside of transactions */
	int (*open)(const char *where, void **ret, struct lk_err *err);
	void (*close)(void *db);
	/** Several statements without arguments. */
	int (*script)(void *db, const char *sql, struct lk_err *err);
	int (*run)(void *db, const struct lk_query *q, uint64_t *ret_changed, struct lk_err *err);
	/** Durable by itself, whatever becomes of the transaction; NULL: as run. */
	int (*run_aside)(void *db, const struct lk_query *q, uint64_t *ret_changed,
			 struct lk_err *err);
	/** NULL: it never waits for others for long. */
	void (*bound)(void *db, int seconds);
	int (*ready)(void *db, struct lk_err *err);
	int (*begin)(void *db, struct lk_err *err);
	int (*commit)(void *db, struct lk_err *err);
	void (*rollback)(void *db);
};
extern const struct lk_store_ops lk_store_sqlite;
extern const struct lk_store_ops lk_store_postgres;

/** Brings a database up to the schema of this program, version by version. */
int lk_store_migrate(const struct lk_store_ops *ops, void *db, struct lk_err *err);

#endif
