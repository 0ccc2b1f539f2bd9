/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of comparing a boot with what is remembered of another: any reference, any logs, any signed values. */
#include "core/bootlog/boot_diff.h"
#include "core/base/text.h"
#include "fuzz.h"
#include "sys/crypto/crypto.h"

static void check_text(const struct lk_text_out *out)
{
	INVARIANT(out->len < LK_TEXT_OUT_MAX && out->len == strlen(out->text));
	INVARIANT(out->len);
	for (size_t i = 0; i < out->len;) {
		size_t n = lk_text_character((const uint8_t *)out->text + i, out->len - i);

		INVARIANT(n);
		i += n;
	}
}

static void check_diff(struct lk_boot_diff_input *in, const struct lk_boot_diff *diff)
{
	struct lk_text_out text;

	INVARIANT(diff->kind < LK_KIND_COUNT);
	INVARIANT(diff->told != LK_TOLD_EVENT ||
		  (diff->event != 0) == (diff->change != LK_CHANGE_MISSING));
	lk_boot_diff_text(&in->view, diff, &text);
	check_text(&text);
}

/* What is made of any boot can be read, and is that boot. */
static void check_made(struct lk_boot_diff_input *in, const struct lk_pcr_values *seen)
{
	uint8_t bytes[LK_REFERENCE_MAX];
	struct lk_writer w = lk_writer_init(bytes, sizeof(bytes));
	struct lk_boot_diff diff;

	if (lk_boot_reference_make(&in->view, seen, &w, NULL) != LK_OK)
		return;
	INVARIANT(!w.failed);
	INVARIANT(lk_boot_reference_parse((struct lk_bytes){ bytes, w.len }, &in->reference));
	in->remembered = true;
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		INVARIANT(lk_boot_diff_below(in, i, &diff, NULL) == LK_OK);
		INVARIANT(diff.told == LK_TOLD_SAME || diff.told == LK_TOLD_NOTHING);
	}
}

static void compare(struct lk_boot_diff_input *in, const struct lk_pcr_values *signed_values)
{
	struct lk_boot_diff diff;

	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		if (lk_boot_diff_find(in, signed_values, i, &diff, NULL) == LK_OK)
			check_diff(in, &diff);
		if (lk_boot_diff_below(in, i, &diff, NULL) == LK_OK)
			check_diff(in, &diff);
	}
}

/* Values that the reference claims, so that it is looked into. */
static void claim(const struct lk_boot_reference *ref, struct lk_pcr_values *values)
{
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (ref->pcr[i].present)
			memcpy(values->value[i], ref->pcr[i].value, LK_REFERENCE_DIGEST);
}

static void run(struct lk_boot_diff_input *in, struct lk_bytes reference)
{
	struct lk_pcr_values signed_values = { .sel = { LK_ALG_SHA256, 0xffffff } };
	struct lk_pcr_values seen = signed_values;
	struct lk_pcr_replay r;

	lk_pcr_replay_init(&r, LK_ALG_SHA256);
	if (lk_event_log_replay(in->view.logs.firmware, &r, lk_crypto_hash, NULL) == LK_OK &&
	    lk_ima_log_replay(in->view.logs.ima, LK_IMA_OWN_HASH, &r, lk_crypto_hash, NULL) ==
		    LK_OK)
		seen = r.values;
	if (lk_log_explain(&in->view.logs, &seen, lk_crypto_hash, &in->view.explained, NULL) !=
	    LK_OK)
		return;
	in->remembered = lk_boot_reference_parse(reference, &in->reference);
	if (in->remembered)
		claim(&in->reference, &signed_values);
	compare(in, &signed_values);
	check_made(in, &seen);
}

/* The sizes of reference, firmware's log and kernel's, in 2 bytes each; these. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lk_reader r = lk_reader_init(data, size);
	size_t sizes[3];
	struct lk_bytes part[3];
	struct lk_boot_diff_input *in;

	for (unsigned int i = 0; i < 3; i++)
		sizes[i] = lk_read_le16(&r);
	for (unsigned int i = 0; i < 3; i++)
		part[i] = lk_read_bytes(&r, sizes[i]);
	if (r.failed)
		return 0;
	in = calloc(1, sizeof(*in));
	INVARIANT(in);
	in->hashes = 2000;
	in->view.hash = lk_crypto_hash;
	in->view.logs = (struct lk_logs){ part[1], part[2] };
	run(in, part[0]);
	free(in);
	return 0;
}
