/* SPDX-License-Identifier: MIT */
/* The next token, drawn by the host from the likeliest ones that the card found. */
#ifndef GENERATE_PICK_H
#define GENERATE_PICK_H

#include <stdint.h>

#define PICK_CHOICES	64u	/* likeliest tokens that a draw is from, at most */

struct pick {
	double temperature;	/* above 0 */
	double top_p;		/* the likeliest choices that have this much together */
	uint64_t state;		/* of the random numbers: a seed at first */
};

/**
 * pick_draw() - Draw one of @count choices, at most PICK_CHOICES.
 * @logits: of them, falling; what is NaN or beyond it is never drawn.
 * Return: its index.
 */
uint32_t pick_draw(struct pick *pick, const float *logits, uint32_t count);

#endif
