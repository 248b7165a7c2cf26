/* SPDX-License-Identifier: MIT */
/* The loops of ELEMENTWISE per ISA level, beside those of kernels.h. */
#ifndef MARU_KERNELS_ELEMENTWISE_H
#define MARU_KERNELS_ELEMENTWISE_H

#include <stddef.h>
#include <stdint.h>

/* to = f(a) or f(a, b), contiguous, all of one float type; @to may be @a or @b. */
struct kernels_pass {
	unsigned int code;	/* enum maru_code */
	unsigned int type;
	void *to;
	const void *a;
	const void *b;		/* NULL: f(a) */
	const float *p;		/* four parameters */
	int is_one;		/* b is one element */
	int is_stream;		/* past the caches; to is 64-byte aligned */
};

struct kernels_elementwise {
	/* x = f(x), x = f(x, y); @code: enum maru_code, @p: its four parameters. */
	void (*unary)(unsigned int code, const float *p, float *x, size_t n);
	void (*binary)(unsigned int code, const float *p, float *x, const float *y, size_t n);
	void (*integer)(unsigned int code, int32_t *x, const int32_t *y, size_t n);
	/* Return: how many of the first elements were done; the same bits as binary. */
	size_t (*pass)(const struct kernels_pass *pass, size_t n);
	/* Convert between float types past the caches, or copy equal types of 4 bytes or 2; @to is
	 * 64-byte aligned, @next is asked for meanwhile. Return: as pass. */
	size_t (*stream)(unsigned int to_type, unsigned int from_type, void *to,
			 const void *from, size_t n, const void *next);
};

extern struct kernels_elementwise kernels_elementwise;

/* Each level fills the table; kernels_init() chooses. */
void kernels_elementwise_plain(struct kernels_elementwise *table);
void kernels_elementwise_avx2(struct kernels_elementwise *table);
void kernels_elementwise_avx512(struct kernels_elementwise *table);
void kernels_elementwise_bf16(struct kernels_elementwise *table);

#endif
