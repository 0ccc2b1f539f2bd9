/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns floor raise: after it the TPM refuses every signed policy of a lower version, for good. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "root_key.h"
#include "volume/policies.h"
#include "sys/format/document.h"
#include "sys/os/log.h"
#include "sys/tpm/tpm_config.h"

/* Each step is a write to the TPM's flash, and can't be taken back. */
#define STEPS_MAX 256u

struct raise {
	const struct lk_options *opts;
	struct lk_policy_file pf;
	uint64_t to;
	uint64_t floor;
	size_t n_opened; /* volumes that were opened by a policy in this boot */
};

/** Of several volumes the lowest version counts: the others have it behind them. */
static int find_booted(struct raise *r, struct lk_err *err)
{
	const char *dir = r->opts->value[LK_OPT_BOOTED];

	r->to = UINT64_MAX;
	for (size_t i = 0; i < r->pf.n_volumes; i++) {
		struct lk_booted booted;
		char path[PATH_MAX];

		(void)snprintf(path, sizeof(path), "%s/%s.json", dir ? dir : LK_BOOTED_DIR,
			       r->pf.volumes[i].name);
		if (access(path, F_OK) != 0 && errno == ENOENT)
			continue;
		LK_TRY(lk_document_booted(path, &booted, err));
		r->n_opened++;
		if (booted.version < r->to)
			r->to = booted.version;
	}
	if (r->n_opened == 0)
		return lk_err_set(
			err, LK_E_REFUSED, 0,
			"%s: no volume of the policy file was opened by a signed policy in this boot: say to which version (--to)",
			dir ? dir : LK_BOOTED_DIR);
	return LK_OK;
}

static int parse_to(struct raise *r, struct lk_err *err)
{
	const char *text = r->opts->value[LK_OPT_TO];
	char *end;

	errno = 0;
	r->to = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || r->to > UINT32_MAX)
		return lk_err_set(err, LK_E_USAGE, 0, "--to %.40s: not a version number", text);
	if (r->to == 0)
		return lk_err_set(err, LK_E_USAGE, 0,
				  "--to 0: versions begin at 1, and nothing brings the floor down");
	return LK_OK;
}

static int check_steps(const struct raise *r, struct lk_err *err)
{
	if (r->to - r->floor <= STEPS_MAX)
		return LK_OK;
	return lk_err_set(
		err, LK_E_REFUSED, 0,
		"from %" PRIu64 " to %" PRIu64
		" is further than %u at once; nothing was raised (a wrong version number? else go there in steps, by --to)",
		r->floor, r->to, STEPS_MAX);
}

/** What a floor of @to leaves of a volume. */
struct left {
	size_t policies;	/* of this policy file, that the TPM would still take */
	bool opened;		/* it was opened by one in this boot */
	bool same_boot;		/* one of them has the PCR values of that one */
	unsigned int elsewhere; /* tokens of other policy files that would have none */
};

static void count_policies(const struct raise *r, const struct lk_token *token,
			   const struct lk_signed_policy *opener, struct left *left)
{
	const uint64_t to = r->to;
	const struct lk_usable_for what = { &r->pf, &to, NULL };

	left->opened = opener != NULL;
	for (size_t i = 0; i < token->n_policies; i++) {
		const struct lk_signed_policy *sp = &token->policies[i];

		if (lk_signed_policy_usable(sp, &what) != LK_USABLE)
			continue;
		left->policies++;
		left->same_boot |=
			opener && !lk_pcr_differing(&sp->pcrs, &opener->pcrs, r->pf.pcrs.mask);
	}
}

struct others {
	const struct raise *r;
	unsigned int n;
};

static bool is_ours(const struct lk_policy_file *pf, uint32_t handle)
{
	for (size_t i = 0; i < pf->n_volumes; i++)
		if (pf->volumes[i].handle == handle)
			return true;
	return false;
}

/** The counter is one for all policy files that name it; their keys aren't known here. */
static int look_at_other(const struct lk_token *token, void *data, struct lk_err *err)
{
	struct others *o = data;
	size_t under = 0, left = 0;

	(void)err;
	if (is_ours(&o->r->pf, token->handle))
		return LK_OK;
	for (size_t i = 0; i < token->n_policies; i++) {
		if (token->policies[i].version_floor != o->r->pf.version_floor)
			continue;
		under += token->policies[i].version < o->r->to;
		left += token->policies[i].version >= o->r->to;
	}
	o->n += under && !left;
	return LK_OK;
}

static int count_left(const struct raise *r, const struct lk_volume *vol, struct left *ret,
		      struct lk_err *err)
{
	LK_OWNED_POLICIES p = LK_POLICIES_NONE;
	const struct lk_signed_policy *opener;
	struct others others = { .r = r };
	struct lk_target t;

	LK_TRY(lk_target_resolve(&r->pf, vol->name, r->opts->value[LK_OPT_DEVICE], &t, err));
	LK_TRY(lk_policies_load(&t, &p, err));
	LK_TRY(lk_policies_opener(r->opts->value[LK_OPT_BOOTED], vol, &p.token, &opener, err));
	count_policies(r, &p.token, opener, ret);
	LK_TRY(lk_token_each(p.header, look_at_other, &others, err));
	ret->elsewhere = others.n;
	return LK_OK;
}

/** Return: whether the volume, as it is, has nothing to say against it. */
static bool say_left(const struct raise *r, const struct lk_volume *vol)
{
	struct left left = { 0 };
	struct lk_err why = { 0 };

	if (count_left(r, vol, &left, &why) != LK_OK) {
		lk_log(LK_LOG_WARNING, "volume %s: whether it would still open can't be known: %s",
		       vol->name, why.msg);
		return false;
	}
	if (!left.policies)
		lk_log(LK_LOG_WARNING,
		       "volume %s: it has no signed policy of version %" PRIu64
		       " or more, and would never open unattended again with those it has",
		       vol->name, r->to);
	else if (left.opened && !left.same_boot)
		lk_log(LK_LOG_WARNING,
		       "volume %s: no signed policy of version %" PRIu64
		       " or more is for the boot that opened it now: as the machine is, it wouldn't open unattended at the next boot",
		       vol->name, r->to);
	if (left.elsewhere)
		lk_log(LK_LOG_WARNING,
		       "volume %s: %u of its tokens, for other policy files with this counter, would have no signed policy left",
		       vol->name, left.elsewhere);
	return left.policies && (!left.opened || left.same_boot) && !left.elsewhere;
}

/**
 * A volume that wouldn't open any more is named, and asked about; one that can't
 * be looked into might be such a one.
 */
static int check_locked_out(const struct raise *r, struct lk_err *err)
{
	char word[24];
	bool ask = false;

	for (size_t i = 0; i < r->pf.n_volumes; i++)
		ask |= !say_left(r, &r->pf.volumes[i]);
	if (!ask)
		return LK_OK;
	(void)snprintf(word, sizeof(word), "%" PRIu64, r->to);
	return lk_confirm(r->opts, word, err);
}

/** The floor that there is may be what closes a volume: that is said too. */
static int say_nothing_to_raise(struct raise *r)
{
	lk_log(LK_LOG_INFO, "the version floor is %" PRIu64 ": nothing to raise", r->floor);
	r->to = r->floor;
	for (size_t i = 0; i < r->pf.n_volumes; i++)
		(void)say_left(r, &r->pf.volumes[i]);
	return LK_OK;
}

static int raise_floor(struct raise *r, struct lk_err *err)
{
	LK_OWNED_TPM tpm = NULL;

	LK_TRY(lk_tpm_open_ours(r->opts, &r->pf, &tpm, err));
	LK_TRY(lk_tpm_floor_read(tpm, r->pf.version_floor, &r->floor, err));
	if (r->to <= r->floor)
		return say_nothing_to_raise(r);
	LK_TRY(check_steps(r, err));
	LK_TRY(check_locked_out(r, err));
	LK_TRY(lk_tpm_counter_raise(tpm, r->pf.version_floor, r->to, err));
	lk_log(LK_LOG_INFO,
	       "the version floor is %" PRIu64 " now (it was %" PRIu64
	       "): the TPM refuses every signed policy under it",
	       r->to, r->floor);
	return LK_OK;
}

static int run_floor_raise(const struct lk_options *opts, struct lk_err *err)
{
	struct raise r = { .opts = opts };

	LK_TRY(lk_policy_file_load(opts->value[LK_OPT_POLICY], &r.pf, err));
	LK_TRY(lk_check_volume_options(opts, &r.pf, err));
	if (!r.pf.version_floor)
		return lk_err_set(err, LK_E_INPUT, 0, "%s: the policy file has no version-floor",
				  opts->value[LK_OPT_POLICY]);
	/* Refusing would leave old policies in force: a floor takes away, and gives nothing. */
	if (r.pf.format < 2)
		lk_log(LK_LOG_WARNING,
		       "%s: the policy file is of format 1, whose policy-ref isn't bound to its selection: what the floor leaves of other policy files with this reference opens these volumes too (latchkey-policy(5), FORMAT 1)",
		       opts->value[LK_OPT_POLICY]);
	if (opts->value[LK_OPT_TO])
		LK_TRY(parse_to(&r, err));
	else
		LK_TRY(find_booted(&r, err));
	return raise_floor(&r, err);
}

const struct lk_command lk_cmd_floor_raise = {
	.cli.words = "floor raise",
	.cli.summary = "make the TPM refuse signed policies under the version that booted",
	.cli.operands = "",
	.answer = "VERSION",
	.options = LK_OPT_BIT(TPM) | LK_OPT_BIT(DEVICE_FILE) | LK_OPT_BIT(POLICY) |
		   LK_OPT_BIT(DEVICE) | LK_OPT_BIT(TO) | LK_OPT_BIT(BOOTED) | LK_OPT_BIT(YES),
	.run = run_floor_raise,
};
