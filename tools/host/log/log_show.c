/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey log show: what a boot has measured, in words, and whether that is all. */
#include "log/log_show.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h> /* optind */

#include "command.h"
#include "core/bootlog/event_text.h"
#include "documents.h"
#include "sys/crypto/crypto.h"

#define SHORT_DIGEST 8u

static void print_digest(struct lk_bytes digest)
{
	size_t n = digest.len < SHORT_DIGEST ? digest.len : SHORT_DIGEST;

	lk_print_hex(stdout, digest.data, n);
	printf("%*s", (int)(2 * (SHORT_DIGEST - n)), "");
}

static void print_event(const struct lk_event *event)
{
	const char *type = lk_event_type_name(event->type);
	struct lk_text_out words;
	char pcr[12] = "-";

	lk_event_text(event, lk_crypto_hash, &words);
	if (event->pcr < LK_PCR_COUNT)
		(void)snprintf(pcr, sizeof(pcr), "%u", event->pcr);
	printf("%4u %3s  ", event->number, pcr);
	print_digest(event->sha256.len ? event->sha256 : event->sha384);
	printf("  %s [", words.text);
	if (type)
		printf("%s]\n", type);
	else
		printf("type 0x%08x]\n", event->type);
}

static int print_firmware(const struct lk_boot_logs *files, struct lk_err *err)
{
	struct lk_event_log log;
	struct lk_event event;
	int rc = lk_event_log_open(files->firmware.data, files->firmware.len, &log, err);

	if (rc != LK_OK)
		return rc;
	printf("firmware log, digests of");
	for (size_t i = 0; i < log.n_algs; i++)
		printf(" 0x%04x%s", log.algs[i].id,
		       log.algs[i].id == 0x0004		 ? " (sha1)"
		       : log.algs[i].id == LK_ALG_SHA256 ? " (sha256)"
		       : log.algs[i].id == LK_ALG_SHA384 ? " (sha384)"
		       : log.algs[i].id == 0x000d	 ? " (sha512)"
							 : "");
	printf("\n   # PCR  digest            what\n");
	while (lk_event_log_next(&log, &event, err) == LK_OK)
		print_event(&event);
	return LK_OK;
}

static int print_ima(const struct lk_boot_logs *files, struct lk_err *err)
{
	struct lk_ima_log log;
	struct lk_ima_entry entry;
	struct lk_text_out words;
	int rc = lk_ima_log_open(files->ima.data, files->ima.len, &log, err);

	if (rc != LK_OK)
		return rc;
	printf("\nIMA log\n   # PCR  digest            what\n");
	while (lk_ima_log_next(&log, &entry, err) == LK_OK) {
		lk_ima_entry_text(&entry, &words);
		printf("%4u %3u  ", entry.number, entry.pcr);
		print_digest(entry.digest);
		printf("  %s\n", words.text);
	}
	return LK_OK;
}

static void print_unexplained(const struct lk_shown_bank *bank, unsigned int pcr)
{
	const struct lk_explanation *e = &bank->explanation;
	size_t size = lk_alg_size(e->pcrs.values.sel.bank);

	printf("NOT explained: the log gives ");
	lk_print_hex(stdout, e->pcrs.values.value[pcr], size);
	printf(", the TPM has ");
	lk_print_hex(stdout, bank->values->value[pcr], size);
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
		print_unexplained(bank, pcr);
		break;
	case LK_EXPLAINED_UNTOUCHED:
	case LK_UNEXPLAINED_NO_VALUE:
	default:
		break;
	}
	printf("  (%s)\n", lk_pcr_meaning(pcr));
}

static void print_aggregate(enum lk_aggregate what)
{
	switch (what) {
	case LK_AGGREGATE_RIGHT:
		printf("boot_aggregate is that of the firmware log\n");
		break;
	case LK_AGGREGATE_RIGHT_OLD:
		printf("boot_aggregate is that of the firmware log, without PCRs 8 and 9: a kernel before 5.8\n");
		break;
	case LK_AGGREGATE_WRONG:
		printf("boot_aggregate is NOT that of the firmware log\n");
		break;
	case LK_AGGREGATE_NONE:
	case LK_AGGREGATE_OTHER_BANK:
	default:
		break;
	}
}

static void print_bank(const struct lk_shown_bank *bank, bool have_ima)
{
	const struct lk_explanation *e = &bank->explanation;
	enum lk_alg alg = e->pcrs.values.sel.bank;

	if (!bank->values->sel.mask)
		return;
	printf("\nbank %s\n", lk_alg_name(alg));
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (e->what[i] != LK_UNEXPLAINED_NO_VALUE && e->what[i] != LK_EXPLAINED_UNTOUCHED)
			print_pcr(bank, i, have_ima);
	print_aggregate(e->aggregate);
	if (e->ima_pcrs && e->how == LK_IMA_PADDED_SHA1)
		printf("the kernel extends SHA-1 digests into this bank, with zeros after them\n");
}

/* The banks that both the log and, where there are values, these have. */
static int explain(const struct lk_boot_logs *files, struct lk_shown_bank *banks,
		   unsigned int *ret_n, struct lk_err *err)
{
	struct lk_logs logs = lk_boot_logs_bytes(files);
	struct lk_event_log log;
	unsigned int n = 0;

	LK_TRY(lk_event_log_open(logs.firmware.data, logs.firmware.len, &log, err));
	for (unsigned int i = 0; i < LK_PCR_BANKS; i++) {
		if (!lk_event_log_has_bank(&log, lk_pcr_bank(i)))
			continue;
		banks[n].values = &files->values.bank[i];
		LK_TRY(lk_log_explain(&logs, banks[n].values, lk_crypto_hash, &banks[n].explanation,
				      err));
		n++;
	}
	*ret_n = n;
	return LK_OK;
}

static int show(const struct lk_boot_logs *files, const struct lk_shown_bank *banks, unsigned int n,
		struct lk_err *err)
{
	LK_TRY(print_firmware(files, err));
	if (files->have_ima)
		LK_TRY(print_ima(files, err));
	for (unsigned int i = 0; i < n; i++)
		print_bank(&banks[i], files->have_ima);
	if (!(files->values.bank[0].sel.mask | files->values.bank[1].sel.mask))
		printf("\nno PCR values to compare with: --pcrs FILE\n");
	return LK_OK;
}

static int show_files(const struct lk_boot_logs *files, bool json, uint32_t *ret_bad,
		      struct lk_err *err)
{
	struct lk_shown_bank banks[LK_PCR_BANKS] = { 0 };
	unsigned int n = 0;

	LK_TRY(lk_boot_logs_check(files, err));
	LK_TRY(explain(files, banks, &n, err));
	*ret_bad = 0;
	for (unsigned int i = 0; i < n; i++)
		*ret_bad |= lk_explanation_contradicted(&banks[i].explanation);
	return json ? lk_log_show_json(files, banks, n, err) : show(files, banks, n, err);
}

static int run(int argc, char **argv, struct lk_err *err)
{
	LK_OWNED_BOOT_LOGS files = LK_BOOT_LOGS_NONE;
	struct lk_boot_log_names names = { NULL, NULL, NULL };
	bool json = false, exit_code = false;
	uint32_t bad = 0;
	const struct lk_option options[] = {
		{ "ima-log", 'i', false, "FILE", "the kernel's, in binary", &names.ima, NULL },
		{ "pcrs", 'r', false, "FILE", "PCR values to compare with", &names.pcrs, NULL },
		{ "exit-code", 0, false, NULL, "20 where the log contradicts the PCRs", NULL,
		  &exit_code },
		{ "json", 'j', false, NULL, "JSON, for programs", NULL, &json },
		LK_OPTIONS_END
	};
	int rc = lk_command_parse(&lk_cmd_log_show, options, argc, argv, err);

	if (rc != LK_OK)
		return rc;
	names.firmware = argv[optind];
	if (exit_code && names.firmware && !names.pcrs)
		return lk_err_set(err, LK_E_USAGE, 0,
				  "--exit-code compares: with LOG it needs --pcrs");
	LK_TRY(lk_boot_logs_read(&names, &files, err));
	LK_TRY(show_files(&files, json, &bad, err));
	return bad && exit_code ? LK_DIFFERENT : LK_OK;
}

const struct lk_command lk_cmd_log_show = {
	.words = "log show",
	.operands = "[LOG]",
	.summary = "Show what a boot measured, and whether that explains the PCRs",
	.details = "Without LOG: the logs and PCRs of the device that this runs on.\n",
	.min_operands = 0,
	.max_operands = 1,
	.run = run,
};
