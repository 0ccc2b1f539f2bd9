/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns enrol: the proof, to the server, that the attestation key is in the TPM whose endorsement key it knows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest.h"
#include "core/base/text.h"
#include "sys/crypto/crypto_ek.h"
#include "sys/os/log.h"
#include "sys/os/secret_line.h"
#include "sys/tpm/tpm_ek.h"

#define AUTH_MAX 32u

struct enrolling {
	const struct lk_at_options *opts;
	struct lk_attest_settings settings;
	struct lk_secret auth; /* of the endorsement hierarchy */
	struct lk_tpm *tpm;
	struct lk_tpm_ak ak;
	struct lk_tpm_ek *ek;
	struct lk_buf certificate, chain;
	struct lk_http_server server;
	struct lk_http *http;
	struct lk_enrol_answer answer;
};

static int post(struct enrolling *e, struct lk_bytes activated, struct lk_err *err)
{
	const struct lk_enrol_request request = {
		.ek = lk_tpm_ek_area(e->ek),
		.ak = { e->ak.public, e->ak.public_len },
		.certificate = lk_buf_bytes(&e->certificate),
		.chain = lk_buf_bytes(&e->chain),
		.activated = activated,
	};
	struct lk_http_answer answer = { 0 };
	char *text = malloc(LK_ENROL_TEXT_MAX);
	size_t len = text ? lk_enrol_request_write(&request, text, LK_ENROL_TEXT_MAX) : 0;
	int rc;

	if (!len) {
		free(text);
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	}
	rc = lk_http_post(e->http, LK_ATTEST_PATH_ENROL, (struct lk_bytes){ (uint8_t *)text, len },
			  LK_ATTEST_ANSWER_MAX, &answer, err);
	free(text);
	if (rc == LK_OK && answer.status != 200)
		rc = lk_at_refused(e->settings.server, &answer, NULL, err);
	else if (rc == LK_OK)
		rc = lk_enrol_answer_read(answer.body.data, answer.body.len, &e->answer, err);
	lk_buf_done(&answer.body);
	return rc;
}

/* What an NV index has behind its last certificate isn't sent. */
static void cut_padding(struct lk_buf *buf)
{
	size_t whole = 0, len;

	while (whole < buf->len && (len = lk_ek_certificate_length((struct lk_bytes){
					    buf->data + whole, buf->len - whole })))
		whole += len;
	buf->len = whole;
}

static int prepare(struct enrolling *e, struct lk_err *err)
{
	const struct lk_at_options *o = e->opts;
	LK_TRY(lk_at_settings_load(o, &e->settings, err));
	if (o->endorsement_auth)
		LK_TRY(lk_secret_read_line(o->endorsement_auth, AUTH_MAX, &e->auth, err));
	LK_TRY(lk_tpm_open(o->tcti, LK_AT_WAIT_S, &e->tpm, err));
	LK_TRY(lk_tpm_ak_read(e->tpm, &e->ak, err));
	LK_TRY(lk_tpm_ek_load(e->tpm, &e->auth, &e->ek, err));
	LK_TRY(lk_tpm_ek_certificate(e->ek, &e->certificate, &e->chain, err));
	cut_padding(&e->certificate);
	cut_padding(&e->chain);
	e->server = lk_at_server(&e->settings);
	return lk_http_open(&e->server, &e->http, err);
}

static int enrol(struct enrolling *e, struct lk_err *err)
{
	uint8_t secret[LK_CREDENTIAL_SECRET_SIZE];
	char shown[LK_TEXT_SHOWN_MAX + 4];
	size_t len = 0;

	LK_TRY(prepare(e, err));
	LK_TRY(post(e, (struct lk_bytes){ NULL, 0 }, err));
	if (!e->answer.has_credential)
		return lk_err_set(err, LK_E_INPUT, 0,
				  "%s answers without a credential: is it a latchkey-verifier?",
				  e->settings.server);
	LK_TRY(lk_tpm_ek_activate(e->ek, &e->answer.credential, secret, &len, err));
	LK_TRY(post(e, (struct lk_bytes){ secret, len }, err));
	if (strcmp(e->answer.state, "held") == 0)
		lk_log(LK_LOG_WARNING,
		       "%s has taken the proof, and holds this device until somebody there approves it (latchkey-verifier approve)",
		       e->settings.server);
	else if (strcmp(e->answer.state, "enrolled") == 0)
		lk_log(LK_LOG_INFO,
		       "enrolled: %s has proof that this attestation key is this TPM's",
		       e->settings.server);
	else
		return lk_err_set(err, LK_E_INPUT, 0, "%s answers \"%s\", which isn't known here",
				  e->settings.server, lk_text_show(e->answer.state, shown));
	return LK_OK;
}

int lk_at_enrol(const struct lk_at_options *opts, struct lk_err *err)
{
	struct enrolling *e = calloc(1, sizeof(*e));
	int rc;

	if (!e)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	e->opts = opts;
	e->auth = LK_SECRET_NONE;
	rc = enrol(e, err);
	lk_http_close(e->http);
	lk_tpm_ek_free(e->ek);
	lk_tpm_free(e->tpm);
	lk_buf_done(&e->certificate);
	lk_buf_done(&e->chain);
	lk_secret_done(&e->auth);
	free(e);
	return rc;
}
