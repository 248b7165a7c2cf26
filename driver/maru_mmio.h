/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Accessors of registers and doorbells. None of them touches a BAR of a card that was
 * unplugged; a card that vanished and that nobody noticed yet reads all ones.
 */
#ifndef MARU_MMIO_H
#define MARU_MMIO_H

#include <drm/drm_drv.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/io.h>

#include "maru_types.h"

/** maru_reg_read() - Read a 32-bit register; all ones when the card is gone. */
static inline u32 maru_reg_read(struct maru_device *mdev, u32 reg)
{
	u32 value = ~0;
	int idx;

	if (drm_dev_enter(&mdev->drm, &idx)) {
		value = readl(mdev->regs + reg);
		drm_dev_exit(idx);
	}
	return value;
}

/** maru_reg_write() - Write a 32-bit register; nothing when the card is gone. */
static inline void maru_reg_write(struct maru_device *mdev, u32 reg, u32 value)
{
	int idx;

	if (drm_dev_enter(&mdev->drm, &idx)) {
		writel(value, mdev->regs + reg);
		drm_dev_exit(idx);
	}
}

/** maru_reg_write64() - Write a 64-bit register; nothing when the card is gone. */
static inline void maru_reg_write64(struct maru_device *mdev, u32 reg, u64 value)
{
	int idx;

	if (drm_dev_enter(&mdev->drm, &idx)) {
		writeq(value, mdev->regs + reg);
		drm_dev_exit(idx);
	}
}

/**
 * maru_doorbell_kick() - Tell the card that a ring of group 0 has a new tail.
 * @mdev: device.
 * @slot: of group 0.
 *
 * The tail must be stored already. Costs a trap only when the card sleeps.
 *
 * Context: any.
 */
static inline void maru_doorbell_kick(struct maru_device *mdev, u32 slot)
{
	int idx;

	if (!drm_dev_enter(&mdev->drm, &idx))
		return;
	/* tail before kick; the card's partner: it stores kick = 0, fence, reads tail */
	wmb();
	WRITE_ONCE(mdev->group->kick[slot], 1);
	/* store → load: kick before need_wake; the card stores need_wake, fence, scans kicks */
	mb();
	if (READ_ONCE(mdev->group->need_wake))
		writel(1, mdev->wake);
	drm_dev_exit(idx);
}

#endif
