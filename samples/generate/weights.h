/* SPDX-License-Identifier: MIT */
/* A model's weights on the card, in the layout that its products read fastest. */
#ifndef GENERATE_WEIGHTS_H
#define GENERATE_WEIGHTS_H

#include "card.h"
#include "shape.h"

struct weights_layer {
	struct accel_tensor norm1, norm2;
	struct accel_tensor qkv;	/* [(heads + 2 kv_heads) · head, width]: one product */
	struct accel_tensor out;	/* [width, heads · head] */
	struct accel_tensor gate_up;	/* [2 ffn, width]: one product */
	struct accel_tensor down;	/* [width, ffn] */
};

struct weights {
	struct accel_tensor embed, norm, output, factors;
	struct weights_layer *layer;
	uint64_t bytes;			/* on the card */
	uint64_t step_bytes;		/* of them, what a token reads */
};

/**
 * weights_load() - Upload all weights and prepare the matrices, once.
 * @w: filled.
 * @card: where; the program ends with a message if it has no room.
 * @shape: from shape_load(), whose file is still open.
 */
void weights_load(struct weights *w, struct card *card, const struct shape *shape);

#endif
