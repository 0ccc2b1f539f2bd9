/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what one device of many will measure, by its record and the logs beside it. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/record.h"
#include "policy/fleet.h"
#include "policy/memo_hash.h"
#include "sys/crypto/crypto.h"
#include "sys/format/json.h"

#define SUFFIX ".json"
/* What the firmware measures of itself and of Secure Boot: not of what it boots. */
#define FIRMWARES (LK_FIRMWARE_PCRS | 1u << LK_PCR_SECURE_BOOT)

static uint32_t selected(const struct lk_fleet *f)
{
	return f->pf.pcrs.mask & ~(f->pf.latch == LK_NO_PCR ? 0 : 1u << f->pf.latch);
}

static unsigned int bank_index(const struct lk_fleet *f)
{
	return f->pf.pcrs.bank == lk_pcr_bank(0) ? 0 : 1;
}

void lk_fleet_logs_done(struct lk_fleet_logs *logs)
{
	lk_log_export_done(&logs->e);
}

static int read_export(const char *record, struct lk_log_export *ret, struct lk_err *err)
{
	size_t len = strlen(record) - strlen(SUFFIX);
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%.*s" LK_LOG_EXPORT_SUFFIX, (int)len, record) >=
	    (int)sizeof(path))
		return lk_err_set(err, LK_E_INPUT, 0, "%.80s...: the path is too long", record);
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return lk_err_set(
			err, LK_E_INPUT, ENOENT,
			"%s: its logs aren't there (%s): the device writes them with \"latchkey-provision log export\"",
			record, path);
	LK_TRY(lk_log_export_read(path, ret, err));
	ret->logs.names.firmware = ret->logs.names.ima = record;
	return lk_boot_logs_check(&ret->logs, err);
}

/* PCR 11 up to the phase that systemd had measured when the volume was opened. */
static int add_phases(const struct lk_fleet *f, const struct lk_logs *logs,
		      const struct lk_log_export *e, struct lk_pcr_values *then, struct lk_err *err)
{
	const struct lk_pcr_values *now = &e->logs.values.bank[bank_index(f)];
	struct lk_pcr_replay at = { .values = *then };
	struct lk_explanation why;
	unsigned int n = 0;

	LK_TRY(lk_log_explain(logs, now, lk_memo_hash, &why, err));
	if (f->args->phase) {
		while (strcmp(f->args->phase, "none") != 0 && lk_boot_phase(n) &&
		       strcmp(lk_boot_phase(n++), f->args->phase) != 0)
			;
	} else if (why.what[LK_PCR_KERNEL_IMAGE] == LK_EXPLAINED_WITH_PHASES) {
		if (!e->at_unlock)
			return lk_err_set(
				err, LK_E_REFUSED, 0,
				"can't be predicted: systemd has measured boot phases into PCR 11 since early boot, and the logs don't say which came before the unlock: --phase says it, or logs of a boot that a signed policy has opened");
		n = why.phases;
	}
	for (unsigned int i = 0; i < n; i++) {
		const char *word = lk_boot_phase(i);
		const struct lk_bytes text = { (const uint8_t *)word, strlen(word) };
		struct lk_digest digest;

		if (!lk_crypto_hash(then->sel.bank, &text, 1, &digest) ||
		    !lk_pcr_replay_extend(&at, LK_PCR_KERNEL_IMAGE,
					  (struct lk_bytes){ digest.data, digest.len },
					  lk_crypto_hash))
			return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	}
	*then = at.values;
	return LK_OK;
}

static int predict(const struct lk_fleet *f, struct lk_fleet_logs *l, struct lk_err *err)
{
	const struct lk_pcr_banks *banks = &l->e.logs.values;
	struct lk_pcr_values now[LK_PLAN_BANKS] = { banks->bank[0], banks->bank[1] };
	struct lk_pcr_values then[LK_PLAN_BANKS];
	unsigned int ours = bank_index(f);
	struct lk_prediction_input in = {
		.logs = lk_boot_logs_bytes(&l->e.logs),
		.plan = &l->plan,
		.values = { &now[0], &now[1] },
		.hash = lk_memo_hash,
		.sha1 = lk_crypto_sha1,
	};

	if (!now[ours].sel.mask)
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"the logs are without PCR values of bank %s, which the policy file has",
			lk_alg_name(f->pf.pcrs.bank));
	/* boot_aggregate may be of the other bank; nothing else of it counts. */
	if (!(selected(f) & 1u << LK_PCR_IMA)) {
		now[!ours].sel.mask = 0;
		now[ours].sel.mask &= ~(1u << LK_PCR_IMA);
		in.logs.ima = (struct lk_bytes){ NULL, 0 };
	}
	lk_log_plan_init(&l->plan, in.logs.firmware, lk_memo_hash);
	LK_TRY(lk_change_plan(&f->change, &l->plan, err));
	lk_change_tell(&f->change, &in);
	LK_TRY(lk_log_predict(&in, then, err));
	l->then = then[ours];
	if (selected(f) & l->then.sel.mask & 1u << LK_PCR_KERNEL_IMAGE)
		return add_phases(f, &in.logs, &l->e, &l->then, err);
	return LK_OK;
}

int lk_fleet_read_logs(const struct lk_fleet *f, const char *record, struct lk_fleet_logs *ret,
		       struct lk_err *err)
{
	int rc;

	LK_TRY(read_export(record, &ret->e, err));
	rc = predict(f, ret, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", record);
	return rc;
}

static uint32_t moved_since(const struct lk_json *record, const struct lk_pcr_values *now)
{
	const struct lk_json *bank =
		lk_json_get(lk_json_get(record, "pcrs"), lk_alg_name(now->sel.bank));
	uint32_t moved = 0;

	for (unsigned int i = 0; bank && i < LK_PCR_COUNT; i++) {
		uint8_t value[LK_DIGEST_MAX];
		char number[4];
		const char *text;
		size_t len = 0;

		(void)snprintf(number, sizeof(number), "%u", i);
		text = lk_json_get_text(bank, number);
		if (!(FIRMWARES & now->sel.mask & 1u << i) || !text)
			continue;
		if (!lk_hex_decode(text, strlen(text), value, sizeof(value), &len) ||
		    len != lk_alg_size(now->sel.bank) || memcmp(value, now->value[i], len) != 0)
			moved |= 1u << i;
	}
	return moved;
}

int lk_fleet_check_record(const char *path, const struct lk_fleet_logs *logs, uint32_t *ret_moved,
			  struct lk_err *err)
{
	LK_OWNED_BUF text = LK_BUF_NONE;
	LK_OWNED_JSON json = NULL;
	struct lk_record record;
	char id[LK_LOG_EXPORT_ID + 1];

	LK_TRY(lk_record_read(path, &record, err));
	lk_hex_encode(record.device, sizeof(record.device), id);
	if (strcmp(id, logs->e.device) != 0)
		return lk_err_set(
			err, LK_E_POLICY, 0,
			"%s: the logs beside it are of another device (device-id %.16s..., and the record's is %.16s...): files were mixed up, or its TPM was cleared or replaced since",
			path, logs->e.device, id);
	LK_TRY(lk_fs_read(path, LK_RECORD_MAX, &text, err));
	if (lk_json_parse((const char *)text.data, text.len, &json, NULL) != LK_OK)
		return LK_OK; /* YAML; its PCRs are left unread */
	*ret_moved = 0;
	for (unsigned int i = 0; i < LK_PCR_BANKS; i++)
		*ret_moved |= moved_since(json, &logs->e.logs.values.bank[i]);
	return LK_OK;
}

/* Why the logs don't give a PCR that is wanted. */
static int refuse_unknown(const struct lk_fleet *f, const char *record,
			  const struct lk_fleet_logs *l, uint32_t missing, struct lk_err *err)
{
	const struct lk_pcr_values *now = &l->e.logs.values.bank[bank_index(f)];
	char pcrs[LK_PCR_MASK_TEXT];
	const char *why = "something extends it that isn't in these logs";

	if (missing & 1u << LK_PCR_IMA && !l->e.logs.have_ima)
		why = "the device has sent no log of IMA";
	else if (missing & ~now->sel.mask)
		why = "the device has sent no value of it";
	lk_pcr_mask_format(missing, pcrs);
	return lk_err_set(err, LK_E_REFUSED, 0, "%s: PCR %s can't be predicted: %s", record, pcrs,
			  why);
}

static bool make_key(const struct lk_pcr_values *values, uint8_t ret[static 32])
{
	struct lk_bytes parts[LK_PCR_COUNT];
	struct lk_digest digest;
	size_t n = 0;

	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (values->sel.mask & 1u << i)
			parts[n++] = (struct lk_bytes){ values->value[i],
							lk_alg_size(values->sel.bank) };
	if (!lk_crypto_hash(LK_ALG_SHA256, parts, n, &digest))
		return false;
	memcpy(ret, digest.data, 32);
	return true;
}

static int take_values(const struct lk_fleet *f, const struct lk_fleet_logs *l,
		       struct lk_fleet_device *d, struct lk_err *err)
{
	uint32_t missing = selected(f) & ~l->then.sel.mask;

	if (missing)
		return refuse_unknown(f, d->path, l, missing, err);
	d->values = malloc(sizeof(*d->values));
	if (!d->values)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	*d->values = l->then;
	d->values->sel.mask = selected(f);
	if (!make_key(d->values, d->key))
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	return LK_OK;
}

int lk_fleet_predict_device(const struct lk_fleet *f, struct lk_fleet_device *d, struct lk_err *err)
{
	struct lk_fleet_logs l = { .e = LK_LOG_EXPORT_NONE };
	int rc = lk_fleet_read_logs(f, d->path, &l, err);

	if (rc == LK_OK)
		rc = lk_fleet_check_record(d->path, &l, &d->moved, err);
	if (rc == LK_OK)
		rc = take_values(f, &l, d, err);
	lk_fleet_logs_done(&l);
	return rc;
}
