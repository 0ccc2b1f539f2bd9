/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading the endorsement key and its certificate for the record (TCG EK Credential Profile). */
#include <stdlib.h>
#include <string.h>

#include "sys/crypto/crypto.h"
#include "sys/crypto/crypto_ek.h"
#include "sys/tpm/tpm_admin_private.h"
#include "sys/tpm/tpm_ek_private.h"

void lk_ek_done(struct lk_ek *ek)
{
	lk_buf_done(&ek->area);
	lk_buf_done(&ek->spki);
	lk_buf_done(&ek->certificate);
	lk_buf_done(&ek->chain);
}

static int copy(const uint8_t *data, size_t len, struct lk_buf *ret, struct lk_err *err)
{
	ret->data = malloc(len + 1);
	if (!ret->data)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	memcpy(ret->data, data, len);
	ret->data[len] = '\0';
	ret->len = len;
	return LK_OK;
}

static int read_key(struct lk_tpm *tpm, const struct lk_ek_kind *kind, struct lk_ek *ret,
		    struct lk_err *err)
{
	LK_OWNED_TPM_HANDLE handle = LK_TPM_HANDLE_NONE(tpm);
	LK_OWNED_ADMIN a = LK_ADMIN_NONE(tpm);
	uint8_t area[LK_EK_AREA_MAX], spki[LK_EK_SPKI_MAX];
	struct lk_ek_key key;
	size_t len = 0;

	/* The hierarchy may have an authorization, which must not cross the bus. */
	LK_TRY(lk_admin_begin(tpm, TPMA_SESSION_DECRYPT, &a, err));
	LK_TRY(lk_ek_make(&(struct lk_ek_making){ tpm, kind, a.session.tr }, &handle, area, &len,
			  err));
	if (lk_ek_parse((struct lk_bytes){ area, len }, lk_crypto_hash, &key, err) != LK_OK) {
		lk_err_prefix(err, "the TPM made another key than was asked for");
		return LK_E_OBJECT;
	}
	LK_TRY(copy(area, len, &ret->area, err));
	return copy(spki, lk_ek_spki(&key, spki), &ret->spki, err);
}

static int append(const struct lk_buf *part, struct lk_buf *to, struct lk_err *err)
{
	uint8_t *grown = to->len + part->len <= LK_EK_CHAIN_BYTES_MAX
				 ? realloc(to->data, to->len + part->len + 1)
				 : NULL;

	if (!grown)
		return lk_err_set(err, LK_E_OBJECT, 0,
				  "the endorsement certificate's chain is longer than any");
	to->data = grown;
	memcpy(to->data + to->len, part->data, part->len);
	to->len += part->len;
	to->data[to->len] = '\0';
	return LK_OK;
}

/* One certificate may go on in the next index. */
static int read_chain(struct lk_tpm *tpm, struct lk_buf *ret, struct lk_err *err)
{
	LK_OWNED_BUF all = LK_BUF_NONE;
	struct lk_handles indices;
	size_t whole = 0, len;

	LK_TRY(lk_tpm_list(tpm, LK_NV_EK_CHAIN_FIRST, LK_NV_EK_CHAIN_LAST, &indices, err));
	for (size_t i = 0; i < indices.n; i++) {
		LK_OWNED_BUF part = LK_BUF_NONE;

		LK_TRY(lk_tpm_nv_read(tpm, indices.handle[i], &part, err));
		LK_TRY(append(&part, &all, err));
	}
	/* Behind the last there may be padding. */
	while (whole < all.len && (len = lk_ek_certificate_length(
					   (struct lk_bytes){ all.data + whole, all.len - whole })))
		whole += len;
	all.len = whole;
	*ret = all;
	all = LK_BUF_NONE;
	return LK_OK;
}

static int read_certificate(struct lk_tpm *tpm, uint32_t index, struct lk_buf *ret,
			    struct lk_err *err)
{
	struct lk_nv_public pub;
	int rc = lk_tpm_nv_read_public(tpm, index, &pub, err);

	if (rc != LK_OK || !pub.present)
		return rc;
	rc = lk_tpm_nv_read(tpm, index, ret, err);
	if (rc == LK_OK)
		ret->len = lk_ek_certificate_length((struct lk_bytes){ ret->data, ret->len });
	return rc;
}

int lk_tpm_ek_read(struct lk_tpm *tpm, struct lk_ek *ret, struct lk_err *err)
{
	LK_OWNED_EK ek = { .kind = NULL };
	const struct lk_ek_kind *kind;

	LK_TRY(lk_tpm_ek_kind(tpm, &kind, err));
	ek.kind = kind->name;
	LK_TRY(read_certificate(tpm, kind->certificate, &ek.certificate, err));
	LK_TRY(read_chain(tpm, &ek.chain, err));
	LK_TRY(read_key(tpm, kind, &ek, err));
	*ret = ek;
	ek = (struct lk_ek){ .kind = NULL };
	return LK_OK;
}

int lk_tpm_ek_public(struct lk_tpm *tpm, struct lk_buf *ret, struct lk_err *err)
{
	LK_OWNED_EK ek = { .kind = NULL };
	const struct lk_ek_kind *kind;

	/* The same choice as above, without the session that reading a certificate takes. */
	LK_TRY(lk_tpm_ek_kind(tpm, &kind, err));
	LK_TRY(read_key(tpm, kind, &ek, err));
	*ret = ek.spki;
	ek.spki = LK_BUF_NONE;
	return LK_OK;
}
