/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns destinations: each a link through <state>/current, so that one rename changes them all. */
#ifndef LK_USERCONFIG_DEPLOY_H
#define LK_USERCONFIG_DEPLOY_H

#include "agreement.h"
#include "sys/os/tree.h"
#include "userconfig.h"

/**
 * lk_deploy_relative - text of a link at @from that leads to @to
 *
 * Both absolute and plain, as seen from the root: so that it holds in an image
 * under --root as well as in the system that boots it.
 */
int lk_deploy_relative(const char *from, const char *to, char ret[static LK_TREE_LINK_MAX],
		       struct lk_err *err);

/** What the link at @destination has to say. */
int lk_deploy_text(const struct lk_uc *uc, const char *destination,
		   char ret[static LK_TREE_LINK_MAX], struct lk_err *err);
/** The folder above @destination that is a link of ours; "" where none is. */
int lk_deploy_link_above(const struct lk_uc *uc, const char *destination, char ret[static PATH_MAX],
			 struct lk_err *err);

/** Whether the very link is at @destination. Beyond another link in the way, nothing is. */
int lk_deploy_is_own_link(const struct lk_uc *uc, const char *destination, bool *ret,
			  struct lk_err *err);
/** Whether a folder is there for other destinations of ours alone. */
int lk_deploy_is_folder_of_links(const struct lk_uc *uc, const char *destination, bool *ret,
				 struct lk_err *err);
/** Whether our link is at @destination, or in place of a folder above it. */
int lk_deploy_is_ours(const struct lk_uc *uc, const char *destination, bool *ret,
		      struct lk_err *err);

/** LK_E_IO where a destination of that generation lies on a volume that isn't mounted. */
int lk_deploy_check_mounted(const struct lk_uc *uc, uint64_t sequence, struct lk_err *err);

/**
 * lk_deploy_check_place - may a link of ours be put there?
 *
 * Nothing there, a link of ours, or a regular file, which is kept. Return:
 * LK_OK, LK_E_REFUSED for a folder, another link, anything else, or a link on
 * the way. In a folder that others can write to only the latter: the rest is put
 * aside when its turn comes.
 */
int lk_deploy_check_place(const struct lk_uc *uc, const char *destination, struct lk_err *err);

/**
 * lk_deploy_link - make every destination of generation @to a link
 * @from: the current one
 * @key: for the record of what was there
 *
 * What can be read at each destination doesn't change by it: a file that was
 * there is copied into @from, to which the link leads so far. Can be run again.
 */
int lk_deploy_link(const struct lk_uc *uc, uint64_t from, uint64_t to,
		   const struct lk_agreement_key *key, struct lk_err *err);
/** Removes what a run that was killed has left beside the destinations of
 * @sequence: links and copies of ours whose name was for a moment only. */
int lk_deploy_sweep(const struct lk_uc *uc, uint64_t sequence, struct lk_err *err);
/**
 * lk_deploy_tidy - what generation @gone has and @kept has not is taken away
 * @placed: the copies of @gone were put in place; else no file at a destination is one of them
 *
 * Links, copies that nobody has changed, and folders that are left empty; what was a file
 * and is a folder, or the other way, gets its final form.
 */
int lk_deploy_tidy(const struct lk_uc *uc, uint64_t gone, uint64_t kept, bool placed,
		   struct lk_err *err);
/** Whether every destination of @sequence is our link, or our copy: LK_OK, or the
 * number of those that aren't, each logged. */
int lk_deploy_verify(const struct lk_uc *uc, uint64_t sequence, unsigned int *ret_wrong,
		     struct lk_err *err);

#endif
