// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "selftests/host/rows_case.h"

unsigned int rows_type(uint64_t *seed)
{
	static const unsigned int types[] = { F32, F16, BF16 };

	return types[case_random(seed) % 3];
}

uint32_t rows_bits(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, 4);
	return bits;
}

static uint64_t span(const struct maru_operand *desc)
{
	uint64_t bytes = maru_type_bytes(desc->type);

	for (unsigned int d = 0; d < 4; d++) {
		if (!desc->dim[d])
			return 0;
		bytes += (desc->dim[d] - 1) * desc->stride[d];
	}
	return bytes;
}

struct maru_operand *rows_add(struct engine_case *c, unsigned int role, unsigned int type,
			      const uint32_t dim[4], unsigned int pad, uint64_t *seed)
{
	struct maru_operand *desc = case_add(c, role, NULL, type, dim[0], dim[1], dim[2], dim[3]);
	unsigned int size = maru_type_bytes(type);
	uint64_t bytes;
	uint8_t *memory;

	desc->stride[1] += pad * size;
	desc->stride[2] = desc->stride[1] * dim[1] + pad * size;
	desc->stride[3] = desc->stride[2] * dim[2] + pad * size;
	bytes = span(desc);
	memory = case_memory(bytes);
	desc->va = (uint64_t)(uintptr_t)memory;
	if (!role)
		memset(memory, 0x55, bytes);
	else
		case_fill(type, memory, bytes / size, 1, seed);
	return desc;
}

struct maru_operand *rows_operand(struct engine_case *c, unsigned int role)
{
	unsigned int index = (unsigned int)__builtin_popcount(c->header.roles & ((1u << role) - 1));

	if (!(c->header.roles & 1u << role))
		return NULL;
	return (struct maru_operand *)(c->bytes + MARU_LINE_BYTES * (1 + index));
}

void rows_set(const struct maru_operand *desc, uint64_t i0, uint64_t i1, long double value)
{
	ref_store(desc->type, ref_at(desc, i0, i1, 0, 0), value);
}

long double rows_get(struct engine_case *c, uint64_t i0, uint64_t i1)
{
	const struct maru_operand *dst = rows_operand(c, 0);

	return ref_load(dst->type, ref_at(dst, i0, i1, 0, 0));
}

typedef void (*refer_fn)(struct engine_case *c, const uint64_t row[3], struct ref_value *out);

/* All rows, or about 200 of them. */
static struct ref_value *refer_all(struct engine_case *c, refer_fn refer, uint64_t *step)
{
	const struct maru_operand *dst = rows_operand(c, 0);
	uint64_t rows = (uint64_t)dst->dim[1] * dst->dim[2] * dst->dim[3], r;
	struct ref_value *want;

	*step = (1 + rows / 200) | 1;
	want = malloc((rows / *step + 1) * dst->dim[0] * sizeof(*want));
	assert_non_null(want);
	for (r = 0; r < rows; r += *step) {
		const uint64_t row[3] = { r % dst->dim[1], r / dst->dim[1] % dst->dim[2],
					  r / dst->dim[1] / dst->dim[2] };

		refer(c, row, want + r / *step * dst->dim[0]);
	}
	return want;
}

static void compare(struct engine_case *c, const struct ref_value *want, uint64_t step)
{
	const struct maru_operand *dst = rows_operand(c, 0);
	uint64_t rows = (uint64_t)dst->dim[1] * dst->dim[2] * dst->dim[3], r, i;

	for (r = 0; r < rows; r += step)
		for (i = 0; i < dst->dim[0]; i++, want++) {
			long double got = ref_load(dst->type, ref_at(dst, i, r % dst->dim[1],
				r / dst->dim[1] % dst->dim[2], r / dst->dim[1] / dst->dim[2]));

			if (ref_rows_is_right(*want, got))
				continue;
			print_error("type %u row %llu element %llu: got %.9Lg want %.9Lg ± %.3Lg\n",
				    dst->type, (unsigned long long)r, (unsigned long long)i, got,
				    want->value, want->bound);
			fail();
		}
}

/* What lies between the elements of dst is as it was. */
static void check_gaps(const struct maru_operand *dst)
{
	uint64_t bytes = span(dst), row = (uint64_t)dst->dim[0] * maru_type_bytes(dst->type), at;
	const uint8_t *memory = (const uint8_t *)(uintptr_t)dst->va;

	if (dst->dim[2] * dst->dim[3] == 1 && bytes && dst->stride[1] > row)
		for (at = 0; at < bytes; at++)
			if (at % dst->stride[1] >= row)
				assert_int_equal(memory[at], 0x55);
}

void rows_run(struct engine_case *c, refer_fn refer)
{
	const struct maru_operand *dst = rows_operand(c, 0);
	uint64_t bytes = span(dst), step;
	struct ref_value *want = refer_all(c, refer, &step);
	uint8_t *memory = (uint8_t *)(uintptr_t)dst->va;
	uint8_t *before = malloc(bytes + 1), *first = malloc(bytes + 1);

	assert_true(before && first);
	memcpy(before, memory, bytes);
	assert_int_equal(case_run(c), 0);
	compare(c, want, step);
	if (before[0] == 0x55)
		check_gaps(dst);
	memcpy(first, memory, bytes);
	memcpy(memory, before, bytes);
	assert_int_equal(case_run_shuffled(c, 2, 1 + bytes), 0);
	assert_memory_equal(memory, first, bytes);
	free(want);
	free(before);
	free(first);
}
