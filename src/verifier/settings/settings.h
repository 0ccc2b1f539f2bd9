/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the settings of the verifier: latchkey-verifier.yaml(5). */
#ifndef LK_VERIFIER_SETTINGS_SETTINGS_H
#define LK_VERIFIER_SETTINGS_SETTINGS_H

#include "core/base/doc.h"
#include "core/base/paths.h"
#include "core/policy/pcr.h"

#define LK_VF_TEXT_MAX 512u
#define LK_VF_NO_PAGES "none"

/** What becomes of a device that enrols and is in no record. */
enum lk_vf_enrol_mode {
	LK_VF_ENROL_REFUSED,
	LK_VF_ENROL_HELD,	 /* until somebody approves it */
	LK_VF_ENROL_CERTIFICATE, /* taken, by the certificate of its endorsement key */
	LK_VF_ENROL_FIRST_SEEN,	 /* taken, whatever it is */
};

struct lk_vf_settings {
	char state[LK_VF_TEXT_MAX];
	char store[LK_VF_TEXT_MAX];
	char listen[LK_VF_TEXT_MAX];
	char pages[LK_VF_TEXT_MAX];	  /* or LK_VF_NO_PAGES */
	char certificate[LK_VF_TEXT_MAX]; /* "": one of the verifier's own authority */
	char key[LK_VF_TEXT_MAX];
	char names[LK_VF_TEXT_MAX];
	char ek_ca[LK_VF_TEXT_MAX]; /* "": certificates of endorsement keys aren't checked */
	enum lk_vf_enrol_mode enrol;
	struct lk_pcr_selection pcrs;
	unsigned int connections;
	unsigned int keep_days; /* attestations and boots; 0: all of them */
	unsigned int overdue_h; /* hours after which a silent device is shown as overdue */
};

/**
 * lk_vf_settings_read - from a file, over what holds without one
 * @path: NULL: LK_VF_SETTINGS, which needn't be there
 * @state: of the command line, or NULL
 */
int lk_vf_settings_read(const char *path, const char *state, struct lk_vf_settings *ret,
			struct lk_err *err);
/** A document over what @s has; LK_E_INPUT with the place, and @s is undefined then. */
int lk_vf_settings_from_doc(const struct lk_doc *map, struct lk_vf_settings *s, struct lk_err *err);

#endif
