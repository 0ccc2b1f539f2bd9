/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns OpenSSL's beginning: its first use makes what all others need, and crashes where memory lacks for that. */
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "sys/crypto/crypto.h"
#include "sys/crypto/crypto_openssl.h"

LK_OPENSSL_CLEANUP(EVP_MD, EVP_MD_free)

/* OpenSSL 3.0 goes on with a default context that it couldn't make, and follows
 * its null pointers. So the beginning gets its memory from here where there is no
 * other, and is a failure all the same. A page that isn't touched costs nothing. */
#define ALIGN 16u
static _Alignas(ALIGN) uint8_t spare[256u * 1024u];
static size_t spare_used;
static bool beginning;
static bool lacked;

static bool is_spare(const void *p)
{
	return (uintptr_t)p >= (uintptr_t)spare &&
	       (uintptr_t)p < (uintptr_t)(spare + sizeof(spare));
}

static void *take_spare(size_t size)
{
	size_t room = (size + ALIGN - 1) / ALIGN * ALIGN;
	void *p = spare + spare_used;

	lacked = true;
	if (room < size || room > sizeof(spare) - spare_used)
		return NULL;
	spare_used += room;
	return p;
}

static void *allocate(size_t size, const char *file, int line)
{
	void *p = malloc(size);

	(void)file;
	(void)line;
	return p || !beginning ? p : take_spare(size);
}

/* What lies in the spare memory keeps no size: all that may be of it is copied. */
static void *move_spare(const uint8_t *old, size_t size)
{
	size_t most = (size_t)(spare + sizeof(spare) - old);
	uint8_t *p = beginning ? take_spare(size) : malloc(size);

	if (p)
		memmove(p, old, size < most ? size : most);
	return p;
}

/* OpenSSL copies keys into parameters that it frees as they are, and the C library keeps what was freed: HMAC keys, which hold
 * an authorization, lay in the heap to the process's end. So all that OpenSSL frees is wiped. */
static void release(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	if (!p || is_spare(p))
		return;
	explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

static void *reallocate(void *old, size_t size, const char *file, int line)
{
	void *p;
	size_t had;

	if (is_spare(old))
		return move_spare(old, size);
	p = malloc(size);
	if (p && old) {
		had = malloc_usable_size(old);
		memcpy(p, old, had < size ? had : size);
		release(old, file, line);
	}
	/* OpenSSL takes this refusal well. */
	lacked = lacked || (!p && beginning);
	return p;
}

int lk_crypto_begin(bool configured, struct lk_err *err)
{
	LK_OWNED_OPENSSL(EVP_MD) *md = NULL;

	/* Refused where OpenSSL has begun already; then there is nothing to guard. */
	beginning = CRYPTO_set_mem_functions(allocate, reallocate, release) == 1;
	if (!configured)
		(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG |
						  OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS,
					  NULL);
	md = EVP_MD_fetch(NULL, "SHA256", LK_OPENSSL_SOFTWARE);
	beginning = false;
	ERR_clear_error();
	if (!md || lacked)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	return LK_OK;
}
