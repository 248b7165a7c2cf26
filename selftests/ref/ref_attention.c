// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "selftests/ref/ref_attention.h"

#define UNIT	0x1p-24L	/* half an ulp of f32, relative */

struct key {
	long double score, error;	/* and how far an f32 one may be off */
	long double weight;
	uint64_t at[3];
};

/* A query and the keys of its sequence. */
struct query {
	uint64_t head, row, seq;	/* row: index 1 of q */
	int64_t len, position;
};

static float float_of(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, 4);
	return x;
}

static int32_t number(const struct maru_operand *desc, uint64_t i0, uint64_t i1)
{
	return (int32_t)ref_load(MARU_TYPE_I32, ref_at(desc, i0, i1, 0, 0));
}

static long double factor_of(uint64_t terms)
{
	return fminl(terms, 4 * sqrtl(terms)) * UNIT;
}

/* [ATT-6] heads 0 … N - 1 have 2^(-b (h + 1) / N), N the power of two; the others lie between. */
static long double slope_of(const struct ref_attention *packet, uint64_t head)
{
	long double bias = float_of(packet->params.max_bias);
	uint64_t heads = packet->q->dim[2], whole = 1;

	if (bias == 0)
		return 1;
	while (whole * 2 <= heads)
		whole *= 2;
	if (head < whole)
		return exp2l(-bias * (head + 1) / whole);
	return exp2l(-bias * (2 * (head - whole) + 1) / (2 * whole));
}

static void find_query(const struct ref_attention *packet, const uint64_t at[3],
		       struct query *query)
{
	int64_t start = 0, count = packet->q->dim[1];

	*query = (struct query) { .head = at[0], .row = at[1], .seq = at[2] };
	if (packet->q_start) {
		uint64_t seqs = packet->kv_len->dim[0];

		for (query->seq = 0; query->seq < seqs; query->seq++) {
			start = number(packet->q_start, query->seq, 0);
			count = number(packet->q_start, query->seq + 1, 0) - start;
			if ((int64_t)at[1] >= start && (int64_t)at[1] < start + count)
				break;
		}
		if (query->seq == seqs)
			return;		/* no keys */
	}
	query->len = packet->k->dim[1];
	if (packet->kv_len)
		query->len = number(packet->kv_len, query->seq, 0);
	query->position = query->len - count + (int64_t)at[1] - start;
}

static bool is_seen(const struct ref_attention *packet, const struct query *query, int64_t key)
{
	const struct maru_params_attention *params = &packet->params;

	if ((params->flags & MARU_ATTENTION_CAUSAL) && key > query->position)
		return false;
	if (params->left != MARU_ATTENTION_OPEN && key < query->position - params->left)
		return false;
	return params->right == MARU_ATTENTION_OPEN || key <= query->position + params->right;
}

static void score(const struct ref_attention *packet, const struct query *query, int64_t index,
		  const uint64_t at[3], struct key *key)
{
	long double scale = float_of(packet->params.scale), dot = 0, size = 0, added = 0, slope;
	long double cap = float_of(packet->params.softcap);
	const struct maru_operand *q = packet->q, *mask = packet->mask;
	uint64_t d;

	for (d = 0; d < q->dim[0]; d++) {
		long double a = ref_load(q->type, ref_at(q, d, query->row, query->head,
							 packet->q_start ? 0 : query->seq));
		long double b = ref_load(packet->k->type, ref_at(packet->k, d, at[0], at[1],
								 at[2]));

		dot += a * b;
		size += fabsl(a * b);
	}
	key->score = scale * dot;
	key->error = fabsl(scale) * size * factor_of(q->dim[0]) + 3 * UNIT * fabsl(key->score);
	if (cap != 0) {
		key->score = cap * tanhl(scale / cap * dot);
		key->error += 16 * UNIT * cap;
	}
	slope = slope_of(packet, query->head);
	if (mask)
		added = slope * ref_load(mask->type, ref_at(mask, index, query->row,
							    query->head % mask->dim[2],
							    query->seq % mask->dim[3]));
	else if (float_of(packet->params.max_bias) != 0)
		added = slope * (index - query->position);
	key->score += added;
	key->error += 20 * UNIT * fabsl(added) + 4 * UNIT * fabsl(key->score) + 4 * UNIT;
}

static bool is_removed(const struct ref_attention *packet, const struct query *query, int64_t key)
{
	const struct maru_operand *mask = packet->mask;

	return mask && ref_load(mask->type, ref_at(mask, key, query->row,
						   query->head % mask->dim[2],
						   query->seq % mask->dim[3])) == -INFINITY;
}

/* Keys that the query sees, with their scores. */
static uint64_t list_keys(const struct ref_attention *packet, const struct query *query,
			  struct key *keys)
{
	uint64_t count = 0, heads = packet->q->dim[2];
	int64_t i;

	for (i = 0; i < query->len; i++) {
		uint64_t at[3] = { i, 0, query->seq };	/* token, head, sequence or block */

		if (!is_seen(packet, query, i) || is_removed(packet, query, i))
			continue;
		if (packet->blocks) {
			at[0] = i % packet->k->dim[1];
			at[2] = number(packet->blocks, i / packet->k->dim[1], query->seq);
		}
		at[1] = query->head / (heads / packet->k->dim[2]);
		score(packet, query, i, at, &keys[count]);
		at[1] = query->head / (heads / packet->v->dim[2]);
		memcpy(keys[count++].at, at, sizeof(at));
	}
	return count;
}

/* Weights of sum 1. */
static void weigh(struct key *keys, uint64_t count)
{
	long double most = -INFINITY, all = 0;
	uint64_t i;

	for (i = 0; i < count; i++)
		most = fmaxl(most, keys[i].score);
	for (i = 0; i < count; i++)
		all += keys[i].weight = expl(keys[i].score - most);
	for (i = 0; i < count; i++)
		keys[i].weight /= all;
}

static struct ref_element mix(const struct ref_attention *packet, const struct key *keys,
			      uint64_t count, uint64_t d, long double *v)
{
	long double sum = 0, size = 0, shift = 0, blocks = count / 256 + 2;
	struct ref_element element;
	uint64_t i;

	for (i = 0; i < count; i++) {
		v[i] = ref_load(packet->v->type, ref_at(packet->v, d, keys[i].at[0],
							keys[i].at[1], keys[i].at[2]));
		sum += keys[i].weight * v[i];
		size += keys[i].weight * fabsl(v[i]);
	}
	for (i = 0; i < count; i++)
		shift += keys[i].weight * fabsl(v[i] - sum) * (keys[i].error + 4 * UNIT);
	element.value = (double)sum;
	element.bound = (double)(shift + (factor_of(count) + (4 * blocks + 8) * UNIT) *
				 (size + fabsl(sum)) + 0x1p-126L +
				 ref_ulp(packet->dst->type, sum) / 2);
	return element;
}

void ref_attention_row(const struct ref_attention *packet, const uint64_t at[3],
		       struct ref_element *row)
{
	struct query query;
	struct key *keys;
	long double *v;
	uint64_t count, i;

	find_query(packet, at, &query);
	keys = calloc((uint64_t)query.len + 1, sizeof(*keys));
	v = calloc((uint64_t)query.len + 1, sizeof(*v));
	if (!keys || !v)
		abort();
	count = list_keys(packet, &query, keys);
	weigh(keys, count);
	for (i = 0; i < packet->dst->dim[0]; i++)
		row[i] = mix(packet, keys, count, i, v);
	free(keys);
	free(v);
}
