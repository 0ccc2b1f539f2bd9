/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading what the device was provisioned with, and counting up its floors. */
#include <string.h>

#include <tss2/tss2_mu.h>

#include "core/policy/policy_digest.h"
#include "sys/crypto/crypto.h"
#include "sys/tpm/tpm_config_private.h"

/* Kinds of resources in what Esys_TR_Serialize writes. */
#define KIND_OBJECT 1u
#define KIND_NV	    2u

void lk_tpm_share_session(struct lk_tpm *tpm)
{
	lk_tpm_shared(tpm)->wanted = true;
}

void lk_config_end(struct lk_config_use *u)
{
	if (!u->shared)
		lk_tpm_handle_flush(&u->session);
	if (u->object != ESYS_TR_NONE)
		(void)Esys_TR_Close(u->esys, &u->object);
	if (!u->shared && u->root != ESYS_TR_NONE)
		(void)Esys_TR_Close(u->esys, &u->root);
}

static int find_config_object(struct lk_tpm *tpm, uint32_t handle, const char *what, ESYS_TR *ret,
			      struct lk_err *err)
{
	TSS2_RC trc = Esys_TR_FromTPMPublic(lk_tpm_esys(tpm), handle, ESYS_TR_NONE, ESYS_TR_NONE,
					    ESYS_TR_NONE, ret);

	if (lk_tpm_rc_base(trc) == TPM2_RC_HANDLE)
		return lk_err_set(
			err, LK_E_OBJECT, trc,
			"the TPM has no %s at 0x%08x: \"latchkey-provision install\" puts it there",
			what, handle);
	return trc == TSS2_RC_SUCCESS ? LK_OK : lk_tpm_error(trc, "reading a public area", err);
}

static int begin_session(struct lk_tpm *tpm, struct lk_config_use *u, struct lk_err *err)
{
	struct lk_tpm_shared *s = lk_tpm_shared(tpm);

	u->shared = s->wanted && s->session != ESYS_TR_NONE;
	if (u->shared) {
		u->root = s->root;
		u->session.tr = s->session;
		return LK_OK;
	}
	LK_TRY(lk_tpm_root_load(tpm, &u->root, err));
	LK_TRY(lk_tpm_session(tpm, u->root, TPM2_SE_HMAC, LK_ALG_SHA256, &u->session, err));
	u->shared = s->wanted;
	if (u->shared) {
		s->root = u->root;
		s->session = u->session.tr;
	}
	return LK_OK;
}

/* One that has seen an error may have lost count with the TPM. */
static void drop_shared(struct lk_tpm *tpm)
{
	struct lk_tpm_shared *s = lk_tpm_shared(tpm);

	if (s->session == ESYS_TR_NONE)
		return;
	(void)Esys_FlushContext(lk_tpm_esys(tpm), s->session);
	(void)Esys_TR_Close(lk_tpm_esys(tpm), &s->root);
	s->root = ESYS_TR_NONE;
	s->session = ESYS_TR_NONE;
}

int lk_config_begin(struct lk_tpm *tpm, uint32_t handle, const char *what,
		    struct lk_config_use *ret, struct lk_err *err)
{
	LK_OWNED_CONFIG_USE u = LK_CONFIG_USE_NONE(tpm);
	int rc;

	u.esys = lk_tpm_esys(tpm);
	u.handle = handle;
	rc = find_config_object(tpm, handle, what, &u.object, err);
	if (rc == LK_OK)
		rc = begin_session(tpm, &u, err);
	if (rc != LK_OK)
		return rc;
	*ret = u;
	u = LK_CONFIG_USE_NONE(tpm);
	return LK_OK;
}

int lk_config_arm(struct lk_config_use *u, TPMA_SESSION want, struct lk_err *err)
{
	TPMA_SESSION got = 0;
	TSS2_RC trc;

	if (u->shared)
		want |= TPMA_SESSION_CONTINUESESSION;
	trc = Esys_TRSess_SetAttributes(u->esys, u->session.tr, want, 0xff);
	if (trc == TSS2_RC_SUCCESS)
		trc = Esys_TRSess_GetAttributes(u->esys, u->session.tr, &got);
	if (trc != TSS2_RC_SUCCESS)
		return lk_tpm_error(trc, "preparing a session", err);
	/* Found before the command is sent, not after. */
	if (got != want)
		return lk_err_set(err, LK_E_SYSTEM, 0, "the session has lost its encryption");
	return LK_OK;
}

void lk_config_disarm(struct lk_config_use *u)
{
	u->session.tr = ESYS_TR_NONE;
}

int lk_config_error(const struct lk_config_use *u, TSS2_RC trc, const char *step,
		    struct lk_err *err)
{
	TSS2_RC base = lk_tpm_rc_base(trc);

	if (u->shared)
		drop_shared(u->tpm);
	if (base == TPM2_RC_BAD_AUTH || base == TPM2_RC_AUTH_FAIL)
		return lk_err_set(
			err, LK_E_OBJECT, trc,
			"%s: 0x%08x wants an authorization, so it isn't what \"latchkey-provision install\" makes",
			step, u->handle);
	return lk_tpm_error(trc, step, err);
}

/*
 * The layout is handle, Name, kind, public area. ESAPI keeps what it has read
 * of a public area, but hands it out in this form alone.
 */
static TSS2_RC find_public(const uint8_t *data, size_t len, uint32_t kind, size_t *ret_offset)
{
	UINT32 word = 0;
	TPM2B_NAME name = { 0 };
	TSS2_RC trc = Tss2_MU_UINT32_Unmarshal(data, len, ret_offset, &word);

	if (trc == TSS2_RC_SUCCESS)
		trc = Tss2_MU_TPM2B_NAME_Unmarshal(data, len, ret_offset, &name);
	if (trc == TSS2_RC_SUCCESS)
		trc = Tss2_MU_UINT32_Unmarshal(data, len, ret_offset, &word);
	return trc == TSS2_RC_SUCCESS && word != kind ? TSS2_ESYS_RC_BAD_VALUE : trc;
}

/** Reads the public area of @u's object into one of @object and @nv; the other is NULL. */
static int read_public(const struct lk_config_use *u, TPM2B_PUBLIC *object, TPM2B_NV_PUBLIC *nv,
		       struct lk_err *err)
{
	uint8_t *data = NULL;
	size_t len = 0;
	size_t offset = 0;
	TSS2_RC trc = Esys_TR_Serialize(u->esys, u->object, &data, &len);

	if (trc == TSS2_RC_SUCCESS)
		trc = find_public(data, len, nv ? KIND_NV : KIND_OBJECT, &offset);
	if (trc == TSS2_RC_SUCCESS && nv)
		trc = Tss2_MU_TPM2B_NV_PUBLIC_Unmarshal(data, len, &offset, nv);
	else if (trc == TSS2_RC_SUCCESS)
		trc = Tss2_MU_TPM2B_PUBLIC_Unmarshal(data, len, &offset, object);
	Esys_Free(data);
	return trc == TSS2_RC_SUCCESS
		       ? LK_OK
		       : lk_tpm_error(trc,
				      nv ? "reading an NV public area" : "reading a public area",
				      err);
}

int lk_config_public(const struct lk_config_use *u, TPM2B_PUBLIC *ret, struct lk_err *err)
{
	return read_public(u, ret, NULL, err);
}

int lk_config_nv_public(const struct lk_config_use *u, TPM2B_NV_PUBLIC *ret, struct lk_err *err)
{
	return read_public(u, NULL, ret, err);
}

static int nv_read(struct lk_config_use *u, uint16_t size, TPM2B_MAX_NV_BUFFER **ret,
		   struct lk_err *err)
{
	TSS2_RC trc = Esys_NV_Read(u->esys, u->object, u->object, u->session.tr, ESYS_TR_NONE,
				   ESYS_TR_NONE, size, 0, ret);

	return trc == TSS2_RC_SUCCESS ? LK_OK : lk_config_error(u, trc, "reading an NV index", err);
}

/** Anything else there could be exchanged, and with it who is believed. */
static int check_policy_key(const struct lk_config_use *u, uint16_t *ret_size, struct lk_err *err)
{
	const uint32_t ours = LK_NV_POLICY_KEY_ATTRIBUTES | LK_NV_WRITTEN | LK_NV_WRITELOCKED;
	TPM2B_NV_PUBLIC pub = { 0 };
	int rc = lk_config_nv_public(u, &pub, err);

	if (rc != LK_OK)
		return rc;
	if (pub.nvPublic.attributes != ours || pub.nvPublic.dataSize > LK_SPKI_MAX)
		return lk_err_set(
			err, LK_E_OBJECT, 0,
			"NV index 0x%08x isn't a policy key that was locked: attributes 0x%08x, not 0x%08x; run \"latchkey-provision install\" to its end",
			LK_NV_POLICY_KEY, pub.nvPublic.attributes, ours);
	*ret_size = pub.nvPublic.dataSize;
	return LK_OK;
}

int lk_tpm_policy_key(struct lk_tpm *tpm, struct lk_policy_key *ret, struct lk_err *err)
{
	LK_OWNED_CONFIG_USE u = LK_CONFIG_USE_NONE(tpm);
	TPM2B_MAX_NV_BUFFER *data = NULL;
	uint16_t size = 0;
	int rc = lk_config_begin(tpm, LK_NV_POLICY_KEY, "policy key", &u, err);

	if (rc == LK_OK)
		rc = check_policy_key(&u, &size, err);
	if (rc == LK_OK)
		rc = lk_config_arm(&u, TPMA_SESSION_ENCRYPT, err);
	if (rc == LK_OK)
		rc = nv_read(&u, size, &data, err);
	if (rc != LK_OK)
		return rc;
	lk_config_disarm(&u);
	rc = lk_policy_key_from_spki(data->buffer, data->size, ret, err);
	Esys_Free(data);
	if (rc == LK_OK)
		return LK_OK;
	lk_err_prefix(err, "the policy key at NV index 0x%08x", LK_NV_POLICY_KEY);
	return LK_E_OBJECT;
}

int lk_tpm_root_name(struct lk_tpm *tpm, struct lk_name *ret, struct lk_err *err)
{
	ESYS_CONTEXT *esys = lk_tpm_esys(tpm);
	TPM2B_NAME *name = NULL;
	ESYS_TR root = lk_tpm_shared(tpm)->root;
	bool known = root != ESYS_TR_NONE;
	TSS2_RC trc;
	int rc = known ? LK_OK : lk_tpm_root_load(tpm, &root, err);

	if (rc != LK_OK)
		return rc;
	trc = Esys_TR_GetName(esys, root, &name);
	if (!known)
		(void)Esys_TR_Close(esys, &root);
	if (trc != TSS2_RC_SUCCESS)
		return lk_tpm_error(trc, "reading a Name", err);
	if (name->size <= sizeof(ret->data)) {
		ret->len = name->size;
		memcpy(ret->data, name->name, name->size);
	} else {
		rc = lk_err_set(err, LK_E_OBJECT, 0, "a Name of %u bytes isn't one of ours",
				name->size);
	}
	Esys_Free(name);
	return rc;
}

static int check_counter(const struct lk_config_use *u, struct lk_err *err)
{
	TPM2B_NAME *name = NULL;
	struct lk_name ours;
	bool same;
	TSS2_RC trc = Esys_TR_GetName(u->esys, u->object, &name);

	if (trc != TSS2_RC_SUCCESS)
		return lk_tpm_error(trc, "reading a Name", err);
	same = lk_floor_name(u->handle, lk_crypto_hash, &ours) == LK_OK && name->size == ours.len &&
	       memcmp(name->name, ours.data, ours.len) == 0;
	Esys_Free(name);
	if (same)
		return LK_OK;
	return lk_err_set(
		err, LK_E_OBJECT, 0,
		"NV index 0x%08x isn't the counter that \"latchkey-provision install\" makes",
		u->handle);
}

static int counter_read(struct lk_config_use *u, TPMA_SESSION attributes, uint64_t *ret,
			struct lk_err *err)
{
	TPM2B_MAX_NV_BUFFER *data = NULL;
	struct lk_reader r;
	uint64_t value;
	int rc = lk_config_arm(u, attributes, err);

	if (rc == LK_OK)
		rc = nv_read(u, 8, &data, err);
	if (rc != LK_OK)
		return rc;
	r = lk_reader_init(data->buffer, data->size);
	value = lk_read_be64(&r);
	Esys_Free(data);
	if (!lk_reader_done(&r))
		return lk_err_set(err, LK_E_OBJECT, 0, "NV index 0x%08x isn't a counter",
				  u->handle);
	*ret = value;
	return LK_OK;
}

int lk_tpm_floor_read(struct lk_tpm *tpm, uint32_t nv_index, uint64_t *ret, struct lk_err *err)
{
	LK_OWNED_CONFIG_USE u = LK_CONFIG_USE_NONE(tpm);

	LK_TRY(lk_config_begin(tpm, nv_index, "counter", &u, err));
	LK_TRY(check_counter(&u, err));
	LK_TRY(counter_read(&u, TPMA_SESSION_ENCRYPT, ret, err));
	lk_config_disarm(&u);
	return LK_OK;
}

static int counter_increment(struct lk_config_use *u, uint64_t at, struct lk_err *err)
{
	TSS2_RC trc = Esys_NV_Increment(u->esys, u->object, u->object, u->session.tr, ESYS_TR_NONE,
					ESYS_TR_NONE);
	int rc;

	if (trc == TSS2_RC_SUCCESS)
		return LK_OK;
	rc = lk_config_error(u, trc, "counting up", err);
	lk_err_prefix(err, "NV index 0x%08x stands at %llu", u->handle, (unsigned long long)at);
	return rc;
}

int lk_tpm_counter_raise(struct lk_tpm *tpm, uint32_t nv_index, uint64_t to, struct lk_err *err)
{
	LK_OWNED_CONFIG_USE u = LK_CONFIG_USE_NONE(tpm);
	const TPMA_SESSION more = TPMA_SESSION_CONTINUESESSION;
	uint64_t value = 0;
	uint64_t at;
	int rc = lk_config_begin(tpm, nv_index, "counter", &u, err);

	if (rc == LK_OK)
		rc = check_counter(&u, err);
	if (rc == LK_OK)
		rc = counter_read(&u, more | TPMA_SESSION_ENCRYPT, &value, err);
	if (rc != LK_OK || value >= to)
		return rc;
	rc = lk_config_arm(&u, more, err);
	for (at = value; rc == LK_OK && at < to; at++)
		rc = counter_increment(&u, at, err);
	if (rc == LK_OK)
		rc = counter_read(&u, TPMA_SESSION_ENCRYPT, &value, err);
	if (rc != LK_OK)
		return rc;
	lk_config_disarm(&u);
	if (value < to)
		return lk_err_set(err, LK_E_SYSTEM, 0,
				  "NV index 0x%08x stands at %llu after it was counted up to %llu",
				  nv_index, (unsigned long long)value, (unsigned long long)to);
	return LK_OK;
}
