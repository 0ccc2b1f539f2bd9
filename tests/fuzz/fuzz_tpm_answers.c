/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of what a TPM, or who sits on its bus, answers: the layer below the library, capabilities, remembered handles. */
#include "fuzz.h"
#include "sys/os/log.h"
#include "sys/tpm/tpm_private.h"
#include "sys/tpm/tpm_wire_private.h"

/* In place of tpm_connect.c: a connection to the input. */
struct lk_tpm {
	struct lk_tpm_wire wire;
	TSS2_TCTI_CONTEXT_COMMON_V2 inner;
	struct lk_reader answers;
	ESYS_CONTEXT *esys;
	struct lk_tpm_shared shared;
	ESYS_TR proven;
	struct lk_tpm_pin pin;
};
static struct lk_tpm *current;

ESYS_CONTEXT *lk_tpm_esys(struct lk_tpm *tpm)
{
	return tpm->esys;
}

struct lk_tpm_shared *lk_tpm_shared(struct lk_tpm *tpm)
{
	return &tpm->shared;
}

ESYS_TR *lk_tpm_proven(struct lk_tpm *tpm)
{
	return &tpm->proven;
}

struct lk_tpm_pin *lk_tpm_pin(struct lk_tpm *tpm)
{
	return &tpm->pin;
}

static TSS2_RC transmit(TSS2_TCTI_CONTEXT *tcti, size_t size, uint8_t const *command)
{
	(void)tcti;
	INVARIANT(size >= 10 && command);
	return TSS2_RC_SUCCESS;
}

/* An answer: its size in 2 bytes, and it. */
static TSS2_RC receive(TSS2_TCTI_CONTEXT *tcti, size_t *size, uint8_t *response, int32_t timeout)
{
	size_t n = lk_read_le16(&current->answers);
	struct lk_bytes answer = lk_read_bytes(&current->answers, n);

	(void)tcti;
	(void)timeout;
	if (current->answers.failed || answer.len > *size)
		return TSS2_TCTI_RC_IO_ERROR;
	if (answer.len)
		memcpy(response, answer.data, answer.len);
	*size = answer.len;
	return TSS2_RC_SUCCESS;
}

static void ask(struct lk_tpm *tpm)
{
	static const struct lk_tpm_question questions[] = {
		{ TPM2_CAP_HANDLES, 0x81000000, 8, "handles" },
		{ TPM2_CAP_TPM_PROPERTIES, TPM2_PT_LOCKOUT_COUNTER, 4, "properties" },
		{ TPM2_CAP_COMMANDS, 0, 8, "commands" },
		{ TPM2_CAP_ALGS, 0, 8, "what is never asked" },
	};
	struct lk_tpm_lockout lockout;
	struct lk_err err = { 0 };

	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		TPMS_CAPABILITY_DATA *data = NULL;

		if (lk_tpm_capability(tpm, &questions[i], &data, &err) != LK_OK) {
			INVARIANT(!data && err.msg[0]);
			continue;
		}
		INVARIANT(data->capability == questions[i].capability);
		INVARIANT(data->data.handles.count <= questions[i].count);
		Esys_Free(data);
	}
	if (lk_tpm_lockout_read(tpm, &lockout, &err) != LK_OK)
		INVARIANT(err.msg[0]);
}

/* Handles as the disk remembers them, and the answer where it remembers none. */
static void load(struct lk_tpm *tpm, struct lk_bytes serialized)
{
	struct lk_tpm_object object = { .handle = 0x81000001, .serialized_len = serialized.len };
	struct lk_err err = { 0 };
	ESYS_TR tr = ESYS_TR_NONE;

	if (serialized.len > sizeof(object.serialized))
		return;
	if (serialized.len)
		memcpy(object.serialized, serialized.data, serialized.len);
	if (lk_tpm_object_load(tpm, &object, &tr, &err) == LK_OK)
		(void)Esys_TR_Close(tpm->esys, &tr);
	else
		INVARIANT(tr == ESYS_TR_NONE && err.msg[0]);
	object.serialized_len = 0;
	(void)lk_tpm_object_check(tpm, &object, &err);
}

/* The size of a remembered handle in 2 bytes; it; and answers. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lk_tpm tpm = { .answers = lk_reader_init(data, size), .proven = ESYS_TR_NONE };
	ESYS_TR session = ESYS_TR_NONE;
	struct lk_bytes serialized = lk_read_bytes(&tpm.answers, lk_read_le16(&tpm.answers));

	if (tpm.answers.failed)
		return 0;
	lk_log_quiet(true);
	(void)setenv("TSS2_LOG", "all+none", 0);
	current = &tpm;
	tpm.inner.v1.version = 2;
	tpm.inner.v1.transmit = transmit;
	tpm.inner.v1.receive = receive;
	lk_tpm_wire_init(&tpm.wire, (TSS2_TCTI_CONTEXT *)&tpm.inner, 5, true);
	/* It asks for nothing yet. */
	INVARIANT(Esys_Initialize(&tpm.esys, (TSS2_TCTI_CONTEXT *)&tpm.wire, NULL) ==
		  TSS2_RC_SUCCESS);
	load(&tpm, serialized);
	ask(&tpm);
	(void)Esys_StartAuthSession(tpm.esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				    ESYS_TR_NONE, ESYS_TR_NONE, NULL, TPM2_SE_HMAC,
				    &(TPMT_SYM_DEF){ .algorithm = TPM2_ALG_NULL }, TPM2_ALG_SHA256,
				    &session);
	ask(&tpm);
	(void)lk_tpm_wire_make_room(&tpm.wire, TPM2_RC_MEMORY);
	Esys_Finalize(&tpm.esys);
	return 0;
}
