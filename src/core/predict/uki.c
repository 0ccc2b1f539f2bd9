/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading unified kernel images. */
#include "core/predict/uki.h"

#include <stdio.h>
#include <string.h>

#define STUB_OLD 252u
#define STUB_NEW 257u

/* In the order that they are measured in; .pcrsig is not, as it is made of
 * what the others come to. Checked against booted machines for both stubs. */
static const struct {
	const char *name;
	unsigned int since;
} measured[] = {
	{ ".linux", 0 },	{ ".osrel", 0 },   { ".cmdline", 0 }, { ".initrd", 0 },
	{ ".ucode", STUB_NEW }, { ".splash", 0 },  { ".dtb", 0 },     { ".uname", STUB_NEW },
	{ ".sbat", STUB_NEW },	{ ".pcrpkey", 0 },
};

static int refuse_image(struct lk_err *err, const char *what)
{
	return lk_err_set(err, LK_E_REFUSED, 0,
			  "what this unified kernel image measures isn't known: %s", what);
}

/* "#### LoaderInfo: systemd-stub 257.13-1~deb13u1 ####" */
static int read_version(const struct lk_pe *pe, unsigned int *ret, struct lk_err *err)
{
	static const char before[] = "#### LoaderInfo: systemd-stub ";
	const struct lk_pe_section *magic = lk_pe_find(pe, ".sdmagic");
	const size_t len = sizeof(before) - 1;
	unsigned int version = 0;

	if (!magic || magic->raw.len < len + 4 || memcmp(magic->raw.data, before, len) != 0)
		return refuse_image(err, "it hasn't systemd's stub");
	for (size_t i = len; i < len + 3; i++) {
		uint8_t c = magic->raw.data[i];

		if (c < '0' || c > '9')
			return refuse_image(err, "its stub has no version");
		version = version * 10 + (unsigned int)(c - '0');
	}
	if (version != STUB_OLD && version != STUB_NEW)
		return lk_err_set(
			err, LK_E_REFUSED, 0,
			"what this unified kernel image measures isn't known: systemd-stub %u, and only 252 and 257 are",
			version);
	*ret = version;
	return LK_OK;
}

static int check_sections(const struct lk_pe *pe, struct lk_err *err)
{
	static const char *const several[] = { ".profile", ".dtbauto", ".hwids" };

	for (size_t i = 0; i < sizeof(several) / sizeof(several[0]); i++)
		if (lk_pe_find(pe, several[i]))
			return refuse_image(
				err, "it has several profiles, or device trees to choose from");
	for (size_t i = 0; i < pe->n_sections; i++)
		if (lk_pe_find(pe, pe->sections[i].name) != &pe->sections[i])
			return refuse_image(err, "two sections of one name");
	return LK_OK;
}

/* As it lies in memory. */
static int section_bytes(const struct lk_pe *pe, const char *name, struct lk_bytes *ret,
			 struct lk_err *err)
{
	const struct lk_pe_section *section = lk_pe_find(pe, name);

	*ret = (struct lk_bytes){ NULL, 0 };
	if (!section)
		return LK_OK;
	if (section->memory_size > section->raw.len)
		return refuse_image(err, "a section is longer in memory than in the file");
	*ret = (struct lk_bytes){ section->raw.data, section->memory_size };
	return LK_OK;
}

int lk_uki_read(struct lk_bytes file, struct lk_uki *ret, struct lk_err *err)
{
	struct lk_uki uki = { .n_sections = 0 };
	struct lk_bytes bytes;

	LK_TRY(lk_pe_read(file, &uki.pe, err));
	if (!lk_pe_find(&uki.pe, ".linux"))
		return lk_err_set(err, LK_E_INPUT, 0,
				  "no unified kernel image: it has no section .linux");
	LK_TRY(read_version(&uki.pe, &uki.stub, err));
	LK_TRY(check_sections(&uki.pe, err));
	for (size_t i = 0; i < sizeof(measured) / sizeof(measured[0]); i++) {
		LK_TRY(section_bytes(&uki.pe, measured[i].name, &bytes, err));
		if (!bytes.len || measured[i].since > uki.stub)
			continue;
		uki.names[uki.n_sections] = measured[i].name;
		uki.contents[uki.n_sections++] = bytes;
	}
	LK_TRY(section_bytes(&uki.pe, ".pcrsig", &bytes, err));
	*ret = uki;
	return LK_OK;
}

const char *lk_uki_section_name(size_t i)
{
	return i < sizeof(measured) / sizeof(measured[0]) ? measured[i].name : NULL;
}

struct lk_bytes lk_uki_section(const struct lk_uki *uki, const char *name)
{
	for (size_t i = 0; i < uki->n_sections; i++)
		if (!strcmp(uki->names[i], name))
			return uki->contents[i];
	return (struct lk_bytes){ NULL, 0 };
}

int lk_load_options_make(struct lk_bytes text, struct lk_load_options *ret, struct lk_err *err)
{
	ret->len = 0;
	if (text.len > LK_UKI_CMDLINE_MAX)
		return lk_err_set(err, LK_E_REFUSED, 0,
				  "a command line of more than 4096 characters");
	for (size_t i = 0; i < text.len; i++) {
		if (!text.data[i] || text.data[i] > 0x7e)
			return lk_err_set(
				err, LK_E_REFUSED, 0,
				"a command line that isn't ASCII: how it is measured isn't known");
		ret->data[ret->len++] = text.data[i];
		ret->data[ret->len++] = 0;
	}
	ret->data[ret->len++] = 0;
	ret->data[ret->len++] = 0;
	return LK_OK;
}

/* The stub takes it up to a NUL, makes control characters spaces, and drops
 * space from both ends. */
int lk_uki_load_options(const struct lk_uki *uki, struct lk_load_options *ret, struct lk_err *err)
{
	struct lk_bytes text = lk_uki_section(uki, ".cmdline");
	const uint8_t *end = text.len ? memchr(text.data, 0, text.len) : NULL;

	if (end)
		text.len = (size_t)(end - text.data);
	while (text.len && text.data[text.len - 1] <= ' ')
		text.len--;
	while (text.len && text.data[0] <= ' ') {
		text.data++;
		text.len--;
	}
	if (!text.len)
		return refuse_image(err, "it has no command line");
	LK_TRY(lk_load_options_make(text, ret, err));
	for (size_t i = 0; i < ret->len - 2; i += 2)
		if (ret->data[i] < ' ')
			ret->data[i] = ' ';
	return LK_OK;
}

/* One file in an archive of its own, in the folder .extra: parts of it, that
 * refer to the texts here. */
struct extra {
	char folder[120];
	char file[176];
};
#define EXTRA_MAX   4u
#define PARTS_MAX   (4u + 5u * EXTRA_MAX)
#define HEADER_SIZE 110u

static const uint8_t zeros[4] = { 0 };
#define ZERO "00000000"
/* With the NUL that ends the string here: 124 bytes. */
static const char trailer[] = "070701" ZERO ZERO ZERO ZERO "00000001" ZERO ZERO ZERO ZERO ZERO ZERO
			      "0000000B" ZERO "TRAILER!!!\0\0\0";

struct parts {
	struct lk_bytes list[PARTS_MAX];
	size_t n;
	struct extra extra[EXTRA_MAX];
	size_t n_extra;
};

static void add_part(struct parts *p, const void *data, size_t len)
{
	p->list[p->n++] = (struct lk_bytes){ data, len };
}

static void add_padded(struct parts *p, struct lk_bytes bytes)
{
	add_part(p, bytes.data, bytes.len);
	add_part(p, zeros, (4 - bytes.len % 4) % 4);
}

/* A header of cpio's "newc" and the name, to a multiple of 4. */
static size_t put_header(char *out, size_t cap, const unsigned int what[3], const char *name)
{
	size_t name_size = strlen(name) + 1;
	size_t len = (HEADER_SIZE + name_size + 3) & ~(size_t)3;

	memset(out, 0, cap);
	(void)snprintf(
		out, cap,
		"070701%08x%08x0000000000000000%08x00000000%08x00000000000000000000000000000000%08zx00000000%s",
		what[0], what[1], 1u, what[2], name_size, name);
	return len;
}

static void add_extra(struct parts *p, const char *name, struct lk_bytes bytes)
{
	struct extra *e = &p->extra[p->n_extra];
	const unsigned int folder[3] = { 1, 040555, 0 };
	const unsigned int file[3] = { 2, 0100444, (unsigned int)bytes.len };

	if (!bytes.len)
		return;
	p->n_extra++;
	add_part(p, e->folder, put_header(e->folder, sizeof(e->folder), folder, ".extra"));
	add_part(p, e->file, put_header(e->file, sizeof(e->file), file, name));
	add_padded(p, bytes);
	add_part(p, trailer, sizeof(trailer));
}

bool lk_uki_initrd_digest(const struct lk_uki *uki, enum lk_alg alg, lk_hash_fn hash,
			  struct lk_digest *ret)
{
	struct lk_bytes initrd = lk_uki_section(uki, ".initrd");
	struct lk_bytes ucode = lk_uki_section(uki, ".ucode");
	struct lk_bytes signature = { NULL, 0 };
	struct parts p = { .n = 0 };

	(void)section_bytes(&uki->pe, ".pcrsig", &signature, NULL);
	if (ucode.len)
		add_padded(&p, ucode);
	if (initrd.len)
		add_padded(&p, initrd);
	add_extra(&p, ".extra/tpm2-pcr-signature.json", signature);
	add_extra(&p, ".extra/tpm2-pcr-public-key.pem", lk_uki_section(uki, ".pcrpkey"));
	if (uki->stub >= STUB_NEW)
		add_extra(&p, ".extra/os-release", lk_uki_section(uki, ".osrel"));
	/* One alone is handed on as it is, from where it lies. */
	if (p.n == 2)
		p.n = 1;
	return hash(alg, p.list, p.n, ret);
}
