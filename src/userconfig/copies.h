/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns destinations that are regular files: copies of what a generation has, for programs that take no link. */
#ifndef LK_USERCONFIG_COPIES_H
#define LK_USERCONFIG_COPIES_H

#include "sys/os/tree.h"
#include "userconfig.h"

/*
 * The file lies in the generation's tree, as all files do, and an empty file of the same
 * path in its folder "copies" marks it. So a destination may change between link and copy:
 * before the switch nothing is done to a copy's place, and a link that is there shows the
 * new file with the switch; after it each copy is renamed into place. From the switch to
 * the last of these renames there is a mix; a run that was cut there is finished by the next.
 */
#define LK_COPIES "copies"

/** Marks @destination in generation @sequence, which keeps its mark where it has one. */
int lk_copies_mark(const struct lk_uc *uc, uint64_t sequence, const char *destination,
		   struct lk_err *err);
/** The same of whatever generation's folder @folder is. */
int lk_copies_mark_in(const struct lk_uc *uc, const char *folder, const char *destination,
		      struct lk_err *err);
int lk_copies_has(const struct lk_uc *uc, uint64_t sequence, const char *destination, bool *ret,
		  struct lk_err *err);
/** Is it marked in @sequence, and a regular file with the content, mode and owner of its tree's? */
int lk_copies_is_ours(const struct lk_uc *uc, uint64_t sequence, const char *destination, bool *ret,
		      struct lk_err *err);

/** Copies that lie beside their destinations, whole and synced, under names of a moment. */
struct lk_copies {
	struct lk_copy {
		char *destination;
		char *beside;
	} * copy;
	size_t n;
};
#define LK_COPIES_NONE ((struct lk_copies){ .copy = NULL })
/** Before the switch: a disk that is full is found while nothing has changed. */
int lk_copies_prepare(const struct lk_uc *uc, uint64_t sequence, struct lk_copies *ret,
		      struct lk_err *err);
/** What is still beside its destination is removed. */
void lk_copies_discard(const struct lk_uc *uc, struct lk_copies *copies);

/**
 * lk_copies_place - every destination of @sequence as it has to be: a copy, or a link
 * @other: the generation whose copies may be there still
 * @prepared: may be NULL
 *
 * A file that is at a copy's place, and that neither generation nor what was kept knows, is
 * kept first (lk_keep_earlier). What else is there stays, with a message: it bars nothing,
 * and lk_deploy_verify() finds it. Can be run again.
 *
 * Return: LK_OK; LK_E_IO and LK_E_SYSTEM, where the next run may succeed.
 */
int lk_copies_place(const struct lk_uc *uc, uint64_t sequence, uint64_t other,
		    struct lk_copies *prepared, struct lk_err *err);

/**
 * lk_copies_settle - the same where nothing new comes
 *
 * Only what is a link of ours, a copy of @other or not there is made what it has to be; a file
 * that somebody has changed stays.
 */
int lk_copies_settle(const struct lk_uc *uc, uint64_t sequence, uint64_t other, struct lk_err *err);

/** Removes what a run that was killed has left in one folder. */
int lk_copies_sweep(const struct lk_uc *uc, const char *folder, struct lk_err *err);

/** Each copy of @sequence that isn't as it was put there any more: @changed's path is its destination. */
int lk_copies_changed(const struct lk_uc *uc, uint64_t sequence,
		      const struct lk_tree_visitor *changed, struct lk_err *err);

#endif
