/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns finding whose certificate one is, without trusting any of it. */
#ifndef LK_CORE_BOOTLOG_CERT_NAME_H
#define LK_CORE_BOOTLOG_CERT_NAME_H

#include "core/base/bytes.h"

/**
 * lk_cert_name - the common name in a certificate's subject (RFC 5280, 4.1)
 * @der: the certificate, perhaps with more after it
 * @ret: in @der, as it is written there: UTF-8 mostly; its organization where
 *       there is no common name
 *
 * Return: false when this is no certificate, or has neither.
 */
bool lk_cert_name(struct lk_bytes der, struct lk_bytes *ret);

#endif
