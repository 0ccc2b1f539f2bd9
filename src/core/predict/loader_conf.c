/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading loader.conf. */
#include "core/predict/loader_conf.h"

#include <string.h>

#define BLANK " \t\r"

/* What the menu looks like, and what isn't begun by itself. */
static bool leaves_the_choice(struct lk_bytes key)
{
	static const char *const keys[] = {
		"timeout",
		"console-mode",
		"editor",
		"auto-entries",
		"auto-firmware",
		"auto-poweroff",
		"auto-reboot",
		"beep",
		"reboot-for-bitlocker",
		"reboot-on-error",
		"random-seed-mode",
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (key.len == strlen(keys[i]) && !memcmp(key.data, keys[i], key.len))
			return true;
	return false;
}

static bool is_blank(uint8_t c)
{
	return c && strchr(BLANK, c);
}

static struct lk_bytes trim(struct lk_bytes b)
{
	while (b.len && is_blank(b.data[0])) {
		b.data++;
		b.len--;
	}
	while (b.len && is_blank(b.data[b.len - 1]))
		b.len--;
	return b;
}

static struct lk_bytes take_line(struct lk_bytes *text)
{
	const uint8_t *end = memchr(text->data, '\n', text->len);
	struct lk_bytes line = *text;

	if (end)
		line.len = (size_t)(end - text->data);
	text->data += line.len + (end ? 1 : 0);
	text->len -= line.len + (end ? 1 : 0);
	return trim(line);
}

int lk_loader_conf_read(struct lk_bytes text, struct lk_bytes *ret, struct lk_err *err)
{
	*ret = (struct lk_bytes){ NULL, 0 };
	while (text.len) {
		struct lk_bytes line = take_line(&text);
		struct lk_bytes key = { line.data, 0 };

		if (!line.len || line.data[0] == '#')
			continue;
		while (key.len < line.len && !is_blank(line.data[key.len]))
			key.len++;
		if (leaves_the_choice(key))
			continue;
		if (key.len != strlen("default") || memcmp(key.data, "default", key.len) != 0)
			return lk_err_set(
				err, LK_E_REFUSED, 0,
				"a setting that isn't known may have it start another entry");
		line.data += key.len;
		line.len -= key.len;
		*ret = trim(line);
	}
	return LK_OK;
}
