/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the policy file's model (latchkey-policy(5)) and the rules it must keep. */
#ifndef LK_CORE_POLICY_POLICY_FILE_H
#define LK_CORE_POLICY_POLICY_FILE_H

#include <stdbool.h>

#include "core/base/doc.h"
#include "core/policy/pcr.h"
#include "core/policy/policy_key.h"

#define LK_POLICY_FILE_MAX 65536u /* bytes; of a signed policy's file too */
#define LK_VOLUMES_MAX	   16u
#define LK_POLICY_REF_MAX  48u /* TPM2B_NONCE of the largest digest we use */
#define LK_NO_PCR	   0xffu

enum lk_on_failure { LK_ON_FAILURE_FAIL, LK_ON_FAILURE_PROMPT, LK_ON_FAILURE_HALT };
enum lk_integrity { LK_INTEGRITY_NONE, LK_INTEGRITY_HMAC_SHA256 };

enum lk_volume_option {
	LK_VOL_DISCARD = 1u << 0,
	LK_VOL_READ_ONLY = 1u << 1,
	LK_VOL_NO_READ_WORKQUEUE = 1u << 2,
	LK_VOL_NO_WRITE_WORKQUEUE = 1u << 3,
	LK_VOL_SAME_CPU_CRYPT = 1u << 4,
	LK_VOL_SUBMIT_FROM_CRYPT_CPUS = 1u << 5,
};

/** What the LUKS2 header must look like. */
struct lk_volume_format {
	char cipher[32];	  /* "aes-xts-plain64" */
	unsigned int key_bits;	  /* without the integrity key */
	unsigned int sector_size; /* bytes */
	enum lk_integrity integrity;
};

struct lk_volume {
	char name[128];	  /* device-mapper name */
	char device[256]; /* path, or TAG=value */
	uint32_t handle;  /* of the sealed object */
	char uuid[37];	  /* pinned LUKS UUID, or empty */
	struct lk_volume_format format;
	unsigned int options; /* enum lk_volume_option bits */
	enum lk_on_failure on_failure;
	bool pin; /* a person has to type one as well */
};

struct lk_policy_file {
	unsigned int format; /* 1: policy_ref as it was written; 2: bound, see policy_ref.h */
	struct lk_policy_key key;
	uint8_t policy_ref[LK_POLICY_REF_MAX]; /* what is sealed and signed */
	size_t policy_ref_len;
	struct lk_pcr_selection pcrs; /* latch PCR included */
	unsigned int latch;	      /* PCR, or LK_NO_PCR */
	uint32_t version_floor;	      /* NV index, or 0 for none */
	bool prompt_without_tpm;
	unsigned int timeout_tpm;    /* seconds */
	unsigned int timeout_device; /* seconds */
	uint32_t root_handle;
	struct lk_name root_name; /* pinned, or len 0 */
	size_t n_volumes;
	struct lk_volume volumes[LK_VOLUMES_MAX];
};

/**
 * lk_policy_file_from_doc - the rules of latchkey-policy(5)
 * @hash: for the reference of format 2
 *
 * Return: LK_OK, LK_E_INPUT with line and column, or LK_E_SYSTEM when hashing
 * failed. @ret untouched on failure.
 */
int lk_policy_file_from_doc(const struct lk_doc *doc, lk_hash_fn hash, struct lk_policy_file *ret,
			    struct lk_err *err);

/** The volume of that name; NULL when there is none. */
const struct lk_volume *lk_policy_file_volume(const struct lk_policy_file *pf, const char *name);

#endif
