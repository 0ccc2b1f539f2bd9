/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of attestation's messages and settings, and of user space's log: what is read is written and read as the same. */
#include "core/attest/measured.h"
#include "core/attest/message.h"
#include "core/attest/refusal.h"
#include "core/attest/settings.h"
#include "fuzz.h"
#include "sys/crypto/crypto.h"

static void *copy_of(const void *data, size_t size)
{
	void *copy = malloc(size ? size : 1);

	INVARIANT(copy);
	if (size)
		memcpy(copy, data, size);
	return copy;
}

static void fuzz_request(const uint8_t *data, size_t size)
{
	uint8_t *text = copy_of(data, size);
	struct lk_attest_request r, again;
	struct lk_err err = { 0 };
	int rc = lk_attest_request_read(text, size, &r, &err);

	if (rc != LK_OK) {
		check_error(rc, LK_E_INPUT, &err);
		INVARIANT(err.code == LK_REFUSAL_MESSAGE);
	} else {
		size_t room = lk_attest_request_size(&r);
		char *out = malloc(room), *second = malloc(room);
		size_t len = lk_attest_request_write(&r, out, room);
		uint8_t *kept = copy_of(out, len);

		INVARIANT(len);
		INVARIANT(lk_attest_request_read((uint8_t *)out, len, &again, NULL) == LK_OK);
		INVARIANT(lk_attest_request_write(&again, second, room) == len);
		INVARIANT(!memcmp(kept, second, len));
		free(kept);
		free(second);
		free(out);
	}
	free(text);
}

static void fuzz_answer(struct lk_bytes text)
{
	struct lk_attest_answer *a = malloc(2 * sizeof(*a));
	struct lk_err err = { 0 };
	int rc = lk_attest_answer_read(text, a, &err);

	if (rc != LK_OK) {
		check_error(rc, LK_E_INPUT, &err);
	} else {
		char *out = malloc(8 * LK_ATTEST_ANSWER_MAX);
		size_t len = lk_attest_answer_write(a, out, 8 * LK_ATTEST_ANSWER_MAX);

		INVARIANT(len && a->n <= LK_ANSWER_REASONS_MAX);
		free(out);
	}
	free(a);
}

static void fuzz_measured_replay(struct lk_bytes log, int expected)
{
	struct lk_pcr_replay r;
	struct lk_err err = { 0 };
	bool latched = false;
	int rc;

	lk_pcr_replay_init(&r, LK_ALG_SHA256);
	rc = lk_measured_replay(log, 15, &r, lk_crypto_hash, &latched, &err);
	INVARIANT((rc == LK_OK) == (expected == LK_MEASURED_END));
}

static void fuzz_measured(struct lk_bytes log)
{
	struct lk_measured_log at;
	struct lk_measured m;
	struct lk_err err = { 0 };
	unsigned int n = 0;
	int rc;

	lk_measured_open(log, LK_ALG_SHA256, &at);
	while ((rc = lk_measured_next(&at, &m, &err)) == LK_OK) {
		INVARIANT(m.number == ++n && m.pcr < LK_PCR_COUNT);
		INVARIANT(m.digest.len == 0 || m.digest.len == 32);
	}
	if (rc != LK_MEASURED_END)
		check_error(rc, LK_E_INPUT, &err);
	fuzz_measured_replay(log, rc);
}

static void fuzz_settings(struct lk_bytes text)
{
	struct lk_yaml *yaml = parse_document(text.data, text.len);
	struct lk_attest_settings s;
	struct lk_err err = { 0 };
	int rc;

	if (!yaml)
		return;
	rc = lk_attest_settings_from_doc(lk_yaml_root(yaml), &s, &err);
	if (rc != LK_OK) {
		check_error(rc, LK_E_INPUT, &err);
	} else {
		INVARIANT(!strncmp(s.server, "https://", 8) && !strchr(s.server + 8, '/'));
		INVARIANT(!s.ca[0] || s.ca[0] == '/');
		INVARIANT(!s.pin[0] || strlen(s.pin) == LK_ATTEST_PIN_SIZE);
	}
	lk_yaml_free(yaml);
}

static void fuzz_challenge(struct lk_bytes text)
{
	char out[LK_CHALLENGE_TEXT];
	struct lk_challenge c, again;
	struct lk_err err = { 0 };
	int rc = lk_challenge_read(text, &c, &err);
	size_t len;

	if (rc != LK_OK) {
		check_error(rc, LK_E_INPUT, &err);
		return;
	}
	len = lk_challenge_write(&c, out);
	INVARIANT(len);
	INVARIANT(lk_challenge_read((struct lk_bytes){ (uint8_t *)out, len }, &again, NULL) ==
		  LK_OK);
	INVARIANT(!memcmp(c.nonce, again.nonce, sizeof(c.nonce)) && c.pcrs.mask == again.pcrs.mask);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lk_bytes text = { data + 1, size - 1 };

	if (!size)
		return 0;
	switch (data[0]) {
	case 'r':
		fuzz_request(text.data, text.len);
		break;
	case 'a':
		fuzz_answer(text);
		break;
	case 'm':
		fuzz_measured(text);
		break;
	case 'c':
		fuzz_challenge(text);
		break;
	case 's':
		fuzz_settings(text);
		break;
	default:
		break;
	}
	return 0;
}
