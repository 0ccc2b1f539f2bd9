/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the messages of enrolment, and the secret that a credential holds. */
#include "core/attest/enrol.h"

#include <string.h>

#include "core/attest/refusal.h"
#include "core/base/json_read.h"
#include "core/base/json_text.h"

#define MAC_SIZE (LK_CREDENTIAL_SECRET_SIZE - 8u)

static int read_fields(struct lk_bytes text, bool strict, struct lk_json_field *fields, size_t n,
		       struct lk_err *err)
{
	int rc = lk_json_read(text, strict, fields, n, err);

	if (rc != LK_OK && err)
		err->code = LK_REFUSAL_MESSAGE;
	return rc;
}

/* Over itself, as in lk_attest_request_read(). */
static int decode(uint8_t *text, const struct lk_json_field *f, struct lk_bytes *ret,
		  struct lk_err *err)
{
	uint8_t *place = f->present ? text + (f->text.data - text) : NULL;
	size_t len = 0;

	*ret = (struct lk_bytes){ NULL, 0 };
	if (!f->present)
		return LK_OK;
	if (!f->text.len || memchr(f->text.data, '\n', f->text.len) ||
	    !lk_base64_decode((const char *)f->text.data, f->text.len, place, f->text.len, &len))
		return lk_err_set(err, LK_E_INPUT, LK_REFUSAL_MESSAGE,
				  "%s: it isn't base64 in one line", f->key);
	*ret = (struct lk_bytes){ place, len };
	return LK_OK;
}

int lk_enrol_request_read(uint8_t *text, size_t len, struct lk_enrol_request *ret,
			  struct lk_err *err)
{
	struct lk_enrol_request r = { .ek = { NULL, 0 } };
	struct lk_json_field f[] = {
		{ .key = "ek", .max = LK_BASE64_SIZE(LK_EK_AREA_MAX) },
		{ .key = "ak", .max = LK_BASE64_SIZE(LK_TPMT_PUBLIC_MAX) },
		{ .key = "ek-certificate",
		  .max = LK_BASE64_SIZE(LK_EK_CERTIFICATE_MAX),
		  .optional = true },
		{ .key = "chain", .max = LK_BASE64_SIZE(LK_EK_CHAIN_BYTES_MAX), .optional = true },
		{ .key = "activated",
		  .max = LK_BASE64_SIZE(LK_CREDENTIAL_SECRET_SIZE),
		  .optional = true },
	};

	LK_TRY(read_fields((struct lk_bytes){ text, len }, true, f, 5, err));
	LK_TRY(decode(text, &f[0], &r.ek, err));
	LK_TRY(decode(text, &f[1], &r.ak, err));
	LK_TRY(decode(text, &f[2], &r.certificate, err));
	LK_TRY(decode(text, &f[3], &r.chain, err));
	LK_TRY(decode(text, &f[4], &r.activated, err));
	*ret = r;
	return LK_OK;
}

static void put_bytes(struct lk_json_text *j, const char *key, struct lk_bytes bytes)
{
	if (bytes.len)
		lk_json_text_base64(j, key, bytes);
}

size_t lk_enrol_request_write(const struct lk_enrol_request *r, char *out, size_t cap)
{
	struct lk_json_text j = { .data = out, .cap = cap };

	lk_json_text_open(&j, NULL, '{');
	put_bytes(&j, "ek", r->ek);
	put_bytes(&j, "ak", r->ak);
	put_bytes(&j, "ek-certificate", r->certificate);
	put_bytes(&j, "chain", r->chain);
	put_bytes(&j, "activated", r->activated);
	lk_json_text_close(&j, '}');
	return j.full ? 0 : j.len;
}

size_t lk_enrol_answer_write(const struct lk_enrol_answer *a, char *out, size_t cap)
{
	struct lk_json_text j = { .data = out, .cap = cap };

	lk_json_text_open(&j, NULL, '{');
	if (a->has_credential) {
		put_bytes(&j, "credential",
			  (struct lk_bytes){ a->credential.blob, a->credential.blob_len });
		put_bytes(&j, "secret",
			  (struct lk_bytes){ a->credential.secret, a->credential.secret_len });
	}
	if (a->state[0])
		lk_json_text_string(&j, "state", a->state);
	lk_json_text_close(&j, '}');
	return j.full ? 0 : j.len;
}

int lk_enrol_answer_read(uint8_t *text, size_t len, struct lk_enrol_answer *ret, struct lk_err *err)
{
	struct lk_enrol_answer a = { .has_credential = false };
	struct lk_json_field f[] = {
		{ .key = "credential",
		  .max = LK_BASE64_SIZE(LK_CREDENTIAL_BLOB_MAX),
		  .optional = true },
		{ .key = "secret", .max = LK_BASE64_SIZE(LK_EK_MODULUS_MAX), .optional = true },
		{ .key = "state", .max = sizeof(a.state) - 1, .optional = true },
	};
	struct lk_bytes blob, secret;

	LK_TRY(read_fields((struct lk_bytes){ text, len }, false, f, 3, err));
	LK_TRY(decode(text, &f[0], &blob, err));
	LK_TRY(decode(text, &f[1], &secret, err));
	if (blob.len > sizeof(a.credential.blob) || secret.len > sizeof(a.credential.secret) ||
	    !blob.len != !secret.len)
		return lk_err_set(err, LK_E_INPUT, LK_REFUSAL_MESSAGE,
				  "credential and secret belong together, and are short");
	a.has_credential = blob.len > 0;
	a.credential.blob_len = blob.len;
	a.credential.secret_len = secret.len;
	if (blob.len) {
		memcpy(a.credential.blob, blob.data, blob.len);
		memcpy(a.credential.secret, secret.data, secret.len);
	}
	if (f[2].present)
		memcpy(a.state, f[2].text.data, f[2].text.len);
	*ret = a;
	return LK_OK;
}

/* The tag keeps the key's other uses apart. */
static bool mac(const struct lk_nonce_maker *maker, const struct lk_enrol_keys *keys,
		const uint8_t *time, uint8_t ret[static MAC_SIZE])
{
	static const char tag[16] = "latchkey-enrol-1";
	uint8_t data[sizeof(tag) + 8 + 2 * (2 + LK_NAME_MAX)];
	struct lk_writer w = lk_writer_init(data, sizeof(data));
	struct lk_digest digest;

	lk_write_bytes(&w, tag, sizeof(tag));
	lk_write_bytes(&w, time, 8);
	lk_write_be16(&w, keys->ek->len);
	lk_write_bytes(&w, keys->ek->data, keys->ek->len);
	lk_write_be16(&w, keys->ak->len);
	lk_write_bytes(&w, keys->ak->data, keys->ak->len);
	if (w.failed ||
	    !maker->hmac(LK_ALG_SHA256, maker->key, (struct lk_bytes){ data, w.len }, &digest))
		return false;
	memcpy(ret, digest.data, MAC_SIZE);
	return true;
}

int lk_enrol_secret_make(const struct lk_nonce_maker *maker, uint64_t now_ms,
			 const struct lk_enrol_keys *keys,
			 uint8_t ret[static LK_CREDENTIAL_SECRET_SIZE], struct lk_err *err)
{
	struct lk_writer w = lk_writer_init(ret, LK_CREDENTIAL_SECRET_SIZE);

	lk_write_be64(&w, now_ms);
	if (!mac(maker, keys, ret, ret + 8))
		return lk_err_set(err, LK_E_SYSTEM, 0, "a credential can't be made: HMAC failed");
	return LK_OK;
}

/* Takes as long for any two. */
static bool same_mac(const uint8_t *a, const uint8_t *b)
{
	uint8_t differ = 0;

	for (size_t i = 0; i < MAC_SIZE; i++)
		differ |= a[i] ^ b[i];
	return differ == 0;
}

int lk_enrol_secret_check(const struct lk_nonce_maker *maker, uint64_t now_ms,
			  const struct lk_enrol_keys *keys, struct lk_bytes secret,
			  struct lk_err *err)
{
	struct lk_reader r = lk_reader_init(secret.data, secret.len);
	uint64_t given = lk_read_be64(&r);
	uint8_t own[MAC_SIZE];

	if (secret.len == LK_CREDENTIAL_SECRET_SIZE && !mac(maker, keys, secret.data, own))
		return lk_err_set(err, LK_E_SYSTEM, 0,
				  "a credential can't be checked: HMAC failed");
	if (secret.len != LK_CREDENTIAL_SECRET_SIZE || !same_mac(own, secret.data + 8))
		return lk_err_set(
			err, LK_E_POLICY, LK_REFUSAL_CREDENTIAL,
			"what was activated isn't what this server's credential for these two keys held");
	if (given > now_ms ? given - now_ms > LK_NONCE_AHEAD_MS
			   : now_ms - given > LK_CREDENTIAL_LIFE_MS)
		return lk_err_set(err, LK_E_POLICY, LK_REFUSAL_CREDENTIAL_OLD,
				  "the credential was made more than %u seconds ago: enrol again",
				  LK_CREDENTIAL_LIFE_MS / 1000u);
	return LK_OK;
}
