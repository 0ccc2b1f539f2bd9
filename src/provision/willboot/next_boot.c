/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the logs and variables of this boot, and the boots that may come. */
#include "willboot/next_boot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/crypto/crypto.h"

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

static int read_logs(struct lk_next *next, struct lk_err *err)
{
	struct lk_bytes log;

	LK_TRY(lk_boot_logs_read(&next->names.logs, &next->logs, err));
	LK_TRY(lk_boot_logs_check(&next->logs, err));
	log = lk_boot_logs_bytes(&next->logs).firmware;
	LK_TRY(lk_boot_chain_read(log, &next->chain, err));
	lk_log_plan_init(&next->base, log, lk_crypto_hash);
	if (next->names.firmware_log)
		LK_TRY(lk_boot_log_read(next->names.firmware_log, &next->firmware, err));
	if (next->chain.grub)
		return unknown(
			err,
			"this boot went through GRUB, which measures commands and files of its own (PCRs 8 and 9): what the next will be can't be known");
	if (next->chain.shim)
		return unknown(
			err,
			"this boot went through shim, which measures keys of its own (PCRs 7 and 14): what the next will be can't be known");
	return LK_OK;
}

static int read_variables(struct lk_next *next, struct lk_err *err)
{
	const struct lk_variables vars = { lk_efivars_read_any, &next->vars };

	LK_TRY(lk_efivars_check(&next->vars, err));
	LK_TRY(lk_log_plan_variables(&next->base, &vars, err));
	return lk_next_check_firmware(next, err);
}

static int plan_found(struct lk_next *next, struct lk_err *err)
{
	char file[LK_DEVICE_FILE_MAX] = "";
	char path[PATH_MAX];

	if (next->chain.no_file || !next->chain.n)
		return unknown(
			err,
			"the log's boot image came from no file (from a network, or the emulator): --uki, or --kernel, --initrd and --cmdline, say what comes next");
	LK_TRY(lk_next_find_start(next, file, err));
	LK_TRY(lk_next_check_loaders(next, err));
	if (next->chain.n == 1) {
		LK_TRY(lk_next_locate(next, file, path, err));
		return lk_next_plan_file(next, path, err);
	}
	if (strcasecmp(file, next->chain.images[0].file) != 0)
		return unknown(
			err,
			"the next boot is of another boot option than this one, and doesn't go through its boot loader: --uki says which image it starts");
	return lk_next_plan_entries(next, err);
}

static int check_names(const struct lk_next_names *names, struct lk_err *err)
{
	if (names->uki && (names->kernel || names->initrd || names->cmdline))
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"--uki holds kernel, initrd and command line: none of these goes with it");
	return LK_OK;
}

int lk_next_find(const struct lk_next_names *names, struct lk_next *ret, struct lk_err *err)
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
	LK_TRY(lk_next_add(ret, &boot, err));
	lk_next_plan_named(ret, boot);
	return LK_OK;
}
