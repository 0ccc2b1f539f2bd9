/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the persistent objects that provisioning makes, reads and removes. */
#include <string.h>

#include "sys/tpm/tpm_admin_private.h"

static int take_name(const TPM2B_NAME *name, struct lk_name *ret, struct lk_err *err)
{
	if (name->size > sizeof(ret->data))
		return lk_err_set(err, LK_E_OBJECT, 0, "a Name of %u bytes isn't one of ours",
				  name->size);
	ret->len = name->size;
	memcpy(ret->data, name->name, name->size);
	return LK_OK;
}

static int take_public(const TPMT_PUBLIC *pub, struct lk_tpm_public *ret)
{
	ret->type = pub->type;
	ret->attributes = pub->objectAttributes;
	if (pub->type == TPM2_ALG_SYMCIPHER &&
	    pub->parameters.symDetail.sym.algorithm == TPM2_ALG_AES)
		ret->key_bits = pub->parameters.symDetail.sym.keyBits.sym;
	if (pub->authPolicy.size <= sizeof(ret->auth_policy.data)) {
		ret->auth_policy.len = pub->authPolicy.size;
		memcpy(ret->auth_policy.data, pub->authPolicy.buffer, pub->authPolicy.size);
	}
	return LK_OK;
}

int lk_tpm_read_public(struct lk_tpm *tpm, uint32_t handle, struct lk_tpm_public *ret,
		       struct lk_err *err)
{
	struct lk_tpm_public out = { 0 };
	TPM2B_PUBLIC *pub = NULL;
	TPM2B_NAME *name = NULL;
	ESYS_TR tr;
	TSS2_RC trc;
	int rc = lk_admin_handle_exists(tpm, handle, &out.present, err);

	if (rc == LK_OK && out.present)
		rc = lk_admin_handle(tpm, handle, &tr, err);
	if (rc != LK_OK)
		return rc;
	if (!out.present) {
		*ret = out;
		return LK_OK;
	}
	trc = Esys_ReadPublic(lk_tpm_esys(tpm), tr, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &pub,
			      &name, NULL);
	Esys_TR_Close(lk_tpm_esys(tpm), &tr);
	if (trc != TSS2_RC_SUCCESS)
		return lk_tpm_error(trc, "reading a public area", err);
	take_public(&pub->publicArea, &out);
	rc = take_name(name, &out.name, err);
	Esys_Free(pub);
	Esys_Free(name);
	if (rc == LK_OK)
		*ret = out;
	return rc;
}

bool lk_tpm_is_config_key(const struct lk_tpm_public *pub)
{
	return (pub->type == TPM2_ALG_SYMCIPHER && pub->attributes == LK_CONFIG_KEY_CIPHER) ||
	       (pub->type == TPM2_ALG_KEYEDHASH && pub->attributes == LK_CONFIG_KEY_SEALED);
}

int lk_tpm_serialize(struct lk_tpm *tpm, uint32_t handle, struct lk_tpm_object *ret,
		     struct lk_err *err)
{
	uint8_t *data = NULL;
	size_t size = 0;
	ESYS_TR tr;
	TSS2_RC trc;
	int rc = lk_admin_handle(tpm, handle, &tr, err);

	if (rc != LK_OK)
		return rc;
	trc = Esys_TR_Serialize(lk_tpm_esys(tpm), tr, &data, &size);
	Esys_TR_Close(lk_tpm_esys(tpm), &tr);
	if (trc != TSS2_RC_SUCCESS)
		return lk_tpm_error(trc, "serializing a handle", err);
	if (size <= sizeof(ret->serialized)) {
		ret->handle = handle;
		ret->serialized_len = size;
		memcpy(ret->serialized, data, size);
	} else {
		rc = lk_err_set(err, LK_E_OBJECT, 0, "the serialized handle is too long");
	}
	Esys_Free(data);
	return rc;
}

static int evict_control(struct lk_admin *a, ESYS_TR object, uint32_t handle, struct lk_err *err)
{
	ESYS_TR made = ESYS_TR_NONE;
	TSS2_RC trc = Esys_EvictControl(a->esys, ESYS_TR_RH_OWNER, object, a->session.tr,
					ESYS_TR_NONE, ESYS_TR_NONE, handle, &made);

	if (trc != TSS2_RC_SUCCESS)
		return lk_tpm_error(trc, "changing a persistent object", err);
	if (made != ESYS_TR_NONE)
		Esys_TR_Close(a->esys, &made);
	return LK_OK;
}

int lk_tpm_evict(struct lk_tpm *tpm, uint32_t handle, struct lk_err *err)
{
	LK_OWNED_ADMIN a = LK_ADMIN_NONE(tpm);
	bool present = false;
	ESYS_TR tr;
	int rc = lk_admin_handle_exists(tpm, handle, &present, err);

	if (rc != LK_OK || !present)
		return rc;
	rc = lk_admin_begin(tpm, 0, &a, err);
	if (rc == LK_OK)
		rc = lk_admin_handle(tpm, handle, &tr, err);
	if (rc == LK_OK)
		rc = evict_control(&a, tr, handle, err);
	/* ESAPI 3.2 keeps the object that is gone, and takes a new one at the
	 * same handle for it. */
	if (rc == LK_OK)
		(void)Esys_TR_Close(a.esys, &tr);
	return rc;
}

int lk_tpm_persist(struct lk_tpm *tpm, const struct lk_tpm_new_object *obj, uint32_t handle,
		   struct lk_err *err)
{
	LK_OWNED_ADMIN a = LK_ADMIN_NONE(tpm);
	int rc = lk_admin_begin(tpm, 0, &a, err);

	return rc == LK_OK ? evict_control(&a, obj->transient, handle, err) : rc;
}

void lk_tpm_new_object_done(struct lk_tpm_new_object *obj)
{
	struct lk_tpm_handle h = { obj->tpm, obj->transient };

	if (obj->tpm)
		lk_tpm_handle_flush(&h);
	*obj = (struct lk_tpm_new_object){ NULL, ESYS_TR_NONE, { 0 } };
}

int lk_tpm_make_srk(struct lk_tpm *tpm, struct lk_err *err)
{
	const TPM2B_SENSITIVE_CREATE none = { 0 };
	const TPML_PCR_SELECTION no_pcrs = { 0 };
	LK_OWNED_TPM_HANDLE primary = LK_TPM_HANDLE_NONE(tpm);
	LK_OWNED_ADMIN a = LK_ADMIN_NONE(tpm);
	bool present = false;
	TSS2_RC trc;

	LK_TRY(lk_admin_handle_exists(tpm, LK_HANDLE_SRK, &present, err));
	if (present)
		return LK_OK;
	LK_TRY(lk_admin_begin(tpm, TPMA_SESSION_DECRYPT, &a, err));
	trc = Esys_CreatePrimary(a.esys, ESYS_TR_RH_OWNER, a.session.tr, ESYS_TR_NONE, ESYS_TR_NONE,
				 &none, &lk_admin_srk_template, NULL, &no_pcrs, &primary.tr, NULL,
				 NULL, NULL, NULL);
	if (trc != TSS2_RC_SUCCESS)
		return lk_tpm_error(trc, "making the storage root key", err);
	/* TPM2_EvictControl has no parameter that could be encrypted. */
	(void)Esys_TRSess_SetAttributes(a.esys, a.session.tr, 0, TPMA_SESSION_DECRYPT);
	return evict_control(&a, primary.tr, LK_HANDLE_SRK, err);
}

static int load_created(struct lk_admin *a, const TPM2B_PRIVATE *priv, const TPM2B_PUBLIC *pub,
			struct lk_tpm_new_object *ret, struct lk_err *err)
{
	LK_OWNED_NEW_OBJECT out = { a->tpm, ESYS_TR_NONE, { 0 } };
	TPM2B_NAME *name = NULL;
	TSS2_RC trc = Esys_Load(a->esys, a->srk, a->session.tr, ESYS_TR_NONE, ESYS_TR_NONE, priv,
				pub, &out.transient);
	int rc;

	if (trc == TSS2_RC_SUCCESS)
		trc = Esys_TR_GetName(a->esys, out.transient, &name);
	if (trc != TSS2_RC_SUCCESS)
		return lk_tpm_error(trc, "loading a new object", err);
	rc = take_name(name, &out.name, err);
	Esys_Free(name);
	if (rc != LK_OK)
		return rc;
	*ret = out;
	out.tpm = NULL;
	return LK_OK;
}

/* @auth: may be NULL. */
static int create(struct lk_tpm *tpm, const TPM2B_PUBLIC *template, const struct lk_digest *auth,
		  const struct lk_secret *secret, struct lk_tpm_new_object *ret, struct lk_err *err)
{
	LK_OWNED_ADMIN a = LK_ADMIN_NONE(tpm);
	const TPML_PCR_SELECTION no_pcrs = { 0 };
	TPM2B_SENSITIVE_CREATE in = { 0 };
	TPM2B_PRIVATE *priv = NULL;
	TPM2B_PUBLIC *pub = NULL;
	TSS2_RC trc;
	int rc = lk_admin_begin(tpm, TPMA_SESSION_DECRYPT, &a, err);

	if (rc == LK_OK && a.srk == ESYS_TR_NONE)
		rc = lk_err_set(
			err, LK_E_OBJECT, 0,
			"the TPM has no storage root key at 0x%08x: run \"latchkey-provision install\" first",
			LK_HANDLE_SRK);
	if (rc != LK_OK)
		return rc;
	in.sensitive.data.size = (UINT16)secret->len;
	memcpy(in.sensitive.data.buffer, secret->data, secret->len);
	if (auth) {
		in.sensitive.userAuth.size = auth->len;
		memcpy(in.sensitive.userAuth.buffer, auth->data, auth->len);
	}
	trc = Esys_Create(a.esys, a.srk, a.session.tr, ESYS_TR_NONE, ESYS_TR_NONE, &in, template,
			  NULL, &no_pcrs, &priv, &pub, NULL, NULL, NULL);
	lk_wipe(&in, sizeof(in));
	if (trc != TSS2_RC_SUCCESS)
		return lk_tpm_error(trc, "creating an object", err);
	/* The private area is encrypted to the SRK already. */
	Esys_TRSess_SetAttributes(a.esys, a.session.tr, 0, TPMA_SESSION_DECRYPT);
	rc = load_created(&a, priv, pub, ret, err);
	Esys_Free(priv);
	Esys_Free(pub);
	return rc;
}

int lk_tpm_seal(struct lk_tpm *tpm, const struct lk_seal_terms *terms,
		const struct lk_secret *secret, struct lk_tpm_new_object *ret, struct lk_err *err)
{
	TPM2B_PUBLIC pub = {
		.publicArea = {
			.type = TPM2_ALG_KEYEDHASH,
			.nameAlg = (TPMI_ALG_HASH)terms->alg,
			.objectAttributes = TPMA_OBJECT_FIXEDTPM |
					    TPMA_OBJECT_FIXEDPARENT |
					    TPMA_OBJECT_ADMINWITHPOLICY,
			.parameters.keyedHashDetail.scheme.scheme =
				TPM2_ALG_NULL,
		},
	};

	if (secret->len > LK_SEALED_MAX)
		return lk_err_set(err, LK_E_INPUT, 0, "at most %u bytes can be sealed",
				  LK_SEALED_MAX);
	/* Without a PIN there is nothing to guess, and so nothing to count. */
	if (!terms->auth.len)
		pub.publicArea.objectAttributes |= TPMA_OBJECT_NODA;
	pub.publicArea.authPolicy.size = terms->auth_policy.len;
	memcpy(pub.publicArea.authPolicy.buffer, terms->auth_policy.data, terms->auth_policy.len);
	return create(tpm, &pub, &terms->auth, secret, ret, err);
}

int lk_tpm_import_key(struct lk_tpm *tpm, enum lk_key_form form, const struct lk_secret *key,
		      struct lk_tpm_new_object *ret, struct lk_err *err)
{
	TPM2B_PUBLIC pub = {
		.publicArea = {
			.type = TPM2_ALG_KEYEDHASH,
			.nameAlg = TPM2_ALG_SHA256,
			.objectAttributes = LK_CONFIG_KEY_SEALED,
			.parameters.keyedHashDetail.scheme.scheme =
				TPM2_ALG_NULL,
		},
	};

	if (form == LK_KEY_FORM_CIPHER) {
		pub.publicArea.type = TPM2_ALG_SYMCIPHER;
		pub.publicArea.objectAttributes = LK_CONFIG_KEY_CIPHER;
		pub.publicArea.parameters.symDetail.sym = (TPMT_SYM_DEF_OBJECT){
			.algorithm = TPM2_ALG_AES,
			.keyBits.aes = (TPM2_KEY_BITS)(8 * key->len),
			.mode.aes = TPM2_ALG_CFB,
		};
	}
	return create(tpm, &pub, NULL, key, ret, err);
}
