/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the devices in the database: who they are, and where each stands. */
#ifndef LK_VERIFIER_DEVICE_DEVICE_H
#define LK_VERIFIER_DEVICE_DEVICE_H

#include "core/attest/appraisal.h"
#include "sys/os/fs.h"
#include "sys/store/store.h"
#include "verifier/flavor/flavor.h"

#define LK_VF_ID_TEXT	 65u
#define LK_VF_AK_MAX	 160u
#define LK_VF_NO_VERDICT (-1)
#define LK_VF_RECORD_MAX (1024u * 1024u)

/** What has been proven of a device before it attests. */
#define LK_VF_PROOF_RECORD	1u /* its attestation key has signed what the record says */
#define LK_VF_PROOF_CERTIFICATE 2u /* a TPM's maker vouches for its endorsement key */
#define LK_VF_PROOF_ENROLLED	4u /* both keys are in one TPM */

/** Times are milliseconds since 1970; 0: never. */
struct lk_vf_device {
	int64_t number;
	char id[LK_VF_ID_TEXT];
	char name[LK_VF_NAME_MAX];
	char flavor[LK_VF_NAME_MAX];
	uint8_t ak[LK_VF_AK_MAX]; /* TPMT_PUBLIC */
	size_t ak_len;
	int64_t imported, retired;
	unsigned int proof; /* LK_VF_PROOF_... */
	bool held;	    /* enrolled, and not approved yet */
	/* Where it stands. */
	int64_t boot, clock, nonce, booted, seen, changed;
	int verdict; /* enum lk_verdict, or LK_VF_NO_VERDICT */
	struct lk_attest_state state;
	struct lk_digest reference;
};

/** "trusted", ..., or "never seen". */
const char *lk_vf_verdict_word(int verdict);

/** Return: LK_OK; LK_E_OBJECT where there is none; LK_E_IO. */
int lk_vf_device_by_key(struct lk_store *s, const struct lk_name *ak, struct lk_vf_device *ret,
			struct lk_err *err);
/** By its whole identity. */
int lk_vf_device_by_id(struct lk_store *s, const char *id, struct lk_vf_device *ret,
		       struct lk_err *err);
/** By its name, its identity, or the first 8 digits of that or more; LK_E_INPUT where several fit. */
int lk_vf_device_find(struct lk_store *s, const char *which, struct lk_vf_device *ret,
		      struct lk_err *err);

/** What an import writes. */
struct lk_vf_import {
	char id[LK_VF_ID_TEXT];
	char name[LK_VF_NAME_MAX];
	const char *flavor;
	struct lk_name ak_name;
	struct lk_bytes ak;
	const char *record;
	unsigned int proof;		/* LK_VF_PROOF_... */
	uint64_t floor[LK_FLOOR_COUNT]; /* certified in the record; 0: not */
	bool held;
	int64_t now;
};
enum lk_vf_imported {
	LK_VF_IMPORT_NEW,
	LK_VF_IMPORT_SAME,
	LK_VF_IMPORT_CHANGED,
	LK_VF_IMPORT_OTHER_KEY /* changed, and begun anew */
};
/**
 * lk_vf_device_import - a device, in a transaction of the caller's
 *
 * One that is known keeps its history; with another attestation key it begins anew.
 */
int lk_vf_device_import(struct lk_store *s, const struct lk_vf_import *import,
			enum lk_vf_imported *ret, struct lk_err *err);
/** One that has enrolled and was held may attest from now on. */
int lk_vf_device_approve(struct lk_store *s, int64_t number, struct lk_err *err);
int lk_vf_device_retire(struct lk_store *s, int64_t number, int64_t now, struct lk_err *err);

/** The filter of a list. */
struct lk_vf_filter {
	const char *text;    /* in name or identity; "" for all */
	int verdict;	     /* or LK_VF_ANY_VERDICT */
	int64_t seen_before; /* 0: whenever */
	bool retired;	     /* those alone; else those that aren't */
	int64_t offset, limit;
};
#define LK_VF_ANY_VERDICT (-2)
/** @each is called in the order of names; of the device all but ak and state are set. */
int lk_vf_device_list(struct lk_store *s, const struct lk_vf_filter *filter,
		      int (*each)(void *ctx, const struct lk_vf_device *d, struct lk_err *err),
		      void *ctx, struct lk_err *err);

struct lk_vf_counts {
	int64_t devices, verdict[LK_VERDICT_UNTRUSTED + 1], never, overdue, retired;
};
int lk_vf_device_counts(struct lk_store *s, int64_t overdue_before, struct lk_vf_counts *ret,
			struct lk_err *err);

#endif
