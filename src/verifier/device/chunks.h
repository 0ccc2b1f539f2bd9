/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns logs as content-addressed chunks: what two machines have alike is kept once. */
#ifndef LK_VERIFIER_DEVICE_CHUNKS_H
#define LK_VERIFIER_DEVICE_CHUNKS_H

#include "sys/os/fs.h"
#include "sys/store/store.h"

#define LK_VF_CHUNK_HASH 32u

/**
 * lk_vf_chunks_put - keeps bytes, and appends the digests of their chunks to a list
 *
 * Chunks end where their content says so, so that what differs in one place differs in
 * one or two chunks.
 */
int lk_vf_chunks_put(struct lk_store *s, struct lk_bytes bytes, struct lk_buf *list,
		     struct lk_err *err);
/** The bytes of a list. Return: LK_OK, LK_E_IO where a chunk is missing, LK_E_SYSTEM. */
int lk_vf_chunks_get(struct lk_store *s, struct lk_bytes list, struct lk_buf *ret,
		     struct lk_err *err);

#endif
