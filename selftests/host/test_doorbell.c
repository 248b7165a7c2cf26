// SPDX-License-Identifier: GPL-2.0-only
/* Doorbells and events: who wakes whom, what sleep costs, and rings that overflow. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "selftests/host/card_client.h"
#include "selftests/host/fake_engine.h"

static struct card *card;

static int setup(void **state)
{
	(void)state;
	card = card_start(NULL);
	return 0;
}

static int setup_small(void **state)
{
	const struct card_config config = { .event_log2 = 6 };

	(void)state;
	card = card_start(&config);
	return 0;
}

static int setup_large(void **state)
{
	const struct card_config config = { .ram_bytes = 256 << 20 };

	(void)state;
	card = card_start(&config);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	card_stop(card);
	return 0;
}

static void wait_asleep(void)
{
	for (int ms = 0; ms < 2000; ms++) {
		if (card->shared->asleep && card->group->need_wake)
			return;
		usleep(1000);
	}
	fail_msg("the core does not go to sleep");
}

/* Processor time of the core so far. */
static uint64_t core_cpu_ns(void)
{
	struct timespec time;
	clockid_t clock;

	assert_int_equal(clock_getcpuclockid(card->pid, &clock), 0);
	assert_int_equal(clock_gettime(clock, &time), 0);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void sleeps_and_wakes(void **state)
{
	struct card_queue *queue = card_queue_create(card, &(struct card_queue_config){ 0 });
	struct maru_desc nop = { .op = MARU_DESC_NOP };
	uint64_t wakes;

	(void)state;
	for (uint64_t i = 0; i < 200; i++) {
		wait_asleep();
		card_settle(card);	/* its last look, with need_wake set, is over */
		wakes = card->shared->telemetry.wakes;
		assert_int_equal(card_wait(queue, card_submit(queue, &nop), 1000), 0);
		assert_int_equal(card->shared->telemetry.wakes, wakes + 1);
	}
	/* A kick without a wake is not seen while it sleeps. */
	wait_asleep();
	card_put(queue, &nop);
	card->group->kick[queue->slot] = 1;
	usleep(50000);
	assert_int_equal(queue->block->done, 200);
	card_kick(card, queue->slot);
	assert_int_equal(card_wait(queue, 201, 1000), 0);
	assert_int_equal(card->group->kick[queue->slot], 0);
	free(queue);
}

/* No kick is lost, whenever the core falls asleep. */
static void no_lost_kicks(void **state)
{
	struct card_queue *queue = card_queue_create(card, &(struct card_queue_config){ 0 });
	struct maru_desc nop = { .op = MARU_DESC_NOP };
	unsigned int x = 1;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		uint64_t until = card_now_ns();

		x = x * 1664525 + 1013904223;
		until += (x >> 16) * 2;			/* up to 130 µs */
		while (card_now_ns() < until)
			;
		assert_int_equal(card_wait(queue, card_submit(queue, &nop), 1000), 0);
	}
	free(queue);
}

static void idle_costs_nothing(void **state)
{
	struct card_queue *queue = card_queue_create(card, &(struct card_queue_config){ 0 });
	struct maru_desc nop = { .op = MARU_DESC_NOP };
	uint64_t used;

	(void)state;
	assert_int_equal(card_wait(queue, card_submit(queue, &nop), 1000), 0);
	wait_asleep();
	usleep(20000);
	used = core_cpu_ns();
	usleep(2000000);
	used = core_cpu_ns() - used;
	print_message("# idle: %llu us of processor time in 2 s\n",
		      (unsigned long long)used / 1000);
	assert_true(used < 2000000);
	assert_int_equal(card->shared->running, 0);
	free(queue);
}

static uint64_t round_trip_ns(struct card_queue *queue, int rounds)
{
	struct maru_desc nop = { .op = MARU_DESC_NOP };
	uint64_t best = UINT64_MAX;

	for (int batch = 0; batch < 20; batch++) {
		uint64_t begin = card_now_ns();

		for (int i = 0; i < rounds; i++)
			assert_int_equal(card_wait(queue, card_submit(queue, &nop), 1000), 0);
		begin = (card_now_ns() - begin) / (uint64_t)rounds;
		best = begin < best ? begin : best;
	}
	return best;
}

static void user_group(void **state)
{
	uint64_t page = card_alloc(card, MARU_TIER_HOST, 4096);
	uint64_t ring = card_alloc(card, MARU_TIER_HOST, 8192);
	uint64_t block = card_alloc(card, MARU_TIER_HOST, 4096), one = 1;
	struct maru_group_page *group = card_ptr(card, MARU_TIER_HOST, page);
	struct maru_ring *header = card_ptr(card, MARU_TIER_HOST, ring);
	volatile struct maru_queue_block *shown = card_ptr(card, MARU_TIER_HOST, block);
	struct maru_admin_sqe sqe = { .op = MARU_ADMIN_QUEUE_CREATE };

	(void)state;
	assert_int_equal(card_vm_create(card, 3, 17, page), MARU_ADMIN_OK);
	assert_int_equal(group->need_wake, 1);
	card_map(card, 3, 0x200000, MARU_TIER_HOST, ring, 8192, MARU_PTE_READ | MARU_PTE_WRITE);
	sqe.queue.queue = 1;
	sqe.queue.vm = 3;
	sqe.queue.weight = 100;
	sqe.queue.ring_log2 = 6;
	sqe.queue.flags = MARU_QUEUE_USER;
	sqe.queue.ring = 0x200000;
	sqe.queue.block = MARU_ENTRY(MARU_TIER_HOST, block);
	for (unsigned int slot = 0; slot < 2048; slot += 2047) {
		sqe.queue.slot = (uint16_t)slot;
		memset(header, 0, 8192);
		memset((void *)(uintptr_t)shown, 0, 256);
		assert_int_equal(card_admin(card, &sqe, NULL), MARU_ADMIN_OK);
		for (uint64_t i = 1; i <= 50; i++) {
			header->tail = i;
			group->kick[slot] = 1;
			__builtin_ia32_mfence();
			if (group->need_wake)
				assert_int_equal(write(card->kick_fd, &one, 8), 8);
			assert_int_equal(card_wait_u64(card, &shown->done, i, 1000), 0);
			assert_int_equal(header->head, i);
		}
		sqe.op = MARU_ADMIN_QUEUE_DESTROY;
		memset(sqe.bytes + 2, 0, 54);
		assert_int_equal(card_admin(card, &sqe, NULL), MARU_ADMIN_OK);
		sqe.op = MARU_ADMIN_QUEUE_CREATE;
		sqe.queue.vm = 3;
		sqe.queue.weight = 100;
		sqe.queue.ring_log2 = 6;
		sqe.queue.flags = MARU_QUEUE_USER;
		sqe.queue.ring = 0x200000;
		sqe.queue.block = MARU_ENTRY(MARU_TIER_HOST, block);
	}
}

/* 2,000 queues and 200 groups beside it: a job takes about as long as alone. */
static void many_queues(void **state)
{
	struct card_queue *queue = card_queue_create(card, &(struct card_queue_config){ 0 });
	uint64_t alone = round_trip_ns(queue, 200), among;
	struct maru_admin_sqe sqe;

	(void)state;
	for (unsigned int vm = 1; vm <= 200; vm++) {
		memset(&sqe, 0, sizeof(sqe));
		sqe.op = MARU_ADMIN_VM_CREATE;
		sqe.vm.vm = (uint16_t)vm;
		sqe.vm.group = (uint16_t)vm;
		sqe.vm.root = MARU_ENTRY(MARU_TIER_HBM, 0x1000) & ~MARU_PTE_LEAF;
		sqe.vm.group_page = MARU_ENTRY(MARU_TIER_HOST,
					       card_alloc(card, MARU_TIER_HOST, 4096));
		assert_int_equal(card_admin(card, &sqe, NULL), MARU_ADMIN_OK);
	}
	for (unsigned int id = 1; id <= 2000; id++)
		free(card_queue_create(card, &(struct card_queue_config){ .id = id,
				       .ring_log2 = 6 }));
	among = round_trip_ns(queue, 200);
	print_message("# round trip alone %llu ns, among 2000 queues %llu ns\n",
		      (unsigned long long)alone, (unsigned long long)among);
	assert_true(among < 3 * alone + 3000);
	free(queue);
}

static void event_laps(void **state)
{
	struct card_queue *queue = card_queue_create(card, &(struct card_queue_config){ 0 });
	struct maru_desc desc = { .op = MARU_DESC_NOP, .flags = MARU_DESC_IRQ };
	struct maru_event event;

	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		card_submit(queue, &desc);
		assert_int_equal(card_event(card, &event, 1000), 0);
		assert_int_equal(event.seq, i);
		assert_int_equal(event.value, i + 1);
		assert_int_equal(event.phase, !(i / 64 & 1));
	}
	assert_int_equal(card->events->producer, 200);
	free(queue);
}

/* 64 entries, nobody takes them: jobs go on, what is too much is counted. */
static void event_overflow(void **state)
{
	struct card_queue *queue = card_queue_create(card, &(struct card_queue_config){ 0 });
	struct maru_desc desc = { .op = MARU_DESC_NOP, .flags = MARU_DESC_IRQ };
	struct maru_event event;

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(card_wait(queue, card_submit(queue, &desc), 1000), 0);
	usleep(10000);
	assert_int_equal(card->events->overflow, 36);
	assert_int_equal(card->events->producer, 64);
	for (uint32_t i = 0; i < 64; i++) {
		assert_int_equal(card_event(card, &event, 1000), 0);
		assert_int_equal(event.seq, i);
	}
	card_submit(queue, &desc);
	assert_int_equal(card_event(card, &event, 1000), 0);
	assert_int_equal(event.seq, 100);
	/* A consumer ahead of the producer is a full ring, and nothing worse. */
	card->events->consumer = 1ULL << 40;
	assert_int_equal(card_wait(queue, card_submit(queue, &desc), 1000), 0);
	usleep(10000);
	assert_int_equal(card->events->overflow, 37);
	free(queue);
}

static bool irq_came(int ms)
{
	struct pollfd poller = { .fd = card->irq_fd[MARU_VECTOR_EVENT], .events = POLLIN };
	uint64_t count;

	return poll(&poller, 1, ms) == 1 && read(poller.fd, &count, 8) == 8;
}

static void one_irq_a_drain(void **state)
{
	struct card_queue *queue = card_queue_create(card, &(struct card_queue_config){ 0 });
	struct maru_desc desc = { .op = MARU_DESC_NOP, .flags = MARU_DESC_IRQ };
	struct maru_event event;

	(void)state;
	card_submit(queue, &desc);
	assert_int_equal(card_event(card, &event, 1000), 0);
	assert_false(irq_came(20));
	for (int round = 0; round < 20; round++) {
		card->events->irq_on = 1;
		for (int i = 0; i < 5; i++)
			card_submit(queue, &desc);
		assert_true(irq_came(1000));
		for (int i = 0; i < 5; i++)
			assert_int_equal(card_event(card, &event, 1000), 0);
		assert_int_equal(card->events->irq_on, 0);
		assert_false(irq_came(0));
	}
	free(queue);
}

static void event_points(void **state)
{
	struct card_queue *queue = card_queue_create(card, &(struct card_queue_config){ 0 });
	struct maru_desc desc = { .op = MARU_DESC_NOP, .flags = MARU_DESC_IRQ };
	struct maru_event event;

	(void)state;
	card_arm(card, IPC_POINT_EVENT_POST, IPC_ACTION_FAIL, 0);
	assert_int_equal(card_wait(queue, card_submit(queue, &desc), 1000), 0);
	assert_int_equal(card_event(card, &event, 20), -ETIMEDOUT);
	assert_int_equal(card->events->overflow, 1);
	card_disarm(card, IPC_POINT_EVENT_POST);
	card->events->irq_on = 1;
	card_arm(card, IPC_POINT_EVENT_IRQ, IPC_ACTION_FAIL, 0);
	card_submit(queue, &desc);
	assert_int_equal(card_event(card, &event, 1000), 0);
	assert_false(irq_came(20));
	assert_int_equal(card->events->irq_on, 0);
	card_disarm(card, IPC_POINT_EVENT_IRQ);
	card_arm(card, IPC_POINT_EVENT_STORE, IPC_ACTION_FAIL, 0);
	for (int turn = 0; turn < 3; turn++) {
		card_submit(queue, &desc);
		assert_int_equal(card_event(card, &event, 1000), 0);
		assert_int_equal(event.type == MARU_EVENT_FENCE, turn == 0);
		assert_int_equal(event.queue == queue->id, turn == 1);
		assert_int_equal(event.seq > 100, turn == 2);
	}
	card_disarm(card, IPC_POINT_EVENT_STORE);
	card_arm(card, IPC_POINT_IRQ_RAISE, IPC_ACTION_FAIL, 0);
	card->events->irq_on = 1;
	card_submit(queue, &desc);
	for (int i = 0; i < 20; i++)
		assert_true(irq_came(200));
	free(queue);
}

/* The tick goes on while a WAIT is pending and stands still without work. */
static void tick_shows_life(void **state)
{
	uint64_t at = card_alloc(card, MARU_TIER_HOST, 4096);
	struct maru_desc wait = { .op = MARU_DESC_WAIT, .wait_value = 1,
				  .wait_va = MARU_VM0_VA(MARU_TIER_HOST, at) };
	struct card_queue *queue = card_queue_create(card, &(struct card_queue_config){ 0 });
	uint64_t used, ns;
	uint32_t tick;

	(void)state;
	card_submit(queue, &wait);
	usleep(100000);
	card_settle(card);
	tick = card->events->tick;
	used = core_cpu_ns();
	ns = card_now_ns() - card_waited_ns(card);
	usleep(1000000);
	card_settle(card);
	ns = card_now_ns() - card_waited_ns(card) - ns;
	used = core_cpu_ns() - used;
	tick = card->events->tick - tick;
	print_message("# one parked WAIT: %u ticks, %llu us of processor time in %llu ms\n", tick,
		      (unsigned long long)used / 1000, (unsigned long long)ns / 1000000);
	assert_true(tick >= 4 * ns / 1000000000);
	*(volatile uint64_t *)card_ptr(card, MARU_TIER_HOST, at) = 1;
	assert_int_equal(card_wait(queue, 1, 1000), 0);
	wait_asleep();
	card_settle(card);
	usleep(20000);
	tick = card->events->tick;
	usleep(300000);
	assert_int_equal(card->events->tick, tick);
	free(queue);
}

static void measure(void **state)
{
	struct card_queue *queue = card_queue_create(card, &(struct card_queue_config){ 0 });
	struct maru_packet packet = { .op = MARU_OP_NOP, .bytes = 64 };
	struct maru_desc desc = { .op = MARU_DESC_EXEC, .bytes = 64 };
	uint64_t begin, at = card_alloc(card, MARU_TIER_HOST, 64), ns, tail = 0;

	(void)state;
	memcpy(card_ptr(card, MARU_TIER_HOST, at), &packet, sizeof(packet));
	desc.va = MARU_VM0_VA(MARU_TIER_HOST, at);
	print_message("# no-op round trip, awake: %llu ns\n",
		      (unsigned long long)round_trip_ns(queue, 500));
	ns = UINT64_MAX;
	for (int i = 0; i < 50; i++) {
		wait_asleep();
		begin = card_now_ns();
		assert_int_equal(card_wait(queue, card_submit(queue, &desc), 1000), 0);
		begin = card_now_ns() - begin;
		ns = begin < ns ? begin : ns;
	}
	print_message("# no-op round trip, asleep: %llu ns\n", (unsigned long long)ns);
	begin = card_now_ns();
	for (int i = 0; i < 200000; i++) {
		while (queue->tail - __atomic_load_n(&queue->ring->head, __ATOMIC_ACQUIRE) >=
		       queue->entries)
			;
		tail = card_submit(queue, &desc);
	}
	assert_int_equal(card_wait(queue, tail, 5000), 0);
	print_message("# no-op jobs of a packet: %llu ns each\n",
		      (unsigned long long)(card_now_ns() - begin) / 200000);
	free(queue);
}

#define TEST(function, text) { text, function, setup, teardown, NULL }
#define SMALL(function, text) { text, function, setup_small, teardown, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sleeps_and_wakes, "[DOOR-1] [DOOR-2] sleep and wake"),
		TEST(no_lost_kicks, "[DOOR-2] no kick is lost"),
		TEST(idle_costs_nothing, "[DOOR-3] an idle card costs nothing"),
		TEST(user_group, "[DOOR-4] the group of a VM, first and last slot"),
		{ "[DOOR-5] many queues and groups", many_queues, setup_large, teardown, NULL },
		SMALL(event_laps, "[EVT-1] [EVT-2] laps of the event ring"),
		SMALL(event_overflow, "[EVT-3] the event ring overflows"),
		TEST(one_irq_a_drain, "[EVT-4] one interrupt for each time irq_on is set"),
		TEST(event_points, "[EVT-5] events at fault points"),
		TEST(tick_shows_life, "[EVT-6] the tick"),
		TEST(measure, "what a no-op costs"),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("doorbell", tests, NULL, NULL);
}
