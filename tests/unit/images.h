/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns putting small PE images together for tests. */
#ifndef LK_TEST_IMAGES_H
#define LK_TEST_IMAGES_H

#include "event_logs.h"

/* Where things lie in what put_image makes. */
#define IMAGE_PE	 0x40u
#define IMAGE_N_SECTIONS (IMAGE_PE + 6)
#define IMAGE_OPTIONAL	 (IMAGE_PE + 24)
#define IMAGE_OPT_SIZE	 (IMAGE_PE + 20)
#define IMAGE_HEADERS	 (IMAGE_OPTIONAL + 60)
#define IMAGE_CHECKSUM	 (IMAGE_OPTIONAL + 64)
#define IMAGE_N_DIRS	 (IMAGE_OPTIONAL + 108)
#define IMAGE_CERTS	 (IMAGE_OPTIONAL + 112 + 32)
#define IMAGE_SECTIONS	 (IMAGE_OPTIONAL + 112 + 40)
#define IMAGE_HEADER_LEN 1024u

struct part {
	const char *name, *content;
	size_t len;
};

/** PE32+ with these sections, one after the other, and then signatures. */
static inline void put_image(struct made *m, const struct part *parts, size_t n,
			     struct lk_bytes signatures)
{
	static const uint8_t zeros[IMAGE_HEADER_LEN] = { 0 };
	size_t at = IMAGE_HEADER_LEN;

	m->len = 0;
	put(m, "MZ", 2);
	put(m, zeros, 0x3a);
	put_number(m, IMAGE_PE, 4);
	put(m, "PE\0\0\x64\x86", 6);
	put_number(m, n, 2);
	put(m, zeros, 12);
	put_number(m, 112 + 40, 2); /* five directories */
	put_number(m, 0x22e, 2);
	put_number(m, 0x20b, 2);
	put(m, zeros, 58);
	put_number(m, IMAGE_HEADER_LEN, 4);
	put_number(m, 0x12345678, 4); /* checksum */
	put(m, zeros, 40);
	put_number(m, 5, 4);
	put(m, zeros, 40);
	for (size_t i = 0; i < n; i++) {
		put(m, parts[i].name, strlen(parts[i].name));
		put(m, zeros, 8 - strlen(parts[i].name));
		put_number(m, parts[i].len, 4);
		put_number(m, 0x10000 * (i + 1), 4);
		put_number(m, parts[i].len, 4);
		put_number(m, at, 4);
		put(m, zeros, 16);
		at += parts[i].len;
	}
	put(m, zeros, IMAGE_HEADER_LEN - m->len);
	for (size_t i = 0; i < n; i++)
		put(m, parts[i].content, parts[i].len);
	if (!signatures.len)
		return;
	memcpy(m->data + IMAGE_CERTS, &(uint32_t){ (uint32_t)m->len }, 4);
	memcpy(m->data + IMAGE_CERTS + 4, &(uint32_t){ (uint32_t)signatures.len }, 4);
	put(m, signatures.data, signatures.len);
}

#define STUB_257 "#### LoaderInfo: systemd-stub 257.13-1 ####"
#define STUB_252 "#### LoaderInfo: systemd-stub 252.39-1 ####"

static inline struct lk_bytes text_bytes(const char *text)
{
	return (struct lk_bytes){ (const uint8_t *)text, strlen(text) };
}

#endif
