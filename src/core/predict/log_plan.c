/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns finding the events that another boot image, kernel, initrd or command line changes. */
#include "core/predict/log_plan.h"

#include <string.h>

#include "core/predict/boot_course.h"

/* One event becomes that of these bytes. */
static int replace(struct lk_log_plan *plan, const struct lk_event *event, struct lk_bytes bytes,
		   const char *what, struct lk_err *err)
{
	struct lk_plan_change *change = NULL;

	LK_TRY(lk_log_plan_add(plan, event, &change, err));
	change->what = what;
	return lk_log_plan_digest(plan, &bytes, 1, change, err);
}

static int image_digest(const struct lk_log_plan *plan, const struct lk_pe *pe,
			struct lk_plan_change *change, struct lk_err *err)
{
	if (!lk_pe_digest(pe, LK_ALG_SHA256, plan->hash, &change->digest[0]) ||
	    !lk_pe_digest(pe, LK_ALG_SHA384, plan->hash, &change->digest[1]))
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	return LK_OK;
}

static int replace_image(struct lk_log_plan *plan, const struct lk_event *event,
			 const struct lk_pe *pe, const char *what, struct lk_err *err)
{
	struct lk_plan_change *change = NULL;

	LK_TRY(lk_log_plan_signed(plan, event, pe, err));
	LK_TRY(lk_log_plan_add(plan, event, &change, err));
	change->what = what;
	return image_digest(plan, pe, change, err);
}

static int add_sections(struct lk_log_plan *plan, const struct lk_uki *uki, struct lk_err *err)
{
	for (size_t i = 0; i < uki->n_sections; i++) {
		const char *name = uki->names[i];
		const struct lk_bytes parts[2] = { { (const uint8_t *)name, strlen(name) + 1 },
						   uki->contents[i] };

		for (size_t k = 0; k < 2; k++) {
			struct lk_plan_change *change = NULL;

			LK_TRY(lk_log_plan_add(plan, NULL, &change, err));
			change->pcr = LK_PCR_KERNEL_IMAGE;
			change->what = name;
			LK_TRY(lk_log_plan_digest(plan, &parts[k], 1, change, err));
		}
	}
	return LK_OK;
}

/* Not even which files it reads is known beforehand. */
static int check_course(const struct lk_boot_course *c, struct lk_err *err)
{
	if (c->loader_measures)
		return lk_log_plan_refuse(
			err,
			"the boot loader has measured its commands or the files that it read (PCR 8 or 9), as GRUB does, and what it makes of another configuration or file isn't known");
	return c->unsure ? lk_log_plan_refuse(err, c->unsure) : LK_OK;
}

static int check_kernel_measures(const struct lk_boot_course *c, struct lk_err *err)
{
	if (!c->initrd.number || !c->load_options.number)
		return lk_log_plan_refuse(
			err,
			"the kernel in the log hasn't measured its initrd and command line (PCR 9), and the new one might");
	return LK_OK;
}

/* ima_policy=, ima_template=, ima_hash= and such. */
static bool tells_ima(const struct lk_load_options *options)
{
	const uint8_t *p = options->data;

	for (size_t i = 0; i + 6 < options->len; i += 2)
		if (p[i] == 'i' && p[i + 2] == 'm' && p[i + 4] == 'a' &&
		    (i == 0 || p[i - 2] == ' '))
			return true;
	return false;
}

/* Whether its digest is one of those that PCR 11 has. */
static int find_section(struct lk_log_plan *plan, struct lk_bytes section, bool *ret,
			struct lk_err *err)
{
	struct lk_event_log log;
	struct lk_event event;
	int rc = lk_event_log_open(plan->log.data, plan->log.len, &log, err);

	*ret = false;
	while (rc == LK_OK) {
		rc = lk_event_log_next(&log, &event, err);
		if (rc != LK_OK || event.pcr != LK_PCR_KERNEL_IMAGE)
			continue;
		event.data = section;
		*ret |= lk_event_data_is_measured(&event, plan->hash);
	}
	return rc == LK_LOG_END ? LK_OK : rc;
}

static int replace_uki_files(struct lk_log_plan *plan, const struct lk_boot_course *c,
			     const struct lk_uki *uki, struct lk_err *err)
{
	struct lk_load_options options;
	struct lk_plan_change *change = NULL;

	LK_TRY(lk_log_plan_add(plan, &c->initrd, &change, err));
	change->what = "the initrd";
	if (!lk_uki_initrd_digest(uki, LK_ALG_SHA256, plan->hash, &change->digest[0]) ||
	    !lk_uki_initrd_digest(uki, LK_ALG_SHA384, plan->hash, &change->digest[1]))
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	LK_TRY(lk_uki_load_options(uki, &options, err));
	plan->tells_ima |= tells_ima(&options);
	return replace(plan, &c->load_options, (struct lk_bytes){ options.data, options.len },
		       "the command line", err);
}

/* Without Secure Boot the stub has the firmware start the kernel inside, which
 * measures it as an image; with it, the firmware isn't asked. */
static int replace_inner_kernel(struct lk_log_plan *plan, const struct lk_boot_course *c,
				const struct lk_uki *uki, struct lk_err *err)
{
	const struct lk_event *event = c->image_after_stub ? &c->last_image : NULL;
	struct lk_plan_change *change = NULL;
	struct lk_pe pe;

	if (!event && !plan->secure_boot_off)
		return LK_OK;
	LK_TRY(lk_pe_read(lk_uki_section(uki, ".linux"), &pe, err));
	LK_TRY(lk_log_plan_add(plan, event, &change, err));
	change->pcr = LK_PCR_BOOT;
	change->what = "the kernel in the unified kernel image";
	return image_digest(plan, &pe, change, err);
}

int lk_log_plan_uki(struct lk_log_plan *plan, const struct lk_uki *uki, struct lk_err *err)
{
	struct lk_boot_course c;
	bool same;

	LK_TRY(lk_boot_course_follow(plan->log, plan->hash, &c, err));
	LK_TRY(check_course(&c, err));
	if (!c.stub.number)
		return lk_log_plan_refuse(
			err, "the log is of no unified kernel image (no event in PCR 11)");
	if (c.cmdline.number || c.extensions)
		return lk_log_plan_refuse(
			err,
			"the log has a command line, credentials or extensions from outside of the image (PCR 12 or 13)");
	LK_TRY(check_kernel_measures(&c, err));
	plan->boot_files = true;
	LK_TRY(find_section(plan, lk_uki_section(uki, ".linux"), &same, err));
	plan->kernel = !same;
	LK_TRY(replace_image(plan, &c.stub, &uki->pe, "the unified kernel image", err));
	LK_TRY(replace_inner_kernel(plan, &c, uki, err));
	plan->needs_uki = false;
	/* All that is in PCR 11 is the stub's, of the old image. */
	LK_TRY(lk_log_plan_remove(plan, LK_PCR_KERNEL_IMAGE, LK_EV_IPL,
				  "a section of the unified kernel image", err));
	LK_TRY(add_sections(plan, uki, err));
	return replace_uki_files(plan, &c, uki, err);
}

/* A boot of a kernel by itself. */
static int follow_kernel(struct lk_log_plan *plan, struct lk_boot_course *c, struct lk_err *err)
{
	LK_TRY(lk_boot_course_follow(plan->log, plan->hash, c, err));
	LK_TRY(check_course(c, err));
	if (c->stub.number)
		return lk_log_plan_refuse(
			err,
			"the log is of a unified kernel image, which changes as a whole: --uki");
	if (c->extensions)
		return lk_log_plan_refuse(
			err,
			"something besides one command line is measured into PCR 12 or 13, and what it would be then isn't known");
	plan->boot_files = true;
	return LK_OK;
}

static int check_disk(const struct lk_boot_course *c, struct lk_err *err)
{
	if (c->emulator)
		return lk_log_plan_refuse(
			err,
			"the emulator (-kernel) has changed the kernel's header, by the initrd's size too, before it was measured (PCR 4): kernel and initrd can where they come from a disk");
	return LK_OK;
}

int lk_log_plan_kernel(struct lk_log_plan *plan, const struct lk_pe *kernel, struct lk_err *err)
{
	struct lk_boot_course c;

	LK_TRY(follow_kernel(plan, &c, err));
	LK_TRY(check_kernel_measures(&c, err));
	LK_TRY(check_disk(&c, err));
	if (!c.last_image.number)
		return lk_log_plan_refuse(err, "the log has no boot image (PCR 4)");
	plan->kernel = true;
	return replace_image(plan, &c.last_image, kernel, "the kernel", err);
}

int lk_log_plan_initrd(struct lk_log_plan *plan, struct lk_bytes initrd, struct lk_err *err)
{
	struct lk_boot_course c;

	LK_TRY(follow_kernel(plan, &c, err));
	LK_TRY(check_disk(&c, err));
	if (!c.initrd.number)
		return lk_log_plan_refuse(
			err, "the kernel in the log hasn't measured an initrd (PCR 9)");
	return replace(plan, &c.initrd, initrd, "the initrd", err);
}

int lk_log_plan_cmdline(struct lk_log_plan *plan, struct lk_bytes text, struct lk_err *err)
{
	struct lk_load_options options;
	struct lk_boot_course c;

	LK_TRY(follow_kernel(plan, &c, err));
	LK_TRY(lk_load_options_make(text, &options, err));
	plan->tells_ima |= tells_ima(&options);
	if (!c.load_options.number)
		return lk_log_plan_refuse(
			err, "the kernel in the log hasn't measured its command line (PCR 9)");
	if (c.cmdline.number)
		LK_TRY(replace(plan, &c.cmdline, (struct lk_bytes){ options.data, options.len },
			       "the command line", err));
	return replace(plan, &c.load_options, (struct lk_bytes){ options.data, options.len },
		       "the command line", err);
}
