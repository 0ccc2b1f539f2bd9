/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey-verifier verify: a quote and its logs from a folder, judged without server or database. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/attest/quote_dir.h"
#include "sys/crypto/crypto.h"
#include "sys/os/log.h"
#include "verifier/verifier.h"
#include "verifier/device/words.h"
#include "verifier/flavor/flavor.h"

/* What lies in the folder, and what comes of it. On the heap. */
struct by_hand {
	const struct lk_vf_options *o;
	struct lk_buf quote, signature, nonce, values, ak, firmware, ima, measured;
	struct lk_buf floor[LK_FLOOR_COUNT], floor_signature[LK_FLOOR_COUNT];
	uint8_t given[LK_ATTEST_EXTRA_MAX];
	struct lk_vf_flavor flavor;
	struct lk_reference reference;
	struct lk_attest_key key;
	struct lk_quote_terms terms;
	struct lk_attest attest;
	struct lk_attest_state before;
	struct lk_pcr_values proven;
	struct lk_appraisal_input in;
	struct lk_appraisal appraisal;
	char text[LK_VF_REASONS_TEXT];
};

static void by_hand_freep(struct by_hand **p)
{
	struct by_hand *h = *p;

	if (!h)
		return;
	struct lk_buf *all[] = { &h->quote,
				 &h->signature,
				 &h->nonce,
				 &h->values,
				 &h->ak,
				 &h->firmware,
				 &h->ima,
				 &h->measured,
				 &h->floor[0],
				 &h->floor[1],
				 &h->floor_signature[0],
				 &h->floor_signature[1] };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		lk_buf_done(all[i]);
	lk_vf_flavor_done(&h->flavor);
	free(h);
}
#define OWNED_BY_HAND __attribute__((cleanup(by_hand_freep))) struct by_hand *

static int read_part(struct by_hand *h, const char *name, size_t cap, struct lk_buf *ret,
		     struct lk_err *err)
{
	char path[4096];

	if (snprintf(path, sizeof(path), "%s/%s", h->o->operands[0], name) >= (int)sizeof(path))
		return lk_err_set(err, LK_E_USAGE, 0, "the folder's path is too long");
	return lk_fs_read(path, cap, ret, err);
}

static int read_optional(struct by_hand *h, const char *name, size_t cap, struct lk_buf *ret,
			 struct lk_err *err)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", h->o->operands[0], name);
	return access(path, F_OK) == 0 ? read_part(h, name, cap, ret, err) : LK_OK;
}

static int read_folder(struct by_hand *h, struct lk_err *err)
{
	static const char *const floors[] = LK_QUOTE_DIR_FLOORS;
	char name[64];

	LK_TRY(read_part(h, LK_QUOTE_DIR_QUOTE, LK_ATTEST_MAX, &h->quote, err));
	LK_TRY(read_part(h, LK_QUOTE_DIR_SIGNATURE, LK_TPMT_SIGNATURE_MAX, &h->signature, err));
	LK_TRY(read_part(h, LK_QUOTE_DIR_VALUES, LK_PCR_COUNT * LK_DIGEST_MAX, &h->values, err));
	LK_TRY(read_part(h, LK_QUOTE_DIR_AK, LK_VF_AK_MAX, &h->ak, err));
	if (!h->o->nonce)
		LK_TRY(read_part(h, LK_QUOTE_DIR_NONCE, LK_ATTEST_EXTRA_MAX, &h->nonce, err));
	LK_TRY(read_optional(h, LK_QUOTE_DIR_FIRMWARE, LK_EVENT_LOG_MAX, &h->firmware, err));
	LK_TRY(read_optional(h, LK_QUOTE_DIR_IMA, LK_IMA_LOG_MAX, &h->ima, err));
	LK_TRY(read_optional(h, LK_QUOTE_DIR_MEASURED, LK_ATTEST_MEASURED_MAX, &h->measured, err));
	for (size_t i = 0; i < LK_FLOOR_COUNT; i++) {
		LK_TRY(read_optional(h, floors[i], LK_ATTEST_MAX, &h->floor[i], err));
		(void)snprintf(name, sizeof(name), "%s%s", floors[i], LK_QUOTE_DIR_FLOOR_SIGNATURE);
		LK_TRY(read_optional(h, name, LK_TPMT_SIGNATURE_MAX, &h->floor_signature[i], err));
	}
	return LK_OK;
}

static int find_nonce(struct by_hand *h, struct lk_bytes *ret, struct lk_err *err)
{
	size_t len;

	*ret = lk_buf_bytes(&h->nonce);
	if (!h->o->nonce) {
		lk_log(LK_LOG_WARNING,
		       "the nonce is the one beside the quote, so that the quote may be of any time: give yours by --nonce");
		return LK_OK;
	}
	if (!lk_hex_decode(h->o->nonce, strlen(h->o->nonce), h->given, sizeof(h->given), &len) ||
	    len < 8 || len > 32)
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"--nonce: expected 8 to 32 bytes in hexadecimal digits, those that latchkey-attest was given");
	*ret = (struct lk_bytes){ h->given, len };
	return LK_OK;
}

/* The selection is the quote's own here: nobody asked for another. */
static int check_quote(struct by_hand *h, struct lk_err *err)
{
	const struct lk_signed_attest quote = { lk_buf_bytes(&h->quote),
						lk_buf_bytes(&h->signature) };
	struct lk_attest unproven;
	struct lk_bytes nonce;

	LK_TRY(find_nonce(h, &nonce, err));
	LK_TRY(lk_attest_key_parse(lk_buf_bytes(&h->ak), lk_crypto_hash, &h->key, err));
	LK_TRY(lk_attest_parse(quote.attest, LK_ATTEST_QUOTE, &unproven, err));
	h->terms = (struct lk_quote_terms){ .key = &h->key,
					    .nonce = nonce,
					    .pcrs = unproven.quote.sel,
					    .hash = lk_crypto_hash,
					    .verify = lk_crypto_verify_key };
	LK_TRY(lk_quote_check(&h->terms, &quote, &h->attest, err));
	return lk_quote_values(&h->attest, lk_buf_bytes(&h->values), lk_crypto_hash, &h->proven,
			       err);
}

static int check_floors(struct by_hand *h, struct lk_err *err)
{
	for (unsigned int i = 0; i < LK_FLOOR_COUNT; i++) {
		const struct lk_signed_attest floor = { lk_buf_bytes(&h->floor[i]),
							lk_buf_bytes(&h->floor_signature[i]) };

		if (!floor.attest.len)
			continue;
		LK_TRY(lk_floor_check(&h->terms, &floor, (enum lk_floor_kind)i, &h->in.floor[i],
				      err));
		h->in.has_floor[i] = true;
	}
	return LK_OK;
}

static int appraise(struct by_hand *h, struct lk_err *err)
{
	h->flavor.latch = LK_PCR_NONE;
	if (h->o->flavor)
		LK_TRY(lk_vf_flavor_read(h->o->flavor, &h->flavor, err));
	h->reference = lk_vf_flavor_reference(&h->flavor);
	h->in.quote = &h->attest;
	h->in.values = &h->proven;
	h->in.change = LK_BOOT_FIRST;
	h->in.before = &h->before;
	h->in.firmware = lk_buf_bytes(&h->firmware);
	h->in.measured = lk_buf_bytes(&h->measured);
	h->in.ima = lk_buf_bytes(&h->ima);
	h->in.reference = &h->reference;
	h->in.hash = lk_crypto_hash;
	return lk_appraise(&h->in, &h->appraisal, err);
}

static int print_json(struct by_hand *h, struct lk_err *err)
{
	LK_OWNED_BUF text = LK_BUF_NONE;
	LK_OWNED_JSON json = NULL;

	lk_vf_reasons_write(&h->appraisal, h->text);
	LK_TRY(lk_json_parse(h->text, strlen(h->text), &json, err));
	lk_json_set_text(json, "verdict", lk_verdict_word(h->appraisal.verdict));
	lk_json_set_hex(json, "key", h->key.name.data, h->key.name.len);
	LK_TRY(lk_json_write(json, &text, err));
	(void)fwrite(text.data, 1, text.len, stdout);
	return LK_OK;
}

static int print_text(const struct by_hand *h)
{
	char name[2 * LK_NAME_MAX + 1];

	lk_hex_encode(h->key.name.data, h->key.name.len, name);
	printf("%s\nsigned by the attestation key with the Name %s: compare it with the record's\n",
	       lk_verdict_word(h->appraisal.verdict), name);
	for (size_t i = 0; i < h->appraisal.n; i++) {
		const struct lk_reason *r = &h->appraisal.reason[i];

		printf("  %-9s  %-8s  ", lk_verdict_word(r->verdict), lk_part_word(r->part));
		lk_print_shown(stdout, r->text);
		putchar('\n');
	}
	return LK_OK;
}

int lk_vf_verify(const struct lk_vf_options *o, struct lk_err *err)
{
	OWNED_BY_HAND h = calloc(1, sizeof(*h));

	if (!h)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory for a quote");
	h->o = o;
	LK_TRY(read_folder(h, err));
	LK_TRY(check_quote(h, err));
	LK_TRY(check_floors(h, err));
	LK_TRY(appraise(h, err));
	LK_TRY(o->json ? print_json(h, err) : print_text(h));
	if (h->appraisal.verdict == LK_VERDICT_TRUSTED)
		return LK_OK;
	return h->appraisal.verdict == LK_VERDICT_UNTRUSTED
		       ? lk_err_set(err, LK_E_POLICY, 0, "the boot isn't trusted")
		       : lk_err_set(err, LK_E_UNKNOWN, 0,
				    "nothing says whether this boot is right");
}
