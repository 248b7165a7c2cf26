/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_SYNC_H
#define MARU_SYNC_H

#include <drm/maru_accel.h>

#include "maru_types.h"

struct drm_syncobj;
struct maru_syncs;

struct maru_syncs *maru_syncs_create(struct maru_file *file, const struct drm_maru_array *array);
void maru_syncs_destroy(struct maru_syncs *syncs);
bool maru_syncs_has_signal(const struct maru_syncs *syncs);
bool maru_syncs_has_wait(const struct maru_syncs *syncs);

/**
 * struct maru_syncs_source - What earlier jobs of the same call will signal.
 * @syncs: of those jobs, in order.
 * @fences: of those jobs.
 * @count: of both.
 */
struct maru_syncs_source {
	struct maru_syncs *const *syncs;
	struct dma_fence *const *fences;
	unsigned int count;
};

int maru_syncs_add_deps_from(struct maru_syncs *syncs, struct drm_sched_job *job,
			     const struct maru_syncs_source *source, u64 own_context);
int maru_syncs_add_deps(struct maru_syncs *syncs, struct drm_sched_job *job);
void maru_syncs_signal(struct maru_syncs *syncs, struct dma_fence *fence);

#endif
