/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the part of a device's page that says who it is: its keys, its TPM, its certificate. */
#include <stdio.h>
#include <string.h>

#include "core/attest/attest_key.h"
#include "verifier/device/history.h"
#include "verifier/show/page.h"
#include "sys/crypto/crypto.h"
#include "sys/crypto/crypto_ca.h"
#include "sys/crypto/crypto_cert_text.h"
#include "verifier/device/device.h"

static int take_record(void *ctx, const struct lk_value *c, struct lk_err *err)
{
	/* What isn't JSON wasn't imported; an enrolled device may have none. */
	if (c[0].bytes.len)
		return lk_json_parse((const char *)c[0].bytes.data, c[0].bytes.len, ctx, err);
	return LK_OK;
}

static int read_record(struct lk_store *s, const struct lk_vf_device *d, struct lk_json **ret,
		       struct lk_err *err)
{
	static const char sql[] = "SELECT record FROM devices WHERE number = $1";
	const struct lk_value args[] = { lk_value_int(d->number) };
	struct lk_err why = { 0 };
	int rc = lk_store_run(s, &(struct lk_query){ sql, 1, args, take_record, ret }, NULL, &why);

	if (rc == LK_E_INPUT)
		return LK_OK;
	return rc == LK_OK ? rc : lk_err_set(err, rc, why.code, "%s", why.msg);
}

static void add_text(struct lk_page *p, const char *what, const char *text)
{
	if (!text || !text[0])
		return;
	lk_page_fact(p, what);
	lk_page_text(p, text);
	lk_page_fact_end(p);
}

static void add_certificate(struct lk_page *p, const struct lk_json *ek)
{
	const char *pem = lk_json_get_text(ek, "certificate");
	const struct lk_bytes bytes = { (const uint8_t *)pem, pem ? strlen(pem) : 0 };
	char fingerprint[LK_FINGERPRINT_TEXT];
	struct lk_certificate_facts f;

	if (!pem) {
		add_text(p, "Certificate", "none came with its endorsement key");
		return;
	}
	if (!lk_crypto_certificate_facts(bytes, &f)) {
		add_text(p, "Certificate", "there is one, and it can't be read");
		return;
	}
	add_text(p, "Certificate's subject", f.subject);
	add_text(p, "Its other names", f.names);
	add_text(p, "Issued by", f.issuer);
	add_text(p, "Serial number", f.serial);
	add_text(p, "Not before", f.from);
	add_text(p, "Not after", f.to);
	add_text(p, "Its key", f.key);
	if (lk_crypto_fingerprint(bytes, fingerprint, NULL) == LK_OK)
		add_text(p, "SHA-256 fingerprint", fingerprint);
	if (lk_json_has(ek, "certificate-checked"))
		add_text(p, "Checked at installation",
			 lk_json_is_true(ek, "certificate-checked") ? "yes, against a CA file"
								    : "no");
}

static void add_key(struct lk_page *p, const struct lk_vf_device *d)
{
	struct lk_attest_key key;

	if (lk_attest_key_parse((struct lk_bytes){ d->ak, d->ak_len }, lk_crypto_hash, &key,
				NULL) != LK_OK)
		return;
	lk_page_fact(p, "Attestation key's Name");
	lk_page_hex(p, (struct lk_bytes){ key.name.data, key.name.len });
	lk_page_fact_end(p);
}

int lk_page_add_identity(struct lk_page *p, struct lk_store *s, const struct lk_vf_device *d,
			 struct lk_err *err)
{
	LK_OWNED_JSON record = NULL;
	const struct lk_json *tpm;

	LK_TRY(read_record(s, d, &record, err));
	tpm = lk_json_get(record, "tpm");
	lk_page_add(p, "<h2>Identity</h2><dl>");
	lk_page_fact(p, "Identity");
	lk_page_add(p, "<code>%s</code>", d->id);
	lk_page_fact_end(p);
	add_key(p, d);
	add_text(p, "Record",
		 d->proof & LK_VF_PROOF_RECORD ? "signed by the attestation key" : "not proven");
	add_text(p, "TPM's maker", lk_json_get_text(tpm, "vendor"));
	add_text(p, "TPM's model", lk_json_get_text(tpm, "vendor-string"));
	add_text(p, "TPM's firmware", lk_json_get_text(tpm, "firmware"));
	add_certificate(p, lk_json_get(record, "ek"));
	lk_page_add(p, "</dl>\n");
	return LK_OK;
}
