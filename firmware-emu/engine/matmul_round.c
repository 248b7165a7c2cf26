// SPDX-License-Identifier: MIT
/*
 * Rows of B as I8: the scale of a row is its largest magnitude / 127, a value the nearest
 * multiple of it, ties to even. The same bits at every ISA level.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "firmware-emu/engine/convert.h"
#include "firmware-emu/engine/kernels.h"
#include "firmware-emu/engine/matmul.h"

static const float *as_floats(float *to, const struct maru_operand *b, const uint8_t *from,
			      uint32_t n)
{
	if (b->type == MARU_TYPE_F32 && b->stride[0] == 4)
		return (const float *)(const void *)from;
	convert_lookup(MARU_TYPE_F32, b->type)(to, 4, from, b->stride[0], n);
	return to;
}

void matmul_row_scales(struct engine_op *op, const struct matmul_part *part, float *scales)
{
	const struct engine_operand *b = &op->operands[MARU_ROLE_B];
	const struct maru_operand *desc = b->desc;
	uint32_t k = desc->dim[0], i, j, n;
	float floats[MATMUL_CHUNK_K];

	for (j = 0; j < part->m; j++) {
		const uint8_t *row = b->host + part->matrix[0] * desc->stride[2] +
				     part->matrix[1] * desc->stride[3] +
				     (part->m0 + j) * desc->stride[1];
		float largest = 0, chunk;

		for (i = 0; i < k; i += n) {
			n = k - i < MATMUL_CHUNK_K ? k - i : MATMUL_CHUNK_K;
			chunk = kernels.largest(as_floats(floats, desc, row + i * desc->stride[0],
							  n), n);
			if (!(chunk <= largest))
				largest = chunk;
			if (isnan(chunk))
				break;
		}
		/* With an infinity in it no value of the row can be told from another. */
		scales[j] = largest <= FLT_MAX ? largest / 127 : NAN;
	}
}

void matmul_row_round(int8_t *to, const struct maru_operand *b, const uint8_t *from, float scale,
		      uint32_t n)
{
	float floats[MATMUL_CHUNK_K];

	if (!(scale > 0)) {
		memset(to, 0, n);
		return;
	}
	kernels.f32_to_i8(to, as_floats(floats, b, from, n), scale, n);
}
