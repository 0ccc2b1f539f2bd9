/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns a device's boots as they are shown: which there are, and the logs of one beside another's. */
#ifndef LK_VERIFIER_DEVICE_BOOTS_H
#define LK_VERIFIER_DEVICE_BOOTS_H

#include "core/bootlog/log_match.h"
#include "verifier/device/history.h"

/** One boot; times are milliseconds since 1970. */
struct lk_vf_boot_row {
	int64_t since; /* its first attestation */
	int64_t boot;  /* its number, of the TPM's */
	int verdict;   /* the last of this boot; or LK_VF_NO_VERDICT where none is kept */
	bool has_firmware, has_ima, has_measured;
};
/** The newest first. */
int lk_vf_boots_list(struct lk_store *s, int64_t device, int64_t limit,
		     int (*each)(void *ctx, const struct lk_vf_boot_row *b, struct lk_err *err),
		     void *ctx, struct lk_err *err);
/** The boot that was trusted last before the one of @since; *@ret is 0 where none was. */
int lk_vf_boots_trusted_before(struct lk_store *s, int64_t device, int64_t since, int64_t *ret,
			       struct lk_err *err);
/** The two newest boots; 0 where there are fewer. */
int lk_vf_boots_last(struct lk_store *s, int64_t device, int64_t ret[static 2], struct lk_err *err);

/** The firmware's log of one boot beside another's. */
struct lk_vf_beside {
	struct lk_vf_logs logs, other; /* without the kernel's */
	struct lk_log_lists lists;     /* a of the boot, b of the other */
	struct lk_err trouble;	       /* what ended reading the log; "" where nothing did */
};
#define LK_OWNED_VF_BESIDE __attribute__((cleanup(lk_vf_beside_done))) struct lk_vf_beside
void lk_vf_beside_done(struct lk_vf_beside *b);
/**
 * lk_vf_beside_get - both logs, matched
 * @other: 0 for none
 *
 * Return: LK_OK; LK_E_OBJECT where there is no such boot; LK_E_IO, LK_E_SYSTEM.
 */
int lk_vf_beside_get(struct lk_store *s, int64_t device, int64_t since, int64_t other,
		     struct lk_vf_beside *ret, struct lk_err *err);

/** The same of the kernel's logs. */
struct lk_vf_ima_beside {
	struct lk_vf_logs logs, other;
	struct lk_ima_item *a, *b;
	size_t n_a, n_b;
	bool compared; /* both were there, and none was too long for it */
	struct lk_err trouble;
};
#define LK_OWNED_VF_IMA_BESIDE                                                                     \
	__attribute__((cleanup(lk_vf_ima_beside_done))) struct lk_vf_ima_beside
void lk_vf_ima_beside_done(struct lk_vf_ima_beside *b);
/** Logs over 16 MiB aren't compared. */
int lk_vf_ima_beside_get(struct lk_store *s, int64_t device, int64_t since, int64_t other,
			 struct lk_vf_ima_beside *ret, struct lk_err *err);

#endif
