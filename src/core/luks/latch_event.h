/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what the latch measures, and the record of it in systemd's event log format. */
#ifndef LK_CORE_LUKS_LATCH_EVENT_H
#define LK_CORE_LUKS_LATCH_EVENT_H

#include "core/base/alg.h"
#include "core/base/rc.h"

/** One measurement: the text, and its digest in each bank. */
struct lk_latch_event {
	char text[256];
	unsigned int pcr;
	bool volume_key; /* digests are HMACs keyed by a volume key */
	size_t n;
	struct {
		enum lk_alg alg;
		struct lk_digest digest;
	} bank[2];
};

/**
 * lk_latch_event_json - one record as in tpm2-measure.log of systemd: 0x1e
 * (RFC 7464), the object, a line end
 * @boot_id: 32 hexadecimal digits
 * @timestamp_us: CLOCK_BOOTTIME, microseconds
 *
 * Return: bytes written without the NUL, or 0 when @cap is too small.
 */
size_t lk_latch_event_json(const struct lk_latch_event *event, const char *boot_id,
			   uint64_t timestamp_us, char *out, size_t cap);

#endif
