/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading and extending PCRs, and reading counters. */
#include <string.h>

#include "sys/tpm/tpm_private.h"

/* One TPM2_PCR_Read: at most eight digests come back (Part 2, TPML_DIGEST). */
static int read_some(struct lk_tpm *tpm, ESYS_TR session, const struct lk_pcr_selection *want,
		     struct lk_pcr_values *values, struct lk_err *err)
{
	TPML_PCR_SELECTION in = {
		.count = 1,
		.pcrSelections = { { .hash = (TPMI_ALG_HASH)want->bank,
				     .sizeofSelect = 3,
				     .pcrSelect = { (BYTE)want->mask, (BYTE)(want->mask >> 8),
						    (BYTE)(want->mask >> 16) } } }
	};
	TPML_PCR_SELECTION *out = NULL;
	TPML_DIGEST *digests = NULL;
	UINT32 counter;
	uint32_t got;
	unsigned int n = 0;
	TSS2_RC rc = Esys_PCR_Read(lk_tpm_esys(tpm), session, ESYS_TR_NONE, ESYS_TR_NONE, &in,
				   &counter, &out, &digests);

	if (rc != TSS2_RC_SUCCESS)
		return lk_tpm_error(rc, "reading PCRs", err);
	got = out->count == 1 && out->pcrSelections[0].hash == (TPMI_ALG_HASH)want->bank &&
			      out->pcrSelections[0].sizeofSelect == 3
		      ? (uint32_t)out->pcrSelections[0].pcrSelect[0] |
				(uint32_t)out->pcrSelections[0].pcrSelect[1] << 8 |
				(uint32_t)out->pcrSelections[0].pcrSelect[2] << 16
		      : 0;
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		if (!(got & want->mask & 1u << i) || n >= digests->count ||
		    digests->digests[n].size != lk_alg_size(want->bank))
			continue;
		memcpy(values->value[i], digests->digests[n].buffer, digests->digests[n].size);
		values->sel.mask |= 1u << i;
		n++;
	}
	Esys_Free(out);
	Esys_Free(digests);
	if (n == 0)
		return lk_err_set(
			err, LK_E_POLICY, 0,
			"PCR bank %s isn't active in this TPM: activate it in the firmware's settings, or use another bank",
			lk_alg_name(want->bank));
	return LK_OK;
}

int lk_tpm_pcr_read_in(struct lk_tpm *tpm, ESYS_TR session, const struct lk_pcr_selection *sel,
		       struct lk_pcr_values *ret, struct lk_err *err)
{
	struct lk_pcr_values values = { .sel = { sel->bank, 0 } };

	while (values.sel.mask != sel->mask) {
		struct lk_pcr_selection left = { sel->bank, sel->mask & ~values.sel.mask };
		int rc = read_some(tpm, session, &left, &values, err);

		if (rc != LK_OK)
			return rc;
	}
	*ret = values;
	return LK_OK;
}

int lk_tpm_pcr_read(struct lk_tpm *tpm, const struct lk_pcr_selection *sel,
		    struct lk_pcr_values *ret, struct lk_err *err)
{
	return lk_tpm_pcr_read_in(tpm, ESYS_TR_NONE, sel, ret, err);
}

int lk_tpm_pcr_extend(struct lk_tpm *tpm, const struct lk_pcr_extension *ext, struct lk_err *err)
{
	TPML_DIGEST_VALUES digests = { .count = (UINT32)ext->n };
	TSS2_RC rc;

	for (size_t i = 0; i < ext->n; i++) {
		digests.digests[i].hashAlg = (TPMI_ALG_HASH)ext->bank[i].alg;
		memcpy(&digests.digests[i].digest, ext->bank[i].digest.data,
		       ext->bank[i].digest.len);
	}
	rc = Esys_PCR_Extend(lk_tpm_esys(tpm), ESYS_TR_PCR0 + ext->pcr, ESYS_TR_PASSWORD,
			     ESYS_TR_NONE, ESYS_TR_NONE, &digests);
	return rc == TSS2_RC_SUCCESS ? LK_OK : lk_tpm_error(rc, "extending a PCR", err);
}

int lk_tpm_counter_read(struct lk_tpm *tpm, uint32_t nv_index, uint64_t *ret, struct lk_err *err)
{
	ESYS_CONTEXT *esys = lk_tpm_esys(tpm);
	TPM2B_MAX_NV_BUFFER *data = NULL;
	struct lk_reader r;
	uint64_t value;
	ESYS_TR nv;
	TSS2_RC rc = Esys_TR_FromTPMPublic(esys, nv_index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					   &nv);

	if (lk_tpm_rc_base(rc) == TPM2_RC_HANDLE)
		return lk_err_set(
			err, LK_E_OBJECT, rc,
			"the TPM has no counter at NV 0x%08x: \"latchkey-provision install\" makes it",
			nv_index);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_NV_Read(esys, nv, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, 8, 0,
				  &data);
	if (rc != TSS2_RC_SUCCESS)
		return lk_tpm_error(rc, "reading a counter", err);
	r = lk_reader_init(data->buffer, data->size);
	value = lk_read_be64(&r);
	Esys_Free(data);
	if (!lk_reader_done(&r))
		return lk_err_set(err, LK_E_OBJECT, 0, "NV 0x%08x isn't a counter", nv_index);
	*ret = value;
	return LK_OK;
}
