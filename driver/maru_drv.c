// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: PCI driver, file operations, and the ioctls that get through.
 */
#include <drm/drm_accel.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_ioctl.h>
#include <drm/maru_accel.h>
#include <linux/module.h>
#include <linux/nospec.h>

#include "maru_bo.h"
#include "maru_device.h"
#include "maru_drv.h"
#include "maru_fdinfo.h"
#include "maru_file.h"
#include "maru_prime.h"
#include "maru_query.h"
#include "maru_queue.h"
#include "maru_reset.h"
#include "maru_vm.h"

static const struct drm_ioctl_desc maru_ioctls[] = {
	DRM_IOCTL_DEF_DRV(MARU_QUERY, maru_query_ioctl, 0),
	DRM_IOCTL_DEF_DRV(MARU_BO_CREATE, maru_bo_create_ioctl, 0),
	DRM_IOCTL_DEF_DRV(MARU_BO_MMAP, maru_bo_mmap_ioctl, 0),
	DRM_IOCTL_DEF_DRV(MARU_BO_INFO, maru_bo_info_ioctl, 0),
	DRM_IOCTL_DEF_DRV(MARU_BO_WAIT, maru_bo_wait_ioctl, 0),
	DRM_IOCTL_DEF_DRV(MARU_VM_CREATE, maru_vm_create_ioctl, 0),
	DRM_IOCTL_DEF_DRV(MARU_VM_DESTROY, maru_vm_destroy_ioctl, 0),
	DRM_IOCTL_DEF_DRV(MARU_VM_BIND, maru_vm_bind_ioctl, 0),
	DRM_IOCTL_DEF_DRV(MARU_QUEUE_CREATE, maru_queue_create_ioctl, 0),
	DRM_IOCTL_DEF_DRV(MARU_QUEUE_DESTROY, maru_queue_destroy_ioctl, 0),
	DRM_IOCTL_DEF_DRV(MARU_QUEUE_SET, maru_queue_set_ioctl, 0),
	DRM_IOCTL_DEF_DRV(MARU_QUEUE_INFO, maru_queue_info_ioctl, 0),
	DRM_IOCTL_DEF_DRV(MARU_SUBMIT, maru_submit_ioctl, 0),
};

/*
 * Accel nodes have no master, and some core ioctls dereference it: only these pass. Everything
 * on the list is safe for a user who may open the node and has no other right.
 */
static bool maru_ioctl_is_listed(unsigned int nr)
{
	switch (nr) {
	case DRM_IOCTL_NR(DRM_IOCTL_VERSION):
	case DRM_IOCTL_NR(DRM_IOCTL_GET_CAP):
	case MARU_NR_SET_CLIENT_NAME:
	case DRM_IOCTL_NR(DRM_IOCTL_GEM_CLOSE):
	case DRM_IOCTL_NR(DRM_IOCTL_PRIME_HANDLE_TO_FD):
	case DRM_IOCTL_NR(DRM_IOCTL_PRIME_FD_TO_HANDLE):
	case DRM_IOCTL_NR(DRM_IOCTL_SYNCOBJ_CREATE):
	case DRM_IOCTL_NR(DRM_IOCTL_SYNCOBJ_DESTROY):
	case DRM_IOCTL_NR(DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD):
	case DRM_IOCTL_NR(DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE):
	case DRM_IOCTL_NR(DRM_IOCTL_SYNCOBJ_WAIT):
	case DRM_IOCTL_NR(DRM_IOCTL_SYNCOBJ_RESET):
	case DRM_IOCTL_NR(DRM_IOCTL_SYNCOBJ_SIGNAL):
	case DRM_IOCTL_NR(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT):
	case DRM_IOCTL_NR(DRM_IOCTL_SYNCOBJ_QUERY):
	case DRM_IOCTL_NR(DRM_IOCTL_SYNCOBJ_TRANSFER):
	case DRM_IOCTL_NR(DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL):
	case DRM_IOCTL_NR(DRM_IOCTL_SYNCOBJ_EVENTFD):
		return true;
	}
	if (nr < DRM_COMMAND_BASE || nr - DRM_COMMAND_BASE >= ARRAY_SIZE(maru_ioctls))
		return false;
	nr = array_index_nospec(nr - DRM_COMMAND_BASE, ARRAY_SIZE(maru_ioctls));
	return maru_ioctls[nr].func;
}

static int maru_ioctl_check(struct file *filp, unsigned int cmd)
{
	struct drm_file *file = filp->private_data;

	if (maru_device_is_gone(to_maru_device(file->minor->dev)))
		return -ENODEV;
	if (DRM_IOCTL_TYPE(cmd) != DRM_IOCTL_BASE || !maru_ioctl_is_listed(DRM_IOCTL_NR(cmd)))
		return -ENOTTY;
	return 0;
}

static long maru_ioctl_run(struct file *filp, unsigned int cmd, unsigned long arg,
			   long (*run)(struct file *filp, unsigned int cmd, unsigned long arg))
{
	struct drm_file *file = filp->private_data;
	long ret = maru_ioctl_check(filp, cmd) ?: run(filp, cmd, arg);

	/* binds that are over may still have tables that they did not need */
	if (ret == -EDQUOT)
		ret = maru_file_settle(file->driver_priv) ?: run(filp, cmd, arg);
	return ret;
}

static long maru_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	return maru_ioctl_run(filp, cmd, arg, drm_ioctl);
}

#ifdef CONFIG_COMPAT
static long maru_compat_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	return maru_ioctl_run(filp, cmd, arg, drm_compat_ioctl);
}
#else
#define maru_compat_ioctl NULL
#endif

static int maru_open(struct drm_device *drm, struct drm_file *drm_file)
{
	struct maru_device *mdev = to_maru_device(drm);
	struct maru_file *file = kzalloc(sizeof(*file), GFP_KERNEL);

	if (!file)
		return -ENOMEM;
	file->mdev = mdev;
	file->drm_file = drm_file;
	xa_init_flags(&file->vms, XA_FLAGS_ALLOC1);
	xa_init_flags(&file->queues, XA_FLAGS_ALLOC1);
	atomic_inc(&mdev->counters.files);
	drm_file->driver_priv = file;
	return 0;
}

static void maru_postclose(struct drm_device *drm, struct drm_file *drm_file)
{
	struct maru_device *mdev = to_maru_device(drm);
	struct maru_file *file = drm_file->driver_priv;

	maru_queue_close_file(file);
	maru_vm_close_file(file);
	xa_destroy(&file->queues);
	xa_destroy(&file->vms);
	kfree(file);
	atomic_dec(&mdev->counters.files);
}

static const struct file_operations maru_fops = {
	.owner = THIS_MODULE,
	/* DRM_ACCEL_FOPS, but for the filter */
	.open = accel_open,
	.release = drm_release,
	.unlocked_ioctl = maru_ioctl,
	.compat_ioctl = maru_compat_ioctl,
	.poll = drm_poll,
	.read = drm_read,
	.llseek = noop_llseek,
	.mmap = maru_bo_mmap,
	.fop_flags = FOP_UNSIGNED_OFFSET,
	.show_fdinfo = drm_show_fdinfo,
};

const struct drm_driver maru_drm_driver = {
	.driver_features = DRIVER_COMPUTE_ACCEL | DRIVER_GEM | DRIVER_SYNCOBJ |
			   DRIVER_SYNCOBJ_TIMELINE | MARU_DRIVER_FEATURES,
	.open = maru_open,
	.postclose = maru_postclose,
	.prime_handle_to_fd = maru_prime_handle_to_fd,
	.prime_fd_to_handle = maru_prime_fd_to_handle,
	.gem_prime_import_sg_table = maru_prime_import_sg_table,
	.show_fdinfo = maru_fdinfo_show,
	.ioctls = maru_ioctls,
	.num_ioctls = ARRAY_SIZE(maru_ioctls),
	.fops = &maru_fops,
	.name = "maru",
	.desc = "Memory-centric Accelerator Reference Unit",
	MARU_DRIVER_DATE
	.major = 1,
};

static int maru_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct maru_device *mdev = maru_device_create(pdev);

	if (IS_ERR(mdev))
		return dev_err_probe(&pdev->dev, PTR_ERR(mdev), "probe failed\n");
	return 0;
}

static void maru_remove(struct pci_dev *pdev)
{
	maru_device_remove(pci_get_drvdata(pdev));
}

/* Function-level reset through sysfs: the two halves of a card reset around it. */
static void maru_reset_prepare_flr(struct pci_dev *pdev)
{
	struct maru_device *mdev = pci_get_drvdata(pdev);

	maru_reset_lock(mdev);
	maru_reset_prepare(mdev);
}

static void maru_reset_done_flr(struct pci_dev *pdev)
{
	struct maru_device *mdev = pci_get_drvdata(pdev);

	maru_reset_finish(mdev);
	maru_reset_unlock(mdev);
}

static const struct pci_error_handlers maru_error_handlers = {
	.reset_prepare = maru_reset_prepare_flr,
	.reset_done = maru_reset_done_flr,
};

static const struct pci_device_id maru_pci_ids[] = {
	{ PCI_DEVICE(MARU_PCI_VENDOR, MARU_PCI_DEVICE) },
	{ }
};
MODULE_DEVICE_TABLE(pci, maru_pci_ids);

static struct pci_driver maru_pci_driver = {
	.name = "maru",
	.id_table = maru_pci_ids,
	.probe = maru_probe,
	.remove = maru_remove,
	.shutdown = maru_remove,
	.err_handler = &maru_error_handlers,
};
module_pci_driver(maru_pci_driver);

MODULE_DESCRIPTION("DRM accel driver of the Memory-centric Accelerator Reference Unit");
MARU_IMPORT_NS_DMA_BUF;
MODULE_LICENSE("GPL");
