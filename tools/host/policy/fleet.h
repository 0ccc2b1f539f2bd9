/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns predictions for a folder of records: which devices share values, and why the others don't. */
#ifndef LK_HOST_POLICY_FLEET_H
#define LK_HOST_POLICY_FLEET_H

#include "core/predict/plan_diff.h"
#include "key/signing.h"
#include "policy/change.h"
#include "sys/boot/log_export.h"

struct lk_fleet_args {
	const char *records; /* a folder; NULL: no fleet */
	const char *policy;
	const char *phase; /* NULL: as the logs say */
	bool json;
	struct lk_change_args change;
	struct lk_output output; /* a folder */
};

/* clang-format off: a table */
#define LK_FLEET_OPTIONS(a)                                                                        \
	{ "records",	0,   false, "DIR", "records (*.json), beside them logs (*.logs)",          \
	  &(a).records, NULL },                                                                    \
		{ "phase",    0,   false, "WORD", "with --records: boot phase in PCR 11, or none", \
		  &(a).phase, NULL },                                                              \
	{                                                                                          \
		"json", 'j', false, NULL, "with --records: what came of it, as JSON", NULL,        \
			&(a).json                                                                  \
	}
/* clang-format on */

/** A PCR that differs from the largest group's. */
struct lk_fleet_cause {
	unsigned int pcr;
	bool follows;	    /* PCR 10 is another because of it; it isn't selected itself */
	unsigned int event; /* in the log of the group's first device; 0: none tells it */
	char *text;
};

struct lk_fleet_device {
	char *path; /* of its record */
	char *name; /* of that file, without .json */
	int rc;
	char *why;		      /* of a failure; NULL: no memory to say it */
	uint32_t moved;		      /* PCRs of the firmware that aren't as its record says */
	uint8_t key[32];	      /* the same where all selected values are */
	struct lk_pcr_values *values; /* selected; NULL after a failure */
};

/** Devices that will have the same values. */
struct lk_fleet_group {
	size_t first, n; /* in the fleet's order */
	int rc;		 /* of what was made for it */
	char *why;
	char file[80]; /* what was made: a name in the output folder */
	struct lk_fleet_cause *causes;
	size_t n_causes;
	struct lk_err no_cause; /* why none can be told */
};

struct lk_fleet {
	const struct lk_fleet_args *args;
	struct lk_policy_file pf;
	struct lk_boot_change change;
	struct lk_fleet_device *devices;
	size_t n;
	size_t *order; /* of those without failure, group by group, the largest first */
	struct lk_fleet_group *groups;
	size_t n_groups;
};
#define LK_FLEET_NONE  ((struct lk_fleet){ .args = NULL })
#define LK_OWNED_FLEET __attribute__((cleanup(lk_fleet_done))) struct lk_fleet
void lk_fleet_done(struct lk_fleet *f);

/** LK_E_USAGE for options that need --records. */
int lk_fleet_check(const struct lk_fleet_args *args, struct lk_err *err);
/** The whole of policy predict --records. */
int lk_fleet_predict(const struct lk_fleet_args *args, struct lk_err *err);
/** The whole of policy sign --records. */
int lk_fleet_sign(const struct lk_fleet_args *args, const struct lk_signing_args *signing,
		  const struct lk_private_key *key, const struct lk_policy_file *pf,
		  struct lk_err *err);

/* For these alone. */

/** Values of all devices, and groups with their causes. One device's trouble is that
 * device's: an error is of what all have in common. */
int lk_fleet_compile(const struct lk_fleet_args *args, const struct lk_policy_file *pf,
		     struct lk_fleet *f, struct lk_err *err);

/** One device's logs, and what they will be: the values of the policy file's bank. */
struct lk_fleet_logs {
	struct lk_log_export e;
	struct lk_log_plan plan;
	struct lk_pcr_values then; /* all that can be known */
};
int lk_fleet_read_logs(const struct lk_fleet *f, const char *record, struct lk_fleet_logs *ret,
		       struct lk_err *err);
void lk_fleet_logs_done(struct lk_fleet_logs *logs);
/** What the record says of its device, against these logs; @ret_moved: PCRs. */
int lk_fleet_check_record(const char *record, const struct lk_fleet_logs *logs, uint32_t *ret_moved,
			  struct lk_err *err);
int lk_fleet_predict_device(const struct lk_fleet *f, struct lk_fleet_device *d,
			    struct lk_err *err);
/** Makes groups of the devices that have values. */
int lk_fleet_group(struct lk_fleet *f, struct lk_err *err);
/** Why each group isn't the largest. */
int lk_fleet_find_causes(struct lk_fleet *f, struct lk_err *err);

/** Group @i's file into the folder, by @text of it. */
typedef int (*lk_fleet_text_fn)(const struct lk_fleet *f, size_t group, void *ctx,
				struct lk_buf *ret, struct lk_err *err);
struct lk_fleet_writing {
	const char *suffix; /* ".yaml" */
	lk_fleet_text_fn text;
	void *ctx;
};
int lk_fleet_write(struct lk_fleet *f, const struct lk_fleet_writing *w, struct lk_err *err);
/** To standard output; and the worst that happened. */
int lk_fleet_report(const struct lk_fleet *f, struct lk_err *err);
/** The report as JSON text. */
int lk_fleet_json(const struct lk_fleet *f, struct lk_buf *ret, struct lk_err *err);
#define LK_FLEET_INDEX "fleet.json"

#endif
