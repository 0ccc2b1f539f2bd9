/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what libcryptsetup says instead of what isn't linked: every format but LUKS2, reencryption, and measuring a KDF. Latchkey's
 * own check of the header has refused such volumes before. */
#include <errno.h>

#include "bitlk/bitlk.h"
#include "fvault2/fvault2.h"
#include "internal.h"
#include "loopaes/loopaes.h"
#include "luks1/luks.h"
#include "luks2/luks2_internal.h"
#include "tcrypt/tcrypt.h"
#include "verity/verity.h"

#define ABSENT(name, ...)                                                                                              \
	int name(__VA_ARGS__)                                                                                          \
	{                                                                                                              \
		return -ENOTSUP;                                                                                       \
	}

typedef struct crypt_device *cd_t;

ABSENT(BITLK_read_sb, cd_t cd, struct bitlk_metadata *params)
ABSENT(BITLK_get_volume_key, cd_t cd, const char *password, size_t len, const struct bitlk_metadata *params,
       struct volume_key **key)
ABSENT(BITLK_activate_by_passphrase, cd_t cd, const char *name, const char *password, size_t len,
       const struct bitlk_metadata *params, uint32_t flags)
ABSENT(BITLK_activate_by_volume_key, cd_t cd, const char *name, const char *key, size_t size,
       const struct bitlk_metadata *params, uint32_t flags)

void BITLK_bitlk_metadata_free(struct bitlk_metadata *params)
{
}

ABSENT(FVAULT2_read_metadata, cd_t cd, struct fvault2_params *params)
ABSENT(FVAULT2_get_volume_key, cd_t cd, const char *passphrase, size_t len, const struct fvault2_params *params,
       struct volume_key **key)
ABSENT(FVAULT2_activate_by_passphrase, cd_t cd, const char *name, const char *passphrase, size_t len,
       const struct fvault2_params *params, uint32_t flags)

ABSENT(LOOPAES_parse_keyfile, cd_t cd, struct volume_key **vk, const char *hash, unsigned int *count, char *buffer,
       size_t len)
ABSENT(LOOPAES_activate, cd_t cd, const char *name, const char *cipher, unsigned int count, struct volume_key *vk,
       uint32_t flags)

ABSENT(LUKS_read_phdr, struct luks_phdr *hdr, int require, int repair, cd_t cd)
ABSENT(LUKS_open_key_with_hdr, int index, const char *password, size_t len, struct luks_phdr *hdr,
       struct volume_key **vk, cd_t cd)
ABSENT(LUKS_verify_volume_key, const struct luks_phdr *hdr, const struct volume_key *vk)
ABSENT(LUKS1_activate, cd_t cd, const char *name, struct volume_key *vk, uint32_t flags)

size_t LUKS_device_sectors(const struct luks_phdr *hdr)
{
	return 0;
}

ABSENT(TCRYPT_read_phdr, cd_t cd, struct tcrypt_phdr *hdr, struct crypt_params_tcrypt *params)
ABSENT(TCRYPT_activate, cd_t cd, const char *name, struct tcrypt_phdr *hdr, struct crypt_params_tcrypt *params,
       uint32_t flags)
ABSENT(TCRYPT_get_volume_key, cd_t cd, struct tcrypt_phdr *hdr, struct crypt_params_tcrypt *params,
       struct volume_key **vk)

uint64_t TCRYPT_get_data_offset(cd_t cd, struct tcrypt_phdr *hdr, struct crypt_params_tcrypt *params)
{
	return 0;
}

uint64_t TCRYPT_get_iv_offset(cd_t cd, struct tcrypt_phdr *hdr, struct crypt_params_tcrypt *params)
{
	return 0;
}

ABSENT(VERITY_read_sb, cd_t cd, uint64_t offset, char **uuid, struct crypt_params_verity *params)
ABSENT(VERITY_activate, cd_t cd, const char *name, struct volume_key *root_hash, struct volume_key *signature,
       struct device *fec, struct crypt_params_verity *hdr, uint32_t flags)
ABSENT(VERITY_verify_params, cd_t cd, struct crypt_params_verity *hdr, bool is_signed, struct device *fec,
       struct volume_key *root_hash)

ABSENT(LUKS2_reencrypt_digest_verify, cd_t cd, struct luks2_hdr *hdr, struct volume_key *vks)

void LUKS2_reencrypt_free(cd_t cd, struct luks2_reencrypt *rh)
{
}

void LUKS2_reencrypt_lookup_key_ids(cd_t cd, struct luks2_hdr *hdr, struct volume_key *vk)
{
}

unsigned LUKS2_reencrypt_vks_count(struct luks2_hdr *hdr)
{
	return 0;
}

ABSENT(crypt_benchmark_pbkdf_internal, cd_t cd, struct crypt_pbkdf_type *pbkdf, size_t size)
