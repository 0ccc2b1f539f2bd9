/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what the parts of install share: its inputs, and what was found in the TPM. */
#ifndef LK_PROVISION_INSTALL_INSTALL_H
#define LK_PROVISION_INSTALL_INSTALL_H

#include "common.h"
#include "sys/format/json.h"

/** What install is asked for, read from its files. */
struct lk_install {
	const struct lk_options *opts;
	struct lk_tpm *tpm;
	struct lk_policy_key key;
	uint8_t spki[LK_SPKI_MAX];
	size_t spki_len;
	struct lk_secret config_key;
	enum lk_key_form form;
	bool form_given;
	struct lk_secret owner;	      /* from a file, or made when it is needed */
	struct lk_secret endorsement; /* empty: none given */
	struct lk_secret lockout;
	/* What the TPM has, found before anything is changed. */
	struct lk_tpm_info info;
	bool has_sha256; /* an active bank */
	bool has_root;
	bool has_policy_key; /* written and locked */
	bool has_config_key;
	bool has_version_floor;
	bool has_sequence_floor;
	bool has_ak;	     /* the attestation key */
	bool has_parameters; /* of the dictionary-attack protection */
};

/** Reads key files and authorizations. */
int lk_install_read(const struct lk_options *opts, struct lk_install *in, struct lk_err *err);
void lk_install_done(struct lk_install *in);

/**
 * lk_install_survey - compare the TPM with what is asked for; changes nothing
 *
 * Nothing is tried that counts towards a lockout: it is all known by
 * capabilities and public areas, and by the empty authorization where a failure
 * isn't counted.
 *
 * Return: LK_OK, LK_E_REFUSED when something else is at one of our places,
 * LK_E_POLICY when no bank of ours is active, LK_E_LOCKED, or another error.
 */
int lk_install_survey(struct lk_install *in, struct lk_err *err);
/** The part of it that FAPI changes: authorizations, and the lockout's parameters. */
int lk_install_look_at_tpm(struct lk_install *in, struct lk_err *err);

/** A warning where the kernel that runs couldn't open volumes, or never extends PCR 10;
 * nothing where its configuration isn't there to be read. */
void lk_install_look_at_kernel(const struct lk_options *opts);

/**
 * lk_install_check_record - does --record belong to this device?
 *
 * By its storage root key; where that is another, or missing, by its endorsement
 * key, for a TPM that was cleared is still the same device. Changes nothing.
 *
 * Return: LK_OK, LK_E_REFUSED for another device's record, or another error.
 */
int lk_install_check_record(struct lk_install *in, struct lk_err *err);
/** The record with all but the authorizations; what an installation before left is kept. */
int lk_install_open_record(struct lk_install *in, struct lk_json **ret, struct lk_err *err);

/**
 * lk_install_add_ek - the endorsement key, into a record that was written without
 * @ret_added: whether the record lacked it, and has it now
 *
 * The authorization of its hierarchy has been checked.
 */
int lk_install_add_ek(struct lk_install *in, bool *ret_added, struct lk_err *err);

/** The endorsement key and its certificate, checked where --ek-ca asks for it. */
int lk_install_describe_ek(struct lk_install *in, struct lk_json *record, struct lk_err *err);
/**
 * Whether the attestation key is missing and can be made: it is a primary of the endorsement
 * hierarchy, which may have an authorization that wasn't given, and the owner makes it stay.
 */
bool lk_install_can_make_ak(const struct lk_install *in);
/** Which key is at its place; LK_E_REFUSED where something else is. */
int lk_install_survey_ak(struct lk_install *in, struct lk_err *err);
/** The attestation key's public area, where the TPM has one. */
int lk_install_describe_ak(struct lk_install *in, struct lk_json *record, struct lk_err *err);
/** The same, into a record that was written without. @ret_added as lk_install_add_ek(). */
int lk_install_add_ak(struct lk_install *in, bool *ret_added, struct lk_err *err);

/** The proof of what the record says, where it lacks or is of other keys. */
int lk_install_add_proof(struct lk_install *in, bool *ret_added, struct lk_err *err);

/** The inventory part of the record: all but the secrets. */
int lk_install_describe(struct lk_install *in, struct lk_json *record, struct lk_err *err);

/** Tries the authorization of a hierarchy, which lk_tpm_use_auth() was given; a refusal names @option and its file. */
int lk_install_check_auth(struct lk_install *in, enum lk_hierarchy which, enum lk_opt option,
			  struct lk_err *err);
/** Each of owner and endorsement that was given and that the TPM has is tried once. */
int lk_install_check_owner_auths(struct lk_install *in, struct lk_err *err);
/** The lockout's, where it has a use: its failure bars further tries for long, so it comes last. */
int lk_install_check_lockout_auth(struct lk_install *in, struct lk_err *err);

extern const struct lk_da_parameters lk_install_da;

#endif
