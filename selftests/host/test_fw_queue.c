// SPDX-License-Identifier: GPL-2.0-only
/* Queues: descriptors, packets, errors, WAIT and SIGNAL, cancel, and what stands in the block. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "selftests/host/queue_case.h"

#define DESC_AT(field)	offsetof(struct maru_desc, field)

static void expect_event(unsigned int type, struct maru_event *event)
{
	assert_int_equal(card_event(card, event, 1000), 0);
	assert_int_equal(event->type, type);
}

static void ring_wraps(void **state)
{
	struct maru_desc nop = { .op = MARU_DESC_NOP };

	(void)state;
	for (uint64_t i = 1; i <= 300; i++) {
		nop.job = i;
		assert_int_equal(card_submit(queue, &nop), i);
		assert_int_equal(card_wait(queue, i, 1000), 0);
		assert_int_equal(queue->block->job, i);
		assert_int_equal(queue->block->started, i);
		assert_int_equal(queue->ring->head, i);
	}
	for (int i = 0; i < 64; i++)
		card_put(queue, &nop);
	card_kick(card, queue->slot);
	assert_int_equal(card_wait(queue, 364, 1000), 0);
	assert_int_equal(queue->block->status, MARU_QUEUE_OK);
}

static void index_runs_freely(void **state)
{
	struct card_queue_config config = { .id = 9, .start = UINT64_MAX - 5 };
	struct card_queue *other = card_queue_create(card, &config);
	struct maru_desc nop = { .op = MARU_DESC_NOP };
	uint64_t tail = 0;

	(void)state;
	for (int i = 0; i < 12; i++)
		tail = card_submit(other, &nop);
	assert_int_equal(tail, 6);
	for (int i = 0; i < 1000 && other->block->done != 6; i++)
		usleep(1000);
	assert_int_equal(other->block->done, 6);
	free(other);
}

static void tail_overrun(void **state)
{
	(void)state;
	queue->ring->tail = 65;
	card_kick(card, queue->slot);
	assert_int_equal(card_wait(queue, 1, 1000), -EIO);
	assert_int_equal(queue->block->error, MARU_ERROR(MARU_ERR_BAD_DESC, 0xff, 0xff));
	assert_int_equal(queue->block->error_value, 65);
	assert_int_equal(queue->ring->status, MARU_QUEUE_HALTED);
	assert_int_equal(queue->ring->error, queue->block->error);
}

static void tail_goes_back(void **state)
{
	struct maru_desc nop = { .op = MARU_DESC_NOP };

	(void)state;
	assert_int_equal(card_wait(queue, card_submit(queue, &nop), 1000), 0);
	queue->ring->tail = 0;
	card_kick(card, queue->slot);
	assert_int_equal(card_wait(queue, 2, 1000), -EIO);
	assert_int_equal(queue->block->error_value, 0);
}

static void bad_descriptors(void **state)
{
	static const struct { struct maru_desc desc; unsigned int field; } rows[] = {
		{ { .op = 4 }, DESC_AT(op) }, { { .op = 255 }, DESC_AT(op) },
		{ { .flags = 2 }, DESC_AT(flags) }, { { .flags = 8 }, DESC_AT(flags) },
		{ { .mbz = 1 }, DESC_AT(mbz) },
		{ { .op = MARU_DESC_EXEC, .bytes = 32 }, DESC_AT(bytes) },
		{ { .op = MARU_DESC_EXEC, .bytes = (16 << 20) + 64 }, DESC_AT(bytes) },
		{ { .op = MARU_DESC_NOP, .bytes = 64 }, DESC_AT(bytes) },
		{ { .op = MARU_DESC_EXEC, .bytes = 64, .va = 8 }, DESC_AT(va) },
		{ { .op = MARU_DESC_EXEC, .bytes = 128, .va = ~63ULL }, DESC_AT(va) },
		{ { .op = MARU_DESC_SIGNAL, .va = 64, .signal_va = 8 }, DESC_AT(va) },
		{ { .op = MARU_DESC_WAIT }, DESC_AT(wait_va) },
		{ { .op = MARU_DESC_WAIT, .wait_va = 4 }, DESC_AT(wait_va) },
		{ { .op = MARU_DESC_SIGNAL }, DESC_AT(signal_va) },
		{ { .op = MARU_DESC_SIGNAL, .signal_va = 12 }, DESC_AT(signal_va) },
		{ { .op = MARU_DESC_NOP, .times_va = 4 }, DESC_AT(times_va) },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct card_queue_config config = { .id = 100 + (unsigned int)i, .ring_log2 = 6 };
		struct card_queue *q = card_queue_create(card, &config);
		struct maru_desc desc = rows[i].desc, nop = { .op = MARU_DESC_NOP };
		struct maru_event event;

		desc.job = 77;
		card_put(q, &desc);
		card_submit(q, &nop);
		wait_halted(q);
		if (q->block->error != MARU_ERROR(MARU_ERR_BAD_DESC, 0xff, rows[i].field))
			fail_msg("row %zu: 0x%08x", i, q->block->error);
		assert_int_equal(q->block->done, 0);
		assert_int_equal(q->block->started, 1);
		assert_int_equal(q->block->job, 77);
		expect_event(MARU_EVENT_QUEUE_ERROR, &event);
		assert_int_equal(event.queue, q->id);
		assert_int_equal(event.info, q->block->error);
		assert_int_equal(event.value, 77);
		card_submit(q, &nop);
		assert_int_equal(q->block->done, 0);
		assert_int_equal(card_queue_destroy(q), MARU_ADMIN_OK);
	}
}

/* Packets before the bad one have taken effect, none after it; other queues go on. */
static void bad_packet(void **state)
{
	uint64_t at = card_alloc(card, MARU_TIER_HBM, 3 * 4096);
	uint8_t *bytes = card_ptr(card, MARU_TIER_HBM, at);
	struct fill fills[3] = { fill_of(at, 4096, 1), fill_of(at + 4096, 4096, 2),
				 fill_of(at + 8192, 4096, 3) };
	struct maru_desc desc, nop = { .op = MARU_DESC_NOP };
	struct card_queue *other = card_queue_create(card, &(struct card_queue_config){ 0 });
	struct maru_event event;

	(void)state;
	fills[1].head.op = 0x777;
	desc = exec_of(fills, sizeof(fills));
	card_submit(queue, &desc);
	wait_halted(queue);
	assert_int_equal(queue->block->packet_offset, 128);
	assert_int_equal(queue->block->tag, 0x7a62);
	assert_int_equal(queue->block->job, desc.job);
	assert_int_equal(MARU_ERROR_CODE(queue->block->error), MARU_ERR_UNSUPPORTED);
	assert_int_equal(queue->block->packet, 1);
	assert_int_equal(bytes[4095], 1);
	assert_int_equal(bytes[4096], 0);
	assert_int_equal(bytes[8192], 0);
	expect_event(MARU_EVENT_QUEUE_ERROR, &event);
	assert_int_equal(event.va, 128);
	assert_int_equal(event.value, desc.job);
	assert_int_equal(card_wait(other, card_submit(other, &nop), 1000), 0);
	free(other);
}

static void packet_lengths(void **state)
{
	static const uint32_t lengths[] = { 0, 32, 63, 65, 192, 1152, 0xffffffc0,
					    0x80000000 };

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct card_queue_config config = { .id = 100 + (unsigned int)i };
		struct card_queue *q = card_queue_create(card, &config);
		struct maru_packet packets[2] = { { .bytes = 64 }, { .tag = 5 } };
		struct maru_desc desc;

		packets[1].bytes = lengths[i];
		desc = exec_of(packets, sizeof(packets));
		card_submit(q, &desc);
		wait_halted(q);
		assert_int_equal(q->block->error, MARU_ERROR(MARU_ERR_BAD_LENGTH, 0xff, 4));
		assert_int_equal(q->block->error_value, lengths[i]);
		assert_int_equal(q->block->packet_offset, 64);
		assert_int_equal(q->block->tag, 5);
		free(q);
	}
}

static void fill_counts(void **state)
{
	uint64_t at = card_alloc(card, MARU_TIER_CXL, 10000), ram = card_alloc(card, 2, 100);
	struct fill fills[2] = { fill_of(MARU_VM0_VA(1, at), 10000, 7),
				 fill_of(HOST(ram), 100, 8) };

	(void)state;
	assert_int_equal(card_run(queue, fills, sizeof(fills), 1000), 0);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(((uint8_t *)card_ptr(card, 1, at))[i], 7);
	assert_int_equal(((uint8_t *)card_ptr(card, 2, ram))[99], 8);
	assert_int_equal(((uint8_t *)card_ptr(card, 2, ram))[100], 0);
	assert_int_equal(queue->block->packet, 2);
	assert_int_equal(queue->block->tile, 4);
	assert_int_equal(queue->block->bytes[0], 0);
	assert_int_equal(queue->block->bytes[1], 10000);
	assert_int_equal(queue->block->bytes[2], 100);
	assert_int_equal(card->shared->telemetry.write_bytes[1], 10000);
	assert_int_equal(card->shared->telemetry.packets, 2);
	assert_int_equal(card->shared->telemetry.jobs, 1);
	assert_true(queue->block->active_ns > 0);
}

static void empty_buffer(void **state)
{
	struct maru_desc desc = { .op = MARU_DESC_EXEC };

	(void)state;
	assert_int_equal(card_wait(queue, card_submit(queue, &desc), 1000), 0);
}

static void wait_and_signal(void **state)
{
	uint64_t at = card_alloc(card, MARU_TIER_HOST, 4096);
	volatile uint64_t *words = card_ptr(card, MARU_TIER_HOST, at);
	struct maru_desc wait = { .op = MARU_DESC_WAIT, .wait_va = HOST(at), .wait_value = 10,
				  .signal_va = HOST(at + 8), .signal_value = 3,
				  .times_va = HOST(at + 64) };
	struct card_queue *other = card_queue_create(card, &(struct card_queue_config){ 0 });
	struct maru_desc signal = { .op = MARU_DESC_SIGNAL, .signal_va = HOST(at),
				    .signal_value = 10 };
	uint64_t before = card_now_ns(), active;

	(void)state;
	card_submit(queue, &wait);
	words[0] = 9;
	assert_int_equal(card_wait(queue, 1, 100), -ETIMEDOUT);
	assert_int_equal(words[1], 0);
	/* A WAIT at the head is card time. */
	assert_int_equal(card_wait_u64(card, &queue->block->active_ns, 100000000, 2000), 0);
	assert_int_equal(card_wait(other, card_submit(other, &signal), 1000), 0);
	assert_int_equal(other->block->fence, 10);
	assert_int_equal(card_wait(queue, 1, 1000), 0);
	assert_int_equal(words[1], 3);
	assert_int_equal(queue->block->fence, 3);
	assert_true(words[8] >= before && words[9] >= words[8] && words[9] <= card_now_ns());
	assert_int_equal(words[10] | words[11], 0);
	active = queue->block->active_ns;
	usleep(50000);
	assert_int_equal(queue->block->active_ns, active);
	/* ≥ as unsigned numbers; a store of the CPU without any doorbell. */
	wait.wait_value = 1ULL << 63;
	wait.times_va = 0;
	card_submit(queue, &wait);
	usleep(20000);
	words[0] = UINT64_MAX;
	assert_int_equal(card_wait(queue, 2, 1000), 0);
	free(other);
}

static void many_waits(void **state)
{
	uint64_t at = card_alloc(card, MARU_TIER_HOST, 4096);
	volatile uint64_t *word = card_ptr(card, MARU_TIER_HOST, at);
	struct card_queue *queues[100];

	(void)state;
	for (unsigned int i = 0; i < 100; i++) {
		struct maru_desc wait = { .op = MARU_DESC_WAIT, .wait_va = HOST(at),
					  .wait_value = 100 - i };

		queues[i] = card_queue_create(card, &(struct card_queue_config){ .id = 50 + i,
					      .ring_log2 = 6 });
		card_submit(queues[i], &wait);
	}
	*word = 50;
	for (unsigned int i = 50; i < 100; i++)
		assert_int_equal(card_wait(queues[i], 1, 1000), 0);
	usleep(20000);
	for (unsigned int i = 0; i < 50; i++)
		assert_int_equal(queues[i]->block->done, 0);
	*word = 100;
	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(card_wait(queues[i], 1, 1000), 0);
		free(queues[i]);
	}
}

static void fence_events(void **state)
{
	uint64_t at = card_alloc(card, MARU_TIER_HOST, 4096);
	struct maru_desc desc = { .op = MARU_DESC_NOP, .flags = MARU_DESC_IRQ };
	struct maru_desc quiet = { .op = MARU_DESC_SIGNAL, .signal_va = HOST(at),
				   .signal_value = 1 };
	struct maru_event event;

	(void)state;
	card_submit(queue, &desc);
	expect_event(MARU_EVENT_FENCE, &event);
	assert_int_equal(event.queue, 2);
	assert_int_equal(event.value, 1);
	assert_true(queue->block->done >= 1);
	assert_int_equal(card_wait(queue, card_submit(queue, &quiet), 1000), 0);
	usleep(20000);			/* it reads irq_arm after done */
	queue->block->irq_arm = 1;
	card_submit(queue, &quiet);
	expect_event(MARU_EVENT_FENCE, &event);
	assert_int_equal(event.value, 3);
	assert_int_equal(event.seq, 1);
	desc.flags = 0;
	assert_int_equal(card_wait(queue, card_submit(queue, &desc), 1000), 0);
	assert_int_equal(card_event(card, &event, 20), -ETIMEDOUT);
}

static struct card_queue *vm_queue(unsigned int vm, unsigned int id)
{
	return card_queue_create(card, &(struct card_queue_config){ .id = id, .vm = vm });
}

static void mmu_faults(void **state)
{
	static const struct { uint64_t va, pte; unsigned int kind; } rows[] = {
		{ 0x200000, 0, MARU_FAULT_WRITE },
		{ 0x200000, MARU_PTE_VALID | MARU_PTE_LEAF | MARU_PTE_READ, MARU_FAULT_WRITE },
		{ 0x201000, MARU_ENTRY(0, 0x1000) | 0x80, MARU_FAULT_PTE },
		{ 0x202000, MARU_ENTRY(2, 0x1000), MARU_FAULT_WINDOW },
	};
	uint64_t commands = card_alloc(card, MARU_TIER_HOST, 4096), dma_err;
	struct card_queue *other = card_queue_create(card, &(struct card_queue_config){ .id = 3 });
	struct maru_desc nop = { .op = MARU_DESC_NOP };
	struct maru_event event;

	(void)state;
	assert_int_equal(card_vm_create(card, 7, 0, 0), MARU_ADMIN_OK);
	card_map(card, 7, 0x40000000, MARU_TIER_HOST, commands, 4096, MARU_PTE_READ);
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct card_queue *q = vm_queue(7, 20 + i);
		struct fill fill = fill_of(rows[i].va + 16, 64, 1);
		struct maru_desc desc = { .op = MARU_DESC_EXEC, .bytes = sizeof(fill),
					  .va = 0x40000000, .job = 5 };

		*card_pte(card, 7, rows[i].va) = rows[i].pte;
		assert_int_equal(card_invalidate(card, 7, rows[i].va, 4096), MARU_ADMIN_OK);
		memcpy(card_ptr(card, 2, commands), &fill, sizeof(fill));
		card_submit(q, &desc);
		wait_halted(q);
		assert_int_equal(MARU_ERROR_CODE(q->block->error),
				 MARU_ERR_FAULT_READ + rows[i].kind);
		assert_int_equal(MARU_ERROR_ROLE(q->block->error), 0);
		assert_int_equal(q->block->error_va, rows[i].va + 16);
		expect_event(MARU_EVENT_MMU_FAULT, &event);
		assert_int_equal(event.queue, 20 + i);
		assert_int_equal(event.info, rows[i].kind << 16 | 7);
		assert_int_equal(event.va, rows[i].va + 16);
		expect_event(MARU_EVENT_QUEUE_ERROR, &event);
		assert_int_equal(event.value, 5);
		free(q);
	}
	memcpy(&dma_err, card->shared->regs + MARU_REG_DMA_ERR, 8);
	assert_int_equal(dma_err, 0x1010);
	assert_int_equal(card->shared->telemetry.faults, 4);
	assert_int_equal(card_wait(other, card_submit(other, &nop), 1000), 0);
	free(other);
}

/* Addresses of the descriptor itself go through the same translation. */
static void desc_faults(void **state)
{
	static const struct { struct maru_desc desc; unsigned int kind, field; } rows[] = {
		{ { .op = MARU_DESC_EXEC, .bytes = 64, .va = 0x100000 }, MARU_FAULT_READ,
		  DESC_AT(va) },
		{ { .op = MARU_DESC_WAIT, .wait_va = 0x100000 }, MARU_FAULT_READ,
		  DESC_AT(wait_va) },
		{ { .op = MARU_DESC_SIGNAL, .signal_va = 0x40000000 }, MARU_FAULT_WRITE,
		  DESC_AT(signal_va) },
		{ { .op = MARU_DESC_NOP, .times_va = 0x40000000 }, MARU_FAULT_WRITE,
		  DESC_AT(times_va) },
	};

	(void)state;
	assert_int_equal(card_vm_create(card, 7, 0, 0), MARU_ADMIN_OK);
	card_map(card, 7, 0x40000000, MARU_TIER_HBM, 0x1000, 4096, MARU_PTE_READ);
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct card_queue *q = vm_queue(7, 20 + i);

		card_submit(q, &rows[i].desc);
		wait_halted(q);
		assert_int_equal(q->block->error, MARU_ERROR(MARU_ERR_FAULT_READ + rows[i].kind,
							     0xff, rows[i].field));
		free(q);
	}
}

static void points_fail(void **state)
{
	static const struct { enum ipc_point point; unsigned int code; } rows[] = {
		{ IPC_POINT_JOB_FETCH, MARU_ERR_INTERNAL },
		{ IPC_POINT_JOB_DECODE, MARU_ERR_INTERNAL },
		{ IPC_POINT_JOB_TILE, MARU_ERR_INTERNAL },
		{ IPC_POINT_JOB_DONE, MARU_ERR_INTERNAL },
	};
	uint64_t at = card_alloc(card, MARU_TIER_HBM, 4096);
	struct fill fill = fill_of(at, 4096, 1);
	struct maru_desc desc = exec_of(&fill, sizeof(fill)), nop = { .flags = MARU_DESC_IRQ };
	struct maru_event event;

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct card_queue *q = vm_queue(0, 30 + i);

		card_arm(card, rows[i].point, IPC_ACTION_FAIL, 0);
		card_submit(q, &desc);
		wait_halted(q);
		card_disarm(card, rows[i].point);
		assert_int_equal(MARU_ERROR_CODE(q->block->error), rows[i].code);
		expect_event(MARU_EVENT_QUEUE_ERROR, &event);
		free(q);
	}
	card_arm(card, IPC_POINT_JOB_SIGNALLED, IPC_ACTION_FAIL, 0);
	assert_int_equal(card_wait(queue, card_submit(queue, &nop), 1000), 0);
	assert_int_equal(card_event(card, &event, 20), -ETIMEDOUT);
	card_disarm(card, IPC_POINT_JOB_SIGNALLED);
	card_arm(card, IPC_POINT_QUEUE_RESET, IPC_ACTION_FAIL, 0);
	assert_int_equal(card_queue_reset(queue, MARU_RESET_CANCEL), MARU_ADMIN_TIMEOUT);
	card_disarm(card, IPC_POINT_QUEUE_RESET);
	assert_int_equal(card_queue_reset(queue, MARU_RESET_CANCEL), MARU_ADMIN_OK);
}

static void garbage(void **state)
{
	struct maru_desc desc;
	uint32_t x = 1;

	(void)state;
	for (unsigned int round = 0; round < 300; round++) {
		struct card_queue_config config = { .id = 40 + round % 7, .ring_log2 = 6 };
		struct card_queue *q;

		if (round % 7 == 0)
			card->used[MARU_TIER_HOST] = 8 << 20;
		q = card_queue_create(card, &config);
		for (int i = 0; i < 64; i++) {
			uint8_t *bytes = (uint8_t *)&desc;

			for (size_t b = 0; b < sizeof(desc); b++) {
				x = x * 1664525 + 1013904223;
				bytes[b] = (uint8_t)(x >> 24);
			}
			if (i % 3)
				memset(bytes, 0, 8);
			if (i % 3 == 2)
				desc.wait_va = desc.signal_va = desc.times_va = 0;
			card_put(q, &desc);
		}
		if (round % 5 == 0)
			q->ring->tail = (uint64_t)x << 20;
		card_kick(card, q->slot);
		assert_int_equal(card_queue_destroy(q), MARU_ADMIN_OK);
	}
	assert_true(card_is_alive(card));
	assert_int_equal(card->shared->queues, 1);
}

#define FAST(function, text) { text, function, queue_case_setup, queue_case_teardown, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAST(ring_wraps, "[QUE-1] [QUE-2] the ring wraps"),
		FAST(index_runs_freely, "[QUE-1] indices run freely, past 2^64 too"),
		FAST(tail_overrun, "[QUE-3] a tail beyond the ring"),
		FAST(tail_goes_back, "[QUE-3] a tail that goes back"),
		FAST(bad_descriptors, "[QUE-4] [ERR-1] [ERR-2] each bad field of a descriptor"),
		FAST(bad_packet, "[QUE-5] [ERR-3] a bad packet between good ones"),
		FAST(packet_lengths, "[QUE-6] lengths of packets"),
		FAST(fill_counts, "[QUE-7] counters of the block"),
		FAST(empty_buffer, "[QUE-8] an empty command buffer"),
		FAST(wait_and_signal, "[QUE-9] [QUE-10] [QUE-11] WAIT, SIGNAL, times"),
		FAST(many_waits, "[QUE-9] a hundred queues wait"),
		FAST(fence_events, "[QUE-12] FENCE events"),
		FAST(mmu_faults, "[MMU-5] [ERR-4] [ERR-5] faults of operands"),
		FAST(desc_faults, "[MMU-1] [ERR-4] faults of descriptors"),
		FAST(points_fail, "[ERR-6] fault points of a job"),
		FAST(garbage, "[ERR-7] random descriptors and tails"),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
