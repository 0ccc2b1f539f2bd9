/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of the look at zstd's frames: in one piece or byte by byte it comes to the same. */
#include "core/config/zstd_frames.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lk_zstd_frames whole = { .stage = LK_ZSTD_MAGIC };
	struct lk_zstd_frames pieces = { .stage = LK_ZSTD_MAGIC };
	struct lk_err err = { 0 };
	int rc = lk_zstd_frames_see(&whole, data, size, &err);
	int each = LK_OK;

	if (rc != LK_OK)
		check_error(rc, LK_E_INPUT, &err);
	for (size_t i = 0; i < size && each == LK_OK; i++)
		each = lk_zstd_frames_see(&pieces, data + i, 1, NULL);
	INVARIANT(each == rc && pieces.stage == whole.stage && pieces.at == whole.at);
	INVARIANT(whole.n <= sizeof(whole.have));
	return 0;
}
