/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what a person is told when a volume stays closed. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/policy/pcr_text.h"
#include "sys/os/fs.h"
#include "sys/os/log.h"
#include "unseal/diagnose.h"

static const char *remedy(int rc)
{
	switch (rc) {
	case LK_E_POLICY:
		return "if this boot is as it should be, sign its PCR values (latchkey policy sign) and add the signed policy (latchkey-provision policy add); the recovery key opens the volume meanwhile";
	case LK_E_NO_TPM:
		return "see whether the TPM is enabled in the firmware, its driver is in the initramfs, and no other program holds or fills it; the recovery key opens the volume";
	case LK_E_OBJECT:
		return "open the volume with the recovery key; if the TPM was cleared or exchanged, run latchkey-provision install; then seal again (latchkey-provision reseal)";
	case LK_E_NO_DEVICE:
		return "see whether the disk is there, its driver is in the initramfs, and the policy file names it rightly";
	case LK_E_HEADER:
		return "the disk isn't as the policy file says: damaged, exchanged, or the policy file is of another device";
	case LK_E_VOLUME:
		return "the disk may have been exchanged; the recovery key opens the one that was formatted here";
	case LK_E_PIN:
		return "the recovery key opens the volume; latchkey-provision reseal gives it another PIN";
	default:
		return NULL;
	}
}

/* Without a token there is nothing that a signed policy could be added to. */
static const char *remedy_for(const struct lk_diagnosis *d, const struct lk_target *t)
{
	if (t->rc == LK_E_POLICY && t->no_token && !d->files->token.n_policies)
		return "open the volume with the recovery key, and see latchkey-provision status: reseal makes the token anew, or format finishes what was cut short; then add signed policies (latchkey-provision policy add)";
	if ((t->rc == LK_E_OBJECT || t->rc == LK_E_VOLUME ||
	     (t->rc == LK_E_POLICY && !t->token.n_policies && !d->files->token.n_policies)) &&
	    t->token.handle && t->token.handle != t->vol->handle)
		return "see whether the policy file names the right handle; if it does, latchkey-provision reseal seals the volume at it with the recovery key";
	if (t->rc == LK_E_OBJECT && !t->root_name.len && (d->pf->root_signed || t->vol->pin))
		return "the recovery key opens the volume until its root key is signed; latchkey-provision reseal isn't needed for that";
	return remedy(t->rc);
}

static void say_value(const char *name, unsigned int pcr, const struct lk_pcr_values *now,
		      const struct lk_signed_policy *sp)
{
	char have[2 * LK_DIGEST_MAX + 1];
	char want[2 * LK_DIGEST_MAX + 1];
	size_t size = lk_alg_size(now->sel.bank);

	lk_hex_encode(now->value[pcr], size, have);
	if (!sp) {
		lk_log(LK_LOG_ERR, "%s: PCR %u (%s) is %s", name, pcr, lk_pcr_meaning(pcr), have);
		return;
	}
	lk_hex_encode(sp->pcrs.value[pcr], size, want);
	lk_log(LK_LOG_ERR, "%s: PCR %u (%s) is %s, signed as %s", name, pcr, lk_pcr_meaning(pcr),
	       have, want);
}

static void say_pcrs(const char *name, uint32_t mask, const struct lk_pcr_values *now,
		     const struct lk_signed_policy *sp)
{
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (mask & 1u << i)
			say_value(name, i, now, sp);
}

static uint32_t latch_bit(const struct lk_policy_file *pf)
{
	return pf->latch == LK_NO_PCR ? 0 : 1u << pf->latch;
}

static bool is_latched(const struct lk_policy_file *pf, const struct lk_pcr_values *seen)
{
	static const struct lk_pcr_values zero;

	return seen->sel.mask & latch_bit(pf) &&
	       memcmp(seen->value[pf->latch], zero.value[0], lk_alg_size(seen->sel.bank)) != 0;
}

/* At most a few policies in full: a console shows some 25 lines. */
#define POLICIES_SHOWN 4u

/** What is said of a volume's signed policies. */
struct saying {
	struct lk_diagnosis *d;
	struct lk_target *t;
	bool events; /* can be looked for */
	size_t n;    /* policies in all */
};

static void say_policy(const struct saying *s, const struct lk_policy_diffs *diffs)
{
	const struct lk_signed_policy *sp = diffs->policy;
	const char *name = s->t->vol->name;

	if (s->n > 1 && diffs->differing)
		lk_log(LK_LOG_ERR, "%s: signed policy \"%s\" (version %u):", name, sp->label,
		       sp->version);
	say_pcrs(name, diffs->differing, &s->t->seen, sp);
	for (size_t i = 0; i < diffs->n; i++)
		lk_diagnose_say(s->d, name, &diffs->diff[i]);
	for (size_t i = 0; i < diffs->n_below; i++)
		lk_diagnose_say(s->d, name, &diffs->below[i]);
}

static void say_candidates(struct saying *s, const struct lk_candidates *c)
{
	const struct lk_policy_file *pf = s->d->pf;

	for (size_t i = 0; i < c->n; i++) {
		struct lk_policy_diffs diffs = { .policy = c->list[i] };

		diffs.differing = lk_pcr_differing(&c->list[i]->pcrs, &s->t->seen, pf->pcrs.mask);
		if (s->events)
			lk_diagnose_policy(s->d, &diffs);
		if (i < POLICIES_SHOWN)
			say_policy(s, &diffs);
		lk_diagnose_file_policy(s->d, s->t, &diffs);
	}
	if (c->n > POLICIES_SHOWN)
		lk_log(LK_LOG_ERR, "%s: and %zu signed policies more", s->t->vol->name,
		       c->n - POLICIES_SHOWN);
}

/* A value that isn't signed, and isn't the latch's. */
static bool any_differs(const struct saying *s, const struct lk_candidates *c)
{
	uint32_t mask = s->d->pf->pcrs.mask & ~latch_bit(s->d->pf);

	for (size_t i = 0; i < c->n; i++)
		if (lk_pcr_differing(&c->list[i]->pcrs, &s->t->seen, mask))
			return true;
	return false;
}

/* Return: why no events could be looked at, in @err, or LK_OK. */
static int say_policies(struct lk_diagnosis *d, struct lk_target *t, struct lk_err *err)
{
	struct saying s = { .d = d, .t = t };
	struct lk_candidates c = { 0 };
	int rc = LK_OK;

	if (t->seen.sel.mask != d->pf->pcrs.mask ||
	    lk_candidates_from(d->pf, d->files, &t->token, &c, err) != LK_OK)
		return LK_OK;
	s.n = c.n;
	if (c.n == 0)
		say_pcrs(t->vol->name, d->pf->pcrs.mask & ~latch_bit(d->pf), &t->seen, NULL);
	if (any_differs(&s, &c)) {
		rc = lk_diagnose_look(d, t, err);
		s.events = rc == LK_OK;
	}
	say_candidates(&s, &c);
	if (rc != LK_OK)
		lk_log(LK_LOG_ERR, "%s: no event can be named: %s", t->vol->name, err->msg);
	free(c.list);
	return rc;
}

/* The values at the moment that counts: what is measured later, the modules
 * that the running system loads among it, is not part of them. */
static void keep_values(const struct lk_pcr_values *seen)
{
	char json[LK_PCR_JSON_MAX];
	size_t len = lk_pcr_values_write_json(seen, json, sizeof(json));

	if (len && lk_fs_make_parent(LK_SEEN_FILE, NULL) == LK_OK &&
	    lk_fs_replace(LK_SEEN_FILE, json, len, 0644, NULL) == LK_OK)
		lk_log(LK_LOG_ERR,
		       "these values are in " LK_SEEN_FILE " as latchkey policy sign takes them");
}

static void say_lockout(const struct lk_target *t, struct lk_tpm *tpm)
{
	struct lk_tpm_lockout lockout;
	time_t until = time(NULL);
	char when[32] = "";
	struct tm tm;

	if (lk_tpm_lockout_read(tpm, &lockout, NULL) != LK_OK)
		return;
	if (lockout.interval_s == 0) {
		lk_log(LK_LOG_ERR,
		       "%s: the lockout doesn't end by itself; the lockout authorization ends it: " LK_TPM_LOCKOUT_ENDS,
		       t->vol->name);
		return;
	}
	until += lockout.interval_s;
	if (gmtime_r(&until, &tm))
		(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
	lk_log(LK_LOG_ERR,
	       "%s: the TPM allows another try in at most %u s of being powered (%s), or at once after: " LK_TPM_LOCKOUT_ENDS,
	       t->vol->name, lockout.interval_s, when);
}

static void say_all(struct lk_diagnosis *d, struct lk_target *t)
{
	struct lk_err no_events = { 0 };
	int rc = LK_OK;

	lk_diagnose_file_begin(d, t);
	if (t->rc == LK_E_POLICY || t->rc == LK_E_AGAIN)
		rc = say_policies(d, t, &no_events);
	lk_diagnose_file_end(d, rc == LK_OK ? NULL : no_events.msg);
}

void lk_diagnose(struct lk_diagnosis *d, struct lk_target *t)
{
	lk_log(LK_LOG_ERR, "%s: not opened: %s", t->vol->name, t->err.msg);
	d->n_said = 0;
	say_all(d, t);
	if (t->rc == LK_E_POLICY && is_latched(d->pf, &t->seen)) {
		lk_log(LK_LOG_ERR,
		       "%s: the latch is closed in this boot: nothing is unsealed again before the next, and there is nothing to sign",
		       t->vol->name);
		return;
	}
	if (!d->options->dry_run && t->seen.sel.mask)
		keep_values(&t->seen);
	if (d->tpm && t->rc == LK_E_LOCKED)
		say_lockout(t, d->tpm);
	/* Without values there is nothing to sign: the bank isn't active. */
	if (t->rc == LK_E_POLICY && !t->seen.sel.mask)
		return;
	if (remedy_for(d, t))
		lk_log(LK_LOG_ERR, "%s: %s", t->vol->name, remedy_for(d, t));
}

void lk_diagnosis_done(struct lk_diagnosis *d)
{
	lk_boot_logs_done(&d->logs);
	free(d->in);
	free(d->json.data);
	*d = (struct lk_diagnosis){ .looked = false };
}
