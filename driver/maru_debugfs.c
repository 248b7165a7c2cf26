// SPDX-License-Identifier: GPL-2.0-only
/*
 * debugfs: counters that a leak shows in, tables of what lives on the card, and the time of the
 * shortest round trip. Root only, as debugfs is.
 */
#include <drm/drm_debugfs.h>
#include <drm/drm_file.h>
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "maru_admin.h"
#include "maru_debugfs.h"
#include "maru_device.h"
#include "maru_reset.h"

#define MARU_DEBUGFS_ROUNDS	200

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

static int maru_debugfs_compare(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return (x > y) - (x < y);
}

static int maru_debugfs_measure(struct maru_device *mdev, u32 *ns)
{
	for (int i = 0; i < MARU_DEBUGFS_ROUNDS; i++) {
		struct maru_admin_sqe sqe = { .op = MARU_ADMIN_NOP };
		ktime_t begin = ktime_get();
		int ret = maru_admin_call(mdev, &sqe, NULL);

		if (ret)
			return ret;
		if (signal_pending(current))
			return -EINTR;
		ns[i] = min_t(s64, ktime_to_ns(ktime_sub(ktime_get(), begin)), U32_MAX);
	}
	return 0;
}

/*
 * The shortest way to the card and back: doorbell, interrupt, wake-up of who waits. What a job
 * costs beyond that is the driver's and the scheduler's.
 */
static int maru_debugfs_doorbell(struct seq_file *m, void *data)
{
	u32 *ns = kmalloc_array(MARU_DEBUGFS_ROUNDS, sizeof(*ns), GFP_KERNEL);
	u64 sum = 0;
	int ret;

	if (!ns)
		return -ENOMEM;
	ret = maru_debugfs_measure(maru_debugfs_device(m), ns);
	if (!ret) {
		sort(ns, MARU_DEBUGFS_ROUNDS, sizeof(*ns), maru_debugfs_compare, NULL);
		for (int i = 0; i < MARU_DEBUGFS_ROUNDS; i++)
			sum += ns[i];
		seq_printf(m, "rounds %d\n", MARU_DEBUGFS_ROUNDS);
		seq_printf(m, "min_ns %u\n", ns[0]);
		seq_printf(m, "median_ns %u\n", ns[MARU_DEBUGFS_ROUNDS / 2]);
		seq_printf(m, "mean_ns %llu\n", sum / MARU_DEBUGFS_ROUNDS);
	}
	kfree(ns);
	return ret;
}

static const struct drm_debugfs_info maru_debugfs_files[] = {
	{ "objects", maru_debugfs_objects },
	{ "queues", maru_debugfs_queues },
	{ "vms", maru_debugfs_vms },
	{ "firmware", maru_debugfs_firmware },
	{ "doorbell", maru_debugfs_doorbell },
};

/**
 * maru_debugfs_init() - Show the device in debugfs, below accel/ and its PCI address.
 * @mdev: device, not registered yet.
 */
void maru_debugfs_init(struct maru_device *mdev)
{
	drm_debugfs_add_files(&mdev->drm, maru_debugfs_files, ARRAY_SIZE(maru_debugfs_files));
}
