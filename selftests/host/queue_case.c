// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "selftests/host/queue_case.h"

struct card *card;
struct card_queue *queue;

int queue_case_start(const struct card_config *config)
{
	card = card_start(config);
	queue = card_queue_create(card, &(struct card_queue_config){ .id = 2, .ring_log2 = 6 });
	return 0;
}

int queue_case_setup(void **state)
{
	(void)state;
	return queue_case_start(NULL);
}

int queue_case_teardown(void **state)
{
	(void)state;
	free(queue);
	card_stop(card);
	return 0;
}

struct fill fill_of(uint64_t va, uint32_t bytes, uint8_t byte)
{
	return (struct fill){
		.head = { .op = MARU_OP_FILL, .bytes = 128, .roles = 1, .tag = 0x7a60 + byte,
			  .fill.pattern = byte },
		.dst = { .va = va, .type = MARU_TYPE_U8, .dim = { bytes, 1, 1, 1 },
			 .stride = { 1, bytes, bytes, bytes } },
	};
}

struct maru_operand operand(uint64_t va, unsigned int type, unsigned int layout, uint32_t d0,
			    uint32_t d1)
{
	struct maru_operand desc = { .va = va, .type = (uint8_t)type, .layout = (uint8_t)layout,
				     .dim = { d0, d1, 1, 1 } };
	uint64_t stride = maru_type_bytes(type);

	for (unsigned int d = 0; d < 4 && !layout; d++) {
		desc.stride[d] = stride;
		stride *= desc.dim[d];
	}
	return desc;
}

struct matmul matmul_of(unsigned int out)
{
	struct matmul matmul = { .head = { .op = MARU_OP_MATMUL, .bytes = sizeof(matmul),
					   .roles = 7, .tag = 5 } };

	matmul.head.matmul.b_as = MARU_TYPE_NONE;
	matmul.head.matmul.scale = 0x3f800000;
	matmul.dst.type = (uint8_t)out;
	return matmul;
}

struct maru_desc exec_of(const void *packets, uint32_t bytes)
{
	uint64_t at = card_alloc(card, MARU_TIER_HOST, bytes);

	memcpy(card_ptr(card, MARU_TIER_HOST, at), packets, bytes);
	return (struct maru_desc){ .op = MARU_DESC_EXEC, .bytes = bytes, .va = HOST(at),
				   .job = 0x1000 + at };
}

void wait_halted(struct card_queue *q)
{
	assert_int_equal(card_wait(q, q->tail, 2000), -EIO);
}
