/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the messages between devices and the verifier: one transaction for all that have come at once. */
#include <stdlib.h>
#include <string.h>

#include "verifier/serve/server.h"
#include "sys/crypto/crypto.h"
#include "sys/os/log.h"
#include "verifier/device/words.h"

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

/* @text: malloc; NULL where there was no memory for it, which is answered as if nothing was kept. */
static void keep_waiting(struct lk_vf_server *s, struct lk_httpd_x *x, char *text, size_t len)
{
	s->waiting[s->n_waiting++] = (struct lk_vf_waiting){
		.x = x, .status = 200, .text = text, .len = text ? len : 0
	};
	if (s->n_waiting == LK_VF_BATCH_MAX)
		lk_vf_api_settle(s);
}

static void keep_answer(struct lk_vf_server *s, struct lk_httpd_x *x,
			const struct lk_attest_answer *a)
{
	char *text = malloc(LK_ATTEST_ANSWER_MAX);
	size_t len = text ? lk_attest_answer_write(a, text, LK_ATTEST_ANSWER_MAX) : 0;

	keep_waiting(s, x, text, len);
}

/* Nothing was written for it, so nothing is waited for. */
static void answer_refused(struct lk_vf_server *s, struct lk_httpd_x *x, unsigned int status,
			   const struct lk_attest_answer *a)
{
	char json[4096];

	s->refused += status != 409;
	answer_json(x, status, json, lk_attest_answer_write(a, json, sizeof(json)));
}

/* The transaction of all that have come at once. */
static bool begin(struct lk_vf_server *s)
{
	struct lk_err err = { 0 };

	if (s->begun || s->failed)
		return s->begun && !s->failed;
	s->begun = lk_store_begin(s->store, &err) == LK_OK;
	if (!s->begun)
		lk_vf_complain(s, &err);
	return s->begun;
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

	if (!a || !begin(s)) {
		answer_unavailable(s, x);
	} else {
		if (lk_vf_judge(&judge, body, len, &status, a, &err) != LK_OK)
			fail_batch(s, x, &err);
		else if (status == 200)
			keep_answer(s, x, a);
		else
			answer_refused(s, x, status, a);
	}
	free(a);
}

/* Each costs a public-key operation or several, and a thousand a second are no devices. */
static bool may_enrol(struct lk_vf_server *s)
{
	int64_t second = lk_vf_now() / 1000;

	if (s->enrol_second != second) {
		s->enrol_second = second;
		s->enrols_left = LK_VF_ENROLS_A_SECOND;
	}
	if (!s->enrols_left)
		return false;
	s->enrols_left--;
	return true;
}

static void enrol(struct lk_vf_server *s, struct lk_httpd_x *x)
{
	const struct lk_vf_enroller e = {
		.store = s->store,
		.nonces = { { s->nonce_key, sizeof(s->nonce_key) }, lk_crypto_hmac },
		.mode = s->settings.enrol,
		.ca = s->ek_ca,
	};
	struct lk_vf_enrolled done;
	struct lk_err err = { 0 };
	size_t len;
	uint8_t *body = lk_httpd_body_own(x, &len);

	if (!may_enrol(s)) {
		answer_error(x, 503, "busy",
			     "more devices enrol at once than are taken; come back later");
	} else if (!begin(s)) {
		answer_unavailable(s, x);
	} else if (lk_vf_enrol(&e, body, len, &done, &err) != LK_OK) {
		fail_batch(s, x, &err);
	} else if (done.written) {
		char *text = malloc(done.len);

		if (text)
			memcpy(text, done.text, done.len);
		keep_waiting(s, x, text, done.len);
	} else {
		s->refused += done.status != 200;
		answer_json(x, done.status, done.text, done.len);
	}
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

static const struct message {
	const char *path;
	void (*take)(struct lk_vf_server *s, struct lk_httpd_x *x);
} messages[] = {
	{ LK_ATTEST_PATH_ATTEST, attest },
	{ LK_ATTEST_PATH_CHALLENGE, challenge },
	{ LK_ATTEST_PATH_ENROL, enrol },
};

void lk_vf_api(void *ctx, struct lk_httpd_x *x)
{
	const struct lk_httpd_head *head = lk_httpd_head(x);
	const struct message *m = NULL;

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		if (strcmp(head->path, messages[i].path) == 0)
			m = &messages[i];
	if (!m)
		answer_error(x, 404, "not-found", "there is nothing at this address");
	else if (head->method != LK_HTTPD_POST)
		answer_error(x, 405, "wrong-method", "this address takes POST");
	else if (strcmp(head->type, LK_ATTEST_CONTENT_TYPE) != 0)
		answer_error(x, 415, "wrong-media-type",
			     "the Content-Type has to be " LK_ATTEST_CONTENT_TYPE);
	else
		m->take(ctx, x);
}
