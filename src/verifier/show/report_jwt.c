/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reports that others' machines can check: attestation results (draft-ietf-rats-ear), signed with the verifier's key. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verifier/show/report.h"
#include "sys/os/secret.h"
#include "sys/crypto/crypto.h"
#include "verifier/device/words.h"

#define PROFILE "tag:github.com,2023:veraison/ear"

/* base64url without its padding (RFC 7515, 2); @out: 4/3 of it and 4 more. */
static size_t base64url(struct lk_bytes bytes, char *out)
{
	size_t len = LK_BASE64_SIZE(bytes.len);

	lk_base64_encode(bytes.data, bytes.len, out);
	while (len && out[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++) {
		if (out[i] == '+')
			out[i] = '-';
		else if (out[i] == '/')
			out[i] = '_';
	}
	out[len] = '\0';
	return len;
}

/* What a key is called: its thumbprint (RFC 7638). */
struct key_texts {
	const char *curve;
	char x[72], y[72], kid[48];
};

static int describe(const struct lk_jws_key *key, struct key_texts *ret, struct lk_err *err)
{
	const struct lk_policy_key *public = lk_jws_key_public(key);
	size_t size = lk_curve_size(public->curve);
	char text[256];
	struct lk_digest digest;
	int n;

	ret->curve = size == 32 ? "P-256" : "P-384";
	(void)base64url((struct lk_bytes){ public->x, size }, ret->x);
	(void)base64url((struct lk_bytes){ public->y, size }, ret->y);
	n = snprintf(text, sizeof(text),
		     "{\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", ret->curve,
		     ret->x, ret->y);
	const struct lk_bytes part = { (const uint8_t *)text, (size_t)n };

	if (!lk_crypto_hash(LK_ALG_SHA256, &part, 1, &digest))
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	(void)base64url((struct lk_bytes){ digest.data, digest.len }, ret->kid);
	return LK_OK;
}

int lk_vf_report_jwk(const struct lk_jws_key *key, struct lk_json *into, struct lk_err *err)
{
	struct key_texts t;

	LK_TRY(describe(key, &t, err));
	lk_json_set_text(into, "kty", "EC");
	lk_json_set_text(into, "crv", t.curve);
	lk_json_set_text(into, "x", t.x);
	lk_json_set_text(into, "y", t.y);
	lk_json_set_text(into, "use", "sig");
	lk_json_set_text(into, "alg", lk_jws_key_alg(key));
	lk_json_set_text(into, "kid", t.kid);
	return LK_OK;
}

/* What an appraisal is called there. */
static const char *status_of(const struct lk_vf_device *d)
{
	static const char *const words[] = { "affirming", "warning", "contraindicated" };

	return d->retired || d->verdict < 0 ? "none" : words[d->verdict];
}

struct listing {
	const struct lk_vf_report *r;
	struct lk_json *submods;
	int64_t n;
};

static int add_device(void *ctx, const struct lk_vf_device *d, struct lk_err *err)
{
	struct listing *l = ctx;
	struct lk_json *one;

	if (l->n++ >= l->r->limit)
		return lk_err_set(err, LK_E_REFUSED, 0,
				  "there are more devices than a report of this way may have");
	one = lk_json_set_object(l->submods, d->id);
	lk_json_set_text(one, "ear.status", status_of(d));
	lk_json_set_text(one, "ear.appraisal-policy-id", d->flavor);
	lk_json_set_text(one, "latchkey.name", d->name);
	lk_json_set_text(one, "latchkey.verdict", lk_vf_verdict_word(d->verdict));
	if (d->seen) {
		lk_json_set_uint(one, "latchkey.boot", (uint64_t)d->boot);
		lk_json_set_uint(one, "latchkey.seen", (uint64_t)(d->seen / 1000));
		lk_json_set_uint(one, "latchkey.since", (uint64_t)(d->changed / 1000));
		lk_json_set_bool(one, "latchkey.overdue", d->seen < l->r->overdue_before);
	}
	return LK_OK;
}

static int write_claims(const struct lk_vf_report *r, struct lk_json *claims, struct lk_err *err)
{
	const struct lk_vf_filter all = { .text = "",
					  .verdict = LK_VF_ANY_VERDICT,
					  .limit = INT64_MAX };
	struct lk_json *verifier;
	struct listing l = { .r = r };

	lk_json_set_text(claims, "eat_profile", PROFILE);
	lk_json_set_uint(claims, "iat", (uint64_t)(lk_vf_now() / 1000));
	verifier = lk_json_set_object(claims, "ear.verifier-id");
	lk_json_set_text(verifier, "developer", "Latchkey");
	lk_json_set_text(verifier, "build", "latchkey-verifier " LK_VERSION);
	l.submods = lk_json_set_object(claims, "submods");
	if (r->one)
		return add_device(&l, r->one, err);
	return lk_vf_device_list(r->store, &all, add_device, &l, err);
}

static int write_header(const struct lk_jws_key *key, struct lk_json *header, struct lk_err *err)
{
	struct key_texts t;

	LK_TRY(describe(key, &t, err));
	lk_json_set_text(header, "alg", lk_jws_key_alg(key));
	lk_json_set_text(header, "typ", "JWT");
	lk_json_set_text(header, "kid", t.kid);
	return LK_OK;
}

int lk_vf_report_jwt(const struct lk_vf_report *r, const struct lk_jws_key *key, struct lk_buf *ret,
		     struct lk_err *err)
{
	LK_OWNED_JSON header = lk_json_object();
	LK_OWNED_JSON claims = lk_json_object();
	LK_OWNED_BUF h = LK_BUF_NONE, c = LK_BUF_NONE;
	uint8_t signature[2 * LK_COORD_MAX];
	size_t len = 0, signature_len;
	char *text;
	int rc;

	LK_TRY(write_header(key, header, err));
	LK_TRY(write_claims(r, claims, err));
	LK_TRY(lk_json_write(header, &h, err));
	LK_TRY(lk_json_write(claims, &c, err));
	text = malloc(LK_BASE64_SIZE(h.len) + LK_BASE64_SIZE(c.len) + 256);
	if (!text)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory for the report");
	len = base64url((struct lk_bytes){ h.data, h.len }, text);
	text[len++] = '.';
	len += base64url((struct lk_bytes){ c.data, c.len }, text + len);
	rc = lk_jws_sign(key, (struct lk_bytes){ (const uint8_t *)text, len }, signature,
			 &signature_len, err);
	if (rc != LK_OK) {
		free(text);
		return rc;
	}
	text[len++] = '.';
	len += base64url((struct lk_bytes){ signature, signature_len }, text + len);
	*ret = (struct lk_buf){ (uint8_t *)text, len };
	return LK_OK;
}
