/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the database: SQLite in a file, or PostgreSQL, behind one interface and with one schema. */
#ifndef LK_SYS_STORE_STORE_H
#define LK_SYS_STORE_STORE_H

#include <stdbool.h>

#include "core/base/bytes.h"
#include "core/base/rc.h"

struct lk_store;

/** Where a database is that is a PostgreSQL's. */
#define LK_STORE_POSTGRES "postgresql://"

/**
 * lk_store_open - the database, with the schema brought up to date
 * @where: a file for SQLite, or a connection string beginning with LK_STORE_POSTGRES
 *
 * Return: LK_OK; LK_E_IO where it can't be reached, read or written; LK_E_REFUSED for a
 * schema that is newer than this program; LK_E_SYSTEM.
 */
int lk_store_open(const char *where, struct lk_store **ret, struct lk_err *err);
void lk_store_free(struct lk_store *s);
static inline void lk_store_freep(struct lk_store **p)
{
	lk_store_free(*p);
}
#define LK_OWNED_STORE __attribute__((cleanup(lk_store_freep))) struct lk_store *

enum lk_value_type { LK_VALUE_NULL, LK_VALUE_INT, LK_VALUE_TEXT, LK_VALUE_BYTES };

/** An argument or a column. Text and bytes lie elsewhere; text isn't NUL-terminated. */
struct lk_value {
	enum lk_value_type type;
	int64_t number;
	struct lk_bytes bytes;
};
struct lk_value lk_value_int(int64_t number);
struct lk_value lk_value_text(const char *text); /* NULL: LK_VALUE_NULL */
struct lk_value lk_value_bytes(struct lk_bytes bytes);
/** A copy, NUL-terminated and cut to fit; "" of what is no text. Returns @out. */
const char *lk_value_copy(const struct lk_value *v, char *out, size_t cap);

/** One statement with its arguments. */
struct lk_query {
	/* A constant, told apart by where it lies: it is prepared once. Arguments are $1,
	 * $2 and so on, in the order in which they first stand there. */
	const char *sql;
	size_t n_args;
	const struct lk_value *args;
	/* For each row; what it returns other than LK_OK ends the query. May be NULL. */
	int (*row)(void *ctx, const struct lk_value *columns, struct lk_err *err);
	void *ctx;
};

/**
 * lk_store_run - one statement
 * @ret_changed: rows that it changed; may be NULL
 *
 * Return: LK_OK, what @row returned, LK_E_IO where the database failed: then a
 * transaction that was begun is only good for lk_store_rollback().
 */
int lk_store_run(struct lk_store *s, const struct lk_query *q, uint64_t *ret_changed,
		 struct lk_err *err);

/**
 * lk_store_run_aside - one statement that waits for no transaction, and no transaction for it
 *
 * For what may be there though nothing refers to it: two programs that write the same things in
 * different orders would wait for each other else. In SQLite it is part of the transaction.
 */
int lk_store_run_aside(struct lk_store *s, const struct lk_query *q, struct lk_err *err);
/**
 * lk_store_bound - a database that doesn't answer within @seconds is one that is gone
 *
 * For a server, which answers nobody while it waits; commands wait for an hour.
 */
void lk_store_bound(struct lk_store *s, int seconds);

/**
 * A transaction of one that writes. Where the connection was lost, it is made again
 * first, once a second at most.
 */
int lk_store_begin(struct lk_store *s, struct lk_err *err);
/** Before reading without a transaction: a lost connection is made again, likewise. */
int lk_store_ready(struct lk_store *s, struct lk_err *err);
/** What was written is durable after LK_OK, and isn't there after anything else. */
int lk_store_commit(struct lk_store *s, struct lk_err *err);
void lk_store_rollback(struct lk_store *s);
/** Gives the room of what was deleted back, where the kind of database doesn't by itself; it may take long. */
int lk_store_compact(struct lk_store *s, struct lk_err *err);
/** "SQLite" or "PostgreSQL". */
const char *lk_store_kind(const struct lk_store *s);

#endif
