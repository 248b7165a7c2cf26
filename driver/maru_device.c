// SPDX-License-Identifier: GPL-2.0-only
/*
 * One card: what is brought up at probe, in which order, and how it ends.
 */
#include <drm/drm_managed.h>
#include <linux/dma-mapping.h>

#include "maru_admin.h"
#include "maru_bo.h"
#include "maru_debugfs.h"
#include "maru_device.h"
#include "maru_drv.h"
#include "maru_event.h"
#include "maru_fw.h"
#include "maru_irq.h"
#include "maru_migrate.h"
#include "maru_queue.h"
#include "maru_reset.h"
#include "maru_tt.h"
#include "maru_ttm.h"
#include "maru_vm.h"

#define MARU_DMA_BITS		56	/* MARU_PTE_ADDR_MASK */

static int maru_device_init_bars(struct maru_device *mdev)
{
	struct pci_dev *pdev = mdev->pdev;
	int ret;

	mdev->memory_base = pci_resource_start(pdev, MARU_BAR_MEMORY);
	mdev->memory_bytes = pci_resource_len(pdev, MARU_BAR_MEMORY);
	if (!mdev->memory_base || !mdev->memory_bytes) {
		dev_err(&pdev->dev,
			"BAR 2 has no address: QEMU wants -cpu max,phys-bits=46 for this card\n");
		return -ENXIO;
	}
	if (pci_resource_len(pdev, MARU_BAR_REGS) < MARU_REGS_BYTES ||
	    pci_resource_len(pdev, MARU_BAR_WAKE) < MARU_WAKE_BYTES)
		return -ENODEV;

	ret = pcim_request_all_regions(pdev, "maru");
	if (ret)
		return ret;
	mdev->regs = pcim_iomap(pdev, MARU_BAR_REGS, 0);
	mdev->wake = pcim_iomap(pdev, MARU_BAR_WAKE, 0);
	if (!mdev->regs || !mdev->wake)
		return -ENOMEM;
	if (readl(mdev->regs + MARU_REG_MAGIC) != MARU_MAGIC) {
		dev_err(&pdev->dev, "not a MARU card\n");
		return -ENODEV;
	}
	return 0;
}

static int maru_device_init_pci(struct maru_device *mdev)
{
	int ret;

	ret = pcim_enable_device(mdev->pdev);
	if (ret)
		return ret;
	ret = maru_device_init_bars(mdev);
	if (ret)
		return ret;
	ret = dma_set_mask_and_coherent(mdev->drm.dev, DMA_BIT_MASK(MARU_DMA_BITS));
	if (ret)
		return ret;
	dma_set_max_seg_size(mdev->drm.dev, UINT_MAX);
	dma_set_seg_boundary(mdev->drm.dev, ULONG_MAX);
	pci_set_master(mdev->pdev);
	return 0;
}

static void maru_device_free_workqueue(struct drm_device *drm, void *workqueue)
{
	destroy_workqueue(workqueue);
}

static int maru_device_init_workqueues(struct maru_device *mdev)
{
	int ret;

	mdev->submit_wq = alloc_workqueue("maru-submit", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!mdev->submit_wq)
		return -ENOMEM;
	ret = drmm_add_action_or_reset(&mdev->drm, maru_device_free_workqueue, mdev->submit_wq);
	if (ret)
		return ret;
	mdev->timeout_wq = alloc_ordered_workqueue("maru-timeout", WQ_MEM_RECLAIM);
	if (!mdev->timeout_wq)
		return -ENOMEM;
	return drmm_add_action_or_reset(&mdev->drm, maru_device_free_workqueue, mdev->timeout_wq);
}

static int maru_device_init_life(struct maru_device *mdev)
{
	int ret;

	INIT_LIST_HEAD(&mdev->bos);
	spin_lock_init(&mdev->bos_lock);
	init_rwsem(&mdev->place_sem);
	init_rwsem(&mdev->share_sem);
	maru_tt_init_device(mdev);
	ret = maru_device_init_workqueues(mdev);
	if (ret)
		return ret;
	ret = maru_device_init_pci(mdev);
	if (ret)
		return ret;
	ret = maru_reset_init(mdev);
	if (ret)
		return ret;
	ret = maru_admin_init(mdev);
	if (ret)
		return ret;
	ret = maru_event_init(mdev);
	if (ret)
		return ret;
	ret = maru_irq_init(mdev);
	if (ret)
		return ret;
	return maru_fw_init(mdev);
}

static int maru_device_init_rooms(struct maru_device *mdev)
{
	int ret;

	ret = maru_ttm_init(mdev);
	if (ret)
		return ret;
	ret = maru_vm_init(mdev);
	if (ret)
		return ret;
	ret = maru_queue_init(mdev);
	if (ret)
		return ret;
	return maru_migrate_init(mdev);
}

/* Resets, and loss, wait until there is everybody whom they tell. */
static int maru_device_boot(struct maru_device *mdev)
{
	int ret;

	maru_reset_lock(mdev);
	ret = maru_fw_boot(mdev);
	if (!ret) {
		maru_admin_open(mdev);
		ret = maru_device_init_rooms(mdev);
	}
	if (!ret) {
		maru_debugfs_init(mdev);
		ret = drm_dev_register(&mdev->drm, 0);
	}
	if (ret)
		set_bit(MARU_RESET_FLAG_CLOSED, &mdev->reset->flags);
	maru_reset_unlock(mdev);
	return ret;
}

/**
 * maru_device_remove() - Take a card away from its users, who may still hold files.
 * @mdev: device.
 *
 * All work ends, and the card forgets the memory that is given back after this.
 *
 * Context: remove, shutdown, a probe that failed; also after the card was lost.
 */
void maru_device_remove(struct maru_device *mdev)
{
	bool lost = maru_reset_fini(mdev);

	/* who sleeps inside drm_dev_enter() waits for a command: end those first */
	maru_admin_close(mdev, -ENODEV);
	if (!lost && mdev->drm.registered)
		drm_dev_unplug(&mdev->drm);
	maru_queue_fail_all(mdev, -ENODEV);
	maru_fw_quiesce(mdev);
	maru_bo_forget_all(mdev);
	maru_tt_forget_all(mdev);
}

/**
 * maru_device_create() - Bring a card up to where user space may open it.
 * @pdev: PCI device.
 *
 * Everything is undone by the device's own resources when it fails or is unbound.
 *
 * Context: probe.
 * Return: the device, or ERR_PTR: -ENXIO a BAR without address; -ENODEV no card of this
 * contract; -EIO, -ETIME the firmware does not boot; -ENOMEM; of the PCI core.
 */
struct maru_device *maru_device_create(struct pci_dev *pdev)
{
	struct maru_device *mdev;
	int ret;

	mdev = devm_drm_dev_alloc(&pdev->dev, &maru_drm_driver, struct maru_device, drm);
	if (IS_ERR(mdev))
		return mdev;
	mdev->pdev = pdev;
	pci_set_drvdata(pdev, mdev);

	ret = maru_device_init_life(mdev);
	if (ret)
		return ERR_PTR(ret);
	ret = maru_device_boot(mdev);
	if (ret) {
		maru_device_remove(mdev);
		return ERR_PTR(ret);
	}
	return mdev;
}
