// SPDX-License-Identifier: GPL-2.0-only
/*
 * Jobs: what the scheduler of a queue gets, from user space or from the kernel.
 */
#include <drm/maru_accel.h>
#include <linux/slab.h>

#include "maru_device.h"
#include "maru_fence.h"
#include "maru_job.h"
#include "maru_queue.h"
#include "maru_trace.h"

/**
 * maru_job_create() - Allocate a job and all that it will need later.
 * @queue: queue it will run on; referenced by the job.
 * @client_id: of the file, for traces.
 *
 * Context: process, sleeps. Return: job, for maru_job_destroy() until it is pushed; ERR_PTR.
 */
struct maru_job *maru_job_create(struct maru_queue *queue, u64 client_id)
{
	struct maru_job *job = kzalloc(sizeof(*job), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!job)
		return ERR_PTR(-ENOMEM);
	job->fence = maru_fence_alloc();
	if (!job->fence) {
		kfree(job);
		return ERR_PTR(-ENOMEM);
	}
	ret = drm_sched_job_init(&job->base, &queue->entity, 1, NULL, client_id);
	if (ret) {
		maru_fence_drop(job->fence);
		kfree(job);
		return ERR_PTR(ret);
	}
	INIT_LIST_HEAD(&job->link);
	job->queue = queue;
	job->time_limit_ms = READ_ONCE(queue->time_limit_ms);
	maru_queue_get(queue);
	atomic_inc(&queue->mdev->counters.jobs);
	return job;
}

/**
 * maru_job_end() - Count a job that was pushed, and end its fence.
 * @job: job whose fence is not signalled; it may be freed by whom that wakes, who finds it counted.
 * @err: 0 or the errno that its fence shall carry.
 *
 * Context: any; of all that could end the job the caller is the only one.
 */
void maru_job_end(struct maru_job *job, int err)
{
	struct maru_queue *queue = job->queue;

	trace_maru_job_done(queue->mdev, queue->id, job->id, job->index, err);
	atomic64_inc(&queue->finished);
	maru_fence_signal(job->fence, err);
}

/**
 * maru_job_destroy() - Free a job that was not pushed, or that the scheduler is done with.
 * @job: job; it is in no ring. A fence that is not signalled ends -ECANCELED.
 *
 * Context: process.
 */
void maru_job_destroy(struct maru_job *job)
{
	struct maru_queue *queue = job->queue;

	/* pushed, and killed before it ran */
	if (job->pushed && !test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &job->fence->base.flags))
		maru_job_end(job, -ECANCELED);
	drm_sched_job_cleanup(&job->base);
	maru_fence_drop(job->fence);
	kfree(job);
	atomic_dec(&queue->mdev->counters.jobs);
	maru_queue_put(queue);
}

/**
 * maru_job_init_fence() - Give a job its place among the fences of its queue.
 * @job: job.
 *
 * Context: under the lock that serialises pushes to the queue.
 */
void maru_job_init_fence(struct maru_job *job)
{
	struct maru_queue *queue = job->queue;

	maru_fence_init(job->fence, queue->mdev, queue->file, queue->fence_context,
			++queue->fence_seqno);
}

/**
 * maru_job_push() - Hand an armed job to the scheduler, which may end and free it at once.
 * @job: job.
 *
 * Context: cannot fail; mdev->push_lock held, and the queue was seen to take jobs.
 */
void maru_job_push(struct maru_job *job)
{
	trace_maru_job_submit(job);
	job->pushed = true;
	atomic64_inc(&job->queue->submitted);
	drm_sched_entity_push_job(&job->base);
}

/**
 * maru_queue_submit_kernel() - Run packets of the kernel.
 * @queue: queue of the kernel.
 * @va: of the packets, in VM 0.
 * @bytes: of the packets. They must not read what they write: after a card reset they may run
 *	again.
 * @dep: fence to wait for before, or NULL.
 *
 * Context: process, sleeps, outside of the fence-signalling path; dma_resv may be held.
 * Return: fence, to be put; ERR_PTR: -ENOMEM; -EIO wedged; -ENODEV gone.
 */
struct dma_fence *maru_queue_submit_kernel(struct maru_queue *queue, u64 va, u32 bytes,
					   struct dma_fence *dep)
{
	struct maru_job *job = maru_job_create(queue, 0);
	struct maru_device *mdev = queue->mdev;
	struct dma_fence *fence;
	bool cookie;
	int ret;

	if (IS_ERR(job))
		return ERR_CAST(job);
	job->va = va;
	job->bytes = bytes;
	job->flags = DRM_MARU_JOB_IDEMPOTENT;
	job->irq = true;
	ret = drm_sched_job_add_dependency(&job->base, dma_fence_get(dep));
	if (ret)
		goto err_destroy;

	mutex_lock(&queue->submit_lock);
	down_read(&mdev->push_lock);
	spin_lock_irq(&queue->lock);
	ret = maru_queue_refusal_locked(queue);
	spin_unlock_irq(&queue->lock);
	if (ret)
		goto err_unlock;
	cookie = dma_fence_begin_signalling();
	maru_job_init_fence(job);
	fence = dma_fence_get(&job->fence->base);
	drm_sched_job_arm(&job->base);
	maru_job_push(job);
	dma_fence_end_signalling(cookie);
	up_read(&mdev->push_lock);
	mutex_unlock(&queue->submit_lock);
	return fence;

err_unlock:
	up_read(&mdev->push_lock);
	mutex_unlock(&queue->submit_lock);
err_destroy:
	maru_job_destroy(job);
	return ERR_PTR(ret);
}
