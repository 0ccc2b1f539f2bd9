/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the end of what a program prints. */
#include <stdio.h>

#include "cli/cli.h"

int lk_cli_finish(int rc, struct lk_err *err)
{
	if (rc >= 0 && (fflush(stdout) != 0 || ferror(stdout)))
		return lk_err_set(err, LK_E_IO, 0, "standard output can't be written");
	return rc;
}
