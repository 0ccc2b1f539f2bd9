/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the connection to the TPM: which TCTI, and how long to wait. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <tss2/tss2_tcti_device.h>
#ifdef LK_TCTI_ANY
#include <tss2/tss2_tctildr.h>
#endif

#include "sys/os/timing.h"
#include "sys/tpm/tpm_private.h"

/** A TCTI around another one: it gives up on a TPM that is silent. */
struct patient_tcti {
	TSS2_TCTI_CONTEXT_COMMON_V2 common;
	TSS2_TCTI_CONTEXT *inner;
	int32_t timeout_ms;
	bool answered;
	bool waiting; /* a command was sent, and nothing of its answer read */
};

struct lk_tpm {
	struct patient_tcti tcti;
	ESYS_CONTEXT *esys;
	struct lk_tpm_shared shared;
	ESYS_TR proven;
	char sysfs[32]; /* "tpm0"; empty when it isn't the kernel's device */
};

static struct patient_tcti *patient(TSS2_TCTI_CONTEXT *tcti)
{
	return (struct patient_tcti *)tcti;
}

static TSS2_RC transmit(TSS2_TCTI_CONTEXT *tcti, size_t size, uint8_t const *command)
{
	patient(tcti)->waiting = true;
	lk_timing_tpm_sent(command, size);
	return Tss2_Tcti_Transmit(patient(tcti)->inner, size, command);
}

#ifdef LK_TCTI_ANY
/*
 * The socket TCTIs, as distributions build them, know no time limit and tell
 * no handle to poll. The sockets of this process are theirs, so those are
 * polled. The kernel's device needs none of this: its driver gives up itself.
 */
static bool answers_in_time(const struct patient_tcti *c)
{
	struct pollfd socks[8];
	nfds_t n = 0;

	/* A socket is opened for each command, under the lowest number. */
	for (int fd = 3; fd < 32 && n < 8; fd++) {
		struct stat st;

		if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
			socks[n++] = (struct pollfd){ fd, POLLIN, 0 };
	}
	return n == 0 || poll(socks, n, c->timeout_ms) != 0;
}
#else
static bool answers_in_time(const struct patient_tcti *c)
{
	(void)c;
	return true;
}
#endif

static TSS2_RC receive(TSS2_TCTI_CONTEXT *tcti, size_t *size, uint8_t *response, int32_t timeout)
{
	struct patient_tcti *c = patient(tcti);
	TSS2_RC rc;

	/* Receive is called twice for an answer: for its size, then for it. */
	if (c->waiting && !answers_in_time(c))
		return TSS2_TCTI_RC_IO_ERROR;
	c->waiting = false;
	rc = Tss2_Tcti_Receive(c->inner, size, response, timeout);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	c->answered = true;
	if (response)
		lk_timing_tpm_answered(*size);
	return rc;
}

static TSS2_RC cancel(TSS2_TCTI_CONTEXT *tcti)
{
	return Tss2_Tcti_Cancel(patient(tcti)->inner);
}

static TSS2_RC get_poll_handles(TSS2_TCTI_CONTEXT *tcti, TSS2_TCTI_POLL_HANDLE *handles, size_t *n)
{
	return Tss2_Tcti_GetPollHandles(patient(tcti)->inner, handles, n);
}

static TSS2_RC set_locality(TSS2_TCTI_CONTEXT *tcti, uint8_t locality)
{
	return Tss2_Tcti_SetLocality(patient(tcti)->inner, locality);
}

static void wrap(struct lk_tpm *tpm, TSS2_TCTI_CONTEXT *inner, unsigned int timeout_s)
{
	TSS2_TCTI_CONTEXT_COMMON_V1 *v1 = &tpm->tcti.common.v1;

	v1->magic = 0x6c617463686b6579u; /* "latchkey" */
	v1->version = 1;
	v1->transmit = transmit;
	v1->receive = receive;
	v1->cancel = cancel;
	v1->getPollHandles = get_poll_handles;
	v1->setLocality = set_locality;
	tpm->tcti.inner = inner;
	/* Commands that touch NV take seconds on some chips. */
	tpm->tcti.timeout_ms = (int32_t)(timeout_s < 5 ? 5 : timeout_s) * 1000;
}

static void close_inner(TSS2_TCTI_CONTEXT *inner)
{
#ifdef LK_TCTI_ANY
	/* Its own finalizer frees the loader's bookkeeping too. */
	Tss2_TctiLdr_Finalize(&inner);
#else
	Tss2_Tcti_Finalize(inner);
	free(inner);
#endif
}

#ifdef LK_TCTI_ANY
static int open_inner(const char *tcti, TSS2_TCTI_CONTEXT **ret)
{
	switch (Tss2_TctiLdr_Initialize(tcti, ret)) {
	case TSS2_RC_SUCCESS:
		return LK_OK;
	/* No module of that name, or one that can't read what follows it. */
	case TSS2_TCTI_RC_NOT_SUPPORTED:
	case TSS2_TCTI_RC_BAD_VALUE:
		return LK_E_USAGE;
	default:
		return LK_E_NO_TPM;
	}
}
#else
static int open_inner(const char *tcti, TSS2_TCTI_CONTEXT **ret)
{
	const char *path = tcti + strlen("device:");
	TSS2_TCTI_CONTEXT *inner;
	size_t size;

	if (Tss2_Tcti_Device_Init(NULL, &size, path) != TSS2_RC_SUCCESS)
		return LK_E_NO_TPM;
	inner = calloc(1, size);
	if (!inner)
		return LK_E_SYSTEM;
	if (Tss2_Tcti_Device_Init(inner, &size, path) != TSS2_RC_SUCCESS) {
		free(inner);
		return LK_E_NO_TPM;
	}
	*ret = inner;
	return LK_OK;
}
#endif

static bool is_device(const char *tcti)
{
	return strncmp(tcti, "device:/", strlen("device:/")) == 0;
}

/* Tries until the device is there and nobody else holds it. */
static int open_within(const char *tcti, unsigned int timeout_s, TSS2_TCTI_CONTEXT **ret)
{
	const struct timespec pause = { 0, 5 * 1000 * 1000 };
	struct timespec start;
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	for (;;) {
		int rc = LK_E_NO_TPM;

		if (!is_device(tcti) || access(tcti + strlen("device:"), R_OK | W_OK) == 0)
			rc = open_inner(tcti, ret);
		if (rc != LK_E_NO_TPM || !is_device(tcti))
			return rc;
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - start.tv_sec >= (time_t)timeout_s)
			return rc;
		(void)nanosleep(&pause, NULL);
	}
}

static int wrong_tcti(const char *tcti, struct lk_err *err)
{
	return lk_err_set(
		err, LK_E_USAGE, 0,
#ifdef LK_TCTI_ANY
		"TPM \"%.80s\": expected device:/dev/tpm0, swtpm:host=127.0.0.1,port=2321 or the like",
#else
		"TPM \"%.80s\": this build knows device:PATH alone, as in device:/dev/tpm0",
#endif
		tcti);
}

static bool may_be_tcti(const char *tcti)
{
#ifdef LK_TCTI_ANY
	return is_device(tcti) || (strchr(tcti, ':') && strncmp(tcti, "device:", 7) != 0);
#else
	return is_device(tcti);
#endif
}

int lk_tpm_open(const char *tcti, unsigned int timeout_s, struct lk_tpm **ret, struct lk_err *err)
{
	TSS2_TCTI_CONTEXT *inner = NULL;
	struct lk_tpm *tpm;
	int rc;

	if (!may_be_tcti(tcti))
		return wrong_tcti(tcti, err);
	/* The libraries' own log would speak of failures that we handle. */
	(void)setenv("TSS2_LOG", "all+NONE", 1);
	rc = open_within(tcti, timeout_s, &inner);
	if (rc == LK_E_USAGE)
		return wrong_tcti(tcti, err);
	if (rc != LK_OK)
		return lk_err_set(err, rc, 0, "no TPM: %s can't be opened (tried for %u s)", tcti,
				  is_device(tcti) ? timeout_s : 0);
	tpm = calloc(1, sizeof(*tpm));
	if (!tpm) {
		close_inner(inner);
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	}
	wrap(tpm, inner, timeout_s);
	if (sscanf(tcti, "device:/dev/%31[a-z0-9]", tpm->sysfs) != 1)
		tpm->sysfs[0] = '\0';
	rc = lk_tpm_forget(tpm, err);
	if (rc != LK_OK)
		lk_tpm_free(tpm);
	else
		*ret = tpm;
	return rc;
}

int lk_tpm_forget(struct lk_tpm *tpm, struct lk_err *err)
{
	if (tpm->esys) {
		lk_tpm_proven_flush(tpm);
		Esys_Finalize(&tpm->esys);
	}
	tpm->esys = NULL;
	tpm->proven = ESYS_TR_NONE;
	tpm->shared.root = ESYS_TR_NONE;
	tpm->shared.session = ESYS_TR_NONE;
	if (Esys_Initialize(&tpm->esys, (TSS2_TCTI_CONTEXT *)&tpm->tcti, NULL) != TSS2_RC_SUCCESS)
		return lk_err_set(err, LK_E_SYSTEM, 0, "the TPM library can't be initialized");
	return LK_OK;
}

void lk_tpm_free(struct lk_tpm *tpm)
{
	if (!tpm)
		return;
	if (tpm->esys && tpm->shared.session != ESYS_TR_NONE)
		(void)Esys_FlushContext(tpm->esys, tpm->shared.session);
	if (tpm->esys) {
		lk_tpm_proven_flush(tpm);
		Esys_Finalize(&tpm->esys);
	}
	close_inner(tpm->tcti.inner);
	free(tpm);
}

struct lk_tpm_shared *lk_tpm_shared(struct lk_tpm *tpm)
{
	return &tpm->shared;
}

ESYS_TR *lk_tpm_proven(struct lk_tpm *tpm)
{
	return &tpm->proven;
}

ESYS_CONTEXT *lk_tpm_esys(struct lk_tpm *tpm)
{
	return tpm->esys;
}

bool lk_tpm_bank_known_active(const struct lk_tpm *tpm, enum lk_alg alg)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "/sys/class/tpm/%s/pcr-%s", tpm->sysfs,
		       lk_alg_name(alg));
	return tpm->sysfs[0] && access(path, F_OK) == 0;
}

bool lk_tpm_answered(const struct lk_tpm *tpm)
{
	return tpm->tcti.answered;
}
