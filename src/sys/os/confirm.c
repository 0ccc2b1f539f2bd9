/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns asking on a terminal before something is destroyed. */
#include "sys/os/confirm.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int lk_confirm_typed(const char *yes, const char *word, struct lk_err *err)
{
	char line[160] = "";

	if (!yes && isatty(STDIN_FILENO)) {
		fprintf(stderr, "Type \"%s\" to go on: ", word);
		if (fgets(line, sizeof(line), stdin))
			line[strcspn(line, "\n")] = '\0';
		yes = line;
	}
	if (yes && strcmp(yes, word) == 0)
		return LK_OK;
	return lk_err_set(err, LK_E_REFUSED, 0, "not confirmed: nothing was done (--yes %s does)",
			  word);
}
