/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the file in which a device sends the logs of a boot: latchkey-provision log export. */
#ifndef LK_SYS_BOOT_LOG_EXPORT_H
#define LK_SYS_BOOT_LOG_EXPORT_H

#include "sys/boot/boot_logs.h"

/* Far above what devices have: a firmware's log is some 40 KiB. */
#define LK_LOG_EXPORT_FIRMWARE_MAX (1024u * 1024u)
#define LK_LOG_EXPORT_IMA_MAX	   (4u * 1024u * 1024u)
#define LK_LOG_EXPORT_MAX	   (8u * 1024u * 1024u) /* bytes of the file */
#define LK_LOG_EXPORT_ID	   64u			/* digits of a device ID */
/** Of NAME.json, the record, the logs are NAME.logs. */
#define LK_LOG_EXPORT_SUFFIX ".logs"

struct lk_log_export {
	char device[LK_LOG_EXPORT_ID + 1]; /* lower case digits */
	/* The values, and IMA's log, are those with which a signed policy opened a
	 * volume in this boot; otherwise those when the file was written. */
	bool at_unlock;
	struct lk_boot_logs logs; /* names.firmware: the file's, for messages */
};
#define LK_LOG_EXPORT_NONE  ((struct lk_log_export){ .at_unlock = false })
#define LK_OWNED_LOG_EXPORT __attribute__((cleanup(lk_log_export_done))) struct lk_log_export
void lk_log_export_done(struct lk_log_export *e);

/** JSON with a line end. LK_E_REFUSED for logs above the limits. */
int lk_log_export_write(const struct lk_log_export *e, struct lk_buf *ret, struct lk_err *err);

/**
 * lk_log_export_parse - what lk_log_export_write has written
 * @name: for messages; kept in @ret
 *
 * The logs inside aren't looked at: lk_boot_logs_check does that.
 * Return: LK_OK, LK_E_INPUT, LK_E_SYSTEM.
 */
int lk_log_export_parse(struct lk_bytes text, const char *name, struct lk_log_export *ret,
			struct lk_err *err);
/** The same of a file. Every message names it. */
int lk_log_export_read(const char *path, struct lk_log_export *ret, struct lk_err *err);

#endif
