// SPDX-License-Identifier: MIT
/* See pick.h. */
#include <math.h>

#include "pick.h"

/* splitmix64: a number in [0, 1). */
static double draw_unit(struct pick *pick)
{
	uint64_t x = pick->state += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return (double)((x ^ x >> 31) >> 11) * 0x1p-53;
}

uint32_t pick_draw(struct pick *pick, const float *logits, uint32_t count)
{
	double weights[PICK_CHOICES], sum = 0, kept = 0, at;
	uint32_t i, last;

	for (i = 0; i < count; i++) {
		weights[i] = exp((logits[i] - logits[0]) / pick->temperature);
		if (!(weights[i] > 0))
			break;
		sum += weights[i];
	}
	count = i;
	for (last = 0; last < count && kept < pick->top_p * sum; last++)
		kept += weights[last];
	at = draw_unit(pick) * kept;
	for (i = 0; i + 1 < last; i++) {
		at -= weights[i];
		if (at < 0)
			break;
	}
	return i;
}
