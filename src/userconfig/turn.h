/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns folders that are made for destinations: a file that becomes one, one that becomes a file, and those that are left empty. */
#ifndef LK_USERCONFIG_TURN_H
#define LK_USERCONFIG_TURN_H

#include "userconfig.h"

/*
 * Where one configuration has a file at /opt/a and another has /opt/a/b, the one
 * place is a link and a folder in turn. A link /opt/a through "current" shows a
 * file while the one is in place, and a folder while the other is, so that one
 * rename changes this like all else: before the switch the folder is exchanged
 * for the link (lk_turn_fold), and after it the link for a folder
 * (lk_turn_unfold), each in one step, and what can be read there is the same.
 */

/** A folder that holds nothing but our links, at least one of them, becomes our link. */
int lk_turn_fold(const struct lk_uc *uc, const char *path, struct lk_err *err);
/** Links of ours that lead to folders of generation @sequence become folders. */
int lk_turn_unfold(const struct lk_uc *uc, uint64_t sequence, struct lk_err *err);

/** Notes which folders lack for the destinations of @sequence, before they are made. */
int lk_turn_note_folders(const struct lk_uc *uc, uint64_t sequence, struct lk_err *err);
/** The folders above @destination that were made for destinations go where they are empty. */
int lk_turn_remove_empty(const struct lk_uc *uc, const char *destination, struct lk_err *err);
/** Folders of a moment's name that a run that was killed left beside @destination. */
int lk_turn_sweep(const struct lk_uc *uc, const char *destination, struct lk_err *err);

#endif
