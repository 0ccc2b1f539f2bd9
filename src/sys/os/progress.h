/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns telling a person how far long work is: on a terminal, once it takes over a second. */
#ifndef LK_SYS_OS_PROGRESS_H
#define LK_SYS_OS_PROGRESS_H

#include <stdbool.h>
#include <time.h>

#include "core/base/stream.h"

/** One line on standard error, which goes when the work is done. */
struct lk_progress_meter {
	struct lk_progress progress; /* what the work is handed */
	const char *what;	     /* "sealing" */
	struct timespec began;
	struct timespec shown;
	bool on;	 /* standard error is a terminal */
	bool is_showing; /* there is a line to take away */
};
#define LK_OWNED_PROGRESS __attribute__((cleanup(lk_progress_end))) struct lk_progress_meter

/** @m stays where it is until lk_progress_end. */
void lk_progress_begin(struct lk_progress_meter *m, const char *what);
void lk_progress_end(struct lk_progress_meter *m);

#endif
