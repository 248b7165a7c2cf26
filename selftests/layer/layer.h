/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A transformer of one layer: what it holds, a run of it by libaccel, and the same in double
 * precision (layer_ref.c, which shares nothing with the card). First LAYER_PROMPT tokens at once,
 * then LAYER_STEPS times one, recorded once and submitted again with other numbers in memory.
 */
#ifndef LAYER_H
#define LAYER_H

#include <stdint.h>

#define LAYER_WIDTH	256		/* of a token */
#define LAYER_HEADS	4
#define LAYER_KEY_HEADS	2
#define LAYER_HEAD	64
#define LAYER_KEYS	(LAYER_KEY_HEADS * LAYER_HEAD)
#define LAYER_INNER	512		/* of the feed-forward part */
#define LAYER_WORDS	320		/* of the vocabulary */
#define LAYER_CAPACITY	32		/* of the cache */
#define LAYER_PROMPT	13
#define LAYER_STEPS	4
#define LAYER_TOKENS	(LAYER_PROMPT + LAYER_STEPS)
#define LAYER_BEST	5		/* of each row of logits */
#define LAYER_EPS	1e-5f

/* Weights of the products, [outputs, inputs], hold values of bf16. */
struct layer_weights {
	float words[LAYER_WORDS * LAYER_WIDTH];
	float norm1[LAYER_WIDTH], norm2[LAYER_WIDTH], norm3[LAYER_WIDTH];
	float q[LAYER_WIDTH * LAYER_WIDTH];
	float k[LAYER_KEYS * LAYER_WIDTH];
	float v[LAYER_KEYS * LAYER_WIDTH];
	float out[LAYER_WIDTH * LAYER_WIDTH];
	float gate[LAYER_INNER * LAYER_WIDTH];
	float up[LAYER_INNER * LAYER_WIDTH];
	float down[LAYER_WIDTH * LAYER_INNER];
	float head[LAYER_WORDS * LAYER_WIDTH];
	int32_t tokens[LAYER_TOKENS];
};

struct layer_result {
	float x[LAYER_TOKENS][LAYER_WIDTH];		/* behind the layer */
	float logits[LAYER_TOKENS][LAYER_WORDS];
	float share[LAYER_TOKENS][LAYER_WORDS];		/* their softmax */
	int32_t largest[LAYER_TOKENS];
	int32_t best[LAYER_TOKENS][LAYER_BEST];
	float best_logits[LAYER_TOKENS][LAYER_BEST];
};

struct layer_info {
	char way[16];
	uint32_t profile;
	char error[256];
};

/** layer_weights() - The same ones each time. */
const struct layer_weights *layer_weights(void);

/**
 * layer_run() - Run it on a card.
 * @spec: as ACCEL_DEVICE, NULL: what that says.
 * Return: 0, or -errno with @info->error filled.
 */
int layer_run(const char *spec, const struct layer_weights *weights, struct layer_result *result,
	      struct layer_info *info);

/* What the direct way gave on the machine around a guest: a profile and a result. */
#define LAYER_KEPT	"build/tmp/layer.direct"

struct layer_kept {
	uint32_t profile;
	struct layer_result result;
};

/** layer_refer() - The same in double precision. */
void layer_refer(const struct layer_weights *weights, struct layer_result *result);

/**
 * layer_compare() - Is @got right?
 * Return: NULL, or what is wrong.
 */
const char *layer_compare(const struct layer_result *got, const struct layer_result *want);

#endif
