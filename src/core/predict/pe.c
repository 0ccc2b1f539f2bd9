/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading PE images. */
#include "core/predict/pe.h"

#include <string.h>

#define NEW_HEADER_AT	 0x3cu
#define COFF_SIZE	 20u
#define SECTION_SIZE	 40u
#define MAGIC_32	 0x10bu
#define MAGIC_64	 0x20bu
#define HEADERS_SIZE_AT	 60u /* in the optional header, as those below */
#define CHECKSUM_AT	 64u
#define DIRECTORIES_32	 96u
#define DIRECTORIES_64	 112u
#define DIRECTORY_SIZE	 8u
#define CERTIFICATE_SLOT 4u

static int bad(struct lk_err *err, const char *what)
{
	return lk_err_set(err, LK_E_INPUT, 0, "no PE image that can be read: %s", what);
}

/* From @at on; empty when that is beyond the file. */
static struct lk_reader reader_at(struct lk_bytes file, size_t at)
{
	struct lk_reader r = lk_reader_init(file.data, file.len);

	(void)lk_read_bytes(&r, at);
	return r;
}

struct coff {
	size_t optional; /* offset */
	size_t optional_size;
	size_t n_sections;
};

static int read_coff(struct lk_bytes file, struct coff *ret, struct lk_err *err)
{
	struct lk_reader r = reader_at(file, NEW_HEADER_AT);
	size_t at = lk_read_le32(&r);

	if (r.failed || file.data[0] != 'M' || file.data[1] != 'Z')
		return bad(err, "it doesn't begin as one");
	r = reader_at(file, at);
	if (lk_read_le32(&r) != 0x4550) /* "PE" */
		return bad(err, "no PE header");
	(void)lk_read_le16(&r); /* machine */
	ret->n_sections = lk_read_le16(&r);
	(void)lk_read_bytes(&r, 12);
	ret->optional_size = lk_read_le16(&r);
	(void)lk_read_le16(&r);
	if (r.failed || ret->n_sections > LK_PE_SECTIONS_MAX)
		return bad(err, "a header that is cut off, or more than 96 sections");
	ret->optional = file.len - r.left;
	return LK_OK;
}

/* The certificates have to end the file: their place isn't hashed. */
static int read_certificates(struct lk_bytes file, size_t at, struct lk_pe *pe, struct lk_err *err)
{
	struct lk_reader r = reader_at(file, at);
	size_t begin = lk_read_le32(&r);
	size_t size = lk_read_le32(&r);

	pe->certificates = at;
	if (!size)
		return LK_OK;
	if (begin > file.len || size != file.len - begin)
		return bad(err, "certificates that don't end the file");
	pe->signatures = (struct lk_bytes){ file.data + begin, size };
	return LK_OK;
}

static int read_optional(struct lk_bytes file, const struct coff *coff, struct lk_pe *pe,
			 struct lk_err *err)
{
	struct lk_reader r = reader_at(file, coff->optional);
	struct lk_bytes optional = lk_read_bytes(&r, coff->optional_size);
	size_t directories;
	uint16_t magic;
	uint32_t n;

	r = lk_reader_init(optional.data, optional.len);
	magic = lk_read_le16(&r);
	directories = magic == MAGIC_64 ? DIRECTORIES_64 : DIRECTORIES_32;
	if (r.failed || (magic != MAGIC_32 && magic != MAGIC_64) || optional.len < directories)
		return bad(err, "no optional header of either kind");
	r = reader_at(optional, HEADERS_SIZE_AT);
	pe->headers_size = lk_read_le32(&r);
	pe->checksum = coff->optional + CHECKSUM_AT;
	r = reader_at(optional, directories - 4);
	n = lk_read_le32(&r);
	if (n <= CERTIFICATE_SLOT)
		return LK_OK;
	directories += CERTIFICATE_SLOT * DIRECTORY_SIZE;
	if (optional.len < directories + DIRECTORY_SIZE)
		return bad(err, "an optional header that is cut off");
	return read_certificates(file, coff->optional + directories, pe, err);
}

static int read_section(struct lk_bytes file, struct lk_reader *r, struct lk_pe_section *ret,
			struct lk_err *err)
{
	struct lk_bytes name = lk_read_bytes(r, LK_PE_NAME_MAX);
	size_t size;

	ret->memory_size = lk_read_le32(r);
	(void)lk_read_le32(r); /* its address */
	size = lk_read_le32(r);
	ret->offset = lk_read_le32(r);
	(void)lk_read_bytes(r, 16);
	if (r->failed)
		return bad(err, "a table of sections that is cut off");
	if (size && (ret->offset > file.len || size > file.len - ret->offset))
		return bad(err, "a section that lies outside of the file");
	memcpy(ret->name, name.data, LK_PE_NAME_MAX);
	ret->name[LK_PE_NAME_MAX] = '\0';
	ret->raw = (struct lk_bytes){ size ? file.data + ret->offset : NULL, size };
	return LK_OK;
}

int lk_pe_read(struct lk_bytes file, struct lk_pe *ret, struct lk_err *err)
{
	struct lk_pe pe = { .file = file };
	struct coff coff = { 0 };
	struct lk_reader r;

	LK_TRY(read_coff(file, &coff, err));
	LK_TRY(read_optional(file, &coff, &pe, err));
	r = reader_at(file, coff.optional + coff.optional_size);
	for (; pe.n_sections < coff.n_sections; pe.n_sections++)
		LK_TRY(read_section(file, &r, &pe.sections[pe.n_sections], err));
	if (pe.headers_size > file.len - pe.signatures.len || pe.headers_size < file.len - r.left)
		return bad(err, "headers that aren't as long as they say");
	*ret = pe;
	return LK_OK;
}

const struct lk_pe_section *lk_pe_find(const struct lk_pe *pe, const char *name)
{
	for (size_t i = 0; i < pe->n_sections; i++)
		if (!strcmp(pe->sections[i].name, name))
			return &pe->sections[i];
	return NULL;
}

/* Sections with bytes in the file, in the order that they lie there. */
static size_t sort_sections(const struct lk_pe *pe,
			    struct lk_bytes sorted[static LK_PE_SECTIONS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < pe->n_sections; i++) {
		size_t at = n;

		if (!pe->sections[i].raw.len)
			continue;
		for (; at && sorted[at - 1].data > pe->sections[i].raw.data; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = pe->sections[i].raw;
		n++;
	}
	return n;
}

/* As EDK II does (MeasurePeCoff.c): what comes after the sections begins where
 * their sizes' sum says. */
bool lk_pe_digest(const struct lk_pe *pe, enum lk_alg alg, lk_hash_fn hash, struct lk_digest *ret)
{
	const uint8_t *base = pe->file.data;
	size_t end = pe->file.len - pe->signatures.len;
	size_t after = pe->checksum + 4;
	struct lk_bytes parts[LK_PE_SECTIONS_MAX + 4];
	size_t sum = pe->headers_size;
	size_t n = 0;
	size_t sections;

	if (!base)
		return false;
	parts[n++] = (struct lk_bytes){ base, pe->checksum };
	if (pe->certificates) {
		parts[n++] = (struct lk_bytes){ base + after, pe->certificates - after };
		after = pe->certificates + DIRECTORY_SIZE;
	}
	parts[n++] = (struct lk_bytes){ base + after, pe->headers_size - after };
	sections = sort_sections(pe, parts + n);
	for (; sections; sections--)
		sum += parts[n++].len;
	if (sum < end)
		parts[n++] = (struct lk_bytes){ base + sum, end - sum };
	return hash(alg, parts, n, ret);
}
