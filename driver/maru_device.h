/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_DEVICE_H
#define MARU_DEVICE_H

#include <drm/drm_print.h>
#include <linux/sizes.h>

#include "maru_types.h"

/* Limits of the driver itself, told by DRM_MARU_QUERY_LIMITS. */
#define MARU_MAX_JOBS			64
#define MARU_MAX_BIND_OPS		1024
#define MARU_MAX_SYNCS			256
#define MARU_TIME_LIMIT_DEFAULT_MS	30000
#define MARU_TIME_LIMIT_MAX_MS		60000
#define MARU_VA_START			SZ_2M
#define MARU_VA_END			BIT_ULL(47)

/**
 * MARU_REFUSE() - Refuse what a user asked for.
 * @mdev: device.
 * @cond: what is wrong with it.
 *
 * Return: @cond; when true, file, line and the text of @cond are printed at debug level.
 */
#define MARU_REFUSE(mdev, cond) ({						\
	bool __refuse = !!(cond);						\
	if (__refuse)								\
		drm_dbg(&(mdev)->drm, "%s:%d: refused: %s\n", __FILE__,		\
			__LINE__, #cond);					\
	__refuse;								\
})

struct maru_device *maru_device_create(struct pci_dev *pdev);
void maru_device_remove(struct maru_device *mdev);
void maru_device_lost(struct maru_device *mdev);
bool maru_device_is_gone(struct maru_device *mdev);

#endif
