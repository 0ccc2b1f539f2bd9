/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what differs between two generations, and which units that concerns. */
#ifndef LK_USERCONFIG_CHANGES_H
#define LK_USERCONFIG_CHANGES_H

#include "sys/service/services.h"
#include "userconfig.h"

/** Units to restart or reload, each once, in the order in which the manifests
 * name them; restart where both are asked for. As many as the manifests have. */
struct lk_changes {
	unsigned int files; /* that differ, are new or are gone */
	struct lk_unit_action *action;
	size_t *by_name; /* indices of actions, sorted */
	size_t n_actions;
	size_t cap;
};
#define LK_CHANGES_NONE	 ((struct lk_changes){ .action = NULL })
#define LK_OWNED_CHANGES __attribute__((cleanup(lk_changes_done))) struct lk_changes
void lk_changes_done(struct lk_changes *c);

/**
 * lk_changes_find - compares content, owner and mode of each destination's file
 *
 * It is called after the switch, and so isn't stopped by what lies on the disk: a
 * file that can't be compared counts as changed.
 *
 * Return: LK_OK; LK_E_IO where a folder can't be read; LK_E_SYSTEM.
 */
int lk_changes_find(const struct lk_uc *uc, uint64_t from, uint64_t to, struct lk_changes *ret,
		    struct lk_err *err);

#endif
