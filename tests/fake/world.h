/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the made-up world that a workflow is tested in, and the trace of what it did there. */
#ifndef LK_FAKE_WORLD_H
#define LK_FAKE_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/policy/pcr.h"
#include "core/base/rc.h"

#define FAKE_VOLUMES 4u
#define FAKE_ANSWERS 4u
#define FAKE_EVENTS  128u
#define FAKE_FILES   6u

/** A disk, and what is sealed for it. Its device is "/dev/<name>". */
struct fake_volume {
	const char *name;
	uint32_t handle;
	int device_rc;	   /* of waiting for it */
	int header_rc;	   /* of opening its header */
	const char *token; /* JSON, or NULL for none */
	int unseal_rc[8];  /* of each try in turn */
	unsigned int unseals;
	size_t payload_len; /* 96 unless a test says otherwise */
	bool replaced;	    /* another volume key than the sealed one */
	int keyslot_rc;
	int map_rc;
	bool mapped_before;
	const char *typed; /* passphrase of a second keyslot, or NULL */
};

struct fake_world {
	struct fake_volume volumes[FAKE_VOLUMES];
	size_t n_volumes;
	struct {
		const char *path;
		const char *text;
	} files[FAKE_FILES];
	const char *dir; /* the one directory: its files are those below it */
	int list_rc;	 /* of listing it */
	int tpm_rc[2];	 /* of connecting: first, and ever after */
	unsigned int tpm_opens;
	size_t tpms; /* connected */
	int forget_rc;
	int extend_rc;
	unsigned int extend_fails_at; /* which extension, from 1; 0: each */
	unsigned int extends;
	bool other_bank; /* active, by the kernel's word */
	int prove_rc;	 /* of a session to the root key */
	int pcr_rc;	 /* of reading PCRs */
	int reboots_rc;	 /* of counting a reboot */
	struct lk_pcr_values pcrs;
	const char *answers[FAKE_ANSWERS]; /* to prompts; NULL: no terminal */
	unsigned int asked;
	size_t secrets;		   /* alive */
	size_t secrets_when_asked; /* the most of any prompt */
	char events[FAKE_EVENTS][192];
	size_t n_events;
};

extern struct fake_world fake;

void fake_reset(void);
void fake_event(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
struct fake_volume *fake_volume_of(const char *name);
/** A result with a sentence of its own. */
int fake_result(int rc, const char *step, struct lk_err *err);
/** Fills passphrase and volume key of a volume: one byte over and over. */
void fake_passphrase(const struct fake_volume *v, uint8_t out[static 64]);
void fake_volume_key(const struct fake_volume *v, bool ours, uint8_t out[static 64]);

/** Place of the first event that begins so, or -1. */
int fake_first(const char *event);
/** Place of the last one, or -1. */
int fake_last(const char *event);
unsigned int fake_count(const char *event);

#endif
