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
#define KERNELS_AMX	4	/* and with tiles of BF16 and I8 */
#define KERNELS_LEVELS	5

/*
 * out[j][i] (+)= sum over k of b[j][k] · a(k, i), for j < m, i < n. The panels of A follow each
 * other @panel_bytes apart. gemm_f32: F32 in groups of 1, b and out F32; with gemm_any also
 * F16 and BF16 in groups of 1 and 2, and I8. gemm_bf16: a in groups of 2 and b BF16, rows of b
 * padded with a zero to a multiple of 2. gemm_i8: I8 in groups of 4; b holds I16 values, with
 * gemm_any I8, rows padded with zeros to a multiple of 4; out is I32 and wraps. Rows of an F32
 * out hold whole 64 columns.
 */
struct kernels_gemm {
	void *out;
	const void *b;
	const void *a;
	uint64_t out_step;	/* bytes between rows */
	uint64_t b_step;
	uint64_t panel_bytes;
	uint32_t m;
	uint32_t n;
	uint32_t k;
	uint8_t type;		/* enum maru_type of a */
	uint8_t group;		/* of its panels */
	int add;		/* to what is in out, else overwrite */
	void *scratch;		/* KERNELS_GEMM_SCRATCH bytes, 64-byte aligned */
};

#define KERNELS_GEMM_SCRATCH	(640u << 10)

/*
 * The same for m ≤ KERNELS_GEMV_ROWS, over weights of any type as they lie.
 */
struct kernels_gemv {
	void *out;		/* F32, or I32 that wraps when b is not F32 */
	const void *b;		/* panels: rows padded with zeros to 4 */
	const void *a;
	uint64_t out_step;	/* bytes between rows; with panels they hold whole 64 columns */
	uint64_t b_step;
	uint64_t a_step;	/* bytes between panels, or between rows of one n */
	uint32_t m;
	uint32_t n;
	uint32_t k;
	uint8_t type;		/* enum maru_type of a */
	uint8_t group;		/* of its panels, 0: rows whose k are contiguous */
	uint8_t b_type;		/* F32; with a of I8 also I16, and I8: gemm_any or none is −128 */
	uint8_t add;		/* to what is in out, else overwrite */
};

#define KERNELS_GEMV_ROWS	8u

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
	/* Largest magnitude; NaN if one is there. */
	float (*largest)(const float *x, size_t n);
	/* x / scale, scale > 0, to the nearest, ties to even, at most ±127; x is finite. */
	void (*f32_to_i8)(int8_t *to, const float *x, float scale, size_t n);
	/* to[u * 64 + j] = unit u of row j, rows @step bytes apart; j from @rows on: zero. */
	void (*transpose_32)(void *to, const void *from, uint64_t step, uint64_t units,
			     unsigned int rows);
	void (*transpose_16)(void *to, const void *from, uint64_t step, uint64_t units,
			     unsigned int rows);
	/* Products of rows of B with panels of A; of any type as they lie? */
	int gemm_any;
	void (*gemm_f32)(const struct kernels_gemm *gemm);
	void (*gemm_i8)(const struct kernels_gemm *gemm);
	void (*gemm_bf16)(const struct kernels_gemm *gemm);	/* NULL below level 3 */
	void (*gemv)(const struct kernels_gemv *gemv);	/* NULL at level 0 */
	/* x = act(x); @act: enum maru_act, one that kernels_has_act() knows. */
	void (*activate)(unsigned int act, float *x, size_t n);
};

extern struct kernels kernels;

/**
 * kernels_init() - Choose the best level that the machine has and @limit allows.
 * Return: the level.
 */
uint32_t kernels_init(uint32_t limit);

/** kernels_has_act() - Is this enum maru_act built? */
int kernels_has_act(unsigned int act);

/* Each level overwrites what it does better than the one below. */
void kernels_plain(struct kernels *table);
void kernels_avx2(struct kernels *table);
void kernels_avx2_gemm(struct kernels *table);
void kernels_avx2_gemv(struct kernels *table);
void kernels_avx512(struct kernels *table);
void kernels_avx512_activate(struct kernels *table);
void kernels_avx512_gemm(struct kernels *table);
void kernels_avx512_gemv(struct kernels *table);
void kernels_avx512_gemm_bf16(struct kernels *table);	/* level 3 */
void kernels_amx_gemm(struct kernels *table);

#endif
