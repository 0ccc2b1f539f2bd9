/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns that ESAPI looks for no TPM by itself: who calls it hands over a connection. */
#include "tss2_tcti.h"
#include "tss2_tctildr.h"

#define Tss2_TctiLdr_Initialize(name, tcti) TSS2_ESYS_RC_BAD_REFERENCE
#define Tss2_TctiLdr_Finalize(tcti) ((void)(tcti))
