/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the words of will-it-boot, and its document. */
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/predict/log_plan_text.h"
#include "core/base/text.h"
#include "sys/os/log.h"
#include "willboot/will_it_boot.h"

#define AGGREGATED 0x3ffu

/* Names on a disk and in variables may hold anything. The line end is the
 * format's. */
__attribute__((format(printf, 1, 2))) static void say_text(const char *fmt, ...)
{
	char line[4 * PATH_MAX];
	size_t left;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	left = strlen(line);
	if (left && line[left - 1] == '\n')
		line[--left] = '\0';
	lk_print_shown(stdout, line);
	putchar('\n');
}

/* PCRs that a person should hear of: those of the policies, and what PCR 10
 * follows from. */
static uint32_t shown_pcrs(const struct lk_policy_file *pf)
{
	uint32_t mask = pf->pcrs.mask;

	return mask & 1u << LK_PCR_IMA ? mask | AGGREGATED : mask;
}

static void say_line(struct lk_say *say, struct lk_json *array, unsigned int pcr, const char *what)
{
	struct lk_json *obj = lk_json_add_object(array);

	lk_json_set_uint(obj, "pcr", pcr);
	lk_json_set_text(obj, "what", what);
	if (say->text)
		say_text("  PCR %u (%s): %s\n", pcr, lk_pcr_meaning(pcr), what);
}

void lk_say_boot(struct lk_say *say, struct lk_json *array, const struct lk_next_boot *boot)
{
	struct lk_json *obj = lk_json_add_object(array);
	struct lk_json *changes = lk_json_set_array(obj, "changes");
	struct lk_plan_words words;
	unsigned int n = 0;

	lk_json_set_text(obj, "image", boot->name);
	if (say->text)
		say_text("next boot: %s\n", boot->name);
	for (size_t i = 0; i < boot->plan.n; i++) {
		if (!(shown_pcrs(say->pf) & 1u << boot->plan.changes[i].pcr) ||
		    !lk_plan_change_text(&boot->plan, i, say->pf->pcrs.bank, &words))
			continue;
		say_line(say, changes, words.pcr, words.text.text);
		n++;
	}
	if (say->text && !n && boot->unknown.rc == LK_OK)
		say_text("  nothing changes\n");
	if (boot->unknown.rc == LK_OK)
		return;
	lk_json_set_text(obj, "unknown", boot->unknown.msg);
	if (say->text)
		say_text("  %s\n", boot->unknown.msg);
}

/* As shown as long as it may be; the label is the disk's. */
static void name_policy(const struct lk_deployed *d, char *out, size_t cap)
{
	char label[LK_TEXT_SHOWN_MAX + 4];

	(void)snprintf(out, cap, "signed policy \"%s\" (version %" PRIu32 ")",
		       lk_text_show(d->policy->label, label), d->policy->version);
}

static void word_no(const struct lk_volume_verdict *v, struct lk_boot_verdict *b)
{
	const struct lk_coverage *c = &b->coverage;
	char name[256] = "";
	char pcrs[LK_PCR_MASK_TEXT] = "";

	if (c->policy)
		name_policy(c->policy, name, sizeof(name));
	lk_pcr_mask_format(c->differing, pcrs);
	if (!v->n_deployed)
		(void)snprintf(b->reason, sizeof(b->reason),
			       "it has no signed policy that verifies");
	else if (c->policy && !c->differing)
		(void)snprintf(
			b->reason, sizeof(b->reason),
			"%s has these PCR values, and is under the TPM's version floor %" PRIu64
			": the TPM refuses it",
			name, v->floor.value);
	else
		(void)snprintf(
			b->reason, sizeof(b->reason),
			"none of its %zu signed policies has these PCR values; nearest is %s, whose PCR%s %s will be another",
			v->n_deployed, name, c->differing & (c->differing - 1) ? "s" : "", pcrs);
}

/* "can't know: can't be predicted: ..." says it twice. */
static void say_once(const char *msg, char *out, size_t cap)
{
	static const char again[] = "can't be predicted: ";
	const char *at = strstr(msg, again);

	if (at)
		(void)snprintf(out, cap, "%.*s%s", (int)(at - msg), msg, at + strlen(again));
	else
		(void)snprintf(out, cap, "%s", msg);
}

static void word_unknown(struct lk_boot_verdict *b)
{
	const struct lk_err *why =
		b->boot->unknown.rc != LK_OK ? &b->boot->unknown : &b->coverage.why;

	say_once(why->msg, b->reason, sizeof(b->reason));
}

void lk_boot_verdict_word(const struct lk_volume_verdict *v, struct lk_boot_verdict *b)
{
	const struct lk_coverage *c = &b->coverage;

	if (b->answer == LK_ANSWER_YES) {
		char name[256];

		name_policy(c->policy, name, sizeof(name));
		(void)snprintf(b->reason, sizeof(b->reason), "%s covers this boot%s", name,
			       v->vol->pin ? "; the PIN is needed too" : "");
		return;
	}
	if (b->boot->forbidden.rc != LK_OK)
		(void)snprintf(b->reason, sizeof(b->reason), "%s", b->boot->forbidden.msg);
	else if (b->answer == LK_ANSWER_UNKNOWN)
		word_unknown(b);
	else
		word_no(v, b);
	if (b->answer == LK_ANSWER_NO)
		lk_boot_remedy(v, b);
}

static const char *shown(enum lk_answer answer)
{
	return answer == LK_ANSWER_UNKNOWN ? "can't know" : lk_answer_name(answer);
}

/* What isn't a change of the plan itself. */
static void say_followed(struct lk_say *say, struct lk_json *pcrs, const struct lk_coverage *c)
{
	struct lk_text_out text;

	if (!c->follows)
		return;
	lk_plan_follows_text(c->changed & AGGREGATED, &text);
	say_line(say, pcrs, LK_PCR_IMA, text.text);
}

static void say_values(struct lk_json *obj, const struct lk_pcr_values *values)
{
	struct lk_json *bank;

	if (!values->sel.mask)
		return;
	bank = lk_json_set_object(lk_json_set_object(obj, "predicted"),
				  lk_alg_name(values->sel.bank));
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		char number[4];

		(void)snprintf(number, sizeof(number), "%u", i);
		if (values->sel.mask & 1u << i)
			lk_json_set_hex(bank, number, values->value[i],
					lk_alg_size(values->sel.bank));
	}
}

static void say_policy(struct lk_json *obj, const struct lk_deployed *d)
{
	struct lk_json *policy;

	if (!d)
		return;
	policy = lk_json_set_object(obj, "policy");
	lk_json_set_uint(policy, "version", d->policy->version);
	lk_json_set_text(policy, "label", d->policy->label);
	lk_json_set_hex(policy, "digest", d->policy->digest.data, d->policy->digest.len);
	lk_json_set_bool(policy, "under-floor", d->under_floor);
}

static void say_verdict(struct lk_say *say, struct lk_json *array,
			const struct lk_volume_verdict *v, const struct lk_boot_verdict *b)
{
	struct lk_json *obj = lk_json_add_object(array);
	struct lk_json *pcrs;

	lk_json_set_text(obj, "image", b->boot->name);
	lk_json_set_text(obj, "answer", lk_answer_name(b->answer));
	lk_json_set_text(obj, "reason", b->reason);
	say_policy(obj, b->coverage.policy);
	if (lk_coverage_is_certain(&b->coverage))
		say_values(obj, &b->coverage.then);
	if (say->text && v->n > 1)
		say_text("volume %s, %s: %s: %s\n", v->vol->name, b->boot->name, shown(b->answer),
			 b->reason);
	else if (say->text)
		say_text("volume %s: %s: %s\n", v->vol->name, shown(b->answer), b->reason);
	pcrs = lk_json_set_array(obj, "follows");
	say_followed(say, pcrs, &b->coverage);
	if (!b->remedy[0])
		return;
	lk_json_set_text(obj, "remedy", b->remedy);
	if (say->text)
		say_text("  to do: %s\n", b->remedy);
}

void lk_say_volume(struct lk_say *say, struct lk_json *array, const struct lk_volume_verdict *v)
{
	struct lk_json *obj = lk_json_add_object(array);
	struct lk_json *boots;

	lk_json_set_text(obj, "name", v->vol->name);
	lk_json_set_text(obj, "answer", lk_answer_name(v->answer));
	lk_json_set_bool(obj, "pin", v->vol->pin);
	lk_json_set_uint(obj, "policies", v->n_deployed);
	lk_json_set_uint(obj, "policies-refused", v->n_false);
	if (say->text && v->n_false)
		say_text(
			"volume %s: %zu signed polic%s not by the policy file's key, or of another policy file: passed over\n",
			v->vol->name, v->n_false, v->n_false == 1 ? "y is" : "ies are");
	if (v->why.rc != LK_OK) {
		lk_json_set_text(obj, "reason", v->why.msg);
		if (say->text)
			say_text("volume %s: %s: %s\n", v->vol->name, shown(v->answer), v->why.msg);
		return;
	}
	boots = lk_json_set_array(obj, "boots");
	for (size_t i = 0; i < v->n; i++)
		say_verdict(say, boots, v, &v->boots[i]);
}

void lk_say_answer(struct lk_say *say, enum lk_answer answer, const struct lk_err *why)
{
	char reason[LK_ERR_MSG_MAX] = "";

	if (why)
		say_once(why->msg, reason, sizeof(reason));
	lk_json_set_text(say->json, "answer", lk_answer_name(answer));
	if (why)
		lk_json_set_text(say->json, "reason", reason);
	if (!say->text)
		return;
	say_text("will it boot: %s%s%s\n", shown(answer), why ? ": " : "", reason);
}
