/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns PE images (Microsoft's PE format, 2023): their sections, and the digest that firmware measures. */
#ifndef LK_CORE_PREDICT_PE_H
#define LK_CORE_PREDICT_PE_H

#include "core/base/alg.h"
#include "core/base/rc.h"

#define LK_PE_MAX	   (512u * 1024u * 1024u)
#define LK_PE_SECTIONS_MAX 96u
#define LK_PE_NAME_MAX	   8u

struct lk_pe_section {
	char name[LK_PE_NAME_MAX + 1];
	uint32_t memory_size;
	size_t offset;	     /* in the file */
	struct lk_bytes raw; /* as long as the file has it */
};

/** Refers to the file's bytes. */
struct lk_pe {
	struct lk_bytes file;
	size_t checksum;     /* offsets in the file */
	size_t certificates; /* of the entry that says where they are; 0: none */
	size_t headers_size;
	struct lk_bytes signatures; /* attribute certificates; may be empty */
	size_t n_sections;
	struct lk_pe_section sections[LK_PE_SECTIONS_MAX];
};

/** LK_OK or LK_E_INPUT; whatever lies outside of the file is refused. */
int lk_pe_read(struct lk_bytes file, struct lk_pe *ret, struct lk_err *err);

/** The first of that name; NULL when there is none. */
const struct lk_pe_section *lk_pe_find(const struct lk_pe *pe, const char *name);

/**
 * lk_pe_digest - Authenticode's, as firmware extends it into PCR 4
 *
 * All but the checksum, the place of the certificates, and these.
 */
bool lk_pe_digest(const struct lk_pe *pe, enum lk_alg alg, lk_hash_fn hash, struct lk_digest *ret);

#endif
