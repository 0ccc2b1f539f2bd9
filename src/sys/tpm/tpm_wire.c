/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the layer between the TPM library and the TPM: one that is silent is given up, one that is full gets room. */
#include "sys/tpm/tpm_wire_private.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <tss2/tss2_tpm2_types.h>

#include "core/base/bytes.h"
#include "sys/os/log.h"
#include "sys/os/timing.h"
#include "sys/tpm/tpm_command.h"
#include "sys/tpm/tpm_private.h"

#define HEADER_SIZE   10u /* tag, size, command or response code (Part 1, 18) */
#define HANDLES_ASKED 64u
#define ROUNDS_MAX    16u

static struct lk_tpm_wire *wire_of(TSS2_TCTI_CONTEXT *tcti)
{
	return (struct lk_tpm_wire *)tcti;
}

static uint32_t word_at(const uint8_t *data, size_t offset)
{
	return (uint32_t)data[offset] << 24 | (uint32_t)data[offset + 1] << 16 |
	       (uint32_t)data[offset + 2] << 8 | data[offset + 3];
}

#ifdef LK_TCTI_ANY
/*
 * The socket TCTIs, as distributions build them, know no time limit and tell
 * no handle to poll. The sockets of this process are theirs, so those are
 * polled. The kernel's device needs none of this: its driver gives up itself.
 */
static bool answers_in_time(const struct lk_tpm_wire *w)
{
	struct pollfd socks[8];
	nfds_t n = 0;

	/* A socket is opened for each command, under the lowest number. */
	for (int fd = 3; fd < 32 && n < 8; fd++) {
		struct stat st;

		if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
			socks[n++] = (struct pollfd){ fd, POLLIN, 0 };
	}
	return n == 0 || poll(socks, n, w->timeout_ms) != 0;
}
#else
static bool answers_in_time(const struct lk_tpm_wire *w)
{
	(void)w;
	return true;
}
#endif

/* Its name and handles, never a parameter: an authorization or a secret may be one. */
static void note_asked(struct lk_tpm_wire *w, const uint8_t *command, size_t size)
{
	const struct lk_tpm_command *c = lk_tpm_command_of(command, size);
	size_t n = 0;

	w->asked[0] = '\0';
	if (!lk_log_debugs())
		return;
	n = (size_t)snprintf(w->asked, sizeof(w->asked), "%s(", c->name);
	for (size_t i = 0; i < c->handles && HEADER_SIZE + 4 * (i + 1) <= size; i++)
		n += (size_t)snprintf(w->asked + n, sizeof(w->asked) - n, "%s0x%08x", i ? ", " : "",
				      word_at(command, HEADER_SIZE + 4 * i));
	(void)snprintf(w->asked + n, sizeof(w->asked) - n, ")");
}

static void say_answered(const struct lk_tpm_wire *w)
{
	uint32_t code = word_at(w->answer, 6);

	if (w->asked[0])
		lk_log(LK_LOG_DEBUG, "%s: 0x%08x, %s", w->asked, code,
		       code == TPM2_RC_SUCCESS ? "done" : Tss2_RC_Decode(code));
}

static TSS2_RC send_command(struct lk_tpm_wire *w, const uint8_t *command, size_t size)
{
	w->waiting = true;
	w->answer_len = 0;
	note_asked(w, command, size);
	lk_timing_tpm_sent(w->timing, lk_tpm_command_of(command, size)->name, size);
	return Tss2_Tcti_Transmit(w->inner, size, command);
}

static TSS2_RC receive_answer(struct lk_tpm_wire *w, int32_t timeout)
{
	size_t size = sizeof(w->answer);
	TSS2_RC rc;

	if (w->waiting && !answers_in_time(w))
		return TSS2_TCTI_RC_IO_ERROR;
	w->waiting = false;
	rc = Tss2_Tcti_Receive(w->inner, &size, w->answer, timeout);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	if (size < HEADER_SIZE)
		return TSS2_TCTI_RC_MALFORMED_RESPONSE;
	w->answer_len = size;
	w->answered = true;
	say_answered(w);
	lk_timing_tpm_answered(w->timing, size);
	return TSS2_RC_SUCCESS;
}

/** A command of our own, while the library waits for the answer to its own. */
static bool ask(struct lk_tpm_wire *w, const uint8_t *command, size_t size)
{
	return send_command(w, command, size) == TSS2_RC_SUCCESS &&
	       receive_answer(w, TSS2_TCTI_TIMEOUT_BLOCK) == TSS2_RC_SUCCESS &&
	       word_at(w->answer, 6) == TPM2_RC_SUCCESS;
}

static bool is_session(uint32_t handle)
{
	return handle >> TPM2_HR_SHIFT == TPM2_HT_HMAC_SESSION ||
	       handle >> TPM2_HR_SHIFT == TPM2_HT_POLICY_SESSION;
}

/** The same session is listed under either type, by what it is or whether it is saved. */
static bool is_own(const struct lk_tpm_wire *w, uint32_t handle)
{
	uint32_t mask = is_session(handle) ? TPM2_HR_HANDLE_MASK : UINT32_MAX;

	for (size_t i = 0; i < w->n_made && i < LK_WIRE_OWN; i++)
		if (is_session(w->own[i]) == is_session(handle) &&
		    (w->own[i] & mask) == (handle & mask))
			return true;
	return false;
}

static bool flush(struct lk_tpm_wire *w, uint32_t handle)
{
	uint8_t command[HEADER_SIZE + 4];
	struct lk_writer out = lk_writer_init(command, sizeof(command));

	lk_write_be16(&out, TPM2_ST_NO_SESSIONS);
	lk_write_be32(&out, sizeof(command));
	lk_write_be32(&out, TPM2_CC_FlushContext);
	lk_write_be32(&out, handle);
	return ask(w, command, sizeof(command));
}

/** TPM2_GetCapability of handles from @first on. */
static size_t list_handles(struct lk_tpm_wire *w, uint32_t first,
			   uint32_t ret[static HANDLES_ASKED])
{
	uint8_t command[HEADER_SIZE + 12];
	struct lk_writer out = lk_writer_init(command, sizeof(command));
	struct lk_reader in;
	uint32_t n;

	lk_write_be16(&out, TPM2_ST_NO_SESSIONS);
	lk_write_be32(&out, sizeof(command));
	lk_write_be32(&out, TPM2_CC_GetCapability);
	lk_write_be32(&out, TPM2_CAP_HANDLES);
	lk_write_be32(&out, first);
	lk_write_be32(&out, HANDLES_ASKED);
	if (!ask(w, command, sizeof(command)) || w->answer_len < HEADER_SIZE + 9)
		return 0;
	in = lk_reader_init(w->answer + HEADER_SIZE, w->answer_len - HEADER_SIZE);
	(void)lk_read_u8(&in); /* moreData */
	if (lk_read_be32(&in) != TPM2_CAP_HANDLES)
		return 0;
	n = lk_read_be32(&in);
	if (n > HANDLES_ASKED)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		ret[i] = lk_read_be32(&in);
	return lk_reader_done(&in) ? n : 0;
}

/** Flushes what isn't ours of the handles of type @type; how many there were. */
static unsigned int flush_foreign(struct lk_tpm_wire *w, uint32_t type)
{
	uint32_t handles[HANDLES_ASKED];
	uint32_t first = type << TPM2_HR_SHIFT;
	unsigned int flushed = 0;
	unsigned int rounds = 0;
	size_t n;

	/* A TPM has some dozens at most; one that never ends its list isn't believed. */
	do {
		n = list_handles(w, first, handles);
		for (size_t i = 0; i < n; i++) {
			first = handles[i] + 1;
			if (!is_own(w, handles[i]) && flush(w, handles[i]))
				flushed++;
		}
	} while (n == HANDLES_ASKED && ++rounds < ROUNDS_MAX);
	return flushed;
}

/**
 * What others have left is lost to them, so they are to be named: over the
 * kernel's /dev/tpm0 nobody flushes what a program leaves loaded when it ends.
 * No workflow sees this: it happens in the midst of a command.
 */
bool lk_tpm_wire_make_room(struct lk_tpm_wire *w, TSS2_RC rc)
{
	unsigned int objects = 0;
	unsigned int sessions = 0;

	if (!w->alone)
		return false;
	if (!lk_tpm_rc_is_full_of_sessions(rc))
		objects = flush_foreign(w, TPM2_HT_TRANSIENT);
	if (lk_tpm_rc_is_full_of_sessions(rc) || rc == TPM2_RC_MEMORY) {
		sessions = flush_foreign(w, TPM2_HT_LOADED_SESSION);
		sessions += flush_foreign(w, TPM2_HT_SAVED_SESSION);
	}
	if (objects || sessions)
		lk_log(LK_LOG_WARNING,
		       "the TPM was full: %u objects and %u sessions that another program had left in it were flushed",
		       objects, sessions);
	return objects || sessions;
}

/** An object or session that the command has made stands first in its answer. */
static void note_own(struct lk_tpm_wire *w)
{
	if (w->answer_len < HEADER_SIZE + 4 || word_at(w->answer, 6) != TPM2_RC_SUCCESS)
		return;
	switch (word_at(w->command, 6)) {
	case TPM2_CC_StartAuthSession:
	case TPM2_CC_CreatePrimary:
	case TPM2_CC_CreateLoaded:
	case TPM2_CC_Load:
	case TPM2_CC_LoadExternal:
	case TPM2_CC_ContextLoad:
	case TPM2_CC_HMAC_Start:
	case TPM2_CC_HashSequenceStart:
		w->own[w->n_made++ % LK_WIRE_OWN] = word_at(w->answer, HEADER_SIZE);
		break;
	default:
		break;
	}
}

/* The command wasn't executed, so that the same bytes are right again, the
 * sessions' nonces included (Part 1, 19.6.2). */
static TSS2_RC receive_with_room(struct lk_tpm_wire *w, int32_t timeout)
{
	TSS2_RC rc = receive_answer(w, timeout);
	uint8_t refused[HEADER_SIZE];

	for (unsigned int tries = 0; tries < 3; tries++) {
		if (rc != TSS2_RC_SUCCESS || !w->command_len ||
		    !lk_tpm_rc_is_full(word_at(w->answer, 6)))
			return rc;
		memcpy(refused, w->answer, sizeof(refused));
		if (!lk_tpm_wire_make_room(w, word_at(refused, 6))) {
			memcpy(w->answer, refused, sizeof(refused));
			w->answer_len = sizeof(refused);
			return TSS2_RC_SUCCESS;
		}
		rc = send_command(w, w->command, w->command_len);
		if (rc == TSS2_RC_SUCCESS)
			rc = receive_answer(w, timeout);
	}
	return rc;
}

static TSS2_RC transmit(TSS2_TCTI_CONTEXT *tcti, size_t size, uint8_t const *command)
{
	struct lk_tpm_wire *w = wire_of(tcti);

	w->command_len = size >= HEADER_SIZE && size <= sizeof(w->command) ? size : 0;
	memcpy(w->command, command, w->command_len);
	return send_command(w, command, size);
}

static TSS2_RC receive(TSS2_TCTI_CONTEXT *tcti, size_t *size, uint8_t *response, int32_t timeout)
{
	struct lk_tpm_wire *w = wire_of(tcti);

	/* The library may ask for the size first, and then for the answer. */
	if (!w->answer_len) {
		TSS2_RC rc = receive_with_room(w, timeout);

		if (rc != TSS2_RC_SUCCESS)
			return rc;
		note_own(w);
	}
	if (response && *size < w->answer_len)
		return TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
	*size = w->answer_len;
	if (!response)
		return TSS2_RC_SUCCESS;
	memcpy(response, w->answer, w->answer_len);
	w->answer_len = 0;
	return TSS2_RC_SUCCESS;
}

static TSS2_RC cancel(TSS2_TCTI_CONTEXT *tcti)
{
	return Tss2_Tcti_Cancel(wire_of(tcti)->inner);
}

static TSS2_RC get_poll_handles(TSS2_TCTI_CONTEXT *tcti, TSS2_TCTI_POLL_HANDLE *handles, size_t *n)
{
	return Tss2_Tcti_GetPollHandles(wire_of(tcti)->inner, handles, n);
}

static TSS2_RC set_locality(TSS2_TCTI_CONTEXT *tcti, uint8_t locality)
{
	return Tss2_Tcti_SetLocality(wire_of(tcti)->inner, locality);
}

void lk_tpm_wire_init(struct lk_tpm_wire *wire, TSS2_TCTI_CONTEXT *inner, unsigned int timeout_s,
		      bool alone)
{
	TSS2_TCTI_CONTEXT_COMMON_V1 *v1 = &wire->common.v1;

	v1->magic = 0x6c617463686b6579u; /* "latchkey" */
	v1->version = 1;
	v1->transmit = transmit;
	v1->receive = receive;
	v1->cancel = cancel;
	v1->getPollHandles = get_poll_handles;
	v1->setLocality = set_locality;
	wire->inner = inner;
	wire->alone = alone;
	/* Commands that touch NV take seconds on some chips. */
	wire->timeout_ms = (int32_t)(timeout_s < 5 ? 5 : timeout_s) * 1000;
}
