/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the schema, and how a database of an older version becomes one of this. The same SQL is for both kinds. */
#include <inttypes.h>
#include <stdio.h>

#include "store_private.h"

/*
 * Times are milliseconds since 1970. Lists of chunks are SHA-256 digests, one after the
 * other. "reasons" is NULL where they are those of the attestation before.
 */
static const char *const steps[] = {
	"CREATE TABLE settings (name text PRIMARY KEY, value bytea NOT NULL);"
	"CREATE TABLE devices ("
	" number bigint PRIMARY KEY,"
	" id text NOT NULL UNIQUE," /* hexadecimal SHA-256 of the endorsement key's public area */
	" ak_name bytea NOT NULL UNIQUE,"
	" ak bytea NOT NULL," /* TPMT_PUBLIC */
	" name text NOT NULL,"
	" flavor text NOT NULL,"
	" record text NOT NULL,"
	" imported bigint NOT NULL,"
	" retired bigint NOT NULL DEFAULT 0);"
	/* What each attestation writes, in a row that is short. A quote has to be newer than
	 * boot, clock and nonce. */
	"CREATE TABLE standings ("
	" device bigint PRIMARY KEY REFERENCES devices (number),"
	" boot bigint NOT NULL DEFAULT 0,"
	" clock bigint NOT NULL DEFAULT 0,"
	" nonce bigint NOT NULL DEFAULT 0,"
	" state bytea NOT NULL,"
	" booted bigint NOT NULL DEFAULT 0," /* its row in boots */
	" seen bigint NOT NULL DEFAULT 0,"
	" verdict bigint NOT NULL DEFAULT -1,"
	" changed bigint NOT NULL DEFAULT 0,"
	" reference bytea NOT NULL);" /* digest of what it was appraised with */
	/* What a new appraisal writes. "good": of the last trusted boot, to tell differences from. */
	"CREATE TABLE findings ("
	" device bigint PRIMARY KEY REFERENCES devices (number),"
	" reasons text NOT NULL DEFAULT '{\"reasons\":[]}',"
	" good bytea NOT NULL);"
	"CREATE TABLE attestations ("
	" device bigint NOT NULL REFERENCES devices (number),"
	" at bigint NOT NULL,"
	" boot bigint NOT NULL,"
	" verdict bigint NOT NULL,"
	" quote bytea NOT NULL,"
	" signature bytea NOT NULL,"
	" reasons text,"
	" PRIMARY KEY (device, at));"
	"CREATE TABLE boots ("
	" device bigint NOT NULL REFERENCES devices (number),"
	" since bigint NOT NULL,"
	" boot bigint NOT NULL,"
	" firmware bytea NOT NULL,"
	" ima bytea NOT NULL,"
	" measured bytea NOT NULL,"
	" PRIMARY KEY (device, since));"
	"CREATE TABLE chunks (hash bytea PRIMARY KEY, data bytea NOT NULL);"
	"CREATE TABLE flavors (name text PRIMARY KEY, text text NOT NULL, policy_file text NOT NULL, added bigint NOT NULL);"
	"CREATE TABLE flavor_policies ("
	" flavor text NOT NULL REFERENCES flavors (name),"
	" digest bytea NOT NULL,"
	" version bigint NOT NULL,"
	" text text NOT NULL,"
	" PRIMARY KEY (flavor, digest));"
	"CREATE TABLE tokens (hash bytea PRIMARY KEY, label text NOT NULL UNIQUE, added bigint NOT NULL);",
	/* What pages search and sort by. */
	"CREATE INDEX standings_by_verdict ON standings (verdict);"
	"CREATE INDEX standings_by_seen ON standings (seen);",
	/* What was proven of a device before it attested: bits. */
	"ALTER TABLE devices ADD COLUMN proof bigint NOT NULL DEFAULT 0;",
	/* What a week's picture counts, and what is too old. */
	"CREATE INDEX attestations_by_time ON attestations (at, verdict);"
	"CREATE INDEX boots_by_time ON boots (since);",
	/* One that has enrolled, and that nobody has approved yet. */
	"ALTER TABLE devices ADD COLUMN held bigint NOT NULL DEFAULT 0;",
};
#define N_STEPS (sizeof(steps) / sizeof(steps[0]))

static int take_version(void *ctx, const struct lk_value *columns, struct lk_err *err)
{
	(void)err;
	*(int64_t *)ctx = columns[0].number;
	return LK_OK;
}

/* Two programs may start at once: the one that comes second finds the work done. */
static int migrate_locked(const struct lk_store_ops *ops, void *db, struct lk_err *err)
{
	static const char ask[] = "SELECT version FROM schema_version";
	const struct lk_query q = { .sql = ask, .row = take_version, .ctx = &(int64_t){ 0 } };
	uint64_t changed;
	char sql[96];

	LK_TRY(ops->run(db, &q, &changed, err));
	int64_t version = *(int64_t *)q.ctx;

	if (version > (int64_t)N_STEPS)
		return lk_err_set(
			err, LK_E_REFUSED, 0,
			"the database has schema %" PRId64
			", of a newer latchkey-verifier than this, which knows schema %zu; nothing was changed",
			version, N_STEPS);
	if (version == (int64_t)N_STEPS)
		return LK_OK;
	for (size_t i = (size_t)version; i < N_STEPS; i++)
		LK_TRY(ops->script(db, steps[i], err));
	(void)snprintf(sql, sizeof(sql), "UPDATE schema_version SET version = %zu", N_STEPS);
	return ops->script(db, sql, err);
}

int lk_store_migrate(const struct lk_store_ops *ops, void *db, struct lk_err *err)
{
	int rc;

	LK_TRY(ops->begin(db, err));
	/* In PostgreSQL the lock is the table's; in SQLite the transaction is one already. */
	rc = ops->script(
		db,
		"CREATE TABLE IF NOT EXISTS schema_version (one bigint PRIMARY KEY, version bigint NOT NULL);"
		"INSERT INTO schema_version VALUES (1, 0) ON CONFLICT DO NOTHING;"
		"UPDATE schema_version SET one = 1;",
		err);
	if (rc == LK_OK)
		rc = migrate_locked(ops, db, err);
	if (rc == LK_OK)
		rc = ops->commit(db, err);
	if (rc != LK_OK)
		ops->rollback(db);
	return rc;
}
