/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the folder of signed policies that setup takes, and what of it a token gets. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "install/setup.h"
#include "sys/format/document.h"
#include "sys/os/fs.h"
#include "sys/os/log.h"
#include "volume/signed.h"

#define FOLDER_MAX 512u /* files */

void lk_failures_note(struct lk_failures *f, const struct lk_err *one)
{
	if (f->rc != LK_OK) {
		lk_log(LK_LOG_ERR, "%s", one->msg);
		return;
	}
	f->rc = one->rc;
	if (f->err)
		*f->err = *one;
}

void lk_policy_set_done(struct lk_policy_set *set)
{
	free(set->policies);
	free(set->root_keys);
	*set = (struct lk_policy_set){ NULL, 0, NULL, 0 };
}

static bool is_policy_name(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && strcmp(dot, ".yaml") == 0;
}

static int take_policy_of(struct lk_policy_set *set, const struct lk_signed_policy *sp,
			  struct lk_err *err)
{
	struct lk_signed_policy *more = realloc(set->policies, (set->n + 1) * sizeof(*more));

	if (!more)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	set->policies = more;
	more[set->n++] = *sp;
	return LK_OK;
}

static int take_root_key(struct lk_policy_set *set, const struct lk_doc *doc,
			 const struct lk_policy_file *pf, struct lk_err *err)
{
	struct lk_signed_root_key sr;
	struct lk_signed_root_key *more;

	LK_TRY(lk_signed_root_key_from_doc(doc, &sr, err));
	LK_TRY(lk_signed_root_key_verify(&sr, pf, err));
	more = realloc(set->root_keys, (set->n_root_keys + 1) * sizeof(*more));
	if (!more)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	set->root_keys = more;
	more[set->n_root_keys++] = sr;
	return LK_OK;
}

static int take_policy(struct lk_policy_set *set, const struct lk_doc *doc,
		       const struct lk_policy_file *pf, uint32_t consent, struct lk_err *err)
{
	struct lk_signed_policy sp;

	LK_TRY(lk_signed_policy_from_doc(doc, &sp, err));
	LK_TRY(lk_signed_policy_verify(&sp, pf, err));
	if (lk_signed_policy_check_extended(&sp, pf, consent, err) != LK_OK)
		return LK_E_REFUSED;
	return take_policy_of(set, &sp, err);
}

static int load(const char *path, const struct lk_policy_file *pf, uint32_t consent,
		struct lk_policy_set *set, struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;
	const struct lk_doc *doc;
	int rc;

	LK_TRY(lk_fs_check_regular(path, err));
	LK_TRY(lk_document_read(path, LK_POLICY_FILE_MAX, &yaml, err));
	doc = lk_yaml_root(yaml);
	if (doc->type == LK_DOC_MAP && lk_doc_get(doc, "latchkey-root-key"))
		rc = take_root_key(set, doc, pf, err);
	else
		rc = take_policy(set, doc, pf, consent, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	return rc;
}

void lk_policy_set_load(const char *dir, const struct lk_policy_file *pf, uint32_t consent,
			struct lk_policy_set *ret, struct lk_failures *f)
{
	char **names = NULL;
	size_t n = 0;
	struct lk_err one = { 0 };

	if (access(dir, F_OK) != 0 && errno == ENOENT) {
		lk_log(LK_LOG_INFO, "%s isn't there: no signed policies", dir);
		return;
	}
	if (lk_fs_list(dir, FOLDER_MAX, &names, &n, &one) != LK_OK) {
		lk_failures_note(f, &one);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (is_policy_name(names[i]) && load(names[i], pf, consent, ret, &one) != LK_OK)
			lk_failures_note(f, &one);
	}
	lk_fs_list_free(names, n);
}

int lk_policy_set_merge(const struct lk_policy_set *set, struct lk_token *token,
			struct lk_policy_change *ret, struct lk_err *err)
{
	size_t before = token->n_policies;
	size_t missing = 0;
	size_t kept = before;
	int rc = LK_OK;

	for (size_t i = 0; rc == LK_OK && i < set->n; i++) {
		if (lk_policies_has(token, &set->policies[i]))
			continue;
		rc = lk_policies_append(token, &set->policies[i], err);
		missing++;
	}
	if (rc == LK_OK && missing)
		rc = lk_policies_make_room(token, before, &kept, err);
	if (rc != LK_OK)
		return rc;
	ret->added = token->n_policies - kept;
	ret->retired = before - kept;
	ret->omitted = missing - ret->added;
	return LK_OK;
}
