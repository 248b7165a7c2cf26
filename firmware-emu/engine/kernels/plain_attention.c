// SPDX-License-Identifier: MIT
/* Level 0: plain C. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "firmware-emu/engine/kernels_attention.h"
#include "firmware-emu/engine/kernels/activate.h"
#include "firmware-emu/engine/numeric.h"

static float load(unsigned int type, const uint8_t *key, uint32_t d)
{
	if (type == MARU_TYPE_F32)
		return ((const float *)(const void *)key)[d];
	if (type == MARU_TYPE_F16)
		return numeric_from_f16(((const uint16_t *)(const void *)key)[d]);
	return numeric_from_bf16(((const uint16_t *)(const void *)key)[d]);
}

static void plain_scores(const struct kernels_attend *attend)
{
	uint32_t r, i, d;

	for (r = 0; r < attend->rows; r++) {
		const float *in = attend->in + (size_t)r * attend->in_step;

		for (i = 0; i < attend->count; i++) {
			float sum = 0;

			for (d = 0; d < attend->d; d++)
				sum += in[d] * load(attend->type, attend->keys[i], d);
			attend->out[(size_t)r * attend->out_step + i] = sum;
		}
	}
}

static void plain_values(const struct kernels_attend *attend)
{
	uint32_t r, i, d;

	for (r = 0; r < attend->rows; r++) {
		float *out = attend->out + (size_t)r * attend->out_step;

		for (i = 0; i < attend->count; i++) {
			float weight = attend->in[(size_t)r * attend->in_step + i];

			for (d = 0; d < attend->d; d++)
				out[d] += weight * load(attend->type, attend->keys[i], d);
		}
	}
}

static void plain_pack_keys(const struct kernels_pack *pack)
{
	uint32_t i, d;

	for (i = 0; i < (pack->count + 15) / 16 * 16; i++)
		for (d = 0; d < pack->d; d++)
			pack->to[i / 16 * pack->strip_step + d * 16 + i % 16] =
				i < pack->count ? load(pack->type, pack->keys[i], d) : 0;
}

static void plain_pack_values(const struct kernels_pack *pack)
{
	uint32_t i, d;

	for (i = 0; i < pack->count; i++)
		for (d = 0; d < (pack->d + 15) / 16 * 16; d++)
			pack->to[d / 16 * pack->strip_step + i * 16 + d % 16] =
				d < pack->d ? load(pack->type, pack->keys[i], d) : 0;
}

/* Steps @first … @end - 1 of one row and one strip. */
static void plain_strip(float *out, const float *in, const float *strip, uint32_t first,
			uint32_t end)
{
	uint32_t step, i;

	for (step = first; step < end; step++)
		for (i = 0; i < 16; i++)
			out[i] += in[step] * strip[step * 16 + i];
}

static void plain_block(const struct kernels_block *block, bool is_values)
{
	uint32_t strip, g, r;

	for (strip = 0; strip < block->strips; strip++)
		for (g = 0; g < block->groups; g++)
			for (r = 0; r < block->group[g].rows; r++) {
				const struct kernels_group *group = &block->group[g];
				size_t row = group->row + r;
				float *out = block->out + row * block->out_step + strip * 16;

				if (!is_values)
					memset(out, 0, 16 * sizeof(*out));
				plain_strip(out, block->in + row * block->in_step,
					    block->strip + (size_t)strip * block->strip_step,
					    is_values ? group->first : 0,
					    is_values ? group->end : block->steps);
			}
}

static void plain_block_scores(const struct kernels_block *block)
{
	plain_block(block, false);
}

static void plain_block_values(const struct kernels_block *block)
{
	plain_block(block, true);
}

static void plain_bias(float *x, size_t n, const struct kernels_bias *bias)
{
	float scale = bias->softcap == 0 ? bias->scale : bias->scale / bias->softcap;

	for (size_t i = 0; i < n; i++) {
		x[i] *= scale;
		if (bias->softcap != 0)
			x[i] = bias->softcap * act_tanh(x[i]);
		if (bias->mask)
			x[i] = bias->mask[i] == -INFINITY ? -INFINITY :
			       x[i] + bias->slope * bias->mask[i];
	}
}

/* 2^x for x up to about 0; 0 from -126.5 on; NaN stays. */
static float power(float x)
{
	const float round = 12582912.0f;	/* 1.5 · 2^23 */
	float n, r, p;

	x = x < -127.0f ? -127.0f : x;
	n = x + round;
	r = x - (n - round);
	p = 0x1.5bba12p-10f;	/* least error of a polynomial with 2^0 = 1: 9.2e-8 */
	p = p * r + 0x1.3cea88p-7f;
	p = p * r + 0x1.c6b752p-5f;
	p = p * r + 0x1.ebf9bcp-3f;
	p = p * r + 0x1.62e42ap-1f;
	p = p * r + 1.0f;
	return p * numeric_f32((numeric_f32_bits(n) - 0x4b400000u + 127) << 23);
}

static float plain_largest(const float *x, size_t n, float scale, float max)
{
	for (size_t i = 0; i < n; i++)
		max = x[i] * scale > max ? x[i] * scale : max;
	return max;
}

static float plain_softmax(float *x, size_t n, float scale, float most, float *max, float *sum)
{
	float base = most == -INFINITY ? 0 : most, added = 0, factor;
	size_t i;

	for (i = 0; i < n; i++) {
		x[i] = power(x[i] * scale - base);
		added += x[i];
	}
	factor = most == *max ? 1.0f : power(*max - base);
	*sum = *sum * factor + added;
	*max = most;
	return factor;
}

static void plain_scale(float *x, size_t n, float factor)
{
	for (size_t i = 0; i < n; i++)
		x[i] *= factor;
}

void kernels_attention_plain(struct kernels_attention *table)
{
	*table = (struct kernels_attention) {
		.scores = plain_scores,
		.values = plain_values,
		.pack_keys = plain_pack_keys,
		.pack_values = plain_pack_values,
		.block_scores = plain_block_scores,
		.block_values = plain_block_values,
		.bias = plain_bias,
		.largest = plain_largest,
		.softmax = plain_softmax,
		.scale = plain_scale,
	};
}
