/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey-userconfig check: is what is in place what the signed blob brought? */
#include <inttypes.h>
#include <stdio.h>

#include "commit.h"
#include "deploy.h"
#include "generation.h"
#include "sys/os/log.h"
#include "sys/os/tree.h"
#include "sys/os/users.h"
#include "verify.h"

/* What can't be right, but may become so: an upload directory that is mounted
 * later, a user that a package brings. */
static void warn_of_settings(const struct lk_uc *uc)
{
	const struct lk_userconfig_file *s = &uc->settings;
	enum lk_tree_kind kind = LK_TREE_NONE;
	struct lk_err why = { 0 };

	if (lk_tree_kind(uc->at, s->upload_directory.text, &kind, NULL) != LK_OK ||
	    kind != LK_TREE_DIR)
		lk_log(LK_LOG_WARNING, "upload-directory: %s isn't a folder",
		       s->upload_directory.text);
	for (size_t i = 0; i < s->n_owners; i++)
		if (lk_user_id(uc->at, s->owners[i].text, &(uid_t){ 0 }, &why) != LK_OK)
			lk_log(LK_LOG_WARNING, "owners: %s", why.msg);
	for (size_t i = 0; i < s->n_groups; i++)
		if (lk_group_id(uc->at, s->groups[i].text, &(gid_t){ 0 }, &why) != LK_OK)
			lk_log(LK_LOG_WARNING, "groups: %s", why.msg);
}

int lk_uc_check(const struct lk_uc_options *opts, struct lk_err *err)
{
	LK_OWNED_UC uc = NULL;
	bool present = false;
	uint64_t current = 0;
	unsigned int links = 0, wrong;
	struct lk_verification v = { .all = true, .with_volatile = true };
	int rc = lk_uc_open(opts, false, &uc, err);

	if (rc == LK_OK && lk_commit_is_pending(uc))
		rc = lk_err_set(
			err, LK_E_IO, 0,
			"a change is unfinished; \"latchkey-userconfig apply\" finishes it or takes it back");
	if (rc == LK_OK)
		warn_of_settings(uc);
	if (rc == LK_OK)
		rc = lk_generation_get(uc, "current", &present, &current, err);
	if (rc == LK_OK && present)
		rc = lk_deploy_verify(uc, current, &links, err);
	if (rc == LK_OK && present)
		rc = lk_verify(uc, current, &v, NULL, err);
	if (rc != LK_OK)
		return rc;
	wrong = links + v.wrong;
	if (wrong)
		return lk_err_set(
			err, LK_E_IO, 0,
			"%u difference%s; apply the blob that brought it again, or a new one, to put things right",
			wrong, wrong == 1 ? "" : "s");
	if (!present || current == LK_GENERATION_ORIGINAL)
		printf("the settings are good; no configuration is in place\n");
	else
		printf("the settings are good; configuration %" PRIu64
		       " is in place as it was signed\n",
		       current);
	return LK_OK;
}
