/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what differs between two generations, and which units that concerns. */
#ifndef LK_USERCONFIG_CHANGES_H
#define LK_USERCONFIG_CHANGES_H

#include "sys/service/services.h"
#include "userconfig.h"

#define LK_CHANGES_UNITS_MAX 128u

/** Units to restart or reload, each once; restart where both are asked for. */
struct lk_changes {
	unsigned int files; /* that differ, are new or are gone */
	struct lk_unit_action action[LK_CHANGES_UNITS_MAX];
	char names[LK_CHANGES_UNITS_MAX][LK_UC_NAME_MAX + 1];
	size_t n_actions;
};

/** Compares content, owner and mode of each destination's file. */
int lk_changes_find(const struct lk_uc *uc, uint64_t from, uint64_t to, struct lk_changes *ret,
		    struct lk_err *err);

#endif
