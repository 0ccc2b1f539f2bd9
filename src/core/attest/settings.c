/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading latchkey-attest's settings. */
#include "core/attest/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"

static bool is_port(const char *text)
{
	const unsigned long port = strtoul(text, NULL, 10);

	return strspn(text, "0123456789") == strlen(text) && strlen(text) <= 5 && port > 0 &&
	       port <= UINT16_MAX;
}

static int read_server(const struct lk_doc *doc, struct lk_attest_settings *s, struct lk_err *err)
{
	static const char scheme[] = "https://";
	const struct lk_doc *at = lk_doc_get(doc, "server");
	const char *text, *host, *port;

	LK_TRY(lk_doc_get_text(doc, "server", LK_ATTEST_SERVER_MAX, &text, err));
	if (strncmp(text, scheme, sizeof(scheme) - 1) != 0)
		return lk_doc_error(
			at, err,
			"server: expected https:// and a name; nothing else proves who answers");
	host = text + sizeof(scheme) - 1;
	port = strrchr(host, ':');
	if (port && !strchr(port, ']') &&
	    (!is_port(port + 1) || (*host != '[' && strchr(host, ':') != port)))
		return lk_doc_error(
			at, err,
			"server: expected a port from 1 to 65535 behind the last \":\"; an address of IPv6 stands in []");
	if (!*host ||
	    strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:[]") !=
		    strlen(host))
		return lk_doc_error(
			at, err,
			"server: expected a host's name or address, and a port if it isn't 443; no path");
	snprintf(s->server, sizeof(s->server), "%s", text);
	return LK_OK;
}

static int read_ca(const struct lk_doc *doc, struct lk_attest_settings *s, struct lk_err *err)
{
	const char *text;

	if (!lk_doc_get(doc, "ca"))
		return LK_OK;
	LK_TRY(lk_doc_get_text(doc, "ca", LK_ATTEST_PATH_MAX, &text, err));
	if (*text != '/')
		return lk_doc_error(lk_doc_get(doc, "ca"), err, "ca: expected an absolute path");
	snprintf(s->ca, sizeof(s->ca), "%s", text);
	return LK_OK;
}

static int read_pin(const struct lk_doc *doc, struct lk_attest_settings *s, struct lk_err *err)
{
	static const char begin[] = "sha256//";
	const size_t n = sizeof(begin) - 1;
	uint8_t digest[32];
	const char *text;
	size_t len = 0;

	if (!lk_doc_get(doc, "pinned-key"))
		return LK_OK;
	LK_TRY(lk_doc_get_text(doc, "pinned-key", LK_ATTEST_PIN_SIZE, &text, err));
	if (strncmp(text, begin, n) != 0 ||
	    !lk_base64_decode(text + n, strlen(text + n), digest, sizeof(digest), &len) ||
	    len != 32)
		return lk_doc_error(
			lk_doc_get(doc, "pinned-key"), err,
			"pinned-key: expected \"sha256//\" and base64 of the SHA-256 of the server's public key");
	snprintf(s->pin, sizeof(s->pin), "%s", text);
	return LK_OK;
}

int lk_attest_settings_from_doc(const struct lk_doc *doc, struct lk_attest_settings *ret,
				struct lk_err *err)
{
	static const char *const keys[] = { "latchkey-attest", "server", "ca",
					    "pinned-key",      "ima",	 NULL };
	struct lk_attest_settings s = { .ima = true };
	static const char *const words[] = { "on", "off", NULL };
	uint64_t version;
	unsigned int off;

	LK_TRY(lk_doc_expect_keys(doc, keys, err));
	LK_TRY(lk_doc_get_uint(doc, keys[0], 1, 1, &version, err));
	LK_TRY(read_server(doc, &s, err));
	LK_TRY(read_ca(doc, &s, err));
	LK_TRY(read_pin(doc, &s, err));
	if (lk_doc_get(doc, "ima")) {
		LK_TRY(lk_doc_get_word(doc, "ima", words, &off, err));
		s.ima = off == 0;
	}
	*ret = s;
	return LK_OK;
}
