/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the kernel's IMA log (binary_runtime_measurements): reading it, replaying it, and boot_aggregate. */
#ifndef LK_CORE_BOOTLOG_IMA_LOG_H
#define LK_CORE_BOOTLOG_IMA_LOG_H

#include "core/base/alg.h"
#include "core/bootlog/event_log.h"
#include "core/bootlog/pcr_replay.h"
#include "core/base/rc.h"

#define LK_IMA_LOG_MAX	     (64u * 1024u * 1024u)
#define LK_IMA_TEMPLATE_MAX  64u /* bytes of a template's name */
#define LK_IMA_ALG_NAME_MAX  16u
#define LK_IMA_SHA1_SIZE     20u
#define LK_IMA_BOOT_PCRS     10u /* that boot_aggregate covers */
#define LK_IMA_BOOT_PCRS_OLD 8u	 /* before Linux 5.8 */

/** One measurement; bytes lie in the log. */
struct lk_ima_entry {
	size_t offset;
	unsigned int number;	       /* from 1 */
	uint32_t pcr;		       /* below LK_PCR_COUNT */
	struct lk_bytes template_sha1; /* 20 bytes; zeros: a violation */
	char template[LK_IMA_TEMPLATE_MAX + 1];
	struct lk_bytes data; /* as the template lays it out */
	bool violation;
	/* For templates that are known; otherwise empty. */
	char alg[LK_IMA_ALG_NAME_MAX + 1]; /* of the file's digest: "sha256"; plain text */
	struct lk_bytes digest;
	struct lk_bytes name;	   /* without its NUL */
	struct lk_bytes signature; /* ima-sig; may be empty */
	struct lk_bytes buffer;	   /* ima-buf: what was measured itself */
};

struct lk_ima_log {
	struct lk_reader rest;
	size_t size;
	unsigned int number;
};

/** LK_E_INPUT for the ascii form, whose names can't be told apart. */
int lk_ima_log_open(const uint8_t *data, size_t len, struct lk_ima_log *ret, struct lk_err *err);

/** LK_OK, LK_LOG_END, or LK_E_INPUT with the entry's number and offset. */
int lk_ima_log_next(struct lk_ima_log *log, struct lk_ima_entry *ret, struct lk_err *err);

bool lk_ima_is_boot_aggregate(const struct lk_ima_entry *entry);

/**
 * lk_ima_entry_is_whole - is the SHA-1 in the log that of the entry's data?
 *
 * It is what a TPM's SHA-1 bank has, and with zeros after it banks that the
 * kernel hadn't the hash of. A violation has none, and nothing vouches for its
 * name. False also when the hash failed.
 */
bool lk_ima_entry_is_whole(const struct lk_ima_entry *entry, lk_hash_fn hash);

/** What the kernel extends into a bank that isn't SHA-1. */
enum lk_ima_extend {
	LK_IMA_OWN_HASH, /* that bank's hash of the data: since Linux 5.8 */
	/* The SHA-1 with zeros after it: before, and where the kernel hadn't
	 * that hash built in. */
	LK_IMA_PADDED_SHA1,
};

/** The digest that an entry is extended as. False when the hash failed. */
bool lk_ima_entry_digest(const struct lk_ima_entry *entry, enum lk_alg bank, enum lk_ima_extend how,
			 lk_hash_fn hash, struct lk_digest *ret);

/** @r: where earlier events have brought the PCRs. */
int lk_ima_log_replay(struct lk_bytes log, enum lk_ima_extend how, struct lk_pcr_replay *r,
		      lk_hash_fn hash, struct lk_err *err);

/**
 * lk_ima_boot_aggregate - the bank's hash over PCRs 0 to @n - 1 of it
 * @n: LK_IMA_BOOT_PCRS or LK_IMA_BOOT_PCRS_OLD
 */
bool lk_ima_boot_aggregate(const struct lk_pcr_values *pcrs, unsigned int n, lk_hash_fn hash,
			   struct lk_digest *ret);

#endif
