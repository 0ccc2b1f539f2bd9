/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what lies in the verifier's state directory beside the database: its authority, its certificate, the key that signs reports. */
#ifndef LK_VERIFIER_SETTINGS_STATE_DIR_H
#define LK_VERIFIER_SETTINGS_STATE_DIR_H

#include "sys/crypto/crypto_jws.h"
#include "verifier/settings/settings.h"

struct lk_vf_certificate {
	char ca[LK_VF_TEXT_MAX]; /* what devices trust; "" with a certificate of the operator's */
	char certificate[LK_VF_TEXT_MAX];
	char key[LK_VF_TEXT_MAX];
	bool made; /* just now */
};

/** The directory itself, for its owner alone. */
int lk_vf_state_make(const struct lk_vf_settings *s, struct lk_err *err);

/**
 * lk_vf_certificate_find - the server's certificate, made where there is none
 *
 * The authority is made once. The certificate is issued anew where less than 60 days
 * of it are left, so that nobody has to think of it.
 */
int lk_vf_certificate_find(const struct lk_vf_settings *s, struct lk_vf_certificate *ret,
			   struct lk_err *err);

/** The key that signs reports, made where there is none. */
int lk_vf_report_key(const struct lk_vf_settings *s, struct lk_jws_key **ret, struct lk_err *err);

#endif
