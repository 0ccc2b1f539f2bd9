/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of predictions: any log, with any change. */
#include "core/predict/log_predict.h"
#include "fuzz.h"
#include "sys/crypto/crypto.h"

static int plan_image(uint8_t kind, struct lk_bytes rest, struct lk_log_plan *plan,
		      struct lk_err *err)
{
	struct lk_uki uki;
	struct lk_pe pe;
	int rc = kind & 1 ? lk_uki_read(rest, &uki, err) : lk_pe_read(rest, &pe, err);

	if (rc != LK_OK)
		return rc;
	return kind & 1 ? lk_log_plan_uki(plan, &uki, err) : lk_log_plan_kernel(plan, &pe, err);
}

static int plan_one(uint8_t kind, struct lk_bytes rest, struct lk_log_plan *plan,
		    struct lk_err *err)
{
	if (kind & 8)
		LK_TRY(lk_log_plan_secure_boot_off(plan, err));
	switch (kind & 7) {
	case 0:
	case 1:
		return plan_image(kind, rest, plan, err);
	case 2:
		return lk_log_plan_initrd(plan, rest, err);
	case 3:
		return lk_log_plan_cmdline(plan, rest, err);
	case 4:
		return lk_log_plan_db(plan, rest, err);
	default:
		return LK_OK;
	}
}

static void predict(const struct lk_log_plan *plan, struct lk_bytes ima, uint8_t kind)
{
	struct lk_pcr_values then[LK_PLAN_BANKS];
	struct lk_pcr_values now[LK_PLAN_BANKS] = { 0 };
	struct lk_prediction_input in = {
		.logs = { plan->log, ima },
		.plan = plan,
		.ima_unchanged = kind & 16,
		.hash = lk_crypto_hash,
		.sha1 = lk_crypto_sha1,
	};
	struct lk_err err = { 0 };

	/* What the log comes to, so that it explains the values. */
	for (unsigned int i = 0; i < LK_PLAN_BANKS; i++) {
		struct lk_pcr_replay r;

		lk_pcr_replay_init(&r, i ? LK_ALG_SHA384 : LK_ALG_SHA256);
		in.values[i] = &now[i];
		now[i].sel.bank = r.values.sel.bank;
		if (lk_event_log_replay(plan->log, &r, lk_crypto_hash, NULL) != LK_OK)
			continue;
		if (lk_ima_log_replay(ima, LK_IMA_OWN_HASH, &r, lk_crypto_hash, NULL) == LK_OK)
			now[i] = r.values;
	}
	if (lk_log_predict(&in, then, &err) == LK_OK)
		INVARIANT(!(then[0].sel.mask & ~now[0].sel.mask) &&
			  !(then[1].sel.mask & ~now[1].sel.mask));
	else
		INVARIANT(err.msg[0]);
}

/* A kind; the sizes of the firmware's log and of the kernel's, in 2 bytes each;
 * these; and the change. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lk_reader r = lk_reader_init(data, size);
	uint8_t kind = lk_read_u8(&r);
	size_t firmware_size = lk_read_le16(&r);
	size_t ima_size = lk_read_le16(&r);
	struct lk_bytes firmware = lk_read_bytes(&r, firmware_size);
	struct lk_bytes ima = lk_read_bytes(&r, ima_size);
	struct lk_log_plan plan;
	struct lk_err err = { 0 };

	if (r.failed)
		return 0;
	lk_log_plan_init(&plan, firmware, lk_crypto_hash);
	if (plan_one(kind, (struct lk_bytes){ r.data, r.left }, &plan, &err) == LK_OK)
		predict(&plan, ima, kind);
	else
		INVARIANT(err.msg[0]);
	INVARIANT(plan.n <= LK_PLAN_CHANGES_MAX);
	return 0;
}
