/* SPDX-License-Identifier: MIT */
/* The next token, drawn by the host from the card's logits. */
#ifndef GENERATE_PICK_H
#define GENERATE_PICK_H

#include <stdint.h>

struct pick {
	double temperature;	/* above 0 */
	double top_p;		/* the likeliest tokens that have this much together */
	uint64_t state;		/* of the random numbers */
	uint32_t count;		/* tokens there are */
	struct pick_entry *entries;
};

/** pick_create() - One for each sequence. Return: 0, or -1 without memory. */
int pick_create(struct pick *pick, double temperature, double top_p, uint64_t seed,
		uint32_t count);
void pick_destroy(struct pick *pick);

/** pick_draw() - Draw a token. Equal logits are ordered by their number, NaN is never drawn. */
uint32_t pick_draw(struct pick *pick, const float *logits);

#endif
