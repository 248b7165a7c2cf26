// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arrays of struct drm_maru_sync: what a job or a bind waits for, and what it signals.
 *
 * All that can fail is done before the job is armed: look-ups, chain nodes, dependencies. What
 * comes after it, maru_syncs_signal(), can not.
 */
#include <drm/drm_file.h>
#include <drm/drm_syncobj.h>
#include <linux/dma-fence-chain.h>
#include <linux/slab.h>

#include "maru_device.h"
#include "maru_sync.h"
#include "maru_uobj.h"

struct maru_sync {
	struct drm_syncobj *syncobj;
	/* of a signal to a timeline, until it is installed */
	struct dma_fence_chain *chain;
	u64 point;
	bool is_signal;
};

struct maru_syncs {
	struct maru_device *mdev;
	unsigned int count;
	struct maru_sync syncs[] __counted_by(count);
};

static int maru_sync_check(struct maru_device *mdev, const struct drm_maru_sync *sync)
{
	if (sync->type == DRM_MARU_SYNC_USER_FENCE)
		return -EOPNOTSUPP;
	if (MARU_REFUSE(mdev, sync->type > DRM_MARU_SYNC_USER_FENCE) ||
	    MARU_REFUSE(mdev, sync->flags & ~DRM_MARU_SYNC_SIGNAL) ||
	    MARU_REFUSE(mdev, sync->mbz) || MARU_REFUSE(mdev, sync->va))
		return -EINVAL;
	if (MARU_REFUSE(mdev, sync->type == DRM_MARU_SYNC_SYNCOBJ && sync->value) ||
	    MARU_REFUSE(mdev, sync->type == DRM_MARU_SYNC_TIMELINE && !sync->value))
		return -EINVAL;
	return 0;
}

static int maru_sync_init(struct maru_file *file, struct maru_sync *sync,
			  const struct drm_maru_sync *user)
{
	int ret = maru_sync_check(file->mdev, user);

	if (ret)
		return ret;
	sync->point = user->value;
	sync->is_signal = user->flags & DRM_MARU_SYNC_SIGNAL;
	sync->syncobj = drm_syncobj_find(file->drm_file, user->handle);
	if (MARU_REFUSE(file->mdev, !sync->syncobj))
		return -ENOENT;
	if (sync->is_signal && sync->point) {
		sync->chain = dma_fence_chain_alloc();
		if (!sync->chain)
			return -ENOMEM;
	}
	return 0;
}

/**
 * maru_syncs_create() - Copy, check and look up an array of syncs.
 * @file: file that owns the syncobjs.
 * @array: struct drm_maru_sync[].
 *
 * Context: process, sleeps.
 * Return: the syncs, to be given to maru_syncs_destroy(); NULL for an empty array; ERR_PTR:
 * -EINVAL a bad field; -EOPNOTSUPP user fences; -ENOENT no such syncobj; -E2BIG; -EFAULT;
 * -ENOMEM.
 */
struct maru_syncs *maru_syncs_create(struct maru_file *file, const struct drm_maru_array *array)
{
	struct drm_maru_sync *user;
	struct maru_syncs *syncs;
	int ret = 0;

	user = maru_uobj_get_array(array, sizeof(*user), sizeof(*user), MARU_MAX_SYNCS);
	if (IS_ERR_OR_NULL(user))
		return ERR_CAST(user);
	syncs = kvzalloc(struct_size(syncs, syncs, array->count), GFP_KERNEL);
	if (!syncs) {
		kvfree(user);
		return ERR_PTR(-ENOMEM);
	}
	syncs->mdev = file->mdev;
	syncs->count = array->count;
	for (u32 i = 0; i < array->count && !ret; i++)
		ret = maru_sync_init(file, &syncs->syncs[i], &user[i]);
	kvfree(user);
	if (ret) {
		maru_syncs_destroy(syncs);
		return ERR_PTR(ret);
	}
	return syncs;
}

/**
 * maru_syncs_destroy() - Free syncs, whether they were signalled or not.
 * @syncs: syncs, NULL or ERR_PTR.
 *
 * Context: process.
 */
void maru_syncs_destroy(struct maru_syncs *syncs)
{
	if (IS_ERR_OR_NULL(syncs))
		return;
	for (unsigned int i = 0; i < syncs->count; i++) {
		struct maru_sync *sync = &syncs->syncs[i];

		dma_fence_chain_free(sync->chain);
		if (sync->syncobj)
			drm_syncobj_put(sync->syncobj);
	}
	kvfree(syncs);
}

static bool maru_syncs_has(const struct maru_syncs *syncs, bool is_signal)
{
	for (unsigned int i = 0; syncs && i < syncs->count; i++) {
		if (syncs->syncs[i].is_signal == is_signal)
			return true;
	}
	return false;
}

/** maru_syncs_has_signal() - Tell whether anything is signalled. */
bool maru_syncs_has_signal(const struct maru_syncs *syncs)
{
	return maru_syncs_has(syncs, true);
}

/** maru_syncs_has_wait() - Tell whether anything is waited for. */
bool maru_syncs_has_wait(const struct maru_syncs *syncs)
{
	return maru_syncs_has(syncs, false);
}

/* What is in the syncobj now; NULL when that point has passed. */
static struct dma_fence *maru_sync_find_fence(const struct maru_sync *wait)
{
	struct dma_fence *fence = drm_syncobj_fence_get(wait->syncobj);

	if (!fence)
		return ERR_PTR(-ENOENT);
	if (dma_fence_chain_find_seqno(&fence, wait->point)) {
		dma_fence_put(fence);
		return ERR_PTR(-ENOENT);
	}
	return fence;
}

/* The ring keeps order among jobs of one queue: no need to wait for their end. */
static bool maru_sync_is_own(struct dma_fence *fence, u64 own_context)
{
	struct dma_fence *iter;

	/* a point is reached when all before it are */
	dma_fence_chain_for_each(iter, fence) {
		if (dma_fence_chain_contained(iter)->context != own_context) {
			dma_fence_put(iter);
			return false;
		}
	}
	return true;
}

/* @fence: a reference, or NULL; consumed. */
static int maru_sync_add_fence(struct drm_sched_job *job, struct dma_fence *fence, u64 own_context)
{
	if (fence && own_context && maru_sync_is_own(fence, own_context)) {
		dma_fence_put(fence);
		return 0;
	}
	return drm_sched_job_add_dependency(job, fence);
}

/* Tell whether a job signals what is waited for, and up to which point. */
static bool maru_syncs_find_signal(const struct maru_syncs *syncs, const struct maru_sync *wait,
				   u64 *point)
{
	bool found = false;

	*point = 0;
	for (unsigned int i = 0; syncs && i < syncs->count; i++) {
		const struct maru_sync *sync = &syncs->syncs[i];

		if (!sync->is_signal || sync->syncobj != wait->syncobj ||
		    !sync->point != !wait->point)
			continue;
		found = true;
		*point = max(*point, sync->point);
	}
	return found;
}

/* A binary syncobj has what the latest earlier job of the call puts into it. */
static struct dma_fence *maru_sync_find_source(const struct maru_sync *wait,
					       const struct maru_syncs_source *source)
{
	u64 point;

	for (unsigned int i = source ? source->count : 0; i-- > 0;) {
		if (maru_syncs_find_signal(source->syncs[i], wait, &point))
			return dma_fence_get(source->fences[i]);
	}
	return NULL;
}

/*
 * The point will come from this call: wait for the first job that reaches it, for those before
 * that signal the same timeline, and for what is in it now.
 */
static int maru_sync_add_sources(struct maru_device *mdev, const struct maru_sync *wait,
				 struct drm_sched_job *job,
				 const struct maru_syncs_source *source, u64 own_context)
{
	unsigned int count = source ? source->count : 0;
	unsigned int last = 0;
	u64 point = 0;
	int ret;

	while (last < count && point < wait->point)
		maru_syncs_find_signal(source->syncs[last++], wait, &point);
	if (MARU_REFUSE(mdev, point < wait->point))
		return -ENOENT;
	ret = maru_sync_add_fence(job, drm_syncobj_fence_get(wait->syncobj), own_context);
	for (unsigned int i = 0; i < last && !ret; i++) {
		if (maru_syncs_find_signal(source->syncs[i], wait, &point))
			ret = maru_sync_add_fence(job, dma_fence_get(source->fences[i]),
						  own_context);
	}
	return ret;
}

static int maru_sync_add_dep(struct maru_device *mdev, const struct maru_sync *wait,
			     struct drm_sched_job *job, const struct maru_syncs_source *source,
			     u64 own_context)
{
	struct dma_fence *fence = wait->point ? NULL : maru_sync_find_source(wait, source);

	if (!fence)
		fence = maru_sync_find_fence(wait);
	if (!IS_ERR(fence))
		return maru_sync_add_fence(job, fence, own_context);
	if (MARU_REFUSE(mdev, !wait->point))
		return -ENOENT;
	return maru_sync_add_sources(mdev, wait, job, source, own_context);
}

/**
 * maru_syncs_add_deps_from() - Make a job wait for its syncs, those of its own call included.
 * @syncs: syncs or NULL.
 * @job: initialised, not armed.
 * @source: what earlier jobs of the call will signal, or NULL.
 * @own_context: fence context of the job's queue: what belongs to it is not waited for. 0: none.
 *
 * Context: process, sleeps; dma_resv locks may be held.
 * Return: 0; -ENOENT nothing in it to wait for; -ENOMEM.
 */
int maru_syncs_add_deps_from(struct maru_syncs *syncs, struct drm_sched_job *job,
			     const struct maru_syncs_source *source, u64 own_context)
{
	int ret = 0;

	for (unsigned int i = 0; syncs && i < syncs->count && !ret; i++) {
		if (!syncs->syncs[i].is_signal)
			ret = maru_sync_add_dep(syncs->mdev, &syncs->syncs[i], job, source,
						own_context);
	}
	return ret;
}

/**
 * maru_syncs_add_deps() - Make a job wait for its syncs.
 * @syncs: syncs or NULL.
 * @job: initialised, not armed.
 *
 * Context: process, sleeps; dma_resv locks may be held.
 * Return: 0; -ENOENT nothing in it to wait for; -ENOMEM.
 */
int maru_syncs_add_deps(struct maru_syncs *syncs, struct drm_sched_job *job)
{
	return maru_syncs_add_deps_from(syncs, job, NULL, 0);
}

/**
 * maru_syncs_signal() - Install a fence in all that is signalled.
 * @syncs: syncs or NULL.
 * @fence: a struct maru_fence, armed; not one of drm_sched, whose fences must not get out.
 *
 * Context: process; can not fail.
 */
void maru_syncs_signal(struct maru_syncs *syncs, struct dma_fence *fence)
{
	for (unsigned int i = 0; syncs && i < syncs->count; i++) {
		struct maru_sync *sync = &syncs->syncs[i];

		if (!sync->is_signal)
			continue;
		if (sync->point) {
			drm_syncobj_add_point(sync->syncobj, sync->chain, fence, sync->point);
			sync->chain = NULL;
		} else {
			drm_syncobj_replace_fence(sync->syncobj, fence);
		}
	}
}
