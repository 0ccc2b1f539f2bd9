/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns writing and reading which signed policy opened a volume. */
#include "core/luks/booted.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/bytes.h"

size_t lk_booted_write(const struct lk_booted *booted, char out[static LK_BOOTED_MAX])
{
	char digest[2 * LK_DIGEST_MAX + 1];

	lk_hex_encode(booted->policy.data, booted->policy.len, digest);
	return (size_t)snprintf(out, LK_BOOTED_MAX,
				"{\"latchkey-booted\":1,\"version\":%" PRIu32
				",\"policy\":\"%s\"}\n",
				booted->version, digest);
}

int lk_booted_from_doc(const struct lk_doc *doc, struct lk_booted *ret, struct lk_err *err)
{
	static const char *const known[] = { "latchkey-booted", "version", "policy", NULL };
	struct lk_booted out = { 0 };
	uint64_t format;
	uint64_t version;
	size_t len;

	LK_TRY(lk_doc_expect_keys(doc, known, err));
	LK_TRY(lk_doc_get_uint(doc, "latchkey-booted", 1, 1, &format, err));
	LK_TRY(lk_doc_get_uint(doc, "version", 0, UINT32_MAX, &version, err));
	LK_TRY(lk_doc_get_hex(doc, "policy", out.policy.data, LK_DIGEST_MAX, &len, err));
	out.version = (uint32_t)version;
	out.policy.len = (uint16_t)len;
	*ret = out;
	return LK_OK;
}
