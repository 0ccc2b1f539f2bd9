/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns a stand-in for sys/tpm/tpm.h. */
#include "sys/tpm/tpm.h"

#include <stdio.h>
#include <string.h>

#include "sys/crypto/crypto.h"
#include "sys/luks/luks.h"
#include "world.h"

struct lk_tpm {
	bool answered;
	const char *kept; /* whose unseal's session is kept */
};

static struct lk_tpm the_tpm;

int lk_tpm_open(const char *tcti, unsigned int timeout_s, struct lk_tpm **ret, struct lk_err *err)
{
	int rc = fake.tpm_rc[fake.tpm_opens ? 1 : 0];

	(void)tcti;
	fake.tpm_opens++;
	fake_event("tpm %s %u", rc == LK_OK ? "open" : "missing", timeout_s);
	if (rc == LK_OK) {
		the_tpm = (struct lk_tpm){ .answered = false };
		*ret = &the_tpm;
		fake.tpms++;
	}
	return fake_result(rc, "connecting to the TPM", err);
}

void lk_tpm_free(struct lk_tpm *tpm)
{
	if (!tpm)
		return;
	fake_event("tpm close");
	fake.tpms--;
}

void lk_tpm_measure_time(struct lk_tpm *tpm, struct lk_timing *timing)
{
	(void)tpm;
	(void)timing;
}

int lk_tpm_forget(struct lk_tpm *tpm, struct lk_err *err)
{
	tpm->kept = NULL;
	fake_event("tpm forget");
	return fake_result(fake.forget_rc, "forgetting", err);
}

bool lk_tpm_answered(const struct lk_tpm *tpm)
{
	return tpm->answered;
}

/* Every result but silence is an answer. */
static int heard(struct lk_tpm *tpm, int rc)
{
	if (rc != LK_E_NO_TPM)
		tpm->answered = true;
	return rc;
}

static struct fake_volume *sealed_at(uint32_t handle)
{
	for (size_t i = 0; i < fake.n_volumes; i++)
		if (fake.volumes[i].handle == handle)
			return &fake.volumes[i];
	return NULL;
}

static int give(const struct fake_volume *v, struct lk_secret *ret, struct lk_err *err)
{
	uint8_t payload[128] = { 0 };
	int rc;

	fake_passphrase(v, payload);
	fake_volume_key(v, true, payload + 64); /* identity: see fake_luks.c */
	rc = lk_secret_from(ret, payload, v->payload_len, err);
	lk_wipe(payload, sizeof(payload));
	return rc;
}

int lk_tpm_unseal(struct lk_tpm *tpm, const struct lk_unseal_request *req,
		  struct lk_secret *ret_secret, struct lk_hints *ret_learned, struct lk_err *err)
{
	struct fake_volume *v = sealed_at(req->sealed.handle);
	unsigned int last = sizeof(v->unseal_rc) / sizeof(v->unseal_rc[0]) - 1;
	int rc;

	if (!v)
		return fake_result(heard(tpm, LK_E_OBJECT), "finding the object", err);
	fake_event("unseal %s%s%s", v->name, req->sealed.serialized_len ? " remembered" : "",
		   req->ticket.len ? " by ticket" : "");
	*ret_learned = (struct lk_hints){ 0 };
	if (!req->ticket.len) {
		ret_learned->policy = req->policy->digest;
		ret_learned->ticket_len = 4;
	}
	rc = heard(tpm, v->unseal_rc[v->unseals < last ? v->unseals : last]);
	v->unseals++;
	if (rc == LK_OK && req->keep_session && !tpm->kept)
		tpm->kept = v->name;
	return rc == LK_OK ? give(v, ret_secret, err) : fake_result(rc, "unsealing", err);
}

int lk_tpm_object_check(struct lk_tpm *tpm, const struct lk_tpm_object *obj, struct lk_err *err)
{
	(void)tpm;
	(void)obj;
	(void)err;
	return LK_OK;
}

int lk_tpm_pcr_read(struct lk_tpm *tpm, const struct lk_pcr_selection *sel,
		    struct lk_pcr_values *ret, struct lk_err *err)
{
	fake_event("pcr read");
	if (heard(tpm, fake.pcr_rc) != LK_OK)
		return fake_result(fake.pcr_rc, "reading PCRs", err);
	*ret = fake.pcrs;
	ret->sel = *sel;
	return LK_OK;
}

static bool is_key_of(const struct fake_volume *v, enum lk_alg alg, const struct lk_digest *have)
{
	struct lk_digest want;
	uint8_t key[64];
	char text[128];
	int n = snprintf(text, sizeof(text), "cryptsetup:%s:%s", v->name, lk_luks_uuid(NULL));

	fake_volume_key(v, true, key);
	return lk_crypto_hmac(alg, (struct lk_bytes){ key, sizeof(key) },
			      (struct lk_bytes){ (const uint8_t *)text, (size_t)n }, &want) &&
	       lk_digest_equal(&want, have);
}

/* A volume's name for its key, or "?"; of every bank the same. */
static const char *meaning(const struct lk_pcr_extension *ext)
{
	const char *first = NULL;

	for (size_t b = 0; b < ext->n; b++) {
		enum lk_alg alg = ext->bank[b].alg;
		const struct lk_digest *digest = &ext->bank[b].digest;
		const char *word = "?";

		for (size_t i = 0; i < fake.n_volumes; i++)
			if (is_key_of(&fake.volumes[i], alg, digest))
				word = fake.volumes[i].name;
		if (first && strcmp(first, word) != 0)
			return "?";
		first = word;
	}
	return first ? first : "?";
}

static int extend_result(void)
{
	fake.extends++;
	if (fake.extend_fails_at && fake.extends != fake.extend_fails_at)
		return LK_OK;
	return fake.extend_rc;
}

int lk_tpm_prove(struct lk_tpm *tpm, const struct lk_tpm_object *root, struct lk_err *err)
{
	if (tpm->kept)
		return LK_OK;
	fake_event("prove 0x%08x", root->handle);
	if (heard(tpm, fake.prove_rc) == LK_OK)
		tpm->kept = "root key";
	return fake_result(fake.prove_rc, "proving", err);
}

int lk_tpm_pcr_event(struct lk_tpm *tpm, unsigned int pcr, struct lk_bytes event,
		     struct lk_err *err)
{
	static const char closed[] = "latchkey:closed";
	bool is_closing =
		event.len == sizeof(closed) - 1 && memcmp(event.data, closed, event.len) == 0;
	int rc = extend_result();

	fake_event("%s %u by %s, %s%s", rc == LK_OK ? "extend" : "not extended", pcr,
		   is_closing ? "closed" : "?", tpm->kept ? "proven by " : "unproven",
		   tpm->kept ? tpm->kept : "");
	tpm->kept = NULL;
	return fake_result(heard(tpm, rc), "extending", err);
}

int lk_tpm_pcr_extend(struct lk_tpm *tpm, const struct lk_pcr_extension *ext, struct lk_err *err)
{
	int rc = extend_result();

	fake_event("%s %u by %s in %zu banks", rc == LK_OK ? "extend" : "not extended", ext->pcr,
		   meaning(ext), ext->n);
	return fake_result(heard(tpm, rc), "extending", err);
}

bool lk_tpm_bank_known_active(const struct lk_tpm *tpm, enum lk_alg alg)
{
	(void)tpm;
	(void)alg;
	return fake.other_bank;
}

int lk_tpm_lockout_read(struct lk_tpm *tpm, struct lk_tpm_lockout *ret, struct lk_err *err)
{
	(void)tpm;
	(void)err;
	fake_event("lockout read");
	*ret = (struct lk_tpm_lockout){ 5, 5, 600 };
	return LK_OK;
}
