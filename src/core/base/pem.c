/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the labels of PEM. */
#include "core/base/pem.h"

#include <string.h>

#define LABEL_MAX 64u

/* The label ends in these words: "ENCRYPTED PRIVATE KEY", "EC PRIVATE KEY". */
static bool ends_in(const char *label, const char *words)
{
	size_t len = strlen(label);
	size_t n = strlen(words);

	return len >= n && strcmp(label + len - n, words) == 0;
}

static const char *kind_of_label(const char *label)
{
	static const struct {
		const char *words, *kind;
	} table[] = {
		{ "PRIVATE KEY", "a private key" },
		{ "PUBLIC KEY", "a public key" },
		{ "CERTIFICATE REQUEST", "a certificate request" },
		{ "CERTIFICATE", "a certificate" },
		{ "EC PARAMETERS", "a curve's parameters" },
		{ "CMS", "an encrypted or signed message (CMS)" },
		{ "PKCS7", "an encrypted or signed message (CMS)" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (ends_in(label, table[i].words))
			return table[i].kind;
	return NULL;
}

const char *lk_pem_kind(struct lk_bytes text)
{
	static const char begin[] = "-----BEGIN ";
	const size_t n = sizeof(begin) - 1;
	char label[LABEL_MAX] = "";

	for (size_t i = 0; i + n < text.len; i++) {
		size_t len = 0;

		if (memcmp(text.data + i, begin, n) != 0)
			continue;
		for (i += n; i + len < text.len && len + 1 < LABEL_MAX; len++) {
			label[len] = (char)text.data[i + len];
			if (label[len] == '-' || label[len] == '\n')
				break;
		}
		label[len] = '\0';
		return kind_of_label(label);
	}
	return NULL;
}

bool lk_pem_public_der(const char *pem, uint8_t *out, size_t cap, size_t *ret_len)
{
	const char *begin = strstr(pem, "-----BEGIN PUBLIC KEY-----");
	const char *from = begin ? strchr(begin, '\n') : NULL;
	const char *to = from ? strstr(from, "-----END") : NULL;

	while (from && to && from < to && (*from == '\n' || *from == '\r'))
		from++;
	return to && to > from && lk_base64_decode(from, (size_t)(to - from), out, cap, ret_len);
}
