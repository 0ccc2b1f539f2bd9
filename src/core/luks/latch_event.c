/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns writing the latch's event record. */
#include "core/luks/latch_event.h"

#include <stdio.h>

size_t lk_latch_event_json(const struct lk_latch_event *event, const char *boot_id,
			   uint64_t timestamp_us, char *out, size_t cap)
{
	char digests[2 * (2 * LK_DIGEST_MAX + 64)] = "";
	size_t len = 0;
	int n;

	for (size_t i = 0; i < event->n; i++) {
		char hex[2 * LK_DIGEST_MAX + 1];

		lk_hex_encode(event->bank[i].digest.data, event->bank[i].digest.len, hex);
		len += (size_t)snprintf(digests + len, sizeof(digests) - len,
					"%s{\"hashAlg\":\"%s\",\"digest\":\"%s\"}", i ? "," : "",
					lk_alg_name(event->bank[i].alg), hex);
	}
	n = snprintf(
		out, cap,
		"\x1e{\"pcr\":%u,\"digests\":[%s],\"content_type\":\"systemd\",\"content\":{%s\"string\":\"%s\",\"bootId\":\"%s\",\"timestamp\":%llu}}\n",
		event->pcr, digests, event->volume_key ? "\"eventType\":\"volume-key\"," : "",
		event->text, boot_id, (unsigned long long)timestamp_us);
	return n > 0 && (size_t)n < cap ? (size_t)n : 0;
}
