/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns finding what the firmware and the boot loader will start. */
#include "next_boot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/efi_variable.h"
#include "core/event_text.h"
#include "core/text.h"
#include "sys/crypto.h"

#define LINUX_FOLDER "/EFI/Linux"
#define ENTRIES	     "/loader/entries"
#define LISTED_MAX   256u

/* EFI_GLOBAL_VARIABLE 8be4df61-93ca-11d2-aa0d-00e098032b8c */
static const uint8_t global_guid[LK_GUID_SIZE] = { 0x61, 0xdf, 0xe4, 0x8b,
						   0xca, 0x93, 0xd2, 0x11,
						   0xaa, 0x0d, 0x00, 0xe0,
						   0x98, 0x03, 0x2b, 0x8c };

void lk_next_done(struct lk_next *next)
{
	lk_boot_logs_done(&next->logs);
	lk_efivars_done(&next->vars);
	lk_buf_done(&next->firmware);
	free(next->boots);
}

static int unknown(struct lk_err *err, const char *what)
{
	return lk_err_set(err, LK_E_UNKNOWN, 0, "%s", what);
}

static int add_boot(struct lk_next *next, struct lk_next_boot **ret,
		    struct lk_err *err)
{
	if (next->n == LK_NEXT_BOOTS_MAX)
		return unknown(err, "there are more than 16 images that may "
				    "come next: --uki says which");
	*ret = &next->boots[next->n++];
	memset(*ret, 0, sizeof(**ret));
	return LK_OK;
}

static int read_logs(struct lk_next *next, struct lk_err *err)
{
	struct lk_bytes log;

	LK_TRY(lk_boot_logs_read(&next->names.logs, &next->logs, err));
	LK_TRY(lk_boot_logs_check(&next->logs, err));
	log = lk_boot_logs_bytes(&next->logs).firmware;
	LK_TRY(lk_boot_chain_read(log, &next->chain, err));
	lk_log_plan_init(&next->base, log, lk_crypto_hash);
	if (next->names.firmware_log)
		LK_TRY(lk_fs_read(next->names.firmware_log, LK_EVENT_LOG_MAX,
				  &next->firmware, err));
	if (next->chain.grub)
		return unknown(err, "this boot went through GRUB, which "
				    "measures commands and files of its own "
				    "(PCRs 8 and 9): what the next will be "
				    "can't be known");
	if (next->chain.shim)
		return unknown(err, "this boot went through shim, which "
				    "measures keys of its own (PCRs 7 and 14): "
				    "what the next will be can't be known");
	return LK_OK;
}

static int read_variables(struct lk_next *next, struct lk_err *err)
{
	const struct lk_variables vars = { lk_efivars_read_any, &next->vars };

	LK_TRY(lk_efivars_check(&next->vars, err));
	return lk_log_plan_variables(&next->base, &vars, err);
}

/* The file of boot option @number as it is now; empty where it has none. */
static int option_file(struct lk_next *next, unsigned int number,
		       char file[static LK_DEVICE_FILE_MAX], struct lk_err *err)
{
	struct lk_variable_now now;
	char name[16];

	(void)snprintf(name, sizeof(name), "Boot%04X", number & 0xffff);
	LK_TRY(lk_efivars_read(&next->vars, name, global_guid, &now, err));
	if (!now.there)
		return lk_err_set(err, LK_E_UNKNOWN, 0,
				  "the boot option %s, which comes next, "
				  "isn't there",
				  name);
	(void)lk_device_path_file(lk_load_option_path(now.data), file);
	return LK_OK;
}

/* What the firmware starts: the first image of the log, or another option's. */
static int find_start(struct lk_next *next,
		      char file[static LK_DEVICE_FILE_MAX], struct lk_err *err)
{
	struct lk_variable_now order, current, then;
	struct lk_efivars *vars = &next->vars;
	struct lk_boot_start start;
	unsigned int option;
	bool other;

	LK_TRY(lk_efivars_read(vars, "BootOrder", global_guid, &order, err));
	LK_TRY(lk_efivars_read(vars, "BootCurrent", global_guid, &current,
			       err));
	LK_TRY(lk_efivars_read(vars, "BootNext", global_guid, &then, err));
	start = (struct lk_boot_start){ order.data, current.data, then.data };
	LK_TRY(lk_boot_start_option(&start, next->chain.tries, &option, &other,
				    err));
	LK_TRY(option_file(next, option, file, err));
	/* An option for a whole disk has the name that the log tells. */
	if (!*file && !other)
		memcpy(file, next->chain.images[0].file, LK_DEVICE_FILE_MAX);
	if (*file)
		return LK_OK;
	return lk_err_set(err, LK_E_UNKNOWN, 0,
			  "the next boot is of another boot option, Boot%04X, "
			  "which names no file: --uki says which image it "
			  "starts",
			  option);
}

/* FAT knows no case. */
static bool is_efi(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && strcasecmp(dot, ".efi") == 0;
}

static int plan_file(struct lk_next *next, const char *path, struct lk_err *err)
{
	struct lk_next_boot *boot = NULL;

	LK_TRY(add_boot(next, &boot, err));
	lk_next_plan_image(next, path, boot);
	return LK_OK;
}

/* An entry that isn't one file: kernel, initrd and options by themselves. */
static int plan_entry(struct lk_next *next, const char *name,
		      struct lk_err *err)
{
	struct lk_next_boot *boot = NULL;

	LK_TRY(add_boot(next, &boot, err));
	boot->plan = next->base;
	(void)snprintf(boot->name, sizeof(boot->name), "%s", name);
	(void)lk_err_set(&boot->unknown, LK_E_UNKNOWN, 0,
			 "the boot loader may start the entry %s, whose "
			 "kernel, initrd and options are by themselves "
			 "(--kernel, --initrd and --cmdline say what comes)",
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

	for (size_t i = 0; rc == LK_OK && (mounted = lk_next_folder(next, i));
	     i++) {
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
			rc = images ? plan_file(next, names[k], err)
				    : plan_entry(next, names[k], err);
		}
		lk_fs_list_free(names, n);
	}
	return rc;
}

static int read_loader(struct lk_next *next, const char *name,
		       struct lk_variable_now *ret, struct lk_err *err)
{
	return lk_efivars_read(&next->vars, name, lk_loader_guid, ret, err);
}

static int check_systemd_boot(struct lk_next *next, struct lk_err *err)
{
	static const char name[] = "systemd-boot";
	struct lk_variable_now info;

	LK_TRY(read_loader(next, "LoaderInfo", &info, err));
	if (info.there && info.data.len > 2 * sizeof(name) &&
	    lk_utf16_equals((struct lk_bytes){ info.data.data,
					       2 * (sizeof(name) - 1) },
			    name))
		return LK_OK;
	return lk_err_set(err, LK_E_UNKNOWN, 0,
			  "the boot loader %s isn't systemd-boot, and what it "
			  "will start can't be known (--uki says it)",
			  next->chain.images[0].file);
}

/* A pattern, and "@saved", are left to the boot loader. */
static bool is_plain(struct lk_bytes name)
{
	for (size_t i = 0; i + 1 < name.len; i += 2)
		if (memchr("*?[@", name.data[i], 4))
			return false;
	return name.len >= 2 && (name.data[0] || name.data[1]);
}

/* systemd-boot: once, by default, or whichever sorts first. */
static int plan_entries(struct lk_next *next, struct lk_err *err)
{
	const struct lk_bytes any = { NULL, 0 };
	struct lk_variable_now wanted;

	LK_TRY(check_systemd_boot(next, err));
	LK_TRY(read_loader(next, "LoaderEntryOneShot", &wanted, err));
	if (!wanted.there)
		LK_TRY(read_loader(next, "LoaderEntryDefault", &wanted, err));
	if (wanted.there && is_plain(wanted.data)) {
		LK_TRY(plan_folder(next, LINUX_FOLDER, true, wanted.data, err));
		LK_TRY(plan_folder(next, ENTRIES, false, wanted.data, err));
	}
	if (next->n)
		return LK_OK;
	LK_TRY(plan_folder(next, LINUX_FOLDER, true, any, err));
	return plan_folder(next, ENTRIES, false, any, err);
}

static int plan_found(struct lk_next *next, struct lk_err *err)
{
	char file[LK_DEVICE_FILE_MAX] = "";
	char path[PATH_MAX];

	if (next->chain.no_file || !next->chain.n)
		return unknown(err, "the log's boot image came from no file "
				    "(from a network, or the emulator): --uki, "
				    "or --kernel, --initrd and --cmdline, say "
				    "what comes next");
	LK_TRY(find_start(next, file, err));
	LK_TRY(lk_next_check_loaders(next, err));
	if (next->chain.n == 1) {
		LK_TRY(lk_next_locate(next, file, path, err));
		return plan_file(next, path, err);
	}
	if (strcasecmp(file, next->chain.images[0].file) != 0)
		return unknown(err, "the next boot is of another boot option "
				    "than this one, and doesn't go through its "
				    "boot loader: --uki says which image it "
				    "starts");
	LK_TRY(plan_entries(next, err));
	return next->n ? LK_OK
		       : unknown(err, "there is nothing in EFI/Linux or "
				      "loader/entries: is the EFI system "
				      "partition mounted (--esp)?");
}

static int check_names(const struct lk_next_names *names, struct lk_err *err)
{
	if (names->uki && (names->kernel || names->initrd || names->cmdline))
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"--uki holds kernel, initrd and command line: none of "
			"these goes with it");
	return LK_OK;
}

int lk_next_find(const struct lk_next_names *names, struct lk_next *ret,
		 struct lk_err *err)
{
	struct lk_next_boot *boot = NULL;

	ret->names = *names;
	ret->vars.dir = names->efivars ? names->efivars : LK_EFIVARS_DIR;
	LK_TRY(check_names(names, err));
	ret->boots = calloc(LK_NEXT_BOOTS_MAX, sizeof(*ret->boots));
	if (!ret->boots)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	LK_TRY(read_logs(ret, err));
	LK_TRY(read_variables(ret, err));
	if (!names->uki && !names->kernel && !names->initrd && !names->cmdline)
		return plan_found(ret, err);
	LK_TRY(lk_next_check_loaders(ret, err));
	LK_TRY(add_boot(ret, &boot, err));
	lk_next_plan_named(ret, boot);
	return LK_OK;
}
