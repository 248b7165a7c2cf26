// SPDX-License-Identifier: GPL-2.0-only
/*
 * SUBMIT: parse, look up, lock, arm, push. All that can fail comes before the first job is
 * armed, so that either all jobs of a call run or none; from there to the last push nothing
 * allocates, waits or fails.
 */
#include <drm/drm_exec.h>
#include <drm/drm_file.h>
#include <drm/drm_ioctl.h>
#include <drm/maru_accel.h>
#include <drm/maru_cmd.h>
#include <linux/slab.h>

#include "maru_device.h"
#include "maru_fence.h"
#include "maru_job.h"
#include "maru_place.h"
#include "maru_queue.h"
#include "maru_sync.h"
#include "maru_uobj.h"
#include "maru_vm.h"

/**
 * struct maru_submission - A SUBMIT under way.
 * @file: file.
 * @args: jobs as user space described them.
 * @count: of all arrays.
 * @jobs: jobs.
 * @syncs: of each.
 * @fences: of each, referenced once initialised.
 * @exec: locks of the VMs and their BOs.
 * @at: job that is being worked on: the refused one when something fails.
 */
struct maru_submission {
	struct maru_file *file;
	struct drm_maru_job *args;
	u32 count;
	struct maru_job *jobs[MARU_MAX_JOBS];
	struct maru_syncs *syncs[MARU_MAX_JOBS];
	struct dma_fence *fences[MARU_MAX_JOBS];
	struct drm_exec exec;
	u32 at;
};

static int maru_submit_check(struct maru_device *mdev, const struct drm_maru_job *args)
{
	if (MARU_REFUSE(mdev, args->flags & ~DRM_MARU_JOB_IDEMPOTENT) ||
	    MARU_REFUSE(mdev, args->mbz) ||
	    MARU_REFUSE(mdev, args->va % MARU_LINE_BYTES) ||
	    MARU_REFUSE(mdev, args->bytes % MARU_LINE_BYTES) ||
	    MARU_REFUSE(mdev, !args->va != !args->bytes) ||
	    MARU_REFUSE(mdev, args->va >= 1ULL << MARU_VA_BITS))
		return -EINVAL;
	if (MARU_REFUSE(mdev, args->bytes > min(mdev->caps.limits.command_bytes,
						MARU_COMMAND_MAX_BYTES)))
		return -E2BIG;
	if (MARU_REFUSE(mdev, args->bytes > (1ULL << MARU_VA_BITS) - args->va))
		return -EINVAL;
	return 0;
}

static int maru_submit_prepare_job(struct maru_submission *s, u32 i)
{
	const struct drm_maru_job *args = &s->args[i];
	struct maru_device *mdev = s->file->mdev;
	struct maru_queue *queue;
	struct maru_job *job;
	int ret;

	ret = maru_submit_check(mdev, args);
	if (ret)
		return ret;
	queue = maru_queue_lookup(s->file, args->queue);
	if (MARU_REFUSE(mdev, !queue))
		return -ENOENT;
	job = maru_job_create(queue, s->file->drm_file->client_id);
	maru_queue_put(queue);
	if (IS_ERR(job))
		return PTR_ERR(job);
	job->va = args->va;
	job->bytes = args->bytes;
	job->flags = args->flags;
	job->id = args->id;
	s->jobs[i] = job;

	s->syncs[i] = maru_syncs_create(s->file, &args->syncs);
	return PTR_ERR_OR_ZERO(s->syncs[i]);
}

/*
 * An interrupt for each job costs more than many a job. Those are enough after which somebody
 * may go on: the last one of each queue, what is signalled, and what is followed by a wait.
 */
static void maru_submit_choose_irqs(struct maru_submission *s)
{
	for (u32 i = 0; i < s->count; i++) {
		u32 next = i + 1;

		while (next < s->count && s->jobs[next]->queue != s->jobs[i]->queue)
			next++;
		s->jobs[i]->irq = next == s->count || maru_syncs_has_signal(s->syncs[i]) ||
				  maru_syncs_has_wait(s->syncs[next]);
	}
}

static int maru_submit_prepare(struct maru_submission *s)
{
	int ret;

	for (u32 i = 0; i < s->count; i++) {
		s->at = i;
		ret = maru_submit_prepare_job(s, i);
		if (ret)
			return ret;
	}
	s->at = ~0U;
	maru_submit_choose_irqs(s);
	return 0;
}

static bool maru_submit_is_first_of_vm(const struct maru_submission *s, u32 i)
{
	for (u32 j = 0; j < i; j++) {
		if (s->jobs[j]->queue->vm == s->jobs[i]->queue->vm)
			return false;
	}
	return true;
}

static int maru_submit_lock_vms(struct maru_submission *s)
{
	int ret = 0;

	drm_exec_until_all_locked(&s->exec) {
		for (u32 i = 0; i < s->count; i++) {
			if (!maru_submit_is_first_of_vm(s, i))
				continue;
			ret = maru_vm_lock_exec(s->jobs[i]->queue->vm, &s->exec, s->count);
			drm_exec_retry_on_contention(&s->exec);
			if (ret)
				return ret;
		}
	}
	return 0;
}

/* All memory of the VMs is where the card finds it, and stays there. */
static int maru_submit_lock(struct maru_submission *s, struct maru_place *place)
{
	int ret = maru_place_lock(place);

	if (ret)
		return ret;
	drm_exec_init(&s->exec, DRM_EXEC_INTERRUPTIBLE_WAIT | DRM_EXEC_IGNORE_DUPLICATES, 0);
	ret = maru_submit_lock_vms(s);
	if (ret) {
		drm_exec_fini(&s->exec);
		maru_place_unlock(place);
	}
	return ret;
}

static int maru_submit_add_deps(struct maru_submission *s)
{
	struct maru_syncs_source source = { .syncs = s->syncs, .fences = s->fences };
	int ret;

	for (u32 i = 0; i < s->count; i++) {
		struct maru_job *job = s->jobs[i];

		s->at = i;
		source.count = i;
		maru_job_init_fence(job);
		s->fences[i] = dma_fence_get(&job->fence->base);
		ret = maru_vm_add_deps(&s->exec, &job->base);
		if (!ret)
			ret = maru_syncs_add_deps_from(s->syncs[i], &job->base, &source,
						       job->queue->fence_context);
		if (ret)
			return ret;
	}
	return 0;
}

static int maru_submit_check_queues(struct maru_submission *s)
{
	for (u32 i = 0; i < s->count; i++) {
		struct maru_queue *queue = s->jobs[i]->queue;
		int ret;

		s->at = i;
		spin_lock_irq(&queue->lock);
		ret = maru_queue_refusal_locked(queue);
		spin_unlock_irq(&queue->lock);
		if (MARU_REFUSE(queue->mdev, ret))
			return ret;
	}
	return 0;
}

static int maru_submit_push(struct maru_submission *s)
{
	struct maru_device *mdev = s->file->mdev;
	bool cookie;
	int ret;

	down_read(&mdev->push_lock);
	ret = maru_submit_check_queues(s);
	if (ret) {
		up_read(&mdev->push_lock);
		return ret;
	}
	cookie = dma_fence_begin_signalling();
	for (u32 i = 0; i < s->count; i++) {
		drm_sched_job_arm(&s->jobs[i]->base);
		maru_vm_add_fence(s->jobs[i]->queue->vm, &s->exec, s->fences[i]);
	}
	for (u32 i = 0; i < s->count; i++) {
		maru_job_push(s->jobs[i]);
		/* it may be freed already */
		s->jobs[i] = NULL;
		maru_syncs_signal(s->syncs[i], s->fences[i]);
	}
	dma_fence_end_signalling(cookie);
	up_read(&mdev->push_lock);
	return 0;
}

static int maru_submit_run(struct maru_submission *s)
{
	struct maru_place place = { .mdev = s->file->mdev };
	int ret;

	ret = maru_submit_prepare(s);
	if (ret)
		return ret;
	do {
		ret = maru_submit_lock(s, &place);
	} while (maru_place_again(&place, &ret));
	if (ret)
		return ret;
	ret = maru_submit_add_deps(s);
	if (!ret)
		ret = maru_submit_push(s);
	drm_exec_fini(&s->exec);
	maru_place_unlock(&place);
	return ret;
}

static void maru_submit_free(struct maru_submission *s)
{
	for (u32 i = 0; i < s->count; i++) {
		if (s->jobs[i])
			maru_job_destroy(s->jobs[i]);
		maru_syncs_destroy(s->syncs[i]);
		dma_fence_put(s->fences[i]);
	}
	kvfree(s->args);
	kfree(s);
}

/** maru_submit_ioctl() - DRM_IOCTL_MARU_SUBMIT. */
int maru_submit_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file)
{
	struct maru_device *mdev = to_maru_device(drm);
	struct drm_maru_submit *args = data;
	struct maru_submission *s;
	int ret;

	args->refused = ~0U;
	if (MARU_REFUSE(mdev, args->flags) || MARU_REFUSE(mdev, !args->jobs.count))
		return -EINVAL;
	s = kzalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	s->file = drm_file->driver_priv;
	s->args = maru_uobj_get_array(&args->jobs, sizeof(*s->args), sizeof(*s->args),
				      MARU_MAX_JOBS);
	if (IS_ERR(s->args)) {
		ret = PTR_ERR(s->args);
		kfree(s);
		return ret;
	}
	s->count = args->jobs.count;
	s->at = ~0U;
	ret = maru_submit_run(s);
	if (ret)
		args->refused = s->at;
	maru_submit_free(s);
	return ret;
}
