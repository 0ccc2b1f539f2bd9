/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns where Latchkey's objects lie in the TPM, and the shape that they have there. */
#ifndef LK_SYS_TPM_TPM_PLACES_H
#define LK_SYS_TPM_TPM_PLACES_H

#define LK_HANDLE_SRK	     0x81000001u
#define LK_HANDLE_CONFIG_KEY 0x8100a000u
#define LK_HANDLE_VOLUME_MIN 0x8100a001u
#define LK_HANDLE_VOLUME_MAX 0x8100afffu
#define LK_HANDLE_AK	     0x8101a000u /* the attestation key */
#define LK_NV_POLICY_KEY     0x018a0000u
#define LK_NV_VERSION_FLOOR  0x018a0001u
#define LK_NV_SEQUENCE_FLOOR 0x018a0002u

/** What the policy key's index is defined with (TPMA_NV), and ends up with. */
#define LK_NV_POLICY_KEY_ATTRIBUTES 0x02062002u
#define LK_NV_WRITTEN		    0x20000000u
#define LK_NV_WRITELOCKED	    0x00000800u

#endif
