/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the messages between a device and its verifier (latchkey-attest-protocol(7)): JSON in and out. */
#ifndef LK_CORE_ATTEST_MESSAGE_H
#define LK_CORE_ATTEST_MESSAGE_H

#include "core/attest/attest.h"
#include "core/attest/nonce.h"
#include "core/base/bytes.h"
#include "core/policy/pcr.h"

/* What a server reads of one request, at most; a longer one is answered with 413. */
#define LK_ATTEST_REQUEST_MAX	 (24u * 1024u * 1024u)
#define LK_ATTEST_ANSWER_MAX	 (32u * 1024u)
#define LK_ATTEST_FIRMWARE_MAX	 (2u * 1024u * 1024u)
#define LK_ATTEST_IMA_MAX	 (12u * 1024u * 1024u) /* in one message: more comes with the next */
#define LK_ATTEST_MEASURED_MAX	 (256u * 1024u)
#define LK_ATTEST_PATH_CHALLENGE "/v1/challenge"
#define LK_ATTEST_PATH_ATTEST	 "/v1/attest"
/* JSON alone; what has another Content-Type is answered with 415. */
#define LK_ATTEST_CONTENT_TYPE "application/json"

/** The answer to POST /v1/challenge, whose request is "{}". */
struct lk_challenge {
	uint8_t nonce[LK_NONCE_SIZE];
	struct lk_pcr_selection pcrs;
};
/** NUL-terminated; its length, or 0 where @cap is too small. */
#define LK_CHALLENGE_TEXT 256u
size_t lk_challenge_write(const struct lk_challenge *challenge, char out[static LK_CHALLENGE_TEXT]);
/** Unknown members are passed over. Return: LK_OK or LK_E_INPUT (MESSAGE). */
int lk_challenge_read(struct lk_bytes text, struct lk_challenge *ret, struct lk_err *err);
/** Whether the request of a challenge is an empty object. */
int lk_challenge_request_read(struct lk_bytes text, struct lk_err *err);

/** Something that the attestation key has signed. */
struct lk_signed_attest {
	struct lk_bytes attest;	   /* TPMS_ATTEST; len 0: not there */
	struct lk_bytes signature; /* TPMT_SIGNATURE */
};

enum lk_floor_kind { LK_FLOOR_VERSION, LK_FLOOR_SEQUENCE, LK_FLOOR_COUNT };

/** POST /v1/attest. What has len 0 isn't there. */
struct lk_attest_request {
	struct lk_name ak; /* which key: looked up with it, and compared with the computed one */
	struct lk_signed_attest quote;
	struct lk_bytes nonce;	/* as it was given out */
	uint32_t boot;		/* the resetCount that @ima_from belongs to */
	uint64_t ima_from;	/* offset of @ima in the kernel's log */
	struct lk_bytes values; /* of the quoted PCRs, ascending: with the first quote of a boot,
				 * and with each log */
	struct lk_bytes firmware;
	struct lk_bytes ima;
	struct lk_bytes measured; /* systemd's log of what user space has measured: the latch */
	struct lk_signed_attest floor[LK_FLOOR_COUNT];
};

/**
 * lk_attest_request_read - a request, decoded where it lies
 * @text: written to: base64 becomes bytes in place
 * @ret: views lie in @text
 *
 * Fields that this page doesn't have are refused, and so is base64 with anything else in it.
 *
 * Return: LK_OK, or LK_E_INPUT (MESSAGE) naming the field.
 */
int lk_attest_request_read(uint8_t *text, size_t len, struct lk_attest_request *ret,
			   struct lk_err *err);
/** Bytes that lk_attest_request_write() needs. */
size_t lk_attest_request_size(const struct lk_attest_request *request);
/** Return: the length without a NUL, or 0 where @cap is too small. */
size_t lk_attest_request_write(const struct lk_attest_request *request, char *out, size_t cap);

/** Where the server wants the device to go on. */
struct lk_attest_next {
	uint32_t boot;
	uint64_t ima_from;
};

#define LK_ANSWER_REASONS_MAX 24u
#define LK_ANSWER_WORD_MAX    32u
#define LK_ANSWER_TEXT_MAX    512u
struct lk_answer_reason {
	char part[LK_ANSWER_WORD_MAX];
	char verdict[LK_ANSWER_WORD_MAX];
	char text[LK_ANSWER_TEXT_MAX];
};

/**
 * Any answer to POST /v1/attest. 200: @verdict, @next and @reason. 409: @next alone, and the
 * device sends everything from there. Else @error (lk_refusal_word) and @text.
 */
struct lk_attest_answer {
	char verdict[LK_ANSWER_WORD_MAX]; /* "": none */
	char error[LK_ANSWER_WORD_MAX];	  /* "": none */
	char text[LK_ANSWER_TEXT_MAX];
	bool has_next;
	struct lk_attest_next next;
	size_t n;
	struct lk_answer_reason reason[LK_ANSWER_REASONS_MAX];
};
/** Return: the length without a NUL, or 0 where @cap is too small. */
size_t lk_attest_answer_write(const struct lk_attest_answer *answer, char *out, size_t cap);
/** Unknown members are passed over. Return: LK_OK or LK_E_INPUT (MESSAGE). */
int lk_attest_answer_read(struct lk_bytes text, struct lk_attest_answer *ret, struct lk_err *err);

#endif
