/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns whose storage root key a connection's sessions may be with. */
#include <stdio.h>
#include <string.h>

#include "sys/tpm/tpm_private.h"

void lk_tpm_pin_root(struct lk_tpm *tpm, const struct lk_name *name, const char *from)
{
	struct lk_tpm_pin *pin = lk_tpm_pin(tpm);

	pin->name = *name;
	(void)snprintf(pin->from, sizeof(pin->from), "%s", from);
}

static int refuse_other_root(const struct lk_tpm_pin *pin, struct lk_err *err)
{
	char name[2 * LK_NAME_MAX + 1];

	lk_hex_encode(pin->name.data, pin->name.len, name);
	return lk_err_set(
		err, LK_E_OBJECT, 0,
		"the TPM's storage root key isn't the one that %.200s names (%s): this is another device's TPM, or it was cleared, or somebody on its bus answers for it; nothing was changed; if the TPM was cleared or exchanged, \"latchkey-provision install\" writes a new device file",
		pin->from, name);
}

int lk_tpm_root_load(struct lk_tpm *tpm, ESYS_TR *ret, struct lk_err *err)
{
	const struct lk_tpm_pin *pin = lk_tpm_pin(tpm);
	struct lk_tpm_object root = { .handle = LK_HANDLE_SRK, .pinned = pin->name };
	struct lk_err why = { 0 };
	int rc = lk_tpm_object_load(tpm, &root, ret, &why);

	if (rc == LK_OK)
		return rc;
	/* Without a code of the TPM's it is there, and another. */
	if (rc == LK_E_OBJECT && pin->name.len && !why.code)
		return refuse_other_root(pin, err);
	if (rc == LK_E_OBJECT)
		return lk_err_set(
			err, LK_E_OBJECT, why.code,
			"the TPM has no storage root key at 0x%08x: \"latchkey-provision install\" puts it there",
			LK_HANDLE_SRK);
	return lk_err_set(err, why.rc, why.code, "%s", why.msg);
}

int lk_tpm_root_compare(struct lk_tpm *tpm, struct lk_err *err)
{
	ESYS_TR root;

	LK_TRY(lk_tpm_root_load(tpm, &root, err));
	(void)Esys_TR_Close(lk_tpm_esys(tpm), &root);
	return LK_OK;
}
