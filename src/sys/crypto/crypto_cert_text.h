/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what a certificate says, for people: nothing here is checked. */
#ifndef LK_SYS_CRYPTO_CRYPTO_CERT_TEXT_H
#define LK_SYS_CRYPTO_CRYPTO_CERT_TEXT_H

#include <stdbool.h>

#include "core/base/bytes.h"

#define LK_CERT_TEXT_MAX 512u

/** UTF-8, cut to fit; to be escaped where it is shown. */
struct lk_certificate_facts {
	char subject[LK_CERT_TEXT_MAX];
	char issuer[LK_CERT_TEXT_MAX];
	char names[LK_CERT_TEXT_MAX]; /* subjectAltName; "" for none */
	char serial[96];	      /* hexadecimal */
	char from[32], to[32];	      /* "2026-11-03 10:02:00 UTC" */
	char key[64];		      /* "RSA 2048", "EC P-256" */
};

/** Of the first certificate in @pem. Return: false where it can't be read; @ret is untouched then. */
bool lk_crypto_certificate_facts(struct lk_bytes pem, struct lk_certificate_facts *ret);

#endif
