/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_MIGRATE_H
#define MARU_MIGRATE_H

#include "maru_types.h"

struct maru_pt_run;
struct ttm_tt;

/**
 * struct maru_migrate_side - One end of a copy.
 * @tier: MARU_TIER_*.
 * @runs: where it lies, in order; given back by the caller.
 * @count: of @runs.
 */
struct maru_migrate_side {
	u32 tier;
	const struct maru_pt_run *runs;
	size_t count;
};

/**
 * struct maru_migrate_desc - What to do.
 * @dst: what is written.
 * @src: what is copied there; count 0: zeros.
 * @tt: pages of the side that is in system memory, kept until the fence is signalled.
 * @dep: what to wait for before, or NULL.
 * @nowait: rather fail than wait for a free command buffer.
 * @interruptible: of that wait.
 */
struct maru_migrate_desc {
	struct maru_migrate_side dst;
	struct maru_migrate_side src;
	struct ttm_tt *tt;
	struct dma_fence *dep;
	bool nowait;
	bool interruptible;
};

int maru_migrate_prepare(struct maru_device *mdev);
int maru_migrate_init(struct maru_device *mdev);
struct dma_fence *maru_migrate_run(struct maru_device *mdev, const struct maru_migrate_desc *desc);

#endif
