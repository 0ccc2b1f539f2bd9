/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns signed policies that are brought from outside, on a partition or a stick without a file system. */
#ifndef LK_UNSEAL_BROUGHT_H
#define LK_UNSEAL_BROUGHT_H

#include "unseal/unseal.h"

/** The policy file's places, and one that the kernel's command line names. */
#define LK_BROUGHT_PLACES  (LK_SIGNED_FROM_MAX + 1)
#define LK_BROUGHT_DEVICES LK_BROUGHT_MAX /* read in one run */

/** How often one device is read: a stick whose partitions the kernel and udev are still
 * finding goes away under who reads it, and is there again at once. */
#define LK_BROUGHT_TRIES    3u
#define LK_BROUGHT_AGAIN_MS 1000

/** A device that was read. */
struct lk_brought_device {
	char path[LK_DEVICE_PATH_MAX];
	unsigned int left;  /* how often it may be read again; 0 once it gave a bundle */
	int64_t next;	    /* not before then */
	struct lk_err said; /* what was wrong, and is on the log */
};

/** Of one run. Embedded, nothing to be freed. */
struct lk_brought {
	const struct lk_policy_file *pf;
	unsigned int seconds; /* for all of it, from its beginning */
	int64_t end;
	size_t n_places;
	char places[LK_BROUGHT_PLACES][LK_DEVICE_SPEC_MAX];
	bool there[LK_BROUGHT_PLACES];
	size_t n_read;
	struct lk_brought_device read[LK_BROUGHT_DEVICES];
};

/** Return: whether there is any place to look at. */
bool lk_brought_begin(struct lk_brought *b, const struct lk_policy_file *pf);

/**
 * lk_brought_next - the signed policies of the next device that is there, or appears in time
 * @now: the TPM's PCR values; NULL where they aren't known
 * @files: takes those that are of the policy file, and none that says to fit @now
 *	and isn't signed by the policy key. What it had stays where it is.
 *
 * Each device is read until it gave a bundle, LK_BROUGHT_TRIES times at most. What is wrong
 * with one is said on the log, once.
 *
 * Return: false when the time is over.
 */
bool lk_brought_next(struct lk_brought *b, const struct lk_pcr_values *now,
		     struct lk_signed_files *files);

/**
 * lk_brought_by_hand - the same of one device or file, which --signed names
 * Return: whether it is a device, or a file that is a bundle: it was read, then.
 */
bool lk_brought_by_hand(const char *spec, const struct lk_policy_file *pf,
			struct lk_signed_files *files);

/** Leaves the signed policy that opened a volume for its token, where it isn't in there. */
void lk_brought_keep(const char *dir, const struct lk_target *t);

#endif
