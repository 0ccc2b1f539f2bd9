/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns stand-ins for sys/ask/ask.h, sys/os/log.h and halting the machine. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "sys/ask/ask.h"
#include "sys/boot/reboots.h"
#include "sys/os/log.h"
#include "world.h"

int lk_ask_screen(const char *question, unsigned int seconds, struct lk_secret *ret,
		  struct lk_err *err)
{
	const char *answer = fake.asked < FAKE_ANSWERS ? fake.answers[fake.asked] : NULL;

	fake_event("ask %s", question);
	if (seconds)
		fake_event("limit %u", seconds);
	fake.asked++;
	if (fake.secrets > fake.secrets_when_asked)
		fake.secrets_when_asked = fake.secrets;
	if (!answer)
		return fake_result(LK_E_IO, "asking", err);
	return lk_secret_from(ret, answer, strlen(answer), err);
}

int lk_ask(const char *question, const char *id, unsigned int seconds, struct lk_secret *ret,
	   struct lk_err *err)
{
	(void)id;
	return lk_ask_screen(question, seconds, ret, err);
}

void lk_log_init(const char *program, bool kmsg)
{
	(void)program;
	(void)kmsg;
}

void lk_log_quiet(bool quiet)
{
	(void)quiet;
}

void lk_log_debug(void)
{
}

bool lk_log_debugs(void)
{
	return false;
}

void lk_log(enum lk_log_level level, const char *fmt, ...)
{
	char msg[160];
	va_list ap;

	if (level == LK_LOG_DEBUG)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	fake_event("log %d %s", level, msg);
}

void lk_reboots_mount(void)
{
	fake_event("efivars mounted");
}

int lk_reboots_count(const char *dir, unsigned int *ret, struct lk_err *err)
{
	(void)dir;
	fake_event("count");
	if (fake.reboots_rc != LK_OK)
		return fake_result(fake.reboots_rc, "counting", err);
	*ret = 1;
	return LK_OK;
}

void lk_reboots_forget(const char *dir)
{
	(void)dir;
	fake_event("forget");
}

/* Instead of the C library's. */
int reboot(int how)
{
	fake_event("reboot 0x%x", (unsigned int)how);
	return -1;
}

void sync(void)
{
	fake_event("sync");
}
