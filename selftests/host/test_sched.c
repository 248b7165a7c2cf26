// SPDX-License-Identifier: GPL-2.0-only
/* The scheduler: shares, priorities, classes, and that threads change nothing but time. */
#include <errno.h>
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

#define TILE_NS		200000
#define QUEUES_MAX	16

static struct card *card;
static uint64_t commands;		/* a command buffer: one FILL of 4096 tiles */

static void start(unsigned int threads)
{
	const struct card_config config = { .threads = threads };
	struct { struct maru_packet head; struct maru_operand dst; } fill = {
		.head = { .op = MARU_OP_FILL, .bytes = 128, .roles = 1, .fill.pattern = 0x77 },
		.dst = { .type = MARU_TYPE_U8, .dim = { 16 << 20, 1, 1, 1 } },
	};
	uint64_t at;

	fake_engine_tile_ns = TILE_NS;
	card = card_start(&config);
	at = card_alloc(card, MARU_TIER_HBM, 16 << 20);
	commands = card_alloc(card, MARU_TIER_HOST, 4096);
	fill.dst.va = at;
	memcpy(card_ptr(card, MARU_TIER_HOST, commands), &fill, sizeof(fill));
}

static int teardown(void **state)
{
	(void)state;
	fake_engine_tile_ns = 0;
	fake_engine_is_split = 0;
	card_stop(card);
	return 0;
}

static int setup_one(void **state)
{
	(void)state;
	start(1);
	return 0;
}

static int setup_two(void **state)
{
	(void)state;
	start(2);
	return 0;
}

static int setup_two_split(void **state)
{
	fake_engine_is_split = 1;
	return setup_two(state);
}

static int setup_one_split(void **state)
{
	fake_engine_is_split = 1;
	return setup_one(state);
}

static struct card_queue *busy_queue(struct card_queue_config config)
{
	struct maru_desc desc = { .op = MARU_DESC_EXEC, .bytes = 128,
				  .va = MARU_VM0_VA(MARU_TIER_HOST, commands) };
	struct card_queue *queue = card_queue_create(card, &config);

	for (int i = 0; i < 4; i++)
		card_submit(queue, &desc);
	return queue;
}

/* Processor time of the core, whose engine spins: its own time, also on a loaded machine. */
static uint64_t core_cpu_ns(void)
{
	struct timespec time;
	clockid_t clock;

	assert_int_equal(clock_getcpuclockid(card->pid, &clock), 0);
	assert_int_equal(clock_gettime(clock, &time), 0);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Tiles of each queue within a time, after all have begun. */
static void tiles_within(struct card_queue **queues, unsigned int count, unsigned int ms,
			 uint64_t *tiles)
{
	for (unsigned int i = 0; i < count; i++)
		card_wait_u64(card, &queues[i]->block->tile, 1, 2000);
	for (unsigned int i = 0; i < count; i++)
		tiles[i] = queues[i]->block->tile;
	usleep(ms * 1000);
	for (unsigned int i = 0; i < count; i++)
		tiles[i] = queues[i]->block->tile - tiles[i];
}

static void equal_shares(void **state)
{
	struct card_queue *queues[8];
	uint64_t tiles[8], total = 0;

	(void)state;
	for (unsigned int i = 0; i < 8; i++)
		queues[i] = busy_queue((struct card_queue_config){ .id = i });
	tiles_within(queues, 8, 600, tiles);
	for (unsigned int i = 0; i < 8; i++)
		total += tiles[i];
	for (unsigned int i = 0; i < 8; i++) {
		if (tiles[i] * 8 < total * 7 / 10 || tiles[i] * 8 > total * 13 / 10)
			fail_msg("queue %u: %llu of %llu tiles", i, (unsigned long long)tiles[i],
				 (unsigned long long)total);
		free(queues[i]);
	}
}

static void weights(void **state)
{
	static const unsigned int weight[3] = { 50, 100, 300 };
	struct card_queue *queues[3];
	uint64_t tiles[3], total;

	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		queues[i] = busy_queue((struct card_queue_config){ .id = i,
				       .weight = weight[i] });
	tiles_within(queues, 3, 900, tiles);
	total = tiles[0] + tiles[1] + tiles[2];
	for (unsigned int i = 0; i < 3; i++) {
		uint64_t want = total * weight[i] / 450;

		if (tiles[i] < want * 7 / 10 || tiles[i] > want * 13 / 10)
			fail_msg("queue %u: %llu tiles, not about %llu", i,
				 (unsigned long long)tiles[i], (unsigned long long)want);
		free(queues[i]);
	}
}

static void weight_is_changed(void **state)
{
	struct maru_admin_sqe sqe = { .op = MARU_ADMIN_QUEUE_SET };
	struct card_queue *queues[2];
	uint64_t tiles[2];

	(void)state;
	for (unsigned int i = 0; i < 2; i++)
		queues[i] = busy_queue((struct card_queue_config){ .id = i });
	sqe.queue_set.queue = 1;
	sqe.queue_set.property = MARU_PROPERTY_WEIGHT;
	sqe.queue_set.value = 400;
	assert_int_equal(card_admin(card, &sqe, NULL), MARU_ADMIN_OK);
	tiles_within(queues, 2, 600, tiles);
	assert_true(tiles[1] > tiles[0] * 5 / 2 && tiles[1] < tiles[0] * 6);
	sqe.queue_set.property = MARU_PROPERTY_PRIORITY;
	sqe.queue_set.queue = 0;
	sqe.queue_set.value = MARU_PRIORITY_HIGH;
	assert_int_equal(card_admin(card, &sqe, NULL), MARU_ADMIN_OK);
	usleep(20000);
	for (unsigned int i = 0; i < 2; i++)
		tiles[i] = queues[i]->block->tile;
	assert_int_equal(card_wait_u64(card, &queues[0]->block->tile, tiles[0] + 1000, 10000), 0);
	assert_true(queues[1]->block->tile - tiles[1] <= 2);
	free(queues[0]);
	free(queues[1]);
}

/* A queue of a higher priority takes over at the next tile. */
static void priorities(void **state)
{
	struct card_queue *low = busy_queue((struct card_queue_config){ .id = 1 });
	struct card_queue_config config = { .id = 2, .priority = MARU_PRIORITY_HIGH };
	struct card_queue *high = card_queue_create(card, &config);
	struct maru_desc nop = { .op = MARU_DESC_NOP };
	unsigned int soon = 0;
	uint64_t begin;

	(void)state;
	card_wait_u64(card, &low->block->tile, 1, 1000);
	for (int i = 0; i < 20; i++) {
		begin = card_now_ns();
		assert_int_equal(card_wait(high, card_submit(high, &nop), 1000), 0);
		soon += card_now_ns() - begin < 20000000;
	}
	/* The host may have taken the thread away in a few of them. */
	assert_true(soon >= 10);
	assert_int_equal(low->block->done, 0);
	free(low);
	free(high);
}

static void classes_take_turns(void **state)
{
	struct card_queue *queues[4];
	uint64_t tiles[4];

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		queues[i] = busy_queue((struct card_queue_config){ .id = i,
				       .cls = i ? MARU_CLASS_COMPUTE : MARU_CLASS_COPY });
	tiles_within(queues, 4, 600, tiles);
	for (unsigned int i = 1; i < 4; i++)
		assert_true(tiles[i] * 2 < tiles[0] * 13 / 10 && tiles[i] > 10);
	for (unsigned int i = 0; i < 4; i++)
		free(queues[i]);
}

/* Short jobs beside a long one wait for a slice or two, not for its end. */
static void short_beside_long(void **state)
{
	struct card_queue *busy = busy_queue((struct card_queue_config){ .id = 1 });
	struct card_queue *queue = card_queue_create(card, &(struct card_queue_config){ .id = 2 });
	struct maru_desc nop = { .op = MARU_DESC_NOP };
	uint64_t begin;

	(void)state;
	card_wait_u64(card, &busy->block->tile, 1, 1000);
	begin = core_cpu_ns();
	for (int i = 0; i < 20; i++)
		assert_int_equal(card_wait(queue, card_submit(queue, &nop), 5000), 0);
	assert_true(core_cpu_ns() - begin < 20 * 20000000ULL);
	assert_int_equal(busy->block->done, 0);
	free(busy);
	free(queue);
}

static void two_threads_help(void **state)
{
	struct card_queue *queue = busy_queue((struct card_queue_config){ .id = 1 });
	uint64_t busy, active;

	(void)state;
	assert_int_equal(card_wait(queue, 4, 20000), 0);
	usleep(20000);
	active = queue->block->active_ns;
	busy = card->shared->telemetry.busy_ns[MARU_CLASS_COMPUTE];
	/* Card time is that of the queue, not that of its threads. */
	assert_true(busy > active * 3 / 2 && busy <= 2 * active);
	free(queue);
}

static void same_result(void **state)
{
	uint8_t *bytes = card_ptr(card, MARU_TIER_HBM, MARU_BLOCK_BYTES);
	struct maru_desc desc = { .op = MARU_DESC_EXEC, .bytes = 128,
				  .va = MARU_VM0_VA(MARU_TIER_HOST, commands) };
	struct card_queue *queues[3];
	int error = 0;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		queues[i] = card_queue_create(card, &(struct card_queue_config){ .id = i });
		card_submit(queues[i], &desc);
	}
	for (unsigned int i = 0; i < 3; i++) {
		error |= card_wait(queues[i], 1, 20000);
		assert_int_equal(queues[i]->block->tile, 4096);
		free(queues[i]);
	}
	assert_int_equal(error, 0);
	for (int i = 0; i < 16 << 20; i++)
		error |= bytes[i] != 0x77;
	assert_int_equal(error, 0);
}

#define ONE(function, text) { text, function, setup_one, teardown, NULL }
#define TWO(function, text) { text, function, setup_two, teardown, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		ONE(equal_shares, "[SCH-1] round robin, one thread"),
		TWO(equal_shares, "[SCH-1] round robin, two threads"),
		ONE(weights, "[SCH-2] weights, one thread"),
		TWO(weights, "[SCH-2] weights, two threads"),
		ONE(weight_is_changed, "[SCH-2] [ADM-9] weight and priority of a running queue"),
		ONE(priorities, "[SCH-3] priorities"),
		ONE(classes_take_turns, "[SCH-4] classes take turns"),
		ONE(short_beside_long, "[SCH-1] short jobs beside a long one"),
		TWO(two_threads_help, "[SCH-5] [QUE-16] threads share a packet; card time is not "
		    "theirs"),
		ONE(same_result, "[SCH-6] three queues, one thread"),
		TWO(same_result, "[SCH-6] three queues, two threads"),
		{ "[SCH-6] two runs of tiles, one thread", same_result, setup_one_split, teardown,
		  NULL },
		{ "[SCH-6] two runs of tiles, two threads", same_result, setup_two_split, teardown,
		  NULL },
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}
