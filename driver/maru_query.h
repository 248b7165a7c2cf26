/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_QUERY_H
#define MARU_QUERY_H

struct drm_device;
struct drm_file;

int maru_query_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

#endif
