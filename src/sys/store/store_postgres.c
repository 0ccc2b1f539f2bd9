/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns PostgreSQL through libpq: binary values, statements prepared once a connection, a lost connection made again. */
#include <arpa/inet.h>
#include <endian.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store_private.h"

#define STATEMENTS_MAX 96u
#define PATIENCE_S     3600 /* where nobody said less */
/* After a connection that took long and didn't come about. */
#define PAUSE_S 10
/* Types of columns (pg_type.h), which never change. */
#define OID_BYTEA 17u
#define OID_INT8  20u
#define OID_INT4  23u

struct postgres {
	PGconn *conn;
	const char *where;
	int patience;		/* seconds for one answer */
	struct postgres *aside; /* a connection of its own, outside of the transaction; or NULL */
	bool lost; /* it hasn't answered in time: what comes from it now is of another statement */
	time_t tried; /* when a connection was last made anew, monotonic */
	time_t pause;
	size_t n;
	const char *prepared[STATEMENTS_MAX];
};

static int db_error(struct postgres *p, const PGresult *res, struct lk_err *err)
{
	const char *text = res ? PQresultErrorMessage(res) : PQerrorMessage(p->conn);

	if (p->lost)
		return lk_err_set(err, LK_E_IO, 0, "the database doesn't answer within %d seconds",
				  p->patience);
	return lk_err_set(err, LK_E_IO, 0, "the database: %.*s", (int)strcspn(text, "\n"), text);
}

static time_t seconds(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* Until something can be read; false when the time is over. */
static bool wait_for_answer(struct postgres *p, time_t until)
{
	int unsent = PQflush(p->conn);
	time_t now = seconds();
	struct pollfd fd = { .fd = PQsocket(p->conn),
			     .events = (short)(POLLIN | (unsent > 0 ? POLLOUT : 0)) };

	if (now > until || fd.fd < 0)
		return false;
	(void)poll(&fd, 1, 1000);
	return true;
}

/* What was sent is answered, or the connection is given up. NULL then. */
static PGresult *take_answer(struct postgres *p, int sent)
{
	time_t until = seconds() + p->patience;
	PGresult *res = NULL, *next;

	while (sent) {
		if (!PQconsumeInput(p->conn))
			break;
		if (PQisBusy(p->conn)) {
			p->lost = !wait_for_answer(p, until);
			if (p->lost)
				break;
			continue;
		}
		next = PQgetResult(p->conn);
		if (!next)
			return res;
		/* Of several statements the one that failed, or the last. */
		if (res && PQresultStatus(res) == PGRES_FATAL_ERROR) {
			PQclear(next);
			continue;
		}
		PQclear(res);
		res = next;
	}
	PQclear(res);
	return NULL;
}

static void postgres_close(void *db)
{
	struct postgres *p = db;

	if (p->aside)
		postgres_close(p->aside);
	PQfinish(p->conn);
	free(p);
}

static void no_notices(void *ctx, const char *text)
{
	(void)ctx;
	(void)text;
}

static int postgres_open(const char *where, void **ret, struct lk_err *err)
{
	static const char *const keys[] = { "dbname", "connect_timeout", "application_name",
					    "options", NULL };
	/* A statement that hangs is a database that is gone. */
	const char *const values[] = { where, "2", "latchkey-verifier",
				       "-c statement_timeout=10000 -c lock_timeout=5000", NULL };
	struct postgres *p = calloc(1, sizeof(*p));
	int rc = LK_OK;

	if (!p)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory for the database");
	p->where = where;
	p->patience = PATIENCE_S;
	p->conn = PQconnectdbParams(keys, values, 1);
	if (!p->conn || PQstatus(p->conn) != CONNECTION_OK) {
		rc = db_error(p, NULL, err);
		postgres_close(p);
		return rc;
	}
	(void)PQsetNoticeProcessor(p->conn, no_notices, NULL);
	*ret = p;
	return LK_OK;
}

static int postgres_script(void *db, const char *sql, struct lk_err *err)
{
	struct postgres *p = db;
	PGresult *res = take_answer(p, !p->lost && PQsendQuery(p->conn, sql));
	ExecStatusType status = PQresultStatus(res);
	int rc = LK_OK;

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY)
		rc = db_error(p, res, err);
	PQclear(res);
	return rc;
}

/* A statement's name is its place among those that are prepared. */
static int prepare_postgres(struct postgres *p, const char *sql, char name[static 16],
			    struct lk_err *err)
{
	PGresult *res;
	size_t i = 0;
	int rc = LK_OK;

	while (i < p->n && p->prepared[i] != sql)
		i++;
	(void)snprintf(name, 16, "s%zu", i);
	if (i < p->n)
		return LK_OK;
	if (i == STATEMENTS_MAX)
		return lk_err_set(err, LK_E_SYSTEM, 0, "too many statements");
	res = take_answer(p, !p->lost && PQsendPrepare(p->conn, name, sql, 0, NULL));
	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		rc = db_error(p, res, err);
	else
		p->prepared[p->n++] = sql;
	PQclear(res);
	return rc;
}

static struct lk_value column(const PGresult *res, int row, int i)
{
	const char *data = PQgetvalue(res, row, i);
	size_t len = (size_t)PQgetlength(res, row, i);
	struct lk_value v = { .type = LK_VALUE_TEXT, .bytes = { (const uint8_t *)data, len } };
	uint64_t be64;
	uint32_t be32;

	if (PQgetisnull(res, row, i))
		return (struct lk_value){ .type = LK_VALUE_NULL };
	switch (PQftype(res, i)) {
	case OID_INT8:
		memcpy(&be64, data, sizeof(be64));
		return lk_value_int((int64_t)be64toh(be64));
	case OID_INT4:
		memcpy(&be32, data, sizeof(be32));
		return lk_value_int((int32_t)ntohl(be32));
	case OID_BYTEA:
		v.type = LK_VALUE_BYTES;
		return v;
	default:
		return v;
	}
}

static int give_rows(const PGresult *res, const struct lk_query *q, struct lk_err *err)
{
	struct lk_value columns[LK_STORE_COLUMNS_MAX];
	int n = PQnfields(res), rows = PQntuples(res);

	for (int row = 0; q->row && row < rows; row++) {
		for (int i = 0; i < n && i < (int)LK_STORE_COLUMNS_MAX; i++)
			columns[i] = column(res, row, i);
		LK_TRY(q->row(q->ctx, columns, err));
	}
	return LK_OK;
}

static int postgres_run(void *db, const struct lk_query *q, uint64_t *ret_changed,
			struct lk_err *err)
{
	struct postgres *p = db;
	const char *values[LK_STORE_ARGS_MAX] = { NULL };
	int lengths[LK_STORE_ARGS_MAX] = { 0 }, formats[LK_STORE_ARGS_MAX];
	uint64_t numbers[LK_STORE_ARGS_MAX];
	char name[16];
	PGresult *res;
	int rc;

	LK_TRY(prepare_postgres(p, q->sql, name, err));
	for (size_t i = 0; i < q->n_args; i++) {
		const struct lk_value *v = &q->args[i];

		formats[i] = v->type != LK_VALUE_TEXT;
		numbers[i] = htobe64((uint64_t)v->number);
		if (v->type == LK_VALUE_INT) {
			values[i] = (const char *)&numbers[i];
			lengths[i] = sizeof(numbers[i]);
		} else if (v->type != LK_VALUE_NULL) {
			values[i] = (const char *)v->bytes.data;
			lengths[i] = (int)v->bytes.len;
			/* Text ends at its NUL for libpq; what comes here has one after it. */
		}
	}
	res = take_answer(p, !p->lost && PQsendQueryPrepared(p->conn, name, (int)q->n_args, values,
							     lengths, formats, 1));
	if (PQresultStatus(res) != PGRES_COMMAND_OK && PQresultStatus(res) != PGRES_TUPLES_OK)
		rc = db_error(p, res, err);
	else
		rc = give_rows(res, q, err);
	*ret_changed = strtoull(PQcmdTuples(res), NULL, 10);
	PQclear(res);
	return rc;
}

static int reconnect(struct postgres *p, struct lk_err *err)
{
	time_t now = seconds();

	if (p->tried && now - p->tried < p->pause)
		return lk_err_set(err, LK_E_IO, 0, "the database: there is no connection to it");
	p->n = 0;
	p->lost = false;
	PQreset(p->conn);
	p->tried = seconds();
	p->pause = p->tried - now > 1 ? PAUSE_S : 1;
	return PQstatus(p->conn) == CONNECTION_OK ? LK_OK : db_error(p, NULL, err);
}

static int postgres_ready(void *db, struct lk_err *err)
{
	struct postgres *p = db;

	return PQstatus(p->conn) == CONNECTION_OK && !p->lost ? LK_OK : reconnect(p, err);
}

static void postgres_bound(void *db, int patience)
{
	((struct postgres *)db)->patience = patience;
}

static int postgres_run_aside(void *db, const struct lk_query *q, uint64_t *ret_changed,
			      struct lk_err *err)
{
	struct postgres *p = db;
	void *aside = NULL;

	if (!p->aside) {
		LK_TRY(postgres_open(p->where, &aside, err));
		p->aside = aside;
		p->aside->patience = p->patience;
	}
	LK_TRY(postgres_ready(p->aside, err));
	return postgres_run(p->aside, q, ret_changed, err);
}

static int postgres_begin(void *db, struct lk_err *err)
{
	struct postgres *p = db;

	LK_TRY(postgres_ready(p, err));
	if (postgres_script(p, "BEGIN", err) == LK_OK)
		return LK_OK;
	/* It was lost since it was last used. */
	LK_TRY(reconnect(p, err));
	return postgres_script(p, "BEGIN", err);
}

/* COMMIT of a transaction that failed says "ROLLBACK", and no error. */
static int postgres_commit(void *db, struct lk_err *err)
{
	struct postgres *p = db;
	PGresult *res = take_answer(p, !p->lost && PQsendQuery(p->conn, "COMMIT"));
	int rc = LK_OK;

	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		rc = db_error(p, res, err);
	else if (strcmp(PQcmdStatus(res), "COMMIT") != 0)
		rc = lk_err_set(err, LK_E_IO, 0, "the database: the transaction was rolled back");
	PQclear(res);
	return rc;
}

static void postgres_rollback(void *db)
{
	(void)postgres_script(db, "ROLLBACK", NULL);
}

const struct lk_store_ops lk_store_postgres = {
	.kind = "PostgreSQL",
	/* Autovacuum does it, and a statement here has a time limit. */
	.compact = "",
	.open = postgres_open,
	.close = postgres_close,
	.script = postgres_script,
	.run = postgres_run,
	.run_aside = postgres_run_aside,
	.bound = postgres_bound,
	.ready = postgres_ready,
	.begin = postgres_begin,
	.commit = postgres_commit,
	.rollback = postgres_rollback,
};
