// SPDX-License-Identifier: GPL-2.0-only
/* Real engines and several VMs: who else is on the card changes no bit of a result. */
#include <stdlib.h>
#include <string.h>

#include "selftests/host/queue_case.h"

#define OTHERS		4u
#define SUBMITS		200u		/* of each of them: longer than what is looked at */
#define ROUNDS		4u
#define N		700u		/* several tiles, none of them whole panels */
#define M		500u
#define K		600u
#define VA		0x10000000ull	/* the same in each VM, over memory of its own */
#define VA_A		(VA + (4u << 20))
#define VA_B		(VA + (8u << 20))
#define VA_PACKET	(VA + (12u << 20))
#define VM_BYTES	(14u << 20)
#define DST_BYTES	(N * M * 4)

static const unsigned int types[] = { MARU_TYPE_F32, MARU_TYPE_BF16, MARU_TYPE_I8 };
#define TYPES		(sizeof(types) / sizeof(types[0]))

struct tenant {
	struct card_queue *queue;
	uint8_t *memory;		/* VM_BYTES, at VA of its VM */
};

struct kind {
	unsigned int threads;
	uint32_t profile;
	uint8_t **alone;		/* results of one thread without others, by type */
};

static uint8_t *best_alone[TYPES], *avx2_alone[TYPES];
static struct kind kinds[] = {
	{ 1, ~0u, best_alone }, { 2, ~0u, best_alone }, { 1, 1, avx2_alone }, { 2, 1, avx2_alone },
};

static struct tenant tenant_make(unsigned int vm)
{
	struct card_queue_config config = { .id = 10 + vm, .vm = vm, .time_slice_us = 200 };
	uint64_t at = card_alloc(card, MARU_TIER_HBM, VM_BYTES);

	assert_int_equal(card_vm_create(card, vm, 0, 0), MARU_ADMIN_OK);
	card_map(card, vm, VA, MARU_TIER_HBM, at, VM_BYTES, MARU_PTE_READ | MARU_PTE_WRITE);
	return (struct tenant){ .queue = card_queue_create(card, &config),
				.memory = card_ptr(card, MARU_TIER_HBM, at) };
}

/* Numbers of either sign and of many sizes, so that the order of sums shows. */
static void numbers(uint8_t *at, unsigned int type, uint32_t count, uint32_t seed)
{
	for (uint32_t i = 0; i < count; i++) {
		float value;
		uint32_t bits;

		seed = seed * 1664525 + 1013904223;
		value = (float)(int32_t)seed / (float)(1u << (16 + (seed >> 8) % 8));
		memcpy(&bits, &value, sizeof(bits));
		if (type == MARU_TYPE_F32)
			memcpy(at + 4 * i, &bits, 4);
		else if (type == MARU_TYPE_BF16)
			memcpy(at + 2 * i, (uint8_t *)&bits + 2, 2);
		else
			at[i] = (uint8_t)(seed >> 24);
	}
}

/* A product of this tenant's own numbers. Return: its descriptor. */
static struct maru_desc product(struct tenant *tenant, unsigned int type, uint32_t seed)
{
	struct matmul matmul = matmul_of(type == MARU_TYPE_I8 ? MARU_TYPE_I32 : MARU_TYPE_F32);

	matmul.dst = operand(VA, matmul.dst.type, 0, N, M);
	matmul.a = operand(VA_A, type, 0, K, N);
	matmul.b = operand(VA_B, type, 0, K, M);
	numbers(tenant->memory + (VA_A - VA), type, K * N, seed);
	numbers(tenant->memory + (VA_B - VA), type, K * M, ~seed);
	memcpy(tenant->memory + (VA_PACKET - VA), &matmul, sizeof(matmul));
	memset(tenant->memory, 0xee, DST_BYTES);
	return (struct maru_desc){ .op = MARU_DESC_EXEC, .bytes = sizeof(matmul),
				   .va = VA_PACKET };
}

static void run(struct tenant *tenant, uint8_t **alone, unsigned int i)
{
	struct maru_desc desc = product(tenant, types[i], 77 + i);
	uint64_t tiles = tenant->queue->block->tile;

	card_submit(tenant->queue, &desc);
	assert_int_equal(card_wait(tenant->queue, tenant->queue->tail, 20000), 0);
	assert_true(tenant->queue->block->tile >= tiles + 2);
	if (!alone[i]) {
		alone[i] = malloc(DST_BYTES);
		memcpy(alone[i], tenant->memory, DST_BYTES);
	}
	assert_memory_equal(alone[i], tenant->memory, DST_BYTES);
}

static uint64_t tiles_of(const struct tenant *tenants)
{
	uint64_t tiles = 0;

	for (unsigned int i = 0; i < OTHERS; i++)
		tiles += tenants[i].queue->block->tile;
	return tiles;
}

static void same_bits(void **state)
{
	const struct kind *kind = *state;
	struct tenant mine, others[OTHERS];
	uint64_t tiles;

	card = card_start(&(struct card_config){ .hbm_bytes = 128 << 20, .threads = kind->threads,
						 .profile = kind->profile });
	mine = tenant_make(1);
	for (unsigned int i = 0; i < TYPES; i++)
		run(&mine, kind->alone, i);
	for (unsigned int i = 0; i < OTHERS; i++) {
		struct maru_desc desc;

		others[i] = tenant_make(2 + i);
		desc = product(&others[i], types[i % TYPES], 1000 + i);
		for (unsigned int j = 0; j < SUBMITS; j++)
			card_submit(others[i].queue, &desc);
	}
	for (unsigned int round = 0; round < ROUNDS; round++) {
		for (unsigned int i = 0; i < TYPES; i++) {
			tiles = tiles_of(others);
			run(&mine, kind->alone, i);
			assert_true(tiles_of(others) > tiles);
		}
	}
	for (unsigned int i = 0; i < OTHERS; i++) {
		assert_true(others[i].queue->block->done < SUBMITS);
		free(others[i].queue);
	}
	free(mine.queue);
	card_stop(card);
}

#define TEST(text, i) { "[SCH-6] [DET-1] " text, same_bits, NULL, NULL, &kinds[i] }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("products alone and beside four VMs, one thread", 0),
		TEST("the same bits of two threads", 1),
		TEST("level 1, one thread", 2), TEST("level 1, two threads", 3),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("tenants", tests, NULL, NULL);
}
