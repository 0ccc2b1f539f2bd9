/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the mappings that secrets live in. */
#include "sys/os/secret.h"

#include <errno.h>
#include <linux/capability.h>
#include <malloc.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static size_t round_up(size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (n + page - 1) / page * page;
}

int lk_secret_init(struct lk_secret *s, size_t cap, struct lk_err *err)
{
	size_t size = round_up(cap ? cap : 1);
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return lk_err_set(err, LK_E_SYSTEM, (uint32_t)errno, "no memory for a secret: %s",
				  strerror(errno));
	if (mlock(p, size) != 0 || madvise(p, size, MADV_DONTDUMP) != 0) {
		int saved = errno;

		munmap(p, size);
		return lk_err_set(err, LK_E_SYSTEM, (uint32_t)saved,
				  "can't lock memory for a secret: %s (see ulimit -l)",
				  strerror(saved));
	}
	(void)madvise(p, size, MADV_WIPEONFORK);
	*s = (struct lk_secret){ p, 0, size };
	return LK_OK;
}

void lk_secret_done(struct lk_secret *s)
{
	if (s->data) {
		lk_wipe(s->data, s->cap);
		munmap(s->data, s->cap);
	}
	*s = LK_SECRET_NONE;
}

struct lk_secret lk_secret_take(struct lk_secret *s)
{
	struct lk_secret taken = *s;

	*s = LK_SECRET_NONE;
	return taken;
}

int lk_secret_from(struct lk_secret *s, const void *data, size_t len, struct lk_err *err)
{
	int rc = lk_secret_init(s, len, err);

	if (rc != LK_OK)
		return rc;
	if (len)
		memcpy(s->data, data, len);
	s->len = len;
	return LK_OK;
}

void lk_wipe(void *p, size_t len)
{
	if (p)
		explicit_bzero(p, len);
}

int lk_secret_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	volatile uint8_t differing = 0;

	for (size_t i = 0; i < len; i++)
		differing |= a[i] ^ b[i];
	return differing == 0;
}

/* Locked memory has no bound for who may lock memory; with a bound all later
 * allocations would be under it. */
static bool may_lock_all(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	return syscall(SYS_capget, &head, caps) == 0 && caps[0].effective & 1u << CAP_IPC_LOCK;
}

int lk_secret_harden_process(struct lk_err *err)
{
	const struct rlimit none = { 0, 0 };

#ifdef M_PERTURB
	/* The TPM library's buffers have held decrypted bytes when they are
	 * freed, and can't be reached to be wiped: free does it. */
	(void)mallopt(M_PERTURB, 0x5a);
#endif
	/* Libraries keep keys in memory of their own while they work: that isn't
	 * swapped either. Pages are locked as they come into use, so that nothing is
	 * taken for this. Where it may not be, swap is what SECURITY.md says. */
	if (may_lock_all())
		(void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
	if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return lk_err_set(err, LK_E_SYSTEM, (uint32_t)errno, "can't forbid core dumps: %s",
				  strerror(errno));
	return LK_OK;
}

/* Below the caller's frame lie those of the calls that it has made. */
__attribute__((noinline)) void lk_wipe_stack(void)
{
	uint8_t below[64 * 1024];

	explicit_bzero(below, sizeof(below));
}
