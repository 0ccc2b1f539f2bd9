/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading Latchkey's token out of the JSON that a LUKS2 header has of it. */
#ifndef LK_VOLUME_TOKEN_JSON_H
#define LK_VOLUME_TOKEN_JSON_H

#include "core/base/bytes.h"
#include "core/luks/token.h"

/** The bytes are an attacker's; they are copied. @ret is set on LK_OK; free it with lk_token_done(). */
LK_MUST_CHECK int lk_token_from_json(const uint8_t *json, size_t len, struct lk_token *ret,
				     struct lk_err *err);

#endif
