/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the settings of latchkey-attest (latchkey-attest.yaml(5)). */
#ifndef LK_CORE_ATTEST_SETTINGS_H
#define LK_CORE_ATTEST_SETTINGS_H

#include <stdbool.h>

#include "core/base/paths.h"
#include "core/base/doc.h"
#include "core/base/rc.h"

#define LK_ATTEST_SERVER_MAX 255u
#define LK_ATTEST_PATH_MAX   512u
/** "sha256//" and base64 of a SHA-256 of the server's SubjectPublicKeyInfo. */
#define LK_ATTEST_PIN_SIZE 52u

struct lk_attest_settings {
	char server[LK_ATTEST_SERVER_MAX + 1]; /* "https://host:port", no "/" at its end */
	char ca[LK_ATTEST_PATH_MAX + 1];       /* PEM; "": the system's, or none with a pin */
	char pin[LK_ATTEST_PIN_SIZE + 1];      /* "": none */
	bool ima;			       /* the kernel's log is sent too */
};

/** Strict. Return: LK_OK, or LK_E_INPUT with the place. @ret untouched on failure. */
int lk_attest_settings_from_doc(const struct lk_doc *doc, struct lk_attest_settings *ret,
				struct lk_err *err);

#endif
