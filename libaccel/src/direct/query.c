// SPDX-License-Identifier: MIT
/* What DRM_IOCTL_MARU_QUERY tells, without a kernel to ask. */
#include <errno.h>
#include <string.h>

#include "direct.h"

union answer {
	struct drm_maru_device device;
	struct drm_maru_tier_info tiers[MARU_TIER_COUNT];
	struct drm_maru_engines engines;
	struct drm_maru_firmware firmware;
	struct drm_maru_limits limits;
	struct drm_maru_usage usage;
	struct drm_maru_clock clock;
	struct drm_maru_topology topology;
	struct drm_maru_resets resets;
};

static void tell_device(struct direct *direct, struct drm_maru_device *out)
{
	out->vendor = direct->identity & 0xffff;
	out->device = direct->identity >> 16;
	out->revision = direct->revision;
	out->contract = MARU_CONTRACT_MAJOR << 16 | MARU_CONTRACT_MINOR;
	pthread_mutex_lock(&direct->lock);
	out->boot_id = direct->boot_id;
	pthread_mutex_unlock(&direct->lock);
	memcpy(out->uuid, direct->caps.uuid, sizeof(out->uuid));
}

static void tell_tiers(struct direct *direct, struct drm_maru_tier_info *out)
{
	pthread_mutex_lock(&direct->memory_lock);
	for (uint32_t tier = 0; tier < MARU_TIER_COUNT; tier++) {
		out[tier].tier = tier;
		out[tier].flags = direct->heaps[tier].bytes > 0;
		out[tier].bytes = direct->heaps[tier].bytes;
		out[tier].used_bytes = direct->heaps[tier].used;
	}
	pthread_mutex_unlock(&direct->memory_lock);
}

static void tell_engines(struct direct *direct, struct drm_maru_engines *out)
{
	out->classes = direct->caps.engines.classes;
	out->threads = direct->caps.engines.threads;
	out->units = direct->caps.engines.units;
}

static void tell_firmware(struct direct *direct, struct drm_maru_firmware *out)
{
	out->version = direct->caps.firmware.version;
	out->profile = direct->caps.numerics.profile;
	memcpy(out->build, direct->caps.firmware.build, sizeof(out->build));
	memcpy(out->library, direct->caps.numerics.library, sizeof(out->library));
}

static void tell_limits(struct direct *direct, struct drm_maru_limits *out)
{
	out->vms = direct->caps.limits.vms;
	out->queues = direct->caps.limits.queues;
	out->jobs_per_submit = DIRECT_JOBS;
	out->ops_per_bind = DIRECT_BINDS;
	out->syncs_per_call = DIRECT_SYNCS;
	out->command_bytes = direct->caps.limits.command_bytes;
	out->time_limit_default_ms = DIRECT_LIMIT_MS;
	out->time_limit_max_ms = DIRECT_LIMIT_MAX_MS;
	out->va_start = DIRECT_VA_START;
	out->va_end = DIRECT_VA_END;
	out->pinned_bytes = direct->caps.tiers[MARU_TIER_HBM].bytes / 8;
}

static int tell_usage(struct direct *direct, struct drm_maru_usage *out)
{
	struct maru_telemetry in;
	uint32_t bytes;
	int error = direct_admin_ask(direct, MARU_ADMIN_TELEMETRY, 0, &in, sizeof(in), &bytes);

	if (!error && bytes < sizeof(in))
		error = -EIO;
	if (error)
		return error;
	out->card_ns = in.card_ns;
	out->model_ns = in.model_ns;
	out->jobs = in.jobs;
	out->packets = in.packets;
	out->faults = in.faults;
	out->errors = in.errors;
	out->queue_resets = in.queue_resets;
	out->wakes = in.wakes;
	memcpy(out->busy_ns, in.busy_ns, sizeof(out->busy_ns));
	memcpy(out->read_bytes, in.read_bytes, sizeof(out->read_bytes));
	memcpy(out->write_bytes, in.write_bytes, sizeof(out->write_bytes));
	return 0;
}

static int tell_clock(struct direct *direct, struct drm_maru_clock *out)
{
	struct maru_admin_sqe sqe = { .op = MARU_ADMIN_CLOCK };
	uint64_t value[2] = { 0 };
	int64_t before = direct_now_ns(), after;
	int error = direct_admin(direct, &sqe, value);

	after = direct_now_ns();
	out->card_ns = value[0];
	out->model_ns = value[1];
	out->monotonic_ns = (uint64_t)(before + (after - before) / 2);
	out->uncertainty_ns = (uint64_t)(after - before);
	return error;
}

static void tell_resets(struct direct *direct, struct drm_maru_resets *out)
{
	pthread_mutex_lock(&direct->lock);
	out->card_resets = direct->card_resets;
	out->queue_resets = direct->queue_resets;
	out->wedged = direct->error == -EIO;
	pthread_mutex_unlock(&direct->lock);
}

static int tell(struct direct *direct, uint32_t id, union answer *out, uint32_t *bytes)
{
	switch (id) {
	case DRM_MARU_QUERY_DEVICE:
		*bytes = sizeof(out->device);
		tell_device(direct, &out->device);
		return 0;
	case DRM_MARU_QUERY_TIERS:
		*bytes = sizeof(out->tiers);
		tell_tiers(direct, out->tiers);
		return 0;
	case DRM_MARU_QUERY_ENGINES:
		*bytes = sizeof(out->engines);
		tell_engines(direct, &out->engines);
		return 0;
	case DRM_MARU_QUERY_FIRMWARE:
		*bytes = sizeof(out->firmware);
		tell_firmware(direct, &out->firmware);
		return 0;
	case DRM_MARU_QUERY_LIMITS:
		*bytes = sizeof(out->limits);
		tell_limits(direct, &out->limits);
		return 0;
	case DRM_MARU_QUERY_USAGE:
		*bytes = sizeof(out->usage);
		return tell_usage(direct, &out->usage);
	case DRM_MARU_QUERY_CLOCK:
		*bytes = sizeof(out->clock);
		return tell_clock(direct, &out->clock);
	case DRM_MARU_QUERY_TOPOLOGY:
		*bytes = sizeof(out->topology);
		out->topology.numa_node = -1;	/* of no bus */
		return 0;
	case DRM_MARU_QUERY_RESETS:
		*bytes = sizeof(out->resets);
		tell_resets(direct, &out->resets);
		return 0;
	case DRM_MARU_QUERY_NAMESPACES:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

static int is_gone(struct direct *direct)
{
	int error;

	pthread_mutex_lock(&direct->lock);
	error = direct->error == -ENODEV ? -ENODEV : 0;
	pthread_mutex_unlock(&direct->lock);
	return error;
}

int direct_query(struct accel_device *device, uint32_t id, void *out, uint32_t *bytes)
{
	struct direct *direct = direct_of(device);
	uint32_t room = *bytes, size = 0;
	union answer answer;
	const void *from = &answer;
	int error;

	if (atomic_load(&direct->is_forked))
		return -ENODEV;
	error = is_gone(direct);
	if (error)
		return error;
	memset(&answer, 0, sizeof(answer));
	if (id == DRM_MARU_QUERY_OPS) {
		from = direct->ops;
		size = direct->ops_bytes;
	} else {
		error = tell(direct, id, &answer, &size);
	}
	if (error)
		return error;
	if (room)
		memcpy(out, from, room < size ? room : size);
	*bytes = size;
	return 0;
}
