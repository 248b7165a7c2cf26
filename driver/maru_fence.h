/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_FENCE_H
#define MARU_FENCE_H

#include "maru_types.h"

/**
 * struct maru_fence - A fence that may outlive queue, VM, file and device.
 * @base: the dma_fence.
 * @lock: of @base; innermost.
 * @mdev: for counters; NULL before maru_fence_init(), not used after the fence is signalled.
 *
 * The fences of drm_sched name their scheduler, which 6.12 still reads after it was freed. So
 * what user space gets to hold is one of these.
 */
struct maru_fence {
	struct dma_fence base;
	/* innermost of all, under queue->lock */
	spinlock_t lock;
	struct maru_device *mdev;
};

struct maru_fence *maru_fence_alloc(void);
void maru_fence_init(struct maru_fence *fence, struct maru_device *mdev, bool pinned, u64 context,
		     u64 seqno);
void maru_fence_signal(struct maru_fence *fence, int err);
void maru_fence_drop(struct maru_fence *fence);
int maru_fence_wait_killable(struct dma_fence *fence);

#endif
