/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of the head of an HTTP request, and of its query. */
#include "core/base/text.h"
#include "fuzz.h"
#include "sys/http/http_head.h"

/* Well-formed, without control characters, and ending where it has to. */
static void check_text(const char *text, size_t cap)
{
	size_t left = strnlen(text, cap);

	INVARIANT(left < cap);
	for (const char *p = text; left;) {
		size_t n = lk_text_character((const uint8_t *)p, left);

		INVARIANT(n);
		p += n;
		left -= n;
	}
}

static void check_head(const struct lk_httpd_head *head)
{
	char out[64];

	check_text(head->path, sizeof(head->path));
	INVARIANT(head->path[0] == '/' && !strstr(head->path, "/../") && !strstr(head->path, "//"));
	INVARIANT(strnlen(head->query, sizeof(head->query)) < sizeof(head->query));
	INVARIANT(strnlen(head->host, sizeof(head->host)) < sizeof(head->host));
	INVARIANT(strnlen(head->bearer, sizeof(head->bearer)) < sizeof(head->bearer));
	INVARIANT(strnlen(head->type, sizeof(head->type)) < sizeof(head->type));
	if (lk_httpd_query_get(head->query, "q", out, sizeof(out)))
		check_text(out, sizeof(out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lk_httpd_head head, untouched;
	unsigned int status;

	memset(&head, 0x5a, sizeof(head));
	memcpy(&untouched, &head, sizeof(head));
	status = lk_httpd_head_parse((const char *)data, size, &head);
	INVARIANT(status == 0 || (status >= 400 && status <= 599));
	if (status == 0)
		check_head(&head);
	else
		INVARIANT(memcmp(&head, &untouched, sizeof(head)) == 0);
	return 0;
}
