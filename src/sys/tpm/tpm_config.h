/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the TPM (ESAPI) for who receives configuration: its keys, its device's identity, its sequence floor. */
#ifndef LK_SYS_TPM_TPM_CONFIG_H
#define LK_SYS_TPM_TPM_CONFIG_H

#include "core/policy/policy_key.h"
#include "core/base/rc.h"
#include "sys/os/fs.h"
#include "sys/os/secret.h"
#include "sys/tpm/tpm.h"
#include "sys/tpm/tpm_places.h"

/**
 * From here on all calls of this header use one session of this connection,
 * which is flushed with it: starting one costs a TPM more than all else.
 */
void lk_tpm_share_session(struct lk_tpm *tpm);

/** The policy key of NV index 0x018A0000; LK_E_OBJECT where it isn't there,
 * or isn't write-locked. */
int lk_tpm_policy_key(struct lk_tpm *tpm, struct lk_policy_key *ret, struct lk_err *err);

/** Name of the storage root key, which a device's ID is made from. */
int lk_tpm_root_name(struct lk_tpm *tpm, struct lk_name *ret, struct lk_err *err);

/**
 * lk_tpm_config_unwrap - AES-CFB decryption by the key at 0x8100A000
 * @wrapped: 16 or 32 bytes
 *
 * By TPM2_EncryptDecrypt2 where the key is a cipher object; where it is a
 * sealed object it is unsealed, and used here. Over a session salted with the
 * storage root key, encrypted both ways.
 *
 * Return: LK_OK, LK_E_OBJECT, LK_E_NO_TPM or LK_E_SYSTEM.
 */
int lk_tpm_config_unwrap(struct lk_tpm *tpm, const uint8_t iv[static 16], struct lk_bytes wrapped,
			 struct lk_secret *ret, struct lk_err *err);
/** AES of one zero block under that key, for its identifier. */
int lk_tpm_config_zero_block(struct lk_tpm *tpm, uint8_t ret[static 16], struct lk_err *err);

/** The value of one of our counters, which nobody on the bus can change. */
int lk_tpm_floor_read(struct lk_tpm *tpm, uint32_t nv_index, uint64_t *ret, struct lk_err *err);
/**
 * lk_tpm_counter_raise - increment an NV counter until it is @to
 *
 * One that is there or above already is LK_OK. An increment can't be taken
 * back; the caller bounds how many they are.
 */
int lk_tpm_counter_raise(struct lk_tpm *tpm, uint32_t nv_index, uint64_t to, struct lk_err *err);

#endif
