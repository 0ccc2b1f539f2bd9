/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of the file in which a device sends its logs: what is read is written, and read as the same. */
#include "fuzz.h"
#include "sys/boot/log_export.h"

static void check_export(const struct lk_log_export *e)
{
	LK_OWNED_LOG_EXPORT again = LK_LOG_EXPORT_NONE;
	LK_OWNED_BUF text = LK_BUF_NONE;
	struct lk_err err = { 0 };
	int rc;

	INVARIANT(strspn(e->device, "0123456789abcdef") == LK_LOG_EXPORT_ID);
	INVARIANT(!e->device[LK_LOG_EXPORT_ID]);
	INVARIANT(e->logs.have_ima || !e->logs.ima.len);
	INVARIANT(lk_log_export_write(e, &text, NULL) == LK_OK);
	INVARIANT(lk_log_export_parse((struct lk_bytes){ text.data, text.len }, "again", &again,
				      NULL) == LK_OK);
	INVARIANT(!strcmp(again.device, e->device) && again.at_unlock == e->at_unlock);
	INVARIANT(again.logs.firmware.len == e->logs.firmware.len &&
		  again.logs.ima.len == e->logs.ima.len);
	INVARIANT(!memcmp(&again.logs.values, &e->logs.values, sizeof(again.logs.values)));
	rc = lk_boot_logs_check(&e->logs, &err);
	if (rc != LK_OK)
		check_error(rc, LK_E_INPUT, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LK_OWNED_LOG_EXPORT e = LK_LOG_EXPORT_NONE;
	struct lk_err err = { 0 };
	int rc = lk_log_export_parse((struct lk_bytes){ data, size }, "fuzzed", &e, &err);

	if (rc != LK_OK)
		check_error(rc, LK_E_INPUT, &err);
	else
		check_export(&e);
	return 0;
}
