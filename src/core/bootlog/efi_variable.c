/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading EFI variables and their signature lists. */
#include "core/bootlog/efi_variable.h"

#include <string.h>

/* EFI_CERT_X509_GUID a5c059a1-94e4-4aa7-87b5-ab155c2bf072 and
 * EFI_CERT_SHA256_GUID c1c41626-504c-4092-aca9-41f936934328. */
static const uint8_t x509_guid[LK_GUID_SIZE] = { 0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a,
						 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72 };
static const uint8_t sha256_guid[LK_GUID_SIZE] = { 0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40,
						   0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28 };

bool lk_efi_variable_read_any(struct lk_bytes event, struct lk_efi_variable *ret, size_t *ret_stray)
{
	struct lk_reader r = lk_reader_init(event.data, event.len);
	struct lk_efi_variable var;
	uint64_t characters, size;

	var.guid = lk_read_bytes(&r, LK_GUID_SIZE);
	characters = lk_read_le64(&r);
	size = lk_read_le64(&r);
	if (characters > event.len / 2 || size > event.len)
		return false;
	var.name = lk_read_bytes(&r, (size_t)characters * 2);
	var.data = lk_read_bytes(&r, (size_t)size);
	if (r.failed)
		return false;
	/* Some firmware counts the NUL. */
	if (var.name.len >= 2 && !var.name.data[var.name.len - 2] &&
	    !var.name.data[var.name.len - 1])
		var.name.len -= 2;
	*ret = var;
	*ret_stray = r.left;
	return true;
}

bool lk_efi_variable_read(struct lk_bytes event, struct lk_efi_variable *ret)
{
	struct lk_efi_variable var;
	size_t stray;

	if (!lk_efi_variable_read_any(event, &var, &stray) || stray)
		return false;
	*ret = var;
	return true;
}

enum lk_variable_owner lk_efi_variable_owner(const struct lk_efi_variable *var)
{
	/* 8be4df61-93ca-11d2-aa0d-00e098032b8c, d719b2cb-3d3a-4596-a3bc-dad00e67656f
	 * and 605dab50-e046-4300-abb6-3dd810dd8b23. */
	static const uint8_t owners[][LK_GUID_SIZE] = {
		{ 0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98,
		  0x03, 0x2b, 0x8c },
		{ 0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45, 0xa3, 0xbc, 0xda, 0xd0, 0x0e,
		  0x67, 0x65, 0x6f },
		{ 0x50, 0xab, 0x5d, 0x60, 0x46, 0xe0, 0x00, 0x43, 0xab, 0xb6, 0x3d, 0xd8, 0x10,
		  0xdd, 0x8b, 0x23 },
	};

	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++)
		if (!memcmp(var->guid.data, owners[i], LK_GUID_SIZE))
			return (enum lk_variable_owner)i;
	return LK_VARIABLE_OTHER;
}

void lk_efi_signatures_open(struct lk_bytes data, struct lk_efi_signatures *ret)
{
	*ret = (struct lk_efi_signatures){
		.rest = lk_reader_init(data.data, data.len),
	};
}

static enum lk_signature_kind kind_of_signature(struct lk_bytes guid)
{
	if (!memcmp(guid.data, x509_guid, LK_GUID_SIZE))
		return LK_SIGNATURE_CERTIFICATE;
	if (!memcmp(guid.data, sha256_guid, LK_GUID_SIZE))
		return LK_SIGNATURE_SHA256;
	return LK_SIGNATURE_OTHER;
}

/* The next list, whose header is left behind. */
static bool open_list(struct lk_efi_signatures *s)
{
	struct lk_reader *r = &s->rest;
	struct lk_bytes guid = lk_read_bytes(r, LK_GUID_SIZE);
	uint32_t size = lk_read_le32(r);
	uint32_t header = lk_read_le32(r);
	uint32_t entry = lk_read_le32(r);
	const uint32_t before = LK_GUID_SIZE + 12;
	struct lk_bytes entries;

	if (r->failed || size < before || header > size - before || entry <= LK_GUID_SIZE ||
	    (size - before - header) % entry) {
		r->failed = true;
		return false;
	}
	(void)lk_read_bytes(r, header);
	entries = lk_read_bytes(r, size - before - header);
	if (r->failed)
		return false;
	s->kind = kind_of_signature(guid);
	s->type = guid;
	s->entry_size = entry;
	s->list = lk_reader_init(entries.data, entries.len);
	return true;
}

bool lk_efi_signatures_next(struct lk_efi_signatures *s, struct lk_efi_signature *ret)
{
	while (!s->list.left) {
		if (s->rest.failed || !s->rest.left || !open_list(s))
			return false;
	}
	ret->kind = s->kind;
	ret->type = s->type;
	ret->owner = lk_read_bytes(&s->list, LK_GUID_SIZE);
	ret->data = lk_read_bytes(&s->list, s->entry_size - LK_GUID_SIZE);
	return true;
}

bool lk_efi_signatures_hold(struct lk_bytes lists, const struct lk_efi_signature *wanted)
{
	struct lk_efi_signatures at;
	struct lk_efi_signature sig;

	lk_efi_signatures_open(lists, &at);
	while (lk_efi_signatures_next(&at, &sig))
		if (lk_bytes_same(sig.type, wanted->type) &&
		    lk_bytes_same(sig.data, wanted->data) &&
		    lk_bytes_same(sig.owner, wanted->owner))
			return true;
	return false;
}
