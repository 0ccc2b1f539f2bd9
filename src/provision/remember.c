/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns remember: what an unlock had to ask the TPM for goes into the volume's token, for the next boot. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policies.h"
#include "sys/document.h"
#include "sys/log.h"

struct remember {
	const struct lk_options *opts;
	struct lk_policy_file pf;
	const char *dir;
	bool found;
};

/** The header is only written to when something is new. */
static int store(const struct lk_target *target, const struct lk_hints *learned,
		 bool *changed, struct lk_err *err)
{
	LK_OWNED_POLICIES p = LK_POLICIES_NONE;
	int rc = lk_policies_load(target, &p, err);

	if (rc != LK_OK)
		return rc;
	*changed = lk_hints_update(&p.token.hints, learned);
	return *changed ? lk_token_store(p.header, &p.token, err) : LK_OK;
}

static int remember_one(struct remember *r, const char *name,
			struct lk_err *err)
{
	struct lk_target target;
	struct lk_hints learned;
	bool changed = false;
	char path[PATH_MAX];
	int rc;

	if (snprintf(path, sizeof(path), "%s/%s.json", r->dir, name) >=
	    (int)sizeof(path))
		return lk_err_set(err, LK_E_USAGE, 0, "%.80s...: too long",
				  path);
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return LK_OK;
	r->found = true;
	rc = lk_document_learned(path, &learned, err);
	if (rc == LK_OK)
		rc = lk_target_resolve(&r->pf, name,
				       r->opts->value[LK_OPT_DEVICE], &target,
				       err);
	if (rc == LK_OK)
		rc = store(&target, &learned, &changed, err);
	if (rc != LK_OK)
		return rc;
	lk_log(LK_LOG_INFO,
	       changed ? "volume %s: the next unlock asks the TPM less"
		       : "volume %s: known already",
	       name);
	/* A file that stays costs the next run a look. */
	(void)unlink(path);
	return LK_OK;
}

static int run(const struct lk_options *opts, struct lk_err *err)
{
	struct remember r = { .opts = opts,
			      .dir = opts->value[LK_OPT_LEARNED] };
	const char *only = opts->value[LK_OPT_VOLUME];
	int first = LK_OK;
	int rc = lk_policy_file_load(opts->value[LK_OPT_POLICY], &r.pf, err);

	if (rc == LK_OK)
		rc = lk_check_volume_options(opts, &r.pf, err);
	if (rc != LK_OK)
		return rc;
	if (r.dir && !lk_fs_is_directory(r.dir))
		return lk_err_set(err, LK_E_INPUT, 0,
				  "--learned %s: there is no such directory",
				  r.dir);
	if (!r.dir)
		r.dir = LK_LEARNED_DIR;
	/* One volume's trouble is no reason to forget the others. */
	for (size_t i = 0; i < r.pf.n_volumes; i++) {
		const char *name = r.pf.volumes[i].name;
		struct lk_err one = { 0 };

		if (only && strcmp(only, name) != 0)
			continue;
		rc = remember_one(&r, name, &one);
		if (rc == LK_OK)
			continue;
		if (first == LK_OK) {
			first = rc;
			*err = one;
		} else {
			lk_log(LK_LOG_ERR, "%s", one.msg);
		}
	}
	if (!r.found)
		lk_log(LK_LOG_INFO, "nothing was learned in this boot");
	return first;
}

const struct lk_command lk_cmd_remember = {
	.name = "remember",
	.summary =
		"put what this boot's unlock learned into the volumes' tokens",
	.args = "",
	.options = LK_OPT_BIT(POLICY) | LK_OPT_BIT(VOLUME) |
		   LK_OPT_BIT(DEVICE) | LK_OPT_BIT(LEARNED),
	.run = run,
};
