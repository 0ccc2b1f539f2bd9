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
#define LK_DEVICE_SPEC_MAX 256u /* path, or TAG=value; with its NUL */
#define LK_SIGNED_FROM_MAX 4u

/**
 * The keys of the document, each once: what is read is what policy show goes
 * through, one switch without a default for each form, so that the compiler
 * names a key that one of them forgets.
 */
/* clang-format off: a table */
#define LK_POLICY_KEYS(X)                                                                          \
	X(LK_POLICY_KEY_FORMAT, "latchkey-policy")                                                 \
	X(LK_POLICY_KEY_KEY, "policy-key")                                                         \
	X(LK_POLICY_KEY_REF, "policy-ref")                                                         \
	X(LK_POLICY_KEY_BANK, "bank")                                                              \
	X(LK_POLICY_KEY_PCRS, "pcrs")                                                              \
	X(LK_POLICY_KEY_LATCH, "latch")                                                            \
	X(LK_POLICY_KEY_FLOOR, "version-floor")                                                    \
	X(LK_POLICY_KEY_ON_FAILURE, "on-failure")                                                  \
	X(LK_POLICY_KEY_AFTER_PROMPT, "after-prompt")                                              \
	X(LK_POLICY_KEY_NO_TPM, "prompt-without-tpm")                                              \
	X(LK_POLICY_KEY_TIMEOUT_TPM, "timeout-tpm")                                                \
	X(LK_POLICY_KEY_TIMEOUT_DEVICE, "timeout-device")                                          \
	X(LK_POLICY_KEY_TIMEOUT_PROMPT, "timeout-prompt")                                          \
	X(LK_POLICY_KEY_SIGNED_FROM, "signed-from")                                                \
	X(LK_POLICY_KEY_TIMEOUT_SIGNED, "timeout-signed")                                          \
	X(LK_POLICY_KEY_ROOT, "root-key")                                                          \
	X(LK_POLICY_KEY_VOLUMES, "volumes")
#define LK_ROOT_KEYS(X)                                                                            \
	X(LK_ROOT_KEY_HANDLE, "handle")                                                            \
	X(LK_ROOT_KEY_NAME, "name")
#define LK_VOLUME_KEYS(X)                                                                          \
	X(LK_VOLUME_KEY_NAME, "name")                                                              \
	X(LK_VOLUME_KEY_DEVICE, "device")                                                          \
	X(LK_VOLUME_KEY_HANDLE, "handle")                                                          \
	X(LK_VOLUME_KEY_UUID, "uuid")                                                              \
	X(LK_VOLUME_KEY_CIPHER, "cipher")                                                          \
	X(LK_VOLUME_KEY_SIZE, "key-size")                                                          \
	X(LK_VOLUME_KEY_SECTOR, "sector-size")                                                     \
	X(LK_VOLUME_KEY_INTEGRITY, "integrity")                                                    \
	X(LK_VOLUME_KEY_OPTIONS, "options")                                                        \
	X(LK_VOLUME_KEY_ON_FAILURE, "on-failure")                                                  \
	X(LK_VOLUME_KEY_PIN, "pin")
/* clang-format on */
#define LK_KEY_NUMBER(number, name) number,
#define LK_KEY_NAME(number, name)   name,
enum lk_policy_file_key { LK_POLICY_KEYS(LK_KEY_NUMBER) LK_POLICY_KEY_COUNT };
enum lk_root_key { LK_ROOT_KEYS(LK_KEY_NUMBER) LK_ROOT_KEY_COUNT };
enum lk_volume_key { LK_VOLUME_KEYS(LK_KEY_NUMBER) LK_VOLUME_KEY_COUNT };

enum lk_on_failure {
	LK_ON_FAILURE_FAIL,
	LK_ON_FAILURE_PROMPT,
	LK_ON_FAILURE_HALT,
	LK_ON_FAILURE_REBOOT, /* bounded: see unseal/ending.h */
};
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
	char name[128]; /* device-mapper name */
	char device[LK_DEVICE_SPEC_MAX];
	uint32_t handle; /* of the sealed object */
	char uuid[37];	 /* pinned LUKS UUID, or empty */
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
	struct lk_pcr_selection pcrs;  /* latch PCR included */
	unsigned int latch;	       /* PCR, or LK_NO_PCR */
	uint32_t version_floor;	       /* NV index, or 0 for none */
	enum lk_on_failure on_failure; /* of volumes that say nothing else */
	bool prompt_without_tpm;
	unsigned int timeout_tpm;    /* seconds */
	unsigned int timeout_device; /* seconds */
	/* Of a boot that is refused: see policy_file_refused.c. */
	enum lk_on_failure after_prompt; /* never LK_ON_FAILURE_PROMPT */
	unsigned int timeout_prompt;	 /* seconds; 0: as long as it takes */
	unsigned int timeout_signed;	 /* seconds, for all of signed_from */
	size_t n_signed_from;
	char signed_from[LK_SIGNED_FROM_MAX][LK_DEVICE_SPEC_MAX];
	uint32_t root_handle;
	struct lk_name root_name; /* pinned, or len 0 */
	bool root_signed;	  /* its Name has to come signed, in the token */
	size_t n_volumes;
	struct lk_volume volumes[LK_VOLUMES_MAX];
};

/** "latchkey-policy" and so on. */
const char *lk_policy_file_key_name(enum lk_policy_file_key key);
const char *lk_root_key_name(enum lk_root_key key);
const char *lk_volume_key_name(enum lk_volume_key key);

/**
 * lk_policy_file_from_doc - the rules of latchkey-policy(5)
 * @hash: for the reference of format 2
 *
 * Return: LK_OK, LK_E_INPUT with line and column, or LK_E_SYSTEM when hashing
 * failed. @ret untouched on failure.
 */
LK_MUST_CHECK int lk_policy_file_from_doc(const struct lk_doc *doc, lk_hash_fn hash,
					  struct lk_policy_file *ret, struct lk_err *err);

/** The volume of that name; NULL when there is none. */
const struct lk_volume *lk_policy_file_volume(const struct lk_policy_file *pf, const char *name);

#endif
