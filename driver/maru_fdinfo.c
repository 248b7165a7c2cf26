// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a file uses, in the form of Documentation/gpu/drm-usage-stats.rst.
 */
#include <drm/drm_file.h>
#include <drm/drm_print.h>

#include "maru_bo.h"
#include "maru_device.h"
#include "maru_fdinfo.h"
#include "maru_queue.h"

static const char * const maru_fdinfo_regions[MARU_TIER_COUNT] = { "hbm", "cxl", "system" };
static const char * const maru_fdinfo_classes[MARU_CLASS_COUNT] = { "compute", "copy", "storage" };

static void maru_fdinfo_show_memory(struct drm_printer *p, struct maru_file *file)
{
	struct drm_memory_stats stats[MARU_TIER_COUNT] = { };

	maru_bo_memory_stats(file->drm_file, stats);
	for (int tier = 0; tier < MARU_TIER_COUNT; tier++)
		drm_print_memory_stats(p, &stats[tier], DRM_GEM_OBJECT_RESIDENT,
				       maru_fdinfo_regions[tier]);
}

static void maru_fdinfo_show_engines(struct drm_printer *p, struct maru_file *file)
{
	u32 classes = file->mdev->caps.engines.classes;

	for (int cls = 0; cls < MARU_CLASS_COUNT; cls++)
		if (classes & BIT(cls))
			drm_printf(p, "drm-engine-%s:\t%llu ns\n", maru_fdinfo_classes[cls],
				   maru_queue_active_ns(file, cls));
}

/**
 * maru_fdinfo_show() - Print what a file uses.
 * @p: printer.
 * @drm_file: file.
 *
 * Context: process, sleeps; the file is held by the reader.
 */
void maru_fdinfo_show(struct drm_printer *p, struct drm_file *drm_file)
{
	struct maru_file *file = drm_file->driver_priv;

	maru_fdinfo_show_memory(p, file);
	maru_fdinfo_show_engines(p, file);
}
