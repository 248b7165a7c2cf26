// SPDX-License-Identifier: MIT
/* A submission as descriptors: one for each fence waited for, each job, each further signal. */
#include <errno.h>
#include <string.h>

#include "direct.h"

static uint64_t word_va(uint32_t timeline)
{
	return DIRECT_WORDS_VA + (uint64_t)timeline * DIRECT_WORD_BYTES;
}

static uint64_t card_value(const struct direct *direct, const struct accel_fence *fence)
{
	return direct->timelines[fence->timeline->handle].base + fence->value;
}

static bool is_reached(const struct direct *direct, uint32_t timeline, uint64_t value)
{
	return atomic_load(direct_word(direct, timeline)) >= value;
}

static void put(struct direct_queue *queue, const struct maru_desc *desc)
{
	queue->descs[queue->tail++ & (queue->entries - 1)] = *desc;
}

/* A fence that nobody has promised would never come. */
static int check_waits(const struct direct *direct, const struct accel_jobs *batch)
{
	for (uint32_t i = 0; i < batch->wait_count; i++) {
		const struct accel_fence *fence = &batch->waits[i];

		if (fence->timeline && card_value(direct, fence) >
		    direct->timelines[fence->timeline->handle].promised)
			return -ENOENT;
	}
	return 0;
}

static void put_waits(struct direct *direct, struct direct_queue *queue,
		      const struct accel_jobs *batch)
{
	for (uint32_t i = 0; i < batch->wait_count; i++) {
		const struct accel_fence *fence = &batch->waits[i];
		struct maru_desc desc = { .op = MARU_DESC_WAIT, .flags = MARU_DESC_IDEMPOTENT,
					  .job = batch->pending->first };

		if (!fence->timeline ||
		    is_reached(direct, fence->timeline->handle, card_value(direct, fence)))
			continue;
		desc.wait_va = word_va(fence->timeline->handle);
		desc.wait_value = card_value(direct, fence);
		put(queue, &desc);
	}
}

static void put_jobs(struct direct *direct, struct direct_queue *queue,
		     const struct accel_jobs *batch)
{
	struct direct_timeline *own = &direct->timelines[queue->timeline];

	for (uint32_t i = 0; i < batch->count; i++) {
		const struct accel_job *job = &batch->jobs[i];
		struct maru_desc desc = {
			.op = job->bytes ? MARU_DESC_EXEC : MARU_DESC_NOP,
			.flags = job->is_idempotent ? MARU_DESC_IDEMPOTENT : 0,
			.bytes = job->bytes, .va = job->bytes ? job->address : 0, .job = job->id,
		};

		if (i == batch->count - 1) {
			own->promised = own->base + batch->pending->last;
			desc.signal_va = word_va(queue->timeline);
			desc.signal_value = own->promised;
		}
		put(queue, &desc);
	}
	queue->submitted += batch->count;
}

/* Behind whatever was promised there before, on whichever queue: the word only rises. */
static void put_signals(struct direct *direct, struct direct_queue *queue,
			const struct accel_jobs *batch)
{
	for (uint32_t i = 0; i < batch->signal_count; i++) {
		const struct accel_fence *fence = &batch->signals[i];
		struct direct_timeline *timeline;
		struct maru_desc desc = { .op = MARU_DESC_SIGNAL, .flags = MARU_DESC_IDEMPOTENT,
					  .job = batch->pending->last };
		uint64_t value;

		if (!fence->timeline)
			continue;
		timeline = &direct->timelines[fence->timeline->handle];
		value = card_value(direct, fence);
		if (!is_reached(direct, fence->timeline->handle, timeline->promised)) {
			desc.wait_va = word_va(fence->timeline->handle);
			desc.wait_value = timeline->promised;
		}
		if (timeline->promised < value)
			timeline->promised = value;
		desc.signal_va = word_va(fence->timeline->handle);
		desc.signal_value = timeline->promised;
		put(queue, &desc);
	}
}

struct room {
	struct direct_queue *queue;
	uint64_t need;
};

static bool has_room(struct direct *direct, const void *what)
{
	const struct room *room = what;

	(void)direct;
	return room->queue->state != DRM_MARU_QUEUE_STATE_OK ||
	       room->queue->entries - 1 - (room->queue->tail - room->queue->head) >= room->need;
}

static int refusal(const struct direct *direct, const struct direct_queue *queue)
{
	if (queue->state == DRM_MARU_QUEUE_STATE_LOST)
		return queue->lost;
	if (queue->state == DRM_MARU_QUEUE_STATE_BANNED)
		return -ECANCELED;
	return direct->error;
}

static int submit(struct direct *direct, struct direct_queue *queue,
		  const struct accel_jobs *batch)
{
	struct room room = {
		queue, (uint64_t)batch->wait_count + batch->count + batch->signal_count
	};
	int error;

	if (room.need > queue->entries - 1)
		return -E2BIG;
	if (!has_room(direct, &room))
		event_wait(direct, has_room, &room, ACCEL_FOREVER);
	error = refusal(direct, queue);
	if (!error)
		error = check_waits(direct, batch);
	if (error)
		return error;
	if (queue->head == queue->tail)
		done_restart_look(direct, queue);
	put_waits(direct, queue, batch);
	put_jobs(direct, queue, batch);
	put_signals(direct, queue, batch);
	/* Descriptors, then tail; the core: tail, then descriptors (fw/queue.c). */
	__atomic_store_n(&queue->ring->tail, queue->tail, __ATOMIC_RELEASE);
	if (direct->has_leader)
		__atomic_store_n(&queue->block->irq_arm, 1, __ATOMIC_RELAXED);
	direct_kick(direct, queue->id + 1);
	return 0;
}

int direct_queue_submit(struct accel_queue *out, const struct accel_jobs *batch)
{
	struct direct *direct = direct_of(out->device);
	int error;

	if (atomic_load(&direct->is_forked))
		return -ENODEV;
	pthread_mutex_lock(&direct->lock);
	error = submit(direct, direct->queues[out->id], batch);
	pthread_mutex_unlock(&direct->lock);
	return error;
}
