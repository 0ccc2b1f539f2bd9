/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the provisioning record: what an inventory needs, and secrets encrypted to its owner. */
#ifndef LK_PROVISION_INSTALL_RECORD_H
#define LK_PROVISION_INSTALL_RECORD_H

#include "core/base/bytes.h"
#include "core/policy/policy_key.h"
#include "sys/format/json.h"
#include "sys/os/secret.h"

/** The record at @path, or a new one where there is none. */
int lk_record_load(const char *path, struct lk_json **ret, bool *ret_existed, struct lk_err *err);
/** Whole or not at all, synced, readable by its owner alone. */
int lk_record_save(const char *path, const struct lk_json *record, struct lk_err *err);

/**
 * lk_record_try - can it be written, for this recipient?
 * @recipient: may be NULL
 *
 * Makes an empty record where there is none, and takes it away again: what is
 * refused later shall leave none behind.
 */
int lk_record_try(const char *path, const char *recipient, struct lk_err *err);

/** Member @key becomes CMS (PEM) of @secret for @recipient. */
int lk_record_set_secret(struct lk_json *obj, const char *key, const char *recipient,
			 const struct lk_secret *secret, struct lk_err *err);

/** What is recorded of a volume; its recovery key is added by who has it. */
struct lk_record_volume {
	const char *name;
	const char *uuid;
	uint32_t handle;
	struct lk_name object; /* len 0: not known yet */
};
/** The volume's entry, made or brought up to date; belongs to @record. */
struct lk_json *lk_record_volume_entry(struct lk_json *record, const struct lk_record_volume *vol);

#endif
