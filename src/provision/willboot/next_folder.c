/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the folders where the EFI system partition may be mounted, and finding a file of it there. */
#include <stdio.h>
#include <unistd.h>

#include "willboot/next_boot.h"

const char *lk_next_folder(const struct lk_next *next, size_t i)
{
	static const char *const usual[] = { "/efi", "/boot/efi", "/boot" };

	if (next->names.esp)
		return i ? NULL : next->names.esp;
	return i < sizeof(usual) / sizeof(usual[0]) ? usual[i] : NULL;
}

int lk_next_locate(const struct lk_next *next, const char *file, char ret[static PATH_MAX],
		   struct lk_err *err)
{
	const char *folder;

	for (size_t i = 0; (folder = lk_next_folder(next, i)); i++)
		if (snprintf(ret, PATH_MAX, "%s%s", folder, file) < PATH_MAX &&
		    access(ret, F_OK) == 0)
			return LK_OK;
	return lk_err_set(
		err, LK_E_UNKNOWN, 0,
		"the boot image %s isn't in %s: the EFI system partition isn't mounted, or the image is gone (--esp says where it is mounted)",
		file, next->names.esp ? next->names.esp : "/efi, /boot/efi or /boot");
}
