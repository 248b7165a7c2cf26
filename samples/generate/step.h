/* SPDX-License-Identifier: MIT */
/*
 * A pass of tokens through the model, recorded once. What changes from pass to pass is data:
 * the program writes ids, positions, slots and lengths, and submits the same buffer again.
 *
 * A prompt alone and the same prompt among others give the same bits: with up to 8 rows and
 * prepared weights, a row of a product does not depend on how many there are. So prompts pass in
 * groups of that size too, each group a product, and for ATTENTION a sequence, of its own.
 */
#ifndef GENERATE_STEP_H
#define GENERATE_STEP_H

#include "kv.h"
#include "weights.h"

#define PROMPT_ROWS	8u	/* tokens of a prompt that are a product */

/* Operations of a step, for the table of times. */
enum step_kind {
	STEP_GATHER, STEP_NORM, STEP_MATMUL, STEP_ROPE, STEP_SCATTER, STEP_ATTENTION, STEP_GLU,
	STEP_PICK, STEP_KINDS
};

extern const char *const step_names[STEP_KINDS];

/* The model and its cache, which all steps share. */
struct engine {
	struct card *card;
	const struct shape *shape;
	const struct weights *weights;
	uint32_t sequences, context;
	struct kv kv;
	struct accel_tensor table;	/* I32 [sequences, kv.row] */
	struct accel_tensor *pools;	/* by layer: [slots, 2 · kv_heads · head]: keys, values */
	uint64_t pool_bytes;
};

#define STEP_MEMORIES	16u

struct step {
	uint32_t groups, rows;		/* tokens: groups · rows */
	int32_t *ids, *positions;	/* [tokens] */
	int64_t *slots;			/* [tokens], −1: not stored */
	int32_t *lengths;		/* keys of each sequence; of a prompt step, of each group */
	int32_t *tables;		/* of a prompt step: a row of blocks for each group */
	uint32_t choices;		/* of a decode step: the likeliest tokens that it tells */
	int32_t *best;			/* [sequences, choices], the likeliest first */
	float *best_logits;		/* [sequences, choices], of more than one choice */
	struct accel_tensor logits;	/* F32 [sequences, vocab], of a decode step */
	struct accel_cmd *cmd;		/* the step */
	struct accel_cmd *timed;	/* the same with a look at the clock after each packet */
	uint64_t *times;		/* [packets + 1][2]: what it saw */
	uint8_t *kinds;			/* by packet: enum step_kind */
	uint32_t packets;
	struct accel_memory *memory[STEP_MEMORIES];
	uint32_t memories;
};

/**
 * engine_create() - Make the cache for sequences of up to @context tokens.
 * @type: of keys and values in the cache.
 */
void engine_create(struct engine *engine, struct card *card, const struct shape *shape,
		   const struct weights *weights, uint32_t sequences, uint32_t context,
		   enum accel_type type);
void engine_destroy(struct engine *engine);

/** step_decode() - Record: one token of each sequence, to the @choices likeliest next ones. */
void step_decode(struct step *step, struct engine *engine, uint32_t choices);

/** step_prompt() - Record: @groups times PROMPT_ROWS tokens of prompts, into the cache only. */
void step_prompt(struct step *step, struct engine *engine, uint32_t groups);
void step_destroy(struct step *step);

#endif
