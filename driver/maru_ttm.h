/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_TTM_H
#define MARU_TTM_H

#include <drm/ttm/ttm_resource.h>
#include <linux/mm.h>

#include "maru_types.h"

struct maru_pt_run;
struct ttm_tt;

extern const struct vm_operations_struct maru_ttm_vm_ops;

int maru_ttm_init(struct maru_device *mdev);
void maru_ttm_block(struct maru_device *mdev);
void maru_ttm_unblock(struct maru_device *mdev);

struct maru_pt_run *maru_ttm_runs(struct ttm_resource *res, struct ttm_tt *tt, u64 offset,
				  u64 bytes, size_t *count);
u32 maru_ttm_tier(struct ttm_resource *res);

#endif
