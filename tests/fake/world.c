/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the made-up world and its trace. */
#include "world.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct fake_world fake;

void fake_reset(void)
{
	memset(&fake, 0, sizeof(fake));
}

void fake_event(const char *fmt, ...)
{
	va_list ap;

	assert(fake.n_events < FAKE_EVENTS);
	va_start(ap, fmt);
	(void)vsnprintf(fake.events[fake.n_events++], sizeof(fake.events[0]), fmt, ap);
	va_end(ap);
}

struct fake_volume *fake_volume_of(const char *name)
{
	for (size_t i = 0; i < fake.n_volumes; i++)
		if (strcmp(fake.volumes[i].name, name) == 0)
			return &fake.volumes[i];
	return NULL;
}

int fake_result(int rc, const char *step, struct lk_err *err)
{
	if (rc == LK_OK)
		return LK_OK;
	return lk_err_set(err, (enum lk_rc)rc, 0, "%s failed", step);
}

void fake_passphrase(const struct fake_volume *v, uint8_t out[static 64])
{
	memset(out, 0x40 + (int)(v - fake.volumes), 64);
}

void fake_volume_key(const struct fake_volume *v, bool ours, uint8_t out[static 64])
{
	memset(out, (ours ? 0x80 : 0xc0) + (int)(v - fake.volumes), 64);
}

static bool begins(size_t i, const char *event)
{
	return strncmp(fake.events[i], event, strlen(event)) == 0;
}

int fake_first(const char *event)
{
	for (size_t i = 0; i < fake.n_events; i++)
		if (begins(i, event))
			return (int)i;
	return -1;
}

int fake_last(const char *event)
{
	for (size_t i = fake.n_events; i-- > 0;)
		if (begins(i, event))
			return (int)i;
	return -1;
}

unsigned int fake_count(const char *event)
{
	unsigned int n = 0;

	for (size_t i = 0; i < fake.n_events; i++)
		n += begins(i, event);
	return n;
}
