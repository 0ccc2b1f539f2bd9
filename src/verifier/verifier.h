/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what the commands of latchkey-verifier share: options, the database, reasons as JSON. */
#ifndef LK_VERIFIER_VERIFIER_H
#define LK_VERIFIER_VERIFIER_H

#include "device.h"
#include "flavor.h"
#include "settings.h"
#include "sys/format/json.h"

struct lk_vf_options {
	const char *config, *state, *flavor, *nonce;
	bool json, jwt, html;
	bool unproven;	  /* of import */
	bool makes_state; /* the command makes the state directory of the settings, where it lacks */
	/* What stands behind the options. */
	int n;
	char **operands;
};

/* Commands. Return: LK_OK or an error, for the exit code. */
int lk_vf_serve(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_import(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_devices(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_show(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_explain(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_report(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_report_show_key(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_vacuum(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_approve(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_retire(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_learn(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_verify(const struct lk_vf_options *o, struct lk_err *err);
/** Warns where there is no flavor of this name. */
int lk_vf_say_flavor(struct lk_store *store, const char *name, struct lk_err *err);
int lk_vf_flavor_add(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_flavor_list(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_flavor_show(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_flavor_check(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_token_add(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_token_list(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_token_remove(const struct lk_vf_options *o, struct lk_err *err);

/** Settings and the database, for a command that needs no server. */
int lk_vf_open(const struct lk_vf_options *o, struct lk_vf_settings *ret_settings,
	       struct lk_store **ret, struct lk_err *err);

/** Milliseconds since 1970. */
int64_t lk_vf_now(void);
/** "2026-11-03 10:02:00 UTC", or "never" of 0. */
#define LK_VF_TIME_TEXT 32u
const char *lk_vf_time(int64_t ms, char out[static LK_VF_TIME_TEXT]);

/** The reasons of an appraisal as a JSON object with an array "reasons". */
#define LK_VF_REASONS_TEXT (LK_REASONS_MAX * (6u * LK_TEXT_OUT_MAX + 128u) + 64u)
void lk_vf_reasons_write(const struct lk_appraisal *a, char out[static LK_VF_REASONS_TEXT]);

/** The fleet as JSON. */
void lk_vf_counts_json(const struct lk_vf_counts *c, struct lk_json *into);
/** A device as JSON, for commands and pages alike. */
void lk_vf_device_json(const struct lk_vf_device *d, struct lk_json *into);
/** The same with its findings and its last attestations. */
int lk_vf_device_json_whole(struct lk_store *s, const struct lk_vf_device *d, struct lk_json *into,
			    struct lk_err *err);

#endif
