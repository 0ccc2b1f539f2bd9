/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns SQLite: write-ahead log, a commit that is on the disk before it is reported. */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "store_private.h"

#define STATEMENTS_MAX 96u
/* Another program's transaction is short; a server that waits longer answers 503. */
#define BUSY_MS 3000

struct prepared {
	const char *sql;
	sqlite3_stmt *stmt;
};

struct sqlite {
	sqlite3 *db;
	size_t n;
	struct prepared prepared[STATEMENTS_MAX];
};

static int db_error(struct sqlite *s, struct lk_err *err)
{
	int code = s->db ? sqlite3_errcode(s->db) : SQLITE_NOMEM;

	return lk_err_set(err, LK_E_IO, (uint32_t)code, "the database: %s",
			  s->db ? sqlite3_errmsg(s->db) : "no memory");
}

static void sqlite_close(void *db)
{
	struct sqlite *s = db;

	for (size_t i = 0; i < s->n; i++)
		(void)sqlite3_finalize(s->prepared[i].stmt);
	(void)sqlite3_close(s->db);
	free(s);
}

static int sqlite_script(void *db, const char *sql, struct lk_err *err)
{
	struct sqlite *s = db;

	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? LK_OK : db_error(s, err);
}

static int sqlite_open(const char *where, void **ret, struct lk_err *err)
{
	struct sqlite *s = calloc(1, sizeof(*s));
	int rc = LK_OK;

	if (!s)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory for the database");
	if (sqlite3_open_v2(where, &s->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK)
		rc = db_error(s, err);
	if (rc == LK_OK) {
		(void)sqlite3_busy_timeout(s->db, BUSY_MS);
		/* FULL: a commit is synced before it is reported, in write-ahead mode too. */
		rc = sqlite_script(s,
				   "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
				   "PRAGMA foreign_keys=ON; PRAGMA cache_size=-16384; "
				   "PRAGMA trusted_schema=OFF; PRAGMA temp_store=MEMORY;",
				   err);
	}
	if (rc != LK_OK) {
		lk_err_prefix(err, "%s", where);
		sqlite_close(s);
		return rc;
	}
	*ret = s;
	return LK_OK;
}

static sqlite3_stmt *prepare_sqlite(struct sqlite *s, const char *sql)
{
	sqlite3_stmt *stmt = NULL;

	for (size_t i = 0; i < s->n; i++)
		if (s->prepared[i].sql == sql)
			return s->prepared[i].stmt;
	if (s->n == STATEMENTS_MAX ||
	    sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
		return NULL;
	s->prepared[s->n++] = (struct prepared){ sql, stmt };
	return stmt;
}

static bool bind(sqlite3_stmt *stmt, int at, const struct lk_value *v)
{
	int len = (int)v->bytes.len, rc = SQLITE_MISUSE;

	switch (v->type) {
	case LK_VALUE_NULL:
		rc = sqlite3_bind_null(stmt, at);
		break;
	case LK_VALUE_INT:
		rc = sqlite3_bind_int64(stmt, at, v->number);
		break;
	case LK_VALUE_TEXT:
		rc = sqlite3_bind_text(stmt, at, (const char *)v->bytes.data, len, SQLITE_STATIC);
		break;
	case LK_VALUE_BYTES:
		rc = sqlite3_bind_blob(stmt, at, v->bytes.data, len, SQLITE_STATIC);
		break;
	}
	return rc == SQLITE_OK;
}

static struct lk_value column(sqlite3_stmt *stmt, int i)
{
	struct lk_value v = { .type = LK_VALUE_NULL };

	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_INTEGER:
		v = lk_value_int(sqlite3_column_int64(stmt, i));
		break;
	case SQLITE_TEXT:
		v.type = LK_VALUE_TEXT;
		v.bytes.data = sqlite3_column_text(stmt, i);
		v.bytes.len = (size_t)sqlite3_column_bytes(stmt, i);
		break;
	case SQLITE_BLOB:
		v.bytes.data = sqlite3_column_blob(stmt, i);
		v.bytes.len = (size_t)sqlite3_column_bytes(stmt, i);
		v = lk_value_bytes(v.bytes);
		break;
	default:
		break;
	}
	return v;
}

static int step_all(struct sqlite *s, sqlite3_stmt *stmt, const struct lk_query *q,
		    struct lk_err *err)
{
	struct lk_value columns[LK_STORE_COLUMNS_MAX];
	int rc;

	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		int n = sqlite3_column_count(stmt);

		for (int i = 0; i < n && i < (int)LK_STORE_COLUMNS_MAX; i++)
			columns[i] = column(stmt, i);
		if (q->row)
			LK_TRY(q->row(q->ctx, columns, err));
	}
	return rc == SQLITE_DONE ? LK_OK : db_error(s, err);
}

static int sqlite_run(void *db, const struct lk_query *q, uint64_t *ret_changed, struct lk_err *err)
{
	struct sqlite *s = db;
	sqlite3_stmt *stmt = prepare_sqlite(s, q->sql);
	sqlite3_int64 before = sqlite3_total_changes64(s->db);
	int rc = LK_OK;

	if (!stmt)
		return db_error(s, err);
	for (size_t i = 0; i < q->n_args && rc == LK_OK; i++)
		if (!bind(stmt, (int)i + 1, &q->args[i]))
			rc = db_error(s, err);
	if (rc == LK_OK)
		rc = step_all(s, stmt, q, err);
	(void)sqlite3_reset(stmt);
	(void)sqlite3_clear_bindings(stmt);
	*ret_changed = (uint64_t)(sqlite3_total_changes64(s->db) - before);
	return rc;
}

static int sqlite_ready(void *db, struct lk_err *err)
{
	(void)db;
	(void)err;
	return LK_OK;
}

static int sqlite_begin(void *db, struct lk_err *err)
{
	return sqlite_script(db, "BEGIN IMMEDIATE", err);
}

static int sqlite_commit(void *db, struct lk_err *err)
{
	return sqlite_script(db, "COMMIT", err);
}

static void sqlite_rollback(void *db)
{
	struct sqlite *s = db;

	if (!sqlite3_get_autocommit(s->db))
		(void)sqlite_script(db, "ROLLBACK", NULL);
}

const struct lk_store_ops lk_store_sqlite = {
	.kind = "SQLite",
	.compact = "VACUUM; PRAGMA wal_checkpoint(TRUNCATE);",
	.open = sqlite_open,
	.close = sqlite_close,
	.script = sqlite_script,
	.run = sqlite_run,
	.ready = sqlite_ready,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
};
