/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what policy show has for each kind of document. */
#ifndef LK_HOST_POLICY_SHOW_H
#define LK_HOST_POLICY_SHOW_H

#include "core/base/doc.h"
#include "core/policy/signed_policy.h"

#define LK_SHOW_WIDTH 20 /* of the column of keys */
/** The key alone, filled up to the column. */
void lk_show_key(const char *key);
void lk_show_quoted(const char *key, const char *text, size_t len);
/** An NV index, or that there is none. */
void lk_show_floor(const char *key, uint32_t index);
void lk_show_hex(const char *key, const uint8_t *data, size_t len);
void lk_show_signed_policy(const struct lk_signed_policy *sp);

int lk_show_signed_root_key(const struct lk_doc *doc, bool json, struct lk_err *err);
/**
 * lk_show_bundle - what lies at @path, if it says that it is a bundle
 * @ret_is: whether it does; nothing was shown otherwise
 *
 * Of a regular file or a block device. Return: LK_OK, also for what is none; LK_E_INPUT
 * for one that isn't whole, and then nothing was shown.
 */
int lk_show_bundle(const char *path, bool json, bool *ret_is, struct lk_err *err);

#endif
