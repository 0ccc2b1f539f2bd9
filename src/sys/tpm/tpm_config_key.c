/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the use of the configuration key, in either of the forms that it has in a TPM. */
#include <string.h>

#include "sys/crypto/crypto_stream.h"
#include "sys/tpm/tpm_config_private.h"

#define BLOCK	 16u
#define DATA_MAX 32u

/** One decryption by the configuration key. */
struct decryption {
	const uint8_t *iv;
	struct lk_bytes in;
};

static bool is_cipher(const TPMT_PUBLIC *pub)
{
	const TPMT_SYM_DEF_OBJECT *sym = &pub->parameters.symDetail.sym;

	return pub->type == TPM2_ALG_SYMCIPHER && pub->objectAttributes == LK_CONFIG_KEY_CIPHER &&
	       sym->algorithm == TPM2_ALG_AES && sym->mode.aes == TPM2_ALG_CFB &&
	       (sym->keyBits.aes == 128 || sym->keyBits.aes == 256);
}

static bool is_sealed(const TPMT_PUBLIC *pub)
{
	return pub->type == TPM2_ALG_KEYEDHASH && pub->objectAttributes == LK_CONFIG_KEY_SEALED &&
	       pub->parameters.keyedHashDetail.scheme.scheme == TPM2_ALG_NULL;
}

static int decrypt_in_tpm(struct lk_config_use *u, const struct decryption *d,
			  struct lk_secret *ret, struct lk_err *err)
{
	TPM2B_MAX_BUFFER in = { .size = (UINT16)d->in.len };
	TPM2B_IV iv = { .size = BLOCK };
	TPM2B_MAX_BUFFER *out = NULL;
	TPM2B_IV *iv_out = NULL;
	TSS2_RC trc;
	int rc = lk_config_arm(u, TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT, err);

	if (rc != LK_OK)
		return rc;
	memcpy(in.buffer, d->in.data, d->in.len);
	memcpy(iv.buffer, d->iv, BLOCK);
	trc = Esys_EncryptDecrypt2(u->esys, u->object, u->session.tr, ESYS_TR_NONE, ESYS_TR_NONE,
				   &in, TPM2_YES, TPM2_ALG_CFB, &iv, &out, &iv_out);
	if (lk_tpm_rc_base(trc) == TPM2_RC_COMMAND_CODE)
		return lk_err_set(
			err, LK_E_OBJECT, trc,
			"this TPM has no TPM2_EncryptDecrypt2, which the configuration key at 0x%08x needs: install it in the form \"sealed\"",
			u->handle);
	if (trc != TSS2_RC_SUCCESS)
		return lk_config_error(u, trc, "using the configuration key", err);
	lk_config_disarm(u);
	if (out->size == d->in.len)
		rc = lk_secret_from(ret, out->buffer, out->size, err);
	else
		rc = lk_err_set(err, LK_E_OBJECT, 0, "the configuration key gives %u bytes for %zu",
				out->size, d->in.len);
	lk_tpm_wipe_free(out, sizeof(*out));
	Esys_Free(iv_out);
	return rc;
}

static int unseal(struct lk_config_use *u, struct lk_secret *ret, struct lk_err *err)
{
	TPM2B_SENSITIVE_DATA *data = NULL;
	TSS2_RC trc;
	int rc = lk_config_arm(u, TPMA_SESSION_ENCRYPT, err);

	if (rc != LK_OK)
		return rc;
	trc = Esys_Unseal(u->esys, u->object, u->session.tr, ESYS_TR_NONE, ESYS_TR_NONE, &data);
	if (trc != TSS2_RC_SUCCESS)
		return lk_config_error(u, trc, "unsealing the configuration key", err);
	lk_config_disarm(u);
	if (data->size == 16 || data->size == 32)
		rc = lk_secret_from(ret, data->buffer, data->size, err);
	else
		rc = lk_err_set(err, LK_E_OBJECT, 0,
				"0x%08x holds %u bytes: the configuration key has 16 or 32",
				u->handle, data->size);
	lk_tpm_wipe_free(data, sizeof(*data));
	return rc;
}

/**
 * The plaintext from the TPM, or, where it can't use the key itself, the key;
 * the other of both stays empty.
 */
static int use_key(struct lk_tpm *tpm, const struct decryption *d, struct lk_secret *ret_plain,
		   struct lk_secret *ret_key, struct lk_err *err)
{
	LK_OWNED_CONFIG_USE u = LK_CONFIG_USE_NONE(tpm);
	TPM2B_PUBLIC pub = { 0 };
	int rc = lk_config_begin(tpm, LK_HANDLE_CONFIG_KEY, "configuration key", &u, err);

	if (rc == LK_OK)
		rc = lk_config_public(&u, &pub, err);
	if (rc != LK_OK)
		return rc;
	if (is_cipher(&pub.publicArea))
		return decrypt_in_tpm(&u, d, ret_plain, err);
	if (is_sealed(&pub.publicArea))
		return unseal(&u, ret_key, err);
	return lk_err_set(
		err, LK_E_OBJECT, 0,
		"the object at 0x%08x isn't a configuration key as \"latchkey-provision install\" makes it (type 0x%04x, attributes 0x%08x)",
		u.handle, pub.publicArea.type, pub.publicArea.objectAttributes);
}

int lk_tpm_config_unwrap(struct lk_tpm *tpm, const uint8_t iv[static 16], struct lk_bytes wrapped,
			 struct lk_secret *ret, struct lk_err *err)
{
	const struct decryption d = { iv, wrapped };
	LK_OWNED_SECRET plain = LK_SECRET_NONE;
	LK_OWNED_SECRET key = LK_SECRET_NONE;
	int rc;

	if (wrapped.len == 0 || wrapped.len > DATA_MAX)
		return lk_err_set(err, LK_E_INPUT, 0, "a wrapped key of %zu bytes", wrapped.len);
	rc = use_key(tpm, &d, &plain, &key, err);
	if (rc == LK_OK && key.len)
		rc = lk_crypto_cfb_decrypt(&key, iv, wrapped, &plain, err);
	lk_wipe_stack();
	if (rc == LK_OK)
		*ret = lk_secret_take(&plain);
	return rc;
}

int lk_tpm_config_zero_block(struct lk_tpm *tpm, uint8_t ret[static 16], struct lk_err *err)
{
	/* Decrypting zeros in CFB mode with an IV of zeros gives the key's
	 * encryption of zeros: the right to decrypt is enough. */
	static const uint8_t zeros[BLOCK];
	const struct decryption d = { zeros, { zeros, sizeof(zeros) } };
	LK_OWNED_SECRET plain = LK_SECRET_NONE;
	LK_OWNED_SECRET key = LK_SECRET_NONE;
	int rc = use_key(tpm, &d, &plain, &key, err);

	if (rc == LK_OK && key.len)
		rc = lk_crypto_aes_zero_block(&key, ret, err);
	else if (rc == LK_OK)
		memcpy(ret, plain.data, BLOCK);
	lk_wipe_stack();
	return rc;
}
