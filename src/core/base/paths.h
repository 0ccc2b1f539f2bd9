/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the paths that the programs, their units, the initramfs and the man pages share. */
#ifndef LK_CORE_BASE_PATHS_H
#define LK_CORE_BASE_PATHS_H

/*
 * The only place in C that says them; a lint test holds units, shell scripts and man pages against this table.
 *
 * Under /etc: what the owner has written.
 */
#define LK_POLICY_PATH	   "/etc/latchkey/policy.yaml"
#define LK_DEVICE_FILE	   "/etc/latchkey/device.yaml"
#define LK_UC_SETTINGS	   "/etc/latchkey/userconfig.yaml"
#define LK_UC_HOOKS	   "/etc/latchkey/userconfig.d"
#define LK_ATTEST_SETTINGS "/etc/latchkey/attest.yaml"
#define LK_VF_SETTINGS	   "/etc/latchkey/verifier.yaml" /* of the server's machine */

/* Under /run: what this boot has seen, made anew in each. */
#define LK_LEARNED_DIR	  "/run/latchkey/learned"
#define LK_BOOTED_DIR	  "/run/latchkey/booted"
#define LK_OPENED_DIR	  "/run/latchkey/opened"
#define LK_SEEN_FILE	  "/run/latchkey/pcrs.json"
#define LK_DIAGNOSIS_FILE "/run/latchkey/diagnosis.json"
#define LK_AT_MEASURED	  "/run/log/systemd/tpm2-measure.log" /* systemd's */
#define LK_UC_VOLATILE	  "/run/latchkey/userconfig"

/* Under /var: what outlives a boot. */
#define LK_UC_STATE "/var/lib/latchkey/userconfig"
#define LK_AT_STATE "/var/lib/latchkey/attest/state.json"
#define LK_VF_STATE "/var/lib/latchkey-verifier"

/* The TPM: alone in early boot, shared with others in the running system. */
#define LK_TPM_ALONE  "device:/dev/tpm0"
#define LK_TPM_SHARED "device:/dev/tpmrm0"

/* What the kernel shows of a boot. In early boot securityfs has to be mounted first. */
#define LK_BOOT_LOG_FIRMWARE "/sys/kernel/security/tpm0/binary_bios_measurements"
#define LK_BOOT_LOG_IMA	     "/sys/kernel/security/ima/binary_runtime_measurements"
#define LK_EFIVARS_DIR	     "/sys/firmware/efi/efivars"

#endif
