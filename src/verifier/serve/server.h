/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what the parts of a running server share. */
#ifndef LK_VERIFIER_SERVE_SERVER_H
#define LK_VERIFIER_SERVE_SERVER_H

#include "verifier/judge/enrol.h"
#include "verifier/judge/judge.h"
#include "verifier/settings/settings.h"
#include "sys/http/http_server.h"

/** An attestation that was accepted and isn't durable yet. */
struct lk_vf_waiting {
	struct lk_httpd_x *x;
	unsigned int status;
	char *text; /* JSON */
	size_t len;
};
#define LK_VF_BATCH_MAX 256u

struct lk_vf_server {
	struct lk_vf_settings settings;
	struct lk_store *store;
	struct lk_vf_flavors *flavors;
	struct lk_ek_ca *ek_ca;
	/* Enrolments that are left of this second. */
	int64_t enrol_second;
	unsigned int enrols_left;
	struct lk_httpd *http;
	uint8_t nonce_key[LK_NONCE_KEY_SIZE];
	int64_t started;
	/* The transaction that is open, and who waits for its end. */
	bool begun, failed;
	size_t n_waiting;
	struct lk_vf_waiting waiting[LK_VF_BATCH_MAX];
	/* For /metrics. */
	uint64_t accepted, refused, unavailable, batches;
	int64_t last_complaint, last_pruned;
};

/** Site of devices: the messages of latchkey-attest-protocol(7). */
void lk_vf_api(void *ctx, struct lk_httpd_x *x);
/** Ends the transaction, and answers those that wait for it. */
void lk_vf_api_settle(struct lk_vf_server *s);
/** Site of people: pages, JSON, metrics. */
void lk_vf_pages(void *ctx, struct lk_httpd_x *x);

/** Says on the log what failed, once in ten seconds. */
void lk_vf_complain(struct lk_vf_server *s, const struct lk_err *err);

/** Whether a token is one that may read. LK_E_IO where that can't be known. */
int lk_vf_token_check(struct lk_store *s, const char *token, bool *ret, struct lk_err *err);

#endif
