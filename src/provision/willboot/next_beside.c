/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what lies beside boot images on the EFI system partition, and is started or measured with them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "willboot/next_boot.h"

static bool has_files(const char *folder)
{
	char **names = NULL;
	size_t n = 0;

	if (access(folder, F_OK) != 0)
		return errno != ENOENT && errno != ENOTDIR;
	if (lk_fs_list(folder, 1024, &names, &n, NULL) != LK_OK)
		return true;
	lk_fs_list_free(names, n);
	return n != 0;
}

/* systemd-boot starts all that are there. */
int lk_next_check_drivers(const struct lk_next *next, struct lk_err *err)
{
	char path[PATH_MAX];
	const char *folder;

	for (size_t i = 0; (folder = lk_next_folder(next, i)); i++) {
		(void)snprintf(path, sizeof(path), "%s/EFI/systemd/drivers", folder);
		if (has_files(path))
			return lk_err_set(
				err, LK_E_UNKNOWN, 0,
				"%s has drivers that the boot loader starts, and what these measure isn't known: remove them where they aren't wanted",
				path);
	}
	return LK_OK;
}

/* The folder beside a file, by its name and by that without the tries left. */
static bool has_companions(const char *file, char path[static PATH_MAX + 32])
{
	const char *base = strrchr(file, '/');
	char name[LK_DEVICE_FILE_MAX];

	base = base ? base + 1 : file;
	(void)snprintf(path, PATH_MAX + 32, "%s.extra.d", file);
	if (has_files(path))
		return true;
	if (!lk_boot_entry_name(base, name))
		return true;
	(void)snprintf(path, PATH_MAX + 32, "%.*s%s.extra.d", (int)(base - file), file, name);
	return has_files(path);
}

/* Of an image that lies elsewhere, where it will lie: in place of this boot's,
 * or with those that systemd-boot lists. */
static bool has_files_on(const struct lk_next *next, const char *folder, const char *image,
			 char path[static PATH_MAX + 32])
{
	static const char *const shared[] = { "/loader/credentials", "/loader/addons" };
	const char *base = strrchr(image, '/');
	char file[PATH_MAX];

	for (size_t k = 0; k < 2; k++) {
		(void)snprintf(path, PATH_MAX + 32, "%s%s", folder, shared[k]);
		if (has_files(path))
			return true;
	}
	if (!next->names.uki)
		return false;
	if (snprintf(file, sizeof(file), "%s/EFI/Linux/%s", folder, base ? base + 1 : image) >=
		    (int)sizeof(file) ||
	    has_companions(file, path))
		return true;
	if (!next->chain.n)
		return false;
	(void)snprintf(file, sizeof(file), "%s%s", folder,
		       next->chain.images[next->chain.n - 1].file);
	return has_companions(file, path);
}

/* Credentials and extensions, which the stub hands on with the initrd. */
int lk_next_check_beside(const struct lk_next *next, const char *image, struct lk_err *err)
{
	char path[PATH_MAX + 32];
	const char *folder;
	bool any = has_companions(image, path);

	for (size_t i = 0; !any && (folder = lk_next_folder(next, i)); i++)
		any = has_files_on(next, folder, image, path);
	if (!any)
		return LK_OK;
	return lk_err_set(
		err, LK_E_UNKNOWN, 0,
		"%s has files that the image's stub measures too (PCRs 9, 12 and 13), and how isn't known",
		path);
}
