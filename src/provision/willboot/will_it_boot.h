/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns will-it-boot's answers, and saying them. */
#ifndef LK_PROVISION_WILLBOOT_WILL_IT_BOOT_H
#define LK_PROVISION_WILLBOOT_WILL_IT_BOOT_H

#include "core/predict/coverage.h"
#include "willboot/next_boot.h"
#include "volume/policies.h"
#include "sys/format/json.h"

/** One volume in one boot. */
struct lk_boot_verdict {
	const struct lk_next_boot *boot;
	enum lk_answer answer;
	struct lk_coverage coverage;
	char reason[LK_ERR_MSG_MAX + 128];
	char remedy[4 * PATH_MAX];
};

struct lk_volume_verdict {
	const struct lk_volume *vol;
	const struct lk_options *opts; /* of the question */
	enum lk_answer answer;
	size_t n_deployed; /* signed policies that verify */
	size_t n_false;	   /* that don't, or belong to another policy file */
	uint32_t highest;  /* version of those that verify; 0: there is none */
	struct lk_floor floor;
	struct lk_err why; /* rc LK_OK: the boots say it */
	struct lk_boot_verdict *boots;
	size_t n;
};

/** Text goes to standard output at once; JSON is put together. */
struct lk_say {
	struct lk_json *json;
	bool text;
	const struct lk_policy_file *pf;
};
/** What changes, whatever that does to volumes. */
void lk_say_boot(struct lk_say *say, struct lk_json *array, const struct lk_next_boot *boot);
void lk_say_volume(struct lk_say *say, struct lk_json *array, const struct lk_volume_verdict *v);
/** @why: of an answer that no volume gave; may be NULL. */
void lk_say_answer(struct lk_say *say, enum lk_answer answer, const struct lk_err *why);

/** Puts the answer in words, with what to do. */
void lk_boot_verdict_word(const struct lk_volume_verdict *v, struct lk_boot_verdict *b);
/** What makes a "no" a "yes"; empty where there is nothing to advise. */
void lk_boot_remedy(const struct lk_volume_verdict *v, struct lk_boot_verdict *b);

#endif
