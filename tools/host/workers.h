/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns doing the same for many things at once, on all processors. */
#ifndef LK_HOST_WORKERS_H
#define LK_HOST_WORKERS_H

#include <stddef.h>

/** Processors that this process may use, as nproc counts them: 1 to 64. */
size_t lk_workers_count(void);

/**
 * lk_workers_run - call @one for each number below @n
 * @what: "sealing", for the line that tells a person how far it is; one unit of @n each
 * @one: called in any order, by several threads at once
 * @batch_end: NULL, or called by a thread after each @batch of its numbers, and at its end
 *
 * The calling thread works too, however few threads there are to be had.
 */
struct lk_work {
	const char *what;
	size_t n;
	size_t batch;
	void (*one)(void *ctx, size_t i, void *batch_ctx);
	void (*batch_end)(void *ctx, void *batch_ctx);
	size_t batch_ctx_size; /* zeroed memory of each thread's own; 0: none */
	void *ctx;
};
void lk_workers_run(const struct lk_work *work);

#endif
