/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey log show: what a boot has measured, in words, and whether that is all. */
#include "log/log_show.h"

#include <unistd.h> /* optind */

#include "command.h"
#include "sys/crypto/crypto.h"

/* Why a log can't be read further, with its name before it. */
static void set_end(int rc, const char *name, struct lk_err *end)
{
	if (rc != LK_OK && rc != LK_LOG_END)
		lk_err_prefix(end, "%.300s", name);
}

static void read_firmware(struct lk_shown_logs *shown)
{
	const struct lk_boot_logs *files = shown->files;
	struct lk_event_log at;
	struct lk_event event;
	int rc = lk_event_log_open_any(files->firmware.data, files->firmware.len, &shown->firmware,
				       &shown->firmware_end);

	if (rc == LK_OK) {
		shown->opened = true;
		shown->confidential = lk_event_log_is_confidential(&shown->firmware);
		at = shown->firmware;
		do
			rc = lk_event_log_next(&at, &event, &shown->firmware_end);
		while (rc == LK_OK);
		if (rc == LK_LOG_END)
			shown->padding = lk_event_log_padding(&at);
	}
	set_end(rc, files->names.firmware, &shown->firmware_end);
}

static void read_ima(struct lk_shown_logs *shown)
{
	const struct lk_boot_logs *files = shown->files;
	struct lk_ima_log log;
	struct lk_ima_entry entry;
	int rc = lk_ima_log_open(files->ima.data, files->ima.len, &log, &shown->ima_end);

	while (rc == LK_OK)
		rc = lk_ima_log_next(&log, &entry, &shown->ima_end);
	set_end(rc, files->names.ima, &shown->ima_end);
}

/* Banks that the firmware's log has; without one, either, as the kernel may extend both. */
static bool has_bank(const struct lk_shown_logs *shown, enum lk_alg bank)
{
	if (shown->files->firmware.data)
		return shown->opened && lk_event_log_has_bank(&shown->firmware, bank);
	return shown->files->have_ima;
}

static int explain(struct lk_shown_logs *shown, struct lk_err *err)
{
	static const struct lk_pcr_values none[LK_PCR_BANKS] = { { .sel = { LK_ALG_SHA256, 0 } },
								 { .sel = { LK_ALG_SHA384, 0 } } };
	struct lk_logs logs = lk_boot_logs_bytes(shown->files);

	for (unsigned int i = 0; i < LK_PCR_BANKS; i++) {
		struct lk_shown_bank *bank = &shown->banks[shown->n_banks];

		if (!has_bank(shown, lk_pcr_bank(i)))
			continue;
		bank->values = shown->confidential ? &none[i] : &shown->files->values.bank[i];
		LK_TRY(lk_log_explain_partly(&logs, bank->values, lk_crypto_hash,
					     &bank->explanation, err));
		shown->n_banks++;
	}
	return LK_OK;
}

/* A log that was compared with nothing explains nothing either. */
static bool is_contradicted(const struct lk_shown_logs *shown)
{
	uint32_t compared = 0;
	uint32_t bad = 0;

	for (unsigned int i = 0; i < shown->n_banks; i++) {
		compared |= shown->banks[i].values->sel.mask;
		bad |= lk_explanation_contradicted(&shown->banks[i].explanation);
	}
	return bad || !compared;
}

static int show_files(const struct lk_boot_logs *files, bool json, bool *ret_bad,
		      struct lk_err *err)
{
	struct lk_shown_logs shown = { .files = files };

	shown.have_values = files->values.bank[0].sel.mask | files->values.bank[1].sel.mask;
	if (files->firmware.data)
		read_firmware(&shown);
	if (files->have_ima)
		read_ima(&shown);
	LK_TRY(explain(&shown, err));
	*ret_bad = is_contradicted(&shown);
	if (json)
		LK_TRY(lk_log_show_json(&shown, err));
	else
		lk_log_show_text(&shown);
	if (shown.firmware_end.rc == LK_OK && shown.ima_end.rc == LK_OK)
		return LK_OK;
	*err = shown.firmware_end.rc != LK_OK ? shown.firmware_end : shown.ima_end;
	return (int)err->rc;
}

static int run_log_show(int argc, char **argv, struct lk_err *err)
{
	LK_OWNED_BOOT_LOGS files = LK_BOOT_LOGS_NONE;
	struct lk_boot_log_names names = { NULL, NULL, NULL };
	bool json = false, exit_code = false;
	bool bad = false;
	const struct lk_option options[] = {
		{ "ima-log", 'i', false, "FILE", "the kernel's, in binary; also by itself",
		  &names.ima, NULL },
		{ "pcrs", 'r', false, "FILE", "PCR values to compare with", &names.pcrs, NULL },
		{ "exit-code", 0, false, NULL, "20 where the log contradicts the PCRs", NULL,
		  &exit_code },
		{ "json", 'j', false, NULL, "JSON, for programs", NULL, &json },
		LK_OPTIONS_END
	};
	int rc = lk_cli_parse(&lk_host_cli, &lk_cmd_log_show, options, argc, argv, err);

	if (rc != LK_OK)
		return rc;
	names.firmware = argv[optind];
	if (exit_code && (names.firmware || names.ima) && !names.pcrs)
		return lk_err_set(err, LK_E_USAGE, 0,
				  "--exit-code compares: with LOG or --ima-log it needs --pcrs");
	if (names.ima && !names.firmware)
		LK_TRY(lk_boot_logs_read_ima(&names, &files, err));
	else
		LK_TRY(lk_boot_logs_read(&names, &files, err));
	LK_TRY(show_files(&files, json, &bad, err));
	return bad && exit_code ? LK_DIFFERENT : LK_OK;
}

const struct lk_cli_command lk_cmd_log_show = {
	.words = "log show",
	.operands = "[LOG]",
	.summary = "Show what a boot measured, and whether that explains the PCRs",
	.details = "Without LOG and --ima-log: the logs and PCRs of the device that this runs on.\n"
		   "With --ima-log alone: that log by itself.\n",
	.min_operands = 0,
	.max_operands = 1,
	.run = run_log_show,
};
