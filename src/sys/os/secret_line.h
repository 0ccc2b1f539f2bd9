/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns secrets that stand on the one line of a file: PINs, passphrases, authorizations. */
#ifndef LK_SYS_OS_SECRET_LINE_H
#define LK_SYS_OS_SECRET_LINE_H

#include "sys/os/secret.h"

/**
 * lk_secret_read_line - the one line of a file, as every program reads it
 * @path: "-" is standard input
 * @max: bytes of the line
 *
 * The line's end, LF or CR LF, and a byte order mark of UTF-8 before it aren't of
 * the secret: editors put them there, and nobody types them.
 *
 * Return: LK_OK; LK_E_INPUT, with the file's name, for an empty line, several
 * lines, a NUL, a longer line, and text in UTF-16 or UTF-32; LK_E_IO; LK_E_SYSTEM.
 */
int lk_secret_read_line(const char *path, size_t max, struct lk_secret *ret, struct lk_err *err);

#endif
