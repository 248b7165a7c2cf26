// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences of jobs. After it is signalled a fence points to nothing of the driver's but code and
 * constants; where the kernel calls that code even then, a fence that user space may hold
 * keeps the module.
 */
#include <linux/completion.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "maru_compat.h"
#include "maru_fence.h"

struct maru_fence_waiter {
	struct dma_fence_cb cb;
	struct completion done;
};

static const char *maru_fence_get_driver_name(struct dma_fence *base)
{
	return "maru";
}

static const char *maru_fence_get_timeline_name(struct dma_fence *base)
{
	return "maru";
}

static void maru_fence_release(struct dma_fence *base)
{
	struct maru_fence *fence = container_of(base, struct maru_fence, base);

	/* unloading waits for a grace period before it frees this code */
	rcu_read_lock();
	kfree_rcu(fence, base.rcu);
	module_put(THIS_MODULE);
	rcu_read_unlock();
}

/* Where MARU_FENCE_PINS_MODULE, and user space may get it: syncobjs, sync files, dma-bufs. */
static const struct dma_fence_ops maru_fence_pinned_ops = {
	.get_driver_name = maru_fence_get_driver_name,
	.get_timeline_name = maru_fence_get_timeline_name,
	.release = maru_fence_release,
};

/* Of jobs of the kernel, which nobody else sees; and of all where it is safe. */
static const struct dma_fence_ops maru_fence_ops = {
	.get_driver_name = maru_fence_get_driver_name,
	.get_timeline_name = maru_fence_get_timeline_name,
};

/**
 * maru_fence_alloc() - Allocate a fence that is not initialised yet.
 *
 * Context: process, may sleep. Return: the fence or NULL.
 */
struct maru_fence *maru_fence_alloc(void)
{
	return kzalloc(sizeof(struct maru_fence), GFP_KERNEL);
}

/**
 * maru_fence_init() - Make it a fence.
 * @fence: from maru_fence_alloc().
 * @mdev: device.
 * @pinned: user space may get it: keep the module until it is freed, where that is needed.
 * @context: fence context.
 * @seqno: larger than those that were initialised before in @context.
 *
 * From here on it is ended by maru_fence_signal() and freed by dma_fence_put().
 *
 * Context: any.
 */
void maru_fence_init(struct maru_fence *fence, struct maru_device *mdev, bool pinned, u64 context,
		     u64 seqno)
{
	spin_lock_init(&fence->lock);
	fence->mdev = mdev;
	pinned = pinned && MARU_FENCE_PINS_MODULE;
	if (pinned)
		__module_get(THIS_MODULE);
	dma_fence_init(&fence->base, pinned ? &maru_fence_pinned_ops : &maru_fence_ops,
		       &fence->lock, context, seqno);
	atomic_inc(&mdev->counters.fences);
}

/**
 * maru_fence_signal() - End a fence.
 * @fence: fence.
 * @err: 0 or the errno that it shall carry.
 *
 * Nothing happens to one that was ended before.
 *
 * Context: any, hard interrupt included; the caller has a reference.
 */
void maru_fence_signal(struct maru_fence *fence, int err)
{
	unsigned long flags;

	spin_lock_irqsave(&fence->lock, flags);
	if (!test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->base.flags)) {
		if (err)
			dma_fence_set_error(&fence->base, err);
		atomic_dec(&fence->mdev->counters.fences);
		dma_fence_signal_locked(&fence->base);
	}
	spin_unlock_irqrestore(&fence->lock, flags);
}

static void maru_fence_wake(struct dma_fence *base, struct dma_fence_cb *cb)
{
	complete(&container_of(cb, struct maru_fence_waiter, cb)->done);
}

/**
 * maru_fence_wait_killable() - Wait for a fence; of all signals only one that kills ends it.
 * @fence: fence.
 *
 * Context: process, sleeps. Return: 0; -ERESTARTSYS.
 */
int maru_fence_wait_killable(struct dma_fence *fence)
{
	struct maru_fence_waiter waiter = {
		.done = COMPLETION_INITIALIZER_ONSTACK(waiter.done),
	};
	int ret;

	if (dma_fence_add_callback(fence, &waiter.cb, maru_fence_wake))
		return 0;
	ret = wait_for_completion_killable(&waiter.done);
	/* whoever signals it may be about to use the waiter */
	if (ret && !dma_fence_remove_callback(fence, &waiter.cb))
		wait_for_completion(&waiter.done);
	return ret;
}

/**
 * maru_fence_drop() - Give a fence back in whatever state it is.
 * @fence: fence or NULL. One that is not signalled ends -ECANCELED.
 *
 * Context: any.
 */
void maru_fence_drop(struct maru_fence *fence)
{
	if (!fence)
		return;
	if (!fence->mdev) {
		kfree(fence);
		return;
	}
	maru_fence_signal(fence, -ECANCELED);
	dma_fence_put(&fence->base);
}
