/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns asking the kernel command line of this boot. */
#include "core/policy/boot_argument.h"
#include "sys/os/fs.h"
#include "unseal/unseal.h"

bool lk_unseal_boot_argument(const char *name, char *out, size_t cap)
{
	LK_OWNED_BUF text = LK_BUF_NONE;

	return lk_fs_read("/proc/cmdline", LK_BOOT_ARGUMENTS_MAX, &text, NULL) == LK_OK &&
	       lk_boot_argument((struct lk_bytes){ text.data, text.len }, name, out, cap);
}
