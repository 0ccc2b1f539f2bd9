/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what early boot says of the signed policy that opened a volume in this boot. */
#ifndef LK_CORE_LUKS_BOOTED_H
#define LK_CORE_LUKS_BOOTED_H

#include "core/base/paths.h"
#include "core/base/alg.h"
#include "core/base/doc.h"

/** In LK_BOOTED_DIR lies one file a volume, <name>.json, in memory until the next boot. */
#define LK_BOOTED_MAX 256u

/** In LK_OPENED_DIR: what a volume that is open is known by: a line of hexadecimal digits in a file of
 * its mapping's name, made of the volume key. LUKS UUIDs are anybody's to change. */
#define LK_OPENED_TEXT (2u * 32u + 2u) /* digits, newline, NUL */

struct lk_booted {
	uint32_t version;
	struct lk_digest policy;
};

/** NUL-terminated JSON; its length. */
size_t lk_booted_write(const struct lk_booted *booted, char out[static LK_BOOTED_MAX]);
/** @ret untouched on failure. */
int lk_booted_from_doc(const struct lk_doc *doc, struct lk_booted *ret, struct lk_err *err);

#endif
