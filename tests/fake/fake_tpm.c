/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns a stand-in for sys/tpm.h. */
#include "sys/tpm.h"

#include <stdio.h>
#include <string.h>

#include "sys/luks.h"
#include "world.h"

struct lk_tpm {
	int unused;
};

static struct lk_tpm the_tpm;

int lk_tpm_open(const char *tcti, unsigned int timeout_s, struct lk_tpm **ret,
		struct lk_err *err)
{
	(void)tcti;
	(void)timeout_s;
	fake_event("tpm open");
	if (fake.tpm_rc == LK_OK)
		*ret = &the_tpm;
	return fake_result(fake.tpm_rc, "connecting to the TPM", err);
}

void lk_tpm_free(struct lk_tpm *tpm)
{
	if (tpm)
		fake_event("tpm close");
}

int lk_tpm_forget(struct lk_tpm *tpm, struct lk_err *err)
{
	(void)tpm;
	(void)err;
	fake_event("tpm forget");
	return LK_OK;
}

static struct fake_volume *sealed_at(uint32_t handle)
{
	for (size_t i = 0; i < fake.n_volumes; i++)
		if (fake.volumes[i].handle == handle)
			return &fake.volumes[i];
	return NULL;
}

static int give(const struct fake_volume *v, struct lk_secret *ret,
		struct lk_err *err)
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
		  struct lk_secret *ret_secret, struct lk_err *err)
{
	struct fake_volume *v = sealed_at(req->sealed.handle);
	unsigned int last = sizeof(v->unseal_rc) / sizeof(v->unseal_rc[0]) - 1;
	int rc;

	(void)tpm;
	if (!v)
		return fake_result(LK_E_OBJECT, "finding the object", err);
	fake_event("unseal %s%s", v->name,
		   req->sealed.serialized_len ? " remembered" : "");
	rc = v->unseal_rc[v->unseals < last ? v->unseals : last];
	v->unseals++;
	return rc == LK_OK ? give(v, ret_secret, err)
			   : fake_result(rc, "unsealing", err);
}

int lk_tpm_pcr_read(struct lk_tpm *tpm, const struct lk_pcr_selection *sel,
		    struct lk_pcr_values *ret, struct lk_err *err)
{
	(void)tpm;
	(void)err;
	fake_event("pcr read");
	*ret = fake.pcrs;
	ret->sel = *sel;
	return LK_OK;
}

int lk_tpm_pcr_extend(struct lk_tpm *tpm, const struct lk_pcr_extension *ext,
		      struct lk_err *err)
{
	(void)tpm;
	fake_event("latch %u in %zu banks", ext->pcr, ext->n);
	fake.extends++;
	if (fake.extend_fails_at && fake.extends != fake.extend_fails_at)
		return LK_OK;
	return fake_result(fake.extend_rc, "extending", err);
}

bool lk_tpm_bank_known_active(const struct lk_tpm *tpm, enum lk_alg alg)
{
	(void)tpm;
	(void)alg;
	return fake.other_bank;
}

int lk_tpm_lockout_read(struct lk_tpm *tpm, struct lk_tpm_lockout *ret,
			struct lk_err *err)
{
	(void)tpm;
	(void)err;
	fake_event("lockout read");
	*ret = (struct lk_tpm_lockout){ 5, 5, 600 };
	return LK_OK;
}
