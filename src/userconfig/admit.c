/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the order of a blob's checks against this device's TPM. */
#include "admit.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "generation.h"
#include "sys/crypto/crypto.h"
#include "sys/os/fs.h"
#include "sys/tpm/tpm_places.h"
#include "sys/tpm/tpm_config.h"
#include "sys/os/tree.h"

void lk_admitted_done(struct lk_admitted *a)
{
	lk_verified_blob_free(a->blob);
	lk_secret_done(&a->content_key);
	lk_tpm_free(a->tpm);
	lk_agreement_key_done(&a->agreement);
	*a = LK_ADMITTED_NONE;
}

static int check_target(struct lk_tpm *tpm, const struct lk_blob_header *h, struct lk_err *err)
{
	char theirs[2 * LK_BLOB_ID_SIZE + 1], ours[2 * LK_BLOB_ID_SIZE + 1];
	uint8_t id[LK_BLOB_ID_SIZE];
	struct lk_name root;
	int rc;

	if (lk_blob_for_any(h))
		return LK_OK;
	rc = lk_tpm_root_name(tpm, &root, err);
	if (rc == LK_OK)
		rc = lk_device_id(&root, lk_crypto_hash, id, err);
	if (rc != LK_OK)
		return rc;
	if (memcmp(id, h->target, sizeof(id)) == 0)
		return LK_OK;
	lk_hex_encode(h->target, sizeof(h->target), theirs);
	lk_hex_encode(id, sizeof(id), ours);
	return lk_err_set(err, LK_E_POLICY, 0, "for another device (ID %s; this one is %s)", theirs,
			  ours);
}

static int check_sequence(const struct lk_uc *uc, enum lk_admission kind, uint64_t sequence,
			  uint64_t floor, struct lk_err *err)
{
	if (kind == LK_ADMIT_STORED)
		return sequence <= floor ? LK_OK
					 : lk_err_set(err, LK_E_POLICY, 0,
						      "sequence %" PRIu64
						      " is above this device's floor %" PRIu64
						      ": it was never applied",
						      sequence, floor);
	if (sequence <= floor && kind == LK_ADMIT_RESUMED)
		return LK_OK;
	if (sequence <= floor)
		return lk_err_set(
			err, LK_E_POLICY, 0,
			"sequence %" PRIu64 " is not above this device's floor %" PRIu64
			": an old blob, or one that was applied already; seal with a higher --sequence",
			sequence, floor);
	/* Each step is one increment of the TPM's counter, and none can be
	 * taken back. */
	if (sequence - floor > uc->settings.sequence_step)
		return lk_err_set(err, LK_E_POLICY, 0,
				  "sequence %" PRIu64
				  " is too far above this device's floor %" PRIu64
				  "; at most %u at once (sequence-step)",
				  sequence, floor, uc->settings.sequence_step);
	return LK_OK;
}

/* Says whose key it was made for, once it is clear that it isn't ours. */
static void explain_key(struct lk_tpm *tpm, const struct lk_blob_header *h, struct lk_err *err)
{
	uint8_t block[16], id[LK_BLOB_ID_SIZE];
	char theirs[17], ours[17];

	if (lk_tpm_config_zero_block(tpm, block, NULL) != LK_OK ||
	    lk_config_key_id(block, lk_crypto_hash, id, NULL) != LK_OK)
		return;
	lk_hex_encode(h->config_key, 8, theirs);
	lk_hex_encode(id, 8, ours);
	(void)lk_err_set(
		err, LK_E_POLICY, 0,
		"encrypted to another configuration key (ID %s...; this device's is %s...)", theirs,
		ours);
}

static int unwrap(struct lk_tpm *tpm, const struct lk_blob_header *h, struct lk_secret *ret,
		  struct lk_err *err)
{
	const struct lk_bytes wrapped = { h->wrapped, lk_suite_key_size(h->suite) };
	LK_OWNED_SECRET key = LK_SECRET_NONE;
	int rc = lk_tpm_config_unwrap(tpm, h->wrap_iv, wrapped, &key, err);

	if (rc != LK_OK)
		return rc;
	rc = lk_blob_content_key_check(h, &key, err);
	if (rc == LK_E_POLICY)
		explain_key(tpm, h, err);
	if (rc == LK_OK)
		*ret = lk_secret_take(&key);
	return rc;
}

/* What only the TPM can say, after the signature. */
static int check_device(const struct lk_uc *uc, enum lk_admission kind, struct lk_admitted *a,
			struct lk_err *err)
{
	const struct lk_blob_header *h = lk_verified_blob_header(a->blob);
	int rc = check_target(a->tpm, h, err);

	if (rc == LK_OK)
		rc = lk_tpm_floor_read(a->tpm, LK_NV_SEQUENCE_FLOOR, &a->floor, err);
	if (rc == LK_OK)
		rc = check_sequence(uc, kind, h->sequence, a->floor, err);
	if (rc == LK_OK)
		rc = unwrap(a->tpm, h, &a->content_key, err);
	if (rc == LK_OK)
		rc = lk_agreement_key(a->tpm, &a->agreement, err);
	return rc;
}

int lk_admit_open_tpm(const struct lk_uc *uc, struct lk_tpm **ret, struct lk_policy_key *ret_key,
		      struct lk_err *err)
{
	int rc = lk_uc_tpm(uc, NULL, ret, err);

	return rc == LK_OK ? lk_uc_policy_key(uc, *ret, ret_key, err) : rc;
}

int lk_admit(const struct lk_uc *uc, const struct lk_blob_copy *both, enum lk_admission kind,
	     struct lk_admitted *ret, struct lk_err *err)
{
	LK_OWNED_ADMITTED a = LK_ADMITTED_NONE;
	struct lk_policy_key key;
	int rc = lk_admit_open_tpm(uc, &a.tpm, &key, err);

	if (rc != LK_OK) {
		close(both->copy);
		return rc;
	}
	rc = lk_blob_copy_verify(both, &key, NULL, &a.blob, err);
	if (rc == LK_OK)
		rc = check_device(uc, kind, &a, err);
	if (rc != LK_OK)
		return rc;
	*ret = a;
	a = LK_ADMITTED_NONE;
	return LK_OK;
}

int lk_admit_stored(const struct lk_uc *uc, uint64_t sequence, enum lk_admission kind,
		    struct lk_admitted *ret, struct lk_err *err)
{
	LK_OWNED_ADMITTED a = LK_ADMITTED_NONE;
	struct lk_policy_key key;
	char path[PATH_MAX];
	int fd = -1;
	int rc;

	lk_generation_path(uc, sequence, "blob", path);
	rc = lk_admit_open_tpm(uc, &a.tpm, &key, err);
	if (rc == LK_OK)
		rc = lk_tree_open_file(uc->at, path, &fd, err);
	if (rc == LK_OK)
		rc = lk_blob_verify(fd, &key, NULL, &a.blob, err);
	if (rc == LK_OK)
		rc = check_device(uc, kind, &a, err);
	if (rc == LK_OK && lk_verified_blob_header(a.blob)->sequence != sequence)
		rc = lk_err_set(err, LK_E_POLICY, 0, "a blob of another sequence lies there");
	if (rc != LK_OK) {
		lk_err_prefix(err, "%s", path);
		return rc;
	}
	*ret = a;
	a = LK_ADMITTED_NONE;
	return LK_OK;
}
