/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns quote: what a verifier needs, into a folder, for a device without a network. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attest.h"
#include "core/attest/quote_dir.h"
#include "sys/os/log.h"

struct by_hand {
	const struct lk_at_options *opts;
	struct lk_tpm *tpm;
	struct lk_tpm_ak ak;
	uint8_t nonce[LK_ATTEST_EXTRA_MAX];
	size_t nonce_len;
	struct lk_challenge challenge; /* its PCRs */
	struct lk_at_quote quote;
	struct lk_at_logs logs;
};

static int read_options(struct by_hand *q, struct lk_err *err)
{
	const struct lk_at_options *o = q->opts;
	int rc;

	if (!o->nonce || !o->out)
		return lk_err_set(err, LK_E_USAGE, 0, "--nonce and -o are needed");
	if (!lk_hex_decode(o->nonce, strlen(o->nonce), q->nonce, 32, &q->nonce_len) ||
	    q->nonce_len < 8)
		return lk_err_set(err, LK_E_USAGE, 0,
				  "--nonce: expected 8 to 32 bytes in hexadecimal digits");
	q->challenge.pcrs.bank = lk_alg_from_name(o->bank);
	if (q->challenge.pcrs.bank == LK_ALG_NONE)
		return lk_err_set(err, LK_E_USAGE, 0, "--bank is sha256 or sha384");
	rc = lk_pcr_mask_parse(o->pcrs, &q->challenge.pcrs.mask, err);
	if (rc != LK_OK) {
		lk_err_prefix(err, "--pcrs");
		return LK_E_USAGE;
	}
	return LK_OK;
}

static int put_file(const struct by_hand *q, const char *name, const void *data, size_t len,
		    struct lk_err *err)
{
	char path[4096];

	if (!len)
		return LK_OK;
	if (snprintf(path, sizeof(path), "%s/%s", q->opts->out, name) >= (int)sizeof(path))
		return lk_err_set(err, LK_E_USAGE, 0, "-o: the path is too long");
	return lk_fs_write_new(path, data, len, 0644, err);
}

/* After the quote, and before anything is written: one that can't be read leaves no folder. */
static int read_logs(struct by_hand *q, struct lk_err *err)
{
	const struct lk_at_options *o = q->opts;

	LK_TRY(lk_at_log_read(o->firmware_log, 0, LK_ATTEST_FIRMWARE_MAX, &q->logs.firmware, err));
	if (!o->no_ima)
		LK_TRY(lk_at_log_read(o->ima_log, 0, LK_ATTEST_IMA_MAX, &q->logs.ima, err));
	return lk_at_log_read(o->measured_log, 0, LK_ATTEST_MEASURED_MAX, &q->logs.measured, err);
}

static int put_key(const struct by_hand *q, struct lk_err *err)
{
	static const char begin[] = "-----BEGIN PUBLIC KEY-----\n";
	static const char end[] = "\n-----END PUBLIC KEY-----\n";
	uint8_t spki[LK_SPKI_MAX];
	size_t len = lk_policy_key_to_spki(&q->ak.key.point, spki);
	char body[LK_BASE64_SIZE(LK_SPKI_MAX)], pem[512];

	lk_base64_encode(spki, len, body);
	/* Lines of 64 (RFC 7468): P-256 has two. */
	snprintf(pem, sizeof(pem), "%s%.64s\n%.*s%s", begin, body, (int)LK_BASE64_SIZE(len) - 64,
		 body + 64, end);
	LK_TRY(put_file(q, LK_QUOTE_DIR_AK_PEM, pem, strlen(pem), err));
	return put_file(q, LK_QUOTE_DIR_AK, q->ak.public, q->ak.public_len, err);
}

static int put_floors(struct by_hand *q, struct lk_err *err)
{
	static const char *const names[LK_FLOOR_COUNT] = LK_QUOTE_DIR_FLOORS;
	static const uint32_t index[LK_FLOOR_COUNT] = { LK_NV_VERSION_FLOOR, LK_NV_SEQUENCE_FLOOR };
	struct lk_bytes nonce = { q->nonce, q->nonce_len };

	for (size_t i = 0; i < LK_FLOOR_COUNT; i++) {
		struct lk_tpm_attested f;
		struct lk_err why = { 0 };
		char signature[64];

		if (lk_tpm_certify_counter(q->tpm, nonce, index[i], &f, &why) != LK_OK) {
			lk_log(LK_LOG_WARNING, "0x%08x isn't proven: %s", index[i], why.msg);
			continue;
		}
		snprintf(signature, sizeof(signature), "%s" LK_QUOTE_DIR_FLOOR_SIGNATURE, names[i]);
		LK_TRY(put_file(q, names[i], f.attest, f.attest_len, err));
		LK_TRY(put_file(q, signature, f.signature, f.signature_len, err));
	}
	return LK_OK;
}

static int put_all(struct by_hand *q, struct lk_err *err)
{
	const struct lk_tpm_attested *a = &q->quote.attested;
	const struct lk_at_logs *logs = &q->logs;

	LK_TRY(put_file(q, LK_QUOTE_DIR_QUOTE, a->attest, a->attest_len, err));
	LK_TRY(put_file(q, LK_QUOTE_DIR_SIGNATURE, a->signature, a->signature_len, err));
	LK_TRY(put_file(q, LK_QUOTE_DIR_NONCE, q->nonce, q->nonce_len, err));
	LK_TRY(put_file(q, LK_QUOTE_DIR_VALUES, q->quote.values, q->quote.values_len, err));
	LK_TRY(put_key(q, err));
	LK_TRY(put_floors(q, err));
	LK_TRY(put_file(q, LK_QUOTE_DIR_FIRMWARE, logs->firmware.data, logs->firmware.len, err));
	LK_TRY(put_file(q, LK_QUOTE_DIR_IMA, logs->ima.data, logs->ima.len, err));
	return put_file(q, LK_QUOTE_DIR_MEASURED, logs->measured.data, logs->measured.len, err);
}

static int take_quote(struct by_hand *q, struct lk_err *err)
{
	LK_TRY(read_options(q, err));
	LK_TRY(lk_tpm_open(q->opts->tcti, LK_AT_WAIT_S, &q->tpm, err));
	LK_TRY(lk_tpm_ak_read(q->tpm, &q->ak, err));
	LK_TRY(lk_at_quote_take(q->tpm, &q->challenge, (struct lk_bytes){ q->nonce, q->nonce_len },
				&q->quote, err));
	LK_TRY(read_logs(q, err));
	/* A folder of its own: no file of before is taken for one of this quote. */
	if (mkdir(q->opts->out, 0755) != 0)
		return lk_err_set(err, errno == EEXIST ? LK_E_REFUSED : LK_E_IO, (uint32_t)errno,
				  "-o %s: the folder can't be made: %s", q->opts->out,
				  strerror(errno));
	return put_all(q, err);
}

int lk_at_quote(const struct lk_at_options *opts, struct lk_err *err)
{
	struct by_hand *q = calloc(1, sizeof(*q));
	int rc;

	if (!q)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	q->opts = opts;
	rc = take_quote(q, err);
	if (rc == LK_OK)
		lk_log(LK_LOG_INFO, "%s has the quote, and the logs to verify it with", opts->out);
	lk_at_logs_done(&q->logs);
	lk_tpm_free(q->tpm);
	free(q);
	return rc;
}
