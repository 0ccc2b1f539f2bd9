/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the TPM (ESAPI) for what early boot does: connect, unseal, read PCRs, latch. */
#ifndef LK_SYS_TPM_TPM_H
#define LK_SYS_TPM_TPM_H

#include "core/base/alg.h"
#include "core/luks/hints.h"
#include "core/policy/pcr.h"
#include "core/policy/policy_key.h"
#include "core/base/rc.h"
#include "core/policy/signed_policy.h"
#include "sys/os/secret.h"
#include "sys/os/timing.h"

#define LK_SEALED_MAX 128u /* MAX_SYM_DATA, Part 2 */

struct lk_tpm;

/**
 * lk_tpm_open - connect
 * @tcti: "device:/dev/tpm0"; a build for testing also takes what tctildr knows
 * @timeout_s: how long to wait for the device to appear and to be free
 *
 * Return: LK_OK, LK_E_NO_TPM, LK_E_USAGE for a TCTI that this build doesn't know.
 */
LK_MUST_CHECK int lk_tpm_open(const char *tcti, unsigned int timeout_s, struct lk_tpm **ret,
			      struct lk_err *err);
void lk_tpm_free(struct lk_tpm *tpm);
static inline void lk_tpm_freep(struct lk_tpm **p)
{
	lk_tpm_free(*p);
}
#define LK_OWNED_TPM __attribute__((cleanup(lk_tpm_freep))) struct lk_tpm *

/** From here on each command is measured; NULL: none. @timing has to stay until the end. */
void lk_tpm_measure_time(struct lk_tpm *tpm, struct lk_timing *timing);

/**
 * Forgets every object that the TPM library remembers, without a command: after
 * a remembered handle turned out to be false, nothing of it may stay.
 */
int lk_tpm_forget(struct lk_tpm *tpm, struct lk_err *err);

/**
 * Flushes what other programs have left in a TPM that is ours alone, after it
 * has told somebody else that it is full: commands of this connection do that
 * themselves. Return: whether anything was flushed.
 */
bool lk_tpm_make_room(struct lk_tpm *tpm);

/**
 * lk_tpm_pin_root - from here on, sessions are with this storage root key or none
 * @from: the file that says so, for messages
 *
 * For the calls of tpm_admin.h and tpm_config.h, which find the key by its place;
 * lk_tpm_unseal is told with each request. Costs no command.
 */
void lk_tpm_pin_root(struct lk_tpm *tpm, const struct lk_name *name, const char *from);
/** Whether the TPM has it, before anything is done. That its private half is there
 * too is proven by the first session's answer. */
int lk_tpm_root_compare(struct lk_tpm *tpm, struct lk_err *err);

/** A persistent object: its handle, and its serialized ESYS form when known. */
struct lk_tpm_object {
	uint32_t handle;
	uint8_t serialized[LK_HINT_HANDLE_MAX]; /* from the token: not trusted */
	size_t serialized_len;			/* 0: read the public area */
	struct lk_name pinned;			/* len 0: any */
};

/** Whether the TPM has it, and it is the pinned one. */
int lk_tpm_object_check(struct lk_tpm *tpm, const struct lk_tpm_object *obj, struct lk_err *err);

struct lk_unseal_request {
	struct lk_tpm_object root; /* storage root key: salts the session */
	struct lk_tpm_object sealed;
	const struct lk_policy_key *key;
	const struct lk_signed_policy *policy;
	struct lk_pcr_selection pcrs; /* from the policy file */
	struct lk_bytes policy_ref;   /* from the policy file */
	uint32_t version_floor;	      /* from the policy file; 0: none */
	struct lk_bytes ticket;	      /* of a verification before; len 0: none */
	struct lk_bytes pin;	      /* as typed; len 0: sealed without */
	bool keep_session;	      /* for lk_tpm_pcr_event, where none is kept yet */
};

/**
 * lk_tpm_unseal - ask the TPM for a sealed secret, once
 * @ret_secret: set only on LK_OK; at most LK_SEALED_MAX bytes
 * @ret_learned: what had to be asked for, and the next unlock need not; set
 *	only on LK_OK
 *
 * StartAuthSession (salted with the root key, parameters encrypted), PolicyPCR
 * over the current values, PolicyNV, PolicyAuthorize, Unseal. LoadExternal,
 * VerifySignature and FlushContext come before PolicyAuthorize where there is
 * no ticket, or where the TPM refuses it: it grants nothing that the signature
 * doesn't (Part 3, TPM2_VerifySignature). With a PIN there is PolicyAuthValue
 * too; a wrong one counts towards the TPM's lockout. Everything loaded is flushed on
 * return.
 *
 * Return: LK_OK, LK_E_POLICY (values or floor aren't the signed ones, or the
 * signature isn't the key's), LK_E_PIN, LK_E_AGAIN, LK_E_LOCKED, LK_E_OBJECT, LK_E_NO_TPM
 * or LK_E_SYSTEM.
 */
LK_MUST_CHECK int lk_tpm_unseal(struct lk_tpm *tpm, const struct lk_unseal_request *req,
				struct lk_secret *ret_secret, struct lk_hints *ret_learned,
				struct lk_err *err);

/** Current values. LK_E_POLICY when the bank isn't active in this TPM. */
int lk_tpm_pcr_read(struct lk_tpm *tpm, const struct lk_pcr_selection *sel,
		    struct lk_pcr_values *ret, struct lk_err *err);

/**
 * lk_tpm_prove - keeps a session salted with @root, where an unseal has kept none
 *
 * Return: LK_OK; LK_E_OBJECT where the TPM hasn't that key, or another error.
 */
int lk_tpm_prove(struct lk_tpm *tpm, const struct lk_tpm_object *root, struct lk_err *err);
/**
 * lk_tpm_pcr_event - TPM2_PCR_Event: the TPM hashes @event, and extends every bank
 * @event: at most 1024 bytes
 *
 * In the session that is kept, which ends with it: then LK_OK means that the TPM
 * with that root key has done it, since nobody on its bus can answer for it.
 * Without a session the answer proves nothing.
 */
int lk_tpm_pcr_event(struct lk_tpm *tpm, unsigned int pcr, struct lk_bytes event,
		     struct lk_err *err);

/** One digest a bank, all extended by one command; the answer proves nothing. */
struct lk_pcr_extension {
	unsigned int pcr;
	size_t n;
	struct {
		enum lk_alg alg;
		struct lk_digest digest;
	} bank[2];
};
int lk_tpm_pcr_extend(struct lk_tpm *tpm, const struct lk_pcr_extension *ext, struct lk_err *err);

/**
 * Whether a bank is active, by the kernel's word (sysfs) and so without a
 * command. False when the TPM isn't the kernel's own.
 */
bool lk_tpm_bank_known_active(const struct lk_tpm *tpm, enum lk_alg alg);

/** Dictionary-attack state (Part 1, 19.8). */
struct lk_tpm_lockout {
	uint32_t counter;    /* failed tries remembered */
	uint32_t max_tries;  /* lockout begins at that many */
	uint32_t interval_s; /* one try is forgotten every so often; 0: never */
};
/** What ends a lockout. The stock tool takes a file's line end for part of the
 * authorization, and a wrong one is punished with a day's wait. */
#define LK_TPM_LOCKOUT_ENDS "tr -d '\\n' < lockout.auth | tpm2_dictionarylockout -c -p file:-"
int lk_tpm_lockout_read(struct lk_tpm *tpm, struct lk_tpm_lockout *ret, struct lk_err *err);

/** Value of an NV counter that is readable with its own empty auth. */
int lk_tpm_counter_read(struct lk_tpm *tpm, uint32_t nv_index, uint64_t *ret, struct lk_err *err);

/** Whether it has answered anything at all, refusals included. */
bool lk_tpm_answered(const struct lk_tpm *tpm);

#endif
