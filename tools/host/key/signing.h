/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what policy sign, digest and attach have in common. */
#ifndef LK_HOST_KEY_SIGNING_H
#define LK_HOST_KEY_SIGNING_H

#include "command.h"
#include "documents.h"
#include "sys/crypto/crypto_sign.h"

struct lk_signing_args {
	const char *policy;
	const char *pcr_values;
	const char *version;
	const char *label;
	const char *shared_ref;
	const char *unextended; /* list of PCRs */
	struct lk_output output;
};

/* clang-format off: a table */
#define LK_SIGNING_OPTIONS(a)                                                                          \
	{ "policy", 'p', true, "FILE", "policy file of the devices", &(a).policy, NULL },              \
		{ "pcr-values",	   'r', false, "FILE", "PCR values to approve, as read",               \
		  &(a).pcr_values, NULL },                                                             \
		{ "version", 'v', false, "N", "version, for the device's floor", &(a).version, NULL }, \
		{ "label", 'l', false, "TEXT", "what this boot is, for people", &(a).label, NULL },    \
		{ "shared-policy-ref",                                                                 \
		  0,                                                                                   \
		  false,                                                                               \
		  "REF",                                                                               \
		  "for a policy file of format 1: its policy-ref",                                     \
		  &(a).shared_ref,                                                                     \
		  NULL },                                                                              \
		{ "unextended",                                                                        \
		  0,                                                                                   \
		  false,                                                                               \
		  "LIST",                                                                              \
		  "PCRs that nobody extends, and that is meant",                                       \
		  &(a).unextended,                                                                     \
		  NULL },                                                                              \
		{ "output",	    'o', true, "FILE", "what to write; - is standard output",          \
		  &(a).output.path, NULL },                                                            \
	{                                                                                              \
		"force", 'f', false, NULL, "replace the output file", NULL, &(a).output.force          \
	}
/* clang-format on */

/** A policy file, and a signed policy for it that lacks its signature. */
struct lk_signing {
	struct lk_policy_file file;
	struct lk_signed_policy policy;
};

int lk_signing_prepare(const struct lk_signing_args *args, struct lk_signing *ret,
		       struct lk_err *err);

/** The policy file of @args, whose policyRef may be signed for. */
int lk_signing_load_policy(const struct lk_signing_args *args, struct lk_policy_file *ret,
			   struct lk_err *err);
/** 0 where none is given. */
int lk_signing_version(const struct lk_signing_args *args, uint32_t *ret, struct lk_err *err);
/** Of values at hand; @ret->file is set. --unextended counts for PCRs that are so. */
int lk_signing_prepare_values(const struct lk_signing_args *args,
			      const struct lk_pcr_values *values, struct lk_signing *ret,
			      struct lk_err *err);

/** The key at @uri is the private half of the policy file's; LK_E_POLICY else. */
int lk_signing_expect_key(const struct lk_private_key *key, const char *uri,
			  const struct lk_policy_file *pf, struct lk_err *err);

/** YAML of a signed policy to a file, which must then read as it should. */
int lk_signing_write(const struct lk_signed_policy *sp, const struct lk_output *out,
		     struct lk_err *err);

/** Puts the signature in, and writes only what then verifies. */
int lk_signing_finish(struct lk_signing *signing, struct lk_bytes signature,
		      const struct lk_output *out, struct lk_err *err);

/** The same as text, which the caller frees. */
int lk_signing_text(struct lk_signing *signing, struct lk_bytes signature, struct lk_buf *ret,
		    struct lk_err *err);

#endif
