// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finding places for BOs when memory is full.
 *
 * What has to move is in use until jobs of others end, whenever that is. Nobody waits for those
 * while he holds what others need. So the first try takes what is idle. The second one is alone:
 * TTM passes by BOs that it can not lock, and now nobody else holds any. When that finds none
 * either but met a BO in use, the job is waited for with nothing held, and all begins again.
 *
 * Whoever uses memory without a pause is never met idle. So a try that is alone waits for jobs
 * too, for as long as its call has waited before: it comes to an end, and half of the time is
 * left to the others.
 */
#include <linux/dma-fence.h>
#include <linux/jiffies.h>

#include "maru_place.h"

#define PLACE_PATIENCE	msecs_to_jiffies(10)	/* of the first such try: a scrub, a short job */

/**
 * maru_place_lock() - Begin a try to find places for BOs.
 * @place: zeros but for @mdev, or after maru_place_again().
 *
 * Context: process, sleeps; before vm->lock and any dma_resv.
 * Return: 0; -ERESTARTSYS.
 */
int maru_place_lock(struct maru_place *place)
{
	struct maru_device *mdev = place->mdev;

	if (!place->alone)
		return down_read_interruptible(&mdev->place_sem) ? -ERESTARTSYS : 0;
	if (down_write_killable(&mdev->place_sem))
		return -ERESTARTSYS;
	mdev->place_alone = place;
	place->until = jiffies + place->waited + PLACE_PATIENCE;
	return 0;
}

/**
 * maru_place_unlock() - End it; no dma_resv is held any more.
 * @place: of maru_place_lock().
 */
void maru_place_unlock(struct maru_place *place)
{
	if (place->alone) {
		place->mdev->place_alone = NULL;
		up_write(&place->mdev->place_sem);
	} else {
		up_read(&place->mdev->place_sem);
	}
}

static int place_wait_for_job(struct maru_place *place)
{
	unsigned long start = jiffies;
	int ret = dma_fence_wait(place->busy, true);

	dma_fence_put(place->busy);
	place->busy = NULL;
	place->waited += jiffies - start;
	return ret;
}

/**
 * maru_place_again() - Shall a call try again? Waits for a job where that may help.
 * @place: after the try.
 * @err: IN: what the try returned, 0 too. OUT: what to return when it shall not be tried again.
 *
 * Context: process, sleeps, as long as jobs of others take; nothing is held.
 */
bool maru_place_again(struct maru_place *place, int *err)
{
	bool was_alone = place->alone;

	if (*err != -ENOMEM && *err != -EBUSY) {
		dma_fence_put(place->busy);
		place->busy = NULL;
		return false;
	}
	place->alone = !was_alone;
	if (!was_alone)
		return true;
	*err = place->busy ? place_wait_for_job(place) : -ENOMEM;
	return !*err;
}

static struct dma_fence *place_find_job(struct dma_resv *resv, enum dma_resv_usage from)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_for_each_fence(&cursor, resv, DMA_RESV_USAGE_BOOKKEEP, fence) {
		if (dma_resv_iter_usage(&cursor) >= from && !dma_fence_is_signaled(fence))
			return fence;
	}
	return NULL;
}

/**
 * maru_place_wait_idle() - Before memory moves: do no jobs use it?
 * @mdev: device.
 * @resv: of its BO, held.
 * @from: the least usage that counts: KERNEL all, WRITE all but the kernel's own moves and clears,
 *	of which one that follows is kept behind the others by other means.
 *
 * Context: mdev->place_sem is held, unless nobody uses it. Waits in a try that is alone.
 * Return: 0; -EBUSY, for maru_place_again().
 */
int maru_place_wait_idle(struct maru_device *mdev, struct dma_resv *resv,
			 enum dma_resv_usage from)
{
	struct maru_place *place = mdev->place_alone;
	struct dma_fence *fence;

	while ((fence = place_find_job(resv, from))) {
		unsigned long now = jiffies;

		lockdep_assert_held(&mdev->place_sem);
		if (place && time_before(now, place->until) &&
		    dma_fence_wait_timeout(fence, true, place->until - now) > 0)
			continue;
		if (place && !place->busy)
			place->busy = dma_fence_get(fence);
		return -EBUSY;
	}
	return 0;
}
