/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what latchkey-attest's parts share: options, what is gathered, and what is remembered. */
#ifndef LK_ATTEST_ATTEST_H
#define LK_ATTEST_ATTEST_H

#include "core/base/paths.h"
#include "core/attest/message.h"
#include "core/attest/settings.h"
#include "sys/http/http.h"
#include "sys/os/fs.h"
#include "sys/tpm/tpm_attest.h"

#define LK_AT_WAIT_S 10u

struct lk_at_options {
	const char *config;
	const char *state;
	const char *tcti;
	const char *firmware_log;
	const char *ima_log;
	const char *measured_log;
	const char *nonce; /* of quote */
	const char *out;
	const char *bank;
	const char *pcrs;
	const char *endorsement_auth; /* of enrol */
	bool no_ima;
	bool json;
};

/** What is remembered between two runs; nothing in it is a secret, or believed by anybody. */
struct lk_at_state {
	bool any;		    /* there is a last answer */
	struct lk_attest_next next; /* where the server wants to go on */
	struct lk_digest digest;    /* of the PCR values that it has */
	uint64_t measured;	    /* bytes of user space's log that it has */
	uint64_t firmware;	    /* of the firmware's, of this boot */
	char server[LK_ATTEST_SERVER_MAX + 1];
	uint64_t when; /* seconds since 1970 */
	struct lk_attest_answer answer;
};
/** A state that lacks, or can't be read, is an empty one: then everything is sent. */
int lk_at_state_load(const char *path, struct lk_at_state *ret, struct lk_err *err);
int lk_at_state_save(const char *path, const struct lk_at_state *state, struct lk_err *err);

/** A quote, and the values that it is over. */
struct lk_at_quote {
	struct lk_tpm_attested attested;
	struct lk_attest parsed; /* views lie in @attested */
	uint8_t values[LK_PCR_COUNT * LK_DIGEST_MAX];
	size_t values_len;
};
/** PCRs that move in between are quoted anew. LK_E_AGAIN where they never stand still. */
int lk_at_quote_take(struct lk_tpm *tpm, const struct lk_challenge *challenge,
		     struct lk_bytes nonce, struct lk_at_quote *ret, struct lk_err *err);

/** Logs of this boot; empty where there is none. */
struct lk_at_logs {
	struct lk_buf firmware;
	struct lk_buf ima;
	struct lk_buf measured;
};
void lk_at_logs_done(struct lk_at_logs *logs);
#define LK_OWNED_AT_LOGS __attribute__((cleanup(lk_at_logs_done))) struct lk_at_logs
/** @path from byte @from on; a file that isn't there is empty. */
int lk_at_log_read(const char *path, uint64_t from, size_t cap, struct lk_buf *ret,
		   struct lk_err *err);

int lk_at_run(const struct lk_at_options *opts, struct lk_err *err);
int lk_at_enrol(const struct lk_at_options *opts, struct lk_err *err);
int lk_at_quote(const struct lk_at_options *opts, struct lk_err *err);
int lk_at_status(const struct lk_at_options *opts, struct lk_err *err);

/** The settings of --config. */
int lk_at_settings_load(const struct lk_at_options *opts, struct lk_attest_settings *ret,
			struct lk_err *err);
/** Where the settings say that the server is, and whom to believe. */
struct lk_http_server lk_at_server(const struct lk_attest_settings *settings);
/**
 * lk_at_refused - what a server says that answers with another status than 200
 * @ret: the answer, where it is a verifier's refusal and not something on the way; may be NULL
 *
 * Return: LK_E_REFUSED, LK_E_IO for what may pass by itself, or LK_E_SYSTEM.
 */
int lk_at_refused(const char *server, const struct lk_http_answer *answer,
		  struct lk_attest_answer *ret, struct lk_err *err);
/** Of the last answer: LK_OK, LK_E_POLICY where it isn't trusted, LK_E_UNKNOWN. */
int lk_at_judge(const struct lk_attest_answer *answer, struct lk_err *err);

#endif
