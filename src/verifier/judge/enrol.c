/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns taking in a device that has proven that its attestation key is in the TPM of its endorsement key. */
#include "verifier/judge/enrol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/attest/refusal.h"
#include "verifier/judge/judge.h"
#include "sys/crypto/crypto.h"
#include "sys/crypto/crypto_credential.h"
#include "verifier/device/words.h"

/* Words that answers have and core/attest doesn't: their codes are past the table's end. */
enum { UNKNOWN = LK_REFUSAL_COUNT + 1, RETIRED, OTHER_KEY, FULL };

struct enrolling {
	const struct lk_vf_enroller *e;
	struct lk_enrol_request req;
	struct lk_ek_key ek;
	struct lk_attest_key ak;
	uint8_t spki[LK_EK_SPKI_MAX];
	size_t spki_len;
	char id[LK_VF_ID_TEXT];
	bool known;
	struct lk_vf_device device; /* of one that is known */
	bool certified;
};

static int read_keys(struct enrolling *c, struct lk_err *err)
{
	struct lk_digest digest;

	LK_TRY(lk_ek_parse(c->req.ek, lk_crypto_hash, &c->ek, err));
	LK_TRY(lk_attest_key_parse(c->req.ak, lk_crypto_hash, &c->ak, err));
	c->spki_len = lk_ek_spki(&c->ek, c->spki);
	if (!lk_crypto_hash(LK_ALG_SHA256, &(struct lk_bytes){ c->spki, c->spki_len }, 1, &digest))
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	lk_hex_encode(digest.data, digest.len, c->id);
	return LK_OK;
}

static int find_device(struct enrolling *c, struct lk_err *err)
{
	struct lk_err why = { 0 };
	int rc = lk_vf_device_by_id(c->e->store, c->id, &c->device, &why);

	c->known = rc == LK_OK;
	if (rc != LK_OK && rc != LK_E_OBJECT)
		return lk_err_set(err, why.rc, why.code, "%s", why.msg);
	if (!c->known && c->e->mode == LK_VF_ENROL_REFUSED)
		return lk_err_set(
			err, LK_E_POLICY, UNKNOWN,
			"no device with this endorsement key is known here; import its record");
	if (c->known && c->device.retired)
		return lk_err_set(err, LK_E_POLICY, RETIRED, "this device was retired");
	if (c->known &&
	    !lk_bytes_same((struct lk_bytes){ c->device.ak, c->device.ak_len }, c->req.ak))
		return lk_err_set(
			err, LK_E_POLICY, OTHER_KEY,
			"this device is known with another attestation key; import its record again");
	return LK_OK;
}

/* Of a device that is in the records, too, where it sends one. */
static int check_certificate(struct enrolling *c, struct lk_err *err)
{
	const struct lk_ek_certificate certificate = { c->req.certificate, c->req.chain };
	bool needed = !c->known && c->e->mode != LK_VF_ENROL_FIRST_SEEN && c->e->ca;

	if (!c->req.certificate.len && needed)
		return lk_err_set(
			err, LK_E_POLICY, LK_REFUSAL_CERTIFICATE_PATH,
			"this device is in no record, and has sent no certificate of its endorsement key");
	if (!c->req.certificate.len || !c->e->ca)
		return LK_OK;
	LK_TRY(lk_ek_certificate_check(&certificate, (struct lk_bytes){ c->spki, c->spki_len },
				       c->e->ca, NULL, err));
	c->certified = true;
	return LK_OK;
}

static int take_count(void *ctx, const struct lk_value *v, struct lk_err *err)
{
	(void)err;
	*(int64_t *)ctx = v[0].number;
	return LK_OK;
}

static int check_room(struct enrolling *c, struct lk_err *err)
{
	static const char sql[] = "SELECT COUNT(*) FROM devices WHERE held <> 0 AND retired = 0";
	int64_t held = 0;

	if (c->known || c->e->mode != LK_VF_ENROL_HELD)
		return LK_OK;
	LK_TRY(lk_store_run(c->e->store, &(struct lk_query){ sql, 0, NULL, take_count, &held },
			    NULL, err));
	if (held >= LK_VF_HELD_MAX)
		return lk_err_set(
			err, LK_E_POLICY, FULL,
			"as many devices as there may be wait for somebody's approval; come back later");
	return LK_OK;
}

/* A record of what the device itself says: import puts the factory's in its place. */
static int write_record(const struct enrolling *c, struct lk_buf *ret, struct lk_err *err)
{
	LK_OWNED_JSON record = lk_json_object();
	struct lk_json *ek = lk_json_set_object(record, "ek");
	struct lk_json *ak = lk_json_set_object(record, "ak");

	lk_json_set_bool(record, "enrolled", true);
	lk_json_set_hex(ek, "area", c->req.ek.data, c->req.ek.len);
	lk_json_set_hex(ek, "certificate-der", c->req.certificate.data, c->req.certificate.len);
	lk_json_set_hex(ak, "name", c->ak.name.data, c->ak.name.len);
	lk_json_set_hex(ak, "public", c->req.ak.data, c->req.ak.len);
	return lk_json_write(record, ret, err);
}

static int take_in(struct enrolling *c, struct lk_err *err)
{
	struct lk_vf_import im = { .ak_name = c->ak.name,
				   .ak = c->req.ak,
				   .held = c->e->mode == LK_VF_ENROL_HELD,
				   .now = lk_vf_now() };
	enum lk_vf_imported what;
	LK_OWNED_BUF record = LK_BUF_NONE;

	memcpy(im.id, c->id, sizeof(im.id));
	(void)snprintf(im.name, sizeof(im.name), "enrolled-%.16s", c->id);
	im.proof = LK_VF_PROOF_ENROLLED | (c->certified ? LK_VF_PROOF_CERTIFICATE : 0);
	LK_TRY(write_record(c, &record, err));
	im.record = (const char *)record.data;
	/* Its attestation key may be another device's by now: that is a refusal, not a failure. */
	if (lk_vf_device_import(c->e->store, &im, &what, err) == LK_E_REFUSED)
		return lk_err_set(err, LK_E_POLICY, OTHER_KEY,
				  "this attestation key is another device's already");
	return LK_OK;
}

static int keep(struct enrolling *c, struct lk_err *err)
{
	static const char sql[] = "UPDATE devices SET proof = proof | CAST($1 AS bigint) "
				  "WHERE number = $2";
	const struct lk_value args[] = { lk_value_int(LK_VF_PROOF_ENROLLED |
						      (c->certified ? LK_VF_PROOF_CERTIFICATE : 0)),
					 lk_value_int(c->device.number) };

	if (!c->known)
		return take_in(c, err);
	return lk_store_run(c->e->store, &(struct lk_query){ sql, 2, args, NULL, NULL }, NULL, err);
}

static int answer_message(struct enrolling *c, struct lk_enrol_answer *ret, bool *ret_written,
			  struct lk_err *err)
{
	const struct lk_enrol_keys keys = { &c->ek.name, &c->ak.name };
	const uint64_t now = (uint64_t)lk_vf_now();
	uint8_t secret[LK_CREDENTIAL_SECRET_SIZE];

	LK_TRY(read_keys(c, err));
	LK_TRY(find_device(c, err));
	LK_TRY(check_certificate(c, err));
	LK_TRY(check_room(c, err));
	if (!c->req.activated.len) {
		LK_TRY(lk_enrol_secret_make(&c->e->nonces, now, &keys, secret, err));
		LK_TRY(lk_credential_make(&c->ek, &c->ak.name,
					  (struct lk_bytes){ secret, sizeof(secret) },
					  &ret->credential, err));
		ret->has_credential = true;
		return LK_OK;
	}
	LK_TRY(lk_enrol_secret_check(&c->e->nonces, now, &keys, c->req.activated, err));
	LK_TRY(keep(c, err));
	*ret_written = true;
	(void)snprintf(ret->state, sizeof(ret->state), "%s",
		       (c->known ? c->device.held : c->e->mode == LK_VF_ENROL_HELD) ? "held"
										    : "enrolled");
	return LK_OK;
}

static const char *word_of(uint32_t code)
{
	switch (code) {
	case UNKNOWN:
		return LK_VF_REFUSAL_UNKNOWN;
	case RETIRED:
		return LK_VF_REFUSAL_RETIRED;
	case OTHER_KEY:
		return LK_VF_REFUSAL_OTHER_KEY;
	case FULL:
		return "busy";
	default:
		return lk_refusal_word(code);
	}
}

static int refuse_enrolment(int rc, const struct lk_err *why, struct lk_vf_enrolled *ret,
			    struct lk_err *err)
{
	struct lk_attest_answer *a = calloc(1, sizeof(*a));

	if (!a)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory for an answer");
	(void)snprintf(a->error, sizeof(a->error), "%s", word_of(why->code));
	(void)snprintf(a->text, sizeof(a->text), "%.500s", why->msg);
	ret->status = why->code == FULL ? 503 : rc == LK_E_INPUT ? 400 : 403;
	ret->len = lk_attest_answer_write(a, ret->text, sizeof(ret->text));
	free(a);
	return LK_OK;
}

int lk_vf_enrol(const struct lk_vf_enroller *e, uint8_t *text, size_t len,
		struct lk_vf_enrolled *ret, struct lk_err *err)
{
	struct lk_enrol_answer answer = { .has_credential = false };
	struct enrolling c = { .e = e };
	struct lk_err why = { 0 };
	int rc;

	*ret = (struct lk_vf_enrolled){ .status = 200 };
	rc = len > LK_ENROL_TEXT_MAX
		     ? lk_err_set(&why, LK_E_INPUT, LK_REFUSAL_MESSAGE,
				  "the message is longer than %u bytes", LK_ENROL_TEXT_MAX)
		     : lk_enrol_request_read(text, len, &c.req, &why);
	if (rc == LK_OK)
		rc = answer_message(&c, &answer, &ret->written, &why);
	if (rc == LK_E_INPUT || rc == LK_E_POLICY)
		return refuse_enrolment(rc, &why, ret, err);
	if (rc != LK_OK)
		return lk_err_set(err, why.rc, why.code, "%s", why.msg);
	ret->len = lk_enrol_answer_write(&answer, ret->text, sizeof(ret->text));
	return LK_OK;
}
