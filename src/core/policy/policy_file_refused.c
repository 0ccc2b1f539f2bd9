/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the rules of what may be brought to a boot that is refused, and of how such a boot ends. */
#include "core/policy/policy_file_refused.h"

#include <string.h>

#include "core/base/device_tag.h"

#define TIMEOUT_SIGNED_S 10u

int lk_policy_file_seconds(const struct lk_doc *doc, const char *key, uint64_t max,
			   unsigned int *ret, struct lk_err *err)
{
	uint64_t v;

	if (!lk_doc_get(doc, key))
		return LK_OK;
	LK_TRY(lk_doc_get_uint(doc, key, 0, max, &v, err));
	*ret = (unsigned int)v;
	return LK_OK;
}

static int parse_place(const struct lk_doc *node, struct lk_policy_file *pf, struct lk_err *err)
{
	char *place = pf->signed_from[pf->n_signed_from];

	if (node->type != LK_DOC_SCALAR || node->len >= LK_DEVICE_SPEC_MAX ||
	    !lk_device_spec_is(node->text))
		return lk_doc_error(
			node, err,
			"signed-from: an absolute path of at most %u bytes is expected, or UUID=, LABEL=, PARTUUID= or PARTLABEL= with a value",
			LK_DEVICE_SPEC_MAX - 1);
	for (size_t i = 0; i < pf->n_signed_from; i++)
		if (strcmp(pf->signed_from[i], node->text) == 0)
			return lk_doc_error(node, err, "signed-from: %.80s is named twice",
					    node->text);
	memcpy(place, node->text, node->len + 1);
	pf->n_signed_from++;
	return LK_OK;
}

static int parse_signed_from(const struct lk_doc *doc, struct lk_policy_file *pf,
			     struct lk_err *err)
{
	const struct lk_doc *seq = lk_doc_get(doc, "signed-from");

	if (!seq)
		return LK_OK;
	if (seq->type != LK_DOC_SEQ)
		return lk_doc_error(
			seq, err,
			"signed-from: expected a list, as in [PARTLABEL=latchkey-policies]");
	for (const struct lk_doc *i = seq->child; i; i = i->next) {
		if (pf->n_signed_from == LK_SIGNED_FROM_MAX)
			return lk_doc_error(i, err, "signed-from: at most %u places are allowed",
					    LK_SIGNED_FROM_MAX);
		LK_TRY(parse_place(i, pf, err));
	}
	return LK_OK;
}

static int parse_after_prompt(const struct lk_doc *doc, struct lk_policy_file *pf,
			      struct lk_err *err)
{
	static const char *const words[] = { "fail", "halt", "reboot", NULL };
	static const enum lk_on_failure what[] = { LK_ON_FAILURE_FAIL, LK_ON_FAILURE_HALT,
						   LK_ON_FAILURE_REBOOT };
	unsigned int word;

	pf->after_prompt = LK_ON_FAILURE_FAIL;
	if (!lk_doc_get(doc, "after-prompt"))
		return LK_OK;
	LK_TRY(lk_doc_get_word(doc, "after-prompt", words, &word, err));
	pf->after_prompt = what[word];
	return LK_OK;
}

int lk_policy_file_parse_refused(const struct lk_doc *doc, struct lk_policy_file *pf,
				 struct lk_err *err)
{
	pf->timeout_signed = TIMEOUT_SIGNED_S;
	LK_TRY(lk_policy_file_seconds(doc, "timeout-signed", LK_TIMEOUT_MAX, &pf->timeout_signed,
				      err));
	LK_TRY(lk_policy_file_seconds(doc, "timeout-prompt", LK_TIMEOUT_PROMPT_MAX,
				      &pf->timeout_prompt, err));
	LK_TRY(parse_after_prompt(doc, pf, err));
	return parse_signed_from(doc, pf, err);
}
