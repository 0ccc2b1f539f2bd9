/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading what changes, and planning it for a log. */
#include "policy/change.h"

#include <string.h>

#include "sys/boot/boot_logs.h"

#define INITRD_MAX LK_PE_MAX
#define DB_MAX	   (1024u * 1024u)

static int named(int rc, const char *path, struct lk_err *err)
{
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	return rc;
}

void lk_change_done(struct lk_boot_change *c)
{
	lk_buf_done(&c->image);
	lk_buf_done(&c->initrd_file);
	lk_buf_done(&c->db_file);
	lk_buf_done(&c->firmware_log);
}

bool lk_change_given(const struct lk_change_args *c)
{
	return c->uki || c->kernel || c->initrd || c->cmdline || c->db || c->secure_boot ||
	       c->firmware;
}

int lk_change_check(const struct lk_change_args *c, struct lk_err *err)
{
	if ((c->kernel || c->initrd || c->cmdline) && c->uki)
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"--uki holds kernel, initrd and command line: none of these goes with it");
	if (c->secure_boot && strcmp(c->secure_boot, "off") != 0)
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"--secure-boot %.20s: only \"off\" can be predicted, since what a firmware measures once it is on depends on its keys",
			c->secure_boot);
	if (c->secure_boot && c->db)
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"--db and --secure-boot can't be predicted both at once: make one of these changes, boot, and predict the other from that boot's log");
	return LK_OK;
}

int lk_change_load(const struct lk_change_args *args, struct lk_boot_change *ret,
		   struct lk_err *err)
{
	const char *image = args->uki ? args->uki : args->kernel;

	ret->args = args;
	if (args->db)
		LK_TRY(lk_fs_read(args->db, DB_MAX, &ret->db_file, err));
	if (image)
		LK_TRY(lk_fs_read(image, LK_PE_MAX, &ret->image, err));
	if (args->uki)
		LK_TRY(named(lk_uki_read(lk_buf_bytes(&ret->image), &ret->uki, err), image, err));
	else if (args->kernel)
		LK_TRY(named(lk_pe_read(lk_buf_bytes(&ret->image), &ret->kernel, err), image, err));
	if (args->initrd)
		LK_TRY(lk_fs_read(args->initrd, INITRD_MAX, &ret->initrd_file, err));
	if (args->firmware)
		LK_TRY(lk_boot_log_read(args->firmware, &ret->firmware_log, err));
	return LK_OK;
}

int lk_change_plan(const struct lk_boot_change *c, struct lk_log_plan *plan, struct lk_err *err)
{
	const struct lk_change_args *a = c->args;
	const struct lk_bytes cmdline = { (const uint8_t *)a->cmdline,
					  a->cmdline ? strlen(a->cmdline) : 0 };

	if (a->secure_boot)
		LK_TRY(lk_log_plan_secure_boot_off(plan, err));
	if (a->db)
		LK_TRY(named(lk_log_plan_db(plan, lk_buf_bytes(&c->db_file), err), a->db, err));
	if (a->uki)
		LK_TRY(named(lk_log_plan_uki(plan, &c->uki, err), a->uki, err));
	if (a->kernel)
		LK_TRY(named(lk_log_plan_kernel(plan, &c->kernel, err), a->kernel, err));
	if (a->initrd)
		LK_TRY(lk_log_plan_initrd(plan, lk_buf_bytes(&c->initrd_file), err));
	return a->cmdline ? lk_log_plan_cmdline(plan, cmdline, err) : LK_OK;
}

void lk_change_tell(const struct lk_boot_change *c, struct lk_prediction_input *in)
{
	in->ima_unchanged = c->args->ima_unchanged;
	if (c->args->firmware)
		in->new_firmware = lk_buf_bytes(&c->firmware_log);
}
