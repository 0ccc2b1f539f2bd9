/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns boot images on the EFI system partition: where they lie, whether they are those of this boot, and planning others. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "willboot/next_boot.h"
#include "sys/crypto/crypto.h"

#define LOADER_CONF	"/loader/loader.conf"
#define LOADER_CONF_MAX (64u * 1024u)

static int read_file(const char *path, size_t max, struct lk_buf *ret, struct lk_err *err)
{
	uint64_t size;

	/* The bound may be more memory than there is. */
	LK_TRY(lk_fs_size(path, &size, err));
	if (size > max)
		return lk_err_set(err, LK_E_INPUT, 0, "%s: more than the %zu bytes allowed", path,
				  max);
	return lk_fs_read(path, (size_t)size, ret, err);
}

int lk_next_read_found(const char *path, size_t max, struct lk_buf *ret, struct lk_err *err)
{
	LK_TRY(lk_fs_check_regular(path, err));
	return read_file(path, max, ret, err);
}

static int read_image(const char *path, struct lk_buf *ret, struct lk_pe *pe, struct lk_err *err)
{
	int rc;

	LK_TRY(read_file(path, LK_PE_MAX, ret, err));
	rc = lk_pe_read(lk_buf_bytes(ret), pe, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	return rc;
}

/* By every bank that the event has. */
static int is_of_event(const struct lk_pe *pe, const struct lk_event *event, bool *ret,
		       struct lk_err *err)
{
	unsigned int n = 0;

	*ret = true;
	for (unsigned int i = 0; i < LK_PCR_BANKS; i++) {
		struct lk_bytes was = lk_event_digest(event, lk_pcr_bank(i));
		struct lk_digest is;

		if (!was.len)
			continue;
		if (!lk_pe_digest(pe, lk_pcr_bank(i), lk_crypto_hash, &is))
			return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
		*ret &= lk_bytes_same(was, (struct lk_bytes){ is.data, is.len });
		n++;
	}
	*ret &= n != 0;
	return LK_OK;
}

static int check_loader(struct lk_next *next, const struct lk_boot_image *image, struct lk_err *err)
{
	LK_OWNED_BUF file = LK_BUF_NONE;
	char path[PATH_MAX];
	struct lk_pe pe;
	bool same;

	LK_TRY(lk_next_locate(next, image->file, path, err));
	LK_TRY(read_image(path, &file, &pe, err));
	LK_TRY(is_of_event(&pe, &image->event, &same, err));
	if (!same)
		return lk_err_set(
			err, LK_E_UNKNOWN, 0,
			"the boot loader %s is another than in this boot (PCR 4), and what it will measure isn't known",
			path);
	if (lk_log_plan_forbidden(&next->base, &pe))
		return lk_err_set(
			err, LK_E_POLICY, 0,
			"the firmware will refuse the boot loader %s: Secure Boot's dbx names it or its signer",
			path);
	/* Its signature isn't part of its digest. */
	return lk_log_plan_signed(&next->base, &image->event, &pe, err);
}

/* Newer ones of systemd's measure their settings. */
static int check_loader_conf(struct lk_next *next, struct lk_err *err)
{
	struct lk_event event = next->chain.loader_conf;
	LK_OWNED_BUF file = LK_BUF_NONE;
	char path[PATH_MAX];

	if (!event.number)
		return LK_OK;
	LK_TRY(lk_next_locate(next, LOADER_CONF, path, err));
	LK_TRY(lk_next_read_found(path, LOADER_CONF_MAX, &file, err));
	event.data = lk_buf_bytes(&file);
	if (lk_event_data_is_measured(&event, lk_crypto_hash))
		return LK_OK;
	return lk_err_set(
		err, LK_E_UNKNOWN, 0,
		"the boot loader's settings %s aren't those that it measured in this boot (PCR 5)",
		path);
}

int lk_next_check_loaders(struct lk_next *next, struct lk_err *err)
{
	if (next->chain.n < 2)
		return LK_OK;
	for (size_t i = 0; i + 1 < next->chain.n; i++)
		LK_TRY(check_loader(next, &next->chain.images[i], err));
	LK_TRY(lk_next_check_drivers(next, err));
	return check_loader_conf(next, err);
}

/* Which one is started is told by the entry, or by the boot option. */
static int check_profiles(const struct lk_pe *pe, struct lk_err *err)
{
	if (!lk_pe_find(pe, ".profile"))
		return LK_OK;
	return lk_err_set(
		err, LK_E_UNKNOWN, 0,
		"it has several profiles (sections .profile), and which of them comes isn't known");
}

static int plan_pe(struct lk_next *next, const struct lk_pe *pe, struct lk_next_boot *boot,
		   struct lk_err *err)
{
	struct lk_uki uki;

	if (!next->chain.sections)
		return lk_err_set(
			err, LK_E_UNKNOWN, 0,
			"it is another kernel than in this boot, and which initrd and command line it will get isn't known (--kernel, --initrd and --cmdline say it)");
	LK_TRY(lk_uki_read(pe->file, &uki, err));
	return lk_log_plan_uki(&boot->plan, &uki, err);
}

/* @as: the image of the log that it takes the place of; NULL: not looked at. */
static int plan_image(struct lk_next *next, const struct lk_boot_image *as,
		      struct lk_next_boot *boot, struct lk_err *err)
{
	LK_OWNED_BUF file = LK_BUF_NONE;
	struct lk_pe pe;
	bool same = false;

	LK_TRY(read_image(boot->name, &file, &pe, err));
	if (as)
		LK_TRY(is_of_event(&pe, &as->event, &same, err));
	if (lk_log_plan_forbidden(&boot->plan, &pe))
		(void)lk_err_set(
			&boot->forbidden, LK_E_POLICY, 0,
			"the firmware will refuse %s: Secure Boot's dbx names it or its signer",
			boot->name);
	LK_TRY(check_profiles(&pe, err));
	if (next->chain.sections)
		LK_TRY(lk_next_check_beside(next, boot->name, err));
	return same ? lk_log_plan_signed(&boot->plan, &as->event, &pe, err)
		    : plan_pe(next, &pe, boot, err);
}

static const struct lk_boot_image *last_image(const struct lk_next *next)
{
	const struct lk_boot_chain *c = &next->chain;

	return c->n && !c->no_file ? &c->images[c->n - 1] : NULL;
}

void lk_next_plan_image(struct lk_next *next, const char *path, struct lk_next_boot *boot)
{
	struct lk_err err = { 0 };

	boot->plan = next->base;
	(void)snprintf(boot->name, sizeof(boot->name), "%s", path);
	boot->is_image = true;
	if (plan_image(next, last_image(next), boot, &err) != LK_OK)
		boot->unknown = err;
}

static int plan_kernel(const char *path, struct lk_next_boot *boot, struct lk_err *err)
{
	LK_OWNED_BUF file = LK_BUF_NONE;
	struct lk_pe pe;

	LK_TRY(read_image(path, &file, &pe, err));
	if (lk_log_plan_forbidden(&boot->plan, &pe))
		(void)lk_err_set(
			&boot->forbidden, LK_E_POLICY, 0,
			"the firmware will refuse %s: Secure Boot's dbx names it or its signer",
			path);
	return lk_log_plan_kernel(&boot->plan, &pe, err);
}

static int plan_initrd(const char *path, struct lk_next_boot *boot, struct lk_err *err)
{
	LK_OWNED_BUF file = LK_BUF_NONE;

	LK_TRY(read_file(path, LK_PE_MAX, &file, err));
	return lk_log_plan_initrd(&boot->plan, lk_buf_bytes(&file), err);
}

static int plan_named(struct lk_next *next, struct lk_next_boot *boot, struct lk_err *err)
{
	const struct lk_next_names *names = &next->names;
	struct lk_bytes text = { (const uint8_t *)names->cmdline, 0 };

	if (names->kernel)
		LK_TRY(plan_kernel(names->kernel, boot, err));
	if (names->initrd)
		LK_TRY(plan_initrd(names->initrd, boot, err));
	if (!names->cmdline)
		return LK_OK;
	text.len = strlen(names->cmdline);
	return lk_log_plan_cmdline(&boot->plan, text, err);
}

void lk_next_plan_named(struct lk_next *next, struct lk_next_boot *boot)
{
	const struct lk_next_names *names = &next->names;
	struct lk_err err = { 0 };

	if (names->uki) {
		lk_next_plan_image(next, names->uki, boot);
		return;
	}
	boot->plan = next->base;
	(void)snprintf(boot->name, sizeof(boot->name), "%s",
		       names->kernel   ? names->kernel
		       : names->initrd ? names->initrd
				       : "this boot's kernel with another command line");
	if (plan_named(next, boot, &err) != LK_OK)
		boot->unknown = err;
}
