/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of records of what was agreed: what is read is written again as the same bytes. */
#include "core/config/agreed.h"
#include "fuzz.h"

static void check_list(const struct lk_agreed *a)
{
	for (size_t i = 0; i < a->n_files; i++) {
		const struct lk_agreed_file *f = &a->files[i];
		size_t n = 0;
		const struct lk_agreed_file *first = lk_agreed_find(a, f->destination, &n);

		INVARIANT(first && first <= f && f < first + n);
		INVARIANT(f->mode <= 0777 && f->destination[0] == '/' && f->path);
		INVARIANT(i == 0 || strcmp(a->files[i - 1].destination, f->destination) <= 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LK_OWNED_AGREED a = LK_AGREED_NONE;
	LK_OWNED_AGREED again = LK_AGREED_NONE;
	struct lk_err err = { 0 };
	size_t len = 0, len_again = 0;
	char *text, *text_again;
	int rc = lk_agreed_from_text((const char *)data, size, &a, &err);

	if (rc != LK_OK) {
		check_error(rc, LK_E_INPUT, &err);
		INVARIANT(!a.files && a.n_files == 0);
		return 0;
	}
	check_list(&a);
	text = lk_agreed_to_text(&a, &len);
	INVARIANT(text && len == size);
	INVARIANT(lk_agreed_from_text(text, len, &again, NULL) == LK_OK);
	text_again = lk_agreed_to_text(&again, &len_again);
	INVARIANT(text_again && len_again == len && memcmp(text, text_again, len) == 0);
	if (again.n_files)
		lk_agreed_remove(&again, again.n_files / 2);
	free(text);
	free(text_again);
	return 0;
}
