/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of how text from outside is shown: escaped, guessed to be UTF-8 or UTF-16, and in JSON. */
#include <stdlib.h>

#include "core/base/json_text.h"
#include "core/base/text.h"
#include "core/base/text_out.h"
#include "fuzz.h"

static void check_shown(struct lk_bytes bytes,
			void (*add)(struct lk_text_out *out, struct lk_bytes text))
{
	struct lk_text_out out;

	lk_text_out_init(&out);
	add(&out, bytes);
	INVARIANT(out.len < LK_TEXT_OUT_MAX && out.len == strlen(out.text));
	INVARIANT(lk_text_is_visible(out.text));
}

/* What is shown of a string is the same as of its characters, one by one. */
static void check_string(const char *text)
{
	char shown[LK_TEXT_SHOWN_MAX + 4];
	const uint8_t *p = (const uint8_t *)text;
	size_t left = strlen(text);
	size_t len = 0;

	INVARIANT(lk_text_is_visible(lk_text_show(text, shown)));
	while (left) {
		char one[LK_TEXT_ESCAPED_MAX];
		size_t n = lk_text_escape(p, left, one);

		INVARIANT(n && n <= left && strlen(one) < LK_TEXT_ESCAPED_MAX);
		len += strlen(one);
		p += n;
		left -= n;
	}
	INVARIANT(len > LK_TEXT_SHOWN_MAX || strlen(shown) == len);
}

static void check_json(struct lk_bytes bytes)
{
	char *out = malloc(LK_JSON_ESCAPED_MAX(bytes.len));
	size_t len;

	INVARIANT(out);
	len = lk_json_escape_hidden((const char *)bytes.data, bytes.len, out);
	INVARIANT(len < LK_JSON_ESCAPED_MAX(bytes.len));
	for (size_t i = 0, n; i < len; i += n) {
		uint32_t c;

		n = lk_text_decode((const uint8_t *)out + i, len - i, &c);
		INVARIANT(n && (c == '\n' || lk_text_is_shown(c)));
	}
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lk_bytes bytes = { data, size };
	char *text = malloc(size + 1);

	INVARIANT(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	check_string(text);
	free(text);
	check_shown(bytes, lk_text_add_shown);
	check_shown(bytes, lk_text_add_quoted);
	check_shown(bytes, lk_text_add_quoted16);
	check_shown(bytes, lk_text_add_quoted_any);
	check_json(bytes);
	return 0;
}
