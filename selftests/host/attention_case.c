// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <string.h>

#include "selftests/host/attention_case.h"

struct engine_case attention;
struct ref_attention attention_ref;

struct maru_operand *attention_line(unsigned int role)
{
	unsigned int below = attention.header.roles & ((1u << role) - 1);

	if (!(attention.header.roles & 1u << role))
		return NULL;
	return (struct maru_operand *)(attention.bytes + MARU_LINE_BYTES *
				       (1 + (unsigned int)__builtin_popcount(below)));
}

/* The order in memory: rows, heads, tokens as a cache has them, or as dims say. */
static struct maru_operand *add(unsigned int role, unsigned int type, const uint32_t dim[4],
				unsigned int pad, bool is_cache, uint64_t *seed)
{
	struct maru_operand *line = case_add(&attention, role, NULL, type, dim[0], dim[1], dim[2],
					     dim[3]);
	uint64_t size = maru_type_bytes(type), row = (dim[0] + pad) * size;
	unsigned int inner = is_cache ? 2 : 1, outer = is_cache ? 1 : 2;
	uint8_t *memory;

	line->stride[inner] = row;
	line->stride[outer] = row * dim[inner];
	line->stride[3] = row * dim[1] * dim[2];
	memory = case_memory(line->stride[3] * dim[3]);
	case_fill(type, memory, line->stride[3] * dim[3] / size, 2, seed);
	line->va = (uint64_t)(uintptr_t)memory;
	return line;
}

static void add_numbers(unsigned int role, const int32_t *numbers, uint32_t count)
{
	int32_t *memory = case_memory(count * 4ULL);

	memcpy(memory, numbers, count * 4ULL);
	case_add(&attention, role, memory, MARU_TYPE_I32, count, 1, 1, 1);
}

/* Blocks of the pool in no order; some in several sequences; wild numbers behind the lengths. */
static void add_table(const struct attention *a, uint64_t *seed)
{
	int32_t *memory = case_memory((uint64_t)a->table * a->seqs * 4);
	uint32_t s, i;

	for (s = 0; s < a->seqs; s++)
		for (i = 0; i < a->table; i++)
			memory[s * a->table + i] =
				(int64_t)i * a->kv < a->kv_len[s] ?
				(int32_t)(case_random(seed) % a->blocks) : -7;
	case_add(&attention, 6, memory, MARU_TYPE_I32, a->table, a->seqs, 1, 1);
}

static uint32_t or_else(uint32_t value, uint32_t usual)
{
	return value ? value : usual;
}

static void set_params(const struct attention *a)
{
	struct maru_params_attention *params = &attention.header.attention;
	float scale = a->scale == 0 ? 1 / sqrtf((float)a->dk) : a->scale;

	memcpy(&params->scale, &scale, 4);
	memcpy(&params->max_bias, &a->max_bias, 4);
	memcpy(&params->softcap, &a->softcap, 4);
	params->flags = a->flags;
	params->left = a->left ? a->left - 1 : MARU_ATTENTION_OPEN;
	params->right = a->right ? a->right - 1 : MARU_ATTENTION_OPEN;
}

/* A mask of small numbers, a third of them -Inf. */
static void add_mask(const struct attention *a, uint64_t *seed)
{
	const uint32_t dim[4] = { a->kv, a->n + 1, or_else(a->mask_heads, 1),
				  or_else(a->mask_seqs, 1) };
	struct maru_operand *line = add(4, a->mask - 1, dim, a->pad, false, seed);
	uint64_t i, size = maru_type_bytes(line->type);

	for (i = 0; i < line->stride[3] * dim[3] / size; i++)
		if (case_random(seed) % 3 == 0)
			ref_store(line->type, (uint8_t *)(uintptr_t)line->va + i * size, -INFINITY);
}

void attention_build(const struct attention *a, uint64_t seed)
{
	uint32_t dv = or_else(a->dv, a->dk), k_heads = or_else(a->k_heads, a->heads);
	uint32_t last = or_else(a->blocks, a->seqs), seqs = a->q_start ? 1 : a->seqs;
	const uint32_t q[4] = { a->dk, a->n, a->heads, seqs };
	const uint32_t dst[4] = { dv, a->heads, a->n, seqs };
	const uint32_t k[4] = { a->dk, a->kv, k_heads, last };
	const uint32_t v[4] = { dv, a->kv, or_else(a->v_heads, k_heads), last };

	case_init(&attention, MARU_OP_ATTENTION);
	set_params(a);
	add(0, a->dst, dst, a->pad, false, &seed);
	add(1, a->q, q, a->pad, true, &seed);
	add(2, a->k, k, a->pad, a->blocks != 0, &seed);
	add(3, a->v, v, a->pad, true, &seed);
	if (a->mask)
		add_mask(a, &seed);
	if (a->blocks)
		add_table(a, &seed);
	if (a->kv_len)
		add_numbers(7, a->kv_len, a->seqs);
	if (a->q_start)
		add_numbers(8, a->q_start, a->seqs + 1);
	attention_ref = (struct ref_attention) {
		.params = attention.header.attention, .dst = attention_line(0),
		.q = attention_line(1), .k = attention_line(2), .v = attention_line(3),
		.mask = attention_line(4), .blocks = attention_line(6),
		.kv_len = attention_line(7), .q_start = attention_line(8),
	};
}

static void check_row(const uint64_t at[3])
{
	static struct ref_element row[512];
	const struct maru_operand *dst = attention_ref.dst;
	uint32_t d;

	ref_attention_row(&attention_ref, at, row);
	for (d = 0; d < dst->dim[0]; d++) {
		double got = (double)ref_load(dst->type, ref_at(dst, d, at[0], at[1], at[2]));

		if (fabs(got - row[d].value) <= row[d].bound)
			continue;
		print_error("types %u %u %u %u dk %u: ", attention_ref.q->type,
			    attention_ref.k->type, attention_ref.v->type, dst->type,
			    attention_ref.q->dim[0]);
		print_error("element %u head %u query %u sequence %u: got %.9g want %.9g ± %.3g\n",
			    d, (unsigned int)at[0], (unsigned int)at[1], (unsigned int)at[2], got,
			    row[d].value, row[d].bound);
		fail();
	}
}

void attention_check(const struct attention *a)
{
	const struct maru_operand *dst = attention_ref.dst;
	uint64_t rows = (uint64_t)dst->dim[1] * dst->dim[2] * dst->dim[3], i;

	for (i = 0; i < rows; i += or_else(a->step, 1)) {
		const uint64_t at[3] = { i % dst->dim[1], i / dst->dim[1] % dst->dim[2],
					 i / dst->dim[1] / dst->dim[2] };

		check_row(at);
	}
}

void attention_run(const struct attention *a, uint64_t seed)
{
	uint32_t word;

	attention_build(a, seed);
	word = case_run(&attention);
	if (word)
		print_error("error %#x value %llu\n", word,
			    (unsigned long long)attention.error.value);
	assert_int_equal(word, 0);
	attention_check(a);
	case_free_all(NULL);
}
