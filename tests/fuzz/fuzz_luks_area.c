/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of the bounds of a LUKS2 header's JSON areas. */
#include "core/luks/luks_area.h"
#include "fuzz.h"

/* What is accepted has no copy with more than is allowed, looked for bluntly. */
static void check_copy(const uint8_t *data, size_t size, size_t at)
{
	size_t len = lk_luks_copy_size(data + at, size - at);
	size_t open = 0;

	for (size_t i = LK_LUKS_BINARY_SIZE; i < len && at + i < size; i++)
		open += data[at + i] == '{' || data[at + i] == '[';
	INVARIANT(open <= LK_LUKS_CONTAINERS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lk_bytes all = { data, size };
	struct lk_err err = { 0 };
	int rc = lk_luks_areas_check(all, &err);

	if (rc != LK_OK) {
		check_error(rc, LK_E_HEADER, &err);
		return 0;
	}
	if (lk_luks_is_first(all))
		check_copy(data, size, 0);
	for (size_t at = LK_LUKS_SECOND_OFFSET; at < size && at <= LK_LUKS_COPY_MAX; at *= 2)
		if (lk_luks_is_second(all, at))
			check_copy(data, size, at);
	return 0;
}
