/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns systemd-boot: which entries it may start next, by its variables, its settings and its folders. */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/predict/loader_conf.h"
#include "willboot/next_boot.h"

#define LINUX_FOLDER	"/EFI/Linux"
#define ENTRIES		"/loader/entries"
#define LOADER_CONF	"/loader/loader.conf"
#define LOADER_CONF_MAX (64u * 1024u)
#define PATTERN_MAX	256u
#define LISTED_MAX	256u

static int unknown(struct lk_err *err, const char *what)
{
	return lk_err_set(err, LK_E_UNKNOWN, 0, "%s", what);
}

/* FAT knows no case. */
static bool is_efi(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && strcasecmp(dot, ".efi") == 0;
}

/* An entry that isn't one file: kernel, initrd and options by themselves. */
static int plan_entry(struct lk_next *next, const char *name, struct lk_err *err)
{
	struct lk_next_boot *boot = NULL;

	LK_TRY(lk_next_add(next, &boot, err));
	boot->plan = next->base;
	(void)snprintf(boot->name, sizeof(boot->name), "%s", name);
	(void)lk_err_set(
		&boot->unknown, LK_E_UNKNOWN, 0,
		"the boot loader may start the entry %s, whose kernel, initrd and options are by themselves (--kernel, --initrd and --cmdline say what comes)",
		boot->name);
	return LK_OK;
}

/* Each file of a folder, on each partition that is mounted; @wanted: only the
 * one that systemd-boot knows by that name. */
static int plan_folder(struct lk_next *next, const char *folder, bool images,
		       struct lk_bytes wanted, struct lk_err *err)
{
	char path[PATH_MAX];
	const char *mounted;
	int rc = LK_OK;

	for (size_t i = 0; rc == LK_OK && (mounted = lk_next_folder(next, i)); i++) {
		char **names = NULL;
		size_t n = 0;

		(void)snprintf(path, sizeof(path), "%s%s", mounted, folder);
		if (!lk_fs_is_directory(path))
			continue;
		LK_TRY(lk_fs_list(path, LISTED_MAX, &names, &n, err));
		for (size_t k = 0; rc == LK_OK && k < n; k++) {
			const char *base = strrchr(names[k], '/') + 1;

			if (is_efi(base) != images ||
			    (wanted.data && !lk_boot_entry_is(wanted, base)))
				continue;
			rc = images ? lk_next_plan_file(next, names[k], err)
				    : plan_entry(next, names[k], err);
		}
		lk_fs_list_free(names, n);
	}
	return rc;
}

static int plan_both(struct lk_next *next, struct lk_bytes wanted, struct lk_err *err)
{
	LK_TRY(plan_folder(next, LINUX_FOLDER, true, wanted, err));
	return plan_folder(next, ENTRIES, false, wanted, err);
}

static int read_loader(struct lk_next *next, const char *name, struct lk_variable_now *ret,
		       struct lk_err *err)
{
	return lk_efivars_read(&next->vars, name, lk_loader_guid, ret, err);
}

static int check_systemd_boot(struct lk_next *next, struct lk_err *err)
{
	static const char name[] = "systemd-boot";
	struct lk_variable_now info;

	LK_TRY(read_loader(next, "LoaderInfo", &info, err));
	if (info.there && info.data.len > 2 * sizeof(name) &&
	    lk_utf16_equals((struct lk_bytes){ info.data.data, 2 * (sizeof(name) - 1) }, name))
		return LK_OK;
	return lk_err_set(
		err, LK_E_UNKNOWN, 0,
		"the boot loader %s isn't systemd-boot, and what it will start can't be known (--uki says it)",
		next->chain.images[0].file);
}

/* Newer versions have variables that go before those which are known here. */
static int check_variables(struct lk_next *next, struct lk_err *err)
{
	static const char *const known[] = {
		"LoaderBootCountPath",
		"LoaderConfigConsoleMode",
		"LoaderConfigTimeout",
		"LoaderConfigTimeoutOneShot",
		"LoaderDevicePartUUID",
		"LoaderDeviceURL",
		"LoaderEntries",
		"LoaderEntryDefault",
		"LoaderEntryLastBooted",
		"LoaderEntryOneShot",
		"LoaderEntrySelected",
		"LoaderFeatures",
		"LoaderFirmwareInfo",
		"LoaderFirmwareType",
		"LoaderImageIdentifier",
		"LoaderInfo",
		"LoaderRandomSeed",
		"LoaderSystemToken",
		"LoaderTimeExecUSec",
		"LoaderTimeInitUSec",
		"LoaderTimeMenuUSec",
		"LoaderTpm2ActivePcrBanks",
		NULL,
	};
	char other[LK_EFIVAR_NAME_MAX];

	LK_TRY(lk_efivars_find_other(&next->vars, lk_loader_guid, "Loader", known, other, err));
	if (!other[0])
		return LK_OK;
	return lk_err_set(
		err, LK_E_UNKNOWN, 0,
		"systemd-boot's variable %s may have it start another entry, and how isn't known (--uki says which image comes)",
		other);
}

/* Its settings, where the partition has any. */
static int read_conf(const char *path, char pattern[static PATTERN_MAX], struct lk_err *err)
{
	LK_OWNED_BUF file = LK_BUF_NONE;
	struct lk_bytes by_default;

	pattern[0] = '\0';
	if (access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))
		return LK_OK;
	LK_TRY(lk_next_read_found(path, LOADER_CONF_MAX, &file, err));
	if (lk_loader_conf_read((struct lk_bytes){ file.data, file.len }, &by_default, err) !=
		    LK_OK ||
	    by_default.len >= PATTERN_MAX) {
		lk_err_prefix(err, "the boot loader's settings %s", path);
		err->rc = LK_E_UNKNOWN;
		return LK_E_UNKNOWN;
	}
	if (by_default.data)
		(void)snprintf(pattern, PATTERN_MAX, "%.*s",
			       (int)(by_default.len ? by_default.len : 1),
			       by_default.len ? (const char *)by_default.data : "-");
	return LK_OK;
}

static bool is_matched(const struct lk_next *next, const char *pattern)
{
	char name[LK_DEVICE_FILE_MAX];

	for (size_t i = 0; i < next->n; i++)
		if (lk_boot_entry_name(strrchr(next->boots[i].name, '/') + 1, name) &&
		    fnmatch(pattern, name, 0) == 0)
			return true;
	return false;
}

/* A pattern is taken for any entry as long as it is one of them: those that
 * systemd-boot finds by itself come behind these. */
static int plan_by_conf(struct lk_next *next, struct lk_err *err)
{
	const struct lk_bytes any = { NULL, 0 };
	char path[PATH_MAX], pattern[PATTERN_MAX];
	const char *mounted;

	LK_TRY(plan_both(next, any, err));
	for (size_t i = 0; (mounted = lk_next_folder(next, i)); i++) {
		(void)snprintf(path, sizeof(path), "%s" LOADER_CONF, mounted);
		LK_TRY(read_conf(path, pattern, err));
		if (pattern[0] && next->n && !is_matched(next, pattern))
			return lk_err_set(
				err, LK_E_UNKNOWN, 0,
				"the default of the boot loader's settings %s is no entry that is there, and what it will start can't be known (--uki says it)",
				path);
	}
	return LK_OK;
}

static int check_confs(struct lk_next *next, struct lk_err *err)
{
	char path[PATH_MAX], pattern[PATTERN_MAX];
	const char *mounted;

	for (size_t i = 0; (mounted = lk_next_folder(next, i)); i++) {
		(void)snprintf(path, sizeof(path), "%s" LOADER_CONF, mounted);
		LK_TRY(read_conf(path, pattern, err));
	}
	return LK_OK;
}

/* What the boot loader finds itself: "@saved", patterns, auto-... */
static int plan_wanted(struct lk_next *next, const char *variable, struct lk_bytes wanted,
		       struct lk_err *err)
{
	for (size_t i = 0; i + 1 < wanted.len; i += 2)
		if (!wanted.data[i + 1] && wanted.data[i] && memchr("*?[@", wanted.data[i], 4))
			wanted.len = 0;
	if (wanted.len)
		LK_TRY(plan_both(next, wanted, err));
	if (next->n)
		return LK_OK;
	return lk_err_set(
		err, LK_E_UNKNOWN, 0,
		"systemd-boot's variable %s names no entry that is there, or several, and what it will start can't be known (--uki says it)",
		variable);
}

int lk_next_plan_entries(struct lk_next *next, struct lk_err *err)
{
	static const char *const names[] = { "LoaderEntryOneShot", "LoaderEntryDefault" };
	struct lk_variable_now wanted;

	LK_TRY(check_systemd_boot(next, err));
	LK_TRY(check_variables(next, err));
	LK_TRY(check_confs(next, err));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		LK_TRY(read_loader(next, names[i], &wanted, err));
		if (wanted.there)
			return plan_wanted(next, names[i], wanted.data, err);
	}
	LK_TRY(plan_by_conf(next, err));
	return next->n ? LK_OK
		       : unknown(err,
				 "there is nothing in EFI/Linux or loader/entries: is the EFI system partition mounted (--esp)?");
}
