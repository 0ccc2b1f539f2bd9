/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns numbers in options. */
#include <inttypes.h>

#include "cli/cli.h"

int lk_option_number64(const char *option, const char *text, const uint64_t range[static 2],
		       uint64_t *ret, struct lk_err *err)
{
	uint64_t v = 0;
	const char *p = text;
	bool fits = *p != '\0';

	for (; fits && *p; p++)
		fits = *p >= '0' && *p <= '9' && !__builtin_mul_overflow(v, 10, &v) &&
		       !__builtin_add_overflow(v, (uint64_t)(*p - '0'), &v);
	if (!fits || v < range[0] || v > range[1])
		return lk_err_set(err, LK_E_USAGE, 0,
				  "--%s %.80s: expected a number from %" PRIu64 " to %" PRIu64,
				  option, text, range[0], range[1]);
	*ret = v;
	return LK_OK;
}

int lk_option_number(const char *option, const char *text, const uint32_t range[static 2],
		     uint32_t *ret, struct lk_err *err)
{
	const uint64_t wide[2] = { range[0], range[1] };
	uint64_t v = 0;
	int rc = lk_option_number64(option, text, wide, &v, err);

	if (rc == LK_OK)
		*ret = (uint32_t)v;
	return rc;
}
