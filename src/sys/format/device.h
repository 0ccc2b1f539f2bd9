/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns where a program learns whose TPM it has to find: device file, policy file or record, in this order. */
#ifndef LK_SYS_FORMAT_DEVICE_H
#define LK_SYS_FORMAT_DEVICE_H

#include <limits.h>

#include "core/policy/device_file.h"
#include "core/policy/policy_file.h"

int lk_document_device_file(const char *path, struct lk_device_file *ret, struct lk_err *err);
/** From a provisioning record. */
int lk_document_device_of_record(const char *path, struct lk_device_file *ret, struct lk_err *err);

/** Where to look; each may be NULL. */
struct lk_device_places {
	const char *file;		     /* --device-file: this one alone */
	const struct lk_policy_file *policy; /* measured, or beside the device file */
	const char *policy_path;
	const char *record;
};

/** What the TPM has to be. */
struct lk_device_expected {
	struct lk_name root;	   /* len 0: nothing says it */
	struct lk_name policy_key; /* len 0: nothing says it */
	char from[PATH_MAX];	   /* what says it, for messages */
};

/**
 * lk_device_expect - the first place that says whose storage root key it has to be
 *
 * A file that is there and can't be read is an error, not a reason to look
 * elsewhere; a file that was named has to be there.
 *
 * Return: LK_OK, with root.len 0 where no place says it; LK_E_INPUT, LK_E_IO or
 * LK_E_SYSTEM.
 */
int lk_device_expect(const struct lk_device_places *places, struct lk_device_expected *ret,
		     struct lk_err *err);

/**
 * lk_device_unknown - the refusal of who needs it and can't know it
 * @what: what isn't done, as "the floor isn't raised"
 *
 * Return: LK_E_OBJECT.
 */
int lk_device_unknown(const char *what, struct lk_err *err);

#endif
