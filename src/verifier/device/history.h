/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what is kept of attestations: raw quotes, verdicts with their reasons, and logs as chunks. */
#ifndef LK_VERIFIER_DEVICE_HISTORY_H
#define LK_VERIFIER_DEVICE_HISTORY_H

#include "verifier/device/device.h"

/** Logs of one boot, put together from their chunks. */
struct lk_vf_logs {
	struct lk_buf firmware, ima, measured;
	int64_t boot;
	bool found;
};
#define LK_OWNED_VF_LOGS __attribute__((cleanup(lk_vf_logs_done))) struct lk_vf_logs
void lk_vf_logs_done(struct lk_vf_logs *logs);
/** Without the kernel's log, which may be large. */
int lk_vf_logs_get(struct lk_store *s, int64_t device, int64_t since, struct lk_vf_logs *ret,
		   struct lk_err *err);
/** The kernel's log alone. */
int lk_vf_logs_get_ima(struct lk_store *s, int64_t device, int64_t since, struct lk_vf_logs *ret,
		       struct lk_err *err);

/** What an attestation brings of its boot's logs. len 0: nothing new. */
struct lk_vf_boot {
	int64_t device, since, boot;
	bool is_new; /* a row of its own; else what is there is added to */
	struct lk_bytes firmware, measured, ima;
	bool ima_goes_on; /* behind what is there; else in its place */
};
int lk_vf_boot_put(struct lk_store *s, const struct lk_vf_boot *boot, struct lk_err *err);

/** What an accepted attestation writes. */
struct lk_vf_accepted {
	const struct lk_vf_device *before;
	const struct lk_attest_state *state; /* with its boot, clock and nonce */
	int64_t at, booted;
	int verdict;
	const struct lk_digest *reference;
	struct lk_signed_attest quote;
	/* NULL: as before. */
	const char *reasons;
	struct lk_bytes good; /* len 0: as before */
};
/**
 * lk_vf_accept - compare and set, and keep the attestation
 *
 * Return: LK_OK; LK_E_POLICY (LK_REFUSAL_CLOCK) where another was accepted since @before
 * was read; LK_E_IO.
 */
int lk_vf_accept(struct lk_store *s, const struct lk_vf_accepted *a, struct lk_err *err);

/** A device's findings: JSON text of its reasons, and what to tell differences from. */
struct lk_vf_findings {
	struct lk_buf reasons;
	struct lk_buf good;
};
#define LK_OWNED_VF_FINDINGS __attribute__((cleanup(lk_vf_findings_done))) struct lk_vf_findings
void lk_vf_findings_done(struct lk_vf_findings *f);
int lk_vf_findings_get(struct lk_store *s, int64_t device, struct lk_vf_findings *ret,
		       struct lk_err *err);

/** One attestation of before. */
struct lk_vf_attestation {
	int64_t at, boot;
	int verdict;
};
int lk_vf_history_list(struct lk_store *s, int64_t device, int64_t limit,
		       int (*each)(void *ctx, const struct lk_vf_attestation *a,
				   struct lk_err *err),
		       void *ctx, struct lk_err *err);
/** Quote, signature and reasons of the attestation at @at. LK_E_OBJECT where there is none. */
struct lk_vf_evidence {
	struct lk_vf_attestation a;
	struct lk_buf quote, signature, reasons;
};
#define LK_OWNED_VF_EVIDENCE __attribute__((cleanup(lk_vf_evidence_done))) struct lk_vf_evidence
void lk_vf_evidence_done(struct lk_vf_evidence *e);
int lk_vf_evidence_get(struct lk_store *s, int64_t device, int64_t at, struct lk_vf_evidence *ret,
		       struct lk_err *err);

#endif
