// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operations that drm_sched calls: a scheduler and an entity a queue, all of which share
 * the device's workqueues.
 */
#include <drm/drm_drv.h>
#include <drm/maru_accel.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "maru_device.h"
#include "maru_fence.h"
#include "maru_fw.h"
#include "maru_limit.h"
#include "maru_job.h"
#include "maru_mmio.h"
#include "maru_queue.h"
#include "maru_ring.h"
#include "maru_sched.h"
#include "maru_trace.h"

/* How often a queue with work is looked at. */
#define MARU_SCHED_TICK_MAX_MS	2000
#define MARU_SCHED_TICK_MIN_MS	20
#define MARU_SCHED_TICKS	4	/* in a time limit */

static int maru_sched_emit(struct maru_queue *queue, struct maru_job *job)
{
	struct maru_device *mdev = queue->mdev;
	int ret, idx;

	if (!drm_dev_enter(&mdev->drm, &idx))
		return -ENODEV;
	spin_lock_irq(&queue->lock);
	ret = maru_queue_refusal_locked(queue);
	if (!ret) {
		if (list_empty(&queue->pending))
			maru_limit_restart_locked(queue);
		list_add_tail(&job->link, &queue->pending);
		maru_ring_emit_locked(queue, job);
		trace_maru_job_start(job);
	}
	spin_unlock_irq(&queue->lock);
	if (!ret) {
		maru_doorbell_kick(mdev, queue->slot);
		maru_fw_watch(mdev);
	}
	drm_dev_exit(idx);
	return ret;
}

static struct dma_fence *maru_sched_run_job(struct drm_sched_job *base)
{
	struct maru_job *job = to_maru_job(base);
	struct maru_fence *fence = job->fence;
	bool cookie = dma_fence_begin_signalling();
	int ret;

	dma_fence_get(&fence->base);
	ret = maru_sched_emit(job->queue, job);
	if (ret)
		maru_job_end(job, ret);
	dma_fence_end_signalling(cookie);
	return &fence->base;
}

static enum drm_gpu_sched_stat maru_sched_timedout_job(struct drm_sched_job *base)
{
	bool cookie = dma_fence_begin_signalling();

	maru_limit_check(to_maru_job(base)->queue);
	dma_fence_end_signalling(cookie);
	return maru_compat_sched_put_back(base);
}

static void maru_sched_free_job(struct drm_sched_job *base)
{
	maru_job_destroy(to_maru_job(base));
}

static const struct drm_sched_backend_ops maru_sched_ops = {
	.run_job = maru_sched_run_job,
	.timedout_job = maru_sched_timedout_job,
	.free_job = maru_sched_free_job,
};

static long maru_sched_tick(u32 time_limit_ms)
{
	return msecs_to_jiffies(clamp(time_limit_ms / MARU_SCHED_TICKS, MARU_SCHED_TICK_MIN_MS,
				      MARU_SCHED_TICK_MAX_MS));
}

/**
 * maru_sched_set_limit() - Change the time limit of jobs that are submitted from now on.
 * @queue: queue.
 * @time_limit_ms: card time.
 *
 * Context: process.
 */
void maru_sched_set_limit(struct maru_queue *queue, u32 time_limit_ms)
{
	WRITE_ONCE(queue->time_limit_ms, time_limit_ms);
	WRITE_ONCE(queue->sched.timeout, maru_sched_tick(time_limit_ms));
}

/**
 * maru_sched_stop() - Let the scheduler of a queue start nothing, for a card reset.
 * @queue: queue.
 *
 * Context: process, sleeps.
 */
void maru_sched_stop(struct maru_queue *queue)
{
	guard(mutex)(&queue->sched_lock);
	/* what starts nothing any more is not stopped: a reset may not find it to start it again */
	if (!queue->sched_ended)
		drm_sched_wqueue_stop(&queue->sched);
}

/** maru_sched_start() - Undo it. Context: process, sleeps. */
void maru_sched_start(struct maru_queue *queue)
{
	guard(mutex)(&queue->sched_lock);
	drm_sched_wqueue_start(&queue->sched);
}

/**
 * maru_sched_end() - Take the jobs away that the scheduler has not started; they end -ECANCELED.
 * @queue: queue that nobody pushes to any more.
 *
 * Those that wait for fences of others end after these.
 *
 * Context: process, sleeps.
 */
void maru_sched_end(struct maru_queue *queue)
{
	guard(mutex)(&queue->sched_lock);
	/*
	 * A worker that is taking a job puts the entity back where drm_sched_entity_fini() has
	 * just taken it from, and then both empty a queue that is made for one consumer.
	 */
	drm_sched_wqueue_stop(&queue->sched);
	drm_sched_entity_fini(&queue->entity);
	queue->sched_ended = true;
	drm_sched_wqueue_start(&queue->sched);
}

/**
 * maru_sched_init() - Make the scheduler and the entity of a queue.
 * @queue: queue with its time limit.
 *
 * Context: process. Return: 0 or -ENOMEM.
 */
int maru_sched_init(struct maru_queue *queue)
{
	struct drm_gpu_scheduler *sched = &queue->sched;
	struct drm_sched_init_args args = {
		.ops = &maru_sched_ops,
		.submit_wq = queue->mdev->submit_wq,
		.timeout_wq = queue->mdev->timeout_wq,
		.num_rqs = 1,
		.credit_limit = MARU_QUEUE_RING_SIZE,
		.timeout = maru_sched_tick(queue->time_limit_ms),
		.name = "maru",
		.dev = queue->mdev->drm.dev,
	};
	int ret;

	mutex_init(&queue->sched_lock);
	ret = drm_sched_init(sched, &args);
	if (ret)
		return ret;
	ret = drm_sched_entity_init(&queue->entity, DRM_SCHED_PRIORITY_KERNEL, &sched, 1, NULL);
	if (ret)
		drm_sched_fini(sched);
	return ret;
}
