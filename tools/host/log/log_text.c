/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns log show in words. */
#include <stdio.h>
#include <string.h>

#include "core/bootlog/event_text.h"
#include "core/bootlog/event_type.h"
#include "documents.h"
#include "log/log_show.h"
#include "sys/crypto/crypto.h"
#include "sys/os/log.h"

#define SHORT_DIGEST 8u

static void print_digest(struct lk_bytes digest)
{
	size_t n = digest.len < SHORT_DIGEST ? digest.len : SHORT_DIGEST;

	lk_print_hex(stdout, digest.data, n);
	printf("%*s", (int)(2 * (SHORT_DIGEST - n)), "");
}

static struct lk_bytes shown_digest(const struct lk_event *event)
{
	if (event->sha256.len)
		return event->sha256;
	if (event->sha384.len)
		return event->sha384;
	return event->sha1.len ? event->sha1 : event->sha512;
}

static bool lacks(const struct lk_event *event, uint16_t alg)
{
	switch (alg) {
	case LK_ALG_SHA1:
		return !event->sha1.len;
	case LK_ALG_SHA256:
		return !event->sha256.len;
	case LK_ALG_SHA384:
		return !event->sha384.len;
	case 0x000d:
		return !event->sha512.len;
	default:
		return false;
	}
}

static void print_lacking(const struct lk_event_log *log, const struct lk_event *event)
{
	const char *before = ", without a digest of ";

	for (size_t i = 0; i < log->n_algs && event->type != LK_EV_NO_ACTION; i++) {
		if (!lacks(event, log->algs[i].id))
			continue;
		printf("%s%s", before, lk_event_alg_name(log->algs[i].id));
		before = ", ";
	}
}

static enum lk_words print_event(const struct lk_event *event, const struct lk_shown_logs *shown)
{
	const char *type = lk_event_type_name(event->type);
	enum lk_words is = lk_event_words(event, shown);
	struct lk_text_out words;
	char pcr[12] = "-";

	lk_event_text(event, lk_crypto_hash, &words);
	if (event->pcr < LK_PCR_COUNT)
		(void)snprintf(pcr, sizeof(pcr), "%u", event->pcr);
	printf("%4u %3s  ", event->number, pcr);
	print_digest(shown_digest(event));
	printf("  %-10s  %s", lk_words_name(is), words.text);
	print_lacking(&shown->firmware, event);
	if (type)
		printf(" [%s]\n", type);
	else
		printf(" [type 0x%08x]\n", event->type);
	return is;
}

/* @any: something of the log is shown. */
static void print_end(const struct lk_err *end, bool any)
{
	if (end->rc == LK_OK)
		return;
	lk_print_shown(stdout, end->msg);
	printf("%s\n", any ? "; what comes before it is shown" : "");
}

static void print_heading(const struct lk_shown_logs *shown)
{
	const struct lk_event_log *log = &shown->firmware;

	printf("firmware log%s, digests of", log->old ? " in the format before TPM 2.0" : "");
	for (size_t i = 0; i < log->n_algs; i++) {
		const char *name = lk_event_alg_name(log->algs[i].id);

		printf(" 0x%04x", log->algs[i].id);
		if (name)
			printf(" (%s)", name);
	}
	putchar('\n');
	if (log->old)
		printf("SHA-1 alone: such a log explains no PCR of the bank sha256 or sha384\n");
	if (shown->confidential)
		printf("This is no TPM's log but that of a confidential machine (CCEL): what it lists was extended into registers of the processor, index 1 to 4 into RTMR 0 to 3, and it explains no PCR\n");
	printf("   # %s  digest            words       what\n",
	       shown->confidential ? "idx" : "PCR");
}

static void print_firmware(const struct lk_shown_logs *shown, bool seen[static LK_WORDS_COUNT])
{
	struct lk_event_log log = shown->firmware;
	struct lk_event event;

	print_heading(shown);
	while (lk_event_log_next(&log, &event, NULL) == LK_OK)
		seen[print_event(&event, shown)] = true;
	if (shown->padding)
		printf("then %zu bytes of padding (0x%02x)\n", shown->padding, *log.rest.data);
}

static bool print_ima(const struct lk_shown_logs *shown, bool seen[static LK_WORDS_COUNT])
{
	const struct lk_buf *ima = &shown->files->ima;
	struct lk_ima_log log;
	struct lk_ima_entry entry;
	struct lk_text_out words;

	if (lk_ima_log_open(ima->data, ima->len, &log, NULL) != LK_OK)
		return false;
	printf("%sIMA log\n   # PCR  digest            words       what\n",
	       shown->opened ? "\n" : "");
	while (lk_ima_log_next(&log, &entry, NULL) == LK_OK) {
		enum lk_words is = lk_entry_words(&entry, shown);

		seen[is] = true;
		lk_ima_entry_text(&entry, &words);
		printf("%4u %3u  ", entry.number, entry.pcr);
		print_digest(entry.digest);
		printf("  %-10s  %s%s\n", lk_words_name(is), words.text,
		       lk_ima_entry_is_whole(&entry, lk_crypto_hash)
			       ? ""
			       : "; its SHA-1 in the log is NOT that of these data");
	}
	return true;
}

static void print_legend(const bool seen[static LK_WORDS_COUNT])
{
	static const char *const told[LK_WORDS_COUNT] = {
		[LK_WORDS_VALUE] =
			"the digest is of the value, and the name before it isn't measured",
		[LK_WORDS_UNPROVEN] =
			"the words fit their digest, and no PCR value proves that one: another was extended, or it came later",
		[LK_WORDS_UNMEASURED] =
			"nothing was extended for them, or the digest is of something else that they only tell of: nothing vouches for the words",
		[LK_WORDS_ALTERED] =
			"the digest is of other data than the log has: they were changed, and nothing is to be believed of them",
	};
	const char *before = "\n";

	for (unsigned int i = 0; i < LK_WORDS_COUNT; i++) {
		if (!seen[i] || !told[i])
			continue;
		printf("%s%s: %s\n", before, lk_words_name((enum lk_words)i), told[i]);
		before = "";
	}
}

static void print_both(const char *what, const struct lk_shown_bank *bank, unsigned int pcr)
{
	const struct lk_explanation *e = &bank->explanation;
	size_t size = lk_alg_size(e->pcrs.values.sel.bank);

	printf("%s: the log gives ", what);
	lk_print_hex(stdout, e->pcrs.values.value[pcr], size);
	printf(", the TPM has ");
	lk_print_hex(stdout, bank->values->value[pcr], size);
}

static void print_altered(const struct lk_explanation *e, unsigned int pcr)
{
	if (e->altered[pcr])
		printf("NOT explained: the digests give the value, and the data of event %u aren't what was measured",
		       e->altered[pcr]);
	else
		printf("NOT explained: the log's SHA-1 digests give the value, and that of entry %u isn't of its data",
		       e->altered_entry[pcr]);
}

static void print_pcr(const struct lk_shown_bank *bank, unsigned int pcr, bool have_ima)
{
	const struct lk_explanation *e = &bank->explanation;

	printf("PCR %-2u  ", pcr);
	switch (e->what[pcr]) {
	case LK_EXPLAINED:
		printf("explained");
		break;
	case LK_EXPLAINED_WITH_PHASES:
		printf("explained, with systemd's phases up to %s", lk_boot_phase(e->phases - 1));
		break;
	case LK_EXPLAINED_BY_BEGINNING:
		printf("explained by the first %u of %u entries: more was measured after it was read",
		       e->beginning, e->n_entries);
		break;
	case LK_UNEXPLAINED_NO_EVENT:
		printf("extended, and these logs have no event of it%s",
		       pcr == 10 && !have_ima ? ": the IMA log would (--ima-log)" : "");
		break;
	case LK_UNEXPLAINED:
		print_both("NOT explained", bank, pcr);
		break;
	case LK_UNEXPLAINED_ALTERED:
		print_altered(e, pcr);
		break;
	case LK_UNEXPLAINED_INCOMPLETE:
		print_both("NOT explained, and events of it have no digest of this bank", bank,
			   pcr);
		break;
	case LK_EXPLAINED_UNTOUCHED:
	case LK_UNEXPLAINED_NO_VALUE:
	default:
		break;
	}
	printf("  (%s)\n", lk_pcr_meaning(pcr));
}

static void print_aggregate(enum lk_aggregate what, bool have_firmware)
{
	const char *of = have_firmware ? "the firmware log" : "the PCRs";

	switch (what) {
	case LK_AGGREGATE_RIGHT:
		printf("boot_aggregate is that of %s\n", of);
		break;
	case LK_AGGREGATE_RIGHT_OLD:
		printf("boot_aggregate is that of %s, without PCRs 8 and 9: a kernel before 5.8\n",
		       of);
		break;
	case LK_AGGREGATE_WRONG:
		printf("boot_aggregate is NOT that of %s\n", of);
		break;
	case LK_AGGREGATE_NONE:
	case LK_AGGREGATE_OTHER_BANK:
	default:
		break;
	}
}

/* Of a bank that events lack digests of. */
static void print_missing(const struct lk_explanation *e)
{
	uint32_t pcrs = 0;
	unsigned int n = 0;
	char text[LK_PCR_MASK_TEXT];

	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		n += e->missing[i];
		pcrs |= e->missing[i] ? 1u << i : 0;
	}
	if (!n)
		return;
	lk_pcr_mask_format(pcrs, text);
	printf("bank %s is incomplete: %u event%s no digest of it, the first %u, of PCR%s %s\n",
	       lk_alg_name(e->pcrs.values.sel.bank), n, n == 1 ? " has" : "s have",
	       e->first_missing, pcrs & (pcrs - 1) ? "s" : "", text);
}

static void print_bank(const struct lk_shown_bank *bank, const struct lk_boot_logs *files)
{
	const struct lk_explanation *e = &bank->explanation;

	if (!bank->values->sel.mask)
		return;
	printf("\nbank %s\n", lk_alg_name(e->pcrs.values.sel.bank));
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (e->what[i] != LK_UNEXPLAINED_NO_VALUE && e->what[i] != LK_EXPLAINED_UNTOUCHED)
			print_pcr(bank, i, files->have_ima);
	print_aggregate(e->aggregate, files->firmware.data);
	if (e->ima_pcrs && e->how == LK_IMA_PADDED_SHA1)
		printf("the kernel extends SHA-1 digests into this bank, with zeros after them\n");
}

static void print_registers(const struct lk_shown_logs *shown)
{
	printf("\nregisters that the log gives\n");
	for (unsigned int i = 0; i < shown->n_banks; i++) {
		const struct lk_pcr_replay *r = &shown->banks[i].explanation.pcrs;

		for (unsigned int index = 1; index <= 4; index++) {
			printf("RTMR %u  %s ", index - 1, lk_alg_name(r->values.sel.bank));
			lk_print_hex(stdout, r->values.value[index],
				     lk_alg_size(r->values.sel.bank));
			putchar('\n');
		}
	}
}

void lk_log_show_text(const struct lk_shown_logs *shown)
{
	bool seen[LK_WORDS_COUNT] = { false };
	bool any = false;

	if (shown->opened)
		print_firmware(shown, seen);
	print_end(&shown->firmware_end, shown->opened);
	if (shown->files->have_ima)
		any = print_ima(shown, seen);
	print_end(&shown->ima_end, any);
	print_legend(seen);
	if (shown->confidential) {
		print_registers(shown);
		return;
	}
	for (unsigned int i = 0; i < shown->n_banks; i++)
		print_missing(&shown->banks[i].explanation);
	for (unsigned int i = 0; i < shown->n_banks; i++)
		print_bank(&shown->banks[i], shown->files);
	if (!shown->have_values)
		printf("\nno PCR values to compare with, so nothing proves these digests: --pcrs FILE\n");
}
