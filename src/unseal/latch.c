/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns closing the latch: after it the TPM unseals nothing more in this boot.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/luks/latch_event.h"
#include "sys/crypto/crypto.h"
#include "sys/os/log.h"
#include "unseal/unseal.h"

#define EVENT_LOG_DIR "/run/log/systemd"
#define EVENT_LOG     EVENT_LOG_DIR "/tpm2-measure.log"

static bool measure(enum lk_alg alg, const struct lk_latch_event *event,
		    const struct lk_secret *key, struct lk_digest *ret)
{
	struct lk_bytes text = { (const uint8_t *)event->text, strlen(event->text) };

	if (!event->volume_key)
		return lk_crypto_hash(alg, &text, 1, ret);
	return lk_crypto_hmac(alg, (struct lk_bytes){ key->data, key->len }, text, ret);
}

static void log_event(const struct lk_latch_event *event)
{
	LK_OWNED_BUF id = LK_BUF_NONE;
	char boot_id[33] = "00000000000000000000000000000000";
	char line[1024];
	struct timespec now;
	size_t len = 0;

	if (lk_fs_read("/proc/sys/kernel/random/boot_id", 64, &id, NULL) == LK_OK)
		for (size_t i = 0; i < id.len && len < 32; i++)
			if (id.data[i] != '-')
				boot_id[len++] = (char)id.data[i];
	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	len = lk_latch_event_json(event, boot_id,
				  (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u,
				  line, sizeof(line));
	/* The PCR holds without its log; a log that can't be written only costs
	 * whoever wants to replay it. */
	(void)lk_fs_make_parent(EVENT_LOG_DIR, NULL);
	if (len)
		(void)lk_fs_append(EVENT_LOG, line, len, NULL);
}

/** Which banks, and keyed by what. */
struct extension {
	size_t n;
	enum lk_alg alg[2];
	const struct lk_secret *key; /* NULL: a plain hash */
};

static int describe(unsigned int pcr, const char *text, const struct extension *x,
		    struct lk_latch_event *ret, struct lk_err *err)
{
	struct lk_latch_event event = { .pcr = pcr, .volume_key = x->key != NULL, .n = x->n };

	(void)snprintf(event.text, sizeof(event.text), "%s", text);
	for (size_t i = 0; i < x->n; i++) {
		event.bank[i].alg = x->alg[i];
		if (!measure(x->alg[i], &event, x->key, &event.bank[i].digest))
			return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	}
	*ret = event;
	return LK_OK;
}

/* The policy's bank always; the other one too where the kernel says that it is
 * active, so that both tell the same story. */
static struct extension banks(const struct lk_tpm *tpm, enum lk_alg used)
{
	enum lk_alg other = used == LK_ALG_SHA256 ? LK_ALG_SHA384 : LK_ALG_SHA256;

	return (struct extension){
		.n = lk_tpm_bank_known_active(tpm, other) ? 2 : 1,
		.alg = { used, other },
	};
}

int lk_latch_close(struct lk_tpm *tpm, const struct lk_policy_file *pf, bool thorough,
		   struct lk_err *err)
{
	static const char text[] = "latchkey:closed";
	const struct lk_bytes bytes = { (const uint8_t *)text, sizeof(text) - 1 };
	struct extension x = banks(tpm, pf->pcrs.bank);
	struct lk_latch_event event;

	if (thorough)
		x.n = 2;
	LK_TRY(describe(pf->latch, text, &x, &event, err));
	LK_TRY(lk_tpm_pcr_event(tpm, pf->latch, bytes, err));
	log_event(&event);
	return LK_OK;
}

int lk_latch_measure(struct lk_tpm *tpm, const struct lk_policy_file *pf, const struct lk_target *t,
		     struct lk_err *err)
{
	struct extension x = banks(tpm, pf->pcrs.bank);
	struct lk_pcr_extension ext = { .pcr = pf->latch, .n = x.n };
	struct lk_latch_event event;
	char text[256];

	x.key = &t->volume_key;
	(void)snprintf(text, sizeof(text), "cryptsetup:%s:%s", t->vol->name, lk_luks_uuid(t->luks));
	LK_TRY(describe(pf->latch, text, &x, &event, err));
	for (size_t i = 0; i < x.n; i++) {
		ext.bank[i].alg = event.bank[i].alg;
		ext.bank[i].digest = event.bank[i].digest;
	}
	LK_TRY(lk_tpm_pcr_extend(tpm, &ext, err));
	log_event(&event);
	return LK_OK;
}
