// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring of a queue: descriptors in system memory, their tail, and the block that the card
 * answers in. Descriptors stay in the ring until they are done, so that a new core can be
 * pointed to those that the old one left.
 */
#include <drm/drm_drv.h>
#include <drm/maru_accel.h>
#include <drm/maru_cmd.h>
#include <linux/dma-mapping.h>

#include "maru_ring.h"

/**
 * maru_ring_alloc() - Allocate the ring and the block of a queue.
 * @queue: queue without.
 *
 * Context: process, sleeps.
 * Return: 0; -ENODEV the card is gone; -ENOMEM.
 */
int maru_ring_alloc(struct maru_queue *queue)
{
	struct maru_device *mdev = queue->mdev;
	int idx;

	static_assert(MARU_RING_BLOCK % MARU_PAGE_BYTES == 0);
	/* the memory is the device's resource: nobody may add one once those were freed */
	if (!drm_dev_enter(&mdev->drm, &idx))
		return -ENODEV;
	queue->ring = dmam_alloc_coherent(mdev->drm.dev, MARU_RING_BYTES, &queue->ring_dma,
					  GFP_KERNEL | __GFP_NOWARN);
	drm_dev_exit(idx);
	if (!queue->ring)
		return -ENOMEM;
	queue->descs = (void *)queue->ring + sizeof(struct maru_ring);
	queue->block = (void *)queue->ring + MARU_RING_BLOCK;
	return 0;
}

/**
 * maru_ring_free() - Free what maru_ring_alloc() allocated, unless the device's end did.
 * @queue: queue that the card does not know any more.
 *
 * Context: process, sleeps.
 */
void maru_ring_free(struct maru_queue *queue)
{
	struct maru_device *mdev = queue->mdev;
	int idx;

	if (!queue->ring || !drm_dev_enter(&mdev->drm, &idx))
		return;
	dmam_free_coherent(mdev->drm.dev, MARU_RING_BYTES, queue->ring, queue->ring_dma);
	drm_dev_exit(idx);
	queue->ring = NULL;
}

/** maru_ring_entry() - The ring as QUEUE_CREATE carries it. */
u64 maru_ring_entry(const struct maru_queue *queue)
{
	return MARU_ENTRY(MARU_TIER_HOST, queue->ring_dma);
}

/** maru_ring_block_entry() - The queue block as QUEUE_CREATE carries it. */
u64 maru_ring_block_entry(const struct maru_queue *queue)
{
	return MARU_ENTRY(MARU_TIER_HOST, queue->ring_dma + MARU_RING_BLOCK);
}

/**
 * maru_ring_emit_locked() - Put a job into the ring.
 * @queue: queue with room, which the scheduler's credits see to.
 * @job: job; gets its index.
 *
 * The doorbell is the caller's. Context: any; queue->lock held, inside drm_dev_enter().
 */
void maru_ring_emit_locked(struct maru_queue *queue, struct maru_job *job)
{
	struct maru_desc *desc = &queue->descs[queue->tail % MARU_QUEUE_RING_SIZE];

	lockdep_assert_held(&queue->lock);
	*desc = (struct maru_desc){
		.op = job->bytes ? MARU_DESC_EXEC : MARU_DESC_NOP,
		.flags = (job->irq ? MARU_DESC_IRQ : 0) |
			 (job->flags & DRM_MARU_JOB_IDEMPOTENT ? MARU_DESC_IDEMPOTENT : 0),
		.bytes = job->bytes,
		.va = job->va,
		.job = job->id,
	};
	job->index = queue->tail++;
	/* descriptor before tail; the core reads tail, then fetches (fw: queue_fetch) */
	wmb();
	WRITE_ONCE(queue->ring->tail, queue->tail);
}

/**
 * maru_ring_restart_locked() - Make the ring ready for a new core.
 * @queue: queue that no core knows.
 * @start: first index that it shall fetch; what is in the ring from there stays.
 *
 * Context: any; queue->lock held, inside drm_dev_enter().
 */
void maru_ring_restart_locked(struct maru_queue *queue, u64 start)
{
	lockdep_assert_held(&queue->lock);
	memset(queue->block, 0, sizeof(*queue->block));
	queue->block->done = start;
	queue->block->started = start;
	queue->ring->head = start;
	queue->ring->status = MARU_QUEUE_OK;
	queue->ring->error = 0;
}
