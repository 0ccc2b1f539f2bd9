/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reports: of the fleet or of one device, for people, for programs, and signed for others. */
#ifndef LK_VERIFIER_SHOW_REPORT_H
#define LK_VERIFIER_SHOW_REPORT_H

#include "verifier/device/device.h"
#include "verifier/settings/settings.h"
#include "sys/crypto/crypto_jws.h"
#include "sys/format/json.h"
#include "sys/os/fs.h"

/** What a report is of. */
struct lk_vf_report {
	struct lk_store *store;
	const struct lk_vf_device *one; /* NULL: the fleet, without what was retired */
	int64_t overdue_before;
	int64_t limit; /* devices; a report that would have more is refused with LK_E_REFUSED */
};

/** Its public part as a JSON Web Key (RFC 7517), "kid" with it. */
int lk_vf_report_jwk(const struct lk_jws_key *key, struct lk_json *into, struct lk_err *err);

/** Counts and devices. */
int lk_vf_report_json(const struct lk_vf_report *r, struct lk_json *into, struct lk_err *err);
/** A page that stands alone. */
int lk_vf_report_html(const struct lk_vf_report *r, struct lk_buf *ret, struct lk_err *err);
/**
 * lk_vf_report_jwt - an attestation result (EAR) as a JSON Web Token (RFC 7519)
 *
 * One submodule a device, named by its identity.
 */
int lk_vf_report_jwt(const struct lk_vf_report *r, const struct lk_jws_key *key, struct lk_buf *ret,
		     struct lk_err *err);

#endif
