/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of PE images and unified kernel images, their digests included. */
#include "core/predict/uki.h"
#include "fuzz.h"
#include "sys/crypto/crypto.h"

static void check_inside(struct lk_bytes inner, struct lk_bytes outer)
{
	INVARIANT(!inner.len ||
		  (inner.data >= outer.data && inner.data + inner.len <= outer.data + outer.len));
}

static void check_pe(const struct lk_pe *pe)
{
	struct lk_digest digest;

	INVARIANT(pe->n_sections <= LK_PE_SECTIONS_MAX);
	INVARIANT(pe->headers_size <= pe->file.len);
	check_inside(pe->signatures, pe->file);
	for (size_t i = 0; i < pe->n_sections; i++) {
		check_inside(pe->sections[i].raw, pe->file);
		INVARIANT(strlen(pe->sections[i].name) <= LK_PE_NAME_MAX);
		INVARIANT(lk_pe_find(pe, pe->sections[i].name));
	}
	INVARIANT(lk_pe_digest(pe, LK_ALG_SHA256, lk_crypto_hash, &digest) && digest.len == 32);
}

static void check_uki(const struct lk_uki *uki)
{
	struct lk_load_options options;
	struct lk_digest digest;
	struct lk_err err = { 0 };
	int rc = lk_uki_load_options(uki, &options, &err);

	INVARIANT(uki->n_sections <= LK_UKI_SECTIONS_MAX);
	for (size_t i = 0; i < uki->n_sections; i++)
		check_inside(uki->contents[i], uki->pe.file);
	if (rc == LK_OK)
		INVARIANT(options.len >= 4 && options.len <= sizeof(options.data) &&
			  !options.data[options.len - 2]);
	else
		check_error(rc, LK_E_REFUSED, &err);
	INVARIANT(lk_uki_initrd_digest(uki, LK_ALG_SHA384, lk_crypto_hash, &digest));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct lk_bytes file = { data, size };
	struct lk_err err = { 0 };
	struct lk_uki uki;
	struct lk_pe pe;
	int rc = lk_pe_read(file, &pe, &err);

	if (rc == LK_OK)
		check_pe(&pe);
	else
		check_error(rc, LK_E_INPUT, &err);
	if (lk_uki_read(file, &uki, &err) == LK_OK) {
		INVARIANT(rc == LK_OK);
		check_uki(&uki);
	} else {
		INVARIANT(err.msg[0]);
	}
	return 0;
}
