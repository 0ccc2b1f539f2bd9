/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading a boot's logs and PCR values. */
#include "sys/boot/boot_logs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/bytes.h"
#include "core/policy/pcr_text.h"
#include "sys/format/document.h"

#define PCR_VALUES_MAX (64u * 1024u)
#define DEVICE_PCR     "/sys/class/tpm/tpm0/pcr-%s/%u"

enum lk_alg lk_pcr_bank(unsigned int i)
{
	return i ? LK_ALG_SHA384 : LK_ALG_SHA256;
}

static int banks_from_doc(const struct lk_doc *doc, struct lk_pcr_banks *ret, struct lk_err *err)
{
	struct lk_pcr_banks banks = { 0 };
	unsigned int n = 0;

	for (unsigned int i = 0; i < LK_PCR_BANKS; i++) {
		enum lk_alg bank = lk_pcr_bank(i);
		const struct lk_doc *map = lk_doc_get(doc, lk_alg_name(bank));

		banks.bank[i].sel.bank = bank;
		/* tpm2_pcrread names banks that aren't active too. */
		if (!map || map->type != LK_DOC_MAP || !map->child)
			continue;
		LK_TRY(lk_pcr_values_from_doc(doc, bank, &banks.bank[i], err));
		n++;
	}
	LK_TRY(lk_doc_expect_kind(doc, "sha256", err));
	if (!n)
		return lk_doc_error(doc, err, "no PCR values of bank sha256 or sha384");
	*ret = banks;
	return LK_OK;
}

int lk_pcr_banks_read(const char *path, struct lk_pcr_banks *ret, struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;
	int rc = lk_document_read(path, PCR_VALUES_MAX, &yaml, err);

	if (rc != LK_OK)
		return rc;
	rc = banks_from_doc(lk_yaml_root(yaml), ret, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	return rc;
}

/* "0A1B...", upper case, a line end. */
static bool read_value(enum lk_alg bank, unsigned int pcr, struct lk_pcr_values *values)
{
	LK_OWNED_BUF text = LK_BUF_NONE;
	char path[64];
	size_t len = 0;

	(void)snprintf(path, sizeof(path), DEVICE_PCR, lk_alg_name(bank), pcr);
	if (lk_fs_read(path, 4096, &text, NULL) != LK_OK)
		return false;
	return lk_hex_decode((const char *)text.data, strcspn((const char *)text.data, "\n"),
			     values->value[pcr], LK_DIGEST_MAX, &len) &&
	       len == lk_alg_size(bank);
}

/* Of this device. A bank that isn't active has no files. */
static int read_device_values(struct lk_pcr_banks *ret, struct lk_err *err)
{
	struct lk_pcr_banks banks = { 0 };
	uint32_t any = 0;

	for (unsigned int i = 0; i < LK_PCR_BANKS; i++) {
		struct lk_pcr_values *values = &banks.bank[i];

		values->sel.bank = lk_pcr_bank(i);
		for (unsigned int pcr = 0; pcr < LK_PCR_COUNT; pcr++)
			if (read_value(values->sel.bank, pcr, values))
				values->sel.mask |= 1u << pcr;
		any |= values->sel.mask;
	}
	if (!any)
		return lk_err_set(
			err, LK_E_NO_TPM, 0,
			"/sys/class/tpm/tpm0: no PCR values here; name a log, and with --pcrs its values");
	*ret = banks;
	return LK_OK;
}

static int read_device(struct lk_boot_logs *files, struct lk_err *err)
{
	files->names.firmware = LK_BOOT_LOG_FIRMWARE;
	/* One that may not be read is there: reading it says so. */
	if (!files->names.ima && (access(LK_BOOT_LOG_IMA, F_OK) == 0 || errno != ENOENT))
		files->names.ima = LK_BOOT_LOG_IMA;
	if (files->names.pcrs)
		return LK_OK;
	/* Before the kernel's log, so that this has at least as much. */
	return read_device_values(&files->values, err);
}

static int read_kernels(struct lk_boot_logs *files, struct lk_err *err)
{
	files->have_ima = true;
	return lk_fs_read(files->names.ima, LK_IMA_LOG_MAX, &files->ima, err);
}

static int read_kernels_alone(struct lk_boot_logs *files, struct lk_err *err)
{
	if (files->names.pcrs)
		LK_TRY(lk_pcr_banks_read(files->names.pcrs, &files->values, err));
	return read_kernels(files, err);
}

static int read_all(struct lk_boot_logs *files, struct lk_err *err)
{
	if (files->names.pcrs)
		LK_TRY(lk_pcr_banks_read(files->names.pcrs, &files->values, err));
	if (!files->names.firmware)
		LK_TRY(read_device(files, err));
	LK_TRY(lk_fs_read(files->names.firmware, LK_EVENT_LOG_MAX, &files->firmware, err));
	return files->names.ima ? read_kernels(files, err) : LK_OK;
}

static int read_by(int (*how)(struct lk_boot_logs *files, struct lk_err *err),
		   const struct lk_boot_log_names *names, struct lk_boot_logs *ret,
		   struct lk_err *err)
{
	LK_OWNED_BOOT_LOGS files = LK_BOOT_LOGS_NONE;
	int rc;

	files.names = *names;
	for (unsigned int i = 0; i < LK_PCR_BANKS; i++)
		files.values.bank[i].sel.bank = lk_pcr_bank(i);
	rc = how(&files, err);
	if (rc != LK_OK)
		return rc;
	*ret = files;
	files = LK_BOOT_LOGS_NONE;
	return LK_OK;
}

int lk_boot_logs_read(const struct lk_boot_log_names *names, struct lk_boot_logs *ret,
		      struct lk_err *err)
{
	return read_by(read_all, names, ret, err);
}

int lk_boot_logs_read_ima(const struct lk_boot_log_names *names, struct lk_boot_logs *ret,
			  struct lk_err *err)
{
	return read_by(read_kernels_alone, names, ret, err);
}

void lk_boot_logs_done(struct lk_boot_logs *files)
{
	lk_buf_done(&files->firmware);
	lk_buf_done(&files->ima);
}

struct lk_logs lk_boot_logs_bytes(const struct lk_boot_logs *files)
{
	struct lk_logs logs = {
		.firmware = { files->firmware.data, files->firmware.len },
	};

	if (files->have_ima)
		logs.ima = (struct lk_bytes){ files->ima.data, files->ima.len };
	return logs;
}

static int check_firmware(const struct lk_buf *firmware, const char *name, struct lk_err *err)
{
	struct lk_event_log log;
	struct lk_event event;
	int rc = lk_event_log_open(firmware->data, firmware->len, &log, err);

	while (rc == LK_OK)
		rc = lk_event_log_next(&log, &event, err);
	if (rc == LK_LOG_END)
		return LK_OK;
	lk_err_prefix(err, "%s", name);
	return rc;
}

int lk_boot_log_read(const char *path, struct lk_buf *ret, struct lk_err *err)
{
	LK_OWNED_BUF log = LK_BUF_NONE;

	LK_TRY(lk_fs_read(path, LK_EVENT_LOG_MAX, &log, err));
	LK_TRY(check_firmware(&log, path, err));
	*ret = log;
	log = LK_BUF_NONE;
	return LK_OK;
}

int lk_boot_logs_check(const struct lk_boot_logs *files, struct lk_err *err)
{
	struct lk_ima_log log;
	struct lk_ima_entry entry;
	int rc = check_firmware(&files->firmware, files->names.firmware, err);

	if (rc != LK_OK || !files->have_ima)
		return rc;
	rc = lk_ima_log_open(files->ima.data, files->ima.len, &log, err);
	while (rc == LK_OK)
		rc = lk_ima_log_next(&log, &entry, err);
	if (rc == LK_LOG_END)
		return LK_OK;
	lk_err_prefix(err, "%s", files->names.ima);
	return rc;
}

int lk_boot_logs_name(const struct lk_boot_logs *files, int rc, struct lk_err *err)
{
	if (rc == LK_E_POLICY)
		lk_err_prefix(err, "%.200s%s%.200s", files->names.firmware,
			      files->have_ima ? ", " : "", files->have_ima ? files->names.ima : "");
	return rc;
}
