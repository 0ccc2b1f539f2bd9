/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns how long is kept what devices have sent, and giving its room back. */
#ifndef LK_VERIFIER_DEVICE_RETENTION_H
#define LK_VERIFIER_DEVICE_RETENTION_H

#include "sys/store/store.h"

/**
 * lk_vf_prune - deletes some of what is older than a time, in a transaction of its own
 * @ret_rows: how many; fewer than LK_VF_PRUNE_BATCH where nothing more is to do
 *
 * Of each device what its kept attestations refer to stays: the row that has their
 * reasons, and the logs of the boot that it is in.
 */
int lk_vf_prune(struct lk_store *s, int64_t before, uint64_t *ret_rows, struct lk_err *err);
#define LK_VF_PRUNE_BATCH 1000

/** Chunks of logs that no boot has any more. Others can't write meanwhile. */
int lk_vf_sweep(struct lk_store *s, uint64_t *ret_chunks, struct lk_err *err);

#endif
