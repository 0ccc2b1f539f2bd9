/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns byte order marks (Unicode 15, 23.8), which editors put before text. */
#ifndef LK_CORE_BASE_BOM_H
#define LK_CORE_BASE_BOM_H

#include "core/base/bytes.h"

/** Text without the mark that UTF-8 may begin with. */
struct lk_bytes lk_bom_skip(struct lk_bytes text);

/** "UTF-16" or "UTF-32" where the mark is of that; NULL for everything else. */
const char *lk_bom_foreign(struct lk_bytes text);

#endif
