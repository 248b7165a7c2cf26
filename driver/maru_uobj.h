/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_UOBJ_H
#define MARU_UOBJ_H

#include <drm/maru_accel.h>

void *maru_uobj_get_array(const struct drm_maru_array *array, u32 min_stride, u32 size, u32 max);

#endif
