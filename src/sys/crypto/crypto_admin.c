/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns OpenSSL for provisioning: PEM. */
#include "sys/crypto/crypto_admin.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

static int openssl_error(struct lk_err *err, enum lk_rc rc, const char *step)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(code);

	ERR_clear_error();
	return lk_err_set(err, rc, (uint32_t)code, "%s: %s", step, reason ? reason : "failed");
}

/** A copy that lk_buf_done may free, with the NUL that lk_buf promises. */
static int copy_out(const void *data, size_t len, struct lk_buf *ret, struct lk_err *err)
{
	uint8_t *copy = malloc(len + 1);

	if (!copy)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	memcpy(copy, data, len);
	copy[len] = 0;
	*ret = (struct lk_buf){ copy, len };
	return LK_OK;
}

int lk_crypto_pem(const char *label, struct lk_bytes der, struct lk_buf *ret, struct lk_err *err)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long len = 0;
	int rc;

	if (!bio || der.len > LONG_MAX ||
	    PEM_write_bio(bio, label, "", der.data, (long)der.len) <= 0 ||
	    (len = BIO_get_mem_data(bio, &text)) <= 0)
		rc = openssl_error(err, LK_E_SYSTEM, "writing PEM");
	else
		rc = copy_out(text, (size_t)len, ret, err);
	BIO_free(bio);
	return rc;
}
