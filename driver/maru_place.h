/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_PLACE_H
#define MARU_PLACE_H

#include <linux/dma-resv.h>

#include "maru_types.h"

/**
 * struct maru_place - A call that has to find places for BOs, try after try.
 * @mdev: device.
 * @alone: this try keeps all others out.
 * @waited: jiffies, for jobs with nothing held.
 * @until: jiffies until which a try that is alone waits for jobs.
 * @busy: fence of a job that uses what could make way, referenced; NULL: none was met.
 */
struct maru_place {
	struct maru_device *mdev;
	bool alone;
	unsigned long waited;
	unsigned long until;
	struct dma_fence *busy;
};

int maru_place_lock(struct maru_place *place);
void maru_place_unlock(struct maru_place *place);
bool maru_place_again(struct maru_place *place, int *err);
int maru_place_wait_idle(struct maru_device *mdev, struct dma_resv *resv,
			 enum dma_resv_usage from);

#endif
