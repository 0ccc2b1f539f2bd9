/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns making a certification authority of one's own, and what it issues for a server. */
#ifndef LK_SYS_CRYPTO_CRYPTO_CA_H
#define LK_SYS_CRYPTO_CRYPTO_CA_H

#include "core/base/bytes.h"
#include "core/base/rc.h"
#include "sys/os/fs.h"

/** Both in PEM; the key is PKCS#8, not encrypted. */
struct lk_certified {
	struct lk_buf key;
	struct lk_buf certificate;
};
#define LK_OWNED_CERTIFIED __attribute__((cleanup(lk_certified_done))) struct lk_certified
void lk_certified_done(struct lk_certified *c);

/** A root of ten years on P-256, which may issue for servers and for nothing below itself. */
int lk_crypto_ca_make(const char *name, struct lk_certified *ret, struct lk_err *err);

/**
 * lk_crypto_ca_issue - a server's key and certificate, of two years
 * @names: DNS names and addresses, in OpenSSL's form: "DNS:localhost,IP:127.0.0.1"
 */
int lk_crypto_ca_issue(const struct lk_certified *ca, const char *names, struct lk_certified *ret,
		       struct lk_err *err);

/** SHA-256 of the first certificate in @pem, as "AB:CD:..."; 95 characters and a NUL. */
#define LK_FINGERPRINT_TEXT 96u
int lk_crypto_fingerprint(struct lk_bytes pem, char ret[static LK_FINGERPRINT_TEXT],
			  struct lk_err *err);
/** Days until the first certificate in @pem ends; 0 when it has. */
int lk_crypto_days_left(struct lk_bytes pem, unsigned int *ret, struct lk_err *err);
/** Whether the first certificate in @pem is for each of @names, as lk_crypto_ca_issue takes them. */
bool lk_crypto_is_for(struct lk_bytes pem, const char *names);

#endif
