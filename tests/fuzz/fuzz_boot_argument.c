/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of the kernel's command line: a value has room, and lies in the text but for its quotes. */
#include "core/policy/boot_argument.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char out[64];
	char small[4];

	memset(out, 'x', sizeof(out));
	if (!lk_boot_argument((struct lk_bytes){ data, size }, "rd.a", out, sizeof(out))) {
		INVARIANT(out[0] == 'x');
		return 0;
	}
	INVARIANT(memchr(out, '\0', sizeof(out)) && strlen(out) + 5 <= size && !strchr(out, '"'));
	if (lk_boot_argument((struct lk_bytes){ data, size }, "rd.a", small, sizeof(small)))
		INVARIANT(strcmp(small, out) == 0);
	return 0;
}
