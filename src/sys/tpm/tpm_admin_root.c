/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what the storage root key has to be, of what other programs and firmware put at its handle. */
#include <stdio.h>
#include <string.h>

#include "sys/tpm/tpm_admin_private.h"

#define WHAT_MAX 128u

#define STORAGE (TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT)

/** Attributes that a storage root key has to have, in words for who made another. */
static const struct {
	TPMA_OBJECT bit;
	const char *name;
} needed[] = {
	{ TPMA_OBJECT_RESTRICTED, "restricted" },
	{ TPMA_OBJECT_DECRYPT, "decrypt" },
	{ TPMA_OBJECT_FIXEDTPM, "fixedTPM" },
	{ TPMA_OBJECT_FIXEDPARENT, "fixedParent" },
	{ TPMA_OBJECT_SENSITIVEDATAORIGIN, "sensitiveDataOrigin" },
	{ TPMA_OBJECT_USERWITHAUTH, "userWithAuth" },
};

static const char *kind_of_key(const TPMT_PUBLIC *pub)
{
	if (pub->type == TPM2_ALG_KEYEDHASH)
		return "a sealed object or an HMAC key";
	if (pub->type == TPM2_ALG_SYMCIPHER)
		return "a symmetric key";
	if (pub->objectAttributes & TPMA_OBJECT_SIGN_ENCRYPT)
		return "a signing key";
	if ((pub->objectAttributes & STORAGE) == STORAGE &&
	    pub->objectAttributes & TPMA_OBJECT_ADMINWITHPOLICY)
		return "an endorsement key";
	if ((pub->objectAttributes & STORAGE) == STORAGE)
		return "a storage key";
	return "a key";
}

static bool is_wrong_symmetric(const TPMT_SYM_DEF_OBJECT *sym)
{
	return sym->algorithm != TPM2_ALG_AES || sym->mode.aes != TPM2_ALG_CFB;
}

/** What sessions can be salted with, by ECDH or OAEP. */
static bool find_wrong_kind(const TPMT_PUBLIC *pub, char out[static WHAT_MAX])
{
	const TPMS_ECC_PARMS *ecc = &pub->parameters.eccDetail;
	const TPMS_RSA_PARMS *rsa = &pub->parameters.rsaDetail;
	const char *what = NULL;

	if (pub->type == TPM2_ALG_ECC && ecc->curveID != TPM2_ECC_NIST_P256 &&
	    ecc->curveID != TPM2_ECC_NIST_P384)
		what = "on another curve than P-256 or P-384";
	else if (pub->type == TPM2_ALG_RSA && rsa->keyBits < 2048)
		what = "RSA, of less than 2048 bits";
	else if (pub->nameAlg != TPM2_ALG_SHA256 && pub->nameAlg != TPM2_ALG_SHA384)
		what = "with another name algorithm than SHA-256 or SHA-384";
	else if (pub->type == TPM2_ALG_ECC && is_wrong_symmetric(&ecc->symmetric))
		what = "with another symmetric algorithm than AES in CFB mode";
	else if (pub->type == TPM2_ALG_RSA && is_wrong_symmetric(&rsa->symmetric))
		what = "with another symmetric algorithm than AES in CFB mode";
	if (what)
		(void)snprintf(out, WHAT_MAX, "%s", what);
	return what;
}

/** Whether anything is wrong with it, by its public area. */
static bool find_wrong(const TPMT_PUBLIC *pub, char out[static WHAT_MAX])
{
	size_t len = 0;

	out[0] = '\0';
	if (pub->type != TPM2_ALG_ECC && pub->type != TPM2_ALG_RSA)
		return true;
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (pub->objectAttributes & needed[i].bit)
			continue;
		(void)snprintf(out + len, WHAT_MAX - len, "%s %s", len ? "," : "without",
			       needed[i].name);
		len += strlen(out + len);
	}
	return len || pub->objectAttributes & TPMA_OBJECT_SIGN_ENCRYPT || find_wrong_kind(pub, out);
}

static int refuse_root_key(const char *kind, const char *wrong, const char *cost,
			   struct lk_err *err)
{
	return lk_err_set(
		err, LK_E_REFUSED, 0,
		"0x%08x holds %s%s%s, which can't serve as the storage root key; nothing was changed%s; if nobody needs it, \"tpm2_evictcontrol -C o -c 0x%08x\" removes it, and install makes the right one",
		LK_HANDLE_SRK, kind, wrong[0] ? " " : "", wrong, cost, LK_HANDLE_SRK);
}

/** Takes back the one failure that the try was, where it needs no authorization. */
static bool take_back(struct lk_admin *a, const struct lk_tpm_info *before)
{
	return before->failures == 0 && !before->lockout_auth_set &&
	       Esys_DictionaryAttackLockReset(a->esys, ESYS_TR_RH_LOCKOUT, a->session.tr,
					      ESYS_TR_NONE, ESYS_TR_NONE) == TSS2_RC_SUCCESS;
}

static int may_be_tried(const struct lk_tpm_info *info, struct lk_err *err)
{
	if (!info->in_lockout && info->failures + 1 < info->max_tries)
		return LK_OK;
	return lk_err_set(
		err, LK_E_LOCKED, 0,
		"0x%08x holds a key whose authorization may not be the empty one, and the TPM has counted %u of %u failures: a try might bring it into lockout, and wasn't made; nothing was changed; the lockout authorization takes the failures back: " LK_TPM_LOCKOUT_ENDS,
		LK_HANDLE_SRK, info->failures, info->max_tries);
}

static int check_empty_auth(struct lk_tpm *tpm, const char *kind, bool counts, struct lk_err *err)
{
	LK_OWNED_ADMIN a = LK_ADMIN_NONE(tpm);
	struct lk_tpm_info info;
	char cost[80] = "";
	TSS2_RC trc;

	LK_TRY(lk_tpm_info_read(tpm, &info, err));
	if (counts)
		LK_TRY(may_be_tried(&info, err));
	LK_TRY(lk_admin_begin(tpm, 0, &a, err));
	trc = lk_admin_try_entity(&a, a.srk);
	if (trc == TSS2_RC_SUCCESS)
		return LK_OK;
	if (!lk_admin_is_auth_refusal(trc))
		return lk_tpm_error(trc, "trying the storage root key", err);
	if (counts && !take_back(&a, &info))
		(void)snprintf(cost, sizeof(cost),
			       ", but the TPM has counted this as a failure (%u of %u)",
			       info.failures + 1, info.max_tries);
	return refuse_root_key(kind, "with an authorization of its own", cost, err);
}

int lk_tpm_root_check(struct lk_tpm *tpm, enum lk_root_how how, bool *ret_present,
		      struct lk_err *err)
{
	char wrong[WHAT_MAX];
	TPM2B_PUBLIC *pub = NULL;
	const char *kind;
	bool bad;
	bool counts;
	ESYS_TR tr;
	TSS2_RC trc;

	LK_TRY(lk_admin_handle_exists(tpm, LK_HANDLE_SRK, ret_present, err));
	if (!*ret_present)
		return LK_OK;
	LK_TRY(lk_admin_handle(tpm, LK_HANDLE_SRK, &tr, err));
	trc = Esys_ReadPublic(lk_tpm_esys(tpm), tr, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &pub,
			      NULL, NULL);
	(void)Esys_TR_Close(lk_tpm_esys(tpm), &tr);
	if (trc != TSS2_RC_SUCCESS)
		return lk_tpm_error(trc, "reading a public area", err);
	kind = kind_of_key(&pub->publicArea);
	bad = find_wrong(&pub->publicArea, wrong);
	counts = !(pub->publicArea.objectAttributes & TPMA_OBJECT_NODA);
	Esys_Free(pub);
	if (bad)
		return refuse_root_key(kind, wrong, "", err);
	if (counts && how == LK_ROOT_LOOK)
		return LK_OK;
	return check_empty_auth(tpm, kind, counts, err);
}
