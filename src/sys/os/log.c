/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns standard error and the kernel log. */
#include "sys/os/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct {
	const char *program;
	int kmsg;
	bool quiet;
} log_state = { "latchkey", -1, false };

void lk_log_init(const char *program, bool kmsg)
{
	log_state.program = program;
	if (kmsg)
		log_state.kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
}

void lk_log_quiet(bool quiet)
{
	log_state.quiet = quiet;
}

/* A file name or a disk's label may hold anything; what reaches the terminal
 * and the kernel log is text. */
static void plain(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

void lk_log(enum lk_log_level level, const char *fmt, ...)
{
	char msg[960]; /* one kmsg record, LOG_LINE_MAX */
	char line[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	plain(msg);
	if (!(log_state.quiet && level == LK_LOG_INFO))
		(void)fprintf(stderr, "%s: %s\n", log_state.program, msg);
	if (log_state.kmsg < 0)
		return;
	n = snprintf(line, sizeof(line), "<%d>%s: %s\n", level, log_state.program, msg);
	if (n > 0 && write(log_state.kmsg, line, strlen(line)) < 0)
		log_state.kmsg = -1; /* nobody left to tell */
}
