/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns policy list and retire: the signed policies in a volume's token. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "volume/policies.h"
#include "sys/format/json.h"
#include "sys/os/log.h"

/** What a policy file's volume has. */
struct policies {
	struct lk_target target;
	struct lk_policies p;
};

static void policies_done(struct policies *p)
{
	lk_policies_done(&p->p);
}
#define OWNED_POLICIES __attribute__((cleanup(policies_done))) struct policies
#define POLICIES_NONE                                                                              \
	{                                                                                          \
		.p = LK_POLICIES_NONE                                                              \
	}

static int policies_load(const struct lk_options *opts, struct policies *p, struct lk_err *err)
{
	int rc = lk_target_load(opts, &p->target, err);

	return rc == LK_OK ? lk_policies_load(&p->target, &p->p, err) : rc;
}

static void warn_from(const struct lk_floor *floor, const struct lk_token *token, size_t first)
{
	for (size_t i = first; i < token->n_policies; i++)
		lk_floor_warn(floor, &token->policies[i]);
}

/** Whether it is one that would be added today; else why not. */
static bool is_good(const struct policies *p, const struct lk_signed_policy *sp, struct lk_err *why)
{
	return lk_signed_policy_verify(sp, &p->target.pf, why) == LK_OK;
}

static int list_json(const struct policies *p, struct lk_err *err)
{
	LK_OWNED_JSON json = lk_json_object();
	LK_OWNED_BUF text = LK_BUF_NONE;
	struct lk_json *array;
	int rc;

	if (!json)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	lk_json_set_text(json, "volume", p->target.vol->name);
	array = lk_json_set_array(json, "policies");
	for (size_t i = 0; i < p->p.token.n_policies; i++) {
		const struct lk_signed_policy *sp = &p->p.token.policies[i];
		struct lk_json *entry = lk_json_add_object(array);
		struct lk_err why = { 0 };
		char mask[LK_PCR_MASK_TEXT];
		bool good = is_good(p, sp, &why);

		lk_pcr_mask_format(sp->pcrs.sel.mask, mask);
		lk_json_set_uint(entry, "version", sp->version);
		lk_json_set_text(entry, "label", sp->label);
		lk_json_set_text(entry, "bank", lk_alg_name(sp->pcrs.sel.bank));
		lk_json_set_text(entry, "pcrs", mask);
		lk_json_set_hex(entry, "digest", sp->digest.data, sp->digest.len);
		lk_json_set_bool(entry, "verifies", good);
		if (!good)
			lk_json_set_text(entry, "why-not", why.msg);
	}
	rc = lk_json_write(json, &text, err);
	if (rc == LK_OK)
		fwrite(text.data, 1, text.len, stdout);
	return rc;
}

static void list_text(const struct policies *p)
{
	for (size_t i = 0; i < p->p.token.n_policies; i++) {
		const struct lk_signed_policy *sp = &p->p.token.policies[i];
		struct lk_err why = { 0 };
		char mask[LK_PCR_MASK_TEXT];
		char digest[2 * LK_DIGEST_MAX + 1];

		lk_pcr_mask_format(sp->pcrs.sel.mask, mask);
		lk_hex_encode(sp->digest.data, sp->digest.len, digest);
		printf("version %" PRIu32 "  %s:%s  %.16s  ", sp->version,
		       lk_alg_name(sp->pcrs.sel.bank), mask, digest);
		if (is_good(p, sp, &why)) {
			printf("verifies  ");
		} else {
			printf("DOESN'T VERIFY (");
			lk_print_shown(stdout, why.msg);
			printf(")  ");
		}
		lk_print_shown(stdout, sp->label);
		putchar('\n');
	}
}

static int list(const struct lk_options *opts, struct lk_err *err)
{
	OWNED_POLICIES p = POLICIES_NONE;
	int rc = policies_load(opts, &p, err);

	if (rc != LK_OK)
		return rc;
	if (lk_option_given(opts, LK_OPT_JSON))
		return list_json(&p, err);
	list_text(&p);
	return LK_OK;
}

/** Those that the TPM would still take. */
static size_t count_usable(const struct policies *p, const struct lk_floor *floor)
{
	size_t n = 0;

	for (size_t i = 0; i < p->p.token.n_policies; i++) {
		const struct lk_signed_policy *sp = &p->p.token.policies[i];

		n += is_good(p, sp, NULL) && (!floor->known || sp->version >= floor->value);
	}
	return n;
}

static bool is_named(const struct lk_signed_policy *sp, const char *what)
{
	char *end;
	unsigned long version = strtoul(what, &end, 10);

	if (*what >= '0' && *what <= '9' && *end == '\0')
		return sp->version == version;
	return strcmp(sp->label, what) == 0;
}

static int retire(const struct lk_options *opts, struct lk_err *err)
{
	OWNED_POLICIES p = POLICIES_NONE;
	struct lk_floor floor = { false, 0 };
	size_t kept = 0;
	size_t before;
	int rc;

	/* A shell's empty variable would be every policy without a label. */
	if (!*opts->args[0])
		return lk_err_set(err, LK_E_USAGE, 0,
				  "policy retire: the version or label is empty");
	rc = policies_load(opts, &p, err);
	if (rc != LK_OK)
		return rc;
	before = p.p.token.n_policies;
	for (size_t i = 0; i < before; i++)
		if (!is_named(&p.p.token.policies[i], opts->args[0]))
			p.p.token.policies[kept++] = p.p.token.policies[i];
	if (kept == before)
		return lk_err_set(err, LK_E_INPUT, 0,
				  "volume %s has no policy of that version or label: %s",
				  p.target.vol->name, opts->args[0]);
	p.p.token.n_policies = kept;
	rc = lk_policies_ask_tpm(opts, &p.target, &floor, err);
	if (rc == LK_OK)
		rc = lk_token_store(p.p.header, &p.p.token, err);
	if (rc != LK_OK)
		return rc;
	lk_log(LK_LOG_INFO, "volume %s: %zu retired, %zu left", p.target.vol->name, before - kept,
	       kept);
	warn_from(&floor, &p.p.token, 0);
	if (count_usable(&p, &floor) == 0)
		lk_log(LK_LOG_WARNING, "volume %s doesn't open unattended any more",
		       p.target.vol->name);
	return LK_OK;
}

#define POLICY_OPTIONS (LK_OPT_BIT(POLICY) | LK_OPT_BIT(VOLUME) | LK_OPT_BIT(DEVICE))

const struct lk_command lk_cmd_policy_list = {
	.cli.words = "policy list",
	.cli.summary = "list a volume's signed policies",
	.cli.operands = "",
	.cli.details =
		"A line a policy: version; bank and PCRs; the first 8 bytes of the digest of\n"
		"what was signed (\"digest\" in its file; whole with --json); whether it belongs\n"
		"to the policy file and its signature is the policy key's; label.\n",
	.options = POLICY_OPTIONS | LK_OPT_BIT(JSON),
	.run = list,
};

const struct lk_command lk_cmd_policy_retire = {
	.cli.words = "policy retire",
	.cli.summary = "remove signed policies by version or label",
	.cli.operands = "VERSION|LABEL",
	.cli.min_operands = 1,
	.cli.max_operands = 1,
	.options = POLICY_OPTIONS | LK_OPT_BIT(TPM) | LK_OPT_BIT(DEVICE_FILE),
	.run = retire,
};
