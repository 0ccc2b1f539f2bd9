/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading PCR values from documents and from tpm2_pcrread's binary. */
#include "core/policy/pcr_text.h"

#include <stdio.h>
#include <string.h>

#include "core/base/bytes.h"

static int read_value(const struct lk_doc *key, enum lk_alg bank, struct lk_pcr_values *values,
		      struct lk_err *err)
{
	const struct lk_doc *value = key->next;
	const char *hex = value->type == LK_DOC_SCALAR ? value->text : "";
	uint64_t pcr;
	size_t len;
	int rc = lk_doc_uint(key, 0, LK_PCR_COUNT - 1, &pcr, err);

	if (rc != LK_OK)
		return rc;
	if (values->sel.mask & 1u << pcr)
		return lk_doc_error(key, err, "PCR %u is here twice", (unsigned int)pcr);
	if (hex[0] == '0' && (hex[1] == 'x' || hex[1] == 'X'))
		hex += 2;
	if (!lk_hex_decode(hex, strlen(hex), values->value[pcr], LK_DIGEST_MAX, &len) ||
	    len != lk_alg_size(bank))
		return lk_doc_error(value, err, "PCR %u: expected %zu hexadecimal digits",
				    (unsigned int)pcr, 2 * lk_alg_size(bank));
	values->sel.mask |= 1u << pcr;
	return LK_OK;
}

int lk_pcr_values_from_map(const struct lk_doc *map, enum lk_alg bank, struct lk_pcr_values *ret,
			   struct lk_err *err)
{
	struct lk_pcr_values values = { .sel = { bank, 0 } };

	for (const struct lk_doc *k = map->child; k; k = k->next->next) {
		int rc = read_value(k, bank, &values, err);

		if (rc != LK_OK)
			return rc;
	}
	*ret = values;
	return LK_OK;
}

int lk_pcr_values_from_doc(const struct lk_doc *doc, enum lk_alg bank, struct lk_pcr_values *ret,
			   struct lk_err *err)
{
	const struct lk_doc *map = lk_doc_get(doc, lk_alg_name(bank));

	LK_TRY(lk_doc_expect_kind(doc, "sha256", err));
	if (!map || map->type != LK_DOC_MAP || !map->child)
		return lk_doc_error(doc, err,
				    "no PCR values of bank %s here (is it active in the TPM?)",
				    lk_alg_name(bank));
	return lk_pcr_values_from_map(map, bank, ret, err);
}

static unsigned int count(uint32_t mask)
{
	return (unsigned int)__builtin_popcount(mask);
}

int lk_pcr_values_from_binary(const uint8_t *data, size_t len, const struct lk_pcr_selection *sel,
			      struct lk_pcr_values *ret, struct lk_err *err)
{
	struct lk_pcr_values values = { .sel = *sel };
	size_t size = lk_alg_size(sel->bank);
	struct lk_reader r = lk_reader_init(data, len);

	if (len != count(sel->mask) * size) {
		char text[LK_PCR_MASK_TEXT];

		lk_pcr_mask_format(sel->mask, text);
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"%zu bytes of PCR values; %zu are expected: %s digests of exactly the PCRs %s, in order",
			len, count(sel->mask) * size, lk_alg_name(sel->bank), text);
	}
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (sel->mask & 1u << i)
			memcpy(values.value[i], lk_read_bytes(&r, size).data, size);
	*ret = values;
	return LK_OK;
}

size_t lk_pcr_values_write_json(const struct lk_pcr_values *values, char *out, size_t cap)
{
	size_t size = lk_alg_size(values->sel.bank);
	const char *separator = "";
	int n = snprintf(out, cap, "{\"%s\":{", lk_alg_name(values->sel.bank));
	size_t len = n > 0 ? (size_t)n : cap;

	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		char hex[2 * LK_DIGEST_MAX + 1];

		if (!(values->sel.mask & 1u << i) || len >= cap)
			continue;
		lk_hex_encode(values->value[i], size, hex);
		n = snprintf(out + len, cap - len, "%s\"%u\":\"%s\"", separator, i, hex);
		len += n > 0 ? (size_t)n : cap;
		separator = ",";
	}
	if (len + sizeof("}}\n") > cap)
		return 0;
	memcpy(out + len, "}}\n", sizeof("}}\n"));
	return len + 3;
}
