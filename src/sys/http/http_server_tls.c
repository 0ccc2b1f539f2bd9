/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what the server asks of TLS. */
#include <openssl/err.h>

#include "sys/http/http_server_private.h"

static int tls_error(struct lk_err *err, enum lk_rc rc, const char *what, const char *file)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(code);

	(void)lk_err_set(err, rc, (uint32_t)code, "%s: %s (%s)", file, what,
			 reason ? reason : "no reason given");
	ERR_clear_error();
	return rc;
}

static int load_files(SSL_CTX *ctx, const struct lk_httpd_tls *files, struct lk_err *err)
{
	if (SSL_CTX_use_certificate_chain_file(ctx, files->certificate) != 1)
		return tls_error(err, LK_E_INPUT, "this certificate can't be used",
				 files->certificate);
	if (SSL_CTX_use_PrivateKey_file(ctx, files->key, SSL_FILETYPE_PEM) != 1)
		return tls_error(err, LK_E_INPUT, "this private key can't be used", files->key);
	if (SSL_CTX_check_private_key(ctx) != 1)
		return tls_error(err, LK_E_INPUT, "this private key isn't the certificate's",
				 files->key);
	return LK_OK;
}

int lk_httpd_tls_new(const struct lk_httpd_tls *files, SSL_CTX **ret, struct lk_err *err)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	int rc;

	if (!ctx)
		return tls_error(err, LK_E_SYSTEM, "TLS can't be had", files->certificate);
	(void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	/* Thousands of idle connections keep no buffers; renegotiation is work that
	 * a client could ask for again and again. */
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					       SSL_OP_CIPHER_SERVER_PREFERENCE);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	rc = load_files(ctx, files, err);
	if (rc != LK_OK) {
		SSL_CTX_free(ctx);
		return rc;
	}
	*ret = ctx;
	return LK_OK;
}
