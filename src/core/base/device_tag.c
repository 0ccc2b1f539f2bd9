/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the encoding of device tags as udev's links have them. */
#include "core/base/device_tag.h"

#include <stdio.h>
#include <string.h>

#include "core/base/text.h"

static const struct tag {
	const char *name;
	const char *dir;
	bool is_uuid;
} tags[] = {
	{ "UUID=", "by-uuid", true },
	{ "LABEL=", "by-label", false },
	{ "PARTUUID=", "by-partuuid", true },
	{ "PARTLABEL=", "by-partlabel", false },
};

static const struct tag *find_tag(const char *spec)
{
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		size_t n = strlen(tags[i].name);

		if (strncmp(spec, tags[i].name, n) == 0 && spec[n])
			return &tags[i];
	}
	return NULL;
}

bool lk_device_tag_is(const char *spec)
{
	return find_tag(spec) != NULL;
}

bool lk_device_spec_is(const char *spec)
{
	return spec[0] == '/' || lk_device_tag_is(spec);
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_encoded(const char *p)
{
	return p[0] == '\\' && p[1] == 'x' && is_hex(p[2]) && is_hex(p[3]);
}

static bool stays(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("#+-.:=@_", c));
}

/* What LUKS and GPT have is written in lower case; the serial number of a FAT file
 * system, which is no UUID, isn't. */
static char lower(char c)
{
	return c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
}

/* How many bytes of @p stay as they are: an encoded one, a letter, a character of
 * several bytes. */
static size_t plain(const char *p)
{
	size_t n;

	if (is_encoded(p))
		return 4;
	if (!((unsigned char)*p & 0x80))
		return stays(*p);
	n = lk_text_character((const uint8_t *)p, strlen(p));
	return n > 1 ? n : 0;
}

bool lk_device_tag_link(const char *spec, char *out, size_t cap)
{
	const struct tag *tag = find_tag(spec);
	const char *p;
	bool fold;
	size_t len;
	int n;

	if (!tag)
		return false;
	p = spec + strlen(tag->name);
	fold = tag->is_uuid && strspn(p, "0123456789abcdefABCDEF-") == strlen(p) &&
	       (strlen(p) == 36 || strcmp(tag->name, "PARTUUID=") == 0);
	n = snprintf(out, cap, "/dev/disk/%s/", tag->dir);
	if (n < 0 || (size_t)n >= cap)
		return false;
	for (len = (size_t)n; *p;) {
		size_t keep = plain(p);

		if (len + (keep ? keep : 4) >= cap)
			return false;
		if (keep) {
			memcpy(out + len, p, keep);
			if (fold)
				out[len] = lower(*p);
		} else {
			(void)snprintf(out + len, cap - len, "\\x%02x", (unsigned char)*p);
		}
		len += keep ? keep : 4;
		p += keep ? keep : 1;
	}
	out[len] = '\0';
	return true;
}
