/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the firmware's event log (TCG PC Client Platform Firmware Profile 1.06, section 10): reading it, and replaying it. */
#ifndef LK_CORE_BOOTLOG_EVENT_LOG_H
#define LK_CORE_BOOTLOG_EVENT_LOG_H

#include "core/base/alg.h"
#include "core/bootlog/pcr_replay.h"
#include "core/base/rc.h"

/** More than any firmware writes. */
#define LK_EVENT_LOG_MAX  (16u * 1024u * 1024u)
#define LK_EVENT_ALGS_MAX 16u

/* Tagged events of Linux's EFI stub (drivers/firmware/efi/libstub/efistub.h). */
#define LK_TAG_INITRD	    0x8f3b22ecu
#define LK_TAG_LOAD_OPTIONS 0x8f3b22edu

/** Event types that mean something here (10.4.1). */
enum lk_event_type {
	LK_EV_POST_CODE = 0x01,
	LK_EV_NO_ACTION = 0x03,
	LK_EV_SEPARATOR = 0x04,
	LK_EV_ACTION = 0x05,
	LK_EV_EVENT_TAG = 0x06,
	LK_EV_S_CRTM_CONTENTS = 0x07,
	LK_EV_S_CRTM_VERSION = 0x08,
	LK_EV_IPL = 0x0d,
	LK_EV_OMIT_BOOT_DEVICE_EVENTS = 0x12,
	LK_EV_POST_CODE2 = 0x13,
	LK_EV_EFI_VARIABLE_DRIVER_CONFIG = 0x80000001,
	LK_EV_EFI_VARIABLE_BOOT = 0x80000002,
	LK_EV_EFI_BOOT_SERVICES_APPLICATION = 0x80000003,
	LK_EV_EFI_BOOT_SERVICES_DRIVER = 0x80000004,
	LK_EV_EFI_RUNTIME_SERVICES_DRIVER = 0x80000005,
	LK_EV_EFI_GPT_EVENT = 0x80000006,
	LK_EV_EFI_ACTION = 0x80000007,
	LK_EV_EFI_PLATFORM_FIRMWARE_BLOB = 0x80000008,
	LK_EV_EFI_HANDOFF_TABLES = 0x80000009,
	LK_EV_EFI_PLATFORM_FIRMWARE_BLOB2 = 0x8000000a,
	LK_EV_EFI_HANDOFF_TABLES2 = 0x8000000b,
	LK_EV_EFI_VARIABLE_BOOT2 = 0x8000000c,
	LK_EV_EFI_GPT_EVENT2 = 0x8000000d,
	LK_EV_EFI_HCRTM_EVENT = 0x80000010,
	LK_EV_EFI_VARIABLE_AUTHORITY = 0x800000e0,
	LK_EV_EFI_SPDM_DEVICE_POLICY = 0x800000e3,
	LK_EV_EFI_SPDM_DEVICE_AUTHORITY = 0x800000e4,
};

/** One event; all bytes lie in the log. */
struct lk_event {
	size_t offset;
	unsigned int number; /* from 1, the Spec ID event included */
	uint32_t pcr;	     /* below LK_PCR_COUNT, but for EV_NO_ACTION */
	uint32_t type;
	struct lk_bytes sha1; /* len 0: the event has none of this bank */
	struct lk_bytes sha256;
	struct lk_bytes sha384;
	struct lk_bytes sha512;
	struct lk_bytes data;
};

/** A hash algorithm that the log says it uses, ours or not. */
struct lk_event_alg {
	uint16_t id; /* TPM_ALG_ID */
	uint16_t size;
};

/** A place in a log; refers to the caller's bytes. */
struct lk_event_log {
	struct lk_reader rest;
	size_t size;
	size_t tail;	      /* from where on there is but one of the bytes that padding is of */
	bool old;	      /* TCG_PCClientPCREvents, of SHA-1 alone: before TPM 2.0 */
	uint32_t first_index; /* of the Spec ID event, where its PCR would stand */
	unsigned int number;  /* of events that were read */
	struct lk_event_alg algs[LK_EVENT_ALGS_MAX];
	size_t n_algs;
};

/**
 * lk_event_log_open - the log's beginning, with its Spec ID event checked
 *
 * Return: LK_OK or LK_E_INPUT; also for the format before TPM 2.0, whose
 * digests are SHA-1 alone and so explain no PCR of ours.
 */
int lk_event_log_open(const uint8_t *data, size_t len, struct lk_event_log *ret,
		      struct lk_err *err);

/** The same, and the format before TPM 2.0 too (@old): for who shows it. */
int lk_event_log_open_any(const uint8_t *data, size_t len, struct lk_event_log *ret,
			  struct lk_err *err);

/** "sha1", "sha256", ... of an algorithm of a log; NULL for one that isn't known. */
const char *lk_event_alg_name(uint16_t id);

/**
 * Whether a log is that of a confidential machine (CCEL; Intel TDX): its indices
 * are of measurement registers, not of a TPM's PCRs. By its Spec ID event, or by
 * what it begins with.
 */
bool lk_event_log_is_confidential(const struct lk_event_log *log);

/** Nothing is left but padding, and this isn't an error. */
#define LK_LOG_END 1

/** Zeros, or 0xff, that follow the last event to the log's end. */
size_t lk_event_log_padding(const struct lk_event_log *log);

/**
 * lk_event_log_next - the next event, the Spec ID event first
 *
 * Return: LK_OK, LK_LOG_END, or LK_E_INPUT with the event's number and offset;
 * after an error the same again.
 */
int lk_event_log_next(struct lk_event_log *log, struct lk_event *ret, struct lk_err *err);

/** Digest of one bank; len 0 where the event has none. */
struct lk_bytes lk_event_digest(const struct lk_event *event, enum lk_alg bank);
bool lk_event_log_has_bank(const struct lk_event_log *log, enum lk_alg bank);

/**
 * Is what was measured the event's data itself, in each bank of ours that it has
 * a digest of? Where it isn't, nothing vouches for the data. False also when the
 * hash failed. What else may be measured knows event_vouch.h.
 */
bool lk_event_data_is_measured(const struct lk_event *event, lk_hash_fn hash);

/** The TPM's locality at startup, which PCR 0 begins with (10.4.5.3). */
bool lk_event_startup_locality(const struct lk_event *event, uint8_t *ret);

/**
 * lk_event_replay - what one event does to the PCRs
 *
 * EV_NO_ACTION extends nothing; a StartupLocality event sets what PCR 0
 * begins with.
 *
 * Return: LK_OK, LK_E_INPUT for an event without this bank's digest or a
 * locality that can't be, LK_E_SYSTEM when hashing failed.
 */
int lk_event_replay(const struct lk_event *event, struct lk_pcr_replay *r, lk_hash_fn hash,
		    struct lk_err *err);

/**
 * lk_event_log_replay - a whole log from a TPM reset on
 * @r: with its bank, as lk_pcr_replay_init leaves it
 */
int lk_event_log_replay(struct lk_bytes log, struct lk_pcr_replay *r, lk_hash_fn hash,
			struct lk_err *err);

#endif
