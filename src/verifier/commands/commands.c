/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the commands that show and change devices: devices, show, explain, retire, learn. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "verifier/device/history.h"
#include "sys/os/log.h"
#include "verifier/verifier.h"
#include "verifier/device/words.h"
#include "verifier/flavor/flavor.h"

#define ALL	     INT64_MAX
#define LEARNED_PCRS 0xffu /* firmware and boot loader; what is above them moves with use */

static int print_json(const struct lk_json *json, struct lk_err *err)
{
	LK_OWNED_BUF text = LK_BUF_NONE;

	LK_TRY(lk_json_write(json, &text, err));
	(void)fwrite(text.data, 1, text.len, stdout);
	return LK_OK;
}

static void print_device(const struct lk_vf_device *d)
{
	char seen[LK_VF_TIME_TEXT];

	printf("%-10s  %.16s  %-23s  ", d->held ? "held" : lk_vf_verdict_word(d->verdict), d->id,
	       lk_vf_time(d->seen, seen));
	lk_print_shown(stdout, d->name);
	putchar('\n');
}

static int list_text(void *ctx, const struct lk_vf_device *d, struct lk_err *err)
{
	(void)ctx;
	(void)err;
	print_device(d);
	return LK_OK;
}

static int list_json(void *ctx, const struct lk_vf_device *d, struct lk_err *err)
{
	(void)err;
	lk_vf_device_json(d, lk_json_add_object(ctx));
	return LK_OK;
}

int lk_vf_devices(const struct lk_vf_options *o, struct lk_err *err)
{
	const struct lk_vf_filter all = { .text = "", .verdict = LK_VF_ANY_VERDICT, .limit = ALL };
	struct lk_vf_settings settings;
	LK_OWNED_STORE store = NULL;
	LK_OWNED_JSON json = lk_json_object();

	if (!json)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory for the list");
	LK_TRY(lk_vf_open(o, &settings, &store, err));
	if (!o->json)
		return lk_vf_device_list(store, &all, list_text, NULL, err);
	LK_TRY(lk_vf_device_list(store, &all, list_json, lk_json_set_array(json, "devices"), err));
	return print_json(json, err);
}

/* A list that is empty says so. */
static void print_title(const char *title, const struct lk_json *whole, const char *key)
{
	printf("%s:%s\n", title, lk_json_count(lk_json_get(whole, key)) ? "" : " none yet");
}

static void print_reasons(const struct lk_json *whole, bool bad_alone)
{
	const struct lk_json *list = lk_json_get(whole, "reasons");

	for (size_t i = 0; i < lk_json_count(list); i++) {
		const struct lk_json *r = lk_json_at(list, i);
		const char *verdict = lk_json_get_text(r, "verdict");
		const char *part = lk_json_get_text(r, "part");
		const char *text = lk_json_get_text(r, "text");

		if (!verdict || !part || !text || (bad_alone && strcmp(verdict, "trusted") == 0))
			continue;
		printf("  %-9s  %-8s  ", verdict, part);
		lk_print_shown(stdout, text);
		putchar('\n');
	}
}

static void print_history(const struct lk_json *whole)
{
	const struct lk_json *list = lk_json_get(whole, "attestations");

	for (size_t i = 0; i < lk_json_count(list) && i < 20; i++) {
		const struct lk_json *a = lk_json_at(list, i);
		uint64_t boot = 0;

		(void)lk_json_get_uint(a, "boot", &boot);
		printf("  %s  boot %" PRIu64 "  %s\n", lk_json_get_text(a, "time"), boot,
		       lk_json_get_text(a, "verdict"));
	}
}

static int open_device(const struct lk_vf_options *o, struct lk_store **ret,
		       struct lk_vf_device *ret_device, struct lk_json *whole, struct lk_err *err)
{
	struct lk_vf_settings settings;

	LK_TRY(lk_vf_open(o, &settings, ret, err));
	LK_TRY(lk_vf_device_find(*ret, o->operands[0], ret_device, err));
	return lk_vf_device_json_whole(*ret, ret_device, whole, err);
}

int lk_vf_show(const struct lk_vf_options *o, struct lk_err *err)
{
	LK_OWNED_STORE store = NULL;
	LK_OWNED_JSON whole = lk_json_object();
	struct lk_vf_device d;
	char text[LK_VF_TIME_TEXT];

	if (!whole)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory for the device");
	LK_TRY(open_device(o, &store, &d, whole, err));
	if (o->json)
		return print_json(whole, err);
	printf("name:      ");
	lk_print_shown(stdout, d.name);
	printf("\nidentity:  %s\nflavor:    ", d.id);
	lk_print_shown(stdout, d.flavor);
	printf("\nrecord:    %s", d.proof & LK_VF_PROOF_RECORD
					  ? "signed by its attestation key"
					  : "not proven: nothing but its import vouches for it");
	printf("\nkeys:      %s, %s",
	       d.proof & LK_VF_PROOF_CERTIFICATE
		       ? "the TPM's maker vouches for its endorsement key"
		       : "no certificate of the endorsement key was checked",
	       d.proof & LK_VF_PROOF_ENROLLED ? "enrolled: both are in one TPM" : "not enrolled");
	if (d.held)
		printf("\nheld:      until \"latchkey-verifier approve\" lets it attest");
	printf("\nimported:  %s\n", lk_vf_time(d.imported, text));
	if (d.retired)
		printf("retired:   %s\n", lk_vf_time(d.retired, text));
	printf("seen:      %s\n", lk_vf_time(d.seen, text));
	printf("verdict:   %s", lk_vf_verdict_word(d.verdict));
	if (d.changed)
		printf(", since %s", lk_vf_time(d.changed, text));
	putchar('\n');
	print_title("reasons", whole, "reasons");
	print_reasons(whole, false);
	print_title("attestations", whole, "attestations");
	print_history(whole);
	return LK_OK;
}

int lk_vf_explain(const struct lk_vf_options *o, struct lk_err *err)
{
	LK_OWNED_STORE store = NULL;
	LK_OWNED_JSON whole = lk_json_object();
	struct lk_vf_device d;
	char text[LK_VF_TIME_TEXT], shown[LK_TEXT_SHOWN_MAX + 4];

	if (!whole)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory for the device");
	LK_TRY(open_device(o, &store, &d, whole, err));
	if (d.retired) {
		lk_print_shown(stdout, d.name);
		printf(": retired since %s: nothing is taken from it; importing its record takes it back\n",
		       lk_vf_time(d.retired, text));
	}
	if (d.verdict == LK_VF_NO_VERDICT)
		return lk_err_set(err, LK_E_UNKNOWN, 0, "device %s has never attested",
				  lk_text_show(d.name, shown));
	lk_print_shown(stdout, d.name);
	printf(": %s since %s\n", lk_vf_verdict_word(d.verdict), lk_vf_time(d.changed, text));
	print_reasons(whole, d.verdict != LK_VERDICT_TRUSTED);
	return lk_vf_say_flavor(store, d.flavor, err);
}

/* One device, changed in a transaction. */
static int change_device(const struct lk_vf_options *o,
			 int (*change)(struct lk_store *s, const struct lk_vf_device *d,
				       struct lk_err *err),
			 struct lk_err *err)
{
	struct lk_vf_settings settings;
	LK_OWNED_STORE store = NULL;
	struct lk_vf_device d;
	int rc;

	LK_TRY(lk_vf_open(o, &settings, &store, err));
	LK_TRY(lk_vf_device_find(store, o->operands[0], &d, err));
	LK_TRY(lk_store_begin(store, err));
	rc = change(store, &d, err);
	if (rc == LK_OK)
		return lk_store_commit(store, err);
	lk_store_rollback(store);
	return rc;
}

static int retire(struct lk_store *s, const struct lk_vf_device *d, struct lk_err *err)
{
	return lk_vf_device_retire(s, d->number, lk_vf_now(), err);
}

int lk_vf_retire(const struct lk_vf_options *o, struct lk_err *err)
{
	return change_device(o, retire, err);
}

static int approve(struct lk_store *s, const struct lk_vf_device *d, struct lk_err *err)
{
	return d->held ? lk_vf_device_approve(s, d->number, err) : LK_OK;
}

int lk_vf_approve(const struct lk_vf_options *o, struct lk_err *err)
{
	return change_device(o, approve, err);
}

/* The values that the device's last quote has proven, as a flavor's document. */
static void write_learned(const struct lk_vf_device *d, char *out, size_t cap)
{
	const struct lk_pcr_values *v = &d->state.values;
	size_t size = lk_alg_size(v->sel.bank);
	int n = snprintf(out, cap, "latchkey-flavor: 1\nequals:\n  bank: %s\n  values:\n",
			 lk_alg_name(v->sel.bank));

	for (unsigned int pcr = 0; pcr < LK_PCR_COUNT; pcr++) {
		char hex[2 * LK_DIGEST_MAX + 1];

		if (!(v->sel.mask & LEARNED_PCRS & 1u << pcr))
			continue;
		lk_hex_encode(v->value[pcr], size, hex);
		n += snprintf(out + n, cap - (size_t)n, "    %u: \"%s\"\n", pcr, hex);
	}
}

static int put_learned(struct lk_store *store, const struct lk_vf_device *d, const char *name,
		       struct lk_err *err)
{
	static const char sql[] = "UPDATE devices SET flavor = $1 WHERE number = $2";
	const struct lk_value args[] = { lk_value_text(name), lk_value_int(d->number) };
	LK_OWNED_VF_FLAVOR f = { .latch = LK_PCR_NONE };

	f.text = calloc(1, 4096);
	if (!f.text)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory for a flavor");
	write_learned(d, f.text, 4096);
	LK_TRY(lk_vf_flavor_put(store, name, &f, lk_vf_now(), err));
	return lk_store_run(store, &(struct lk_query){ sql, 2, args, NULL, NULL }, NULL, err);
}

int lk_vf_learn(const struct lk_vf_options *o, struct lk_err *err)
{
	struct lk_vf_settings settings;
	LK_OWNED_STORE store = NULL;
	struct lk_vf_device d;
	char name[LK_VF_NAME_MAX];
	int rc;

	LK_TRY(lk_vf_open(o, &settings, &store, err));
	LK_TRY(lk_vf_device_find(store, o->operands[0], &d, err));
	if (d.retired)
		return lk_err_set(
			err, LK_E_REFUSED, 0,
			"this device was retired, and nothing is taken from it; importing its record takes it back");
	if (!(d.state.values.sel.mask & LEARNED_PCRS))
		return lk_err_set(err, LK_E_UNKNOWN, 0,
				  "this device has never attested: there is nothing to learn from");
	(void)snprintf(name, sizeof(name), "learned-%.16s", d.id);
	LK_TRY(lk_store_begin(store, err));
	rc = put_learned(store, &d, name, err);
	if (rc == LK_OK)
		rc = lk_store_commit(store, err);
	else
		lk_store_rollback(store);
	if (rc != LK_OK)
		return rc;
	printf("flavor %s: PCRs 0 to 7 as the device's last quote has proven them; the device has it from its next attestation on\n",
	       name);
	return LK_OK;
}
