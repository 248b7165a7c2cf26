/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_TT_H
#define MARU_TT_H

#include <drm/ttm/ttm_tt.h>

#include "maru_types.h"

struct maru_pt_run;
struct ttm_buffer_object;
struct ttm_operation_ctx;

void maru_tt_init_device(struct maru_device *mdev);
void maru_tt_forget_all(struct maru_device *mdev);

struct ttm_tt *maru_tt_create(struct ttm_buffer_object *bo, u32 page_flags);
int maru_tt_populate(struct ttm_device *bdev, struct ttm_tt *tt, struct ttm_operation_ctx *ctx);
void maru_tt_unpopulate(struct ttm_device *bdev, struct ttm_tt *tt);
void maru_tt_destroy(struct ttm_device *bdev, struct ttm_tt *tt);
size_t maru_tt_runs(struct ttm_tt *tt, u64 offset, u64 bytes, struct maru_pt_run *runs);

#endif
