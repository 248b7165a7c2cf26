/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_FDINFO_H
#define MARU_FDINFO_H

struct drm_file;
struct drm_printer;

void maru_fdinfo_show(struct drm_printer *p, struct drm_file *drm_file);

#endif
