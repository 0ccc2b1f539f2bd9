/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns decommission: a TPM without anything of ours, authorizations included. */
#include <stdio.h>
#include <time.h>

#include "install/record.h"
#include "root_key.h"
#include "sys/os/log.h"
#include "sys/os/secret_line.h"
#include "sys/tpm/tpm_attest.h"

static const uint32_t indices[] = { LK_NV_SEQUENCE_FLOOR, LK_NV_VERSION_FLOOR, LK_NV_POLICY_KEY };
#define N_INDICES (sizeof(indices) / sizeof(indices[0]))

struct leaving {
	const struct lk_options *opts;
	struct lk_tpm *tpm;
	struct lk_tpm_info info;
	struct lk_handles objects;
	bool attests;
	struct lk_secret lockout;
};

/** Nothing that counts is tried, and nothing is asked, before all that can be known is known. */
static int look(struct leaving *l, struct lk_err *err)
{
	const char *owner = l->opts->value[LK_OPT_OWNER_AUTH];
	const char *lockout = l->opts->value[LK_OPT_LOCKOUT_AUTH];
	const char *record = l->opts->value[LK_OPT_RECORD];

	if (lockout)
		LK_TRY(lk_secret_read_line(lockout, 32, &l->lockout, err));
	LK_TRY(lk_tpm_open_known(l->opts, &l->tpm, err));
	if (record) {
		LK_TRY(lk_fs_check_regular(record, err));
		LK_TRY(lk_record_of_tpm(record, l->tpm, NULL, err));
		LK_TRY(lk_record_try(record, NULL, err));
	}
	LK_TRY(lk_tpm_info_read(l->tpm, &l->info, err));
	if ((l->info.owner_auth_set && !owner) || (l->info.lockout_auth_set && !lockout))
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"the TPM has authorizations that have to be taken away: --owner-auth and --lockout-auth are needed; nothing was changed");
	l->attests = lk_tpm_has_ak(l->tpm);
	/* A run that was cut short may have emptied them. */
	if (l->info.owner_auth_set)
		LK_TRY(lk_use_owner_auth(l->tpm, l->opts, err));
	return lk_tpm_list(l->tpm, LK_HANDLE_CONFIG_KEY,
			   lk_token_spare_handle(LK_HANDLE_VOLUME_MAX), &l->objects, err);
}

static void tell(const struct leaving *l)
{
	fprintf(stderr, "In this TPM will be destroyed:\n");
	for (size_t i = 0; i < l->objects.n; i++)
		fprintf(stderr, "  0x%08x, %s\n", l->objects.handle[i],
			l->objects.handle[i] == LK_HANDLE_CONFIG_KEY
				? "the configuration key"
				: "a volume's sealed passphrase");
	if (l->attests)
		fprintf(stderr, "  0x%08x, the attestation key\n", LK_HANDLE_AK);
	fprintf(stderr,
		"  0x%08x, 0x%08x and 0x%08x, the policy key and both floors\n"
		"  the authorizations of the owner and the lockout hierarchy: they will be empty\n"
		"Its volumes then open with their recovery keys alone, and their data stay on the disk:\n"
		"\"cryptsetup erase\" on each destroys these. The storage root key stays.\n",
		LK_NV_POLICY_KEY, LK_NV_VERSION_FLOOR, LK_NV_SEQUENCE_FLOOR);
}

/** The lockout authorization first: it is what may turn out to be wrong. */
static int leave(struct leaving *l, struct lk_err *err)
{
	if (l->info.lockout_auth_set) {
		LK_TRY(lk_tpm_use_auth(l->tpm, LK_HIERARCHY_LOCKOUT, &l->lockout, err));
		int rc = lk_tpm_check_auth(l->tpm, LK_HIERARCHY_LOCKOUT, err);

		if (rc == LK_E_POLICY || rc == LK_E_LOCKED)
			lk_err_prefix(err, "--lockout-auth %s",
				      l->opts->value[LK_OPT_LOCKOUT_AUTH]);
		LK_TRY(rc);
		LK_TRY(lk_tpm_empty_auth(l->tpm, LK_HIERARCHY_LOCKOUT, err));
	}
	for (size_t i = 0; i < l->objects.n; i++)
		LK_TRY(lk_tpm_evict(l->tpm, l->objects.handle[i], err));
	if (l->attests)
		LK_TRY(lk_tpm_evict(l->tpm, LK_HANDLE_AK, err));
	for (size_t i = 0; i < N_INDICES; i++)
		LK_TRY(lk_tpm_nv_undefine(l->tpm, indices[i], err));
	/* Last, since all that came before needs it. */
	return l->info.owner_auth_set ? lk_tpm_empty_auth(l->tpm, LK_HIERARCHY_OWNER, err) : LK_OK;
}

/* So that the desk makes nothing more for a device that is gone. */
static int mark_record(const struct leaving *l, struct lk_err *err)
{
	const char *path = l->opts->value[LK_OPT_RECORD];
	LK_OWNED_JSON record = NULL;
	time_t now = time(NULL);
	char text[32] = "";
	struct tm utc;
	bool existed;

	if (!path)
		return LK_OK;
	LK_TRY(lk_record_load(path, &record, &existed, err));
	if (gmtime_r(&now, &utc))
		(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	lk_json_set_text(record, "decommissioned-at", text);
	return lk_record_save(path, record, err);
}

static int run_decommission(const struct lk_options *opts, struct lk_err *err)
{
	struct leaving l = { .opts = opts };
	int rc = look(&l, err);

	if (rc == LK_OK) {
		tell(&l);
		rc = lk_confirm(opts, "decommission", err);
	}
	if (rc == LK_OK)
		rc = leave(&l, err);
	if (rc == LK_OK)
		rc = mark_record(&l, err);
	if (rc == LK_OK)
		lk_log(LK_LOG_INFO,
		       "this TPM has nothing of ours any more, and empty authorizations");
	lk_secret_done(&l.lockout);
	lk_tpm_free(l.tpm);
	return rc;
}

const struct lk_command lk_cmd_decommission = {
	.cli.words = "decommission",
	.cli.summary = "take all that is ours out of the TPM, authorizations included",
	.cli.operands = "",
	.cli.required = "--owner-auth FILE --lockout-auth FILE",
	.answer = "decommission",
	.options = LK_OPT_BIT(TPM) | LK_OPT_BIT(DEVICE_FILE) | LK_OPT_BIT(RECORD) |
		   LK_OPT_BIT(OWNER_AUTH) | LK_OPT_BIT(LOCKOUT_AUTH) | LK_OPT_BIT(YES),
	.run = run_decommission,
};
