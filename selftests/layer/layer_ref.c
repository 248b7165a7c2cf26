// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "selftests/layer/layer.h"
#include "selftests/ref/ref.h"

static double numbers(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (double)(int64_t)*seed * 0x1p-63;
}

static void fill(float *to, unsigned int n, double size, uint64_t *seed)
{
	while (n--)
		*to++ = (float)ref_round(MARU_TYPE_BF16, size * numbers(seed));
}

const struct layer_weights *layer_weights(void)
{
	static struct layer_weights w;
	const double size = sqrt(3.0 / LAYER_WIDTH);
	uint64_t seed = 2024;
	unsigned int i;

	fill(w.words, LAYER_WORDS * LAYER_WIDTH, 1, &seed);
	fill(w.q, LAYER_WIDTH * LAYER_WIDTH, 2 * size, &seed);
	fill(w.k, LAYER_KEYS * LAYER_WIDTH, 2 * size, &seed);
	fill(w.v, LAYER_KEYS * LAYER_WIDTH, size, &seed);
	fill(w.out, LAYER_WIDTH * LAYER_WIDTH, size, &seed);
	fill(w.gate, LAYER_INNER * LAYER_WIDTH, size, &seed);
	fill(w.up, LAYER_INNER * LAYER_WIDTH, size, &seed);
	fill(w.down, LAYER_WIDTH * LAYER_INNER, size, &seed);
	fill(w.head, LAYER_WORDS * LAYER_WIDTH, 2 * size, &seed);
	for (i = 0; i < LAYER_WIDTH; i++) {
		w.norm1[i] = (float)(1 + 0.25 * numbers(&seed));
		w.norm2[i] = (float)(1 + 0.25 * numbers(&seed));
		w.norm3[i] = (float)(1 + 0.25 * numbers(&seed));
	}
	for (i = 0; i < LAYER_TOKENS; i++)
		w.tokens[i] = (int32_t)(fabs(numbers(&seed)) * LAYER_WORDS);
	return &w;
}

/* What one token leaves behind for those that follow: rounded to f16. */
static struct {
	double k[LAYER_TOKENS][LAYER_KEYS];
	double v[LAYER_TOKENS][LAYER_KEYS];
} cache;

static void norm(double *to, const double *x, const float *mul)
{
	double sum = 0;
	unsigned int i;

	for (i = 0; i < LAYER_WIDTH; i++)
		sum += x[i] * x[i];
	for (i = 0; i < LAYER_WIDTH; i++)
		to[i] = x[i] / sqrt(sum / LAYER_WIDTH + LAYER_EPS) * mul[i];
}

static void product(double *to, const float *weights, const double *x, unsigned int outputs,
		    unsigned int inputs)
{
	unsigned int i, j;

	for (i = 0; i < outputs; i++)
		for (to[i] = 0, j = 0; j < inputs; j++)
			to[i] += weights[i * inputs + j] * x[j];
}

static void rope(double *x, unsigned int heads, unsigned int pos)
{
	unsigned int h, i;

	for (h = 0; h < heads; h++, x += LAYER_HEAD)
		for (i = 0; i < LAYER_HEAD; i += 2) {
			double angle = pos * pow(10000, -(double)i / LAYER_HEAD), a = x[i];

			x[i] = a * cos(angle) - x[i + 1] * sin(angle);
			x[i + 1] = a * sin(angle) + x[i + 1] * cos(angle);
		}
}

static void attention(double *to, const double *q, unsigned int keys)
{
	unsigned int h, i, j;

	for (h = 0; h < LAYER_HEADS; h++) {
		unsigned int at = h / (LAYER_HEADS / LAYER_KEY_HEADS) * LAYER_HEAD;
		double score[LAYER_TOKENS], max = -INFINITY, sum = 0;

		for (j = 0; j < keys; j++) {
			for (score[j] = 0, i = 0; i < LAYER_HEAD; i++)
				score[j] += q[h * LAYER_HEAD + i] * cache.k[j][at + i] / 8;
			max = fmax(max, score[j]);
		}
		for (j = 0; j < keys; j++)
			sum += exp(score[j] - max);
		for (i = 0; i < LAYER_HEAD; i++)
			for (to[h * LAYER_HEAD + i] = 0, j = 0; j < keys; j++)
				to[h * LAYER_HEAD + i] += exp(score[j] - max) / sum *
							  cache.v[j][at + i];
	}
}

static void one_token(const struct layer_weights *w, unsigned int pos, double *x, double *logits)
{
	double h[LAYER_WIDTH], q[LAYER_WIDTH], k[LAYER_KEYS], v[LAYER_KEYS], a[LAYER_WIDTH];
	double gate[LAYER_INNER], up[LAYER_INNER];
	unsigned int i;

	for (i = 0; i < LAYER_WIDTH; i++)
		x[i] = w->words[w->tokens[pos] * LAYER_WIDTH + (int)i];
	norm(h, x, w->norm1);
	product(q, w->q, h, LAYER_WIDTH, LAYER_WIDTH);
	product(k, w->k, h, LAYER_KEYS, LAYER_WIDTH);
	product(v, w->v, h, LAYER_KEYS, LAYER_WIDTH);
	rope(q, LAYER_HEADS, pos);
	rope(k, LAYER_KEY_HEADS, pos);
	for (i = 0; i < LAYER_KEYS; i++) {
		cache.k[pos][i] = (double)ref_round(MARU_TYPE_F16, k[i]);
		cache.v[pos][i] = (double)ref_round(MARU_TYPE_F16, v[i]);
	}
	attention(a, q, pos + 1);
	product(h, w->out, a, LAYER_WIDTH, LAYER_WIDTH);
	for (i = 0; i < LAYER_WIDTH; i++)
		x[i] += h[i];
	norm(h, x, w->norm2);
	product(gate, w->gate, h, LAYER_INNER, LAYER_WIDTH);
	product(up, w->up, h, LAYER_INNER, LAYER_WIDTH);
	for (i = 0; i < LAYER_INNER; i++)
		gate[i] = gate[i] / (1 + exp(-gate[i])) * up[i];
	product(h, w->down, gate, LAYER_WIDTH, LAYER_INNER);
	for (i = 0; i < LAYER_WIDTH; i++)
		x[i] += h[i];
	norm(h, x, w->norm3);
	product(logits, w->head, h, LAYER_WORDS, LAYER_WIDTH);
}

static void finish(struct layer_result *result, unsigned int pos, const double *logits)
{
	double max = -INFINITY, sum = 0;
	unsigned int i, j, best;
	char taken[LAYER_WORDS] = { 0 };

	for (i = 0; i < LAYER_WORDS; i++)
		max = fmax(max, logits[i]);
	for (i = 0; i < LAYER_WORDS; i++)
		sum += exp(logits[i] - max);
	for (i = 0; i < LAYER_WORDS; i++) {
		result->logits[pos][i] = (float)logits[i];
		result->share[pos][i] = (float)(exp(logits[i] - max) / sum);
	}
	for (j = 0; j < LAYER_BEST; j++) {
		for (best = LAYER_WORDS, i = 0; i < LAYER_WORDS; i++)
			if (!taken[i] && (best == LAYER_WORDS || logits[i] > logits[best]))
				best = i;
		taken[best] = 1;
		result->best[pos][j] = (int32_t)best;
		result->best_logits[pos][j] = (float)logits[best];
	}
	result->largest[pos] = result->best[pos][0];
}

void layer_refer(const struct layer_weights *weights, struct layer_result *result)
{
	double x[LAYER_WIDTH], logits[LAYER_WORDS];
	unsigned int pos, i;

	for (pos = 0; pos < LAYER_TOKENS; pos++) {
		one_token(weights, pos, x, logits);
		for (i = 0; i < LAYER_WIDTH; i++)
			result->x[pos][i] = (float)x[i];
		finish(result, pos, logits);
	}
}

/* A number of f16 in the cache that rounds the other way shows up as some 1e-5. */
#define SLACK	1e-4f

static int differ(const float *got, const float *want, unsigned int n)
{
	float size = 0;
	unsigned int i;

	for (i = 0; i < n; i++)
		size = fmaxf(size, fabsf(want[i]));
	for (i = 0; i < n; i++)
		if (!(fabsf(got[i] - want[i]) <= SLACK * size))
			return 1;
	return 0;
}

const char *layer_compare(const struct layer_result *got, const struct layer_result *want)
{
	static char text[128];
	unsigned int pos, i;

	for (pos = 0; pos < LAYER_TOKENS; pos++) {
		const char *what = NULL;

		if (differ(got->x[pos], want->x[pos], LAYER_WIDTH))
			what = "what leaves the layer";
		else if (differ(got->logits[pos], want->logits[pos], LAYER_WORDS))
			what = "logits";
		else if (differ(got->share[pos], want->share[pos], LAYER_WORDS))
			what = "softmax";
		else if (differ(got->best_logits[pos], want->best_logits[pos], LAYER_BEST))
			what = "the best logits";
		else if (got->largest[pos] != got->best[pos][0])
			what = "the largest is not the best";
		for (i = 0; !what && i < LAYER_BEST; i++) {
			int32_t id = got->best[pos][i];

			if (id < 0 || id >= LAYER_WORDS ||
			    got->best_logits[pos][i] != got->logits[pos][id])
				what = "numbers of the best";
		}
		if (what) {
			snprintf(text, sizeof(text), "token %u: %s", pos, what);
			return text;
		}
	}
	return NULL;
}
