/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns bounded reading and writing of bytes, hexadecimal and base64. */
#ifndef LK_CORE_BASE_BYTES_H
#define LK_CORE_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A view of bytes; not owned. */
struct lk_bytes {
	const uint8_t *data;
	size_t len;
};

bool lk_bytes_same(struct lk_bytes a, struct lk_bytes b);
/** Whether @needle, which isn't empty, lies in @hay anywhere. */
bool lk_bytes_contain(struct lk_bytes hay, struct lk_bytes needle);

/** Reads from the front; once it fails it stays failed and gives zeros. */
struct lk_reader {
	const uint8_t *data;
	size_t left;
	bool failed;
};

struct lk_reader lk_reader_init(const uint8_t *data, size_t len);
uint8_t lk_read_u8(struct lk_reader *r);
uint16_t lk_read_be16(struct lk_reader *r);
uint32_t lk_read_be32(struct lk_reader *r);
uint64_t lk_read_be64(struct lk_reader *r);
/* What firmware and kernels of PCs write. */
uint16_t lk_read_le16(struct lk_reader *r);
uint32_t lk_read_le32(struct lk_reader *r);
uint64_t lk_read_le64(struct lk_reader *r);
/** The next @len bytes in place, or {NULL, 0} and failed. */
struct lk_bytes lk_read_bytes(struct lk_reader *r, size_t len);
/** True when nothing failed and nothing is left over. */
bool lk_reader_done(const struct lk_reader *r);

/** Appends to a caller's buffer; once it fails it stays failed. */
struct lk_writer {
	uint8_t *data;
	size_t cap;
	size_t len;
	bool failed;
};

struct lk_writer lk_writer_init(uint8_t *data, size_t cap);
void lk_write_u8(struct lk_writer *w, uint8_t v);
void lk_write_be16(struct lk_writer *w, uint16_t v);
void lk_write_be32(struct lk_writer *w, uint32_t v);
void lk_write_be64(struct lk_writer *w, uint64_t v);
void lk_write_bytes(struct lk_writer *w, const void *data, size_t len);

/** Writes 2 * @len lower-case digits and a NUL into @out. */
void lk_hex_encode(const uint8_t *data, size_t len, char *out);
/**
 * lk_hex_decode - digits of either case, no prefix, no spaces
 * @cap: room in @out, in bytes
 * @ret_len: set on success
 *
 * Return: false for an odd number of digits, another character, or no room.
 */
bool lk_hex_decode(const char *hex, size_t hex_len, uint8_t *out, size_t cap, size_t *ret_len);
/** Strict base64 (RFC 4648 section 4), line ends between digits allowed. */
bool lk_base64_decode(const char *text, size_t text_len, uint8_t *out, size_t cap, size_t *ret_len);
/** Characters of @len bytes in base64, without a NUL. */
#define LK_BASE64_SIZE(len) (((len) + 2u) / 3u * 4u)
/** Writes LK_BASE64_SIZE(@len) characters with padding, in one line and without a NUL. */
void lk_base64_encode(const uint8_t *data, size_t len, char *out);

#endif
