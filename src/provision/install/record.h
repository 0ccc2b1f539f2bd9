/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the provisioning record: what an inventory needs, and secrets encrypted to its owner. */
#ifndef LK_PROVISION_INSTALL_RECORD_H
#define LK_PROVISION_INSTALL_RECORD_H

#include <limits.h>

#include "common.h"
#include "sys/format/json.h"

/*
 * A record belongs to one device, and never loses a secret: what is replaced
 * stays in it, marked with "superseded" (true) and "superseded-at" (UTC). Of
 * volumes with one name those that aren't superseded come first.
 */

/** A record that is a link stays one: what it points to is replaced, or made. */
void lk_record_follow(const char *path, char ret[static PATH_MAX]);

/** Seconds that a command waits for another one to be done with a record. */
#define LK_RECORD_WAIT_S 10u
/** Held by one command, from before it reads the record until it ends. */
struct lk_record_lock {
	int fd;
	char path[PATH_MAX]; /* of the lock, beside the record */
};
#define LK_RECORD_LOCK_NONE  ((struct lk_record_lock){ .fd = -1 })
#define LK_OWNED_RECORD_LOCK __attribute__((cleanup(lk_record_unlock))) struct lk_record_lock
/**
 * lk_record_lock - keep other commands from changing a record that this one has read
 *
 * Where no lock can be made, nothing is locked: whoever can't write there finds out by
 * lk_record_try().
 *
 * Return: LK_OK; LK_E_REFUSED where another command has it for longer than the wait.
 */
int lk_record_lock(const char *record, struct lk_record_lock *ret, struct lk_err *err);
void lk_record_unlock(struct lk_record_lock *lock);

/** The record at @path, or a new one where there is none. */
int lk_record_load(const char *path, struct lk_json **ret, bool *ret_existed, struct lk_err *err);
/**
 * lk_record_save - whole or not at all, synced, readable by its owner alone
 *
 * The one before is kept beside it as @path.old, and one that has a secret
 * which the new record lacks is never replaced: then another number is taken.
 */
int lk_record_save(const char *path, const struct lk_json *record, struct lk_err *err);

/**
 * lk_record_try - can it be written, for this recipient?
 * @recipient: may be NULL
 *
 * Writes more than is needed beside it, and takes that away again; a record
 * that is there is written once more as it is.
 */
int lk_record_try(const char *path, const char *recipient, struct lk_err *err);

/** The device ID of @record as text, "" where it has none. LK_E_INPUT for one
 * that is malformed. */
#define LK_DEVICE_ID_TEXT 65u
int lk_record_device(const struct lk_json *record, char ret[static LK_DEVICE_ID_TEXT],
		     struct lk_err *err);
/** The device ID of a TPM that has a storage root key. */
int lk_tpm_device(struct lk_tpm *tpm, char ret[static LK_DEVICE_ID_TEXT], struct lk_err *err);
/**
 * lk_record_of_tpm - the record at @path, if it is this TPM's
 * @ret: may be NULL; a new record has the TPM's device ID
 *
 * Return: LK_OK, LK_E_REFUSED for another device's, or another error.
 */
int lk_record_of_tpm(const char *path, struct lk_tpm *tpm, struct lk_json **ret,
		     struct lk_err *err);
/** lk_record_of_tpm and lk_record_try: all that can be known before anything is changed. */
int lk_record_check(const struct lk_options *opts, struct lk_tpm *tpm, struct lk_err *err);

/** "pcrs": the values of each active bank, as they are now. */
int lk_record_describe_pcrs(struct lk_tpm *tpm, struct lk_json *record, struct lk_err *err);
/**
 * lk_record_prove - "proof": what the record says, signed by the TPM's attestation key
 *
 * Keys and counters by TPM2_Certify and TPM2_NV_Certify, and a quote of the moment, each over
 * the attestation key and the endorsement key (core/attest/record_proof.h). The counters' values
 * and the PCRs in the record become those of now. A record without an attestation key has no
 * proof; what the TPM refuses to sign is a warning.
 */
int lk_record_prove(struct lk_tpm *tpm, struct lk_json *record, struct lk_err *err);
/** Whether it has one for its keys of now, or no attestation key to make one with. */
int lk_record_is_proven(struct lk_tpm *tpm, const struct lk_json *record, bool *ret,
			struct lk_err *err);

/** Member @key becomes CMS (PEM) of @secret for @recipient. */
int lk_record_set_secret(struct lk_json *obj, const char *key, const char *recipient,
			 const struct lk_secret *secret, struct lk_err *err);
/** Marks @obj. */
void lk_record_supersede(struct lk_json *obj);
/**
 * lk_record_retire - members of @obj move into a new element of its array @list
 * @keys: NULL-terminated
 *
 * Return: the element, marked as superseded; NULL where @obj has none of them.
 */
struct lk_json *lk_record_retire(struct lk_json *obj, const char *list, const char *const *keys);

/** What is recorded of a volume; its recovery key is added by who has it. */
struct lk_record_volume {
	const struct lk_target *target;
	const char *uuid;
	struct lk_name object; /* len 0: not known yet */
};
/**
 * lk_record_volume_entry - the volume's entry, made or brought up to date
 *
 * Entries are told apart by UUID. Another volume that has the same name is
 * marked as superseded, and what this one was sealed as before is kept.
 *
 * Return: the entry, which belongs to @record; NULL after an error.
 */
struct lk_json *lk_record_volume_entry(struct lk_json *record, const struct lk_record_volume *vol,
				       struct lk_err *err);
/** Entry of the volume with this UUID, or NULL. */
struct lk_json *lk_record_find_volume(const struct lk_json *record, const char *uuid);

#endif
