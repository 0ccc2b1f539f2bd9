/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns writing and reading the file in which a device sends the logs of a boot. */
#include "sys/boot/log_export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/format/json.h"

#define KIND   "latchkey-logs"
#define DEVICE "device-id"
#define MOMENT "moment"
#define UNLOCK "unlock"
#define NOW    "now"
#define PCRS   "pcrs"
#define LOG    "firmware-log"
#define IMA    "ima-log"

void lk_log_export_done(struct lk_log_export *e)
{
	lk_boot_logs_done(&e->logs);
}

static void set_values(struct lk_json *pcrs, const struct lk_pcr_values *values)
{
	struct lk_json *bank;

	if (!values->sel.mask)
		return;
	bank = lk_json_set_object(pcrs, lk_alg_name(values->sel.bank));
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		char number[4];

		(void)snprintf(number, sizeof(number), "%u", i);
		if (values->sel.mask & 1u << i)
			lk_json_set_hex(bank, number, values->value[i],
					lk_alg_size(values->sel.bank));
	}
}

static int set_log(struct lk_json *json, const char *key, const struct lk_buf *log,
		   struct lk_err *err)
{
	char *text = malloc(LK_BASE64_SIZE(log->len) + 1);

	if (!text)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	lk_base64_encode(log->data, log->len, text);
	text[LK_BASE64_SIZE(log->len)] = '\0';
	lk_json_set_text(json, key, text);
	free(text);
	return LK_OK;
}

int lk_log_export_write(const struct lk_log_export *e, struct lk_buf *ret, struct lk_err *err)
{
	LK_OWNED_JSON json = lk_json_object();
	struct lk_json *pcrs;

	if (!json)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	if (e->logs.firmware.len > LK_LOG_EXPORT_FIRMWARE_MAX)
		return lk_err_set(err, LK_E_REFUSED, 0,
				  "the firmware's log has %zu bytes, and at most %u are sent",
				  e->logs.firmware.len, LK_LOG_EXPORT_FIRMWARE_MAX);
	if (e->logs.ima.len > LK_LOG_EXPORT_IMA_MAX)
		return lk_err_set(
			err, LK_E_REFUSED, 0,
			"the kernel's log has %zu bytes up to the moment that counts, and at most %u are sent",
			e->logs.ima.len, LK_LOG_EXPORT_IMA_MAX);
	lk_json_set_uint(json, KIND, 1);
	lk_json_set_text(json, DEVICE, e->device);
	lk_json_set_text(json, MOMENT, e->at_unlock ? UNLOCK : NOW);
	pcrs = lk_json_set_object(json, PCRS);
	for (unsigned int i = 0; i < LK_PCR_BANKS; i++)
		set_values(pcrs, &e->logs.values.bank[i]);
	LK_TRY(set_log(json, LOG, &e->logs.firmware, err));
	if (e->logs.have_ima)
		LK_TRY(set_log(json, IMA, &e->logs.ima, err));
	return lk_json_write(json, ret, err);
}

static int malformed(struct lk_err *err, const char *key)
{
	return lk_err_set(err, LK_E_INPUT, 0, "%s: missing or malformed", key);
}

static int get_device(const struct lk_json *json, char ret[static LK_LOG_EXPORT_ID + 1],
		      struct lk_err *err)
{
	const char *text = lk_json_get_text(json, DEVICE);
	uint8_t id[LK_LOG_EXPORT_ID / 2];
	size_t len = 0;

	if (!text || !lk_hex_decode(text, strlen(text), id, sizeof(id), &len) || len != sizeof(id))
		return malformed(err, DEVICE);
	lk_hex_encode(id, len, ret);
	return LK_OK;
}

static int get_moment(const struct lk_json *json, bool *ret_at_unlock, struct lk_err *err)
{
	const char *text = lk_json_get_text(json, MOMENT);

	if (!text || (strcmp(text, UNLOCK) != 0 && strcmp(text, NOW) != 0))
		return malformed(err, MOMENT);
	*ret_at_unlock = strcmp(text, UNLOCK) == 0;
	return LK_OK;
}

static int get_values(const struct lk_json *bank, struct lk_pcr_values *ret, struct lk_err *err)
{
	size_t size = lk_alg_size(ret->sel.bank);

	for (unsigned int i = 0; bank && i < LK_PCR_COUNT; i++) {
		char number[4];
		const char *text;
		size_t len = 0;

		(void)snprintf(number, sizeof(number), "%u", i);
		text = lk_json_get_text(bank, number);
		if (!text)
			continue;
		if (!lk_hex_decode(text, strlen(text), ret->value[i], LK_DIGEST_MAX, &len) ||
		    len != size)
			return malformed(err, PCRS);
		ret->sel.mask |= 1u << i;
	}
	return LK_OK;
}

static int get_log(const struct lk_json *json, const char *key, size_t max, struct lk_buf *ret,
		   struct lk_err *err)
{
	const char *text = lk_json_get_text(json, key);
	size_t text_len = text ? strlen(text) : 0;
	LK_OWNED_BUF log = LK_BUF_NONE;

	if (!text)
		return malformed(err, key);
	if (text_len > LK_BASE64_SIZE(max))
		return lk_err_set(err, LK_E_INPUT, 0, "%s: more than %zu bytes", key, max);
	log.data = calloc(1, text_len + 1);
	if (!log.data)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	if (!lk_base64_decode(text, text_len, log.data, text_len, &log.len))
		return lk_err_set(err, LK_E_INPUT, 0, "%s: not base64", key);
	*ret = log;
	log = LK_BUF_NONE;
	return LK_OK;
}

static int from_json(const struct lk_json *json, struct lk_log_export *e, struct lk_err *err)
{
	const struct lk_json *pcrs = lk_json_get(json, PCRS);
	uint64_t version = 0;

	if (!lk_json_get_uint(json, KIND, &version))
		return lk_err_set(err, LK_E_INPUT, 0,
				  "no " KIND ": not what \"latchkey-provision log export\" writes");
	if (version != 1)
		return lk_err_set(err, LK_E_INPUT, 0, KIND ": only version 1 can be read");
	LK_TRY(get_device(json, e->device, err));
	LK_TRY(get_moment(json, &e->at_unlock, err));
	for (unsigned int i = 0; i < LK_PCR_BANKS; i++) {
		enum lk_alg bank = lk_pcr_bank(i);

		e->logs.values.bank[i].sel.bank = bank;
		LK_TRY(get_values(lk_json_get(pcrs, lk_alg_name(bank)), &e->logs.values.bank[i],
				  err));
	}
	if (!e->logs.values.bank[0].sel.mask && !e->logs.values.bank[1].sel.mask)
		return malformed(err, PCRS);
	LK_TRY(get_log(json, LOG, LK_LOG_EXPORT_FIRMWARE_MAX, &e->logs.firmware, err));
	e->logs.have_ima = lk_json_has(json, IMA);
	if (!e->logs.have_ima)
		return LK_OK;
	return get_log(json, IMA, LK_LOG_EXPORT_IMA_MAX, &e->logs.ima, err);
}

int lk_log_export_parse(struct lk_bytes text, const char *name, struct lk_log_export *ret,
			struct lk_err *err)
{
	LK_OWNED_LOG_EXPORT e = LK_LOG_EXPORT_NONE;
	LK_OWNED_JSON json = NULL;

	LK_TRY(lk_json_parse((const char *)text.data, text.len, &json, err));
	e.logs.names.firmware = name;
	e.logs.names.ima = name;
	LK_TRY(from_json(json, &e, err));
	*ret = e;
	e = LK_LOG_EXPORT_NONE;
	return LK_OK;
}

int lk_log_export_read(const char *path, struct lk_log_export *ret, struct lk_err *err)
{
	LK_OWNED_BUF text = LK_BUF_NONE;
	int rc;

	LK_TRY(lk_fs_read(path, LK_LOG_EXPORT_MAX, &text, err));
	rc = lk_log_export_parse((struct lk_bytes){ text.data, text.len }, path, ret, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	return rc;
}
