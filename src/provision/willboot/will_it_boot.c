/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns will-it-boot: whether the volumes will open by themselves in the next boot, before it is too late. */
#include "willboot/will_it_boot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/policy/pcr_text.h"
#include "core/policy/unextended.h"
#include "install/setup.h"
#include "root_key.h"
#include "signed_root_key.h"
#include "sys/crypto/crypto.h"
#include "sys/format/document.h"
#include "sys/os/log.h"
#include "sys/luks/luks.h"
#include "unextended.h"

struct asking {
	const struct lk_options *opts;
	struct lk_policy_file pf;
	struct lk_policy_set files;
	struct lk_next next;
	struct lk_tpm *tpm;
	struct lk_err no_tpm; /* rc LK_OK: it is there */
	struct lk_say say;
	struct lk_pcr_values then; /* a mask of 0: none that is certain */
	uint32_t unextended;	   /* PCRs, by --unextended */
	unsigned int n_judged;	   /* boots, one after the other for each volume */
};
#define OWNED_ASKING __attribute__((cleanup(asking_done))) struct asking

static void asking_done(struct asking *a)
{
	lk_policy_set_done(&a->files);
	lk_next_done(&a->next);
	lk_tpm_free(a->tpm);
	lk_json_free(a->say.json);
}

/* A volume's signed policies, and which of them opened it in this boot. */
struct deployed {
	struct lk_token token;
	struct lk_deployed list[LK_DEPLOYED_MAX];
	size_t n;
	size_t n_false;
	size_t n_left_out; /* there was no room for them */
	uint32_t highest;  /* version */
	struct lk_booted booted;
	bool opened;
};
#define OWNED_DEPLOYED __attribute__((cleanup(deployed_done))) struct deployed

static void deployed_done(struct deployed *d)
{
	lk_token_done(&d->token);
}

static void take_deployed(const struct asking *a, const struct lk_floor *floor,
			  const struct lk_signed_policy *sp, struct deployed *d)
{
	if (lk_signed_policy_verify(sp, &a->pf, NULL) != LK_OK) {
		d->n_false++;
		return;
	}
	if (sp->version > d->highest)
		d->highest = sp->version;
	if (d->n < LK_DEPLOYED_MAX)
		d->list[d->n++] =
			(struct lk_deployed){ sp, floor->known && sp->version < floor->value };
	else
		d->n_left_out++;
}

static int read_booted(const struct asking *a, const struct lk_volume *vol, struct deployed *d,
		       struct lk_err *err)
{
	const char *dir = a->opts->value[LK_OPT_BOOTED];
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s.json", dir ? dir : LK_BOOTED_DIR, vol->name);
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return LK_OK;
	LK_TRY(lk_fs_check_regular(path, err));
	LK_TRY(lk_document_booted(path, &d->booted, err));
	d->opened = true;
	return LK_OK;
}

/* As an unlock looks at the header, and at what it has. */
static int read_header(const struct asking *a, const struct lk_volume *vol, struct deployed *d,
		       struct lk_err *err)
{
	LK_OWNED_VOLUME_HEADER h = NULL;
	LK_OWNED_LUKS luks = NULL;
	struct lk_target target;

	LK_TRY(lk_target_resolve(&a->pf, vol->name, a->opts->value[LK_OPT_DEVICE], &target, err));
	LK_TRY(lk_luks_open(target.device, vol, &luks, err));
	LK_TRY(lk_volume_header_open(target.device, &h, err));
	return lk_token_load(h, vol->handle, &d->token, err);
}

static int read_deployed(const struct asking *a, const struct lk_volume *vol,
			 struct lk_floor *floor, struct deployed *d, struct lk_err *err)
{
	const char *words = "";

	if (a->no_tpm.rc != LK_OK) {
		*err = a->no_tpm;
		return err->rc;
	}
	LK_TRY(lk_volume_check_sealed(a->tpm, &a->pf, vol, err));
	LK_TRY(lk_floor_load(a->tpm, &a->pf, floor, err));
	LK_TRY(read_header(a, vol, d, err));
	LK_TRY(lk_volume_root_key(a->tpm, &a->pf, vol, &d->token, &words, err));
	if (strncmp(words, "not pinned", strlen("not pinned")) == 0)
		lk_log(LK_LOG_WARNING, "volume %s: its root key is %s", vol->name, words);
	for (size_t i = 0; i < a->files.n; i++)
		take_deployed(a, floor, &a->files.policies[i], d);
	for (size_t i = 0; i < d->token.n_policies; i++)
		take_deployed(a, floor, &d->token.policies[i], d);
	if (d->n_left_out)
		return lk_err_set(
			err, LK_E_UNKNOWN, 0,
			"there are more than %u signed policies, and not all were looked at: retire some (policy retire), or take them out of --policies",
			LK_DEPLOYED_MAX);
	return read_booted(a, vol, d, err);
}

static struct lk_coverage_input
coverage_input(const struct asking *a, const struct lk_next_boot *boot, const struct deployed *d)
{
	struct lk_coverage_input in = {
		.predict = {
			.logs = lk_boot_logs_bytes(&a->next.logs),
			.plan = &boot->plan,
			.values = { &a->next.logs.values.bank[0],
				    &a->next.logs.values.bank[1] },
			.ima_unchanged = lk_option_given(a->opts,
							 LK_OPT_IMA_UNCHANGED),
			.hash = lk_crypto_hash,
			.sha1 = lk_crypto_sha1,
		},
		.pcrs = a->pf.pcrs,
		.deployed = d->list,
		.n = d->n,
		.booted = d->opened ? &d->booted.policy : NULL,
	};

	if (a->next.firmware.data)
		in.predict.new_firmware =
			(struct lk_bytes){ a->next.firmware.data, a->next.firmware.len };
	if (a->pf.latch != LK_NO_PCR)
		in.pcrs.mask &= ~(1u << a->pf.latch);
	return in;
}

static void judge_volume(const struct asking *a, const struct deployed *d,
			 struct lk_boot_verdict *b)
{
	struct lk_coverage_input in = coverage_input(a, b->boot, d);
	struct lk_err err = { 0 };

	b->answer = LK_ANSWER_UNKNOWN;
	if (b->boot->forbidden.rc != LK_OK) {
		b->answer = LK_ANSWER_NO;
		return;
	}
	if (b->boot->unknown.rc != LK_OK)
		return;
	if (lk_boot_logs_name(&a->next.logs, lk_coverage_find(&in, &b->coverage, &err), &err) ==
	    LK_OK)
		b->answer = b->coverage.answer;
	else
		b->coverage.why = err;
	/* It would open; but so would it in any boot. */
	if (b->answer == LK_ANSWER_YES &&
	    lk_signed_policy_check_extended(b->coverage.policy->policy, &a->pf, a->unextended,
					    &b->coverage.why) != LK_OK)
		b->answer = LK_ANSWER_UNKNOWN;
}

/* What can't be so is no; what can't be seen is not known. */
static enum lk_answer answer_of(const struct lk_err *why)
{
	return why->rc == LK_E_OBJECT || why->rc == LK_E_HEADER ? LK_ANSWER_NO : LK_ANSWER_UNKNOWN;
}

/* What all volumes that were asked about have in common. */
static void keep_values(struct asking *a, const struct lk_coverage *c)
{
	struct lk_pcr_values then = { .sel = { .mask = 0 } };

	if (lk_coverage_is_certain(c))
		then = c->then;
	if (!a->n_judged++)
		a->then = then;
	else if (then.sel.mask != a->then.sel.mask ||
		 lk_pcr_differing(&then, &a->then, then.sel.mask))
		a->then.sel.mask = 0;
}

static int ask_volume(struct asking *a, const struct lk_volume *vol, struct lk_json *array,
		      enum lk_answer *all, struct lk_err *err)
{
	struct lk_boot_verdict *boots = calloc(a->next.n, sizeof(*boots));
	struct lk_volume_verdict v = {
		.vol = vol, .opts = a->opts, .boots = boots, .n = a->next.n
	};
	OWNED_DEPLOYED d = { .token = LK_TOKEN_NONE };

	if (!boots)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	/* Without a boot that was looked at there is no yes. */
	if (!v.n)
		v.answer = LK_ANSWER_UNKNOWN;
	if (read_deployed(a, vol, &v.floor, &d, &v.why) != LK_OK)
		v.answer = answer_of(&v.why);
	v.n_deployed = d.n;
	v.n_false = d.n_false;
	v.highest = d.highest;
	for (size_t i = 0; v.why.rc == LK_OK && i < v.n; i++) {
		boots[i].boot = &a->next.boots[i];
		judge_volume(a, &d, &boots[i]);
		lk_boot_verdict_word(&v, &boots[i]);
		v.answer = lk_answer_both(v.answer, boots[i].answer);
		keep_values(a, &boots[i].coverage);
	}
	lk_say_volume(&a->say, array, &v);
	*all = lk_answer_both(*all, v.answer);
	free(boots);
	return LK_OK;
}

static int ask_volumes(struct asking *a, enum lk_answer *all, struct lk_err *err)
{
	const char *only = a->opts->value[LK_OPT_VOLUME];
	struct lk_json *boots = lk_json_set_array(a->say.json, "boots");
	struct lk_json *volumes = lk_json_set_array(a->say.json, "volumes");

	for (size_t i = 0; i < a->next.n; i++)
		lk_say_boot(&a->say, boots, &a->next.boots[i]);
	for (size_t i = 0; i < a->pf.n_volumes; i++)
		if (!only || !strcmp(only, a->pf.volumes[i].name))
			LK_TRY(ask_volume(a, &a->pf.volumes[i], volumes, all, err));
	return LK_OK;
}

static struct lk_next_names names_of(const struct lk_options *opts)
{
	return (struct lk_next_names){
		.logs = { opts->value[LK_OPT_LOG], opts->value[LK_OPT_IMA_LOG],
			  opts->value[LK_OPT_PCRS] },
		.efivars = opts->value[LK_OPT_EFIVARS],
		.esp = opts->value[LK_OPT_ESP],
		.uki = opts->value[LK_OPT_UKI],
		.kernel = opts->value[LK_OPT_KERNEL],
		.initrd = opts->value[LK_OPT_INITRD],
		.cmdline = opts->value[LK_OPT_CMDLINE],
		.firmware_log = opts->value[LK_OPT_FIRMWARE_LOG],
	};
}

/* Of this boot's values: those of the one to come are as long as there is no other kernel. */
static int check_unextended(struct asking *a, struct lk_err *err)
{
	uint32_t latch = a->pf.latch == LK_NO_PCR ? 0 : 1u << a->pf.latch;

	for (unsigned int i = 0; i < LK_PLAN_BANKS; i++) {
		const struct lk_pcr_values *now = &a->next.logs.values.bank[i];

		if (now->sel.bank == a->pf.pcrs.bank)
			return lk_unextended_consent(now, a->pf.pcrs.mask & ~latch, a->unextended,
						     err);
	}
	return LK_OK;
}

/* What stands in the way of any answer is one: that it can't be known. */
static int ask(struct asking *a, enum lk_answer *ret, struct lk_err *err)
{
	const struct lk_next_names names = names_of(a->opts);
	int rc = lk_next_find(&names, &a->next, err);

	*ret = LK_ANSWER_YES;
	if (rc == LK_OK && a->unextended)
		rc = check_unextended(a, err);
	if (rc == LK_E_USAGE || rc == LK_E_SYSTEM)
		return rc;
	if (rc == LK_OK)
		rc = ask_volumes(a, ret, err);
	else
		*ret = rc == LK_E_POLICY ? LK_ANSWER_NO : LK_ANSWER_UNKNOWN;
	if (rc == LK_E_SYSTEM)
		return rc;
	lk_say_answer(&a->say, *ret, rc == LK_OK ? NULL : err);
	return LK_OK;
}

static void load_policies(struct asking *a)
{
	struct lk_err first = { 0 };
	struct lk_failures failures = { LK_OK, &first };
	const char *dir = a->opts->value[LK_OPT_POLICIES];

	if (dir)
		lk_policy_set_load(dir, &a->pf, UINT32_MAX, &a->files, &failures);
	if (failures.rc != LK_OK)
		lk_log(LK_LOG_WARNING, "%s; passed over", first.msg);
}

static int write_predicted(const struct asking *a, struct lk_err *err)
{
	const char *path = a->opts->value[LK_OPT_PREDICTED];
	char json[LK_PCR_JSON_MAX];
	size_t len;

	if (!path)
		return LK_OK;
	if (a->next.n != 1 || !a->then.sel.mask)
		return lk_err_set(
			err, LK_E_UNKNOWN, 0,
			"%s: not written (a file of that name is of an earlier run): the values of the next boot aren't certain (of one volume and one image with --volume and --uki, and where IMA has measured files with --ima-unchanged, they may be)",
			path);
	len = lk_pcr_values_write_json(&a->then, json, sizeof(json));
	return lk_fs_replace(path, json, len, 0644, err);
}

static int finish(struct asking *a, enum lk_answer answer, struct lk_err *err)
{
	LK_OWNED_BUF text = LK_BUF_NONE;

	if (!a->say.text) {
		LK_TRY(lk_json_write(a->say.json, &text, err));
		fwrite(text.data, 1, text.len, stdout);
	}
	LK_TRY(write_predicted(a, err));
	if (answer == LK_ANSWER_NO)
		return lk_err_set(err, LK_E_POLICY, 0,
				  "the next boot won't open every volume by itself");
	if (answer == LK_ANSWER_UNKNOWN)
		return lk_err_set(
			err, LK_E_UNKNOWN, 0,
			"whether the next boot opens every volume by itself can't be known");
	return LK_OK;
}

/* Advice alone comes of what an unknown TPM says. */
static int pin(struct asking *a, struct lk_err *err)
{
	bool known = false;

	LK_TRY(lk_tpm_pin_ours(a->tpm, a->opts, &a->pf, &known, err));
	if (!known)
		lk_log(LK_LOG_WARNING,
		       "what the TPM says isn't proven: nothing here says whose it has to be; see latchkey-device(5)");
	return LK_OK;
}

static int run_will_it_boot(const struct lk_options *opts, struct lk_err *err)
{
	OWNED_ASKING a = { .opts = opts };
	enum lk_answer answer;

	LK_TRY(lk_policy_file_load(opts->value[LK_OPT_POLICY], &a.pf, err));
	LK_TRY(lk_check_policy_ref(opts, &a.pf, err));
	LK_TRY(lk_check_volume_options(opts, &a.pf, err));
	LK_TRY(lk_unextended_option(opts, &a.unextended, err));
	a.say = (struct lk_say){ .json = lk_json_object(),
				 .text = !lk_option_given(opts, LK_OPT_JSON),
				 .pf = &a.pf };
	if (!a.say.json)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	lk_json_set_uint(a.say.json, "latchkey-will-it-boot", 1);
	load_policies(&a);
	if (lk_tpm_open(opts->value[LK_OPT_TPM], 0, &a.tpm, &a.no_tpm) == LK_OK)
		LK_TRY(pin(&a, err));
	LK_TRY(ask(&a, &answer, err));
	return finish(&a, answer, err);
}

const struct lk_command lk_cmd_will_it_boot = {
	.cli.words = "will-it-boot",
	.cli.summary = "say whether the next boot will open the volumes",
	.cli.operands = "",
	.options = LK_OPT_BIT(TPM) | LK_OPT_BIT(DEVICE_FILE) | LK_OPT_BIT(POLICY) |
		   LK_OPT_BIT(VOLUME) | LK_OPT_BIT(DEVICE) | LK_OPT_BIT(POLICIES) |
		   LK_OPT_BIT(BOOTED) | LK_OPT_BIT(LOG) | LK_OPT_BIT(IMA_LOG) | LK_OPT_BIT(PCRS) |
		   LK_OPT_BIT(EFIVARS) | LK_OPT_BIT(ESP) | LK_OPT_BIT(UKI) | LK_OPT_BIT(KERNEL) |
		   LK_OPT_BIT(INITRD) | LK_OPT_BIT(CMDLINE) | LK_OPT_BIT(FIRMWARE_LOG) |
		   LK_OPT_BIT(PREDICTED) | LK_OPT_BIT(IMA_UNCHANGED) |
		   LK_OPT_BIT(SHARED_POLICY_REF) | LK_OPT_BIT(UNEXTENDED) | LK_OPT_BIT(JSON),
	.run = run_will_it_boot,
};
