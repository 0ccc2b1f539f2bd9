/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what sealing wants to know from a provisioning record. */
#ifndef LK_HOST_CONFIG_RECORD_H
#define LK_HOST_CONFIG_RECORD_H

#include "core/config/blob.h"

/** Bytes, as latchkey-provision writes them at most. */
#define LK_RECORD_MAX (1024u * 1024u)

struct lk_record {
	uint8_t device[LK_BLOB_ID_SIZE]; /* lk_device_id */
	uint64_t sequence_floor;	 /* when it was provisioned */
	uint64_t config_key_bits;
};

/** LK_E_POLICY for the record of a device that was decommissioned. */
int lk_record_read(const char *path, struct lk_record *ret, struct lk_err *err);

/** Would that device take it? LK_OK, or LK_E_POLICY naming the record. */
int lk_record_fits(const struct lk_record *record, const char *path, uint64_t sequence,
		   size_t config_key_size, struct lk_err *err);

#endif
