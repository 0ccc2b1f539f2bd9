/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns making a volume whose passphrase is sealed in the TPM, from whichever step is left. */
#ifndef LK_PROVISION_INSTALL_FORMAT_VOLUME_H
#define LK_PROVISION_INSTALL_FORMAT_VOLUME_H

#include "common.h"

/** A volume that is being made. The first three are the caller's. */
struct lk_format {
	const struct lk_options *opts; /* record, recipient, what may be lost */
	struct lk_target target;
	struct lk_tpm *tpm;
	struct lk_volume_header *header; /* NULL: the device has none */
	struct lk_secret passphrase;
	struct lk_secret volume_key;
	struct lk_secret pin;
	struct lk_name object;
	bool unfinished; /* the device has our mark */
	bool leftover;	 /* and the object at the handle is that run's */
};
void lk_format_done(struct lk_format *f);
#define LK_OWNED_FORMAT __attribute__((cleanup(lk_format_done))) struct lk_format

/** For the help of who calls lk_format_check_options. */
#define LK_FORMAT_REQUIRED "--record FILE --recipient FILE, or --no-recovery-key"
/** Options of which one or the other has to be given. */
int lk_format_check_options(const struct lk_options *o, struct lk_err *err);

/** Opens the LUKS2 header, where the device has one; is it unfinished? */
int lk_format_look(struct lk_format *f, struct lk_err *err);
/** LK_E_NO_DEVICE where it is too small. */
int lk_format_check_size(const struct lk_format *f, struct lk_err *err);

/**
 * lk_format_volume - what the device holds is lost, but for a run of ours
 * that only lacks its last mark
 * @f: the TPM is open, and knows the owner's authorization
 *
 * Return: LK_OK, LK_E_REFUSED when an object is at the volume's handle that
 * may not be lost, or another error.
 */
int lk_format_volume(struct lk_format *f, struct lk_err *err);

#endif
