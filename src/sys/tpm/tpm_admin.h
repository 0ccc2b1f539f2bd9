/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the TPM (ESAPI) for who provisions it: ownership, NV indices, persistent objects. */
#ifndef LK_SYS_TPM_TPM_ADMIN_H
#define LK_SYS_TPM_TPM_ADMIN_H

#include <stdbool.h>

#include "core/policy/policy_key.h"
#include "core/base/rc.h"
#include "sys/os/fs.h"
#include "sys/os/secret.h"
#include "sys/tpm/tpm.h"
#include "sys/tpm/tpm_places.h"

/** Who a hierarchy's authorization belongs to. */
enum lk_hierarchy { LK_HIERARCHY_OWNER, LK_HIERARCHY_ENDORSEMENT, LK_HIERARCHY_LOCKOUT };

/** What the TPM says of itself (TPM 2.0 Part 2, 6.13). */
struct lk_tpm_info {
	char vendor[5];		/* "IBM", "IFX", ... */
	char vendor_string[17]; /* may be empty */
	char family[5];		/* "2.0" */
	uint32_t revision;	/* times 100 */
	uint32_t year;
	uint32_t day_of_year;
	uint32_t firmware[2];
	bool owner_auth_set;
	bool endorsement_auth_set;
	bool lockout_auth_set;
	bool in_lockout;
	uint32_t failures;	   /* counted so far */
	uint32_t max_tries;	   /* failures that lead to lockout */
	uint32_t recovery_time;	   /* seconds after which one is forgiven */
	uint32_t lockout_recovery; /* seconds, for the lockout auth */
	bool has_encrypt_decrypt;  /* TPM2_EncryptDecrypt2 is implemented */
	bool has_aes256;
};
int lk_tpm_info_read(struct lk_tpm *tpm, struct lk_tpm_info *ret, struct lk_err *err);

/**
 * lk_tpm_use_auth - what authorizes a hierarchy from here on; nothing is sent
 * @auth: at most 32 bytes; not retained but by ESAPI
 */
int lk_tpm_use_auth(struct lk_tpm *tpm, enum lk_hierarchy which, const struct lk_secret *auth,
		    struct lk_err *err);
/**
 * lk_tpm_check_auth - is the authorization that was given right?
 *
 * By a command that needs it and changes nothing, before one that does: once.
 * A wrong one of the lockout hierarchy is counted by the TPM, and locks it; one
 * of the others isn't.
 *
 * Return: LK_OK, LK_E_POLICY when it is wrong, LK_E_LOCKED when the lockout
 * hierarchy is locked, or another error.
 */
int lk_tpm_check_auth(struct lk_tpm *tpm, enum lk_hierarchy which, struct lk_err *err);
/** Both for the owner. */
int lk_tpm_owner_auth(struct lk_tpm *tpm, const struct lk_secret *auth, struct lk_err *err);
int lk_tpm_owner_auth_check(struct lk_tpm *tpm, struct lk_err *err);
/** Sets a new authorization over an encrypted session salted with the SRK. */
int lk_tpm_change_auth(struct lk_tpm *tpm, enum lk_hierarchy which, const struct lk_secret *auth,
		       struct lk_err *err);

/** Current PCR values as lk_tpm_pcr_read, in a session that nobody on the bus can answer in. */
int lk_tpm_pcr_read_proven(struct lk_tpm *tpm, const struct lk_pcr_selection *sel,
			   struct lk_pcr_values *ret, struct lk_err *err);

/** Dictionary-attack parameters; needs the lockout hierarchy. */
struct lk_da_parameters {
	uint32_t max_tries;
	uint32_t recovery_time;
	uint32_t lockout_recovery;
};
int lk_tpm_da_parameters(struct lk_tpm *tpm, const struct lk_da_parameters *da, struct lk_err *err);
/** Ends a dictionary-attack lockout; needs the lockout hierarchy. */
int lk_tpm_lockout_clear(struct lk_tpm *tpm, struct lk_err *err);
/** The owner or lockout hierarchy without an authorization. */
int lk_tpm_empty_auth(struct lk_tpm *tpm, enum lk_hierarchy which, struct lk_err *err);

/** LK_E_REFUSED where the TPM says that it has no room for so many more. */
int lk_tpm_check_room(struct lk_tpm *tpm, unsigned int objects, unsigned int counters,
		      struct lk_err *err);
/** Persistent handles from @first to @last. */
#define LK_HANDLES_MAX 64u
struct lk_handles {
	size_t n;
	uint32_t handle[LK_HANDLES_MAX];
};
int lk_tpm_list(struct lk_tpm *tpm, uint32_t first, uint32_t last, struct lk_handles *ret,
		struct lk_err *err);

/**
 * Random bytes: the TPM's, encrypted on the bus, XORed with the kernel's, so
 * that either generator may be bad.
 */
int lk_tpm_random(struct lk_tpm *tpm, struct lk_secret *ret, size_t len, struct lk_err *err);

/** A persistent object as the TPM shows it. */
struct lk_tpm_public {
	bool present;
	struct lk_name name;
	uint16_t type;	     /* TPM2_ALG_ID */
	uint16_t key_bits;   /* of a symmetric cipher object */
	uint32_t attributes; /* TPMA_OBJECT */
	struct lk_digest auth_policy;
};
/** Whether it is of the kind that install makes as the configuration key. */
bool lk_tpm_is_config_key(const struct lk_tpm_public *pub);
/** An absent one is LK_OK with present false. */
int lk_tpm_read_public(struct lk_tpm *tpm, uint32_t handle, struct lk_tpm_public *ret,
		       struct lk_err *err);
/** Serialized ESYS handle, as tokens hold it. LK_E_OBJECT when it is absent. */
int lk_tpm_serialize(struct lk_tpm *tpm, uint32_t handle, struct lk_tpm_object *ret,
		     struct lk_err *err);
/**
 * lk_tpm_root_check - whether what is at the storage root key's handle serves as one
 * @how: LK_ROOT_LOOK: by its public area, and by its empty authorization where
 *	a failure isn't counted; LK_ROOT_TRY: by that in any case
 * @ret_present: whether there is anything
 *
 * A restricted decryption key that stays in this TPM, of a kind that sessions
 * are salted with, usable with the empty authorization. Of a key without noDA
 * (FAPI makes such ones) only a try tells the last, and one that fails counts.
 * It isn't made where it would bring the TPM into lockout; and where nobody has
 * set a lockout authorization, the one failure is taken back.
 *
 * Return: LK_OK, LK_E_REFUSED with what is there and what it cost to find out,
 * LK_E_LOCKED where it can't be tried, or another error.
 */
enum lk_root_how { LK_ROOT_LOOK, LK_ROOT_TRY };
int lk_tpm_root_check(struct lk_tpm *tpm, enum lk_root_how how, bool *ret_present,
		      struct lk_err *err);
/**
 * Makes the storage root key from the TCG's ECC P-256 template where none is,
 * with the owner's authorization that was given, over an encrypted session.
 */
int lk_tpm_make_srk(struct lk_tpm *tpm, struct lk_err *err);
/** The attestation key, a primary of the endorsement hierarchy, at LK_HANDLE_AK: needs the owner
 * and the endorsement hierarchy. The same TPM gives the same key each time. */
int lk_tpm_ak_make(struct lk_tpm *tpm, struct lk_err *err);
/** Removes a persistent object; an absent one is LK_OK. */
int lk_tpm_evict(struct lk_tpm *tpm, uint32_t handle, struct lk_err *err);

/** A sealed or cipher object that was created and isn't persistent yet. */
struct lk_tpm_new_object {
	struct lk_tpm *tpm;
	uint32_t transient; /* ESYS_TR */
	struct lk_name name;
};
#define LK_OWNED_NEW_OBJECT                                                                        \
	__attribute__((cleanup(lk_tpm_new_object_done))) struct lk_tpm_new_object
void lk_tpm_new_object_done(struct lk_tpm_new_object *obj);

/**
 * lk_tpm_seal - sealed object under the SRK, usable by its policy alone
 * @secret: at most LK_SEALED_MAX bytes
 */
struct lk_seal_terms {
	enum lk_alg alg; /* name algorithm, the policy's too */
	struct lk_digest auth_policy;
	struct lk_digest auth; /* of a PIN, which the TPM's lockout guards */
};
int lk_tpm_seal(struct lk_tpm *tpm, const struct lk_seal_terms *terms,
		const struct lk_secret *secret, struct lk_tpm_new_object *ret, struct lk_err *err);

/** How the configuration key lies in the TPM. */
enum lk_key_form { LK_KEY_FORM_CIPHER, LK_KEY_FORM_SEALED };

/** AES key with the empty auth: cipher object (CFB) or sealed object. */
int lk_tpm_import_key(struct lk_tpm *tpm, enum lk_key_form form, const struct lk_secret *key,
		      struct lk_tpm_new_object *ret, struct lk_err *err);
int lk_tpm_persist(struct lk_tpm *tpm, const struct lk_tpm_new_object *obj, uint32_t handle,
		   struct lk_err *err);

/** An NV index as the TPM shows it. */
struct lk_nv_public {
	bool present;
	uint32_t attributes; /* TPMA_NV */
	uint16_t size;
	bool has_policy; /* an authPolicy */
	struct lk_name name;
};
int lk_tpm_nv_read_public(struct lk_tpm *tpm, uint32_t index, struct lk_nv_public *ret,
			  struct lk_err *err);
/** Content of an index that its own empty auth, or the owner, reads. */
int lk_tpm_nv_read(struct lk_tpm *tpm, uint32_t index, struct lk_buf *ret, struct lk_err *err);
int lk_tpm_nv_undefine(struct lk_tpm *tpm, uint32_t index, struct lk_err *err);

/** Defines, writes and write-locks it, from whichever step is left. */
int lk_tpm_nv_store_key(struct lk_tpm *tpm, uint32_t index, struct lk_bytes spki,
			struct lk_err *err);
/** Defines the counter and increments it once, where that isn't done. */
int lk_tpm_counter_make(struct lk_tpm *tpm, uint32_t index, struct lk_err *err);

/** The endorsement key and its certificate. */
struct lk_ek {
	const char *kind;	   /* which of the TCG's templates (tpm_ek.h) */
	struct lk_buf area;	   /* TPMT_PUBLIC */
	struct lk_buf spki;	   /* DER SubjectPublicKeyInfo */
	struct lk_buf certificate; /* DER, or empty */
	struct lk_buf chain;	   /* DER certificates, one after the other, or empty */
};
void lk_ek_done(struct lk_ek *ek);
#define LK_OWNED_EK __attribute__((cleanup(lk_ek_done))) struct lk_ek
int lk_tpm_ek_read(struct lk_tpm *tpm, struct lk_ek *ret, struct lk_err *err);
/** Its key alone (DER), which a TPM without a storage root key has too. */
int lk_tpm_ek_public(struct lk_tpm *tpm, struct lk_buf *ret, struct lk_err *err);

#endif
