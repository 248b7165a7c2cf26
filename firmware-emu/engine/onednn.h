/* SPDX-License-Identifier: MIT */
/*
 * The one user of oneDNN: a product of one tile on the calling thread. The library never
 * divides work: bits would depend on the number of threads.
 */
#ifndef MARU_ONEDNN_H
#define MARU_ONEDNN_H

#include <stdbool.h>
#include <stdint.h>

#define ONEDNN_SCRATCH_BYTES	(256u << 10)

/**
 * struct onednn_tile - Kind of a product out[m, n] (+)= b[m, k] · a[k, n].
 * @b_type, @a_type, @out_type: enum maru_type; b may be U8 beside an I8 a.
 * @layout: enum maru_layout of a. STRIDED: steps in @a_k_step, @a_n_step.
 * @add: to what is in out.
 * @m, @n, @k: dims.
 * @b_step, @out_step: elements between rows.
 *
 * Equal bytes are the key of the cache: no holes.
 */
struct onednn_tile {
	uint8_t b_type;
	uint8_t a_type;
	uint8_t out_type;
	uint8_t layout;
	uint32_t add;
	uint32_t m;
	uint32_t n;
	uint32_t k;
	uint32_t mbz;
	uint64_t b_step;
	uint64_t out_step;
	uint64_t a_k_step;
	uint64_t a_n_step;
};

/** onednn_init() - Limit the library to an ISA level. Return: 0 or -errno. */
int onednn_init(uint32_t level);

/** onednn_version() - Version string, kept for ever. */
const char *onednn_version(void);

/**
 * onednn_run() - Multiply one tile.
 * @scratch: ONEDNN_SCRATCH_BYTES of the calling thread.
 *
 * Primitives are made at first use and kept in a table of the thread, with a bound.
 * Return: 0, or -ENOTSUP when the library has no fast code for this kind: nothing is written.
 */
int onednn_run(const struct onednn_tile *tile, const void *b, const void *a, void *out,
	       void *scratch);

#endif
