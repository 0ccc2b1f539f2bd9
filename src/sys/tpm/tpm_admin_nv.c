/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the NV indices that provisioning makes: the policy key and the counters. */
#include <stdlib.h>
#include <string.h>

#include <tss2/tss2_mu.h>

#include "core/policy/policy_digest.h"
#include "sys/tpm/tpm_admin_private.h"

#define NV_CHUNK    512u /* TPM2_PT_NV_BUFFER_MAX is at least that */
#define NV_SIZE_MAX 8192u

static int take_name(const TPM2B_NAME *name, struct lk_name *ret, struct lk_err *err)
{
	if (name->size > sizeof(ret->data))
		return lk_err_set(err, LK_E_OBJECT, 0, "a Name of %u bytes isn't one of ours",
				  name->size);
	ret->len = name->size;
	memcpy(ret->data, name->name, name->size);
	return LK_OK;
}

int lk_tpm_nv_read_public(struct lk_tpm *tpm, uint32_t index, struct lk_nv_public *ret,
			  struct lk_err *err)
{
	TPM2B_NV_PUBLIC *pub = NULL;
	TPM2B_NAME *name = NULL;
	struct lk_nv_public out = { 0 };
	ESYS_TR tr;
	TSS2_RC trc;
	int rc = lk_admin_handle_exists(tpm, index, &out.present, err);

	if (rc != LK_OK)
		return rc;
	if (!out.present) {
		*ret = out;
		return LK_OK;
	}
	rc = lk_admin_handle(tpm, index, &tr, err);
	if (rc != LK_OK)
		return rc;
	trc = Esys_NV_ReadPublic(lk_tpm_esys(tpm), tr, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				 &pub, &name);
	Esys_TR_Close(lk_tpm_esys(tpm), &tr);
	if (trc != TSS2_RC_SUCCESS)
		return lk_tpm_error(trc, "reading an NV public area", err);
	out.attributes = pub->nvPublic.attributes;
	out.size = pub->nvPublic.dataSize;
	out.has_policy = pub->nvPublic.authPolicy.size != 0;
	rc = take_name(name, &out.name, err);
	Esys_Free(pub);
	Esys_Free(name);
	if (rc == LK_OK)
		*ret = out;
	return rc;
}

static int nv_read_chunk(struct lk_admin *a, ESYS_TR nv, ESYS_TR auth, struct lk_buf *out,
			 size_t size)
{
	size_t want = size - out->len < NV_CHUNK ? size - out->len : NV_CHUNK;
	TPM2B_MAX_NV_BUFFER *data = NULL;
	TSS2_RC trc = Esys_NV_Read(a->esys, auth, nv, a->session.tr, ESYS_TR_NONE, ESYS_TR_NONE,
				   (UINT16)want, (UINT16)out->len, &data);

	if (trc != TSS2_RC_SUCCESS)
		return (int)trc;
	if (data->size > 0 && data->size <= want) {
		memcpy(out->data + out->len, data->buffer, data->size);
		out->len += data->size;
	}
	want = data->size;
	Esys_Free(data);
	return want ? TSS2_RC_SUCCESS : (int)TSS2_ESYS_RC_GENERAL_FAILURE;
}

int lk_tpm_nv_read(struct lk_tpm *tpm, uint32_t index, struct lk_buf *ret, struct lk_err *err)
{
	LK_OWNED_ADMIN a = LK_ADMIN_NONE(tpm);
	LK_OWNED_BUF out = LK_BUF_NONE;
	struct lk_nv_public pub;
	ESYS_TR nv;
	ESYS_TR auth;
	int trc = TSS2_RC_SUCCESS;
	int rc = lk_tpm_nv_read_public(tpm, index, &pub, err);

	if (rc == LK_OK && (!pub.present || pub.size > NV_SIZE_MAX))
		rc = lk_err_set(err, LK_E_OBJECT, 0, "NV index 0x%08x isn't there", index);
	if (rc == LK_OK)
		rc = lk_admin_begin(tpm, 0, &a, err);
	if (rc == LK_OK)
		rc = lk_admin_handle(tpm, index, &nv, err);
	if (rc != LK_OK)
		return rc;
	out.data = calloc(1, pub.size + 1u);
	if (!out.data)
		trc = (int)TSS2_ESYS_RC_MEMORY;
	/* Its authorization may not be the empty one: where a failure would
	 * count, the owner reads it, whose failures don't. */
	auth = ESYS_TR_RH_OWNER;
	if (pub.attributes & TPMA_NV_AUTHREAD &&
	    (pub.attributes & TPMA_NV_NO_DA || !(pub.attributes & TPMA_NV_OWNERREAD)))
		auth = nv;
	while (trc == TSS2_RC_SUCCESS && out.len < pub.size)
		trc = nv_read_chunk(&a, nv, auth, &out, pub.size);
	Esys_TR_Close(a.esys, &nv);
	if (trc != TSS2_RC_SUCCESS)
		return lk_tpm_error((TSS2_RC)trc, "reading an NV index", err);
	*ret = out;
	out = LK_BUF_NONE;
	return LK_OK;
}

/** The session and the index's handle, for one command. */
struct nv_command {
	struct lk_tpm *tpm;
	uint32_t index;
	TPMA_SESSION encrypt; /* as lk_admin_begin() wants it */
};

static int nv_begin(const struct nv_command *c, struct lk_admin *a, ESYS_TR *ret_nv,
		    struct lk_err *err)
{
	LK_TRY(lk_admin_begin(c->tpm, c->encrypt, a, err));
	return lk_admin_handle(c->tpm, c->index, ret_nv, err);
}

static int nv_define(struct lk_tpm *tpm, const TPMS_NV_PUBLIC *pub, struct lk_err *err)
{
	LK_OWNED_ADMIN a = LK_ADMIN_NONE(tpm);
	const TPM2B_NV_PUBLIC wire = { .nvPublic = *pub };
	const TPM2B_AUTH empty = { 0 };
	ESYS_TR nv = ESYS_TR_NONE;
	TSS2_RC trc;
	int rc = lk_admin_begin(tpm, TPMA_SESSION_DECRYPT, &a, err);

	if (rc != LK_OK)
		return rc;
	trc = Esys_NV_DefineSpace(a.esys, ESYS_TR_RH_OWNER, a.session.tr, ESYS_TR_NONE,
				  ESYS_TR_NONE, &empty, &wire, &nv);
	if (trc != TSS2_RC_SUCCESS)
		return lk_tpm_error(trc, "defining an NV index", err);
	Esys_TR_Close(a.esys, &nv);
	return LK_OK;
}

int lk_tpm_nv_undefine(struct lk_tpm *tpm, uint32_t index, struct lk_err *err)
{
	LK_OWNED_ADMIN a = LK_ADMIN_NONE(tpm);
	bool present = false;
	ESYS_TR nv;
	TSS2_RC trc;
	int rc = lk_admin_handle_exists(tpm, index, &present, err);

	if (rc != LK_OK || !present)
		return rc;
	LK_TRY(nv_begin(&(struct nv_command){ tpm, index, 0 }, &a, &nv, err));
	trc = Esys_NV_UndefineSpace(a.esys, ESYS_TR_RH_OWNER, nv, a.session.tr, ESYS_TR_NONE,
				    ESYS_TR_NONE);
	return trc == TSS2_RC_SUCCESS ? LK_OK : lk_tpm_error(trc, "removing an NV index", err);
}

static int nv_write(struct lk_tpm *tpm, uint32_t index, struct lk_bytes data, struct lk_err *err)
{
	LK_OWNED_ADMIN a = LK_ADMIN_NONE(tpm);
	TPM2B_MAX_NV_BUFFER buf = { .size = (UINT16)data.len };
	ESYS_TR nv;
	TSS2_RC trc;

	LK_TRY(nv_begin(&(struct nv_command){ tpm, index, TPMA_SESSION_DECRYPT }, &a, &nv, err));
	memcpy(buf.buffer, data.data, data.len);
	trc = Esys_NV_Write(a.esys, ESYS_TR_RH_OWNER, nv, a.session.tr, ESYS_TR_NONE, ESYS_TR_NONE,
			    &buf, 0);
	Esys_TR_Close(a.esys, &nv);
	return trc == TSS2_RC_SUCCESS ? LK_OK : lk_tpm_error(trc, "writing the policy key", err);
}

static int nv_lock(struct lk_tpm *tpm, uint32_t index, struct lk_err *err)
{
	LK_OWNED_ADMIN a = LK_ADMIN_NONE(tpm);
	ESYS_TR nv;
	TSS2_RC trc;

	LK_TRY(nv_begin(&(struct nv_command){ tpm, index, 0 }, &a, &nv, err));
	trc = Esys_NV_WriteLock(a.esys, ESYS_TR_RH_OWNER, nv, a.session.tr, ESYS_TR_NONE,
				ESYS_TR_NONE);
	Esys_TR_Close(a.esys, &nv);
	return trc == TSS2_RC_SUCCESS ? LK_OK : lk_tpm_error(trc, "locking the policy key", err);
}

int lk_tpm_nv_store_key(struct lk_tpm *tpm, uint32_t index, struct lk_bytes spki,
			struct lk_err *err)
{
	const TPMS_NV_PUBLIC pub = {
		.nvIndex = index,
		.nameAlg = TPM2_ALG_SHA256,
		.attributes = LK_NV_POLICY_KEY_ATTRIBUTES,
		.dataSize = (UINT16)spki.len,
	};
	struct lk_nv_public now;
	int rc;

	if (spki.len > LK_SPKI_MAX)
		return lk_err_set(err, LK_E_INPUT, 0, "the key is too long");
	rc = lk_tpm_nv_read_public(tpm, index, &now, err);
	if (rc == LK_OK && !now.present)
		rc = nv_define(tpm, &pub, err);
	if (rc == LK_OK && !(now.attributes & LK_NV_WRITTEN))
		rc = nv_write(tpm, index, spki, err);
	if (rc == LK_OK && !(now.attributes & LK_NV_WRITELOCKED))
		rc = nv_lock(tpm, index, err);
	return rc;
}

static int counter_increment(struct lk_tpm *tpm, uint32_t index, struct lk_err *err)
{
	LK_OWNED_ADMIN a = LK_ADMIN_NONE(tpm);
	ESYS_TR nv;
	TSS2_RC trc;

	LK_TRY(nv_begin(&(struct nv_command){ tpm, index, 0 }, &a, &nv, err));
	trc = Esys_NV_Increment(a.esys, nv, nv, a.session.tr, ESYS_TR_NONE, ESYS_TR_NONE);
	Esys_TR_Close(a.esys, &nv);
	return trc == TSS2_RC_SUCCESS ? LK_OK : lk_tpm_error(trc, "counting up an NV counter", err);
}

int lk_tpm_counter_make(struct lk_tpm *tpm, uint32_t index, struct lk_err *err)
{
	uint8_t wire[LK_FLOOR_PUBLIC_SIZE];
	TPMS_NV_PUBLIC pub = { 0 };
	struct lk_nv_public now;
	size_t offset = 0;
	TSS2_RC trc;
	int rc = lk_tpm_nv_read_public(tpm, index, &now, err);

	lk_floor_nv_public(index, false, wire);
	trc = Tss2_MU_TPMS_NV_PUBLIC_Unmarshal(wire, sizeof(wire), &offset, &pub);
	if (rc == LK_OK && trc != TSS2_RC_SUCCESS)
		rc = lk_tpm_error(trc, "defining an NV counter", err);
	if (rc == LK_OK && !now.present)
		rc = nv_define(tpm, &pub, err);
	/* Until it has counted once, it can't be read and policies that name
	 * it can't be met. */
	if (rc == LK_OK && !(now.attributes & LK_NV_WRITTEN))
		rc = counter_increment(tpm, index, err);
	return rc;
}
