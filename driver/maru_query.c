// SPDX-License-Identifier: GPL-2.0-only
/*
 * DRM_IOCTL_MARU_QUERY: what the device is, and what it does.
 */
#include <drm/drm_drv.h>
#include <drm/maru_accel.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "maru_admin.h"
#include "maru_device.h"
#include "maru_file.h"
#include "maru_fw.h"
#include "maru_query.h"
#include "maru_queue.h"
#include "maru_reset.h"
#include "maru_vram.h"

/**
 * struct maru_answer - What goes to user space.
 * @data: answer; @fixed or memory that lives as long as the device.
 * @bytes: of it.
 * @fixed: room for all answers but the op table.
 */
struct maru_answer {
	const void *data;
	u32 bytes;
	union {
		struct drm_maru_device device;
		struct drm_maru_tier_info tiers[3];
		struct drm_maru_engines engines;
		struct drm_maru_firmware firmware;
		struct drm_maru_limits limits;
		struct drm_maru_usage usage;
		struct drm_maru_clock clock;
		struct drm_maru_topology topology;
		struct drm_maru_resets resets;
	} fixed;
};

static void maru_query_set(struct maru_answer *answer, u32 bytes)
{
	answer->data = &answer->fixed;
	answer->bytes = bytes;
}

static int maru_query_device(struct maru_device *mdev, struct maru_answer *answer)
{
	struct drm_maru_device *out = &answer->fixed.device;

	out->vendor = mdev->pdev->vendor;
	out->device = mdev->pdev->device;
	out->revision = mdev->pdev->revision;
	out->contract = MARU_CONTRACT_MAJOR << 16 | MARU_CONTRACT_MINOR;
	out->boot_id = READ_ONCE(mdev->boot_id);
	memcpy(out->uuid, mdev->caps.uuid, sizeof(out->uuid));
	maru_query_set(answer, sizeof(*out));
	return 0;
}

static int maru_query_tiers(struct maru_device *mdev, struct maru_answer *answer)
{
	struct drm_maru_tier_info *out = answer->fixed.tiers;

	for (int tier = 0; tier < ARRAY_SIZE(mdev->caps.tiers); tier++) {
		out[tier].tier = tier;
		out[tier].bytes = mdev->caps.tiers[tier].bytes;
		out[tier].used_bytes = maru_vram_used(mdev, tier);
	}
	out[DRM_MARU_TIER_HBM].flags = 1;
	out[DRM_MARU_TIER_SYSTEM].tier = DRM_MARU_TIER_SYSTEM;
	out[DRM_MARU_TIER_SYSTEM].flags = 1;
	out[DRM_MARU_TIER_SYSTEM].bytes = (u64)totalram_pages() << PAGE_SHIFT;
	out[DRM_MARU_TIER_SYSTEM].used_bytes = atomic64_read(&mdev->counters.system_bytes);
	maru_query_set(answer, sizeof(answer->fixed.tiers));
	return 0;
}

static int maru_query_engines(struct maru_device *mdev, struct maru_answer *answer)
{
	struct drm_maru_engines *out = &answer->fixed.engines;

	out->classes = mdev->caps.engines.classes;
	out->threads = mdev->caps.engines.threads;
	out->units = mdev->caps.engines.units;
	maru_query_set(answer, sizeof(*out));
	return 0;
}

static int maru_query_firmware(struct maru_device *mdev, struct maru_answer *answer)
{
	struct drm_maru_firmware *out = &answer->fixed.firmware;

	out->version = mdev->caps.firmware.version;
	out->profile = mdev->caps.numerics.profile;
	strscpy_pad(out->build, mdev->caps.firmware.build, sizeof(out->build));
	strscpy_pad(out->library, mdev->caps.numerics.library, sizeof(out->library));
	maru_query_set(answer, sizeof(*out));
	return 0;
}

static int maru_query_limits(struct maru_device *mdev, struct maru_answer *answer)
{
	struct drm_maru_limits *out = &answer->fixed.limits;

	out->vms = mdev->caps.limits.vms;
	out->queues = maru_queue_limit(mdev);
	out->jobs_per_submit = MARU_MAX_JOBS;
	out->ops_per_bind = MARU_MAX_BIND_OPS;
	out->syncs_per_call = MARU_MAX_SYNCS;
	out->command_bytes = mdev->caps.limits.command_bytes;
	out->time_limit_default_ms = MARU_TIME_LIMIT_DEFAULT_MS;
	out->time_limit_max_ms = MARU_TIME_LIMIT_MAX_MS;
	out->va_start = MARU_VA_START;
	out->va_end = MARU_VA_END;
	out->pinned_bytes = maru_file_pin_limit(mdev);
	maru_query_set(answer, sizeof(*out));
	return 0;
}

static int maru_query_ops(struct maru_device *mdev, struct maru_answer *answer)
{
	answer->data = mdev->fw->ops;
	answer->bytes = mdev->fw->ops_bytes;
	return 0;
}

static void maru_query_copy_usage(struct drm_maru_usage *out, const struct maru_telemetry *in)
{
	out->card_ns = in->card_ns;
	out->model_ns = in->model_ns;
	out->jobs = in->jobs;
	out->packets = in->packets;
	out->faults = in->faults;
	out->errors = in->errors;
	out->queue_resets = in->queue_resets;
	out->wakes = in->wakes;
	memcpy(out->busy_ns, in->busy_ns, sizeof(out->busy_ns));
	memcpy(out->read_bytes, in->read_bytes, sizeof(out->read_bytes));
	memcpy(out->write_bytes, in->write_bytes, sizeof(out->write_bytes));
}

static int maru_query_usage(struct maru_device *mdev, struct maru_answer *answer)
{
	struct maru_admin_sqe sqe = { .op = MARU_ADMIN_TELEMETRY };
	u64 value[2];
	int ret, idx;

	/* one buffer of the device: who asks waits for whoever asked before */
	ret = mutex_lock_interruptible(&mdev->fw->telemetry_lock);
	if (ret)
		return ret;
	sqe.buffer.bytes = sizeof(*mdev->fw->telemetry);
	sqe.buffer.buffer = MARU_ENTRY(MARU_TIER_HOST, mdev->fw->telemetry_dma);
	ret = maru_admin_call(mdev, &sqe, value);
	if (!ret && value[0] < sizeof(*mdev->fw->telemetry))
		ret = -EIO;
	if (!ret && !drm_dev_enter(&mdev->drm, &idx))
		ret = -ENODEV;
	if (!ret) {
		maru_query_copy_usage(&answer->fixed.usage, mdev->fw->telemetry);
		drm_dev_exit(idx);
	}
	mutex_unlock(&mdev->fw->telemetry_lock);
	maru_query_set(answer, sizeof(answer->fixed.usage));
	return ret;
}

static int maru_query_clock(struct maru_device *mdev, struct maru_answer *answer)
{
	struct maru_admin_sqe sqe = { .op = MARU_ADMIN_CLOCK };
	struct drm_maru_clock *out = &answer->fixed.clock;
	u64 before, after, value[2];
	int ret;

	before = ktime_get_ns();
	ret = maru_admin_call(mdev, &sqe, value);
	after = ktime_get_ns();
	out->card_ns = value[0];
	out->model_ns = value[1];
	out->monotonic_ns = before + (after - before) / 2;
	out->uncertainty_ns = after - before;
	maru_query_set(answer, sizeof(*out));
	return ret;
}

static int maru_query_topology(struct maru_device *mdev, struct maru_answer *answer)
{
	struct drm_maru_topology *out = &answer->fixed.topology;
	struct pci_dev *pdev = mdev->pdev;

	out->domain = pci_domain_nr(pdev->bus);
	out->bus = pdev->bus->number;
	out->slot = PCI_SLOT(pdev->devfn);
	out->function = PCI_FUNC(pdev->devfn);
	out->numa_node = dev_to_node(&pdev->dev);
	maru_query_set(answer, sizeof(*out));
	return 0;
}

static int maru_query_resets(struct maru_device *mdev, struct maru_answer *answer)
{
	struct drm_maru_resets *out = &answer->fixed.resets;

	out->card_resets = atomic_read(&mdev->reset->card_resets);
	out->queue_resets = atomic_read(&mdev->reset->queue_resets);
	out->wedged = READ_ONCE(mdev->wedged);
	maru_query_set(answer, sizeof(*out));
	return 0;
}

static int (* const maru_queries[])(struct maru_device *, struct maru_answer *) = {
	[DRM_MARU_QUERY_DEVICE]	  = maru_query_device,
	[DRM_MARU_QUERY_TIERS]	  = maru_query_tiers,
	[DRM_MARU_QUERY_ENGINES]  = maru_query_engines,
	[DRM_MARU_QUERY_FIRMWARE] = maru_query_firmware,
	[DRM_MARU_QUERY_LIMITS]	  = maru_query_limits,
	[DRM_MARU_QUERY_OPS]	  = maru_query_ops,
	[DRM_MARU_QUERY_USAGE]	  = maru_query_usage,
	[DRM_MARU_QUERY_CLOCK]	  = maru_query_clock,
	[DRM_MARU_QUERY_TOPOLOGY] = maru_query_topology,
	[DRM_MARU_QUERY_RESETS]	  = maru_query_resets,
};

/* As much as fits, zeros behind it. */
static int maru_query_copy_out(const struct maru_answer *answer, void __user *to, u32 size)
{
	u32 bytes = min(size, answer->bytes);

	if (copy_to_user(to, answer->data, bytes) || clear_user(to + bytes, size - bytes))
		return -EFAULT;
	return 0;
}

/**
 * maru_query_ioctl() - Answer DRM_IOCTL_MARU_QUERY.
 * @drm: device.
 * @data: struct drm_maru_query.
 * @file: caller.
 *
 * Return: as its uAPI text says.
 */
int maru_query_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct maru_device *mdev = to_maru_device(drm);
	struct drm_maru_query *args = data;
	struct maru_answer *answer;
	int ret;

	if (MARU_REFUSE(mdev, args->id == DRM_MARU_QUERY_NAMESPACES))
		return -EOPNOTSUPP;
	if (MARU_REFUSE(mdev, args->id >= ARRAY_SIZE(maru_queries)))
		return -EINVAL;

	answer = kzalloc(sizeof(*answer), GFP_KERNEL);
	if (!answer)
		return -ENOMEM;
	ret = maru_queries[array_index_nospec(args->id, ARRAY_SIZE(maru_queries))](mdev, answer);
	if (!ret && args->size)
		ret = maru_query_copy_out(answer, u64_to_user_ptr(args->ptr), args->size);
	if (!ret)
		args->size = answer->bytes;
	kfree(answer);
	return ret;
}
