/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns which of OpenSSL's algorithms the static binary contains: it is compiled in place of OpenSSL's default provider, and what
 * these tables don't name isn't linked. An algorithm that isn't here is unknown, and whoever asks for it refuses. */
#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/prov_ssl.h>

#include "internal/cryptlib.h"
#include "internal/provider.h"
#include "prov/implementations.h"
#include "prov/names.h"
#include "prov/provider_ctx.h"
#include "prov/providercommon.h"
#include "prov/provider_util.h"
#include "prov/seeding.h"

#define ROW(name, functions) { PROV_NAMES_##name, "provider=default", functions, NULL }
#define END { NULL, NULL, NULL, NULL }

/* LUKS2 headers, keyslots and digests, PCR banks, sessions. */
static const OSSL_ALGORITHM digests[] = {
	ROW(SHA1, ossl_sha1_functions),
	ROW(SHA2_256, ossl_sha256_functions),
	ROW(SHA2_384, ossl_sha384_functions),
	ROW(SHA2_512, ossl_sha512_functions),
	END
};

/* Keyslot areas (XTS; CBC and, for its IV, ECB), sessions (CFB), the random generator (ECB, CTR), configuration (CTR). */
static const OSSL_ALGORITHM ciphers[] = {
	ROW(AES_256_XTS, ossl_aes256xts_functions),
	ROW(AES_128_XTS, ossl_aes128xts_functions),
	ROW(AES_256_CBC, ossl_aes256cbc_functions),
	ROW(AES_192_CBC, ossl_aes192cbc_functions),
	ROW(AES_128_CBC, ossl_aes128cbc_functions),
	ROW(AES_256_ECB, ossl_aes256ecb_functions),
	ROW(AES_192_ECB, ossl_aes192ecb_functions),
	ROW(AES_128_ECB, ossl_aes128ecb_functions),
	ROW(AES_256_CFB, ossl_aes256cfb_functions),
	ROW(AES_128_CFB, ossl_aes128cfb_functions),
	ROW(AES_256_CTR, ossl_aes256ctr_functions),
	ROW(AES_128_CTR, ossl_aes128ctr_functions),
	END
};

static const OSSL_ALGORITHM macs[] = { ROW(HMAC, ossl_hmac_functions), END };

/* Argon2 is libcryptsetup's own. */
static const OSSL_ALGORITHM kdfs[] = { ROW(PBKDF2, ossl_kdf_pbkdf2_functions), END };

static const OSSL_ALGORITHM rands[] = {
	ROW(CTR_DRBG, ossl_drbg_ctr_functions),
	ROW(SEED_SRC, ossl_seed_src_functions),
	END
};

/* A session's salt is encrypted to the storage root key: P-256 or P-384, RSA where the owner had one. */
static const OSSL_ALGORITHM keys[] = {
	ROW(EC, ossl_ec_keymgmt_functions),
	ROW(RSA, ossl_rsa_keymgmt_functions),
	ROW(HMAC, ossl_mac_legacy_keymgmt_functions),
	END
};
static const OSSL_ALGORITHM exchanges[] = { ROW(ECDH, ossl_ecdh_keyexch_functions), END };
static const OSSL_ALGORITHM asym_ciphers[] = { ROW(RSA, ossl_rsa_asym_cipher_functions), END };

/* How tpm2-tss spells an HMAC; and the owner's signature of a root key. */
static const OSSL_ALGORITHM signatures[] = {
	ROW(HMAC, ossl_mac_legacy_hmac_signature_functions),
	ROW(ECDSA, ossl_ecdsa_signature_functions),
	END
};

static const OSSL_ALGORITHM *query(void *ctx, int operation, int *no_cache)
{
	(void)ctx;
	*no_cache = 0;
	switch (operation) {
	case OSSL_OP_DIGEST:
		return digests;
	case OSSL_OP_CIPHER:
		return ciphers;
	case OSSL_OP_MAC:
		return macs;
	case OSSL_OP_KDF:
		return kdfs;
	case OSSL_OP_RAND:
		return rands;
	case OSSL_OP_KEYMGMT:
		return keys;
	case OSSL_OP_KEYEXCH:
		return exchanges;
	case OSSL_OP_ASYM_CIPHER:
		return asym_ciphers;
	case OSSL_OP_SIGNATURE:
		return signatures;
	default:
		return NULL;
	}
}

static const OSSL_PARAM *gettable(void *ctx)
{
	static const OSSL_PARAM none[] = { OSSL_PARAM_END };

	(void)ctx;
	return none;
}

static int get(void *ctx, OSSL_PARAM params[])
{
	(void)ctx;
	(void)params;
	return 1;
}

static void teardown(void *ctx)
{
	ossl_prov_ctx_free(ctx);
}

static const OSSL_DISPATCH table[] = {
	{ OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))teardown },
	{ OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, (void (*)(void))gettable },
	{ OSSL_FUNC_PROVIDER_GET_PARAMS, (void (*)(void))get },
	{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query },
	OSSL_DISPATCH_END
};

OSSL_provider_init_fn ossl_default_provider_init;

int ossl_default_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
			       void **ret)
{
	OSSL_FUNC_core_get_libctx_fn *libctx = NULL;
	OSSL_FUNC_core_get_params_fn *params = NULL;
	PROV_CTX *ctx;

	if (!ossl_prov_seeding_from_dispatch(in))
		return 0;
	for (; in->function_id != 0; in++) {
		if (in->function_id == OSSL_FUNC_CORE_GET_LIBCTX)
			libctx = OSSL_FUNC_core_get_libctx(in);
		else if (in->function_id == OSSL_FUNC_CORE_GET_PARAMS)
			params = OSSL_FUNC_core_get_params(in);
	}
	ctx = libctx ? ossl_prov_ctx_new() : NULL;
	if (!ctx)
		return 0;
	ossl_prov_ctx_set0_libctx(ctx, (OSSL_LIB_CTX *)libctx(handle));
	ossl_prov_ctx_set0_handle(ctx, handle);
	ossl_prov_ctx_set0_core_get_params(ctx, params);
	*out = table;
	*ret = ctx;
	return 1;
}
