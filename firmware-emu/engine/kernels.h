/* SPDX-License-Identifier: MIT */
/*
 * The loops that exist once per ISA level. kernels_init() fills the one table; each level is a
 * file of its own with its own compiler flags, so every level that a machine has can be run on it.
 */
#ifndef MARU_KERNELS_H
#define MARU_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#define KERNELS_PLAIN	0
#define KERNELS_AVX2	1
#define KERNELS_VNNI	2	/* AVX-512 with VNNI */
#define KERNELS_BF16	3	/* and with BF16 */

struct kernels {
	/* Bytes that do not overlap; large ones past the caches. */
	void (*copy)(void *to, const void *from, size_t bytes);
	/* @pattern is repeated; @bytes is a multiple of its period. */
	void (*fill)(void *to, uint64_t pattern, size_t bytes);
	/* Contiguous conversions. */
	void (*f32_to_bf16)(uint16_t *to, const float *from, size_t n);
	void (*f32_to_f16)(uint16_t *to, const float *from, size_t n);
	void (*bf16_to_f32)(float *to, const uint16_t *from, size_t n);
	void (*f16_to_f32)(float *to, const uint16_t *from, size_t n);
};

extern struct kernels kernels;

/**
 * kernels_init() - Choose the best level that the machine has and @limit allows.
 * Return: the level.
 */
uint32_t kernels_init(uint32_t limit);

/* Each level overwrites what it does better than the one below. */
void kernels_plain(struct kernels *table);
void kernels_avx2(struct kernels *table);
void kernels_avx512(struct kernels *table);

#endif
