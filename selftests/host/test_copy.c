// SPDX-License-Identifier: GPL-2.0-only
/* COPY: any strides, RESHAPE, REPEAT: docs/card.md [CPY-1] … */
#include <string.h>
#include <sys/mman.h>

#include "driver/maru_hw.h"
#include "firmware-emu/engine/convert.h"
#include "selftests/host/engine_case.h"
#include "selftests/host/fake_span.h"
#include "selftests/ref/ref.h"

#ifndef TEST_PROFILE
#define TEST_PROFILE	~0u
#endif

static struct engine_case c;

/* dst by a loop over elements, from what src held before. */
static void model(const struct maru_operand *dst, const struct maru_operand *src,
		  unsigned int mode, uint8_t *image, uint64_t base)
{
	uint64_t total = (uint64_t)dst->dim[0] * dst->dim[1] * dst->dim[2] * dst->dim[3], e;

	for (e = 0; e < total; e++) {
		uint64_t i[4], j[4], rest = e;
		unsigned int d;

		for (d = 0; d < 4; d++) {
			i[d] = rest % dst->dim[d];
			rest /= dst->dim[d];
		}
		rest = e;
		for (d = 0; d < 4; d++) {
			j[d] = mode == MARU_COPY_REPEAT ? i[d] % src->dim[d] :
			       rest % src->dim[d];
			rest /= src->dim[d];
		}
		ref_store(dst->type, image + ((uint64_t)(uintptr_t)ref_at(dst, i[0], i[1], i[2],
									 i[3]) - base),
			  ref_load(src->type, ref_at(src, j[0], j[1], j[2], j[3])));
	}
}

static void run_and_compare(uint8_t *to, uint64_t bytes)
{
	static uint8_t image[1 << 20];
	struct maru_operand *dst = (void *)(c.bytes + 64), *src = (void *)(c.bytes + 128);
	unsigned int round;

	for (round = 0; round < 2; round++) {
		memset(to, 0x55, bytes);	/* what is not written stays */
		memset(image, 0x55, bytes);
		model(dst, src, c.header.copy.mode, image, (uint64_t)(uintptr_t)to);
		assert_int_equal(round ? case_run_shuffled(&c, 2, round) : case_run(&c), 0);
		assert_memory_equal(to, image, bytes);
	}
}

static void rising_strides(struct maru_operand *desc, uint64_t *seed)
{
	uint64_t inside = maru_type_bytes(desc->type), size = inside;
	unsigned int d;

	for (d = 0; d < 4; d++) {
		desc->stride[d] = inside + size * (case_random(seed) % 3 == 0 ?
						   case_random(seed) % 4 : 0);
		inside = desc->stride[d] * desc->dim[d];
	}
}

static void shuffle_strides(struct maru_operand *desc, uint64_t *seed)
{
	unsigned int i = case_random(seed) % 4, j = case_random(seed) % 4, k;
	uint64_t bytes = maru_type_bytes(desc->type);
	unsigned int order[4] = { 0, 1, 2, 3 };

	order[i] = j;
	order[j] = i;
	for (k = 0; k < 4; k++) {
		desc->stride[order[k]] = bytes;
		bytes *= desc->dim[order[k]];
	}
	if (case_random(seed) % 4 == 0)
		desc->stride[case_random(seed) % 4] = 0;
}

/* [CPY-1] [CPY-2] random shapes and strides, equal and other types, both modes. */
static void random_copies(void **state)
{
	static const unsigned int kinds[] = { MARU_TYPE_F32, MARU_TYPE_BF16, MARU_TYPE_F16,
					      MARU_TYPE_I8, MARU_TYPE_U64 };
	uint64_t seed = 9, from_bytes = 1 << 19, to_bytes = 1 << 20, i;
	uint8_t *from = case_memory(from_bytes), *to = case_memory(to_bytes);
	unsigned int round, d;

	(void)state;
	for (round = 0; round < 400; round++) {
		unsigned int to_type = kinds[case_random(&seed) % 5], mode = round & 1;
		unsigned int from_type = round % 3 ? to_type : kinds[case_random(&seed) % 5];
		struct maru_operand *dst, *src;
		uint32_t dim[4];

		for (i = 0; i < from_bytes / 8; i++)
			((uint64_t *)(void *)from)[i] = case_random(&seed) & 0x3f3f3f3f3f3f3f3f;
		for (d = 0; d < 4; d++)
			dim[d] = 1 + case_random(&seed) % (d ? 5 : 40);
		case_init(&c, MARU_OP_COPY);
		c.header.copy.mode = (uint8_t)mode;
		dst = case_add(&c, 0, to, to_type, dim[0], dim[1], dim[2], dim[3]);
		src = case_add(&c, 1, from, from_type, dim[0], dim[1], dim[2], dim[3]);
		if (mode == MARU_COPY_REPEAT)
			for (d = 0; d < 4; d++)
				dst->dim[d] *= 1 + case_random(&seed) % 3;
		else if (case_random(&seed) & 1) {	/* other dims, same count */
			src->dim[0] = dim[3];
			src->dim[3] = dim[0];
		}
		rising_strides(dst, &seed);
		shuffle_strides(src, &seed);
		if (dst->stride[3] * dst->dim[3] <= to_bytes)
			run_and_compare(to, to_bytes);
	}
	case_free_all(NULL);
}

/* [CPY-3] more than a tile, with an odd start and end. */
static void large(void **state)
{
	uint64_t bytes = (9u << 20) + 24, i;
	uint8_t *from = case_memory(bytes), *to = case_memory(bytes);

	(void)state;
	for (i = 0; i < bytes; i++)
		from[i] = (uint8_t)(i * 31 >> 3);
	case_init(&c, MARU_OP_COPY);
	case_add(&c, 0, to + 5, MARU_TYPE_U8, (uint32_t)bytes - 11, 1, 1, 1);
	case_add(&c, 1, from + 3, MARU_TYPE_U8, (uint32_t)bytes - 11, 1, 1, 1);
	c.cls = MARU_CLASS_COPY;
	assert_int_equal(case_run(&c), 0);
	assert_int_equal(c.op.tiles, 3);
	assert_memory_equal(to + 5, from + 3, bytes - 11);
	assert_int_equal(to[4] | to[bytes - 6], 0);
	assert_int_equal(c.op.bytes.read[0] + c.op.bytes.read[1], bytes - 11);
	assert_int_equal(c.op.bytes.written[0] + c.op.bytes.written[1], bytes - 11);
	case_free_all(NULL);
}

/* [CPY-4] [PKT-11] no element, no effect, nothing touched; counts that differ are refused. */
static void empty(void **state)
{
	uint32_t memory[8] = { 1, 2, 3 };
	unsigned int d;

	(void)state;
	for (d = 0; d < 4; d++) {
		case_init(&c, MARU_OP_COPY);
		case_add(&c, 0, memory, MARU_TYPE_F32, d != 0, d != 1, d != 2, d != 3);
		case_add(&c, 1, memory, MARU_TYPE_F32, 0, 5, 5, 5);
		fake_span_fault(1, UINT64_MAX - 1, MARU_FAULT_READ);
		assert_int_equal(case_run(&c), 0);
		fake_span_fault(0, 0, 0);
		assert_int_equal(c.op.tiles, 0);
		c.header.copy.mode = MARU_COPY_REPEAT;
		((struct maru_operand *)(void *)(c.bytes + 128))->dim[0] = 1;
		case_refused(&c, MARU_ERR_BAD_SHAPE, 1, MARU_FIELD_DIM(d == 1 ? 2 : 1));
	}
	assert_int_equal(memory[0], 1);
}

/* [CPY-5] dims near the limits over a mapping that is mostly not there. */
static void huge(void **state)
{
	uint64_t reach = 1ULL << 40;
	uint8_t *far = mmap(NULL, reach, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint32_t near[4] = { 1, 2, 3, 4 };
	struct maru_operand *dst, *src;

	(void)state;
	if (far == MAP_FAILED)
		skip();
	case_init(&c, MARU_OP_COPY);		/* four elements, 2^38 bytes apart */
	dst = case_add(&c, 0, far, MARU_TYPE_I32, 2, 1, 2, 1);
	case_add(&c, 1, near, MARU_TYPE_I32, 4, 1, 1, 1);
	dst->stride[0] = 1ULL << 38;
	dst->stride[2] = (1ULL << 39) - 4 + 8;
	assert_int_equal(case_run(&c), 0);
	assert_int_equal(*(uint32_t *)(void *)(far + (1ULL << 38)), 2);
	assert_int_equal(*(uint32_t *)(void *)(far + (1ULL << 39) + 4), 3);

	case_init(&c, MARU_OP_COPY);		/* plan alone: 2^40 elements of 8 bytes */
	dst = case_add(&c, 0, far, MARU_TYPE_U64, 1u << 30, 1u << 10, 1, 1);
	src = case_add(&c, 1, near, MARU_TYPE_U64, 1u << 30, 1u << 10, 1, 1);
	src->stride[0] = src->stride[1] = 0;
	dst->va = 0x100000;
	assert_int_equal(engine_begin(&c.op, NULL, 0, c.bytes, c.header.bytes), 0);
	assert_int_equal(c.op.tiles, 1u << 21);
	engine_end(&c.op);
	munmap(far, reach);
}

/* [NOP-1] [TIM-1] [TIM-2] */
static void sync_packets(void **state)
{
	uint64_t times[4] = { ~0ULL, ~0ULL, ~0ULL, ~0ULL }, first;

	(void)state;
	case_init(&c, MARU_OP_NOP);
	assert_int_equal(case_run(&c), 0);
	assert_int_equal(c.op.tiles, 0);
	for (unsigned int d = 0; d < 4; d++) {
		uint32_t dim[4] = { 2, 1, 1, 1 };

		dim[d] = 3;
		case_init(&c, MARU_OP_TIMESTAMP);
		case_add(&c, 0, times, MARU_TYPE_U64, dim[0], dim[1], dim[2], dim[3]);
		case_refused(&c, MARU_ERR_BAD_SHAPE, 0, MARU_FIELD_DIM(d));
	}
	assert_true(times[0] == ~0ULL);
	case_init(&c, MARU_OP_TIMESTAMP);
	case_add(&c, 0, times, MARU_TYPE_U64, 2, 1, 1, 1);
	assert_int_equal(case_run(&c), 0);
	first = times[0];
	assert_int_equal(case_run(&c), 0);
	assert_true(times[0] >= first && first > 0 && times[1] == 0 && times[2] == ~0ULL);
}

/* [PKT-12] extents, gaps between rows included, each to the tier that it lies in. */
static void charged(void **state)
{
	uint8_t *memory = case_memory(4096);
	struct maru_operand *src;

	(void)state;
	case_init(&c, MARU_OP_COPY);
	case_add(&c, 0, memory, MARU_TYPE_F32, 10, 4, 1, 1);
	src = case_add(&c, 1, memory + 1024 + 64, MARU_TYPE_F32, 10, 4, 1, 1);
	src->stride[1] = 128;
	assert_int_equal(case_run(&c), 0);
	/* Of the fake address space: lines of 64 bytes are of tiers 0 and 1 in turns. */
	assert_int_equal(c.op.bytes.read[((uintptr_t)memory >> 6 & 1) ^ 1], 3 * 128 + 40);
	assert_int_equal(c.op.bytes.written[(uintptr_t)memory >> 6 & 1], 160);
	assert_int_equal(c.op.bytes.read[0] + c.op.bytes.read[1], 3 * 128 + 40);
	assert_int_equal(c.op.bytes.written[0] + c.op.bytes.written[1], 160);
	case_free_all(NULL);
}

/* [CPY-1] [CPY-3] dims 0 and 1 swapped: blocks, all sizes, edges, gaps, conversion, tiles. */
static void transposed(void **state)
{
	static const uint32_t dims[][2] = { { 8, 8 }, { 64, 64 }, { 70, 200 }, { 1030, 60 },
					    { 9, 2000 }, { 200, 7 } };
	static const unsigned int kinds[][2] = {
		{ MARU_TYPE_U8, MARU_TYPE_U8 }, { MARU_TYPE_F16, MARU_TYPE_F16 },
		{ MARU_TYPE_F32, MARU_TYPE_F32 }, { MARU_TYPE_I64, MARU_TYPE_I64 },
		{ MARU_TYPE_BF16, MARU_TYPE_F32 }, { MARU_TYPE_F32, MARU_TYPE_I8 },
	};
	uint64_t seed = 7;

	(void)state;
	for (unsigned int i = 0; i < 36; i++) {
		const uint32_t *dim = dims[i % 6];
		unsigned int to_type = kinds[i / 6][0], from_type = kinds[i / 6][1];
		uint64_t size = maru_type_bytes(from_type), step = (dim[1] + i % 3) * size;
		uint64_t from_bytes = step * dim[0] * 2;
		uint64_t to_bytes = (uint64_t)maru_type_bytes(to_type) * dim[0] * dim[1] * 2;
		uint8_t *to = case_memory(to_bytes), *from = case_memory(from_bytes);
		bool is_float = i / 6 == 1 || i / 6 == 2 || i / 6 == 4;	/* no NaN */
		struct maru_operand *src;

		for (uint64_t b = 0; b < from_bytes; b++)
			from[b] = (uint8_t)case_random(&seed);
		for (uint64_t b = 0; is_float && b < from_bytes; b += size)
			ref_store(from_type, from + b, 100 * case_float(&seed));
		case_init(&c, MARU_OP_COPY);
		case_add(&c, 0, to, to_type, dim[0], dim[1], 2, 1);
		src = case_add(&c, 1, from, from_type, dim[0], dim[1], 2, 1);
		src->stride[0] = step;
		src->stride[1] = size;
		src->stride[2] = step * dim[0];
		run_and_compare(to, to_bytes);
		case_free_all(NULL);
	}
}

/* [CPY-3] what is larger than 8 MiB goes past the caches: rows with gaps, blocks, odd starts. */
static void past_caches(void **state)
{
	static const unsigned int kinds[][2] = {
		{ MARU_TYPE_F32, MARU_TYPE_F32 }, { MARU_TYPE_F32, MARU_TYPE_F16 },
		{ MARU_TYPE_BF16, MARU_TYPE_F32 }, { MARU_TYPE_F16, MARU_TYPE_F16 },
	};
	const uint32_t dim[4] = { 2107, 2010, 1, 1 };
	uint64_t n = dim[0] * dim[1], seed = 8, i, x, y;
	uint8_t *from = case_memory(5 * n);
	uint8_t *to = case_memory(4 * n + 8), *want = case_memory(4 * n);

	(void)state;
	for (i = 0; i < 8; i++) {
		unsigned int to_type = kinds[i / 2][0], type = kinds[i / 2][1];
		uint64_t size = maru_type_bytes(type), to_size = maru_type_bytes(to_type);
		struct maru_operand *src;

		case_init(&c, MARU_OP_COPY);
		case_add(&c, 0, to + 4, to_type, dim[0], dim[1], 1, 1);
		src = case_add(&c, 1, from, type, dim[0], dim[1], 1, 1);
		if (i % 2 == 0)
			case_fill(type, from, 5 * n / size, 1, &seed);
		src->stride[1] = i % 2 ? size : (dim[0] + 4) * size;
		src->stride[0] = i % 2 ? dim[1] * size : size;
		for (y = 0; y < dim[1]; y++)
			for (x = 0; x < dim[0]; x++)
				convert_scalar(to_type, type)(
					want + (y * dim[0] + x) * to_size, 1,
					from + x * src->stride[0] + y * src->stride[1], 1, 1);
		memset(to, 0x55, 4 * n + 8);
		assert_int_equal(case_run_shuffled(&c, 2, i), 0);
		assert_memory_equal(to + 4, want, n * to_size);
		assert_int_equal(to[3] & to[4 + n * to_size], 0x55);
	}
	case_free_all(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(transposed),
		cmocka_unit_test(random_copies), cmocka_unit_test(large),
		cmocka_unit_test(past_caches), cmocka_unit_test(empty), cmocka_unit_test(huge),
		cmocka_unit_test(sync_packets), cmocka_unit_test(charged),
	};

	if (engine_init(TEST_PROFILE))
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("copy", tests, NULL, NULL);
}
