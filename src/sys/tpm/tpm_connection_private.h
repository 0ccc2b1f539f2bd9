/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what a connection to the TPM consists of; for the files that make one and that hand out its parts. */
#ifndef LK_SYS_TPM_TPM_CONNECTION_PRIVATE_H
#define LK_SYS_TPM_TPM_CONNECTION_PRIVATE_H

#include "sys/tpm/tpm_private.h"
#include "sys/tpm/tpm_wire_private.h"

struct lk_tpm {
	struct lk_tpm_wire wire;
	ESYS_CONTEXT *esys;
	struct lk_tpm_shared shared;
	ESYS_TR proven;
	struct lk_tpm_pin pin;
	char sysfs[32]; /* "tpm0"; empty when it isn't the kernel's device */
};

#endif
