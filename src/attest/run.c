/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns run: one attestation to the server, with what it lacks. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attest.h"
#include "core/attest/appraisal.h"
#include "core/base/text.h"
#include "sys/os/log.h"

/* A server that lost its state, or another that hasn't got it yet, asks for more once. */
#define ROUNDS 3u

struct run {
	const struct lk_at_options *opts;
	struct lk_attest_settings settings;
	struct lk_tpm *tpm;
	struct lk_http_server server;
	struct lk_http *http;
	struct lk_tpm_ak ak;
	struct lk_at_state *state;
	bool everything; /* the server has said that it lacks something */
	/* Of the round under way. */
	struct lk_challenge challenge;
	struct lk_at_quote quote;
	struct lk_at_logs logs;
	struct lk_tpm_attested floor[LK_FLOOR_COUNT];
	bool sends_logs;
	uint64_t measured; /* bytes of user space's log that there are */
	uint64_t firmware; /* and of the firmware's that are sent */
};

/* A refusal that is the verifier's own is remembered: the verdict of before is none any more. */
static int refused(struct run *r, const struct lk_http_answer *answer, struct lk_err *err)
{
	struct lk_at_state *s = r->state;
	struct lk_err why = { 0 };
	int rc;

	s->answer.error[0] = '\0';
	rc = lk_at_refused(r->settings.server, answer, &s->answer, err);
	if (!s->answer.error[0])
		return rc;
	s->any = true;
	s->when = (uint64_t)time(NULL);
	snprintf(s->server, sizeof(s->server), "%s", r->settings.server);
	if (lk_at_state_save(r->opts->state, s, &why) != LK_OK)
		lk_log(LK_LOG_WARNING, "%s", why.msg);
	return rc;
}

static int ask_for_challenge(struct run *r, struct lk_err *err)
{
	static const char empty[] = "{}";
	struct lk_http_answer answer = { 0 };
	int rc;

	LK_TRY(lk_http_post(r->http, LK_ATTEST_PATH_CHALLENGE,
			    (struct lk_bytes){ (const uint8_t *)empty, 2 }, LK_ATTEST_ANSWER_MAX,
			    &answer, err));
	if (answer.status == 200)
		rc = lk_challenge_read((struct lk_bytes){ answer.body.data, answer.body.len },
				       &r->challenge, err);
	else
		rc = refused(r, &answer, err);
	lk_buf_done(&answer.body);
	return rc;
}

static bool is_same_boot(const struct run *r)
{
	return r->state->any && r->state->next.boot == r->quote.parsed.reset_count &&
	       strcmp(r->state->server, r->settings.server) == 0;
}

static bool is_nothing_new(const struct run *r)
{
	return is_same_boot(r) && !r->everything && !r->logs.firmware.len &&
	       lk_bytes_same((struct lk_bytes){ r->state->digest.data, r->state->digest.len },
			     r->quote.parsed.quote.digest);
}

/* A device may have been installed without them; the server says whether it wants them. */
static void certify_floors(struct run *r, struct lk_attest_request *request)
{
	static const uint32_t index[LK_FLOOR_COUNT] = { LK_NV_VERSION_FLOOR, LK_NV_SEQUENCE_FLOOR };
	struct lk_bytes nonce = { r->challenge.nonce, LK_NONCE_SIZE };

	for (size_t i = 0; i < LK_FLOOR_COUNT; i++) {
		struct lk_tpm_attested *f = &r->floor[i];
		struct lk_err why = { 0 };

		if (lk_tpm_certify_counter(r->tpm, nonce, index[i], f, &why) != LK_OK) {
			lk_log(LK_LOG_WARNING, "0x%08x isn't proven: %s", index[i], why.msg);
			continue;
		}
		request->floor[i] = (struct lk_signed_attest){ { f->attest, f->attest_len },
							       { f->signature, f->signature_len } };
	}
}

/* The quote came first: what is in the logs beyond it is for the next time. */
static int add_logs(struct run *r, struct lk_attest_request *request, struct lk_err *err)
{
	const struct lk_at_options *o = r->opts;
	bool whole = r->everything || !is_same_boot(r);

	request->values = (struct lk_bytes){ r->quote.values, r->quote.values_len };
	if (r->settings.ima)
		LK_TRY(lk_at_log_read(o->ima_log, request->ima_from, LK_ATTEST_IMA_MAX,
				      &r->logs.ima, err));
	LK_TRY(lk_at_log_read(o->measured_log, 0, LK_ATTEST_MEASURED_MAX, &r->logs.measured, err));
	r->measured = r->logs.measured.len;
	request->firmware = lk_buf_bytes(&r->logs.firmware);
	request->ima = lk_buf_bytes(&r->logs.ima);
	if (whole || r->measured != r->state->measured)
		request->measured = lk_buf_bytes(&r->logs.measured);
	if (whole)
		certify_floors(r, request);
	return LK_OK;
}

static int make_request(struct run *r, struct lk_attest_request *request, struct lk_err *err)
{
	struct lk_tpm_attested *quoted = &r->quote.attested;

	*request = (struct lk_attest_request){
		.ak = r->ak.key.name,
		.quote = { { quoted->attest, quoted->attest_len },
			   { quoted->signature, quoted->signature_len } },
		.nonce = { r->challenge.nonce, LK_NONCE_SIZE },
		.boot = r->quote.parsed.reset_count,
	};
	if (is_same_boot(r))
		request->ima_from = r->state->next.ima_from;
	lk_at_logs_done(&r->logs);
	/* Also where it wasn't there when this boot was first attested. */
	if (r->everything || !is_same_boot(r) || !r->state->firmware)
		LK_TRY(lk_at_log_read(r->opts->firmware_log, 0, LK_ATTEST_FIRMWARE_MAX,
				      &r->logs.firmware, err));
	r->sends_logs = !is_nothing_new(r);
	r->firmware = r->logs.firmware.len;
	return r->sends_logs ? add_logs(r, request, err) : LK_OK;
}

static int send_request(struct run *r, struct lk_http_answer *answer, struct lk_err *err)
{
	struct lk_attest_request request;
	size_t size, len;
	char *text;
	int rc;

	LK_TRY(make_request(r, &request, err));
	size = lk_attest_request_size(&request);
	text = malloc(size);
	if (!text)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	len = lk_attest_request_write(&request, text, size);
	/* What is in the message needn't be in memory twice. */
	lk_at_logs_done(&r->logs);
	rc = lk_http_post(r->http, LK_ATTEST_PATH_ATTEST, (struct lk_bytes){ (uint8_t *)text, len },
			  LK_ATTEST_ANSWER_MAX, answer, err);
	free(text);
	return rc;
}

/* LK_E_AGAIN: another round is wanted. */
static int take_answer(struct run *r, const struct lk_http_answer *answer, struct lk_err *err)
{
	struct lk_at_state *s = r->state;
	struct lk_bytes text = { answer->body.data, answer->body.len };
	struct lk_bytes digest = r->quote.parsed.quote.digest;
	bool new_boot;

	if (answer->status != 200 && answer->status != 409)
		return refused(r, answer, err);
	new_boot = !is_same_boot(r);
	LK_TRY(lk_attest_answer_read(text, &s->answer, err));
	if (!s->answer.has_next || digest.len > sizeof(s->digest.data))
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"%s answers without saying where to go on: is it a latchkey-verifier?",
			r->settings.server);
	s->any = true;
	s->next = s->answer.next;
	snprintf(s->server, sizeof(s->server), "%s", r->settings.server);
	if (answer->status == 409) {
		r->everything = true;
		return LK_E_AGAIN;
	}
	s->when = (uint64_t)time(NULL);
	s->digest.len = (uint16_t)digest.len;
	memcpy(s->digest.data, digest.data, digest.len);
	if (r->sends_logs)
		s->measured = r->measured;
	if (new_boot || r->firmware)
		s->firmware = r->firmware;
	return lk_at_state_save(r->opts->state, s, err);
}

static int attest_once(struct run *r, struct lk_err *err)
{
	struct lk_http_answer answer = { 0 };
	int rc;

	LK_TRY(ask_for_challenge(r, err));
	LK_TRY(lk_at_quote_take(r->tpm, &r->challenge,
				(struct lk_bytes){ r->challenge.nonce, LK_NONCE_SIZE }, &r->quote,
				err));
	LK_TRY(send_request(r, &answer, err));
	rc = take_answer(r, &answer, err);
	lk_buf_done(&answer.body);
	return rc;
}

int lk_at_judge(const struct lk_attest_answer *answer, struct lk_err *err)
{
	char shown[LK_TEXT_SHOWN_MAX + 4], word[LK_TEXT_SHOWN_MAX + 4];
	const char *why = "";

	if (answer->error[0])
		return lk_err_set(err, LK_E_REFUSED, 0, "the verifier refused this device (%s): %s",
				  lk_text_show(answer->error, word),
				  lk_text_show(answer->text, shown));
	if (strcmp(answer->verdict, lk_verdict_word(LK_VERDICT_TRUSTED)) == 0)
		return LK_OK;
	for (size_t i = 0; i < answer->n && !*why; i++)
		if (strcmp(answer->reason[i].verdict, answer->verdict) == 0)
			why = answer->reason[i].text;
	if (strcmp(answer->verdict, lk_verdict_word(LK_VERDICT_UNTRUSTED)) == 0)
		return lk_err_set(
			err, LK_E_POLICY, 0,
			"the verifier doesn't trust this boot: %s (latchkey-attest status has all reasons)",
			lk_text_show(why, shown));
	return lk_err_set(
		err, LK_E_UNKNOWN, 0,
		"the verifier doesn't know this boot: %s (latchkey-attest status has all reasons)",
		lk_text_show(why, shown));
}

static int attest(struct run *r, struct lk_err *err)
{
	int rc = LK_E_AGAIN;

	for (unsigned int i = 0; i < ROUNDS && rc == LK_E_AGAIN; i++)
		rc = attest_once(r, err);
	if (rc == LK_E_AGAIN)
		return lk_err_set(err, LK_E_IO, 0,
				  "%s asks for everything again and again: it keeps nothing",
				  r->settings.server);
	LK_TRY(rc);
	LK_TRY(lk_at_judge(&r->state->answer, err));
	lk_log(LK_LOG_INFO, "boot %" PRIu32 " is trusted by %s", r->state->next.boot,
	       r->settings.server);
	return LK_OK;
}

static int prepare(struct run *r, struct lk_err *err)
{
	LK_TRY(lk_at_settings_load(r->opts, &r->settings, err));
	LK_TRY(lk_at_state_load(r->opts->state, r->state, err));
	r->server = lk_at_server(&r->settings);
	LK_TRY(lk_tpm_open(r->opts->tcti, LK_AT_WAIT_S, &r->tpm, err));
	LK_TRY(lk_tpm_ak_read(r->tpm, &r->ak, err));
	return lk_http_open(&r->server, &r->http, err);
}

int lk_at_run(const struct lk_at_options *opts, struct lk_err *err)
{
	struct run *r = calloc(1, sizeof(*r));
	int rc = LK_E_SYSTEM;

	if (r)
		r->state = malloc(sizeof(*r->state));
	if (!r || !r->state) {
		free(r);
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	}
	r->opts = opts;
	rc = prepare(r, err);
	if (rc == LK_OK)
		rc = attest(r, err);
	lk_at_logs_done(&r->logs);
	lk_http_close(r->http);
	lk_tpm_free(r->tpm);
	free(r->state);
	free(r);
	return rc;
}
