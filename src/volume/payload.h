/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what the TPM keeps of a volume: its passphrase, and behind it the identity of its volume key. */
#ifndef LK_VOLUME_PAYLOAD_H
#define LK_VOLUME_PAYLOAD_H

#include "sys/luks/luks.h"
#include "sys/os/secret.h"

/** Random bytes, and no text. */
#define LK_PASSPHRASE_SIZE 32u

/** Puts both together; @ret is set on LK_OK. */
LK_MUST_CHECK int lk_payload_join(const struct lk_secret *passphrase,
				  const struct lk_secret *volume_key, struct lk_secret *ret,
				  struct lk_err *err);

/** Can what the TPM unsealed be one? Passphrases of the first releases had 64 bytes.
 * @handle: for the message. Return: LK_OK or LK_E_OBJECT. */
LK_MUST_CHECK int lk_payload_check(const struct lk_secret *payload, uint32_t handle,
				   struct lk_err *err);

/** The passphrase in a checked payload, which has to outlive it. */
struct lk_bytes lk_payload_passphrase(const struct lk_secret *payload);

/** Is it the volume that was sealed? LK_E_VOLUME where the volume key is another. */
LK_MUST_CHECK int lk_payload_check_identity(const struct lk_secret *payload,
					    const struct lk_secret *volume_key, struct lk_err *err);

#endif
