/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns finding one argument on the kernel's command line. */
#ifndef LK_CORE_POLICY_BOOT_ARGUMENT_H
#define LK_CORE_POLICY_BOOT_ARGUMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/bytes.h"

/** More than any architecture's COMMAND_LINE_SIZE that Linux has. */
#define LK_BOOT_ARGUMENTS_MAX 16384u

#define LK_ARG_DEBUG	      "rd.latchkey.debug"
#define LK_ARG_SIGNED	      "rd.latchkey.signed"
#define LK_ARG_TIMEOUT_PROMPT "rd.latchkey.timeout-prompt"

/**
 * lk_boot_argument - the value of NAME=VALUE, of the last one where there are several
 * @text: /proc/cmdline
 * @cap: room in @out, for the NUL too
 *
 * As the kernel and systemd read it: words are parted by white space that isn't
 * between double quotes, and these quotes are no part of the value.
 *
 * Return: false where there is none, or it has no room.
 */
bool lk_boot_argument(struct lk_bytes text, const char *name, char *out, size_t cap);

#endif
