// SPDX-License-Identifier: MIT
/* Descriptors are fetched once and completed once; the queue block is the truth about both. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "firmware-emu/fw/event.h"
#include "firmware-emu/fw/fault.h"
#include "firmware-emu/fw/queue.h"
#include "firmware-emu/mem/point.h"

#define SLICE_DEFAULT_US	2000
#define RING_HEAD		offsetof(struct maru_ring, head)
#define RING_STATUS		offsetof(struct maru_ring, status)
#define BLOCK_WRITTEN		offsetof(struct maru_queue_block, irq_arm)
#define BLOCK_LINE		64

static struct queue *queues[FW_QUEUES];
static unsigned int count;

struct queue *queue_lookup(unsigned int id)
{
	return id < FW_QUEUES ? queues[id] : NULL;
}

unsigned int queue_count(void)
{
	return count;
}

static void queue_block_init(struct queue *queue, uint64_t start)
{
	queue->block.done = start;
	queue->block.started = start;
	queue->head = start;
	queue->tail = start;
}

struct queue *queue_create(const struct maru_admin_queue *args, struct vm *vm)
{
	bool is_user = args->flags & MARU_QUEUE_USER;
	struct queue *queue = aligned_alloc(64, (sizeof(*queue) + 63) / 64 * 64);

	if (!queue)
		return NULL;
	memset(queue, 0, sizeof(*queue));
	queue->id = args->queue;
	queue->cls = args->cls;
	queue->slot = args->slot;
	queue->group = is_user ? vm->group : 0;
	queue->vm = vm;
	queue->ring_space = is_user ? vm->space : fw_kernel();
	queue->ring = is_user ? args->ring : fw_entry_va(args->ring);
	queue->entries = 1ULL << args->ring_log2;
	queue->block_va = fw_entry_va(args->block) + args->block_offset;
	queue->state = QUEUE_IDLE;
	queue->priority = args->priority;
	queue->weight = args->weight;
	queue->slice_ns = 1000ULL * (args->time_slice_us ? args->time_slice_us :
				     SLICE_DEFAULT_US);
	pthread_mutex_init(&queue->tile_lock, NULL);
	pthread_mutex_init(&queue->block_lock, NULL);
	queue_block_init(queue, args->start);
	queues[queue->id] = queue;
	vm->queues++;
	__atomic_store_n(&fw.shared->queues, ++count, __ATOMIC_RELAXED);
	return queue;
}

void queue_free(struct queue *queue)
{
	queues[queue->id] = NULL;
	queue->vm->queues--;
	__atomic_store_n(&fw.shared->queues, --count, __ATOMIC_RELAXED);
	pthread_mutex_destroy(&queue->tile_lock);
	pthread_mutex_destroy(&queue->block_lock);
	free(queue);
}

int queue_fetch_tail(struct queue *queue, struct span_fault *fault)
{
	return span_read(queue->ring_space, queue->ring, &queue->tail, sizeof(queue->tail),
			 fault);
}

int queue_fetch(struct queue *queue, struct span_fault *fault)
{
	uint64_t slot = queue->head & (queue->entries - 1);

	return span_read(queue->ring_space, queue->ring + sizeof(struct maru_ring) +
			 slot * sizeof(queue->desc), &queue->desc, sizeof(queue->desc), fault);
}

static void block_write(struct queue *queue, uint64_t from, uint64_t bytes)
{
	struct span_fault fault;

	span_write(fw_kernel(), queue->block_va + from, (uint8_t *)&queue->block + from, bytes,
		   &fault);
}

static uint64_t block_active_ns(const struct queue *queue, uint64_t now_ns)
{
	return queue->active_ns + (queue->since_ns ? now_ns - queue->since_ns : 0);
}

void queue_begin(struct queue *queue)
{
	pthread_mutex_lock(&queue->block_lock);
	queue->block.started = queue->head + 1;
	queue->block.job = queue->desc.job;
	queue->block.active_ns = block_active_ns(queue, fw_now_ns());
	block_write(queue, offsetof(struct maru_queue_block, active_ns),
		    BLOCK_LINE - offsetof(struct maru_queue_block, active_ns));
	block_write(queue, offsetof(struct maru_queue_block, started),
		    sizeof(queue->block.started));
	pthread_mutex_unlock(&queue->block_lock);
}

void queue_progress(struct queue *queue, const struct engine_bytes *bytes, bool is_packet)
{
	pthread_mutex_lock(&queue->block_lock);
	if (is_packet)
		queue->block.packet++;
	else
		queue->block.tile++;
	for (unsigned int tier = 0; bytes && tier < MARU_TIER_COUNT; tier++)
		queue->block.bytes[tier] += bytes->read[tier] + bytes->written[tier];
	block_write(queue, offsetof(struct maru_queue_block, packet),
		    sizeof(queue->block.packet) + sizeof(queue->block.tile));
	pthread_mutex_unlock(&queue->block_lock);
}

void queue_show_active(struct queue *queue, uint64_t now_ns)
{
	pthread_mutex_lock(&queue->block_lock);
	queue->block.active_ns = block_active_ns(queue, now_ns);
	block_write(queue, offsetof(struct maru_queue_block, active_ns),
		    sizeof(queue->block.active_ns));
	pthread_mutex_unlock(&queue->block_lock);
}

/* All but done, which has to be last, in an order in which status follows its reasons. */
static void block_write_state(struct queue *queue)
{
	queue->block.active_ns = block_active_ns(queue, fw_now_ns());
	block_write(queue, BLOCK_LINE, BLOCK_WRITTEN - BLOCK_LINE);
	block_write(queue, sizeof(queue->block.done), BLOCK_LINE - sizeof(queue->block.done));
}

static bool queue_wants_event(struct queue *queue, bool has_signalled)
{
	struct span_fault fault;
	uint32_t irq_arm = 0;

	if (queue->desc.flags & MARU_DESC_IRQ)
		return true;
	if (!has_signalled)
		return false;
	/* The waiter: irq_arm = 1, mb(), reads the fence. Here: fence, mb(), reads irq_arm. */
	fw_mb();
	return !span_read(fw_kernel(), queue->block_va + BLOCK_WRITTEN, &irq_arm,
			  sizeof(irq_arm), &fault) && irq_arm;
}

static void queue_show_head(struct queue *queue)
{
	struct span_fault fault;

	span_write(queue->ring_space, queue->ring + RING_HEAD, &queue->head,
		   sizeof(queue->head), &fault);
	queue->block.done = queue->head;
	if (point_hit(IPC_POINT_QUEUE_DONE))
		queue->block.done += 1ULL << 32;
	queue->block.started = queue->head;
	pthread_mutex_lock(&queue->block_lock);
	block_write_state(queue);
	block_write(queue, 0, sizeof(queue->block.done));
	pthread_mutex_unlock(&queue->block_lock);
}

void queue_complete(struct queue *queue, bool has_signalled, uint32_t error)
{
	queue->head++;
	if (has_signalled)
		queue->block.fence = queue->desc.signal_value;
	if (error) {
		queue->block.error = error;
		queue->block.packet_offset = (uint32_t)queue->offset;
		queue->block.tag = 0;
		queue->block.error_value = 0;
		queue->block.error_va = 0;
	}
	queue_show_head(queue);
	if (!error)
		fw_count(&fw.shared->telemetry.jobs, 1);
	if (point_hit(IPC_POINT_JOB_SIGNALLED))
		return;
	if (queue_wants_event(queue, has_signalled))
		event_post(MARU_EVENT_FENCE, (uint16_t)queue->id, 0, queue->head, 0);
}

void queue_skip(struct queue *queue, uint64_t head)
{
	queue->head = head;
	queue_show_head(queue);
}

void queue_count_reset(struct queue *queue)
{
	pthread_mutex_lock(&queue->block_lock);
	queue->block.resets++;
	block_write(queue, offsetof(struct maru_queue_block, status),
		    sizeof(queue->block.status) + sizeof(queue->block.resets));
	pthread_mutex_unlock(&queue->block_lock);
	fw_count(&fw.shared->telemetry.queue_resets, 1);
}

void queue_halt(struct queue *queue, const struct queue_error *error)
{
	const uint32_t ring[2] = { MARU_QUEUE_HALTED, error->error.word };
	struct span_fault fault;

	pthread_mutex_lock(&queue->block_lock);
	queue->block.error = error->error.word;
	queue->block.packet_offset = error->packet_offset;
	queue->block.tag = error->error.tag;
	queue->block.error_value = error->error.value;
	queue->block.error_va = error->error.va;
	queue->block.job = queue->stage == STAGE_FETCH ? 0 : queue->desc.job;
	queue->block.status = MARU_QUEUE_HALTED;
	block_write_state(queue);
	pthread_mutex_unlock(&queue->block_lock);
	span_write(queue->ring_space, queue->ring + RING_STATUS, ring, sizeof(ring), &fault);
	fault_post(queue, error);
}

/* Where the runs of tiles start, and where the last one ends. */
static void queue_runs(const struct queue *queue, uint32_t starts[3])
{
	starts[0] = 0;
	starts[1] = queue->op.second ? queue->op.second : queue->op.tiles;
	starts[2] = queue->op.tiles;
}

uint64_t queue_tiles_left(struct queue *queue)
{
	uint64_t left = 0, taken;
	uint32_t starts[3];

	queue_runs(queue, starts);
	for (unsigned int run = 0; run < 2; run++) {
		taken = atomic_load(&queue->taken[run]);
		if (taken < starts[run + 1] - starts[run])
			left += starts[run + 1] - starts[run] - taken;
	}
	return left;
}

bool queue_take_tile(struct queue *queue, unsigned int run, uint32_t *tile)
{
	uint32_t starts[3];
	uint64_t taken;

	queue_runs(queue, starts);
	for (unsigned int i = 0; i < 2; i++, run = !run) {
		taken = atomic_fetch_add(&queue->taken[run], 1);
		if (taken < starts[run + 1] - starts[run]) {
			*tile = starts[run] + (uint32_t)taken;
			return true;
		}
	}
	return false;
}
