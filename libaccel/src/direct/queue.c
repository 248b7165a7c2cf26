// SPDX-License-Identifier: MIT
/* Queues: rings in memory that the card sees, and what is put into them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "direct.h"

#define LIMIT_BOUND_MS	3600000u
#define WEIGHT		100
#define WEIGHT_MAX	1000

static struct direct_queue *queue_of(const struct accel_queue *queue)
{
	return direct_of(queue->device)->queues[queue->id];
}

static int check(const struct direct *direct, const struct accel_queue_desc *desc)
{
	if ((unsigned int)desc->cls > MARU_CLASS_STORAGE ||
	    (unsigned int)desc->priority > MARU_PRIORITY_REALTIME ||
	    desc->weight > WEIGHT_MAX || desc->time_limit_ms > LIMIT_BOUND_MS)
		return -EINVAL;
	if (desc->cls == MARU_CLASS_STORAGE || !(direct->caps.engines.classes >> desc->cls & 1))
		return -EOPNOTSUPP;
	return 0;	/* a card of one's own: no right is needed to be first in line */
}

int queue_send_create(struct direct *direct, struct direct_queue *queue)
{
	struct maru_admin_sqe sqe = { .op = MARU_ADMIN_QUEUE_CREATE };

	sqe.queue.queue = (uint16_t)queue->id;
	sqe.queue.vm = DIRECT_VM;
	sqe.queue.cls = queue->cls;
	sqe.queue.priority = queue->priority;
	sqe.queue.weight = queue->weight;
	sqe.queue.slot = (uint16_t)(queue->id + 1);
	sqe.queue.ring_log2 = (uint8_t)__builtin_ctzll(queue->entries);
	sqe.queue.ring = direct_entry(direct, queue->ring);
	sqe.queue.block = direct_entry(direct, queue->block);
	sqe.queue.start = queue->head;
	return admin_once(direct, &sqe, NULL);
}

static struct direct_queue *queue_alloc(struct direct *direct, const struct accel_queue_desc *desc)
{
	uint32_t log2 = direct->caps.limits.ring_log2;
	struct direct_queue *queue = calloc(1, sizeof(*queue));
	uint8_t *ring;

	if (!queue)
		return NULL;
	queue->cls = (uint8_t)desc->cls;
	queue->priority = (uint8_t)desc->priority;
	queue->weight = (uint16_t)(desc->weight ? desc->weight : WEIGHT);
	queue->time_limit_ms = desc->time_limit_ms ? desc->time_limit_ms : DIRECT_LIMIT_MS;
	queue->entries = 1ull << (log2 < DIRECT_RING_LOG2 ? log2 : DIRECT_RING_LOG2);
	queue->memory_bytes = sizeof(struct maru_ring) + MARU_PAGE_BYTES +
			      queue->entries * sizeof(struct maru_desc);
	pthread_mutex_lock(&direct->memory_lock);
	ring = direct_host_alloc(direct, queue->memory_bytes);
	pthread_mutex_unlock(&direct->memory_lock);
	if (!ring) {
		free(queue);
		return NULL;
	}
	queue->memory = (uint64_t)(ring - direct->host);
	queue->ring = (struct maru_ring *)ring;
	queue->descs = (struct maru_desc *)(queue->ring + 1);
	queue->block = (struct maru_queue_block *)(queue->descs + queue->entries);
	return queue;
}

static void queue_free(struct direct *direct, struct direct_queue *queue)
{
	pthread_mutex_lock(&direct->memory_lock);
	heap_free(&direct->heaps[MARU_TIER_HOST], queue->memory, queue->memory_bytes);
	pthread_mutex_unlock(&direct->memory_lock);
	free(queue->ends);
	free(queue);
}

static int take_id(struct direct *direct, struct direct_queue *queue)
{
	uint32_t limit = direct->caps.limits.queues;

	for (uint32_t i = 0; i < DIRECT_QUEUES && i < limit; i++) {
		if (direct->queues[i])
			continue;
		queue->id = i;
		direct->queues[i] = queue;
		if (direct->queue_top <= i)
			direct->queue_top = i + 1;
		return 0;
	}
	return -ENOSPC;
}

/* With lock, so that no recovery makes it a second time. */
static int make(struct direct *direct, struct direct_queue *queue)
{
	int error = direct->error ? direct->error : take_id(direct, queue);

	if (error)
		return error;
	pthread_mutex_lock(&direct->admin_lock);
	error = queue_send_create(direct, queue);
	pthread_mutex_unlock(&direct->admin_lock);
	if (error == -ECANCELED) {
		recover(direct);	/* which makes it */
		error = direct->error;
	} else if (error == -ENODEV) {
		done_lose(direct, -ENODEV);
	}
	if (error)
		direct->queues[queue->id] = NULL;
	else
		done_restart_look(direct, queue);
	return error;
}

int direct_queue_create(struct accel_queue *out, const struct accel_queue_desc *desc)
{
	struct direct *direct = direct_of(out->device);
	struct direct_queue *queue;
	int error;

	if (atomic_load(&direct->is_forked))
		return -ENODEV;
	error = check(direct, desc);
	if (error)
		return error;
	queue = queue_alloc(direct, desc);
	if (!queue)
		return -ENOMEM;
	queue->timeline = out->timeline.handle;
	pthread_mutex_lock(&direct->lock);
	error = make(direct, queue);
	pthread_mutex_unlock(&direct->lock);
	if (error)
		queue_free(direct, queue);
	else
		out->id = queue->id;
	return error;
}

void direct_queue_destroy(struct accel_queue *out)
{
	struct direct *direct = direct_of(out->device);
	struct maru_admin_sqe sqe = { .op = MARU_ADMIN_QUEUE_DESTROY };
	struct direct_queue *queue = queue_of(out);

	if (atomic_load(&direct->is_forked))
		return;
	pthread_mutex_lock(&direct->lock);
	done_look(direct);
	if (!direct->error) {
		sqe.queue.queue = (uint16_t)queue->id;
		pthread_mutex_lock(&direct->admin_lock);
		/* -ENOENT: banned before a reset. Else the core is dead, or made to be. */
		if (admin_once(direct, &sqe, NULL) == -ECANCELED)
			queue->is_guilty = true;
		pthread_mutex_unlock(&direct->admin_lock);
		if (queue->is_guilty)
			recover_check(direct);
	}
	done_fail(direct, queue, -ECANCELED);
	direct->queues[out->id] = NULL;
	while (direct->queue_top && !direct->queues[direct->queue_top - 1])
		direct->queue_top--;
	event_wake(direct);
	pthread_mutex_unlock(&direct->lock);
	queue_free(direct, queue);
}

int direct_queue_info(struct accel_queue *out, struct drm_maru_queue_info *info)
{
	struct direct *direct = direct_of(out->device);
	struct direct_queue *queue;
	int error;

	if (atomic_load(&direct->is_forked))
		return -ENODEV;
	memset(info, 0, sizeof(*info));
	pthread_mutex_lock(&direct->lock);
	event_glance(direct);
	queue = queue_of(out);
	error = direct->error == -ENODEV ? -ENODEV : 0;
	info->id = queue->id;
	info->state = queue->state;
	info->error = queue->error.error;
	info->packet_offset = queue->error.packet_offset;
	info->tag = queue->error.tag;
	info->error_value = queue->error.error_value;
	info->error_va = queue->error.error_va;
	info->error_job = queue->error.job;
	info->guilty_resets = queue->guilty_resets;
	info->innocent_resets = queue->innocent_resets;
	info->submitted = queue->submitted;
	info->done = queue->finished;
	info->active_ns = queue->base.active_ns + CARD_READ(queue->block->active_ns);
	info->model_ns = queue->base.model_ns + queue->block->model_ns;
	info->picojoule = queue->base.picojoule + queue->block->picojoule;
	for (int tier = 0; tier < MARU_TIER_COUNT; tier++)
		info->bytes[tier] = queue->base.bytes[tier] + queue->block->bytes[tier];
	info->bytes[MARU_TIER_COUNT] = queue->base.storage_bytes + queue->block->storage_bytes;
	pthread_mutex_unlock(&direct->lock);
	return error;
}

int direct_job_status(struct accel_queue *out, struct accel_pending *pending)
{
	struct direct *direct = direct_of(out->device);
	struct direct_queue *queue;
	int error = 0;

	if (atomic_load(&direct->is_forked))
		return -ENODEV;
	pthread_mutex_lock(&direct->lock);
	queue = queue_of(out);
	for (uint32_t i = 0; i < queue->end_count && !error; i++) {
		if (pending->last >= queue->ends[i].first && pending->last <= queue->ends[i].last)
			error = queue->ends[i].error;
	}
	pthread_mutex_unlock(&direct->lock);
	return error;
}

void direct_job_free(struct accel_queue *queue, struct accel_pending *pending)
{
	(void)queue;
	(void)pending;
}
