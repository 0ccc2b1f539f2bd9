/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey policy predict: the PCR values of a boot after a change. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "core/bootlog/event_text.h"
#include "core/predict/log_predict.h"
#include "documents.h"
#include "policy/change.h"
#include "policy/fleet.h"
#include "sys/boot/boot_logs.h"
#include "sys/crypto/crypto.h"
#include "sys/format/json.h"

#define PREDICTED_PCRS 0xffffu
#define SHORT_DIGEST   8u

static void print_change(FILE *f, const struct lk_plan_change *c, const struct lk_event *event)
{
	struct lk_text_out words;

	if (!event) {
		fprintf(f, "PCR %-2u  new: %s: ", c->pcr, c->what);
		lk_print_hex(f, c->digest[0].data, SHORT_DIGEST);
		fprintf(f, "\n");
		return;
	}
	if (!c->removed && event->sha256.len &&
	    !memcmp(event->sha256.data, c->digest[0].data, event->sha256.len))
		return;
	lk_event_text(event, lk_crypto_hash, &words);
	fprintf(f, "PCR %-2u  event %u, %s", c->pcr, event->number, words.text);
	if (c->removed) {
		fprintf(f, ": is gone\n");
		return;
	}
	fprintf(f, ": becomes ");
	lk_print_hex(f, c->digest[0].data, SHORT_DIGEST);
	fprintf(f, "\n");
}

/* Events that are measured anew as they were. */
struct again {
	unsigned int n[LK_PCR_COUNT]; /* gone of that PCR so far */
	bool same[LK_PLAN_CHANGES_MAX];
};

/* The same place among what is new in that PCR has the same digest. */
static bool comes_again(const struct lk_log_plan *plan, const struct lk_event *event,
			struct again *again)
{
	unsigned int place = again->n[event->pcr]++;

	for (size_t i = 0; i < plan->n; i++) {
		const struct lk_plan_change *c = &plan->changes[i];

		if (c->event || c->pcr != event->pcr || place--)
			continue;
		again->same[i] = event->sha256.len &&
				 !memcmp(event->sha256.data, c->digest[0].data, event->sha256.len);
		return again->same[i];
	}
	return false;
}

/* In the log's order, and then what is new. */
static void print_plan(FILE *f, struct lk_log_plan *plan)
{
	struct lk_event_log log;
	struct lk_event event;
	struct again again = { .n = { 0 } };
	int rc = lk_event_log_open(plan->log.data, plan->log.len, &log, NULL);

	while (rc == LK_OK && lk_event_log_next(&log, &event, NULL) == LK_OK) {
		const struct lk_plan_change *c = lk_log_plan_find(plan, event.number);

		if (c && !(c->removed && comes_again(plan, &event, &again)))
			print_change(f, c, &event);
	}
	for (size_t i = 0; i < plan->n; i++)
		if (!plan->changes[i].event && !again.same[i])
			print_change(f, &plan->changes[i], NULL);
}

static void print_pcrs(FILE *f, const struct lk_pcr_values *now, const struct lk_pcr_values *then,
		       bool have_ima)
{
	char text[LK_PCR_MASK_TEXT];
	uint32_t mask = then->sel.mask & PREDICTED_PCRS;
	uint32_t left = now->sel.mask & PREDICTED_PCRS & ~mask;

	if (!mask)
		return;
	lk_pcr_mask_format(lk_pcr_differing(now, then, mask), text);
	fprintf(f, "bank %s: PCRs that change: %s\n", lk_alg_name(then->sel.bank),
		*text ? text : "none");
	lk_pcr_mask_format(left, text);
	if (*text)
		fprintf(f,
			"bank %s: left out, since something extends them that isn't in these logs: %s%s\n",
			lk_alg_name(then->sel.bank), text,
			!have_ima && left & 1u << LK_PCR_IMA
				? " (10: the IMA log would say it, --ima-log)"
				: "");
}

static int write_values(const struct lk_pcr_values *values, const struct lk_output *out,
			struct lk_err *err)
{
	LK_OWNED_JSON json = lk_json_object();
	LK_OWNED_BUF text = LK_BUF_NONE;

	if (!json)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	for (unsigned int i = 0; i < LK_PLAN_BANKS; i++) {
		uint32_t mask = values[i].sel.mask & PREDICTED_PCRS;
		struct lk_json *bank;

		if (!mask)
			continue;
		bank = lk_json_set_object(json, lk_alg_name(values[i].sel.bank));
		for (unsigned int pcr = 0; pcr < LK_PCR_COUNT; pcr++) {
			char number[4];

			(void)snprintf(number, sizeof(number), "%u", pcr);
			if (mask & 1u << pcr)
				lk_json_set_hex(bank, number, values[i].value[pcr],
						lk_alg_size(values[i].sel.bank));
		}
	}
	LK_TRY(lk_json_write(json, &text, err));
	return lk_write_output(out, lk_buf_bytes(&text), err);
}

static int predict(const struct lk_boot_change *c, const struct lk_boot_logs *files,
		   const struct lk_output *out, struct lk_err *err)
{
	FILE *f = strcmp(out->path, "-") == 0 ? stderr : stdout;
	struct lk_pcr_values then[LK_PLAN_BANKS];
	struct lk_log_plan plan;
	struct lk_prediction_input in = {
		.logs = lk_boot_logs_bytes(files),
		.plan = &plan,
		.values = { &files->values.bank[0], &files->values.bank[1] },
		.hash = lk_crypto_hash,
		.sha1 = lk_crypto_sha1,
	};

	lk_log_plan_init(&plan, in.logs.firmware, lk_crypto_hash);
	LK_TRY(lk_change_plan(c, &plan, err));
	lk_change_tell(c, &in);
	LK_TRY(lk_boot_logs_name(files, lk_log_predict(&in, then, err), err));
	LK_TRY(write_values(then, out, err));
	print_plan(f, &plan);
	if (c->args->firmware) {
		fputs("PCRs 0,1,2,3,6  as in ", f);
		lk_print_quoted(f, c->args->firmware, strlen(c->args->firmware));
		fputc('\n', f);
	}
	for (unsigned int i = 0; i < LK_PLAN_BANKS; i++)
		print_pcrs(f, in.values[i], &then[i], files->have_ima);
	/* SHA-256 is in every kernel with IMA. */
	if (plan.kernel && files->have_ima && in.values[1]->sel.mask)
		fprintf(f,
			"bank sha384: PCR 10 is right if the new kernel has SHA-384 when it begins, or hasn't it, as the one in the log\n");
	return LK_OK;
}

static int predict_one(const struct lk_boot_log_names *names, const struct lk_change_args *args,
		       const struct lk_output *out, struct lk_err *err)
{
	LK_OWNED_BOOT_LOGS files = LK_BOOT_LOGS_NONE;
	LK_OWNED_CHANGE change = LK_CHANGE_NONE;

	if (!names->firmware || !names->pcrs)
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"--log and --pcrs are needed: of the one machine; or --records and --policy: of many");
	LK_TRY(lk_boot_logs_read(names, &files, err));
	LK_TRY(lk_boot_logs_check(&files, err));
	LK_TRY(lk_change_load(args, &change, err));
	return predict(&change, &files, out, err);
}

static int run_policy_predict(int argc, char **argv, struct lk_err *err)
{
	struct lk_boot_log_names names = { NULL, NULL, NULL };
	struct lk_fleet_args fleet = { 0 };
	struct lk_output *out = &fleet.output;
	const struct lk_option options[] = {
		{ "log", 'l', false, "FILE", "the firmware's log now", &names.firmware, NULL },
		{ "pcrs", 'r', false, "FILE", "the PCR values now", &names.pcrs, NULL },
		{ "ima-log", 'i', false, "FILE", "the kernel's log now", &names.ima, NULL },
		LK_FLEET_OPTIONS(fleet),
		{ "policy", 'p', false, "FILE", "with --records: policy file of the devices",
		  &fleet.policy, NULL },
		LK_CHANGE_OPTIONS(fleet.change, 'k'),
		{ "output", 'o', true, "FILE", "what to write; with --records a folder", &out->path,
		  NULL },
		{ "force", 'f', false, NULL, "replace it", NULL, &out->force },
		LK_OPTIONS_END
	};
	int rc = lk_cli_parse(&lk_host_cli, &lk_cmd_policy_predict, options, argc, argv, err);

	if (rc != LK_OK)
		return rc;
	if (!lk_change_given(&fleet.change))
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"what changes? One of --uki, --kernel, --initrd, --cmdline, --db, --secure-boot and --firmware-log");
	LK_TRY(lk_change_check(&fleet.change, err));
	LK_TRY(lk_fleet_check(&fleet, err));
	if (!fleet.records)
		return predict_one(&names, &fleet.change, out, err);
	if (names.firmware || names.ima || names.pcrs)
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"--log, --ima-log and --pcrs are of one machine: none of these goes with --records");
	if (!fleet.policy)
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"--policy is needed: it says which PCRs the devices have to share");
	return lk_fleet_predict(&fleet, err);
}

const struct lk_cli_command lk_cmd_policy_predict = {
	.words = "policy predict",
	.operands = "",
	.summary = "Say which PCR values a boot will have after a change",
	.details = "The output is what policy sign takes as --pcr-values. With\n"
		   "--records: of NAME.json, a device's record, and NAME.logs beside\n"
		   "it, of latchkey-provision log export; a file for each group of\n"
		   "devices that will have the same values.\n",
	.min_operands = 0,
	.max_operands = 0,
	.run = run_policy_predict,
};
