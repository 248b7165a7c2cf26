/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Causal attention composed of library products: the native baseline. Blocks of 128 queries;
 * q·kᵀ over the keys that a block sees, softmax, times v; blocks of all heads are shared out
 * over the threads, each product runs on one.
 */
#ifndef BENCH_COMPOSED_H
#define BENCH_COMPOSED_H

#include <stdint.h>

struct composed;

/** composed_create() - @n queries and keys of @heads heads of @d elements, F32. */
struct composed *composed_create(uint32_t n, uint32_t heads, uint32_t d);

/** composed_run() - Once over everything, on the threads of OpenMP. */
void composed_run(struct composed *composed);

/** composed_check() - Largest difference from double precision in some rows. */
double composed_check(const struct composed *composed);
void composed_destroy(struct composed *composed);

#endif
