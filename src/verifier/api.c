/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the messages between devices and the verifier: one transaction for all that have come at once. */
#include <stdlib.h>
#include <string.h>

#include "server.h"
#include "sys/crypto/crypto.h"
#include "sys/os/log.h"
#include "verifier.h"

#define COMPLAIN_EVERY_MS 10000

void lk_vf_complain(struct lk_vf_server *s, const struct lk_err *err)
{
	int64_t now = lk_vf_now();

	if (now - s->last_complaint < COMPLAIN_EVERY_MS)
		return;
	s->last_complaint = now;
	lk_log(LK_LOG_ERR, "%s", err->msg);
}

static void answer_json(struct lk_httpd_x *x, unsigned int status, const char *text, size_t len)
{
	lk_httpd_answer(x, &(struct lk_httpd_answer){
				   .status = status,
				   .type = LK_ATTEST_CONTENT_TYPE,
				   .headers = status == 503 ? "Retry-After: 30\r\n" : NULL,
				   .body = { (const uint8_t *)text, len },
			   });
}

static void answer_error(struct lk_httpd_x *x, unsigned int status, const char *word,
			 const char *text)
{
	struct lk_attest_answer *a = calloc(1, sizeof(*a));
	char json[2048];
	size_t len = 0;

	if (a) {
		memcpy(a->error, word, strnlen(word, sizeof(a->error) - 1));
		memcpy(a->text, text, strnlen(text, sizeof(a->text) - 1));
		len = lk_attest_answer_write(a, json, sizeof(json));
	}
	free(a);
	answer_json(x, status, json, len);
}

static void answer_unavailable(struct lk_vf_server *s, struct lk_httpd_x *x)
{
	s->unavailable++;
	answer_error(
		x, 503, "unavailable",
		"the verifier's database can't be used now; nothing was kept, come back later");
}

static void challenge(struct lk_vf_server *s, struct lk_httpd_x *x)
{
	const struct lk_nonce_maker maker = { { s->nonce_key, sizeof(s->nonce_key) },
					      lk_crypto_hmac };
	struct lk_challenge c = { .pcrs = s->settings.pcrs };
	uint8_t chance[LK_NONCE_RANDOM_SIZE];
	char text[LK_CHALLENGE_TEXT];
	struct lk_err err = { 0 };

	if (lk_challenge_request_read(lk_httpd_body(x), &err) != LK_OK) {
		answer_error(x, 400, "bad-message", err.msg);
		return;
	}
	if (!lk_crypto_random(chance, sizeof(chance)) ||
	    lk_nonce_make(&maker, (uint64_t)lk_vf_now(), chance, c.nonce, &err) != LK_OK) {
		answer_unavailable(s, x);
		return;
	}
	answer_json(x, 200, text, lk_challenge_write(&c, text));
}

/* Whatever else is in it: the next transaction may do better. */
static void fail_batch(struct lk_vf_server *s, struct lk_httpd_x *x, const struct lk_err *err)
{
	s->failed = true;
	lk_vf_complain(s, err);
	answer_unavailable(s, x);
}

static void keep_waiting(struct lk_vf_server *s, struct lk_httpd_x *x, unsigned int status,
			 const struct lk_attest_answer *a)
{
	struct lk_vf_waiting *w = &s->waiting[s->n_waiting];

	*w = (struct lk_vf_waiting){ .x = x, .status = status };
	w->text = malloc(LK_ATTEST_ANSWER_MAX);
	w->len = w->text ? lk_attest_answer_write(a, w->text, LK_ATTEST_ANSWER_MAX) : 0;
	s->n_waiting++;
	if (s->n_waiting == LK_VF_BATCH_MAX)
		lk_vf_api_settle(s);
}

/* Nothing was written for it, so nothing is waited for. */
static void answer_refused(struct lk_vf_server *s, struct lk_httpd_x *x, unsigned int status,
			   const struct lk_attest_answer *a)
{
	char json[4096];

	s->refused += status != 409;
	answer_json(x, status, json, lk_attest_answer_write(a, json, sizeof(json)));
}

static void attest(struct lk_vf_server *s, struct lk_httpd_x *x)
{
	const struct lk_vf_judge judge = {
		.store = s->store,
		.flavors = s->flavors,
		.nonces = { { s->nonce_key, sizeof(s->nonce_key) }, lk_crypto_hmac },
		.pcrs = s->settings.pcrs,
	};
	struct lk_attest_answer *a = calloc(1, sizeof(*a));
	struct lk_err err = { 0 };
	unsigned int status = 503;
	size_t len;
	uint8_t *body = lk_httpd_body_own(x, &len);
	int rc = LK_OK;

	if (!s->begun && !s->failed) {
		rc = lk_store_begin(s->store, &err);
		s->begun = rc == LK_OK;
	}
	if (!a || !s->begun || s->failed) {
		if (rc != LK_OK)
			lk_vf_complain(s, &err);
		answer_unavailable(s, x);
	} else {
		rc = lk_vf_judge(&judge, body, len, &status, a, &err);
		if (rc != LK_OK)
			fail_batch(s, x, &err);
		else if (status == 200)
			keep_waiting(s, x, status, a);
		else
			answer_refused(s, x, status, a);
	}
	free(a);
}

void lk_vf_api_settle(struct lk_vf_server *s)
{
	struct lk_err err = { 0 };
	bool kept = false;

	if (s->begun && !s->failed && s->n_waiting) {
		kept = lk_store_commit(s->store, &err) == LK_OK;
		if (!kept)
			lk_vf_complain(s, &err);
		s->batches++;
	}
	if (s->begun && !kept)
		lk_store_rollback(s->store);
	for (size_t i = 0; i < s->n_waiting; i++) {
		struct lk_vf_waiting *w = &s->waiting[i];

		if (kept && w->len) {
			s->accepted++;
			answer_json(w->x, w->status, w->text, w->len);
		} else {
			answer_unavailable(s, w->x);
		}
		free(w->text);
	}
	s->n_waiting = 0;
	s->begun = s->failed = false;
}

void lk_vf_api(void *ctx, struct lk_httpd_x *x)
{
	const struct lk_httpd_head *head = lk_httpd_head(x);
	bool is_challenge = strcmp(head->path, LK_ATTEST_PATH_CHALLENGE) == 0;

	if (!is_challenge && strcmp(head->path, LK_ATTEST_PATH_ATTEST) != 0)
		answer_error(x, 404, "not-found", "there is nothing at this address");
	else if (head->method != LK_HTTPD_POST)
		answer_error(x, 405, "wrong-method", "this address takes POST");
	else if (strcmp(head->type, LK_ATTEST_CONTENT_TYPE) != 0)
		answer_error(x, 415, "wrong-media-type",
			     "the Content-Type has to be " LK_ATTEST_CONTENT_TYPE);
	else if (is_challenge)
		challenge(ctx, x);
	else
		attest(ctx, x);
}
