/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the table of TPM commands that Latchkey sends. */
#include "sys/tpm/tpm_command.h"

#include <tss2/tss2_tpm2_types.h>

#include "core/base/bytes.h"

#define CODE_AT 6u /* after tag and size (Part 1, 18.2) */

/* Part 3 has each command's handles. That of FlushContext is a parameter, and stands
 * where a handle would. */
#define ROW(name, handles)                                                                         \
	{                                                                                          \
		TPM2_CC_##name, handles, "TPM2_" #name                                             \
	}
static const struct lk_tpm_command commands[] = {
	ROW(ActivateCredential, 2),
	ROW(Create, 1),
	ROW(CreatePrimary, 1),
	ROW(DictionaryAttackLockReset, 1),
	ROW(DictionaryAttackParameters, 1),
	ROW(EncryptDecrypt2, 1),
	ROW(EvictControl, 2),
	ROW(FlushContext, 1),
	ROW(GetCapability, 0),
	ROW(GetRandom, 0),
	ROW(HierarchyChangeAuth, 1),
	ROW(Import, 1),
	ROW(Load, 1),
	ROW(LoadExternal, 0),
	ROW(NV_Certify, 3),
	ROW(NV_DefineSpace, 1),
	ROW(NV_Increment, 2),
	ROW(NV_Read, 2),
	ROW(NV_ReadPublic, 1),
	ROW(NV_UndefineSpace, 2),
	ROW(NV_Write, 2),
	ROW(NV_WriteLock, 2),
	ROW(ObjectChangeAuth, 2),
	ROW(PCR_Event, 1),
	ROW(PCR_Extend, 1),
	ROW(PCR_Read, 0),
	ROW(PolicyAuthorize, 1),
	ROW(PolicyAuthValue, 1),
	ROW(PolicyNV, 3),
	ROW(PolicyPCR, 1),
	ROW(PolicySecret, 2),
	ROW(Quote, 1),
	ROW(ReadPublic, 1),
	ROW(StartAuthSession, 2),
	ROW(TestParms, 0),
	ROW(Unseal, 1),
	ROW(VerifySignature, 1),
};
static const struct lk_tpm_command another = { 0, 0, "a TPM command" };

const struct lk_tpm_command *lk_tpm_command_of(const uint8_t *command, size_t len)
{
	struct lk_reader in = lk_reader_init(command, len);
	uint32_t code;

	(void)lk_read_bytes(&in, CODE_AT);
	code = lk_read_be32(&in);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (commands[i].code == code)
			return &commands[i];
	return &another;
}
