/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey-userconfig rollback: the configuration before this one. */
#include <inttypes.h>
#include <stdio.h>

#include "commit.h"
#include "generation.h"
#include "sys/os/log.h"
#include "verify.h"

int lk_uc_rollback(const struct lk_uc_options *opts, struct lk_err *err)
{
	LK_OWNED_UC uc = NULL;
	struct lk_commit_result result = { 0 };
	LK_OWNED_AGREEMENT_KEY key = LK_AGREEMENT_KEY_NONE;
	struct lk_verification v = { .all = false };
	struct lk_commit c = { .raise_floor = false };
	bool has_current = false, has_previous = false;
	char what[48] = "what was there before";
	int rc = lk_uc_open(opts, true, &uc, err);

	if (rc == LK_OK)
		rc = lk_commit_recover(uc, err);
	if (rc == LK_OK)
		rc = lk_generation_get(uc, "current", &has_current, &c.from, err);
	if (rc == LK_OK)
		rc = lk_generation_get(uc, "previous", &has_previous, &c.to, err);
	if (rc != LK_OK)
		return rc;
	if (!has_current || !has_previous)
		return lk_err_set(err, LK_E_REFUSED, 0, "there is no configuration to go back to");
	rc = lk_verify(uc, c.to, &v, &key, err);
	if (rc != LK_OK) {
		struct lk_err why = *err;

		return lk_err_set(
			err, why.rc, why.code,
			"configuration %" PRIu64
			" isn't put back: %s. Nothing was changed; apply its blob again, or a new one",
			c.to, why.msg);
	}
	c.key = &key;
	rc = lk_commit(uc, &c, &result, err);
	if (rc != LK_OK)
		return rc;
	if (c.to)
		(void)snprintf(what, sizeof(what), "configuration %" PRIu64, c.to);
	lk_log(LK_LOG_INFO,
	       "%s is in place again, instead of configuration %" PRIu64 ": %u file%s changed",
	       what, c.from, result.files_changed, result.files_changed == 1 ? "" : "s");
	return LK_OK;
}
