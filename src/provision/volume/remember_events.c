/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns turning the logs of a good boot into what is remembered of it. */
#include "volume/remember_events.h"

#include <unistd.h>

#include "sys/crypto/crypto.h"

void lk_event_memory_done(struct lk_event_memory *m)
{
	lk_boot_logs_done(&m->logs);
}

static void read_logs(struct lk_event_memory *m, const struct lk_options *opts)
{
	const char *log = opts->value[LK_OPT_LOG];
	const char *ima = opts->value[LK_OPT_IMA_LOG];
	struct lk_boot_log_names names = { log, ima, NULL };

	m->looked = true;
	if (!log)
		names.firmware = LK_BOOT_LOG_FIRMWARE;
	if (!log && !ima && access(LK_BOOT_LOG_IMA, F_OK) == 0)
		names.ima = LK_BOOT_LOG_IMA;
	if (lk_boot_logs_read(&names, &m->logs, &m->missing) == LK_OK)
		(void)lk_boot_logs_check(&m->logs, &m->missing);
}

int lk_remember_check_logs(struct lk_event_memory *m, const struct lk_options *opts,
			   struct lk_err *err)
{
	if (!opts->value[LK_OPT_LOG] && !opts->value[LK_OPT_IMA_LOG])
		return LK_OK;
	read_logs(m, opts);
	if (m->missing.rc == LK_OK)
		return LK_OK;
	return lk_err_set(err, LK_E_INPUT, m->missing.code, "%s", m->missing.msg);
}

int lk_remember_events(struct lk_event_memory *m, const struct lk_options *opts,
		       const struct lk_pcr_values *opened, struct lk_writer *ret,
		       struct lk_err *err)
{
	struct lk_boot_view view = { .hash = lk_crypto_hash };

	if (!m->looked)
		read_logs(m, opts);
	if (m->missing.rc != LK_OK) {
		*err = m->missing;
		return (int)err->rc;
	}
	view.logs = lk_boot_logs_bytes(&m->logs);
	LK_TRY(lk_log_explain(&view.logs, opened, lk_crypto_hash, &view.explained, err));
	return lk_boot_reference_make(&view, opened, ret, err);
}
