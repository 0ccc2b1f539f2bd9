/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns standard error and the kernel log. */
#include "sys/os/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/text.h"

/* Standard error and the kernel log are the process's, and so is this. It is written
 * before a program starts its first thread, and only read after that. */
static struct {
	const char *program;
	int kmsg;
	bool quiet;
	bool debug;
} log_state = { "latchkey", -1, false, false };

void lk_log_init(const char *program, bool kmsg)
{
	const char *debug = secure_getenv("LATCHKEY_DEBUG");

	log_state.program = program;
	if (debug && *debug && strcmp(debug, "0") != 0)
		log_state.debug = true;
	if (kmsg)
		log_state.kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
}

void lk_log_quiet(bool quiet)
{
	log_state.quiet = quiet;
}

void lk_log_debug(void)
{
	log_state.debug = true;
}

bool lk_log_debugs(void)
{
	return log_state.debug;
}

/* A file name or a disk's label may hold anything; what reaches the terminal
 * and the kernel log is text. */
static void show(const char *msg, char *out, size_t cap)
{
	const uint8_t *p = (const uint8_t *)msg;
	size_t left = strlen(msg);
	size_t at = 0;

	while (left) {
		char shown[LK_TEXT_ESCAPED_MAX];
		size_t n = lk_text_escape(p, left, shown);
		size_t len = strlen(shown);

		if (at + len >= cap)
			break;
		memcpy(out + at, shown, len);
		at += len;
		p += n;
		left -= n;
	}
	out[at] = '\0';
}

void lk_log(enum lk_log_level level, const char *fmt, ...)
{
	char said[960];
	char msg[960]; /* one kmsg record, LOG_LINE_MAX */
	char line[1024];
	va_list ap;
	int n;

	if (level == LK_LOG_DEBUG && !log_state.debug)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(said, sizeof(said), fmt, ap);
	va_end(ap);
	show(said, msg, sizeof(msg));
	if (!(log_state.quiet && level == LK_LOG_INFO))
		(void)fprintf(stderr, "%s: %s%s\n", log_state.program,
			      level == LK_LOG_DEBUG ? "debug: " : "", msg);
	/* The kernel takes few lines a second from a program, and drops what comes after
	 * them: the steps would push out the line that says why. */
	if (log_state.kmsg < 0 || level == LK_LOG_DEBUG)
		return;
	n = snprintf(line, sizeof(line), "<%d>%s: %s\n", level, log_state.program, msg);
	if (n > 0 && write(log_state.kmsg, line, strlen(line)) < 0)
		return; /* nobody is left to tell */
}

void lk_print_shown(FILE *f, const char *text)
{
	char shown[LK_TEXT_ESCAPED_MAX];
	size_t left = strlen(text);

	while (left) {
		size_t n = lk_text_escape((const uint8_t *)text, left, shown);

		fputs(shown, f);
		text += n;
		left -= n;
	}
}
