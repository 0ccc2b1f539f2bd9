/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns policy add: signed policies, and a signed root key, into the tokens of one volume, or of several. */
#include <stdlib.h>
#include <string.h>

#include "root_key.h"
#include "signed_root_key.h"
#include "sys/format/document.h"
#include "sys/os/log.h"
#include "unextended.h"
#include "volume/policies.h"

/** One of the volumes, from its token as it was to its token as it is to be. */
struct adding {
	struct lk_target target;
	struct lk_policies p;
	struct lk_token known; /* given, and there before; policies alone */
	size_t n_before;
	struct lk_signed_root_key root_before;
	size_t added;
	bool written;
};

struct add {
	const struct lk_options *opts;
	struct lk_policy_file pf;
	struct lk_signed_policy *given;	    /* one for each argument; unsigned: a root key */
	struct lk_signed_root_key root_key; /* unsigned: none was given */
	struct adding *volumes;
	size_t n;
};

static void add_done(struct add *a)
{
	for (size_t i = 0; i < a->n; i++) {
		lk_policies_done(&a->volumes[i].p);
		lk_token_done(&a->volumes[i].known);
	}
	free(a->volumes);
	free(a->given);
}
#define OWNED_ADD __attribute__((cleanup(add_done))) struct add

/** Another device's is of no use here; which device this is says the device file. */
static int read_root_key(struct add *a, const struct lk_doc *doc, struct lk_err *err)
{
	const struct lk_device_places places = {
		.file = a->opts->value[LK_OPT_DEVICE_FILE],
		.policy = &a->pf,
		.policy_path = a->opts->value[LK_OPT_POLICY],
	};
	struct lk_device_expected device;
	struct lk_signed_root_key sr;

	LK_TRY(lk_signed_root_key_from_doc(doc, &sr, err));
	LK_TRY(lk_signed_root_key_verify(&sr, &a->pf, err));
	LK_TRY(lk_device_expect(&places, &device, err));
	if (device.root.len && !lk_name_equal(&device.root, &sr.root))
		return lk_err_set(
			err, LK_E_POLICY, 0,
			"a root key that is signed for another device than the one that %.200s names",
			device.from);
	a->root_key = sr;
	return LK_OK;
}

static int read_policy(const struct add *a, const struct lk_doc *doc, struct lk_signed_policy *sp,
		       struct lk_err *err)
{
	LK_TRY(lk_signed_policy_from_doc(doc, sp, err));
	LK_TRY(lk_signed_policy_verify(sp, &a->pf, err));
	return lk_unextended_admit(a->opts, &a->pf, &sp->pcrs, sp->unextended, err);
}

/** Every file is read and held against the policy file before any volume is. */
static int read_given(struct add *a, struct lk_err *err)
{
	a->given = calloc((size_t)a->opts->n_args, sizeof(*a->given));
	if (!a->given)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	for (int i = 0; i < a->opts->n_args; i++) {
		LK_OWNED_YAML yaml = NULL;
		const struct lk_doc *doc;
		int rc;

		LK_TRY(lk_document_read(a->opts->args[i], LK_POLICY_FILE_MAX, &yaml, err));
		doc = lk_yaml_root(yaml);
		rc = lk_doc_get(doc, "latchkey-root-key") ? read_root_key(a, doc, err)
							  : read_policy(a, doc, &a->given[i], err);
		if (rc != LK_OK)
			lk_err_prefix(err, "%s", a->opts->args[i]);
		LK_TRY(rc);
	}
	return LK_OK;
}

/** One signed policy to one volume's token, in memory. */
static int merge_one(struct adding *v, const struct lk_signed_policy *sp, const char *path,
		     struct lk_err *err)
{
	const char *name = v->target.vol->name;

	if (lk_policies_has(&v->p.token, sp)) {
		lk_log(LK_LOG_INFO, "%s: there already (volume %s, version %u)", path, name,
		       sp->version);
		return lk_policies_append(&v->known, sp, err);
	}
	if (v->p.token.n_policies >= LK_TOKEN_POLICIES_MAX)
		return lk_err_set(err, LK_E_REFUSED, 0,
				  "volume %s: its token has %u policies already: retire one", name,
				  LK_TOKEN_POLICIES_MAX);
	LK_TRY(lk_policies_append(&v->p.token, sp, err));
	v->added++;
	return LK_OK;
}

static int load_volume(struct add *a, const char *name, struct lk_err *err)
{
	struct adding *v = &a->volumes[a->n];

	v->p = (struct lk_policies)LK_POLICIES_NONE;
	LK_TRY(lk_target_resolve(&a->pf, name, a->opts->value[LK_OPT_DEVICE], &v->target, err));
	LK_TRY(a->n++ ? lk_policies_load_beside(&v->target, &v->p, err)
		      : lk_policies_load(&v->target, &v->p, err));
	v->n_before = v->p.token.n_policies;
	v->root_before = v->p.token.root_key;
	if (a->root_key.signature_len)
		v->p.token.root_key = a->root_key;
	for (int i = 0; i < a->opts->n_args; i++)
		if (a->given[i].signature_len)
			LK_TRY(merge_one(v, &a->given[i], a->opts->args[i], err));
	return LK_OK;
}

static int load_volumes(struct add *a, struct lk_err *err)
{
	unsigned int n = a->opts->n_volumes ? a->opts->n_volumes : 1;

	a->volumes = calloc(n, sizeof(*a->volumes));
	if (!a->volumes)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	for (unsigned int i = 0; i < n; i++)
		LK_TRY(load_volume(a, a->opts->n_volumes ? a->opts->volumes[i] : NULL, err));
	return LK_OK;
}

/** The token as it was, for a volume that was written before another couldn't be. */
static void take_back(struct adding *v)
{
	size_t with = v->p.token.n_policies;
	struct lk_err why = { 0 };

	v->p.token.n_policies = v->n_before;
	v->p.token.root_key = v->root_before;
	if (lk_token_store(v->p.header, &v->p.token, &why) == LK_OK) {
		v->written = false;
		return;
	}
	v->p.token.n_policies = with;
	lk_log(LK_LOG_ERR, "volume %s: what was added can't be taken back: %s", v->target.vol->name,
	       why.msg);
}

static void say_outcome(const struct adding *v, bool root_key)
{
	const char *name = v->target.vol->name;

	if (v->written && root_key)
		lk_log(LK_LOG_INFO, "volume %s: its token has the signed root key", name);
	if (v->written || !v->added)
		lk_log(LK_LOG_INFO, "volume %s: %zu added, %zu in the token", name, v->added,
		       v->p.token.n_policies);
	else
		lk_log(LK_LOG_INFO, "volume %s: none added, %zu in the token, as before", name,
		       v->n_before);
}

/** All volumes or none: what was written is taken back where another can't be. */
static int write_volumes(struct add *a, struct lk_err *err)
{
	int rc = LK_OK;

	for (size_t i = 0; rc == LK_OK && i < a->n; i++) {
		struct adding *v = &a->volumes[i];

		if (!v->added && !a->root_key.signature_len)
			continue;
		rc = lk_token_store(v->p.header, &v->p.token, err);
		v->written = rc == LK_OK;
		if (rc != LK_OK)
			lk_err_prefix(err, "volume %s", v->target.vol->name);
	}
	for (size_t i = 0; rc != LK_OK && i < a->n; i++)
		if (a->volumes[i].written)
			take_back(&a->volumes[i]);
	for (size_t i = 0; (rc == LK_OK || a->n > 1) && i < a->n; i++)
		say_outcome(&a->volumes[i], a->root_key.signature_len);
	return rc;
}

static void warn_of_floor(const struct adding *v, const struct lk_floor *floor)
{
	for (size_t i = 0; i < v->known.n_policies; i++)
		lk_floor_warn(floor, &v->known.policies[i]);
	for (size_t i = v->n_before; i < v->p.token.n_policies; i++)
		lk_floor_warn(floor, &v->p.token.policies[i]);
}

static int check_device(const struct lk_options *opts, struct lk_err *err)
{
	if (opts->n_volumes > 1 && opts->value[LK_OPT_DEVICE])
		return lk_err_set(err, LK_E_USAGE, 0,
				  "--device is of one volume, and --volume names %u",
				  opts->n_volumes);
	return LK_OK;
}

static int run_policy_add(const struct lk_options *opts, struct lk_err *err)
{
	OWNED_ADD a = { .opts = opts };
	struct lk_floor floor = { false, 0 };
	int rc;

	LK_TRY(check_device(opts, err));
	LK_TRY(lk_policy_file_load(opts->value[LK_OPT_POLICY], &a.pf, err));
	LK_TRY(lk_check_policy_ref(opts, &a.pf, err));
	LK_TRY(read_given(&a, err));
	rc = load_volumes(&a, err);
	if (rc == LK_E_INPUT || rc == LK_E_USAGE)
		lk_err_prefix(err, "%s", opts->value[LK_OPT_POLICY]);
	for (size_t i = 0; rc == LK_OK && i < a.n; i++)
		rc = lk_policies_ask_tpm(opts, &a.volumes[i].target, &floor, err);
	if (rc == LK_OK)
		rc = write_volumes(&a, err);
	else if (opts->n_volumes > 1)
		lk_err_prefix(err, "nothing was added to any volume");
	if (rc != LK_OK)
		return rc;
	for (size_t i = 0; i < a.n; i++)
		warn_of_floor(&a.volumes[i], &floor);
	return LK_OK;
}

const struct lk_command lk_cmd_policy_add = {
	.cli.words = "policy add",
	.cli.summary = "add signed policies to volumes",
	.cli.operands = "SIGNED...",
	.cli.details =
		"--volume may be given several times: all of the volumes get the policies, or none.\n",
	.many_volumes = true,
	.cli.min_operands = 1,
	.cli.max_operands = LK_TOKEN_POLICIES_MAX,
	.options = LK_OPT_BIT(TPM) | LK_OPT_BIT(DEVICE_FILE) | LK_OPT_BIT(POLICY) |
		   LK_OPT_BIT(VOLUME) | LK_OPT_BIT(DEVICE) | LK_OPT_BIT(SHARED_POLICY_REF) |
		   LK_OPT_BIT(UNEXTENDED),
	.run = run_policy_add,
};
