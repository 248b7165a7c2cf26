// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "selftests/host/index_case.h"
#include "selftests/ref/ref.h"

void index_build(struct index_case *t, unsigned int op, struct index_types types,
		 const uint32_t dst[4], const uint32_t src[4], const uint32_t idx[4],
		 uint64_t *seed)
{
	uint32_t rows = op == MARU_OP_GATHER ? src[1] : dst[1], r, b, m;
	uint8_t skip = case_random(seed) & 1;

	case_init(&t->c, op);
	if (op == MARU_OP_GATHER)
		t->c.header.gather.skip_neg = skip;
	else
		t->c.header.scatter.skip_neg = skip;
	t->dst = data_add(&t->c, 0, types.dst, dst, case_random(seed) & 1, seed);
	t->src = data_add(&t->c, 1, types.src, src, case_random(seed) & 1, seed);
	t->idx = data_add(&t->c, 2, types.idx, idx, case_random(seed) & 1, seed);
	t->plain = *t->src;
	for (m = 0; m < idx[2]; m++)
		for (b = 0; b < idx[1]; b++)
			for (r = 0; r < idx[0]; r++)
				ref_store(types.idx, ref_at(t->idx, r, b, m, 0),
					  skip && case_random(seed) % 4 == 0 ?
					  -1 - (int)(case_random(seed) % 9) :
					  (int)(case_random(seed) % rows));
}

/* One row: number @row of a matrix on one side, (r, b, m) on the other. */
static void model_row(const struct index_case *t, const struct maru_operand *want, int64_t row,
		      uint32_t r, uint32_t b, uint32_t m)
{
	const struct maru_operand *from = &t->plain;
	uint32_t i, n = t->dst->dim[0];

	if (t->c.header.op == MARU_OP_SCATTER) {
		for (i = 0; i < n && row >= 0; i++)
			ref_store(want->type, ref_at(want, i, (uint64_t)row, b, m),
				  ref_load(from->type, ref_at(from, i, r, b, m)));
		return;
	}
	for (i = 0; i < n; i++)
		ref_store(want->type, ref_at(want, i, r, b, m), row < 0 ? 0 :
			  ref_load(from->type, ref_at(from, i, (uint64_t)row, b % from->dim[2],
						      m % from->dim[3])));
}

/* What dst must hold, over a copy of what it holds. */
static void model(struct index_case *t, struct maru_operand *want)
{
	const struct maru_operand *list = t->c.header.op == MARU_OP_GATHER ? t->dst : t->src;
	uint32_t r, b, m;

	data_copy(t->dst, want);
	for (m = 0; m < list->dim[3]; m++)
		for (b = 0; b < list->dim[2]; b++)
			for (r = 0; r < list->dim[1]; r++)
				model_row(t, want, (int64_t)ref_load(t->idx->type,
					  ref_at(t->idx, r, b % t->idx->dim[1],
						 m % t->idx->dim[2], 0)), r, b, m);
}

void index_run(struct index_case *t, unsigned int threads, uint64_t seed)
{
	struct maru_operand before, want;
	uint64_t bytes = data_bytes(t->dst);
	void *memory = (void *)(uintptr_t)t->dst->va;

	data_copy(t->dst, &before);
	model(t, &want);
	assert_int_equal(case_run(&t->c), 0);
	assert_memory_equal(memory, (void *)(uintptr_t)want.va, bytes);
	memcpy(memory, (void *)(uintptr_t)before.va, bytes);
	assert_int_equal(case_run_shuffled(&t->c, threads, seed), 0);
	assert_memory_equal(memory, (void *)(uintptr_t)want.va, bytes);
}
