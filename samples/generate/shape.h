/* SPDX-License-Identifier: MIT */
/* What a GGUF file says about its model, checked whole, before a card is asked for anything. */
#ifndef GENERATE_SHAPE_H
#define GENERATE_SHAPE_H

#include "gguf.h"

/* Tensors of a layer, in the order in which a token meets them. */
enum shape_part {
	PART_NORM1, PART_Q, PART_K, PART_V, PART_OUT, PART_NORM2, PART_GATE, PART_UP, PART_DOWN,
	SHAPE_PARTS
};

struct shape {
	uint32_t width;			/* elements of a token's row */
	uint32_t heads, kv_heads;
	uint32_t head;			/* elements of a head */
	uint32_t turned;		/* of them, by ROPE */
	uint32_t ffn, layers, vocab, context;
	float eps, base;
	const struct gguf_tensor *embed, *norm;
	const struct gguf_tensor *output;	/* @embed when the file ties them */
	const struct gguf_tensor *factors;	/* of ROPE, or NULL */
	const struct gguf_tensor *(*layer)[SHAPE_PARTS];
};

/**
 * shape_load() - Read the keys of the llama architecture and find every tensor.
 * @shape: filled; points into @file.
 * @file: open; stays open while @shape is used.
 *
 * Return: 0; -1 with file->error filled: another architecture, a type, a tensor or a key that
 * this program does not know, or sizes that do not go together. Nothing to free then.
 */
int shape_load(struct shape *shape, struct gguf *file);

void shape_free(struct shape *shape);

#endif
