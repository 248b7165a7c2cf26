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
	/* Rows that come next, of @ahead_bytes: to be fetched meanwhile, see kernels_ahead(). */
	const uint8_t *const *ahead;
	uint32_t ahead_count, ahead_bytes;
};

#define KERNELS_PLACES	8u

/*
 * What is fetched with row @i, NULL for nothing: rows of KERNELS_PLACES places in turn. Of one
 * place the CPU fetches by itself what follows only up to the end of a page.
 */
static inline const uint8_t *kernels_ahead(const struct kernels_attend *attend, uint32_t i)
{
	uint32_t part = (attend->ahead_count + KERNELS_PLACES - 1) / KERNELS_PLACES;
	uint32_t next = i / KERNELS_PLACES + i % KERNELS_PLACES * part;

	return next < attend->ahead_count ? attend->ahead[next] : NULL;
}

/*
 * A block of keys as F32 in strips of 16. Of keys a strip is 16 of them, a step one element;
 * of values a strip is 16 columns, a step one key. What is missing in a strip is zero.
 */
#define KERNELS_STRIP	16u

struct kernels_pack {
	float *to;
	const uint8_t *const *keys;
	uint32_t strip_step;		/* floats; room for a multiple of 8 steps */
	uint32_t count, d;
	unsigned int type;
};

/* Up to six rows that see keys @first … @end - 1 of a block, some of them fewer. */
struct kernels_group {
	uint32_t row, rows;
	uint32_t first, end;
};

/* Rows are read and written in sixes or fours, so some behind the last are overwritten. */
struct kernels_block {
	float *out;
	const float *in;
	const float *strip;
	uint32_t out_step, in_step, strip_step;	/* floats */
	uint32_t strip_advance;		/* floats between steps: KERNELS_STRIP if not free */
	uint32_t strips;
	uint32_t steps;			/* of scores; @in has zeros up to a multiple of 4 */
	const struct kernels_group *group;
	uint32_t groups;
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
	void (*pack_keys)(const struct kernels_pack *pack);
	void (*pack_values)(const struct kernels_pack *pack);
	/* May steps of a strip be apart? Then rows of F32 need no packing. */
	int is_advance_free;
	/* out[r][16 strip + i] = sum over steps of in[r][step] · strip[step][i] */
	void (*block_scores)(const struct kernels_block *block);
	/* out[r][16 strip + i] += sum over the group's keys of in[r][key] · strip[key][i] */
	void (*block_values)(const struct kernels_block *block);
	/* x = softcap · tanh(scale / softcap · x) + slope · mask; -Inf where the mask is. */
	void (*bias)(float *x, size_t n, const struct kernels_bias *bias);
	/* The largest of scale · x, which are not NaN, and of max. */
	float (*largest)(const float *x, size_t n, float scale, float max);
	/*
	 * x = 2^(scale · x - most), most the largest so far of scale · x; *sum is brought to the
	 * new maximum and these are added. Return: 2^(old maximum - new one).
	 */
	float (*softmax)(float *x, size_t n, float scale, float most, float *max, float *sum);
	void (*scale)(float *x, size_t n, float factor);
};

extern struct kernels_attention kernels_attention;

/* Each level fills the table; kernels_init() chooses. */
void kernels_attention_plain(struct kernels_attention *table);
void kernels_attention_avx2(struct kernels_attention *table);
void kernels_attention_avx2_few(struct kernels_attention *table);
void kernels_attention_avx2_block(struct kernels_attention *table);
void kernels_attention_avx512(struct kernels_attention *table);
void kernels_attention_avx512_few(struct kernels_attention *table);
void kernels_attention_avx512_block(struct kernels_attention *table);

#endif
