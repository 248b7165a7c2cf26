// SPDX-License-Identifier: GPL-2.0-only
/*
 * debugfs: counters that a leak shows in, and tables of what lives on the card.
 */
#include <drm/drm_debugfs.h>
#include <drm/drm_file.h>
#include <linux/seq_file.h>

#include "maru_debugfs.h"
#include "maru_device.h"
#include "maru_reset.h"

static struct maru_device *maru_debugfs_device(struct seq_file *m)
{
	struct drm_debugfs_entry *entry = m->private;

	return to_maru_device(entry->dev);
}

static int maru_debugfs_objects(struct seq_file *m, void *data)
{
	struct maru_counters *counters = &maru_debugfs_device(m)->counters;

	seq_printf(m, "files %d\n", atomic_read(&counters->files));
	seq_printf(m, "bos %d\n", atomic_read(&counters->bos));
	seq_printf(m, "vms %d\n", atomic_read(&counters->vms));
	seq_printf(m, "queues %d\n", atomic_read(&counters->queues));
	seq_printf(m, "jobs %d\n", atomic_read(&counters->jobs));
	seq_printf(m, "fences %d\n", atomic_read(&counters->fences));
	seq_printf(m, "bo_bytes %lld\n", (s64)atomic64_read(&counters->bo_bytes));
	seq_printf(m, "pinned_bytes %lld\n", (s64)atomic64_read(&counters->pinned_bytes));
	return 0;
}

static int maru_debugfs_queues(struct seq_file *m, void *data)
{
	struct maru_device *mdev = maru_debugfs_device(m);
	struct maru_queue *queue;
	unsigned long id;

	seq_puts(m, "queue vm class priority state submitted tail\n");
	xa_lock_irq(&mdev->queues);
	xa_for_each(&mdev->queues, id, queue)
		seq_printf(m, "%u %u %u %u %u %lld %llu\n", queue->id,
			   queue->vm ? queue->vm->id : 0, queue->cls, queue->priority,
			   queue->state, (s64)atomic64_read(&queue->submitted),
			   READ_ONCE(queue->tail));
	xa_unlock_irq(&mdev->queues);
	return 0;
}

static int maru_debugfs_vms(struct seq_file *m, void *data)
{
	struct maru_device *mdev = maru_debugfs_device(m);
	struct maru_vm *vm;
	unsigned long id;

	seq_puts(m, "vm queues start bytes unusable\n");
	xa_lock(&mdev->vms);
	xa_for_each(&mdev->vms, id, vm)
		seq_printf(m, "%u %d 0x%llx 0x%llx %d\n", vm->id, atomic_read(&vm->queues),
			   vm->va_start, vm->va_bytes, vm->unusable);
	xa_unlock(&mdev->vms);
	return 0;
}

static int maru_debugfs_firmware(struct seq_file *m, void *data)
{
	struct maru_device *mdev = maru_debugfs_device(m);
	const struct maru_caps *caps = &mdev->caps;

	seq_printf(m, "boot_id %u\n", READ_ONCE(mdev->boot_id));
	seq_printf(m, "version %u.%u.%u\n", caps->firmware.version >> 16,
		   caps->firmware.version >> 8 & 0xff, caps->firmware.version & 0xff);
	seq_printf(m, "build %s\n", caps->firmware.build);
	seq_printf(m, "library %s\n", caps->numerics.library);
	seq_printf(m, "profile 0x%x\n", caps->numerics.profile);
	seq_printf(m, "hbm_bytes %llu\n", caps->tiers[MARU_TIER_HBM].bytes);
	seq_printf(m, "cxl_bytes %llu\n", caps->tiers[MARU_TIER_CXL].bytes);
	seq_printf(m, "threads %u\n", caps->engines.threads);
	seq_printf(m, "card_resets %d\n", atomic_read(&mdev->reset->card_resets));
	seq_printf(m, "queue_resets %d\n", atomic_read(&mdev->reset->queue_resets));
	seq_printf(m, "wedged %d\n", READ_ONCE(mdev->wedged));
	return 0;
}

static const struct drm_debugfs_info maru_debugfs_files[] = {
	{ "objects", maru_debugfs_objects },
	{ "queues", maru_debugfs_queues },
	{ "vms", maru_debugfs_vms },
	{ "firmware", maru_debugfs_firmware },
};

/**
 * maru_debugfs_init() - Show the device in debugfs, below accel/ and its PCI address.
 * @mdev: device, not registered yet.
 */
void maru_debugfs_init(struct maru_device *mdev)
{
	drm_debugfs_add_files(&mdev->drm, maru_debugfs_files, ARRAY_SIZE(maru_debugfs_files));
}
