/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_VRAM_H
#define MARU_VRAM_H

#include <drm/ttm/ttm_resource.h>

#include "maru_types.h"

struct maru_pt_run;

int maru_vram_init(struct maru_device *mdev, u32 tier);
void maru_vram_fini(struct maru_device *mdev, u32 tier);
u64 maru_vram_limit(struct maru_device *mdev, u32 tier);
u64 maru_vram_used(struct maru_device *mdev, u32 tier);

u64 maru_vram_bytes(struct ttm_resource *res);
bool maru_vram_is_clear(struct ttm_resource *res);
void maru_vram_set_zero(struct ttm_resource *res, bool zero);
void maru_vram_set_scrub(struct ttm_resource *res, struct dma_fence *fence);
size_t maru_vram_runs(struct ttm_resource *res, u64 offset, u64 bytes, struct maru_pt_run *runs);

#endif
