/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns one volume's way from its device to a volume key that is proven ours. */
#include <stdlib.h>
#include <string.h>

#include "sys/os/log.h"
#include "unseal/unseal.h"
#include "volume/payload.h"
#include "volume/token_json.h"

#define UNSEAL_TRIES 4u

void lk_target_done(struct lk_target *t)
{
	lk_luks_free(t->luks);
	t->luks = NULL;
	lk_token_done(&t->token);
	lk_secret_done(&t->payload);
	lk_secret_done(&t->volume_key);
}

static int read_token(const struct lk_luks *luks, unsigned int n, struct lk_token *ret,
		      struct lk_err *err)
{
	LK_OWNED_BUF json = LK_BUF_NONE;

	LK_TRY(lk_luks_token(luks, n, &json, err));
	if (lk_token_from_json(json.data, json.len, ret, err) == LK_OK)
		return LK_OK;
	lk_err_prefix(err, "the LUKS2 token can't be read");
	return LK_E_INPUT;
}

/* A volume that is sealed for two policy files has a token for each handle;
 * where none names the handle, the first serves. A token is the attacker's to
 * change: what can't be read is as if it were not there, and leads to a refusal
 * or the long way. */
static void choose_token(struct lk_target *t)
{
	int rc = LK_OK;

	t->no_token = true;
	for (unsigned int n = 0; rc != LK_E_HEADER; n++) {
		LK_OWNED_TOKEN token = LK_TOKEN_NONE;
		struct lk_err err = { 0 };
		bool ours;

		rc = read_token(t->luks, n, &token, &err);
		if (rc != LK_OK && (rc != LK_E_HEADER || n == 0))
			t->err = err;
		ours = rc == LK_OK && token.handle == t->vol->handle;
		if (ours || (rc == LK_OK && t->no_token)) {
			lk_token_done(&t->token);
			t->token = token;
			token = LK_TOKEN_NONE;
			t->no_token = false;
		}
		if (ours) {
			t->err = (struct lk_err){ 0 };
			return;
		}
	}
}

int lk_target_find(struct lk_target *t, const struct lk_policy_file *pf, struct lk_err *err)
{
	int rc = lk_fs_wait_device(t->vol->device, pf->timeout_device, t->device, err);

	if (rc == LK_OK)
		rc = lk_luks_open(t->device, t->vol, &t->luks, err);
	if (rc != LK_OK)
		return rc;
	t->token = LK_TOKEN_NONE;
	choose_token(t);
	lk_log(LK_LOG_DEBUG,
	       "%s: %s is %s, its header is accepted; token: %s, with %zu signed policies",
	       t->vol->name, t->vol->device, t->device, t->no_token ? "none" : "read",
	       t->token.n_policies);
	return LK_OK;
}

/* The one that fitted last time, or the only one. Where a PIN is to be asked for
 * the PCRs are looked at first: nobody is to type one in vain. */
static const struct lk_signed_policy *likely(const struct lk_target *t,
					     const struct lk_candidates *c)
{
	if (t->vol->pin)
		return NULL;
	for (size_t i = 0; i < c->n; i++)
		if (t->token.hints.ticket_len &&
		    lk_digest_equal(&c->list[i]->digest, &t->token.hints.policy))
			return c->list[i];
	return c->n == 1 ? c->list[0] : NULL;
}

static void say_considered(const struct lk_target *t, const struct lk_signed_policy *sp,
			   uint32_t differing)
{
	char text[LK_PCR_MASK_TEXT];

	lk_pcr_mask_format(differing, text);
	lk_log(LK_LOG_DEBUG, "%s: signed policy version %u (\"%s\"): %s%s", t->vol->name,
	       sp->version, sp->label,
	       differing	  ? "other values in PCRs "
	       : sp == t->refused ? "the values fit, but the TPM has refused it"
				  : "the values fit",
	       differing ? text : "");
}

/* Which of several? The TPM's own values say, for one command. */
static const struct lk_signed_policy *choose(struct lk_target *t, struct lk_tpm *tpm,
					     const struct lk_policy_file *pf,
					     const struct lk_candidates *c, struct lk_err *err)
{
	const struct lk_signed_policy *best = NULL;

	if (lk_tpm_pcr_read(tpm, &pf->pcrs, &t->seen, err) != LK_OK)
		return NULL;
	for (size_t i = 0; i < c->n; i++) {
		uint32_t differing = lk_pcr_differing(&c->list[i]->pcrs, &t->seen, pf->pcrs.mask);

		say_considered(t, c->list[i], differing);
		if (c->list[i] != t->refused && !differing &&
		    (!best || c->list[i]->version > best->version))
			best = c->list[i];
	}
	if (!best && c->n == 1)
		(void)lk_err_set(
			err, LK_E_POLICY, 0,
			"the measured boot isn't the one that signed policy version %u (\"%s\") is for",
			c->list[0]->version, c->list[0]->label);
	else if (!best)
		(void)lk_err_set(
			err, LK_E_POLICY, 0,
			"the measured boot is none of the %zu that signed policies are for", c->n);
	return best;
}

static int no_candidate(const struct lk_target *t, const struct lk_signed_files *files,
			const struct lk_candidates *c, struct lk_err *err)
{
	/* By the time that this is said the latch is closed: see lk_exit_of. */
	if (files->bad.rc != LK_OK) {
		*err = files->bad;
		err->rc = err->rc == LK_E_SYSTEM ? LK_E_SYSTEM : LK_E_POLICY;
		return err->rc;
	}
	if (c->n_refused && c->last_refused.rc == LK_E_SYSTEM) {
		*err = c->last_refused;
		return err->rc;
	}
	if (c->n_refused)
		return lk_err_set(
			err, LK_E_POLICY, 0,
			"no signed policy that belongs to the policy file (%zu passed over; the last: %.300s)",
			c->n_refused, c->last_refused.msg);
	if (t->token.handle && t->token.handle != t->vol->handle)
		return lk_err_set(
			err, LK_E_POLICY, 0,
			"no signed policy: the volume is sealed at 0x%08x, and the policy file says 0x%08x",
			t->token.handle, t->vol->handle);
	return lk_err_set(err, LK_E_POLICY, 0, "no signed policy%s%.300s",
			  t->err.msg[0] ? ": " : " in its LUKS2 token", t->err.msg);
}

static void fill_request(const struct lk_target *t, const struct lk_policy_file *pf,
			 const struct lk_signed_policy *sp, struct lk_unseal_request *req)
{
	const struct lk_hints *hints = &t->token.hints;

	*req = (struct lk_unseal_request){
		.root = { .handle = pf->root_handle, .pinned = t->root_name },
		.sealed = { .handle = t->vol->handle },
		.key = &pf->key,
		.policy = sp,
		.pcrs = pf->pcrs,
		.policy_ref = { pf->policy_ref, pf->policy_ref_len },
		.version_floor = pf->version_floor,
		.keep_session = t->latched,
	};
	if (lk_digest_equal(&hints->policy, &sp->digest))
		req->ticket = (struct lk_bytes){ hints->ticket, hints->ticket_len };
	/* A false Name would look like a wrong PIN, and count as one. */
	if (t->vol->pin)
		return;
	memcpy(req->root.serialized, hints->root_key, hints->root_key_len);
	req->root.serialized_len = hints->root_key_len;
	memcpy(req->sealed.serialized, hints->sealed, hints->sealed_len);
	req->sealed.serialized_len = hints->sealed_len;
}

/* Only "PCRs moved" is tried again. */
static int unseal_bounded(struct lk_target *t, struct lk_tpm *tpm, struct lk_unseal_request *req,
			  struct lk_err *err)
{
	struct lk_hints learned;
	int rc = LK_E_AGAIN;

	for (unsigned int i = 0; i < UNSEAL_TRIES && rc == LK_E_AGAIN; i++) {
		rc = lk_tpm_unseal(tpm, req, &t->payload, &learned, err);
		lk_log(LK_LOG_DEBUG, "%s: unsealing 0x%08x: %s", t->vol->name, req->sealed.handle,
		       rc == LK_OK ? "done" : err->msg);
		/* If it was false, it is refused once. */
		req->ticket.len = 0;
	}
	if (rc == LK_OK)
		t->used = req->policy;
	if (rc == LK_OK)
		t->learned = lk_hints_update(&t->token.hints, &learned);
	return rc;
}

/* A reseal that was interrupted may have left the object at its spare handle alone. */
static int unseal_spare(struct lk_target *t, struct lk_tpm *tpm, struct lk_unseal_request *req)
{
	uint32_t spare = lk_token_spare_handle(t->vol->handle);
	struct lk_err err = { 0 };
	int rc = lk_tpm_forget(tpm, &err);

	req->sealed = (struct lk_tpm_object){ .handle = spare };
	if (rc == LK_OK)
		rc = unseal_bounded(t, tpm, req, &err);
	if (rc != LK_OK)
		return rc;
	/* What is remembered is of the volume's own handle. */
	t->learned = false;
	lk_log(LK_LOG_WARNING,
	       "%s: unsealed by the object at 0x%08x, which an interrupted \"latchkey-provision reseal\" has left: run it again",
	       t->vol->name, spare);
	return LK_OK;
}

/* With the PIN that was typed: nobody is asked for a second one because the first
 * object isn't the one expected. */
static int unseal_with_pin(struct lk_target *t, struct lk_tpm *tpm, struct lk_unseal_request *req,
			   struct lk_err *err)
{
	int rc = unseal_bounded(t, tpm, req, err);
	int spare = rc == LK_E_OBJECT ? unseal_spare(t, tpm, req) : rc;

	if (spare == LK_E_PIN)
		return lk_err_set(err, LK_E_PIN, 0, "wrong PIN");
	return spare == LK_OK ? LK_OK : rc;
}

static int unseal_under(struct lk_target *t, struct lk_tpm *tpm, const struct lk_policy_file *pf,
			const struct lk_signed_policy *sp, struct lk_err *err)
{
	struct lk_unseal_request req;
	int rc;

	fill_request(t, pf, sp, &req);
	lk_log(LK_LOG_DEBUG, "%s: trying signed policy version %u (\"%s\"), %s, %s", t->vol->name,
	       sp->version, sp->label,
	       req.ticket.len ? "with the ticket of an earlier verification" : "without a ticket",
	       req.sealed.serialized_len ? "with remembered handles" : "reading the public areas");
	if (t->vol->pin)
		return lk_pin_unseal(&(struct lk_pin_try){ t, tpm, unseal_with_pin }, &req, err);
	rc = unseal_bounded(t, tpm, &req, err);
	/* The remembered handles may be stale or false: then the TPM is asked
	 * for the public areas, once. */
	if ((rc == LK_E_OBJECT || rc == LK_E_SYSTEM) &&
	    (req.root.serialized_len || req.sealed.serialized_len)) {
		req.root.serialized_len = 0;
		req.sealed.serialized_len = 0;
		rc = lk_tpm_forget(tpm, err);
		if (rc == LK_OK)
			rc = unseal_bounded(t, tpm, &req, err);
	}
	return rc == LK_E_OBJECT && unseal_spare(t, tpm, &req) == LK_OK ? LK_OK : rc;
}

static int unseal_by_one_of(struct lk_target *t, struct lk_tpm *tpm,
			    const struct lk_policy_file *pf, const struct lk_candidates *c,
			    struct lk_err *err)
{
	const struct lk_signed_policy *sp = likely(t, c);
	int rc;

	t->refused = NULL;
	if (sp) {
		rc = unseal_under(t, tpm, pf, sp, err);
		if (rc != LK_E_POLICY || c->n == 1)
			return rc;
		t->refused = sp;
	}
	sp = choose(t, tpm, pf, c, err);
	return sp ? unseal_under(t, tpm, pf, sp, err) : err->rc;
}

/* The policy file of another volume, or of before: the TPM isn't to blame. */
static int name_handles(const struct lk_target *t, int rc, struct lk_err *err)
{
	if ((rc == LK_E_OBJECT || rc == LK_E_VOLUME || rc == LK_E_POLICY) && t->token.handle &&
	    t->token.handle != t->vol->handle)
		lk_err_prefix(
			err,
			"the policy file says handle 0x%08x, and by its token the volume is sealed at 0x%08x",
			t->vol->handle, t->token.handle);
	return rc;
}

int lk_target_unseal(struct lk_target *t, struct lk_tpm *tpm, const struct lk_policy_file *pf,
		     const struct lk_signed_files *files, struct lk_err *err)
{
	struct lk_candidates c = { 0 };
	int rc = lk_target_root_key(t, pf, err);

	if (rc == LK_OK)
		rc = lk_candidates_from(pf, files, &t->token, &c, err);
	if (rc != LK_OK)
		return rc;
	rc = c.n ? unseal_by_one_of(t, tpm, pf, &c, err) : no_candidate(t, files, &c, err);
	free(c.list);
	t->refused = NULL;
	if (rc != LK_OK)
		return c.n ? name_handles(t, rc, err) : rc;
	rc = lk_payload_check(&t->payload, t->vol->handle, err);
	if (rc != LK_OK)
		lk_secret_done(&t->payload);
	return rc;
}

int lk_target_unlock(struct lk_target *t, struct lk_err *err)
{
	LK_OWNED_SECRET payload = lk_secret_take(&t->payload);
	LK_OWNED_SECRET key = LK_SECRET_NONE;
	struct lk_bytes passphrase = lk_payload_passphrase(&payload);
	int rc = lk_luks_volume_key(t->luks, t->token.keyslot, passphrase, &key, err);

	/* An interrupted reseal may have a new object beside a token of the old keyslot. */
	if (rc == LK_E_VOLUME && t->token.keyslot >= 0)
		rc = lk_luks_volume_key(t->luks, -1, passphrase, &key, err);
	if (rc == LK_OK)
		rc = lk_payload_check_identity(&payload, &key, err);
	if (rc == LK_OK)
		t->volume_key = lk_secret_take(&key);
	return name_handles(t, rc, err);
}
