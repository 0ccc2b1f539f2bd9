/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns a stand-in for sys/os/secret.h that counts what is alive. */
#include "sys/os/secret.h"
#include "sys/os/secret_line.h"

#include <stdlib.h>
#include <string.h>

#include "world.h"

int lk_secret_init(struct lk_secret *s, size_t cap, struct lk_err *err)
{
	uint8_t *data = calloc(1, cap ? cap : 1);

	if (!data)
		return fake_result(LK_E_SYSTEM, "calloc", err);
	*s = (struct lk_secret){ data, 0, cap };
	fake.secrets++;
	return LK_OK;
}

void lk_secret_done(struct lk_secret *s)
{
	if (s->data) {
		lk_wipe(s->data, s->cap);
		free(s->data);
		fake.secrets--;
	}
	*s = LK_SECRET_NONE;
}

struct lk_secret lk_secret_take(struct lk_secret *s)
{
	struct lk_secret taken = *s;

	*s = LK_SECRET_NONE;
	return taken;
}

int lk_secret_from(struct lk_secret *s, const void *data, size_t len, struct lk_err *err)
{
	int rc = lk_secret_init(s, len, err);

	if (rc != LK_OK)
		return rc;
	memcpy(s->data, data, len);
	s->len = len;
	return LK_OK;
}

void lk_wipe(void *p, size_t len)
{
	explicit_bzero(p, len);
}

int lk_secret_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	return memcmp(a, b, len) == 0;
}

int lk_secret_read_line(const char *path, size_t max, struct lk_secret *ret, struct lk_err *err)
{
	(void)path;
	(void)max;
	(void)ret;
	return lk_err_set(err, LK_E_INPUT, 0, "no such file in this world");
}
