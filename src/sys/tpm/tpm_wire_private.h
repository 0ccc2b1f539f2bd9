/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the layer between the TPM library and the TPM: one that is silent is given up, one that is full gets room. */
#ifndef LK_SYS_TPM_TPM_WIRE_PRIVATE_H
#define LK_SYS_TPM_TPM_WIRE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tss2/tss2_tcti.h>

#include "sys/os/timing.h"

#define LK_WIRE_MAX 4096u /* TPM2_MAX_COMMAND_SIZE and TPM2_MAX_RESPONSE_SIZE */
#define LK_WIRE_OWN 16u

/** A TCTI around another one. */
struct lk_tpm_wire {
	TSS2_TCTI_CONTEXT_COMMON_V2 common;
	TSS2_TCTI_CONTEXT *inner;
	int32_t timeout_ms;
	bool alone;		  /* nobody else uses this TPM while it is open */
	bool answered;		  /* anything at all, refusals included */
	bool waiting;		  /* a command was sent, and nothing of its answer read */
	struct lk_timing *timing; /* or NULL */
	char asked[96];		  /* for the debug level: the command's name and handles */
	uint8_t command[LK_WIRE_MAX];
	size_t command_len;
	uint8_t answer[LK_WIRE_MAX];
	size_t answer_len; /* 0: not received yet, or handed on */
	/* The last objects and sessions that commands over this connection have
	 * made; three at once are the most that any workflow has. One that has
	 * ended may stay here: it protects nothing. */
	uint32_t own[LK_WIRE_OWN];
	size_t n_made;
};

/**
 * lk_tpm_wire_init - wrap @inner, which stays its opener's
 * @alone: where the TPM says that it is full, what others have left in it is
 *	flushed, with a warning, and the command is sent again. Without that an
 *	answer reaches the library as it is, and no command is added.
 */
void lk_tpm_wire_init(struct lk_tpm_wire *wire, TSS2_TCTI_CONTEXT *inner, unsigned int timeout_s,
		      bool alone);

/**
 * lk_tpm_wire_make_room - flush what others have left, of a TPM that is ours alone
 * @rc: what the TPM said that it is full of; TPM2_RC_MEMORY: anything
 * Return: whether anything was flushed.
 */
bool lk_tpm_wire_make_room(struct lk_tpm_wire *wire, TSS2_RC rc);

#endif
