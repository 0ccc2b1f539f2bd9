/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns EFI variables as the running system shows them (efivarfs). */
#ifndef LK_SYS_BOOT_EFIVARS_H
#define LK_SYS_BOOT_EFIVARS_H

#include "core/base/paths.h"
#include "core/predict/log_plan_variables.h"
#include "sys/os/fs.h"

/** Variables that were read; they stay until lk_efivars_done. */
struct lk_efivar;
struct lk_efivars {
	const char *dir;
	struct lk_efivar *list;
};
#define LK_OWNED_EFIVARS __attribute__((cleanup(lk_efivars_done))) struct lk_efivars
void lk_efivars_done(struct lk_efivars *vars);

/**
 * lk_efivars_check - is there anything to be read at all?
 * Return: LK_OK, or LK_E_IO for a folder that isn't there, or has nothing in it.
 */
int lk_efivars_check(const struct lk_efivars *vars, struct lk_err *err);

/**
 * lk_efivars_read - one variable, without its attributes
 * @name: ASCII
 * @guid: LK_GUID_SIZE bytes
 *
 * Return: LK_OK, also when it isn't there; LK_E_INPUT, LK_E_IO, LK_E_SYSTEM.
 */
int lk_efivars_read(struct lk_efivars *vars, const char *name, const uint8_t *guid,
		    struct lk_variable_now *ret, struct lk_err *err);

/**
 * lk_efivars_find_other - a vendor's variable whose name begins so and is none of these
 * @known: NULL at its end
 * @ret: its name; empty when there is none
 */
#define LK_EFIVAR_NAME_MAX 256u
int lk_efivars_find_other(const struct lk_efivars *vars, const uint8_t *guid, const char *begin,
			  const char *const known[], char ret[static LK_EFIVAR_NAME_MAX],
			  struct lk_err *err);

/** The same as lk_efivars_read for plans; @data is a struct lk_efivars. */
int lk_efivars_read_any(void *data, struct lk_bytes guid, struct lk_bytes name,
			struct lk_variable_now *ret, struct lk_err *err);

#endif
