/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading a document from a file: its bytes, its YAML, its model, and each error with the file's name. */
#ifndef LK_SYS_FORMAT_DOCUMENT_H
#define LK_SYS_FORMAT_DOCUMENT_H

#include "core/luks/booted.h"
#include "core/luks/hints.h"
#include "core/policy/policy_file.h"
#include "core/policy/signed_policy.h"
#include "sys/format/yaml.h"

/* "-" is standard input. Return: LK_OK, LK_E_INPUT, LK_E_IO or LK_E_SYSTEM. */

/** @cap: bytes, at most LK_YAML_LONG_MAX */
int lk_document_read(const char *path, size_t cap, struct lk_yaml **ret, struct lk_err *err);
int lk_document_policy_file(const char *path, struct lk_policy_file *ret, struct lk_err *err);
int lk_document_signed_policy(const char *path, struct lk_signed_policy *ret, struct lk_err *err);
/** The same of a regular file alone: what is no file can't be waited for in early boot. */
int lk_document_early_policy_file(const char *path, struct lk_policy_file *ret, struct lk_err *err);
int lk_document_early_signed_policy(const char *path, struct lk_signed_policy *ret,
				    struct lk_err *err);
/** What an unlock left for the running system. */
int lk_document_learned(const char *path, struct lk_hints *ret, struct lk_err *err);
int lk_document_booted(const char *path, struct lk_booted *ret, struct lk_err *err);

#endif
