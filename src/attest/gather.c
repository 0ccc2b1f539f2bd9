/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns gathering: the quote first, then the values that it is over, and the logs. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attest.h"
#include "core/attest/quote.h"
#include "sys/crypto/crypto.h"
#include "sys/format/document.h"

#define TRIES 5u

int lk_at_settings_load(const struct lk_at_options *opts, struct lk_attest_settings *ret,
			struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;
	int rc;

	LK_TRY(lk_document_read(opts->config, 65536, &yaml, err));
	rc = lk_attest_settings_from_doc(lk_yaml_root(yaml), ret, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", opts->config);
	return rc;
}

void lk_at_logs_done(struct lk_at_logs *logs)
{
	lk_buf_done(&logs->firmware);
	lk_buf_done(&logs->ima);
	lk_buf_done(&logs->measured);
}

static int read_failed(const char *path, struct lk_err *err)
{
	return lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s: can't be read: %s%s", path,
			  strerror(errno),
			  errno == EACCES && geteuid() != 0 ? ": run it as root" : "");
}

/* Files of the kernel's have no size: room grows as they are read. */
static int read_rest(const char *path, int fd, size_t cap, struct lk_buf *ret, struct lk_err *err)
{
	LK_OWNED_BUF buf = LK_BUF_NONE;
	size_t room = 0;

	for (;;) {
		ssize_t n;

		if (buf.len == room) {
			uint8_t *more = realloc(buf.data, (room = room ? 2 * room : 65536) + 1);

			if (!more)
				return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
			buf.data = more;
		}
		n = read(fd, buf.data + buf.len, room - buf.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return read_failed(path, err);
		if (n == 0)
			break;
		buf.len += (size_t)n;
		if (buf.len > cap)
			return lk_err_set(
				err, LK_E_INPUT, EFBIG,
				"%s: more than %zu bytes are new, which is more than a message takes",
				path, cap);
	}
	*ret = buf;
	buf = LK_BUF_NONE;
	return LK_OK;
}

int lk_at_log_read(const char *path, uint64_t from, size_t cap, struct lk_buf *ret,
		   struct lk_err *err)
{
	LK_OWNED_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 && errno == ENOENT)
		return LK_OK;
	if (fd < 0 || (from && lseek(fd, (off_t)from, SEEK_SET) < 0))
		return read_failed(path, err);
	return read_rest(path, fd, cap, ret, err);
}

static void put_values(const struct lk_pcr_values *values, struct lk_at_quote *quote)
{
	size_t size = lk_alg_size(values->sel.bank);

	quote->values_len = 0;
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		if (!(values->sel.mask >> i & 1))
			continue;
		memcpy(quote->values + quote->values_len, values->value[i], size);
		quote->values_len += size;
	}
}

int lk_at_quote_take(struct lk_tpm *tpm, const struct lk_challenge *challenge,
		     struct lk_bytes nonce, struct lk_at_quote *ret, struct lk_err *err)
{
	struct lk_pcr_values values;

	for (unsigned int i = 0; i < TRIES; i++) {
		struct lk_attest *parsed = &ret->parsed;
		int rc;

		LK_TRY(lk_tpm_quote(tpm, nonce, &challenge->pcrs, &ret->attested, err));
		LK_TRY(lk_attest_parse((struct lk_bytes){ ret->attested.attest,
							  ret->attested.attest_len },
				       LK_ATTEST_QUOTE, parsed, err));
		if (parsed->quote.sel.bank != challenge->pcrs.bank ||
		    parsed->quote.sel.mask != challenge->pcrs.mask)
			return lk_err_set(
				err, LK_E_NO_TPM, 0,
				"the TPM has no bank %s, or not all of the PCRs that the server asks for",
				lk_alg_name(challenge->pcrs.bank));
		LK_TRY(lk_tpm_pcr_read(tpm, &challenge->pcrs, &values, err));
		put_values(&values, ret);
		rc = lk_quote_values(parsed, (struct lk_bytes){ ret->values, ret->values_len },
				     lk_crypto_hash, &values, err);
		if (rc != LK_E_POLICY)
			return rc;
	}
	return lk_err_set(err, LK_E_AGAIN, 0,
			  "the PCRs changed each time between the quote and reading them");
}
