/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_DRV_H
#define MARU_DRV_H

#include <drm/drm_drv.h>

extern const struct drm_driver maru_drm_driver;

#endif
