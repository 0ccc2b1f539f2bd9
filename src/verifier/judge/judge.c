/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the way of an attestation through the checks of core/attest, in the order that appraisal.h gives. */
#include "verifier/judge/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/attest/refusal.h"
#include "verifier/device/history.h"
#include "sys/crypto/crypto.h"
#include "verifier/device/words.h"
#include "verifier/flavor/flavor.h"

/* One request, with what is found out about it. On the heap, for the appraisal is large. */
struct judged {
	const struct lk_vf_judge *j;
	struct lk_attest_request req;
	uint64_t nonce_ms;
	struct lk_vf_device device;
	struct lk_attest_key key;
	struct lk_quote_terms terms;
	struct lk_attest quote;
	enum lk_boot_change change;
	const struct lk_vf_flavor *flavor;
	struct lk_attest_next next;
	struct lk_pcr_values values;
	struct lk_vf_logs kept;
	struct lk_vf_findings findings;
	struct lk_appraisal_input in;
	struct lk_reference reference;
	struct lk_appraisal appraisal;
	char reasons[LK_VF_REASONS_TEXT];
	bool send_all; /* the answer is 409 */
};

static void judged_freep(struct judged **p)
{
	if (*p) {
		lk_vf_logs_done(&(*p)->kept);
		lk_vf_findings_done(&(*p)->findings);
	}
	free(*p);
}
#define OWNED_JUDGED __attribute__((cleanup(judged_freep))) struct judged *

/* A word that answers have and core/attest doesn't: its code is past the table's end. */
enum { UNKNOWN = LK_REFUSAL_COUNT + 1, RETIRED, HELD };

static int find_device(struct judged *c, struct lk_err *err)
{
	int rc = lk_vf_device_by_key(c->j->store, &c->req.ak, &c->device, err);

	if (rc == LK_E_OBJECT)
		return lk_err_set(
			err, LK_E_POLICY, UNKNOWN, "%s",
			"no device with this attestation key is known here; import its record");
	LK_TRY(rc);
	if (c->device.retired)
		return lk_err_set(err, LK_E_POLICY, RETIRED, "this device was retired");
	if (c->device.held)
		return lk_err_set(
			err, LK_E_POLICY, HELD,
			"this device has enrolled, and waits for somebody's approval (latchkey-verifier approve)");
	rc = lk_attest_key_parse((struct lk_bytes){ c->device.ak, c->device.ak_len },
				 lk_crypto_hash, &c->key, err);
	if (rc == LK_OK && !lk_name_equal(&c->key.name, &c->req.ak))
		return lk_err_set(err, LK_E_IO, 0,
				  "the database: device %s has a Name that isn't its key's",
				  c->device.id);
	return rc;
}

/* Until here nothing of the device was looked at but its key. */
static int check_quote(struct judged *c, struct lk_err *err)
{
	c->terms = (struct lk_quote_terms){ .key = &c->key,
					    .nonce = c->req.nonce,
					    .pcrs = c->j->pcrs,
					    .hash = lk_crypto_hash,
					    .verify = lk_crypto_verify_key };
	LK_TRY(lk_quote_check(&c->terms, &c->req.quote, &c->quote, err));
	LK_TRY(lk_quote_fresh(&c->device.state, &c->quote, c->nonce_ms, &c->change, err));
	c->next = lk_attest_next_of(&c->device.state, &c->quote, c->change);
	return LK_OK;
}

static int64_t attested_at(const struct judged *c)
{
	int64_t now = lk_vf_now();

	return now > c->device.seen ? now : c->device.seen + 1;
}

/* Nothing is new, and nothing else is held right than before. */
static int accept_same(struct judged *c, struct lk_err *err)
{
	struct lk_vf_accepted a = { .before = &c->device,
				    .state = &c->device.state,
				    .booted = c->device.booted,
				    .verdict = c->device.verdict,
				    .reference = &c->device.reference,
				    .quote = c->req.quote };
	struct lk_attest_state state = c->device.state;

	lk_attest_state_accept(&state, &c->quote, c->nonce_ms);
	a.state = &state;
	a.at = attested_at(c);
	return lk_vf_accept(c->j->store, &a, err);
}

static int take_floors(struct judged *c, struct lk_err *err)
{
	for (unsigned int i = 0; i < LK_FLOOR_COUNT; i++) {
		if (!c->req.floor[i].attest.len)
			continue;
		LK_TRY(lk_floor_check(&c->terms, &c->req.floor[i], (enum lk_floor_kind)i,
				      &c->in.floor[i], err));
		c->in.has_floor[i] = true;
	}
	return LK_OK;
}

/* What was sent, and for the rest what is kept of this boot. */
static int gather(struct judged *c, bool same, struct lk_err *err)
{
	bool goes_on = c->change == LK_BOOT_SAME || c->change == LK_BOOT_RESUMED;

	c->reference = lk_vf_flavor_reference(c->flavor);
	for (unsigned int i = 0; i < LK_FLOOR_COUNT; i++)
		c->reference.min_floor[i] = c->device.state.floor[i];
	LK_TRY(lk_vf_findings_get(c->j->store, c->device.number, &c->findings, err));
	if (goes_on)
		LK_TRY(lk_vf_logs_get(c->j->store, c->device.number, c->device.booted, &c->kept,
				      err));
	if (same)
		LK_TRY(lk_vf_logs_get_ima(c->j->store, c->device.number, c->device.booted, &c->kept,
					  err));
	c->in.quote = &c->quote;
	c->in.values = same ? &c->device.state.values : &c->values;
	c->in.change = c->change;
	c->in.nonce_ms = c->nonce_ms;
	c->in.before = &c->device.state;
	c->in.firmware = c->req.firmware.len ? c->req.firmware : lk_buf_bytes(&c->kept.firmware);
	c->in.measured = c->req.measured.len ? c->req.measured : lk_buf_bytes(&c->kept.measured);
	c->in.ima = same ? lk_buf_bytes(&c->kept.ima) : c->req.ima;
	c->in.ima_from = same ? 0 : c->req.ima_from;
	c->in.good = lk_buf_bytes(&c->findings.good);
	c->in.reference = &c->reference;
	c->in.hash = lk_crypto_hash;
	return LK_OK;
}

/* A boot has one log of its firmware, and one of its user space that grows. Whoever sends
 * others with each quote would fill the disk. One that replays replaces one that doesn't. */
static int choose_logs(const struct judged *c, struct lk_vf_boot *boot, struct lk_err *err)
{
	struct lk_bytes had = lk_buf_bytes(&c->kept.firmware),
			grew = lk_buf_bytes(&c->kept.measured);
	bool good = false;

	if (had.len && boot->firmware.len) {
		if (c->appraisal.part[LK_PART_FIRMWARE] == LK_VERDICT_TRUSTED)
			LK_TRY(lk_appraise_is_replayed(&c->in, had, &good, err));
		if (good || c->appraisal.part[LK_PART_FIRMWARE] != LK_VERDICT_TRUSTED)
			boot->firmware.len = 0;
	}
	if (grew.len && (boot->measured.len <= grew.len ||
			 memcmp(boot->measured.data, grew.data, grew.len) != 0))
		boot->measured.len = 0;
	return LK_OK;
}

static int keep(struct judged *c, bool same, struct lk_err *err)
{
	bool new_boot = c->change != LK_BOOT_SAME && c->change != LK_BOOT_RESUMED;
	int64_t at = attested_at(c);
	struct lk_vf_boot boot = {
		.device = c->device.number,
		.since = new_boot ? at : c->device.booted,
		.boot = c->quote.reset_count,
		.is_new = new_boot,
		.firmware = c->req.firmware,
		.measured = c->req.measured,
		.ima = { c->req.ima.data, same ? 0 : c->appraisal.ima_used },
		.ima_goes_on = c->req.ima_from > 0,
	};
	const struct lk_vf_accepted a = {
		.before = &c->device,
		.state = &c->appraisal.state,
		.at = at,
		.booted = boot.since,
		.verdict = (int)c->appraisal.verdict,
		.reference = &c->flavor->digest,
		.quote = c->req.quote,
		.reasons = c->reasons,
		.good = { c->appraisal.good, c->appraisal.good_len },
	};

	lk_vf_reasons_write(&c->appraisal, c->reasons);
	LK_TRY(choose_logs(c, &boot, err));
	LK_TRY(lk_vf_accept(c->j->store, &a, err));
	return lk_vf_boot_put(c->j->store, &boot, err);
}

/* The quote is good; what it says is to be judged. */
static int judge_boot(struct judged *c, struct lk_err *err)
{
	bool same = lk_quote_is_same(&c->quote, &c->device.state, lk_crypto_hash);

	LK_TRY(lk_vf_flavors_get(c->j->flavors, c->j->store, c->device.flavor, &c->flavor, err));
	if (same && !c->req.firmware.len && !c->req.ima.len && !c->req.measured.len &&
	    !c->req.floor[0].attest.len && !c->req.floor[1].attest.len &&
	    lk_digest_equal(&c->flavor->digest, &c->device.reference))
		return accept_same(c, err);
	same = same && !c->req.values.len && !c->req.ima.len;
	if (!same &&
	    (c->req.boot != c->next.boot ||
	     (c->req.ima_from && c->req.ima_from != c->next.ima_from) || !c->req.values.len)) {
		c->send_all = true;
		return LK_OK;
	}
	/* All of it is in memory where it is looked at again. */
	if (c->req.ima_from + c->req.ima.len > LK_IMA_LOG_MAX)
		return lk_err_set(
			err, LK_E_INPUT, LK_REFUSAL_MESSAGE,
			"the kernel's log of this boot is longer than the %u MiB that are kept of one: let IMA measure less, or reboot",
			LK_IMA_LOG_MAX >> 20);
	if (!same)
		LK_TRY(lk_quote_values(&c->quote, c->req.values, lk_crypto_hash, &c->values, err));
	LK_TRY(take_floors(c, err));
	LK_TRY(gather(c, same, err));
	LK_TRY(lk_appraise(&c->in, &c->appraisal, err));
	/* A kernel that another has started begins a log of its own: it is wanted whole. */
	if (!same && c->req.ima_from && !c->appraisal.ima_replayed) {
		c->next.ima_from = 0;
		c->send_all = true;
		return LK_OK;
	}
	LK_TRY(keep(c, same, err));
	c->device.verdict = (int)c->appraisal.verdict;
	c->next.ima_from = c->appraisal.state.ima_bytes;
	return LK_OK;
}

static int judge(struct judged *c, uint8_t *text, size_t len, struct lk_err *err)
{
	LK_TRY(lk_attest_request_read(text, len, &c->req, err));
	LK_TRY(lk_nonce_check(&c->j->nonces, (uint64_t)lk_vf_now(), c->req.nonce, &c->nonce_ms,
			      err));
	LK_TRY(find_device(c, err));
	LK_TRY(check_quote(c, err));
	return judge_boot(c, err);
}

/* The reasons of a verdict that isn't "trusted", as they are kept. */
static int add_kept_reasons(struct judged *c, struct lk_attest_answer *ret, struct lk_err *err)
{
	LK_OWNED_JSON kept = NULL;
	const struct lk_json *list;

	if (!c->findings.reasons.data)
		LK_TRY(lk_vf_findings_get(c->j->store, c->device.number, &c->findings, err));
	LK_TRY(lk_json_parse((const char *)c->findings.reasons.data, c->findings.reasons.len, &kept,
			     err));
	list = lk_json_get(kept, "reasons");
	for (size_t i = 0; i < lk_json_count(list) && ret->n < LK_ANSWER_REASONS_MAX; i++) {
		const struct lk_json *r = lk_json_at(list, i);
		struct lk_answer_reason *to = &ret->reason[ret->n++];
		const char *part = lk_json_get_text(r, "part");
		const char *verdict = lk_json_get_text(r, "verdict");
		const char *text = lk_json_get_text(r, "text");

		(void)snprintf(to->part, sizeof(to->part), "%s", part ? part : "");
		(void)snprintf(to->verdict, sizeof(to->verdict), "%s", verdict ? verdict : "");
		(void)snprintf(to->text, sizeof(to->text), "%s", text ? text : "");
	}
	return LK_OK;
}

static void add_reasons(const struct lk_appraisal *a, struct lk_attest_answer *ret)
{
	for (size_t i = 0; i < a->n && ret->n < LK_ANSWER_REASONS_MAX; i++) {
		struct lk_answer_reason *to = &ret->reason[ret->n++];

		(void)snprintf(to->part, sizeof(to->part), "%s", lk_part_word(a->reason[i].part));
		(void)snprintf(to->verdict, sizeof(to->verdict), "%s",
			       lk_verdict_word(a->reason[i].verdict));
		(void)snprintf(to->text, sizeof(to->text), "%s", a->reason[i].text);
	}
}

static int answer(struct judged *c, unsigned int *ret_status, struct lk_attest_answer *ret,
		  struct lk_err *err)
{
	ret->has_next = true;
	ret->next = c->next;
	*ret_status = c->send_all ? 409 : 200;
	if (c->send_all)
		return LK_OK;
	(void)snprintf(ret->verdict, sizeof(ret->verdict), "%s",
		       lk_vf_verdict_word(c->device.verdict));
	if (c->reasons[0])
		add_reasons(&c->appraisal, ret);
	else if (c->device.verdict != LK_VERDICT_TRUSTED)
		return add_kept_reasons(c, ret, err);
	return LK_OK;
}

static void answer_refusal(int rc, const struct lk_err *why, unsigned int *ret_status,
			   struct lk_attest_answer *ret)
{
	const char *word = why->code == UNKNOWN	  ? LK_VF_REFUSAL_UNKNOWN
			   : why->code == RETIRED ? LK_VF_REFUSAL_RETIRED
			   : why->code == HELD	  ? LK_VF_REFUSAL_HELD
						  : lk_refusal_word(why->code);

	*ret_status = rc == LK_E_INPUT ? 400 : 403;
	(void)snprintf(ret->error, sizeof(ret->error), "%s", word);
	(void)snprintf(ret->text, sizeof(ret->text), "%.500s", why->msg);
}

int lk_vf_judge(const struct lk_vf_judge *j, uint8_t *text, size_t len, unsigned int *ret_status,
		struct lk_attest_answer *ret, struct lk_err *err)
{
	OWNED_JUDGED c = calloc(1, sizeof(*c));
	struct lk_err why = { 0 };
	int rc;

	if (!c)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory for an attestation");
	memset(ret, 0, sizeof(*ret));
	c->j = j;
	rc = judge(c, text, len, &why);
	if (rc == LK_OK)
		return answer(c, ret_status, ret, err);
	if (rc == LK_E_INPUT || rc == LK_E_POLICY) {
		answer_refusal(rc, &why, ret_status, ret);
		return LK_OK;
	}
	return lk_err_set(err, why.rc, why.code, "%s", why.msg);
}
