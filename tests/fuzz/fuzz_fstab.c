/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of the look at fstab(5): what comes out is a path that can be compared, and the text ends. */
#include "core/config/fstab.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lk_bytes rest = { data, size };
	char point[LK_FSTAB_POINT_MAX];
	size_t before = size;

	while (lk_fstab_next(&rest, point)) {
		size_t len = strnlen(point, sizeof(point));

		INVARIANT(len > 1 && len < sizeof(point));
		INVARIANT(point[0] == '/' && point[len - 1] != '/' && !strstr(point, "//"));
		INVARIANT(rest.len < before && rest.data + rest.len == data + size);
		before = rest.len;
	}
	INVARIANT(rest.len == 0);
	return 0;
}
