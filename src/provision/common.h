/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what several commands begin with: policy file, volume, TPM, auths, new secrets. */
#ifndef LK_PROVISION_COMMON_H
#define LK_PROVISION_COMMON_H

#include "core/policy/policy_file.h"
#include "core/luks/token.h"
#include "options.h"
#include "sys/os/fs.h"
#include "sys/luks/luks_format.h"
#include "sys/os/secret.h"
#include "sys/tpm/tpm.h"
#include "sys/tpm/tpm_admin.h"
#include "volume/payload.h"
#include "volume/signed.h"

#define LK_TPM_WAIT_S 10u

/** A volume of the policy file and the device that it lies on. */
struct lk_target {
	struct lk_policy_file pf;
	const struct lk_volume *vol;
	char device[LK_DEVICE_PATH_MAX];
};

int lk_policy_file_load(const char *path, struct lk_policy_file *ret, struct lk_err *err);
/**
 * lk_target_resolve - a volume and its device, which has to be there
 * @volume: NULL: the only one that there is
 * @device: instead of the policy file's; may be NULL
 */
int lk_target_resolve(const struct lk_policy_file *pf, const char *volume, const char *device,
		      struct lk_target *ret, struct lk_err *err);
/** By --policy, --volume (may be left out when there is one) and --device. */
int lk_target_load(const struct lk_options *opts, struct lk_target *ret, struct lk_err *err);

/** Something new is to be sealed to, signed for or judged by @pf's policyRef: it is
 * bound to the selection, or --shared-policy-ref names it. LK_E_REFUSED else. */
int lk_check_policy_ref(const struct lk_options *opts, const struct lk_policy_file *pf,
			struct lk_err *err);

/** Asks for @word to be typed; --yes is the same answer. LK_E_REFUSED else. */
int lk_confirm(const struct lk_options *opts, const char *word, struct lk_err *err);
/** --volume is in @pf, and --device is for one volume alone. */
int lk_check_volume_options(const struct lk_options *opts, const struct lk_policy_file *pf,
			    struct lk_err *err);

/** Opens the TPM of --tpm. */
int lk_tpm_open_option(const struct lk_options *opts, struct lk_tpm **ret, struct lk_err *err);
/** --owner-auth from its file to the TPM connection, where it is given. */
int lk_use_owner_auth(struct lk_tpm *tpm, const struct lk_options *opts, struct lk_err *err);
/** The TPM has what @pf relies on (root key, version floor, active bank), and can
 * seal: it isn't in lockout. */
int lk_check_tpm(struct lk_tpm *tpm, const struct lk_policy_file *pf, struct lk_err *err);

/** New random text of 32 modhex letters (128 bits), for an authorization. */
int lk_auth_make(struct lk_tpm *tpm, struct lk_secret *ret, struct lk_err *err);

/** A new recovery key as text. */
int lk_recovery_key_make(struct lk_tpm *tpm, struct lk_secret *ret, struct lk_err *err);
/** From its file; typed off a sheet of paper it may lack dashes or be in capitals. */
int lk_recovery_key_read(const char *path, struct lk_secret *ret, struct lk_err *err);

/** Signed policy from a file, checked against @pf and its key's signature. */
int lk_signed_policy_load(const char *path, const struct lk_policy_file *pf,
			  struct lk_signed_policy *ret, struct lk_err *err);

/**
 * lk_token_load - the token of what is sealed at @handle
 * @ret: may be NULL
 *
 * A volume that is sealed twice, for two policy files, has a token for each.
 * Return: LK_OK; LK_E_HEADER where there is none, with what makes one.
 */
int lk_token_load(struct lk_volume_header *h, uint32_t handle, struct lk_token *ret,
		  struct lk_err *err);
/**
 * lk_token_store - in place of the one of its handle, or beside the others
 *
 * Where the header has no room for what is remembered of events, without that;
 * the other tokens' gives way too.
 */
int lk_token_store(struct lk_volume_header *h, const struct lk_token *token, struct lk_err *err);
/** All of it, or an error and nothing is written. */
int lk_token_store_whole(struct lk_volume_header *h, const struct lk_token *token,
			 struct lk_err *err);
/**
 * lk_token_is_of - is the object at the token's handle the one that it was written for?
 *
 * By the Name in the serialized handle; a token without one can't tell, and says yes.
 */
bool lk_token_is_of(const struct lk_token *token, const struct lk_tpm_public *object);
int lk_token_remove(struct lk_volume_header *h, uint32_t handle, struct lk_err *err);
/** Every token of ours that can be read, until @fn returns another than LK_OK. */
typedef int (*lk_token_fn)(const struct lk_token *token, void *data, struct lk_err *err);
int lk_token_each(struct lk_volume_header *h, lk_token_fn fn, void *data, struct lk_err *err);
unsigned int lk_token_count(struct lk_volume_header *h);

/** Subsystems that mark unfinished work in a header. */
#define LK_MARK_FORMAT "latchkey-unfinished"
#define LK_MARK_RESEAL "latchkey-reseal-" /* and the keyslots: new/old */
#define LK_MARK_RENEW  "latchkey-renew-"  /* of a recovery key, likewise */
#define LK_MARK_RESET  "latchkey-reset"
#define LK_MARK_DONE   "latchkey"

/**
 * lk_seal_volume - passphrase and volume identity as a new TPM object
 * @ret: not persistent yet
 */
struct lk_seal_request {
	struct lk_tpm *tpm;
	const struct lk_target *target;
	const struct lk_secret *passphrase;
	const struct lk_secret *volume_key;
	const struct lk_secret *pin; /* empty where the volume has none */
};
int lk_seal_volume(const struct lk_seal_request *req, struct lk_tpm_new_object *ret,
		   struct lk_err *err);
/**
 * lk_volume_pin - the PIN that a volume is to be sealed with
 * @ret: empty where the policy file wants none
 *
 * From --pin-file, or asked for twice on the terminal.
 */
int lk_volume_pin(const struct lk_options *opts, const struct lk_target *target,
		  struct lk_secret *ret, struct lk_err *err);
/** The sealed object's authPolicy: PolicyAuthorize(key, policyRef), and
 * PolicyAuthValue where there is a PIN. */
int lk_volume_auth_policy(const struct lk_policy_file *pf, const struct lk_volume *vol,
			  struct lk_digest *ret, struct lk_err *err);
/**
 * lk_volume_check_sealed - would what is at the volume's handle unseal under @pf?
 *
 * Return: LK_OK, LK_E_OBJECT where it is missing or was sealed for another
 * policy key or policyRef, or another error.
 */
int lk_volume_check_sealed(struct lk_tpm *tpm, const struct lk_policy_file *pf,
			   const struct lk_volume *vol, struct lk_err *err);
/** Serialized handles of the root key and of the object at @handle. */
int lk_token_set_handles(struct lk_tpm *tpm, uint32_t handle, struct lk_token *token,
			 struct lk_err *err);

/** Reopens what was written and compares: passphrase, identity, object. */
struct lk_volume_proof {
	const char *device;
	int keyslot;
	const struct lk_secret *passphrase;
	const struct lk_secret *volume_key;
	uint32_t handle;
	const struct lk_name *object;
};
int lk_volume_prove(struct lk_tpm *tpm, const struct lk_volume_proof *proof, struct lk_err *err);

#endif
