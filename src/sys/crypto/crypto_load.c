/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns finding a private key and asking for its passphrase. */
#include "sys/crypto/crypto_sign.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/store.h>
#include <openssl/ui.h>

#include "core/base/bom.h"
#include "core/base/pem.h"
#include "sys/crypto/crypto_key.h"
#include "sys/crypto/crypto_openssl.h"

LK_OPENSSL_CLEANUP(OSSL_STORE_INFO, OSSL_STORE_INFO_free)
LK_OPENSSL_CLEANUP(UI_METHOD, UI_destroy_method)

#define KEY_FILE_MAX   (64u * 1024u)
#define PASSPHRASE_MAX 1024
#define SCHEME_MAX     64u

/** What the passphrase callback is given, and what it has to say. */
struct asking {
	const char *uri;
	const struct lk_secret *passphrase; /* may be NULL: ask */
	struct lk_err err;		    /* rc is LK_OK unless asking failed */
};

/* OpenSSL would fall back to standard input, which may be a policy file. */
static int need_terminal(struct lk_err *err)
{
	LK_OWNED_FD fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		return LK_OK;
	return lk_err_set(err, LK_E_SYSTEM, (uint32_t)errno,
			  "no terminal to ask for a passphrase on: give it with --passphrase-file");
}

int lk_passphrase_ask(const char *prompt, bool twice, struct lk_secret *ret, struct lk_err *err)
{
	LK_OWNED_SECRET secret = LK_SECRET_NONE;
	int rc = need_terminal(err);

	if (rc != LK_OK)
		return rc;
	rc = lk_secret_init(&secret, PASSPHRASE_MAX, err);
	if (rc != LK_OK)
		return rc;
	if (EVP_read_pw_string((char *)secret.data, PASSPHRASE_MAX, prompt, twice) != 0) {
		ERR_clear_error();
		return lk_err_set(err, LK_E_INPUT, 0,
				  twice ? "no passphrase, or not the same one twice"
					: "no passphrase was given");
	}
	secret.len = strnlen((char *)secret.data, PASSPHRASE_MAX);
	if (!secret.len)
		return lk_err_set(err, LK_E_INPUT, 0, "the passphrase is empty");
	*ret = lk_secret_take(&secret);
	return LK_OK;
}

/* A pem_password_cb; also serves the store, and tokens that want a PIN. */
static int passphrase_cb(char *buf, int size, int writing, void *data)
{
	struct asking *asking = data;
	LK_OWNED_SECRET asked = LK_SECRET_NONE;
	const struct lk_secret *use = asking->passphrase;
	char prompt[512];

	(void)writing;
	if (!use) {
		(void)snprintf(prompt, sizeof(prompt),
			       "Passphrase or PIN of %.400s: ", asking->uri);
		if (lk_passphrase_ask(prompt, false, &asked, &asking->err) != LK_OK)
			return -1;
		use = &asked;
	}
	if (use->len > (size_t)size)
		return -1;
	memcpy(buf, use->data, use->len);
	return (int)use->len;
}

/* What the file is instead; NULL where it says that it is a private key. */
static const char *other_kind(struct lk_bytes text)
{
	const char *kind = lk_pem_kind(text);

	return kind && strcmp(kind, "a private key") != 0 ? kind : NULL;
}

/* Why it wasn't read: what asking ran into comes before OpenSSL's reason. */
static int load_failed(const struct asking *asking, struct lk_err *err)
{
	if (asking->err.rc != LK_OK) {
		ERR_clear_error();
		return lk_err_set(err, asking->err.rc, asking->err.code, "%s", asking->err.msg);
	}
	return lk_openssl_error(
		err, LK_E_INPUT,
		asking->passphrase ? "no private key is read from it, or the passphrase is another"
				   : "no private key is read from it");
}

static int load_pem(struct asking *asking, EVP_PKEY **ret, struct lk_err *err)
{
	LK_OWNED_SECRET file = LK_SECRET_NONE;
	LK_OWNED_OPENSSL(BIO) *bio = NULL;
	struct lk_bytes text;
	const char *kind;
	int rc;

	rc = lk_fs_read_secret(asking->uri, KEY_FILE_MAX, &file, err);
	if (rc != LK_OK)
		return rc;
	text = lk_bom_skip((struct lk_bytes){ file.data, file.len });
	bio = BIO_new_mem_buf(text.data, (int)text.len);
	if (!bio)
		return lk_openssl_error(err, LK_E_SYSTEM, "out of memory");
	*ret = PEM_read_bio_PrivateKey_ex(bio, NULL, passphrase_cb, asking, NULL,
					  LK_OPENSSL_SOFTWARE);
	if (*ret)
		return LK_OK;
	kind = other_kind(text);
	if (!kind)
		return load_failed(asking, err);
	ERR_clear_error();
	return lk_err_set(err, LK_E_INPUT, 0, "this is %s; the private key is wanted", kind);
}

/* A store may hold several; signing with whichever comes first would be luck.
 */
static int only_key(OSSL_STORE_CTX *store, const struct asking *asking, EVP_PKEY **ret,
		    struct lk_err *err)
{
	LK_OWNED_OPENSSL(EVP_PKEY) *found = NULL;

	while (!OSSL_STORE_eof(store)) {
		LK_OWNED_OPENSSL(OSSL_STORE_INFO) *info = OSSL_STORE_load(store);

		/* An error without a reason is also how a file store says
		 * that there is no more: what was found by then decides. */
		if (!info && OSSL_STORE_error(store))
			break;
		if (!info || OSSL_STORE_INFO_get_type(info) != OSSL_STORE_INFO_PKEY)
			continue;
		if (found)
			return lk_err_set(
				err, LK_E_INPUT, 0,
				"the URI names more than one private key: name one (object=, id=)");
		found = OSSL_STORE_INFO_get1_PKEY(info);
	}
	if (!found)
		return load_failed(asking, err);
	*ret = found;
	found = NULL;
	return LK_OK;
}

/* Who serves such URIs, as Debian packages it. */
static const char *provider_of(const char *scheme)
{
	static const struct {
		const char *scheme, *what;
	} table[] = {
		{ "pkcs11", "the provider pkcs11 (package pkcs11-provider, from Debian 13 on)" },
		{ "handle", "the provider tpm2 (package tpm2-openssl)" },
		{ "object", "the provider tpm2 (package tpm2-openssl)" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].scheme, scheme) == 0)
			return table[i].what;
	return NULL;
}

/* OpenSSL's own word for it is "unsupported". */
static int check_scheme(const char *uri, struct lk_err *err)
{
	OSSL_STORE_LOADER *loader;
	char scheme[SCHEME_MAX];
	const char *what;

	(void)snprintf(scheme, sizeof(scheme), "%.*s", (int)strcspn(uri, ":"), uri);
	loader = OSSL_STORE_LOADER_fetch(NULL, scheme, NULL);
	ERR_clear_error();
	if (loader) {
		OSSL_STORE_LOADER_free(loader);
		return LK_OK;
	}
	what = provider_of(scheme);
	return lk_err_set(
		err, LK_E_INPUT, 0,
		"no provider of OpenSSL that is active serves %s: URIs; %s%s has to be installed, and activated in openssl.cnf (config(5)), beside the default one; openssl list -providers shows those that are",
		scheme, what ? what : "one that does",
		what ? "" : ", from whoever made the token,");
}

static int load_store(struct asking *asking, EVP_PKEY **ret, struct lk_err *err)
{
	LK_OWNED_OPENSSL(UI_METHOD) *ui = UI_UTIL_wrap_read_pem_callback(passphrase_cb, 0);
	OSSL_STORE_CTX *store = NULL;
	int rc = check_scheme(asking->uri, err);

	if (rc != LK_OK)
		return rc;
	if (ui)
		store = OSSL_STORE_open_ex(asking->uri, NULL, LK_OPENSSL_SOFTWARE, ui, asking, NULL,
					   NULL, NULL);
	if (!store)
		return load_failed(asking, err);
	if (OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY) != 1)
		rc = load_failed(asking, err);
	else
		rc = only_key(store, asking, ret, err);
	OSSL_STORE_close(store);
	return rc;
}

/* RFC 3986 scheme, unless a file of just that name is there. */
static bool is_uri(const char *text)
{
	const char *p = text;

	if (!isalpha((unsigned char)*p))
		return false;
	while (isalnum((unsigned char)*p) || (*p && strchr("+-.", *p)))
		p++;
	return *p == ':' && access(text, F_OK) != 0;
}

/* The parser of its public half would speak of a public key. */
static int adopt(EVP_PKEY **pkey, struct lk_private_key **ret, struct lk_err *err)
{
	int rc = lk_private_key_adopt(pkey, ret, err);
	const char *kind;

	if (rc != LK_E_INPUT)
		return rc;
	kind = EVP_PKEY_get0_type_name(*pkey);
	if (kind && !EVP_PKEY_is_a(*pkey, "EC"))
		return lk_err_set(err, rc, 0,
				  "a private key of type %s; an EC key on P-384 or P-256 is wanted",
				  kind);
	lk_err_prefix(err, "its public half");
	return rc;
}

int lk_private_key_load(const char *uri, const struct lk_secret *passphrase,
			struct lk_private_key **ret, struct lk_err *err)
{
	struct asking asking = { .uri = uri, .passphrase = passphrase };
	LK_OWNED_OPENSSL(EVP_PKEY) *pkey = NULL;
	int rc;

	rc = is_uri(uri) ? load_store(&asking, &pkey, err) : load_pem(&asking, &pkey, err);
	if (rc == LK_OK)
		rc = adopt(&pkey, ret, err);
	if (rc == LK_OK)
		ERR_clear_error();
	return rc;
}
