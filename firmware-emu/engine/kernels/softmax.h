/* SPDX-License-Identifier: MIT */
/* Rows of SOFTMAX from the steps that a level has, which are put into one loop. */
#ifndef MARU_SOFTMAX_LOOP_H
#define MARU_SOFTMAX_LOOP_H

#include "firmware-emu/engine/kernels_rows.h"

/* Go to the row behind. */
static inline void softmax_next(struct kernels_soft *soft, const struct kernels_softmax *rows)
{
	soft->x = (const float *)(const void *)((const uint8_t *)soft->x + rows->x_step);
	if (soft->mask)
		soft->mask = (const float *)(const void *)
			     ((const uint8_t *)soft->mask + rows->mask_step);
}

#define KERNELS_SOFTMAX(name, max_of, exp_of, scale_by) \
	static void name(const struct kernels_softmax *rows) \
	{ \
		struct kernels_soft soft = rows->first; \
		float *to = rows->to, max; \
		double sum; \
		for (size_t row = 0; row < rows->count; row++) { \
			max = max_of(&soft); \
			sum = exp_of(rows->values, &soft, max); \
			scale_by(to, rows->values, (float)(1 / sum), soft.n, rows->is_streamed); \
			if (row + 1 == rows->count) \
				break;	/* a step may lead anywhere */ \
			to = (float *)(void *)((uint8_t *)to + rows->to_step); \
			softmax_next(&soft, rows); \
		} \
	}

#endif
