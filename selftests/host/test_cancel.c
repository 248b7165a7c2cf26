// SPDX-License-Identifier: GPL-2.0-only
/* Ends before the end: QUEUE_RESET, QUEUE_DESTROY, INVALIDATE and DMA_UNMAP under running work. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "selftests/host/fake_engine.h"
#include "selftests/host/queue_case.h"

/* Each tile takes 1 ms: a FILL of n pages takes n / threads ms. */
static int setup_slow(void **state)
{
	fake_engine_tile_ns = 1000000;
	return queue_case_setup(state);
}

static int teardown(void **state)
{
	fake_engine_tile_ns = 0;
	return queue_case_teardown(state);
}

static struct card_queue *vm_queue(unsigned int vm, unsigned int id)
{
	return card_queue_create(card, &(struct card_queue_config){ .id = id, .vm = vm });
}

static void cancel_current(void **state)
{
	uint64_t at = card_alloc(card, MARU_TIER_HBM, 16 << 20);
	struct fill fill = fill_of(at, 16 << 20, 1);		/* 4096 tiles: 2 s */
	struct maru_desc desc = exec_of(&fill, sizeof(fill)), nop = { .op = MARU_DESC_NOP };
	uint64_t begin;

	(void)state;
	desc.flags = MARU_DESC_IRQ;
	card_submit(queue, &desc);
	card_submit(queue, &nop);
	assert_int_equal(card_wait_u64(card, &queue->block->tile, 5, 1000), 0);
	begin = card_now_ns();
	assert_int_equal(card_queue_reset(queue, MARU_RESET_CANCEL), MARU_ADMIN_OK);
	assert_true(card_now_ns() - begin < 500000000);
	assert_int_equal(card_wait(queue, 2, 1000), 0);
	assert_int_equal(queue->block->status, MARU_QUEUE_OK);
	assert_int_equal(queue->block->error, MARU_ERROR(MARU_ERR_CANCELLED, 0xff, 0));
	assert_int_equal(queue->block->packet, 0);
	assert_int_equal(queue->block->resets, 1);
	assert_true(queue->block->tile < 4000);
	assert_int_equal(card->shared->telemetry.jobs, 1);
}

static void drop_all(void **state)
{
	uint64_t at = card_alloc(card, MARU_TIER_HBM, 4 << 20);
	struct fill fill = fill_of(at, 4 << 20, 1);
	struct maru_desc desc = exec_of(&fill, sizeof(fill)), nop = { .op = MARU_DESC_NOP };

	(void)state;
	for (int i = 0; i < 10; i++)
		card_submit(queue, &desc);
	assert_int_equal(card_queue_reset(queue, MARU_RESET_DROP), MARU_ADMIN_OK);
	assert_int_equal(queue->block->done, 10);
	assert_int_equal(queue->ring->head, 10);
	assert_int_equal(queue->block->packet, 0);
	assert_int_equal(card_wait(queue, card_submit(queue, &nop), 1000), 0);
}

static void cancel_wait(void **state)
{
	uint64_t at = card_alloc(card, MARU_TIER_HOST, 4096);
	struct maru_desc wait = { .op = MARU_DESC_WAIT, .wait_va = HOST(at), .wait_value = 1 };

	(void)state;
	for (uint64_t i = 1; i <= 50; i++) {
		card_submit(queue, &wait);
		if (i % 2)
			assert_int_equal(card_wait_u64(card, &queue->block->started, i, 1000), 0);
		assert_int_equal(card_queue_reset(queue, MARU_RESET_DROP), MARU_ADMIN_OK);
		assert_int_equal(queue->block->done, i);
	}
	card_submit(queue, &wait);
	assert_int_equal(card_queue_destroy(queue), MARU_ADMIN_OK);
	queue = NULL;
	assert_int_equal(card->shared->queues, 0);
}

static void destroy_running(void **state)
{
	uint64_t at = card_alloc(card, MARU_TIER_HBM, 16 << 20);
	struct fill fill = fill_of(at, 16 << 20, 1);
	struct maru_desc desc = exec_of(&fill, sizeof(fill));

	(void)state;
	card_submit(queue, &desc);
	assert_int_equal(card_wait_u64(card, &queue->block->tile, 2, 1000), 0);
	assert_int_equal(card_queue_destroy(queue), MARU_ADMIN_OK);
	queue = card_queue_create(card, &(struct card_queue_config){ .id = 2 });
	desc.op = MARU_DESC_NOP;
	desc.bytes = 0;
	desc.va = 0;
	assert_int_equal(card_wait(queue, card_submit(queue, &desc), 1000), 0);
}

/* A long packet does not hold INVALIDATE or DMA_UNMAP up, and comes out whole. */
static void long_packet_lets_go(void **state)
{
	uint64_t at = card_alloc(card, MARU_TIER_HBM, 4 << 20), begin;
	uint64_t commands = card_alloc(card, MARU_TIER_HOST, 4096);
	struct fill fill = fill_of(0x40000000, 4 << 20, 0x3c);	/* 1024 tiles: 512 ms */
	struct maru_desc desc = { .op = MARU_DESC_EXEC, .bytes = sizeof(fill), .va = 0x10000000 };
	uint8_t *bytes = card_ptr(card, MARU_TIER_HBM, at);
	struct card_queue *q;

	(void)state;
	assert_int_equal(card_vm_create(card, 7, 0, 0), MARU_ADMIN_OK);
	card_map(card, 7, 0x10000000, MARU_TIER_HOST, commands, 4096, MARU_PTE_READ);
	card_map(card, 7, 0x40000000, MARU_TIER_HBM, at, 4 << 20, MARU_PTE_READ | MARU_PTE_WRITE);
	memcpy(card_ptr(card, MARU_TIER_HOST, commands), &fill, sizeof(fill));
	q = vm_queue(7, 5);
	card_submit(q, &desc);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(card_wait_u64(card, &q->block->tile, 4 + 8 * (uint64_t)i, 1000),
				 0);
		begin = card_now_ns();
		assert_int_equal(card_invalidate(card, 7, 0, 0), MARU_ADMIN_OK);
		assert_true(card_now_ns() - begin < 1000000000);
		assert_int_equal(q->block->done, 0);
	}
	assert_int_equal(card_wait(q, 1, 10000), 0);
	assert_int_equal(q->block->tile, 1024);
	for (int i = 0; i < 4 << 20; i++)
		assert_int_equal(bytes[i], 0x3c);
	free(q);
}

static void unmap_under_packet(void **state)
{
	uint64_t iova = 0x200000000;
	struct fill fill = fill_of(HOST(iova), 4 << 20, 1);
	struct maru_desc desc = exec_of(&fill, sizeof(fill));

	(void)state;
	card_map_window(card, iova, 4 << 20, card->ram_fd, 16 << 20, true);
	card_submit(queue, &desc);
	assert_int_equal(card_wait_u64(card, &queue->block->tile, 4, 1000), 0);
	assert_int_equal(card_unmap_window(card, iova, 4 << 20, 200), 0);
	wait_halted(queue);
	assert_int_equal(MARU_ERROR_CODE(queue->block->error), MARU_ERR_FAULT_WINDOW);
}

/* HOLD at a tile: cancel and DMA_UNMAP work. */
static void held_tile(void **state)
{
	uint64_t iova = 0x200000000;
	struct fill fill = fill_of(HOST(iova), 4096, 1);
	struct maru_desc desc = exec_of(&fill, sizeof(fill));

	(void)state;
	card_map_window(card, iova, 4096, card->ram_fd, 16 << 20, true);
	card_arm(card, IPC_POINT_JOB_TILE, IPC_ACTION_HOLD, 0);
	card_submit(queue, &desc);
	assert_int_equal(card_wait_holding(card, IPC_POINT_JOB_TILE, 1000), 0);
	assert_int_equal(card_queue_reset(queue, MARU_RESET_CANCEL), MARU_ADMIN_OK);
	assert_int_equal(queue->block->done, 1);
	card_submit(queue, &desc);
	assert_int_equal(card_wait_holding(card, IPC_POINT_JOB_TILE, 1000), 0);
	assert_int_equal(card_invalidate(card, 1, 0, 0), MARU_ADMIN_NOT_FOUND);
	assert_int_equal(card_unmap_window(card, iova, 4096, 200), 0);
	wait_halted(queue);
	card_disarm(card, IPC_POINT_JOB_TILE);
}

/* An engine that never comes back: QUEUE_RESET times out, DMA_UNMAP is not acknowledged. */
static void hung_tile(void **state)
{
	uint64_t iova = 0x200000000, begin, tick;
	struct fill fill = fill_of(HOST(iova), 4096, 1);
	struct maru_desc desc = exec_of(&fill, sizeof(fill)), nop = { .op = MARU_DESC_NOP };
	struct card_queue *other = card_queue_create(card, &(struct card_queue_config){ 0 });

	(void)state;
	card_map_window(card, iova, 4096, card->ram_fd, 16 << 20, true);
	card_arm(card, IPC_POINT_JOB_TILE, IPC_ACTION_HANG, 0);
	card_submit(queue, &desc);
	for (int ms = 0; ms < 2000 && !card->shared->points[IPC_POINT_JOB_TILE].fired; ms++)
		usleep(1000);
	card_disarm(card, IPC_POINT_JOB_TILE);
	assert_int_equal(card_wait(queue, 1, 50), -ETIMEDOUT);
	tick = card->events->tick;
	begin = card_now_ns();
	assert_int_equal(card_queue_reset(queue, MARU_RESET_CANCEL), MARU_ADMIN_TIMEOUT);
	assert_true(card_now_ns() - begin > 900000000 && card_now_ns() - begin < 1500000000);
	assert_true(card->events->tick >= tick + 4);
	assert_true(queue->block->active_ns > 900000000);
	assert_int_equal(card_wait(other, card_submit(other, &nop), 1000), 0);
	assert_int_equal(card_unmap_window(card, iova, 4096, 300), -ETIMEDOUT);
	assert_true(card_is_alive(card));
	free(other);
}

static void halted_queue(void **state)
{
	static const unsigned int modes[] = { MARU_RESET_CANCEL, MARU_RESET_DROP };
	struct maru_desc bad = { .op = 255 }, nop = { .op = MARU_DESC_NOP };

	(void)state;
	card_submit(queue, &bad);
	card_submit(queue, &nop);
	wait_halted(queue);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(card_queue_reset(queue, modes[i]), MARU_ADMIN_OK);
		card_submit(queue, &nop);
		assert_int_equal(card_wait(queue, 1, 50), -EIO);
		assert_int_equal(queue->block->done, 0);
		assert_int_equal(MARU_ERROR_CODE(queue->block->error), MARU_ERR_BAD_DESC);
	}
}

/* A second of a WAIT: it counts, and is seen to grow while it does; an idle queue has none. */
static void active_time(void **state)
{
	uint64_t at = card_alloc(card, MARU_TIER_HOST, 4096), active, last = 0;
	struct maru_desc wait = { .op = MARU_DESC_WAIT, .wait_va = HOST(at), .wait_value = 1 };
	uint64_t begin = card_now_ns();
	unsigned int steps = 0;

	(void)state;
	card_submit(queue, &wait);
	while (last < 1000000000 && card_now_ns() - begin < 10000000000) {
		active = queue->block->active_ns;
		assert_true(active >= last && active <= card_now_ns() - begin);
		steps += active != last;
		last = active;
		usleep(1000);
	}
	assert_true(last >= 1000000000);
	/* Ten are promised; the host may have taken the thread away at some of them. */
	assert_true(steps >= 5);
	assert_int_equal(card_queue_reset(queue, MARU_RESET_CANCEL), MARU_ADMIN_OK);
	card_settle(card);
	active = queue->block->active_ns;
	usleep(250000);
	assert_int_equal(queue->block->active_ns, active);
}

#define FAST(function, text) { text, function, queue_case_setup, teardown, NULL }
#define SLOW(function, text) { text, function, setup_slow, teardown, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		SLOW(cancel_current, "[QUE-13] cancel at a tile boundary"),
		SLOW(drop_all, "[QUE-14] drop all"),
		FAST(cancel_wait, "[QUE-13] [QUE-14] cancel a WAIT"),
		SLOW(destroy_running, "[ADM-8] destroy a queue that runs"),
		SLOW(long_packet_lets_go, "[MMU-8] INVALIDATE during a long packet"),
		SLOW(unmap_under_packet, "[MMU-9] DMA_UNMAP during a long packet"),
		FAST(held_tile, "[MMU-9] [QUE-13] cancel and DMA_UNMAP during a HOLD"),
		FAST(halted_queue, "[QUE-17] resets of a halted queue"),
		FAST(active_time, "[QUE-16] card time of a WAIT and of nothing"),
		FAST(hung_tile, "[QUE-15] [QUE-16] [EVT-6] an engine that hangs"),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("cancel", tests, NULL, NULL);
}
