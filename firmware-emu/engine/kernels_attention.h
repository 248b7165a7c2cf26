/* SPDX-License-Identifier: MIT */
/* The loops of ATTENTION per ISA level, beside those of kernels.h. */
#ifndef MARU_KERNELS_ATTENTION_H
#define MARU_KERNELS_ATTENTION_H

#include <stddef.h>
#include <stdint.h>

/* Some rows against keys where they lie; keys are rows of @d elements of @type, of F. */
struct kernels_attend {
	float *out;
	const float *in;
	const uint8_t *const *keys;
	uint32_t out_step, in_step;	/* floats between rows */
	uint32_t rows, count;
	uint32_t d;
	unsigned int type;
};

struct kernels_bias {
	float scale, softcap, slope;
	const float *mask;		/* may be NULL */
};

struct kernels_attention {
	/* out[r][i] = sum over d of in[r][d] · keys[i][d] */
	void (*scores)(const struct kernels_attend *attend);
	/* out[r][d] += sum over i of in[r][i] · keys[i][d] */
	void (*values)(const struct kernels_attend *attend);
	/* x = softcap · tanh(scale / softcap · x) + slope · mask; -Inf where the mask is. */
	void (*bias)(float *x, size_t n, const struct kernels_bias *bias);
	/*
	 * x = 2^(scale · x - max), max the largest so far of scale · x; *sum is brought to the
	 * new maximum and these are added. Return: 2^(old maximum - new one).
	 */
	float (*softmax)(float *x, size_t n, float scale, float *max, float *sum);
	void (*scale)(float *x, size_t n, float factor);
};

extern struct kernels_attention kernels_attention;

/* Each level fills the table; kernels_init() chooses. */
void kernels_attention_plain(struct kernels_attention *table);
void kernels_attention_avx2(struct kernels_attention *table);

#endif
