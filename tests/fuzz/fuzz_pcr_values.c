/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of PCR values: as a document, and as tpm2_pcrread's binary. */
#include "core/policy/pcr_text.h"
#include "fuzz.h"

/* What is written as JSON is read as the same, and fits. */
static void check_written(const struct lk_pcr_values *v, enum lk_alg bank)
{
	char out[LK_PCR_JSON_MAX];
	size_t len = lk_pcr_values_write_json(v, out, sizeof(out));
	LK_OWNED_YAML yaml = NULL;
	struct lk_pcr_values again;

	INVARIANT(len && len == strlen(out));
	INVARIANT(lk_pcr_values_write_json(v, out, len) == 0);
	INVARIANT(lk_pcr_values_write_json(v, out, sizeof(out)) == len);
	yaml = parse_document((const uint8_t *)out, len);
	INVARIANT(yaml);
	INVARIANT(lk_pcr_values_from_doc(lk_yaml_root(yaml), bank, &again, NULL) == LK_OK);
	INVARIANT(again.sel.mask == v->sel.mask);
	INVARIANT(lk_pcr_differing(v, &again, v->sel.mask) == 0);
}

static void check(const struct lk_pcr_values *v, enum lk_alg bank)
{
	INVARIANT(v->sel.bank == bank);
	INVARIANT(v->sel.mask && v->sel.mask < 1u << LK_PCR_COUNT);
	INVARIANT(lk_pcr_differing(v, v, v->sel.mask) == 0);
	check_written(v, bank);
}

static void read_document(const uint8_t *data, size_t size, enum lk_alg bank)
{
	LK_OWNED_YAML yaml = parse_document(data, size);
	struct lk_pcr_values v;
	struct lk_err err = { 0 };
	int rc;

	if (!yaml)
		return;
	rc = lk_pcr_values_from_doc(lk_yaml_root(yaml), bank, &v, &err);
	if (rc == LK_OK)
		check(&v, bank);
	else
		check_error(rc, LK_E_INPUT, &err);
}

/* The first three bytes are the mask. */
static void read_binary(const uint8_t *data, size_t size, enum lk_alg bank)
{
	struct lk_pcr_selection sel = { bank, 0 };
	struct lk_pcr_values v;
	struct lk_err err = { 0 };
	int rc;

	if (size < 3)
		return;
	sel.mask = data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16;
	rc = lk_pcr_values_from_binary(data + 3, size - 3, &sel, &v, &err);
	if (rc != LK_OK)
		check_error(rc, LK_E_INPUT, &err);
	else if (sel.mask)
		check(&v, bank);
}

/* A mask as text, there and back. */
static void read_mask(const uint8_t *data, size_t size)
{
	char text[LK_PCR_MASK_TEXT];
	char *copy = strndup((const char *)data, size);
	uint32_t mask;
	uint32_t again;

	INVARIANT(copy);
	if (lk_pcr_mask_parse(copy, &mask, NULL) == LK_OK) {
		lk_pcr_mask_format(mask, text);
		INVARIANT(lk_pcr_mask_parse(text, &again, NULL) == LK_OK);
		INVARIANT(mask == again);
	}
	free(copy);
}

/* The first byte chooses. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum lk_alg bank;

	if (size == 0)
		return 0;
	bank = data[0] & 1 ? LK_ALG_SHA384 : LK_ALG_SHA256;
	if (data[0] & 4)
		read_mask(data + 1, size - 1);
	else if (data[0] & 2)
		read_binary(data + 1, size - 1, bank);
	else
		read_document(data + 1, size - 1, bank);
	return 0;
}
