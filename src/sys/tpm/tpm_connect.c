/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the connection to the TPM: which TCTI, and how long to wait. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tss2/tss2_tcti_device.h>
#ifdef LK_TCTI_ANY
#include <tss2/tss2_tctildr.h>
#endif

#include "core/base/paths.h"
#include "sys/os/fs.h"
#include "sys/os/log.h"
#include "sys/os/reach.h"
#include "sys/tpm/tpm_connection_private.h"

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

/*
 * The kernel's /dev/tpm0 is opened by one program at a time, and a software TPM
 * serves one connection. Behind its /dev/tpmrm0, or a resource manager, others
 * have objects that aren't ours to flush.
 */
static bool is_alone(const char *tcti)
{
	const char *name = strrchr(tcti, '/');

	if (!is_device(tcti))
		return strncmp(tcti, "swtpm", 5) == 0 || strncmp(tcti, "mssim", 5) == 0;
	return strncmp(name, "/tpm", 4) == 0 && name[4] >= '0' && name[4] <= '9';
}

/* The library couldn't open it, and doesn't say why. */
static void find_reason(const char *path, char why[static LK_REACH_MAX])
{
	LK_OWNED_FD fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && errno == EBUSY)
		(void)snprintf(
			why, LK_REACH_MAX,
			"%s: another program has it open (tpm2-abrmd, for instance); the kernel's /dev/tpmrm0 serves several at a time",
			strerror(EBUSY));
	else if (fd < 0)
		(void)lk_reach_why(path, errno, why);
	else
		(void)snprintf(why, LK_REACH_MAX, "the TPM library can't use it");
}

static void add_time(unsigned int timeout_s, char why[static LK_REACH_MAX])
{
	size_t len = strlen(why);

	(void)snprintf(why + len, LK_REACH_MAX - len, " (tried for %u s)", timeout_s);
}

/* Tries until the device is there and nobody else holds it. */
static int open_within(const char *tcti, unsigned int timeout_s, TSS2_TCTI_CONTEXT **ret,
		       char why[static LK_REACH_MAX])
{
	const struct timespec pause = { 0, 5 * 1000 * 1000 };
	const char *path = tcti + strlen("device:");
	struct timespec start;
	struct timespec now;

	(void)snprintf(why, LK_REACH_MAX, "nothing answers there");
	if (!is_device(tcti))
		return open_inner(tcti, ret);
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	for (;;) {
		enum lk_reach reach = lk_reach_tpm(path, why);
		int rc = reach == LK_REACH_USABLE ? open_inner(tcti, ret) : LK_E_NO_TPM;

		if (rc != LK_E_NO_TPM || reach == LK_REACH_NEVER)
			return rc;
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - start.tv_sec >= (time_t)timeout_s) {
			if (reach == LK_REACH_USABLE)
				find_reason(path, why);
			add_time(timeout_s, why);
			return rc;
		}
		(void)nanosleep(&pause, NULL);
	}
}

static int wrong_tcti(const char *tcti, struct lk_err *err)
{
	return lk_err_set(err, LK_E_USAGE, 0,
#ifdef LK_TCTI_ANY
			  "TPM \"%.80s\": expected " LK_TPM_ALONE
			  ", swtpm:host=127.0.0.1,port=2321 or the like",
#else
			  "TPM \"%.80s\": this build knows device:PATH alone, as in " LK_TPM_ALONE,
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
	char why[LK_REACH_MAX];
	struct lk_tpm *tpm;
	int rc;

	if (!may_be_tcti(tcti))
		return wrong_tcti(tcti, err);
	/* The libraries' own log would speak of failures that we handle. */
	(void)setenv("TSS2_LOG", "all+NONE", 1);
	rc = open_within(tcti, timeout_s, &inner, why);
	if (rc == LK_E_USAGE)
		return wrong_tcti(tcti, err);
	if (rc != LK_OK)
		return lk_err_set(err, rc, 0, "no TPM: %s can't be used: %s", tcti, why);
	tpm = calloc(1, sizeof(*tpm));
	if (!tpm) {
		close_inner(inner);
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	}
	lk_tpm_wire_init(&tpm->wire, inner, timeout_s, is_alone(tcti));
	if (sscanf(tcti, "device:/dev/%31[a-z0-9]", tpm->sysfs) != 1)
		tpm->sysfs[0] = '\0';
	rc = lk_tpm_forget(tpm, err);
	if (rc != LK_OK)
		lk_tpm_free(tpm);
	else
		*ret = tpm;
	lk_log(LK_LOG_DEBUG, "TPM: connected to %s%s", tcti,
	       is_alone(tcti) ? ", which nobody else uses meanwhile" : "");
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
	if (Esys_Initialize(&tpm->esys, (TSS2_TCTI_CONTEXT *)&tpm->wire, NULL) != TSS2_RC_SUCCESS)
		return lk_err_set(err, LK_E_SYSTEM, 0, "the TPM library can't be initialized");
	return LK_OK;
}

void lk_tpm_measure_time(struct lk_tpm *tpm, struct lk_timing *timing)
{
	tpm->wire.timing = timing;
}

bool lk_tpm_make_room(struct lk_tpm *tpm)
{
	return lk_tpm_wire_make_room(&tpm->wire, TPM2_RC_MEMORY);
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
	close_inner(tpm->wire.inner);
	free(tpm);
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
	return tpm->wire.answered;
}
