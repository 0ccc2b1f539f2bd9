/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading the kernel's command line. */
#include "core/policy/boot_argument.h"

#include <string.h>

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\0';
}

/* The next word without its quotes, of which the first @cap bytes are kept.
 * Return: its length without quotes; 0 at the end. */
static size_t next_word(struct lk_bytes *text, char *word, size_t cap)
{
	bool quoted = false;
	size_t n = 0;
	size_t i = 0;

	while (i < text->len && is_space(text->data[i]))
		i++;
	for (; i < text->len && (quoted || !is_space(text->data[i])); i++) {
		if (text->data[i] == '"') {
			quoted = !quoted;
			continue;
		}
		if (n < cap)
			word[n] = (char)text->data[i];
		n++;
	}
	*text = (struct lk_bytes){ text->data + i, text->len - i };
	return n;
}

bool lk_boot_argument(struct lk_bytes text, const char *name, char *out, size_t cap)
{
	char word[1024];
	char value[sizeof(word)];
	size_t name_len = strlen(name);
	bool found = false;

	while (text.len) {
		size_t len = next_word(&text, word, sizeof(word));

		if (len <= name_len || memcmp(word, name, name_len) != 0 || word[name_len] != '=')
			continue;
		len -= name_len + 1;
		found = len < cap && len < sizeof(value) - name_len - 1 &&
			!memchr(word + name_len + 1, '\0', len);
		if (!found)
			continue;
		memcpy(value, word + name_len + 1, len);
		value[len] = '\0';
	}
	if (found)
		memcpy(out, value, strlen(value) + 1);
	return found;
}
