// SPDX-License-Identifier: MIT
/* See pick.h. */
#include <math.h>
#include <stdlib.h>

#include "pick.h"

struct pick_entry {
	double weight;
	uint32_t token;
};

int pick_create(struct pick *pick, double temperature, double top_p, uint64_t seed,
		uint32_t count)
{
	*pick = (struct pick){ temperature, top_p, seed, count, NULL };
	pick->entries = calloc(count, sizeof(*pick->entries));
	return pick->entries ? 0 : -1;
}

void pick_destroy(struct pick *pick)
{
	free(pick->entries);
	pick->entries = NULL;
}

/* splitmix64: a number in [0, 1). */
static double draw_unit(struct pick *pick)
{
	uint64_t x = pick->state += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return (double)((x ^ x >> 31) >> 11) * 0x1p-53;
}

static int by_weight(const void *left, const void *right)
{
	const struct pick_entry *a = left, *b = right;

	if (a->weight != b->weight)
		return a->weight < b->weight ? 1 : -1;
	return a->token < b->token ? -1 : 1;
}

uint32_t pick_draw(struct pick *pick, const float *logits)
{
	double top = -INFINITY, sum = 0, kept = 0, at;
	uint32_t count = 0, i;

	for (i = 0; i < pick->count; i++)
		top = logits[i] > top ? logits[i] : top;
	for (i = 0; i < pick->count; i++) {
		double weight = exp((logits[i] - top) / pick->temperature);

		if (!(weight > 1e-9))	/* too rare to be worth sorting; NaN, too */
			continue;
		pick->entries[count++] = (struct pick_entry){ weight, i };
		sum += weight;
	}
	qsort(pick->entries, count, sizeof(*pick->entries), by_weight);
	for (i = 0; i < count && kept < pick->top_p * sum; i++)
		kept += pick->entries[i].weight;
	at = draw_unit(pick) * kept;
	for (uint32_t j = 0; j < i; j++) {
		at -= pick->entries[j].weight;
		if (at < 0)
			return pick->entries[j].token;
	}
	return i ? pick->entries[i - 1].token : 0;
}
