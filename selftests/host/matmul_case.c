// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <string.h>

#include "selftests/host/matmul_case.h"
#include "selftests/ref/ref.h"

struct engine_case matmul_case;
struct maru_operand matmul_strided_a;
const unsigned int matmul_floats[3] = { F32, F16, BF16 };

static void *make(const struct product *p, struct maru_operand *desc, unsigned int type,
		  const uint32_t dim[4], bool is_transposed, uint64_t *seed)
{
	unsigned int size = maru_type_bytes(type), inner = is_transposed, outer = !inner;
	uint64_t row = (dim[inner] + p->pad) * (uint64_t)size, bytes, i;
	uint8_t *memory;

	(void)p;
	memset(desc, 0, sizeof(*desc));
	desc->type = (uint8_t)type;
	memcpy(desc->dim, dim, 16);
	desc->stride[inner] = size;
	desc->stride[outer] = row;
	desc->stride[2] = row * (dim[outer] + 1);
	desc->stride[3] = desc->stride[2] * (dim[2] ? dim[2] : 1);
	bytes = desc->stride[3] * (dim[3] ? dim[3] : 1) + row;
	memory = case_memory(bytes);
	if (type == I8)
		for (i = 0; i < bytes; i++)
			memory[i] = (uint8_t)case_random(seed);
	else if (type != I32)
		case_fill(type, memory, bytes / size, 1, seed);
	desc->va = (uint64_t)(uintptr_t)memory;
	return memory;
}

static void add(unsigned int role, const struct maru_operand *desc)
{
	struct maru_operand *line = case_add(&matmul_case, role, NULL, desc->type, 1, 1, 1, 1);

	*line = *desc;
}

/* Packs A with a PREPARE packet and puts the image in its place. */
static void prepare(struct maru_operand *a, unsigned int layout)
{
	static struct engine_case p;
	struct maru_operand image = *a, *line;
	uint64_t bytes = maru_layout_bytes(layout, a->type, a->dim);

	image.va = (uint64_t)(uintptr_t)case_memory(bytes);
	case_prepared(&image, layout);
	case_init(&p, MARU_OP_PREPARE);
	line = case_add(&p, 0, NULL, a->type, 1, 1, 1, 1);
	*line = image;
	line = case_add(&p, 1, NULL, a->type, 1, 1, 1, 1);
	*line = *a;
	assert_int_equal(case_run(&p), 0);
	*a = image;
}

void matmul_build(const struct product *p, uint64_t seed)
{
	uint32_t d2 = p->d2 ? p->d2 : 1, d3 = p->d3 ? p->d3 : 1;
	const uint32_t a_dim[4] = { p->k, p->n, p->a2 ? p->a2 : d2, p->a3 ? p->a3 : d3 };
	const uint32_t b_dim[4] = { p->k, p->m, d2, d3 }, dst_dim[4] = { p->n, p->m, d2, d3 };
	const uint32_t row_dim[4] = { p->n, 1, 1, 1 };
	struct maru_operand dst, a, b, bias, residual, a_scale;
	float scale = p->scale == 0 ? 1 : p->scale;

	case_init(&matmul_case, MARU_OP_MATMUL);
	memcpy(&matmul_case.header.matmul.scale, &scale, 4);
	matmul_case.header.matmul.act = (uint8_t)p->act;
	matmul_case.header.matmul.b_as = (uint8_t)(p->b_as ? p->b_as : MARU_TYPE_NONE);
	make(p, &dst, p->dst, dst_dim, false, &seed);
	make(p, &a, p->a, a_dim, p->is_a_transposed, &seed);
	make(p, &b, p->b, b_dim, p->is_b_transposed, &seed);
	matmul_strided_a = a;
	if (p->layout)
		prepare(&a, p->layout);
	add(0, &dst);
	add(1, &a);
	add(2, &b);
	if (p->bias) {
		make(p, &bias, p->bias - 1, row_dim, false, &seed);
		add(3, &bias);
	}
	if (p->residual) {
		make(p, &residual, p->residual - 1, dst_dim, false, &seed);
		add(4, p->is_residual_dst ? &dst : &residual);
	}
	if (p->is_a_scaled) {
		make(p, &a_scale, F32, row_dim, false, &seed);
		add(5, &a_scale);
	}
}

const struct maru_operand *matmul_operand(unsigned int role)
{
	unsigned int roles = matmul_case.header.roles;
	unsigned int index = (unsigned int)__builtin_popcount(roles & ((1u << role) - 1));

	if (!(roles & 1u << role))
		return NULL;
	return (const struct maru_operand *)(matmul_case.bytes + MARU_LINE_BYTES * (1 + index));
}

static void check_element(const struct maru_operand *residual, const uint64_t i[4])
{
	const struct maru_operand *dst = matmul_operand(0);
	double got = (double)ref_load(dst->type, ref_at(dst, i[0], i[1], i[2], i[3]));
	const struct ref_product product = {
		.params = &matmul_case.header.matmul, .dst = dst, .a = &matmul_strided_a,
		.b = matmul_operand(2), .bias = matmul_operand(3), .residual = residual,
		.a_scale = matmul_operand(5),
	};
	struct ref_element want = ref_matmul(&product, i);

	if (fabs(got - want.value) <= want.bound)
		return;
	print_error("types %u %u layout %u k %u\n", matmul_strided_a.type, matmul_operand(2)->type,
		    matmul_operand(1)->layout, matmul_strided_a.dim[0]);
	print_error("element %llu %llu %llu %llu: got %.9g want %.9g ± %.3g\n",
		    (unsigned long long)i[0], (unsigned long long)i[1], (unsigned long long)i[2],
		    (unsigned long long)i[3], got, want.value, want.bound);
	fail();
}

/* Checks all elements, or about 1,000 of them. */
void matmul_check(const struct maru_operand *residual)
{
	const struct maru_operand *dst = matmul_operand(0);
	uint64_t total = (uint64_t)dst->dim[0] * dst->dim[1] * dst->dim[2] * dst->dim[3];
	uint64_t step = 1 + total / 1000, e, i[4];

	step |= 1;
	for (e = 0; e < total; e += step) {
		i[0] = e % dst->dim[0];
		i[1] = e / dst->dim[0] % dst->dim[1];
		i[2] = e / dst->dim[0] / dst->dim[1] % dst->dim[2];
		i[3] = e / dst->dim[0] / dst->dim[1] / dst->dim[2];
		check_element(residual, i);
	}
}

void matmul_run(const struct product *p, uint64_t seed)
{
	const struct maru_operand *residual;
	struct maru_operand before;
	uint32_t word;

	matmul_build(p, seed);
	residual = matmul_operand(4);
	if (residual && p->is_residual_dst) {	/* keep what the run overwrites */
		uint64_t bytes = residual->stride[3] * residual->dim[3] + residual->stride[1];

		for (uint64_t i = 0; i < bytes / maru_type_bytes(residual->type); i++)
			ref_store(residual->type, (uint8_t *)(uintptr_t)residual->va +
				  i * maru_type_bytes(residual->type), case_float(&seed));
		before = *residual;
		before.va = (uint64_t)(uintptr_t)case_memory(bytes);
		memcpy((void *)(uintptr_t)before.va, (void *)(uintptr_t)residual->va, bytes);
		residual = &before;
	}
	word = case_run(&matmul_case);
	if (word)
		print_error("error %#x n %u m %u k %u types %u %u %u\n", word, p->n, p->m, p->k,
			    p->a, p->b, p->dst);
	assert_int_equal(word, 0);
	matmul_check(residual);
	case_free_all(NULL);
}

float *matmul_floats_of(unsigned int role)
{
	return (float *)(uintptr_t)matmul_operand(role)->va;
}
