/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading and writing the files of commands, each error with its file. */
#include "documents.h"

#include <string.h>

#include "core/base/bom.h"
#include "core/base/text.h"
#include "core/policy/pcr_text.h"

#define PCR_VALUES_MAX (64u * 1024u)

static bool is_plain_text(const struct lk_buf *buf)
{
	const struct lk_bytes text = lk_bom_skip((struct lk_bytes){ buf->data, buf->len });

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];

		if ((c < 0x20 && !(c == '\t' || c == '\n' || c == '\r')) || c > 0x7e)
			return false;
	}
	return true;
}

/* What reads as text is text; the mark of another encoding is told where the bytes
 * can't be digests either. */
static int values_from_binary(const struct lk_buf *buf, const struct lk_policy_file *pf,
			      struct lk_pcr_values *ret, struct lk_err *err)
{
	struct lk_pcr_selection sel = pf->pcrs;
	size_t all = (size_t)__builtin_popcount(sel.mask);
	size_t size = lk_alg_size(sel.bank);
	const char *foreign;

	/* The latch's value isn't needed, so it need not have been read. */
	if (pf->latch != LK_NO_PCR && buf->len == (all - 1) * size)
		sel.mask &= ~(1u << pf->latch);
	if (lk_pcr_values_from_binary(buf->data, buf->len, &sel, ret, err) == LK_OK)
		return LK_OK;
	foreign = lk_bom_foreign((struct lk_bytes){ buf->data, buf->len });
	if (foreign)
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"it begins with the byte order mark of %s: save it as UTF-8, or plain ASCII",
			foreign);
	return LK_E_INPUT;
}

static int values_from_text(const struct lk_buf *buf, enum lk_alg bank, struct lk_pcr_values *ret,
			    struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;
	int rc = lk_yaml_parse(buf->data, buf->len, &yaml, err);

	if (rc != LK_OK)
		return rc;
	return lk_pcr_values_from_doc(lk_yaml_root(yaml), bank, ret, err);
}

int lk_read_pcr_values(const char *path, const struct lk_policy_file *pf, struct lk_pcr_values *ret,
		       struct lk_err *err)
{
	LK_OWNED_BUF buf = LK_BUF_NONE;
	int rc = lk_fs_read(path, PCR_VALUES_MAX, &buf, err);

	if (rc != LK_OK)
		return rc;
	if (is_plain_text(&buf))
		rc = values_from_text(&buf, pf->pcrs.bank, ret, err);
	else
		rc = values_from_binary(&buf, pf, ret, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	return rc;
}

int lk_write_output(const struct lk_output *out, struct lk_bytes data, struct lk_err *err)
{
	int rc;

	if (out->force || !strcmp(out->path, "-"))
		return lk_fs_replace(out->path, data.data, data.len, 0644, err);
	rc = lk_fs_write_new(out->path, data.data, data.len, 0644, err);
	if (rc == LK_E_REFUSED)
		return lk_err_set(err, rc, 0, "%s exists already: --force replaces it", out->path);
	return rc;
}

void lk_print_quoted(FILE *f, const char *text, size_t len)
{
	const uint8_t *p = (const uint8_t *)text;
	char shown[LK_TEXT_ESCAPED_MAX];

	fputc('"', f);
	for (size_t i = 0; i < len;) {
		if (p[i] == '"' || p[i] == '\\')
			fputc('\\', f);
		i += lk_text_escape(p + i, len - i, shown);
		fputs(shown, f);
	}
	fputc('"', f);
}

void lk_print_hex(FILE *f, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		fprintf(f, "%02x", data[i]);
}
