/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns why a file, folder or device can't be used, in words for a person. */
#ifndef LK_SYS_OS_REACH_H
#define LK_SYS_OS_REACH_H

#define LK_REACH_MAX 400u

/**
 * lk_reach_why - what an errno means for this path
 * @error: of the call that failed
 * @out: the words, without the path where it is @path itself that is spoken of
 *
 * For a permission that is lacking it names the folder or node that refuses,
 * whose that is, and who is asking.
 *
 * Return: @out
 */
const char *lk_reach_why(const char *path, int error, char out[static LK_REACH_MAX]);

/**
 * lk_reach_tpm - whether TPM commands may be written to a path
 *
 * To be asked before it is opened: bytes that are meant for a TPM must not
 * reach a disk.
 * @why: set where it isn't LK_REACH_USABLE
 */
enum lk_reach {
	LK_REACH_USABLE,
	LK_REACH_NOT_YET, /* isn't there, or may not be used: that may change */
	LK_REACH_NEVER,	  /* not a TPM */
};
enum lk_reach lk_reach_tpm(const char *path, char why[static LK_REACH_MAX]);

#endif
