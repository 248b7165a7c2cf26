// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the card tells about a queue: jobs that are done, and the error that stopped it. Events
 * only say where to look; what counts is the queue block.
 */
#include <drm/drm_drv.h>
#include <drm/maru_accel.h>
#include <drm/maru_cmd.h>

#include "maru_device.h"
#include "maru_error.h"
#include "maru_job.h"
#include "maru_limit.h"
#include "maru_queue.h"
#include "maru_reset.h"

static void maru_job_end_locked(struct maru_queue *queue, struct maru_job *job, int err)
{
	lockdep_assert_held(&queue->lock);
	list_del_init(&job->link);
	maru_job_end(job, err);
}

/**
 * maru_queue_end_head_locked() - End the first job of the ring.
 * @queue: queue with a job in its ring.
 * @err: what its fence carries.
 *
 * Context: any; queue->lock held.
 */
void maru_queue_end_head_locked(struct maru_queue *queue, int err)
{
	struct maru_job *job = list_first_entry(&queue->pending, struct maru_job, link);

	queue->head = job->index + 1;
	maru_job_end_locked(queue, job, err);
}

/**
 * maru_queue_fail_locked() - End all jobs of the ring.
 * @queue: queue.
 * @err: what their fences carry.
 *
 * Context: any; queue->lock held.
 */
void maru_queue_fail_locked(struct maru_queue *queue, int err)
{
	while (!list_empty(&queue->pending))
		maru_queue_end_head_locked(queue, err);
}

/**
 * maru_queue_retire_locked() - End the jobs that the card says are done.
 * @queue: queue.
 *
 * Context: any; queue->lock held, inside drm_dev_enter().
 * Return: how many.
 */
unsigned int maru_queue_retire_locked(struct maru_queue *queue)
{
	u64 done = READ_ONCE(queue->block->done);
	unsigned int count = 0;

	lockdep_assert_held(&queue->lock);
	if (done < queue->head || done > queue->tail) {
		/* the reset that was asked for looks once more */
		if (queue->is_stuck)
			return 0;
		drm_err_ratelimited(&queue->mdev->drm,
				    "queue %u: done %llu is not within %llu and %llu\n",
				    queue->id, done, queue->head, queue->tail);
		queue->is_stuck = true;
		maru_reset_card(queue->mdev, "a queue reports jobs that it never got");
		return 0;
	}
	/* done before what jobs wrote; the card stores done last (fw: queue_show_head) */
	rmb();
	while (!list_empty(&queue->pending) && queue->head < done) {
		maru_queue_end_head_locked(queue, 0);
		count++;
	}
	if (count) {
		maru_limit_restart_locked(queue);
		maru_reset_progress(queue->mdev);
	}
	return count;
}

/**
 * maru_queue_ban_locked() - Take a queue out of use: its head job failed.
 * @queue: queue whose ring the card has stopped to read.
 * @error: error word for user space.
 * @err: what the fence of the head job carries; the later ones carry -ECANCELED.
 *
 * Context: any; queue->lock held, inside drm_dev_enter().
 */
void maru_queue_ban_locked(struct maru_queue *queue, u32 error, int err)
{
	struct maru_job *job = list_first_entry_or_null(&queue->pending, struct maru_job, link);

	lockdep_assert_held(&queue->lock);
	queue->error = *queue->block;
	queue->error.error = error;
	if (job)
		queue->error.job = job->id;
	queue->state = DRM_MARU_QUEUE_STATE_BANNED;
	drm_dbg(&queue->mdev->drm, "queue %u job %llu: banned, error 0x%x packet +0x%x va 0x%llx\n",
		queue->id, queue->error.job, error, queue->error.packet_offset,
		queue->error.error_va);
	if (job)
		maru_queue_end_head_locked(queue, err);
	maru_queue_fail_locked(queue, -ECANCELED);
}

static void maru_queue_handle_halt_locked(struct maru_queue *queue)
{
	u32 error = READ_ONCE(queue->block->error);
	int err = maru_error_errno(error) ?: -EIO;

	if (queue->file) {
		maru_queue_ban_locked(queue, error, err);
		return;
	}
	/* the kernel's own packets are right: the card is not */
	drm_err_ratelimited(&queue->mdev->drm, "queue %u: kernel job failed, error 0x%x\n",
			    queue->id, error);
	queue->is_stuck = true;
	maru_reset_card(queue->mdev, "a job of the kernel failed");
}

static bool maru_queue_is_listening_locked(const struct maru_queue *queue)
{
	return queue->state == DRM_MARU_QUEUE_STATE_OK && queue->on_card && !queue->stopping &&
	       !queue->is_stuck && !queue->killed;
}

/**
 * maru_queue_process() - Look at the block of a queue and act on it.
 * @queue: queue.
 *
 * Context: any, hard interrupt included.
 */
void maru_queue_process(struct maru_queue *queue)
{
	bool cookie = dma_fence_begin_signalling();
	unsigned long flags;
	int idx;

	if (drm_dev_enter(&queue->mdev->drm, &idx)) {
		spin_lock_irqsave(&queue->lock, flags);
		if (maru_queue_is_listening_locked(queue)) {
			bool is_halted = READ_ONCE(queue->block->status) == MARU_QUEUE_HALTED;

			/* status before done and reasons; stored after them (fw: queue_halt) */
			rmb();
			maru_queue_retire_locked(queue);
			if (is_halted && !queue->is_stuck)
				maru_queue_handle_halt_locked(queue);
		}
		spin_unlock_irqrestore(&queue->lock, flags);
		drm_dev_exit(idx);
	}
	dma_fence_end_signalling(cookie);
}

/**
 * maru_queue_process_id() - The card says that a job of a queue is done, or that it stopped.
 * @mdev: device.
 * @id: of the queue, as the card gave it: there need be none.
 *
 * Context: any, hard interrupt included.
 */
void maru_queue_process_id(struct maru_device *mdev, u32 id)
{
	struct maru_queue *queue;

	rcu_read_lock();
	queue = xa_load(&mdev->queues, id);
	if (queue && !kref_get_unless_zero(&queue->ref))
		queue = NULL;
	rcu_read_unlock();
	if (!queue)
		return;
	maru_queue_process(queue);
	maru_queue_put(queue);
}

/**
 * maru_queue_scan_all() - Events were lost: look at all queues.
 * @mdev: device.
 *
 * Context: any, hard interrupt included.
 */
void maru_queue_scan_all(struct maru_device *mdev)
{
	struct maru_queue *queue;
	unsigned long id;

	xa_for_each(&mdev->queues, id, queue)
		maru_queue_process_id(mdev, id);
}

/**
 * maru_queue_refusal_locked() - Tell why a queue takes no more jobs.
 * @queue: queue.
 *
 * Context: any; queue->lock held.
 * Return: 0 it does; -ECANCELED banned or destroyed; -ENODEV, -EIO lost.
 */
int maru_queue_refusal_locked(const struct maru_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	if (queue->state == DRM_MARU_QUEUE_STATE_LOST)
		return queue->lost_errno;
	if (queue->killed || queue->state == DRM_MARU_QUEUE_STATE_BANNED)
		return -ECANCELED;
	return 0;
}

/**
 * maru_queue_counters() - Sum up the counters of a queue over all cores it ran on.
 * @queue: queue.
 * @sum: active_ns, model_ns, bytes, storage_bytes, picojoule are set.
 *
 * Context: any.
 */
void maru_queue_counters(struct maru_queue *queue, struct maru_queue_block *sum)
{
	struct maru_queue_block now = { };
	unsigned long flags;
	int idx;

	spin_lock_irqsave(&queue->lock, flags);
	if (drm_dev_enter(&queue->mdev->drm, &idx)) {
		now = *queue->block;
		drm_dev_exit(idx);
	}
	sum->active_ns = queue->base.active_ns + now.active_ns;
	sum->model_ns = queue->base.model_ns + now.model_ns;
	for (int tier = 0; tier < ARRAY_SIZE(sum->bytes); tier++)
		sum->bytes[tier] = queue->base.bytes[tier] + now.bytes[tier];
	sum->storage_bytes = queue->base.storage_bytes + now.storage_bytes;
	sum->picojoule = queue->base.picojoule + now.picojoule;
	spin_unlock_irqrestore(&queue->lock, flags);
}

/**
 * maru_queue_active_ns() - Card time that a file used, destroyed queues included.
 * @file: file.
 * @cls: MARU_CLASS_*.
 *
 * Context: process.
 * Return: ns.
 */
u64 maru_queue_active_ns(struct maru_file *file, u32 cls)
{
	struct maru_queue *queue;
	unsigned long id;
	u64 ns;

	xa_lock(&file->queues);
	ns = atomic64_read(&file->active_ns[cls]);
	xa_for_each(&file->queues, id, queue) {
		struct maru_queue_block sum;

		if (queue->cls != cls)
			continue;
		maru_queue_counters(queue, &sum);
		ns += sum.active_ns;
	}
	xa_unlock(&file->queues);
	return ns;
}
