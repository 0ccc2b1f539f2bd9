/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns asking for a PIN before a volume is unsealed, and saying what a wrong one costs. */
#include <stdio.h>

#include "core/policy/pin.h"
#include "sys/ask/ask.h"
#include "sys/os/log.h"
#include "unseal/unseal.h"

#define TRIES 3u

#define NOTE_SIZE 64u

/* For the log, and for the next question: agents show nothing else. */
static void say_wrong(const struct lk_pin_try *with, char note[static NOTE_SIZE])
{
	const char *name = with->target->vol->name;
	struct lk_tpm_lockout lockout;

	(void)snprintf(note, NOTE_SIZE, "Wrong PIN. ");
	if (lk_tpm_lockout_read(with->tpm, &lockout, NULL) != LK_OK ||
	    lockout.counter >= lockout.max_tries) {
		lk_log(LK_LOG_WARNING, "%s: wrong PIN", name);
		return;
	}
	(void)snprintf(note, NOTE_SIZE, "Wrong PIN (the TPM takes %u more). ",
		       lockout.max_tries - lockout.counter);
	lk_log(LK_LOG_WARNING, "%s: wrong PIN; the TPM takes %u more before it locks itself", name,
	       lockout.max_tries - lockout.counter);
}

static int try_pin(const struct lk_pin_try *with, struct lk_secret *pin,
		   struct lk_unseal_request *req, struct lk_err *err)
{
	const struct lk_bytes ticket = req->ticket;
	int rc;

	req->pin = (struct lk_bytes){ pin->data, pin->len };
	rc = with->unseal(with->target, with->tpm, req, err);
	req->pin.len = 0;
	/* That it came to the PIN says that the ticket was good. */
	if (rc == LK_E_PIN)
		req->ticket = ticket;
	return rc;
}

/* An empty answer is the PIN of the volume before. */
static int ask(const struct lk_target *t, const char *note, struct lk_secret *ret,
	       struct lk_err *err)
{
	LK_OWNED_SECRET pin = LK_SECRET_NONE;
	char question[256];
	int rc;

	(void)snprintf(question, sizeof(question), "%sPIN for volume %s%s", note, t->vol->name,
		       t->last_pin->len ? " (empty: the same as before):" : ":");
	lk_timing_step(t->timing, t->vol->name, "ready to ask for its PIN");
	rc = lk_ask(question, t->vol->name, t->ask_seconds, &pin, err);
	lk_timing_typed(t->timing, t->vol->name, "PIN typed");
	if (rc != LK_OK) {
		lk_err_prefix(err, "its PIN");
		err->rc = LK_E_PIN;
		return LK_E_PIN;
	}
	if (pin.len || !t->last_pin->len) {
		*ret = lk_secret_take(&pin);
		return LK_OK;
	}
	return lk_secret_from(ret, t->last_pin->data, t->last_pin->len, err);
}

/* No PIN is taken in lockout, not even the right one. */
static int check_lockout(const struct lk_pin_try *with, struct lk_err *err)
{
	struct lk_tpm_lockout lockout;

	LK_TRY(lk_tpm_lockout_read(with->tpm, &lockout, err));
	if (lockout.counter < lockout.max_tries)
		return LK_OK;
	return lk_err_set(err, LK_E_LOCKED, 0,
			  "the TPM is in dictionary-attack lockout and takes no PIN");
}

/* The one of --pin-file, once: the TPM counts wrong ones. */
static int try_given(const struct lk_pin_try *with, struct lk_unseal_request *req,
		     struct lk_err *err)
{
	LK_OWNED_SECRET pin = LK_SECRET_NONE;
	const struct lk_secret *given = with->target->given_pin;
	char note[NOTE_SIZE];
	int rc;

	LK_TRY(check_lockout(with, err));
	LK_TRY(lk_secret_from(&pin, given->data, given->len, err));
	rc = try_pin(with, &pin, req, err);
	if (rc == LK_E_PIN)
		say_wrong(with, note);
	return rc;
}

int lk_pin_unseal(const struct lk_pin_try *with, struct lk_unseal_request *req, struct lk_err *err)
{
	struct lk_target *t = with->target;
	char note[NOTE_SIZE] = "";
	int rc = LK_E_PIN;

	if (t->given_pin)
		return try_given(with, req, err);
	for (unsigned int i = 0; i < TRIES && rc == LK_E_PIN; i++) {
		LK_OWNED_SECRET pin = LK_SECRET_NONE;

		LK_TRY(check_lockout(with, err));
		/* Nobody is to type one in vain. */
		LK_TRY(lk_tpm_object_check(with->tpm, &req->root, err));
		LK_TRY(ask(t, note, &pin, err));
		/* What can't be one isn't worth a try of the TPM's. */
		if (lk_pin_check((struct lk_bytes){ pin.data, pin.len }, err) != LK_OK) {
			(void)snprintf(note, sizeof(note), "A PIN has %u to %u characters. ",
				       LK_PIN_MIN, LK_PIN_MAX);
			continue;
		}
		rc = try_pin(with, &pin, req, err);
		if (rc == LK_E_PIN)
			say_wrong(with, note);
		if (rc != LK_OK)
			continue;
		lk_secret_done(t->last_pin);
		*t->last_pin = lk_secret_take(&pin);
	}
	return rc == LK_E_PIN ? lk_err_set(err, LK_E_PIN, 0, "no right PIN in %u tries", TRIES)
			      : rc;
}
