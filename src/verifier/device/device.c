/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the queries of devices. */
#include "verifier/device/device.h"

#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "verifier/flavor/flavor.h"
#include "verifier/device/record.h"

#define COLUMNS                                                                                     \
	"SELECT d.number, d.id, d.name, d.flavor, d.imported, d.retired, s.boot, s.clock, s.nonce," \
	" s.booted, s.seen, s.changed, s.verdict, d.proof, d.held, d.ak, s.state, s.reference"      \
	" FROM devices d JOIN standings s ON s.device = d.number "
enum column {
	NUMBER,
	ID,
	NAME,
	FLAVOR,
	IMPORTED,
	RETIRED,
	BOOT,
	CLOCK,
	NONCE,
	BOOTED,
	SEEN,
	CHANGED,
	VERDICT,
	PROOF,
	HELD,
	AK,
	STATE,
	REFERENCE
};

const char *lk_vf_verdict_word(int verdict)
{
	return verdict < 0 ? "never seen" : lk_verdict_word((enum lk_verdict)verdict);
}

static void take_device(const struct lk_value *c, struct lk_vf_device *d)
{
	d->number = c[NUMBER].number;
	(void)lk_value_copy(&c[ID], d->id, sizeof(d->id));
	(void)lk_value_copy(&c[NAME], d->name, sizeof(d->name));
	(void)lk_value_copy(&c[FLAVOR], d->flavor, sizeof(d->flavor));
	d->imported = c[IMPORTED].number;
	d->retired = c[RETIRED].number;
	d->boot = c[BOOT].number;
	d->clock = c[CLOCK].number;
	d->nonce = c[NONCE].number;
	d->booted = c[BOOTED].number;
	d->seen = c[SEEN].number;
	d->changed = c[CHANGED].number;
	d->proof = (unsigned int)c[PROOF].number;
	d->held = c[HELD].number != 0;
	d->verdict = c[VERDICT].number < 0 || c[VERDICT].number > LK_VERDICT_UNTRUSTED
			     ? LK_VF_NO_VERDICT
			     : (int)c[VERDICT].number;
}

struct one {
	struct lk_vf_device *ret;
	unsigned int n;
};

static int take_one(void *ctx, const struct lk_value *c, struct lk_err *err)
{
	struct one *one = ctx;
	struct lk_vf_device *d = one->ret;

	if (one->n++)
		return LK_OK;
	*d = (struct lk_vf_device){ .number = 0 };
	take_device(c, d);
	d->ak_len = c[AK].bytes.len;
	if (d->ak_len > sizeof(d->ak) || c[REFERENCE].bytes.len > LK_DIGEST_MAX ||
	    (c[STATE].bytes.len && !lk_attest_state_read(c[STATE].bytes, &d->state)))
		return lk_err_set(err, LK_E_IO, 0,
				  "the database: what it has of device %s is malformed", d->id);
	memcpy(d->ak, c[AK].bytes.data, d->ak_len);
	d->reference.len = (uint16_t)c[REFERENCE].bytes.len;
	if (d->reference.len)
		memcpy(d->reference.data, c[REFERENCE].bytes.data, d->reference.len);
	return LK_OK;
}

int lk_vf_device_by_key(struct lk_store *s, const struct lk_name *ak, struct lk_vf_device *ret,
			struct lk_err *err)
{
	static const char sql[] = COLUMNS "WHERE d.ak_name = $1";
	const struct lk_value args[] = { lk_value_bytes((struct lk_bytes){ ak->data, ak->len }) };
	struct one one = { ret, 0 };
	const struct lk_query q = { sql, 1, args, take_one, &one };

	LK_TRY(lk_store_run(s, &q, NULL, err));
	if (!one.n)
		return lk_err_set(err, LK_E_OBJECT, 0,
				  "no device with this attestation key is known here");
	return LK_OK;
}

int lk_vf_device_by_id(struct lk_store *s, const char *id, struct lk_vf_device *ret,
		       struct lk_err *err)
{
	static const char sql[] = COLUMNS "WHERE d.id = $1";
	const struct lk_value args[] = { lk_value_text(id) };
	struct one one = { ret, 0 };

	LK_TRY(lk_store_run(s, &(struct lk_query){ sql, 1, args, take_one, &one }, NULL, err));
	return one.n ? LK_OK : lk_err_set(err, LK_E_OBJECT, 0, "there is no device %s", id);
}

int lk_vf_device_find(struct lk_store *s, const char *which, struct lk_vf_device *ret,
		      struct lk_err *err)
{
	static const char by_name[] = COLUMNS "WHERE d.name = $1 OR d.id = $2 LIMIT 2";
	static const char by_prefix[] = COLUMNS "WHERE d.id LIKE CAST($1 AS text) LIMIT 2";
	const struct lk_value exact[] = { lk_value_text(which), lk_value_text(which) };
	size_t len = strlen(which);
	struct one one = { ret, 0 };
	const struct lk_query q = { by_name, 2, exact, take_one, &one };

	LK_TRY(lk_store_run(s, &q, NULL, err));
	if (!one.n && len >= 8 && len < LK_VF_ID_TEXT && strspn(which, "0123456789abcdef") == len) {
		char pattern[LK_VF_ID_TEXT + 1];

		(void)snprintf(pattern, sizeof(pattern), "%s%%", which);
		const struct lk_value prefix[] = { lk_value_text(pattern) };

		LK_TRY(lk_store_run(s, &(struct lk_query){ by_prefix, 1, prefix, take_one, &one },
				    NULL, err));
	}
	if (!one.n)
		return lk_err_set(err, LK_E_OBJECT, 0,
				  "there is no device \"%s\"; latchkey-verifier devices lists them",
				  which);
	if (one.n > 1)
		return lk_err_set(err, LK_E_INPUT, 0,
				  "\"%s\" is several devices; name one by its identity", which);
	return LK_OK;
}

struct old {
	struct lk_attest_state state;
	unsigned int proof;
	bool found;
	int64_t number;
	struct lk_name ak_name;
	bool same_text; /* record, name and flavor */
	bool signed_anew;
	const struct lk_vf_import *import;
};

static int take_old(void *ctx, const struct lk_value *c, struct lk_err *err)
{
	struct old *o = ctx;
	char name[LK_VF_NAME_MAX], flavor[LK_VF_NAME_MAX];
	size_t len = strlen(o->import->record);

	(void)err;
	o->found = true;
	o->signed_anew = lk_vf_record_signed_anew(c[2].bytes, o->import->record);
	o->number = c[0].number;
	o->ak_name.len = (uint16_t)(c[1].bytes.len <= LK_NAME_MAX ? c[1].bytes.len : 0);
	memcpy(o->ak_name.data, c[1].bytes.data, o->ak_name.len);
	o->same_text =
		c[2].bytes.len == len && memcmp(c[2].bytes.data, o->import->record, len) == 0 &&
		strcmp(lk_value_copy(&c[3], name, sizeof(name)), o->import->name) == 0 &&
		(!o->import->flavor ||
		 strcmp(lk_value_copy(&c[4], flavor, sizeof(flavor)), o->import->flavor) == 0) &&
		c[5].number == 0;
	o->proof = (unsigned int)c[7].number;
	if (c[6].bytes.len)
		(void)lk_attest_state_read(c[6].bytes, &o->state);
	return LK_OK;
}

static int take_number(void *ctx, const struct lk_value *c, struct lk_err *err)
{
	(void)err;
	*(int64_t *)ctx = c[0].number;
	return LK_OK;
}

static int insert(struct lk_store *s, const struct lk_vf_import *im, struct lk_err *err)
{
	static const char next[] = "SELECT COALESCE(MAX(number), 0) + 1 FROM devices";
	static const char device[] =
		"INSERT INTO devices (number, id, ak_name, ak, name, flavor, record, imported, proof, held) "
		"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
	static const char standing[] =
		"INSERT INTO standings (device, state, reference) VALUES ($1, $2, $3)";
	static const char finding[] = "INSERT INTO findings (device, good) VALUES ($1, $2)";
	const struct lk_value empty = lk_value_bytes((struct lk_bytes){ NULL, 0 });
	int64_t number = 0;

	LK_TRY(lk_store_run(s, &(struct lk_query){ next, 0, NULL, take_number, &number }, NULL,
			    err));
	const struct lk_value d[] = { lk_value_int(number),
				      lk_value_text(im->id),
				      lk_value_bytes((struct lk_bytes){ im->ak_name.data,
									im->ak_name.len }),
				      lk_value_bytes(im->ak),
				      lk_value_text(im->name),
				      lk_value_text(im->flavor ? im->flavor : LK_VF_FLAVOR_DEFAULT),
				      lk_value_text(im->record),
				      lk_value_int(im->now),
				      lk_value_int(im->proof),
				      lk_value_int(im->held) };
	const struct lk_value st[] = { lk_value_int(number), empty, empty };

	LK_TRY(lk_store_run(s, &(struct lk_query){ device, 10, d, NULL, NULL }, NULL, err));
	LK_TRY(lk_store_run(s, &(struct lk_query){ standing, 3, st, NULL, NULL }, NULL, err));
	return lk_store_run(s, &(struct lk_query){ finding, 2, st, NULL, NULL }, NULL, err);
}

/* Another key: nothing that was accepted of the old one says anything of it. The nonce moves on,
 * so that an attestation that another server has read before this doesn't write its state back. */
static int begin_anew(struct lk_store *s, int64_t number, struct lk_err *err)
{
	static const char sql[] =
		"UPDATE standings SET boot = 0, clock = 0, nonce = nonce + 1, state = $1, verdict = -1,"
		" booted = 0, reference = $2 WHERE device = $3";
	const struct lk_value empty = lk_value_bytes((struct lk_bytes){ NULL, 0 });
	const struct lk_value args[] = { empty, empty, lk_value_int(number) };

	return lk_store_run(s, &(struct lk_query){ sql, 3, args, NULL, NULL }, NULL, err);
}

/* The record of a TPM that was cleared since the last one: its floors count from now on. */
static int accept_clear(struct lk_store *s, const struct lk_vf_import *im, struct old *old,
			struct lk_err *err)
{
	static const char sql[] =
		"UPDATE standings SET state = $1, reference = $2, nonce = nonce + 1 WHERE device = $3";
	uint8_t state[LK_ATTEST_STATE_MAX];
	struct lk_bytes bytes = { state, 0 };

	old->state.cleared = false;
	for (size_t i = 0; i < LK_FLOOR_COUNT; i++) {
		old->state.floor[i] = im->floor[i];
		old->state.has_floor[i] = false;
	}
	bytes.len = lk_attest_state_write(&old->state, state);
	/* Another reference: the next quote is appraised, also with nothing new. */
	const struct lk_value args[] = { lk_value_bytes(bytes),
					 lk_value_bytes((struct lk_bytes){ NULL, 0 }),
					 lk_value_int(old->number) };

	return lk_store_run(s, &(struct lk_query){ sql, 3, args, NULL, NULL }, NULL, err);
}

static int update(struct lk_store *s, const struct lk_vf_import *im, int64_t number,
		  struct lk_err *err)
{
	static const char sql[] =
		"UPDATE devices SET ak_name = $1, ak = $2, name = $3, record = $4, imported = $5,"
		" flavor = COALESCE(CAST($6 AS text), flavor), proof = $7, held = 0, retired = 0 WHERE number = $8";
	const struct lk_value args[] = { lk_value_bytes((struct lk_bytes){ im->ak_name.data,
									   im->ak_name.len }),
					 lk_value_bytes(im->ak),
					 lk_value_text(im->name),
					 lk_value_text(im->record),
					 lk_value_int(im->now),
					 lk_value_text(im->flavor),
					 lk_value_int(im->proof),
					 lk_value_int(number) };

	return lk_store_run(s, &(struct lk_query){ sql, 8, args, NULL, NULL }, NULL, err);
}

static int take_name(void *ctx, const struct lk_value *c, struct lk_err *err)
{
	(void)err;
	(void)lk_value_copy(&c[0], ctx, LK_VF_NAME_MAX);
	return LK_OK;
}

/* Two records with one key: one of them is a copy that was changed, or of a TPM that was cleared. */
static int expect_own_key(struct lk_store *s, const struct lk_vf_import *im, struct lk_err *err)
{
	static const char sql[] = "SELECT name FROM devices WHERE ak_name = $1 AND id <> $2";
	const struct lk_value args[] = { lk_value_bytes((struct lk_bytes){ im->ak_name.data,
									   im->ak_name.len }),
					 lk_value_text(im->id) };
	char other[LK_VF_NAME_MAX] = "", shown[LK_TEXT_SHOWN_MAX + 4];

	LK_TRY(lk_store_run(s, &(struct lk_query){ sql, 2, args, take_name, other }, NULL, err));
	if (!other[0])
		return LK_OK;
	return lk_err_set(err, LK_E_REFUSED, 0,
			  "its attestation key is that of device \"%s\" already",
			  lk_text_show(other, shown));
}

int lk_vf_device_import(struct lk_store *s, const struct lk_vf_import *im, enum lk_vf_imported *ret,
			struct lk_err *err)
{
	static const char sql[] =
		"SELECT d.number, d.ak_name, d.record, d.name, d.flavor, d.retired, s.state, d.proof FROM devices d"
		" JOIN standings s ON s.device = d.number WHERE d.id = $1";
	const struct lk_value args[] = { lk_value_text(im->id) };
	struct old old = { .import = im };
	struct lk_vf_import now = *im;
	bool same_key;

	LK_TRY(lk_store_run(s, &(struct lk_query){ sql, 1, args, take_old, &old }, NULL, err));
	if (!old.found || !lk_name_equal(&old.ak_name, &im->ak_name))
		LK_TRY(expect_own_key(s, im, err));
	if (!old.found) {
		*ret = LK_VF_IMPORT_NEW;
		return insert(s, im, err);
	}
	same_key = lk_name_equal(&old.ak_name, &im->ak_name);
	*ret = !same_key       ? LK_VF_IMPORT_OTHER_KEY
	       : old.same_text ? LK_VF_IMPORT_SAME
			       : LK_VF_IMPORT_CHANGED;
	if (*ret == LK_VF_IMPORT_SAME)
		return LK_OK;
	if (!same_key)
		LK_TRY(begin_anew(s, old.number, err));
	/* Under another name, or with another flavor, the record of before is still that. */
	else if (old.state.cleared && old.signed_anew)
		LK_TRY(accept_clear(s, im, &old, err));
	/* What a device has proven of this key stays proven. */
	if (same_key)
		now.proof |= old.proof & LK_VF_PROOF_ENROLLED;
	return update(s, &now, old.number, err);
}

int lk_vf_device_approve(struct lk_store *s, int64_t number, struct lk_err *err)
{
	static const char sql[] = "UPDATE devices SET held = 0 WHERE number = $1";
	const struct lk_value args[] = { lk_value_int(number) };

	return lk_store_run(s, &(struct lk_query){ sql, 1, args, NULL, NULL }, NULL, err);
}

int lk_vf_device_retire(struct lk_store *s, int64_t number, int64_t now, struct lk_err *err)
{
	static const char sql[] = "UPDATE devices SET retired = $1 WHERE number = $2";
	const struct lk_value args[] = { lk_value_int(now), lk_value_int(number) };

	return lk_store_run(s, &(struct lk_query){ sql, 2, args, NULL, NULL }, NULL, err);
}

struct listing {
	int (*each)(void *ctx, const struct lk_vf_device *d, struct lk_err *err);
	void *ctx;
};

static int give_listed(void *ctx, const struct lk_value *c, struct lk_err *err)
{
	struct listing *l = ctx;
	struct lk_vf_device d = { .number = 0 };

	take_device(c, &d);
	return l->each(l->ctx, &d, err);
}

/* LIKE's own characters mean themselves. */
static void like(const char *text, char *out, size_t cap)
{
	size_t n = 0;

	out[n++] = '%';
	for (; *text && n + 4 < cap; text++) {
		if (strchr("%_\\", *text))
			out[n++] = '\\';
		out[n++] = *text;
	}
	out[n++] = '%';
	out[n] = '\0';
}

int lk_vf_device_list(struct lk_store *s, const struct lk_vf_filter *f,
		      int (*each)(void *ctx, const struct lk_vf_device *d, struct lk_err *err),
		      void *ctx, struct lk_err *err)
{
	static const char sql[] = COLUMNS
		"WHERE (lower(d.name) LIKE lower(CAST($1 AS text)) ESCAPE '\\' OR d.id LIKE CAST($2 AS text) ESCAPE '\\')"
		" AND (CAST($3 AS bigint) = -2 OR s.verdict = CAST($4 AS bigint))"
		" AND (CAST($5 AS bigint) = 0 OR s.seen < CAST($6 AS bigint))"
		" AND ((d.retired <> 0) = (CAST($7 AS bigint) <> 0))"
		" ORDER BY d.name, d.number LIMIT CAST($8 AS bigint) OFFSET CAST($9 AS bigint)";
	char pattern[2 * LK_VF_NAME_MAX + 8];
	struct listing l = { each, ctx };

	like(f->text, pattern, sizeof(pattern));
	const struct lk_value args[] = {
		lk_value_text(pattern),	      lk_value_text(pattern),
		lk_value_int(f->verdict),     lk_value_int(f->verdict),
		lk_value_int(f->seen_before), lk_value_int(f->seen_before),
		lk_value_int(f->retired),     lk_value_int(f->limit),
		lk_value_int(f->offset),
	};

	return lk_store_run(s,
			    &(struct lk_query){ sql, sizeof(args) / sizeof(args[0]), args,
						give_listed, &l },
			    NULL, err);
}

static int take_counts(void *ctx, const struct lk_value *c, struct lk_err *err)
{
	struct lk_vf_counts *ret = ctx;
	int64_t verdict = c[0].number, n = c[1].number;

	(void)err;
	if (c[3].number) {
		ret->retired += n;
		return LK_OK;
	}
	ret->devices += n;
	ret->overdue += c[2].number;
	if (verdict >= 0 && verdict <= LK_VERDICT_UNTRUSTED)
		ret->verdict[verdict] += n;
	else
		ret->never += n;
	return LK_OK;
}

int lk_vf_device_counts(struct lk_store *s, int64_t overdue_before, struct lk_vf_counts *ret,
			struct lk_err *err)
{
	static const char sql[] =
		"SELECT s.verdict, COUNT(*), SUM(CASE WHEN s.seen < CAST($1 AS bigint) THEN 1 ELSE 0 END),"
		" CASE WHEN d.retired <> 0 THEN 1 ELSE 0 END AS gone"
		" FROM devices d JOIN standings s ON s.device = d.number GROUP BY s.verdict, gone";
	const struct lk_value args[] = { lk_value_int(overdue_before) };
	struct lk_vf_counts counts = { .devices = 0 };

	LK_TRY(lk_store_run(s, &(struct lk_query){ sql, 1, args, take_counts, &counts }, NULL,
			    err));
	*ret = counts;
	return LK_OK;
}
