/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the list of boots that may come. */
#include <string.h>

#include "willboot/next_boot.h"

int lk_next_add(struct lk_next *next, struct lk_next_boot **ret, struct lk_err *err)
{
	if (next->n == LK_NEXT_BOOTS_MAX)
		return lk_err_set(
			err, LK_E_UNKNOWN, 0,
			"there are more than 16 images that may come next: --uki says which");
	*ret = &next->boots[next->n++];
	memset(*ret, 0, sizeof(**ret));
	return LK_OK;
}

int lk_next_plan_file(struct lk_next *next, const char *path, struct lk_err *err)
{
	struct lk_next_boot *boot = NULL;

	LK_TRY(lk_next_add(next, &boot, err));
	lk_next_plan_image(next, path, boot);
	return LK_OK;
}
