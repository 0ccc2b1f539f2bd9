/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading EFI device paths. */
#include "core/bootlog/device_path.h"

#include <string.h>

#define HEADER_SIZE 4u
#define TYPE_END    0x7fu

/* Type and subtype in one. */
enum node {
	NODE_MEMORY = 0x0103,
	NODE_VENDOR_HARDWARE = 0x0104,
	NODE_URI = 0x0318,
	NODE_MAC = 0x030b,
	NODE_PARTITION = 0x0401,
	NODE_VENDOR_MEDIA = 0x0403,
	NODE_FILE = 0x0404,
	NODE_FIRMWARE_FILE = 0x0406,
	NODE_FIRMWARE_VOLUME = 0x0407,
};

static void add_partition(struct lk_bytes node, struct lk_text_out *out)
{
	struct lk_reader r = lk_reader_init(node.data, node.len);
	uint32_t number = lk_read_le32(&r);
	struct lk_bytes signature;

	(void)lk_read_bytes(&r, 16); /* start, size */
	signature = lk_read_bytes(&r, LK_GUID_SIZE);
	(void)lk_read_u8(&r); /* MBR or GPT */
	if (lk_read_u8(&r) == 2 && !r.failed) {
		lk_text_add(out, " on partition %u ", number);
		lk_text_add_guid(out, signature.data);
	} else if (!r.failed) {
		lk_text_add(out, " on partition %u", number);
	}
}

static void add_guid(const char *what, struct lk_bytes node, struct lk_text_out *out)
{
	if (node.len < LK_GUID_SIZE)
		return;
	lk_text_add(out, " %s ", what);
	lk_text_add_guid(out, node.data);
}

static void add_memory(struct lk_bytes node, struct lk_text_out *out)
{
	struct lk_reader r = lk_reader_init(node.data, node.len);
	uint64_t begin, end;

	(void)lk_read_le32(&r);
	begin = lk_read_le64(&r);
	end = lk_read_le64(&r);
	if (!r.failed)
		lk_text_add(out, " in memory at 0x%llx to 0x%llx", (unsigned long long)begin,
			    (unsigned long long)end);
}

static void add_node(unsigned int kind, struct lk_bytes node, struct lk_text_out *out)
{
	switch (kind) {
	case NODE_MEMORY:
		add_memory(node, out);
		break;
	case NODE_VENDOR_HARDWARE:
	case NODE_VENDOR_MEDIA:
		add_guid("of vendor path", node, out);
		break;
	case NODE_URI:
		lk_text_add(out, " from ");
		lk_text_add_quoted(out, node);
		break;
	case NODE_MAC:
		lk_text_add(out, " over the network");
		break;
	case NODE_PARTITION:
		add_partition(node, out);
		break;
	case NODE_FILE:
		lk_text_add(out, " ");
		lk_text_add_quoted16(out, node);
		break;
	case NODE_FIRMWARE_FILE:
		add_guid("firmware file", node, out);
		break;
	case NODE_FIRMWARE_VOLUME:
		add_guid("of firmware volume", node, out);
		break;
	default:
		break;
	}
}

/* The next node; false at the end, and at what isn't one. */
static bool next_node(struct lk_reader *r, unsigned int *kind, struct lk_bytes *ret)
{
	size_t len;

	if (r->left < HEADER_SIZE)
		return false;
	*kind = (unsigned int)lk_read_u8(r) << 8;
	*kind |= lk_read_u8(r);
	len = lk_read_le16(r);
	if (len < HEADER_SIZE || len - HEADER_SIZE > r->left || *kind >> 8 == TYPE_END)
		return false;
	*ret = lk_read_bytes(r, len - HEADER_SIZE);
	return true;
}

void lk_device_path_text(struct lk_bytes path, struct lk_text_out *out)
{
	struct lk_reader r = lk_reader_init(path.data, path.len);
	size_t before = out->len;
	struct lk_bytes node;
	unsigned int kind;

	while (next_node(&r, &kind, &node))
		add_node(kind, node, out);
	if (out->len == before && !out->full)
		lk_text_add(out, path.len ? " by its device" : " without a path");
}

/* One component, or several, with '\\' before each. */
static bool append_file(struct lk_bytes utf16, char *out, size_t *len)
{
	if (utf16.len >= 2 && utf16.data[0] != '\\' && *len + 1 < LK_DEVICE_FILE_MAX)
		out[(*len)++] = '/';
	for (size_t i = 0; i + 1 < utf16.len; i += 2) {
		char c = (char)utf16.data[i];

		if (!c && !utf16.data[i + 1])
			return true;
		if (utf16.data[i + 1] || c < ' ' || c > '~' || c == '/' ||
		    *len + 1 >= LK_DEVICE_FILE_MAX)
			return false;
		out[(*len)++] = c == '\\' ? '/' : c;
	}
	return true;
}

/* No partition: a network, firmware, or what an emulator hands over. */
static bool is_elsewhere(unsigned int kind)
{
	return kind == NODE_URI || kind == NODE_MAC || kind == NODE_VENDOR_MEDIA ||
	       kind == NODE_FIRMWARE_FILE || kind == NODE_FIRMWARE_VOLUME;
}

bool lk_device_path_file(struct lk_bytes path, char out[static LK_DEVICE_FILE_MAX])
{
	struct lk_reader r = lk_reader_init(path.data, path.len);
	bool good = true;
	struct lk_bytes node;
	unsigned int kind;
	size_t len = 0;

	while (good && next_node(&r, &kind, &node)) {
		good = !is_elsewhere(kind);
		if (kind == NODE_FILE)
			good = append_file(node, out, &len);
	}
	out[len] = '\0';
	if (good && len > 1 && !strstr(out, "/.."))
		return true;
	out[0] = '\0';
	return false;
}

/* A path up to its file, and the part of that from the partition on. */
struct volume {
	struct lk_bytes whole, partition;
	bool has_file;
};

static struct volume volume_of(struct lk_bytes path)
{
	struct lk_reader r = lk_reader_init(path.data, path.len);
	struct volume v = { .whole = { path.data, 0 } };
	struct lk_bytes node;
	unsigned int kind;

	while (!v.has_file && next_node(&r, &kind, &node)) {
		const uint8_t *begin = node.data - HEADER_SIZE;

		v.has_file = kind == NODE_FILE;
		if (kind == NODE_PARTITION)
			v.partition = (struct lk_bytes){ begin, 0 };
		if (!v.has_file)
			v.whole.len = path.len - r.left;
	}
	if (v.partition.data)
		v.partition.len = (size_t)(v.whole.data + v.whole.len - v.partition.data);
	return v;
}

bool lk_device_path_same_volume(struct lk_bytes option, struct lk_bytes image)
{
	struct volume o = volume_of(option);
	struct volume i = volume_of(image);

	if (lk_bytes_same(o.whole, i.whole))
		return true;
	if (o.partition.len && o.partition.len == o.whole.len)
		return lk_bytes_same(o.partition, i.partition);
	return !o.has_file && o.whole.len && o.whole.len < i.whole.len &&
	       !memcmp(o.whole.data, i.whole.data, o.whole.len);
}

static struct lk_bytes read_option(struct lk_bytes option, struct lk_bytes *ret_data)
{
	struct lk_reader r = lk_reader_init(option.data, option.len);
	struct lk_bytes path;
	size_t path_len;

	(void)lk_read_le32(&r);
	path_len = lk_read_le16(&r);
	while (lk_read_le16(&r))
		;
	path = lk_read_bytes(&r, path_len);
	*ret_data = lk_read_bytes(&r, r.failed ? 0 : r.left);
	return path;
}

struct lk_bytes lk_load_option_path(struct lk_bytes option)
{
	struct lk_bytes data;

	return read_option(option, &data);
}

struct lk_bytes lk_load_option_data(struct lk_bytes option)
{
	struct lk_bytes data;

	(void)read_option(option, &data);
	return data;
}

struct lk_bytes lk_image_event_path(struct lk_bytes event)
{
	struct lk_reader r = lk_reader_init(event.data, event.len);
	uint64_t len;

	(void)lk_read_bytes(&r, 24); /* address, length, link-time address */
	len = lk_read_le64(&r);
	if (len > r.left)
		return (struct lk_bytes){ NULL, 0 };
	return lk_read_bytes(&r, (size_t)len);
}
